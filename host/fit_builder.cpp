#include "host/fit_builder.hpp"

#include <algorithm>

#include "host/summary_groups.hpp"

namespace lockstep {

std::size_t Outline::number_of(std::string_view group) const {
  const auto found = std::find_if(draws.begin(), draws.end(), [&](const Draws& each) { return each.group.name == group; });
  return std::size_t(found - draws.begin());
}

Fit without_draws(const Outline& outline) {
  Fit fit;
  fit.chains = outline.chains;
  fit.superchain = outline.superchain;
  fit.dimensions = outline.dimensions;
  for (const Outline::Draws& each : outline.draws) fit.groups.push_back(each.group);
  for (const Group& each : outline.data) fit.groups.push_back(each);
  return fit;
}

std::vector<std::size_t> numbers_unless_all(std::vector<std::size_t> numbers, std::size_t draws) {
  bool all = numbers.size() == draws;
  for (std::size_t i = 0; all && i < numbers.size(); ++i) all = numbers[i] == i;
  if (all) numbers.clear();
  return numbers;
}

void FitBuilder::open(const Outline& outline) {
  fit_ = without_draws(outline);
  blocks_.resize(outline.draws.size());
  numbers_.resize(outline.draws.size());
}

void FitBuilder::append(std::size_t group, std::span<const std::size_t> numbers,
                        std::span<const std::span<const double>> values) {
  Block block{numbers.size(), {}};
  for (const std::span<const double>& each : values) block.values.emplace_back(each.begin(), each.end());
  blocks_[group].push_back(std::move(block));
  numbers_[group].insert(numbers_[group].end(), numbers.begin(), numbers.end());
}

void FitBuilder::close(const std::map<std::string, Attribute>& attributes) {
  fit_.attributes = attributes;
  fit_.draws = draws_summarised(attributes).value_or(0);
  for (std::size_t g = 0; g < blocks_.size(); ++g)
    if (fit_.groups[g].name == "posterior") fit_.draws = numbers_[g].size();
  for (std::size_t g = 0; g < blocks_.size(); ++g) {
    Group& group = fit_.groups[g];
    const std::size_t draws = numbers_[g].size();
    group.draw_numbers = numbers_unless_all(std::move(numbers_[g]), fit_.draws);
    for (std::size_t v = 0; v < group.variables.size(); ++v) {
      Variable& variable = group.variables[v];
      const std::size_t size = variable.size();
      variable.values.resize(fit_.chains * draws * size);
      std::size_t first = 0;
      for (Block& block : blocks_[g]) {
        for (std::size_t chain = 0; chain < fit_.chains; ++chain)
          std::copy_n(block.values[v].begin() + std::ptrdiff_t(chain * block.draws * size), block.draws * size,
                      variable.values.begin() + std::ptrdiff_t((chain * draws + first) * size));
        first += block.draws;
        block.values[v] = {};  // never more than one variable is there twice
      }
    }
  }
  blocks_.clear();
}

}  // namespace lockstep
