#include "lockstep/prior_from_posterior.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lockstep/sample.hpp"

namespace lockstep {

namespace {

struct Quantity {
  std::string text, site;
  double (*transform)(double);
};

Quantity parsed(const std::string& text) {
  const auto inside = [&](const char* function) {
    const std::string before = std::string(function) + "(";
    return text.starts_with(before) && text.ends_with(")") ? text.substr(before.size(), text.size() - before.size() - 1) : "";
  };
  if (const std::string site = inside("log"); !site.empty()) return {text, site, [](double x) { return std::log(x); }};
  if (const std::string site = inside("logit"); !site.empty())
    return {text, site, [](double x) { return std::log(x) - std::log1p(-x); }};
  return {text, text, [](double x) { return x; }};
}

const Variable& find_site(const Fit& fit, const Quantity& quantity) {
  const std::vector<Variable>& variables = fit.group("posterior").variables;
  const auto found = std::ranges::find(variables, quantity.site, &Variable::name);
  if (found != variables.end()) return *found;
  std::vector<std::string> names;
  for (const Variable& each : variables) names.push_back(each.name);
  throw SampleError(fmt::format("the fit has no site '{}' (its posterior is of these: {}). Name one, or log(NAME) or logit(NAME) of "
                                "it.", quantity.site, fmt::join(names, ", ")));
}

// "[age]", "[2,0]"; nothing for a number.
std::string element_label(const Fit& fit, const Variable& variable, std::size_t element) {
  std::string text;
  std::size_t inner = variable.size();
  for (std::size_t axis = 0; axis < variable.dims.size(); ++axis) {
    inner /= variable.shape[axis];
    const std::size_t place = element / inner % variable.shape[axis];
    const auto dim = std::ranges::find(fit.dimensions, variable.dims[axis], &Dimension::name);
    const bool labelled = dim != fit.dimensions.end() && !dim->labels.empty();
    text += (axis ? "," : "[") + (labelled ? dim->labels[place] : std::to_string(place));
  }
  return text.empty() ? text : text + "]";
}

}  // namespace

void prior_from_posterior(Data& data, const std::string& name, const Fit& fit, const std::vector<std::string>& quantities) {
  if (!fit.has_group("posterior"))
    throw SampleError("the fit has no posterior (its draws become a prior). Use a fit that has.");
  const std::size_t draws = fit.chains * fit.draws;
  std::vector<std::string> labels;
  std::vector<std::vector<double>> deviations;   // of each coordinate, its draws
  std::vector<double> mean;
  for (const std::string& text : quantities) {
    const Quantity quantity = parsed(text);
    const Variable& site = find_site(fit, quantity);
    for (std::size_t e = 0; e < site.size(); ++e) {
      labels.push_back(text + element_label(fit, site, e));
      std::vector<double> values;
      for (std::size_t d = 0; d < draws; ++d) {
        const double x = site.values[d * site.size() + e];
        values.push_back(quantity.transform(x));
        if (!std::isfinite(values.back()))
          throw SampleError(fmt::format("{} is {} where '{}' is {} (a prior is made on the real line, of log(NAME) where NAME is "
                                        "positive, of logit(NAME) where it is between 0 and 1). Name another of these.",
                                        labels.back(), number_text(values.back()), site.name, number_text(x)));
      }
      double sum = 0;
      for (double x : values) sum += x;
      mean.push_back(sum / double(draws));
      for (double& x : values) x -= mean.back();
      deviations.push_back(std::move(values));
    }
  }
  const std::size_t n = mean.size();
  if (n == 0 || draws <= n)
    throw SampleError(fmt::format("{} draws are to give the mean and the covariance of {} quantities (there must be some, and more "
                                  "draws than quantities). Name {}.", draws, n, n == 0 ? "some" : "fewer, or sample more draws"));
  std::vector<std::vector<double>> factor(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double covariance = 0;
      for (std::size_t d = 0; d < draws; ++d) covariance += deviations[i][d] * deviations[j][d];
      double rest = covariance /= double(draws - 1);
      for (std::size_t k = 0; k < j; ++k) rest -= factor[i][k] * factor[j][k];
      if (i == j && !(rest > 1e-12 * covariance))
        throw SampleError(fmt::format("{} is the same in all draws, or what those named before it determine (so it has no density of "
                                      "its own). Leave it out.", labels[i]));
      factor[i][j] = i == j ? std::sqrt(rest) : rest / factor[j][j];
    }
  for (const std::string& field : {name, name + "_mean", name + "_factor"})
    if (data.fields().contains(field) || data.labels().contains(field))
      throw DataError(fmt::format("the data have '{}' already (it would be what a posterior says). Give that another name.", field));
  data.set_labels(name, std::move(labels));
  data.set(name + "_mean", std::move(mean));
  data.set(name + "_factor", factor);
}

}  // namespace lockstep
