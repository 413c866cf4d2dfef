// Where a parameter may lie, and the transform from the unconstrained line.
//
// A support is a recipe (its bounds may be expressions of other parameters). `bind(m)` evaluates the bounds once and
// gives a bound support, with which a node maps its coordinates:
//
//   constrain(x)                  -> the value at unconstrained x: `.value`, `.log_jacobian` and, where it is free, the
//                                    value's logarithm
//   gradient(at, adjoint, weight) -> d/dx of everything that depends on the value through `adjoint`, plus `weight` times
//                                    d/dx of log|J|; also pulls into the bounds
//   unconstrain(value)            -> x, NaN if the value is outside
#pragma once

#include <limits>

#include "lockstep/expression.hpp"

namespace lockstep {

// ---- the whole line ----------------------------------------------------------------------------------------------------

struct RealLine {
  static constexpr bool elementwise = true;
  static constexpr bool identity = true;
  static constexpr const char* description = "real";

  struct Bound {
    template <class T> struct At {
      T value;
      LOCKSTEP_FN Zero log_jacobian() const { return {}; }
    };
    template <class T> LOCKSTEP_FN At<T> constrain(const T& x) const { return {x}; }
    template <class T> LOCKSTEP_FN T gradient(const At<T>&, const T& adjoint, double) const { return adjoint; }
    double unconstrain(double value) const { return value; }
  };
  template <class M> LOCKSTEP_FN Bound bind(const M&) const { return {}; }
};

// ---- positive: the logarithm of the value is the coordinate itself ---------------------------------------------------------

struct Positive {
  static constexpr bool elementwise = true;
  static constexpr bool identity = false;
  static constexpr const char* description = "positive";

  struct Bound {
    template <class T> struct At {
      T value, x;
      LOCKSTEP_FN T log_jacobian() const { return x; }
      LOCKSTEP_FN T log_value() const { return x; }
      LOCKSTEP_FN T inverse_value() const { return 1. / value; }
    };
    template <class T> LOCKSTEP_FN At<T> constrain(const T& x) const { return {exp(x), x}; }
    template <class T> LOCKSTEP_FN T gradient(const At<T>& at, const T& adjoint, double weight) const {
      return adjoint * at.value + weight;
    }
    double unconstrain(double value) const { return std::log(value); }
  };
  template <class M> LOCKSTEP_FN Bound bind(const M&) const { return {}; }
};

// ---- one-sided bounds --------------------------------------------------------------------------------------------------

// The evaluated bound and the adjoint that gathers for it.
template <class M, class E> struct BoundArgument {
  EvaluatedIn<E, M> evaluated;
  typename M::value_type adjoint = typename M::value_type(0.);
  LOCKSTEP_FN BoundArgument(const M& m, const E& e) : evaluated(e.evaluate(m)) {}
  LOCKSTEP_FN BoundArgument(const BoundArgument&) = delete;
  LOCKSTEP_FN ~BoundArgument() { evaluated.pull(adjoint); }
};

// value = bound + sign * exp(x)
template <class E, int sign> struct OneSided {
  static_assert(E::uniform, "a bound is the same for every element of a plate");
  static constexpr bool elementwise = true;
  static constexpr bool identity = false;
  static constexpr const char* description = sign > 0 ? "above a bound" : "below a bound";
  E limit;

  template <class M> struct Bound {
    BoundArgument<M, E> limit;
    LOCKSTEP_FN Bound(const M& m, const E& e) : limit(m, e) {}
    template <class T> struct At {
      T value, distance, x;
      LOCKSTEP_FN T log_jacobian() const { return x; }
    };
    template <class T> LOCKSTEP_FN At<T> constrain(const T& x) const {
      T distance = exp(x);
      return {limit.evaluated.value + double(sign) * distance, distance, x};
    }
    template <class T> LOCKSTEP_FN T gradient(const At<T>& at, const T& adjoint, double weight) {
      limit.adjoint += adjoint;
      return double(sign) * adjoint * at.distance + weight;
    }
    double unconstrain(double value) const { return std::log(sign * (value - limit.evaluated.value)); }
  };
  template <class M> LOCKSTEP_FN Bound<M> bind(const M& m) const { return {m, limit}; }
};

// ---- two-sided bounds --------------------------------------------------------------------------------------------------

// value = lower + (upper - lower) * sigmoid(x)
template <class L, class U> struct TwoSided {
  static_assert(L::uniform && U::uniform, "a bound is the same for every element of a plate");
  static constexpr bool elementwise = true;
  static constexpr bool identity = false;
  static constexpr const char* description = "between two bounds";
  L lower;
  U upper;

  template <class M> struct Bound {
    using T = typename M::value_type;
    BoundArgument<M, L> lower;
    BoundArgument<M, U> upper;
    T width, inverse_width, log_width;
    LOCKSTEP_FN Bound(const M& m, const L& l, const U& u)
        : lower(m, l), upper(m, u), width(upper.evaluated.value - lower.evaluated.value), inverse_width(1. / width),
          log_width(log(width)) {}
    template <class V> struct At {
      V value, fraction, remainder, jacobian;   // jacobian: log|J|
      LOCKSTEP_FN V log_jacobian() const { return jacobian; }
    };
    template <class V> LOCKSTEP_FN At<V> constrain(const V& x) const {
      // log f + log(1-f) = x - 2 softplus(x); 1-f is sigmoid(-x), without cancellation.
      auto up = softplus_sigmoid(x);
      auto down = softplus_sigmoid(V(-x)).sigmoid;
      // Never above the upper bound by rounding, where a uniform prior would be impossible.
      const V value = min(V(lower.evaluated.value + width * up.sigmoid), V(upper.evaluated.value));
      return {value, up.sigmoid, down, log_width + x - 2. * up.softplus};
    }
    template <class V> LOCKSTEP_FN V gradient(const At<V>& at, const V& adjoint, double weight) {
      lower.adjoint += adjoint * at.remainder - weight * inverse_width;
      upper.adjoint += adjoint * at.fraction + weight * inverse_width;
      return adjoint * width * at.fraction * at.remainder + weight * (at.remainder - at.fraction);
    }
    double unconstrain(double value) const {
      return std::log(value - lower.evaluated.value) - std::log(upper.evaluated.value - value);
    }
  };
  template <class M> LOCKSTEP_FN Bound<M> bind(const M& m) const { return {m, lower, upper}; }
};

// (0, 1): as above, and the logarithms of the value and of its complement are free.
struct UnitInterval {
  static constexpr bool elementwise = true;
  static constexpr bool identity = false;
  static constexpr const char* description = "between 0 and 1";

  struct Bound {
    template <class T> struct At {
      T value, remainder, log_v, log1m_v;
      LOCKSTEP_FN T log_jacobian() const { return log_v + log1m_v; }
      LOCKSTEP_FN T log_value() const { return log_v; }
      LOCKSTEP_FN T log1m_value() const { return log1m_v; }
      LOCKSTEP_FN T complement() const { return remainder; }
    };
    template <class T> LOCKSTEP_FN At<T> constrain(const T& x) const {
      auto up = softplus_sigmoid(x);
      auto down = softplus_sigmoid(T(-x));
      return {up.sigmoid, down.sigmoid, -down.softplus, -up.softplus};
    }
    template <class T> LOCKSTEP_FN T gradient(const At<T>& at, const T& adjoint, double weight) const {
      return adjoint * at.value * at.remainder + weight * (at.remainder - at.value);
    }
    double unconstrain(double value) const { return std::log(value) - std::log1p(-value); }
  };
  template <class M> LOCKSTEP_FN Bound bind(const M&) const { return {}; }
};

// ---- ordered: v[0] < v[1] < ... ------------------------------------------------------------------------------------------

// v[0] = x[0], v[i] = v[i-1] + exp(x[i])
struct Ordered {
  static constexpr bool elementwise = false;
  static constexpr bool identity = false;
  static constexpr const char* description = "ordered";

  // Arrays of n lanes: coordinates to values; returns log|J|.
  template <class T, class Coordinates, class Values>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, int n) {
    T previous = x.load(0), log_jacobian(0.);
    value.store(0, previous);
    for (int i = 1; i < n; ++i) {
      const T step = x.load(i);
      previous = previous + exp(step);
      value.store(i, previous);
      log_jacobian += step;
    }
    return log_jacobian;
  }
  // `adjoint(i)` of each value; calls `add(i, d)` with the derivative by coordinate i, log|J| included.
  template <class T, class Coordinates, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates& x, int n, const Adjoint& adjoint, const Add& add) {
    T from_here(0.);
    for (int i = n - 1; i > 0; --i) {
      from_here += adjoint(i);
      add(i, from_here * exp(x.load(i)) + 1.);
    }
    add(0, from_here + adjoint(0));
  }
  static void unconstrain(const double* value, double* x, int n) {
    x[0] = value[0];
    for (int i = 1; i < n; ++i) x[i] = std::log(value[i] - value[i - 1]);
  }
};

// ---- what a model author writes ------------------------------------------------------------------------------------------

// (Functions: device code cannot read a host's constants.)
LOCKSTEP_FN constexpr RealLine real_line() { return {}; }
LOCKSTEP_FN constexpr Positive positive() { return {}; }
LOCKSTEP_FN constexpr UnitInterval unit_interval() { return {}; }
LOCKSTEP_FN constexpr Ordered ordered() { return {}; }
template <Operand E> LOCKSTEP_FN auto above(const E& limit) { return OneSided<RecipeOf<E>, 1>{as_recipe(limit)}; }
template <Operand E> LOCKSTEP_FN auto below(const E& limit) { return OneSided<RecipeOf<E>, -1>{as_recipe(limit)}; }
template <Operand L, Operand U> LOCKSTEP_FN auto between(const L& lower, const U& upper) {
  return TwoSided<RecipeOf<L>, RecipeOf<U>>{as_recipe(lower), as_recipe(upper)};
}

}  // namespace lockstep
