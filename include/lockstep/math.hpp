// Elementary functions for one lane. Code that is generic over lanes calls them unqualified: for `double` the calls
// find these, for a SIMD pack argument-dependent lookup finds the pack library's.
#pragma once

#include <cmath>
#include <type_traits>

#include "lockstep/macros.hpp"

namespace lockstep {

// What an expression is made of (expression.hpp), as against numbers in lanes.
struct SymbolicTag {};
template <class T> concept Number = !std::is_base_of_v<SymbolicTag, T>;

using ::acos;
using ::acosh;
using ::asin;
using ::asinh;
using ::atan;
using ::atan2;
using ::atanh;
using ::cos;
using ::cosh;
using ::exp;
using ::expm1;
using ::floor;
using ::log;
using ::log1p;
using ::pow;
using ::sin;
using ::sinh;
using ::sqrt;
using ::tan;
using ::tanh;
using std::abs;
// As the pack library's: the second argument if either is NaN.
LOCKSTEP_FN inline double max(double x, double y) { return x > y ? x : y; }
LOCKSTEP_FN inline double min(double x, double y) { return x < y ? x : y; }

// A mask of one lane is a bool.
LOCKSTEP_FN inline double select(bool mask, double if_true, double if_false) { return mask ? if_true : if_false; }
// `select`, also where the mask is one bool for all lanes (a condition on shared data). By type, not by whether the mask
// converts to bool: the pack library's AVX-512 mask does, as "any lane".
template <class Mask, class V> LOCKSTEP_FN V choose(const Mask& mask, const V& if_true, const V& if_false) {
  if constexpr (std::is_same_v<Mask, bool>) return mask ? if_true : if_false;
  else return select(mask, if_true, if_false);
}

template <class V> LOCKSTEP_FN V sign_of(const V& x) {
  return choose(x > 0., V(1.), choose(x < 0., V(-1.), V(0.)));
}

template <class T> struct SineCosine {
  T sine, cosine;
};
// Of pi x. On a device the functions that take multiples of pi need no stack frame.
template <class T> LOCKSTEP_FN SineCosine<T> sine_cosine_pi(const T& x) {
#if defined(__CUDA_ARCH__)
  SineCosine<T> result;
  ::sincospi(x, &result.sine, &result.cosine);
  return result;
#else
  // pi x = a + k pi/2 with |a| <= pi/4: k and the rest are exact. Taylor's series of both, to 5e-17 there.
  const T k = floor(2. * x + 0.5), turns = k - 4. * floor(0.25 * k);
  const T a = 3.141592653589793 * (x - 0.5 * k), square = a * a;
  T sine = T(-1. / 1307674368000.), cosine = T(1. / 20922789888000.);
  for (double coefficient : {1. / 6227020800., -1. / 39916800., 1. / 362880., -1. / 5040., 1. / 120., -1. / 6.})
    sine = sine * square + coefficient;
  for (double coefficient : {-1. / 87178291200., 1. / 479001600., -1. / 3628800., 1. / 40320., -1. / 720., 1. / 24., -1. / 2.})
    cosine = cosine * square + coefficient;
  sine = a + a * (square * sine);
  cosine = 1. + square * cosine;
  const auto odd = turns == T(1.) || turns == T(3.);
  const T first = select(odd, cosine, sine), second = select(odd, sine, cosine);
  return {select(turns >= T(2.), -first, first), select(turns == T(1.) || turns == T(2.), -second, second)};
#endif
}

}  // namespace lockstep
