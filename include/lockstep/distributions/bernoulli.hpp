// Bernoulli, by probability and by its log odds.
#pragma once

#include "lockstep/distribution.hpp"

namespace lockstep {

// A tail of a distribution over 0 and 1, given its partials between the two.
template <bool upper, class V, class P> LOCKSTEP_FN auto of_zero_or_one(const V& y, const P& between) {
  constexpr double below = upper ? log_of_all : log_of_none, beyond = upper ? log_of_none : log_of_all;
  return constant_where(y < 0., below, constant_where(y >= 1., beyond, between));
}

struct BernoulliKernel {
  template <class Y, class P> LOCKSTEP_FN static auto density(const Y& y, const P& p) {
    // y is 0 or 1, so one of the two terms is exactly zero; a product with an infinite logarithm is avoided.
    auto one = y.value == 1.;
    using L = decltype(p.log + y.value);
    auto log_density = choose(one, L(p.log), L(p.log1m));
    auto slope = choose(one, L(1. / p.value), L(-1. / (1. - p.value)));
    return partials(unless((y.value != 0.) && (y.value != 1.), log_density), Zero{}, slope);
  }
  static constexpr bool is_of_counts = true;
  template <class Y, class P> LOCKSTEP_FN static auto log_cdf(const Y& y, const P& p) {
    using V = LanesOf<Y, P>;
    return of_zero_or_one<false>(V(y.value), partials(V(p.log1m), Zero{}, V(-1. / (1. - p.value))));
  }
  template <class Y, class P> LOCKSTEP_FN static auto log_ccdf(const Y& y, const P& p) {
    using V = LanesOf<Y, P>;
    return of_zero_or_one<true>(V(y.value), partials(V(p.log), Zero{}, V(1. / p.value)));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double p) { return random.uniform() < p ? 1. : 0.; }
};
// Bernoulli with probability of 1 p, 0 < p < 1; y is 0 or 1.
// P(y) = p^y (1 - p)^(1 - y). Source: Johnson, Kemp & Kotz, Univariate Discrete Distributions, ch. 3.
template <Operand P> LOCKSTEP_FN auto bernoulli(const P& p) {
  return make_distribution<BernoulliKernel>(argument<Probability>(p));
}

struct BernoulliLogitKernel {
  template <class Y, class Eta> LOCKSTEP_FN static auto density(const Y& y, const Eta& eta) {
    auto sign = 2. * y.value - 1.;
    auto both = softplus_sigmoid(-(sign * eta.value));
    return partials(unless((y.value != 0.) && (y.value != 1.), -both.softplus), Zero{}, sign * both.sigmoid);
  }
  static constexpr bool is_of_counts = true;
  template <class Y, class Eta> LOCKSTEP_FN static auto log_cdf(const Y& y, const Eta& eta) {
    using V = LanesOf<Y, Eta>;
    const auto both = softplus_sigmoid(V(eta.value));
    return of_zero_or_one<false>(V(y.value), partials(V(-both.softplus), Zero{}, V(-both.sigmoid)));
  }
  template <class Y, class Eta> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Eta& eta) {
    using V = LanesOf<Y, Eta>;
    const auto both = softplus_sigmoid(V(-eta.value));
    return of_zero_or_one<true>(V(y.value), partials(V(-both.softplus), Zero{}, both.sigmoid));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double eta) {
    return random.uniform() < softplus_sigmoid(eta).sigmoid ? 1. : 0.;
  }
};
// Bernoulli with log odds eta: P(y = 1) = 1/(1 + exp(-eta)).
// Source: McCullagh & Nelder, Generalized Linear Models, ch. 4.
template <Operand Eta> LOCKSTEP_FN auto bernoulli_logit(const Eta& eta) {
  return make_distribution<BernoulliLogitKernel>(argument<Location>(eta));
}

}  // namespace lockstep
