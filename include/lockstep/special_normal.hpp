// The normal distribution's CDF in logarithms, with its derivative, generic over lanes as special.hpp is.
//
// In the lower tail Phi(x) is exp(-x^2/2) times a function that varies slowly, so that its logarithm keeps all its
// digits where Phi itself has long underflowed.
#pragma once

#include <limits>

#include "lockstep/special.hpp"

namespace lockstep {

namespace detail {

// exp(x^2) erfc(x) for x >= 0, relative error 4e-16: (1 + 2 x) times it is a polynomial in t = (x - 3)/(x + 3) (M. M.
// Shepherd & J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity", 1981).
// Chebyshev fit of degree 23; even and odd powers apart halve the chain of dependent operations.
template <class T> LOCKSTEP_FN inline T scaled_erfc(T x) {
  const T t = T(1.) - T(6.) / (x + T(3.));
  const T s = t * t;
  const T even =
      horner(s, -3.1813541434969274e-09, 2.7843881265502222e-08, -1.205414228648938e-07, 3.3669790806407595e-07,
             -7.187883834404266e-07, 4.94412434222366e-06, -0.00010515831297813128, 0.0018886900977441495,
             -0.023770514891530075, -0.11927366341676002, -0.04756229435342038, 1.2530080582697296);
  const T odd =
      horner(s, 9.862533510345587e-10, -1.3312919661038687e-08, 1.0183620603842736e-07, -6.166011460398726e-07,
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

// Phi(x), with relative accuracy in its lower tail, and phi(x).
template <class T> struct NormalCdf {
  T value, slope;
};
template <class T> LOCKSTEP_FN inline NormalCdf<T> normal_cdf(T x) {
  const T e = exp(T(-0.5) * x * x), tail = T(0.5) * e * detail::scaled_erfc(T(abs(x) * detail::sqrt_half));
  return {select(x < T(0.), tail, T(1.) - tail), e * detail::inverse_sqrt_2pi};
}

// erf(x), with relative accuracy at 0, and 1 - erf(x), with relative accuracy in its upper tail. The first by its power series
// near 0 (NIST DLMF 7.6.1).
template <class T> struct ErrorFunction {
  T value, complement;
};
template <class T> LOCKSTEP_FN inline ErrorFunction<T> error_function(T x) {
  const auto small = abs(x) < T(0.5), lower = x < T(0.);
  const T y = select(small, x * x, T(0.)), tail = exp(-x * x) * detail::scaled_erfc(T(abs(x)));
  const T near = x * T(1.12837916709551257390) *
                 detail::horner(y, 8.35070279514724e-11, -1.0892221037148573e-09, 1.3122532963802806e-08, -1.4503852223150468e-07,
                                1.4589169000933706e-06, -1.3227513227513228e-05, 0.00010683760683760684, -0.0007575757575757576,
                                0.004629629629629629, -0.023809523809523808, 0.1, -0.3333333333333333, 1.0);
  return {select(small, near, select(lower, tail - T(1.), T(1.) - tail)),
          select(small, T(1.) - near, select(lower, T(2.) - tail, tail))};
}

// log(Phi(x) exp(x^2/2)), and its derivative x + phi(x)/Phi(x), which for a very negative x is near -1/x and keeps its
// digits.
template <class T> struct ScaledNormalCdf {
  T log_value, slope;
};
// For x <= 0 only.
template <class T> LOCKSTEP_FN inline ScaledNormalCdf<T> scaled_normal_tail(T x) {
  const T y = -x * detail::sqrt_half, scaled = detail::scaled_erfc(y);
  // (1 + 2 y^2) (1 - sqrt(pi) y scaled_erfc(y)); Chebyshev fit of degree 25, as scaled_erfc's.
  const T t = T(1.) - T(6.) / (y + T(3.)), t2 = t * t;
  const T even = detail::horner(t2, 8.720675449086444e-09, -1.2484580579425725e-07, 9.722368824472405e-07,
                                -5.724794520137679e-06, 2.990858787016764e-05, -0.00015304348670533346,
                                0.0008004547519663793, -0.003962917964473717, 0.00894083593971558, 0.19973388768419786,
                                0.16651346606549633, -0.28743477840071985, 0.9155370555054206);
  const T odd = detail::horner(t2, 1.0586221358419373e-08, -1.0591042311150671e-07, 5.423487607721006e-07,
                               -1.9473317471905914e-06, 5.69109399446475e-06, -1.649716474991035e-05,
                               8.1046605026813e-05, -0.0008185605403337542, 0.009561582793489827, -0.08336024423669845,
                               -0.2638829713955979, 0.07861976518869222, 0.25981168796336496);
  return {log(T(0.5) * scaled), T(detail::sqrt_2_over_pi) * (odd * t + even) / ((T(1.) + x * x) * scaled)};
}

// Mills' ratio M(x) = Phi(-x)/phi(x), for x >= 0.
template <class T> LOCKSTEP_FN inline T mills_ratio(T x) {
  return T(1.25331413731550025121) * detail::scaled_erfc(T(x * detail::sqrt_half));
}
// M(x) - M(x + gap) for gap > 0 and x >= 0; where the gap is below 0.05, for x >= -gap/2. A small gap by the derivatives of M
// in its middle, each from the two before: -M' = 1 - x M, M'' = M + x M', ...
template <class T> LOCKSTEP_FN inline T mills_difference(T x, T gap) {
  const auto small = gap < T(0.05);
  const T middle = x + T(0.5) * gap, h = gap * gap;
  const T m = mills_ratio(middle), first = scaled_normal_tail(T(-middle)).slope * m;
  const T second = middle * first - m, recurred = T(2.) * first + middle * second;
  // Far out the recurrence cancels; there are the first terms of the asymptotic series.
  const auto far = middle > T(30.);
  const T inverse = T(1.) / (middle * middle);
  const T third = select(far, inverse * inverse * (T(6.) - inverse * (T(60.) - T(630.) * inverse)), recurred);
  const T fifth = select(far, T(0.), T(4.) * third + middle * (T(3.) * second + middle * third));
  return select(small, gap * (first + h * (third * T(1. / 24.) + h * fifth * T(1. / 1920.))),
                mills_ratio(x) - mills_ratio(T(x + gap)));
}

// log(Phi(b) - Phi(a)) for a < b, and phi(a) and phi(b) over it. `width` is b - a, to more digits where the caller
// knows them.
template <class T> struct NormalInterval {
  T log_mass, at_lower, at_upper;
};
template <class T> LOCKSTEP_FN inline NormalInterval<T> normal_interval(T a, T b, T width) {
  // By symmetry, the interval whose middle is not above 0.
  const T middle = T(0.5) * (a + b);
  const auto mirrored = middle > T(0.);
  const T lower = select(mirrored, -b, a), upper = select(mirrored, -a, b);
  const auto of_upper = log_normal_cdf(upper), of_lower = log_normal_cdf(lower);
  // log(Phi(lower)/Phi(upper)); in the tail less exp(-x^2/2), where the two logarithms agree in their first digits
  const T ratio =
      detail::scaled_erfc(T(abs(lower) * detail::sqrt_half)) / detail::scaled_erfc(T(abs(upper) * detail::sqrt_half));
  const T in_tail = log(ratio) - width * abs(middle);
  const T gap = select(upper < T(0.), in_tail, of_lower.value - of_upper.value);
  const T wide = of_upper.value + log1m_exp(gap);
  // A narrow interval: width phi(middle) sum_k He_2k(middle) (width/2)^2k/(2k + 1)!, He Hermite's polynomials. The
  // bound keeps the lanes that do not use it finite.
  const auto is_narrow = width * max(abs(middle), T(1.)) < T(0.3);
  const T half = select(is_narrow, T(0.5) * width, T(0.)), h = half * half,
          m = select(is_narrow, middle * middle, T(0.)), q = m * h;
  const T bulge =
      (q - h) * T(1. / 6.) + (q * (q - T(6.) * h) + T(3.) * h * h) * T(1. / 120.) +
      (q * (q * (q - T(15.) * h) + T(45.) * h * h) - T(15.) * h * h * h) * T(1. / 5040.) +
      (q * (q * (q * (q - T(28.) * h) + T(210.) * h * h) - T(420.) * h * h * h) + T(105.) * h * h * h * h) *
          T(1. / 362880.) +
      (q * (q * (q * (q * (q - T(45.) * h) + T(630.) * h * h) - T(3150.) * h * h * h) + T(4725.) * h * h * h * h) -
       T(945.) * h * h * h * h * h) *
          T(1. / 39916800.);
  const T narrow = log(width) - T(0.5) * middle * middle + (log1p(bulge) - T(0.91893853320467274178));
  // Densities over the mass by their ratios to what is known, since the mass's logarithm has lost digits in the tail.
  const T over_mass = T(1.) / (width * (T(1.) + bulge)), drift = half * abs(middle), sag = T(0.5) * h;
  const T at_upper = select(is_narrow, over_mass * exp(drift - sag), of_upper.slope / -expm1(gap));
  const T at_lower = at_upper * exp(-width * abs(middle));
  return {select(is_narrow, narrow, wide), select(mirrored, at_upper, at_lower), select(mirrored, at_lower, at_upper)};
}

namespace detail {

// z with Phi(z) = 1/2 + excess, of which `tail` is the smaller tail. In the middle z/excess is a Chebyshev fit in excess^2 of degree
// 23. In a tail of exp(-s^2/2), -s and a fit of (z + s) s in (s - 8)/(s + 8), within 3e-6 of z, are the start of one of Halley's
// steps for log Phi, whose second derivative is -slope (slope + z).
template <class T> LOCKSTEP_FN inline T normal_quantile(T excess, T tail) {
  const auto upper = excess > T(0.);
  const auto middle = abs(excess) <= T(0.375);
  const T x = select(middle, excess * excess * T(128. / 9.) - T(1.), T(0.)), x2 = x * x;
  const T even = horner(x2, 7.829708083684565e-11, 9.178576499729974e-11, 1.934279201815637e-09, 1.240708454279408e-08,
                        9.543588882771853e-08, 7.343413860647107e-07, 5.831672638265488e-06, 4.8332928841216036e-05,
                        0.0004282119679808098, 0.004270141163447611, 0.055695000431073734, 2.7266649486974748);
  const T odd = horner(x2, 3.041634788871379e-11, 2.7106200220715757e-11, 7.314769538754875e-10, 4.523287026781023e-09,
                       3.469525166462775e-08, 2.636660090358866e-07, 2.0604666466399664e-06, 1.668024991464346e-05,
                       0.0001423523064716827, 0.0013252569261049828, 0.01463149145788615, 0.264366891438606);
  const auto none = tail == T(0.);
  const T log_tail = log(select(middle || none, T(0.1), tail)), s = sqrt(T(-2.) * log_tail), u = (s - T(8.)) / (s + T(8.));
  const T start = horner(u, 0.427591351511, 0.390085912854, -0.184446445441, 0.0967673679877, 0.150688881352, 0.339124594697,
                         0.0794144240312, 0.570761070777, 0.107389846492, 1.901013569, 3.0383992808) / s - s;
  const auto there = log_normal_cdf(start);
  const T newton = (there.value - log_tail) / there.slope;
  const T lower = start - newton / (T(1.) + T(0.5) * newton * (there.slope + start));
  const T beyond = select(none, T(-std::numeric_limits<double>::infinity()), lower);
  return select(middle, excess * (odd * x + even), select(upper, -beyond, beyond));
}

}  // namespace detail

// z with Phi(z) = p, 0 <= p <= 1; NaN of others. At a p near 1 its distance from 1 is what p, a double, has of it.
template <Number T> LOCKSTEP_FN inline T probit(T p) { return detail::normal_quantile(T(p - T(0.5)), T(min(p, T(1.) - p))); }
// z with erf(z) = x, -1 <= x <= 1, and z with erfc(z) = x, 0 <= x <= 2.
template <Number T> LOCKSTEP_FN inline T erfinv(T x) {
  return T(detail::sqrt_half) * detail::normal_quantile(T(T(0.5) * x), T(T(0.5) * (T(1.) - abs(x))));
}
template <Number T> LOCKSTEP_FN inline T erfcinv(T x) {
  return T(detail::sqrt_half) * detail::normal_quantile(T(T(0.5) * (T(1.) - x)), T(T(0.5) * min(x, T(2.) - x)));
}

// ---- quantiles: on the host ----------------------------------------------------------------------------------------

// x with f(x).value = wanted, for an f that increases and is concave, from an x below: Newton's steps never pass it.
template <class F> double climb(const F& f, double wanted, double x) {
  while (true) {
    const auto at = f(x);
    const double next = x + (wanted - at.value) / at.slope;
    if (!(next - x > 1e-15 * abs(next))) return x;
    x = next;
  }
}
// z with Phi(z) = exp(log_p), for log_p below -log 2. The start is below since Phi(-x) <= exp(-x^2/2).
inline double lower_normal_quantile(double log_p) {
  if (log_p - log_p != 0.) return log_p;
  return climb([](double x) { return log_normal_cdf(x); }, log_p, -sqrt(-2 * log_p));
}
// z > 0 with P(|Z| <= z) = p, given log p and log(1 - p).
inline double half_normal_quantile(double log_p, double log_rest) {
  constexpr double log_2 = 0.69314718055994530942, slope_at_0 = detail::sqrt_2_over_pi;
  if (log_rest < log_p) return -lower_normal_quantile(log_rest - log_2);
  const auto log_mass = [](double z) {
    const auto inside = normal_interval(-z, z, 2 * z);
    return LogNormalCdf<double>{inside.log_mass, inside.at_lower + inside.at_upper};
  };
  const double linear = exp(log_p) / slope_at_0;
  return log_p < -19 ? linear : climb(log_mass, log_p, linear);   // the next term of the series, p^2 pi/12, is below 1e-17
}
// z with Phi(z) = p, given log p and log(1 - p). Near the median by how much lies between z and -z.
inline double normal_quantile(double log_p, double log_rest) {
  if (log_p > log_rest) return -normal_quantile(log_rest, log_p);
  if (log_p < -1.4) return lower_normal_quantile(log_p);
  const double between = exp(log_rest) - exp(log_p);
  return -half_normal_quantile(log(between), log1p(-between));
}

}  // namespace lockstep
