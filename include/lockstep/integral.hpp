// The integral of a function of one variable, as an expression:
//
//   auto mass = m.let("mass", integral(0, tau, [&](auto t) { return exp(-rate * t) * t; }));
//   auto total = m.let("total", integral(0, no_bound, [&](auto t) { return exp(-rate * square(t)); }));
//
// The variable is replaced by one over the whole line in which the integrand falls doubly exponentially, and the trapezoidal rule is
// taken (Takahasi & Mori 1974, "Double exponential formulas for numerical integration"): from [lower, upper] by
// (1 + tanh(pi/2 sinh t))/2, from a half line by exp(pi/2 sinh t), from the line by sinh(pi/2 sinh t). Its step is halved until two
// rules differ by less than the tolerance times the integral of |f|, in each lane by itself; an integrand that is analytic inside
// then has an error of about the tolerance's square, also if it is infinite at an end.
//
// The derivative is the integral of the derivative, by the same rule, and f at a bound that is an expression.
#pragma once

#include <limits>

#include "lockstep/distributions/censored.hpp"
#include "lockstep/unknown.hpp"

namespace lockstep {

template <class L, class U, class F> struct Integral : RecipeTag {
  L lower;
  U upper;
  F function;
  double tolerance;
  static constexpr bool uniform = false;
  LOCKSTEP_FN Integral(const L& l, const U& u, const F& f, double t) : lower(l), upper(u), function(f), tolerance(t) {}

  template <class M> struct Value {
    using T = typename M::value_type;
    using S = SumOf<T>;
    T value;
    S step, size;   // the rule's step; the integral of |f|
    double least_step;
    const M* m;
    Integral recipe;

    template <class A> LOCKSTEP_FN void pull(const A& a) const {
      const Ends<T> ends = recipe.ends(*m);
      double h = first_step;
      LOCKSTEP_ROLLED
      for (int level = 0; h >= least_step; ++level, h *= 0.5) {
        LOCKSTEP_ROLLED
        for (int k = first_of(level); k <= last_of(level); k += stride_of(level)) {
          const Node<S> node = ends.node(k * h);
          const S weight = choose(step <= h, S(step * node.weight), S(0.));
          // Where next to nothing comes from, parts of f may overflow: that has no share in derivatives either.
          const S share = weight * widened<S>(recipe.at(*m, narrow<T>(node.x)));
          const auto counts = abs(share) > negligible * size;
          if (!any_lane<S>(counts)) continue;
          const S x = choose(counts, node.x, ends.node(0.).x);
          as_recipe(recipe.function(Given<T>(narrow<T>(x)))).evaluate(*m).pull(a * T(narrow<T>(choose(counts, weight, S(0.)))));
        }
      }
      if constexpr (moves<L>) recipe.lower.evaluate(*m).pull(a * T(-recipe.at(*m, narrow<T>(ends.low))));
      if constexpr (moves<U>) recipe.upper.evaluate(*m).pull(a * T(recipe.at(*m, narrow<T>(ends.high))));
    }
  };
  template <class M> LOCKSTEP_FN Value<M> evaluate(const M& m) const {
    using T = typename M::value_type;
    using S = SumOf<T>;
    const Ends<T> range = ends(m);
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const double enough = max(tolerance, std::is_same_v<S, T> ? 0. : 1e-6);
    S sum(0.), absolute(0.), before(nan), value(nan), step(0.), size(0.);
    auto open = S(0.) == S(0.);
    double h = first_step, least_step = h;
    LOCKSTEP_ROLLED
    for (int level = 0; level < most_levels && any_lane<S>(open); ++level, h *= 0.5) {
      LOCKSTEP_ROLLED
      for (int k = first_of(level); k <= last_of(level); k += stride_of(level)) {
        const Node<S> node = range.node(k * h);
        const S term = node.weight * widened<S>(at(m, narrow<T>(node.x)));
        sum += term;
        absolute += abs(term);
      }
      const S now = h * sum, now_absolute = h * absolute;
      const auto settles = open && abs(now - before) <= enough * now_absolute;
      value = choose(settles, now, value);
      size = choose(settles, now_absolute, size);
      step = choose(settles, S(h), step);
      open = open && !settles;
      before = now;
      least_step = h;
    }
    return {narrow<T>(value), step, size, least_step, &m, *this};
  }

 private:
  static constexpr bool from_below = is_bound<L>, to_above = is_bound<U>;
  // A bound that derivatives reach.
  template <class E> static constexpr bool moves = is_bound<E> && !std::is_same_v<E, Constant>;
  static constexpr double first_step = 0.5, negligible = 1e-18;
  static constexpr int most_levels = 10;
  static constexpr int nodes_each_side = 8;   // |t| is at most 4: a node 1e-37 of the interval from its end, or at 4e18
  // Numbers k of the nodes k h that a level adds: all, then the odd ones.
  LOCKSTEP_FN static int last_of(int level) { return level == 0 ? nodes_each_side : (nodes_each_side << level) - 1; }
  LOCKSTEP_FN static int first_of(int level) { return -last_of(level); }
  LOCKSTEP_FN static int stride_of(int level) { return level == 0 ? 1 : 2; }

  template <class S> struct Node {
    S x, weight;
  };
  template <class T> struct Ends {
    using S = SumOf<T>;
    S low, high;   // 0 for a bound that there is not
    LOCKSTEP_FN Node<S> node(double t) const {
      constexpr double half_pi = 1.57079632679489661923;
      const double angle = half_pi * sinh(t), slope = half_pi * cosh(t);
      if constexpr (from_below && to_above) {
        const double share = 1. / (1. + exp(2. * abs(angle)));   // of the interval, from the nearer end
        const S width = high - low, weight = width * (2. * slope * share * (1. - share));
        return t < 0. ? Node<S>{low + apart(S(width * share), low), weight} : Node<S>{high - apart(S(width * share), high), weight};
      } else if constexpr (from_below || to_above) {
        const double distance = exp(angle);
        const S weight(distance * slope);
        return from_below ? Node<S>{low + apart(S(distance), low), weight} : Node<S>{high - apart(S(distance), high), weight};
      } else {
        return {S(sinh(angle)), S(cosh(angle) * slope)};
      }
    }
    // So far from the end, or as far as keeps a node from coming to lie on it, where f may be infinite.
    LOCKSTEP_FN static S apart(const S& distance, const S& end) {
      constexpr double least = std::is_same_v<S, T> ? 3e-16 : 2e-7;
      const S direction = choose(distance < 0., S(-1.), S(1.));
      return direction * max(S(abs(distance)), S(least * abs(end)));
    }
  };
  template <class M> LOCKSTEP_FN Ends<typename M::value_type> ends(const M& m) const {
    using T = typename M::value_type;
    return {widened<SumOf<T>>(T(lower.evaluate(m).value)), widened<SumOf<T>>(T(upper.evaluate(m).value))};
  }
  template <class M> LOCKSTEP_FN auto at(const M& m, const typename M::value_type& x) const {
    using T = typename M::value_type;
    return T(as_recipe(function(Given<T>(x))).evaluate(m).value);
  }
};
// The integral of f(x) from lower to upper, which may be expressions; no_bound is infinity. f is finite inside, and at a bound that
// is an expression. Over an infinite range it is found where |x|, or the distance from the bound, is neither below 1e-8 nor above
// 1e8. NaN, a divergence, where 512 times as many points as at first are not enough.
template <Operand L, Operand U, class F>
LOCKSTEP_FN auto integral(const L& lower, const U& upper, const F& f, double tolerance = 1e-8) {
  return Integral<RecipeOf<L>, RecipeOf<U>, F>(as_recipe(lower), as_recipe(upper), f, tolerance);
}

}  // namespace lockstep
