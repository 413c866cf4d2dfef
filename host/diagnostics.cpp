#include "host/diagnostics.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

#include "host/effective_sample_size.hpp"
#include "host/summary_groups.hpp"

namespace lockstep {
namespace {

constexpr std::size_t fewest_draws = 4;  // half chains of two: the least from which a variance follows
constexpr double hdi_probability = 0.94;

void gather(const ChainView& draws, std::vector<double>& values) {
  values.resize(draws.size());
  auto out = values.begin();
  for (std::size_t chain = 0; chain < draws.chains; ++chain) {
    for (std::size_t draw = 0; draw < draws.draws; ++draw) *out++ = draws(chain, draw);
  }
}

bool has_nan(std::span<const double> values) {
  return std::any_of(values.begin(), values.end(), [](double x) { return std::isnan(x); });
}

std::vector<Ranked> sorted(const ChainView& draws) {
  std::vector<double> values;
  std::vector<Ranked> order;
  gather(draws, values);
  if (!has_nan(values)) sort_by_value(values, order);
  return order;
}

// The shortest interval between two draws with `probability` of the draws in it; of equals the lowest.
Interval shortest_interval(std::span<const Ranked> order, double probability) {
  const auto inside = static_cast<std::size_t>(std::floor(probability * static_cast<double>(order.size())));
  if (inside >= order.size()) return {};
  std::size_t best = 0;
  const auto width = [&](std::size_t i) { return order[i + inside].value - order[i].value; };
  for (std::size_t i = 1; i + inside < order.size(); ++i) {
    if (width(i) < width(best)) best = i;
  }
  return {order[best].value, order[best + inside].value};
}

struct Superchain {
  std::vector<double> means;  // of its chains
  double variance = 0;        // sum over its chains
};

// For values stored as [chain][draw].
double nested_rhat_of(std::span<const double> values, std::size_t draws, std::span<const int> superchain) {
  std::vector<double> means, variances;
  for (std::size_t chain = 0; chain * draws < values.size(); ++chain) {
    const Moments each = moments(values.subspan(chain * draws, draws));
    means.push_back(each.mean);
    variances.push_back(draws > 1 ? each.variance : 0);
  }
  return nested_rhat(means, variances, draws, superchain);
}

void require_one_superchain_each(const ChainView& draws, std::span<const int> superchain) {
  if (superchain.empty() || superchain.size() == draws.chains) return;
  throw std::invalid_argument("The superchains do not fit the draws (" + std::to_string(superchain.size()) +
                              " entries for " + std::to_string(draws.chains) + " chains). Give one entry per chain.");
}

}  // namespace

bool is_constant(double low, double high) {
  return std::isfinite(high - low) && high - low <= 1e-13 * std::max(std::fabs(low), std::fabs(high));
}

double larger_rhat(double bulk, double folded) { return folded > bulk ? folded : bulk; }

ChainView element_view(const Fit& fit, const Variable& variable, std::size_t element) {
  const std::size_t size = variable.size();
  if (element >= size)
    throw std::out_of_range("No element " + std::to_string(element) + " in '" + variable.name + "'.");
  if (variable.values.size() != fit.chains * fit.draws * size) {
    throw std::invalid_argument("'" + variable.name + "' is no array of draws (" +
                                std::to_string(variable.values.size()) + " values, not " + std::to_string(fit.chains) +
                                " chains x " + std::to_string(fit.draws) + " draws x " + std::to_string(size) +
                                "). Check how the fit was put together.");
  }
  return {variable.values.data() + element, fit.chains, fit.draws, fit.draws * size, size};
}

Diagnosis Diagnoser::operator()(const ChainView& draws, std::span<const int> superchain) {
  require_one_superchain_each(draws, superchain);
  Diagnosis out;
  chains_ = draws.chains;
  draws_ = draws.draws;
  gather(draws, values_);
  if (values_.empty() || has_nan(values_)) return out;
  sort_by_value(values_, order_);
  locate(out);
  compare_superchains(out, superchain);
  if (draws_ < fewest_draws) return out;
  compare_halves(out);
  size_errors(out);
  return out;
}

Diagnosis Diagnoser::of_mean(const ChainView& draws) {
  Diagnosis out;
  gather(draws, values_);
  if (values_.empty() || has_nan(values_)) return out;
  const Moments all = moments(values_);
  out.mean = all.mean;
  out.sd = std::sqrt(all.variance);
  const auto [low, high] = std::minmax_element(values_.begin(), values_.end());
  out.constant = is_constant(*low, *high);
  if (draws.draws < fewest_draws) return out;
  out.ess_mean = effective_sample_size({values_.data(), draws.chains, draws.draws}, scratch_);
  out.mcse_mean = out.sd / std::sqrt(out.ess_mean);
  return out;
}

void Diagnoser::locate(Diagnosis& out) {
  const Moments all = moments(values_);
  out.mean = all.mean;
  out.sd = std::sqrt(all.variance);
  out.q5 = quantile_of(order_, 0.05);
  out.median = median_of(order_);
  out.q95 = quantile_of(order_, 0.95);
  out.hdi = shortest_interval(order_, hdi_probability);
  out.constant = is_constant(order_.front().value, order_.back().value);
}

// Whole chains: nested R-hat of the normal scores of the draws and of the folded draws.
void Diagnoser::compare_superchains(Diagnosis& out, std::span<const int> superchain) {
  scores_.resize(values_.size());
  normal_scores_(order_, scores_);
  const double bulk = nested_rhat_of(scores_, draws_, superchain);
  fold(order_, out.median, folded_);
  normal_scores_(folded_, scores_);
  out.r_hat_nested = larger_rhat(bulk, nested_rhat_of(scores_, draws_, superchain));
}

// Half chains: R-hat and bulk ESS. The middle one of an odd number of draws is in neither half and takes no rank.
void Diagnoser::compare_halves(Diagnosis& out) {
  const SplitChains halves{scores_.data(), chains_, draws_};
  if (draws_ % 2 == 1) std::erase_if(order_, [&](const Ranked& each) { return each.place % draws_ == draws_ / 2; });
  normal_scores_(order_, scores_);
  const double bulk = rhat(halves);
  out.ess_bulk = effective_sample_size(halves, scratch_);
  out.tau = static_cast<double>(values_.size()) / out.ess_bulk;
  fold(order_, median_of(order_), folded_);
  normal_scores_(folded_, scores_);
  if (chains_ > 1) out.r_hat = larger_rhat(bulk, rhat(halves));
}

// What needs no ranks: standard errors, tail ESS, plain R-hat.
void Diagnoser::size_errors(Diagnosis& out) {
  const SplitChains draws{values_.data(), chains_, draws_};
  if (chains_ > 1) out.r_hat_split = rhat(draws);
  out.ess_mean = effective_sample_size(draws, scratch_);
  out.mcse_mean = out.sd / std::sqrt(out.ess_mean);

  const SplitChains derived{scores_.data(), chains_, draws_};
  std::vector<double> fourth(values_.size());
  std::transform(values_.begin(), values_.end(), scores_.begin(),
                 [&](double x) { return (x - out.mean) * (x - out.mean); });
  std::transform(scores_.begin(), scores_.end(), fourth.begin(), [](double square) { return square * square; });
  const double variance = moments(scores_).mean;
  const double excess = std::max(moments(fourth).mean - variance * variance, 0.0);
  out.mcse_sd = std::sqrt(excess / effective_sample_size(derived, scratch_) / variance / 4);

  const auto indicator_ess = [&](double bound) {
    std::transform(values_.begin(), values_.end(), scores_.begin(), [&](double x) { return x <= bound ? 1.0 : 0.0; });
    return effective_sample_size(derived, scratch_);
  };
  out.ess_tail = std::min(indicator_ess(out.q5), indicator_ess(out.q95));
}

std::vector<std::string> element_names(const Fit& fit, const Variable& variable) {
  std::vector<std::string> names(variable.size(), variable.name);
  std::size_t inner = variable.size();
  for (std::size_t axis = 0; axis < variable.shape.size(); ++axis) {
    const std::size_t extent = variable.shape[axis];
    if (extent == 0) return {};
    inner /= extent;
    const auto dimension = std::find_if(fit.dimensions.begin(), fit.dimensions.end(),
                                        [&](const Dimension& each) { return each.name == variable.dims[axis]; });
    const bool labelled = dimension != fit.dimensions.end() && dimension->labels.size() == extent;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::size_t index = i / inner % extent;
      names[i] += axis == 0 ? "[" : ", ";
      names[i] += labelled ? dimension->labels[index] : std::to_string(index);
      if (axis + 1 == variable.shape.size()) names[i] += "]";
    }
  }
  return names;
}

std::vector<NamedDiagnosis> diagnose(const Fit& fit, const std::string& group) {
  if (group == "posterior" && !fit.has_group(group) && fit.has_group(summary_group)) return diagnoses_in_summary(fit);
  std::vector<NamedDiagnosis> all;
  Diagnoser diagnose_one;
  for (const Variable& variable : fit.group(group).variables) {
    std::vector<std::string> names = element_names(fit, variable);
    for (std::size_t i = 0; i < names.size(); ++i) {
      all.push_back({std::move(names[i]), diagnose_one(element_view(fit, variable, i), fit.superchain)});
    }
  }
  return all;
}

double quantile(const ChainView& draws, double probability) { return quantile_of(sorted(draws), probability); }

Interval hdi(const ChainView& draws, double probability) { return shortest_interval(sorted(draws), probability); }

Interval eti(const ChainView& draws, double probability) {
  const std::vector<Ranked> order = sorted(draws);
  return {quantile_of(order, (1 - probability) / 2), quantile_of(order, (1 + probability) / 2)};
}

double ess_quantile(const ChainView& draws, double probability) {
  const std::vector<Ranked> order = sorted(draws);
  if (order.empty() || draws.draws < fewest_draws) return unknown;
  const double bound = quantile_of(order, probability);
  std::vector<double> indicator(draws.size()), scratch;
  for (const Ranked& each : order) indicator[each.place] = each.value <= bound ? 1.0 : 0.0;
  return effective_sample_size({indicator.data(), draws.chains, draws.draws}, scratch);
}

// Margossian et al. 2024, equations 15 to 19.
double nested_rhat(std::span<const double> means, std::span<const double> variances, std::size_t draws,
                   std::span<const int> superchain) {
  std::map<int, Superchain> superchains;
  bool alone = true;
  for (std::size_t chain = 0; chain < means.size(); ++chain) {
    Superchain& mine = superchains[superchain.empty() ? static_cast<int>(chain) : superchain[chain]];
    mine.means.push_back(means[chain]);
    mine.variance += variances[chain];
    if (mine.means.size() > 1) alone = false;
  }
  if (superchains.size() < 2 || (alone && draws == 1)) return unknown;
  std::vector<double> between, within;
  for (const auto& [id, mine] : superchains) {
    const Moments chains = moments(mine.means);
    between.push_back(chains.mean);
    within.push_back(mine.variance / static_cast<double>(mine.means.size()) + (mine.means.size() > 1 ? chains.variance : 0.0));
  }
  return std::sqrt(1 + moments(between).variance / moments(within).mean);
}

HalvesDiagnosis diagnose_halves(const ChainHalves& halves, std::span<const int> superchain) {
  const std::size_t chains = halves.squares.size();
  const double n_1 = static_cast<double>(halves.draws[0]), n_2 = static_cast<double>(halves.draws[1]), n = n_1 + n_2;
  const double c = static_cast<double>(chains), length = 2 * n_1 * n_2 / n;
  std::vector<double> half_means, means, variances;
  double in_halves = 0, in_chains = 0;  // squared deviations from their means
  for (std::size_t chain = 0; chain < chains; ++chain) {
    const double mean_1 = halves.means[0][chain], apart = halves.means[1][chain] - mean_1;
    const double squares = halves.squares[chain] + apart * apart * (n_1 * n_2 / n);
    half_means.insert(half_means.end(), {mean_1, halves.means[1][chain]});
    means.push_back(mean_1 * (n_1 / n) + halves.means[1][chain] * (n_2 / n));
    variances.push_back(squares / (n - 1));
    in_halves += halves.squares[chain];
    in_chains += squares;
  }
  const Moments of_means = moments(means);
  const double within = in_halves / (c * (n - 2)), between = of_means.variance;
  const double of_a_draw = in_chains / (c * n) + between;
  return {of_means.mean,
          std::sqrt((in_chains + (chains > 1 ? between : 0) * (c - 1) * n) / (c * n - 1)),
          std::sqrt((length - 1) / length + moments(half_means).variance / within),
          nested_rhat(means, variances, halves.draws[0] + halves.draws[1], superchain),
          c * of_a_draw / between};
}

double nested_rhat(const ChainView& draws, std::span<const int> superchain) {
  require_one_superchain_each(draws, superchain);
  std::vector<double> values;
  gather(draws, values);
  return values.empty() || has_nan(values) ? unknown : nested_rhat_of(values, draws.draws, superchain);
}

MissingInformation ebfmi(const ChainView& energy) {
  MissingInformation result;
  std::vector<double> values;
  gather(energy, values);
  double all_steps = 0, all_spread = 0;
  for (std::size_t chain = 0; chain < energy.chains; ++chain) {
    const std::span<const double> series(values.data() + chain * energy.draws, energy.draws);
    const double spread = moments(series).variance * static_cast<double>(energy.draws - 1);
    double steps = 0;
    for (std::size_t i = 1; i < series.size(); ++i) steps += (series[i] - series[i - 1]) * (series[i] - series[i - 1]);
    result.per_chain.push_back(steps / spread);
    all_steps += steps;
    all_spread += spread;
  }
  result.pooled = all_steps / all_spread;
  return result;
}

}  // namespace lockstep
