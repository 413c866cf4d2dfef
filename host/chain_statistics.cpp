#include "host/chain_statistics.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/launch.hpp"

namespace lockstep {

ChainStatistics::ChainStatistics(const std::vector<Variable>& statistics, std::size_t chains, int threads)
    : statistics_(statistics), chains_(chains), threads_(threads), sums_(statistics.size() * chains), energies_(chains) {
  const auto energy =
      std::find_if(statistics.begin(), statistics.end(), [](const Variable& each) { return each.name == "energy"; });
  energy_ = std::size_t(energy - statistics.begin());
}

void ChainStatistics::add(std::size_t draws, std::span<const std::span<const double>> values) {
  parallel_for_ranges(chains_, threads_, [&](std::size_t begin, std::size_t end) {
    for (std::size_t s = 0; s < values.size(); ++s)
      for (std::size_t c = begin; c < end; ++c)
        for (std::size_t d = 0; d < draws; ++d) sums_[s * chains_ + c] += values[s][c * draws + d];
    for (std::size_t c = begin; c < end && energy_ < values.size(); ++c) {
      Energy& energy = energies_[c];
      for (std::size_t d = 0; d < draws; ++d) {
        const double now = values[energy_][c * draws + d], apart = now - energy.mean;
        if (draws_ + d > 0) energy.steps += (now - energy.last) * (now - energy.last);
        energy.last = now;
        energy.mean += apart / double(draws_ + d + 1);
        energy.squares += apart * (now - energy.mean);
      }
    }
  });
  draws_ += draws;
}

std::vector<Variable> ChainStatistics::variables() const {
  std::vector<Variable> all;
  const auto add_variable = [&](const std::string& name, ElementType type, const auto& value) {
    all.push_back({name, {"chain"}, {chains_}, type, std::vector<double>(chains_)});
    for (std::size_t c = 0; c < chains_; ++c) all.back().values[c] = value(c);
  };
  for (std::size_t s = 0; s < statistics_.size(); ++s) {
    const bool counted = statistics_[s].type == ElementType::boolean;
    add_variable(statistics_[s].name, counted ? ElementType::integer : ElementType::real,
                 [&](std::size_t c) { return sums_[s * chains_ + c] / (counted ? 1. : double(draws_)); });
  }
  if (energy_ == statistics_.size()) return all;
  add_variable("energy_sd", ElementType::real,
               [&](std::size_t c) { return std::sqrt(energies_[c].squares / (double(draws_) - 1)); });
  add_variable("ebfmi", ElementType::real, [&](std::size_t c) { return energies_[c].steps / energies_[c].squares; });
  return all;
}

}  // namespace lockstep
