// The node of a system of ordinary differential equations, y'(t) = f(t, y) with y(t0) given: its solution at times of the data.
//
// Every lane takes steps of its own, so that its solution does not depend on its neighbours; a pack goes on until its last lane
// has reached the next time. (A step for all, as small as any lane needs, takes at least as many.) The error of a step is kept at
// about absolute + relative |y| for each element of y, in the mean square; a step with a larger one is tried again. A step is an
// interval of the data times some constant, which comparisons choose, so that a small change of a parameter leaves it as it is.
//
// The solution that is computed is therefore a smooth function of the parameters but for jumps, as small as the tolerance, where
// a step changes. Its derivative is, to rounding, that of the steps: the reverse sweep runs through their stages backwards and
// pulls f at each (the discrete adjoint; Sandu 2006, "On the properties of Runge-Kutta discrete adjoints"). That takes one more
// evaluation of f and one pull a stage, however many parameters there are, where forward sensitivities take as many as there are
// parameters; and nothing need be known of what f reads. Steps are not kept, the solution at the data's times is: each interval
// is integrated anew, from the last one to the first. Of its steps as many as `slots` are kept on the way; where there are more,
// some, from which the others are found again.
//
// A lane fails if its step becomes too small to change the time, or if it takes more than the method's most steps in an interval:
// the solution is infinite before the time, or a stiff system is solved by an explicit method. Its values and its log density are
// NaN: its trajectory ends there, as a divergence, and no other's.
//
// Of each subject of a group it may be a system of its own, with initial values, a start, parameters and times of the subject's:
// slices share subjects.
#pragma once

#include <limits>
#include <type_traits>
#include <utility>

#include "lockstep/distributions/matrix_normal.hpp"
#include "lockstep/inverse_in_lanes.hpp"
#include "lockstep/matrix.hpp"
#include "lockstep/unknown.hpp"

namespace lockstep {

// ---- what a model writes -----------------------------------------------------------------------------------------------------

// dy/dt, one expression for each element of the state: what the function of m.ode returns.
template <Operand... E> requires(sizeof...(E) > 0) LOCKSTEP_FN auto derivatives(const E&... e) {
  return ExpressionList<RecipeOf<E>...>{Slots<RecipeOf<E>...>(as_recipe(e)...)};
}

// An explicit Runge-Kutta method of order 5, its error estimated by one of order 4 (Dormand & Prince 1980, "A family of embedded
// Runge-Kutta formulae"). As of all methods here, the last stage is the solution after the step.
struct DormandPrince {
  static constexpr int stages = 7, error_order = 5;
  static constexpr double diagonal = 0;
  // Stage i is y + h (sum over j < i of weight(i, j) f of stage j), at time t + h time(i).
  LOCKSTEP_FN static double weight(int i, int j) {
    static constexpr double table[] = {
        1. / 5,
        3. / 40, 9. / 40,
        44. / 45, -56. / 15, 32. / 9,
        19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729,
        9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656,
        35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84};
    return table[i * (i - 1) / 2 + j];
  }
  LOCKSTEP_FN static double time(int i) {
    static constexpr double table[] = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
    return table[i];
  }
  // The error of a step is h (sum over all stages of error(j) f of stage j).
  LOCKSTEP_FN static double error(int j) {
    static constexpr double table[] = {71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40};
    return table[j];
  }
};

// A singly diagonally implicit method of order 4 with an explicit first stage, its error estimated by one of order 3, L-stable
// (Kennedy & Carpenter 2003, "Additive Runge-Kutta schemes for convection-diffusion-reaction equations", ARK4(3)6L[2]SA). Stage
// i > 0 has f of itself too, with the weight `diagonal`.
struct KennedyCarpenter {
  static constexpr int stages = 6, error_order = 4;
  static constexpr double diagonal = 0.25;
  LOCKSTEP_FN static double weight(int i, int j) {
    static constexpr double table[] = {
        1. / 4,
        8611. / 62500, -1743. / 31250,
        5012029. / 34652500, -654441. / 2922500, 174375. / 388108,
        15267082809. / 155376265600., -71443401. / 120774400, 730878875. / 902184768, 2285395. / 8070912,
        82889. / 524892, 0, 15625. / 83664, 69875. / 102672, -2260. / 8211};
    return table[i * (i - 1) / 2 + j];
  }
  LOCKSTEP_FN static double time(int i) {
    static constexpr double table[] = {0, 1. / 2, 83. / 250, 31. / 50, 17. / 20, 1};
    return table[i];
  }
  LOCKSTEP_FN static double error(int j) {
    static constexpr double table[] = {31666707. / 9881966720., 0, -256875. / 105007616, -2768025. / 128864768, 169839. / 3864644,
                                       -5247. / 225920};
    return table[j];
  }
};

// How a system is solved.
template <class Tableau> struct OdeMethod {
  using Steps = Tableau;
  double relative, absolute;   // tolerances of a step's error
  int most_steps;              // in one interval between times, those that were tried again included
};
// For systems that are not stiff: Dormand and Prince's method of order 5, as Stan's ode_rk45, with Stan's tolerances.
LOCKSTEP_FN constexpr OdeMethod<DormandPrince> rk45(double relative = 1e-6, double absolute = 1e-6, int most_steps = 10000) {
  return {relative, absolute, most_steps};
}
// For stiff systems, some of whose parts settle much faster than what is of interest takes: a step costs more, a matrix as large
// as the state is inverted in it, but its size does not depend on the fast parts. For states of a few elements.
LOCKSTEP_FN constexpr OdeMethod<KennedyCarpenter> stiff(double relative = 1e-6, double absolute = 1e-6, int most_steps = 10000) {
  return {relative, absolute, most_steps};
}

// What a solution may start at.
template <class E> concept KnownTime = std::is_arithmetic_v<E> || std::is_base_of_v<FieldElement<true>, E>;
template <class E> concept KnownTimeOfEach = KnownTime<E> || std::is_base_of_v<Real, E>;

// ---- systems -----------------------------------------------------------------------------------------------------------------

// What is solved: `initial(m, k)` and `start(m)` are evaluated, `f(t, y)` gives the derivatives. `for_owned(m, times, g)` calls
// g(first, count) for each range of times of one solution that this slice owns.

// One solution, at all times.
template <class Initial, class Start, class F> struct OneSystem {
  static constexpr bool per_slice = false;
  template <class M, class T, class State> using Result = std::invoke_result_t<const F&, T, State>;
  Dim state;
  Initial initial_values;   // a vector argument (joint_distribution.hpp)
  Start t0;                 // the recipe of a number or of data
  F function;

  template <class M> LOCKSTEP_FN auto initial(const M& m, int k) const { return initial_values[Index{k, state.id}].evaluate(m); }
  template <class M> LOCKSTEP_FN auto start(const M& m) const { return t0.evaluate(m); }
  template <class M, class T, class State> LOCKSTEP_FN auto f(const T& t, const State& y) const { return function(t, y); }
  template <class M, class G> LOCKSTEP_FN void for_owned(const M& m, int times, const G& g) {
    if (m.first_slice()) g(0, times);
  }
};

// One of each subject, at the times that `subjects` says are its own; these follow on each other. Initial values are a vector
// argument, the same for all, or a matrix argument (distributions/matrix_normal.hpp) of subject and element; a start is for all, or
// data along the subjects; `f(s, t, y)`.
template <class Initial, class Start, class F> struct SystemOfEach {
  static constexpr bool per_slice = true;
  template <class M> using Subject = std::conditional_t<checks_reads<M>, CheckedIndex, Index>;
  template <class M> using Element = std::conditional_t<checks_reads<M>, CheckedIndex, GatheredIndex>;   // all slices read it
  template <class M, class T, class State> using Result = std::invoke_result_t<const F&, Subject<M>, T, State>;
  static constexpr bool starts_alike = !std::is_base_of_v<Real, Start>;
  Dim state;
  GroupIndex subjects;
  Initial initial_values;
  Start t0;
  F function;
  int subject = 0;          // whose solution is computed

  template <class M> LOCKSTEP_FN auto initial(const M& m, int k) const {
    const Element<M> element{{k, state.id}};
    if constexpr (std::is_invocable_v<const Initial&, Index, Index>) return as_recipe(initial_values(of<M>(), element)).evaluate(m);
    else return initial_values[element].evaluate(m);
  }
  template <class M> LOCKSTEP_FN auto start(const M& m) const {
    if constexpr (starts_alike) return t0.evaluate(m);
    else return t0[of<M>()].evaluate(m);
  }
  template <class M, class T, class State> LOCKSTEP_FN auto f(const T& t, const State& y) const { return function(of<M>(), t, y); }
  template <class M, class G> LOCKSTEP_FN void for_owned(const M& m, int times, const G& g) {
    const auto own = m.team().share(subjects.target.size);
    for (int first = 0, end; first < times; first = end) {
      subject = subjects.positions[first];
      for (end = first + 1; end < times && subjects.positions[end] == subject;) ++end;
      if (own.has(subject)) g(first, end - first);
    }
  }

 private:
  template <class M> LOCKSTEP_FN Subject<M> of() const {
    if constexpr (checks_reads<M>) return {{subject, subjects.target.id}};
    else return {subject, subjects.target.id};
  }
};
template <class V> LOCKSTEP_FN auto initial_of_each(const V& v) {
  if constexpr (std::is_invocable_v<const V&, Index, Index>) return matrix_argument(v);
  else return vector_argument(v);
}
template <class V> LOCKSTEP_FN auto start_of_each(const V& v) {
  if constexpr (std::is_base_of_v<Real, V>) return v;
  else return as_recipe(v);
}

// ---- solving ---------------------------------------------------------------------------------------------------------------

// Solves, on this slice, the systems that it owns.
template <class M, class System, class Tableau> class OdeSolver {
 public:
  using T = typename M::value_type;
  using S = SumOf<T>;                    // steps are added up in doubles
  using State = UnknownVector<T, checks_reads<M>>;
  static constexpr int n = System::template Result<M, Given<T>, State>::count;
  static constexpr int stages = Tableau::stages;
  static constexpr bool implicit = Tableau::diagonal != 0;
  static constexpr int slots = 64;
  static constexpr double rounding = std::is_same_v<S, T> ? 1e-15 : 1e-6;   // of f, relative

  // Elements of scratch on one slice.
  static std::int64_t scratch(int times) {
    return times + (3 + 2 * stages) * n + slots * (n + 3) + (implicit ? 2 * n * n + 2 * n : 0);
  }

  LOCKSTEP_FN OdeSolver(M& m, const System& system, const Real& times, const OdeMethod<Tableau>& method)
      : m_(m), system_(system), times_(times), method_(method), steps_(m.allocate(times.dim.size).sums()),
        y_(allocate(n)), lambda_(allocate(n)), stage_(allocate(stages * n)), slope_(allocate(stages * n)),
        bar_(allocate(n)), kept_(allocate(slots * (n + 2))), kept_number_(allocate(slots)),
        matrix_(allocate(implicit ? 2 * n * n : 0)), given_(allocate(implicit ? n : 0)), rest_(allocate(implicit ? n : 0)) {
    // An implicit stage is as exact as f is.
    if constexpr (implicit && !std::is_same_v<S, T>) method_.relative = max(method_.relative, 10 * rounding);
  }

  // Element k at time i goes to values[i n + k]. Returns 0, or NaN for lanes that failed.
  LOCKSTEP_FN S solve(const LaneArray<S>& values) {
    S failed(0.);
    system_.for_owned(m_, times_.dim.size, [&](int first, int count) { failed += solve(values, first, count); });
    return failed;
  }
  // Pulls `adjoint(number)` of each value.
  template <class Adjoint> LOCKSTEP_FN void reverse(const LaneArray<S>& values, const Adjoint& adjoint) {
    system_.for_owned(m_, times_.dim.size, [&](int first, int count) { reverse(values, adjoint, first, count); });
  }

 private:
  // One solution's, at `count` times from `first` on.
  LOCKSTEP_FN S solve(const LaneArray<S>& values, int first, int count) {
    for (int k = 0; k < n; ++k) y_.store(k, wide(initial_at(k).value));
    S before = start();
    h_ = S(0.);
    for (int i = first; i < first + count; ++i) {
      const S now = time(i);
      begin(now - before);
      steps_.store(i, h_);
      for (int step = 0; any(left_ > 0.); ++step) {
        if (step == method_.most_steps) fail(left_ > 0.);
        else attempt(now);
      }
      for (int k = 0; k < n; ++k) values.store(i * n + k, y_.load(k));
      before = now;
    }
    return choose(alive(), S(0.), S(std::numeric_limits<double>::quiet_NaN()));
  }

  template <class Adjoint> LOCKSTEP_FN void reverse(const LaneArray<S>& values, const Adjoint& adjoint, int first, int count) {
    for (int k = 0; k < n; ++k) lambda_.store(k, S(0.));
    for (int i = first + count - 1; i >= first; --i) {
      for (int k = 0; k < n; ++k) lambda_.store(k, lambda_.load(k) + wide(adjoint(i * n + k)));
      // From the solution at the time before. A lane that failed stays where it was.
      for (int k = 0; k < n; ++k) y_.store(k, values.load(i * n + k));
      const auto solved = alive();
      for (int k = 0; k < n; ++k) y_.store(k, i > first ? values.load((i - 1) * n + k) : wide(initial_at(k).value));
      const S now = time(i), before = i > first ? time(i - 1) : start();
      h_ = steps_.load(i);
      begin(now - before);
      left_ = choose(solved, left_, S(0.));
      reverse_interval(now);
    }
    for (int k = 0; k < n; ++k) initial_at(k).pull(narrow<T>(lambda_.load(k)));
  }

  LOCKSTEP_FN LaneArray<S> allocate(int count) {
    if constexpr (System::per_slice) return m_.allocate_per_slice(count).sums();
    else return m_.allocate(count).sums();
  }
  LOCKSTEP_FN static LaneArray<T> narrowed(const LaneArray<S>& a) { return {a.base, a.stride}; }
  template <class V> LOCKSTEP_FN static S wide(const V& value) { return widened<S>(value); }
  template <class Mask> LOCKSTEP_FN static bool any(const Mask& mask) { return any_lane<S>(mask); }
  // g(0), g(1), ..., as compile-time numbers.
  template <class G> LOCKSTEP_FN static void for_components(const G& g) { for_components(g, std::make_index_sequence<n>{}); }
  template <class G, std::size_t... k> LOCKSTEP_FN static void for_components(const G& g, std::index_sequence<k...>) {
    (g(std::integral_constant<int, int(k)>{}), ...);
  }

  LOCKSTEP_FN S start() const { return wide(system_.start(m_).value); }
  LOCKSTEP_FN S time(int i) const { return wide(times_[Index{i, times_.dim.id}].evaluate(m_).value); }
  LOCKSTEP_FN auto initial_at(int k) const { return system_.initial(m_, k); }
  LOCKSTEP_FN auto f_at(const S& t, const LaneArray<S>& y, const LaneArray<S>& adjoints) const {
    return system_.template f<M>(Given<T>(narrow<T>(t)), State{narrowed(y), narrowed(adjoints), n, "state of a differential equation"}).expressions;
  }
  LOCKSTEP_FN LaneArray<S> row(const LaneArray<S>& a, int i) const { return a.from(i * n); }

  // ---- steps forward: from y_, of which left_ is left to go, with steps of size h_ if that is more ----

  LOCKSTEP_FN void begin(const S& interval) {
    left_ = choose(alive(), interval, S(0.));
    h_ = choose(h_ > 0., h_, left_);
  }
  LOCKSTEP_FN auto alive() const {
    const S y = y_.load(0);
    return y == y;
  }
  template <class Mask> LOCKSTEP_FN void fail(const Mask& lanes) {
    for (int k = 0; k < n; ++k) y_.store(k, choose(lanes, S(std::numeric_limits<double>::quiet_NaN()), y_.load(k)));
    left_ = choose(lanes, S(0.), left_);
  }

  // The stages of a step, and f at each but for the last, if `with_last` does not ask for that.
  template <bool with_last> LOCKSTEP_FN void run_stages(const S& t, const S& h) {
    if constexpr (implicit) invert(t, y_, Tableau::diagonal * h);
    unsolved_ = S(0.);
    LOCKSTEP_ROLLED
    for (int i = 0; i < stages; ++i) {
      const LaneArray<S> stage = row(stage_, i), slope = row(slope_, i);
      for (int k = 0; k < n; ++k) {
        S sum(0.);
        LOCKSTEP_ROLLED
        for (int j = 0; j < i; ++j) sum += Tableau::weight(i, j) * slope_.load(j * n + k);
        stage.store(k, y_.load(k) + h * sum);
      }
      const S now = t + Tableau::time(i) * h;
      if constexpr (implicit) {
        if (i > 0) {
          solve_stage(i, now, h);
          continue;
        }
      }
      if (with_last || i < stages - 1) evaluate(now, stage, slope);
    }
  }
  LOCKSTEP_FN void evaluate(const S& t, const LaneArray<S>& y, const LaneArray<S>& slope) const {
    const auto f = f_at(t, y, slope);
    for_components([&](auto k) { slope.store(k, wide(get<decltype(k)::value>(f).evaluate(m_).value)); });
  }

  // y with y = given + h diagonal f(y), where `given` is in the stage, by Newton's method with the Jacobian at the step's
  // beginning; and f there. Until it changes far less than the tolerance, so that derivatives by the stage's equation are right.
  LOCKSTEP_FN void solve_stage(int i, const S& t, const S& h) {
    constexpr int most_iterations = 12;
    constexpr double settled = 1e-4;
    const LaneArray<S> y = row(stage_, i), slope = row(slope_, i);
    const S weight = Tableau::diagonal * h;
    for (int k = 0; k < n; ++k) {
      given_.store(k, y.load(k));
      y.store(k, y.load(k) + weight * slope_.load((i - 1) * n + k));
    }
    auto moves = h > 0.;
    for (int iteration = 0; iteration < most_iterations && any(moves); ++iteration) {
      evaluate(t, y, slope);
      for (int k = 0; k < n; ++k) rest_.store(k, given_.load(k) + weight * slope.load(k) - y.load(k));
      S squares(0.);
      for (int k = 0; k < n; ++k) {
        S change(0.);
        for (int l = 0; l < n; ++l) change += inverse(k, l) * rest_.load(l);
        const S relative = change / (settled * scale(k, y.load(k)) + rounding * abs(y.load(k)));
        squares += relative * relative;
        y.store(k, choose(moves, y.load(k) + change, y.load(k)));
      }
      moves = moves && !(squares <= double(n));
    }
    // By the equation rather than by f, which may be steep.
    for (int k = 0; k < n; ++k) slope.store(k, choose(h > 0., (y.load(k) - given_.load(k)) / weight, slope_.load(k)));
    unsolved_ = choose(moves, S(std::numeric_limits<double>::quiet_NaN()), unsolved_);
  }
  // The inverse of I - weight df/dy.
  LOCKSTEP_FN void invert(const S& t, const LaneArray<S>& y, const S& weight) {
    for_components([&](auto k) {
      for (int l = 0; l < n; ++l) rest_.store(l, S(0.));
      const auto f = f_at(t, y, rest_);
      get<decltype(k)::value>(f).evaluate(m_).pull(OnlyTo<T>{T(1.), rest_.base});
      for (int l = 0; l < n; ++l) {
        const S unit(l == k ? 1. : 0.);
        entry(k, l, unit - weight * rest_.load(l));
        entry(k, n + l, unit);
      }
    });
    invert_in_lanes(matrix_, n);
  }
  LOCKSTEP_FN S entry(int row, int column) const { return matrix_.load(row * 2 * n + column); }
  LOCKSTEP_FN void entry(int row, int column, const S& value) const { matrix_.store(row * 2 * n + column, value); }
  LOCKSTEP_FN S inverse(int row, int column) const { return entry(row, n + column); }

  // What an error in element k is measured by, in a step to y.
  LOCKSTEP_FN S scale(int k, const S& y) const { return method_.absolute + method_.relative * max(abs(y_.load(k)), abs(y)); }

  // One step, or the finding that it was too long; lanes that have arrived stay.
  LOCKSTEP_FN void attempt(const S& end) {
    const S trial = min(h_, left_);
    run_stages<true>(end - left_, trial);
    const LaneArray<S> after = row(stage_, stages - 1);
    for (int k = 0; k < n; ++k) {
      S sum(0.);
      LOCKSTEP_ROLLED
      for (int j = 0; j < stages; ++j) sum += Tableau::error(j) * slope_.load(j * n + k);
      bar_.store(k, trial * sum);
    }
    S squares = unsolved_;
    for (int k = 0; k < n; ++k) {
      S error = bar_.load(k);
      if constexpr (implicit) {  // without what the fast parts of the system would make of it (Hosea & Shampine 1996)
        error = S(0.);
        for (int l = 0; l < n; ++l) error += inverse(k, l) * bar_.load(l);
      }
      const S relative = error / scale(k, after.load(k));
      squares += relative * relative;
    }
    squares = squares * (1. / n);
    // 0.9 squares^(-1 / (2 order)), from 0.2 to 4.5, rounded down to 0.2 times a power of 1.25; 0.2 if the error is NaN.
    constexpr double shrink = power(0.8, 2 * Tableau::error_order), most_at_least = power(0.9 / 0.2, 2 * Tableau::error_order);
    double factor = 0.2, most = most_at_least;
    S next(factor);
    LOCKSTEP_ROLLED
    for (int rung = 0; rung < 14; ++rung) {
      factor *= 1.25;
      most *= shrink;
      next = choose(squares <= most, S(factor), next);
    }
    next = trial * next;
    const auto moves = left_ > 0.;
    const auto accepted = squares <= 1.;
    const S left = choose(accepted, left_ - trial, left_);
    // A step that was cut at the end of the interval says little of what the next can be.
    const S proposed = choose(accepted && trial < h_, max(h_, next), next);
    const auto stuck = moves && !(left_ - trial < left_);
    for (int k = 0; k < n; ++k) y_.store(k, choose(accepted, after.load(k), y_.load(k)));
    h_ = choose(moves, proposed, h_);
    left_ = left;
    if (any(stuck)) fail(stuck);
  }
  LOCKSTEP_FN static constexpr double power(double x, int p) { return p == 0 ? 1 : x * power(x, p - 1); }

  // ---- steps backward ----

  LOCKSTEP_FN void keep(int slot, int number) {
    const LaneArray<S> to = kept_.from(slot * (n + 2));
    for (int k = 0; k < n; ++k) to.store(k, y_.load(k));
    to.store(n, left_);
    to.store(n + 1, h_);
    kept_number_.store(slot, S(double(number)));
  }
  LOCKSTEP_FN void bring_back(int slot) {
    const LaneArray<S> from = kept_.from(slot * (n + 2));
    for (int k = 0; k < n; ++k) y_.store(k, from.load(k));
    left_ = from.load(n);
    h_ = from.load(n + 1);
  }
  LOCKSTEP_FN int number_of(int slot) const { return int(kept_number_.from(slot).base[0]); }  // the same in all lanes

  // From lambda_ at the end of the interval to lambda_ at its beginning, where y_, left_ and h_ are. Attempts are numbered, for
  // all lanes of a pack together: the state before attempt q is kept for some q, on a stack.
  LOCKSTEP_FN void reverse_interval(const S& end) {
    int used = 1, every = 1, q = 0, ahead = method_.most_steps;
    bool counting = true;                // until the end of the interval is reached for the first time
    S left_after(0.);
    keep(0, 0);
    for (;;) {
      const bool arrived = counting ? q == ahead || !any(left_ > 0.) : q + 1 == ahead;
      if (!arrived) {
        attempt(end);
        ++q;
        if (counting && used == slots / 2 && q % every == 0) {  // drop every other
          used /= 2;
          every *= 2;
          LOCKSTEP_ROLLED
          for (int s = 1; s < used; ++s) copy_kept(2 * s, s);
        }
        if (q % every == 0 && used < slots) keep(used++, q);
        continue;
      }
      if (counting) {
        counting = false;
        left_after = left_;
        ahead = q;
      } else {
        reverse_step(end - left_, left_ - left_after);
        left_after = left_;
        --ahead;
      }
      if (ahead == 0) return;
      while (number_of(used - 1) >= ahead) --used;
      bring_back(used - 1);
      q = number_of(used - 1);
      // All of what is missing, or, if there is no room, one in the middle.
      every = ahead - 1 - q <= slots - used ? 1 : (ahead - q) / 2;
    }
  }
  LOCKSTEP_FN void copy_kept(int from, int to) const {
    for (int k = 0; k < n + 2; ++k) kept_.store(to * (n + 2) + k, kept_.load(from * (n + 2) + k));
    kept_number_.store(to, kept_number_.load(from));
  }

  // A step of size h from y_ at time t, 0 where it was not accepted. With s_i the adjoint that stage i has from outside, lambda
  // after the step for the last stage and 0 for the others, k_i the adjoint of f at the stage, d the diagonal weight, J = df/dy,
  //   (I - h d J^T) k_i = h (sum over j > i of weight(j, i) w_j) + h d s_i,   w_i = s_i + J^T k_i,
  // and lambda before is the sum of all w_i. A last stage that is explicit has k = 0.
  LOCKSTEP_FN void reverse_step(const S& t, const S& h) {
    run_stages<false>(t, h);
    LOCKSTEP_ROLLED
    for (int i = stages - 1; i >= 0; --i) {
      const bool last = i == stages - 1, implicit_stage = implicit && i > 0;
      const LaneArray<S> w = row(slope_, i);
      for (int k = 0; k < n; ++k) {
        const S outside = last ? lambda_.load(k) : S(0.);
        S sum(0.);
        LOCKSTEP_ROLLED
        for (int j = i + 1; j < stages; ++j) sum += Tableau::weight(j, i) * slope_.load(j * n + k);
        if (implicit_stage) sum += Tableau::diagonal * outside;
        bar_.store(k, h * sum);
        w.store(k, outside);
      }
      if (last && !implicit) continue;
      const S now = t + Tableau::time(i) * h;
      const LaneArray<S> stage = row(stage_, i);
      if constexpr (implicit)
        if (implicit_stage) {
          invert(now, stage, Tableau::diagonal * h);
          for (int k = 0; k < n; ++k) given_.store(k, bar_.load(k));
          for (int k = 0; k < n; ++k) {
            S sum(0.);
            for (int l = 0; l < n; ++l) sum += inverse(l, k) * given_.load(l);
            bar_.store(k, sum);
          }
        }
      const auto f = f_at(now, stage, w);
      for_components([&](auto k) { get<decltype(k)::value>(f).evaluate(m_).pull(narrow<T>(bar_.load(k))); });
      for (int k = 0; k < n; ++k) lambda_.store(k, last ? w.load(k) : lambda_.load(k) + w.load(k));
    }
  }

  M& m_;
  System system_;
  Real times_;
  OdeMethod<Tableau> method_;
  LaneArray<S> steps_, y_, lambda_, stage_, slope_, bar_, kept_, kept_number_, matrix_, given_, rest_;
  S left_, h_;
  S unsolved_;   // NaN in lanes in which a stage of the last attempt was not solved, else 0
};

// The solution as a matrix, element (i, k) is that of y[k] at time i. Slices solve the systems that they own; any may read any
// element.
template <class M, class System, class Tableau> class OdeSolution : public MatrixAccess<OdeSolution<M, System, Tableau>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  using Solver = OdeSolver<M, System, Tableau>;
  using MatrixAccess<OdeSolution>::value;
  using MatrixAccess<OdeSolution>::pull;
  LOCKSTEP_FN OdeSolution(M& m, Dim time, Dim state, const System& system, const Real& times, const OdeMethod<Tableau>& method)
      : m_(m), time_(time), state_(state), values_(m.allocate(size())), adjoints_(m.allocate_per_slice(size())),
        solver_(m, system, times, method) {
    for (int i = 0; i < size(); ++i) adjoints_.store(i, T(0.));
    m.team().barrier();  // f may read elements of a linear predictor, which other slices own
    m.add(solver_.solve(values_.sums()));
    m.team().barrier();
  }
  LOCKSTEP_FN ~OdeSolution() {
    m_.team().barrier();
    solver_.reverse(values_.sums(), [this](int i) { return m_.sum_over_slices(adjoints_, i, size()); });
    m_.team().barrier();  // as above: their adjoints
  }
  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }
  LOCKSTEP_FN Dim rows() const { return time_; }
  LOCKSTEP_FN Dim columns() const { return state_; }

 private:
  LOCKSTEP_FN int size() const { return time_.size * Solver::n; }
  M& m_;
  Dim time_, state_;
  LaneArray<T> values_, adjoints_;
  Solver solver_;
};

}  // namespace lockstep
