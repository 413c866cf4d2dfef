// Matrices of a graph, dense and on the host: what densities of areas and their neighbours need of it, computed once when the
// data are bound.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace lockstep {

// a.b, in eight sums at once, which a compiler may not make of one.
inline double product_of(const double* a, const double* b, int n) {
  double sums[8] = {}, rest = 0;
  int k = 0;
  for (; k + 8 <= n; k += 8)
    for (int l = 0; l < 8; ++l) sums[l] += a[k + l] * b[k + l];
  for (; k < n; ++k) rest += a[k] * b[k];
  for (double sum : sums) rest += sum;
  return rest;
}

// The lower Cholesky factor of an n x n matrix, in its place, row by row; what is above the diagonal stays. n^3/3 operations.
inline void factorise(std::vector<double>& a, int n) {
  for (int i = 0; i < n; ++i) {
    double* row = a.data() + std::ptrdiff_t(i) * n;
    for (int j = 0; j <= i; ++j) {
      const double* other = a.data() + std::ptrdiff_t(j) * n;
      const double rest = row[j] - product_of(row, other, j);
      row[j] = i == j ? std::sqrt(rest) : rest / other[j];
    }
  }
}
// x with L^T x = b, in b's place.
inline void solve_transposed(const std::vector<double>& l, double* b) {
  const int n = int(std::lround(std::sqrt(double(l.size()))));
  for (int i = n - 1; i >= 0; --i) {
    const double* row = l.data() + std::ptrdiff_t(i) * n;
    b[i] /= row[i];
    for (int j = 0; j < i; ++j) b[j] -= row[j] * b[i];
  }
}

// The factor of a connected graph's Laplacian, 1/n added to all its elements: the constant direction, in which the Laplacian is
// 0, has eigenvalue 1 then, and the determinant is the product of the other eigenvalues. `first` and `second`: its pairs.
inline std::vector<double> laplacian_factor(const int* first, const int* second, int pairs, int n) {
  std::vector<double> a(std::size_t(n) * std::size_t(n), n > 0 ? 1. / n : 0.);
  const auto at = [&](int i, int j) -> double& { return a[std::size_t(i) * std::size_t(n) + std::size_t(j)]; };
  for (int e = 0; e < pairs; ++e) {
    const int i = first[e], j = second[e];
    at(i, i) += 1, at(j, j) += 1, at(i, j) -= 1, at(j, i) -= 1;
  }
  factorise(a, n);
  return a;
}

// The eigenvalues of a symmetric matrix, ascending, of which all are known to lie between `lower` and `upper`: Householder's
// reduction to three diagonals (4 n^3/3 operations), then bisection by how many are below a number, which the signs of the
// pivots say (Golub & Van Loan, Matrix Computations, 8.3 and 8.4).
inline std::vector<double> symmetric_eigenvalues(std::vector<double> a, int n, double lower, double upper) {
  const auto row = [&](int i) { return a.data() + std::ptrdiff_t(i) * n; };
  const std::size_t size = std::size_t(n);
  std::vector<double> diagonal(size), beside(size), v(size), w(size);
  for (int k = 0; k < n; ++k) {
    diagonal[std::size_t(k)] = row(k)[k];
    if (k + 1 >= n) break;
    // Reflects column k below the diagonal onto its first element.
    double squares = 0;
    for (int i = k + 1; i < n; ++i) squares += row(i)[k] * row(i)[k];
    const double head = row(k + 1)[k], length = head > 0 ? -std::sqrt(squares) : std::sqrt(squares);
    beside[std::size_t(k)] = length;
    const double norm = squares - head * length;   // of v.v, half
    if (k + 2 >= n || norm == 0) continue;
    for (int i = k + 1; i < n; ++i) v[std::size_t(i)] = row(i)[k] - (i == k + 1 ? length : 0);
    double along = 0;
    for (int i = k + 1; i < n; ++i) {
      w[std::size_t(i)] = product_of(row(i) + k + 1, v.data() + k + 1, n - k - 1) / norm;
      along += w[std::size_t(i)] * v[std::size_t(i)];
    }
    for (int i = k + 1; i < n; ++i) w[std::size_t(i)] -= 0.5 * along / norm * v[std::size_t(i)];
    for (int i = k + 1; i < n; ++i) {
      double* const at = row(i);
      const double of_v = v[std::size_t(i)], of_w = w[std::size_t(i)];
      for (int j = k + 1; j < n; ++j) at[j] -= of_v * w[std::size_t(j)] + of_w * v[std::size_t(j)];
    }
  }
  const auto below = [&](double x) {
    int count = 0;
    double pivot = 1;
    for (std::size_t k = 0; k < size; ++k) {
      pivot = diagonal[k] - x - (k > 0 ? beside[k - 1] * beside[k - 1] / pivot : 0);
      if (pivot == 0) pivot = std::numeric_limits<double>::min();
      count += pivot < 0;
    }
    return count;
  };
  std::vector<double> eigenvalues(size);
  for (int k = 0; k < n; ++k) {
    double from = k > 0 ? eigenvalues[std::size_t(k) - 1] : lower, to = upper;
    while (true) {
      const double middle = 0.5 * (from + to);
      if (middle <= from || middle >= to) break;
      (below(middle) > k ? to : from) = middle;
      if (to - from <= 1e-17 * (upper - lower)) break;
    }
    eigenvalues[std::size_t(k)] = 0.5 * (from + to);
  }
  return eigenvalues;
}

}  // namespace lockstep
