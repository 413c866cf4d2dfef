#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "lockstep/predict.hpp"

namespace lockstep {

namespace {

double mean(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.) / double(values.size()); }

double sd(std::span<const double> values) {
  const double center = mean(values);
  double squares = 0;
  for (double each : values) squares += (each - center) * (each - center);
  return std::sqrt(squares / double(values.size()));
}

}  // namespace

double predictive_p_value(const Fit& predictions, const Fit& fit, const std::string& site,
                          const std::function<double(std::span<const double>)>& statistic) {
  const Variable& simulated = predictions.variable("posterior_predictive", site);
  const Variable& observed = fit.variable("observed_data", site);
  if (simulated.size() != observed.values.size() || simulated.values.empty())
    throw SampleError(fmt::format("'{}' has {} simulated elements for each draw, and {} observed ones (a statistic of the two is compared). "
                                  "Predict the fit's own data.", site, simulated.size(), observed.values.size()));
  std::vector<std::size_t> there;  // what is missing has nothing to be compared with
  for (std::size_t i = 0; i < observed.values.size(); ++i)
    if (!std::isnan(observed.values[i])) there.push_back(i);
  std::vector<double> elements(there.size());
  const auto statistic_of = [&](const double* values) {
    for (std::size_t i = 0; i < there.size(); ++i) elements[i] = values[there[i]];
    return statistic(elements);
  };
  const double of_data = statistic_of(observed.values.data());
  const std::size_t draws = simulated.values.size() / simulated.size();
  double larger = 0;
  for (std::size_t d = 0; d < draws; ++d) {
    const double value = statistic_of(simulated.values.data() + d * simulated.size());
    larger += value > of_data ? 1. : value == of_data ? 0.5 : 0.;
  }
  return larger / double(draws);
}

std::string predictive_checks(const Fit& predictions, const Fit& fit) {
  const std::pair<const char*, std::function<double(std::span<const double>)>> statistics[] = {
      {"mean", mean},
      {"sd", sd},
      {"min", [](std::span<const double> values) { return *std::min_element(values.begin(), values.end()); }},
      {"max", [](std::span<const double> values) { return *std::max_element(values.begin(), values.end()); }}};
  std::string text = fmt::format("{:<28}", "P(simulated > observed)");
  for (const auto& [name, statistic] : statistics) text += fmt::format(" {:>10}", name);
  text += "\n";
  const std::vector<Variable>& observed = fit.group("observed_data").variables;
  for (const Variable& site : predictions.group("posterior_predictive").variables) {
    const auto data = std::find_if(observed.begin(), observed.end(), [&](const Variable& each) { return each.name == site.name; });
    // States that are summed out are simulated, not observed.
    if (data == observed.end() || !std::any_of(data->values.begin(), data->values.end(), [](double v) { return !std::isnan(v); })) continue;
    text += fmt::format("{:<28}", site.name);
    for (const auto& [name, statistic] : statistics) text += fmt::format(" {:>10.3f}", predictive_p_value(predictions, fit, site.name, statistic));
    text += "\n";
  }
  return text;
}

}  // namespace lockstep
