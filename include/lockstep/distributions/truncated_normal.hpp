// The normal between, above or below bounds, normalised.
#pragma once

#include "lockstep/quantile.hpp"
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

// z below which a normal number between a and b is with probability p: where Phi is between Phi(a) and Phi(b), by either tail.
inline double normal_quantile_between(const LogTails& p, double a, double b) {
  if (std::isinf(p.lower)) return a;
  if (std::isinf(p.upper)) return b;
  const auto log_cdf = [](double z) { return std::isinf(z) ? (z > 0 ? 0. : log_of_none) : double(log_normal_cdf(z).value); };
  return normal_quantile(log_sum_exp(log_cdf(a) + p.upper, log_cdf(b) + p.lower),
                         log_sum_exp(log_cdf(-a) + p.upper, log_cdf(-b) + p.lower));
}

struct TruncatedNormalKernel : TailsOf<TruncatedNormalKernel> {
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
  // The share of the interval that is below y, or above.
  template <bool above_y, class Y, class Mu, class Sigma, class Lower, class Upper>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu& mu, const Sigma& sigma, const Lower& lower, const Upper& upper) {
    using V = LanesOf<Y, Mu, Sigma, Lower, Upper>;
    constexpr double below = above_y ? log_of_all : log_of_none, above = above_y ? log_of_none : log_of_all;
    const V z = (y.value - mu.value) * sigma.inverse;
    const V a = (lower.value - mu.value) * sigma.inverse, b = (upper.value - mu.value) * sigma.inverse;
    const V up = y.value - lower.value, down = upper.value - y.value;
    const auto whole = normal_interval(a, b, V((upper.value - lower.value) * sigma.inverse));
    const auto part = normal_interval(above_y ? z : a, above_y ? b : z, V((above_y ? down : up) * sigma.inverse));
    const V by_z = above_y ? -part.at_lower : part.at_upper;
    const V by_a = whole.at_lower - (above_y ? V(0.) : part.at_lower), by_b = (above_y ? part.at_upper : V(0.)) - whole.at_upper;
    const auto inside = partials(V(part.log_mass - whole.log_mass), V(by_z * sigma.inverse),
                                 V(-(by_z + by_a + by_b) * sigma.inverse), V(-(z * by_z + a * by_a + b * by_b) * sigma.inverse),
                                 V(by_a * sigma.inverse), V(by_b * sigma.inverse));
    return constant_where(up <= 0., below, constant_where(down <= 0., above, inside));
  }
  template <class R>
  LOCKSTEP_FN static double sample(R& random, double mu, double sigma, double lower, double upper) {
    return mu + sigma * standard_normal_between(random, (lower - mu) / sigma, (upper - mu) / sigma);
  }
  static double quantile(const LogTails& p, double mu, double sigma, double lower, double upper) {
    const double y = mu + sigma * normal_quantile_between(p, (lower - mu) / sigma, (upper - mu) / sigma);
    return improved_quantile<TruncatedNormalKernel, Location, Scale, Location, Location>(p, min(max(y, lower), upper), mu, sigma, lower,
                                                                                         upper);
  }
};
// Normal with mean mu and standard deviation sigma > 0 before it is cut, on lower < y < upper. The bounds are finite
// and may be expressions. For one bound there are truncated_normal_above and truncated_normal_below.
// Density phi(z)/(sigma (Phi((upper - mu)/sigma) - Phi((lower - mu)/sigma))), z = (y - mu)/sigma. Source: Johnson, Kotz &
// Balakrishnan, Continuous Univariate Distributions 1, ch. 13.
template <Operand Mu, Operand Sigma, Operand Lower, Operand Upper>
LOCKSTEP_FN auto truncated_normal(const Mu& mu, const Sigma& sigma, const Lower& lower, const Upper& upper) {
  return make_distribution<TruncatedNormalKernel>(argument<Location>(mu), argument<Scale>(sigma),
                                                  argument<Location>(lower), argument<Location>(upper));
}

// One bound; `side` is 1 above it, -1 below.
template <int side> struct OneSidedNormalKernel : TailsOf<OneSidedNormalKernel<side>> {
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
  template <bool upper, class Y, class Mu, class Sigma, class Bound>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu& mu, const Sigma& sigma, const Bound& bound) {
    if constexpr (upper == (side > 0)) return away_from_bound(y, mu, sigma, bound);
    else return beside_bound(y, mu, sigma, bound);
  }
  // The share that is between the bound and y.
  template <class Y, class Mu, class Sigma, class Bound>
  LOCKSTEP_FN static auto beside_bound(const Y& y, const Mu& mu, const Sigma& sigma, const Bound& bound) {
    using V = LanesOf<Y, Mu, Sigma, Bound>;
    const V z = (y.value - mu.value) * sigma.inverse, a = (bound.value - mu.value) * sigma.inverse;
    const V distance = double(side) * (y.value - bound.value);
    const auto whole = log_normal_cdf(V(-double(side) * a));
    const auto part = normal_interval(V(side > 0 ? a : z), V(side > 0 ? z : a), V(distance * sigma.inverse));
    const V by_z = side > 0 ? part.at_upper : -part.at_lower;
    const V by_a = side > 0 ? whole.slope - part.at_lower : part.at_upper - whole.slope;
    const auto inside = from_units(V(part.log_mass - whole.value), by_z, by_a, z, a, sigma);
    const auto everything = V(y.value) == V(-double(side) * log_of_none);
    return constant_where(distance <= 0., log_of_none, constant_where(everything, log_of_all, inside));
  }
  // The share that is further from the bound than y.
  template <class Y, class Mu, class Sigma, class Bound>
  LOCKSTEP_FN static auto away_from_bound(const Y& y, const Mu& mu, const Sigma& sigma, const Bound& bound) {
    using V = LanesOf<Y, Mu, Sigma, Bound>;
    const V z = (y.value - mu.value) * sigma.inverse, a = (bound.value - mu.value) * sigma.inverse;
    const auto whole = log_normal_cdf(V(-double(side) * a)), part = log_normal_cdf(V(-double(side) * z));
    const V by_z = -double(side) * part.slope, by_a = double(side) * whole.slope;
    const auto inside = from_units(V(part.value - whole.value), by_z, by_a, z, a, sigma);
    return constant_where(V(double(side) * (y.value - bound.value)) <= 0., log_of_all, inside);
  }
  // Given the derivatives by y and by the bound in standard units, z and a.
  template <class V, class Sigma>
  LOCKSTEP_FN static auto from_units(const V& value, const V& by_z, const V& by_a, const V& z, const V& a, const Sigma& sigma) {
    return partials(value, V(by_z * sigma.inverse), V(-(by_z + by_a) * sigma.inverse), V(-(z * by_z + a * by_a) * sigma.inverse),
                    V(by_a * sigma.inverse));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma, double bound) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return mu + double(side) * sigma * standard_normal_between(random, double(side) * (bound - mu) / sigma, infinity);
  }
  static double quantile(const LogTails& p, double mu, double sigma, double bound) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const double a = (bound - mu) / sigma;
    const double y = mu + sigma * normal_quantile_between(p, side > 0 ? a : -infinity, side > 0 ? infinity : a);
    return improved_quantile<OneSidedNormalKernel, Location, Scale, Location>(p, side > 0 ? max(y, bound) : min(y, bound), mu, sigma,
                                                                              bound);
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
