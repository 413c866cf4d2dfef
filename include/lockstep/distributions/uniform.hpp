// Uniform and flat.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

struct UniformKernel {
  template <class D> LOCKSTEP_FN static auto support(const D& d) {
    return between(get<0>(d.arguments).expression, get<1>(d.arguments).expression);
  }
  template <class Y, class Lower, class Upper, class Width>
  LOCKSTEP_FN static auto density(const Y& y, const Lower& lower, const Upper& upper, const Width& width) {
    using V = std::remove_cvref_t<decltype(y.value + width.value)>;
    auto outside = min(V(y.value - lower.value), V(upper.value - y.value)) < 0.;
    return partials(unless(outside, V(-width.log)), Zero{}, Zero{}, Zero{}, -width.inverse);
  }
  template <class Y, class Lower, class Upper, class Width>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Lower& lower, const Upper& upper, const Width& width) {
    using V = LanesOf<Y, Lower, Upper, Width>;
    const V part = y.value - lower.value, slope = 1. / part;
    const auto inside = partials(V(log(part) - width.log), slope, V(-slope), Zero{}, V(-width.inverse));
    return constant_where(V(y.value) >= V(upper.value), log_of_all,
                          constant_where(V(y.value) <= V(lower.value), log_of_none, inside));
  }
  template <class Y, class Lower, class Upper, class Width>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Lower& lower, const Upper& upper, const Width& width) {
    using V = LanesOf<Y, Lower, Upper, Width>;
    const V part = upper.value - y.value, slope = 1. / part;
    const auto inside = partials(V(log(part) - width.log), V(-slope), Zero{}, slope, V(-width.inverse));
    return constant_where(V(y.value) >= V(upper.value), log_of_none,
                          constant_where(V(y.value) <= V(lower.value), log_of_all, inside));
  }
  static double quantile(const LogTails& p, double lower, double upper, double width) {
    return p.lower < p.upper ? lower + width * exp(p.lower) : upper - width * exp(p.upper);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double lower, double, double width) {
    return lower + width * random.uniform();
  }
};
// Uniform on lower < y < upper; the bounds may be expressions.
// Density 1/(upper - lower). Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 2, ch. 26.
template <Operand Lower, Operand Upper> LOCKSTEP_FN auto uniform(const Lower& lower, const Upper& upper) {
  return make_distribution<UniformKernel>(argument<Location>(lower), argument<Location>(upper),
                                          argument<Scale>(as_recipe(upper) + -as_recipe(lower)));
}

// A constant density, log density 0, on a support: improper unless the support is bounded, so it cannot be simulated.
template <class S> struct Flat : DistributionTag {
  S on;
  LOCKSTEP_FN constexpr explicit Flat(const S& s) : on(s) {}
};
struct FlatDensity {
  double log_density = 0;
  LOCKSTEP_FN Zero slope() const { return {}; }
  template <class S> LOCKSTEP_FN void pull(const S&) const {}
};
template <class M, class S> class Prepared<M, Flat<S>> {
 public:
  LOCKSTEP_FN Prepared(const M&, const Flat<S>&) {}
  template <class Y> LOCKSTEP_FN FlatDensity at(const M&, const Flat<S>&, const Y&) const { return {}; }
};
template <class S = RealLine> requires(!requires { requires S::whole; })
LOCKSTEP_FN constexpr Flat<S> flat(const S& support = {}) { return Flat<S>(support); }
// The same on y > 0.
LOCKSTEP_FN constexpr Flat<Positive> half_flat() { return flat(Positive{}); }

}  // namespace lockstep
