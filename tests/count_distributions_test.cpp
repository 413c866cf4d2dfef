// Counts: geometric, discrete uniform, discrete Weibull. Log densities and derivatives against the oracle.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct Geometric : DistributionRow<"geometric", 1, [](const auto&... a) { return geometric(a...); }> {};
struct GeometricLogit : DistributionRow<"geometric_logit", 1, [](const auto&... a) { return geometric_logit(a...); }> {
};
struct DiscreteUniform
    : DistributionRow<"discrete_uniform", 2, [](const auto&... a) { return discrete_uniform(a...); }> {};
struct DiscreteWeibull
    : DistributionRow<"discrete_weibull", 2, [](const auto&... a) { return discrete_weibull(a...); }> {};
struct BetaBinomial : DistributionRow<"beta_binomial", 3, [](const auto&... a) { return beta_binomial(a...); }> {};
struct BetaNegativeBinomial
    : DistributionRow<"beta_negative_binomial", 3, [](const auto&... a) { return beta_negative_binomial(a...); }> {};
struct Hypergeometric : DistributionRow<"hypergeometric", 3, [](const auto&... a) { return hypergeometric(a...); }> {};
struct GeneralizedPoisson
    : DistributionRow<"generalized_poisson", 2, [](const auto&... a) { return generalized_poisson(a...); }> {};
struct Skellam : DistributionRow<"skellam", 2, [](const auto&... a) { return skellam(a...); }> {};
// clang-format on

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityOfAParameter);
using All = ::testing::Types<Geometric, GeometricLogit, DiscreteUniform, DiscreteWeibull, BetaBinomial,
                             BetaNegativeBinomial, Hypergeometric, GeneralizedPoisson, Skellam>;
INSTANTIATE_TYPED_TEST_SUITE_P(Counts, DensityOfData, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Counts, DensityInSinglePrecision, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<BetaBinomial>({1.5, 2., 10.}, {-1., 11., 0.5});
  expect_impossible<BetaNegativeBinomial>({1.5, 2., 10.}, {-1., 0.5});
  expect_impossible<Hypergeometric>({10., 8., 6.}, {3., 7., 4.5, -1., 11.});
  expect_impossible<GeneralizedPoisson>({1.5, 0.2}, {-1., 0.5});
  expect_impossible<GeneralizedPoisson>({1.5, -0.2}, {8., 100.});
  expect_impossible<Skellam>({1.5, 0.2}, {0.5, -3.25});
  expect_impossible<Geometric>({0.3}, {0., -1., 1.5});
  expect_impossible<GeometricLogit>({0.3}, {0., -1., 1.5});
  expect_impossible<DiscreteUniform>({-3., 7.}, {-4., 8., 0.5});
  expect_impossible<DiscreteWeibull>({0.3, 1.2}, {-1., 0.5});
}

}  // namespace
}  // namespace lockstep
