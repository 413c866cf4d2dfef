// The context in which a model computes its log density and, as its nodes are destroyed, the gradient.
//
// The value of every unconstrained coordinate is in `position`; the derivative of the log density (Jacobians and all
// constants included) comes out in `gradient`. On a sliced team every slice runs the model on its share of each plate:
// it adds to a gradient and a log density of its own, and the caller sums them. That is sound because pulling is
// linear. Priors of scalars and Jacobians count on slice 0 only.
#pragma once

#include <concepts>
#include <type_traits>

#include "lockstep/cholesky.hpp"
#include "lockstep/hidden_markov.hpp"
#include "lockstep/linear.hpp"
#include "lockstep/matrix.hpp"
#include "lockstep/nodes.hpp"
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
};

// ---- observed data as a node ---------------------------------------------------------------------------------------------

struct ObservedVector {
  Real field;
  LOCKSTEP_FN FieldElement<false> operator[](Index j) const { return field[j]; }
  LOCKSTEP_FN FieldElement<true> operator[](int i) const { return field[i]; }
};

struct ObservedMatrix {
  Matrix field;
};

// ---- the context ---------------------------------------------------------------------------------------------------------

// `with_columns`: some fields have one column per data set. `Stage`: which run of a staged gradient it is.
template <class T, class TeamType = WholeTeam, bool with_columns = false, Stage which = Stage::whole> class LogDensity {
 public:
  using value_type = T;
  using Team = TeamType;
  static constexpr Stage stage = which;
  static constexpr bool with_priors = stage != Stage::pull;
  static constexpr bool with_data = stage == Stage::whole || stage == Stage::density;

  LOCKSTEP_FN LogDensity(const Team& team, const Workspace& workspace) : team_(team), workspace_(workspace) {}
  LogDensity(const LogDensity&) = delete;

  // A parameter with its prior, on the prior's support or on one that is named.
  template <DistributionLike D> LOCKSTEP_FN auto param(const char*, const D& prior) {
    return ScalarParam<LogDensity, decltype(support_of(prior))>(*this, prior, support_of(prior));
  }
  template <DistributionLike D, SupportLike S> LOCKSTEP_FN auto param(const char*, const D& prior, const S& support) {
    return ScalarParam<LogDensity, S>(*this, prior, support);
  }
  // A vector of them: one prior for all elements, or each element with its own, `[&](auto j) { return normal(mu[j], 1); }`.
  template <DistributionLike D> LOCKSTEP_FN auto param(const char* name, const D& prior, Dim dim) {
    return param(name, prior, dim, support_of(prior));
  }
  template <DistributionLike D, SupportLike S> LOCKSTEP_FN auto param(const char*, const D& prior, Dim dim, const S& support) {
    static_assert(!SquareSupport<S>, "this support is a matrix's: give it a prior of the whole, lkj_cholesky(1)");
    return VectorParam<LogDensity, S>(*this, dim, support, SameForAll<D>{prior});
  }
  template <class F> requires std::is_invocable_v<const F&, Index>
  LOCKSTEP_FN auto param(const char* name, Dim dim, const F& prior) {
    return param(name, dim, prior, support_of(prior(Index{0, dim.id})));
  }
  template <class F, SupportLike S> requires std::is_invocable_v<const F&, Index>
  LOCKSTEP_FN auto param(const char*, Dim dim, const F& prior, const S& support) {
    return VectorParam<LogDensity, S>(*this, dim, support, prior);
  }
  // A matrix, likewise.
  template <DistributionLike D> LOCKSTEP_FN auto param(const char* name, const D& prior, Dim rows, Dim columns) {
    return param(name, prior, rows, columns, support_of(prior));
  }
  template <DistributionLike D, SupportLike S>
  LOCKSTEP_FN auto param(const char*, const D& prior, Dim rows, Dim columns, const S& support) {
    static_assert(!SquareSupport<S>, "this support is a matrix's: give it a prior of the whole, lkj_cholesky(1)");
    return MatrixParam<LogDensity, S>(*this, rows, columns, support, SameForAll<D>{prior});
  }
  template <class F> requires std::is_invocable_v<const F&, Index, Index>
  LOCKSTEP_FN auto param(const char*, Dim rows, Dim columns, const F& prior) {
    const auto support = support_of(prior(Index{0, rows.id}, Index{0, columns.id}));
    return MatrixParam<LogDensity, std::remove_const_t<decltype(support)>>(*this, rows, columns, support, prior);
  }
  // A distribution of the whole vector; of each row of a matrix; of a square matrix, both axes of which run along `dim`.
  template <JointDistribution D> LOCKSTEP_FN auto param(const char*, const D& prior, Dim dim) {
    using S = typename D::Support;
    if constexpr (SquareSupport<S>) return MatrixParam<LogDensity, S>(*this, dim, dim, S{}, prior);
    else return VectorParam<LogDensity, S>(*this, dim, S{}, prior);
  }
  template <JointDistribution D> LOCKSTEP_FN auto param(const char*, const D& prior, Dim rows, Dim columns) {
    static_assert(!SquareSupport<typename D::Support>, "a square matrix runs along one dimension: m.param(name, prior, dim)");
    return MatrixParam<LogDensity, typename D::Support>(*this, rows, columns, typename D::Support{}, prior);
  }

  template <DistributionLike D> LOCKSTEP_FN RealScalar observe(const char*, const RealScalar& y, const D& d) {
    if constexpr (!with_data) return y;
    Prepared<LogDensity, D> prepared(*this, d);
    auto density = prepared.at(*this, d, y.evaluate(*this));
    if (first_slice()) {
      add(density.log_density);
      density.pull(Unit{});
    }
    return y;
  }
  template <class F> LOCKSTEP_FN ObservedVector observe(const char*, const Real& y, Dim dim, const F& f) {
    const ObservedVector node{y};
    if (!with_data || dim.first >= dim.size) return node;
    using D = std::remove_cvref_t<decltype(element_distribution(f, Index{}, node))>;
    Prepared<LogDensity, D> prepared(*this, element_distribution(f, Index{dim.first, dim.id}, node));
    SumOf<T> total(0.);
    for (int i = first_owned(dim); i < dim.size; i += team_.slices()) {
      const Index j{i, dim.id};
      auto density = prepared.at(*this, element_distribution(f, j, node), y[j].evaluate(*this));
      accumulate(total, density.log_density);
      density.pull(Unit{});
    }
    log_density_ += total;
    return node;
  }

  // A state that runs along with the data: h[0] = initial, h[t] = step(t, past, h[t-1]), which may read earlier values of what
  // is observed; `f(t, h[t])` is the distribution of element t.
  template <class I, class Step, class F>
  LOCKSTEP_FN ObservedVector observe(const char* name, const Real& y, Dim dim, const Carry<I, Step>& carry, const F& f) {
    const ObservedVector node{y};
    const auto step = [&](Index t, const auto& before) { return carry.step(t, Past<ObservedVector>{&node, t}, before); };
    const auto state = scan("", dim, carry.initial, step);
    return observe(name, y, dim, [&](auto t) { return f(t, state[t]); });
  }
  // One event: the whole vector.
  template <JointDistribution D> LOCKSTEP_FN ObservedVector observe(const char*, const Real& y, const D& d) {
    if constexpr (!with_data) return {y};
    PreparedJoint<LogDensity, D> prepared(*this, d, y.dim);
    if (first_slice() && y.dim.size > 0) add(prepared.log_density(*this, d, DataEvent{y.field.table(FieldData::value)}));
    return {y};
  }
  // An event for each row: `f(i)` is the distribution of row i.
  template <class F> LOCKSTEP_FN ObservedMatrix observe(const char*, const Matrix& y, Dim rows, const F& f) {
    if (!with_data || rows.size == 0 || y.columns.size == 0) return {y};
    const auto first = f(Index{0, rows.id});
    PreparedJoint<LogDensity, std::remove_const_t<decltype(first)>> prepared(*this, first, y.columns);
    for (int i = team_.slice(); i < rows.size; i += team_.slices())
      add(prepared.log_density(*this, f(Index{i, rows.id}), DataEvent{y.row(i)}));
    return {y};
  }
  // A series with a hidden state, a Markov chain over `state`, which is summed out. `initial`: the first state's
  // probabilities (a number for all, a vector, or a lambda); `transition(j, k)`, a matrix node: from j to k;
  // `emission(t, k)`: the distribution of element t in state k.
  template <class Initial, class Transition, class F>
  LOCKSTEP_FN ObservedVector hidden_markov(const char*, const Real& y, Dim time, Dim state, const Initial& initial,
                                           const Transition& transition, const F& emission) {
    if constexpr (!with_data) return {y};
    HiddenMarkov<LogDensity, VectorArgument<Initial>, Transition, F> model(*this, time, state, vector_argument(initial),
                                                                           transition, emission);
    add(model.run_forward(y, [](int, const T&) {}));
    model.run_backward(y);
    return {y};
  }

  // A quantity to report. It is evaluated where it is used.
  template <Operand E> LOCKSTEP_FN auto deterministic(const char*, const E& e) { return as_recipe(e); }
  template <class F> LOCKSTEP_FN LazyVector<F> deterministic(const char* name, Dim dim, const F& f) {
    return {f, dim, name};
  }
  template <class F> LOCKSTEP_FN LazyMatrix<F> deterministic(const char* name, Dim rows, Dim columns, const F& f) {
    return {f, rows, columns, name};
  }
  // A quantity to report that is computed once and kept: for what is used often.
  template <Operand E> LOCKSTEP_FN auto let(const char*, const E& e) { return ScalarLet<LogDensity, RecipeOf<E>>(*this, as_recipe(e)); }
  template <class F> LOCKSTEP_FN VectorLet<LogDensity, F> let(const char*, Dim dim, const F& f) { return {*this, dim, f}; }
  template <class F> LOCKSTEP_FN MatrixLet<LogDensity, F> let(const char*, Dim rows, Dim columns, const F& f) {
    return {*this, rows, columns, f};
  }

  template <Operand I, class Step> LOCKSTEP_FN auto scan(const char*, Dim dim, const I& initial, const Step& step) {
    return Scan<LogDensity, RecipeOf<I>, Step>(*this, dim, as_recipe(initial), step);
  }
  template <class Beta> LOCKSTEP_FN auto linear(const Matrix& x, const Beta& beta) {
    static_assert(!std::is_base_of_v<OwnedAccess<Beta>, Beta>,
                  "the coefficients are a linear predictor, which is read along its rows only; keep them in a let");
    if constexpr (stage == Stage::whole) return LinearPredictor<LogDensity, Beta>(*this, x, beta);
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
    static_assert(L::lower_triangular, "only a lower triangular matrix is solved for: a Cholesky factor");
    const TriangularSolution<LogDensity, L, VectorArgument<B>> solution(*this, factor, vector_argument(b));
    then(solution);
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
    return allocate(count * team_.slices()).from(count * team_.slice());
  }
  LOCKSTEP_FN int scratch_used() const { return scratch_used_; }
  // A staged site's own part of the arrays of all sites.
  LOCKSTEP_FN StagedArray<T> take_staged_columns(const Matrix& x) {
    const StagedArrays& s = workspace_.staged;
    if (staged_sites_ < s.most_sites) s.sites[staged_sites_] = {x.values, x.rows.size, x.columns.size, x.singles};
    ++staged_sites_;
    return take(staged_columns_, x.columns.size, s.coefficients, s.coefficient_adjoints);
  }
  LOCKSTEP_FN StagedArray<T> take_staged_rows(const Matrix& x) {
    return take(staged_rows_, x.rows.size, workspace_.staged.predictors, workspace_.staged.predictor_adjoints);
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

  LOCKSTEP_FN auto data(const double* table, std::int64_t element, std::int64_t columns) const {
    if constexpr (with_columns) {
      if (columns == 1) return T(table[element]);
      return LaneTraits<T>::gather(table + element * columns, workspace_.data_columns);
    } else {
      return typename NumberTraits<T>::Datum(table[element]);
    }
  }

 private:
  LOCKSTEP_FN int first_owned(Dim dim) const {
    if constexpr (!Team::sliced) return dim.first;
    const int ahead = (team_.slice() - dim.first % team_.slices() + team_.slices()) % team_.slices();
    return dim.first + ahead;
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
  int scratch_used_ = 0;
  int staged_sites_ = 0, staged_columns_ = 0, staged_rows_ = 0;
};

}  // namespace lockstep
