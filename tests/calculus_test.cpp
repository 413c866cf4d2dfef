// Integrals, solutions of equations, and supports of one's own: values in closed form, gradients by the oracles of
// gradient_oracles.hpp, lanes that need different numbers of steps, failures and mistakes.
#include "gradient_oracles.hpp"

#include <numbers>

#include "lockstep/lockstep.hpp"
#include "tests/message_of.hpp"

namespace lockstep {
namespace {

// Parameters that are flat on the real line.
struct Parameters {
  Dim parameter;
  Parameters(Dataset& d, int count) : parameter(d.dim("parameter", count)) {}
};

// ---- integrals --------------------------------------------------------------------------------------------------------------

enum class Range { both_ends, from_below, to_above, line, data_below };
template <Range range> struct Area : Parameters {
  RealScalar start;
  explicit Area(Dataset& d) : Parameters(d, 3), start(d.scalar("start")) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto rate = m.let("rate", exp(p[2]));
    m.potential("area", [&] {
      if constexpr (range == Range::both_ends) return integral(p[0], p[1], [&](auto t) { return exp(-rate * t); });
      else if constexpr (range == Range::data_below) return integral(start, p[1], [&](auto t) { return exp(-rate * t) * sin(t); });
      else if constexpr (range == Range::from_below) return integral(p[0], no_bound, [&](auto t) { return exp(-rate * t); });
      else if constexpr (range == Range::to_above) return integral(no_bound, p[1], [&](auto t) { return exp(rate * t); });
      else return integral(no_bound, no_bound, [&](auto t) { return square(t) * exp(-0.5 * rate * square(t - p[0])); });
    }());
  }
  static double exact(const Values& p) {
    const double rate = std::exp(p[2]), a = p[0], b = p[1];
    const auto wave = [&](double t) { return -std::exp(-rate * t) * (rate * std::sin(t) + std::cos(t)) / (1 + rate * rate); };
    switch (range) {
      case Range::both_ends: return (std::exp(-rate * a) - std::exp(-rate * b)) / rate;
      case Range::data_below: return wave(b) - wave(0.25);
      case Range::from_below: return std::exp(-rate * a) / rate;
      case Range::to_above: return std::exp(rate * b) / rate;
      default: return std::sqrt(2 * std::numbers::pi / rate) * (a * a + 1 / rate);
    }
  }
};
Data no_data() {
  Data data;
  data.set("start", 0.25);
  return data;
}
template <class Model> void expect_exact_area() {
  const Bound<Model> bound(no_data());
  for (const Values& p : {Values{0, 1, 0}, Values{-1, 2, 0.7}, Values{0.3, -1.4, -1}}) {   // the last from above to below
    const double exact = Model::exact(p);
    EXPECT_NEAR(bound.scalar(p).log_density, exact, 1e-12 * std::max(1., std::abs(exact)));
  }
  expect_right_gradients(bound, 1.5, {.forward = 1e-10, .pack = 1e-11});
}
TEST(Integral, BetweenParametersIsExact) { expect_exact_area<Area<Range::both_ends>>(); }
TEST(Integral, FromDataIsExact) { expect_exact_area<Area<Range::data_below>>(); }
TEST(Integral, OfAHalfLineIsExact) {
  expect_exact_area<Area<Range::from_below>>();
  expect_exact_area<Area<Range::to_above>>();
}
TEST(Integral, OfTheLineIsExact) { expect_exact_area<Area<Range::line>>(); }

// Beta's integral, infinite at both ends for a, b < 1; and one that is only defined inside.
struct Singular : Parameters {
  explicit Singular(Dataset& d) : Parameters(d, 2) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    m.potential("beta", integral(0, 1, [&](auto t) { return pow(t, p[0] - 1) * pow(1 - t, p[1] - 1); }));
  }
};
TEST(Integral, MayBeInfiniteAtItsEnds) {
  const Bound<Singular> bound(no_data());
  for (const Values& p : {Values{0.5, 1}, Values{0.7, 2.5}, Values{1, 3}}) {
    const double exact = std::exp(std::lgamma(p[0]) + std::lgamma(p[1]) - std::lgamma(p[0] + p[1]));
    const Result found = bound.scalar(p);
    EXPECT_NEAR(found.log_density, exact, 1e-9 * exact);
    EXPECT_NEAR(found.gradient[0], exact * (digamma(p[0]) - digamma(p[0] + p[1])), 1e-9 * exact);
  }
  // At an end that is not 0 doubles are no nearer than 1e-16.
  EXPECT_NEAR(bound.scalar({1, 0.5}).log_density, 2, 1e-7);
}

// The sharper the peak, the more points.
struct Peak : Parameters {
  explicit Peak(Dataset& d) : Parameters(d, 1) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    m.potential("area", integral(-1, 1, [&](auto t) { return 1 / (1 + square(p[0] * t)); }));
  }
};
TEST(Integral, OfEachLaneTakesThePointsThatItNeeds) {
  const Bound<Peak> bound(no_data());
  std::vector<Values> positions;
  for (int lane = 0; lane < pack_width; ++lane) positions.push_back({lane == 1 ? 40. : 0.5 + lane});
  const std::vector<Result> found = bound.pack(positions);
  for (std::size_t lane = 0; lane < positions.size(); ++lane) {
    const double p = positions[lane][0];
    EXPECT_NEAR(found[lane].log_density, 2 * std::atan(p) / p, 1e-9) << lane;
    EXPECT_NEAR(found[lane].gradient[0], 2 / (p * (1 + p * p)) - 2 * std::atan(p) / (p * p), 1e-9) << lane;
  }
  // A lane does not know of the others.
  std::vector<Values> others(positions.size(), Values{0.1});
  others[2 % positions.size()] = positions[2 % positions.size()];
  const Result alone = bound.pack(others)[2 % positions.size()];
  EXPECT_EQ(alone.log_density, found[2 % positions.size()].log_density);
  EXPECT_EQ(alone.gradient, found[2 % positions.size()].gradient);
}

// What overflows where nothing comes from has no share in the gradient: x^3 / (exp(x) - 1).
struct Planck : Parameters {
  explicit Planck(Dataset& d) : Parameters(d, 1) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    m.potential("area", integral(0, no_bound, [&](auto t) { return t * t * t / expm1(exp(p[0]) * t); }));
  }
};
TEST(Integral, SurvivesWhatOverflowsFarAway) {
  const Bound<Planck> bound(no_data());
  for (const double p : {0., 1.3, -0.8}) {
    const double exact = std::pow(std::numbers::pi, 4) / 15 * std::exp(-4 * p);
    const Result found = bound.scalar({p});
    EXPECT_NEAR(found.log_density, exact, 1e-10 * exact);
    EXPECT_NEAR(found.gradient[0], -4 * exact, 1e-9 * exact);
  }
}

struct Jump : Parameters {
  explicit Jump(Dataset& d) : Parameters(d, 1) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    m.potential("area", integral(0, 1, [&](auto t) { return select(t > p[0], 1, 0); }));
  }
};
TEST(Integral, ThatDoesNotSettleEndsThatLaneOnly) {
  const Bound<Jump> bound(no_data());
  std::vector<Values> positions(pack_width, Values{-1});
  positions[1] = {0.3};
  const std::vector<Result> found = bound.pack(positions);
  for (std::size_t lane = 0; lane < positions.size(); ++lane)
    if (lane == 1) EXPECT_FALSE(std::isfinite(found[lane].log_density));
    else EXPECT_NEAR(found[lane].log_density, 1, 1e-12) << lane;
}

// ---- roots --------------------------------------------------------------------------------------------------------------------

// Kepler's equation, x - e sin x = M.
struct Kepler : Parameters {
  explicit Kepler(Dataset& d) : Parameters(d, 2) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto e = m.let("e", inverse_logit(p[1]));
    auto x = m.let("x", root(p[0] - 2, p[0] + 2, [&](auto u) { return u - e * sin(u) - p[0]; }));
    m.potential("sum", x + square(x));
  }
};
TEST(Root, SolvesKeplersEquation) {
  const Bound<Kepler> bound(no_data());
  for (const Values& p : {Values{0.3, 0}, Values{3, 2}, Values{-5, -1}, Values{1e-3, 5}}) {
    const Result found = bound.scalar(p);
    const double e = sigmoid(p[1]), x = 0.5 * (std::sqrt(1 + 4 * found.log_density) - 1);   // or -1 - that
    const double either = std::min(std::abs(x - e * std::sin(x) - p[0]), std::abs(-1 - x + e * std::sin(1 + x) - p[0]));
    EXPECT_LE(either, 1e-13 * std::max(1., std::abs(p[0])));
  }
  expect_right_gradients(bound);
}

// By Newton's method alone it runs away; decreasing.
struct Flat : Parameters {
  explicit Flat(Dataset& d) : Parameters(d, 2) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    m.potential("x", root(-100, 300, [&](auto x) { return p[1] - atan(50 * (x - p[0])); }));
  }
};
TEST(Root, IsFoundWhereNewtonsMethodRunsAway) {
  const Bound<Flat> bound(no_data());
  for (const Values& p : {Values{17.3, 0}, Values{-99, 0.4}, Values{250, -1}}) {
    const Result found = bound.scalar(p);
    EXPECT_NEAR(found.log_density, p[0] + std::tan(p[1]) / 50, 1e-11);
    EXPECT_NEAR(found.gradient[0], 1, 1e-10);
    EXPECT_NEAR(found.gradient[1], (1 + std::pow(std::tan(p[1]), 2)) / 50, 1e-10);
  }
  std::vector<Values> positions;
  for (int lane = 0; lane < pack_width; ++lane) positions.push_back({lane == 1 ? 1e3 : 3. * lane, 0.1});   // one is outside
  const std::vector<Result> found = bound.pack(positions);
  for (std::size_t lane = 0; lane < positions.size(); ++lane)
    if (lane == 1) EXPECT_FALSE(std::isfinite(found[lane].log_density));
    else EXPECT_NEAR(found[lane].log_density, positions[lane][0] + std::tan(0.1) / 50, 1e-11) << lane;
}
struct Square : Parameters {
  explicit Square(Dataset& d) : Parameters(d, 1) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    m.potential("x", root(0, 4, [&](auto x) { return x * x + x - p[0]; }));
  }
};
TEST(Root, MayLieAtAnEndAndHasNoneWithoutAChangeOfSign) {
  const Bound<Square> bound(no_data());
  EXPECT_NEAR(bound.scalar({0}).log_density, 0, 1e-15);
  EXPECT_NEAR(bound.scalar({20}).log_density, 4, 1e-14);
  EXPECT_NEAR(bound.scalar({6}).gradient[0], 0.2, 1e-14);
  EXPECT_FALSE(std::isfinite(bound.scalar({-1}).log_density));
}

// One in the other: the median of a density that is integrated, and the integral of a solution, for each element.
struct Nested : Parameters {
  Dim obs;
  Real y;
  explicit Nested(Dataset& d) : Parameters(d, 2), obs(d.dim("obs")), y(d.real("y", obs)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto rate = m.let("rate", exp(p[0]));
    auto quantile = m.let("quantile", obs, [&](auto i) {
      return root(0, 100, [&, i](auto q) { return integral(0, q, [&](auto t) { return rate * exp(-rate * t); }) - y[i]; });
    });
    auto mean = m.let("mean", integral(0, 1, [&](auto u) { return root(-9, 9, [&, u](auto x) { return x + exp(x) - u * p[1]; }); }));
    m.potential("sum", obs, [&](auto i) { return quantile[i] * (1 + mean); });
  }
};
TEST(Root, AndIntegralMayBeInsideEachOther) {
  Data data;
  data.set("y", {0.5, 0.1, 0.9});
  const Bound<Nested> bound(data);
  // With x + exp(x) = v, the integral of x dv is x^2/2 + (x - 1) exp(x).
  const double p = 1.2, low = -0.56714329040978387300;   // -W(1)
  double high = 0;
  for (int i = 0; i < 50; ++i) high -= (high + std::exp(high) - p) / (1 + std::exp(high));
  const auto primitive = [](double x) { return 0.5 * x * x + (x - 1) * std::exp(x); };
  const double mean = (primitive(high) - primitive(low)) / p;
  EXPECT_NEAR(bound.scalar({0.4, p}).log_density, -std::log(0.5 * 0.9 * 0.1) * std::exp(-0.4) * (1 + mean), 1e-10);
  expect_right_gradients(bound, 1, {.forward = 1e-9, .differences = 1e-6, .pack = 1e-9, .team = 1e-9});
}

// The rate of change is the solution of an equation that reads the state: only the state's own derivative goes into the steps.
struct Implicit : Parameters {
  Dim time, state;
  Real times;
  explicit Implicit(Dataset& d) : Parameters(d, 1), time(d.dim("time")), state(d.dim("state", 2)), times(d.real("times", time)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto z = m.ode("z", time, state, 1, 0, times, [&](auto, auto y) {
      return derivatives(-root(0, 9, [&, y](auto x) { return x * x * x + x - exp(p[0]) * y[0] - square(y[1]); }), y[0] - 20 * y[1]);
    }, stiff(1e-8, 1e-8));
    m.potential("sum", time, [&](auto i) { return z(i, 0) + z(i, 1); });
  }
};
TEST(Root, MayReadTheStateOfADifferentialEquation) {
  Data data;
  data.set("times", {0.5, 1.5});
  expect_right_gradients(Bound<Implicit>(data), 0.5, {.forward = 1e-8, .differences = 1e-5, .pack = 1e-8, .team = 1e-9});
}

// ---- supports of one's own ------------------------------------------------------------------------------------------------------

struct Sinh : Parameters {
  Dim element, other;
  explicit Sinh(Dataset& d) : Parameters(d, 2), element(d.dim("element", 3)), other(d.dim("other", 2)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", normal(0, 1), parameter);
    auto own = custom_support([&](auto x) { return p[0] - exp(p[1]) * sinh(x); }, [&](auto x) { return p[1] + log(cosh(x)); },
                              [&](auto y) {
                                const auto s = (p[0] - y) * exp(-p[1]);
                                return log(s + sqrt(square(s) + 1));
                              });
    auto a = m.param("a", normal(0.2, 1.5), own);
    auto v = m.param("v", student_t(4, 0, 1), element, own);
    auto t = m.param("t", normal(0, 1), element, other, own);
    m.potential("reads", element, [&](auto i) { return a * v[i] * sin(t(i, Index{1, other.id})); });
  }
};
TEST(CustomSupport, HasItsDensityAndGradient) {
  const Bound<Sinh> bound(no_data());
  expect_right_gradients(bound);
  const Values x{0.3, -0.5, 0.7, -1, 0.2, 0.1, -0.4, 0.9, 1.2, -0.3, 0.6, 0.8};
  ASSERT_EQ(int(x.size()), bound.n);
  const auto normal_at = [](double y, double mu, double sigma) {
    return -0.5 * std::pow((y - mu) / sigma, 2) - std::log(sigma) - 0.5 * std::log(2 * std::numbers::pi);
  };
  const auto value = [&](std::size_t i) { return x[0] - std::exp(x[1]) * std::sinh(x[i]); };
  double expected = normal_at(x[0], 0, 1) + normal_at(x[1], 0, 1) + normal_at(value(2), 0.2, 1.5);
  for (std::size_t i = 2; i < x.size(); ++i) expected += x[1] + std::log(std::cosh(x[i]));
  for (std::size_t i = 3; i < 6; ++i) {
    expected += std::log(3. / 8) - 2.5 * std::log1p(std::pow(value(i), 2) / 4);   // Student's with 4 degrees of freedom
    expected += value(2) * value(i) * std::sin(value(7 + 2 * (i - 3)));
  }
  for (std::size_t i = 6; i < x.size(); ++i) expected += normal_at(value(i), 0, 1);
  EXPECT_NEAR(bound.scalar(x).log_density, expected, 1e-12 * std::abs(expected));
}

// A prior is what it is, on whatever support that has all of its mass.
struct Positives {
  Dim element;
  explicit Positives(Dataset& d) : element(d.dim("element", 20)) {}
  template <class M> void operator()(M& m) const {
    // Positive, by a square of what is positive.
    auto squares = custom_support([](auto x) { return square(exp(x) + 1e-3 * exp(2 * x)); },
                                  [](auto x) {
                                    return log(2) + log(exp(x) + 1e-3 * exp(2 * x)) + log(exp(x) + 2e-3 * exp(2 * x));
                                  },
                                  [](auto y) { return log((sqrt(1 + 4e-3 * sqrt(y)) - 1) / 2e-3); });
    auto v = m.param("v", exponential(1), element, squares);
  }
};
TEST(CustomSupport, LeavesThePosteriorAsItIs) {
  SampleOptions options;
  options.chains = 16;
  options.draws = 500;
  const Fit fit = sample<Positives>(no_data(), options);
  double mean = 0, below = 0;
  const std::vector<double>& v = fit.variable("posterior", "v").values;
  for (const double each : v) {
    ASSERT_GT(each, 0);
    mean += each / double(v.size());
    below += (each < 0.1) / double(v.size());
  }
  // 160,000 values, of which half at least are worth an independent one: four standard errors.
  EXPECT_NEAR(mean, 1, 4 / std::sqrt(80000));
  EXPECT_NEAR(below, 1 - std::exp(-0.1), 4 * 0.3 / std::sqrt(80000));
  // Values by name come back as they were given, and none from outside.
  Data start;
  start.set("v", Values(20, 0.7));
  options.init = start;
  options.warmup = 0;
  options.draws = 1;
  EXPECT_NO_THROW(sample<Positives>(no_data(), options));
  start.set("v", Values(20, -0.7));
  options.init = start;
  EXPECT_NE(message_of([&] { sample<Positives>(no_data(), options); }).find("'v' is -0.7 at element 1 (its support is the model's own)"),
            std::string::npos);
}

template <bool wrong_inverse> struct Wrong {
  explicit Wrong(Dataset&) {}
  template <class M> void operator()(M& m) const {
    auto own = custom_support([](auto x) { return 2 * x + 1; }, [](auto x) { return (wrong_inverse ? log(2) : 2) + 0 * x; },
                              [](auto y) { return (y - (wrong_inverse ? 2 : 1)) / 2; });
    auto a = m.param("a", normal(0, 1), own);
  }
};
TEST(CustomSupport, IsRefusedIfItsPartsDoNotBelongTogether) {
  EXPECT_NE(message_of([] { Bound<Wrong<false>> bound(no_data()); }).find("parameter 'a' has a support of the model's own whose log Jacobian"),
            std::string::npos);
  EXPECT_NE(message_of([] { Bound<Wrong<true>> bound(no_data()); }).find("whose inverse is not that of its function"), std::string::npos);
}

}  // namespace
}  // namespace lockstep
