// Moyal. Source: J. E. Moyal, "Theory of ionization fluctuations", 1955.
#pragma once

#include "lockstep/distribution.hpp"
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
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma) {
    return mu - 2. * sigma * log(abs(random.normal()));
  }
};
// Moyal with mode mu and scale sigma > 0, on the real line: an approximation of the Landau distribution of energy
// losses.
template <Operand Mu, Operand Sigma> LOCKSTEP_FN auto moyal(const Mu& mu, const Sigma& sigma) {
  return make_distribution<MoyalKernel>(argument<Location>(mu), argument<Scale>(sigma));
}

}  // namespace lockstep
