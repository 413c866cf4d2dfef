// Counts: geometric, discrete uniform, discrete Weibull. Log densities and derivatives against the oracle.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct Geometric : DistributionRow<"geometric", 1, [](const auto&... a) { return geometric(a...); }> {};
struct GeometricLogit : DistributionRow<"geometric_logit", 1, [](const auto&... a) { return geometric_logit(a...); }> {};
struct DiscreteUniform : DistributionRow<"discrete_uniform", 2, [](const auto&... a) { return discrete_uniform(a...); }> {};
struct DiscreteWeibull : DistributionRow<"discrete_weibull", 2, [](const auto&... a) { return discrete_weibull(a...); }> {};
// clang-format on

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityOfAParameter);
using All = ::testing::Types<Geometric, GeometricLogit, DiscreteUniform, DiscreteWeibull>;
INSTANTIATE_TYPED_TEST_SUITE_P(Counts, DensityOfData, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Counts, DensityInSinglePrecision, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<Geometric>({0.3}, {0., -1., 1.5});
  expect_impossible<GeometricLogit>({0.3}, {0., -1., 1.5});
  expect_impossible<DiscreteUniform>({-3., 7.}, {-4., 8., 0.5});
  expect_impossible<DiscreteWeibull>({0.3, 1.2}, {-1., 0.5});
}

}  // namespace
}  // namespace lockstep
