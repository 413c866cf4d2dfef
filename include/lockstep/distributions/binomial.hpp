// Binomial, by probability and by log odds, in saddle-point form (Loader 2000, "Fast and accurate computation of binomial
// probabilities"): exact to the last digits for counts of 1e8 too.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_tails.hpp"

namespace lockstep {

// How many trials.
template <class V, class L, class C> struct TrialsState {
  V value;
  L log;
  C count_term;
};
struct Trials {
  template <class E> LOCKSTEP_FN static auto prepare(const E& e) {
    auto l = log_of(e);
    auto c = count_term_of(e);
    return TrialsState<decltype(e.value), decltype(l), decltype(c)>{e.value, l, c};
  }
};

// With r = n - y failures, q = 1 - p, c(k) = log(k)/2 + stirling_error(k), and each logarithm less its linear part (those
// sum to zero):
//   log p(y) = y log(n p/y) + r log(n q/r) + c(n) - c(y) - c(r) - log(2 pi)/2
// If all trials end alike, it is n log p or n log q.
template <class Y, class N, class P, class LogP, class Q, class LogQ>
LOCKSTEP_FN auto binomial_log_density(const Y& y, const N& n, const P& p, const LogP& log_p, const Q& q, const LogQ& log_q) {
  using R = std::remove_cvref_t<decltype(n.value - y.value)>;
  const R failures = n.value - y.value;
  const DataValue<R> r{choose(failures > 0., failures, R(1.))};
  auto deviance = y.value * log_minus(n.value * p * inverse_of(y), n.log + log_p - log_of(y)) +
                  r.value * log_minus(n.value * q * inverse_of(r), n.log + log_q - log_of(r));
  auto mixed = deviance + (n.count_term - count_term_of(y) - count_term_of(r) - log_sqrt_2pi);
  using L = decltype(mixed);
  auto log_density = choose(y.value == 0., L(n.value * log_q), choose(failures == 0., L(n.value * log_p), mixed));
  const R successes = y.value;
  return unless((min(successes, failures) < 0.) || (successes != floor(successes)), log_density);
}

// d/dn; nothing, once compiled, where n is data.
template <class Y, class N, class LogQ>
LOCKSTEP_FN auto binomial_slope_by_trials(const Y& y, const N& n, const LogQ& log_q) {
  return log_q + (digamma(n.value + 1.) - digamma(n.value - y.value + 1.));
}

// P(Y <= k) = I_q(n - k, k + 1), as a CDF's partials for any y. `d_logit`: of the logit of p by the argument that p is.
template <bool upper, class V, class D>
LOCKSTEP_FN auto binomial_tail(const V& y, const V& n, const V& p, const V& log_p, const V& q, const V& log_q, const D& d_logit) {
  const V k = max(floor(y), V(0.));
  const auto tails = beta_tails(V(n - k), V(k + 1.), q, p, log_q, log_p);
  const auto& of = upper ? tails.upper : tails.lower;
  const auto inside = partials(of.value, Zero{}, of.by_a, V(d_logit * -of.by_logit));
  return constant_where(y < 0., upper ? log_of_all : log_of_none,
                        constant_where(k >= n, upper ? log_of_none : log_of_all, inside));
}

struct BinomialKernel : TailsOf<BinomialKernel> {
  template <class Y, class N, class P> LOCKSTEP_FN static auto density(const Y& y, const N& n, const P& p) {
    auto q = 1. - p.value;
    return partials(binomial_log_density(y, n, p.value, p.log, q, p.log1m), Zero{},
                    binomial_slope_by_trials(y, n, p.log1m), (y.value - n.value * p.value) / (p.value * q));
  }
  static constexpr bool is_of_counts = true;
  template <bool upper, class Y, class N, class P> LOCKSTEP_FN static auto tail(const Y& y, const N& n, const P& p) {
    using V = LanesOf<Y, N, P>;
    const V q = 1. - p.value;
    return binomial_tail<upper>(V(y.value), V(n.value), V(p.value), V(p.log), q, V(p.log1m), V(1. / (p.value * q)));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double n, double p) { return random.binomial(n, p); }
};
// Successes in n trials, each with probability p, 0 < p < 1; y = 0, 1, ..., n.
// P(y) = C(n, y) p^y (1 - p)^(n - y). Source: Johnson, Kemp & Kotz, Univariate Discrete Distributions, ch. 3.
template <Operand N, Operand P> LOCKSTEP_FN auto binomial(const N& n, const P& p) {
  return make_distribution<BinomialKernel>(argument<Trials>(n), argument<Probability>(p));
}

// A probability by its log odds, and its complement: both to full relative accuracy, and their logarithms.
template <class V> struct LogOddsState {
  V value, p, log_p, q, log_q;
};
struct LogOdds {
  template <class E> LOCKSTEP_FN static auto prepare(const E& e) {
    using V = std::remove_cvref_t<decltype(e.value)>;
    const auto up = softplus_sigmoid(V(e.value)), down = softplus_sigmoid(V(-e.value));
    return LogOddsState<V>{e.value, up.sigmoid, -down.softplus, down.sigmoid, -up.softplus};
  }
};

struct BinomialLogitKernel : TailsOf<BinomialLogitKernel> {
  template <class Y, class N, class Eta> LOCKSTEP_FN static auto density(const Y& y, const N& n, const Eta& eta) {
    return partials(binomial_log_density(y, n, eta.p, eta.log_p, eta.q, eta.log_q), Zero{},
                    binomial_slope_by_trials(y, n, eta.log_q), y.value - n.value * eta.p);
  }
  static constexpr bool is_of_counts = true;
  template <bool upper, class Y, class N, class Eta> LOCKSTEP_FN static auto tail(const Y& y, const N& n, const Eta& eta) {
    using V = LanesOf<Y, N, Eta>;
    return binomial_tail<upper>(V(y.value), V(n.value), V(eta.p), V(eta.log_p), V(eta.q), V(eta.log_q), Unit{});
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double n, double eta) {
    return random.binomial(n, softplus_sigmoid(eta).sigmoid);
  }
};
// Successes in n trials with log odds eta: each succeeds with probability 1/(1 + exp(-eta)).
// P(y) = C(n, y) exp(eta y)/(1 + exp(eta))^n. Source: McCullagh & Nelder, Generalized Linear Models, ch. 4.
template <Operand N, Operand Eta> LOCKSTEP_FN auto binomial_logit(const N& n, const Eta& eta) {
  return make_distribution<BinomialLogitKernel>(argument<Trials>(n), argument<LogOdds>(eta));
}

}  // namespace lockstep
