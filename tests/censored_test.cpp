// Censored, interval-censored and truncated distributions: in models, simulated, and against what they must be.
#include <gtest/gtest.h>

#include <map>

#include <boost/math/quadrature/gauss_kronrod.hpp>

#include "lockstep/evaluate.hpp"
#include "tests/bound_model.hpp"
#include "tests/goodness_of_fit.hpp"

namespace lockstep {
namespace {

// ---- densities -----------------------------------------------------------------------------------------------------

TEST(Censored, HasTheTailsProbabilityAtABoundAndTheDensityBetween) {
  const auto d = logistic(0.3, 2);
  const auto both = censored(d, -1, 2.5);
  const auto left = censored(d, -1, no_bound);
  const auto right = censored(d, no_bound, 2.5);
  EXPECT_EQ(log_density(both, -1), log_cdf(d, -1));
  EXPECT_EQ(log_density(left, -1), log_cdf(d, -1));
  EXPECT_EQ(log_density(both, 2.5), log_ccdf(d, 2.5));
  EXPECT_EQ(log_density(right, 2.5), log_ccdf(d, 2.5));
  for (const double y : {-0.9, 0.3, 2.4}) {
    EXPECT_EQ(log_density(both, y), log_density(d, y));
    EXPECT_EQ(log_density(left, y), log_density(d, y));
    EXPECT_EQ(log_density(right, y), log_density(d, y));
  }
  EXPECT_EQ(log_density(both, -1.1), -infinity);
  EXPECT_EQ(log_density(both, 2.6), -infinity);
  EXPECT_EQ(log_density(left, -1.1), -infinity);
  EXPECT_EQ(log_density(right, 2.6), -infinity);
  EXPECT_EQ(log_density(left, 2.6), log_density(d, 2.6));
  EXPECT_EQ(log_density(right, -1.1), log_density(d, -1.1));
}

template <class D> void expect_one(const D& d, double lower, double upper) {
  const auto density = [&](double y) { return std::exp(log_density(d, y)); };
  const double whole = boost::math::quadrature::gauss_kronrod<double, 61>::integrate(density, lower, upper, 12, 1e-12);
  EXPECT_NEAR(whole, 1, 1e-9);
  for (const double outside : {std::nextafter(lower, -infinity), std::nextafter(upper, infinity)})
    if (std::isfinite(outside)) {
      EXPECT_EQ(log_density(d, outside), -infinity);
    }
}
TEST(Truncated, IntegratesToOneBetweenItsBoundsAndIsImpossibleOutside) {
  expect_one(truncated(normal(0.3, 2), -1, 2.5), -1, 2.5);
  expect_one(truncated(normal(0.3, 2), no_bound, -4), -infinity, -4);
  expect_one(truncated(laplace(0.3, 2), 1, no_bound), 1, infinity);
  expect_one(truncated(lognormal(0.3, 2), 0.5, 3), 0.5, 3);
  expect_one(truncated(weibull(0.5, 2), 0.5, no_bound), 0.5, infinity);
  expect_one(truncated(gumbel(0, 1), 4, 6), 4, 6);
  expect_one(truncated(uniform(-1, 2), 0, 1.5), 0, 1.5);
  // A bound outside of the support is none.
  expect_one(truncated(exponential(0.5), -1, 3), 0, 3);
}
// The library's own truncated normal has another formula for it, which keeps its digits in narrow intervals too.
TEST(Truncated, OfANormalIsTheTruncatedNormal) {
  for (const double y : {6.01, 6.5, 7.9})
    EXPECT_NEAR(log_density(truncated(normal(0.3, 1.5), 6, 8), y), log_density(truncated_normal(0.3, 1.5, 6, 8), y), 1e-12);
  for (const double y : {-39.9, -39.5})
    EXPECT_NEAR(log_density(truncated(normal(0, 1), -40, -39), y), log_density(truncated_normal(0, 1, -40, -39), y), 1e-10);
  EXPECT_NEAR(log_density(truncated(normal(0, 1), 40, no_bound), 40.5),
              log_density(truncated_normal_above(0, 1, 40), 40.5), 1e-10);
}
// A bound of counts is one of the values: what is recorded at the upper bound is at least it, what is left is at most it.
TEST(CensoredAndTruncated, CountsMayBeAtTheirBounds) {
  const auto d = poisson(3.5);
  const auto mass = [&](int from, int to) {
    double sum = 0;
    for (int k = from; k <= to; ++k) sum += std::exp(log_density(d, k));
    return std::log(sum);
  };
  EXPECT_NEAR(log_density(censored(d, 1, 5), 1), mass(0, 1), 1e-13);
  EXPECT_NEAR(log_density(censored(d, 1, 5), 5), mass(5, 100), 1e-13);
  EXPECT_EQ(log_density(censored(d, 1, 5), 3), log_density(d, 3));
  EXPECT_NEAR(log_density(censored(d, no_bound, 5), 5), mass(5, 100), 1e-13);
  const auto zero_truncated = truncated(d, 1, no_bound);
  EXPECT_NEAR(log_density(zero_truncated, 2), log_density(d, 2) - std::log1p(-std::exp(-3.5)), 1e-14);
  EXPECT_EQ(log_density(zero_truncated, 0), -infinity);
  for (const double k : {2., 3., 6.}) EXPECT_NEAR(log_density(truncated(d, 2, 6), k), log_density(d, k) - mass(2, 6), 1e-13);
  for (const double k : {1., 7.}) EXPECT_EQ(log_density(truncated(d, 2, 6), k), -infinity);
  EXPECT_NEAR(log_density(truncated(d, 1.5, 6.5), 2), log_density(d, 2) - mass(2, 6), 1e-13);
  EXPECT_NEAR(log_density(truncated(d, no_bound, 4), 4), log_density(d, 4) - mass(0, 4), 1e-13);
  EXPECT_NEAR(log_density(interval_censored(d, 6), 2), mass(3, 6), 1e-13);
  const auto few = truncated(geometric(0.2), 3, 5);
  Stream stream({.seed = 4});
  std::map<double, int> seen;
  for (int i = 0; i < 30000; ++i) ++seen[draw(few, stream)];
  ASSERT_EQ(seen.size(), 3u);
  double chi_squared = 0;   // with 2 degrees of freedom: above 18.4 in 1e-4 of all runs
  for (const auto& [k, count] : seen) {
    const double expected = 30000 * std::exp(log_density(few, k));
    chi_squared += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_squared, 18.4);
}
TEST(IntervalCensored, HasTheProbabilityOfTheInterval) {
  const auto d = cauchy(0.3, 2);
  for (const auto& [low, high] : {std::pair{-1., 2.}, {3., 4.}, {-1e6, -1e5}, {1e5, 1e6}})
    EXPECT_NEAR(log_density(interval_censored(d, high), low),
                std::log((std::atan2(1, -(high - 0.3) / 2) - std::atan2(1, -(low - 0.3) / 2)) / M_PI), 1e-10);
  EXPECT_EQ(log_density(interval_censored(d, infinity), 7), log_ccdf(d, 7));
  EXPECT_EQ(log_density(interval_censored(d, 7), -infinity), log_cdf(d, 7));
  EXPECT_EQ(log_density(interval_censored(d, infinity), -infinity), 0);
}

// ---- draws: Kolmogorov-Smirnov at 1e-5 for each of the 10, family false alarm 1e-4 ----------------------------------

template <class D, class Base> void expect_draws(const D& d, const Base& base, double lower, double upper, std::uint64_t seed) {
  Stream stream({.seed = seed});
  Sample sample(20000);
  for (double& y : sample) {
    y = draw(d, stream);
    ASSERT_TRUE(lower <= y && y <= upper) << y;
  }
  // In the tail the share of the interval below y, by differences in logarithms.
  const auto mass = [&](double a, double b) { return a < b ? std::exp(log_density(interval_censored(base, b), a)) : 0.; };
  const double scale = log_density(interval_censored(base, upper), lower);
  const auto cdf = [&](double y) {
    return scale > -600 ? mass(lower, y) / std::exp(scale)
                        : y > lower ? std::exp(log_density(interval_censored(base, y), lower) - scale) : 0.;
  };
  EXPECT_GT(kolmogorov_smirnov(sample, cdf), 1e-5);
}
TEST(DrawsOfTruncated, AreDistributedSo) {
  expect_draws(truncated(normal(0.3, 2), -1, 2.5), normal(0.3, 2), -1, 2.5, 1);
  expect_draws(truncated(normal(0, 1), 40, no_bound), normal(0, 1), 40, infinity, 2);
  expect_draws(truncated(normal(0, 1), no_bound, -40), normal(0, 1), -infinity, -40, 3);
  expect_draws(truncated(cauchy(0, 1), 1e6, no_bound), cauchy(0, 1), 1e6, infinity, 4);
  expect_draws(truncated(exponential(2), 0.1, 4), exponential(2), 0.1, 4, 5);
  expect_draws(truncated(weibull(0.5, 2), no_bound, 3), weibull(0.5, 2), 0, 3, 6);
  expect_draws(truncated(lognormal(0, 1), 0.5, no_bound), lognormal(0, 1), 0.5, infinity, 7);
  expect_draws(truncated(gumbel(0, 1), 4, 6), gumbel(0, 1), 4, 6, 8);
  expect_draws(truncated(uniform(-1, 2), 0, 1.5), uniform(-1, 2), 0, 1.5, 9);
  expect_draws(truncated(log_logistic(2, 3), 1, 5), log_logistic(2, 3), 1, 5, 10);
}
TEST(DrawsOfTruncated, AreNotANumberIfNothingIsBetweenTheBounds) {
  Stream stream({.seed = 1});
  EXPECT_TRUE(std::isnan(draw(truncated(normal(0, 1), 2, 1), stream)));
  EXPECT_TRUE(std::isnan(draw(truncated(exponential(1), -2, -1), stream)));
  EXPECT_TRUE(std::isnan(draw(truncated(uniform(0, 1), 2, 3), stream)));
}
TEST(DrawsOfCensored, AreThoseOfTheDistributionClipped) {
  Stream stream({.seed = 1}), same({.seed = 1});
  int at_lower = 0, at_upper = 0;
  for (int i = 0; i < 1000; ++i) {
    const double y = draw(censored(normal(0, 1), -1, 0.5), stream), free = draw(normal(0, 1), same);
    EXPECT_EQ(y, std::min(std::max(free, -1.), 0.5));
    at_lower += y == -1;
    at_upper += y == 0.5;
  }
  EXPECT_GT(at_lower, 0);
  EXPECT_GT(at_upper, 0);
}

// ---- a posterior in closed form --------------------------------------------------------------------------------------

// Waiting times, some of which had not ended when the study did, at a time of each one's own.
struct WaitingTimes {
  Dim n;
  Real time, limit;
  explicit WaitingTimes(Dataset& d) : n(d.dim("n")), time(d.real("time", n)), limit(d.real("limit", n)) {}
  template <class M> void operator()(M& m) const {
    auto rate = m.param("rate", gamma(2, 3));
    m.observe("time", time, n, [&](auto j) { return censored(exponential(rate), no_bound, limit[j]); });
  }
};
Data waiting_times() {
  Data data;
  data.set("time", Values{0.3, 2, 1.1, 0.7, 1.5});
  data.set("limit", Values{2, 2, 1e300, 0.7, 1.5});
  return data;
}
TEST(CensoredWaitingTimes, HaveTheConjugatePosterior) {
  const Bound<WaitingTimes> model(waiting_times());
  // Two ended, of 5.6 units of time in all: the posterior is Gamma(2 + 2, 3 + 5.6).
  const auto posterior = gamma(4, 8.6);
  const auto excess = [&](double rate) {
    const double log_jacobian = std::log(rate);
    return model.log_density({std::log(rate)}) - log_jacobian - log_density(posterior, rate);
  };
  for (const double rate : {0.01, 0.5, 2., 30.}) EXPECT_NEAR(excess(rate), excess(1), 1e-11);
}
TEST(CensoredWaitingTimes, AreNotPredictedBeyondTheirLimits) {
  const Bound<WaitingTimes> model(waiting_times());
  const Values limits = {2, 2, 1e300, 0.7, 1.5};
  int at_limit = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Values y = model.predict({std::log(0.4)}, seed);
    for (std::size_t i = 0; i < y.size(); ++i) {
      EXPECT_GT(y[i], 0);
      EXPECT_LE(y[i], limits[i]);
      at_limit += y[i] == limits[i];
    }
  }
  EXPECT_GT(at_limit, 50);
}

struct TruncatedPriors {
  explicit TruncatedPriors(Dataset&) {}
  template <class M> void operator()(M& m) const {
    auto low = m.param("low", truncated(normal(0, 1), no_bound, 0.5));
    auto x = m.param("x", truncated(cauchy(0, 1), low, 2));
    // Bounds outside of the support are none.
    auto positive = m.param("positive", truncated(half_cauchy(1), no_bound, 2));
    auto shifted = m.param("shifted", truncated(exponential(1), low, no_bound));
    auto part = m.param("part", truncated(uniform(-1, 1), -3, 0.25));
    auto rest = m.param("rest", truncated(uniform(-1, 1), low, no_bound));
  }
};
void expect_between_bounds(const Values& values) {
  const double low = values[0];
  EXPECT_LE(low, 0.5);
  EXPECT_TRUE(low <= values[1] && values[1] <= 2) << values[1];
  EXPECT_TRUE(0 <= values[2] && values[2] <= 2) << values[2];
  EXPECT_GE(values[3], std::max(low, 0.));
  EXPECT_TRUE(-1 <= values[4] && values[4] <= 0.25) << values[4];
  EXPECT_TRUE(std::max(low, -1.) <= values[5] && values[5] <= 1) << values[5];
}
TEST(TruncatedPriors, KeepParametersBetweenTheirBounds) {
  const Bound<TruncatedPriors> model{Data{}};
  for (const double z : {-30., -1., 0., 2., 30.}) {
    const Values position = {z, -z, z, z, z, -z};
    expect_between_bounds(model.constrain(position));
    EXPECT_TRUE(std::isfinite(model.log_density(position))) << z;
  }
  for (std::uint64_t seed = 0; seed < 100; ++seed) expect_between_bounds(model.prior(seed).values);
}

}  // namespace
}  // namespace lockstep
