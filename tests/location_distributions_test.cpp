// On the real line: Laplace, logistic, Gumbel, Moyal and their relatives. Log densities and derivatives against the
// oracle.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct Laplace : DistributionRow<"laplace", 2, [](const auto&... a) { return laplace(a...); }> {};
struct AsymmetricLaplace
    : DistributionRow<"asymmetric_laplace", 3, [](const auto&... a) { return asymmetric_laplace(a...); }> {};
struct Logistic : DistributionRow<"logistic", 2, [](const auto&... a) { return logistic(a...); }> {};
struct LogLogistic : DistributionRow<"log_logistic", 2, [](const auto&... a) { return log_logistic(a...); }> {};
struct Gumbel : DistributionRow<"gumbel", 2, [](const auto&... a) { return gumbel(a...); }> {};
struct Moyal : DistributionRow<"moyal", 2, [](const auto&... a) { return moyal(a...); }> {};
struct SkewNormal : DistributionRow<"skew_normal", 3, [](const auto&... a) { return skew_normal(a...); }> {};
struct ExGaussian : DistributionRow<"ex_gaussian", 3, [](const auto&... a) { return ex_gaussian(a...); }> {};
struct SkewStudentT : DistributionRow<"skew_student_t", 4, [](const auto&... a) { return skew_student_t(a...); }> {};
struct VonMises : DistributionRow<"von_mises", 2, [](const auto&... a) { return von_mises(a...); }> {};
// clang-format on

using All = ::testing::Types<Laplace, AsymmetricLaplace, Logistic, LogLogistic, Gumbel, Moyal, SkewNormal, ExGaussian,
                             SkewStudentT, VonMises>;
INSTANTIATE_TYPED_TEST_SUITE_P(Location, DensityOfAParameter, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Location, DensityOfData, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Location, DensityInSinglePrecision, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<LogLogistic>({1.5, 2.}, {-1e-300, -1., 0.});
}

}  // namespace
}  // namespace lockstep
