// Poisson, by rate and by its logarithm, with both tails.
#pragma once

#include <limits>

#include "lockstep/distribution.hpp"

namespace lockstep {

// log p(y) = y (log r - (r - 1)) - log(2 pi y)/2 - stirling_error(y), r = rate/y: Loader's form, exact to the last
// digits for counts of 1e8 too. For y = 0 it is -rate.
template <class Y, class Rate, class LogRate>
LOCKSTEP_FN auto poisson_log_density(const Y& y, const Rate& rate, const LogRate& log_rate) {
  auto deviance = y.value * log_minus(rate * inverse_of(y), log_rate - log_of(y));
  auto log_density = deviance - (count_term_of(y) + log_sqrt_2pi);
  using L = decltype(log_density);
  return unless((y.value < 0.) || (y.value != floor(y.value)), choose(y.value == 0., L(-rate), log_density));
}

// ---- tails ----------------------------------------------------------------------------------------------------------------

LOCKSTEP_FN inline bool in_any_lane(bool mask) { return mask; }
template <class Mask> bool in_any_lane(const Mask& mask) { return any(mask); }

// log P(Y <= k) and log P(Y > k) of a Poisson with mean mu, and their derivatives by mu.
template <class V> struct PoissonTails {
  V log_lower, log_upper, d_lower, d_upper;
};

// For k >= 0, a whole number. The tail on k's side of the mean is a sum of positive terms that fall from the first on,
//   P(Y <= k) = p(k) [1 + k/mu + k (k-1)/mu^2 + ...],   P(Y > k) = p(k+1) [1 + mu/(k+2) + mu^2/((k+2) (k+3)) + ...],
// about 9 sqrt(mu) of them at the mean, few away from it; the other tail is what is left. The derivatives are -p(k) and p(k)
// over the tail. NaN where a million terms are not enough: near the mean, from means of about 1e10 on.
template <class V> LOCKSTEP_FN PoissonTails<V> poisson_tails(const V& k, const V& mu, const V& log_mu) {
  constexpr int most_terms = 1000000;
  const auto is_lower = k < mu;
  V term(1.), sum(1.);
  SumOf<V> terms(1.);
  for (int i = 0; i < most_terms && in_any_lane(term > 1e-17 * sum); ++i) {
    term = term * choose(is_lower, V(max(V(k - double(i)), V(0.)) / mu), V(mu / (k + double(i + 2))));
    accumulate(terms, term);
    sum = narrow<V>(terms);
  }
  sum = choose(term > 1e-17 * sum, V(std::numeric_limits<double>::quiet_NaN()), sum);
  const V first = choose(is_lower, k, V(k + 1.));
  const V log_first = poisson_log_density(DataValue<V>{first}, mu, log_mu);
  const V tail = log_first + log(sum), rest = log1m_exp(tail);
  const V ratio = choose(is_lower, V(1.), V((k + 1.) / mu));                  // p(k) over the first term
  const V near = ratio / sum, far = ratio * exp(log_first - rest);            // p(k) over the tail that was summed, and the other
  return {choose(is_lower, tail, rest), choose(is_lower, rest, tail), choose(is_lower, V(-near), V(-far)),
          choose(is_lower, far, near)};
}

// A tail as a CDF's partials, for any y. `d_mu`: of the mean by the distribution's argument.
template <bool upper, class V, class D> LOCKSTEP_FN auto poisson_tail(const V& y, const V& mu, const V& log_mu, const D& d_mu) {
  const auto tails = poisson_tails(V(max(floor(y), V(0.))), mu, log_mu);
  const V value = upper ? tails.log_upper : tails.log_lower, slope = upper ? tails.d_upper : tails.d_lower;
  return constant_where(y < 0., upper ? log_of_all : log_of_none, partials(value, Zero{}, V(d_mu * slope)));
}

// ---- the distributions ------------------------------------------------------------------------------------------------------

struct PoissonKernel {
  template <class Y, class Rate> LOCKSTEP_FN static auto density(const Y& y, const Rate& rate) {
    return partials(poisson_log_density(y, rate.value, rate.log), Zero{}, y.value * rate.inverse - 1.);
  }
  static constexpr bool is_of_counts = true;
  template <class Y, class Rate> LOCKSTEP_FN static auto log_cdf(const Y& y, const Rate& rate) {
    using V = LanesOf<Y, Rate>;
    return poisson_tail<false>(V(y.value), V(rate.value), V(rate.log), Unit{});
  }
  template <class Y, class Rate> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Rate& rate) {
    using V = LanesOf<Y, Rate>;
    return poisson_tail<true>(V(y.value), V(rate.value), V(rate.log), Unit{});
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
  static constexpr bool is_of_counts = true;
  template <class Y, class Eta> LOCKSTEP_FN static auto log_cdf(const Y& y, const Eta& eta) {
    using V = LanesOf<Y, Eta>;
    return poisson_tail<false>(V(y.value), V(eta.rate), V(eta.value), eta.rate);
  }
  template <class Y, class Eta> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Eta& eta) {
    using V = LanesOf<Y, Eta>;
    return poisson_tail<true>(V(y.value), V(eta.rate), V(eta.value), eta.rate);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double eta) { return random.poisson(exp(eta)); }
};
// Poisson with log mean eta.
template <Operand Eta> LOCKSTEP_FN auto poisson_log(const Eta& eta) {
  return make_distribution<PoissonLogKernel>(argument<LogRate>(eta));
}

}  // namespace lockstep
