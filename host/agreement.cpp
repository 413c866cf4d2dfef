#include "host/agreement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <charconv>
#include <cmath>
#include <stdexcept>

namespace lockstep {

namespace {

constexpr double probabilities[] = {0.05, 0.25, 0.5, 0.75, 0.95};

double average(const std::vector<double>& v) {
  double total = 0;
  for (double x : v) total += x;
  return total / double(v.size());
}

// The draws of one scalar, [chain][draw], and what is compared.
class Draws {
 public:
  explicit Draws(const ChainView& view) : chains_(view.chains), draws_(view.draws) {
    for (std::size_t c = 0; c < chains_; ++c)
      for (std::size_t d = 0; d < draws_; ++d) values_.push_back(view(c, d));
    mean_ = average(values_);
    std::vector<double> squares;
    for (double v : values_) squares.push_back((v - mean_) * (v - mean_));
    const double mean_square = average(squares), n = double(values_.size());
    sd_ = std::sqrt(mean_square * n / (n - 1));
    ess_ = ess(values_);
    double spread = 0;
    for (double s : squares) spread += (s - mean_square) * (s - mean_square);
    se_sd_ = std::sqrt(spread / (n - 1)) / (2 * sd_ * std::sqrt(ess(squares)));
  }
  double mean() const { return mean_; }
  double se_mean() const { return sd_ / std::sqrt(ess_); }
  double sd() const { return sd_; }
  double se_sd() const { return se_sd_; }
  double ess() const { return ess_; }

  struct Share {
    double value, ess;
  };
  Share share_below(double limit) const {
    std::vector<double> below;
    for (double v : values_) below.push_back(v <= limit ? 1. : 0.);
    return {average(below), ess(below)};
  }

 private:
  // One draw a chain: the chains are independent.
  double ess(const std::vector<double>& v) const {
    if (draws_ == 1) return double(chains_);
    return Diagnoser{}(ChainView{v.data(), chains_, draws_, draws_, 1}).ess_mean;
  }

  std::size_t chains_, draws_;
  std::vector<double> values_;
  double mean_, sd_, ess_, se_sd_;
};

// The indices of "theta[2,1]".
std::vector<std::size_t> indices_of(const std::string& element) {
  std::vector<std::size_t> indices;
  const char* at = element.data() + std::min(element.find('['), element.size());
  const char* const end = element.data() + element.size();
  while (at < end && *at != ']') {
    std::size_t index = 0;
    at = std::from_chars(at + 1, end, index).ptr;
    indices.push_back(index);
    if (index == 0) break;  // no number, or none that counts from 1
  }
  return indices;
}

ChainView view_of(const Fit& fit, const std::string& element) {
  const Variable& variable = fit.variable("posterior", element.substr(0, element.find('[')));
  const std::vector<std::size_t> indices = indices_of(element);
  bool there = indices.size() == variable.shape.size();
  std::size_t position = 0;
  for (std::size_t axis = 0; there && axis < indices.size(); ++axis) {
    there = indices[axis] >= 1 && indices[axis] <= variable.shape[axis];
    position = position * variable.shape[axis] + indices[axis] - 1;
  }
  if (!there)
    throw std::out_of_range(fmt::format("'{}' is no element of our '{}' (the sizes of its axes are [{}]).", element,
                                        variable.name, fmt::join(variable.shape, ", ")));
  return element_view(fit, variable, position);
}

}  // namespace

ScalarReference summarise_reference(const ChainView& view) {
  const Draws draws(view);
  ScalarReference result{draws.mean(), draws.se_mean(), draws.sd(), draws.se_sd(), {}};
  for (const double p : probabilities) {
    const double value = quantile(view, p);
    result.quantiles.push_back({p, value, draws.share_below(value).ess});
  }
  return result;
}

std::size_t comparison_count(const Reference& reference) {
  std::size_t count = 0;
  for (const auto& [name, scalar] : reference) count += 2 + scalar.quantiles.size();
  return count;
}

Comparison Agreement::worst() const {
  Comparison worst{"", 0};
  for (const Comparison& c : comparisons) {
    if (std::isnan(c.z)) return c;
    if (std::abs(c.z) > std::abs(worst.z)) worst = c;
  }
  return worst;
}

Agreement compare(const Fit& fit, const Reference& reference, const std::vector<Counterpart>& counterparts) {
  Agreement result{{}, HUGE_VAL};
  for (const Counterpart& c : counterparts) {
    const Draws ours(view_of(fit, c.ours));
    const auto found = reference.find(c.reference);
    if (found == reference.end()) throw std::out_of_range(fmt::format("The reference has no '{}'.", c.reference));
    const ScalarReference& theirs = found->second;
    result.least_ess = std::min(result.least_ess, ours.ess());
    const auto add = [&](const std::string& what, double difference, double se_ours, double se_theirs) {
      result.comparisons.push_back({what + " of " + c.reference, difference / std::hypot(se_ours, se_theirs)});
    };
    add("mean", ours.mean() - theirs.mean, ours.se_mean(), theirs.se_mean);
    add("sd", ours.sd() - theirs.sd, ours.se_sd(), theirs.se_sd);
    for (const auto& [p, value, ess] : theirs.quantiles) {
      const Draws::Share share = ours.share_below(value);
      const double binomial = std::sqrt(p * (1 - p));
      add(fmt::format("{:g}% quantile", 100 * p), share.value - p, binomial / std::sqrt(share.ess), binomial / std::sqrt(ess));
    }
  }
  return result;
}

double family_limit(std::size_t comparisons) {
  return quantile(complement(boost::math::normal(), 0.005 / double(comparisons)));
}

}  // namespace lockstep
