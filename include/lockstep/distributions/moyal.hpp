// Moyal. Source: J. E. Moyal, "Theory of ionization fluctuations", 1955.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_normal.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

struct MoyalKernel {
  static constexpr bool location_scale = true;
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Sigma& sigma) {
    using V = LanesOf<Y, Mu, Sigma>;
    const V z = (y.value - mu.value) * sigma.inverse;
    const V excess = expm1(V(-z)), slope = 0.5 * excess * sigma.inverse;
    return partials(V(-0.5 * (z + (1. + excess)) - (sigma.log + log_sqrt_2pi)), slope, V(-slope),
                    V(-(0.5 * z * excess + 1.) * sigma.inverse));
  }
  // P(Y <= y) = P(|N| > w) of a standard normal N, w = exp(-z/2).
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const Sigma& sigma) {
    using V = LanesOf<Y, Mu, Sigma>;
    const V z = (y.value - mu.value) * sigma.inverse, w = exp(-0.5 * z);
    const auto tail = log_normal_cdf(V(-w));
    return location_scale_partials(V(tail.value + log_2), V(0.5 * w * tail.slope), z, sigma);
  }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const Sigma& sigma) {
    using V = LanesOf<Y, Mu, Sigma>;
    const V z = (y.value - mu.value) * sigma.inverse;
    const auto far = z > 100.;   // the interval is 2 w phi(0) to the last digit
    const V w = exp(-0.5 * max(min(z, V(100.)), V(-12.)));   // from 400 on it is everything
    const auto inside = normal_interval(V(-w), w, V(2. * w));
    return location_scale_partials(V(choose(far, V(log_2 - log_sqrt_2pi - 0.5 * z), inside.log_mass)),
                                   V(choose(far, V(-0.5), V(-0.5 * w * (inside.at_lower + inside.at_upper)))), z, sigma);
  }
  static double quantile(const LogTails& p, double mu, double sigma) {
    const double log_w = p.upper < -40 ? p.upper - 0.5 * (log_2 - log_pi) : log(half_normal_quantile(p.upper, p.lower));
    return mu - 2 * sigma * log_w;
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma) {
    return mu - 2. * sigma * log(abs(random.normal()));
  }
};
// Moyal with mode mu and scale sigma > 0, on the real line: an approximation of the Landau distribution of energy
// losses.
// Density exp(-(z + exp(-z))/2)/(sqrt(2 pi) sigma), z = (y - mu)/sigma.
template <Operand Mu, Operand Sigma> LOCKSTEP_FN auto moyal(const Mu& mu, const Sigma& sigma) {
  return make_distribution<MoyalKernel>(argument<Location>(mu), argument<Scale>(sigma));
}

}  // namespace lockstep
