// CDFs that are integrals or sums of masses, against 50-digit values; draws of truncated forms.
#include <gtest/gtest.h>

#include "tests/cdf_rows.hpp"
#include "tests/goodness_of_fit.hpp"

namespace lockstep {
namespace {

// clang-format off
LOCKSTEP_CDF_ROWS(SkewNormal, skew_normal, 3)
LOCKSTEP_CDF_ROWS(Rice, rice, 2)
LOCKSTEP_CDF_ROWS(VonMises, von_mises, 2)
LOCKSTEP_CDF_ROWS(Skellam, skellam, 2)
LOCKSTEP_CDF_ROWS(BetaBinomial, beta_binomial, 3)
LOCKSTEP_CDF_ROWS(Hypergeometric, hypergeometric, 3)
LOCKSTEP_CDF_ROWS(BetaNegativeBinomial, beta_negative_binomial, 3)
LOCKSTEP_CDF_ROWS(GeneralizedPoisson, generalized_poisson, 2)
// clang-format on

using Continuous = ::testing::Types<SkewNormalCdf, SkewNormalCcdf, RiceCdf, RiceCcdf, VonMisesCdf, VonMisesCcdf>;
INSTANTIATE_TYPED_TEST_SUITE_P(IntegratedCdf, DensityOfAParameter, Continuous, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(IntegratedCdf, DensityInSinglePrecision, Continuous, RowNames);
using Counts = ::testing::Types<SkellamCdf, SkellamCcdf, BetaBinomialCdf, BetaBinomialCcdf, HypergeometricCdf, HypergeometricCcdf,
                                BetaNegativeBinomialCdf, BetaNegativeBinomialCcdf, GeneralizedPoissonCdf, GeneralizedPoissonCcdf>;
INSTANTIATE_TYPED_TEST_SUITE_P(SummedCdf, DensityOfData, Counts, RowNames);

template <class D> void expect_quantiles_and_ends(const char* name, const D& d, double lower, double upper) {
  expect_quantiles(name, d, lower, upper);
  for (const double end : {lower, upper}) {
    EXPECT_EQ(log_cdf(d, end), end == lower ? -infinity : 0) << name;
    EXPECT_EQ(log_ccdf(d, end), end == lower ? 0 : -infinity) << name;
  }
}
TEST(IntegratedCdfs, HaveQuantilesAndEnds) {
  expect_quantiles_and_ends("skew_normal", skew_normal(0.3, 2, -1.5), -infinity, infinity);
  expect_quantiles_and_ends("rice", rice(2, 0.7), 0, infinity);
  for (const double mean : {0.3, -3.1}) expect_quantiles_and_ends("von_mises", von_mises(mean, 2), -VonMisesKernel::pi, VonMisesKernel::pi);
}
TEST(SummedCdfs, AreSumsOfMasses) {
  expect_tails_of_counts("beta_binomial", beta_binomial(2, 3, 20), 0, 20, 20);
  expect_tails_of_counts("beta_binomial", beta_binomial(0.3, 0.2, 300), 0, 300, 300);
  expect_tails_of_counts("hypergeometric", hypergeometric(30, 20, 14), 4, 14, 14);
  expect_tails_of_counts("beta_negative_binomial", beta_negative_binomial(3, 30, 4), 0, 3000);
  expect_tails_of_counts("generalized_poisson", generalized_poisson(2.5, 0.3), 0, 600);
  expect_tails_of_counts("skellam", truncated(skellam(30, 2), 0, no_bound), 0, 300);
  for (int y = -20; y <= 20; ++y) {
    double below = 0;
    for (int k = -60; k <= y; ++k) below += std::exp(log_density(skellam(3, 2), k));
    EXPECT_NEAR(std::exp(log_cdf(skellam(3, 2), y + 0.5)), below, 1e-13);
  }
}
// A tail like a power of y, far beyond all masses that could be summed one by one: p(k) is k^-(alpha + 1) times
// Gamma(alpha + beta) Gamma(alpha + r)/(Gamma(alpha) Gamma(beta) Gamma(r)), but for parts in y.
TEST(SummedCdfs, HaveHeavyTails) {
  const double r = 3, alpha = 0.5, beta = 2;
  const double log_constant = std::lgamma(alpha + beta) + std::lgamma(alpha + r) - std::lgamma(alpha) - std::lgamma(beta) - std::lgamma(r);
  for (const double y : {1e8, 1e12, 1e15})
    EXPECT_NEAR(log_ccdf(beta_negative_binomial(r, alpha, beta), y), log_constant - std::log(alpha) - alpha * std::log(y), 20 / y + 1e-12);
}

// Kolmogorov-Smirnov, or chi-square, at 1e-5 for each of the 6: a false alarm of 6e-5.
template <class D> Sample draws_of(const D& d, std::uint64_t seed) {
  Stream stream({.seed = seed});
  Sample sample(5000);
  for (double& y : sample) y = draw(d, stream);
  return sample;
}
template <class D> void expect_draws(const D& d, std::uint64_t seed) {
  EXPECT_GT(kolmogorov_smirnov(draws_of(d, seed), [&](double y) { return std::exp(log_cdf(d, y)); }), 1e-5);
}
template <class D> void expect_counts(const D& d, double lowest, std::uint64_t seed) {
  EXPECT_GT(chi_square(draws_of(d, seed), [&](double y) { return std::exp(log_density(d, y)); }, lowest), 1e-5);
}
TEST(DrawsOfTruncatedForms, AreDistributedSo) {
  expect_draws(truncated(skew_normal(0, 1, 3), -0.5, 1), 1);
  expect_draws(truncated(rice(2, 1), 3, no_bound), 2);
  expect_draws(truncated(von_mises(3, 1), -1, 2.5), 3);
  expect_counts(truncated(skellam(3, 2), -2, no_bound), -2, 4);
  expect_counts(truncated(beta_binomial(2, 3, 20), 3, 15), 3, 5);
  expect_counts(truncated(generalized_poisson(2, 0.4), 1, no_bound), 1, 6);
}

}  // namespace
}  // namespace lockstep
