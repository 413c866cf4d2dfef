// Discrete states that are summed out: mixtures over a dimension, transitions that change with time, and states recovered, against
// enumeration (rules §5).
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "bound_model.hpp"
#include "goodness_of_fit.hpp"
#include "lockstep/lockstep.hpp"

namespace lockstep {
namespace {

// The sizes of the chi-square tests; three of them at 1e-4 each, one fixed seed.
constexpr int draws = 20000;
constexpr double level = 1e-4;

double normal_density(double y, double mu, double sigma) {
  return std::exp(-0.5 * std::pow((y - mu) / sigma, 2)) / (sigma * std::sqrt(2 * M_PI));
}

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

Values states_at(const auto& bound, const Values& position, std::uint32_t draw) {
  Values out(bound.count(true));
  bound.model.generate({Meaning::states, position.data(), nullptr, 11, 0, draw, 0, nullptr, out.data()});
  return out;
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
    const Values states = states_at(bound, position, std::uint32_t(d));
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
    for (int d = 0; d < draws; ++d) third.push_back(states_at(bound, position, std::uint32_t(d))[2 + (second ? 6u : 0u)]);
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
