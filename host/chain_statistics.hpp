// The sampler's statistics of each chain, summed up while draws come.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/archive.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

class ChainStatistics {
 public:
  // `statistics`: one number for each draw each.
  ChainStatistics(const std::vector<Variable>& statistics, std::size_t chains, int threads);

  // The next draws of every chain: of each statistic [chain][draw].
  void add(std::size_t draws, std::span<const std::span<const double>> values);

  // One value for each chain along the dimension `chain`: a statistic's mean, or, if it is a boolean, how many are true;
  // and of the energy, if there is one, its sd `energy_sd` and `ebfmi` (host/diagnostics.hpp).
  std::vector<Variable> variables() const;

  void state(Archive& archive) { archive(draws_, sums_, energies_); }

 private:
  struct Energy {
    double mean = 0, squares = 0;  // of the deviations from it, summed
    double last = 0, steps = 0;    // squared differences from draw to draw, summed
  };

  std::vector<Variable> statistics_;
  std::size_t chains_;
  int threads_;
  std::size_t energy_;               // which statistic; statistics_.size(): none
  std::size_t draws_ = 0;            // of each chain
  std::vector<double> sums_;         // [statistic][chain]
  std::vector<Energy> energies_;     // per chain
};

}  // namespace lockstep
