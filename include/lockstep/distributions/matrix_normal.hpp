// Matrices as wholes: matrix normal, zero-sum matrix normal.
#pragma once

#include "lockstep/distributions/multivariate.hpp"
#include "lockstep/distributions/zero_sum.hpp"
#include "lockstep/joint_distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// ---- matrix arguments: a number for all elements, a matrix node, data, or a lambda over rows and columns -----------

template <class E> struct SameMatrixElement {
  E expression;
  LOCKSTEP_FN const E& operator()(Index, Index) const { return expression; }
};
template <class F> struct MatrixElementFunction {
  F element;
  template <std::derived_from<Index> I, std::derived_from<Index> J> LOCKSTEP_FN auto operator()(I i, J j) const {
    return as_recipe(element(i, j));
  }
};
template <class Node> struct MatrixReference {
  const Node* node;
  template <std::derived_from<Index> I, std::derived_from<Index> J> LOCKSTEP_FN auto operator()(I i, J j) const {
    return (*node)(i, j);
  }
};
template <class V> LOCKSTEP_FN auto matrix_argument(const V& v) {
  if constexpr (Operand<V>) return SameMatrixElement<RecipeOf<V>>{as_recipe(v)};
  else if constexpr (requires { v.rows(); }) return MatrixReference<V>{&v};
  else return MatrixElementFunction<V>{v};
}
template <class V> using MatrixArgument = decltype(matrix_argument(std::declval<const V&>()));

// ---- matrix normal -------------------------------------------------------------------------------------------------------

template <class Mu, class A, class B> struct MatrixNormal : JointDistributionTag {
  static constexpr bool whole_matrix = true;
  Mu mu;
  const A* rows_factor;
  const B* factor;
  LOCKSTEP_FN MatrixNormal(const Mu& m, const A* a, const B* b) : mu(m), rows_factor(a), factor(b) {}
  using Support = RealLine;
  LOCKSTEP_FN static RealLine support() { return {}; }
  void check(const char* name, Dim rows, Dim columns) const {
    require_factor_along(name, *rows_factor, rows);
    require_factor_along(name, *factor, columns);
    if constexpr (requires { mu.node->rows(); })
      if (mu.node->rows().id != rows.id || mu.node->columns().id != columns.id)
        throw ModelError("site '" + std::string(name) + "' has a mean along other dimensions than its own (their elements do not "
                         "correspond). Declare both along the same dimensions.");
  }
  // mu + A Z B^T
  template <class M, class R> void sample(const M& m, R& random, Dim rows, Dim columns, double* out) const {
    const int r = rows.size, c = columns.size;
    std::vector<double> row(std::size_t(columns.size));
    for (int i = 0; i < r; ++i) {   // Z B^T
      for (double& each : row) each = random.normal();
      for (int j = 0; j < c; ++j) {
        out[i * c + j] = 0;
        for (int l = 0; l <= j; ++l) out[i * c + j] += factor->value(j, l) * row[std::size_t(l)];
      }
    }
    for (int i = r - 1; i >= 0; --i)
      for (int j = 0; j < c; ++j) {
        double sum = mu(CheckedIndex{{i, rows.id}}, CheckedIndex{{j, columns.id}}).evaluate(m).value;
        for (int k = 0; k <= i; ++k) sum += rows_factor->value(i, k) * out[k * c + j];
        out[i * c + j] = sum;
      }
  }
};

// With U = A^-1 (Y - mu), Z = U B^-T, V = Z B^-1 and W = A^-T V, of r rows and c columns:
//   log p = -sum Z^2/2 - c sum_i log A[i][i] - r sum_j log B[j][j] - r c log(2 pi)/2
//   d/dY = -W, d/dmu = W, d/dA = W U^T - diag(c/A[i][i]), d/dB = V^T Z - diag(r/B[j][j]), on and below the diagonals
template <class M, class Mu, class A, class B> class PreparedJoint<M, MatrixNormal<Mu, A, B>> {
 public:
  using D = MatrixNormal<Mu, A, B>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int rows, int columns) { return 3 * rows * columns; }
  LOCKSTEP_FN PreparedJoint(M& m, const D&, Dim rows, Dim columns)
      : rows_(rows), columns_(columns), u_(m.allocate_per_slice(size())), z_(m.allocate_per_slice(size())),
        w_(m.allocate_per_slice(size())) {}

  template <class Y> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y) const {
    const int r = rows_.size, c = columns_.size;
    const auto at = [c](int i, int j) { return i * c + j; };
    T log_density = -double(size()) * log_sqrt_2pi;
    for (int i = 0; i < r; ++i) {
      const T diagonal(d.rows_factor->value(i, i)), inverse = 1. / diagonal;
      log_density -= double(c) * log(diagonal);
      d.rows_factor->pull(i, i, T(-double(c) * inverse));
      for (int j = 0; j < c; ++j) {
        T rest = T(y.value(at(i, j)) - d.mu(Index{i, rows_.id}, Index{j, columns_.id}).evaluate(m).value);
        for (int k = 0; k < i; ++k) rest -= d.rows_factor->value(i, k) * u_.load(at(k, j));
        u_.store(at(i, j), T(rest * inverse));
      }
    }
    for (int j = 0; j < c; ++j) {
      const T diagonal(d.factor->value(j, j)), inverse = 1. / diagonal;
      log_density -= double(r) * log(diagonal);
      d.factor->pull(j, j, T(-double(r) * inverse));
      for (int i = 0; i < r; ++i) {
        T rest = u_.load(at(i, j));
        for (int k = 0; k < j; ++k) rest -= d.factor->value(j, k) * z_.load(at(i, k));
        const T z = rest * inverse;
        z_.store(at(i, j), z);
        w_.store(at(i, j), z);
        log_density -= 0.5 * z * z;
      }
    }
    // V in place of Z's copy, and what it pulls.
    for (int i = 0; i < r; ++i)
      for (int j = c - 1; j >= 0; --j) {
        const T v = w_.load(at(i, j)) / T(d.factor->value(j, j));
        w_.store(at(i, j), v);
        for (int k = 0; k < j; ++k) {
          w_.store(at(i, k), T(w_.load(at(i, k)) - d.factor->value(j, k) * v));
          d.factor->pull(j, k, T(v * z_.load(at(i, k))));
        }
        d.factor->pull(j, j, T(v * z_.load(at(i, j))));
      }
    for (int j = 0; j < c; ++j)
      for (int i = r - 1; i >= 0; --i) {
        const T w = w_.load(at(i, j)) / T(d.rows_factor->value(i, i));
        for (int k = 0; k < i; ++k) {
          w_.store(at(k, j), T(w_.load(at(k, j)) - d.rows_factor->value(i, k) * w));
          d.rows_factor->pull(i, k, T(w * u_.load(at(k, j))));
        }
        d.rows_factor->pull(i, i, T(w * u_.load(at(i, j))));
        y.pull(at(i, j), T(-w));
        d.mu(Index{i, rows_.id}, Index{j, columns_.id}).evaluate(m).pull(w);
      }
    return log_density;
  }

 private:
  LOCKSTEP_FN int size() const { return rows_.size * columns_.size; }
  Dim rows_, columns_;
  LaneArray<T> u_, z_, w_;
};

// A normal matrix with mean mu (a number, a matrix, or a lambda over rows and columns): covariance A A^T among its rows times
// B B^T among its columns, A and B lower triangular with a positive diagonal, along the dimension of the rows and of the columns.
// One event. PyMC's MatrixNormal(mu, rowchol=A, colchol=B). Source: Gupta & Nagar, Matrix Variate Distributions, ch. 2.
// Of r rows and c columns, the log density is -(r c/2) log(2 pi) - c sum_i log A(i, i) - r sum_j log B(j, j) - |Z|^2/2,
// A Z B^T = y - mu.
template <class Mu, class A, class B>
LOCKSTEP_FN auto matrix_normal(const Mu& mu, const A& rows_factor, const B& columns_factor) {
  return MatrixNormal<MatrixArgument<Mu>, A, B>(matrix_argument(mu), &rows_factor, &columns_factor);
}

// ---- zero-sum matrix normal ------------------------------------------------------------------------------------------------

template <class Sigma> struct ZeroSumMatrixNormal : JointDistributionTag {
  static constexpr bool whole_matrix = true;
  Sigma sigma;
  LOCKSTEP_FN explicit ZeroSumMatrixNormal(const Sigma& s) : sigma(s) {}
  using Support = ZeroSumMatrix;
  LOCKSTEP_FN static ZeroSumMatrix support() { return {}; }
  void check(const char*, Dim, Dim) const {}
  template <class M, class R> void sample(const M& m, R& random, Dim rows, Dim columns, double* out) const {
    const double scale = sigma.evaluate(m).value;
    for (int i = 0; i < rows.size; ++i) {
      double* row = out + i * columns.size;
      for (int j = 0; j < columns.size; ++j) row[j] = scale * random.normal();
      take_mean_away(row, columns.size);
    }
    for (int j = 0; j < columns.size; ++j) {
      double mean = 0;
      for (int i = 0; i < rows.size; ++i) mean += out[i * columns.size + j] / rows.size;
      for (int i = 0; i < rows.size; ++i) out[i * columns.size + j] -= mean;
    }
  }
};
template <class M, class Sigma> class PreparedJoint<M, ZeroSumMatrixNormal<Sigma>> {
 public:
  using D = ZeroSumMatrixNormal<Sigma>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int, int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim rows, Dim columns) : rows_(rows.size), columns_(columns.size) {}

  template <class Y> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y) const {
    return zero_sum_normal_log_density<T>(m, d.sigma, y, rows_ * columns_, (rows_ - 1) * (columns_ - 1));
  }

 private:
  int rows_, columns_;
};

// Normal(0, sigma) elements, sigma > 0, given that rows and columns sum to zero: (rows - 1)(columns - 1) dimensions. For
// interactions of two groupings. The density is that in the space of such matrices. PyMC's ZeroSumNormal(sigma,
// n_zerosum_axes=2). zero_sum_normal has it for each row by itself.
// Density exp(-sum y^2/(2 sigma^2))/(sqrt(2 pi) sigma)^((rows - 1)(columns - 1)). Source: Rue & Held, Gaussian Markov Random
// Fields, ch. 2.
template <Operand Sigma> LOCKSTEP_FN auto zero_sum_matrix_normal(const Sigma& sigma) {
  return ZeroSumMatrixNormal<RecipeOf<Sigma>>(as_recipe(sigma));
}

}  // namespace lockstep
