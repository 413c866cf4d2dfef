// The context in which a model computes its log density and, as its nodes are destroyed, the gradient.
//
// The value of every unconstrained coordinate is in `position`; the derivative of the log density (Jacobians and all
// constants included) comes out in `gradient`. On a sliced team every slice runs the model on its share of each plate:
// it adds to a gradient and a log density of its own, and the caller sums them. That is sound because pulling is
// linear. Priors of scalars and Jacobians count on slice 0 only.
#pragma once

#include <concepts>
#include <type_traits>

#include "lockstep/actions.hpp"
#include "lockstep/cholesky.hpp"
#include "lockstep/discrete_latent.hpp"
#include "lockstep/finite_mixture.hpp"
#include "lockstep/hidden_markov.hpp"
#include "lockstep/imputed.hpp"
#include "lockstep/linear.hpp"
#include "lockstep/matrix.hpp"
#include "lockstep/nodes.hpp"
#include "lockstep/non_centred.hpp"
#include "lockstep/ode.hpp"
#include "lockstep/roots.hpp"
#include "lockstep/staged.hpp"

namespace lockstep {

// Where a run of the model reads and writes. All arrays are [element][lane] with `stride` lanes.
struct Workspace {
  const double* position = nullptr;
  double* gradient = nullptr;                 // this slice's own
  double* scratch = nullptr;                  // shared by the slices of a team
  const std::int64_t* data_columns = nullptr; // per lane: which data set; only read if fields have columns
  int stride = 1;
  StagedArrays staged = {};                   // of this lane; only read by the runs of a staged gradient
  SiteActions actions = {};                   // only read by a context that has actions
};

// ---- observed data as a node ---------------------------------------------------------------------------------------------

struct ObservedVector {
  Real field;
  LOCKSTEP_FN FieldElement<false> operator[](Index j) const { return field[j]; }
  LOCKSTEP_FN FieldElement<true> operator[](int i) const { return field[i]; }
};

// ---- the context ---------------------------------------------------------------------------------------------------------

// `with_columns`: some fields have one column per data set. `Stage`: which run of a staged gradient it is. `with_actions`: sites
// may be acted on (actions.hpp) and observed data be missing (imputed.hpp), which costs a branch at each; on the host only.
template <class T, class TeamType = WholeTeam, bool with_columns = false, Stage which = Stage::whole, bool with_actions = false>
class LogDensity {
 public:
  using value_type = T;
  using Team = TeamType;
  static constexpr Stage stage = which;
  static constexpr bool with_priors = stage != Stage::pull;
  static constexpr bool with_data = stage == Stage::whole || stage == Stage::density;

  LOCKSTEP_FN LogDensity(const Team& team, const Workspace& workspace) : team_(team), workspace_(workspace) {}
  LogDensity(const LogDensity&) = delete;

  // A parameter with its prior, on the prior's support or on one that is named.
  template <DistributionLike D> LOCKSTEP_FN auto param(const char* name, const D& prior) {
    return param(name, prior, support_of(prior));
  }
  template <DistributionLike D, SupportLike S> LOCKSTEP_FN auto param(const char* name, const D& prior, const S& support) {
    using Node = ScalarParamNode<LogDensity, S, D>;
    if constexpr (with_actions) {
      const SiteAction* action = workspace_.actions.on(name);
      if (action && action->keeps_density) count_scalar(RealScalar(action->field), prior);
      return ReplaceableScalar<Node>(action, [&] { return Node(*this, prior, support); });
    } else {
      return Node(*this, prior, support);
    }
  }
  // A vector of them: one prior for all elements, or each element with its own, `[&](auto j) { return normal(mu[j], 1); }`.
  template <DistributionLike D> LOCKSTEP_FN auto param(const char* name, const D& prior, Dim dim) {
    return param(name, prior, dim, support_of(prior));
  }
  template <DistributionLike D, SupportLike S> LOCKSTEP_FN auto param(const char* name, const D& prior, Dim dim, const S& support) {
    static_assert(!WholeSupport<S>, "this support is a matrix's: give it a prior of the whole, lkj_cholesky(1), or flat(it)");
    return vector_param(name, dim, support, SameForAll<D>{prior});
  }
  template <class F> requires std::is_invocable_v<const F&, Index>
  LOCKSTEP_FN auto param(const char* name, Dim dim, const F& prior) {
    return param(name, dim, prior, support_of(prior(Index{0, dim.id})));
  }
  template <class F, SupportLike S> requires std::is_invocable_v<const F&, Index>
  LOCKSTEP_FN auto param(const char* name, Dim dim, const F& prior, const S& support) {
    return vector_param(name, dim, support, prior);
  }
  // A matrix, likewise.
  template <DistributionLike D> LOCKSTEP_FN auto param(const char* name, const D& prior, Dim rows, Dim columns) {
    return param(name, prior, rows, columns, support_of(prior));
  }
  template <DistributionLike D, SupportLike S>
  LOCKSTEP_FN auto param(const char* name, const D& prior, Dim rows, Dim columns, const S& support) {
    static_assert(!WholeSupport<S>, "this support is a matrix's: give it a prior of the whole, lkj_cholesky(1), or flat(it)");
    return matrix_param(name, rows, columns, support, SameForAll<D>{prior});
  }
  template <class F> requires std::is_invocable_v<const F&, Index, Index>
  LOCKSTEP_FN auto param(const char* name, Dim rows, Dim columns, const F& prior) {
    return param(name, rows, columns, prior, support_of(prior(Index{0, rows.id}, Index{0, columns.id})));
  }
  template <class F, SupportLike S> requires std::is_invocable_v<const F&, Index, Index>
  LOCKSTEP_FN auto param(const char* name, Dim rows, Dim columns, const F& prior, const S& support) {
    static_assert(!WholeSupport<S>, "this support is a matrix's: give it a prior of the whole, lkj_cholesky(1), or flat(it)");
    return matrix_param(name, rows, columns, support, prior);
  }
  // A distribution of the whole vector; of each row of a matrix, or of all of it; of a square matrix, both axes of which run
  // along `dim`.
  template <JointDistribution D> LOCKSTEP_FN auto param(const char* name, const D& prior, Dim dim) {
    using S = typename D::Support;
    static_assert(SquareSupport<S> || !WholeMatrix<D>, "a distribution of a matrix: m.param(name, prior, rows, columns)");
    if constexpr (SquareSupport<S>) return matrix_param(name, dim, dim, S{}, prior);
    else return vector_param(name, dim, S{}, prior);
  }
  template <JointDistribution D> LOCKSTEP_FN auto param(const char* name, const D& prior, Dim rows, Dim columns) {
    static_assert(!SquareSupport<typename D::Support>, "a square matrix runs along one dimension: m.param(name, prior, dim)");
    return matrix_param(name, rows, columns, typename D::Support{}, prior);
  }

  template <DistributionLike D> LOCKSTEP_FN RealScalar observe(const char* name, const RealScalar& y, const D& d) {
    const RealScalar given = replaced(name, y);
    if constexpr (with_data)
      if (counts(name)) count_scalar(given, d);
    return given;
  }
  template <class F> LOCKSTEP_FN auto observe(const char* name, const Real& y, Dim dim, const F& f) {
    const Real given = replaced(name, y);
    const auto count = [&](const auto& node, const auto& values) {
      if constexpr (with_data)
        if (counts(name)) count_elements(values, dim, [&](Index j) { return element_distribution(f, j, node); });
    };
    using D = std::remove_cvref_t<decltype(element_distribution(f, Index{}, ObservedVector{}))>;
    if constexpr (with_actions && Imputable<D>) {
      const auto support = support_of_missing(element_distribution(f, Index{dim.first, dim.id}, ObservedVector{given}));
      return ImputedVector<LogDensity, std::remove_cvref_t<decltype(support)>>(*this, given.field, support,
                                                                               [&](const auto& node) { count(node, node); });
    } else {
      const ObservedVector node{given};
      count(node, given);
      return node;
    }
  }

  // A state that runs along with the data: h[0] = initial, h[t] = step(t, past, h[t-1]), which may read earlier values of what
  // is observed, imputed ones too; `f(t, h[t])` is the distribution of element t.
  template <class I, class Step, class F>
  LOCKSTEP_FN auto observe(const char* name, const Real& y, Dim dim, const Carry<I, Step>& carry, const F& f) {
    const Real given = replaced(name, y);
    const auto count = [&](const auto& node) {
      if constexpr (!with_data) return;
      if (!counts(name)) return;
      using Node = std::remove_cvref_t<decltype(node)>;
      const auto step = [&](Index t, const auto& before) { return carry.step(t, Past<Node>{&node, t}, before); };
      const Scan<LogDensity, I, decltype(step)> state(*this, dim, carry.initial, step);
      count_elements(node, dim, [&](Index t) { return f(t, state[t]); });
    };
    using D = std::remove_cvref_t<decltype(f(Index{}, std::declval<Given<T>>()))>;
    if constexpr (with_actions && Imputable<D>) {
      const auto support = support_of_missing(f(Index{0, dim.id}, Given<T>(T(0.))));   // it does not depend on the state
      return ImputedVector<LogDensity, std::remove_cvref_t<decltype(support)>>(*this, given.field, support, count);
    } else {
      const ObservedVector node{given};
      count(node);
      return node;
    }
  }
  // One event: the whole vector, the whole matrix.
  template <JointDistribution D> LOCKSTEP_FN auto observe(const char* name, const Real& y, const D& d) {
    const Real given = replaced(name, y);
    const auto count = [&](const auto& event) {
      if constexpr (with_data)
        if (counts(name)) count_event(event, Dim{}, given.dim, d);
    };
    if constexpr (with_actions && EllipticalVector<D>) {
      return ImputedVector<LogDensity, RealLine>(*this, given.field, RealLine{}, [&](const auto& node) {
        count(EventOf<std::remove_cvref_t<decltype(node)>>{&node, 0});
      });
    } else {
      count(FieldEvent<LogDensity>{this, given.field});
      return ObservedVector{given};
    }
  }
  template <WholeMatrix D> LOCKSTEP_FN Matrix observe(const char* name, const Matrix& y, const D& d) {
    const Matrix given = replaced(name, y);
    if constexpr (with_data)
      if (counts(name)) count_event(DataEvent{given.values}, given.rows(), given.columns(), d);
    return given;
  }
  // An event for each row: `f(i)` is the distribution of row i.
  template <class F> LOCKSTEP_FN Matrix observe(const char* name, const Matrix& y, Dim rows, const F& f) {
    const Matrix given = replaced(name, y);
    if constexpr (with_data)
      if (counts(name)) count_rows_or_impute(given, rows, f);
    return given;
  }
  // Each element by itself: `f(i, k)` is the distribution of element (i, k).
  template <class F> LOCKSTEP_FN auto observe(const char* name, const Matrix& y, Dim rows, Dim columns, const F& f) {
    const Matrix given = replaced(name, y);
    const auto count = [&](const auto& node) {
      if constexpr (with_data)
        if (counts(name)) count_cells(node, rows, columns, f);
    };
    using D = std::remove_cvref_t<decltype(f(Index{}, GatheredIndex{}))>;
    if constexpr (with_actions && Imputable<D>) {
      const auto support = support_of_missing(f(Index{0, rows.id}, GatheredIndex{{0, columns.id}}));
      return ImputedMatrix<LogDensity, std::remove_cvref_t<decltype(support)>>(*this, given, support, count);
    } else {
      count(given);
      return given;
    }
  }
  // A series, of numbers or of the rows of a matrix, with a hidden state, a Markov chain over `state`, which is summed out.
  // `initial`: the first state's probabilities (a number for all, a vector, or a lambda); `transition(j, k)`: from j to k, a matrix
  // node, or a lambda of the time that is moved to, j and k; `emission(t, k)`: the distribution of element t in state k.
  template <class Y, class Initial, class Transition, class F>
  LOCKSTEP_FN auto hidden_markov(const char* name, const Y& y, Dim time, Dim state, const Initial& initial,
                                 const Transition& transition, const F& emission) {
    const auto node = observed(replaced(name, y));
    chain(name, state_suffix, counts(name), time, state, initial, transition, OneSeries<Y, F>{name, y, time, emission});
    return node;
  }
  // Several series of one chain, which has a name: `sites(given)` declares them, `given.observe(name, y, time, emission)`.
  template <class Initial, class Transition, class Sites>
  LOCKSTEP_FN void hidden_markov(const char* name, Dim time, Dim state, const Initial& initial, const Transition& transition,
                                 const Sites& sites) {
    chain(name, "", true, time, state, initial, transition, sites);
  }

  // Observations, numbers or the rows of a matrix, each of which has a state of its own, summed out. `weight`: the states'
  // probabilities (as above, or a lambda of the observation and the state); `component(i, k)`: the distribution of observation i
  // in state k.
  template <class Y, class Weight, class F>
  LOCKSTEP_FN auto mixture(const char* name, const Y& y, Dim dim, Dim state, const Weight& weight, const F& component) {
    const auto given = replaced(name, y);
    const auto node = observed(given);
    if constexpr (!with_data) return node;
    const auto weights = mixture_weights(weight);
    using Model = FiniteMixture<LogDensity, std::remove_const_t<decltype(given)>, std::remove_const_t<decltype(weights)>, F>;
    if constexpr (with_actions)
      if (const SiteAction* action = workspace_.actions.on(name, state_suffix)) {
        const auto state_of = [&](int i) { return int(action->field.values[i]); };
        if (action->keeps_density) Model::count_states(*this, dim, state, weights, state_of);
        count_in_states(name, y, dim, state, component, state_of);
        return node;
      }
    if (counts(name)) log_density_ += Model(*this, given, dim, state, weights, component).run();
    return node;
  }

  // A discrete latent number, or one for each element of `dim`, with values 0, 1, ... along `state` and that prior, which is summed
  // out. `sites(given)`: the data that depend on it, `given.observe(name, y, dim, f)` and the like, where f(i, k) is the
  // distribution of element i if the latent is k.
  template <DistributionLike D, class Sites> LOCKSTEP_FN void latent(const char* name, const D& prior, Dim state, const Sites& sites) {
    sum_out(name, Dim{-1, 0, 1}, state, SameForAll<D>{prior}, sites);
  }
  template <DistributionLike D, class Sites>
  LOCKSTEP_FN void latent(const char* name, const D& prior, Dim dim, Dim state, const Sites& sites) {
    sum_out(name, dim, state, SameForAll<D>{prior}, sites);
  }
  template <class F, class Sites> requires std::is_invocable_v<const F&, Index>
  LOCKSTEP_FN void latent(const char* name, Dim dim, Dim state, const F& prior, const Sites& sites) {
    sum_out(name, dim, state, prior, sites);
  }

  // A quantity to report. It is evaluated where it is used.
  template <Operand E> LOCKSTEP_FN auto deterministic(const char* name, const E& e) {
    if constexpr (with_actions) return Replaceable<RecipeOf<E>>(as_recipe(e), given_values(name), name);
    else return as_recipe(e);
  }
  template <class F> LOCKSTEP_FN auto deterministic(const char* name, Dim dim, const F& f) {
    const LazyVector<F> node{f, dim, name};
    if constexpr (with_actions) return ReplaceableLazyVector<F>{node, given_values(name)};
    else return node;
  }
  template <class F> LOCKSTEP_FN auto deterministic(const char* name, Dim rows, Dim columns, const F& f) {
    const LazyMatrix<F> node{f, rows, columns, name};
    if constexpr (with_actions) return ReplaceableLazyMatrix<F>{node, given_values(name)};
    else return node;
  }
  // A quantity to report that is computed once and kept: for what is used often.
  template <Operand E> LOCKSTEP_FN auto let(const char* name, const E& e) {
    using Node = ScalarLet<LogDensity, RecipeOf<E>>;
    if constexpr (with_actions)
      return ReplaceableScalar<Node>(workspace_.actions.on(name), [&] { return Node(*this, as_recipe(e)); });
    else return Node(*this, as_recipe(e));
  }
  template <class F> LOCKSTEP_FN auto let(const char* name, Dim dim, const F& f) {
    using Node = VectorLet<LogDensity, F>;
    if constexpr (with_actions)
      return ReplaceableVector<Node>(workspace_.actions.on(name), dim, [&] { return Node(*this, dim, f); });
    else return Node(*this, dim, f);
  }
  template <class F> LOCKSTEP_FN auto let(const char* name, Dim rows, Dim columns, const F& f) {
    using Node = MatrixLet<LogDensity, F>;
    if constexpr (with_actions)
      return ReplaceableMatrix<Node>(workspace_.actions.on(name), rows, columns, [&] { return Node(*this, rows, columns, f); });
    else return Node(*this, rows, columns, f);
  }

  // A term of the log density that no distribution gives.
  template <Operand E> LOCKSTEP_FN void potential(const char*, const E& e) {
    if constexpr (!with_data) return;
    const auto term = as_recipe(e).evaluate(*this);
    if (!first_slice()) return;
    add(T(term.value));
    term.pull(1.);
  }
  template <class F> LOCKSTEP_FN void potential(const char*, Dim dim, const F& f) {
    if constexpr (!with_data) return;
    for (int i : team_.share(dim.size).from(dim.first)) {
      const auto term = as_recipe(f(Index{i, dim.id})).evaluate(*this);
      add(T(term.value));
      term.pull(1.);
    }
  }

  template <class F> LOCKSTEP_FN void potential(const char*, Dim rows, Dim columns, const F& f) {
    if constexpr (!with_data) return;
    for_owned_cells(rows, columns, [&](Index i, GatheredIndex k) {
      const auto term = as_recipe(f(i, k)).evaluate(*this);
      add(T(term.value));
      term.pull(1.);
    });
  }

  template <Operand I, class Step> LOCKSTEP_FN auto scan(const char* name, Dim dim, const I& initial, const Step& step) {
    using Node = Scan<LogDensity, RecipeOf<I>, Step>;
    if constexpr (with_actions)
      return ReplaceableVector<Node>(workspace_.actions.on(name), dim, [&] { return Node(*this, dim, as_recipe(initial), step); });
    else return Node(*this, dim, as_recipe(initial), step);
  }
  // The same for a vector along `state`: `initial(k)`, `step(t, k, before)`, where before[j] is element j of the one before.
  template <class I, class Step>
  LOCKSTEP_FN auto scan(const char* name, Dim dim, Dim state, const I& initial, const Step& step) {
    using Node = MatrixScan<LogDensity, I, Step>;
    if constexpr (with_actions)
      return ReplaceableMatrix<Node>(workspace_.actions.on(name), dim, state, [&] { return Node(*this, dim, state, initial, step); });
    else return Node(*this, dim, state, initial, step);
  }
  // The solution of a system of ordinary differential equations, (i, k) element k of the state at `times[i]`, a matrix. The
  // state is `initial` at t0 (a number for all elements, a vector, or a lambda), a number or data; `f(t, y)` returns its
  // `derivatives(...)`, one for each element.
  template <class Initial, class Start, class F, class Method = OdeMethod<DormandPrince>>
    requires(!std::is_same_v<Initial, GroupIndex>)
  LOCKSTEP_FN auto ode(const char* name, Dim time, Dim state, const Initial& initial, const Start& t0, const Real& times,
                       const F& f, const Method& method = rk45()) {
    static_assert(KnownTime<Start>, "a differential equation starts at a number or at data");
    using System = OneSystem<VectorArgument<Initial>, RecipeOf<Start>, F>;
    return ode_solution(name, time, state, System{state, vector_argument(initial), as_recipe(t0), f}, times, method);
  }
  // The same of each subject of a group: `subjects` says whose solution is wanted at which of the times. Initial values may be a
  // lambda of the subject and the element, the start data along the subjects, and the derivatives are those of f(subject, t, y).
  template <class Initial, class Start, class F, class Method = OdeMethod<DormandPrince>>
  LOCKSTEP_FN auto ode(const char* name, Dim time, Dim state, const GroupIndex& subjects, const Initial& initial, const Start& t0,
                       const Real& times, const F& f, const Method& method = rk45()) {
    static_assert(KnownTimeOfEach<Start>, "a differential equation starts at a number or at data");
    using System = SystemOfEach<decltype(initial_of_each(initial)), decltype(start_of_each(t0)), F>;
    return ode_solution(name, time, state, System{state, subjects, initial_of_each(initial), start_of_each(t0), f}, times, method);
  }
  // The x with `f(x)` = 0, a vector along `dim`: f returns its `equations(...)`, as many as x has elements, which are 0 at the
  // solution that Newton's method finds from `guess`, a number for all elements, a vector, or a lambda.
  template <class Guess, class F> LOCKSTEP_FN auto root(const char* name, Dim dim, const Guess& guess, const F& f) {
    using Node = RootsNode<LogDensity, VectorArgument<Guess>, F>;
    const auto make = [&] { return Node(*this, dim, vector_argument(guess), f); };
    if constexpr (with_actions) return ReplaceableVector<Node>(workspace_.actions.on(name), dim, make);
    else return make();
  }
  template <class Beta> LOCKSTEP_FN auto linear(const Matrix& x, const Beta& beta) {
    static_assert(!std::is_base_of_v<OwnedAccess<Beta>, Beta>,
                  "the coefficients are a linear predictor, which is read along its rows only; keep them in a let");
    if constexpr (requires { beta.columns(); }) return LinearPredictors<LogDensity, Beta>(*this, x, beta);
    else if constexpr (stage == Stage::whole) return LinearPredictor<LogDensity, Beta>(*this, x, beta);
    else return StagedPredictor<LogDensity, Beta>(*this, x, beta);
  }
  template <class Beta> void linear(const Matrix&, const Beta&&) = delete;  // coefficients outlive the predictor

  // The Cholesky factor of the symmetric matrix with elements `element(i, j)`, j <= i; what needs it goes into `then(L)`.
  template <class F, class Then> LOCKSTEP_FN void cholesky(Dim dim, const F& element, const Then& then) {
    const CholeskyFactor<LogDensity, F> factor(*this, dim, element);
    then(factor);
  }
  // L^-1 b, for a lower triangular node; what needs it goes into `then(z)`.
  template <class L, class B, class Then> LOCKSTEP_FN void solve(const L& factor, const B& b, const Then& then) {
    solve_triangular<false>(factor, b, then);
  }
  // L^-T b, likewise: of a covariance L L^T, the inverse times a vector is both, one after the other.
  template <class L, class B, class Then> LOCKSTEP_FN void solve_transposed(const L& factor, const B& b, const Then& then) {
    solve_triangular<true>(factor, b, then);
  }

  // ---- for nodes ----
  LOCKSTEP_FN const Team& team() const { return team_; }
  LOCKSTEP_FN bool first_slice() const { return !Team::sliced || team_.slice() == 0; }
  LOCKSTEP_FN bool counts_priors() const { return with_priors && first_slice(); }
  LOCKSTEP_FN int take_coordinates(int count) {
    next_coordinate_ += count;
    return next_coordinate_ - count;
  }
  LOCKSTEP_FN int last_coordinate() const { return next_coordinate_; }
  LOCKSTEP_FN LaneArray<T> position() const { return {const_cast<double*>(workspace_.position), workspace_.stride}; }
  LOCKSTEP_FN LaneArray<T> gradient() const { return {workspace_.gradient, workspace_.stride}; }
  LOCKSTEP_FN LaneArray<T> allocate(int count) {
    const int first = scratch_used_;
    scratch_used_ += count;
    return {workspace_.scratch + std::int64_t(first) * workspace_.stride, workspace_.stride};
  }
  LOCKSTEP_FN LaneArray<T> allocate_per_slice(int count) {
    scratch_of_slice_ += count;
    return allocate(count * team_.slices()).from(count * team_.slice());
  }
  // Data, or what is given in their place.
  LOCKSTEP_FN Real replaced(const char* name, const Real& y) const {
    if constexpr (with_actions)
      if (const SiteAction* action = workspace_.actions.on(name)) return {action->field, y.dim};
    return y;
  }
  LOCKSTEP_FN Matrix replaced(const char* name, const Matrix& y) const {
    if constexpr (with_actions)
      if (const SiteAction* action = workspace_.actions.on(name))
        return {action->field.values, y.rows(), y.columns(), nullptr, action->field.info};
    return y;
  }
  // Whether an observed site has a likelihood.
  LOCKSTEP_FN bool counts(const char* name) const {
    if constexpr (with_actions)
      if (const SiteAction* action = workspace_.actions.on(name)) return action->keeps_density;
    return true;
  }
  // The values of a latent that is done or observed; else null.
  LOCKSTEP_FN const double* known_states(const char* name) const {
    if constexpr (with_actions) return given_values(name);
    else return nullptr;
  }
  LOCKSTEP_FN int scratch_used() const { return scratch_used_; }
  LOCKSTEP_FN int scratch_of_slice() const { return scratch_of_slice_; }
  // A staged site's own part of the arrays of all sites.
  LOCKSTEP_FN StagedArray<T> take_staged_columns(const Matrix& x) {
    const StagedArrays& s = workspace_.staged;
    if (staged_sites_ < s.most_sites) s.sites[staged_sites_] = {x.values, x.rows().size, x.columns().size, x.singles};
    ++staged_sites_;
    return take(staged_columns_, x.columns().size, s.coefficients, s.coefficient_adjoints);
  }
  LOCKSTEP_FN StagedArray<T> take_staged_rows(const Matrix& x) {
    return take(staged_rows_, x.rows().size, workspace_.staged.predictors, workspace_.staged.predictor_adjoints);
  }
  LOCKSTEP_FN int staged_sites() const { return staged_sites_; }
  // The sum over slices of element i of an array of which each slice has its own, `distance` elements apart.
  LOCKSTEP_FN T sum_over_slices(const LaneArray<T>& mine, int i, int distance) const {
    if constexpr (!Team::sliced) return mine.load(i);
    const LaneArray<SumOf<T>> first = mine.from(-distance * team_.slice()).sums();
    SumOf<T> total(0.);
    for (int s = 0; s < team_.slices(); ++s) total += first.load(s * distance + i);
    return narrow<T>(total);
  }
  template <class L> LOCKSTEP_FN void add(const L& log_density) { accumulate(log_density_, log_density); }
  LOCKSTEP_FN void add(Zero) {}
  LOCKSTEP_FN SumOf<T> log_density() const { return log_density_; }

  // Whether the data lack an element; a row, which then has none.
  LOCKSTEP_FN static bool is_missing(const Real& y, int i) {
    if constexpr (with_actions) return y.field.info->is_missing(i);
    else return false;
  }
  LOCKSTEP_FN static bool is_missing(const Matrix& y, int i) {
    if constexpr (with_actions) return y.info->is_missing(std::int64_t(i) * y.columns().size);
    else return false;
  }
  LOCKSTEP_FN auto data(const double* table, std::int64_t element, std::int64_t columns) const {
    if constexpr (with_columns) {
      if (columns == 1) return T(table[element]);
      return LaneTraits<T>::gather(table + element * columns, workspace_.data_columns);
    } else {
      return typename NumberTraits<T>::Datum(table[element]);
    }
  }

 private:
  template <bool transposed, class L, class B, class Then>
  LOCKSTEP_FN void solve_triangular(const L& factor, const B& b, const Then& then) {
    static_assert(L::lower_triangular, "only a lower triangular matrix is solved for: a Cholesky factor");
    const TriangularSolution<LogDensity, L, VectorArgument<B>, transposed> solution(*this, factor, vector_argument(b));
    then(solution);
  }

  // ---- parameters ----
  template <class S, class Prior>
  LOCKSTEP_FN auto vector_param(const char* name, Dim dim, const S& support, const Prior& prior) {
    using Node = VectorParamNode<LogDensity, S, Prior>;
    if constexpr (with_actions) {
      const SiteAction* action = workspace_.actions.on(name);
      if (action && action->keeps_density) {
        if constexpr (JointDistribution<Prior>) count_event(DataEvent{action->field.values}, Dim{}, dim, prior);
        else count_elements(Real{action->field, dim}, dim, prior);
      }
      return ReplaceableVector<Node>(action, dim, [&] { return Node(*this, dim, support, prior); });
    } else {
      return Node(*this, dim, support, prior);
    }
  }
  template <class S, class Prior>
  LOCKSTEP_FN auto matrix_param(const char* name, Dim rows, Dim columns, const S& support, const Prior& prior) {
    using Node = MatrixParamNode<LogDensity, S, Prior>;
    if constexpr (with_actions) {
      const SiteAction* action = workspace_.actions.on(name);
      if (action && action->keeps_density) {
        const Matrix values{action->field.values, rows, columns};
        if constexpr (WholeSupport<S> || WholeMatrix<Prior>) count_event(DataEvent{values.values}, rows, columns, prior);
        else if constexpr (JointDistribution<Prior>)
          count_rows(rows, columns, [&](Index) -> const Prior& { return prior; },
                     [&](int i) { return DataEvent{values.values_of_row(i)}; });
        else count_cells(values, rows, columns, prior);
      }
      return ReplaceableMatrix<Node>(action, rows, columns, [&] { return Node(*this, rows, columns, support, prior); });
    } else {
      return Node(*this, rows, columns, support, prior);
    }
  }

  template <class System, class Tableau>
  LOCKSTEP_FN auto ode_solution(const char* name, Dim time, Dim state, const System& system, const Real& times,
                                const OdeMethod<Tableau>& method) {
    using Node = OdeSolution<LogDensity, System, Tableau>;
    const auto make = [&] { return Node(*this, time, state, system, times, method); };
    if constexpr (with_actions) return ReplaceableMatrix<Node>(workspace_.actions.on(name), time, state, make);
    else return make();
  }

  template <class Prior, class Sites>
  LOCKSTEP_FN void sum_out(const char* name, Dim dim, Dim state, const Prior& prior, const Sites& sites) {
    if constexpr (!with_data) return;
    add(DiscreteLatent<LogDensity, Prior>(*this, name, dim, state, prior).run(sites));
  }
  // A hidden Markov chain, whose states have a name in two parts. `informed`: whether any of its sites may have a likelihood.
  template <class Initial, class Transition, class Sites>
  LOCKSTEP_FN void chain(const char* name, const char* suffix, bool informed, Dim time, Dim state, const Initial& initial,
                         const Transition& transition, const Sites& sites) {
    if constexpr (!with_data) return;
    using Model = HiddenMarkov<LogDensity, VectorArgument<Initial>, Transition>;
    if constexpr (with_actions)
      if (const SiteAction* action = workspace_.actions.on(name, suffix)) {
        if (action->keeps_density) add(Model(*this, time, state, vector_argument(initial), transition).run_along(action->field.values));
        return count_given_states(*action, state, sites);
      }
    if (!informed) return;
    Model model(*this, time, state, vector_argument(initial), transition);
    add(model.run_forward(sites, [](int, const T&) {}));
    model.run_backward(sites);
  }
  // Sites of states that are given.
  template <class Sites> LOCKSTEP_FN void count_given_states(const SiteAction& action, Dim state, const Sites& sites) {
    const auto count = [&](const char* site, const auto& y, Dim plate, Dim states, const auto& f, const auto& state_of) {
      count_in_states(site, y, plate, states, f, state_of);
    };
    sites(SitesOfKnown<decltype(count)>{action.field.values, state, count});
  }
  // Observation i is in state `state_of(i)`.
  template <class Y, class F, class StateOf>
  LOCKSTEP_FN void count_in_states(const char* name, const Y& y, Dim dim, Dim state, const F& f, const StateOf& state_of) {
    if (!counts(name) || dim.first >= dim.size) return;
    const auto given = replaced(name, y);
    SumOf<T> total(0.);
    for (int k = 0; k < state.size; ++k) {
      Emission<LogDensity, std::remove_const_t<decltype(given)>, F> emission(*this, given, dim, state, f, k);
      for (int i : team_.share(dim.size).from(dim.first))
        if (state_of(i) == k && !is_missing(given, i)) accumulate(total, emission.pull(i, k, Unit{}));
    }
    log_density_ += total;
  }

  // ---- what is done to sites ----
  LOCKSTEP_FN RealScalar replaced(const char* name, const RealScalar& y) const {
    if constexpr (with_actions)
      if (const SiteAction* action = workspace_.actions.on(name)) return RealScalar(action->field);
    return y;
  }
  LOCKSTEP_FN static ObservedVector observed(const Real& y) { return {y}; }
  LOCKSTEP_FN static Matrix observed(const Matrix& y) { return y; }
  const double* given_values(const char* name) const {
    const SiteAction* action = workspace_.actions.on(name);
    return action ? action->field.values : nullptr;
  }

  // ---- log densities of what is given ----
  template <class D> LOCKSTEP_FN void count_scalar(const RealScalar& y, const D& d) {
    Prepared<LogDensity, D> prepared(*this, d);
    auto density = prepared.at(*this, d, y.evaluate(*this));
    if (first_slice()) {
      add(density.log_density);
      density.pull(Unit{});
    }
  }
  // `f(j)` is the distribution of element j. What is missing of `y` has an adjoint.
  template <class Y, class F> LOCKSTEP_FN void count_elements(const Y& y, Dim dim, const F& f) {
    if (dim.first >= dim.size) return;
    using D = std::remove_cvref_t<decltype(f(Index{}))>;
    Prepared<LogDensity, D> prepared(*this, f(Index{dim.first, dim.id}));
    SumOf<T> total(0.);
    for (int i : team_.share(dim.size).from(dim.first)) {
      const Index j{i, dim.id};
      count_element(prepared, f(j), y, y[j], i, total);
    }
    log_density_ += total;
  }
  // The same of a matrix, whose elements are numbered row after row.
  template <class Y, class F> LOCKSTEP_FN void count_cells(const Y& y, Dim rows, Dim columns, const F& f) {
    if (rows.size == 0 || columns.size == 0) return;
    using D = std::remove_cvref_t<decltype(f(Index{}, GatheredIndex{}))>;
    Prepared<LogDensity, D> prepared(*this, f(Index{0, rows.id}, GatheredIndex{{0, columns.id}}));
    SumOf<T> total(0.);
    for_owned_cells(rows, columns, [&](Index i, GatheredIndex k) {
      count_element(prepared, f(i, k), y, y(i, k), i.position * columns.size + k.position, total);
    });
    log_density_ += total;
  }
  // Slices own rows, as they do of linear predictors, which the plate may so read along them. A column's index counts as
  // gathered: it reads what other slices own.
  template <class G> LOCKSTEP_FN void for_owned_cells(Dim rows, Dim columns, const G& g) const {
    for (int i : team_.share(rows.size))
      for (int k = 0; k < columns.size; ++k) g(Index{i, rows.id}, GatheredIndex{{k, columns.id}});
  }
  // Element `number` of `y`, which `element` reads, given its distribution.
  template <class P, class D, class Y, class E>
  LOCKSTEP_FN void count_element(P& prepared, const D& d, const Y& y, const E& element, int number, SumOf<T>& total) {
    auto density = prepared.at(*this, d, element.evaluate(*this));
    accumulate(total, density.log_density);
    if constexpr (requires { y.is_missing(number); }) {
      T slope(0.);
      accumulate(slope, density.slope());
      y.pull(number, slope);
    }
    density.pull(Unit{});
  }
  template <class Y, class D> LOCKSTEP_FN void count_event(const Y& y, Dim rows, Dim along, const D& d) {
    if (WholeMatrix<D> && rows.size == 0) return;
    auto prepared = prepare_events(*this, d, rows, along);
    if (first_slice() && along.size > 0) add(prepared.log_density(*this, d, y));
  }
  // `f(i)` is the distribution of row i, `event(i)` its elements.
  template <class F, class Event> LOCKSTEP_FN void count_rows(Dim rows, Dim columns, const F& f, const Event& event) {
    if (rows.size == 0 || columns.size == 0) return;
    const auto first = f(Index{0, rows.id});
    PreparedJoint<LogDensity, std::remove_const_t<decltype(first)>> prepared(*this, first, columns);
    for (int i : team_.share(rows.size))
      add(prepared.log_density(*this, f(Index{i, rows.id}), event(i)));
  }
  template <class F> LOCKSTEP_FN void count_rows_or_impute(const Matrix& y, Dim rows, const F& f) {
    using D = std::remove_cvref_t<decltype(f(Index{}))>;
    if constexpr (with_actions && EllipticalVector<D>) {
      ImputedVector<LogDensity, RealLine>(*this, elements_of(y), RealLine{}, [&](const auto& node) {
        using Node = std::remove_cvref_t<decltype(node)>;
        count_rows(rows, y.columns(), f, [&](int i) { return EventOf<Node>{&node, i * y.columns().size}; });
      });
    } else {
      count_rows(rows, y.columns(), f, [&](int i) { return DataEvent{y.values_of_row(i)}; });
    }
  }

  LOCKSTEP_FN StagedArray<T> take(int& taken, int count, void* values, void* adjoints) {
    const std::int64_t first = std::int64_t(taken) * workspace_.staged.stride;
    taken += count;
    return {static_cast<StoredFor<T>*>(values) + first, static_cast<StoredFor<T>*>(adjoints) + first, workspace_.staged.stride};
  }

  Team team_;
  Workspace workspace_;
  SumOf<T> log_density_ = SumOf<T>(0.);
  int next_coordinate_ = 0;
  int scratch_used_ = 0, scratch_of_slice_ = 0;
  int staged_sites_ = 0, staged_columns_ = 0, staged_rows_ = 0;
};

}  // namespace lockstep
