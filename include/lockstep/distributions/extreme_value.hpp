// Extreme values: Gumbel, Frechet, Weibull with Rayleigh, the generalised extreme value and generalised Pareto.
// Formulas: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, ch. 18, 20, and 2, ch. 22; S. Coles,
// An Introduction to Statistical Modeling of Extreme Values, ch. 3, 4.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

struct GumbelKernel {
  static constexpr bool location_scale = true;
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Mu, class Beta>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Beta& beta) {
    using V = LanesOf<Y, Mu, Beta>;
    const V z = (y.value - mu.value) * beta.inverse;
    const V excess = expm1(V(-z)), slope = excess * beta.inverse;
    return partials(V(-z - (1. + excess) - beta.log), slope, V(-slope), V((-z * excess - 1.) * beta.inverse));
  }
  // log x of P(Y <= y) = exp(-x)
  template <class Y, class Mu, class Beta>
  LOCKSTEP_FN static auto log_exponent(const Y& y, const Mu& mu, const Beta& beta) {
    using V = LanesOf<Y, Mu, Beta>;
    const V z = (y.value - mu.value) * beta.inverse;
    return location_scale_partials(V(-z), V(-1.), z, beta);
  }
  template <class Y, class Mu, class Beta> LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const Beta& beta) {
    const auto x = log_exponent(y, mu, beta);
    return chain(log_exponential_tail(x.log_density), x);
  }
  template <class Y, class Mu, class Beta>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const Beta& beta) {
    const auto x = log_exponent(y, mu, beta);
    return chain(log1m_exponential_tail(x.log_density), x);
  }
  static double quantile(const LogTails& p, double mu, double beta) { return mu - beta * log_exponent_of(p.lower, p.upper); }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double beta) {
    return mu - beta * log(random.exponential());
  }
};
// Gumbel (of maxima) with mode mu and scale beta > 0, on the real line: P(y <= x) = exp(-exp(-(x - mu)/beta)).
// Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 2, ch. 22.
template <Operand Mu, Operand Beta> LOCKSTEP_FN auto gumbel(const Mu& mu, const Beta& beta) {
  return make_distribution<GumbelKernel>(argument<Location>(mu), argument<Scale>(beta));
}

struct WeibullKernel {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto density(const Y& y, const Alpha& alpha, const Beta& beta) {
    using V = LanesOf<Y, Alpha, Beta>;
    const V log_ratio = log_of(y) - beta.log, log_power = alpha.value * log_ratio;
    const V excess = expm1(log_power);   // (y/beta)^alpha - 1
    return partials(unless(V(y.value) <= 0., V(alpha.log + log_power - (1. + excess) - log_of(y))),
                    V(-(alpha.value * excess + 1.) * inverse_of(y)), V(alpha.inverse - log_ratio * excess),
                    V(alpha.value * excess * beta.inverse));
  }
  // log x of P(Y > y) = exp(-x)
  template <class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto log_exponent(const Y& y, const Alpha& alpha, const Beta& beta) {
    using V = LanesOf<Y, Alpha, Beta>;
    const V log_ratio = log_of(y) - beta.log;
    return partials(V(alpha.value * log_ratio), V(alpha.value * inverse_of(y)), log_ratio,
                    V(-alpha.value * beta.inverse));
  }
  template <class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Alpha& alpha, const Beta& beta) {
    const auto x = log_exponent(y, alpha, beta);
    return constant_where(y.value <= 0., log_of_none, chain(log1m_exponential_tail(x.log_density), x));
  }
  template <class Y, class Alpha, class Beta>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Alpha& alpha, const Beta& beta) {
    const auto x = log_exponent(y, alpha, beta);
    return constant_where(y.value <= 0., log_of_all, chain(log_exponential_tail(x.log_density), x));
  }
  static double quantile(const LogTails& p, double alpha, double beta) {
    return beta * exp(log_exponent_of(p.upper, p.lower) / alpha);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double alpha, double beta) {
    return beta * exp(log(random.exponential()) / alpha);
  }
};
// Weibull with shape alpha > 0 and scale beta > 0, on y > 0: P(y > x) = exp(-(x/beta)^alpha).
// Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, ch. 21.
template <Operand Alpha, Operand Beta> LOCKSTEP_FN auto weibull(const Alpha& alpha, const Beta& beta) {
  return make_distribution<WeibullKernel>(argument<Scale>(alpha), argument<Scale>(beta));
}

struct FrechetKernel {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Alpha, class Sigma>
  LOCKSTEP_FN static auto density(const Y& y, const Alpha& alpha, const Sigma& sigma) {
    using V = LanesOf<Y, Alpha, Sigma>;
    const V log_ratio = log_of(y) - sigma.log, log_power = alpha.value * log_ratio;
    const V excess = expm1(V(-log_power));   // (y/sigma)^-alpha - 1
    return partials(unless(V(y.value) <= 0., V(alpha.log - log_power - (1. + excess) - log_of(y))),
                    V((alpha.value * excess - 1.) * inverse_of(y)), V(alpha.inverse + log_ratio * excess),
                    V(-alpha.value * excess * sigma.inverse));
  }
  // log x of P(Y <= y) = exp(-x)
  template <class Y, class Alpha, class Sigma>
  LOCKSTEP_FN static auto log_exponent(const Y& y, const Alpha& alpha, const Sigma& sigma) {
    using V = LanesOf<Y, Alpha, Sigma>;
    const V log_ratio = log_of(y) - sigma.log;
    return partials(V(-alpha.value * log_ratio), V(-alpha.value * inverse_of(y)), V(-log_ratio),
                    V(alpha.value * sigma.inverse));
  }
  template <class Y, class Alpha, class Sigma>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Alpha& alpha, const Sigma& sigma) {
    const auto x = log_exponent(y, alpha, sigma);
    return constant_where(y.value <= 0., log_of_none, chain(log_exponential_tail(x.log_density), x));
  }
  template <class Y, class Alpha, class Sigma>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Alpha& alpha, const Sigma& sigma) {
    const auto x = log_exponent(y, alpha, sigma);
    return constant_where(y.value <= 0., log_of_all, chain(log1m_exponential_tail(x.log_density), x));
  }
  static double quantile(const LogTails& p, double alpha, double sigma) {
    return sigma * exp(-log_exponent_of(p.lower, p.upper) / alpha);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double alpha, double sigma) {
    return sigma * exp(-log(random.exponential()) / alpha);
  }
};
// Frechet with shape alpha > 0 and scale sigma > 0, on y > 0: P(y <= x) = exp(-(x/sigma)^-alpha); 1/y is Weibull(alpha,
// 1/sigma). As Stan's.
// Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 2, ch. 22.
template <Operand Alpha, Operand Sigma> LOCKSTEP_FN auto frechet(const Alpha& alpha, const Sigma& sigma) {
  return make_distribution<FrechetKernel>(argument<Scale>(alpha), argument<Scale>(sigma));
}

struct RayleighKernel {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Sigma> LOCKSTEP_FN static auto density(const Y& y, const Sigma& sigma) {
    using V = LanesOf<Y, Sigma>;
    const V z = y.value * sigma.inverse;
    return partials(unless(V(y.value) <= 0., V(log_of(y) - 2. * sigma.log - 0.5 * z * z)),
                    V(inverse_of(y) - z * sigma.inverse), V((z * z - 2.) * sigma.inverse));
  }
  // log x of P(Y > y) = exp(-x)
  template <class Y, class Sigma> LOCKSTEP_FN static auto log_exponent(const Y& y, const Sigma& sigma) {
    using V = LanesOf<Y, Sigma>;
    return partials(V(2. * (log_of(y) - sigma.log) - log_2), V(2. * inverse_of(y)), V(-2. * sigma.inverse));
  }
  template <class Y, class Sigma> LOCKSTEP_FN static auto log_cdf(const Y& y, const Sigma& sigma) {
    const auto x = log_exponent(y, sigma);
    return constant_where(y.value <= 0., log_of_none, chain(log1m_exponential_tail(x.log_density), x));
  }
  template <class Y, class Sigma> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Sigma& sigma) {
    const auto x = log_exponent(y, sigma);
    return constant_where(y.value <= 0., log_of_all, chain(log_exponential_tail(x.log_density), x));
  }
  static double quantile(const LogTails& p, double sigma) {
    return sigma * exp(0.5 * (log_exponent_of(p.upper, p.lower) + log_2));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double sigma) {
    return sigma * sqrt(2. * random.exponential());
  }
};
// Rayleigh with scale sigma > 0, on y > 0: the length of a vector of two independent Normal(0, sigma).
// Density y exp(-y^2/(2 sigma^2))/sigma^2. Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, ch. 18.
template <Operand Sigma> LOCKSTEP_FN auto rayleigh(const Sigma& sigma) {
  return make_distribution<RayleighKernel>(argument<Scale>(sigma));
}

// ---- with a shape xi of either sign ---------------------------------------------------------------------------------

// log(1 + xi z)/xi, which is z where xi is 0, and its derivatives by z and xi.
template <class V> struct ShapedExponent {
  V value, by_z, by_xi, one_plus;   // one_plus: 1 + xi z; not positive outside the support
};
template <class V> LOCKSTEP_FN ShapedExponent<V> shaped_exponent(const V& z, const V& xi) {
  const V u = xi * z, share = 1. / (1. + u);
  // (log(1 + u) - u)/u^2, by its series where the quotient is 0/0
  const V few = u * (1. / 3. - u * (0.25 - u * (0.2 - u * (1. / 6.)))) - 0.5;
  const auto tiny = abs(u) < 1e-4, small = abs(u) < 0.5;
  const V safe = choose(tiny, V(1.), u), log_growth = log1p(safe);
  const V curve = choose(tiny, few, V(log1p_minus(safe, log_growth) / (safe * safe)));
  // log(1 + u)/u, and less 1/(1 + u), over u; for a large u without the cancellation in `curve`
  const V mean = choose(small, V(1. + u * curve), V(log_growth / safe));
  const V fall = choose(small, V(curve + share), V((mean - share) / safe));
  return {V(z * mean), share, V(-z * z * fall), V(1. + u)};
}
// exp(xi t) - 1 over xi: the inverse.
LOCKSTEP_FN inline double shaped_power(double t, double xi) { return xi == 0 ? t : expm1(xi * t) / xi; }

struct GenExtremeKernel {
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Mu, class Sigma, class Xi>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Sigma& sigma, const Xi& xi) {
    using V = LanesOf<Y, Mu, Sigma, Xi>;
    const V z = (y.value - mu.value) * sigma.inverse;
    const auto t = shaped_exponent(z, V(xi.value));
    const V excess = expm1(V(-t.value)), by_t = excess - xi.value, slope = by_t * t.by_z * sigma.inverse;
    return partials(unless(t.one_plus <= 0., V(-(1. + xi.value) * t.value - (1. + excess) - sigma.log)), slope,
                    V(-slope), V(-z * slope - sigma.inverse), V(by_t * t.by_xi - t.value));
  }
  // P(Y <= y) = exp(-x): log x and its partials.
  template <class Y, class Mu, class Sigma, class Xi>
  LOCKSTEP_FN static auto log_exponent(const Y& y, const Mu& mu, const Sigma& sigma, const Xi& xi) {
    using V = LanesOf<Y, Mu, Sigma, Xi>;
    const V z = (y.value - mu.value) * sigma.inverse;
    const auto t = shaped_exponent(z, V(xi.value));
    const V slope = -t.by_z * sigma.inverse;
    return partials(V(-t.value), slope, V(-slope), V(-z * slope), V(-t.by_xi));
  }
  // Beyond its one bound, below if xi > 0, there is nothing.
  template <bool upper, class Y, class Mu, class Sigma, class Xi, class P>
  LOCKSTEP_FN static auto within_bound(const Y& y, const Mu& mu, const Sigma& sigma, const Xi& xi, const P& inside) {
    using V = LanesOf<Y, Mu, Sigma, Xi>;
    constexpr double below = upper ? log_of_all : log_of_none, above = upper ? log_of_none : log_of_all;
    const V value = y.value, shape = xi.value, growth = 1. + shape * (value - mu.value) * sigma.inverse;
    const auto is_below = value == log_of_none || (growth <= 0. && shape > 0.);
    const auto is_above = value == -log_of_none || (growth <= 0. && shape < 0.);
    return constant_where(is_below, below, constant_where(is_above, above, inside));
  }
  template <class Y, class Mu, class Sigma, class Xi>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const Sigma& sigma, const Xi& xi) {
    const auto x = log_exponent(y, mu, sigma, xi);
    return within_bound<false>(y, mu, sigma, xi, chain(log_exponential_tail(x.log_density), x));
  }
  template <class Y, class Mu, class Sigma, class Xi>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const Sigma& sigma, const Xi& xi) {
    const auto x = log_exponent(y, mu, sigma, xi);
    return within_bound<true>(y, mu, sigma, xi, chain(log1m_exponential_tail(x.log_density), x));
  }
  static double quantile(const LogTails& p, double mu, double sigma, double xi) {
    return mu + sigma * shaped_power(-log_exponent_of(p.lower, p.upper), xi);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma, double xi) {
    return mu + sigma * shaped_power(-log(random.exponential()), xi);
  }
};
// Generalised extreme value with location mu, scale sigma > 0 and shape xi: xi = 0 is Gumbel, xi > 0 a Frechet above mu
// - sigma/xi, xi < 0 a reflected Weibull below it. As a parameter it is on the real line, impossible beyond that bound.
// P(y <= x) = exp(-(1 + xi z)^(-1/xi)), z = (x - mu)/sigma. Source: S. Coles, An Introduction to Statistical Modeling of Extreme
// Values, ch. 3.
template <Operand Mu, Operand Sigma, Operand Xi>
LOCKSTEP_FN auto gen_extreme(const Mu& mu, const Sigma& sigma, const Xi& xi) {
  return make_distribution<GenExtremeKernel>(argument<Location>(mu), argument<Scale>(sigma), argument<Location>(xi));
}

struct GenParetoKernel : TailsOf<GenParetoKernel> {
  template <class D> LOCKSTEP_FN static auto support(const D& d) { return above(get<0>(d.arguments).expression); }
  template <class Y, class Mu, class Sigma, class Xi>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Sigma& sigma, const Xi& xi) {
    using V = LanesOf<Y, Mu, Sigma, Xi>;
    const V z = (y.value - mu.value) * sigma.inverse, power = 1. + xi.value;
    const auto t = shaped_exponent(z, V(xi.value));
    const V slope = -power * t.by_z * sigma.inverse;
    return partials(unless(min(z, t.one_plus) < 0., V(-power * t.value - sigma.log)), slope, V(-slope),
                    V(-z * slope - sigma.inverse), V(-power * t.by_xi - t.value));
  }
  // P(Y > y) = exp(-t), t the shaped exponent.
  template <bool upper, class Y, class Mu, class Sigma, class Xi>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu& mu, const Sigma& sigma, const Xi& xi) {
    using V = LanesOf<Y, Mu, Sigma, Xi>;
    constexpr double below = upper ? log_of_all : log_of_none, above = upper ? log_of_none : log_of_all;
    const V z = (y.value - mu.value) * sigma.inverse;
    const auto t = shaped_exponent(z, V(xi.value));
    const V log_t = log(t.value);
    const auto of = upper ? log_exponential_tail(log_t) : log1m_exponential_tail(log_t);
    const V by_t = of.slope / t.value, slope = by_t * t.by_z * sigma.inverse;
    const auto inside = partials(of.value, slope, V(-slope), V(-z * slope), V(by_t * t.by_xi));
    const auto beyond = z == -log_of_none || t.one_plus <= 0.;
    return constant_where(z <= 0., below, constant_where(beyond, above, inside));
  }
  static double quantile(const LogTails& p, double mu, double sigma, double xi) {
    return mu + sigma * shaped_power(-p.upper, xi);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma, double xi) {
    return mu + sigma * shaped_power(random.exponential(), xi);
  }
};
// Generalised Pareto above mu, with scale sigma > 0 and shape xi: P(y > x) = (1 + xi (x - mu)/sigma)^(-1/xi), which is
// exponential where xi is 0. If xi < 0, values above mu - sigma/xi are impossible.
// Source: S. Coles, An Introduction to Statistical Modeling of Extreme Values, ch. 4.
template <Operand Mu, Operand Sigma, Operand Xi>
LOCKSTEP_FN auto gen_pareto(const Mu& mu, const Sigma& sigma, const Xi& xi) {
  return make_distribution<GenParetoKernel>(argument<Location>(mu), argument<Scale>(sigma), argument<Location>(xi));
}

}  // namespace lockstep
