// CDFs of distributions in which single values have a probability, of censored and truncated ones, and of mixtures, against 50-digit
// values; and what these are in one another.
#include <gtest/gtest.h>

#include <boost/math/quadrature/gauss_kronrod.hpp>

#include "tests/cdf_rows.hpp"
#include "tests/goodness_of_fit.hpp"

namespace lockstep {
namespace {

// clang-format off
LOCKSTEP_CDF_ROWS(Bernoulli, bernoulli, 1)
LOCKSTEP_CDF_ROWS(BernoulliLogit, bernoulli_logit, 1)
LOCKSTEP_CDF_ROWS(ZeroInflatedPoisson, zero_inflated_poisson, 2)
LOCKSTEP_CDF_ROWS(ZeroInflatedBinomial, zero_inflated_binomial, 3)
LOCKSTEP_CDF_ROWS(ZeroInflatedNegativeBinomial, zero_inflated_negative_binomial, 3)
LOCKSTEP_CDF_ROWS(HurdlePoisson, hurdle_poisson, 2)
LOCKSTEP_CDF_ROWS(HurdleNegativeBinomial, hurdle_negative_binomial, 3)
LOCKSTEP_CDF_ROWS(HurdleGamma, hurdle_gamma, 3)
LOCKSTEP_CDF_ROWS(HurdleLogNormal, hurdle_lognormal, 3)
LOCKSTEP_CDF_ROWS(ZeroOneInflatedBeta, zero_one_inflated_beta, 4)
LOCKSTEP_CDF_ROWS(SkewStudentT, skew_student_t, 4)
// clang-format on
template <Name name, bool upper>
struct MixtureOfNormals : DistributionRow<name, 5, [](const auto& w, const auto& m, const auto& s, const auto& n, const auto& t) {
  return cdf_as_density<upper>(mixture(component(w, normal(m, s)), component(1 - as_recipe(w), normal(n, t))));
}> {};
// The library's own truncated normal has other formulas.
template <Name name, bool upper>
struct TruncatedNormal : DistributionRow<name, 4, [](const auto& m, const auto& s, const auto& a, const auto& b) {
  return cdf_as_density<upper>(truncated(normal(m, s), a, b));
}> {};
template <Name name, bool upper>
struct TruncatedNormalAbove : DistributionRow<name, 3, [](const auto& m, const auto& s, const auto& a) {
  return cdf_as_density<upper>(truncated(normal(m, s), a, no_bound));
}> {};
template <Name name, bool upper>
struct TruncatedNormalBelow : DistributionRow<name, 3, [](const auto& m, const auto& s, const auto& b) {
  return cdf_as_density<upper>(truncated(normal(m, s), no_bound, b));
}> {};

using Counts = ::testing::Types<BernoulliCdf, BernoulliCcdf, BernoulliLogitCdf, BernoulliLogitCcdf, ZeroInflatedPoissonCdf,
                                ZeroInflatedPoissonCcdf, ZeroInflatedBinomialCdf, ZeroInflatedBinomialCcdf,
                                ZeroInflatedNegativeBinomialCdf, ZeroInflatedNegativeBinomialCcdf, HurdlePoissonCdf,
                                HurdlePoissonCcdf, HurdleNegativeBinomialCdf, HurdleNegativeBinomialCcdf>;
INSTANTIATE_TYPED_TEST_SUITE_P(CountWithZerosCdf, DensityOfData, Counts, RowNames);
using Continuous = ::testing::Types<HurdleGammaCdf, HurdleGammaCcdf, HurdleLogNormalCdf, HurdleLogNormalCcdf, ZeroOneInflatedBetaCdf,
                                    ZeroOneInflatedBetaCcdf, SkewStudentTCdf, SkewStudentTCcdf>;
INSTANTIATE_TYPED_TEST_SUITE_P(WithZerosCdf, DensityOfAParameter, Continuous, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(WithZerosCdf, DensityInSinglePrecision, Continuous, RowNames);
using Composed =
    ::testing::Types<MixtureOfNormals<"mixture_of_normals_log_cdf", false>, MixtureOfNormals<"mixture_of_normals_log_ccdf", true>,
                     TruncatedNormal<"truncated_normal_log_cdf", false>, TruncatedNormal<"truncated_normal_log_ccdf", true>,
                     TruncatedNormalAbove<"truncated_normal_above_log_cdf", false>,
                     TruncatedNormalAbove<"truncated_normal_above_log_ccdf", true>,
                     TruncatedNormalBelow<"truncated_normal_below_log_cdf", false>,
                     TruncatedNormalBelow<"truncated_normal_below_log_ccdf", true>>;
INSTANTIATE_TYPED_TEST_SUITE_P(ComposedCdf, DensityOfAParameter, Composed, RowNames);

TEST(CountsWithZeros, HaveTheirSumsAsTails) {
  expect_tails_of_counts("bernoulli", bernoulli(0.3), 0, 1, 1);
  expect_tails_of_counts("bernoulli_logit", bernoulli_logit(-0.5), 0, 1, 1);
  expect_tails_of_counts("zero_inflated_poisson", zero_inflated_poisson(0.3, 2.5), 0, 300);
  expect_tails_of_counts("zero_inflated_binomial", zero_inflated_binomial(0.3, 7, 0.4), 0, 7, 7);
  expect_tails_of_counts("zero_inflated_negative_binomial", zero_inflated_negative_binomial(0.3, 4, 0.6), 0, 900);
  expect_tails_of_counts("hurdle_poisson", hurdle_poisson(0.3, 2.5), 0, 300);
  expect_tails_of_counts("hurdle_negative_binomial", hurdle_negative_binomial(0.3, 4, 0.6), 0, 900);
}
TEST(ComposedCounts, HaveTheirSumsAsTails) {
  expect_tails_of_counts(nullptr, truncated(poisson(3.5), 1, no_bound), 1, 300);
  expect_tails_of_counts(nullptr, truncated(poisson(3.5), 2, 6), 2, 6, 6);
  expect_tails_of_counts(nullptr, truncated(binomial(9, 0.3), no_bound, 4), 0, 4, 4);
  expect_tails_of_counts(nullptr, truncated(truncated(poisson(3.5), 1, no_bound), no_bound, 5), 1, 5, 5);
  expect_tails_of_counts(nullptr, truncated(hurdle_poisson(0.3, 2.5), 1, no_bound), 1, 300);
  expect_tails_of_counts(nullptr, truncated(bernoulli(0.3), 1, no_bound), 1, 1, 1);
  expect_tails_of_counts(nullptr, censored(poisson(3.5), 1, 5), 1, 5, 5);
  expect_tails_of_counts(nullptr, censored(poisson(3.5), no_bound, 5), 0, 5, 5);
  expect_tails_of_counts(nullptr, censored(truncated(poisson(3.5), 1, no_bound), no_bound, 5), 1, 5, 5);
  const auto two = mixture(component(0.3, poisson(1.5)), component(0.7, geometric(0.2)));
  expect_tails_of_counts(nullptr, two, 0, 300);
  expect_tails_of_counts(nullptr, truncated(two, 2, 8), 2, 8, 8);
}

// Its logarithms of tails at y, of a distribution with density between the ends; single values with a probability are above them.
template <class D> void expect_tails(const D& d, double lower, double upper, double y, double log_between) {
  const auto density = [&](double x) { return std::exp(log_density(d, x)); };
  const double below = boost::math::quadrature::gauss_kronrod<double, 61>::integrate(density, lower, y, 12, 1e-13);
  EXPECT_NEAR(std::exp(log_cdf(d, y)), below + std::exp(log_between), 1e-11);
  EXPECT_NEAR(std::exp(log_ccdf(d, y)), 1 - below - std::exp(log_between), 1e-11);
  EXPECT_EQ(log_cdf(d, std::nextafter(lower, -infinity)), -infinity);
  EXPECT_EQ(log_ccdf(d, std::nextafter(lower, -infinity)), 0);
  EXPECT_EQ(log_cdf(d, upper), 0);
  EXPECT_EQ(log_ccdf(d, upper), -infinity);
  EXPECT_EQ(quantile(d, 0), lower);
  EXPECT_EQ(quantile(d, 1), upper);
  EXPECT_NEAR(quantile(d, std::exp(log_cdf(d, y))), y, 1e-9 * std::max(1., std::abs(y)));
}
TEST(Truncated, HasTailsAndMayBeTruncatedAgain) {
  EXPECT_NEAR(log_cdf(truncated(normal(0, 1), 0, no_bound), 0.5), std::log(std::erf(0.5 / std::sqrt(2.))), 1e-15);
  expect_tails(truncated(normal(0.3, 2), -1, 2.5), -1, 2.5, 0.7, -infinity);
  expect_tails(truncated(gamma(2, 3), 0.5, no_bound), 0.5, infinity, 0.9, -infinity);
  expect_tails(truncated(laplace(0, 1), no_bound, 0.4), -infinity, 0.4, -0.6, -infinity);
  expect_tails(truncated(truncated(normal(0.3, 2), -1, no_bound), no_bound, 2.5), -1, 2.5, 0.7, -infinity);
  const auto twice = truncated(truncated(normal(0.3, 2), -1, no_bound), -3, 2.5);
  const auto once = truncated(normal(0.3, 2), -1, 2.5);
  for (const double y : {-0.9, 0.3, 2.4}) EXPECT_NEAR(log_density(twice, y), log_density(once, y), 1e-13);
  // Far out in a tail.
  EXPECT_NEAR(log_ccdf(truncated(normal(0, 1), 40, no_bound), 41), log_ccdf(normal(0, 1), 41) - log_ccdf(normal(0, 1), 40), 1e-12);
}
TEST(Censored, HasTailsWithThoseOfItsBoundsAndMayBeOfTruncatedOnes) {
  const auto base = truncated(normal(0.3, 2), -1, no_bound);
  const auto d = censored(base, no_bound, 2.5);
  for (const double y : {-0.9, 0.3, 2.4}) {
    EXPECT_EQ(log_density(d, y), log_density(base, y));
    EXPECT_EQ(log_cdf(d, y), log_cdf(base, y));
    EXPECT_EQ(log_ccdf(d, y), log_ccdf(base, y));
  }
  EXPECT_EQ(log_density(d, 2.5), log_ccdf(base, 2.5));
  EXPECT_EQ(log_cdf(d, 2.5), 0);
  EXPECT_EQ(log_ccdf(d, 2.5), -infinity);
  EXPECT_EQ(quantile(d, 0.99), 2.5);
  const auto both = censored(normal(0, 1), -1, 1);
  EXPECT_EQ(log_cdf(both, -1.1), -infinity);
  EXPECT_EQ(log_cdf(both, -1), log_cdf(normal(0, 1), -1));
  EXPECT_EQ(quantile(both, 0.01), -1);
  EXPECT_EQ(quantile(both, 0), -1);
  EXPECT_EQ(quantile(both, 1), 1);
  EXPECT_EQ(quantile(censored(normal(0, 1), no_bound, 1), 0), -infinity);
}
TEST(Mixture, HasTailsMayBeTruncatedAndCensored) {
  const auto d = mixture(component(0.3, normal(-2, 0.5)), component(0.5, student_t(3, 2, 1)), component(0.2, laplace(0, 1)));
  expect_tails(d, -infinity, infinity, -1.3, -infinity);
  expect_tails(truncated(d, -1, 2.5), -1, 2.5, 0.7, -infinity);
  expect_tails(truncated(d, 0.5, no_bound), 0.5, infinity, 0.9, -infinity);
  EXPECT_EQ(log_density(censored(d, no_bound, 1), 1), log_ccdf(d, 1));
  EXPECT_NEAR(log_density(censored(d, no_bound, 1), 0.4), log_density(d, 0.4), 1e-15);
  EXPECT_NEAR(log_density(interval_censored(d, 2), -1), std::log(std::exp(log_cdf(d, 2)) - std::exp(log_cdf(d, -1))), 1e-14);
  // A mixture of a mixture is one.
  const auto nested = mixture(component(0.3, normal(-2, 0.5)),
                              component(0.7, mixture(component(5. / 7, student_t(3, 2, 1)), component(2. / 7, laplace(0, 1)))));
  for (const double y : {-30., -1.3, 0.2, 50.}) {
    EXPECT_NEAR(log_cdf(nested, y), log_cdf(d, y), 1e-13);
    EXPECT_NEAR(log_ccdf(nested, y), log_ccdf(d, y), 1e-13);
  }
  const auto apart = mixture(component(0.5, uniform(0, 1)), component(0.5, uniform(2, 3)));
  EXPECT_EQ(quantile(apart, 0), 0);
  EXPECT_EQ(quantile(apart, 1), 3);
  EXPECT_NEAR(quantile(apart, 0.75), 2.5, 1e-15);
}
// Single values that have a probability count where a bound is one of them.
TEST(SingleValuesWithAProbability, MayBeBounds) {
  const auto rain = hurdle_gamma(0.3, 2, 1);
  expect_tails(rain, 0, infinity, 0.7, std::log(0.7));
  const auto any = truncated(rain, 0, 5), some = truncated(rain, 1e-9, 5);
  EXPECT_NEAR(log_density(any, 0), std::log(0.7) - log_cdf(rain, 5), 1e-14);
  EXPECT_EQ(log_density(some, 0), -infinity);
  EXPECT_NEAR(log_density(some, 2), log_density(truncated(gamma(2, 1), 1e-9, 5), 2), 1e-13);
  EXPECT_EQ(log_cdf(dirac_delta(0.5), 0.4), -infinity);
  EXPECT_EQ(log_cdf(dirac_delta(0.5), 0.5), 0);
  EXPECT_EQ(log_ccdf(dirac_delta(0.5), 0.5), -infinity);
  EXPECT_EQ(quantile(dirac_delta(0.5), 0.3), 0.5);
  const auto share = zero_one_inflated_beta(0.3, 0.6, 2, 3);
  expect_tails(share, 0, 1, 0.4, std::log(0.3 * 0.4));
  EXPECT_NEAR(log_density(censored(share, no_bound, 1), 1), std::log(0.3 * 0.6), 1e-14);
  EXPECT_NEAR(log_density(interval_censored(share, 1), 0.999), log_ccdf(share, 0.999), 1e-12);
  const auto zeros = mixture(component(0.4, dirac_delta(0)), component(0.6, poisson(2)));
  EXPECT_NEAR(log_density(truncated(zeros, 0, 3), 0), std::log(0.4 + 0.6 * std::exp(-2)) - log_cdf(zeros, 3), 1e-14);
  EXPECT_NEAR(log_density(censored(zeros, no_bound, 3), 3), log_ccdf(zeros, 2), 1e-14);
  EXPECT_NEAR(log_density(truncated(censored(normal(0, 1), 0, no_bound), 0, 1), 0), std::log(0.5) - log_cdf(normal(0, 1), 1), 1e-14);
}
// Kolmogorov-Smirnov at 1e-5 for each of the 3, family false alarm 3e-5.
template <class D> void expect_draws(const D& d, std::uint64_t seed) {
  Stream stream({.seed = seed});
  Sample sample(5000);
  for (double& y : sample) y = draw(d, stream);
  EXPECT_GT(kolmogorov_smirnov(sample, [&](double y) { return std::exp(log_cdf(d, y)); }), 1e-5);
}
TEST(DrawsOfTruncatedMixtures, AreDistributedSo) {
  const auto d = mixture(component(0.3, normal(-2, 0.5)), component(0.7, laplace(2, 1)));
  expect_draws(as_distribution(d), 1);
  expect_draws(truncated(d, -1, 2.5), 2);
  expect_draws(truncated(truncated(d, -1, no_bound), no_bound, 2.5), 3);
}

}  // namespace
}  // namespace lockstep
