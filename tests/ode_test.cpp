// Ordinary differential equations in models: solutions and gradients against closed forms, gradients by the oracles of
// gradient_oracles.hpp too; lanes against each lane alone, failures, sizes that are awkward, and mistakes.
#include "ode_systems.hpp"

#include <numeric>

#include "lockstep/lockstep.hpp"
#include "models/lotka_volterra.hpp"
#include "tests/model_error.hpp"

namespace lockstep {
namespace {

// ---- solutions ----------------------------------------------------------------------------------------------------------

TEST(OdeSolution, OfExponentialDecayIsItsClosedForm) { expect_closed_form<Decay<>>({1.3, 2}, 1); }
TEST(OdeSolution, OfAnOscillatorIsItsClosedForm) { expect_closed_form<Oscillator<>>({2.5, 1, -0.6}, 2); }
TEST(OdeSolution, OfLogisticGrowthIsItsClosedForm) { expect_closed_form<Logistic<>>({1.8, 3, 0.1}, 1); }
TEST(OdeSolution, OfASystemThatTimeDrivesIsItsClosedForm) { expect_closed_form<Driven<>>({3, 0.8, 1.5}, 1); }

TEST(OdeGradient, IsThatOfTheStepsInEveryKindOfLane) {
  expect_right_gradients(Bound<Decay<>>(data_for(1, 1e-12)), 1.5);
  expect_right_gradients(Bound<Oscillator<>>(data_for(2, 1e-12)), 1.5);
  expect_right_gradients(Bound<Driven<>>(data_for(1, 1e-12)), 1.5);
}

TEST(OdeGradient, IsRightWhereverParametersAreRead) {
  expect_right_gradients(Bound<ReadsEverything<>>(data_to_read()), 0.8, {.differences = 1e-6});
}

// ---- lanes ------------------------------------------------------------------------------------------------------------------

TEST(OdeLanes, ThatNeedVeryDifferentNumbersOfStepsAreAsEachAlone) {
  const Bound<Oscillator<>> bound(data_for(2, 1e-8));
  std::vector<Values> positions;
  for (int lane = 0; lane < pack_width; ++lane) positions.push_back({lane == 2 ? 300. : 0.1 * (lane + 1), 1, 0.3 * lane});
  const std::vector<Result> together = bound.pack(positions);
  for (std::size_t lane = 0; lane < positions.size(); ++lane)
    EXPECT_LE(difference(together[lane], bound.scalar(positions[lane])), 1e-8) << lane;
  // A lane does not know of the others: bit by bit the same beside other neighbours.
  std::vector<Values> others(positions.size(), Values{7, -1, 2});
  others[0] = positions[0];
  EXPECT_EQ(bound.pack(others)[0].log_density, together[0].log_density);
  EXPECT_EQ(bound.pack(others)[0].gradient, together[0].gradient);
}

// From a few steps in an interval to thousands: what is kept, what is found again, and the ways between.
TEST(OdeGradient, IsRightForAnyNumberOfSteps) {
  const Bound<Oscillator<>> bound(data_for(2, 1e-9, {1.5}));
  std::vector<double> frequencies{1000, 5000};
  for (double omega = 1; omega < 60; omega *= 1.06) frequencies.push_back(omega);
  for (const double omega : frequencies) {
    const Values position{omega, 1, -0.5};
    EXPECT_LE(difference(bound.scalar(position), bound.forward(position)), omega < 100 ? 1e-11 : 1e-9) << omega;
  }
}

struct Columns : Times {
  Real y;
  explicit Columns(Dataset& d) : Times(d, 2, 3), y(d.real("y", time)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", normal(1, 1), parameter);
    auto z = m.ode("z", time, state, p[2], 0, times,
                   [&](auto, auto x) { return derivatives(x[1], -square(p[0]) * x[0] - p[1]); });
    m.observe("y", y, time, [&](auto i) { return normal(z(i, 0) + z(i, 1), 1); });
  }
};
TEST(OdeLanes, SolveAtTheTimesOfTheirOwnDataSet) {
  std::vector<Data> sets;
  for (int s = 0; s < 3; ++s) {
    Data data = data_for(2, 1e-6, {0.5, 0.75, 1. + s, 2. + 3 * s});
    data.set("y", {0.1 * s, 0.5, -1., 2.});
    sets.push_back(data);
  }
  const Bound<Columns> stacked(Data::stack(sets));
  std::vector<Values> positions;
  std::vector<std::int64_t> of_lane;
  for (int lane = 0; lane < pack_width; ++lane) {
    of_lane.push_back(lane % 3);
    positions.push_back({0.3 * lane + 0.1, -0.5, 1 + 0.1 * lane});
  }
  const std::vector<Result> found = stacked.pack<true>(positions, of_lane);
  for (std::size_t lane = 0; lane < positions.size(); ++lane) {
    const Result alone = Bound<Columns>(sets[std::size_t(of_lane[lane])]).scalar(positions[lane]);
    EXPECT_LE(difference(found[lane], alone), 1e-12) << lane;
  }
}

TEST(OdeLanes, InMixedPrecisionAreRightToSinglePrecision) {
  expect_right_to_single_precision<Oscillator<>>({2.5, 1, -0.6}, 2);
  expect_right_to_single_precision<Driven<>>({3, 0.8, 1.5}, 1);
}

// ---- no solution ------------------------------------------------------------------------------------------------------

// y' = y^2 from p: infinite at t = 1/p. The second potential does not depend on the solution, nor is the first one all of it.
struct BlowUp : Times {
  explicit BlowUp(Dataset& d) : Times(d, 1, 1) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto z = m.ode("z", time, state, p[0], 0, times, [&](auto, auto y) { return derivatives(square(y[0])); });
    m.potential("first", z(0, 0) - square(p[0]));
  }
};
TEST(OdeFailure, OfASolutionThatGoesToInfinityEndsThatLaneOnly) {
  const Bound<BlowUp> bound(data_for(1, 1e-6, {0.5, 2}));
  std::vector<Values> positions(pack_width, Values{0.25});
  positions[1] = {0.7};          // infinite between the two times, of which the first is read
  positions[pack_width - 1] = {3};
  const std::vector<Result> found = bound.pack(positions);
  for (std::size_t lane = 0; lane < positions.size(); ++lane) {
    const double p = positions[lane][0];
    if (p > 0.5) {
      EXPECT_FALSE(std::isfinite(found[lane].log_density)) << lane;
      EXPECT_FALSE(std::isfinite(bound.scalar(positions[lane]).log_density)) << lane;
    } else {
      EXPECT_NEAR(found[lane].log_density, p / (1 - 0.5 * p) - p * p, 1e-6) << lane;
      EXPECT_NEAR(found[lane].gradient[0], 1 / std::pow(1 - 0.5 * p, 2) - 2 * p, 1e-5) << lane;
    }
  }
  EXPECT_TRUE(std::isfinite(bound.scalar({-1}).log_density));
}

struct FewSteps : Times {
  explicit FewSteps(Dataset& d) : Times(d, 1, 1) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto z = m.ode("z", time, state, 1, 0, times, [&](auto, auto y) { return derivatives(-p[0] * y[0]); }, rk45(1e-6, 1e-6, 20));
    m.potential("sum", time, [&](auto i) { return z(i, 0); });
  }
};
TEST(OdeFailure, IsMoreStepsThanAreAllowed) {
  const Bound<FewSteps> bound(data_for(1, 1e-6, {1}));
  EXPECT_NEAR(bound.scalar({1}).log_density, std::exp(-1), 1e-6);
  EXPECT_FALSE(std::isfinite(bound.scalar({1000}).log_density));  // some hundreds would do
}

struct NoNumber : Times {
  explicit NoNumber(Dataset& d) : Times(d, 2, 1) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto z = m.ode("z", time, state, 1, 0, times, [&](auto, auto y) { return derivatives(log(p[0] - y[0]), -y[1]); });
    m.potential("sum", time, [&](auto i) { return z(i, 1); });
  }
};
TEST(OdeFailure, IsADerivativeThatIsNoNumber) {
  const Bound<NoNumber> bound(data_for(2, 1e-6, {1}));
  EXPECT_TRUE(std::isfinite(bound.scalar({2.5}).log_density));
  EXPECT_FALSE(std::isfinite(bound.scalar({0.5}).log_density));
}

// Finite at t = 1 from p < 1 only.
struct Finite {
  Dim time, state;
  Real times, y;
  explicit Finite(Dataset& d)
      : time(d.dim("time")), state(d.dim("state", 1)), times(d.real("times", time)), y(d.real("y", time)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", half_normal(1));
    auto z = m.ode("z", time, state, p, 0, times, [&](auto, auto y) { return derivatives(square(y[0])); });
    m.observe("y", y, time, [&](auto i) { return student_t(1, z(i, 0), 100); });
  }
};
TEST(OdeFailure, IsADivergenceToTheSampler) {
  Data data;
  data.set("times", {1.});
  data.set("y", {1.});
  SampleOptions options;
  options.seed = 1;
  options.draws = 200;
  const Fit fit = sample<Finite>(data, options);
  for (const double p : fit.variable("posterior", "p").values) ASSERT_LT(p, 1);
  const std::vector<double>& diverging = fit.variable("sample_stats", "diverging").values;
  EXPECT_GT(std::count(diverging.begin(), diverging.end(), 1.), 0);
  // The rest is the posterior: its mean by a sum over a grid.
  double weights = 0, expected = 0;
  for (double p = 0.5e-4; p < 1; p += 1e-4) {
    const double weight = std::exp(-0.5 * p * p) / (1 + std::pow((1 - p / (1 - p)) / 100, 2));
    weights += weight;
    expected += weight * p;
  }
  const std::vector<double>& p = fit.variable("posterior", "p").values;
  EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.) / double(p.size()), expected / weights, 0.03);
}

// ---- other meanings of a model -----------------------------------------------------------------------------------------------

struct Disappearance {
  Dim time, compartment;
  Real hours, y;
  explicit Disappearance(Dataset& d)
      : time(d.dim("time")), compartment(d.dim("compartment", 2)), hours(d.real("hours", time)), y(d.real("y", time)) {}
  template <class M> void operator()(M& m) const {
    auto in = m.param("in", lognormal(0, 0.3));
    auto out = m.param("out", lognormal(-1, 0.3));
    auto first = m.let("first", compartment, [&](auto k) { return 10 * delta(k, Index{0, k.dim}); });
    auto amount = m.ode("amount", time, compartment, first, 0, hours,
                        [&](auto, auto a) { return derivatives(-in * a[0], in * a[0] - out * a[1]); });
    m.observe("y", y, time, [&](auto i) { return normal(amount(i, 1), 0.1); });
  }
};
Data disappearance_data(const Values& hours) {
  Data data;
  data.set("hours", hours);
  data.set("y", Values(hours.size(), 1.));
  return data;
}
double amount_at(double in, double out, double t) { return 10 * in / (in - out) * (std::exp(-out * t) - std::exp(-in * t)); }

TEST(OdeMeanings, PriorPredictionsFollowTheSolution) {
  PriorOptions options;
  options.draws = 200;
  options.seed = 3;
  const Values hours{0, 0.5, 1, 4};
  const Fit fit = sample_prior<Disappearance>(disappearance_data(hours), options);
  const auto& in = fit.variable("prior", "in").values;
  const auto& out = fit.variable("prior", "out").values;
  const auto& amount = fit.variable("prior", "amount");
  const auto& y = fit.variable("prior_predictive", "y").values;
  ASSERT_EQ(amount.values.size(), 200u * 8);
  double squares = 0;
  for (std::size_t draw = 0; draw < 200; ++draw)
    for (std::size_t i = 0; i < 4; ++i) {
      const double expected = amount_at(in[draw], out[draw], hours[i]);
      ASSERT_NEAR(amount.values[draw * 8 + 2 * i + 1], expected, 1e-4);
      squares += std::pow((y[draw * 4 + i] - expected) / 0.1, 2);
    }
  EXPECT_NEAR(squares / 800, 1, 4 * std::sqrt(2. / 800));  // four standard errors, one fixed seed
}

TEST(OdeMeanings, ASolutionCanBeDone) {
  Data data = disappearance_data({1, 2});
  data.set_do("amount", {0, 3, 0, 4});
  const Bound<Disappearance> bound(data);
  const double at[2] = {0.2, -0.7};
  double f = 0;
  Guarded gradient(2, garbage), memory(std::size_t(bound.scratch) + 1, garbage);
  const std::int64_t column = 0;
  bound.model.gradient<double>(at, &f, gradient.data(), memory.data(), &column);
  // The parameters have their priors only: lognormal with its Jacobian is normal in the logarithm.
  EXPECT_NEAR(gradient[0], -at[0] / 0.09, 1e-12);
  EXPECT_NEAR(gradient[1], -(at[1] + 1) / 0.09, 1e-12);
}

TEST(OdeMeanings, TheGraphHasWhatTheSolutionReads) {
  const Data data = disappearance_data({1, 2});
  const DataViews views(data);
  const Edges edges = BoundModel<Disappearance>(views.view()).graph();
  for (const char* from : {"in", "out", "first", "hours"}) EXPECT_TRUE(edges.count({from, "amount"})) << from;
  EXPECT_TRUE(edges.count({"amount", "y"}));
  EXPECT_FALSE(edges.count({"in", "y"}));
}

// ---- awkward sizes ------------------------------------------------------------------------------------------------------------

TEST(OdeSizes, OfNoTimesOneTimeAndTheStartItself) {
  const Values at{1.3, 2};
  EXPECT_EQ(Bound<Decay<>>(data_for(1, 1e-6, {})).scalar(at).log_density, 0);
  const Result start = Bound<Decay<>>(data_for(1, 1e-6, {0.5, 0.5})).scalar(at);
  EXPECT_EQ(start.log_density, 2 * 1.3 * 2);
  EXPECT_EQ(start.gradient, (Values{0, 2 * 1.3}));
  EXPECT_NEAR(Bound<Decay<>>(data_for(1, 1e-6, {1.5})).scalar(at).log_density, 1.3 * 2 * std::exp(-1.3), 1e-5);
  for (const Values& times : {Values{}, Values{0.5}, Values{0.5, 0.5}, Values{0.5000000001}, Values{2, 2, 2}}) {
    SCOPED_TRACE(times.size());
    expect_right_gradients(Bound<Decay<>>(data_for(1, 1e-10, times)), 1);
  }
}
TEST(OdeSizes, OfIntervalsThatAreVeryDifferent) {
  const Values times{0.5 + 1e-12, 0.5 + 1e-6, 0.6, 50, 50 + 1e-9};
  const Values at{0.05, 2};
  double expected = 0;
  for (const double t : times) expected += 1.3 * Decay<>::solution(at, t)[0];
  EXPECT_NEAR(Bound<Decay<>>(data_for(1, 1e-8, times)).scalar(at).log_density, expected, 1e-6);
}

// ---- mistakes ---------------------------------------------------------------------------------------------------------

enum class Mistake { none, another_dimension, initial, derivatives, element };
template <Mistake mistake> struct Mistaken {
  Dim time, other, state;
  Real times, others;
  explicit Mistaken(Dataset& d)
      : time(d.dim("time")), other(d.dim("other")), state(d.dim("state")), times(d.real("times", time)),
        others(d.real("others", other)) {}
  template <class M> void operator()(M& m) const {
    auto first = m.param("first", half_normal(1), mistake == Mistake::initial ? other : state);
    auto z = m.ode("z", time, state, first, 1, mistake == Mistake::another_dimension ? others : times, [&](auto, auto y) {
      if constexpr (mistake == Mistake::derivatives) return derivatives(y[0], y[1], y[0]);
      else if constexpr (mistake == Mistake::element) return derivatives(y[0], y[2]);
      else return derivatives(-y[0], y[1]);
    });
    m.potential("sum", time, [&](auto i) { return z(i, 0); });
  }
};
Data data_for_mistakes(const Values& times = {1, 2, 3}) {
  Data data;
  data.set("times", times);
  data.set("others", {1, 2});
  data.set("state", 2);
  return data;
}
template <Mistake mistake> void expect_mistake(const Data& data, const std::vector<std::string>& parts) {
  expect_model_error([&] { Bound<Mistaken<mistake>>{data}; }, parts);
}

TEST(OdeMistakes, AreNamed) {
  EXPECT_NO_THROW(Bound<Mistaken<Mistake::none>>{data_for_mistakes()});
  expect_mistake<Mistake::none>(data_for_mistakes({1, 3, 2}), {"'z'", "time 2, element 3 of 'times'", "after time 3", "Sort"});
  expect_mistake<Mistake::none>(data_for_mistakes({0.5, 3}),
                                {"'z'", "time 0.5, element 1", "after time 1, its start", "earlier"});
  expect_mistake<Mistake::none>(data_for_mistakes({1, std::nan(""), 3}), {"'times' is NaN at element 2"});
  expect_mistake<Mistake::another_dimension>(data_for_mistakes(), {"'z'", "'others'", "another dimension"});
  expect_mistake<Mistake::initial>(data_for_mistakes(), {"'z'", "argument along another dimension"});
  expect_mistake<Mistake::derivatives>(data_for_mistakes(), {"'z' has 3 derivatives", "2 elements"});
  expect_mistake<Mistake::element>(data_for_mistakes(), {"differential equation", "element 2", "0 to 1"});
}
TEST(OdeMistakes, AreNamedInEveryDataSet) {
  const Data data = Data::stack({data_for_mistakes(), data_for_mistakes({1, 3, 2})});
  expect_mistake<Mistake::none>(data, {"'z'", "time 2, element 3"});
}

// ---- the zoo ----------------------------------------------------------------------------------------------------------

// Differences cross the jumps where a step size changes.
TEST(ZooGradients, LotkaVolterra) {
  expect_right_gradients(Bound<models::LotkaVolterra>(example("lotka_volterra")), 0.3, {.differences = 1e-2});
}

}  // namespace
}  // namespace lockstep
