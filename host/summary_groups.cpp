#include "host/summary_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "host/online_summary.hpp"

namespace lockstep {

namespace {

constexpr const char* statistic_dimension = "statistic";

// The figures, in the order in which they stand along `statistic`.
struct Statistic {
  const char* name;
  double& (*of)(ScalarSummary&);
};
constexpr Statistic statistics[] = {
    {"mean", [](ScalarSummary& s) -> double& { return s.diagnosis.mean; }},
    {"sd", [](ScalarSummary& s) -> double& { return s.diagnosis.sd; }},
    {"min", [](ScalarSummary& s) -> double& { return s.low; }},
    {"q2.5", [](ScalarSummary& s) -> double& { return s.quantiles[0]; }},
    {"q5", [](ScalarSummary& s) -> double& { return s.diagnosis.q5; }},
    {"q25", [](ScalarSummary& s) -> double& { return s.quantiles[1]; }},
    {"median", [](ScalarSummary& s) -> double& { return s.diagnosis.median; }},
    {"q75", [](ScalarSummary& s) -> double& { return s.quantiles[2]; }},
    {"q95", [](ScalarSummary& s) -> double& { return s.diagnosis.q95; }},
    {"q97.5", [](ScalarSummary& s) -> double& { return s.quantiles[3]; }},
    {"max", [](ScalarSummary& s) -> double& { return s.high; }},
    {"mcse_mean", [](ScalarSummary& s) -> double& { return s.diagnosis.mcse_mean; }},
    {"mcse_sd", [](ScalarSummary& s) -> double& { return s.diagnosis.mcse_sd; }},
    {"ess_mean", [](ScalarSummary& s) -> double& { return s.diagnosis.ess_mean; }},
    {"ess_bulk", [](ScalarSummary& s) -> double& { return s.diagnosis.ess_bulk; }},
    {"ess_tail", [](ScalarSummary& s) -> double& { return s.diagnosis.ess_tail; }},
    {"r_hat", [](ScalarSummary& s) -> double& { return s.diagnosis.r_hat; }},
    {"r_hat_split", [](ScalarSummary& s) -> double& { return s.diagnosis.r_hat_split; }},
    {"r_hat_nested", [](ScalarSummary& s) -> double& { return s.diagnosis.r_hat_nested; }},
    {"tau", [](ScalarSummary& s) -> double& { return s.diagnosis.tau; }},
};

}  // namespace

std::optional<std::size_t> draws_summarised(const std::map<std::string, Attribute>& attributes) {
  const auto found = attributes.find(summarised_draws);
  const double* const number = found == attributes.end() ? nullptr : std::get_if<double>(&found->second);
  if (!number || !(*number >= 0 && *number <= 0x1p53)) return std::nullopt;
  return std::size_t(*number);
}

Dimension dimension_of_statistics() {
  Dimension dimension{statistic_dimension, std::size(statistics), {}};
  for (const Statistic& each : statistics) dimension.labels.emplace_back(each.name);
  return dimension;
}

Group summary_of(const Group& draws, std::vector<ScalarSummary> scalars) {
  Group summary{summary_group, false, {}};
  auto next = scalars.begin();
  for (const Variable& of_draws : draws.variables) {
    Variable variable{of_draws.name, {statistic_dimension}, {std::size(statistics)}, ElementType::real, {}};
    variable.dims.insert(variable.dims.end(), of_draws.dims.begin(), of_draws.dims.end());
    variable.shape.insert(variable.shape.end(), of_draws.shape.begin(), of_draws.shape.end());
    for (const Statistic& each : statistics)
      for (std::size_t e = 0; e < of_draws.size(); ++e) variable.values.push_back(each.of(next[std::ptrdiff_t(e)]));
    next += std::ptrdiff_t(of_draws.size());
    summary.variables.push_back(std::move(variable));
  }
  return summary;
}

std::vector<NamedDiagnosis> diagnoses_in_summary(const Fit& fit) {
  const auto dimension = std::find_if(fit.dimensions.begin(), fit.dimensions.end(),
                                      [](const Dimension& each) { return each.name == statistic_dimension; });
  std::vector<NamedDiagnosis> all;
  for (const Variable& variable : fit.group(summary_group).variables) {
    if (dimension == fit.dimensions.end() || variable.dims.empty() || variable.dims[0] != statistic_dimension ||
        dimension->labels.size() != variable.shape[0])
      throw std::invalid_argument(
          fmt::format("The group '{}' is no summary of a run ('{}' has no statistics). Check where it is from.", summary_group,
                      variable.name));
    Variable element = variable;
    element.dims.erase(element.dims.begin());
    element.shape.erase(element.shape.begin());
    std::vector<std::string> names = element_names(fit, element);
    for (std::size_t e = 0; e < names.size(); ++e) {
      ScalarSummary scalar;
      for (const Statistic& each : statistics) {
        const auto label = std::find(dimension->labels.begin(), dimension->labels.end(), each.name);
        if (label == dimension->labels.end()) continue;
        each.of(scalar) = variable.values[std::size_t(label - dimension->labels.begin()) * names.size() + e];
      }
      scalar.diagnosis.constant = is_constant(scalar.low, scalar.high);
      all.push_back({std::move(names[e]), scalar.diagnosis});
    }
  }
  return all;
}

}  // namespace lockstep
