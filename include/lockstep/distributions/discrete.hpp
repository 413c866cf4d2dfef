// Counts without large factorials: geometric, discrete uniform, discrete Weibull; and a point mass.
// Formulas: Johnson, Kemp & Kotz, Univariate Discrete Distributions, ch. 5, 6, 11.
#pragma once

#include "lockstep/distributions/binomial.hpp"

namespace lockstep {

struct GeometricKernel {
  template <class Y, class P> LOCKSTEP_FN static auto density(const Y& y, const P& p) {
    using V = LanesOf<Y, P>;
    const V value = y.value, failures = value - 1.;
    const auto first = failures == 0.;   // no failure, also where p rounds to 1
    const V rest = choose(first, V(0.), V(failures * p.log1m)),
            by_rest = choose(first, V(0.), V(failures / (1. - p.value)));
    return partials(unless(failures < 0. || not_whole(value), V(p.log + rest)), Zero{}, V(1. / p.value - by_rest));
  }
  static constexpr bool is_of_counts = true;
  // P(Y > y) = (1 - p)^y for whole y.
  template <class Y, class P> LOCKSTEP_FN static auto log_ccdf(const Y& y, const P& p) {
    using V = LanesOf<Y, P>;
    const V trials = floor(V(y.value));
    return constant_where(trials < 1., log_of_all, partials(V(trials * p.log1m), Zero{}, V(-trials / (1. - p.value))));
  }
  template <class Y, class P> LOCKSTEP_FN static auto log_cdf(const Y& y, const P& p) {
    using V = LanesOf<Y, P>;
    const V trials = floor(V(y.value)), log_rest = trials * p.log1m;
    return constant_where(trials < 1., log_of_none, partials(V(log1m_exp(log_rest)), Zero{},
                                                             V(trials / ((1. - p.value) * expm1(V(-log_rest))))));
  }
  static double quantile(const LogTails& p, double chance) { return chance < 1 ? max(1., -floor(-p.upper / log1p(-chance))) : 1; }
  template <class R> LOCKSTEP_FN static double sample(R& random, double p) {
    return p < 1 ? floor(random.exponential() / -log1p(-p)) + 1 : 1;
  }
};
// How many trials it takes to the first success, each with probability p, 0 < p < 1; y = 1, 2, 3, ...
// P(y) = p (1 - p)^(y - 1). Source: Johnson, Kemp & Kotz, Univariate Discrete Distributions, ch. 5.
template <Operand P> LOCKSTEP_FN auto geometric(const P& p) {
  return make_distribution<GeometricKernel>(argument<Probability>(p));
}

struct GeometricLogitKernel {
  template <class Y, class Eta> LOCKSTEP_FN static auto density(const Y& y, const Eta& eta) {
    using V = LanesOf<Y, Eta>;
    const V value = y.value, failures = value - 1.;
    return partials(unless(failures < 0. || not_whole(value), V(eta.log_p + failures * eta.log_q)), Zero{},
                    V(eta.q - failures * eta.p));
  }
  static constexpr bool is_of_counts = true;
  template <class Y, class Eta> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Eta& eta) {
    using V = LanesOf<Y, Eta>;
    const V trials = floor(V(y.value));
    return constant_where(trials < 1., log_of_all, partials(V(trials * eta.log_q), Zero{}, V(-trials * eta.p)));
  }
  template <class Y, class Eta> LOCKSTEP_FN static auto log_cdf(const Y& y, const Eta& eta) {
    using V = LanesOf<Y, Eta>;
    const V trials = floor(V(y.value)), log_rest = trials * eta.log_q;
    return constant_where(trials < 1., log_of_none,
                          partials(V(log1m_exp(log_rest)), Zero{}, V(trials * eta.p / expm1(V(-log_rest)))));
  }
  static double quantile(const LogTails& p, double eta) { return max(1., -floor(p.upper / softplus(eta))); }
  template <class R> LOCKSTEP_FN static double sample(R& random, double eta) {
    return floor(random.exponential() / softplus(eta)) + 1;
  }
};
// The same, by the log odds eta of a success.
// P(y) = exp(eta)/(1 + exp(eta))^y. Source: Johnson, Kemp & Kotz, Univariate Discrete Distributions, ch. 5.
template <Operand Eta> LOCKSTEP_FN auto geometric_logit(const Eta& eta) {
  return make_distribution<GeometricLogitKernel>(argument<LogOdds>(eta));
}

struct DiscreteUniformKernel {
  template <class Y, class Lower, class Upper, class Count>
  LOCKSTEP_FN static auto density(const Y& y, const Lower& lower, const Upper& upper, const Count& count) {
    using V = LanesOf<Y, Lower, Upper>;
    const V value = y.value, inside = min(V(value - lower.value), V(upper.value - value));
    return partials(unless(inside < 0. || not_whole(value), V(-count.log)), Zero{}, Zero{}, Zero{}, -count.inverse);
  }
  static constexpr bool is_of_counts = true;
  template <class Y, class Lower, class Upper, class Count>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Lower& lower, const Upper& upper, const Count& count) {
    using V = LanesOf<Y, Lower, Upper>;
    const V value = floor(V(y.value)), part = value - lower.value + 1.;
    const auto inside = partials(V(log(part) - count.log), Zero{}, V(-1. / part), Zero{}, V(-count.inverse));
    return constant_where(part <= 0., log_of_none, constant_where(value >= V(upper.value), log_of_all, inside));
  }
  template <class Y, class Lower, class Upper, class Count>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Lower& lower, const Upper& upper, const Count& count) {
    using V = LanesOf<Y, Lower, Upper>;
    const V value = floor(V(y.value)), part = upper.value - value;
    const auto inside = partials(V(log(part) - count.log), Zero{}, Zero{}, V(1. / part), V(-count.inverse));
    return constant_where(part <= 0., log_of_none, constant_where(value < V(lower.value), log_of_all, inside));
  }
  static double quantile(const LogTails& p, double lower, double upper, double count) {
    return p.lower < p.upper ? lower + max(0., -floor(-count * exp(p.lower)) - 1)
                             : upper - min(count - 1, floor(count * exp(p.upper)));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double lower, double, double count) {
    return lower + floor(count * random.uniform());
  }
};
// Uniform over the whole numbers lower, lower + 1, ..., upper.
// P(y) = 1/(upper - lower + 1). Source: Johnson, Kemp & Kotz, Univariate Discrete Distributions, ch. 6.
template <Operand Lower, Operand Upper> LOCKSTEP_FN auto discrete_uniform(const Lower& lower, const Upper& upper) {
  return make_distribution<DiscreteUniformKernel>(argument<Location>(lower), argument<Location>(upper),
                                                  argument<Scale>(as_recipe(upper) - as_recipe(lower) + 1.));
}

struct DiscreteWeibullKernel {
  // With powers a = y^beta and b = (y + 1)^beta: p(y) = q^a - q^b = q^a (1 - q^(b - a)).
  template <class Y, class Q, class Beta> LOCKSTEP_FN static auto density(const Y& y, const Q& q, const Beta& beta) {
    using V = LanesOf<Y, Q, Beta>;
    const V value = y.value;
    const auto is_zero = value == 0.;
    const V safe = choose(value > 0., value, V(1.));
    const V log_y = log(safe), log_growth = log1p(V(1. / safe));
    const V power = choose(is_zero, V(0.), V(exp(V(beta.value * log_y))));
    const V growth = expm1(V(beta.value * log_growth));
    const V step = choose(is_zero, V(1.), V(power * growth));
    const V fall = step * q.log;                         // log q^(b - a) < 0
    const V odds = 1. / expm1(V(-fall));                 // q^(b - a)/(1 - q^(b - a))
    const V by_power = power * log_y;                    // da/dbeta
    const V by_step = choose(is_zero, V(0.), V(by_power * growth + (power + step) * log_growth));
    return partials(unless(value < 0. || not_whole(value), V(power * q.log + log1m_exp(fall))), Zero{},
                    V((power - step * odds) / q.value), V(q.log * (by_power - by_step * odds)));
  }
  static constexpr bool is_of_counts = true;
  // P(Y > y) = q^((y + 1)^beta) for whole y.
  template <class Y, class Q, class Beta>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Q& q, const Beta& beta) {
    using V = LanesOf<Y, Q, Beta>;
    const V value = y.value, log_next = log1p(V(max(floor(value), V(0.)))), power = exp(V(beta.value * log_next));
    return on_counts<true>(value, partials(V(power * q.log), Zero{}, V(power / q.value), V(power * q.log * log_next)));
  }
  template <class Y, class Q, class Beta>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Q& q, const Beta& beta) {
    using V = LanesOf<Y, Q, Beta>;
    const V value = y.value, log_next = log1p(V(max(floor(value), V(0.)))), power = exp(V(beta.value * log_next));
    const V log_rest = power * q.log, odds = -1. / expm1(V(-log_rest));
    return on_counts<false>(value, partials(V(log1m_exp(log_rest)), Zero{}, V(odds * power / q.value),
                                            V(odds * log_rest * log_next)));
  }
  static double quantile(const LogTails& p, double q, double beta) {
    return max(0., -floor(-exp(log(p.upper / log(q)) / beta)) - 1);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double q, double beta) {
    return floor(exp(log(random.exponential() / -log(q)) / beta));
  }
};
// Discrete Weibull: P(y >= x) = q^(x^beta), 0 < q < 1, beta > 0; y = 0, 1, 2, ... Source: T. Nakagawa & S. Osaki, "The
// discrete Weibull distribution", 1975.
template <Operand Q, Operand Beta> LOCKSTEP_FN auto discrete_weibull(const Q& q, const Beta& beta) {
  return make_distribution<DiscreteWeibullKernel>(argument<Probability>(q), argument<Scale>(beta));
}

struct DiracDeltaKernel {
  template <class Y, class C> LOCKSTEP_FN static auto density(const Y& y, const C& c) {
    using V = LanesOf<Y, C>;
    return partials(unless(V(y.value) != V(c.value), V(0.)), Zero{}, Zero{});
  }
  static constexpr bool has_atoms = true;
  template <class Y, class C> LOCKSTEP_FN static auto log_cdf(const Y& y, const C& c) {
    using V = LanesOf<Y, C>;
    return partials(unless(V(y.value) < V(c.value), V(0.)), Zero{}, Zero{});
  }
  template <class Y, class C> LOCKSTEP_FN static auto log_ccdf(const Y& y, const C& c) {
    using V = LanesOf<Y, C>;
    return partials(unless(V(y.value) >= V(c.value), V(0.)), Zero{}, Zero{});
  }
  template <class R> LOCKSTEP_FN static double sample(R&, double c) { return c; }
};
// A point mass: y is c, with probability 1. For data, and as a component of a mixture of counts.
template <Operand C> LOCKSTEP_FN auto dirac_delta(const C& c) {
  return make_distribution<DiracDeltaKernel>(argument<Location>(c));
}

}  // namespace lockstep
