// The normal distribution's CDF in logarithms, with its derivative, generic over lanes as special.hpp is.
//
// In the lower tail Phi(x) is exp(-x^2/2) times a function that varies slowly, so that its logarithm keeps all its digits
// where Phi itself has long underflowed.
#pragma once

#include "lockstep/special.hpp"

namespace lockstep {

namespace detail {

// exp(x^2) erfc(x) for x >= 0, relative error 4e-16: (1 + 2 x) times it is a polynomial in t = (x - 3)/(x + 3) (M. M.
// Shepherd & J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity", 1981). Chebyshev
// fit of degree 23; even and odd powers apart halve the chain of dependent operations.
template <class T> LOCKSTEP_FN inline T scaled_erfc(T x) {
  const T t = T(1.) - T(6.) / (x + T(3.));
  const T s = t * t;
  const T even = horner(s, -3.1813541434969274e-09, 2.7843881265502222e-08, -1.205414228648938e-07, 3.3669790806407595e-07,
                        -7.187883834404266e-07, 4.94412434222366e-06, -0.00010515831297813128, 0.0018886900977441495,
                        -0.023770514891530075, -0.11927366341676002, -0.04756229435342038, 1.2530080582697296);
  const T odd = horner(s, 9.862533510345587e-10, -1.3312919661038687e-08, 1.0183620603842736e-07, -6.166011460398726e-07,
                       3.472370944977168e-06, -2.0100542268525612e-05, 0.0001250993424583729, -0.0007798322696543306,
                       0.0025293918156939696, 0.0683080273440099, 0.1296451587027594, -0.13562110612458117);
  return (odd * t + even) / (T(1.) + T(2.) * x);
}

constexpr double sqrt_half = 0.70710678118654752440;
constexpr double inverse_sqrt_2pi = 0.39894228040143267794;
constexpr double sqrt_2_over_pi = 0.79788456080286535588;

}  // namespace detail

// log Phi(x), Phi the CDF of N(0, 1), and its derivative phi(x)/Phi(x).
template <class T> struct LogNormalCdf {
  T value, slope;
};

// For any x, also -1e4, where Phi(x) is exp(-5e7), and 30, where it is 1 - 5e-198. The upper tail's is
// log_normal_cdf(-x).value, with derivative -log_normal_cdf(-x).slope.
template <class T> LOCKSTEP_FN inline LogNormalCdf<T> log_normal_cdf(T x) {
  const auto lower = x < T(0.);
  const T scaled = detail::scaled_erfc(T(abs(x) * detail::sqrt_half));
  const T half_square = T(0.5) * x * x;
  const T e = exp(-half_square);
  const T tail = T(0.5) * e * scaled;      // Phi(-|x|) <= 1/2
  const T in_lower = log(T(0.5) * scaled) - half_square;
  const T in_upper = detail::log_ratio(-tail / (T(2.) - tail));
  const T numerator = select(lower, T(detail::sqrt_2_over_pi), T(e * detail::inverse_sqrt_2pi));
  const T denominator = select(lower, scaled, T(1.) - tail);
  return {select(lower, in_lower, in_upper), numerator / denominator};
}

}  // namespace lockstep
