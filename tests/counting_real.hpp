// A scalar that counts the transcendental functions that are evaluated on it. As a model's lane type it shows what a
// gradient costs, whatever the compiler makes of it.
#pragma once

#include <cstdint>

#include "lockstep/lanes.hpp"
#include "lockstep/math.hpp"

namespace lockstep {

struct Counts {
  int logarithms = 0;    // log and log1p
  int exponentials = 0;  // exp and expm1
  friend bool operator==(const Counts&, const Counts&) = default;
};

struct CountingReal {
  double value = 0;
  static inline Counts counts;

  CountingReal() = default;
  CountingReal(double v) : value(v) {}
  CountingReal& operator+=(CountingReal x) { return *this = value + x.value; }
  friend CountingReal operator-(CountingReal x) { return -x.value; }
  friend CountingReal operator+(CountingReal x, CountingReal y) { return x.value + y.value; }
  friend CountingReal operator-(CountingReal x, CountingReal y) { return x.value - y.value; }
  friend CountingReal operator*(CountingReal x, CountingReal y) { return x.value * y.value; }
  friend CountingReal operator/(CountingReal x, CountingReal y) { return x.value / y.value; }
  friend bool operator==(CountingReal x, CountingReal y) { return x.value == y.value; }
  friend bool operator<(CountingReal x, CountingReal y) { return x.value < y.value; }
  friend bool operator>(CountingReal x, CountingReal y) { return x.value > y.value; }
  friend bool operator<=(CountingReal x, CountingReal y) { return x.value <= y.value; }
  friend bool operator>=(CountingReal x, CountingReal y) { return x.value >= y.value; }

  friend CountingReal exp(CountingReal x) { return ++counts.exponentials, lockstep::exp(x.value); }
  friend CountingReal expm1(CountingReal x) { return ++counts.exponentials, lockstep::expm1(x.value); }
  friend CountingReal log(CountingReal x) { return ++counts.logarithms, lockstep::log(x.value); }
  friend CountingReal log1p(CountingReal x) { return ++counts.logarithms, lockstep::log1p(x.value); }
  friend CountingReal sqrt(CountingReal x) { return lockstep::sqrt(x.value); }
  friend CountingReal abs(CountingReal x) { return lockstep::abs(x.value); }
  friend CountingReal floor(CountingReal x) { return lockstep::floor(x.value); }
  friend CountingReal max(CountingReal x, CountingReal y) { return lockstep::max(x.value, y.value); }
  friend CountingReal min(CountingReal x, CountingReal y) { return lockstep::min(x.value, y.value); }
  friend CountingReal select(bool mask, CountingReal x, CountingReal y) { return mask ? x : y; }
};

template <> struct LaneTraits<CountingReal> {
  static constexpr int width = 1;
  static CountingReal load(const double* p) { return *p; }
  static void store(double* p, CountingReal x) { *p = x.value; }
  static CountingReal gather(const double* p, const std::int64_t* columns) { return p[*columns]; }
};

}  // namespace lockstep
