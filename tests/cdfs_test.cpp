// CDFs of distributions, against 50-digit values; and distributions outside of a model.
#include <gtest/gtest.h>

#include "tests/cdf_rows.hpp"

namespace lockstep {
namespace {

// clang-format off
LOCKSTEP_CDF_ROWS(Normal, normal, 2)
LOCKSTEP_CDF_ROWS(HalfNormal, half_normal, 1)
LOCKSTEP_CDF_ROWS(LogNormal, lognormal, 2)
LOCKSTEP_CDF_ROWS(Cauchy, cauchy, 2)
LOCKSTEP_CDF_ROWS(HalfCauchy, half_cauchy, 1)
LOCKSTEP_CDF_ROWS(Exponential, exponential, 1)
LOCKSTEP_CDF_ROWS(Laplace, laplace, 2)
LOCKSTEP_CDF_ROWS(Logistic, logistic, 2)
LOCKSTEP_CDF_ROWS(LogLogistic, log_logistic, 2)
LOCKSTEP_CDF_ROWS(Gumbel, gumbel, 2)
LOCKSTEP_CDF_ROWS(Weibull, weibull, 2)
LOCKSTEP_CDF_ROWS(Frechet, frechet, 2)
LOCKSTEP_CDF_ROWS(Rayleigh, rayleigh, 1)
LOCKSTEP_CDF_ROWS(Uniform, uniform, 2)
LOCKSTEP_CDF_ROWS(Pareto, pareto, 2)
LOCKSTEP_CDF_ROWS(Pareto2, pareto_2, 3)
LOCKSTEP_CDF_ROWS(Kumaraswamy, kumaraswamy, 2)
LOCKSTEP_CDF_ROWS(LogitNormal, logit_normal, 2)
LOCKSTEP_CDF_ROWS(Poisson, poisson, 1)
LOCKSTEP_CDF_ROWS(PoissonLog, poisson_log, 1)
LOCKSTEP_CDF_ROWS(Geometric, geometric, 1)
LOCKSTEP_CDF_ROWS(GeometricLogit, geometric_logit, 1)
LOCKSTEP_CDF_ROWS(Binomial, binomial, 2)
LOCKSTEP_CDF_ROWS(BinomialLogit, binomial_logit, 2)
LOCKSTEP_CDF_ROWS(NegativeBinomial, negative_binomial, 2)
LOCKSTEP_CDF_ROWS(NegativeBinomialLog, negative_binomial_log, 2)
LOCKSTEP_CDF_ROWS(ExponentialLog, exponential_log, 1)
LOCKSTEP_CDF_ROWS(Gamma, gamma, 2)
LOCKSTEP_CDF_ROWS(GammaLog, gamma_log, 2)
LOCKSTEP_CDF_ROWS(InverseGamma, inverse_gamma, 2)
LOCKSTEP_CDF_ROWS(ChiSquared, chi_squared, 1)
LOCKSTEP_CDF_ROWS(Chi, chi, 1)
LOCKSTEP_CDF_ROWS(Maxwell, maxwell, 1)
LOCKSTEP_CDF_ROWS(Beta, beta, 2)
LOCKSTEP_CDF_ROWS(BetaProportion, beta_proportion, 2)
LOCKSTEP_CDF_ROWS(StudentT, student_t, 3)
LOCKSTEP_CDF_ROWS(HalfStudentT, half_student_t, 2)
LOCKSTEP_CDF_ROWS(Triangular, triangular, 3)
LOCKSTEP_CDF_ROWS(AsymmetricLaplace, asymmetric_laplace, 3)
LOCKSTEP_CDF_ROWS(Moyal, moyal, 2)
LOCKSTEP_CDF_ROWS(Wald, wald, 2)
LOCKSTEP_CDF_ROWS(ExGaussian, ex_gaussian, 3)
LOCKSTEP_CDF_ROWS(GenExtreme, gen_extreme, 3)
LOCKSTEP_CDF_ROWS(GenPareto, gen_pareto, 3)
LOCKSTEP_CDF_ROWS(TruncatedNormal, truncated_normal, 4)
LOCKSTEP_CDF_ROWS(TruncatedNormalAbove, truncated_normal_above, 3)
LOCKSTEP_CDF_ROWS(TruncatedNormalBelow, truncated_normal_below, 3)
LOCKSTEP_CDF_ROWS(DiscreteUniform, discrete_uniform, 2)
LOCKSTEP_CDF_ROWS(DiscreteWeibull, discrete_weibull, 2)
struct ShiftedWaldCdf : DistributionRow<"shifted_wald_log_cdf", 3,
    [](const auto&... a) { return cdf_as_density<false>(wald(a...)); }> {};
struct ShiftedWaldCcdf : DistributionRow<"shifted_wald_log_ccdf", 3,
    [](const auto&... a) { return cdf_as_density<true>(wald(a...)); }> {};
// clang-format on

using Counts = ::testing::Types<PoissonCdf, PoissonCcdf, PoissonLogCdf, PoissonLogCcdf, GeometricCdf, GeometricCcdf,
                                GeometricLogitCdf, GeometricLogitCcdf, BinomialCdf, BinomialCcdf, BinomialLogitCdf,
                                BinomialLogitCcdf, NegativeBinomialCdf, NegativeBinomialCcdf, NegativeBinomialLogCdf,
                                NegativeBinomialLogCcdf, DiscreteUniformCdf, DiscreteUniformCcdf, DiscreteWeibullCdf,
                                DiscreteWeibullCcdf>;
INSTANTIATE_TYPED_TEST_SUITE_P(CountCdf, DensityOfData, Counts, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(CountCdf, DensityInSinglePrecision, Counts, RowNames);
using All = ::testing::Types<
    NormalCdf, NormalCcdf, HalfNormalCdf, HalfNormalCcdf, LogNormalCdf, LogNormalCcdf, CauchyCdf, CauchyCcdf,
    HalfCauchyCdf, HalfCauchyCcdf, ExponentialCdf, ExponentialCcdf, LaplaceCdf, LaplaceCcdf, LogisticCdf, LogisticCcdf,
    LogLogisticCdf, LogLogisticCcdf, GumbelCdf, GumbelCcdf, WeibullCdf, WeibullCcdf, FrechetCdf, FrechetCcdf,
    RayleighCdf, RayleighCcdf, UniformCdf, UniformCcdf, ParetoCdf, ParetoCcdf, Pareto2Cdf, Pareto2Ccdf, KumaraswamyCdf,
    KumaraswamyCcdf, LogitNormalCdf, LogitNormalCcdf, ExponentialLogCdf, ExponentialLogCcdf, GammaCdf, GammaCcdf, GammaLogCdf,
    GammaLogCcdf, InverseGammaCdf, InverseGammaCcdf, ChiSquaredCdf, ChiSquaredCcdf, ChiCdf, ChiCcdf, MaxwellCdf, MaxwellCcdf,
    BetaCdf, BetaCcdf, BetaProportionCdf, BetaProportionCcdf, StudentTCdf, StudentTCcdf, HalfStudentTCdf, HalfStudentTCcdf>;
using Elementary = ::testing::Types<
    TriangularCdf, TriangularCcdf, AsymmetricLaplaceCdf, AsymmetricLaplaceCcdf, MoyalCdf, MoyalCcdf, WaldCdf, WaldCcdf,
    ShiftedWaldCdf, ShiftedWaldCcdf, ExGaussianCdf, ExGaussianCcdf, GenExtremeCdf, GenExtremeCcdf, GenParetoCdf, GenParetoCcdf,
    TruncatedNormalCdf, TruncatedNormalCcdf, TruncatedNormalAboveCdf, TruncatedNormalAboveCcdf, TruncatedNormalBelowCdf,
    TruncatedNormalBelowCcdf>;
INSTANTIATE_TYPED_TEST_SUITE_P(Cdf, DensityOfAParameter, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Cdf, DensityInSinglePrecision, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(ElementaryCdf, DensityOfAParameter, Elementary, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(ElementaryCdf, DensityInSinglePrecision, Elementary, RowNames);

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// f(name, distribution, lower end of its support, upper end)
template <class F> void for_each_distribution(const F& f) {
  f("normal", normal(0.3, 2), -infinity, infinity);
  f("half_normal", half_normal(2), 0., infinity);
  f("lognormal", lognormal(0.3, 2), 0., infinity);
  f("cauchy", cauchy(0.3, 2), -infinity, infinity);
  f("half_cauchy", half_cauchy(2), 0., infinity);
  f("exponential", exponential(0.5), 0., infinity);
  f("laplace", laplace(0.3, 2), -infinity, infinity);
  f("logistic", logistic(0.3, 2), -infinity, infinity);
  f("log_logistic", log_logistic(2, 3), 0., infinity);
  f("gumbel", gumbel(0.3, 2), -infinity, infinity);
  f("weibull", weibull(2, 3), 0., infinity);
  f("frechet", frechet(2, 3), 0., infinity);
  f("rayleigh", rayleigh(3), 0., infinity);
  f("uniform", uniform(-1, 2), -1., 2.);
  f("pareto", pareto(2, 3), 3., infinity);
  f("pareto_2", pareto_2(-1, 2, 3), -1., infinity);
  f("kumaraswamy", kumaraswamy(0.5, 3), 0., 1.);
  f("logit_normal", logit_normal(0.3, 2), 0., 1.);
  f("exponential_log", exponential_log(0.3), 0., infinity);
  f("gamma", gamma(2, 3), 0., infinity);
  f("gamma_log", gamma_log(7, 3), 0., infinity);
  f("inverse_gamma", inverse_gamma(2, 3), 0., infinity);
  f("chi_squared", chi_squared(1.5), 0., infinity);
  f("chi", chi(5), 0., infinity);
  f("maxwell", maxwell(3), 0., infinity);
  f("beta", beta(0.5, 3), 0., 1.);
  f("beta_proportion", beta_proportion(0.3, 40), 0., 1.);
  f("student_t", student_t(3, 0.3, 2), -infinity, infinity);
  f("student_t", student_t(40, 0.3, 2), -infinity, infinity);
  f("half_student_t", half_student_t(3, 2), 0., infinity);
  f("triangular", triangular(-1, 2, 0.5), -1., 2.);
  f("asymmetric_laplace", asymmetric_laplace(0.4, 0.3, 2), -infinity, infinity);
  f("moyal", moyal(0.3, 2), -infinity, infinity);
  f("wald", wald(2, 3), 0., infinity);
  f("wald", wald(2, 3, -1), -1., infinity);
  f("ex_gaussian", ex_gaussian(0.3, 2, 3), -infinity, infinity);
  f("gen_extreme", gen_extreme(0.3, 2, 0.4), 0.3 - 2 / 0.4, infinity);
  f("gen_extreme", gen_extreme(0.3, 2, -0.4), -infinity, 0.3 + 2 / 0.4);
  f("gen_pareto", gen_pareto(0.3, 2, 0.4), 0.3, infinity);
  f("gen_pareto", gen_pareto(0.3, 2, -0.4), 0.3, 0.3 + 2 / 0.4);
  f("truncated_normal", truncated_normal(0.3, 2, -1, 2), -1., 2.);
  f("truncated_normal_above", truncated_normal_above(0.3, 2, -1), -1., infinity);
  f("truncated_normal_below", truncated_normal_below(0.3, 2, 4), -infinity, 4.);
}

TEST(CdfAtTheEndsOfTheSupport, IsNoneBelowAndAllAbove) {
  for_each_distribution([](const char*, const auto& d, double lower, double upper) {
    EXPECT_EQ(log_cdf(d, lower), -infinity);
    EXPECT_EQ(log_ccdf(d, lower), 0.);
    EXPECT_EQ(log_cdf(d, upper), 0.);
    EXPECT_EQ(log_ccdf(d, upper), -infinity);
    if (std::isinf(lower)) return;
    EXPECT_EQ(log_cdf(d, lower - 1), -infinity);
    EXPECT_EQ(log_ccdf(d, lower - 1), 0.);
  });
}
TEST(ADistributionOutsideOfAModel, HasTheTailsThatItsQuantilesHave) {
  for_each_distribution([](const char* name, const auto& d, double lower, double upper) {
    expect_quantiles(name, d, lower, upper);
    for (const double p : {-0.1, 1.5, not_a_number}) EXPECT_TRUE(std::isnan(quantile(d, p))) << p;
  });
}
TEST(CountsOutsideOfAModel, HaveTheirSumsAsTails) {
  expect_tails_of_counts("poisson", poisson(0.3), 0, 300);
  expect_tails_of_counts("poisson", poisson(17.5), 0, 300);
  expect_tails_of_counts("poisson_log", poisson_log(2.5), 0, 300);
  expect_tails_of_counts("geometric", geometric(0.3), 1, 300);
  expect_tails_of_counts("geometric_logit", geometric_logit(-0.5), 1, 300);
  expect_tails_of_counts("binomial", binomial(31, 0.4), 0, 300, 31);
  expect_tails_of_counts("binomial_logit", binomial_logit(7, 2.5), 0, 300, 7);
  expect_tails_of_counts("negative_binomial", negative_binomial(4, 0.6), 0, 900);
  expect_tails_of_counts("negative_binomial_log", negative_binomial_log(2.5, 30), 0, 300);
  expect_tails_of_counts("discrete_uniform", discrete_uniform(-3, 17), -3, 17, 17);
  expect_tails_of_counts("discrete_weibull", discrete_weibull(0.8, 0.7), 0, 2000);
}
// Half of the probability, and a part of the one at the mean (DLMF 8.11.12 for the Poisson, symmetry for the binomial).
TEST(CountsOutsideOfAModel, HaveTailsHoweverLargeTheyAre) {
  for (const double mean : {1e9, 1e12}) {
    EXPECT_NEAR(std::exp(log_cdf(poisson(mean), mean)), 0.5 + 2 / (3 * std::sqrt(2 * M_PI * mean)), 1 / mean);
    EXPECT_NEAR(std::exp(log_ccdf(poisson(mean), mean)), 0.5 - 2 / (3 * std::sqrt(2 * M_PI * mean)), 1 / mean);
    EXPECT_NEAR(std::exp(log_cdf(binomial(2 * mean, 0.5), mean)), 0.5 + 0.5 / std::sqrt(M_PI * mean), 1 / mean);
  }
  EXPECT_NEAR(log_cdf(poisson(1e12), 2e12), 0, 1e-300);
}
TEST(ADistributionOutsideOfAModel, HasKnownValues) {
  EXPECT_NEAR(log_density(normal(0, 1), 0.3), -0.045 - 0.91893853320467274, 1e-15);
  EXPECT_NEAR(quantile(normal(1, 2), 0.975), 1 + 2 * 1.959963984540054, 1e-14);
  EXPECT_NEAR(quantile(exponential(2), 1 - 1e-12), -std::log(1e-12) / 2, 1e-4);
  EXPECT_EQ(log_density(exponential(2), -1), -infinity);
  EXPECT_NEAR(log_density(mixture(component(0.5, normal(0, 1)), component(0.5, normal(0, 1))), 0.),
              -0.91893853320467274, 1e-15);
  Stream one({.seed = 3}), same({.seed = 3});
  EXPECT_EQ(draw(gamma(2, 3), one), same.gamma(2) / 3);
}

}  // namespace
}  // namespace lockstep
