// Gradients of models with censored, interval-censored and truncated distributions, against both oracles on every team.
#include <gtest/gtest.h>

#include "tests/gradient_oracles.hpp"

namespace lockstep {
namespace {

constexpr double beyond_all = 1e300;

// A regression whose response is only seen between limits, which differ between observations and may be missing.
struct CensoredRegression {
  Dim n;
  Real x, y, low, high;
  explicit CensoredRegression(Dataset& d)
      : n(d.dim("n")), x(d.real("x", n)), y(d.real("y", n)), low(d.real("low", n)), high(d.real("high", n)) {}
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", truncated(normal(0, 1), -2, 3));
    auto b = m.param("b", normal(0, 1), real_line());
    auto sigma = m.param("sigma", truncated(half_cauchy(1), 0.1, no_bound));
    m.observe("y", y, n, [&](auto j) { return censored(normal(a + b * x[j], sigma), low[j], high[j]); });
  }
};
TEST(CensoredRegression, HasTheRightGradient) {
  Data data;
  data.set("x", Values{-1, 0.5, 2, 0.3, -0.4, 1.1, 0.2});
  data.set("y", Values{-0.5, 1, 2.5, 0.1, 0.3, 1.5, -2});
  data.set("low", Values{-0.5, -1, 0, -beyond_all, 0.3, -1, -2});
  data.set("high", Values{2, 1, 2.5, beyond_all, beyond_all, 3, beyond_all});
  expect_right_gradients(Bound<CensoredRegression>(data));
}

// Bounds that are parameters, of many distributions.
struct Bounds {
  Dim n;
  Real y, high;
  explicit Bounds(Dataset& d) : n(d.dim("n")), y(d.real("y", n)), high(d.real("high", n)) {}
  template <class M> void operator()(M& m) const {
    auto scale = m.param("scale", lognormal(0, 1));
    auto shape = m.param("shape", lognormal(0, 1));
    auto lower = m.param("lower", truncated(logistic(0, scale), no_bound, 0.4));
    auto upper = m.param("upper", truncated(laplace(4, scale), 2.5, no_bound));
    auto z = m.param("z", truncated(cauchy(lower, scale), lower, upper));
    m.observe("a", y, n, [&](auto) { return truncated(gumbel(z, scale), lower, upper); });
    m.observe("b", y, n, [&](auto) { return truncated(weibull(shape, scale), no_bound, upper); });
    m.observe("c", y, n, [&](auto) { return truncated(log_logistic(scale, shape), 0.1, upper); });
    m.observe("d", y, n, [&](auto j) { return interval_censored(frechet(shape, scale), high[j]); });
    m.observe("e", y, n, [&](auto j) { return interval_censored(lognormal(z, scale), high[j]); });
    m.observe("f", y, n, [&](auto j) { return interval_censored(uniform(lower, upper * 4), high[j]); });
    m.observe("g", y, n, [&](auto) { return censored(exponential(scale), 0.5, 2.3); });
    m.observe("h", y, n, [&](auto) { return censored(half_normal(scale), no_bound, 2.3); });
    m.observe("i", y, n, [&](auto) { return censored(rayleigh(scale), 0.5, no_bound); });
  }
};
TEST(BoundsThatAreParameters, HaveTheRightGradients) {
  Data data;
  data.set("y", Values{0.5, 1.2, 2.3});
  data.set("high", Values{1.5, 1.3, 9});
  expect_right_gradients(Bound<Bounds>(data), 0.8);
}

// Those whose tails are incomplete gamma and beta functions.
struct Tails {
  Dim n;
  Real y, high;
  explicit Tails(Dataset& d) : n(d.dim("n")), y(d.real("y", n)), high(d.real("high", n)) {}
  template <class M> void operator()(M& m) const {
    auto shape = m.param("shape", truncated(gamma(2, 1), 0.1, no_bound));
    auto scale = m.param("scale", truncated(inverse_gamma(3, shape), no_bound, 9));
    auto share = m.param("share", truncated(beta(shape, 2), 0.05, 0.9));
    auto z = m.param("z", truncated(student_t(shape, 0, scale), no_bound, 2.5));
    // Bounds of their own.
    auto up = m.param("up", truncated(pareto(shape, share), no_bound, 4));
    auto down = m.param("down", truncated(truncated_normal_below(z, scale, up), -3, no_bound));
    m.observe("a", y, n, [&](auto) { return censored(gamma(shape, scale), 1, 3); });
    m.observe("b", y, n, [&](auto j) { return interval_censored(student_t(shape, z, scale), high[j]); });
    m.observe("c", y, n, [&](auto j) { return interval_censored(chi_squared(shape), high[j]); });
    m.observe("d", y, n, [&](auto) { return censored(half_student_t(shape, scale), 1, 3); });
    m.observe("e", y, n, [&](auto) { return truncated(poisson(scale), 1, no_bound); });
    m.observe("f", y, n, [&](auto) { return censored(binomial(7, share), 1, 3); });
    m.observe("g", y, n, [&](auto) { return truncated(negative_binomial(scale, shape), 1, 5); });
    m.observe("h", y, n, [&](auto j) { return interval_censored(negative_binomial_log(z, shape), high[j]); });
  }
};
TEST(IncompleteGammaAndBetaFunctions, HaveTheRightGradients) {
  Data data;
  data.set("y", Values{1, 2, 3});
  data.set("high", Values{4, 3, 9});
  expect_right_gradients(Bound<Tails>(data), 0.8);
}

// Of distributions whose CDFs are integrals or sums, and of categories.
struct BoundsOfIntegrals {
  Dim n;
  Real y, high, angle, count;
  Dim category;
  explicit BoundsOfIntegrals(Dataset& d)
      : n(d.dim("n")), y(d.real("y", n)), high(d.real("high", n)), angle(d.real("angle", n)), count(d.real("count", n)),
        category(d.dim("category")) {}
  template <class M> void operator()(M& m) const {
    auto scale = m.param("scale", lognormal(0, 1));
    auto shape = m.param("shape", lognormal(0, 1));
    auto where = m.param("where", truncated(von_mises(0.4, 2), -1, 2));
    auto lower = m.param("lower", truncated(skew_normal(0, scale, 1.5), no_bound, 0.4));
    auto upper = m.param("upper", truncated(rice(shape, scale), 2.5, no_bound));
    auto eta = m.param("eta", normal(0, 1), category);
    auto cut = m.param("cut", normal(0, 1), category, ordered());
    m.observe("a", y, n, [&](auto) { return truncated(skew_normal(where, scale, shape), lower, upper); });
    m.observe("b", y, n, [&](auto) { return truncated(rice(shape, scale), 0.1, upper); });
    m.observe("c", y, n, [&](auto j) { return interval_censored(skew_normal(where, scale, -shape), high[j]); });
    m.observe("d", y, n, [&](auto) { return censored(rice(scale, shape), 0.5, 2.3); });
    m.observe("e", angle, n, [&](auto) { return truncated(von_mises(where, scale), -2, 2.5); });
    m.observe("f", angle, n, [&](auto) { return censored(von_mises(where, scale), -1.5, no_bound); });
    m.observe("g", count, n, [&](auto) { return truncated(beta_binomial(scale, shape, 9), 1, no_bound); });
    m.observe("h", count, n, [&](auto) { return truncated(beta_negative_binomial(scale, shape, 2), 1, no_bound); });
    m.observe("i", count, n, [&](auto) { return censored(generalized_poisson(shape, 0.3), no_bound, 3); });
    m.observe("j", count, n, [&](auto) { return censored(skellam(shape, scale), 1, no_bound); });
    m.observe("k", count, n, [&](auto j) { return interval_censored(skellam(shape, scale), count[j] + 2); });
    m.observe("l", count, n, [&](auto) { return truncated(categorical_logit(eta), 1, no_bound); });
    m.observe("m", count, n, [&](auto) { return censored(ordered_logistic(where, cut), no_bound, 3); });
    m.observe("p", count, n, [&](auto) { return truncated(ordered_probit(where, cut), 1, 3); });
    m.observe("o", count, n, [&](auto j) { return interval_censored(categorical_logit(eta), count[j] + 1); });
  }
};
TEST(IntegratedCdfs, GiveCensoredAndTruncatedFormsTheRightGradients) {
  Data data;
  data.set("y", Values{0.5, 1.2, 2.3});
  data.set("high", Values{1.5, 1.3, 9});
  data.set("angle", Values{-1.5, 0.3, 2.1});
  data.set("count", Values{1, 2, 3});
  data.set_labels("category", {"a", "b", "c", "d", "e"});
  // The oracle differentiates rules of integration, whose errors are below 1e-12.
  expect_right_gradients(Bound<BoundsOfIntegrals>(data), 0.8, {.forward = 1e-10});
}

}  // namespace
}  // namespace lockstep
