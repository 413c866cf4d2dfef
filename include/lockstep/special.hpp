// Special functions that densities are made of, generic over lanes.
//
// T is `double` or a SIMD pack. Nothing branches on a value: where two formulas meet, both are computed and `select`
// takes one, so every lane costs the same. Unqualified calls find math.hpp for `double` and the pack library for a
// pack.
//
// Log densities with large parameters need these pieces rather than log_gamma: log Gamma(1e8) is about 1.7e9, so the
// difference of two such numbers has lost seven digits before it starts. With S = stirling_error and
// L = log1p_minus the large parts cancel on paper (C. Loader, "Fast and accurate computation of binomial
// probabilities", 2000):
//
//   log Poisson(k | r), k > 0                       -log(2 pi k)/2 - S(k) + k L((r - k)/k)
//   log Gamma(y | a, b)                             log(a/(2 pi))/2 - log y - S(a) + a L((b y - a)/a)
//   log Beta(y | a, b), n = a + b                   log(a b/(2 pi n))/2 - log y - log(1 - y) + S(n) - S(a) - S(b)
//                                                     + a L((n y - a)/a) + b L((n (1 - y) - b)/b)
//   log Gamma(h + 1/2) - log Gamma(h) - log(h)/2    S(h + 1/2) - S(h) + h L(1/(2 h))
//
// In the tails (r - k)/k rounds to -1 and the digits of r are gone: give L the logarithm, log r - log k, as well.
//
// The accuracy of each function is a row of the table in tests/special_functions_test.cpp.
#pragma once

#include "lockstep/macros.hpp"
#include "lockstep/math.hpp"

namespace lockstep {

// log(1 + exp(x)) and its derivative 1/(1 + exp(-x)).
template <class T>
struct SoftplusSigmoid {
  T softplus, sigmoid;
};

namespace detail {

// A polynomial in x by Horner's rule, the coefficient of the highest power first.
template <class T, class... Coefficients>
LOCKSTEP_FN inline T horner(T x, double highest, Coefficients... rest) {
  T sum = T(highest);
  ((sum = sum * x + T(rest)), ...);
  return sum;
}

// sum_{k >= 0} y^k / (2k + 3), that is (atanh(s)/s - 1)/y at s = sqrt(y), for 0 <= y <= 1/9.
// Chebyshev fit of degree 9, absolute error 7e-17. Even and odd powers apart halve the chain of dependent operations.
template <class T>
LOCKSTEP_FN inline T atanh_tail(T y) {
  const T z = y * y;
  const T even =
      horner(z, 0.04400369243072337, 0.06657072104827468, 0.09090894718066429, 0.1428571428355438, 0.3333333333333333);
  const T odd = horner(z, 0.08082022805971766, 0.06000536404795356, 0.07692785032479312, 0.11111111358713932,
                       0.20000000000007292);
  return odd * y + even;
}

// log((1 + s)/(1 - s)) for |s| <= 1/3. With s = x/(2 + x) this is log1p(x), with the full relative accuracy of s.
template <class T>
LOCKSTEP_FN inline T log_ratio(T s) {
  const T y = s * s;
  return T(2.) * s + T(2.) * s * y * atanh_tail(y);
}

// The ten factors that carry x to x + 10: with u = x (x + 9),
//   product = x (x + 1) ... (x + 9) = u (u + 8) (u + 14) (u + 18) (u + 20),
//   slope   = d product / d u.
template <class T>
struct TenFactors {
  T product, slope;
};

template <class T>
LOCKSTEP_FN inline TenFactors<T> ten_factors(T x) {
  const T u = x * (x + T(9.));
  return {u * (u + T(8.)) * (u + T(14.)) * ((u + T(18.)) * (u + T(20.))), horner(u, 5., 240., 3924., 24352., 40320.)};
}

// Stirling's series, sum_k B_2k / (2k (2k - 1) x^(2k - 1)) (NIST DLMF 5.11.1), for x >= 10, where the first term left
// out is below 2e-18.
template <class T>
LOCKSTEP_FN inline T stirling_series(T x) {
  const T r = T(1.) / x;
  return r * horner(r * r, -0.029550653594771242, 0.00641025641025641, -0.0019175269175269176, 0.0008417508417508417,
                    -0.0005952380952380953, 0.0007936507936507937, -0.002777777777777778, 0.08333333333333333);
}

// Its derivative, -sum_k B_2k / (2k x^2k), for x >= 10; the first term left out is below 3e-19.
template <class T>
LOCKSTEP_FN inline T stirling_series_derivative(T x) {
  const T y = T(1.) / (x * x);
  return y * horner(y, -3.0539543302701198, 0.4432598039215686, -0.08333333333333333, 0.021092796092796094,
                    -0.007575757575757576, 0.004166666666666667, -0.003968253968253968, 0.008333333333333333,
                    -0.08333333333333333);
}

}  // namespace detail

// log Gamma(x) - [(x - 1/2) log x - x + log(2 pi)/2] for x > 0: what Stirling's formula leaves out of log Gamma.
// Below 10 the argument is carried up by ten: one logarithm of a quotient near 1, one of all ten factors.
template <class T>
LOCKSTEP_FN inline T stirling_error(T x) {
  const auto small = x < T(10.);
  const T up = select(small, x + T(10.), x);
  const T up2 = up * up, up4 = up2 * up2;
  const T ratio = select(small, up4 * up4 * up2 / detail::ten_factors(x).product, T(1.));
  return (x - T(0.5)) * log(up / x) + (log(ratio) - (up - x)) + detail::stirling_series(up);
}

// d stirling_error / dx = digamma(x) - log x + 1/(2 x) for x > 0.
template <class T>
LOCKSTEP_FN inline T stirling_error_derivative(T x) {
  const auto small = x < T(10.);
  const T up = select(small, x + T(10.), x);
  const auto factors = detail::ten_factors(x);
  const T carried = select(small, (T(2.) * x + T(9.)) * factors.slope / factors.product, T(0.));
  return log(up / x) + T(0.5) * (T(1.) / x - T(1.) / up) - carried + detail::stirling_series_derivative(up);
}

// log Gamma(x) for x > 0; +inf at 0, NaN below.
template <Number T>
LOCKSTEP_FN inline T log_gamma(T x) {
  const auto small = x < T(10.);
  const T up = select(small, x + T(10.), x);
  // The constant is log(2 pi)/2 - 1/2; the -1/2 belongs to (up - 1/2)(log(up) - 1), which stays finite or +inf.
  const T at_up = (up - T(0.5)) * (log(up) - T(1.)) + T(0.41893853320467274) + detail::stirling_series(up);
  const T product = select(small, detail::ten_factors(x).product, T(1.));
  return at_up - log(select(x < T(0.), T(-1.), product));
}

// d log Gamma / dx for x > 0.
template <Number T>
LOCKSTEP_FN inline T digamma(T x) {
  const auto small = x < T(10.);
  const T up = select(small, x + T(10.), x);
  const auto factors = detail::ten_factors(x);
  const T carried = select(small, (T(2.) * x + T(9.)) * factors.slope / factors.product, T(0.));
  return log(up) - T(0.5) / up + detail::stirling_series_derivative(up) - carried;
}

// d digamma / dx for x > 0: the ten terms below x + 10 by themselves, 1/x^2 + ... + 1/(x + 9)^2, then the derivative of
// digamma's asymptotic series (NIST DLMF 5.15.8).
template <Number T>
LOCKSTEP_FN inline T trigamma(T x) {
  const auto small = x < T(10.);
  const T up = select(small, x + T(10.), x);
  T carried(0.);
  for (int k = 9; k >= 0; --k) {
    const T inverse = T(1.) / (x + T(double(k)));
    carried += inverse * inverse;
  }
  const T r = T(1.) / up, y = r * r;
  const T series = detail::horner(y, 1.1666666666666667, -0.2531135531135531, 0.07575757575757576, -0.03333333333333333,
                                  0.023809523809523808, -0.03333333333333333, 0.16666666666666666);
  return r + T(0.5) * y + r * y * series + select(small, carried, T(0.));
}

// d trigamma / dx for x > 0, likewise (NIST DLMF 5.15.9, n = 2).
template <Number T>
LOCKSTEP_FN inline T tetragamma(T x) {
  const auto small = x < T(10.);
  const T up = select(small, x + T(10.), x);
  T carried(0.);
  for (int k = 9; k >= 0; --k) {
    const T inverse = T(1.) / (x + T(double(k)));
    carried += inverse * inverse * inverse;
  }
  const T r = T(1.) / up, y = r * r;
  const T series = detail::horner(y, 11111.60909090909, -1044.452380952381, 120.56666666666666, -17.5, 3.2904761904761903,
                                  -0.8333333333333334, 0.3, -0.16666666666666666, 0.16666666666666666, -0.5);
  return y * (y * series - r - T(1.)) - select(small, T(2.) * carried, T(0.));
}

// log(1 + x) - x for finite x > -1, with full relative accuracy where the two cancel. Near 0, with r = x/(2 + x),
//   log(1 + x) = 2 atanh(r)  and  x = 2 r/(1 - r)  give  r (2 r^2 atanh_tail(r^2) - x).
// Outside [-1/2, 1] it is log1p_x - x, where log1p_x is the caller's log(1 + x): for x = (p - q)/q that is
// log p - log q, right also where x is -1 to the last digit, and often at hand.
template <class T>
LOCKSTEP_FN inline T log1p_minus(T x, T log1p_x) {
  const T r = x / (T(2.) + x);
  const T y = r * r;
  const T near = r * (T(2.) * y * detail::atanh_tail(y) - x);
  return select(abs(T(4.) * x - T(1.)) <= T(3.), near, log1p_x - x);
}

// Outside [-1/2, 1] the sum 1 + x is exact (x <= -1/2) or rounds by less than the result notices (x >= 1).
template <class T>
LOCKSTEP_FN inline T log1p_minus(T x) {
  return log1p_minus(x, log(T(1.) + x));
}

// log(1 + exp(x)) and 1/(1 + exp(-x)) for any x, from one exponential and one division: with e = exp(-|x|),
//   log1p(e) = log_ratio(e/(2 + e)),   1/(1 + e) is the sigmoid of |x|.
template <class T>
LOCKSTEP_FN inline SoftplusSigmoid<T> softplus_sigmoid(T x) {
  const T e = exp(-abs(x));
  const T one_plus = T(1.) + e, two_plus = T(2.) + e;
  const T inverse = T(1.) / (one_plus * two_plus);
  const T larger = two_plus * inverse;
  return {max(x, T(0.)) + detail::log_ratio(e * one_plus * inverse), select(x < T(0.), e * larger, larger)};
}

template <Number T>
LOCKSTEP_FN inline T softplus(T x) {
  return softplus_sigmoid(x).softplus;
}

template <class T>
LOCKSTEP_FN inline T sigmoid(T x) {
  return softplus_sigmoid(x).sigmoid;
}

// log(exp(a) + exp(b)), also where one or both are infinite. Its derivative with respect to a is sigmoid(a - b).
template <class T>
LOCKSTEP_FN inline T log_sum_exp(T a, T b) {
  const T gap = select(a == b, T(0.), abs(a - b));
  const T e = exp(-gap);
  return max(a, b) + detail::log_ratio(e / (T(2.) + e));
}

// log(1 - exp(x)) for x < 0 (M. Maechler, "Accurately computing log(1 - exp(-|a|))", 2012): through expm1 above
// -log 2, where exp(x) is near 1; below it as log1p(-exp(x)), so that the result keeps its digits as it goes to 0.
template <Number T>
LOCKSTEP_FN inline T log1m_exp(T x) {
  const T e = exp(x);
  return select(x > T(-0.6931471805599453), log(-expm1(x)), detail::log_ratio(-e / (T(2.) - e)));
}

}  // namespace lockstep
