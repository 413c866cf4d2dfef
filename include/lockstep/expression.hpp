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
#include "lockstep/special_normal.hpp"

namespace lockstep {

struct RecipeTag : SymbolicTag {};
struct NodeTag : SymbolicTag {};  // a named value that lives in the model's scope; `use()` gives the recipe that reads it

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
struct Abs {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    auto v = abs(x.value);
    return value_and_slope(v, choose(x.value < 0., decltype(v)(-1.), decltype(v)(1.)));
  }
};
struct Sin {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(sin(x.value), cos(x.value)); }
};
struct Cos {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(cos(x.value), -sin(x.value)); }
};
struct Tan {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    auto v = tan(x.value);
    return value_and_slope(v, 1. + v * v);
  }
};
struct Atan {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    return value_and_slope(atan(x.value), 1. / (1. + x.value * x.value));
  }
};
struct Asin {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    return value_and_slope(asin(x.value), 1. / sqrt((1. - x.value) * (1. + x.value)));
  }
};
struct Acos {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    return value_and_slope(acos(x.value), -1. / sqrt((1. - x.value) * (1. + x.value)));
  }
};
struct Sinh {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(sinh(x.value), cosh(x.value)); }
};
struct Cosh {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(cosh(x.value), sinh(x.value)); }
};
struct Tanh {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    auto v = tanh(x.value);
    return value_and_slope(v, 1. - v * v);
  }
};
struct Asinh {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    return value_and_slope(asinh(x.value), 1. / sqrt(1. + x.value * x.value));
  }
};
struct Acosh {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    return value_and_slope(acosh(x.value), 1. / sqrt((x.value - 1.) * (x.value + 1.)));
  }
};
struct Atanh {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    return value_and_slope(atanh(x.value), 1. / ((1. - x.value) * (1. + x.value)));
  }
};
struct Logit {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    return value_and_slope(log_of(x) - log1m_of(x), 1. / (x.value * (1. - x.value)));
  }
};
struct Softplus {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    auto both = softplus_sigmoid(x.value);
    return value_and_slope(both.softplus, both.sigmoid);
  }
};
struct Log1mExp {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    return value_and_slope(log1m_exp(x.value), -1. / expm1(-x.value));
  }
};
struct LogGamma {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(log_gamma(x.value), digamma(x.value)); }
};
struct Erf {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    return value_and_slope(error_function(x.value).value, 1.12837916709551257390 * exp(-x.value * x.value));
  }
};
struct Erfc {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    return value_and_slope(error_function(x.value).complement, -1.12837916709551257390 * exp(-x.value * x.value));
  }
};
struct InverseProbit {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    const auto both = normal_cdf(x.value);
    return value_and_slope(both.value, both.slope);
  }
};
struct Probit {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    const auto z = probit(x.value);
    return value_and_slope(z, 2.50662827463100050242 * exp(0.5 * z * z));
  }
};
struct ErfInverse {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    const auto z = erfinv(x.value);
    return value_and_slope(z, 0.88622692545275801365 * exp(z * z));
  }
};
struct ErfcInverse {
  template <class E> LOCKSTEP_FN static auto at(const E& x) {
    const auto z = erfcinv(x.value);
    return value_and_slope(z, -0.88622692545275801365 * exp(z * z));
  }
};
struct Digamma {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(digamma(x.value), trigamma(x.value)); }
};
struct Trigamma {
  template <class E> LOCKSTEP_FN static auto at(const E& x) { return value_and_slope(trigamma(x.value), tetragamma(x.value)); }
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

template <Symbolic E> LOCKSTEP_FN auto abs(const E& e) { return make_unary<operation::Abs>(e); }
template <Symbolic E> LOCKSTEP_FN auto sin(const E& e) { return make_unary<operation::Sin>(e); }
template <Symbolic E> LOCKSTEP_FN auto cos(const E& e) { return make_unary<operation::Cos>(e); }
template <Symbolic E> LOCKSTEP_FN auto tan(const E& e) { return make_unary<operation::Tan>(e); }
template <Symbolic E> LOCKSTEP_FN auto atan(const E& e) { return make_unary<operation::Atan>(e); }
template <Symbolic E> LOCKSTEP_FN auto asin(const E& e) { return make_unary<operation::Asin>(e); }
template <Symbolic E> LOCKSTEP_FN auto acos(const E& e) { return make_unary<operation::Acos>(e); }
template <Symbolic E> LOCKSTEP_FN auto sinh(const E& e) { return make_unary<operation::Sinh>(e); }
template <Symbolic E> LOCKSTEP_FN auto cosh(const E& e) { return make_unary<operation::Cosh>(e); }
template <Symbolic E> LOCKSTEP_FN auto tanh(const E& e) { return make_unary<operation::Tanh>(e); }
template <Symbolic E> LOCKSTEP_FN auto asinh(const E& e) { return make_unary<operation::Asinh>(e); }
template <Symbolic E> LOCKSTEP_FN auto acosh(const E& e) { return make_unary<operation::Acosh>(e); }
template <Symbolic E> LOCKSTEP_FN auto atanh(const E& e) { return make_unary<operation::Atanh>(e); }
// log(x / (1 - x)); log(1 + exp(x)); log(1 - exp(x)) for x < 0.
template <Symbolic E> LOCKSTEP_FN auto logit(const E& e) { return make_unary<operation::Logit>(e); }
template <Symbolic E> LOCKSTEP_FN auto softplus(const E& e) { return make_unary<operation::Softplus>(e); }
template <Symbolic E> LOCKSTEP_FN auto log1m_exp(const E& e) { return make_unary<operation::Log1mExp>(e); }
// 1 - erfc(x); the normal distribution's CDF.
template <Symbolic E> LOCKSTEP_FN auto erf(const E& e) { return make_unary<operation::Erf>(e); }
template <Symbolic E> LOCKSTEP_FN auto erfc(const E& e) { return make_unary<operation::Erfc>(e); }
template <Symbolic E> LOCKSTEP_FN auto inverse_probit(const E& e) { return make_unary<operation::InverseProbit>(e); }
// Their inverses, on (-1, 1), (0, 2) and (0, 1).
template <Symbolic E> LOCKSTEP_FN auto erfinv(const E& e) { return make_unary<operation::ErfInverse>(e); }
template <Symbolic E> LOCKSTEP_FN auto erfcinv(const E& e) { return make_unary<operation::ErfcInverse>(e); }
template <Symbolic E> LOCKSTEP_FN auto probit(const E& e) { return make_unary<operation::Probit>(e); }
// For x > 0.
template <Symbolic E> LOCKSTEP_FN auto log_gamma(const E& e) { return make_unary<operation::LogGamma>(e); }
template <Symbolic E> LOCKSTEP_FN auto digamma(const E& e) { return make_unary<operation::Digamma>(e); }
template <Symbolic E> LOCKSTEP_FN auto trigamma(const E& e) { return make_unary<operation::Trigamma>(e); }

// Of functions whose derivative is zero wherever there is one: the value goes on as data do.
template <class Op, class E> struct StepFunction : RecipeTag {
  E argument;
  static constexpr bool uniform = E::uniform;
  LOCKSTEP_FN explicit constexpr StepFunction(const E& e) : argument(e) {}
  template <class M> LOCKSTEP_FN auto evaluate(const M& m) const {
    using V = typename M::value_type;
    return DataValue<V>{Op::value(V(argument.evaluate(m).value))};
  }
};
namespace operation {
struct Floor {
  template <class V> LOCKSTEP_FN static V value(const V& x) { return floor(x); }
};
struct Ceil {
  template <class V> LOCKSTEP_FN static V value(const V& x) { return -floor(-x); }
};
struct Round {
  template <class V> LOCKSTEP_FN static V value(const V& x) {
    const V below = floor(x), above = below + 1., rest = x - below, half = 0.5 * below;
    return choose(rest > 0.5 || (rest == 0.5 && half != floor(half)), above, below);
  }
};
struct Sign {
  template <class V> LOCKSTEP_FN static V value(const V& x) { return sign_of(x); }
};
}  // namespace operation
template <class Op, class E> LOCKSTEP_FN constexpr auto make_step_function(const E& e) { return StepFunction<Op, RecipeOf<E>>(as_recipe(e)); }

template <Symbolic E> LOCKSTEP_FN auto floor(const E& e) { return make_step_function<operation::Floor>(e); }
template <Symbolic E> LOCKSTEP_FN auto ceil(const E& e) { return make_step_function<operation::Ceil>(e); }
// To the nearest whole number, of two to the even one: as PyMC's; Stan's goes away from zero.
template <Symbolic E> LOCKSTEP_FN auto round(const E& e) { return make_step_function<operation::Round>(e); }
// -1, 0 or 1.
template <Symbolic E> LOCKSTEP_FN auto sign(const E& e) { return make_step_function<operation::Sign>(e); }

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
struct Power {
  template <class L, class R> LOCKSTEP_FN static auto value(const L& l, const R& r) {
    using V = std::remove_cvref_t<decltype(l * r)>;
    return V(pow(V(l), V(r)));
  }
  template <class A, class L, class R, class V>
  LOCKSTEP_FN static void pull(const A& a, const L& l, const R& r, const V& value) {
    l.pull(a * (r.value * pow(V(l.value), V(r.value - 1.))));
    // By the exponent: 0 log 0 is 0.
    r.pull(a * (value * log(choose(l.value > 0., V(l.value), V(1.)))));
  }
};
struct Atan2 {
  template <class L, class R> LOCKSTEP_FN static auto value(const L& l, const R& r) {
    using V = std::remove_cvref_t<decltype(l + r)>;
    return V(atan2(V(l), V(r)));
  }
  template <class A, class L, class R, class V>
  LOCKSTEP_FN static void pull(const A& a, const L& l, const R& r, const V&) {
    const V inverse = 1. / (V(l.value) * V(l.value) + V(r.value) * V(r.value));
    l.pull(a * V(r.value * inverse));
    r.pull(a * V(-l.value * inverse));
  }
};
struct LogAddExp {
  template <class L, class R> LOCKSTEP_FN static auto value(const L& l, const R& r) {
    using V = std::remove_cvref_t<decltype(l + r)>;
    return V(log_sum_exp(V(l), V(r)));
  }
  template <class A, class L, class R, class V>
  LOCKSTEP_FN static void pull(const A& a, const L& l, const R& r, const V&) {
    l.pull(a * sigmoid(V(l.value - r.value)));
    r.pull(a * sigmoid(V(r.value - l.value)));
  }
};
// Of l > r.
struct LogDiffExp {
  template <class L, class R> LOCKSTEP_FN static auto value(const L& l, const R& r) {
    using V = std::remove_cvref_t<decltype(l + r)>;
    return V(l + log1m_exp(V(r - l)));
  }
  template <class A, class L, class R, class V>
  LOCKSTEP_FN static void pull(const A& a, const L& l, const R& r, const V&) {
    l.pull(a * (-1. / expm1(V(r.value - l.value))));
    r.pull(a * (-1. / expm1(V(l.value - r.value))));
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

// x to the power y, x > 0 (or y a whole number).
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto pow(const L& l, const R& r) { return make_binary<operation::Power>(l, r); }
// The angle of the point (r, l), between -pi and pi.
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto atan2(const L& l, const R& r) { return make_binary<operation::Atan2>(l, r); }
// log(exp(l) + exp(r)); log(exp(l) - exp(r)) for l > r.
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto log_add_exp(const L& l, const R& r) { return make_binary<operation::LogAddExp>(l, r); }
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto log_diff_exp(const L& l, const R& r) { return make_binary<operation::LogDiffExp>(l, r); }

// ---- choosing between two expressions -----------------------------------------------------------------------------------

// A model does not branch on a value, since lanes differ: a comparison is a condition for `select`, no truth value. `holds(m)` is
// the mask of lanes in which it is true.
struct ConditionTag {};
template <class C> concept Condition = std::is_base_of_v<ConditionTag, std::remove_cvref_t<C>>;

namespace operation {
struct Less {
  template <class V> LOCKSTEP_FN static auto holds(const V& l, const V& r) { return l < r; }
};
struct LessOrEqual {
  template <class V> LOCKSTEP_FN static auto holds(const V& l, const V& r) { return l <= r; }
};
struct Equal {
  template <class V> LOCKSTEP_FN static auto holds(const V& l, const V& r) { return l == r; }
};
struct And {
  template <class Mask> LOCKSTEP_FN static auto holds(const Mask& l, const Mask& r) { return l && r; }
};
struct Or {
  template <class Mask> LOCKSTEP_FN static auto holds(const Mask& l, const Mask& r) { return l || r; }
};
}  // namespace operation

template <class Op, class L, class R> struct Relation : ConditionTag {
  L left;
  R right;
  static constexpr bool uniform = L::uniform && R::uniform;
  LOCKSTEP_FN constexpr Relation(const L& l, const R& r) : left(l), right(r) {}
  template <class M> LOCKSTEP_FN auto holds(const M& m) const {
    using V = typename M::value_type;
    return Op::holds(V(left.evaluate(m).value), V(right.evaluate(m).value));
  }
};
template <class Op, class L, class R> LOCKSTEP_FN constexpr auto make_relation(const L& l, const R& r) {
  return Relation<Op, RecipeOf<L>, RecipeOf<R>>(as_recipe(l), as_recipe(r));
}
// Both are evaluated.
template <class Op, class L, class R> struct TwoConditions : ConditionTag {
  L left;
  R right;
  static constexpr bool uniform = L::uniform && R::uniform;
  LOCKSTEP_FN constexpr TwoConditions(const L& l, const R& r) : left(l), right(r) {}
  template <class M> LOCKSTEP_FN auto holds(const M& m) const { return Op::holds(left.holds(m), right.holds(m)); }
};
template <class C> struct Not : ConditionTag {
  C condition;
  static constexpr bool uniform = C::uniform;
  LOCKSTEP_FN explicit constexpr Not(const C& c) : condition(c) {}
  template <class M> LOCKSTEP_FN auto holds(const M& m) const { return !condition.holds(m); }
};

template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto operator<(const L& l, const R& r) { return make_relation<operation::Less>(l, r); }
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto operator>(const L& l, const R& r) { return make_relation<operation::Less>(r, l); }
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto operator<=(const L& l, const R& r) { return make_relation<operation::LessOrEqual>(l, r); }
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto operator>=(const L& l, const R& r) { return make_relation<operation::LessOrEqual>(r, l); }
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto operator==(const L& l, const R& r) { return make_relation<operation::Equal>(l, r); }
template <Condition C> LOCKSTEP_FN auto operator!(const C& c) { return Not<C>(c); }
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto operator!=(const L& l, const R& r) { return !(l == r); }
template <Condition L, Condition R> LOCKSTEP_FN auto operator&&(const L& l, const R& r) {
  return TwoConditions<operation::And, L, R>(l, r);
}
template <Condition L, Condition R> LOCKSTEP_FN auto operator||(const L& l, const R& r) {
  return TwoConditions<operation::Or, L, R>(l, r);
}

template <class Mask, class E, class F, class V> struct SelectValue {
  Mask mask;
  E if_true;
  F if_false;
  V value;
  template <class A> LOCKSTEP_FN void pull(const A& a) const {
    if_true.pull(a * choose(mask, V(1.), V(0.)));
    if_false.pull(a * choose(mask, V(0.), V(1.)));
  }
};
template <class C, class E, class F> struct Select : RecipeTag {
  C condition;
  E if_true;
  F if_false;
  static constexpr bool uniform = C::uniform && E::uniform && F::uniform;
  LOCKSTEP_FN constexpr Select(const C& c, const E& t, const F& f) : condition(c), if_true(t), if_false(f) {}
  template <class M> LOCKSTEP_FN auto evaluate(const M& m) const {
    using V = typename M::value_type;
    const auto mask = condition.holds(m);
    auto t = if_true.evaluate(m);
    auto f = if_false.evaluate(m);
    const V value = choose(mask, V(t.value), V(f.value));
    return SelectValue<std::remove_const_t<decltype(mask)>, decltype(t), decltype(f), V>{mask, t, f, value};
  }
};
// `if_true` where the condition holds, say `x > 0` or `x > 0 && !(y == x)`, else `if_false`. Both are computed, in every lane: where
// one of them has no finite derivative, it must not be reached by its argument either (take the logarithm of select(x > 0, x, 1), not
// of x).
template <Condition C, Operand E, Operand F>
LOCKSTEP_FN auto select(const C& condition, const E& if_true, const F& if_false) {
  return Select<C, RecipeOf<E>, RecipeOf<F>>(condition, as_recipe(if_true), as_recipe(if_false));
}
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto max(const L& l, const R& r) { return select(l < r, r, l); }
template <Operand L, Operand R> requires(Symbolic<L> || Symbolic<R>)
LOCKSTEP_FN auto min(const L& l, const R& r) { return select(r < l, r, l); }
// The nearest number between the two.
template <Symbolic E, Operand L, Operand R> LOCKSTEP_FN auto clip(const E& e, const L& lower, const R& upper) {
  return min(max(e, lower), upper);
}

}  // namespace lockstep
