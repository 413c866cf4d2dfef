// Nodes of dense linear predictors, X beta and X B.
#pragma once

#include <type_traits>

#include "lockstep/nodes.hpp"

namespace lockstep {

// Elements read by a plate's own index only: the slice that reads an element owns it, so one array of adjoints serves.
template <class Self> struct OwnedAccess : Liveness {
  LOCKSTEP_FN Element<Self, false> operator[](Index j) const { return {static_cast<const Self*>(this), j.position}; }
  template <std::same_as<GatheredIndex> J> LOCKSTEP_FN Element<Self, false> operator[](J) const {
    static_assert(!std::is_same_v<J, GatheredIndex>,
                  "a linear predictor is read along its rows only, not through a group index, by a column or by a state; keep it in a "
                  "let: m.let(name, rows, [&](auto i) { return mean[i]; })");
  }
};

// Running sums in registers: a chain of members, not an array, which GCC would keep in memory.
template <class T, int n> struct RunningSums {
  T sum = T(0.);
  RunningSums<T, n - 1> rest;
  // Adds weight times each of n values `stride` apart.
  LOCKSTEP_FN void add(const StoredFor<T>* values, std::int64_t stride, const T& weight) {
    sum += *values * weight;
    rest.add(values + stride, stride, weight);
  }
  LOCKSTEP_FN void add(const RunningSums& other) {
    sum += other.sum;
    rest.add(other.rest);
  }
  // f(0, first sum), f(1, second sum), ...
  template <class F> LOCKSTEP_FN void for_each(const F& f, int index = 0) const {
    f(index, sum);
    rest.for_each(f, index + 1);
  }
};
template <class T> struct RunningSums<T, 0> {
  LOCKSTEP_FN void add(const StoredFor<T>*, std::int64_t, const T&) {}
  LOCKSTEP_FN void add(const RunningSums&) {}
  template <class F> LOCKSTEP_FN void for_each(const F&, int = 0) const {}
};

// The sums of n columns over rows, each row of a group of `streams` with sums of its own: where columns are few, that is
// what hides the latency.
template <class T, int n, int streams> struct ColumnSums {
  RunningSums<T, n> sums;
  ColumnSums<T, n, streams - 1> rest;
  // `x` is the group's first row, the next is `stride` on; weight(0), weight(1), ... are the rows' adjoints.
  template <class W> LOCKSTEP_FN void add(const StoredFor<T>* x, std::int64_t stride, const W& weight, int row = 0) {
    sums.add(x, 1, weight(row));
    rest.add(x + stride, stride, weight, row + 1);
  }
  LOCKSTEP_FN RunningSums<T, n> total() const {
    RunningSums<T, n> all = rest.total();
    all.add(sums);
    return all;
  }
};
template <class T, int n> struct ColumnSums<T, n, 0> {
  template <class W> LOCKSTEP_FN void add(const StoredFor<T>*, std::int64_t, const W&, int) {}
  LOCKSTEP_FN RunningSums<T, n> total() const { return {}; }
};

// Products of X with coefficients, and of its transpose with adjoints. Each element of X is loaded once for all lanes of a pack;
// a block of rows shares each load of a coefficient, and, on the way back, a block of columns each load of a row's adjoint. Rows
// are owned by slices as a plate's elements are.
template <class M> class DenseProduct {
 public:
  using T = typename M::value_type;
  LOCKSTEP_FN DenseProduct(M& m, const Matrix& x) : x_(x), own_(m.team().share(x.rows().size)) {}
  // store(row, sum over columns k of X(row, k) coefficient(k)), of owned rows.
  template <class C, class S> LOCKSTEP_FN void multiply(const C& coefficient, const S& store) const {
    for_blocks(owned_rows(), [&](auto size, int first) {
      this->template predict<decltype(size)::value>(first, coefficient, store);
    });
  }
  // add(column, sum over owned rows i of X(i, column) adjoint(i)).
  template <class A, class F> LOCKSTEP_FN void multiply_transposed(const A& adjoint, const F& add) const {
    for_blocks(x_.columns().size, [&](auto size, int first) {
      this->template pull_columns<decltype(size)::value>(first, adjoint, add);
    });
  }
  LOCKSTEP_FN Dim rows() const { return x_.rows(); }
  LOCKSTEP_FN Dim columns() const { return x_.columns(); }

 private:
  LOCKSTEP_FN int owned_rows() const { return own_.count(); }
  LOCKSTEP_FN int row(int owned) const { return own_.first + owned * own_.step; }
  LOCKSTEP_FN const StoredFor<T>* at(int owned, int column) const {
    return x_.elements<StoredFor<T>>() + std::int64_t(row(owned)) * x_.columns().size + column;
  }

  // Eight sums hide the latency of two multiply-adds a cycle; what is left over goes in smaller blocks.
  static constexpr int block = 8;
  // In single precision, a sum over more rows than this goes on in doubles.
  static constexpr int rows_of_a_narrow_sum = 256;
  template <int size = block, class F> LOCKSTEP_FN static void for_blocks(int n, const F& f, int first = 0) {
    for (; first + size <= n; first += size) f(std::integral_constant<int, size>{}, first);
    if constexpr (size > 1) for_blocks<size / 2>(n, f, first);
  }
  template <int rows, class C, class S> LOCKSTEP_FN void predict(int first, const C& coefficient, const S& store) const {
    RunningSums<T, rows> sums;
    const StoredFor<T>* x = at(first, 0);
    const std::int64_t stride = std::int64_t(x_.columns().size) * own_.step;
    const int columns = x_.columns().size;
    for (int k = 0; k < columns; ++k) sums.add(x + k, stride, coefficient(k));
    sums.for_each([&](int r, const T& sum) { store(row(first + r), sum); });
  }
  template <int columns, class A, class F> LOCKSTEP_FN void pull_columns(int first, const A& adjoint, const F& add) const {
    if constexpr (std::is_same_v<SumOf<T>, T>) {
      pull_columns<columns>(first, 0, owned_rows(), adjoint, add);
    } else {
      for (int row = 0; row < owned_rows(); row += rows_of_a_narrow_sum) {
        const int end = row + rows_of_a_narrow_sum;
        pull_columns<columns>(first, row, end < owned_rows() ? end : owned_rows(), adjoint, add);
      }
    }
  }
  template <int columns, class A, class F>
  LOCKSTEP_FN void pull_columns(int first, int begin, int rows, const A& adjoint, const F& add) const {
    constexpr int streams = block / columns;
    if (begin == rows) return;
    ColumnSums<T, columns, streams> sums;
    const StoredFor<T>* x = at(begin, first);
    const std::int64_t stride = std::int64_t(x_.columns().size) * own_.step;
    int i = begin;
    for (; i + streams <= rows; i += streams, x += streams * stride)
      sums.add(x, stride, [&](int r) { return adjoint(row(i + r)); });
    RunningSums<T, columns> total = sums.total();
    for (; i < rows; ++i, x += stride) total.add(x, 1, adjoint(row(i)));
    total.for_each([&](int c, const T& sum) { add(first + c, sum); });
  }

  Matrix x_;
  Share own_;   // rows
};

// X beta.
template <class M, class Beta> class LinearPredictor : public OwnedAccess<LinearPredictor<M, Beta>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  LOCKSTEP_FN LinearPredictor(M& m, const Matrix& x, const Beta& beta)
      : product_(m, x), beta_(&beta), values_(m.allocate(x.rows().size)), adjoints_(m.allocate(x.rows().size)) {
    product_.multiply([this](int k) { return beta_->value(k); }, [this](int i, const T& sum) {
      values_.store(i, sum);
      adjoints_.store(i, T(0.));
    });
  }
  LOCKSTEP_FN ~LinearPredictor() {
    product_.multiply_transposed([this](int i) { return adjoints_.load(i); },
                                 [this](int k, const T& sum) { beta_->pull(k, sum); });
  }
  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }
  LOCKSTEP_FN Dim dim() const { return product_.rows(); }

 private:
  DenseProduct<M> product_;
  NodePointer<Beta> beta_;
  LaneArray<T> values_, adjoints_;
};

// X B, a matrix: a column of predictors for each column of B, such as the logits of categories. Read by rows, which slices own.
// In a staged gradient it is a part of the run that reads data.
template <class M, class B> class LinearPredictors : public Liveness {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  static constexpr bool lower_triangular = false;
  LOCKSTEP_FN LinearPredictors(M& m, const Matrix& x, const B& b)
      : product_(m, x), b_(&b), columns_(b.columns()), values_(m.allocate(x.rows().size * columns_.size)),
        adjoints_(m.allocate(x.rows().size * columns_.size)) {
    if constexpr (M::with_data)
      for (int j = 0; j < columns_.size; ++j)
        product_.multiply([this, j](int k) { return b_->value(k, j); }, [this, j](int i, const T& sum) {
          values_.store(number(i, j), sum);
          adjoints_.store(number(i, j), T(0.));
        });
  }
  LOCKSTEP_FN ~LinearPredictors() {
    if constexpr (M::with_data)
      for (int j = 0; j < columns_.size; ++j)
        product_.multiply_transposed([this, j](int i) { return adjoints_.load(number(i, j)); },
                                     [this, j](int k, const T& sum) { b_->pull(k, j, sum); });
  }
  LOCKSTEP_FN Element<LinearPredictors, false> operator()(Index i, Index j) const {
    return {this, number(i.position, j.position)};
  }
  LOCKSTEP_FN Element<LinearPredictors, false> operator()(Index i, int j) const { return {this, number(i.position, j)}; }
  template <std::same_as<GatheredIndex> I, class J> LOCKSTEP_FN Element<LinearPredictors, false> operator()(I i, J) const {
    refuse_gathered<I>();
    return {this, number(i.position, 0)};
  }
  LOCKSTEP_FN Row<LinearPredictors> row(Index i) const { return {this, i}; }
  template <std::same_as<GatheredIndex> J> LOCKSTEP_FN Row<LinearPredictors> row(J i) const {
    refuse_gathered<J>();
    return {this, i};
  }
  LOCKSTEP_FN T value(int n) const {
    if constexpr (M::with_data) return values_.load(n);
    else return T(0.);
  }
  template <class A> LOCKSTEP_FN void pull(int n, const A& a) const {
    if constexpr (M::with_data) adjoints_.add(n, a);
  }
  LOCKSTEP_FN Dim rows() const { return product_.rows(); }
  LOCKSTEP_FN Dim columns() const { return columns_; }

 private:
  template <class I> LOCKSTEP_FN static void refuse_gathered() {
    static_assert(!std::is_same_v<I, GatheredIndex>,
                  "linear predictors are read along their rows only, not through a group index or by a state; keep them in a let: "
                  "m.let(name, rows, columns, [&](auto i, auto k) { return mean(i, k); })");
  }
  LOCKSTEP_FN int number(int i, int j) const { return i * columns_.size + j; }
  DenseProduct<M> product_;
  NodePointer<B> b_;
  Dim columns_;
  LaneArray<T> values_, adjoints_;
};

}  // namespace lockstep
