// On the positive half line: chi-squared, chi, Maxwell, Wald; by log mean; first passage times. Log densities and
// derivatives against the oracle.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct ChiSquared : DistributionRow<"chi_squared", 1, [](const auto&... a) { return chi_squared(a...); }> {};
struct Chi : DistributionRow<"chi", 1, [](const auto&... a) { return chi(a...); }> {};
struct Maxwell : DistributionRow<"maxwell", 1, [](const auto&... a) { return maxwell(a...); }> {};
struct Wald : DistributionRow<"wald", 2, [](const auto&... a) { return wald(a...); }> {};
struct ShiftedWald : DistributionRow<"shifted_wald", 3, [](const auto&... a) { return wald(a...); }> {};
struct ExponentialLog : DistributionRow<"exponential_log", 1, [](const auto&... a) { return exponential_log(a...); }> {
};
struct GammaLog : DistributionRow<"gamma_log", 2, [](const auto&... a) { return gamma_log(a...); }> {};
struct Rice : DistributionRow<"rice", 2, [](const auto&... a) { return rice(a...); }> {};
struct PolyaGamma : DistributionRow<"polya_gamma", 2, [](const auto&... a) { return polya_gamma(a...); }> {};
struct Wiener : DistributionRow<"wiener", 4, [](const auto&... a) { return wiener(a...); }> {};
// clang-format on

using All = ::testing::Types<ChiSquared, Chi, Maxwell, Wald, ShiftedWald, ExponentialLog, GammaLog, Rice, PolyaGamma, Wiener>;
INSTANTIATE_TYPED_TEST_SUITE_P(Positive, DensityOfAParameter, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Positive, DensityOfData, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Positive, DensityInSinglePrecision, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<Wiener>({1., 0.3, 0.5, 2.}, {0.3, -0.3, 0., 0.1});
  expect_impossible<PolyaGamma>({1., 2.}, {-1e-300, -1., 0.});
  expect_impossible<Rice>({1., 2.}, {-1e-300, -1., 0.});
  expect_impossible<ChiSquared>({3.}, {-1e-300, -1., 0.});
  expect_impossible<Chi>({3.}, {-1e-300, -1., 0.});
  expect_impossible<Maxwell>({3.}, {-1e-300, -1., 0.});
  expect_impossible<Wald>({1., 2.}, {-1e-300, -1., 0.});
  expect_impossible<ShiftedWald>({1., 2., 3.}, {3., 2.999, -1.});
  expect_impossible<ExponentialLog>({0.3}, {-1e-300, -1.});
  expect_impossible<GammaLog>({0.5, 0.3}, {-1e-300, -1., 0.});
}

}  // namespace
}  // namespace lockstep
