// Elementary functions for one lane. Code that is generic over lanes calls them unqualified: for `double` the calls
// find these, for a SIMD pack argument-dependent lookup finds the pack library's.
#pragma once

#include <cmath>

#include "lockstep/macros.hpp"

namespace lockstep {

LOCKSTEP_FN inline double exp(double x) { return ::exp(x); }
LOCKSTEP_FN inline double expm1(double x) { return ::expm1(x); }
LOCKSTEP_FN inline double log(double x) { return ::log(x); }
LOCKSTEP_FN inline double log1p(double x) { return ::log1p(x); }
LOCKSTEP_FN inline double sqrt(double x) { return ::sqrt(x); }
LOCKSTEP_FN inline double abs(double x) { return ::fabs(x); }
LOCKSTEP_FN inline double sin(double x) { return ::sin(x); }
LOCKSTEP_FN inline double cos(double x) { return ::cos(x); }
LOCKSTEP_FN inline double tan(double x) { return ::tan(x); }
LOCKSTEP_FN inline double atan(double x) { return ::atan(x); }
LOCKSTEP_FN inline double floor(double x) { return ::floor(x); }
LOCKSTEP_FN inline double max(double x, double y) { return x < y ? y : x; }
LOCKSTEP_FN inline double min(double x, double y) { return y < x ? y : x; }

// A mask of one lane is a bool.
LOCKSTEP_FN inline double select(bool mask, double if_true, double if_false) { return mask ? if_true : if_false; }
LOCKSTEP_FN inline bool any(bool mask) { return mask; }
LOCKSTEP_FN inline bool all(bool mask) { return mask; }


// `select`, also where the mask is one bool for all lanes (a condition on shared data).
template <class Mask, class V> LOCKSTEP_FN V choose(const Mask& mask, const V& if_true, const V& if_false) {
  if constexpr (requires { mask ? 1 : 0; }) return mask ? if_true : if_false;
  else return select(mask, if_true, if_false);
}

}  // namespace lockstep
