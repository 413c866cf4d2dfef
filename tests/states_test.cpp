// Discrete states that are summed out: mixtures over a dimension, transitions that change with time, and states recovered, against
// enumeration (rules §5).
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "bound_model.hpp"
#include "densities.hpp"
#include "goodness_of_fit.hpp"
#include "gradient_in_lanes.hpp"
#include "host/host_model.hpp"
#include "lockstep/lockstep.hpp"

namespace lockstep {
namespace {

// The sizes of the chi-square tests; seven of them at 1e-4 each, one fixed seed.
constexpr int draws = 20000;
constexpr double level = 1e-4;

const std::vector<double> series{0.3, -0.4, 1.8, 2.1, 0.9, -0.2};

// Six times, two states, transitions that depend on the time.
struct Chain {
  Dim time, state;
  Real y, x;
  explicit Chain(Dataset& d) : time(d.dim("time")), state(d.dim("state", 2)), y(d.real("y", time)), x(d.real("x", time)) {}
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto start = m.param("start", dirichlet(1), state);
    auto level = m.let("level", state, [&](auto k) { return 2. * k.position; });
    auto moves = m.let("moves", time, [&](auto t) { return inverse_logit(a + x[t]); });
    m.hidden_markov("y", y, time, state, start, [&](auto t, auto from, auto to) { return delta(from, to) * (1 - 2 * moves[t]) + moves[t]; },
                    [&](auto, auto k) { return normal(level[k], 1); });
  }
};
Data chain_data() {
  Data data;
  data.set("y", series);
  data.set("x", std::vector<double>{0, 0.5, -1, 0.3, -0.2, 1});
  return data;
}

// The joint density of y and each path, states by bits.
std::vector<double> path_densities(double a, const std::vector<double>& start) {
  const std::vector<double> x{0, 0.5, -1, 0.3, -0.2, 1};
  std::vector<double> all;
  for (int path = 0; path < 64; ++path) {
    double density = 1;
    for (int t = 0; t < 6; ++t) {
      const int now = path >> t & 1, before = t ? path >> (t - 1) & 1 : 0;
      const double moves = 1 / (1 + std::exp(-a - x[std::size_t(t)]));
      density *= t == 0 ? start[std::size_t(now)] : now == before ? 1 - moves : moves;
      density *= normal_density(series[std::size_t(t)], 2. * now, 1);
    }
    all.push_back(density);
  }
  return all;
}

TEST(States, OfAChainWhoseTransitionsChangeWithTimeAreSummedAndRecoveredAsEnumerated) {
  const Bound<Chain> bound(chain_data());
  const Values position{0.4, -0.3};
  const Values values = bound.constrain(position);
  const Values start = bound.part(values, "start");
  const std::vector<double> density = path_densities(0.4, start);
  EXPECT_NEAR(sum(bound.pointwise(position)), std::log(sum(density)), 1e-12);
  Sample paths;
  for (int d = 0; d < draws; ++d) {
    const Values states = bound.states(position, std::uint32_t(d));
    int path = 0;
    for (int t = 0; t < 6; ++t) path |= int(states[std::size_t(t)]) << t;
    paths.push_back(path);
  }
  const double p = chi_square(paths, [&](double path) { return path < 64 ? density[std::size_t(path)] / sum(density) : 0.; });
  EXPECT_GT(p, level);
  // The test can fail: without looking back from later times it would.
  EXPECT_LT(chi_square(paths, [&](double path) { return path < 64 ? 1 / 64. : 0.; }), level);
}

// Each observation has a state; weights are the same for all, or depend on the element.
struct Groups {
  Dim i, state;
  Real y;
  explicit Groups(Dataset& d) : i(d.dim("i")), state(d.dim("state", 3)), y(d.real("y", i)) {}
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", dirichlet(1), state);
    auto mu = m.param("mu", normal(0, 2), state);
    m.mixture("y", y, i, state, w, [&](auto, auto k) { return normal(mu[k], 1); });
    m.mixture("z", y, i, state, [&](auto j, auto k) { return exp(-square(y[j])) * w[k] + (1 - exp(-square(y[j]))) / 3; },
              [&](auto, auto k) { return normal(mu[k], 1.5); });
  }
};

TEST(States, OfObservationsAreSummedAndRecoveredAsEnumerated) {
  Data data;
  data.set("y", series);
  const Bound<Groups> bound(data);
  const Values position{0.2, -0.5, 0.1, 1.9, -1.2}, values = bound.constrain(position);
  const Values w = bound.part(values, "w"), mu = bound.part(values, "mu");
  const auto joint = [&](bool second, std::size_t i, std::size_t k) {
    const double share = std::exp(-series[i] * series[i]), weight = second ? share * w[k] + (1 - share) / 3 : w[k];
    return weight * normal_density(series[i], mu[k], second ? 1.5 : 1);
  };
  const Values pointwise = bound.pointwise(position);
  for (std::size_t i = 0; i < 6; ++i)
    for (const bool second : {false, true})
      EXPECT_NEAR(pointwise[i + (second ? 6 : 0)], std::log(joint(second, i, 0) + joint(second, i, 1) + joint(second, i, 2)), 1e-12);
  for (const bool second : {false, true}) {
    Sample third;
    const std::string states = second ? "z_state" : "y_state";
    for (int d = 0; d < draws; ++d) third.push_back(bound.part(bound.states(position, std::uint32_t(d)), states)[2]);
    double total = 0;
    for (std::size_t k = 0; k < 3; ++k) total += joint(second, 2, k);
    EXPECT_GT(chi_square(third, [&](double k) { return k < 3 ? joint(second, 2, std::size_t(k)) / total : 0.; }), level);
  }
}

// A prediction draws a state of its own for each observation: the mean of all is the mixture's.
TEST(States, ArePredictedAnew) {
  Data data;
  data.set("y", std::vector<double>(2000, 0.));
  const Bound<Groups> bound(data);
  const Values position{0.2, -0.5, 0.1, 1.9, -1.2}, values = bound.constrain(position);
  const Values w = bound.part(values, "w"), mu = bound.part(values, "mu");
  double mean = 0, second = 1;
  for (std::size_t k = 0; k < 3; ++k) mean += w[k] * mu[k], second += w[k] * mu[k] * mu[k];
  const Values y = bound.part(bound.predict(position, 3), "y");
  EXPECT_NEAR(sum(y) / 2000, mean, 4.5 * std::sqrt((second - mean * mean) / 2000));  // false alarm: 7e-6
}

TEST(States, AreAGroupOfTheFitsDraws) {
  SampleOptions options;
  options.chains = 4;
  options.warmup = 50;
  options.draws = 10;
  const Fit fit = sample<Chain>(chain_data(), options);
  const Fit recovered = recover_states<Chain>(fit, 5), again = recover_states<Chain>(fit, 5, 1), other = recover_states<Chain>(fit, 6);
  const Variable& states = recovered.variable("states", "y_state");
  EXPECT_EQ(states.values.size(), 4u * 10 * 6);
  EXPECT_EQ(states.dims, std::vector<std::string>{"time"});
  EXPECT_TRUE(std::all_of(states.values.begin(), states.values.end(), [](double k) { return k == 0 || k == 1; }));
  EXPECT_EQ(states.values, again.variable("states", "y_state").values);
  EXPECT_NE(states.values, other.variable("states", "y_state").values);
  // The element 2.1, between 1.8 and 0.9, is of state 1 in nearly every path; the first, 0.3, in some.
  double third = 0;
  for (std::size_t d = 0; d < 40; ++d) third += states.values[6 * d + 3] / 40;
  EXPECT_GT(third, 0.5);
}

// ---- missing elements of a chain ---------------------------------------------------------------------------------------

const Values position_of_chain{0.4, -0.3};

Data chain_without(const std::vector<int>& times) {
  Data data = chain_data();
  Values y = series;
  for (int t : times) y[std::size_t(t)] = nan;
  data.set("y", y);
  return data;
}
// The joint density of each path and what is there of y.
std::vector<double> path_densities_without(const std::vector<double>& start, const std::vector<int>& times) {
  std::vector<double> all = path_densities(0.4, start);
  for (int path = 0; path < 64; ++path)
    for (int t : times) all[std::size_t(path)] /= normal_density(series[std::size_t(t)], 2. * (path >> t & 1), 1);
  return all;
}

TEST(States, OfAChainAreSummedWhereItsElementsAreMissing) {
  for (const std::vector<int>& times : std::vector<std::vector<int>>{{2}, {0, 5}, {1, 2, 4}, {0, 1, 2, 3, 4, 5}}) {
    SCOPED_TRACE(times.size());
    const Bound<Chain> bound(chain_without(times)), whole(chain_data());
    const Values start = bound.part(bound.constrain(position_of_chain), "start");
    const double expected = std::log(sum(path_densities_without(start, times)));
    const Values pointwise = bound.pointwise(position_of_chain);
    EXPECT_EQ(pointwise.size(), 6 - times.size());
    EXPECT_NEAR(sum(pointwise), expected, 1e-12);
    // The same priors as with all of y.
    EXPECT_NEAR(bound.log_density(position_of_chain) - whole.log_density(position_of_chain),
                expected - std::log(sum(path_densities(0.4, start))), 1e-12);
    const HostModel model(*model_table<Chain>(), bound.data);
    Values gradient(2);
    const double density = model.log_density(position_of_chain.data(), gradient.data());
    for (std::size_t c = 0; c < 2; ++c) {
      Values up = position_of_chain, down = up;
      up[c] += 1e-5, down[c] -= 1e-5;
      EXPECT_NEAR(gradient[c], (bound.log_density(up) - bound.log_density(down)) / 2e-5, 1e-8) << c;
    }
    GradientInLanes lanes(model);
    lanes.place(position_of_chain);
    for (const bool mixed : {false, true}) {
      lanes.run(model, mixed ? model.table().log_density_gradient_mixed : model.table().log_density_gradient);
      const double tolerance = mixed ? 1e-5 : 1e-12;
      for (int lane = 0; lane < pack_width; ++lane) {
        EXPECT_NEAR(lanes.log_density[lane], density, tolerance * std::max(1., std::abs(density)));
        for (std::size_t k = 0; k < 2; ++k)
          EXPECT_NEAR(lanes.gradient.data()[k * std::size_t(pack_width) + std::size_t(lane)], gradient[k],
                      tolerance * std::max(1., std::abs(gradient[k])));
      }
    }
  }
}

TEST(States, OfAChainWithAMissingElementHaveTheIntegralOverIt) {
  const double density = Bound<Chain>(chain_without({2})).log_density(position_of_chain);
  double integral = 0;
  const double step = 0.05;
  for (int i = -240; i <= 280; ++i) {   // from -12 to 14; the integrand is normal at both ends: the sum is exact to rounding
    Data data = chain_data();
    Values y = series;
    y[2] = i * step;
    data.set("y", y);
    integral += step * std::exp(Bound<Chain>(data).log_density(position_of_chain));
  }
  EXPECT_NEAR(std::log(integral), density, 1e-11);
}

TEST(States, AndMissingElementsAreRecoveredTogether) {
  const std::vector<int> times{1, 4};
  const Data data = chain_without(times);
  const HostModel model(*model_table<Chain>(), data);
  const Bound<Chain> bound(data);
  const std::vector<double> density = path_densities_without(bound.part(bound.constrain(position_of_chain), "start"), times);
  ASSERT_EQ(model.values(Meaning::states), 8u);
  Sample paths, second, deviations;
  for (std::uint32_t d = 0; d < draws; ++d) {
    Values out(8);
    bound.model.generate({Meaning::states, position_of_chain.data(), nullptr, 11, 0, d, 0, nullptr, out.data()});
    int path = 0;
    for (int t = 0; t < 6; ++t) path |= int(out[std::size_t(t)]) << t;
    paths.push_back(path);
    second.push_back(out[7]);
    deviations.push_back(out[6] - 2 * out[1]);   // of the element, from its state's mean
  }
  EXPECT_GT(chi_square(paths, [&](double path) { return path < 64 ? density[std::size_t(path)] / sum(density) : 0.; }), level);
  double wild = 0;   // the probability of state 1 at time 4
  for (int path = 0; path < 64; ++path) wild += (path >> 4 & 1) * density[std::size_t(path)] / sum(density);
  const auto normal_cdf = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.)); };
  EXPECT_GT(kolmogorov_smirnov(second, [&](double y) { return (1 - wild) * normal_cdf(y) + wild * normal_cdf(y - 2); }), level);
  EXPECT_GT(kolmogorov_smirnov(deviations, normal_cdf), level);
}

TEST(States, AreOfAllTimesInAFitThatLacksElements) {
  SampleOptions options;
  options.chains = 4;
  options.warmup = 50;
  options.draws = 10;
  options.log_likelihood = options.predictive = true;
  Data data = chain_without({1, 4});
  data.set_labels("time", {"mon", "tue", "wed", "thu", "fri", "sat"});
  const Fit fit = sample<Chain>(data, options);
  EXPECT_EQ(fit.variable("observed_data", "y_observed").values, (Values{0.3, 1.8, 2.1, -0.2}));
  EXPECT_EQ(fit.variable("log_likelihood", "y_observed").values.size(), 4u * 40);
  EXPECT_EQ(fit.variable("posterior_predictive", "y_observed").values.size(), 4u * 40);
  const auto& notes = std::get<std::vector<std::string>>(fit.attributes.at("notes"));
  EXPECT_NE(std::find(notes.begin(), notes.end(), "'y' has 2 missing values, summed out with its states."), notes.end());
  const Fit recovered = recover_states<Chain>(fit, 5);
  const Variable &states = recovered.variable("states", "y_state"), &missing = recovered.variable("states", "y_unobserved");
  EXPECT_EQ(states.dims, std::vector<std::string>{"time"});
  EXPECT_EQ(states.values.size(), 6u * 40);
  EXPECT_TRUE(std::all_of(states.values.begin(), states.values.end(), [](double k) { return k == 0 || k == 1; }));
  EXPECT_EQ(missing.values.size(), 2u * 40);
  const auto along = std::ranges::find(recovered.dimensions, missing.dims[0], &Dimension::name);
  ASSERT_NE(along, recovered.dimensions.end());
  EXPECT_EQ(along->labels, (std::vector<std::string>{"tue", "fri"}));
  EXPECT_EQ(predict<Chain>(fit).variable("posterior_predictive", "y_observed").values.size(), 4u * 40);
  EXPECT_EQ(sample_prior<Chain>(data, {}).variable("prior_predictive", "y_observed").shape, std::vector<std::size_t>{4});
}

TEST(States, HaveNothingMissingWhereTheirSeriesIsDoneOrObserved) {
  Data done = chain_without({1, 4}), observed = done;
  done.set_do("y", series);
  observed.set_observed("y", series);
  const Data complete = chain_data();
  const HostModel with_do(*model_table<Chain>(), done), with_observe(*model_table<Chain>(), observed),
      usual(*model_table<Chain>(), complete);
  const Bound<Chain> bound(complete);
  const double density = usual.log_density(position_of_chain.data(), nullptr);
  EXPECT_NEAR(with_observe.log_density(position_of_chain.data(), nullptr), density, 1e-12);
  EXPECT_NEAR(with_do.log_density(position_of_chain.data(), nullptr), density - sum(bound.pointwise(position_of_chain)), 1e-12);
  EXPECT_EQ(with_observe.layout().sites[with_observe.layout().site_count - 1].missing_dim, -1);
}

// Counts that are read as real numbers may be missing, too; what is missing has no value that others could read.
struct CountsOfAChain {
  Dim time, state;
  Real n;
  explicit CountsOfAChain(Dataset& d) : time(d.dim("time")), state(d.dim("state", 2)), n(d.real("n", time)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", dirichlet(1), state, state);
    auto rate = m.let("rate", state, [&](auto k) { return 1. + 4. * k.position; });
    m.hidden_markov("n", n, time, state, 0.5, p, [&](auto, auto k) { return poisson(rate[k]); });
  }
};
struct ReadOfAChain : CountsOfAChain {
  using CountsOfAChain::CountsOfAChain;
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", dirichlet(1), state, state);
    auto y = m.hidden_markov("y", n, time, state, 0.5, p, [&](auto, auto) { return normal(0, 1); });
    m.potential("read", time, [&](auto t) { return y[t]; });
  }
};
TEST(States, OfCountsAreSummedWhereTheseAreMissing) {
  Data data;
  data.set("n", Values{1, nan, 6});
  const Bound<CountsOfAChain> bound(data);
  const Values x{0.3, -0.8}, p = bound.part(bound.constrain(x), "p");
  const auto poisson_density = [](double n, double rate) { return std::exp(n * std::log(rate) - rate - std::lgamma(n + 1)); };
  double total = 0;
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 2; ++j)
      for (std::size_t k = 0; k < 2; ++k)
        total += 0.5 * p[2 * i + j] * p[2 * j + k] * poisson_density(1, 1. + 4. * double(i)) *
                 poisson_density(6, 1. + 4. * double(k));
  EXPECT_NEAR(sum(bound.pointwise(x)), std::log(total), 1e-12);
  expect_model_error([&] { const Bound<ReadOfAChain> read(data); }, {"site 'y' is read where it is missing", "summed out"});
}

// A number made of the state's index is the same for a whole plate, as far as types say.
struct NumbersOfStates : Chain {
  using Chain::Chain;
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", dirichlet(1), state, state);
    m.hidden_markov("y", y, time, state, 1, p, [&](auto, auto k) { return normal(k.position * 2., 1); });
  }
};
struct NumbersOfComponents : Chain {
  using Chain::Chain;
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", dirichlet(1), state);
    m.mixture("y", y, time, state, p, [&](auto, auto k) { return normal(k.position * 2., 1); });
  }
};
TEST(States, AreNotToldApartByNumbersOfTheirIndex) {
  expect_model_error([] { const Bound<NumbersOfStates> bound(chain_data()); }, {"site 'y' reads elements by a number"});
  expect_model_error([] { const Bound<NumbersOfComponents> bound(chain_data()); }, {"site 'y' reads elements by a number"});
}

struct NoStates {
  Dim i;
  Real y;
  explicit NoStates(Dataset& d) : i(d.dim("i")), y(d.real("y", i)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    m.observe("y", y, i, [&](auto) { return normal(mu, 1); });
  }
};
TEST(States, AreRefusedWhereThereAreNone) {
  Data data;
  data.set("y", series);
  SampleOptions options;
  options.chains = 4;
  options.warmup = 20;
  options.draws = 2;
  EXPECT_THROW(recover_states<NoStates>(sample<NoStates>(data, options)), SampleError);
}

}  // namespace
}  // namespace lockstep
