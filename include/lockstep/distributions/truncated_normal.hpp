// The normal between, above or below bounds, normalised.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_normal.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// Draws from N(0, 1) between a and b. Near the middle by rejection of normals; in a tail by C. P. Robert, "Simulation
// of truncated normal variables", 1995, from an exponential; a narrow interval from a uniform.
template <class R> LOCKSTEP_FN double standard_normal_between(R& random, double a, double b) {
  if (!(a < b)) return a == b ? a : log(-1.);
  if (b < 0) return -standard_normal_between(random, -b, -a);
  const double nearest = a > 0 ? a : 0;   // where the density is highest
  if (b - nearest < 1 / (nearest + 1) && b - a < 2.5) {
    while (true) {
      const double x = a + (b - a) * random.uniform();
      if (log(random.uniform()) <= 0.5 * (nearest * nearest - x * x)) return x;
    }
  }
  if (a < 0.5) {
    while (true) {
      const double x = random.normal();
      if (x > a && x < b) return x;
    }
  }
  const double rate = 0.5 * (a + sqrt(a * a + 4));
  while (true) {
    const double x = a + random.exponential() / rate, miss = x - rate;
    if (x < b && log(random.uniform()) <= -0.5 * miss * miss) return x;
  }
}

struct TruncatedNormalKernel {
  template <class D> LOCKSTEP_FN static auto support(const D& d) {
    return between(get<2>(d.arguments).expression, get<3>(d.arguments).expression);
  }
  template <class Y, class Mu, class Sigma, class Lower, class Upper>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Sigma& sigma, const Lower& lower,
                                  const Upper& upper) {
    using V = LanesOf<Y, Mu, Sigma, Lower, Upper>;
    const V z = (y.value - mu.value) * sigma.inverse, slope = z * sigma.inverse;
    const V a = (lower.value - mu.value) * sigma.inverse, b = (upper.value - mu.value) * sigma.inverse;
    const auto inside = normal_interval(a, b, V((upper.value - lower.value) * sigma.inverse));
    const V log_density = -0.5 * z * z - (sigma.log + log_sqrt_2pi) - inside.log_mass;
    const auto outside = min(V(y.value - lower.value), V(upper.value - y.value)) < 0.;
    return partials(unless(outside, log_density), V(-slope),
                    V(slope + (inside.at_upper - inside.at_lower) * sigma.inverse),
                    V((z * z - 1. + b * inside.at_upper - a * inside.at_lower) * sigma.inverse),
                    V(inside.at_lower * sigma.inverse), V(-inside.at_upper * sigma.inverse));
  }
  template <class R>
  LOCKSTEP_FN static double sample(R& random, double mu, double sigma, double lower, double upper) {
    return mu + sigma * standard_normal_between(random, (lower - mu) / sigma, (upper - mu) / sigma);
  }
};
// Normal with mean mu and standard deviation sigma > 0 before it is cut, on lower < y < upper. The bounds are finite
// and may be expressions. For one bound there are truncated_normal_above and truncated_normal_below.
template <Operand Mu, Operand Sigma, Operand Lower, Operand Upper>
LOCKSTEP_FN auto truncated_normal(const Mu& mu, const Sigma& sigma, const Lower& lower, const Upper& upper) {
  return make_distribution<TruncatedNormalKernel>(argument<Location>(mu), argument<Scale>(sigma),
                                                  argument<Location>(lower), argument<Location>(upper));
}

// One bound; `side` is 1 above it, -1 below.
template <int side> struct OneSidedNormalKernel {
  template <class D> LOCKSTEP_FN static auto support(const D& d) {
    if constexpr (side > 0) return above(get<2>(d.arguments).expression);
    else return below(get<2>(d.arguments).expression);
  }
  template <class Y, class Mu, class Sigma, class Bound>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Sigma& sigma, const Bound& bound) {
    using V = LanesOf<Y, Mu, Sigma, Bound>;
    const V z = (y.value - mu.value) * sigma.inverse, slope = z * sigma.inverse;
    const V a = (bound.value - mu.value) * sigma.inverse;
    const auto inside = log_normal_cdf(V(-double(side) * a));
    const V at_bound = double(side) * inside.slope;
    const V log_density = -0.5 * z * z - (sigma.log + log_sqrt_2pi) - inside.value;
    return partials(unless(V(double(side) * (y.value - bound.value)) < 0., log_density), V(-slope),
                    V(slope - at_bound * sigma.inverse), V((z * z - 1. - a * at_bound) * sigma.inverse),
                    V(at_bound * sigma.inverse));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma, double bound) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return mu + double(side) * sigma * standard_normal_between(random, double(side) * (bound - mu) / sigma, infinity);
  }
};
// The same with one bound: on y > lower, or y < upper.
template <Operand Mu, Operand Sigma, Operand Lower>
LOCKSTEP_FN auto truncated_normal_above(const Mu& mu, const Sigma& sigma, const Lower& lower) {
  return make_distribution<OneSidedNormalKernel<1>>(argument<Location>(mu), argument<Scale>(sigma),
                                                    argument<Location>(lower));
}
template <Operand Mu, Operand Sigma, Operand Upper>
LOCKSTEP_FN auto truncated_normal_below(const Mu& mu, const Sigma& sigma, const Upper& upper) {
  return make_distribution<OneSidedNormalKernel<-1>>(argument<Location>(mu), argument<Scale>(sigma),
                                                     argument<Location>(upper));
}

}  // namespace lockstep
