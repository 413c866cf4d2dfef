// Half-normal, Cauchy, exponential, beta, Poisson and others against the oracle.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct HalfNormal : DistributionRow<"half_normal", 1, [](const auto&... a) { return half_normal(a...); }> {};
struct Cauchy : DistributionRow<"cauchy", 2, [](const auto&... a) { return cauchy(a...); }> {};
struct HalfCauchy : DistributionRow<"half_cauchy", 1, [](const auto&... a) { return half_cauchy(a...); }> {};
struct HalfStudentT : DistributionRow<"half_student_t", 2, [](const auto&... a) { return half_student_t(a...); }> {};
struct Exponential : DistributionRow<"exponential", 1, [](const auto&... a) { return exponential(a...); }> {};
struct InverseGamma : DistributionRow<"inverse_gamma", 2, [](const auto&... a) { return inverse_gamma(a...); }> {};
struct Beta : DistributionRow<"beta", 2, [](const auto&... a) { return beta(a...); }> {};
struct LogNormal : DistributionRow<"lognormal", 2, [](const auto&... a) { return lognormal(a...); }> {};
struct BernoulliLogit : DistributionRow<"bernoulli_logit", 1, [](const auto&... a) { return bernoulli_logit(a...); }> {
};
struct Poisson : DistributionRow<"poisson", 1, [](const auto&... a) { return poisson(a...); }> {};
struct PoissonLog : DistributionRow<"poisson_log", 1, [](const auto&... a) { return poisson_log(a...); }> {};
struct BinomialLogit : DistributionRow<"binomial_logit", 2, [](const auto&... a) { return binomial_logit(a...); }> {};
struct NegativeBinomialLog : DistributionRow<"negative_binomial_log", 2,
    [](const auto&... a) { return negative_binomial_log(a...); }> {};
// clang-format on

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityInSinglePrecision);
using All = ::testing::Types<HalfNormal, Cauchy, HalfCauchy, HalfStudentT, Exponential, InverseGamma, Beta, LogNormal,
                             BernoulliLogit, Poisson, PoissonLog, BinomialLogit, NegativeBinomialLog>;
using Continuous =
    ::testing::Types<HalfNormal, Cauchy, HalfCauchy, HalfStudentT, Exponential, InverseGamma, Beta, LogNormal>;
INSTANTIATE_TYPED_TEST_SUITE_P(Basic, DensityOfAParameter, Continuous, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Basic, DensityOfData, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<HalfNormal>({2.}, {-1e-300, -1., -1e300});
  expect_impossible<HalfCauchy>({2.}, {-1e-300, -1., -1e300});
  expect_impossible<Exponential>({2.}, {-1e-300, -1.});
  expect_impossible<LogNormal>({0.5, 2.}, {-1e-300, -1., 0.});
  expect_impossible<Beta>({0.5, 2.}, {-1., -1e-300, 0., 1., 1 + 1e-15, 3.});
  expect_impossible<BernoulliLogit>({0.3}, {2., -1., 0.5});
  expect_impossible<HalfStudentT>({3., 2.}, {-1e-300, -1.});
  expect_impossible<InverseGamma>({3., 2.}, {-1e-300, -1., 0.});
  expect_impossible<BinomialLogit>({30., 0.3}, {-1., 31., 1.5, 1e8});
  expect_impossible<NegativeBinomialLog>({3., 2.}, {-1., 1.5, -0.5, 1e8 + 0.5});
  expect_impossible<Poisson>({3.}, {-1., 1.5, -0.5, 1e8 + 0.5});
  expect_impossible<PoissonLog>({3.}, {-1., 1.5, -0.5, 1e8 + 0.5});
}

}  // namespace
}  // namespace lockstep
