#include "lockstep/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <boost/math/distributions/binomial.hpp>
#include <fmt/format.h>

#include "host/diagnostics.hpp"
#include "host/host_model.hpp"
#include "kernels/cpu/launch.hpp"
#include "lockstep/prior.hpp"
#include "lockstep/random.hpp"

namespace lockstep {

namespace {

void require(bool condition, const std::string& message) {
  if (!condition) throw SampleError(message);
}

// The data with what was simulated in place of what the observed sites are given.
class SimulatedData {
 public:
  SimulatedData(const HostModel& model, const Data& data) : data_(data.without_actions()) {
    for (const auto& [site, action] : data.actions()) {
      const SiteView* const view = find_site(model.layout(), site);
      if (view && view->kind == SiteKind::observed) continue;  // simulated
      if (action.keeps_density) data_.set_observed(site, action.values);
      else data_.set_do(site, action.values);
    }
    for (std::int64_t i = 0; i < model.layout().site_count; ++i)
      if (model.layout().sites[i].latent) latents_.insert(model.layout().sites[i].name);
  }
  Data with(const Group& predictive, std::size_t draw) const {
    Data result = data_;
    for (const Variable& site : predictive.variables) {
      if (latents_.contains(site.name)) continue;  // nobody sees them
      const double* const values = site.values.data() + draw * site.size();
      if (!put_into_field(result, site.name, values, site.size())) result.set_observed(site.name, {values, values + site.size()});
    }
    return result;
  }

 private:
  // A site's data are the field of its name, if they can be; of a site some elements of which are missing, those that are not.
  static bool put_into_field(Data& data, std::string site, const double* values, std::size_t count) {
    constexpr std::string_view there = observed_suffix;
    auto field = data.fields().find(site);
    if (field == data.fields().end() && site.ends_with(there)) field = data.fields().find(site.erase(site.size() - there.size()));
    if (field == data.fields().end() || field->second.columns != 1) return false;
    Data::Field filled = field->second;
    const auto missing = std::count_if(filled.values.begin(), filled.values.end(), [](double v) { return std::isnan(v); });
    if (filled.values.size() - std::size_t(missing) != count) return false;
    for (double& each : filled.values)
      if (!std::isnan(each)) each = *values++;
    data.set(site, std::move(filled));
    return true;
  }

  Data data_;
  std::set<std::string> latents_;
};

// What one fit says of every quantity: in the order of the sites of the group `prior`, then the log likelihood.
struct OneFit {
  std::vector<int> ranks;
  bool settled = true;
};

class Fitting {
 public:
  Fitting(const ModelTable& table, const CalibrationOptions& options, const Fit& truth, const SimulatedData& simulated)
      : table_(table), options_(options), truth_(truth), simulated_(simulated) {}

  OneFit operator()(std::size_t number) const {
    const Data data = truth_.has_group("prior_predictive") ? simulated_.with(truth_.group("prior_predictive"), number)
                                                           : simulated_.with({}, number);
    SampleOptions options;
    options.chains = options_.draws;
    options.draws = draws_each;
    options.seed = options_.seed * 0x9e3779b97f4a7c15u + number;  // so that seeds next to each other share no fits
    options.sampler = options_.sampler;
    options.target_acceptance = options_.target_acceptance;
    options.processor = Processor::cpu;
    options.threads = 1;
    options.log_likelihood = truth_.has_group("prior_predictive");
    options.generated = Generated::all;
    const Fit fit = sample(table_, data, options);
    Stream random({.seed = options.seed, .purpose = Purpose::shuffle});
    OneFit result;
    result.settled = std::get<double>(fit.attributes.at("warmup_settled")) == 1.;
    for (const Variable& variable : truth_.group("prior").variables) {
      const Variable& draws = fit.variable("posterior", variable.name);
      for (std::size_t e = 0; e < variable.size(); ++e)
        result.ranks.push_back(rank(variable.values[number * variable.size() + e],
                                    [&](std::size_t chain) { return last(draws, chain)[e]; }, random));
    }
    if (options.log_likelihood)
      result.ranks.push_back(rank(true_log_likelihood(data, number),
                                  [&](std::size_t chain) { return log_likelihood(fit.group("log_likelihood"), chain); }, random));
    return result;
  }

 private:
  // The rank of a true value only needs one draw of each chain, the last of a few.
  static constexpr int draws_each = 10;

  static const double* last(const Variable& variable, std::size_t chain) {
    return variable.values.data() + ((chain + 1) * draws_each - 1) * variable.size();
  }
  static double log_likelihood(const Group& group, std::size_t chain) {
    double total = 0;
    for (const Variable& site : group.variables) total = std::accumulate(last(site, chain), last(site, chain) + site.size(), total);
    return total;
  }
  double true_log_likelihood(const Data& data, std::size_t number) const {
    const HostModel model(table_, data);
    std::vector<double> values;
    for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
      if (model.layout().sites[i].kind != SiteKind::parameter) continue;
      const Variable& variable = truth_.variable("prior", model.layout().sites[i].name);
      const auto first = variable.values.begin() + std::ptrdiff_t(number * variable.size());
      values.insert(values.end(), first, first + std::ptrdiff_t(variable.size()));
    }
    const std::vector<double> each = model.generate(Meaning::pointwise, model.position_of(values));
    return std::accumulate(each.begin(), each.end(), 0.);
  }
  template <class Draw> int rank(double truth, const Draw& draw, Stream& random) const {
    int below = 0, equal = 0;
    for (int chain = 0; chain < options_.draws; ++chain) {
      const double value = draw(std::size_t(chain));
      // Of what is the same for all parameters, as the diagonal of a correlation matrix, only rounding differs: no rank is to see it.
      const bool same = value == truth || std::abs(value - truth) <= 1e-12 * std::abs(truth);
      below += !same && value < truth;
      equal += same;
    }
    return below + int(random.uniform() * (equal + 1));
  }

  const ModelTable& table_;
  const CalibrationOptions& options_;
  const Fit& truth_;
  const SimulatedData& simulated_;
};

}  // namespace

bool Calibration::passed() const {
  return failed == 0 && std::all_of(quantities.begin(), quantities.end(),
                                    [this](const CalibratedQuantity& each) { return each.p_value >= p_value_limit(); });
}

Calibration calibrate(const ModelTable& table, const Data& data, const CalibrationOptions& options) {
  require(options.fits >= 20 && options.fits <= 1000000, fmt::format("fits is {} (20 to 1000000). 1000 are usual.", options.fits));
  require(options.draws >= 9 && options.draws <= 10000, fmt::format("draws is {} (9 to 10000). 100 are usual.", options.draws));
  require(options.level > 0 && options.level < 1, fmt::format("level is {} (between 0 and 1). 0.01 is usual.", options.level));
  require(options.threads >= 0, fmt::format("threads is {} (at least one is needed). Give a positive number.", options.threads));
  const HostModel model(table, data);
  require(!model.layout().has_potentials, "the model has potentials (nothing simulates what they say, so it could not be right about its own "
                                          "simulations). Give it distributions instead.");
  PriorOptions prior;
  prior.draws = options.fits;
  prior.seed = options.seed;
  prior.threads = options.threads;
  const Fit truth = sample_prior(table, data, prior);
  const SimulatedData simulated(model, data);

  Calibration result;
  result.fits = options.fits;
  result.draws = options.draws;
  result.level = options.level;
  for (const Variable& variable : truth.group("prior").variables)
    for (const std::string& name : element_names(truth, variable)) result.quantities.push_back({name, {}});
  if (truth.has_group("prior_predictive")) result.quantities.push_back({"log likelihood", {}});

  std::vector<OneFit> fits(std::size_t(options.fits));
  std::vector<std::string> failures(fits.size());
  const Fitting fitting(table, options, truth, simulated);
  parallel_for(options.fits, options.threads, [&](int number, int) {
    try {
      fits[std::size_t(number)] = fitting(std::size_t(number));
    } catch (const std::exception& error) {
      failures[std::size_t(number)] = error.what();
    }
  });
  for (std::size_t f = 0; f < fits.size(); ++f) {
    if (!failures[f].empty()) {
      if (result.failed++ == 0) result.first_failure = failures[f];
      continue;
    }
    result.unsettled += !fits[f].settled;
    for (std::size_t q = 0; q < result.quantities.size(); ++q) result.quantities[q].ranks.push_back(fits[f].ranks[q]);
  }
  for (CalibratedQuantity& each : result.quantities) each.p_value = uniform_ranks_p_value(each.ranks, options.draws);
  return result;
}

double uniform_ranks_p_value(const std::vector<int>& ranks, int most) {
  const int count = int(ranks.size()), points = most;  // the last of the most + 1 values has the rest
  if (count == 0) return 1;
  std::vector<int> at_or_below(std::size_t(points) + 1, 0);
  for (int rank : ranks) ++at_or_below[std::size_t(rank)];
  std::partial_sum(at_or_below.begin(), at_or_below.end(), at_or_below.begin());
  // The smaller tail of a count at point k.
  const auto tail = [&](int k, int c) {
    const boost::math::binomial_distribution<double> expected(count, double(k + 1) / (most + 1));
    const double up_to = boost::math::cdf(expected, c), from = c == 0 ? 1. : boost::math::cdf(boost::math::complement(expected, c - 1));
    return std::min(up_to, from);
  };
  double smallest = 1;
  for (int k = 0; k < points; ++k) smallest = std::min(smallest, tail(k, at_or_below[std::size_t(k)]));
  const auto less_extreme = [&](int k, int c) { return tail(k, c) > smallest * (1 + 1e-9); };
  // The count farthest from the middle, in one direction, that is less extreme: the tail falls from there on.
  const auto farthest = [&](int k, int inside, int outside) {
    while (std::abs(outside - inside) > 1) {
      const int between = inside + (outside - inside) / 2;
      (less_extreme(k, between) ? inside : outside) = between;
    }
    return inside;
  };
  // The chance that every count so far was less extreme, by the count at this point. Given a count, what follows falls into the next
  // value with probability 1/(most + 1 - k).
  std::vector<double> log_factorial(std::size_t(count) + 1, 0.);
  for (int i = 1; i <= count; ++i) log_factorial[std::size_t(i)] = log_factorial[std::size_t(i) - 1] + std::log(i);
  std::vector<double> chance(std::size_t(count) + 1, 0.);
  chance[0] = 1;
  int low = 0, high = 0;
  for (int k = 0; k < points; ++k) {
    const int middle = int(double(count) * (k + 1) / (most + 1));
    int next_low = farthest(k, middle, -1), next_high = farthest(k, middle, count + 1);
    if (!less_extreme(k, middle)) ++next_low;  // nothing is
    std::vector<double> next(chance.size(), 0.);
    const double log_hit = -std::log(most + 1 - k), log_miss = std::log1p(-1. / (most + 1 - k));
    for (int c = low; c <= high; ++c) {
      if (chance[std::size_t(c)] == 0) continue;
      const int left = count - c;
      for (int d = std::max(c, next_low); d <= next_high; ++d) {
        const int hits = d - c;
        next[std::size_t(d)] += chance[std::size_t(c)] *
                                std::exp(log_factorial[std::size_t(left)] - log_factorial[std::size_t(hits)] -
                                         log_factorial[std::size_t(left - hits)] + hits * log_hit + (left - hits) * log_miss);
      }
    }
    chance = std::move(next);
    low = next_low, high = next_high;
  }
  return std::clamp(1 - std::accumulate(chance.begin(), chance.end(), 0.), 0., 1.);
}

std::string report(const Calibration& calibration) {
  std::size_t width = 8;
  for (const CalibratedQuantity& each : calibration.quantities) width = std::max(width, each.name.size());
  std::string text = fmt::format("{:<{}}  {:>9}  {:>8}\n", "", width, "mean rank", "p");
  std::string wrong;
  for (const CalibratedQuantity& each : calibration.quantities) {
    const double mean = std::accumulate(each.ranks.begin(), each.ranks.end(), 0.) / double(std::max<std::size_t>(1, each.ranks.size()));
    const bool low = each.p_value < calibration.p_value_limit();
    text += fmt::format("{:<{}}  {:>8.1f}%  {:>8.2g}{}\n", each.name, width, 100 * mean / calibration.draws, each.p_value, low ? "  not uniform" : "");
    if (low) wrong += (wrong.empty() ? "" : ", ") + each.name;
  }
  text += fmt::format("\n{} fits, true values ranked among {} draws each; a p-value below {:.2g} would show once in {:.0f} such tables.\n",
                      calibration.fits, calibration.draws, calibration.p_value_limit(), 1 / calibration.level);
  if (calibration.failed > 0) text += fmt::format("{} of {} fits failed. The first said: {}\n", calibration.failed, calibration.fits, calibration.first_failure);
  if (calibration.unsettled > 0) text += fmt::format("The warmup of {} fits did not settle.\n", calibration.unsettled);
  if (calibration.passed()) text += "Calibrated: all ranks are uniform.\n";
  else if (!wrong.empty())
    text += fmt::format("Not calibrated: {}. A mean rank far from 50% is a bias; uniform in the mean only, intervals are too narrow or too wide.\n", wrong);
  else text += "Not calibrated: fits failed.\n";
  return text;
}

}  // namespace lockstep
