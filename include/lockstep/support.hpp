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
#include <vector>

#include "lockstep/expression.hpp"
#include "lockstep/lanes.hpp"

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

// The same by value = log(1 + exp(x)), which is the coordinate itself where that is large: steps do not grow with the value.
struct SoftplusPositive {
  static constexpr bool elementwise = true;
  static constexpr bool identity = false;
  static constexpr const char* description = "positive";

  struct Bound {
    template <class T> struct At {
      T value, slope, remainder, jacobian;   // remainder: 1 - slope
      LOCKSTEP_FN T log_jacobian() const { return jacobian; }
    };
    template <class T> LOCKSTEP_FN At<T> constrain(const T& x) const {
      const auto up = softplus_sigmoid(x), down = softplus_sigmoid(T(-x));
      return {up.softplus, up.sigmoid, down.sigmoid, -down.softplus};
    }
    template <class T> LOCKSTEP_FN T gradient(const At<T>& at, const T& adjoint, double weight) const {
      return adjoint * at.slope + weight * at.remainder;
    }
    double unconstrain(double value) const { return value + std::log(-std::expm1(-value)); }
  };
  template <class M> LOCKSTEP_FN Bound bind(const M&) const { return {}; }
};

// ---- one-sided bounds --------------------------------------------------------------------------------------------------

// The evaluated bound and the adjoint that gathers for it.
template <class M, class E> struct BoundArgument {
  EvaluatedIn<E, M> evaluated;
  SumOf<typename M::value_type> adjoint = SumOf<typename M::value_type>(0.);
  LOCKSTEP_FN BoundArgument(const M& m, const E& e) : evaluated(e.evaluate(m)) {}
  LOCKSTEP_FN BoundArgument(const BoundArgument&) = delete;
  LOCKSTEP_FN ~BoundArgument() { evaluated.pull(narrow<typename M::value_type>(adjoint)); }
};

// value = offset + multiplier * x, on the whole line
template <class O, class S> struct Scaled {
  static_assert(O::uniform && S::uniform, "offset and multiplier are the same for every element of a plate; for a prior whose "
                "location or scale varies, non_centred(normal(mu[j], tau))");
  static constexpr bool elementwise = true;
  static constexpr bool identity = false;
  static constexpr const char* description = "real";
  O offset;
  S multiplier;

  template <class M> struct Bound {
    using T = typename M::value_type;
    BoundArgument<M, O> offset;
    BoundArgument<M, S> multiplier;
    T log_multiplier, inverse;
    LOCKSTEP_FN Bound(const M& m, const O& o, const S& s)
        : offset(m, o), multiplier(m, s), log_multiplier(log(T(multiplier.evaluated.value))),
          inverse(1. / T(multiplier.evaluated.value)) {}
    template <class V> struct At {
      V value, x, jacobian;
      LOCKSTEP_FN V log_jacobian() const { return jacobian; }
    };
    template <class V> LOCKSTEP_FN At<V> constrain(const V& x) const {
      return {V(offset.evaluated.value + multiplier.evaluated.value * x), x, log_multiplier};
    }
    template <class V> LOCKSTEP_FN V gradient(const At<V>& at, const V& adjoint, double weight) {
      accumulate(offset.adjoint, adjoint);
      accumulate(multiplier.adjoint, V(adjoint * at.x + weight * inverse));
      return adjoint * multiplier.evaluated.value;
    }
    double unconstrain(double value) const { return (value - offset.evaluated.value) / multiplier.evaluated.value; }
  };
  template <class M> LOCKSTEP_FN Bound<M> bind(const M& m) const { return {m, offset, multiplier}; }
};

// value = bound + sign * exp(x)
template <class E, int sign> struct OneSided {
  static constexpr bool uniform = E::uniform;
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
      accumulate(limit.adjoint, adjoint);
      return double(sign) * adjoint * at.distance + weight;
    }
    double unconstrain(double value) const { return std::log(sign * (value - limit.evaluated.value)); }
  };
  template <class M> LOCKSTEP_FN Bound<M> bind(const M& m) const {
    static_assert(uniform, "a bound is the same for every element of a plate");
    return {m, limit};
  }
};

// ---- two-sided bounds --------------------------------------------------------------------------------------------------

// value = lower + (upper - lower) * sigmoid(x)
template <class L, class U> struct TwoSided {
  static constexpr bool uniform = L::uniform && U::uniform;
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
      accumulate(lower.adjoint, adjoint * at.remainder - weight * inverse_width);
      accumulate(upper.adjoint, adjoint * at.fraction + weight * inverse_width);
      return adjoint * width * at.fraction * at.remainder + weight * (at.remainder - at.fraction);
    }
    double unconstrain(double value) const {
      return std::log(value - lower.evaluated.value) - std::log(upper.evaluated.value - value);
    }
  };
  template <class M> LOCKSTEP_FN Bound<M> bind(const M& m) const {
    static_assert(uniform, "a bound is the same for every element of a plate");
    return {m, lower, upper};
  }
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

// ---- joint supports: of a vector, or a matrix, as a whole ------------------------------------------------------------------
//
// With n the extent (elements of a vector, rows of a square matrix; of any other matrix, both its sizes), a joint support has
//
//   values(n), coordinates(n)              how many of each
//   constrain(x, value, log_value, n)      coordinates to values; returns log|J|. `log_value` is written if `keeps_logs`
//   gradient(x, value, n, adjoint, add)    `adjoint(i)` of each value; calls `add(k, d)` once for every coordinate k with
//                                          the derivative by it, log|J| included. It may use `value` up as memory
//   unconstrain(value, x, n)               NaN where the values are outside, but for the rounding of decimals
//
// x, value and log_value are arrays of lanes. Where there are more coordinates than the values need, log|J| makes up a
// distribution of what is left over, so that the density of the values alone is what it should be.

struct JointSupport {
  static constexpr bool elementwise = false;
  static constexpr bool identity = false;
  static constexpr bool keeps_logs = false;
  static constexpr bool whole = false;             // of a matrix as a whole; otherwise each of its rows has it
  static constexpr bool square = false;            // whole, and both axes run along one dimension
  static constexpr bool lower_triangular = false;
  static constexpr bool ascending = false;
  using Extent = int;
  LOCKSTEP_FN static int extent(int, int columns) { return columns; }
  LOCKSTEP_FN static int values(int n) { return n; }
  LOCKSTEP_FN static int coordinates(int n) { return n; }
};
struct SquareMatrixSupport : JointSupport {
  static constexpr bool whole = true;
  static constexpr bool square = true;
  LOCKSTEP_FN static int values(int n) { return n * n; }
};

// v[0] < v[1] < ...: v[0] = x[0], v[i] = v[i-1] + exp(x[i]); positive: v[0] = exp(x[0]).
template <bool positive> struct OrderedSupport : JointSupport {
  static constexpr const char* description = positive ? "positive ordered" : "ordered";
  static constexpr bool ascending = true;

  template <class T, class Coordinates, class Values, class Logs>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, const Logs&, int n) {
    const T first = x.load(0);
    T previous = first, log_jacobian(0.);
    if constexpr (positive) {
      previous = exp(first);
      log_jacobian = first;
    }
    value.store(0, previous);
    for (int i = 1; i < n; ++i) {
      const T step = x.load(i);
      previous = previous + exp(step);
      value.store(i, previous);
      log_jacobian += step;
    }
    return log_jacobian;
  }
  template <class T, class Coordinates, class Values, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates& x, const Values&, int n, const Adjoint& adjoint, const Add& add) {
    T from_here(0.);
    for (int i = n - 1; i > 0; --i) {
      from_here += adjoint(i);
      add(i, from_here * exp(x.load(i)) + 1.);
    }
    from_here += adjoint(0);
    if constexpr (positive) add(0, from_here * exp(x.load(0)) + 1.);
    else add(0, from_here);
  }
  static void unconstrain(const double* value, double* x, int n) {
    x[0] = positive ? std::log(value[0]) : value[0];
    for (int i = 1; i < n; ++i) x[i] = std::log(value[i] - value[i - 1]);
  }
};
using Ordered = OrderedSupport<false>;
using PositiveOrdered = OrderedSupport<true>;

// Positive, with sum 1, by breaking a stick: v[k] is the share z[k] = sigmoid(x[k] - log(n - 1 - k)) of what the elements
// before it have left, so that x = 0 gives equal elements (Stan's transform up to release 2.36; Betancourt 2012,
// "Cruising the simplex"). The logarithms of the values come with the Jacobian:
//   log|J| = sum_k log z[k] + log(1 - z[k]) + log left[k]
struct Simplex : JointSupport {
  static constexpr const char* description = "simplex";
  static constexpr bool keeps_logs = true;
  LOCKSTEP_FN static int coordinates(int n) { return n > 0 ? n - 1 : 0; }
  LOCKSTEP_FN static double offset(int n, int k) { return log(double(n - 1 - k)); }

  template <class T, class Coordinates, class Values, class Logs>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, const Logs& log_value, int n) {
    T left(1.), log_left(0.), log_jacobian(0.);
    for (int k = 0; k < n - 1; ++k) {
      const T at = x.load(k) - offset(n, k);
      const T z = softplus_sigmoid(at).sigmoid;
      const auto down = softplus_sigmoid(T(-at));      // sigmoid(-at) = 1 - z, without cancellation
      const T log_z = -down.softplus, log_rest = log_z - at;
      const T log_v = log_left + log_z;
      value.store(k, left * z);
      log_value.store(k, log_v);
      log_jacobian += log_v + log_rest;
      left = left * down.sigmoid;
      log_left += log_rest;
    }
    value.store(n - 1, left);
    log_value.store(n - 1, log_left);
    return log_jacobian;
  }
  template <class T, class Coordinates, class Values, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates& x, const Values& value, int n, const Adjoint& adjoint, const Add& add) {
    T of_left = adjoint(n - 1);
    for (int k = n - 2; k >= 0; --k) {
      const T rest = softplus_sigmoid(T(offset(n, k) - x.load(k))).sigmoid, z = 1. - rest;
      const T by_element = adjoint(k);
      // log left of the elements between this one and the last falls with z, each by as much.
      add(k, (by_element - of_left) * value.load(k) * rest + rest - double(n - 1 - k) * z);
      of_left = by_element * z + of_left * rest;
    }
  }
  static void unconstrain(const double* value, double* x, int n) {
    double after = 0;
    for (int k = n - 1; k > 0; --k) {
      after += value[k];
      x[k - 1] = std::log(value[k - 1]) - std::log(after) + offset(n, k - 1);
    }
    if (!(std::abs(after + value[0] - 1) <= 1e-6))
      for (int k = 0; k < n - 1; ++k) x[k] = std::numeric_limits<double>::quiet_NaN();
  }
};

// With sum 0: n - 1 coordinates, turned by a reflection into the plane where elements sum to zero, so that lengths and
// angles stay as they are and log|J| = 0, J by an orthonormal basis of that plane. With s the sum of the coordinates,
//   v[k] = x[k] - s/(n + sqrt(n)), k < n - 1;   v[n-1] = -s/sqrt(n)
struct ZeroSum : JointSupport {
  static constexpr const char* description = "sums to zero";
  LOCKSTEP_FN static int coordinates(int n) { return n > 0 ? n - 1 : 0; }

  template <class T, class Coordinates, class Values, class Logs>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, const Logs&, int n) {
    T sum(0.);
    for (int k = 0; k < n - 1; ++k) sum += x.load(k);
    const double root = sqrt(double(n));
    const T shift = sum / (double(n) + root);
    for (int k = 0; k < n - 1; ++k) value.store(k, x.load(k) - shift);
    value.store(n - 1, -sum / root);
    return T(0.);
  }
  template <class T, class Coordinates, class Values, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates&, const Values&, int n, const Adjoint& adjoint, const Add& add) {
    const double root = sqrt(double(n));
    T sum(0.);
    for (int k = 0; k < n - 1; ++k) sum += adjoint(k);
    const T common = sum / (double(n) + root) + T(adjoint(n - 1)) / root;
    for (int k = 0; k < n - 1; ++k) add(k, T(adjoint(k) - common));
  }
  static void unconstrain(const double* value, double* x, int n) {
    double sum = 0, size = 0;
    for (int k = 0; k < n; ++k) sum += value[k], size += std::abs(value[k]);
    for (int k = 0; k < n - 1; ++k)
      x[k] = std::abs(sum) <= 1e-6 * size ? value[k] - value[n - 1] / (1 + std::sqrt(double(n)))
                                          : std::numeric_limits<double>::quiet_NaN();
  }
};

// The lower Cholesky factor of a correlation matrix, row by row, by canonical partial correlations z = tanh(x) (Lewandowski,
// Kurowicka & Joe 2009; Stan's transform): L[i][j] = z left[j] for j < i, L[i][i] = left[i], where left[j]^2 is
// 1 - L[i][0]^2 - ... - L[i][j-1]^2.
struct CholeskyCorrelation : SquareMatrixSupport {
  static constexpr const char* description = "Cholesky factor of a correlation matrix";
  static constexpr bool lower_triangular = true;
  LOCKSTEP_FN static int coordinates(int n) { return n * (n - 1) / 2; }

  // tanh x, sech x and log(1 - tanh(x)^2).
  template <class T> struct Partial {
    T correlation, remainder, log_remainder;
    LOCKSTEP_FN explicit Partial(const T& x) {
      const T size = abs(x);
      const T e = exp(-2. * size), inverse = 1. / (1. + e);
      const T tanh = (1. - e) * inverse;
      correlation = choose(x < 0., T(-tanh), tanh);
      remainder = 2. * exp(-size) * inverse;
      log_remainder = 2. * (log_2 - size - log1p(e));
    }
    static constexpr double log_2 = 0.69314718055994530942;
  };

  template <class T, class Coordinates, class Values, class Logs>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, const Logs&, int n) {
    T log_jacobian(0.);
    int next = 0;
    for (int i = 0; i < n; ++i) {
      T left(1.);
      for (int j = 0; j < i; ++j, ++next) {
        const Partial<T> p(x.load(next));
        value.store(i * n + j, p.correlation * left);
        left = left * p.remainder;
        log_jacobian += weight(i, j) * p.log_remainder;
      }
      value.store(i * n + i, left);
      for (int j = i + 1; j < n; ++j) value.store(i * n + j, T(0.));
    }
    return log_jacobian;
  }
  template <class T, class Coordinates, class Values, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates& x, const Values& value, int n, const Adjoint& adjoint, const Add& add) {
    for (int i = n - 1; i > 0; --i) {
      T of_left = adjoint(i * n + i), left = value.load(i * n + i);
      for (int j = i - 1; j >= 0; --j) {
        const int k = i * (i - 1) / 2 + j;
        const Partial<T> p(x.load(k));
        const T by_element = adjoint(i * n + j);
        const T after = left;
        left = left / p.remainder;
        add(k, by_element * left * p.remainder * p.remainder - (of_left * after + 2. * weight(i, j)) * p.correlation);
        of_left = by_element * p.correlation + of_left * p.remainder;
      }
    }
  }
  static void unconstrain(const double* value, double* x, int n) {
    bool inside = true;
    for (int i = 0; i < n; ++i) {
      double sum = 0;  // of squares, over the row so far
      for (int j = 0; j < i; ++j) {
        x[i * (i - 1) / 2 + j] = std::atanh(value[i * n + j] / std::sqrt(1 - sum));
        sum += value[i * n + j] * value[i * n + j];
      }
      const double diagonal = value[i * n + i];
      inside = inside && diagonal > 0 && std::abs(sum + diagonal * diagonal - 1) <= 1e-6;
      for (int j = i + 1; j < n; ++j) inside = inside && value[i * n + j] == 0;
    }
    if (!inside && n > 1) x[0] = std::numeric_limits<double>::quiet_NaN();
  }

 private:
  // Element (i, j) makes the i - 1 - j partial correlations after it in its row smaller, each by half its log remainder.
  LOCKSTEP_FN static double weight(int i, int j) { return 1 + 0.5 * (i - 1 - j); }
};

// The lower Cholesky factor of a covariance matrix, row by row: any numbers below the diagonal, exp(x) on it.
struct CholeskyCovariance : SquareMatrixSupport {
  static constexpr const char* description = "Cholesky factor of a covariance matrix";
  static constexpr bool lower_triangular = true;
  LOCKSTEP_FN static int coordinates(int n) { return n * (n + 1) / 2; }

  template <class T, class Coordinates, class Values, class Logs>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, const Logs&, int n) {
    T log_jacobian(0.);
    int next = 0;
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < i; ++j) value.store(i * n + j, x.load(next++));
      const T log_diagonal = x.load(next++);
      value.store(i * n + i, exp(log_diagonal));
      log_jacobian += log_diagonal;
      for (int j = i + 1; j < n; ++j) value.store(i * n + j, T(0.));
    }
    return log_jacobian;
  }
  template <class T, class Coordinates, class Values, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates&, const Values& value, int n, const Adjoint& adjoint, const Add& add) {
    for (int i = 0, next = 0; i < n; ++i) {
      for (int j = 0; j < i; ++j) add(next++, T(adjoint(i * n + j)));
      add(next++, T(adjoint(i * n + i) * value.load(i * n + i) + 1.));
    }
  }
  static void unconstrain(const double* value, double* x, int n) {
    bool inside = true;
    for (int i = 0, next = 0; i < n; ++i) {
      for (int j = 0; j < i; ++j) x[next++] = value[i * n + j];
      x[next++] = std::log(value[i * n + i]);
      for (int j = i + 1; j < n; ++j) inside = inside && value[i * n + j] == 0;
    }
    if (!inside) x[0] = std::numeric_limits<double>::quiet_NaN();
  }
};

// A correlation or a covariance matrix S = L L^T, by the coordinates of its factor L. By S's free elements, those on and below
// the diagonal (a correlation matrix's: below), row by row,
//   log|J| = log|J of L| + sum_j (n - 1 - j) log L[j][j] (correlations), + sum_j [(n - j) log L[j][j] + log 2] (covariances)
template <class Factor, bool unit_diagonal> struct SymmetricSupport : SquareMatrixSupport {
  static constexpr const char* description = unit_diagonal ? "correlation matrix" : "covariance matrix";
  LOCKSTEP_FN static int coordinates(int n) { return Factor::coordinates(n); }
  LOCKSTEP_FN static double power(int n, int j) { return n - j - (unit_diagonal ? 1 : 0); }

  template <class T, class Coordinates, class Values, class Logs>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, const Logs& log_value, int n) {
    T log_jacobian = Factor::template constrain<T>(x, value, log_value, n);
    for (int j = 0; j < n; ++j) {
      if (power(n, j) > 0) log_jacobian += power(n, j) * log(T(value.load(j * n + j)));
      if constexpr (!unit_diagonal) log_jacobian += log_of_two;
    }
    // Products of different rows go above the diagonal, where the factor has zeros; then each row is replaced.
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < i; ++j) value.store(j * n + i, product<T>(value, i, j, n));
    for (int i = 0; i < n; ++i) {
      value.store(i * n + i, unit_diagonal ? T(1.) : product<T>(value, i, i, n));
      for (int j = 0; j < i; ++j) value.store(i * n + j, T(value.load(j * n + i)));
    }
    return log_jacobian;
  }
  template <class T, class Coordinates, class Values, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates& x, const Values& value, int n, const Adjoint& adjoint, const Add& add) {
    Factor::template constrain<T>(x, value, value, n);
    const auto by_factor = [&](int e) {
      const int i = e / n, j = e % n;
      T sum(0.);
      for (int k = j; k < n; ++k)
        if (!unit_diagonal || k != i) sum += (T(adjoint(i * n + k)) + T(adjoint(k * n + i))) * T(value.load(k * n + j));
      if (i == j) sum += power(n, j) / T(value.load(e));
      return sum;
    };
    Factor::template gradient<T>(x, value, n, by_factor, add);
  }
  static void unconstrain(const double* value, double* x, int n) {
    std::vector<double> l(std::size_t(n) * std::size_t(n));
    bool inside = true;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j <= i; ++j) {
        const auto at = [&](int row, int column) -> double& { return l[std::size_t(row * n + column)]; };
        double rest = value[i * n + j];
        inside = inside && std::abs(rest - value[j * n + i]) <= 1e-6 * std::sqrt(value[i * n + i] * value[j * n + j]);
        if (unit_diagonal && i == j) inside = inside && std::abs(rest - 1) <= 1e-6;
        for (int k = 0; k < j; ++k) rest -= at(i, k) * at(j, k);
        at(i, j) = i == j ? std::sqrt(rest) : rest / at(j, j);
      }
    Factor::unconstrain(l.data(), x, n);
    if (!inside && coordinates(n) > 0) x[0] = std::numeric_limits<double>::quiet_NaN();
  }

 private:
  static constexpr double log_of_two = 0.69314718055994530942;
  // Of two rows of the factor, j <= i.
  template <class T, class Values> LOCKSTEP_FN static T product(const Values& value, int i, int j, int n) {
    T sum(0.);
    for (int k = 0; k <= j; ++k) sum += T(value.load(i * n + k)) * T(value.load(j * n + k));
    return sum;
  }
};
using CorrelationMatrix = SymmetricSupport<CholeskyCorrelation, true>;
using CovarianceMatrix = SymmetricSupport<CholeskyCovariance, false>;

struct MatrixExtent {
  int rows, columns;
};

// A matrix whose rows and columns all sum to zero: ZeroSum's reflection along the rows, then along the columns. log|J| = 0, J by
// an orthonormal basis.
struct ZeroSumMatrix : JointSupport {
  static constexpr const char* description = "rows and columns sum to zero";
  static constexpr bool whole = true;
  using Extent = MatrixExtent;
  LOCKSTEP_FN static Extent extent(int rows, int columns) { return {rows, columns}; }
  LOCKSTEP_FN static int values(Extent n) { return n.rows * n.columns; }
  LOCKSTEP_FN static int coordinates(Extent n) { return ZeroSum::coordinates(n.rows) * ZeroSum::coordinates(n.columns); }

  template <class T, class Coordinates, class Values, class Logs>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, const Logs& log_value, Extent n) {
    for (int i = 0; i < n.rows - 1; ++i)
      ZeroSum::constrain<T>(x.from(i * (n.columns - 1)), value.from(i * n.columns), log_value, n.columns);
    const double root = sqrt(double(n.rows));
    for (int j = 0; j < n.columns; ++j) {
      T sum(0.);
      for (int i = 0; i < n.rows - 1; ++i) sum += value.load(i * n.columns + j);
      const T shift = sum / (double(n.rows) + root);
      for (int i = 0; i < n.rows - 1; ++i) value.store(i * n.columns + j, T(value.load(i * n.columns + j) - shift));
      value.store((n.rows - 1) * n.columns + j, -sum / root);
    }
    return T(0.);
  }
  template <class T, class Coordinates, class Values, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates& x, const Values& value, Extent n, const Adjoint& adjoint, const Add& add) {
    const double root = sqrt(double(n.rows));
    for (int j = 0; j < n.columns; ++j) {
      T sum(0.);
      for (int i = 0; i < n.rows - 1; ++i) sum += adjoint(i * n.columns + j);
      const T common = sum / (double(n.rows) + root) + T(adjoint((n.rows - 1) * n.columns + j)) / root;
      for (int i = 0; i < n.rows - 1; ++i) value.store(i * n.columns + j, T(T(adjoint(i * n.columns + j)) - common));
    }
    for (int i = 0; i < n.rows - 1; ++i)
      ZeroSum::gradient<T>(x, value, n.columns, [&](int j) { return T(value.load(i * n.columns + j)); },
                           [&](int k, const T& d) { add(i * (n.columns - 1) + k, d); });
  }
  static void unconstrain(const double* value, double* x, Extent n) {
    std::vector<double> column(std::size_t(n.rows)), turned(std::size_t(n.rows) * std::size_t(n.columns));
    for (int j = 0; j < n.columns; ++j) {
      for (int i = 0; i < n.rows; ++i) column[std::size_t(i)] = value[i * n.columns + j];
      std::vector<double> free(std::size_t(n.rows));
      ZeroSum::unconstrain(column.data(), free.data(), n.rows);
      for (int i = 0; i < n.rows - 1; ++i) turned[std::size_t(i * n.columns + j)] = free[std::size_t(i)];
    }
    for (int i = 0; i < n.rows - 1; ++i) {
      const double* row = turned.data() + std::ptrdiff_t(i) * n.columns;
      ZeroSum::unconstrain(row, x + i * (n.columns - 1), n.columns);
    }
  }
};

// A matrix whose columns are simplexes: Simplex's coordinates of the first column, then of the second, ...
struct ColumnStochastic : JointSupport {
  static constexpr const char* description = "columns are simplexes";
  static constexpr bool keeps_logs = true;
  static constexpr bool whole = true;
  using Extent = MatrixExtent;
  LOCKSTEP_FN static Extent extent(int rows, int columns) { return {rows, columns}; }
  LOCKSTEP_FN static int values(Extent n) { return n.rows * n.columns; }
  LOCKSTEP_FN static int coordinates(Extent n) { return Simplex::coordinates(n.rows) * n.columns; }

  template <class T, class Coordinates, class Values, class Logs>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, const Logs& log_value, Extent n) {
    T log_jacobian(0.);
    for (int j = 0; j < n.columns; ++j)
      log_jacobian += Simplex::constrain<T>(x.from(j * Simplex::coordinates(n.rows)), value.from(j, n.columns),
                                            log_value.from(j, n.columns), n.rows);
    return log_jacobian;
  }
  template <class T, class Coordinates, class Values, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates& x, const Values& value, Extent n, const Adjoint& adjoint, const Add& add) {
    for (int j = 0; j < n.columns; ++j) {
      const int first = j * Simplex::coordinates(n.rows);
      Simplex::gradient<T>(x.from(first), value.from(j, n.columns), n.rows, [&](int i) { return T(adjoint(i * n.columns + j)); },
                           [&](int k, const T& d) { add(first + k, d); });
    }
  }
  static void unconstrain(const double* value, double* x, Extent n) {
    std::vector<double> column(std::size_t(n.rows));
    for (int j = 0; j < n.columns; ++j) {
      for (int i = 0; i < n.rows; ++i) column[std::size_t(i)] = value[i * n.columns + j];
      Simplex::unconstrain(column.data(), x + j * Simplex::coordinates(n.rows), n.rows);
    }
  }
};

// A direction: a vector of length 1. It is x/|x|; x has a standard normal density besides, of which |x| is left over:
//   log|J| = -|x|^2/2 + log 2 - (n/2) log 2 - log Gamma(n/2), against the surface of the sphere
// (Stan's transform, with its constant).
struct UnitVector : JointSupport {
  static constexpr const char* description = "unit vector";

  template <class T, class Coordinates, class Values, class Logs>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, const Logs&, int n) {
    const T squares = sum_of_squares<T>(x, n), inverse = 1. / sqrt(squares);
    for (int k = 0; k < n; ++k) value.store(k, T(x.load(k) * inverse));
    return (1. - 0.5 * n) * 0.69314718055994530942 - log_gamma(0.5 * n) - 0.5 * squares;
  }
  template <class T, class Coordinates, class Values, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates& x, const Values& value, int n, const Adjoint& adjoint, const Add& add) {
    const T inverse = 1. / sqrt(sum_of_squares<T>(x, n));
    T outward(0.);
    for (int k = 0; k < n; ++k) outward += T(adjoint(k)) * T(value.load(k));
    for (int k = 0; k < n; ++k) add(k, T((T(adjoint(k)) - outward * value.load(k)) * inverse - x.load(k)));
  }
  // Of the length that x has on average, the root of n.
  static void unconstrain(const double* value, double* x, int n) {
    double squares = 0;
    for (int k = 0; k < n; ++k) squares += value[k] * value[k];
    for (int k = 0; k < n; ++k)
      x[k] = std::abs(squares - 1) <= 1e-6 ? value[k] * std::sqrt(n / squares) : std::numeric_limits<double>::quiet_NaN();
  }

 private:
  template <class T, class Coordinates> LOCKSTEP_FN static T sum_of_squares(const Coordinates& x, int n) {
    T sum(0.);
    for (int k = 0; k < n; ++k) sum += T(x.load(k)) * T(x.load(k));
    return sum;
  }
};

// Angles, each that of a point in the plane with two coordinates, which are standard normal besides: log|J| = -|x|^2/2. One
// coordinate to an angle would have an end at pi, which chains do not cross, or, wrapped around, no distribution of its own: its
// warmup would never settle.
struct Circular : JointSupport {
  static constexpr const char* description = "an angle between -pi and pi";
  static constexpr double pi = 3.14159265358979323846;
  LOCKSTEP_FN static int coordinates(int n) { return 2 * n; }

  template <class T, class Coordinates, class Values, class Logs>
  LOCKSTEP_FN static T constrain(const Coordinates& x, const Values& value, const Logs&, int n) {
    T squares(0.);
    for (int k = 0; k < n; ++k) {
      const T along = x.load(2 * k), up = x.load(2 * k + 1);
      value.store(k, angle_of(up, along));
      squares += along * along + up * up;
    }
    return -0.5 * squares;
  }
  template <class T, class Coordinates, class Values, class Adjoint, class Add>
  LOCKSTEP_FN static void gradient(const Coordinates& x, const Values&, int n, const Adjoint& adjoint, const Add& add) {
    for (int k = 0; k < n; ++k) {
      const T along = x.load(2 * k), up = x.load(2 * k + 1);
      const T turn = T(adjoint(k)) / (along * along + up * up);
      add(2 * k, T(-turn * up - along));
      add(2 * k + 1, T(turn * along - up));
    }
  }
  // Of the length that has the most density, 1.
  static void unconstrain(const double* value, double* x, int n) {
    for (int k = 0; k < n; ++k) {
      const bool inside = std::abs(value[k]) <= pi;
      x[2 * k] = inside ? std::cos(value[k]) : std::numeric_limits<double>::quiet_NaN();
      x[2 * k + 1] = std::sin(value[k]);
    }
  }

 private:
  // In (-pi, pi], by the arctangent of the smaller over the larger coordinate.
  template <class T> LOCKSTEP_FN static T angle_of(const T& up, const T& along) {
    const T height = abs(up), width = abs(along);
    const T slant = atan(T(min(height, width) / max(height, width)));
    const T acute = choose(height > width, T(0.5 * pi - slant), slant);
    const T upper = choose(along < 0., T(pi - acute), acute);
    return choose(up < 0., T(-upper), upper);
  }
};

// ---- what a model author writes ------------------------------------------------------------------------------------------

// (Functions: device code cannot read a host's constants.)
LOCKSTEP_FN constexpr RealLine real_line() { return {}; }
LOCKSTEP_FN constexpr Positive positive() { return {}; }
LOCKSTEP_FN constexpr UnitInterval unit_interval() { return {}; }
LOCKSTEP_FN constexpr Ordered ordered() { return {}; }
LOCKSTEP_FN constexpr PositiveOrdered positive_ordered() { return {}; }
LOCKSTEP_FN constexpr Simplex simplex() { return {}; }
LOCKSTEP_FN constexpr ZeroSum zero_sum() { return {}; }
LOCKSTEP_FN constexpr CholeskyCorrelation cholesky_correlation() { return {}; }
LOCKSTEP_FN constexpr CholeskyCovariance cholesky_covariance() { return {}; }
LOCKSTEP_FN constexpr CorrelationMatrix correlation_matrix() { return {}; }
LOCKSTEP_FN constexpr CovarianceMatrix covariance_matrix() { return {}; }
LOCKSTEP_FN constexpr ZeroSumMatrix zero_sum_matrix() { return {}; }
LOCKSTEP_FN constexpr ColumnStochastic column_stochastic() { return {}; }
LOCKSTEP_FN constexpr UnitVector unit_vector() { return {}; }
LOCKSTEP_FN constexpr Circular circular() { return {}; }
LOCKSTEP_FN constexpr SoftplusPositive softplus_positive() { return {}; }
template <Operand E> LOCKSTEP_FN auto above(const E& limit) { return OneSided<RecipeOf<E>, 1>{as_recipe(limit)}; }
template <Operand E> LOCKSTEP_FN auto below(const E& limit) { return OneSided<RecipeOf<E>, -1>{as_recipe(limit)}; }
template <Operand O, Operand S> LOCKSTEP_FN auto scaled(const O& offset, const S& multiplier) {
  return Scaled<RecipeOf<O>, RecipeOf<S>>{as_recipe(offset), as_recipe(multiplier)};
}
template <Operand L, Operand U> LOCKSTEP_FN auto between(const L& lower, const U& upper) {
  return TwoSided<RecipeOf<L>, RecipeOf<U>>{as_recipe(lower), as_recipe(upper)};
}

}  // namespace lockstep
