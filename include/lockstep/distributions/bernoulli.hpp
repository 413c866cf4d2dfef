// Bernoulli and Poisson, by probability or rate and by their link functions.
#pragma once

#include "lockstep/distribution.hpp"

namespace lockstep {

struct BernoulliKernel {
  template <class Y, class P> LOCKSTEP_FN static auto density(const Y& y, const P& p) {
    // y is 0 or 1, so one of the two terms is exactly zero; a product with an infinite logarithm is avoided.
    auto one = y.value == 1.;
    using L = decltype(p.log + y.value);
    auto log_density = choose(one, L(p.log), L(p.log1m));
    auto slope = choose(one, L(1. / p.value), L(-1. / (1. - p.value)));
    return partials(unless((y.value != 0.) && (y.value != 1.), log_density), Zero{}, slope);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double p) { return random.uniform() < p ? 1. : 0.; }
};
// Bernoulli with probability of 1 p, 0 < p < 1; y is 0 or 1.
template <Operand P> LOCKSTEP_FN auto bernoulli(const P& p) {
  return make_distribution<BernoulliKernel>(argument<Probability>(p));
}

struct BernoulliLogitKernel {
  template <class Y, class Eta> LOCKSTEP_FN static auto density(const Y& y, const Eta& eta) {
    auto sign = 2. * y.value - 1.;
    auto both = softplus_sigmoid(-(sign * eta.value));
    return partials(unless((y.value != 0.) && (y.value != 1.), -both.softplus), Zero{}, sign * both.sigmoid);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double eta) {
    return random.uniform() < softplus_sigmoid(eta).sigmoid ? 1. : 0.;
  }
};
// Bernoulli with log odds eta: P(y = 1) = 1/(1 + exp(-eta)).
template <Operand Eta> LOCKSTEP_FN auto bernoulli_logit(const Eta& eta) {
  return make_distribution<BernoulliLogitKernel>(argument<Location>(eta));
}

// log p(y) = y (log r - (r - 1)) - log(2 pi y)/2 - stirling_error(y), r = rate/y: Loader's form, exact to the last
// digits for counts of 1e8 too. For y = 0 it is -rate.
template <class Y, class Rate, class LogRate>
LOCKSTEP_FN auto poisson_log_density(const Y& y, const Rate& rate, const LogRate& log_rate) {
  auto deviance = y.value * log_minus(rate * inverse_of(y), log_rate - log_of(y));
  auto log_density = deviance - (count_term_of(y) + log_sqrt_2pi);
  using L = decltype(log_density);
  return unless((y.value < 0.) || (y.value != floor(y.value)), choose(y.value == 0., L(-rate), log_density));
}

struct PoissonKernel {
  template <class Y, class Rate> LOCKSTEP_FN static auto density(const Y& y, const Rate& rate) {
    return partials(poisson_log_density(y, rate.value, rate.log), Zero{}, y.value * rate.inverse - 1.);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double rate) { return random.poisson(rate); }
};
// Poisson with mean rate > 0; y = 0, 1, 2, ...
template <Operand Rate> LOCKSTEP_FN auto poisson(const Rate& rate) {
  return make_distribution<PoissonKernel>(argument<Scale>(rate));
}

// The logarithm of a rate, and the rate.
template <class V, class N> struct LogRateState {
  V value;
  N rate;
};
struct LogRate {
  template <class E> LOCKSTEP_FN static auto prepare(const E& e) {
    auto rate = exp(e.value);
    return LogRateState<decltype(e.value), decltype(rate)>{e.value, rate};
  }
};

struct PoissonLogKernel {
  template <class Y, class Eta> LOCKSTEP_FN static auto density(const Y& y, const Eta& eta) {
    return partials(poisson_log_density(y, eta.rate, eta.value), Zero{}, y.value - eta.rate);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double eta) { return random.poisson(exp(eta)); }
};
// Poisson with log mean eta.
template <Operand Eta> LOCKSTEP_FN auto poisson_log(const Eta& eta) {
  return make_distribution<PoissonLogKernel>(argument<LogRate>(eta));
}

}  // namespace lockstep
