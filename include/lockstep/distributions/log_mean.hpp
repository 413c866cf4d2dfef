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
  template <class R>
  LOCKSTEP_FN static double sample(R& random, double minus) {
    return random.exponential() * exp(-minus);
  }
};
// Exponential with log mean eta (rate exp(-eta)), on y > 0.
template <Operand Eta> LOCKSTEP_FN auto exponential_log(const Eta& eta) {
  return make_distribution<ExponentialLogKernel>(argument<LogRate>(-as_recipe(eta)));
}

// In saddle-point form, as the gamma's (gamma.hpp) with rate alpha exp(-eta).
struct GammaLogKernel {
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
  template <class R> LOCKSTEP_FN static double sample(R& random, double alpha, double minus) {
    return random.gamma(alpha) / alpha * exp(-minus);
  }
};
// Gamma with shape alpha > 0 and log mean eta (rate alpha exp(-eta)), on y > 0.
template <Operand Alpha, Operand Eta> LOCKSTEP_FN auto gamma_log(const Alpha& alpha, const Eta& eta) {
  return make_distribution<GammaLogKernel>(argument<Shape>(alpha), argument<LogRate>(-as_recipe(eta)));
}

}  // namespace lockstep
