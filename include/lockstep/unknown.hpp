// A number that a lambda of the model is given and that has an adjoint of its own: the unknown of an equation (root.hpp), the
// coordinate of a support of one's own (custom_support.hpp); or a vector of these: the unknowns of several equations (roots.hpp), the
// state of differential equations (ode.hpp).
#pragma once

#include "lockstep/dataset.hpp"
#include "lockstep/distribution.hpp"
#include "lockstep/expression.hpp"
#include "lockstep/lanes.hpp"

namespace lockstep {

// An adjoint that reaches one unknown only (or one state), whose own adjoints are at `of`; nothing else takes notice of it. With it
// an expression is differentiated by its unknown alone, also inside of another that has an unknown, too.
template <class T> struct OnlyTo {
  T value;
  const void* of;
  LOCKSTEP_FN OnlyTo operator-() const { return {-value, of}; }
};
template <class T, class V> LOCKSTEP_FN OnlyTo<T> operator*(const OnlyTo<T>& a, const V& v) { return {T(a.value * v), a.of}; }
template <class T, class V> LOCKSTEP_FN OnlyTo<T> operator/(const OnlyTo<T>& a, const V& v) { return {T(a.value / v), a.of}; }
template <class V, class T> LOCKSTEP_FN V operator+(const V& adjoint, const OnlyTo<T>&) { return adjoint; }
template <class Sum, class T> LOCKSTEP_FN void accumulate(Sum&, const OnlyTo<T>&) {}

template <class T> struct UnknownValue {
  T value;
  SumOf<T>* adjoint;
  template <class A> LOCKSTEP_FN void pull(const A& a) const { accumulate(*adjoint, a); }
  LOCKSTEP_FN void pull(const OnlyTo<T>& a) const {
    if (a.of == adjoint) accumulate(*adjoint, a.value);
  }
};
// `adjoint` is where pulls go; null if there will be none.
template <class T> struct Unknown : RecipeTag {
  T value;
  SumOf<T>* adjoint;
  static constexpr bool uniform = false;
  LOCKSTEP_FN Unknown(const T& v, SumOf<T>* a) : value(v), adjoint(a) {}
  template <class M> LOCKSTEP_FN UnknownValue<T> evaluate(const M&) const { return {value, adjoint}; }
};

// ---- several unknowns ---------------------------------------------------------------------------------------------------------

template <class T> struct UnknownElementValue {
  T value;
  LaneArray<T> adjoints;
  int number;
  template <class A> LOCKSTEP_FN void pull(const A& a) const { adjoints.add(number, a); }
  LOCKSTEP_FN void pull(const OnlyTo<T>& a) const {
    if (a.of == adjoints.base) adjoints.add(number, a.value);
  }
};
template <class T> struct UnknownElement : RecipeTag {
  LaneArray<T> values, adjoints;
  int number;
  static constexpr bool uniform = false;
  LOCKSTEP_FN UnknownElement(const LaneArray<T>& v, const LaneArray<T>& a, int i) : values(v), adjoints(a), number(i) {}
  template <class M> LOCKSTEP_FN UnknownElementValue<T> evaluate(const M&) const { return {values.load(number), adjoints, number}; }
};
// Whether a context checks what a model reads: on the host, outside of sampling.
template <class M> inline constexpr bool checks_reads = requires(const M& m, const FieldInfo& field) { m.require_element(field, 0); };
// The state of a differential equation, the unknowns of a system of equations: element k is y[k].
template <class T, bool checked> struct UnknownVector {
  LaneArray<T> values, adjoints;
  int size;
  const char* name;   // for an error
  LOCKSTEP_FN UnknownElement<T> operator[](int k) const {
    if constexpr (checked) require_inside(name, size, k);
    return {values, adjoints, k};
  }
};
// One expression for each of them, and each of a type of its own: derivatives, equations.
template <class... E> struct ExpressionList {
  static constexpr int count = sizeof...(E);
  Slots<E...> expressions;
};

// A number that a lambda is given as if it were data: the time, the variable of an integral.
template <class T> struct Given : RecipeTag {
  T value;
  static constexpr bool uniform = false;
  LOCKSTEP_FN explicit Given(const T& v) : value(v) {}
  template <class M> LOCKSTEP_FN DataValue<T> evaluate(const M&) const { return {value}; }
};

}  // namespace lockstep
