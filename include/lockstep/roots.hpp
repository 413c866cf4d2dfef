// The node of a system of equations, f(x) = 0, as many as there are unknowns: its solution, a vector.
//
//   auto x = m.root("x", dim, guess, [&](auto x) { return equations(x[0] + x[1] - a, x[0] * x[1] - b); });
//
// Newton's method from a guess; where a step is too long, half of it is tried: where the step from its end, by the slopes at its
// beginning, is not shorter than itself (the natural monotonicity test, which does not depend on how the equations are scaled;
// Deuflhard 2004, "Newton methods for nonlinear problems"). Every lane goes on by itself until it moves by rounding only. Which
// solution is found where there are several, and whether one is, depends on the guess. The derivative is that of the implicit
// function: where f(x, p) = 0, dx/dp = -(df/dx)^-1 df/dp; the guess has none.
#pragma once

#include <limits>
#include <type_traits>
#include <utility>

#include "lockstep/inverse_in_lanes.hpp"
#include "lockstep/nodes.hpp"
#include "lockstep/unknown.hpp"

namespace lockstep {

// What is to be zero, one expression for each unknown: what the function of m.root returns.
template <Operand... E> requires(sizeof...(E) > 0) LOCKSTEP_FN auto equations(const E&... e) {
  return ExpressionList<RecipeOf<E>...>{Slots<RecipeOf<E>...>(as_recipe(e)...)};
}

// Solves on one slice. `guess`: a vector argument (joint_distribution.hpp).
template <class M, class Guess, class F> class RootsSolver {
 public:
  using T = typename M::value_type;
  using S = SumOf<T>;
  using Unknowns = UnknownVector<T, checks_reads<M>>;
  static constexpr int n = std::invoke_result_t<const F&, Unknowns>::count;

  // Elements of scratch on one slice.
  static std::int64_t scratch() { return 5 * n + 2 * n * n; }

  LOCKSTEP_FN RootsSolver(M& m, Dim dim, const Guess& guess, const F& f)
      : m_(m), dim_(dim), guess_(guess), f_(f), rest_(allocate(n)), step_(allocate(n)), trial_(allocate(n)), rest_there_(allocate(n)),
        slopes_(allocate(n)), matrix_(allocate(2 * n * n)) {}

  // The solution goes to x. Returns 0, or NaN for lanes that have found none.
  LOCKSTEP_FN S solve(const LaneArray<S>& x) {
    for (int k = 0; k < n; ++k) x.store(k, widened<S>(T(guess_[Index{k, dim_.id}].evaluate(m_).value)));
    evaluate(x, rest_);
    auto moves = largest(x) < std::numeric_limits<double>::infinity();
    LOCKSTEP_ROLLED
    for (int iteration = 0; iteration < most_iterations && any_lane<S>(moves); ++iteration) {
      moves = moves && take_newton_step(x) > rounding * largest(x);
      const S squares = squares_of(rest_);
      auto searching = moves;
      S share(1.);
      LOCKSTEP_ROLLED
      for (int halved = 0; halved < most_halvings && any_lane<S>(searching); ++halved) {
        for (int k = 0; k < n; ++k) trial_.store(k, x.load(k) + share * step_.load(k));
        evaluate(trial_, rest_there_);
        const S shorter = 1. - 0.5 * share;
        const auto better = searching && squares_of(rest_there_) <= shorter * shorter * squares;
        for (int k = 0; k < n; ++k) {
          x.store(k, choose(better, trial_.load(k), x.load(k)));
          rest_.store(k, choose(better, rest_there_.load(k), rest_.load(k)));
        }
        searching = searching && !better;
        share = 0.5 * share;
      }
      moves = moves && !searching;
    }
    // Once more, so that the solution is also right as a function of what the equations read.
    const auto solved = take_newton_step(x) <= 1e-6 * largest(x) + std::numeric_limits<double>::min();
    const S none(std::numeric_limits<double>::quiet_NaN());
    for (int k = 0; k < n; ++k) x.store(k, choose(solved, x.load(k) + step_.load(k), none));
    return choose(solved, S(0.), none);
  }
  // Pulls `adjoint(k)` of each element of the solution x.
  template <class Adjoint> LOCKSTEP_FN void reverse(const LaneArray<S>& x, const Adjoint& adjoint) {
    invert_slopes(x);
    const auto f = f_at(x);
    for_equations([&](auto l) {
      S weight(0.);
      for (int k = 0; k < n; ++k) weight -= widened<S>(adjoint(k)) * inverse(k, l);
      get<decltype(l)::value>(f).evaluate(m_).pull(narrow<T>(weight));
    });
  }

 private:
  static constexpr int most_iterations = 200, most_halvings = 30;
  static constexpr double rounding = std::is_same_v<S, T> ? 4e-16 : 2e-7;

  LOCKSTEP_FN LaneArray<S> allocate(int count) { return m_.allocate(count).sums(); }
  LOCKSTEP_FN static LaneArray<T> narrowed(const LaneArray<S>& a) { return {a.base, a.stride}; }
  // g(0), g(1), ..., as compile-time numbers.
  template <class G> LOCKSTEP_FN static void for_equations(const G& g) {
    [&]<std::size_t... l>(std::index_sequence<l...>) { (g(std::integral_constant<int, int(l)>{}), ...); }(std::make_index_sequence<n>{});
  }
  LOCKSTEP_FN auto f_at(const LaneArray<S>& x) const { return f_(Unknowns{narrowed(x), narrowed(slopes_), n, "vector of unknowns"}).expressions; }

  // The equations' values.
  LOCKSTEP_FN void evaluate(const LaneArray<S>& x, const LaneArray<S>& rest) const {
    const auto f = f_at(x);
    for_equations([&](auto l) { rest.store(l, widened<S>(T(get<decltype(l)::value>(f).evaluate(m_).value))); });
  }
  // The inverse of df/dx.
  LOCKSTEP_FN void invert_slopes(const LaneArray<S>& x) {
    for_equations([&](auto l) {
      for (int k = 0; k < n; ++k) slopes_.store(k, S(0.));
      const auto f = f_at(x);
      get<decltype(l)::value>(f).evaluate(m_).pull(OnlyTo<T>{T(1.), slopes_.base});
      for (int k = 0; k < n; ++k) {
        matrix_.store(2 * n * l + k, slopes_.load(k));
        matrix_.store(2 * n * l + n + k, S(k == l ? 1. : 0.));
      }
    });
    invert_in_lanes(matrix_, n);
  }
  LOCKSTEP_FN S inverse(int k, int l) const { return matrix_.load(2 * n * k + n + l); }
  // Newton's step from x, where the equations' values are rest_; returns its largest element's size.
  LOCKSTEP_FN S take_newton_step(const LaneArray<S>& x) {
    invert_slopes(x);
    for (int k = 0; k < n; ++k) step_.store(k, -toward(k, rest_));
    return largest(step_);
  }
  // Element k of the inverse times the equations' values.
  LOCKSTEP_FN S toward(int k, const LaneArray<S>& rest) const {
    S sum(0.);
    for (int l = 0; l < n; ++l) sum += inverse(k, l) * rest.load(l);
    return sum;
  }
  LOCKSTEP_FN S squares_of(const LaneArray<S>& rest) const {
    S squares(0.);
    for (int k = 0; k < n; ++k) {
      const S each = toward(k, rest);
      squares += each * each;
    }
    return squares;
  }
  // NaN if any is.
  LOCKSTEP_FN S largest(const LaneArray<S>& a) const {
    S size(0.);
    for (int k = 0; k < n; ++k) {
      const S each = abs(a.load(k));
      size = choose(each <= size, size, each);
    }
    return size;
  }

  M& m_;
  Dim dim_;
  Guess guess_;
  F f_;
  LaneArray<S> rest_, step_, trial_, rest_there_, slopes_, matrix_;
};

// One slice solves; any may read any element.
template <class M, class Guess, class F> class RootsNode : public VectorAccess<RootsNode<M, Guess, F>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  using Solver = RootsSolver<M, Guess, F>;
  LOCKSTEP_FN RootsNode(M& m, Dim dim, const Guess& guess, const F& f)
      : m_(m), dim_(dim), values_(m.allocate(Solver::n)), adjoints_(m.allocate_per_slice(Solver::n)), solver_(m, dim, guess, f) {
    for (int k = 0; k < Solver::n; ++k) adjoints_.store(k, T(0.));
    m.team().barrier();  // f may read elements of a linear predictor, which other slices own
    if (m.first_slice()) m.add(solver_.solve(values_.sums()));
    m.team().barrier();
  }
  LOCKSTEP_FN ~RootsNode() {
    m_.team().barrier();
    if (m_.first_slice())
      solver_.reverse(values_.sums(), [this](int k) { return m_.sum_over_slices(adjoints_, k, Solver::n); });
    m_.team().barrier();  // as above: their adjoints
  }
  LOCKSTEP_FN T value(int k) const { return values_.load(k); }
  template <class A> LOCKSTEP_FN void pull(int k, const A& a) const { adjoints_.add(k, a); }
  LOCKSTEP_FN Dim dim() const { return dim_; }

 private:
  M& m_;
  Dim dim_;
  LaneArray<T> values_, adjoints_;
  Solver solver_;
};

}  // namespace lockstep
