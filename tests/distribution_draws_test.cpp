// Draws of every univariate distribution against its density, which is compared with the oracle elsewhere:
// Kolmogorov-Smirnov with the density integrated between the draws, chi-square for counts and for values with a
// probability of their own.
//
// All comparisons together raise a false alarm with probability 1e-3 (Bonferroni), at fixed seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "lockstep/generate.hpp"
#include "tests/goodness_of_fit.hpp"
#include "tests/largest_errors.hpp"

namespace lockstep {
namespace {

constexpr double family_level = 1e-3;
constexpr int sample_size = 20000;

// What constants are evaluated in.
struct Numbers {
  using value_type = double;
};
template <class D> double density(const D& d, double y) {
  Prepared<Numbers, D> prepared(Numbers{}, d);
  return std::exp(double(prepared.at(Numbers{}, d, DataValue<double>{y}).log_density));
}
template <class D> Sample draws(const D& d) {
  Stream random({.seed = 20251011, .purpose = Purpose::prior_draw});
  Sample sample;
  for (int i = 0; i < sample_size; ++i) sample.push_back(draw_from(Numbers{}, random, d));
  return sample;
}

// Cutpoints of three categories.
struct Cuts {
  Constant operator[](Index k) const { return Constant(k.position == 0 ? -0.5 : 1.); }
  Dim dim() const { return {0, 0, 2}; }
};

// Below the lowest draw is half a draw's share; between neighbours three points of Gauss and Legendre. The density's
// whole mass is not assumed to be 1, so that a wrong constant shows too. `mass`: of what the sample is from.
template <class D> double continuous(const D& d, Sample sample, double mass = 1) {
  std::sort(sample.begin(), sample.end());
  std::vector<double> cdf = {0.5 / double(sample.size())};
  for (std::size_t i = 1; i < sample.size(); ++i) {
    const double half = 0.5 * (sample[i] - sample[i - 1]), middle = sample[i - 1] + half, off = half * std::sqrt(0.6);
    const double sum = 5 * density(d, middle - off) + 8 * density(d, middle) + 5 * density(d, middle + off);
    cdf.push_back(cdf.back() + half * sum / 9 / mass);
  }
  return kolmogorov_smirnov(sample, [&](double x) {
    return cdf[std::size_t(std::lower_bound(sample.begin(), sample.end(), x) - sample.begin())];
  });
}
template <class D> double continuous(const D& d) { return continuous(d, draws(d)); }
template <class D> double counts(const D& d, double lowest = 0) {
  return chi_square(draws(d), [&](double y) { return density(d, y); }, lowest);
}
// Some values have a probability of their own: how often each is drawn, and the distribution of the others.
template <class D> std::vector<double> mixed(const D& d, const std::vector<double>& atoms) {
  Sample rest, which;
  std::vector<double> probability;
  double left = 1;
  for (double atom : atoms) probability.push_back(density(d, atom)), left -= probability.back();
  probability.push_back(left);
  for (double y : draws(d)) {
    const auto at = std::find(atoms.begin(), atoms.end(), y);
    which.push_back(double(at - atoms.begin()));
    if (at == atoms.end()) rest.push_back(y);
  }
  return {
      chi_square(which, [&](double k) { return k < double(probability.size()) ? probability[std::size_t(k)] : 0.; }),
      continuous(d, rest, left)};
}

TEST(DrawsOfDistributions, AllHaveTheirDensitiesTogetherAtOneInAThousand) {
  struct Comparison {
    std::string name;
    double p_value;
  };
  const Dim three{0, 0, 3};
  const double shares[] = {0.2, 0.7, 0.1}, logits[] = {0.4, -1, 2};
  std::vector<Comparison> all = {
      {"normal", continuous(normal(1.5, 3))},
      {"half_normal", continuous(half_normal(3))},
      {"lognormal", continuous(lognormal(0.4, 1.2))},
      {"student_t", continuous(student_t(4.5, 1, 2))},
      {"half_student_t", continuous(half_student_t(7, 2))},
      {"cauchy", continuous(cauchy(1, 2))},
      {"half_cauchy", continuous(half_cauchy(2))},
      {"uniform", continuous(uniform(-1, 3))},
      {"exponential", continuous(exponential(0.4))},
      {"gamma", continuous(gamma(2.5, 3))},
      {"gamma of a small shape", continuous(gamma(1.2, 0.3))},
      {"inverse_gamma", continuous(inverse_gamma(4, 3))},
      {"beta", continuous(beta(2.5, 1.7))},
      {"normal_mixture2", continuous(mixture(component(0.3, normal(-2, 1)), component(0.7, normal(1, 0.5))))},
      {"laplace", continuous(laplace(1.5, 3))},
      {"asymmetric_laplace right", continuous(asymmetric_laplace(0.4, 1.5, 3))},
      {"asymmetric_laplace left", continuous(asymmetric_laplace(2.5, 1.5, 0.1))},
      {"logistic", continuous(logistic(-1, 0.4))},
      {"log_logistic", continuous(log_logistic(2, 2.5))},
      {"gumbel", continuous(gumbel(-1, 0.4))},
      {"weibull", continuous(weibull(1.7, 0.4))},
      {"weibull 0.6", continuous(weibull(0.6, 3))},
      {"frechet", continuous(frechet(2.2, 0.4))},
      {"rayleigh", continuous(rayleigh(3))},
      {"gen_extreme 0.2", continuous(gen_extreme(1, 2, 0.2))},
      {"gen_extreme 0", continuous(gen_extreme(1, 2, 0))},
      {"gen_extreme -0.4", continuous(gen_extreme(1, 2, -0.4))},
      {"gen_pareto 0.2", continuous(gen_pareto(1, 2, 0.2))},
      {"gen_pareto -0.4", continuous(gen_pareto(1, 2, -0.4))},
      {"pareto", continuous(pareto(2.5, 3))},
      {"pareto_2", continuous(pareto_2(-1, 2, 3))},
      {"chi_squared", continuous(chi_squared(4.5))},
      {"chi", continuous(chi(3.5))},
      {"maxwell", continuous(maxwell(0.3))},
      {"kumaraswamy", continuous(kumaraswamy(1.5, 3))},
      {"logit_normal", continuous(logit_normal(0.4, 1.2))},
      {"beta_proportion", continuous(beta_proportion(0.3, 9))},
      {"triangular", continuous(triangular(-1, 3, 0.2))},
      {"triangular at an end", continuous(triangular(-1, 3, 3))},
      {"wald", continuous(wald(2, 0.7))},
      {"shifted_wald", continuous(wald(0.5, 20, -3))},
      {"moyal", continuous(moyal(1, 2))},
      {"exponential_log", continuous(exponential_log(1.3))},
      {"gamma_log", continuous(gamma_log(2.5, -1.3))},
      {"von_mises 0.3", continuous(von_mises(1, 0.3))},
      {"von_mises 20", continuous(von_mises(-1, 20))},
      {"von_mises 1e6", continuous(von_mises(0.1, 1e6))},
      {"rice", continuous(rice(1.5, 2))},
      {"skew_normal", continuous(skew_normal(1, 2, -4))},
      {"ex_gaussian", continuous(ex_gaussian(1, 2, 3))},
      {"skew_student_t", continuous(skew_student_t(2, 5, 1, 2))},
      {"truncated_normal", continuous(truncated_normal(1, 2, -1, 2.5))},
      {"truncated_normal wide", continuous(truncated_normal(1, 2, -7, 9))},
      {"truncated_normal narrow tail", continuous(truncated_normal(0, 1, 6, 6.05))},
      {"truncated_normal tail", continuous(truncated_normal(0, 1, -9, -3))},
      {"truncated_normal_above", continuous(truncated_normal_above(0, 1, 4))},
      {"truncated_normal_above middle", continuous(truncated_normal_above(0, 1, -0.3))},
      {"truncated_normal_below", continuous(truncated_normal_below(0, 1, -0.8))},
      {"polya_gamma", continuous(polya_gamma(1, 0))},
      {"polya_gamma of a fraction", continuous(polya_gamma(0.4, 1.5))},
      {"polya_gamma tilted", continuous(polya_gamma(7, -20))},
      {"polya_gamma tilted far", continuous(polya_gamma(2.5, 80))},
      {"wiener", continuous(wiener(1.5, 0.2, 0.4, 0.7))},
      {"wiener with a strong drift", continuous(wiener(2, 0, 0.5, -6))},
      {"bernoulli", counts(bernoulli(0.3))},
      {"bernoulli_logit", counts(bernoulli_logit(-0.4))},
      {"binomial", counts(binomial(40, 0.3))},
      {"binomial of many", counts(binomial(1e5, 0.02))},
      {"binomial_logit", counts(binomial_logit(40, 0.7))},
      {"poisson", counts(poisson(2.5))},
      {"poisson of many", counts(poisson(1e4))},
      {"poisson_log", counts(poisson_log(3))},
      {"negative_binomial", counts(negative_binomial(4, 1.4))},
      {"negative_binomial_log", counts(negative_binomial_log(2, 9))},
      {"categorical", counts(categorical(three, [&](auto k) { return shares[k.position]; }))},
      {"categorical_logit", counts(categorical_logit(three, [&](auto k) { return logits[k.position]; }))},
      {"ordered_logistic", counts(ordered_logistic(0.3, Cuts()))},
      {"ordered_probit", counts(ordered_probit(0.3, Cuts()))},
      {"geometric", counts(geometric(0.07), 1)},
      {"geometric_logit", counts(geometric_logit(-0.4), 1)},
      {"discrete_uniform", counts(discrete_uniform(-3, 9), -3)},
      {"discrete_weibull", counts(discrete_weibull(0.8, 0.7))},
      {"beta_binomial", counts(beta_binomial(2, 3.5, 40))},
      {"beta_negative_binomial", counts(beta_negative_binomial(3, 6, 2))},
      {"hypergeometric", counts(hypergeometric(60, 25, 20))},
      {"hypergeometric of many", counts(hypergeometric(100000, 40000, 3000))},
      {"generalized_poisson over", counts(generalized_poisson(3, 0.4))},
      {"generalized_poisson under", counts(generalized_poisson(9, -0.3))},
      {"skellam", counts(skellam(7, 4), -40)},
      {"zero_inflated_poisson", counts(zero_inflated_poisson(0.6, 3))},
      {"zero_inflated_binomial", counts(zero_inflated_binomial(0.6, 20, 0.1))},
      {"zero_inflated_negative_binomial", counts(zero_inflated_negative_binomial(0.6, 3, 1.4))},
      {"hurdle_poisson", counts(hurdle_poisson(0.6, 0.7))},
      {"hurdle_poisson of rare events", counts(hurdle_poisson(0.6, 0.05))},
      {"hurdle_negative_binomial", counts(hurdle_negative_binomial(0.6, 3, 1.4))},
      {"hurdle_negative_binomial of rare clusters", counts(hurdle_negative_binomial(0.9, 0.5, 0.2))},
  };
  const auto add = [&](const std::string& name, const std::vector<double>& p_values) {
    for (double p : p_values) all.push_back({name, p});
  };
  add("zero_one_inflated_beta", mixed(zero_one_inflated_beta(0.3, 0.2, 2, 3), {0., 1.}));
  add("hurdle_gamma", mixed(hurdle_gamma(0.6, 1.5, 2), {0.}));
  add("hurdle_lognormal", mixed(hurdle_lognormal(0.6, 0.3, 0.5), {0.}));
  EXPECT_EQ(all.size(), 102u);
  for (const Comparison& c : all) {
    EXPECT_GT(c.p_value, family_level / double(all.size())) << c.name;
    LargestErrors::note(c.name.substr(0, c.name.find(' ')), "draws", 1, -c.p_value);
  }
}

TEST(DrawsOfDistributions, ArePointMassesWhereTheDistributionIs) {
  for (const double y : draws(dirac_delta(3.5))) EXPECT_EQ(y, 3.5);
  EXPECT_EQ(density(dirac_delta(3.5), 3.5), 1.);
  LargestErrors::note("dirac_delta", "log density", 1, 0);   // all of it is exact
  LargestErrors::note("dirac_delta", "draws", 1, -1);
  EXPECT_EQ(density(dirac_delta(3.5), 3.4), 0.);
}

TEST(DrawsOfDistributions, AreNaNNotAnEndlessLoopWhereAnArgumentIsOutsideItsRange) {
  const double nan = std::nan("");
  Stream random({.seed = 1, .purpose = Purpose::prior_draw});
  const auto expect_nan = [&](const auto& d) { EXPECT_TRUE(std::isnan(draw_from(Numbers{}, random, d))); };
  expect_nan(generalized_poisson(nan, 0.1));
  expect_nan(generalized_poisson(-1, -0.1));
  expect_nan(generalized_poisson(3, nan));
  expect_nan(wiener(1, 0, 1.5, 0));
  expect_nan(wiener(1, 0, 0.5, nan));
  expect_nan(wiener(nan, 0, 0.5, 1));
  expect_nan(polya_gamma(nan, 0));
  expect_nan(polya_gamma(-1, 0));
  expect_nan(polya_gamma(1, nan));
  expect_nan(truncated_normal(0, 1, 2, 1));
  expect_nan(truncated_normal_above(nan, 1, 1));
  expect_nan(von_mises(0, nan));
  expect_nan(hypergeometric(10, 20, 5));
  expect_nan(hypergeometric(nan, 2, 5));
  expect_nan(hurdle_poisson(1, nan));
  expect_nan(hurdle_negative_binomial(1, nan, 2));
  expect_nan(beta_negative_binomial(2, -1, 2));
}

// The test must be able to fail: draws of slightly another distribution.
TEST(DrawsOfDistributions, AreToldFromSlightlyWrongOnes) {
  EXPECT_LT(continuous(gumbel(0.05, 1), draws(gumbel(0, 1))), family_level / 100);
  EXPECT_LT(continuous(skew_normal(1, 2, -2), draws(skew_normal(1, 2, -3))), family_level / 100);
  EXPECT_LT(chi_square(
                draws(geometric(0.3)), [](double y) { return density(geometric(0.32), y); }, 1),
            family_level / 100);
}

}  // namespace
}  // namespace lockstep
