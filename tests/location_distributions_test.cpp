// On the real line: Laplace, logistic, Gumbel, Moyal and their relatives. Log densities and derivatives against the oracle.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct Laplace : DistributionRow<"laplace", 2, [](const auto&... a) { return laplace(a...); }> {};
struct AsymmetricLaplace : DistributionRow<"asymmetric_laplace", 3, [](const auto&... a) { return asymmetric_laplace(a...); }> {};
struct Logistic : DistributionRow<"logistic", 2, [](const auto&... a) { return logistic(a...); }> {};
struct LogLogistic : DistributionRow<"log_logistic", 2, [](const auto&... a) { return log_logistic(a...); }> {};
struct Gumbel : DistributionRow<"gumbel", 2, [](const auto&... a) { return gumbel(a...); }> {};
struct Moyal : DistributionRow<"moyal", 2, [](const auto&... a) { return moyal(a...); }> {};
// clang-format on

using All = ::testing::Types<Laplace, AsymmetricLaplace, Logistic, LogLogistic, Gumbel, Moyal>;
INSTANTIATE_TYPED_TEST_SUITE_P(Location, DensityOfAParameter, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Location, DensityOfData, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Location, DensityInSinglePrecision, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<LogLogistic>({1.5, 2.}, {-1e-300, -1., 0.});
}

}  // namespace
}  // namespace lockstep
