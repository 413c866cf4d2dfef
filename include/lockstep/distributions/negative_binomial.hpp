// Negative binomial, by mean and by log mean, in saddle-point form (Loader 2000, "Fast and accurate computation of binomial
// probabilities"): no log Gammas that cancel, so neither large counts nor a dispersion near a Poisson's lose digits.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/distributions/poisson.hpp"
#include "lockstep/special_tails.hpp"

namespace lockstep {

// What both forms share. With n = alpha + y, r = n/(alpha + mu), c(k) = log(k)/2 + stirling_error(k), and each logarithm
// less its linear part (those sum to zero):
//   log p(y) = alpha log r + y log(r mu/y) + log(alpha/n) + c(n) - c(alpha) - c(y) - log(2 pi)/2
// For y = 0 it is -alpha log(1 + mu/alpha).
template <class L, class D> struct NegativeBinomialTerms {
  L log_density;
  D d_alpha;
};
template <class Y, class Mu, class LogMu, class Alpha, class Total>
LOCKSTEP_FN auto negative_binomial_terms(const Y& y, const Mu& mu, const LogMu& log_mu, const Alpha& alpha,
                                         const Total& total) {
  auto n = alpha.value + y.value;
  auto log_n = log(n);
  auto log_r = log_n - total.log;
  auto r = n * total.inverse;
  auto deviance = log_minus(r, log_r);
  auto events = y.value * log_minus(r * mu * inverse_of(y), log_r + log_mu - log_of(y)) - (count_term_of(y) + log_sqrt_2pi);
  auto some = alpha.value * deviance + events + 0.5 * (alpha.log - log_n) + stirling_error(n) - alpha.stirling;
  using L = decltype(some);
  auto none = -alpha.value * log1p(mu * alpha.inverse);
  auto log_density = unless((y.value < 0.) || (y.value != floor(y.value)), choose(y.value == 0., L(none), some));
  // digamma(n) - digamma(alpha) + log(alpha/(alpha + mu)) + 1 - r
  auto d_alpha = deviance + 0.5 * (alpha.inverse - 1. / n) + (stirling_error_derivative(n) - alpha.stirling_slope);
  return NegativeBinomialTerms<decltype(log_density), decltype(d_alpha)>{log_density, d_alpha};
}

// P(Y <= k) = I_x(alpha, k + 1), x = alpha/(alpha + mu), as a CDF's partials for any y; the derivatives by the mean's logarithm
// and by alpha have the part that goes through alpha + mu. `d_log_mu`: of the logarithm of the mean by the argument.
template <bool upper, class V, class Alpha, class Total, class D>
LOCKSTEP_FN auto negative_binomial_tail(const V& y, const V& mu, const V& log_mu, const Alpha& alpha, const Total& total,
                                        const D& d_log_mu) {
  const auto tails = beta_tails(V(alpha.value), V(max(floor(y), V(0.)) + 1.), V(alpha.value * total.inverse),
                                V(mu * total.inverse), V(alpha.log - total.log), V(log_mu - total.log));
  const auto& of = upper ? tails.upper : tails.lower;
  return on_counts<upper>(y, partials(of.value, Zero{}, V(d_log_mu * -of.by_logit),
                                      V(of.by_a + of.by_logit * alpha.inverse), Zero{}));
}

struct NegativeBinomialKernel {
  // `total` is mu + alpha, an argument of its own, so that it too is prepared once per plate. The others' derivatives have
  // the part that goes through it.
  template <class Y, class Mu, class Alpha, class Total>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Alpha& alpha, const Total& total) {
    auto terms = negative_binomial_terms(y, mu.value, mu.log, alpha, total);
    return partials(terms.log_density, Zero{}, (y.value - mu.value) * mu.inverse * (alpha.value * total.inverse),
                    terms.d_alpha, Zero{});
  }
  static constexpr bool is_of_counts = true;
  template <class Y, class Mu, class Alpha, class Total>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const Alpha& alpha, const Total& total) {
    using V = LanesOf<Y, Mu, Alpha, Total>;
    return negative_binomial_tail<false>(V(y.value), V(mu.value), V(mu.log), alpha, total, mu.inverse);
  }
  template <class Y, class Mu, class Alpha, class Total>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const Alpha& alpha, const Total& total) {
    using V = LanesOf<Y, Mu, Alpha, Total>;
    return negative_binomial_tail<true>(V(y.value), V(mu.value), V(mu.log), alpha, total, mu.inverse);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double alpha, double) {
    return random.negative_binomial(mu, alpha);
  }
};
// Negative binomial with mean mu > 0 and dispersion alpha > 0 (variance mu + mu^2/alpha): a Poisson whose rate is
// Gamma(alpha, alpha/mu); y = 0, 1, 2, ...
// P(y) = Gamma(y + alpha)/(Gamma(alpha) y!) (alpha/(alpha + mu))^alpha (mu/(alpha + mu))^y. Source: Johnson, Kemp & Kotz,
// Univariate Discrete Distributions, ch. 5.
template <Operand Mu, Operand Alpha> LOCKSTEP_FN auto negative_binomial(const Mu& mu, const Alpha& alpha) {
  return make_distribution<NegativeBinomialKernel>(argument<Scale>(mu), argument<Shape>(alpha),
                                                   argument<Scale>(as_recipe(mu) + as_recipe(alpha)));
}

struct NegativeBinomialLogKernel {
  template <class Y, class Eta, class Alpha, class Total>
  LOCKSTEP_FN static auto density(const Y& y, const Eta& eta, const Alpha& alpha, const Total& total) {
    auto terms = negative_binomial_terms(y, eta.rate, eta.value, alpha, total);
    return partials(terms.log_density, Zero{}, (y.value - eta.rate) * (alpha.value * total.inverse), terms.d_alpha, Zero{});
  }
  static constexpr bool is_of_counts = true;
  template <class Y, class Eta, class Alpha, class Total>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Eta& eta, const Alpha& alpha, const Total& total) {
    using V = LanesOf<Y, Eta, Alpha, Total>;
    return negative_binomial_tail<false>(V(y.value), V(eta.rate), V(eta.value), alpha, total, Unit{});
  }
  template <class Y, class Eta, class Alpha, class Total>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Eta& eta, const Alpha& alpha, const Total& total) {
    using V = LanesOf<Y, Eta, Alpha, Total>;
    return negative_binomial_tail<true>(V(y.value), V(eta.rate), V(eta.value), alpha, total, Unit{});
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double eta, double alpha, double) {
    return random.negative_binomial(exp(eta), alpha);
  }
};
// Negative binomial with log mean eta and dispersion alpha > 0.
// P(y) is negative_binomial's with mu = exp(eta). Source: Cameron & Trivedi, Regression Analysis of Count Data, ch. 3.
template <Operand Eta, Operand Alpha> LOCKSTEP_FN auto negative_binomial_log(const Eta& eta, const Alpha& alpha) {
  return make_distribution<NegativeBinomialLogKernel>(argument<LogRate>(eta), argument<Shape>(alpha),
                                                      argument<Scale>(exp(as_recipe(eta)) + as_recipe(alpha)));
}

}  // namespace lockstep
