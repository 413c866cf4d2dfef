// The solution of an equation in one unknown, as an expression:
//
//   auto price = m.let("price", root(0, 100, [&](auto p) { return supply * p - demand * exp(-p); }));
//
// Newton's method inside an interval at whose ends the function has different signs; where it would leave the interval, or does
// not halve the step, the interval is halved instead. Every lane goes on by itself until it moves by rounding only. The derivative
// is that of the implicit function: where f(x, p) = 0, dx/dp = -(df/dp) / (df/dx).
#pragma once

#include <limits>

#include "lockstep/unknown.hpp"

namespace lockstep {

template <class L, class U, class F> struct Root : RecipeTag {
  L lower;
  U upper;
  F function;
  static constexpr bool uniform = false;
  LOCKSTEP_FN Root(const L& l, const U& u, const F& f) : lower(l), upper(u), function(f) {}

  template <class M> struct Value {
    using T = typename M::value_type;
    T value;
    SumOf<T> slope;   // of the function there
    const M* m;
    Root recipe;
    template <class A> LOCKSTEP_FN void pull(const A& a) const {
      SumOf<T> unused(0.);
      as_recipe(recipe.function(Unknown<T>(value, &unused))).evaluate(*m).pull(a * T(narrow<T>(-1. / slope)));
    }
  };
  template <class M> LOCKSTEP_FN Value<M> evaluate(const M& m) const {
    using T = typename M::value_type;
    using S = SumOf<T>;
    S low = widened<S>(T(lower.evaluate(m).value)), high = widened<S>(T(upper.evaluate(m).value));
    const S at_low = at(m, low).value, at_high = at(m, high).value;
    const auto rises = at_low < at_high;
    const auto bracketed = min(at_low, at_high) <= 0. && max(at_low, at_high) >= 0.;
    S x = 0.5 * (low + high), step = high - low;
    auto moves = bracketed;
    LOCKSTEP_ROLLED
    for (int iteration = 0; iteration < most_iterations && any_lane<S>(moves); ++iteration) {
      const auto here = at(m, x);
      const auto is_low = choose(rises, here.value, S(-here.value)) < 0.;
      low = choose(moves && is_low, x, low);
      high = choose(moves && !is_low, x, high);
      const S newton = -here.value / here.slope, target = x + newton;
      const auto newton_is_good = target >= low && target <= high && 2. * abs(newton) <= abs(step);
      const S next = choose(newton_is_good, target, S(0.5 * (low + high)));
      step = choose(moves, S(next - x), step);
      x = choose(moves, next, x);
      moves = moves && abs(step) > rounding<T> * abs(x) && high - low > rounding<T> * abs(x);
    }
    // Once more, so that the solution is also right as a function of what the equation reads.
    const auto last = at(m, x);
    const S better = x - last.value / last.slope;
    const auto solved = bracketed && abs(better - x) <= 1e-6 * (abs(x) + (high - low)) + std::numeric_limits<double>::min();
    const S solution = choose(solved, better, S(std::numeric_limits<double>::quiet_NaN()));
    return {narrow<T>(solution), at(m, solution).slope, &m, *this};
  }

 private:
  static constexpr int most_iterations = 200;
  template <class T> static constexpr double rounding = std::is_same_v<SumOf<T>, T> ? 4e-16 : 2e-7;

  template <class S> struct ValueAndDerivative {
    S value, slope;
  };
  template <class M, class S> LOCKSTEP_FN ValueAndDerivative<S> at(const M& m, const S& x) const {
    using T = typename M::value_type;
    S slope(0.);
    const auto f = as_recipe(function(Unknown<T>(narrow<T>(x), &slope))).evaluate(m);
    f.pull(OnlyTo<T>{T(1.), &slope});
    return {widened<S>(T(f.value)), slope};
  }
};
// The x between the ends with f(x) = 0, where f has different signs at the ends; they may be expressions. NaN, a divergence, where
// the signs are alike or there is no solution that f crosses smoothly.
template <Operand L, Operand U, class F> LOCKSTEP_FN auto root(const L& lower, const U& upper, const F& f) {
  return Root<RecipeOf<L>, RecipeOf<U>, F>(as_recipe(lower), as_recipe(upper), f);
}

}  // namespace lockstep
