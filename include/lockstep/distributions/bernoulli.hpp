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

// log p(y) = y (log r - (r - 1)) - log(2 pi y)/2 - stirling_error(y), r = rate/y: Loader's form, exact to the last digits
// for counts of 1e8 too. For y = 0 it is -rate.
template <class Y, class Ratio, class LogRatio, class Rate>
LOCKSTEP_FN auto poisson_log_density(const Y& y, const Ratio& ratio, const LogRatio& log_ratio, const Rate& rate) {
  auto none = y.value == 0.;
  using V = std::remove_cvref_t<decltype(y.value)>;
  using L = decltype(y.value * log_ratio);
  auto safe = choose(none, V(1.), V(y.value));
  L positive = safe * log_minus(L(ratio), L(log_ratio)) - (0.5 * log(safe) + log_sqrt_2pi + stirling_error(safe));
  return unless((y.value < 0.) || (y.value != floor(y.value)), choose(none, L(-rate), positive));
}

struct PoissonKernel {
  template <class Y, class Rate> LOCKSTEP_FN static auto density(const Y& y, const Rate& rate) {
    auto log_density = poisson_log_density(y, rate.value * inverse_of(y), rate.log - log_of(y), rate.value);
    return partials(log_density, Zero{}, y.value * rate.inverse - 1.);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double rate) { return random.poisson(rate); }
};
// Poisson with mean rate > 0; y = 0, 1, 2, ...
template <Operand Rate> LOCKSTEP_FN auto poisson(const Rate& rate) {
  return make_distribution<PoissonKernel>(argument<Scale>(rate));
}

struct PoissonLogKernel {
  template <class Y, class Eta> LOCKSTEP_FN static auto density(const Y& y, const Eta& eta) {
    auto rate = exp(eta.value);
    auto log_ratio = eta.value - log_of(y);
    auto log_density = poisson_log_density(y, exp(log_ratio), log_ratio, rate);
    return partials(log_density, Zero{}, y.value - rate);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double eta) { return random.poisson(exp(eta)); }
};
// Poisson with log mean eta.
template <Operand Eta> LOCKSTEP_FN auto poisson_log(const Eta& eta) {
  return make_distribution<PoissonLogKernel>(argument<Location>(eta));
}

}  // namespace lockstep
