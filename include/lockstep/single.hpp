// Single precision for one lane: the arithmetic of a gradient in mixed precision, where what is summed over many terms (log
// density, adjoints) stays in doubles. `lockstep/pack.hpp` has the SIMD pack of them.
//
// A class rather than float: with that, every formula with a double in it (`0.5 * z * z`) would turn to doubles unnoticed.
#pragma once

#include <type_traits>

#include "lockstep/lanes.hpp"
#include "lockstep/math.hpp"

namespace lockstep {

struct Single {
  float value;

  Single() = default;
  template <class A> requires std::is_arithmetic_v<A> LOCKSTEP_FN constexpr Single(A v) : value(float(v)) {}
  LOCKSTEP_FN constexpr explicit operator double() const { return double(value); }
  LOCKSTEP_FN constexpr explicit operator float() const { return value; }

  LOCKSTEP_FN friend constexpr Single operator+(Single a, Single b) { return a.value + b.value; }
  LOCKSTEP_FN friend constexpr Single operator-(Single a, Single b) { return a.value - b.value; }
  LOCKSTEP_FN friend constexpr Single operator*(Single a, Single b) { return a.value * b.value; }
  LOCKSTEP_FN friend constexpr Single operator/(Single a, Single b) { return a.value / b.value; }
  LOCKSTEP_FN friend constexpr Single operator-(Single a) { return -a.value; }
  LOCKSTEP_FN friend constexpr Single& operator+=(Single& a, Single b) { return a = a + b; }
  LOCKSTEP_FN friend constexpr Single& operator-=(Single& a, Single b) { return a = a - b; }
  LOCKSTEP_FN friend constexpr Single& operator*=(Single& a, Single b) { return a = a * b; }
  LOCKSTEP_FN friend constexpr Single& operator/=(Single& a, Single b) { return a = a / b; }
  LOCKSTEP_FN friend constexpr bool operator<(Single a, Single b) { return a.value < b.value; }
  LOCKSTEP_FN friend constexpr bool operator>(Single a, Single b) { return a.value > b.value; }
  LOCKSTEP_FN friend constexpr bool operator<=(Single a, Single b) { return a.value <= b.value; }
  LOCKSTEP_FN friend constexpr bool operator>=(Single a, Single b) { return a.value >= b.value; }
  LOCKSTEP_FN friend constexpr bool operator==(Single a, Single b) { return a.value == b.value; }
  LOCKSTEP_FN friend constexpr bool operator!=(Single a, Single b) { return a.value != b.value; }
};

LOCKSTEP_FN inline Single abs(Single x) { return ::fabsf(x.value); }
LOCKSTEP_FN inline Single acos(Single x) { return ::acosf(x.value); }
LOCKSTEP_FN inline Single acosh(Single x) { return ::acoshf(x.value); }
LOCKSTEP_FN inline Single asin(Single x) { return ::asinf(x.value); }
LOCKSTEP_FN inline Single asinh(Single x) { return ::asinhf(x.value); }
LOCKSTEP_FN inline Single atan(Single x) { return ::atanf(x.value); }
LOCKSTEP_FN inline Single atan2(Single y, Single x) { return ::atan2f(y.value, x.value); }
LOCKSTEP_FN inline Single atanh(Single x) { return ::atanhf(x.value); }
LOCKSTEP_FN inline Single cos(Single x) { return ::cosf(x.value); }
LOCKSTEP_FN inline Single cosh(Single x) { return ::coshf(x.value); }
LOCKSTEP_FN inline Single exp(Single x) { return ::expf(x.value); }
LOCKSTEP_FN inline Single expm1(Single x) { return ::expm1f(x.value); }
LOCKSTEP_FN inline Single floor(Single x) { return ::floorf(x.value); }
LOCKSTEP_FN inline Single log(Single x) { return ::logf(x.value); }
LOCKSTEP_FN inline Single log1p(Single x) { return ::log1pf(x.value); }
LOCKSTEP_FN inline Single pow(Single x, Single y) { return ::powf(x.value, y.value); }
LOCKSTEP_FN inline Single sin(Single x) { return ::sinf(x.value); }
LOCKSTEP_FN inline Single sinh(Single x) { return ::sinhf(x.value); }
LOCKSTEP_FN inline Single sqrt(Single x) { return ::sqrtf(x.value); }
LOCKSTEP_FN inline Single tan(Single x) { return ::tanf(x.value); }
LOCKSTEP_FN inline Single tanh(Single x) { return ::tanhf(x.value); }
LOCKSTEP_FN inline Single max(Single x, Single y) { return x > y ? x : y; }
LOCKSTEP_FN inline Single min(Single x, Single y) { return x < y ? x : y; }
LOCKSTEP_FN inline Single select(bool mask, Single if_true, Single if_false) { return mask ? if_true : if_false; }

// As math.hpp's, which is for doubles on a device.
LOCKSTEP_FN inline SineCosine<Single> sine_cosine_pi(Single x) {
#if defined(__CUDA_ARCH__)
  float sine, cosine;
  ::sincospif(x.value, &sine, &cosine);
  return {sine, cosine};
#else
  const Single angle = 3.141592653589793 * x;
  return {sin(angle), cos(angle)};
#endif
}

// What a chain owns stays in doubles: sums lose nothing there, and one layout serves both precisions.
template <> struct LaneTraits<Single> {
  static constexpr int width = 1;
  LOCKSTEP_FN static Single load(const double* p) { return *p; }
  LOCKSTEP_FN static void store(double* p, Single value) { *p = double(value); }
  LOCKSTEP_FN static Single gather(const double* p, const std::int64_t* columns) { return p[*columns]; }
};
template <> struct NumberTraits<Single> {
  using Sum = double;
  using Datum = Single;
  using Stored = float;
  LOCKSTEP_FN static double widen(Single value) { return double(value); }
  LOCKSTEP_FN static Single narrow(double sum) { return sum; }
};

}  // namespace lockstep
