// Extreme values and Pareto tails. Log densities and derivatives against the oracle.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct Weibull : DistributionRow<"weibull", 2, [](const auto&... a) { return weibull(a...); }> {};
struct Frechet : DistributionRow<"frechet", 2, [](const auto&... a) { return frechet(a...); }> {};
struct Rayleigh : DistributionRow<"rayleigh", 1, [](const auto&... a) { return rayleigh(a...); }> {};
struct GenExtreme : DistributionRow<"gen_extreme", 3, [](const auto&... a) { return gen_extreme(a...); }> {};
struct GenPareto : DistributionRow<"gen_pareto", 3, [](const auto&... a) { return gen_pareto(a...); }> {};
struct Pareto : DistributionRow<"pareto", 2, [](const auto&... a) { return pareto(a...); }> {};
struct Pareto2 : DistributionRow<"pareto_2", 3, [](const auto&... a) { return pareto_2(a...); }> {};
// clang-format on

using All = ::testing::Types<Weibull, Frechet, Rayleigh, GenExtreme, GenPareto, Pareto, Pareto2>;
INSTANTIATE_TYPED_TEST_SUITE_P(ExtremeValue, DensityOfAParameter, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(ExtremeValue, DensityOfData, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(ExtremeValue, DensityInSinglePrecision, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<Weibull>({1.5, 2.}, {-1e-300, -1., 0.});
  expect_impossible<Frechet>({1.5, 2.}, {-1e-300, -1., 0.});
  expect_impossible<Rayleigh>({1.5}, {-1e-300, -1., 0.});
  expect_impossible<GenExtreme>({0., 1., 0.5}, {-2.0001, -1e6});
  expect_impossible<GenExtreme>({0., 1., -0.5}, {2.0001, 1e6});
  expect_impossible<GenPareto>({1., 1., 0.5}, {0.999, -1e6});
  expect_impossible<GenPareto>({0., 1., -0.5}, {-1e-300, 2.0001, 1e6});
  expect_impossible<Pareto>({1.5, 2.}, {1.9999, 0., -1.});
  expect_impossible<Pareto2>({1., 1., 0.5}, {0.999, -1e6});
}

}  // namespace
}  // namespace lockstep
