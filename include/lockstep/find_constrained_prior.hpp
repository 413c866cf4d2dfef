// The arguments of a distribution with a given mass between two values: priors from what one would be surprised to see.
//
//   auto [alpha, beta] = find_constrained_prior<2>([](double a, double b) { return gamma(a, b); }, 0.1, 5, 0.95, {1, 1});
//
// On the host, outside of a model.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "lockstep/evaluate.hpp"

namespace lockstep {

// Of one argument: P(lower < Y <= upper) = mass. Of two: the rest is in equal parts below and above. `make`: the distribution, of
// so many numbers; it has a CDF. `guess`: arguments to start from, inside their range. By Newton's method on the logarithms of the
// tails, each step halved until it is an improvement. Throws std::invalid_argument if a value is out of range, or no arguments that
// are near the guess have that mass there.
template <std::size_t count, class F>
std::array<double, count> find_constrained_prior(const F& make, double lower, double upper, double mass, const std::array<double, count>& guess) {
  static_assert(count == 1 || count == 2, "the mass between two values, and equal tails, fix two arguments at most; give the others");
  if (!(lower < upper) || !(mass > 0 && mass < 1))
    throw std::invalid_argument("the mass between " + number_text(lower) + " and " + number_text(upper) + " is to be " + number_text(mass) +
                                " (the first is less than the second, and a mass is between 0 and 1). Correct them.");
  using Vector = std::array<double, count>;
  // What is to be 0; infinite or NaN where there is no such distribution.
  const auto residual = [&](const Vector& x) -> Vector {
    const auto d = [&]<std::size_t... I>(std::index_sequence<I...>) { return make(x[I]...); }(std::make_index_sequence<count>{});
    const double below = log_cdf(d, lower), above = log_ccdf(d, upper);
    if constexpr (count == 1) return {log_sum_exp(below, above) - std::log1p(-mass)};
    else return {below - std::log((1 - mass) / 2), above - std::log((1 - mass) / 2)};
  };
  const auto size = [](const Vector& r) {
    double largest = 0;
    for (double each : r) largest = std::isnan(each) ? HUGE_VAL : std::max(largest, std::abs(each));
    return largest;
  };
  Vector x = guess, r = residual(x);
  for (int step = 0; step < 200 && std::isfinite(size(r)) && size(r) > 1e-12; ++step) {
    // Columns: derivatives by each argument, by central differences.
    std::array<Vector, count> slope;
    for (std::size_t k = 0; k < count; ++k) {
      const double h = 1e-6 * std::max(1e-3, std::abs(x[k]));
      Vector up = x, down = x;
      up[k] += h, down[k] -= h;
      const Vector at_up = residual(up), at_down = residual(down);
      for (std::size_t j = 0; j < count; ++j) slope[k][j] = (at_up[j] - at_down[j]) / (2 * h);
    }
    Vector move;
    if constexpr (count == 1) {
      move = {-r[0] / slope[0][0]};
    } else {
      const double determinant = slope[0][0] * slope[1][1] - slope[1][0] * slope[0][1];
      move = {(slope[1][0] * r[1] - slope[1][1] * r[0]) / determinant, (slope[0][1] * r[0] - slope[0][0] * r[1]) / determinant};
    }
    bool better = false;
    for (double share = 1; share > 1e-12 && !better; share /= 2) {
      Vector there = x;
      for (std::size_t k = 0; k < count; ++k) there[k] += share * move[k];
      const Vector at = residual(there);
      better = size(at) < size(r);
      if (better) x = there, r = at;
    }
    if (!better) break;
  }
  if (!(size(r) <= 1e-9))
    throw std::invalid_argument("no arguments were found that put the mass " + number_text(mass) + " between " + number_text(lower) + " and " +
                                number_text(upper) + " (from this guess; a value outside of the support has no mass beyond it). Start "
                                "elsewhere, or move the values.");
  return x;
}

}  // namespace lockstep
