// What a distribution is made of, and how a plate evaluates one.
//
// A distribution is a kernel (its density in closed form, with all partial derivatives) and its arguments, each an
// expression in a *role*. A role says what about an argument is worth computing once: a scale's logarithm and
// reciprocal, a shape's Stirling error. `Prepared` evaluates the arguments that do not depend on the plate's element
// once per plate, sums their adjoints over the elements and pulls them once, when it is destroyed.
#pragma once

#include <cstddef>
#include <limits>
#include <utility>

#include "lockstep/expression.hpp"
#include "lockstep/lanes.hpp"

namespace lockstep {

// ---- a small tuple that also works in device code --------------------------------------------------------------------

template <std::size_t I, class T> struct Slot {
  T value;
};
template <class Sequence, class... T> struct SlotsOf;
template <std::size_t... I, class... T> struct SlotsOf<std::index_sequence<I...>, T...> : Slot<I, T>... {
  constexpr SlotsOf() = default;
  LOCKSTEP_FN constexpr explicit SlotsOf(const T&... values) requires(sizeof...(T) > 0) : Slot<I, T>{values}... {}
};
template <class... T> using Slots = SlotsOf<std::index_sequence_for<T...>, T...>;
template <std::size_t I, class T> LOCKSTEP_FN constexpr T& get(Slot<I, T>& s) { return s.value; }
template <std::size_t I, class T> LOCKSTEP_FN constexpr const T& get(const Slot<I, T>& s) { return s.value; }

template <class S> LOCKSTEP_FN void accumulate(S&, Zero) {}
LOCKSTEP_FN constexpr Zero operator*(Unit, Zero) { return {}; }

// ---- roles -------------------------------------------------------------------------------------------------------------

template <class V> struct LocationState {
  V value;
};
struct Location {
  template <class E> LOCKSTEP_FN static auto prepare(const E& e) { return LocationState<decltype(e.value)>{e.value}; }
};

template <class V, class L, class N> struct ScaleState {
  V value;
  L log;
  N inverse;
};
struct Scale {
  template <class E> LOCKSTEP_FN static auto prepare(const E& e) {
    auto l = log_of(e);
    auto n = inverse_of(e);
    return ScaleState<decltype(e.value), decltype(l), decltype(n)>{e.value, l, n};
  }
};

template <class V, class L, class C> struct ProbabilityState {
  V value;
  L log;
  C log1m;
};
struct Probability {
  template <class E> LOCKSTEP_FN static auto prepare(const E& e) {
    auto l = log_of(e);
    auto c = log1m_of(e);
    return ProbabilityState<decltype(e.value), decltype(l), decltype(c)>{e.value, l, c};
  }
};

// A shape parameter a > 0: what log Gamma(a) = (a - 1/2) log a - a + log(2 pi)/2 + stirling_error(a) needs.
template <class V, class L, class N, class S> struct ShapeState {
  V value;
  L log;
  N inverse;
  S stirling, stirling_slope;
};
struct Shape {
  template <class E> LOCKSTEP_FN static auto prepare(const E& e) {
    auto l = log_of(e);
    auto n = inverse_of(e);
    auto s = stirling_error(e.value);
    auto d = stirling_error_derivative(e.value);
    return ShapeState<decltype(e.value), decltype(l), decltype(n), decltype(s)>{e.value, l, n, s, d};
  }
};

// ---- distributions -------------------------------------------------------------------------------------------------------

struct DistributionTag {};
template <class D> concept DistributionLike = std::is_base_of_v<DistributionTag, std::remove_cvref_t<D>>;

template <class ArgumentRole, class E> struct Argument {
  using Role = ArgumentRole;
  using Expression = E;
  E expression;
};

template <class KernelType, class... Arguments> struct Distribution : DistributionTag {
  using Kernel = KernelType;
  Slots<Arguments...> arguments;
  LOCKSTEP_FN constexpr explicit Distribution(const Arguments&... a) : arguments(a...) {}
};

template <class Role, class E> LOCKSTEP_FN constexpr auto argument(const E& e) {
  return Argument<Role, RecipeOf<E>>{as_recipe(e)};
}
template <class Kernel, class... Arguments> LOCKSTEP_FN constexpr auto make_distribution(const Arguments&... a) {
  return Distribution<Kernel, Arguments...>(a...);
}

// What a kernel's `density` returns.
template <class L, class DY, class... DA> struct Partials {
  L log_density;
  DY d_value;
  Slots<DA...> d_arguments;
};
template <class L, class DY, class... DA> LOCKSTEP_FN auto partials(const L& log_density, const DY& d_value, const DA&... d) {
  return Partials<L, DY, DA...>{log_density, d_value, Slots<DA...>(d...)};
}

constexpr double log_sqrt_2pi = 0.91893853320467274178;
constexpr double log_2 = 0.69314718055994530942;
constexpr double log_pi = 1.14472988584940017414;

// log r - (r - 1) <= 0, given r and log r: Loader's deviance term.
template <class R, class L> LOCKSTEP_FN auto log_minus(const R& ratio, const L& log_ratio) {
  using V = std::remove_cvref_t<decltype(ratio + log_ratio)>;
  return log1p_minus(V(ratio - 1.), V(log_ratio));
}

// log(y)/2 + stirling_error(y) for a count y > 0; data have it in a table.
template <class Y> LOCKSTEP_FN auto count_term_of(const Y& y) {
  using V = std::remove_cvref_t<decltype(y.value)>;
  if constexpr (requires { y.count_term(); }) {
    return V(y.count_term());
  } else {
    const V safe = choose(y.value > 0., V(y.value), V(1.));
    return V(0.5 * log(safe) + stirling_error(safe));
  }
}

// What is less than this is impossible, as far as a sum of densities goes. Every precision has it.
constexpr double least_log_density = -1e30;

// The log density outside the support. Parameters cannot leave it; data can.
template <class Mask, class L> LOCKSTEP_FN auto unless(const Mask& outside, const L& log_density) {
  constexpr double impossible = -std::numeric_limits<double>::infinity();
  return choose(outside, L(impossible), log_density);
}

template <class V> LOCKSTEP_FN auto not_whole(const V& y) { return y != floor(y); }

// What arithmetic with these gives: lanes, if any of them is in lanes. By way of a class, since GCC 12 does not expand the
// pack where a lambda uses the alias.
template <class... S> struct LanesOfStates {
  using Type = std::remove_cvref_t<decltype((... + std::declval<const S&>().value))>;
};
template <class... S> using LanesOf = typename LanesOfStates<S...>::Type;

// A derivative in lanes, also where it is zero by its type.
template <class V, class D> LOCKSTEP_FN V in_lanes(const D& d) { return V(d); }
template <class V> LOCKSTEP_FN V in_lanes(Zero) { return V(0.); }

// ---- cumulative distribution functions ---------------------------------------------------------------------------

// A kernel's `log_cdf(y, states...)` is log P(Y <= y), its `log_ccdf` log P(Y > y), each with its partial derivatives
// as `density` has them. Each is computed for itself, so that neither tail is 1 less the other.

// Both of a kernel that has them in one function: `tail<false>(y, states...)` and `tail<true>(y, states...)`, the upper.
template <class Kernel> struct TailsOf {
  template <class... A> LOCKSTEP_FN static auto log_cdf(const A&... a) { return Kernel::template tail<false>(a...); }
  template <class... A> LOCKSTEP_FN static auto log_ccdf(const A&... a) { return Kernel::template tail<true>(a...); }
};

// Of a value in standard units z = (y - location)/scale: the partials of f(z), given f and its slope.
template <class V, class S>
LOCKSTEP_FN auto location_scale_partials(const V& f, const V& slope_by_z, const V& z, const S& scale) {
  const V slope = slope_by_z * scale.inverse;
  return partials(f, slope, V(-slope), V(-z * slope));
}

// Both CDFs of a distribution that is symmetric about its location. `log_standard_cdf(z)`: log P(Z <= z) in standard units
// and its derivative, `.value` and `.slope`.
template <class Y, class Mu, class S, class F>
LOCKSTEP_FN auto symmetric_log_cdf(const Y& y, const Mu& mu, const S& scale, const F& log_standard_cdf) {
  using V = LanesOf<Y, Mu, S>;
  const V z = (y.value - mu.value) * scale.inverse;
  const auto tail = log_standard_cdf(z);
  return location_scale_partials(tail.value, tail.slope, z, scale);
}
template <class Y, class Mu, class S, class F>
LOCKSTEP_FN auto symmetric_log_ccdf(const Y& y, const Mu& mu, const S& scale, const F& log_standard_cdf) {
  using V = LanesOf<Y, Mu, S>;
  const V z = (y.value - mu.value) * scale.inverse;
  const auto tail = log_standard_cdf(V(-z));
  return location_scale_partials(tail.value, V(-tail.slope), z, scale);
}

// `inside`, but a constant in `outside`.
template <class Mask, class L, class DY, class... DA>
LOCKSTEP_FN auto constant_where(const Mask& outside, double constant, const Partials<L, DY, DA...>& inside) {
  const auto nothing = [&](const auto& d) {
    using V = std::remove_cvref_t<decltype(d)>;
    if constexpr (std::is_same_v<V, Zero>) return Zero{};
    else return choose(outside, V(0.), d);
  };
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return partials(choose(outside, L(constant), inside.log_density), nothing(inside.d_value),
                    nothing(get<I>(inside.d_arguments))...);
  }(std::index_sequence_for<DA...>{});
}
constexpr double log_of_none = -std::numeric_limits<double>::infinity(), log_of_all = 0.;

// A tail of a distribution over 0, 1, 2, ..., given its partials there.
template <bool upper, class V, class P> LOCKSTEP_FN auto on_counts(const V& y, const P& inside) {
  constexpr double below = upper ? log_of_all : log_of_none, beyond = upper ? log_of_none : log_of_all;
  return constant_where(y < 0., below, constant_where(y == -log_of_none, beyond, inside));
}

// Of counts, whose CDF is that of the whole number below.
template <class Kernel> inline constexpr bool is_of_counts = requires { requires Kernel::is_of_counts; };
// Some single values have a probability, among values that have a density.
template <class Kernel> inline constexpr bool has_atoms = requires { requires Kernel::has_atoms; };

template <class Kernel, class... A> concept HasCdf = requires(const ConstantValue& x) {
  Kernel::log_cdf(x, A::Role::prepare(x)...);
  Kernel::log_ccdf(x, A::Role::prepare(x)...);
};

// f(x), given f and its slope at x and the partials of x.
template <class V, class L, class DY, class... DA>
LOCKSTEP_FN auto chain(const ValueAndSlope<V, V>& f, const Partials<L, DY, DA...>& x) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return partials(f.value, f.slope * x.d_value, (f.slope * get<I>(x.d_arguments))...);
  }(std::index_sequence_for<DA...>{});
}

// One tail is exp(-x), the other 1 - exp(-x). Their logarithms, and derivatives by log x, which is given so that
// nothing is lost where x underflows.
template <class V> LOCKSTEP_FN ValueAndSlope<V, V> log_exponential_tail(const V& log_x) {
  const V x = exp(log_x);
  return {V(-x), V(-x)};
}
template <class V> LOCKSTEP_FN ValueAndSlope<V, V> log1m_exponential_tail(const V& log_x) {
  const V x = exp(log_x);
  const auto tiny = log_x < -23.;   // the next term of the series, x^2/24, is below 1e-21
  return {choose(tiny, V(log_x - 0.5 * x), V(log1m_exp(V(-x)))),
          choose(tiny, V(1. - 0.5 * x), choose(x > 700., V(0.), V(x / expm1(x))))};
}

// ---- quantiles: on the host --------------------------------------------------------------------------------------

// A probability p as both log p and log(1 - p), of which the smaller has all its digits however far out it is. A kernel may have
// `quantile(p, arguments...)`, y with P(Y <= y) = p in closed form, which at p = 0 and 1 is an end of the support; else it is found
// by its tails (quantile.hpp).
struct LogTails {
  double lower, upper;
};
// log x of exp(-x) = exp(log_tail), 1 - exp(-x) = exp(log_rest).
inline double log_exponent_of(double log_tail, double log_rest) {
  return log_rest < -37 ? log_rest : log(-log_tail);   // the next term of the series, exp(log_rest)/2, is below 1e-16
}

// ---- evaluation over a plate ---------------------------------------------------------------------------------------------

// An argument that is the same for every element of a plate.
template <class M, class A> struct PlateArgument {
  using E = EvaluatedIn<typename A::Expression, M>;
  using State = decltype(A::Role::prepare(std::declval<const E&>()));
  E evaluated;
  State state;
  SumOf<typename M::value_type> adjoint = SumOf<typename M::value_type>(0.);
  LOCKSTEP_FN PlateArgument(const M& m, const A& a)
      : evaluated(a.expression.evaluate(m)), state(A::Role::prepare(evaluated)) {}
  LOCKSTEP_FN PlateArgument(const PlateArgument&) = delete;
  LOCKSTEP_FN ~PlateArgument() { evaluated.pull(narrow<typename M::value_type>(adjoint)); }
  LOCKSTEP_FN PlateArgument& at(const M&, const A&) { return *this; }
  template <class D> LOCKSTEP_FN void pull(const D& d) { accumulate(adjoint, d); }
};

template <class E, class S> struct ElementArgument {
  E evaluated;
  S state;
  template <class D> LOCKSTEP_FN void pull(const D& d) const { evaluated.pull(d); }
  LOCKSTEP_FN void pull(Zero) const {}
};

// An argument that varies; nothing to keep between elements.
template <class M, class A> struct VaryingArgument {
  LOCKSTEP_FN VaryingArgument(const M&, const A&) {}
  LOCKSTEP_FN auto at(const M& m, const A& a) const {
    auto e = a.expression.evaluate(m);
    auto s = A::Role::prepare(e);
    return ElementArgument<decltype(e), decltype(s)>{e, s};
  }
};

template <class M, class A>
using PreparedArgument = std::conditional_t<A::Expression::uniform, PlateArgument<M, A>, VaryingArgument<M, A>>;

// The density at one element: `log_density`, its `slope` by the value, and the arguments to pull.
template <class Result, class... Held> struct DensityAt {
  Slots<Held...> held;     // PlateArgument* or ElementArgument
  Result result;
  decltype(Result::log_density) log_density;
  LOCKSTEP_FN auto slope() const { return result.d_value; }
  template <class S> LOCKSTEP_FN void pull(const S& scale) { pull(scale, std::index_sequence_for<Held...>{}); }

 private:
  template <class S, std::size_t... I> LOCKSTEP_FN void pull(const S& scale, std::index_sequence<I...>) {
    (held_argument<I>().pull(scale * get<I>(result.d_arguments)), ...);
  }
  template <std::size_t I> LOCKSTEP_FN auto& held_argument() {
    auto& slot = get<I>(held);
    if constexpr (std::is_pointer_v<std::remove_reference_t<decltype(slot)>>) return *slot;
    else return slot;
  }
};

template <class P> LOCKSTEP_FN auto hold(P& plate_argument) { return &plate_argument; }
template <class E, class S> LOCKSTEP_FN auto hold(const ElementArgument<E, S>& a) { return a; }
template <class E, class S> LOCKSTEP_FN auto hold(ElementArgument<E, S>&& a) { return a; }
template <class P> LOCKSTEP_FN const auto& state_of(P* a) { return a->state; }
template <class E, class S> LOCKSTEP_FN const auto& state_of(const ElementArgument<E, S>& a) { return a.state; }

template <class M, class D> class Prepared;

template <class M, class Kernel, class... A> class Prepared<M, Distribution<Kernel, A...>> {
 public:
  using D = Distribution<Kernel, A...>;
  LOCKSTEP_FN Prepared(const M& m, const D& first) : Prepared(m, first, std::index_sequence_for<A...>{}) {}
  // The density of `y` (something with `.value`) at the element whose distribution is `d`.
  template <class Y> LOCKSTEP_FN auto at(const M& m, const D& d, const Y& y) {
    return at(m, d, y, std::index_sequence_for<A...>{});
  }

 private:
  template <std::size_t I, class Arg> struct Keep {
    PreparedArgument<M, Arg> prepared;
    LOCKSTEP_FN Keep(const M& m, const Arg& a) : prepared(m, a) {}
  };
  template <class Sequence> struct Keeps;
  template <std::size_t... I> struct Keeps<std::index_sequence<I...>> : Keep<I, A>... {
    LOCKSTEP_FN Keeps(const M& m, const D& d) : Keep<I, A>(m, get<I>(d.arguments))... {}
  };
  template <std::size_t I, class Arg> LOCKSTEP_FN static auto& kept(Keep<I, Arg>& k) { return k.prepared; }

  template <std::size_t... I> LOCKSTEP_FN Prepared(const M& m, const D& d, std::index_sequence<I...>) : keeps_(m, d) {}
  template <class Y, std::size_t... I> LOCKSTEP_FN auto at(const M& m, const D& d, const Y& y, std::index_sequence<I...>) {
    return density(y, hold(kept<I>(keeps_).at(m, get<I>(d.arguments)))...);
  }
  template <class Y, class... Held> LOCKSTEP_FN static auto density(const Y& y, const Held&... held) {
    auto result = Kernel::density(y, state_of(held)...);
    return DensityAt<decltype(result), Held...>{Slots<Held...>(held...), result, result.log_density};
  }

  Keeps<std::index_sequence_for<A...>> keeps_;
};

}  // namespace lockstep
