// Chi-squared, chi and Maxwell: lengths of normal vectors, and their squares. Formulas: Johnson, Kotz & Balakrishnan,
// Continuous Univariate Distributions 1, ch. 18.
#pragma once

#include "lockstep/distributions/gamma.hpp"

namespace lockstep {

// Chi-squared with nu > 0 degrees of freedom, on y > 0: a Gamma(nu/2, 1/2).
// Density y^(nu/2 - 1) exp(-y/2)/(2^(nu/2) Gamma(nu/2)). Source: Johnson, Kotz & Balakrishnan, Continuous Univariate
// Distributions 1, ch. 18.
template <Operand Nu> LOCKSTEP_FN auto chi_squared(const Nu& nu) { return gamma(0.5 * as_recipe(nu), 0.5); }

// As the gamma's with shape h = nu/2 at y^2/2.
struct ChiKernel : TailsOf<ChiKernel> {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Half> LOCKSTEP_FN static auto density(const Y& y, const Half& half) {
    using V = LanesOf<Y, Half>;
    const V log_ratio = 2. * log_of(y) - (half.log + log_2);
    const V log_density = half.value * log_minus(V(0.5 * y.value * y.value * half.inverse), log_ratio) +
                          0.5 * half.log + (log_2 - log_sqrt_2pi) - half.stirling - log_of(y);
    return partials(unless(V(y.value) <= 0., log_density), V((2. * half.value - 1.) * inverse_of(y) - y.value),
                    V(log_ratio + 0.5 * half.inverse - half.stirling_slope));
  }
  template <bool upper, class Y, class Half> LOCKSTEP_FN static auto tail(const Y& y, const Half& half) {
    using V = LanesOf<Y, Half>;
    const auto tails = gamma_tails(V(half.value), V(0.5 * y.value * y.value), V(2. * log_of(y) - log_2));
    const auto& of = upper ? tails.upper : tails.lower;
    return constant_where(y.value <= 0., upper ? log_of_all : log_of_none,
                          partials(of.value, V(2. * of.by_log_x * inverse_of(y)), of.by_a));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double half) { return sqrt(2. * random.gamma(half)); }
};
// Chi with nu > 0 degrees of freedom, on y > 0: the square root of a chi-squared.
// Density y^(nu - 1) exp(-y^2/2)/(2^(nu/2 - 1) Gamma(nu/2)). Source: Johnson, Kotz & Balakrishnan, Continuous Univariate
// Distributions 1, ch. 18.
template <Operand Nu> LOCKSTEP_FN auto chi(const Nu& nu) {
  return make_distribution<ChiKernel>(argument<Shape>(0.5 * as_recipe(nu)));
}

struct MaxwellKernel : TailsOf<MaxwellKernel> {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class A> LOCKSTEP_FN static auto density(const Y& y, const A& a) {
    using V = LanesOf<Y, A>;
    const V z = y.value * a.inverse;
    const V log_density = 2. * log_of(y) - 3. * a.log - 0.5 * z * z + (log_2 - log_sqrt_2pi);
    return partials(unless(V(y.value) <= 0., log_density), V(2. * inverse_of(y) - z * a.inverse),
                    V((z * z - 3.) * a.inverse));
  }
  // y^2/(2 a^2) is Gamma(3/2, 1).
  template <bool upper, class Y, class A> LOCKSTEP_FN static auto tail(const Y& y, const A& a) {
    using V = LanesOf<Y, A>;
    const V z = y.value * a.inverse;
    const auto tails = gamma_tails(V(1.5), V(0.5 * z * z), V(2. * (log_of(y) - a.log) - log_2));
    const auto& of = upper ? tails.upper : tails.lower;
    return constant_where(y.value <= 0., upper ? log_of_all : log_of_none,
                          partials(of.value, V(2. * of.by_log_x * inverse_of(y)), V(-2. * of.by_log_x * a.inverse)));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double a) { return a * sqrt(2. * random.gamma(1.5)); }
};
// Maxwell(-Boltzmann) with scale a > 0, on y > 0: the length of a vector of three independent Normal(0, a).
// Density sqrt(2/pi) y^2 exp(-y^2/(2 a^2))/a^3. Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1,
// ch. 18.
template <Operand A>
LOCKSTEP_FN auto maxwell(const A& a) {
  return make_distribution<MaxwellKernel>(argument<Scale>(a));
}

}  // namespace lockstep
