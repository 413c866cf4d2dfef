// Matrix nodes: parameters and named intermediates with rows and columns, and how their elements are read.
#pragma once

#include "lockstep/nodes.hpp"

namespace lockstep {

// Elements by two indices, or two numbers, which are the same for a whole plate; rows for `dot`. `Self` numbers its
// elements row after row; `value(i, j)` and `pull(i, j, a)` are for other nodes.
template <class Self> struct MatrixAccess : Liveness {
  static constexpr bool lower_triangular = false;
  LOCKSTEP_FN Element<Self, false> operator()(Index i, Index j) const { return {self(), flat(i.position, j.position)}; }
  LOCKSTEP_FN Element<Self, false> operator()(Index i, int j) const { return {self(), flat(i.position, j)}; }
  LOCKSTEP_FN Element<Self, false> operator()(int i, Index j) const { return {self(), flat(i, j.position)}; }
  LOCKSTEP_FN Element<Self, true> operator()(int i, int j) const { return {self(), flat(i, j)}; }
  LOCKSTEP_FN Row<Self> row(Index i) const { return {self(), i}; }
  LOCKSTEP_FN Column<Self> column(Index j) const { return {self(), j}; }
  LOCKSTEP_FN auto value(int i, int j) const { return self()->value(flat(i, j)); }
  template <class A> LOCKSTEP_FN void pull(int i, int j, const A& a) const { self()->pull(flat(i, j), a); }

 private:
  LOCKSTEP_FN const Self* self() const { return static_cast<const Self*>(this); }
  LOCKSTEP_FN int flat(int i, int j) const { return i * self()->columns().size + j; }
};

// A matrix of parameters: a distribution for each element, for each row, or for the whole.
template <class M, class Support> class MatrixParam : public MatrixAccess<MatrixParam<M, Support>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  static constexpr bool lower_triangular = requires { requires Support::lower_triangular; };
  using MatrixAccess<MatrixParam>::value;
  using MatrixAccess<MatrixParam>::pull;

  // `prior(i, j)` is the distribution of element (i, j). Slices own rows: a column's index counts as gathered.
  template <class F> requires std::is_invocable_v<const F&, Index, Index>
  LOCKSTEP_FN MatrixParam(M& m, Dim rows, Dim columns, const Support& support, const F& prior)
      : rows_(rows), columns_(columns), storage_(m, rows.size, columns.size, support) {
    if (rows.size == 0 || columns.size == 0) return;
    if constexpr (M::Team::sliced || !M::with_priors) storage_.clear_adjoints();  // those that other slices own
    if constexpr (!M::with_priors) return;
    using D = std::remove_cvref_t<decltype(prior(Index{}, GatheredIndex{}))>;
    Prepared<M, D> prepared(m, prior(Index{0, rows.id}, GatheredIndex{{0, columns.id}}));
    for (int i : m.team().share(rows.size))
      for (int j = 0; j < columns.size; ++j)
        storage_.add_prior(m, prepared, prior(Index{i, rows.id}, GatheredIndex{{j, columns.id}}), i * columns.size + j);
  }
  // One distribution for every row, or for the whole matrix.
  template <JointDistribution D> LOCKSTEP_FN MatrixParam(M& m, Dim rows, Dim columns, const Support& support, const D& prior)
      : rows_(rows), columns_(columns), storage_(m, rows.size, columns.size, support) {
    storage_.clear_adjoints();
    if constexpr (!M::with_priors) return;
    auto prepared = prepare_events(m, prior, rows, columns);
    const int events = rows.size * columns.size == 0 ? 0 : WholeSupport<Support> || WholeMatrix<D> ? 1 : rows.size;
    for (int i : m.team().share(events))
      m.add(prepared.log_density(m, prior, EventOf<MatrixParam>{this, i * columns.size}));
  }

  LOCKSTEP_FN T value(int i) const { return storage_.value(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { storage_.pull(i, a); }
  LOCKSTEP_FN T log_value(int i) const requires ParamStorage<M, Support>::knows_logs { return storage_.log_value(i); }
  LOCKSTEP_FN Dim rows() const { return rows_; }
  LOCKSTEP_FN Dim columns() const { return columns_; }

 private:
  Dim rows_, columns_;
  ParamStorage<M, Support> storage_;
};

// A named intermediate matrix, computed once and kept. As above: a column's index counts as gathered.
template <class M, class F> class MatrixLet : public MatrixAccess<MatrixLet<M, F>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  using MatrixAccess<MatrixLet>::value;
  using MatrixAccess<MatrixLet>::pull;
  LOCKSTEP_FN MatrixLet(M& m, Dim rows, Dim columns, const F& element)
      : m_(m), rows_(rows), columns_(columns), element_(element), values_(m.allocate(rows.size * columns.size)),
        adjoints_(m.allocate_per_slice(rows.size * columns.size)) {
    for (int i = 0; i < rows.size * columns.size; ++i) adjoints_.store(i, T(0.));
    for_owned([this](int i, int j, int n) { values_.store(n, T(at(i, j).value)); });
    m.team().barrier();
  }
  LOCKSTEP_FN ~MatrixLet() {
    m_.team().barrier();
    for_owned([this](int i, int j, int n) { at(i, j).pull(m_.sum_over_slices(adjoints_, n, rows_.size * columns_.size)); });
  }
  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }
  LOCKSTEP_FN Dim rows() const { return rows_; }
  LOCKSTEP_FN Dim columns() const { return columns_; }

 private:
  LOCKSTEP_FN auto at(int i, int j) const {
    return as_recipe(element_of(element_, *this, Index{i, rows_.id}, GatheredIndex{{j, columns_.id}})).evaluate(m_);
  }
  template <class G> LOCKSTEP_FN void for_owned(const G& g) const {
    for (int i : m_.team().share(rows_.size))
      for (int j = 0; j < columns_.size; ++j) g(i, j, i * columns_.size + j);
  }
  M& m_;
  Dim rows_, columns_;
  F element_;
  LaneArray<T> values_, adjoints_;
};

// h[0][k] = initial(k), h[t][k] = step(t, k, h[t-1]): a Scan whose state is a vector, read as a row of this matrix.
template <class M, class Initial, class Step> class MatrixScan : public MatrixAccess<MatrixScan<M, Initial, Step>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  using MatrixAccess<MatrixScan>::value;
  using MatrixAccess<MatrixScan>::pull;
  LOCKSTEP_FN MatrixScan(M& m, Dim rows, Dim columns, const Initial& initial, const Step& step)
      : m_(m), rows_(rows), columns_(columns), initial_(initial), step_(step), values_(m.allocate(size())),
        adjoints_(m.allocate_per_slice(size())) {
    for (int n = 0; n < size(); ++n) adjoints_.store(n, T(0.));
    m.team().barrier();  // a step may read elements of a linear predictor, which other slices own
    if (m.first_slice() && rows.size > 0) {
      for (int k = 0; k < columns.size; ++k) values_.store(k, T(first(k).value));
      for (int n = columns.size; n < size(); ++n) values_.store(n, T(later(n).value));
    }
    m.team().barrier();
  }
  LOCKSTEP_FN ~MatrixScan() {
    m_.team().barrier();
    if (m_.first_slice() && rows_.size > 0) {
      for (int n = size() - 1; n >= columns_.size; --n) later(n).pull(m_.sum_over_slices(adjoints_, n, size()));
      for (int k = columns_.size - 1; k >= 0; --k) first(k).pull(m_.sum_over_slices(adjoints_, k, size()));
    }
    m_.team().barrier();  // as above: their adjoints
  }
  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }
  LOCKSTEP_FN Dim rows() const { return rows_; }
  LOCKSTEP_FN Dim columns() const { return columns_; }

 private:
  LOCKSTEP_FN int size() const { return rows_.size * columns_.size; }
  LOCKSTEP_FN auto first(int k) const { return as_recipe(initial_(Index{k, columns_.id})).evaluate(m_); }
  LOCKSTEP_FN auto later(int n) const {
    const int t = n / columns_.size, k = n % columns_.size;
    const Row<MatrixScan> before{this, Index{t - 1, rows_.id}};
    return as_recipe(step_(Index{t, rows_.id}, Index{k, columns_.id}, before)).evaluate(m_);
  }
  M& m_;
  Dim rows_, columns_;
  Initial initial_;
  Step step_;
  LaneArray<T> values_, adjoints_;
};

}  // namespace lockstep
