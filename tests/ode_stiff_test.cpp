// The stiff solver: what tests/ode_test.cpp asks of the other, and systems that the other cannot solve, against closed forms and
// against values of Radau's method at a tolerance of 1e-12 (tests/golden/make_ode.py).
#include "ode_systems.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

namespace lockstep {
namespace {

TEST(StiffSolution, OfExponentialDecayIsItsClosedForm) { expect_closed_form<Decay<true>>({1.3, 2}, 1); }
TEST(StiffSolution, OfAnOscillatorIsItsClosedForm) { expect_closed_form<Oscillator<true>>({2.5, 1, -0.6}, 2); }
TEST(StiffSolution, OfLogisticGrowthIsItsClosedForm) { expect_closed_form<Logistic<true>>({1.8, 3, 0.1}, 1); }

TEST(StiffGradient, IsThatOfTheStepsInEveryKindOfLane) {
  expect_right_gradients(Bound<Decay<true>>(data_for(1, 1e-10)), 1.5);
  expect_right_gradients(Bound<Oscillator<true>>(data_for(2, 1e-10)), 1.5);
}
TEST(StiffGradient, IsRightWhereverParametersAreRead) {
  expect_right_gradients(Bound<ReadsEverything<true>>(data_to_read()), 0.8, {.differences = 1e-6});
}

// A million times as fast as the time that drives it.
struct InFewSteps : Times {
  explicit InFewSteps(Dataset& d) : Times(d, 1, 3) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto z = m.ode("z", time, state, p[2], 0.5, times,
                   [&](auto t, auto y) { return derivatives(p[0] * cos(p[0] * t) - p[1] * (y[0] - sin(p[0] * t))); },
                   stiff(1e-6, 1e-6, 60));
    m.potential("sum", time, [&](auto i) { return weight[0] * z(i, 0); });
  }
};
TEST(StiffSolution, OfAFastPartThatIsDrivenSlowlyTakesFewSteps) {
  const Values p{3, 1e6, 1.5};
  const Result found = Bound<InFewSteps>(data_for(1, 0)).scalar(p);
  const auto expected = [&](const Values& x) { return summed<Driven<true>>(x, some_times, {1.3}); };
  EXPECT_NEAR(found.log_density, expected(p), 5e-5);
  const Values slopes = central_differences(expected, p);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(found.gradient[i], slopes[i], 1e-4) << i;
  EXPECT_FALSE(std::isfinite(Bound<Driven<false>>(data_for(1, 1e-6)).scalar(p).log_density));  // a hundred thousand steps
}

// ---- against another solver -----------------------------------------------------------------------------------------------

// Parameters in logarithms: what matters are relative changes.
struct Golden {
  Dim time, state, parameter;
  Real times, weight, start;
  double relative, absolute;
  Golden(Dataset& d, int states, int parameters)
      : time(d.dim("time")), state(d.dim("state", states)), parameter(d.dim("parameter", parameters)),
        times(d.real("times", time)), weight(d.real("weight", state)), start(d.real("start", state)), relative(d.option("relative", 1e-6)),
        absolute(d.option("absolute", 1e-6)) {}
  template <class M, class F> void weigh(M& m, const F& f) const {
    auto z = m.ode("z", time, state, start, 0, times, f, stiff(relative, absolute));
    m.potential("last", sum(state, [&](auto k) { return weight[k] * z(time.size - 1, k); }));
  }
};
struct Robertson : Golden {
  explicit Robertson(Dataset& d) : Golden(d, 3, 3) {}
  template <class M> void operator()(M& m) const {
    auto logarithms = m.param("logarithms", flat(), parameter);
    auto p = m.let("p", parameter, [&](auto k) { return exp(logarithms[k]); });
    weigh(m, [&](auto, auto y) {
      auto first = p[0] * y[0], second = p[1] * y[1] * y[2], third = p[2] * square(y[1]);
      return derivatives(second - first, first - second - third, third);
    });
  }
};
struct VanDerPol : Golden {
  explicit VanDerPol(Dataset& d) : Golden(d, 2, 1) {}
  template <class M> void operator()(M& m) const {
    auto logarithms = m.param("logarithms", flat(), parameter);
    auto mu = m.let("mu", exp(logarithms[0]));
    weigh(m, [&](auto, auto y) { return derivatives(y[1], mu * (1 - square(y[0])) * y[1] - y[0]); });
  }
};

// At each time, one element after the other. `worst` are the largest errors of values and of derivatives by logarithms, each
// relative to the largest that the element has at any time.
template <class System> Result worst_errors(const std::string& name, double relative, double absolute) {
  const auto all = nlohmann::json::parse(std::ifstream(LOCKSTEP_SOURCE_DIR "/tests/golden/ode.json"));
  const auto& golden = all.at("systems").at(name);
  const Values p = golden.at("parameters"), start = golden.at("start"), times = golden.at("times");
  const std::vector<Values> y = golden.at("y");
  const std::vector<std::vector<Values>> derivatives = golden.at("derivatives");
  Values position;
  for (const double v : p) position.push_back(std::log(v));
  Result worst{0, {0}};
  for (std::size_t k = 0; k < start.size(); ++k) {
    double most_y = 0, most_slope = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
      most_y = std::max(most_y, std::abs(y[i][k]));
      for (std::size_t q = 0; q < p.size(); ++q) most_slope = std::max(most_slope, std::abs(p[q] * derivatives[i][k][q]));
    }
    for (std::size_t i = 0; i < times.size(); ++i) {
      Data data;
      Values weight(start.size(), 0.);
      weight[k] = 1;
      data.set("times", Values(times.begin(), times.begin() + std::ptrdiff_t(i) + 1));
      data.set("weight", weight);
      data.set("start", start);
      data.set_option("relative", relative);
      data.set_option("absolute", absolute);
      const Result found = Bound<System>(data).scalar(position);
      worst.log_density = std::max(worst.log_density, std::abs(found.log_density - y[i][k]) / most_y);
      for (std::size_t q = 0; q < p.size(); ++q)
        worst.gradient[0] = std::max(worst.gradient[0], std::abs(found.gradient[q] - p[q] * derivatives[i][k][q]) / most_slope);
    }
  }
  if (std::getenv("LOCKSTEP_SHOW_ERRORS"))
    std::printf("    %s, tolerance %.0e  value %.1e  derivative %.1e\n", name.c_str(), relative, worst.log_density,
                worst.gradient[0]);
  return worst;
}

TEST(StiffSolution, OfRobertsonsReactionsIsRadaus) {
  for (const double tolerance : {1e-4, 1e-6, 1e-8, 1e-10}) {
    const Result worst = worst_errors<Robertson>("robertson", tolerance, 1e-5 * tolerance);
    EXPECT_LE(worst.log_density, 10 * tolerance);
    EXPECT_LE(worst.gradient[0], 100 * tolerance);
  }
}
TEST(StiffSolution, OfVanDerPolsOscillatorIsRadaus) {
  // Errors are of the phase, too, which a turn makes large, and larger of its derivative.
  for (const double tolerance : {1e-8, 1e-10}) {
    const Result worst = worst_errors<VanDerPol>("van_der_pol", tolerance, tolerance);
    EXPECT_LE(worst.log_density, 1e3 * tolerance);
    EXPECT_LE(worst.gradient[0], 3e5 * tolerance);
  }
}

TEST(StiffLanes, ThatNeedVeryDifferentNumbersOfStepsAreAsEachAlone) {
  Data data;
  data.set("times", {1., 40., 300.});
  data.set("weight", {0.4, 1e4, 0.6});
  data.set("start", {1., 0., 0.});
  data.set_option("relative", 1e-8);
  data.set_option("absolute", 1e-12);
  const Bound<Robertson> bound(data);
  std::vector<Values> positions;
  for (int lane = 0; lane < pack_width; ++lane)
    positions.push_back({std::log(0.04) - 2 * lane, std::log(1e4) - lane, std::log(3e7) - 3 * lane});
  positions[1][0] = std::nan("");  // this lane fails
  const std::vector<Result> together = bound.pack(positions);
  for (std::size_t lane = 0; lane < positions.size(); ++lane) {
    if (lane == 1) EXPECT_FALSE(std::isfinite(together[lane].log_density));
    else EXPECT_LE(difference(together[lane], bound.scalar(positions[lane])), 1e-9) << lane;
  }
}

TEST(StiffLanes, InMixedPrecisionAreRightToSinglePrecision) {
  expect_right_to_single_precision<Oscillator<true>>({2.5, 1, -0.6}, 2);
  expect_right_to_single_precision<Driven<true>>({3, 0.8, 1.5}, 1);
  expect_right_to_single_precision<Driven<true>>({3, 3000, 1.5}, 1);
}

// I - h d J = [1, -h d; h d omega^2, 1]: the larger pivot is in the second row where omega is large.
TEST(StiffLanes, SwapRowsEachAsItNeeds) {
  const Bound<Oscillator<true>> bound(data_for(2, 1e-6));
  std::vector<Values> positions;
  for (int lane = 0; lane < pack_width; ++lane) positions.push_back({lane % 2 == 0 ? 0.5 : 40., 1, 0.3 * lane});
  const std::vector<Result> together = bound.pack(positions);
  for (std::size_t lane = 0; lane < positions.size(); ++lane) {
    const Result alone = bound.scalar(positions[lane]);
    EXPECT_LE(difference(together[lane], alone), 1e-11) << lane;
    EXPECT_LE(difference(bound.forward(positions[lane]), alone), 1e-9) << lane;  // Newton's method stops at 1e-4 of the tolerance
  }
}

}  // namespace
}  // namespace lockstep
