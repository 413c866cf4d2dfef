// Extra zeros. Log densities and derivatives against the oracle.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct ZeroInflatedPoisson
    : DistributionRow<"zero_inflated_poisson", 2, [](const auto&... a) { return zero_inflated_poisson(a...); }> {};
struct ZeroInflatedBinomial
    : DistributionRow<"zero_inflated_binomial", 3, [](const auto&... a) { return zero_inflated_binomial(a...); }> {};
struct ZeroInflatedNegativeBinomial : DistributionRow<"zero_inflated_negative_binomial", 3, [](const auto&... a) {
  return zero_inflated_negative_binomial(a...);
}> {};
struct HurdlePoisson : DistributionRow<"hurdle_poisson", 2, [](const auto&... a) { return hurdle_poisson(a...); }> {};
struct HurdleNegativeBinomial
    : DistributionRow<"hurdle_negative_binomial", 3, [](const auto&... a) { return hurdle_negative_binomial(a...); }> {
};
struct HurdleGamma : DistributionRow<"hurdle_gamma", 3, [](const auto&... a) { return hurdle_gamma(a...); }> {};
struct HurdleLogNormal
    : DistributionRow<"hurdle_lognormal", 3, [](const auto&... a) { return hurdle_lognormal(a...); }> {};
// clang-format on

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityOfAParameter);
using All = ::testing::Types<ZeroInflatedPoisson, ZeroInflatedBinomial, ZeroInflatedNegativeBinomial, HurdlePoisson,
                             HurdleNegativeBinomial, HurdleGamma, HurdleLogNormal>;
INSTANTIATE_TYPED_TEST_SUITE_P(ZeroInflated, DensityOfData, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(ZeroInflated, DensityInSinglePrecision, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<ZeroInflatedPoisson>({0.3, 2.}, {-1., 0.5, 1e8 + 0.5});
  expect_impossible<ZeroInflatedBinomial>({0.3, 20., 0.4}, {-1., 0.5, 21.});
  expect_impossible<ZeroInflatedNegativeBinomial>({0.3, 2., 3.}, {-1., 0.5, 1e8 + 0.5});
  expect_impossible<HurdlePoisson>({0.3, 2.}, {-1., 0.5, 1e8 + 0.5});
  expect_impossible<HurdleNegativeBinomial>({0.3, 2., 3.}, {-1., 0.5, 1e8 + 0.5});
  expect_impossible<HurdleGamma>({0.3, 2., 3.}, {-1., -1e-300});
  expect_impossible<HurdleLogNormal>({0.3, 2., 3.}, {-1., -1e-300});
}

}  // namespace
}  // namespace lockstep
