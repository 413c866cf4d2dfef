// Logistic and log-logistic. Formulas: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 2, ch. 23.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// The standard logistic's log density at z, -log(2 + 2 cosh z), and its derivative, -tanh(z/2).
template <class V> struct StandardLogistic {
  V log_density, slope;
};
template <class V> LOCKSTEP_FN StandardLogistic<V> standard_logistic(const V& z) {
  const V size = abs(z), below = expm1(V(-size)), twice = 2. + below;
  return {V(-size - 2. * log(twice)), V(sign_of(z) * below / twice)};
}

struct LogisticKernel {
  static constexpr bool location_scale = true;
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Mu, class S> LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const S& s) {
    using V = LanesOf<Y, Mu, S>;
    const V z = (y.value - mu.value) * s.inverse;
    const auto standard = standard_logistic(z);
    const V slope = standard.slope * s.inverse;
    return partials(V(standard.log_density - s.log), slope, V(-slope), V((-z * standard.slope - 1.) * s.inverse));
  }
  template <class Y, class Mu, class S>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const S& s) {
    return symmetric_log_cdf(y, mu, s, [](const auto& z) { return lower_half(z); });
  }
  template <class Y, class Mu, class S>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const S& s) {
    return symmetric_log_ccdf(y, mu, s, [](const auto& z) { return lower_half(z); });
  }
  // log P(Z <= z) in standard units, and its derivative.
  template <class V> LOCKSTEP_FN static ValueAndSlope<V, V> lower_half(const V& z) {
    const auto rest = softplus_sigmoid(V(-z));
    return {V(-rest.softplus), rest.sigmoid};
  }
  static double quantile(const LogTails& p, double mu, double s) { return mu + s * (p.lower - p.upper); }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double s) {
    const double u = random.uniform();
    return mu + s * (log(u) - log1p(-u));
  }
};
// Logistic with mean mu and scale s > 0 (variance pi^2 s^2/3), on the real line.
// Density exp(-z)/(s (1 + exp(-z))^2), z = (y - mu)/s. Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions
// 2, ch. 23.
template <Operand Mu, Operand S> LOCKSTEP_FN auto logistic(const Mu& mu, const S& s) {
  return make_distribution<LogisticKernel>(argument<Location>(mu), argument<Scale>(s));
}

struct LogLogisticKernel {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto density(const Y& y, const Alpha& alpha, const Beta& beta) {
    using V = LanesOf<Y, Alpha, Beta>;
    const V log_ratio = log_of(y) - alpha.log;
    const auto standard = standard_logistic(V(beta.value * log_ratio));
    return partials(unless(V(y.value) <= 0., V(standard.log_density + beta.log - log_of(y))),
                    V((beta.value * standard.slope - 1.) * inverse_of(y)),
                    V(-beta.value * standard.slope * alpha.inverse), V(beta.inverse + log_ratio * standard.slope));
  }
  template <class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Alpha& alpha, const Beta& beta) {
    using V = LanesOf<Y, Alpha, Beta>;
    const V log_ratio = log_of(y) - alpha.log;
    const auto rest = softplus_sigmoid(V(-beta.value * log_ratio));
    const V by_log = rest.sigmoid * beta.value;
    return constant_where(y.value <= 0., log_of_none,
                          partials(V(-rest.softplus), V(by_log * inverse_of(y)), V(-by_log * alpha.inverse),
                                   V(rest.sigmoid * log_ratio)));
  }
  template <class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Alpha& alpha, const Beta& beta) {
    using V = LanesOf<Y, Alpha, Beta>;
    const V log_ratio = log_of(y) - alpha.log;
    const auto rest = softplus_sigmoid(V(beta.value * log_ratio));
    const V by_log = -rest.sigmoid * beta.value;
    return constant_where(y.value <= 0., log_of_all,
                          partials(V(-rest.softplus), V(by_log * inverse_of(y)), V(-by_log * alpha.inverse),
                                   V(-rest.sigmoid * log_ratio)));
  }
  static double quantile(const LogTails& p, double alpha, double beta) { return alpha * exp((p.lower - p.upper) / beta); }
  template <class R> LOCKSTEP_FN static double sample(R& random, double alpha, double beta) {
    const double u = random.uniform();
    return alpha * exp((log(u) - log1p(-u)) / beta);
  }
};
// Log-logistic with median alpha > 0 and shape beta > 0: log y is logistic(log alpha, 1/beta); on y > 0. As Stan's.
// Density (beta/alpha) (y/alpha)^(beta - 1)/(1 + (y/alpha)^beta)^2. Source: Johnson, Kotz & Balakrishnan, Continuous Univariate
// Distributions 2, ch. 23.
template <Operand Alpha, Operand Beta> LOCKSTEP_FN auto log_logistic(const Alpha& alpha, const Beta& beta) {
  return make_distribution<LogLogisticKernel>(argument<Scale>(alpha), argument<Scale>(beta));
}

}  // namespace lockstep
