// The regularised incomplete gamma and beta functions, both tails in logarithms with their derivatives, generic over
// lanes as special.hpp is.
//
// One of the two tails is integrated, never the one in which the mode is, so that the integrand falls from the end x of
// the tail on. In w, the logarithm of t/x or of the ratio of the odds of t and x, it is log-concave and entire, or nearly:
//   gamma  x^a e^-x/Gamma(a)    int exp(-(x - a) w - x (e^w - 1 - w)) dw
//   beta   x^a (1 - x)^b/B(a, b) int exp(a w - (a + b) log(1 + x (e^w - 1))) dw
// over w > 0 for the upper tail, w < 0 for the lower. A rule of fixed size, cut off where the integrand has fallen by
// e^-32, has relative errors below 1e-12 for shapes from the least to 1e10 and more, at a cost that is the same everywhere.
// Derivatives by the shapes are integrals of the same integrand times w or log(1 + x (e^w - 1)). The factor in front is in
// saddle-point form (special.hpp). A lower tail with a small shape decays slowly in w: by the recurrence in the shape (NIST
// DLMF 8.8.5, 8.17.20), a sum of positive terms, the integral is that of a shape larger by 6.
#pragma once

#include <limits>

#include "lockstep/special.hpp"

namespace lockstep {

namespace detail {

// f(node, weight) for the nodes of Gauss and Legendre's rule of 32 points on [0, end].
template <class T, class F> LOCKSTEP_FN inline void for_each_node(T end, const F& f) {
  // The lower half of them on [0, 1]; the others are their mirror images.
  constexpr double node[16] = {0.0013680690752592183, 0.007194244227365833, 0.017618872206246784, 0.03254696203113015,
                               0.05183942211697394,   0.07531619313371501,  0.1027581020160288,   0.13390894062985517,
                               0.1684778665348924,    0.20614212137961885,  0.2465500455338853,   0.2893243619346823,
                               0.33406569885893617,   0.38035631887393145,  0.42776401920860174,  0.4758461671561308};
  constexpr double weight[16] = {0.003509305004735048, 0.008137197365452835, 0.01269603265463103,  0.017136931456510716,
                                 0.02141794901111334,  0.025499029631188087, 0.029342046739267772, 0.032911111388180925,
                                 0.03617289705442425,  0.039096947893535156, 0.041655962113473374, 0.043826046502201906,
                                 0.045586939347881945, 0.04692219954040228,  0.04781936003963743,  0.0482700442573639};
  for (int i = 0; i < 32; ++i) {
    const int k = i < 16 ? i : 31 - i;
    f(end * T(i < 16 ? node[k] : 1. - node[k]), end * T(weight[k]));
  }
}

// The integrand is cut off where its logarithm is below minus this.
constexpr double depth = 32.;
// Where slope u + curvature u^2/(2 + u) is the depth.
template <class T> LOCKSTEP_FN inline T depth_reached(T slope, T curvature) {
  const T excess = T(2.) * slope - T(depth);
  return T(4. * depth) / (excess + sqrt(excess * excess + T(8. * depth) * (slope + curvature)));
}

// exp(w) - 1 - w, given expm1(w): by its series where the two agree in their first digits.
template <class T> LOCKSTEP_FN inline T expm1_minus(T w, T expm1_w) {
  const T near = w * w * horner(w, 1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 0.5);
  return select(abs(w) < T(0.1), near, expm1_w - w);
}

}  // namespace detail

// log P(a, x) as `lower` and log Q(a, x) as `upper`, P = 1 - Q the regularised incomplete gamma function, and their
// derivatives by log x and by a.
template <class T> struct GammaTail {
  T value, by_log_x, by_a;
};
template <class T> struct GammaTails {
  GammaTail<T> lower, upper;
};

// For a > 0 and 0 <= x <= infinity, given log x, which is right also where x underflows.
template <class T> LOCKSTEP_FN inline GammaTails<T> gamma_tails(T a, T x, T log_x) {
  using namespace detail;
  const auto is_lower = x < max(a, T(1.));
  const auto is_small = is_lower && a < T(6.);
  const T shape = select(is_small, a + T(6.), a);
  const T slope = x - shape, side = select(is_lower, T(-1.), T(1.));
  const T upper_end = min(min(T(depth) / abs(slope), sqrt(T(2. * depth) / x)), log1p(T(depth) / x) + T(0.5));
  T sum(0.), sum_by_a(0.);
  for_each_node(select(is_lower, depth_reached(abs(slope), x), upper_end), [&](T u, T weight) {
    const T w = side * u;
    const T mass = weight * exp(-slope * w - x * expm1_minus(w, expm1(w)));
    sum += mass;
    sum_by_a += mass * w;
  });
  // x^a e^-x/Gamma(a) times `sum`; for a small a, x^a e^-x/Gamma(a + 1) times 1 + x/(a + 1) (1 + x/(a + 2) (1 + ...)).
  T series = T(1.) + x * sum, series_by_a = x * sum_by_a;
  for (int k = 5; k >= 1; --k) {
    const T inverse = T(1.) / (a + T(double(k))), ratio = x * inverse;
    series_by_a = ratio * (series_by_a - series * inverse);
    series = T(1.) + ratio * series;
  }
  const T factor = select(is_small, series, sum), factor_by_a = select(is_small, series_by_a, sum_by_a);
  const T b = select(is_small, a + T(1.), a), log_b = log(b), log_ratio = log_x - log_b;
  const T log_head = b * log1p_minus(T((x - b) / b), log_ratio) + T(0.5) * log_b - T(0.91893853320467274) - stirling_error(b) -
                     select(is_small, log_x, T(0.));
  const T zero(0.), none(-std::numeric_limits<double>::infinity());
  const T tail = select(log_x == none, none, log_head + log(factor)), rest = log1m_exp(tail), odds = exp(tail - rest);
  const T by_a = log_ratio + T(0.5) / b - stirling_error_derivative(b) + factor_by_a / factor;
  const T by_log_x = -side * select(is_small, a, T(1.)) / factor;
  const auto all = x == T(std::numeric_limits<double>::infinity());
  const auto pick = [&](const T& of_tail, const T& of_rest, const T& at_infinity) {
    return select(all, at_infinity, select(is_lower, of_tail, of_rest));
  };
  return {{pick(tail, rest, zero), pick(by_log_x, -odds * by_log_x, zero), pick(by_a, -odds * by_a, zero)},
          {pick(rest, tail, none), pick(-odds * by_log_x, by_log_x, zero), pick(-odds * by_a, by_a, zero)}};
}

// log I_x(a, b) as `lower` and log(1 - I_x(a, b)) as `upper`, I the regularised incomplete beta function, and their
// derivatives by log(x/(1 - x)), by a and by b.
template <class T> struct BetaTail {
  T value, by_logit, by_a, by_b;
};
template <class T> struct BetaTails {
  BetaTail<T> lower, upper;
};

// For a, b > 0 and 0 <= x <= 1, given y = 1 - x and both logarithms, each to all its digits.
template <class T> LOCKSTEP_FN inline BetaTails<T> beta_tails(T a, T b, T x, T y, T log_x, T log_y) {
  using namespace detail;
  // The tail from t, the distance to its end, where the density has the power `own`; t + rest = 1.
  const auto is_lower = x * max(b, T(1.)) < y * max(a, T(1.));
  const T own = select(is_lower, a, b), other = select(is_lower, b, a);
  const T t = select(is_lower, x, y), rest = select(is_lower, y, x);
  const T log_t = select(is_lower, log_x, log_y), log_rest = select(is_lower, log_y, log_x);
  const auto is_small = own < T(6.);
  const T shape = select(is_small, own + T(6.), own), n = shape + other;
  // Integrated in the odds of the smaller of t and its complement, p: a square of p would cancel where p is near 1.
  const auto inwards = t <= rest;
  const T p = select(inwards, t, rest), q = select(inwards, rest, t);
  const T alpha = select(inwards, shape, other), beta = select(inwards, other, shape);
  const T slope = p * beta - q * alpha, side = select(inwards, T(-1.), T(1.));
  const T near_end = depth_reached(abs(slope), n * p * q);
  const T log_p = select(inwards, log_t, log_rest);
  const T far_end = log1p(expm1((T(depth) / n - p * log_p) / q) / p) + T(0.5);
  T sum(0.), sum_by_alpha(0.), sum_by_beta(0.);
  for_each_node(select(inwards, near_end, min(near_end, far_end)), [&](T u, T weight) {
    const T w = side * u, growth = expm1(w), z = p * growth, bend = log1p_minus(z), log_growth = bend + z;
    const T mass = weight * exp(-slope * w - n * (bend + p * expm1_minus(w, growth)));
    sum += mass;
    sum_by_alpha += mass * (w - log_growth);
    sum_by_beta -= mass * log_growth;
  });
  const T sum_by_own = select(inwards, sum_by_alpha, sum_by_beta), sum_by_other = select(inwards, sum_by_beta, sum_by_alpha);
  // t^own rest^other/B(own, other) times `sum`; for a small shape, over `own`, times 1 + n t/(own + 1) (1 + (n + 1) t/(own + 2)
  // (1 + ...)), n = own + other.
  const T total = own + other, last = t * (total + T(5.));
  T series = T(1.) + last * sum, series_by_own = t * sum + last * sum_by_own, series_by_other = t * sum + last * sum_by_other;
  for (int k = 5; k >= 1; --k) {
    const T up = total + T(double(k - 1)), down = own + T(double(k)), ratio = t * up / down;
    const T by_up = series / up;
    series_by_own = ratio * (series_by_own + by_up - series / down);
    series_by_other = ratio * (series_by_other + by_up);
    series = T(1.) + ratio * series;
  }
  const T factor = select(is_small, series, sum);
  const T factor_by_own = select(is_small, series_by_own, sum_by_own);
  const T factor_by_other = select(is_small, series_by_other, sum_by_other);
  const T c = select(is_small, own + T(1.), own), m = c + other;
  const T log_c = log(c), log_other = log(other), log_m = log(m);
  const T excess = t * other - rest * c, log_up = log_t + log_m - log_c, log_down = log_rest + log_m - log_other;
  const T log_head = c * log1p_minus(T(excess / c), log_up) + other * log1p_minus(T(-excess / other), log_down) +
                     T(0.5) * (log_c + log_other - log_m) - T(0.91893853320467274) +
                     (stirling_error(m) - stirling_error(c) - stirling_error(other)) -
                     select(is_small, log_t + log(total), T(0.));
  const T through_total = stirling_error_derivative(m) - T(0.5) / m - select(is_small, T(1.) / total, T(0.));
  const T by_own = log_up + T(0.5) / c - stirling_error_derivative(c) + through_total + factor_by_own / factor;
  const T by_other =
      log_down + T(0.5) / other - stirling_error_derivative(other) + through_total + factor_by_other / factor;
  const T by_logit = select(is_lower, T(1.), T(-1.)) * select(is_small, own, T(1.)) / factor;
  const T none(-std::numeric_limits<double>::infinity());
  const T tail = select(log_t == none, none, log_head + log(factor)), remainder = log1m_exp(tail), odds = exp(tail - remainder);
  const T by_a = select(is_lower, by_own, by_other), by_b = select(is_lower, by_other, by_own);
  const auto pick = [&](const T& of_tail, const T& of_rest) { return select(is_lower, of_tail, of_rest); };
  return {{pick(tail, remainder), pick(by_logit, -odds * by_logit), pick(by_a, -odds * by_a), pick(by_b, -odds * by_b)},
          {pick(remainder, tail), pick(-odds * by_logit, by_logit), pick(-odds * by_a, by_a), pick(-odds * by_b, by_b)}};
}

}  // namespace lockstep
