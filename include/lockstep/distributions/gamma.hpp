// Exponential, gamma, inverse gamma and beta. All but the first are in saddle-point form (Loader 2000, "Fast and accurate
// computation of binomial probabilities"): no log Gammas that cancel, so large shapes lose no digits.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_tails.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

struct ExponentialKernel {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Rate> LOCKSTEP_FN static auto density(const Y& y, const Rate& rate) {
    auto log_density = rate.log - rate.value * y.value;
    return partials(unless(y.value < 0., log_density), -rate.value, rate.inverse - y.value);
  }
  template <class Y, class Rate> LOCKSTEP_FN static auto log_cdf(const Y& y, const Rate& rate) {
    using V = LanesOf<Y, Rate>;
    const V x = rate.value * y.value, slope = 1. / expm1(x);
    return constant_where(y.value <= 0., log_of_none,
                          partials(V(log1m_exp(V(-x))), V(slope * rate.value), V(slope * y.value)));
  }
  template <class Y, class Rate> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Rate& rate) {
    using V = LanesOf<Y, Rate>;
    return constant_where(y.value <= 0., log_of_all, partials(V(-rate.value * y.value), V(-rate.value), V(-y.value)));
  }
  static double quantile(const LogTails& p, double rate) { return -p.upper / rate; }
  template <class R> LOCKSTEP_FN static double sample(R& random, double rate) { return random.exponential() / rate; }
};
// Exponential with rate > 0 (mean 1/rate), on y > 0.
// Density rate exp(-rate y). Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, ch. 19.
template <Operand Rate> LOCKSTEP_FN auto exponential(const Rate& rate) {
  return make_distribution<ExponentialKernel>(argument<Scale>(rate));
}

struct GammaKernel : TailsOf<GammaKernel> {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto density(const Y& y, const Alpha& alpha, const Beta& beta) {
    auto ratio = beta.value * y.value * alpha.inverse;
    auto log_ratio = beta.log + log_of(y) - alpha.log;
    auto inverse_y = inverse_of(y);
    auto log_density =
        alpha.value * log_minus(ratio, log_ratio) + 0.5 * alpha.log - log_sqrt_2pi - alpha.stirling - log_of(y);
    return partials(unless(y.value <= 0., log_density), (alpha.value - 1.) * inverse_y - beta.value,
                    log_ratio + 0.5 * alpha.inverse - alpha.stirling_slope,
                    (alpha.value - beta.value * y.value) * beta.inverse);
  }
  template <bool upper, class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto tail(const Y& y, const Alpha& alpha, const Beta& beta) {
    using V = LanesOf<Y, Alpha, Beta>;
    const auto tails = gamma_tails(V(alpha.value), V(beta.value * y.value), V(beta.log + log_of(y)));
    const auto& of = upper ? tails.upper : tails.lower;
    return constant_where(y.value <= 0., upper ? log_of_all : log_of_none,
                          partials(of.value, V(of.by_log_x * inverse_of(y)), of.by_a, V(of.by_log_x * beta.inverse)));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double alpha, double beta) {
    return random.gamma(alpha) / beta;
  }
};
// Gamma with shape alpha > 0 and rate beta > 0 (mean alpha/beta), on y > 0.
// Density beta^alpha y^(alpha - 1) exp(-beta y)/Gamma(alpha). Source: Johnson, Kotz & Balakrishnan, Continuous Univariate
// Distributions 1, ch. 17.
template <Operand Alpha, Operand Beta> LOCKSTEP_FN auto gamma(const Alpha& alpha, const Beta& beta) {
  return make_distribution<GammaKernel>(argument<Shape>(alpha), argument<Scale>(beta));
}

// As the gamma's at 1/y.
struct InverseGammaKernel : TailsOf<InverseGammaKernel> {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto density(const Y& y, const Alpha& alpha, const Beta& beta) {
    auto log_y = log_of(y);
    auto inverse_y = inverse_of(y);
    auto rate_over_y = beta.value * inverse_y;
    auto log_ratio = beta.log - log_y - alpha.log;
    auto log_density = alpha.value * log_minus(rate_over_y * alpha.inverse, log_ratio) + 0.5 * alpha.log - log_sqrt_2pi -
                       alpha.stirling - log_y;
    return partials(unless(y.value <= 0., log_density), (rate_over_y - alpha.value - 1.) * inverse_y,
                    log_ratio + 0.5 * alpha.inverse - alpha.stirling_slope,
                    (alpha.value - rate_over_y) * beta.inverse);
  }
  template <bool upper, class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto tail(const Y& y, const Alpha& alpha, const Beta& beta) {
    using V = LanesOf<Y, Alpha, Beta>;
    const auto tails = gamma_tails(V(alpha.value), V(beta.value * inverse_of(y)), V(beta.log - log_of(y)));
    const auto& of = upper ? tails.lower : tails.upper;
    return constant_where(y.value <= 0., upper ? log_of_all : log_of_none,
                          partials(of.value, V(-of.by_log_x * inverse_of(y)), of.by_a, V(of.by_log_x * beta.inverse)));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double alpha, double beta) {
    return beta / random.gamma(alpha);
  }
};
// The reciprocal of a Gamma(alpha, rate beta): shape alpha > 0, scale beta > 0 (mean beta/(alpha - 1) where alpha > 1),
// on y > 0.
// Density beta^alpha y^(-alpha - 1) exp(-beta/y)/Gamma(alpha). Source: Gelman et al., Bayesian Data Analysis, appendix A.
template <Operand Alpha, Operand Beta> LOCKSTEP_FN auto inverse_gamma(const Alpha& alpha, const Beta& beta) {
  return make_distribution<InverseGammaKernel>(argument<Shape>(alpha), argument<Scale>(beta));
}

// 1 - y, without cancellation where the node knows it.
template <class Y> LOCKSTEP_FN auto complement_of(const Y& y) {
  if constexpr (requires { y.complement(); }) return y.complement();
  else return 1. - y.value;
}
// The log density, impossible outside of (0, 1). A node that knows its complement is inside, also where it rounds to 1.
template <class Y, class L> LOCKSTEP_FN auto on_unit_interval(const Y& y, const L& log_density) {
  if constexpr (requires { y.complement(); }) return log_density;
  else return unless((y.value <= 0.) || (y.value >= 1.), log_density);
}

struct BetaKernel : TailsOf<BetaKernel> {
  template <class D> LOCKSTEP_FN static UnitInterval support(const D&) { return {}; }
  // `total` is alpha + beta, an argument of its own, so that it too is prepared once per plate.
  template <class Y, class Alpha, class Beta, class Total>
  LOCKSTEP_FN static auto density(const Y& y, const Alpha& alpha, const Beta& beta, const Total& total) {
    auto rest = complement_of(y);
    auto log_y = log_of(y);
    auto log_rest = log1m_of(y);
    // alpha log(y n/alpha) + beta log((1-y) n/beta), each less its linear part; the linear parts sum to zero.
    auto log_up = log_y + total.log - alpha.log;
    auto log_down = log_rest + total.log - beta.log;
    auto deviance = alpha.value * log_minus(y.value * total.value * alpha.inverse, log_up) +
                    beta.value * log_minus(rest * total.value * beta.inverse, log_down);
    auto log_density = deviance + 0.5 * (alpha.log + beta.log - total.log) - log_sqrt_2pi + total.stirling -
                       alpha.stirling - beta.stirling - log_y - log_rest;
    // d/dalpha = log y - digamma(alpha) + digamma(n); the part through n is pulled by `total`.
    auto d_alpha = log_up + 0.5 * alpha.inverse - alpha.stirling_slope;
    auto d_beta = log_down + 0.5 * beta.inverse - beta.stirling_slope;
    auto d_total = total.stirling_slope - 0.5 * total.inverse;
    return partials(on_unit_interval(y, log_density),
                    (alpha.value - 1.) / y.value - (beta.value - 1.) / rest, d_alpha, d_beta, d_total);
  }
  template <bool upper, class Y, class Alpha, class Beta, class Total>
  LOCKSTEP_FN static auto tail(const Y& y, const Alpha& alpha, const Beta& beta, const Total&) {
    using V = LanesOf<Y, Alpha, Beta>;
    const V rest = complement_of(y);
    const auto tails = beta_tails(V(alpha.value), V(beta.value), V(y.value), rest, V(log_of(y)), V(log1m_of(y)));
    const auto& of = upper ? tails.upper : tails.lower;
    const auto inside = partials(of.value, V(of.by_logit / (y.value * rest)), of.by_a, of.by_b, Zero{});
    return constant_where(y.value <= 0., upper ? log_of_all : log_of_none,
                          constant_where(rest <= 0., upper ? log_of_none : log_of_all, inside));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double alpha, double beta, double) {
    return random.beta(alpha, beta);
  }
};
// Beta with alpha, beta > 0 (mean alpha/(alpha + beta)), on 0 < y < 1.
// Density y^(alpha - 1) (1 - y)^(beta - 1)/B(alpha, beta). Source: Johnson, Kotz & Balakrishnan, Continuous Univariate
// Distributions 2, ch. 25.
template <Operand Alpha, Operand Beta> LOCKSTEP_FN auto beta(const Alpha& alpha, const Beta& beta) {
  return make_distribution<BetaKernel>(argument<Shape>(alpha), argument<Shape>(beta),
                                       argument<Shape>(as_recipe(alpha) + as_recipe(beta)));
}

}  // namespace lockstep
