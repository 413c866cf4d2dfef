// Poisson, by rate and by its logarithm, with both tails.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_tails.hpp"

namespace lockstep {

// log p(y) = y (log r - (r - 1)) - log(2 pi y)/2 - stirling_error(y), r = rate/y: Loader's form, exact to the last
// digits for counts of 1e8 too. For y = 0 it is -rate. At any y >= 0, whole or not.
template <class Y, class Rate, class LogRate>
LOCKSTEP_FN auto poisson_log_mass(const Y& y, const Rate& rate, const LogRate& log_rate) {
  auto deviance = y.value * log_minus(rate * inverse_of(y), log_rate - log_of(y));
  auto log_density = deviance - (count_term_of(y) + log_sqrt_2pi);
  using L = decltype(log_density);
  return choose(y.value == 0., L(-rate), log_density);
}
template <class Y, class Rate, class LogRate>
LOCKSTEP_FN auto poisson_log_density(const Y& y, const Rate& rate, const LogRate& log_rate) {
  return unless((y.value < 0.) || (y.value != floor(y.value)), poisson_log_mass(y, rate, log_rate));
}

// ---- tails ----------------------------------------------------------------------------------------------------------------

// P(Y <= k) = Q(k + 1, mean), as a CDF's partials for any y. `d_log_mean`: of the logarithm of the mean by the argument.
template <bool upper, class V, class D>
LOCKSTEP_FN auto poisson_tail(const V& y, const V& mean, const V& log_mean, const D& d_log_mean) {
  const auto tails = gamma_tails(V(max(floor(y), V(0.)) + 1.), mean, log_mean);
  const auto& tail = upper ? tails.lower : tails.upper;
  return on_counts<upper>(y, partials(tail.value, Zero{}, V(d_log_mean * tail.by_log_x)));
}

// ---- the distributions ------------------------------------------------------------------------------------------------------

struct PoissonKernel {
  template <class Y, class Rate> LOCKSTEP_FN static auto density(const Y& y, const Rate& rate) {
    return partials(poisson_log_density(y, rate.value, rate.log), Zero{}, y.value * rate.inverse - 1.);
  }
  static constexpr bool is_of_counts = true;
  template <class Y, class Rate> LOCKSTEP_FN static auto log_cdf(const Y& y, const Rate& rate) {
    using V = LanesOf<Y, Rate>;
    return poisson_tail<false>(V(y.value), V(rate.value), V(rate.log), rate.inverse);
  }
  template <class Y, class Rate> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Rate& rate) {
    using V = LanesOf<Y, Rate>;
    return poisson_tail<true>(V(y.value), V(rate.value), V(rate.log), rate.inverse);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double rate) { return random.poisson(rate); }
};
// Poisson with mean rate > 0; y = 0, 1, 2, ...
// P(y) = rate^y exp(-rate)/y!. Source: Johnson, Kemp & Kotz, Univariate Discrete Distributions, ch. 4.
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
    return poisson_tail<false>(V(y.value), V(eta.rate), V(eta.value), Unit{});
  }
  template <class Y, class Eta> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Eta& eta) {
    using V = LanesOf<Y, Eta>;
    return poisson_tail<true>(V(y.value), V(eta.rate), V(eta.value), Unit{});
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double eta) { return random.poisson(exp(eta)); }
};
// Poisson with log mean eta.
// P(y) = exp(eta y - exp(eta))/y!. Source: McCullagh & Nelder, Generalized Linear Models, ch. 6.
template <Operand Eta> LOCKSTEP_FN auto poisson_log(const Eta& eta) {
  return make_distribution<PoissonLogKernel>(argument<LogRate>(eta));
}

}  // namespace lockstep
