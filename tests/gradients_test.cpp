// Gradients of every node kind and every zoo model, by the oracles of gradient_oracles.hpp.
#include "gradient_oracles.hpp"
#include "host/host_model.hpp"

#include <concepts>
#include <functional>

#include "models/ar_k.hpp"
#include "models/blr.hpp"
#include "models/diamonds.hpp"
#include "models/eight_schools.hpp"
#include "models/eight_schools_centered.hpp"
#include "models/flat_regression.hpp"
#include "models/gauss_mix.hpp"
#include "models/irt_2pl.hpp"
#include "models/linear_regression.hpp"
#include "models/logistic_regression.hpp"
#include "models/poisson_regression.hpp"
#include "models/radon.hpp"
#include "models/std_normal.hpp"

namespace lockstep {
namespace {

// ---- the zoo ------------------------------------------------------------------------------------------------------

TEST(ZooGradients, StdNormal) { expect_right_gradients(Bound<models::StdNormal>(example("std_normal"))); }
TEST(ZooGradients, EightSchools) { expect_right_gradients(Bound<models::EightSchools>(example("eight_schools"))); }
TEST(ZooGradients, ArK) { expect_right_gradients(Bound<models::ArK>(example("ar_k")), 0.5); }
TEST(ZooGradients, GaussMix) { expect_right_gradients(Bound<models::GaussMix>(example("gauss_mix"))); }
TEST(ZooGradients, LinearRegression) {
  expect_right_gradients(Bound<models::LinearRegression>(example("linear_regression")));
}
TEST(ZooGradients, EightSchoolsCentered) {
  expect_right_gradients(Bound<models::EightSchoolsCentered>(example("eight_schools_centered")));
}
TEST(ZooGradients, FlatRegression) { expect_right_gradients(Bound<models::FlatRegression>(example("flat_regression"))); }
TEST(ZooGradients, Blr) { expect_right_gradients(Bound<models::Blr>(example("blr"))); }
TEST(ZooGradients, Diamonds) { expect_right_gradients(Bound<models::Diamonds>(example("diamonds")), 0.5); }
TEST(ZooGradients, LogisticRegression) {
  expect_right_gradients(Bound<models::LogisticRegression>(example("logistic_regression")));
}
TEST(ZooGradients, PoissonRegression) {
  expect_right_gradients(Bound<models::PoissonRegression>(example("poisson_regression")));
}
TEST(ZooGradients, Irt2pl) { expect_right_gradients(Bound<models::Irt2pl>(example("irt_2pl")), 1); }
TEST(ZooGradients, Radon) { expect_right_gradients(Bound<models::Radon>(example("radon"))); }

// ---- scalar parameters on every support ---------------------------------------------------------------------------

struct ScalarSupports {
  Dim i;
  Real y;
  RealScalar s;
  explicit ScalarSupports(Dataset& d) : i(d.dim("i")), y(d.real("y", i)), s(d.scalar("s")) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 2));
    auto b = m.param("b", half_normal(1));
    auto c = m.param("c", beta(2, 3));
    auto d = m.param("d", normal(0, 1), above(-1.5));
    auto e = m.param("e", cauchy(0, 1), below(2));
    auto f = m.param("f", flat(), between(-1, 3));
    auto g = m.param("g", uniform(0.5, 2.5));
    auto h = m.param("h", flat(positive()));
    m.observe("y", y, i, [&](auto) { return normal(a + b * c - d / h + e * f, g * s); });
  }
};

TEST(Gradients, OfScalarParametersOnEverySupport) {
  Data data;
  data.set("y", Numbers(1).uniforms(13, -2, 2));
  data.set("s", 0.7);
  expect_right_gradients(Bound<ScalarSupports>(data), 1);
}

struct BoundsThatAreParameters {
  Dim i;
  Real y;
  explicit BoundsThatAreParameters(Dataset& d) : i(d.dim("i")), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto low = m.param("low", normal(0, 1));
    auto width = m.param("width", half_normal(1));
    auto a = m.param("a", normal(0, 1), above(low));
    auto b = m.param("b", normal(0, 2), below(a * 2 + 1));
    auto c = m.param("c", normal(0, 1), between(low, low + width));
    auto d = m.param("d", uniform(low - width, low + 2 * width));
    auto high = m.let("high", exp(low) + a);
    auto e = m.param("e", normal(0, 1), below(high));
    auto v = m.param("v", normal(0, 1), i, between(low, high + 3));
    auto w = m.param("w", exponential(1), i, above(b));
    auto u = m.param("u", i, [&](auto) { return uniform(low, low + width); });
    m.observe("y", y, i, [&](auto j) { return normal(v[j] * c + w[j] - d, exp(e) + square(u[j])); });
  }
};

TEST(Gradients, OfBoundsThatAreParameters) {
  Data data;
  data.set("y", Numbers(2).uniforms(7, -2, 2));
  expect_right_gradients(Bound<BoundsThatAreParameters>(data), 0.4);
}

// ---- vector parameters --------------------------------------------------------------------------------------------

struct VectorSupports {
  Dim i;
  Real y;
  explicit VectorSupports(Dataset& d) : i(d.dim("i")), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto center = m.param("center", normal(0, 1));
    auto spread = m.param("spread", lognormal(0, 0.5));
    auto a = m.param("a", i, [&](auto) { return normal(center, spread); });
    auto b = m.param("b", gamma(2.5, spread), i);
    auto c = m.param("c", beta(spread, 2), i);
    auto d = m.param("d", student_t(4, center, spread), i, below(5));
    auto e = m.param("e", lognormal(center, spread), i);
    auto f = m.param("f", normal(center, spread), i, ordered());
    auto g = m.param("g", i, [&](auto j) { return normal(a[j] * c[j], b[j]); });
    m.observe("y", y, i, [&](auto j) { return normal(a[j] + b[j] * c[j] + d[j] - f[j] + g[j], e[j]); });
  }
};

TEST(Gradients, OfVectorParametersOnEverySupport) {
  for (const std::size_t n : {0, 1, 2, 7, 8, 13}) {
    Data data;
    data.set("y", Numbers(3).uniforms(n, -2, 2));
    SCOPED_TRACE(n);
    expect_right_gradients(Bound<VectorSupports>(data), 0.7);
  }
}

struct ConstantIndices {
  Dim i, k;
  Real y;
  explicit ConstantIndices(Dataset& d) : i(d.dim("i")), k(d.dim("k")), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1), k);
    auto sigma = m.param("sigma", half_normal(1), k);
    auto cut = m.param("cut", normal(0, 1), k, ordered());
    auto z = m.let("z", k, [&](auto j) { return mu[j] * sigma[0] + cut[2]; });
    m.observe("y", y, i,
              [&](auto j) { return normal(mu[0] + mu[1] * z[2] + cut[0] * y[0] - z[0] * cut[1] * y[j], sigma[1]); });
  }
};

TEST(Gradients, OfElementsNamedByAConstant) {
  Data data;
  data.set("y", Numbers(4).uniforms(11, -2, 2));
  data.set("k", 3);
  expect_right_gradients(Bound<ConstantIndices>(data), 1);
}

// ---- intermediates ------------------------------------------------------------------------------------------------

struct Intermediates {
  Dim i;
  Real x, y;
  explicit Intermediates(Dataset& d) : i(d.dim("i")), x(d.real("x", i)), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto s = m.param("s", half_normal(1));
    auto z = m.param("z", normal(0, 1), i);
    auto once = m.let("once", exp(0.3 * a) * s);
    auto shown = m.deterministic("shown", once + a * a);
    auto twice = m.let("twice", shown / (1 + square(once)));
    auto kept = m.let("kept", i, [&](auto j) { return z[j] * twice + x[j]; });
    auto lazy = m.deterministic("lazy", i, [&](auto j) { return kept[j] * kept[j] + once; });
    auto again = m.let("again", i, [&](auto j) { return lazy[j] / (2 + kept[j] * kept[j]) - z[j]; });
    m.observe("y", y, i, [&](auto j) { return normal(again[j] + lazy[j] * 0.1, once + 1); });
    m.observe("y_again", y, i.from(3), [&](auto j) { return normal(kept[j], twice * twice + 0.5); });
  }
};

TEST(Gradients, OfIntermediatesThatReadEachOther) {
  for (const std::size_t n : {0, 1, 4, 9}) {
    if (n == 1) continue;  // all of y_again would be given
    Numbers numbers(5);
    Data data;
    data.set("x", numbers.uniforms(n, -1, 1));
    data.set("y", numbers.uniforms(n, -2, 2));
    SCOPED_TRACE(n);
    expect_right_gradients(Bound<Intermediates>(data), 1);
  }
}

struct EveryOperation {
  Dim i;
  Real x, y;
  RealScalar s;
  explicit EveryOperation(Dataset& d) : i(d.dim("i")), x(d.real("x", i)), y(d.real("y", i)), s(d.scalar("s")) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", half_normal(1));
    auto p = m.param("p", beta(2, 2));
    auto v = m.param("v", half_normal(1), i);
    m.observe("s", s, normal(a * b - log(p), b + 0.5));
    m.observe("y", y, i, [&](auto j) {
      auto curve =
          exp(-square(a * 0.5)) + log(b) + log1p(b * v[j]) - expm1(0.2 * a) + sqrt(b + v[j]) + inverse_logit(a - x[j]);
      auto ratio =
          (2 - a) / (b + 1) + x[j] / v[j] + 3 / (v[j] + 1) - v[j] / x[j] - -a + (1 - p) * log(v[j]) - 2 * log(x[j]);
      return normal(curve + ratio - log(1 - p), sqrt(square(x[j] * a) + 1) + 1 / b);
    });
  }
};

TEST(Gradients, OfEveryOperation) {
  Numbers numbers(6);
  Data data;
  data.set("x", numbers.uniforms(7, 0.5, 2));
  data.set("y", numbers.uniforms(7, -2, 2));
  data.set("s", 0.4);
  expect_right_gradients(Bound<EveryOperation>(data), 1);
}

// Functions of one number and of two, choices, sums.
struct EveryFunction {
  Dim i;
  Real x, y;
  explicit EveryFunction(Dataset& d) : i(d.dim("i")), x(d.real("x", i)), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", half_normal(1));
    auto p = m.param("p", beta(2, 2));
    auto v = m.param("v", half_normal(1), i);
    auto total = m.let("total", sum(i, [&](auto k) { return v[k] * x[k] * a; }));
    auto norm = m.let("norm", log_sum_exp(i, [&](auto k) { return v[k] * a + x[k]; }));
    auto share = m.let("share", i, [&](auto k) { return exp(v[k] * a + x[k] - norm); });
    m.potential("bump", -0.5 * square(a - b) + log(p));
    m.potential("each", i, [&](auto j) { return -v[j] * share[j]; });
    m.observe("y", y, i, [&](auto j) {
      auto waves = sin(a * x[j]) + cos(v[j]) * tan(0.3 * a) + atan(a - v[j]) + sinh(0.5 * a) - cosh(0.4 * v[j]) + tanh(a * v[j]);
      auto logs = logit(p) + softplus(a - x[j]) + log1m_exp(-b) + log_add_exp(a, v[j]) + log_diff_exp(b + v[j], v[j]) +
                  log_gamma(b + 0.1) - digamma(v[j] + 0.2) + erf(a) - erfc(0.3 * v[j]) + inverse_probit(a - x[j]);
      auto powers = pow(v[j], a) + pow(b + 0.2, 1.5) - pow(2, a) + abs(a - 0.1) + log_add_exp(2, p);
      auto chosen = select(a < v[j], square(a), b * v[j]) + select(v[j] >= b, 1, a) + max(a, p) - min(v[j], 0.7) + clip(a, -0.2, b);
      return normal(waves + logs + powers + chosen + 0.1 * total, 1 + b * share[j]);
    });
  }
};

TEST(Gradients, OfEveryFunction) {
  Numbers numbers(23);
  Data data;
  data.set("x", numbers.uniforms(7, 0.5, 2));
  data.set("y", numbers.uniforms(7, -2, 2));
  expect_right_gradients(Bound<EveryFunction>(data), 1);
}

// Inverses, special functions of one number and of several, steps (whose derivative is zero).
struct EveryOtherFunction {
  Dim i;
  Real x, y;
  explicit EveryOtherFunction(Dataset& d) : i(d.dim("i")), x(d.real("x", i)), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", half_normal(1));
    auto p = m.param("p", beta(2, 2));
    auto v = m.param("v", half_normal(1), i);
    m.observe("y", y, i, [&](auto j) {
      auto angles = asin(p) + acos(0.5 * p) + asinh(a) + acosh(v[j] + 1) - atanh(p) + atan2(a, x[j]) - atan2(v[j], a - 2);
      auto normals = probit(p) + erfinv(0.9 * p) - erfcinv(p * 1.5);
      auto gammas = trigamma(b + 0.3) + log_beta(b, v[j]) - log_beta(x[j], b) + log_choose(b + v[j] + 2, b + 1) + gamma_p(v[j], b) +
                    gamma_q(b + 1, x[j]) * gamma_p(2, v[j]) - incomplete_beta(b, v[j], p);
      auto bessels = log_bessel_i0(3 * a) - log_bessel_i1(b + x[j]);
      auto steps = a * floor(2 * b) - b * ceil(a) + a * round(3 * p) + p * sign(a - v[j]);
      return normal(angles + normals + gammas + bessels + steps, 1 + b);
    });
  }
};
TEST(Gradients, OfEveryOtherFunction) {
  Numbers numbers(24);
  Data data;
  data.set("x", numbers.uniforms(7, 0.5, 2));
  data.set("y", numbers.uniforms(7, -2, 2));
  expect_right_gradients(Bound<EveryOtherFunction>(data), 0.7);
}

struct ConditionsAndReductions {
  Dim i;
  Real x, y;
  explicit ConditionsAndReductions(Dataset& d) : i(d.dim("i")), x(d.real("x", i)), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", half_normal(1));
    auto v = m.param("v", normal(0, 1), i);
    const auto term = [&](auto k) { return v[k] * a + x[k]; };
    auto largest = m.let("largest", max(i, term)), smallest = m.let("smallest", min(i, [&](auto k) { return a * square(v[k]); }));
    auto product = m.let("product", prod(i, [&](auto k) { return 1 + 0.3 * v[k] * b; }));
    auto one_zero = m.let("one_zero", prod(i, [&](auto k) { return (x[k] - x[0]) * v[k] + select(x[k] == x[0], v[k] - v[0], 0); }));
    auto center = m.let("center", mean(i, term));
    m.observe("y", y, i, [&](auto j) {
      auto both = select(a < v[j] && v[j] < b, a * b, v[j]), either = select(a > v[j] || v[j] > b || x[j] == 1, a, b * v[j]);
      auto neither = select(!(a < v[j]), square(v[j]), a) - select(x[j] != 1, a * v[j], b) + select(x[j] == 1 && a != b, a, 3 * a);
      return normal(both + either + neither + largest - smallest + 0.1 * product + one_zero + center, 1 + b);
    });
  }
};
TEST(Gradients, OfConditionsAndReductions) {
  Numbers numbers(25);
  Data data;
  auto x = numbers.uniforms(5, 0.5, 2);
  x[3] = 1;
  data.set("x", x);
  data.set("y", numbers.uniforms(5, -2, 2));
  expect_right_gradients(Bound<ConditionsAndReductions>(data), 0.7);
}

// A function with derivatives of its own: of parameters, of elements, of data, of a number.
struct OwnFunctions {
  Dim i;
  Real x, y;
  explicit OwnFunctions(Dataset& d) : i(d.dim("i")), x(d.real("x", i)), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    const auto decay = [](auto k, auto t) {
      const auto left = exp(-k * t);
      return value_and_partials(1. - left, t * left, k * left);
    };
    auto k = m.param("k", half_normal(1));
    auto a = m.param("a", normal(0, 1));
    auto v = m.param("v", half_normal(1), i);
    auto once = m.let("once", function(k, 2, decay));
    const double power = 3;
    m.observe("y", y, i, [&](auto j) {
      auto cut = function(a, [power](auto z) {
        const auto positive = max(z, decltype(z)(0.));
        return value_and_partials(pow(positive, decltype(z)(power)), power * positive * positive);
      });
      auto first = function(v[j], a + x[j], x[j], [](auto s, auto, auto t) { return value_and_partials(abs(s) * t, sign_of(s) * t, Zero{}, abs(s)); });
      return normal(function(k, x[j], decay) * a + cut + first + once, 1 + function(v[j], v[j], decay));
    });
  }
};
TEST(Gradients, OfFunctionsWithDerivativesOfTheirOwn) {
  Numbers numbers(26);
  Data data;
  data.set("x", numbers.uniforms(7, 0.5, 2));
  data.set("y", numbers.uniforms(7, -2, 2));
  expect_right_gradients(Bound<OwnFunctions>(data), 1);
}
// Inside of an equation, whose unknown alone it is differentiated by, and of an integral.
struct OwnFunctionsInside {
  explicit OwnFunctionsInside(Dataset&) {}
  template <class M>
  void operator()(M& m) const {
    const auto decay = [](auto k, auto t) {
      const auto left = exp(-k * t);
      return value_and_partials(1. - left, t * left, k * left);
    };
    auto k = m.param("k", half_normal(1));
    auto half_life = m.let("half_life", root(0, 1000, [&](auto t) { return function(k, t, decay) - 0.5; }));
    auto area = m.let("area", integral(0, half_life, [&](auto t) { return function(k, t, decay); }));
    m.potential("p", -half_life * area);
  }
};
TEST(Gradients, OfFunctionsOfTheirOwnInsideOfEquationsAndIntegrals) { expect_right_gradients(Bound<OwnFunctionsInside>(Data()), 1); }

// Values, which gradients do not show: against the standard library, and trigamma against zeta values.
struct Functions {
  explicit Functions(Dataset&) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", half_normal(1));
    m.deterministic("sin", sin(a));
    m.deterministic("tanh", tanh(a));
    m.deterministic("pow", pow(b, a));
    m.deterministic("logit", logit(inverse_logit(a)));
    m.deterministic("log_add_exp", log_add_exp(a, b));
    m.deterministic("log_diff_exp", log_diff_exp(b + 1, b));
    m.deterministic("select", select(a < 0, -1, 1));
    m.deterministic("clip", clip(a, -0.1, 0.1));
    m.deterministic("abs", abs(a));
    m.deterministic("log_gamma", log_gamma(b));
  }
};
TEST(Expressions, HaveTheValuesOfTheStandardLibrary) {
  const Data none;
  const HostModel model(*model_table<Functions>(), none);
  const double a = -0.7, b = std::exp(0.4);
  const std::vector<double> found = model.generate(Meaning::constrain, {a, 0.4});
  const std::vector<double> expected{a, b, std::sin(a), std::tanh(a), std::pow(b, a), a, std::log(std::exp(a) + std::exp(b)),
                                     std::log(std::exp(b + 1) - std::exp(b)), -1, -0.1, 0.7, std::lgamma(b)};
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-14) << "quantity " << i;
}
struct StepsConditionsAndReductions {
  Dim i;
  Real x;
  explicit StepsConditionsAndReductions(Dataset& d) : i(d.dim("i")), x(d.real("x", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    m.deterministic("floor", i, [&](auto j) { return floor(x[j] * a); });
    m.deterministic("ceil", i, [&](auto j) { return ceil(x[j] * a); });
    m.deterministic("round", i, [&](auto j) { return round(x[j] * a); });
    m.deterministic("sign", i, [&](auto j) { return sign(x[j] * a); });
    m.deterministic("and", i, [&](auto j) { return select(x[j] > 0 && x[j] < 2, a, 0); });
    m.deterministic("or", i, [&](auto j) { return select(x[j] < 0 || x[j] > 2, a, 0); });
    m.deterministic("not", i, [&](auto j) { return select(!(x[j] > 0), a, 0); });
    m.deterministic("equal", i, [&](auto j) { return select(x[j] == 0.5, a, 0); });
    m.deterministic("unequal", i, [&](auto j) { return select(x[j] != 0.5, a, 0); });
    m.deterministic("max", max(i, [&](auto j) { return a * x[j]; }));
    m.deterministic("min", min(i, [&](auto j) { return a * x[j]; }));
    m.deterministic("prod", prod(i, [&](auto j) { return a * x[j]; }));
    m.deterministic("mean", mean(i, [&](auto j) { return a * x[j]; }));
  }
};
TEST(Expressions, StepsConditionsAndReductionsHaveTheirValues) {
  Data data;
  data.set("x", Values{-2.5, -0.3, 0.5, 1.5, 2.7});
  const HostModel model(*model_table<StepsConditionsAndReductions>(), data);
  const Values expected{1,
                        -3, -1, 0, 1, 2,
                        -2, 0, 1, 2, 3,
                        -2, 0, 0, 2, 3,
                        -1, -1, 1, 1, 1,
                        0, 0, 1, 1, 0,
                        1, 1, 0, 0, 1,
                        1, 1, 0, 0, 0,
                        0, 0, 1, 0, 0,
                        1, 1, 0, 1, 1,
                        2.7, -2.5, -2.5 * -0.3 * 0.5 * 1.5 * 2.7, 0.38};
  const Values found = model.generate(Meaning::constrain, {1});
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-15) << "quantity " << i;
}
struct Inverses {
  explicit Inverses(Dataset&) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    m.deterministic("probit", inverse_probit(probit(a)));
    m.deterministic("erfinv", erf(erfinv(a)));
    m.deterministic("erfcinv", erfc(erfcinv(a)));
    m.deterministic("atan2", atan2(-a, -1));
    m.deterministic("gamma_p", gamma_p(1, a));
    m.deterministic("gamma_q", gamma_q(1, a));
    m.deterministic("incomplete_beta", incomplete_beta(2, 1, a));
    m.deterministic("log_beta", log_beta(a, 1));
    m.deterministic("log_choose", log_choose(a + 5, 1));
    m.deterministic("log_bessel_i0", log_bessel_i0(a));
    m.deterministic("log_bessel_i1", log_bessel_i1(a));
    m.deterministic("trigamma", trigamma(a) - trigamma(a + 1));
  }
};
// In closed form, or those of the inverse's inverse; the Bessel functions those of the standard library.
TEST(Expressions, InversesAndSpecialFunctionsHaveTheirValues) {
  const HostModel model(*model_table<Inverses>(), Data());
  const double a = 0.3;
  const Values expected{a, a, a, a, std::atan(a) - 3.14159265358979323846, -std::expm1(-a), std::exp(-a), a * a, -std::log(a),
                        std::log(a + 5), std::log(std::cyl_bessel_i(0., a)), std::log(std::cyl_bessel_i(1., a)), 1 / (a * a)};
  const Values found = model.generate(Meaning::constrain, {a});
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-13) << "quantity " << i;
}
TEST(Expressions, TrigammaIsZetaAtWholeNumbers) {
  const double pi = 3.14159265358979323846;
  double expected = pi * pi / 6;
  for (int n = 1; n <= 30; ++n) {
    EXPECT_NEAR(trigamma(double(n)), expected, 1e-14);
    expected -= 1. / (double(n) * n);
  }
  EXPECT_NEAR(trigamma(0.5), pi * pi / 2, 1e-14);
  EXPECT_NEAR(trigamma(1e-3), 1e6 + 1.6425341665, 1e-6);
}

// ---- gathering ----------------------------------------------------------------------------------------------------

struct Gathering {
  Dim house, county, state;
  GroupIndex county_of, state_of;
  Real x, y;
  explicit Gathering(Dataset& d)
      : house(d.dim("house")),
        county(d.dim("county")),
        state(d.dim("state")),
        county_of(d.index("county_of", house, county)),
        state_of(d.index("state_of", county, state)),
        x(d.real("x", house)),
        y(d.real("y", house)) {}
  template <class M>
  void operator()(M& m) const {
    auto sigma = m.param("sigma", half_normal(1));
    auto gamma = m.param("gamma", normal(0, 1), state);
    auto scale = m.param("scale", lognormal(0, 0.5), state);
    auto alpha = m.param("alpha", county, [&](auto c) { return normal(gamma[state_of[c]], scale[state_of[c]]); });
    auto shift = m.let("shift", county, [&](auto c) { return alpha[c] * gamma[state_of[c]]; });
    auto both = m.deterministic("both", county, [&](auto c) { return alpha[c] + shift[c]; });
    m.observe("y", y, house, [&](auto i) {
      const auto c = county_of[i];
      return normal(both[c] + shift[c] * x[i] + gamma[state_of[c]], sigma * scale[state_of[c]]);
    });
  }
};

TEST(Gradients, ThroughGroupIndicesAlsoOfEmptyGroups) {
  struct Sizes {
    std::size_t houses, counties, states;
  };
  for (const Sizes size : {Sizes{23, 5, 2}, Sizes{7, 9, 4}, Sizes{1, 1, 1}, Sizes{0, 3, 2}, Sizes{0, 0, 0}}) {
    Numbers numbers(8);
    Data data;
    data.set("county", double(size.counties));
    data.set("state", double(size.states));
    data.set("county_of",
             numbers.integers(size.houses, 1, std::max(1, int(size.counties) / 2)));  // the others are empty
    data.set("state_of", numbers.integers(size.counties, 1, int(size.states)));
    data.set("x", numbers.uniforms(size.houses, -1, 1));
    data.set("y", numbers.uniforms(size.houses, -2, 2));
    SCOPED_TRACE(size.houses);
    expect_right_gradients(Bound<Gathering>(data), 1);
  }
}

// ---- dense linear predictors --------------------------------------------------------------------------------------

struct Linear {
  Dim row, column;
  Matrix X;
  Real y;
  explicit Linear(Dataset& d)
      : row(d.dim("row")), column(d.dim("column")), X(d.matrix("X", row, column)), y(d.real("y", row)) {}
  template <class M>
  void operator()(M& m) const {
    auto scale = m.param("scale", half_normal(1));
    auto z = m.param("z", normal(0, 1), column);
    auto beta = m.let("beta", column, [&](auto k) { return z[k] * scale; });
    auto positive_beta = m.param("positive_beta", half_normal(1), column);
    auto mean = m.linear(X, beta);
    auto spread = m.linear(X, positive_beta);
    auto kept = m.let("kept", row, [&](auto i) { return mean[i] + 0.1 * spread[i]; });
    m.observe("y", y, row, [&](auto i) { return normal(kept[i] + mean[i], 1 + square(0.1 * spread[i])); });
  }
};

TEST(Gradients, OfLinearPredictorsOfAwkwardSizes) {
  for (const std::size_t rows : {0, 1, 7, 8, 9, 17})
    for (const std::size_t columns : {0, 1, 7, 8, 9}) {
      Numbers numbers(9);
      Data data;
      data.set("column", double(columns));
      data.set("X",
               Data::Field{{std::int64_t(rows), std::int64_t(columns)}, numbers.uniforms(rows * columns, -1, 1), 1});
      data.set("y", numbers.uniforms(rows, -2, 2));
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
      expect_right_gradients(Bound<Linear>(data), 0.8);
    }
}

// A predictor for each of several categories, each way that it is read.
struct SeveralPredictors {
  Dim row, column, state;
  Matrix X;
  Integer n;
  Real y;
  explicit SeveralPredictors(Dataset& d)
      : row(d.dim("row")), column(d.dim("column")), state(d.dim("state", 3)), X(d.matrix("X", row, column)),
        n(d.integer("n", row)), y(d.real("y", row)) {}
  template <class M>
  void operator()(M& m) const {
    auto scale = m.param("scale", half_normal(1), state);
    auto B = m.param("B", normal(0, 1), column, state);
    auto scaled = m.let("scaled", column, state, [&](auto k, auto j) { return B(k, j) * scale[j]; });
    auto intercept = m.param("intercept", normal(0, 1), state);
    auto shares = m.param("shares", dirichlet(1), column, state);
    auto eta = m.linear(X, scaled);
    auto other = m.linear(X, shares);
    auto kept = m.let("kept", row, state, [&](auto i, auto j) { return eta(i, j) + intercept[j]; });
    m.observe("n", n, row, [&](auto i) { return categorical_logit(state, [&, i](auto j) { return intercept[j] + eta(i, j); }); });
    m.observe("again", n, row, [&](auto i) { return categorical_logit(other.row(i)); });
    m.observe("y", y, row, [&](auto i) { return normal(dot(eta.row(i), intercept) + kept(i, 0), 1 + square(0.1 * other(i, 2))); });
  }
};

TEST(Gradients, OfSeveralLinearPredictorsOfAwkwardSizes) {
  for (const std::size_t rows : {0, 1, 7, 9, 17})
    for (const std::size_t columns : {0, 1, 7, 9}) {
      Numbers numbers(9);
      Data data;
      data.set("column", double(columns));
      data.set("X",
               Data::Field{{std::int64_t(rows), std::int64_t(columns)}, numbers.uniforms(rows * columns, -1, 1), 1});
      data.set("n", numbers.integers(rows, 0, 2));
      data.set("y", numbers.uniforms(rows, -2, 2));
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(columns));
      expect_right_gradients(Bound<SeveralPredictors>(data), 0.8);
    }
}

// What Stan has as *_glm: the predictor and the link's distribution, and nothing of the predictor is lost on the way.
struct GeneralisedLinearModels {
  Dim row, column, cut;
  Matrix X;
  Integer n, hit;
  Real y;
  explicit GeneralisedLinearModels(Dataset& d)
      : row(d.dim("row")), column(d.dim("column")), cut(d.dim("cut", 2)), X(d.matrix("X", row, column)), n(d.integer("n", row)),
        hit(d.integer("hit", row)), y(d.real("y", row)) {}
  template <class M>
  void operator()(M& m) const {
    auto alpha = m.param("alpha", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    auto beta = m.param("beta", normal(0, 1), column);
    auto cuts = m.param("cuts", normal(0, 1), cut, ordered());
    auto eta = m.linear(X, beta);
    m.observe("y", y, row, [&](auto i) { return normal(alpha + eta[i], sigma); });
    m.observe("poisson", n, row, [&](auto i) { return poisson_log(alpha + eta[i]); });
    m.observe("negative_binomial", n, row, [&](auto i) { return negative_binomial_log(alpha + eta[i], sigma); });
    m.observe("binomial", n, row, [&](auto i) { return binomial_logit(3, alpha + eta[i]); });
    m.observe("ordered", n, row, [&](auto i) { return ordered_logistic(eta[i], cuts); });
    m.observe("probit", n, row, [&](auto i) { return ordered_probit(eta[i], cuts); });
    m.observe("bernoulli", hit, row, [&](auto i) { return bernoulli_logit(alpha + eta[i]); });
  }
};

TEST(Gradients, OfGeneralisedLinearModels) {
  for (const std::size_t rows : {1, 9, 40}) {
    Numbers numbers(11);
    Data data;
    data.set("X", Data::Field{{std::int64_t(rows), 4}, numbers.uniforms(rows * 4, -1, 1), 1});
    data.set("n", numbers.integers(rows, 0, 2));
    data.set("hit", numbers.integers(rows, 0, 1));
    data.set("y", numbers.uniforms(rows, -2, 2));
    SCOPED_TRACE(rows);
    expect_right_gradients(Bound<GeneralisedLinearModels>(data), 0.8);
  }
}

TEST(Gradients, OfALinearPredictorOf597Rows) {
  Numbers numbers(10);
  Data data;
  data.set("X", Data::Field{{597, 43}, numbers.uniforms(597 * 43, -0.3, 0.3), 1});
  data.set("y", numbers.uniforms(597, -2, 2));
  expect_right_gradients(Bound<Linear>(data), 0.8);
}

// ---- recurrences --------------------------------------------------------------------------------------------------

// GARCH(1,1): the variance of each return follows from the last return and the last variance.
struct Garch {
  Dim time;
  Real y;
  explicit Garch(Dataset& d) : time(d.dim("time")), y(d.real("y", time)) {}
  template <class M>
  void operator()(M& m) const {
    auto omega = m.param("omega", half_normal(1));
    auto a = m.param("a", beta(2, 5));
    auto b = m.param("b", beta(2, 5));
    auto mu = m.param("mu", normal(0, 1));
    auto variance =
        m.scan("variance", time, omega + 0.1, [&](auto, auto last) { return omega + a * square(mu) + b * last; });
    m.observe("y", y, time, [&](auto t) { return normal(mu, sqrt(variance[t])); });
  }
};

// A latent level with its own innovations and a covariate, read at time points that several observations share; a
// second recurrence reads the first.
struct Levels {
  Dim time, observation, column;
  GroupIndex time_of;
  Matrix X;
  Real y;
  explicit Levels(Dataset& d)
      : time(d.dim("time")),
        observation(d.dim("observation")),
        column(d.dim("column")),
        time_of(d.index("time_of", observation, time)),
        X(d.matrix("X", time, column)),
        y(d.real("y", observation)) {}
  template <class M>
  void operator()(M& m) const {
    auto phi = m.param("phi", uniform(-1, 1));
    auto tau = m.param("tau", half_normal(1));
    auto start = m.param("start", normal(0, 1));
    auto z = m.param("z", normal(0, 1), time);
    auto positive_z = m.param("positive_z", half_normal(1), time);
    auto beta = m.param("beta", normal(0, 1), column);
    auto drift = m.linear(X, beta);
    auto level = m.scan("level", time, start, [&](auto t, auto last) { return phi * last + tau * z[t] + drift[t]; });
    auto smooth = m.scan("smooth", time, 0.5 * start,
                         [&](auto t, auto last) { return 0.7 * last + 0.3 * level[t] * positive_z[t]; });
    auto sum = m.let("sum", time, [&](auto t) { return level[t] + drift[t] * smooth[t]; });
    m.observe("y", y, observation, [&](auto i) {
      return normal(level[time_of[i]] + smooth[time_of[i]] * 0.5 + sum[time_of[i]], exp(0.1 * level[0]) + 0.5);
    });
  }
};

TEST(Gradients, OfRecurrences) {
  for (const std::size_t n : {0, 1, 2, 7, 40}) {
    Data data;
    data.set("y", Numbers(11).uniforms(n, -2, 2));
    SCOPED_TRACE(n);
    expect_right_gradients(Bound<Garch>(data), 1);
  }
}

TEST(Gradients, OfRecurrencesReadThroughAGroupIndexAndByEachOther) {
  for (const std::size_t n : {1, 2, 7, 12}) {
    Numbers numbers(12);
    Data data;
    data.set("time_of", numbers.integers(2 * n + 1, 1, int(n)));
    data.set("X", Data::Field{{std::int64_t(n), 3}, numbers.uniforms(3 * n, -0.5, 0.5), 1});
    data.set("y", numbers.uniforms(2 * n + 1, -2, 2));
    SCOPED_TRACE(n);
    expect_right_gradients(Bound<Levels>(data), 0.8);
  }
}

// A recurrence of a vector: its elements depend on all of those before, on a matrix, a predictor and on parameters of time.
struct VectorRecurrence {
  Dim time, state;
  Matrix X;
  Real y;
  explicit VectorRecurrence(Dataset& d)
      : time(d.dim("time")), state(d.dim("state")), X(d.matrix("X", time, state)), y(d.real("y", time)) {}
  template <class M>
  void operator()(M& m) const {
    auto A = m.param("A", normal(0, 0.4), state, state);
    auto start = m.param("start", normal(0, 1), state);
    auto z = m.param("z", normal(0, 1), time);
    auto drift = m.linear(X, start);
    auto h = m.scan("h", time, state, [&](auto k) { return 0.5 + start[k]; },
                    [&](auto t, auto k, auto before) { return dot(A.row(k), before) + drift[t] * before[0] + 0.1 * z[t] + 0.1 * dot(A.row(k), A.column(k)); });
    m.observe("y", y, time, [&](auto t) { return normal(h(t, 0) + 0.3 * h(0, 0), 1); });
  }
};
TEST(Gradients, OfRecurrencesOfVectors) {
  for (const std::size_t times : {1, 2, 7, 12})
    for (const std::size_t states : {1, 3}) {
      Numbers numbers(13);
      Data data;
      data.set("X", Data::Field{{std::int64_t(times), std::int64_t(states)}, numbers.uniforms(times * states, -0.5, 0.5), 1});
      data.set("y", numbers.uniforms(times, -2, 2));
      SCOPED_TRACE(std::to_string(times) + " times, " + std::to_string(states) + " states");
      expect_right_gradients(Bound<VectorRecurrence>(data), 0.8);
    }
}

// The observed series' own past, by lags and by a vector of coefficients.
struct Autoregression {
  Dim time, lag;
  Real x, y;
  explicit Autoregression(Dataset& d)
      : time(d.dim("time")), lag(d.dim("lag")), x(d.real("x", time)), y(d.real("y", time)) {}
  template <class M>
  void operator()(M& m) const {
    auto beta = m.param("beta", normal(0, 1), lag, between(-1, 1));
    auto theta = m.param("theta", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    auto node = m.observe("y", y, time.from(lag.size), [&](auto t, auto past) {
      return normal(dot(beta, past) + theta * past(1) * past(2) + x[t], sigma + 0.1 * square(past(2)));
    });
    m.observe("z", x, time.from(1), [&](auto t, auto past) { return normal(theta * past(1) + node[t], sigma); });
  }
};

TEST(Gradients, OfTheObservedPast) {
  for (const int lags : {2, 3})
    for (const std::size_t n : {4, 11, 26}) {
      Numbers numbers(13);
      Data data;
      data.set("lag", lags);
      data.set("x", numbers.uniforms(n, -1, 1));
      data.set("y", numbers.uniforms(n, -2, 2));
      SCOPED_TRACE(n);
      expect_right_gradients(Bound<Autoregression>(data), 1);
    }
}

// ---- mixtures and the other distributions, as likelihoods with element-wise and shared arguments ------------------

struct Mixtures {
  Dim i, k;
  Real y;
  GroupIndex group;
  explicit Mixtures(Dataset& d) : i(d.dim("i")), k(d.dim("k")), y(d.real("y", i)), group(d.index("group", i, k)) {}
  template <class M>
  void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 2), k, ordered());
    auto sigma = m.param("sigma", half_normal(2), k);
    auto w = m.param("w", beta(2, 2));
    auto v = m.param("v", beta(2, 2), k);
    auto x = m.param("x", mixture(component(w, normal(mu[0], 1)), component(1 - w, cauchy(mu[1], sigma[0]))));
    m.observe("y", y, i, [&](auto j) {
      return mixture(component(w * v[group[j]], normal(mu[0], sigma[0])),
                     component(w * (1 - v[group[j]]), normal(mu[1], sigma[group[j]])),
                     component(1 - w, student_t(5, x + mu[group[j]], sigma[1])));
    });
  }
};

TEST(Gradients, OfMixtures) {
  Numbers numbers(14);
  Data data;
  data.set("k", 2);
  data.set("y", numbers.uniforms(19, -3, 3));
  data.set("group", numbers.integers(19, 1, 2));
  expect_right_gradients(Bound<Mixtures>(data), 1);
}

struct EveryDistribution {
  Dim i;
  Real x, y, positive_y, unit_y;
  Integer count, trials, flag;
  explicit EveryDistribution(Dataset& d)
      : i(d.dim("i")),
        x(d.real("x", i)),
        y(d.real("y", i)),
        positive_y(d.real("positive_y", i)),
        unit_y(d.real("unit_y", i)),
        count(d.integer("count", i)),
        trials(d.integer("trials", i)),
        flag(d.integer("flag", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", cauchy(0, 1));
    auto b = m.param("b", gamma(3, 2));
    auto nu = m.param("nu", exponential(0.2), above(1));
    auto p = m.param("p", beta(2, 2));
    auto z = m.param("z", half_cauchy(1), i);
    m.observe("1", y, i, [&](auto j) { return normal(a * x[j], b); });
    m.observe("2", y, i, [&](auto j) { return cauchy(a, z[j]); });
    m.observe("3", y, i, [&](auto j) { return student_t(nu, a * x[j], b * z[j]); });
    m.observe("4", positive_y, i, [&](auto) { return half_normal(b); });
    m.observe("5", positive_y, i, [&](auto j) { return half_cauchy(z[j]); });
    m.observe("6", positive_y, i, [&](auto j) { return exponential(b * z[j]); });
    m.observe("7", positive_y, i, [&](auto j) { return gamma(b, z[j]); });
    m.observe("8", positive_y, i, [&](auto j) { return gamma(z[j] + 0.5, b); });
    m.observe("9", positive_y, i, [&](auto) { return lognormal(a, b); });
    m.observe("10", unit_y, i, [&](auto j) { return beta(b, z[j] + 0.5); });
    m.observe("11", count, i, [&](auto j) { return poisson(b * z[j]); });
    m.observe("12", count, i, [&](auto j) { return poisson_log(a + x[j]); });
    m.observe("13", flag, i, [&](auto) { return bernoulli(p); });
    m.observe("14", flag, i, [&](auto j) { return bernoulli_logit(a * x[j]); });
    m.observe("15", y, i, [&](auto j) { return uniform(-4 - b, z[j] + 4); });
    m.observe("16", positive_y, i, [&](auto j) { return half_student_t(nu, b * z[j]); });
    m.observe("17", positive_y, i, [&](auto j) { return inverse_gamma(b, z[j]); });
    m.observe("18", count, i, [&](auto j) { return binomial(trials[j], p); });
    m.observe("19", count, i, [&](auto j) { return binomial_logit(6 + trials[j], a + x[j]); });
    m.observe("20", count, i, [&](auto j) { return negative_binomial(b * z[j], nu); });
    m.observe("21", count, i, [&](auto j) { return negative_binomial(b, nu + z[j]); });
    m.observe("22", count, i, [&](auto j) { return negative_binomial_log(a + x[j], b); });
  }
};

TEST(Gradients, OfEveryDistributionsArguments) {
  Numbers numbers(15);
  Data data;
  data.set("x", numbers.uniforms(9, -1, 1));
  data.set("y", numbers.uniforms(9, -2, 2));
  data.set("positive_y", numbers.uniforms(9, 0.2, 3));
  data.set("unit_y", numbers.uniforms(9, 0.1, 0.9));
  data.set("count", numbers.integers(9, 0, 6));
  data.set("trials", numbers.integers(9, 6, 9));
  data.set("flag", numbers.integers(9, 0, 1));
  expect_right_gradients(Bound<EveryDistribution>(data), 0.8);
}

// ---- a data set per lane ------------------------------------------------------------------------------------------

template <class Model>
void expect_each_lane_to_read_its_own_data(const std::vector<Data>& sets, double reach) {
  const Bound<Model> stacked(Data::stack(sets));
  ASSERT_TRUE(ModelData<Model>(stacked.views.view()).has_columns());
  Numbers numbers(16);
  std::vector<Values> positions;
  std::vector<std::int64_t> chosen;
  std::vector<Result> alone;
  for (std::size_t lane = 0; lane < std::size_t(std::max(pack_width, 3)); ++lane) {
    positions.push_back(numbers.uniforms(std::size_t(stacked.n), -reach, reach));
    chosen.push_back(std::int64_t((2 * lane + 1) % sets.size()));
    alone.push_back(Bound<Model>(sets[std::size_t(chosen.back())]).scalar(positions.back()));
    EXPECT_LE(difference(stacked.template scalar<true>(positions.back(), chosen.back()), alone.back()), 1e-14);
  }
  const std::vector<Result> packed = stacked.template pack<true>(positions, chosen);
  for (std::size_t lane = 0; lane < packed.size(); ++lane)
    EXPECT_LE(difference(packed[lane], alone[lane]), 1e-12) << lane;
  positions.resize(3);
  for (const int slices : {1, 2, 5}) {
    const std::vector<Result> team = stacked.template team<true>(positions, slices, chosen);
    for (std::size_t lane = 0; lane < team.size(); ++lane)
      EXPECT_LE(difference(team[lane], alone[lane]), 1e-11) << lane;
  }
}

TEST(StackedData, LanesGetTheGradientOfTheirOwnDataSet) {
  std::vector<Data> sets;
  for (int s = 0; s < 5; ++s) {
    Numbers numbers(std::uint32_t(100 + s));
    Data data;
    data.set("x", numbers.uniforms(7, 0.5, 2));
    data.set("y", Numbers(99).uniforms(7, -2, 2));  // the same in all: shared
    data.set("s", numbers.uniform(-1, 1));
    sets.push_back(data);
  }
  expect_each_lane_to_read_its_own_data<EveryOperation>(sets, 1);
  for (Data& data : sets) data.set("lag", 2);
  expect_each_lane_to_read_its_own_data<Autoregression>(sets, 1);
}

TEST(StackedData, LanesReadTheirOwnCountsAndPositiveValues) {
  std::vector<Data> sets;
  for (int s = 0; s < 3; ++s) {
    Numbers numbers(std::uint32_t(200 + s));
    Data data;
    data.set("x", numbers.uniforms(9, -1, 1));
    data.set("y", numbers.uniforms(9, -2, 2));
    data.set("positive_y", numbers.uniforms(9, 0.2, 3));
    data.set("unit_y", numbers.uniforms(9, 0.1, 0.9));
    data.set("count", numbers.integers(9, 0, 6));
    data.set("trials", numbers.integers(9, 6, 9));
    data.set("flag", numbers.integers(9, 0, 1));
    sets.push_back(data);
  }
  expect_each_lane_to_read_its_own_data<EveryDistribution>(sets, 0.8);
}

}  // namespace
}  // namespace lockstep
