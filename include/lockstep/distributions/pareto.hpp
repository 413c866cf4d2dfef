// Pareto of the first and the second kind. Formulas: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions
// 1, ch. 20.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

struct ParetoKernel {
  template <class D> LOCKSTEP_FN static auto support(const D& d) { return above(get<1>(d.arguments).expression); }
  template <class Y, class Alpha, class Least>
  LOCKSTEP_FN static auto density(const Y& y, const Alpha& alpha, const Least& m) {
    using V = LanesOf<Y, Alpha, Least>;
    const V log_share = m.log - log_of(y);
    return partials(unless(V(y.value) < V(m.value), V(alpha.log + alpha.value * log_share - log_of(y))),
                    V(-(alpha.value + 1.) * inverse_of(y)), V(alpha.inverse + log_share), V(alpha.value * m.inverse));
  }
  // The logarithm of x = alpha log(y/m), of which the tails are exponential: P(Y > y) = exp(-x).
  template <class Y, class Alpha, class Least>
  LOCKSTEP_FN static auto log_exponent(const Y& y, const Alpha& alpha, const Least& m) {
    using V = LanesOf<Y, Alpha, Least>;
    const V excess = (y.value - m.value) * m.inverse;
    const V log_growth = choose(excess < 1., V(log1p(excess)), V(log_of(y) - m.log)), by_growth = 1. / log_growth;
    return partials(V(alpha.log + log(log_growth)), V(by_growth * inverse_of(y)), V(alpha.inverse), V(-by_growth * m.inverse));
  }
  template <class Y, class Alpha, class Least>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Alpha& alpha, const Least& m) {
    const auto x = log_exponent(y, alpha, m);
    return constant_where(LanesOf<Y, Alpha, Least>(y.value - m.value) <= 0., log_of_none, chain(log1m_exponential_tail(x.log_density), x));
  }
  template <class Y, class Alpha, class Least>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Alpha& alpha, const Least& m) {
    const auto x = log_exponent(y, alpha, m);
    return constant_where(LanesOf<Y, Alpha, Least>(y.value - m.value) <= 0., log_of_all, chain(log_exponential_tail(x.log_density), x));
  }
  static double quantile(const LogTails& p, double alpha, double m) { return m * exp(-p.upper / alpha); }
  template <class R> LOCKSTEP_FN static double sample(R& random, double alpha, double m) {
    return m * exp(random.exponential() / alpha);
  }
};
// Pareto with tail index alpha > 0, on y > m > 0: P(y > x) = (m/x)^alpha. Stan's pareto has the arguments the other
// way.
// Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, ch. 20.
template <Operand Alpha, Operand Least> LOCKSTEP_FN auto pareto(const Alpha& alpha, const Least& m) {
  return make_distribution<ParetoKernel>(argument<Scale>(alpha), argument<Scale>(m));
}

struct Pareto2Kernel {
  template <class D> LOCKSTEP_FN static auto support(const D& d) { return above(get<0>(d.arguments).expression); }
  template <class Y, class Mu, class Lambda, class Alpha>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Lambda& lambda, const Alpha& alpha) {
    using V = LanesOf<Y, Mu, Lambda, Alpha>;
    const V z = (y.value - mu.value) * lambda.inverse, log_growth = log1p(z);
    const V share = lambda.inverse / (1. + z), slope = (alpha.value + 1.) * share;
    return partials(unless(z < 0., V(alpha.log - lambda.log - (alpha.value + 1.) * log_growth)), V(-slope), slope,
                    V((alpha.value * z - 1.) * share), V(alpha.inverse - log_growth));
  }
  // As above, of x = alpha log(1 + (y - mu)/lambda).
  template <class Y, class Mu, class Lambda, class Alpha>
  LOCKSTEP_FN static auto log_exponent(const Y& y, const Mu& mu, const Lambda& lambda, const Alpha& alpha) {
    using V = LanesOf<Y, Mu, Lambda, Alpha>;
    const V z = (y.value - mu.value) * lambda.inverse, log_growth = log1p(z);
    const V slope = lambda.inverse / ((1. + z) * log_growth);
    return partials(V(alpha.log + log(log_growth)), slope, V(-slope), V(-z * slope), V(alpha.inverse));
  }
  template <class Y, class Mu, class Lambda, class Alpha>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const Lambda& lambda, const Alpha& alpha) {
    const auto x = log_exponent(y, mu, lambda, alpha);
    return constant_where(LanesOf<Y, Mu, Lambda, Alpha>(y.value - mu.value) <= 0., log_of_none, chain(log1m_exponential_tail(x.log_density), x));
  }
  template <class Y, class Mu, class Lambda, class Alpha>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const Lambda& lambda, const Alpha& alpha) {
    const auto x = log_exponent(y, mu, lambda, alpha);
    return constant_where(LanesOf<Y, Mu, Lambda, Alpha>(y.value - mu.value) <= 0., log_of_all, chain(log_exponential_tail(x.log_density), x));
  }
  static double quantile(const LogTails& p, double mu, double lambda, double alpha) {
    return mu + lambda * expm1(-p.upper / alpha);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double lambda, double alpha) {
    return mu + lambda * expm1(random.exponential() / alpha);
  }
};
// Pareto of the second kind (mu = 0: Lomax) with scale lambda > 0 and tail index alpha > 0, on y > mu:
// P(y > x) = (1 + (x - mu)/lambda)^-alpha. As Stan's pareto_type_2.
// Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, ch. 20.
template <Operand Mu, Operand Lambda, Operand Alpha>
LOCKSTEP_FN auto pareto_2(const Mu& mu, const Lambda& lambda, const Alpha& alpha) {
  return make_distribution<Pareto2Kernel>(argument<Location>(mu), argument<Scale>(lambda), argument<Scale>(alpha));
}

}  // namespace lockstep
