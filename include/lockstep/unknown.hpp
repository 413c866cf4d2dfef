// A number that a lambda of the model is given and that has an adjoint of its own: the unknown of an equation (root.hpp), the
// coordinate of a support of one's own (custom_support.hpp), an element of a state (ode.hpp).
#pragma once

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

// A number that a lambda is given as if it were data: the time, the variable of an integral.
template <class T> struct Given : RecipeTag {
  T value;
  static constexpr bool uniform = false;
  LOCKSTEP_FN explicit Given(const T& v) : value(v) {}
  template <class M> LOCKSTEP_FN DataValue<T> evaluate(const M&) const { return {value}; }
};

}  // namespace lockstep
