// On an interval. Log densities and derivatives against the oracle.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct Kumaraswamy : DistributionRow<"kumaraswamy", 2, [](const auto&... a) { return kumaraswamy(a...); }> {};
struct LogitNormal : DistributionRow<"logit_normal", 2, [](const auto&... a) { return logit_normal(a...); }> {};
struct BetaProportion : DistributionRow<"beta_proportion", 2, [](const auto&... a) { return beta_proportion(a...); }> {};
struct ZeroOneInflatedBeta : DistributionRow<"zero_one_inflated_beta", 4, [](const auto&... a) { return zero_one_inflated_beta(a...); }> {};
struct Triangular : DistributionRow<"triangular", 3, [](const auto&... a) { return triangular(a...); }> {};
struct TruncatedNormal : DistributionRow<"truncated_normal", 4, [](const auto&... a) { return truncated_normal(a...); }> {};
struct NormalAbove : DistributionRow<"truncated_normal_above", 3, [](const auto&... a) { return truncated_normal_above(a...); }> {};
struct NormalBelow : DistributionRow<"truncated_normal_below", 3, [](const auto&... a) { return truncated_normal_below(a...); }> {};
// clang-format on

using All = ::testing::Types<Kumaraswamy, LogitNormal, BetaProportion, ZeroOneInflatedBeta, Triangular, TruncatedNormal, NormalAbove, NormalBelow>;
using Continuous = ::testing::Types<Kumaraswamy, LogitNormal, BetaProportion, Triangular, TruncatedNormal, NormalAbove, NormalBelow>;
INSTANTIATE_TYPED_TEST_SUITE_P(UnitInterval, DensityOfAParameter, Continuous, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(UnitInterval, DensityOfData, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(UnitInterval, DensityInSinglePrecision, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<TruncatedNormal>({0., 1., -1., 2.}, {-1.0001, 2.0001, 1e6});
  expect_impossible<NormalAbove>({0., 1., -1.}, {-1.0001, -1e6});
  expect_impossible<NormalBelow>({0., 1., -1.}, {-0.9999, 1e6});
  expect_impossible<Kumaraswamy>({1.5, 2.}, {-1., 0., 1., 1.5});
  expect_impossible<LogitNormal>({0.5, 2.}, {-1., 0., 1., 1.5});
  expect_impossible<BetaProportion>({0.5, 2.}, {-1., 0., 1., 1.5});
  expect_impossible<ZeroOneInflatedBeta>({0.5, 0.3, 2., 3.}, {-1., -1e-300, 1.0001});
  expect_impossible<Triangular>({-1., 2., 0.5}, {-1., -1.0001, 2., 2.0001, 1e300});
}

}  // namespace
}  // namespace lockstep
