// Exponential and gamma by the logarithm of their mean.
#pragma once

#include "lockstep/distributions/poisson.hpp"
#include "lockstep/distributions/gamma.hpp"

namespace lockstep {

struct ExponentialLogKernel {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  // `minus` is -eta.
  template <class Y, class Minus> LOCKSTEP_FN static auto density(const Y& y, const Minus& minus) {
    using V = LanesOf<Y, Minus>;
    const V ratio = minus.rate * y.value;
    return partials(unless(V(y.value) < 0., V(minus.value - ratio)), V(-minus.rate), V(1. - ratio));
  }
  // P(Y > y) = exp(-x): log x and its partials.
  template <class Y, class Minus> LOCKSTEP_FN static auto log_exponent(const Y& y, const Minus& minus) {
    using V = LanesOf<Y, Minus>;
    return partials(V(minus.value + log_of(y)), V(inverse_of(y)), V(1.));
  }
  template <class Y, class Minus> LOCKSTEP_FN static auto log_cdf(const Y& y, const Minus& minus) {
    const auto x = log_exponent(y, minus);
    return constant_where(y.value <= 0., log_of_none, chain(log1m_exponential_tail(x.log_density), x));
  }
  template <class Y, class Minus> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Minus& minus) {
    const auto x = log_exponent(y, minus);
    return constant_where(y.value <= 0., log_of_all, chain(log_exponential_tail(x.log_density), x));
  }
  static double quantile(const LogTails& p, double minus) { return -p.upper * exp(-minus); }
  template <class R>
  LOCKSTEP_FN static double sample(R& random, double minus) {
    return random.exponential() * exp(-minus);
  }
};
// Exponential with log mean eta (rate exp(-eta)), on y > 0.
// Density exp(-eta - y exp(-eta)). Source: McCullagh & Nelder, Generalized Linear Models, ch. 8.
template <Operand Eta> LOCKSTEP_FN auto exponential_log(const Eta& eta) {
  return make_distribution<ExponentialLogKernel>(argument<LogRate>(-as_recipe(eta)));
}

// In saddle-point form, as the gamma's (gamma.hpp) with rate alpha exp(-eta).
struct GammaLogKernel : TailsOf<GammaLogKernel> {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Alpha, class Minus>
  LOCKSTEP_FN static auto density(const Y& y, const Alpha& alpha, const Minus& minus) {
    using V = LanesOf<Y, Alpha, Minus>;
    const V log_y = log_of(y), ratio = minus.rate * y.value;
    const V deviance = log_minus(ratio, V(log_y + minus.value));
    const V log_density = alpha.value * deviance + 0.5 * alpha.log - log_sqrt_2pi - alpha.stirling - log_y;
    return partials(unless(V(y.value) <= 0., log_density),
                    V((alpha.value - 1.) * inverse_of(y) - alpha.value * minus.rate),
                    V(deviance + 0.5 * alpha.inverse - alpha.stirling_slope), V(alpha.value * (1. - ratio)));
  }
  template <bool upper, class Y, class Alpha, class Minus>
  LOCKSTEP_FN static auto tail(const Y& y, const Alpha& alpha, const Minus& minus) {
    using V = LanesOf<Y, Alpha, Minus>;
    const V x = alpha.value * minus.rate * y.value, log_x = alpha.log + minus.value + log_of(y);
    const auto tails = gamma_tails(V(alpha.value), x, log_x);
    const auto& of = upper ? tails.upper : tails.lower;
    const V by_alpha = of.by_a + of.by_log_x * alpha.inverse;
    return constant_where(y.value <= 0., upper ? log_of_all : log_of_none,
                          partials(of.value, V(of.by_log_x * inverse_of(y)), by_alpha, of.by_log_x));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double alpha, double minus) {
    return random.gamma(alpha) / alpha * exp(-minus);
  }
};
// Gamma with shape alpha > 0 and log mean eta (rate alpha exp(-eta)), on y > 0.
// Density r^alpha y^(alpha - 1) exp(-r y)/Gamma(alpha), r = alpha exp(-eta). Source: McCullagh & Nelder, Generalized Linear
// Models, ch. 8.
template <Operand Alpha, Operand Eta> LOCKSTEP_FN auto gamma_log(const Alpha& alpha, const Eta& eta) {
  return make_distribution<GammaLogKernel>(argument<Shape>(alpha), argument<LogRate>(-as_recipe(eta)));
}

}  // namespace lockstep
