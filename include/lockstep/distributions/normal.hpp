// Normal, half-normal and log-normal. Formulas: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_normal.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

struct NormalKernel {
  static constexpr bool location_scale = true;
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Sigma& sigma) {
    auto z = (y.value - mu.value) * sigma.inverse;
    auto slope = z * sigma.inverse;
    return partials(-0.5 * z * z - (sigma.log + log_sqrt_2pi), -slope, slope, (z * z - 1.) * sigma.inverse);
  }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const Sigma& sigma) {
    return symmetric_log_cdf(y, mu, sigma, [](const auto& z) { return log_normal_cdf(z); });
  }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const Sigma& sigma) {
    return symmetric_log_ccdf(y, mu, sigma, [](const auto& z) { return log_normal_cdf(z); });
  }
  static double quantile(const LogTails& p, double mu, double sigma) { return mu + sigma * normal_quantile(p.lower, p.upper); }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma) {
    return mu + sigma * random.normal();
  }
};
// Normal with mean mu and standard deviation sigma > 0, on the real line.
// Density exp(-z^2/2)/(sqrt(2 pi) sigma), z = (y - mu)/sigma. Source: Johnson, Kotz & Balakrishnan, Continuous Univariate
// Distributions 1, ch. 13.
template <Operand Mu, Operand Sigma> LOCKSTEP_FN auto normal(const Mu& mu, const Sigma& sigma) {
  return make_distribution<NormalKernel>(argument<Location>(mu), argument<Scale>(sigma));
}

struct HalfNormalKernel {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Sigma> LOCKSTEP_FN static auto density(const Y& y, const Sigma& sigma) {
    auto z = y.value * sigma.inverse;
    auto log_density = -0.5 * z * z - (sigma.log + (log_sqrt_2pi - log_2));
    return partials(unless(y.value < 0., log_density), -z * sigma.inverse, (z * z - 1.) * sigma.inverse);
  }
  template <class Y, class Sigma> LOCKSTEP_FN static auto log_cdf(const Y& y, const Sigma& sigma) {
    using V = LanesOf<Y, Sigma>;
    const V z = y.value * sigma.inverse;
    const auto inside = normal_interval(V(-z), z, V(2. * z));
    const V slope = (inside.at_lower + inside.at_upper) * sigma.inverse;
    return constant_where(y.value <= 0., log_of_none, partials(inside.log_mass, slope, V(-z * slope)));
  }
  template <class Y, class Sigma> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Sigma& sigma) {
    using V = LanesOf<Y, Sigma>;
    const V z = y.value * sigma.inverse;
    const auto tail = log_normal_cdf(V(-z));
    const V slope = -tail.slope * sigma.inverse;
    return constant_where(y.value <= 0., log_of_all, partials(V(tail.value + log_2), slope, V(-z * slope)));
  }
  static double quantile(const LogTails& p, double sigma) { return sigma * half_normal_quantile(p.lower, p.upper); }
  template <class R> LOCKSTEP_FN static double sample(R& random, double sigma) { return sigma * abs(random.normal()); }
};
// The absolute value of a Normal(0, sigma), on y > 0.
// Density sqrt(2/pi) exp(-y^2/(2 sigma^2))/sigma. Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1,
// ch. 13.
template <Operand Sigma> LOCKSTEP_FN auto half_normal(const Sigma& sigma) {
  return make_distribution<HalfNormalKernel>(argument<Scale>(sigma));
}

struct LogNormalKernel {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Sigma& sigma) {
    auto log_y = log_of(y);
    auto z = (log_y - mu.value) * sigma.inverse;
    auto slope = z * sigma.inverse;
    auto log_density = -0.5 * z * z - (sigma.log + log_sqrt_2pi) - log_y;
    return partials(unless(y.value <= 0., log_density), -(slope + 1.) * inverse_of(y), slope,
                    (z * z - 1.) * sigma.inverse);
  }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const Sigma& sigma) {
    using V = LanesOf<Y, Mu, Sigma>;
    const V z = (log_of(y) - mu.value) * sigma.inverse;
    const auto tail = log_normal_cdf(z);
    const V slope = tail.slope * sigma.inverse;
    return constant_where(y.value <= 0., log_of_none,
                          partials(tail.value, V(slope * inverse_of(y)), V(-slope), V(-z * slope)));
  }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const Sigma& sigma) {
    using V = LanesOf<Y, Mu, Sigma>;
    const V z = (log_of(y) - mu.value) * sigma.inverse;
    const auto tail = log_normal_cdf(V(-z));
    const V slope = -tail.slope * sigma.inverse;
    return constant_where(y.value <= 0., log_of_all,
                          partials(tail.value, V(slope * inverse_of(y)), V(-slope), V(-z * slope)));
  }
  static double quantile(const LogTails& p, double mu, double sigma) {
    return exp(mu + sigma * normal_quantile(p.lower, p.upper));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma) {
    return exp(mu + sigma * random.normal());
  }
};
// exp of a Normal(mu, sigma): mu and sigma are the mean and standard deviation of log y; on y > 0.
// Density exp(-z^2/2)/(sqrt(2 pi) sigma y), z = (log y - mu)/sigma. Source: Johnson, Kotz & Balakrishnan, Continuous Univariate
// Distributions 1, ch. 14.
template <Operand Mu, Operand Sigma> LOCKSTEP_FN auto lognormal(const Mu& mu, const Sigma& sigma) {
  return make_distribution<LogNormalKernel>(argument<Location>(mu), argument<Scale>(sigma));
}

}  // namespace lockstep
