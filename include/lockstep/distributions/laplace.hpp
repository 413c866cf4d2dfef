// Laplace and asymmetric Laplace. Formulas: Kotz, Kozubowski & Podgorski, The Laplace Distribution and Generalizations,
// ch. 2, 3.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

struct LaplaceKernel {
  static constexpr bool location_scale = true;
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Mu, class B> LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const B& b) {
    using V = LanesOf<Y, Mu, B>;
    const V z = (y.value - mu.value) * b.inverse;
    const V size = abs(z), slope = sign_of(z) * b.inverse;
    return partials(V(-size - (b.log + log_2)), V(-slope), slope, V((size - 1.) * b.inverse));
  }
  template <class Y, class Mu, class B> LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const B& b) {
    return symmetric_log_cdf(y, mu, b, [](const auto& z) { return lower_half(z); });
  }
  template <class Y, class Mu, class B> LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const B& b) {
    return symmetric_log_ccdf(y, mu, b, [](const auto& z) { return lower_half(z); });
  }
  // log P(Z <= z) in standard units, and its derivative.
  template <class V> LOCKSTEP_FN static ValueAndSlope<V, V> lower_half(const V& z) {
    const V tail = 0.5 * exp(V(-abs(z)));
    return {V(choose(z < 0., V(z - log_2), V(log1p(V(-tail))))), V(choose(z < 0., V(1.), V(tail / (1. - tail))))};
  }
  static double quantile(const LogTails& p, double mu, double b) {
    return p.lower < p.upper ? mu + b * (p.lower + log_2) : mu - b * (p.upper + log_2);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double b) {
    const double up = random.exponential(), down = random.exponential();
    return mu + b * (up - down);
  }
};
// Laplace (double exponential) with mean mu and scale b > 0 (variance 2 b^2), on the real line.
// Density exp(-|y - mu|/b)/(2 b). Source: Kotz, Kozubowski & Podgorski, The Laplace Distribution and Generalizations, ch. 2.
template <Operand Mu, Operand B> LOCKSTEP_FN auto laplace(const Mu& mu, const B& b) {
  return make_distribution<LaplaceKernel>(argument<Location>(mu), argument<Scale>(b));
}

struct AsymmetricLaplaceKernel : TailsOf<AsymmetricLaplaceKernel> {
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Kappa, class Mu, class B>
  LOCKSTEP_FN static auto density(const Y& y, const Kappa& kappa, const Mu& mu, const B& b) {
    using V = LanesOf<Y, Kappa, Mu, B>;
    const V distance = y.value - mu.value, side = sign_of(distance);
    const V decay = choose(distance < 0., V(kappa.inverse), V(kappa.value));
    const V fall = abs(distance) * decay;
    // log(kappa + 1/kappa), and its derivative by log kappa
    const V size = abs(V(kappa.log)), below = expm1(V(-2. * size));
    const V slope = side * b.value * decay;
    return partials(V(b.log - size - log1p(V(1. + below)) - b.value * fall), V(-slope),
                    V((sign_of(V(kappa.log)) * below / (2. + below) - side * b.value * fall) * kappa.inverse), slope,
                    V(b.inverse - fall));
  }
  // The tail on the side of y is exponential, the other what is left.
  template <bool upper, class Y, class Kappa, class Mu, class B>
  LOCKSTEP_FN static auto tail(const Y& y, const Kappa& kappa, const Mu& mu, const B& b) {
    using V = LanesOf<Y, Kappa, Mu, B>;
    const V distance = y.value - mu.value;
    const auto is_lower = distance < 0.;
    const V side = choose(is_lower, V(-1.), V(1.)), decay = choose(is_lower, V(kappa.inverse), V(kappa.value));
    const V fall = abs(distance) * decay;
    const auto share = softplus_sigmoid(V(2. * side * kappa.log));   // exp(-softplus): the probability on this side of mu
    const V own = -share.softplus - b.value * fall, rest = log1m_exp(own);
    const auto is_own = upper ? !is_lower : is_lower;
    const V factor = choose(is_own, V(1.), V(-exp(own - rest))), slope = -factor * side * b.value * decay;
    return partials(V(choose(is_own, own, rest)), slope,
                    V(-factor * side * (2. * share.sigmoid + b.value * fall) * kappa.inverse), V(-slope), V(-factor * fall));
  }
  static double quantile(const LogTails& p, double kappa, double mu, double b) {
    const double log_below = -softplus(-2 * log(kappa)), log_above = -softplus(2 * log(kappa));   // of P(Y <= mu), P(Y > mu)
    return p.lower < log_below ? mu + (p.lower - log_below) * kappa / b : mu - (p.upper - log_above) / (kappa * b);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double kappa, double mu, double b) {
    const double up = random.exponential() / kappa, down = random.exponential() * kappa;
    return mu + (up - down) / b;
  }
};
// Asymmetric Laplace on the real line: mode mu, and away from it a decay at rate b kappa above and b/kappa below;
// kappa, b > 0. b is a rate, as in PyMC. Stan's skew_double_exponential(mu, sigma, tau) has kappa = sqrt(tau/(1 - tau))
// and b = 2 sqrt(tau (1 - tau))/sigma.
// Density b/(kappa + 1/kappa) exp(-b |y - mu| s), s = kappa above mu and 1/kappa below. Source: Kotz, Kozubowski & Podgorski, The
// Laplace Distribution and Generalizations, ch. 3.
template <Operand Kappa, Operand Mu, Operand B>
LOCKSTEP_FN auto asymmetric_laplace(const Kappa& kappa, const Mu& mu, const B& b) {
  return make_distribution<AsymmetricLaplaceKernel>(argument<Scale>(kappa), argument<Location>(mu), argument<Scale>(b));
}

}  // namespace lockstep
