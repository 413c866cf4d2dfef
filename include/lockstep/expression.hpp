// Unnamed expressions such as `mu + tau * z[j]`, and the reverse sweep through them.
//
// An expression is first a *recipe*: a small value that says what to compute and holds pointers to the nodes it reads.
// `recipe.evaluate(m)` computes it in context `m` and returns an *evaluated* expression with
//
//   .value      the value, in lanes (or a plain double where only constants and shared data are involved)
//   .pull(a)    adds `a` times the derivative of the value to the adjoint of every node that was read
//
// Two steps rather than one, because a recipe whose type says that it does not depend on the plate's element
// (`uniform`) is then evaluated, and pulled, once per plate instead of once per element.
//
// A recipe outlives nothing: nodes that it points to must be alive until it has been pulled. The nodes are locals of
// the model's function, so that holds unless a function returns an expression over its own locals; debug builds check.
#pragma once

#include <type_traits>

#include "lockstep/macros.hpp"
#include "lockstep/math.hpp"
#include "lockstep/special.hpp"

namespace lockstep {

struct RecipeTag {};
struct NodeTag {};  // a named value that lives in the model's scope; `use()` gives the recipe that reads it

template <class E> concept Recipe = std::is_base_of_v<RecipeTag, std::remove_cvref_t<E>>;
template <class E> concept ScalarNode = std::is_base_of_v<NodeTag, std::remove_cvref_t<E>> && requires(const E& e) { e.use(); };
template <class E> concept Symbolic = Recipe<E> || ScalarNode<E>;
template <class E> concept Operand = Symbolic<E> || std::is_arithmetic_v<std::remove_cvref_t<E>>;

// The factor 1 in pulls: costs nothing, also where the compiler cannot fold a multiplication by 1.
struct Unit {};
template <class A> LOCKSTEP_FN constexpr const A& operator*(Unit, const A& a) { return a; }

struct Zero {};  // a derivative that is zero by type; scaling keeps it so
template <class S> LOCKSTEP_FN constexpr Zero operator*(const S&, Zero) { return {}; }

// ---- constants ------------------------------------------------------------------------------------------------

struct ConstantValue {
  double value;
  template <class A> LOCKSTEP_FN void pull(const A&) const {}
};

struct Constant : RecipeTag {
  double value;
  static constexpr bool uniform = true;
  LOCKSTEP_FN explicit constexpr Constant(double v) : value(v) {}
  template <class M> LOCKSTEP_FN ConstantValue evaluate(const M&) const { return {value}; }
};

// The value of data: like a constant, but a lane may have a value of its own.
template <class T> struct DataValue {
  T value;
  template <class A> LOCKSTEP_FN void pull(const A&) const {}
};

LOCKSTEP_FN constexpr Constant as_recipe(double value) { return Constant(value); }
template <Recipe E> LOCKSTEP_FN constexpr const E& as_recipe(const E& recipe) { return recipe; }
template <ScalarNode N> LOCKSTEP_FN auto as_recipe(const N& node) { return node.use(); }

template <class E> using RecipeOf = std::remove_cvref_t<decltype(as_recipe(std::declval<const E&>()))>;
template <class E, class M> using EvaluatedIn = decltype(std::declval<const E&>().evaluate(std::declval<const M&>()));

// ---- operations with one argument -------------------------------------------------------------------------------

// `Op::at(x)` takes the evaluated argument and returns value and derivative.
template <class V, class D> struct ValueAndSlope {
  V value;
  D slope;
};
template <class V, class D> LOCKSTEP_FN ValueAndSlope<V, D> value_and_slope(V v, D d) { return {v, d}; }

template <class E, class V, class D> struct UnaryValue {
  E argument;
  V value;
  D slope;
  template <class A> LOCKSTEP_FN void pull(const A& a) const { argument.pull(a * slope); }
};

template <class Op, class E> struct Unary : RecipeTag {
  E argument;
  static constexpr bool uniform = E::uniform;
  LOCKSTEP_FN explicit constexpr Unary(const E& e) : argument(e) {}
  template <class M> LOCKSTEP_FN auto evaluate(const M& m) const {
    auto x = argument.evaluate(m);
    auto result = Op::at(x);
    return UnaryValue<decltype(x), decltype(result.value), decltype(result.slope)>{x, result.value, result.slope};
  }
};

// The logarithm of something evaluated; free where its node knows it already.
template <class E> LOCKSTEP_FN auto log_of(const E& e) {
  if constexpr (requires { e.log_value(); }) return e.log_value();
  else return log(e.value);
}
// log(1 - value), likewise.
template <class E> LOCKSTEP_FN auto log1m_of(const E& e) {
  if constexpr (requires { e.log1m_value(); }) return e.log1m_value();
  else return log1p(-e.value);
}
template <class E> LOCKSTEP_FN auto inverse_of(const E& e) {
  if constexpr (requires { e.inverse_value(); }) return e.inverse_value();
  else return 1. / e.value;
}

namespace operation {
struct Negate {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(-x.value, -1.); }
};
struct Exp {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    auto v = exp(x.value);
    return value_and_slope(v, v);
  }
};
struct Log {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(log_of(x), inverse_of(x)); }
};
struct Log1p {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(log1p(x.value), 1. / (1. + x.value)); }
};
struct Expm1 {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    auto v = expm1(x.value);
    return value_and_slope(v, v + 1.);
  }
};
struct Sqrt {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    auto v = sqrt(x.value);
    return value_and_slope(v, 0.5 / v);
  }
};
struct Square {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(x.value * x.value, 2. * x.value); }
};
struct InverseLogit {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    auto both = softplus_sigmoid(x.value);
    return value_and_slope(both.sigmoid, both.sigmoid * (1. - both.sigmoid));
  }
};
}  // namespace operation

template <class Op, class E> LOCKSTEP_FN constexpr auto make_unary(const E& e) { return Unary<Op, RecipeOf<E>>(as_recipe(e)); }

template <Symbolic E> LOCKSTEP_FN auto operator-(const E& e) { return make_unary<operation::Negate>(e); }
template <Symbolic E> LOCKSTEP_FN auto exp(const E& e) { return make_unary<operation::Exp>(e); }
template <Symbolic E> LOCKSTEP_FN auto log(const E& e) { return make_unary<operation::Log>(e); }
template <Symbolic E> LOCKSTEP_FN auto log1p(const E& e) { return make_unary<operation::Log1p>(e); }
template <Symbolic E> LOCKSTEP_FN auto expm1(const E& e) { return make_unary<operation::Expm1>(e); }
template <Symbolic E> LOCKSTEP_FN auto sqrt(const E& e) { return make_unary<operation::Sqrt>(e); }
template <Symbolic E> LOCKSTEP_FN auto square(const E& e) { return make_unary<operation::Square>(e); }
template <Symbolic E> LOCKSTEP_FN auto inverse_logit(const E& e) { return make_unary<operation::InverseLogit>(e); }

// ---- operations with two arguments ------------------------------------------------------------------------------

// `Op::value(l, r)` computes, `Op::pull(a, l, r, value)` distributes the adjoint.
template <class Op, class L, class R, class V> struct BinaryValue {
  L left;
  R right;
  V value;
  template <class A> LOCKSTEP_FN void pull(const A& a) const { Op::pull(a, left, right, value); }
};

template <class Op, class L, class R> struct Binary : RecipeTag {
  L left;
  R right;
  static constexpr bool uniform = L::uniform && R::uniform;
  LOCKSTEP_FN constexpr Binary(const L& l, const R& r) : left(l), right(r) {}
  template <class M> LOCKSTEP_FN auto evaluate(const M& m) const {
    auto l = left.evaluate(m);
    auto r = right.evaluate(m);
    auto v = Op::value(l.value, r.value);
    return BinaryValue<Op, decltype(l), decltype(r), decltype(v)>{l, r, v};
  }
};

namespace operation {
struct Add {
  template <class L, class R> LOCKSTEP_FN static auto value(const L& l, const R& r) { return l + r; }
  template <class A, class L, class R, class V> LOCKSTEP_FN static void pull(const A& a, const L& l, const R& r, const V&) {
    l.pull(a);
    r.pull(a);
  }
};
struct Subtract {
  template <class L, class R> LOCKSTEP_FN static auto value(const L& l, const R& r) { return l - r; }
  template <class A, class L, class R, class V> LOCKSTEP_FN static void pull(const A& a, const L& l, const R& r, const V&) {
    l.pull(a);
    r.pull(-a);
  }
};
struct Multiply {
  template <class L, class R> LOCKSTEP_FN static auto value(const L& l, const R& r) { return l * r; }
  template <class A, class L, class R, class V> LOCKSTEP_FN static void pull(const A& a, const L& l, const R& r, const V&) {
    l.pull(a * r.value);
    r.pull(a * l.value);
  }
};
struct Divide {
  template <class L, class R> LOCKSTEP_FN static auto value(const L& l, const R& r) { return l / r; }
  template <class A, class L, class R, class V>
  LOCKSTEP_FN static void pull(const A& a, const L& l, const R& r, const V& value) {
    auto scaled = a / r.value;
    l.pull(scaled);
    r.pull(-scaled * value);
  }
};
}  // namespace operation

template <class Op, class L, class R> LOCKSTEP_FN constexpr auto make_binary(const L& l, const R& r) {
  return Binary<Op, RecipeOf<L>, RecipeOf<R>>(as_recipe(l), as_recipe(r));
}

template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto operator+(const L& l, const R& r) { return make_binary<operation::Add>(l, r); }
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto operator-(const L& l, const R& r) { return make_binary<operation::Subtract>(l, r); }
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto operator*(const L& l, const R& r) { return make_binary<operation::Multiply>(l, r); }
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto operator/(const L& l, const R& r) { return make_binary<operation::Divide>(l, r); }

// A model does not branch on a value: use `select`, when it is offered, or a mixture.
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>) void operator<(const L&, const R&) = delete;
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>) void operator>(const L&, const R&) = delete;
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>) void operator<=(const L&, const R&) = delete;
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>) void operator>=(const L&, const R&) = delete;

}  // namespace lockstep
