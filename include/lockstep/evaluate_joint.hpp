// Distributions of vectors and matrices outside of a model, their arguments plain numbers:
//
//   const NumberVector alpha{1, 2, 0.5}, mu{0, 1};
//   const NumberMatrix L = cholesky_factor({{2, 0.3}, {0.3, 1}});
//   log_density(dirichlet(alpha), {0.2, 0.3, 0.5})      log_density(mv_normal_cholesky(mu, L), {0.4, -1})
//   Stream stream({.seed = 1});  draw(dirichlet(alpha), stream, 3)      draw(lkj_corr(2), stream, 4)
//
// A distribution refers to its vectors and matrices, which have names so that they live as long; numbers and lambdas go into it as
// in a model. What is along one dimension is as long; else there is a ModelError. On the host, one event at a time.
#pragma once

#include <cmath>
#include <initializer_list>
#include <vector>

#include "lockstep/joint_distribution.hpp"
#include "lockstep/plate.hpp"
#include "lockstep/random.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// The context of a distribution of plain numbers: there are no nodes.
struct PlainNumbers {
  using value_type = double;
  double data(const double* table, std::int64_t element, std::int64_t) const { return table[element]; }   // of fields in one column
};
// The same for what needs memory.
class PlainNumbersWithMemory : public PlainNumbers {
 public:
  explicit PlainNumbersWithMemory(std::int64_t elements) : memory_(std::size_t(elements)) {}
  LaneArray<double> allocate_per_slice(int size) {
    double* const base = memory_.data() + used_;
    used_ += size;
    return {base};
  }

 private:
  std::vector<double> memory_;
  std::ptrdiff_t used_ = 0;
};

// A dimension of so many elements; those of one size are one.
inline Dim dim_of_size(std::size_t size) { return {int(size), 0, int(size)}; }

// A vector of plain numbers, in the place of a node or of data.
struct NumberVector {
  std::vector<double> values;
  NumberVector(std::initializer_list<double> v) : values(v) {}
  explicit NumberVector(std::vector<double> v) : values(std::move(v)) {}
  double operator[](int k) const { return values[std::size_t(k)]; }
  Varying<Constant> operator[](Index k) const { return Varying<Constant>(Constant(values[std::size_t(k.position)])); }
  Dim dim() const { return dim_of_size(values.size()); }
};

// A matrix likewise, row after row.
struct NumberMatrix {
  static constexpr bool lower_triangular = false;
  std::vector<double> values;
  Dim rows_, columns_;
  NumberMatrix(int rows, int columns)
      : values(std::size_t(rows) * std::size_t(columns)), rows_(dim_of_size(std::size_t(rows))),
        columns_(dim_of_size(std::size_t(columns))) {}
  NumberMatrix(std::initializer_list<std::initializer_list<double>> rows)
      : rows_(dim_of_size(rows.size())), columns_(dim_of_size(rows.size() > 0 ? rows.begin()->size() : 0)) {
    for (const auto& row : rows) {
      if (int(row.size()) != columns_.size)
        throw ModelError("the rows of a matrix have different lengths (a matrix has as many numbers in each). Write zeros too.");
      values.insert(values.end(), row);
    }
  }
  double& at(int i, int j) { return values[std::size_t(i) * std::size_t(columns_.size) + std::size_t(j)]; }
  double value(int i, int j) const { return values[std::size_t(i) * std::size_t(columns_.size) + std::size_t(j)]; }
  template <class A> void pull(int, int, const A&) const {}
  Varying<Constant> operator()(Index i, Index j) const { return Varying<Constant>(Constant(value(i.position, j.position))); }
  Row<NumberMatrix> row(Index i) const { return {this, i}; }
  Dim rows() const { return rows_; }
  Dim columns() const { return columns_; }
};

// L with L L^T = S, of a covariance matrix S for distributions that take its factor; of a precision matrix likewise. Throws
// ModelError if S is not symmetric and positive definite.
inline NumberMatrix cholesky_factor(const NumberMatrix& s) {
  const int n = s.rows().size;
  NumberMatrix l(n, s.columns().size);
  bool possible = s.columns().size == n;
  for (int i = 0; possible && i < n; ++i)
    for (int j = 0; j <= i; ++j) {
      double rest = s.value(i, j);
      possible = possible && std::abs(rest - s.value(j, i)) <= 1e-12 * std::sqrt(std::abs(s.value(i, i) * s.value(j, j)));
      for (int k = 0; k < j; ++k) rest -= l.value(i, k) * l.value(j, k);
      possible = possible && (i != j || rest > 0);
      l.at(i, j) = i == j ? std::sqrt(rest) : rest / l.value(j, j);
    }
  if (!possible)
    throw ModelError("a matrix has no Cholesky factor (it is not symmetric and positive definite). Give a covariance matrix, or "
                     "the inverse of one.");
  return l;
}

namespace detail {

template <class D> inline constexpr bool has_square_events = requires { requires D::Support::square; };

// Whether an event is on the support, if that is one of vectors or matrices.
template <class S, class Extent> bool has_coordinates(const double* values, Extent extent) {
  std::vector<double> x(std::size_t(S::coordinates(extent)) + 1, 0.);
  S::unconstrain(values, x.data(), extent);
  for (const double each : x)
    if (!std::isfinite(each)) return false;
  return true;
}
template <class D> bool on_support(const double* values, Dim rows, Dim columns) {
  if constexpr (requires { D::Support::coordinates(MatrixExtent{}); })
    return has_coordinates<typename D::Support>(values, MatrixExtent{rows.size, columns.size});
  else if constexpr (requires { D::Support::coordinates(1); })
    return has_coordinates<typename D::Support>(values, columns.size);
  else
    return true;
}
template <class D> double log_density_of_event(const D& d, Dim rows, Dim columns, const std::vector<double>& values) {
  check_events(d, "event", rows, columns);
  if (!on_support<D>(values.data(), rows, columns)) return -std::numeric_limits<double>::infinity();
  PlainNumbersWithMemory m(scratch_of_events<PlainNumbersWithMemory>(d, rows, columns));
  auto prepared = prepare_events(m, d, rows, columns);
  return prepared.log_density(m, d, DataEvent{values.data()});
}

}  // namespace detail

// The log density at y, normalised; -inf outside the support. On the support, which may have fewer dimensions than y has elements,
// it is that of its free elements, as in a model.
template <JointDistribution D> requires(!WholeMatrix<D> && !detail::has_square_events<D>)
double log_density(const D& d, const NumberVector& y) {
  return detail::log_density_of_event(d, {}, y.dim(), y.values);
}
// Of a matrix: a square one, or a matrix as a whole.
template <JointDistribution D> requires(WholeMatrix<D> || detail::has_square_events<D>)
double log_density(const D& d, const NumberMatrix& y) {
  if (detail::has_square_events<D> && y.rows().size != y.columns().size)
    throw ModelError("a matrix has different numbers of rows and columns (its distribution is of square ones). Give a square one.");
  return detail::log_density_of_event(d, y.rows(), y.columns(), y.values);
}

// One draw: a vector of so many elements, or a square matrix of so many rows.
template <JointDistribution D> requires(!WholeMatrix<D>) auto draw(const D& d, Stream& stream, int size) {
  const Dim along = dim_of_size(std::size_t(size));
  d.check("draw", along);
  if constexpr (detail::has_square_events<D>) {
    NumberMatrix drawn(size, size);
    d.sample(PlainNumbers(), stream, along, drawn.values.data());
    return drawn;
  } else {
    NumberVector drawn(std::vector<double>(std::size_t(size), 0.));
    d.sample(PlainNumbers(), stream, along, drawn.values.data());
    return drawn;
  }
}
// A matrix as a whole.
template <WholeMatrix D> NumberMatrix draw(const D& d, Stream& stream, int rows, int columns) {
  NumberMatrix drawn(rows, columns);
  d.check("draw", drawn.rows(), drawn.columns());
  d.sample(PlainNumbers(), stream, drawn.rows(), drawn.columns(), drawn.values.data());
  return drawn;
}

}  // namespace lockstep
