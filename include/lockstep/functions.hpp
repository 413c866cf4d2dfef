// Functions of several expressions, with derivatives that are written down:
//
//   auto dose = m.let("dose", function(rate, time, [](auto k, auto t) {   // numbers in lanes, as k and t are
//     const auto left = exp(-k * t);
//     return value_and_partials(1. - left, t * left, k * left);            // the value, then its derivative by k and by t
//   }));
//
// The model's own, for what no expression says, or says less exactly; and those of the library that take several numbers.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "lockstep/distribution.hpp"
#include "lockstep/special_bessel.hpp"
#include "lockstep/special_tails.hpp"

namespace lockstep {

// What such a function returns.
template <class V, class... D> struct ValueAndPartials {
  V value;
  Slots<D...> partials;
};
template <class V, class... D> LOCKSTEP_FN auto value_and_partials(const V& value, const D&... partials) {
  return ValueAndPartials<V, D...>{value, Slots<D...>(partials...)};
}
template <class R, std::size_t arguments> inline constexpr bool has_partials = false;
template <class V, class... D, std::size_t arguments>
inline constexpr bool has_partials<ValueAndPartials<V, D...>, arguments> = sizeof...(D) == arguments;

template <class T, class Partials, class... E> struct FunctionValue {
  T value;
  Partials partials;
  Slots<E...> arguments;   // evaluated
  template <class A> LOCKSTEP_FN void pull(const A& a) const { pull(a, std::index_sequence_for<E...>{}); }

 private:
  template <class A, std::size_t... I> LOCKSTEP_FN void pull(const A& a, std::index_sequence<I...>) const {
    (pull_one<I>(a), ...);
  }
  template <std::size_t I, class A> LOCKSTEP_FN void pull_one(const A& a) const {
    if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(get<I>(partials))>, Zero>)
      get<I>(arguments).pull(a * T(get<I>(partials)));
  }
};
template <class F, class... E> struct Function : RecipeTag {
  F function;
  Slots<E...> arguments;
  static constexpr bool uniform = (E::uniform && ...);
  LOCKSTEP_FN explicit constexpr Function(const F& f, const E&... e) : function(f), arguments(e...) {}
  template <class M> LOCKSTEP_FN auto evaluate(const M& m) const { return evaluate(m, std::index_sequence_for<E...>{}); }

 private:
  template <class M, std::size_t... I> LOCKSTEP_FN auto evaluate(const M& m, std::index_sequence<I...>) const {
    return at<typename M::value_type>(get<I>(arguments).evaluate(m)...);
  }
  template <class T, class... X> LOCKSTEP_FN auto at(const X&... x) const {
    const auto result = function(T(x.value)...);
    using R = std::remove_cvref_t<decltype(result)>;
    static_assert(has_partials<R, sizeof...(E)>,
                  "a function returns value_and_partials(value, d_first, ...), with a derivative for each of its arguments");
    return FunctionValue<T, decltype(R::partials), X...>{T(result.value), result.partials, Slots<X...>(x...)};
  }
};

// f(a, b, ...) of expressions a, b, ...: `function(a, b, ..., f)`. `f` is given their values, all of one type of numbers in lanes, so
// it does not branch on them (`choose(x > 0., a, b)`), and returns value_and_partials(value, d_a, d_b, ...); Zero{} is a derivative
// that is always zero. It is called where the model is evaluated, on a GPU too, and holds copies of what it captures. `lockstep check`
// compares its derivatives with differences.
template <class... All> requires(sizeof...(All) >= 2) LOCKSTEP_FN auto function(const All&... all) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto each = Slots<const All*...>(&all...);
    const auto& f = *get<sizeof...(All) - 1>(each);
    return Function<std::remove_cvref_t<decltype(f)>, RecipeOf<std::remove_cvref_t<decltype(*get<I>(each))>>...>(
        f, as_recipe(*get<I>(each))...);
  }(std::make_index_sequence<sizeof...(All) - 1>{});
}

namespace operation {

// With n = a + b and S = stirling_error:
//   log B(a, b) = a log(a/n) + b log(b/n) + log(2 pi n/(a b))/2 + S(a) + S(b) - S(n),   d/da = log(a/n) - 1/(2 a) + 1/(2 n) + S'(a) - S'(n)
// The logarithm of the larger share keeps its digits where it is near 1.
struct LogBeta {
  template <class V> LOCKSTEP_FN auto operator()(const V& a, const V& b) const {
    const V n = a + b;
    const auto a_is_larger = a > b;
    const V smaller = choose(a_is_larger, b, a), of_smaller = log(V(smaller / n)), of_larger = log1p(V(-smaller / n));
    const V log_a = choose(a_is_larger, of_larger, of_smaller), log_b = choose(a_is_larger, of_smaller, of_larger);
    const V slope_n = 0.5 / n - stirling_error_derivative(n);
    return value_and_partials(V(a * log_a + b * log_b + log_sqrt_2pi + 0.5 * (log(n) - log(a) - log(b)) + stirling_error(a) +
                                stirling_error(b) - stirling_error(n)),
                              V(log_a - 0.5 / a + stirling_error_derivative(a) + slope_n),
                              V(log_b - 0.5 / b + stirling_error_derivative(b) + slope_n));
  }
};
// 1/((n + 1) B(n - k + 1, k + 1))
struct LogChoose {
  template <class V> LOCKSTEP_FN auto operator()(const V& n, const V& k) const {
    const auto beta = LogBeta()(V(n - k + 1.), V(k + 1.));
    const V by_rest = get<0>(beta.partials), by_k = get<1>(beta.partials);
    return value_and_partials(V(-beta.value - log(V(n + 1.))), V(-by_rest - 1. / (n + 1.)), V(by_rest - by_k));
  }
};
template <bool upper> struct IncompleteGamma {
  template <class V> LOCKSTEP_FN auto operator()(const V& a, const V& x) const {
    const auto tails = gamma_tails(a, x, V(log(x)));
    const auto& of = upper ? tails.upper : tails.lower;
    const V value = exp(of.value);
    return value_and_partials(value, V(value * of.by_a), V(value * of.by_log_x / x));
  }
};
struct IncompleteBeta {
  template <class V> LOCKSTEP_FN auto operator()(const V& a, const V& b, const V& x) const {
    const V rest = 1. - x;
    const auto of = beta_tails(a, b, x, rest, V(log(x)), V(log1p(-x))).lower;
    const V value = exp(of.value);
    return value_and_partials(value, V(value * of.by_a), V(value * of.by_b), V(value * of.by_logit / (x * rest)));
  }
};
struct LogBesselI0 {
  template <class V> LOCKSTEP_FN auto operator()(const V& x) const {
    const V size = abs(x);
    const auto bessel = log_bessel_i0(size);
    return value_and_partials(V(bessel.log_scaled + size), V(sign_of(x) * bessel.ratio));
  }
};
struct LogBesselI1 {
  template <class V> LOCKSTEP_FN auto operator()(const V& x) const {
    const auto bessel = log_bessel_i0(x);
    return value_and_partials(V(bessel.log_scaled + x + log(bessel.ratio)), V(1. / bessel.ratio - 1. / x));
  }
};

}  // namespace operation

// log B(a, b) = log Gamma(a) + log Gamma(b) - log Gamma(a + b) for a, b > 0, to all digits where these are large.
template <Operand A, Operand B> requires(Symbolic<A> || Symbolic<B>) LOCKSTEP_FN auto log_beta(const A& a, const B& b) {
  return function(a, b, operation::LogBeta());
}
// The logarithm of n choose k, 0 <= k <= n, which need not be whole.
template <Operand N, Operand K> requires(Symbolic<N> || Symbolic<K>) LOCKSTEP_FN auto log_choose(const N& n, const K& k) {
  return function(n, k, operation::LogChoose());
}
// The regularised incomplete gamma function P(a, x), for a, x > 0, and 1 - P, each to all its digits where it is small.
template <Operand A, Operand X> requires(Symbolic<A> || Symbolic<X>) LOCKSTEP_FN auto gamma_p(const A& a, const X& x) {
  return function(a, x, operation::IncompleteGamma<false>());
}
template <Operand A, Operand X> requires(Symbolic<A> || Symbolic<X>) LOCKSTEP_FN auto gamma_q(const A& a, const X& x) {
  return function(a, x, operation::IncompleteGamma<true>());
}
// The regularised incomplete beta function I_x(a, b), for a, b > 0 and 0 < x < 1; what it lacks to 1 is that of (b, a, 1 - x).
template <Operand A, Operand B, Operand X> requires(Symbolic<A> || Symbolic<B> || Symbolic<X>)
LOCKSTEP_FN auto incomplete_beta(const A& a, const B& b, const X& x) {
  return function(a, b, x, operation::IncompleteBeta());
}
// The logarithms of the modified Bessel functions of the first kind I0(x), and I1(x) for x > 0.
template <Symbolic X> LOCKSTEP_FN auto log_bessel_i0(const X& x) { return function(x, operation::LogBesselI0()); }
template <Symbolic X> LOCKSTEP_FN auto log_bessel_i1(const X& x) { return function(x, operation::LogBesselI1()); }

}  // namespace lockstep
