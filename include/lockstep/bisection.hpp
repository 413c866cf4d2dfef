// A search among all doubles, for quantiles: on the host.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

namespace lockstep {

// The double at position k in the order of all doubles, -inf to inf, and back.
inline double double_at(std::int64_t k) {
  const std::int64_t bits = k < 0 ? std::numeric_limits<std::int64_t>::min() - k : k;
  double x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
inline std::int64_t position_of(double x) {
  std::int64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits < 0 ? std::numeric_limits<std::int64_t>::min() - bits : bits;
}
// The smallest double in [lower, upper] at which `reached` holds; it stays true from there on. `upper` if it holds
// nowhere before. At most 65 evaluations, since it halves the number of doubles between the ends, not their distance.
template <class F> double first_that(const F& reached, double lower, double upper) {
  std::int64_t before = position_of(lower), after = position_of(upper);
  if (reached(lower)) return lower;
  while (after - 1 > before) {
    const std::int64_t middle = (before >> 1) + (after >> 1) + (before & after & 1);
    (reached(double_at(middle)) ? after : before) = middle;
  }
  return double_at(after);
}

}  // namespace lockstep
