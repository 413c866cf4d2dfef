// Distributions with extra zeros: inflated ones have zeros from two sources, a hurdle has all of its zeros from one.
// Sources: D. Lambert, "Zero-inflated Poisson regression", 1992; J. Mullahy, "Specification and testing of some
// modified count data models", 1986.
#pragma once

#include <vector>

#include "lockstep/distributions/poisson.hpp"
#include "lockstep/distributions/binomial.hpp"
#include "lockstep/distributions/censored.hpp"
#include "lockstep/distributions/gamma.hpp"
#include "lockstep/distributions/negative_binomial.hpp"
#include "lockstep/distributions/normal.hpp"

namespace lockstep {

// `partials` of `leading` and then of f(derivative, I) for each derivative in `d`.
template <class D, class F, std::size_t... I, class... Leading>
LOCKSTEP_FN auto extend_partials(const D& d, const F& f, std::index_sequence<I...>, const Leading&... leading) {
  return partials(leading..., f(get<I>(d), std::integral_constant<std::size_t, I>{})...);
}

// psi d, also where the share of the base is none.
template <class V, class D> LOCKSTEP_FN auto shared_slope(const V& share, const D& d) {
  if constexpr (std::is_same_v<D, Zero>) return Zero{};
  else return V(choose(share > 0., V(share * d), V(0.)));
}
// The tails of 0 with probability 1 - psi, else of the base, which is nowhere below 0:
//   P(Y <= y) = 1 - psi + psi base(y),   P(Y > y) = psi (1 - base(y))
template <class Base, class Y, class Psi, class... A>
LOCKSTEP_FN auto log_cdf_with_zeros(const Y& y, const Psi& psi, const A&... a) {
  using V = LanesOf<Y, A..., Psi>;
  const auto base = Base::log_cdf(y, a...);
  const V joint = psi.log + base.log_density, value = log_sum_exp(V(psi.log1m), joint), share = exp(V(joint - value));
  const V d_psi = -exp(V(Base::log_ccdf(y, a...).log_density - value));
  const auto shared = [&](const auto& d, auto) { return shared_slope(share, d); };
  return constant_where(V(y.value) < 0., log_of_none,
                        extend_partials(base.d_arguments, shared, std::index_sequence_for<A...>{}, value,
                                        shared_slope(share, base.d_value), d_psi));
}
template <class Base, class Y, class Psi, class... A>
LOCKSTEP_FN auto log_ccdf_with_zeros(const Y& y, const Psi& psi, const A&... a) {
  using V = LanesOf<Y, A..., Psi>;
  const auto base = Base::log_ccdf(y, a...);
  const auto same = [](const auto& d, auto) { return d; };
  return constant_where(V(y.value) < 0., log_of_all,
                        extend_partials(base.d_arguments, same, std::index_sequence_for<A...>{}, V(psi.log + base.log_density),
                                        base.d_value, V(1. / psi.value)));
}

// p(0) = 1 - psi + psi base(0), p(y) = psi base(y).
template <class Base> struct ZeroInflatedKernel {
  template <class Y, class Psi, class... A> LOCKSTEP_FN static auto density(const Y& y, const Psi& psi, const A&... a) {
    const auto base = Base::density(y, a...);
    using V = std::remove_cvref_t<decltype(base.log_density + psi.log + y.value)>;
    const auto is_zero = V(y.value) == 0.;
    const V joint = psi.log + base.log_density, either = log_sum_exp(V(psi.log1m), joint);
    const V share = choose(is_zero, V(exp(V(joint - either))), V(1.));   // that y is from the base
    const V d_psi = choose(is_zero, V(expm1(V(base.log_density)) * exp(V(-either))), V(1. / psi.value));
    const auto shared = [&](const auto& d, auto) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(d)>, Zero>) return Zero{};
      else return V(share * d);
    };
    return extend_partials(base.d_arguments, shared, std::index_sequence_for<A...>{}, choose(is_zero, either, joint),
                           Zero{}, d_psi);
  }
  static constexpr bool is_of_counts = true;
  template <class Y, class Psi, class... A> LOCKSTEP_FN static auto log_cdf(const Y& y, const Psi& psi, const A&... a) {
    return log_cdf_with_zeros<Base>(y, psi, a...);
  }
  template <class Y, class Psi, class... A> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Psi& psi, const A&... a) {
    return log_ccdf_with_zeros<Base>(y, psi, a...);
  }
  template <class R, class... A> LOCKSTEP_FN static double sample(R& random, double psi, A... a) {
    return random.bernoulli(psi) ? Base::sample(random, a...) : 0.;
  }
};

// Host only. Where a value that is from the distribution comes from: the probabilities of [0] the extra zeros, [1] the base.
template <class M, class Base, class Psi, class... A>
std::vector<double> label_probabilities(const M& m, const Distribution<ZeroInflatedKernel<Base>, Psi, A...>& d, double y) {
  if (y != 0) return {0, 1};
  Prepared<M, Distribution<ZeroInflatedKernel<Base>, Psi, A...>> prepared(m, d);
  const double psi = get<0>(d.arguments).expression.evaluate(m).value;
  const double extra = (1 - psi) / exp(double(prepared.at(m, d, DataValue<double>{y}).log_density));
  return {extra, 1 - extra};
}

// Counts that are not 0, however rare they are.
template <class R> LOCKSTEP_FN double positive_count(PoissonKernel, R& random, double mu) {
  if (!(mu > 0)) return log(-1.);
  // The first event's time in (0, mu), given that there is one; then those after it.
  const double first = -log1p(random.uniform() * expm1(-mu));
  return 1 + random.poisson(mu > first ? mu - first : 0.);
}
// A. W. Kemp, "Efficient generation of logarithmically distributed pseudo-random variables", 1981: P(k) proportional to
// q^k/k.
template <class R> LOCKSTEP_FN double logarithmic_count(R& random, double log_rest) {
  const double v = random.uniform();
  if (v >= -expm1(log_rest)) return 1;
  const double t = -expm1(log_rest * random.uniform());
  return v <= t * t ? floor(1 + log(v) / log(t)) : v >= t ? 1 : 2;
}
template <class R>
LOCKSTEP_FN double positive_count(NegativeBinomialKernel, R& random, double mu, double alpha, double) {
  // Clusters, a Poisson number of them, each of a logarithmic size. If none is unlikely, the whole by rejection.
  const double log_rest = -log1p(mu / alpha), clusters = -alpha * log_rest;
  if (!(clusters > 0)) return clusters;
  double y = 0;
  if (clusters > 1) {
    while (y == 0) y = random.negative_binomial(mu, alpha);
  } else {
    for (double k = positive_count(PoissonKernel{}, random, clusters); k > 0; --k)
      y += logarithmic_count(random, log_rest);
  }
  return y;
}

// p(0) = 1 - psi, and above 0 psi times the base's density there, normalised: `counts` says that the base has zeros
// too.
template <class Base, bool counts> struct HurdleKernel {
  template <class Y, class Psi, class... A> LOCKSTEP_FN static auto density(const Y& y, const Psi& psi, const A&... a) {
    const auto base = Base::density(y, a...);
    using V = std::remove_cvref_t<decltype(base.log_density + psi.log + y.value)>;
    const auto is_zero = V(y.value) == 0.;
    const V zero(0.), d_psi = choose(is_zero, V(-1. / (1. - psi.value)), V(1. / psi.value));
    if constexpr (counts) {
      const auto at_zero = Base::density(DataValue<V>{zero}, a...);
      const V log_none = at_zero.log_density, odds = 1. / expm1(V(-log_none));
      const auto above = [&]<std::size_t I>(const auto& d, std::integral_constant<std::size_t, I>) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(d)>, Zero>) return Zero{};
        else return choose(is_zero, V(0.), V(d + odds * get<I>(at_zero.d_arguments)));
      };
      const V log_density = choose(is_zero, V(psi.log1m), V(psi.log + base.log_density - log1m_exp(log_none)));
      return extend_partials(base.d_arguments, above, std::index_sequence_for<A...>{}, log_density, Zero{}, d_psi);
    } else {
      const auto above = [&](const auto& d, auto) { return choose(is_zero, V(0.), V(d)); };
      const V log_density = choose(is_zero, V(psi.log1m), V(psi.log + base.log_density));
      return extend_partials(base.d_arguments, above, std::index_sequence_for<A...>{}, log_density,
                             choose(is_zero, zero, V(base.d_value)), d_psi);
    }
  }
  static constexpr bool is_of_counts = counts, has_atoms = !counts;
  // Of counts, for y >= 1 and with B the base's CDF:
  //   P(Y <= y) = 1 - psi + psi (B(y) - B(0))/(1 - B(0)),   P(Y > y) = psi (1 - B(y))/(1 - B(0))
  template <class Y, class Psi, class... A> LOCKSTEP_FN static auto log_cdf(const Y& y, const Psi& psi, const A&... a) {
    if constexpr (!counts) {
      return log_cdf_with_zeros<Base>(y, psi, a...);
    } else {
      using V = LanesOf<Y, A..., Psi>;
      const DataValue<V> zero{V(0.)};
      const auto is_zero = V(y.value) < 1.;
      const auto part = interval_mass<Base>(zero, DataValue<V>{choose(is_zero, V(1.), V(y.value))}, a...);
      const auto above_zero = Base::log_ccdf(zero, a...);
      const V joint = psi.log + part.log_density - above_zero.log_density;
      const V value = choose(is_zero, V(psi.log1m), V(log_sum_exp(V(psi.log1m), joint)));
      const V share = choose(is_zero, V(0.), V(exp(V(joint - value))));
      const V beyond = Base::log_ccdf(y, a...).log_density - above_zero.log_density;
      const V d_psi = choose(is_zero, V(-1. / (1. - psi.value)), V(-exp(V(beyond - value))));
      const auto shared = [&]<std::size_t I>(const auto& d, std::integral_constant<std::size_t, I>) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(d)>, Zero>) return Zero{};
        else return shared_slope(share, V(d - get<I>(above_zero.d_arguments)));
      };
      return constant_where(V(y.value) < 0., log_of_none,
                            extend_partials(part.d_arguments, shared, std::index_sequence_for<A...>{}, value, Zero{}, d_psi));
    }
  }
  template <class Y, class Psi, class... A> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Psi& psi, const A&... a) {
    if constexpr (!counts) {
      return log_ccdf_with_zeros<Base>(y, psi, a...);
    } else {
      using V = LanesOf<Y, A..., Psi>;
      const auto base = Base::log_ccdf(y, a...), above_zero = Base::log_ccdf(DataValue<V>{V(0.)}, a...);
      const auto less = [&]<std::size_t I>(const auto& d, std::integral_constant<std::size_t, I>) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(d)>, Zero>) return Zero{};
        else return V(d - get<I>(above_zero.d_arguments));
      };
      return constant_where(V(y.value) < 0., log_of_all,
                            extend_partials(base.d_arguments, less, std::index_sequence_for<A...>{},
                                            V(psi.log + base.log_density - above_zero.log_density), Zero{}, V(1. / psi.value)));
    }
  }
  template <class R, class... A> LOCKSTEP_FN static double sample(R& random, double psi, A... a) {
    if (!random.bernoulli(psi)) return 0.;
    if constexpr (counts) return positive_count(Base{}, random, a...);
    else return Base::sample(random, a...);
  }
};

// As those of zero-inflated distributions: here every zero is an extra one.
template <class M, class Base, bool counts, class... A>
std::vector<double> label_probabilities(const M&, const Distribution<HurdleKernel<Base, counts>, A...>&, double y) {
  return {y == 0 ? 1. : 0., y == 0 ? 0. : 1.};
}

// Poisson(mu) with probability psi, else 0; 0 < psi < 1. psi is PyMC's: the share of the Poisson.
// P(0) = 1 - psi + psi exp(-mu); P(y) = psi mu^y exp(-mu)/y!. Source: D. Lambert, "Zero-inflated Poisson regression", 1992.
template <Operand Psi, Operand Mu> LOCKSTEP_FN auto zero_inflated_poisson(const Psi& psi, const Mu& mu) {
  return make_distribution<ZeroInflatedKernel<PoissonKernel>>(argument<Probability>(psi), argument<Scale>(mu));
}
// Binomial(n, p) with probability psi, else 0.
// P(0) = 1 - psi + psi (1 - p)^n; P(y) = psi C(n, y) p^y (1 - p)^(n - y). Source: D. B. Hall, "Zero-inflated Poisson and binomial
// regression with random effects: a case study", 2000.
template <Operand Psi, Operand N, Operand P>
LOCKSTEP_FN auto zero_inflated_binomial(const Psi& psi, const N& n, const P& p) {
  return make_distribution<ZeroInflatedKernel<BinomialKernel>>(argument<Probability>(psi), argument<Trials>(n),
                                                               argument<Probability>(p));
}
// Negative binomial with mean mu and dispersion alpha with probability psi, else 0.
// P(0) = 1 - psi + psi q(0), P(y) = psi q(y), q negative_binomial's. Source: W. H. Greene, "Accounting for excess zeros and
// sample selection in Poisson and negative binomial regression models", 1994.
template <Operand Psi, Operand Mu, Operand Alpha>
LOCKSTEP_FN auto zero_inflated_negative_binomial(const Psi& psi, const Mu& mu, const Alpha& alpha) {
  return make_distribution<ZeroInflatedKernel<NegativeBinomialKernel>>(
      argument<Probability>(psi), argument<Scale>(mu), argument<Shape>(alpha),
      argument<Scale>(as_recipe(mu) + as_recipe(alpha)));
}

// 0 with probability 1 - psi, else a Poisson(mu) that is not 0; 0 < psi < 1. psi is PyMC's: the probability of a count
// above 0.
// P(0) = 1 - psi; P(y) = psi mu^y exp(-mu)/(y! (1 - exp(-mu))). Source: J. Mullahy, "Specification and testing of some modified
// count data models", 1986.
template <Operand Psi, Operand Mu> LOCKSTEP_FN auto hurdle_poisson(const Psi& psi, const Mu& mu) {
  return make_distribution<HurdleKernel<PoissonKernel, true>>(argument<Probability>(psi), argument<Scale>(mu));
}
// 0 with probability 1 - psi, else a negative binomial with mean mu and dispersion alpha that is not 0.
// P(0) = 1 - psi; P(y) = psi q(y)/(1 - q(0)), q negative_binomial's. Source: J. Mullahy, as hurdle_poisson.
template <Operand Psi, Operand Mu, Operand Alpha>
LOCKSTEP_FN auto hurdle_negative_binomial(const Psi& psi, const Mu& mu, const Alpha& alpha) {
  return make_distribution<HurdleKernel<NegativeBinomialKernel, true>>(
      argument<Probability>(psi), argument<Scale>(mu), argument<Shape>(alpha),
      argument<Scale>(as_recipe(mu) + as_recipe(alpha)));
}
// 0 with probability 1 - psi, else Gamma(alpha, rate beta). For data, as all hurdles.
// P(0) = 1 - psi; density psi gamma(alpha, beta)'s above. Source: J. Aitchison, "On the distribution of a positive random
// variable having a discrete probability mass at the origin", 1955.
template <Operand Psi, Operand Alpha, Operand Beta>
LOCKSTEP_FN auto hurdle_gamma(const Psi& psi, const Alpha& alpha, const Beta& beta) {
  return make_distribution<HurdleKernel<GammaKernel, false>>(argument<Probability>(psi), argument<Shape>(alpha),
                                                             argument<Scale>(beta));
}
// 0 with probability 1 - psi, else log-normal(mu, sigma).
// P(0) = 1 - psi; density psi lognormal(mu, sigma)'s above. Source: J. Aitchison, as hurdle_gamma.
template <Operand Psi, Operand Mu, Operand Sigma>
LOCKSTEP_FN auto hurdle_lognormal(const Psi& psi, const Mu& mu, const Sigma& sigma) {
  return make_distribution<HurdleKernel<LogNormalKernel, false>>(argument<Probability>(psi), argument<Location>(mu),
                                                                 argument<Scale>(sigma));
}

}  // namespace lockstep
