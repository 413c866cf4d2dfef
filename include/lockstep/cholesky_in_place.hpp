// The Cholesky factor of a symmetric matrix in lanes, in the matrix's place, and the way back.
#pragma once

#include "lockstep/lanes.hpp"
#include "lockstep/math.hpp"

namespace lockstep {

// A lower triangle is kept by its rows, one after the other.
LOCKSTEP_FN constexpr int in_triangle(int i, int j) { return i * (i + 1) / 2 + j; }

// L in the place of K, row by row (Cholesky-Banachiewicz): all loads run along rows.
template <class T> LOCKSTEP_FN void cholesky_in_place(const LaneArray<T>& values, int n) {
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) {
      T rest = values.load(in_triangle(i, j));
      for (int k = 0; k < j; ++k) rest -= values.load(in_triangle(i, k)) * values.load(in_triangle(j, k));
      values.store(in_triangle(i, j), i == j ? sqrt(rest) : rest / values.load(in_triangle(j, j)));
    }
}
// K's adjoints in the place of L's, of which `values` are: the same operations backwards (Murray 2016, "Differentiation of the
// Cholesky decomposition"). The adjoint of K[i][j], j < i, is that of both K[i][j] and K[j][i], which are one expression.
template <class T> LOCKSTEP_FN void reverse_cholesky_in_place(const LaneArray<T>& values, const LaneArray<T>& adjoints, int n) {
  for (int i = n - 1; i >= 0; --i)
    for (int j = i; j >= 0; --j) {
      const T inverse = T(1.) / values.load(in_triangle(j, j));
      const T l = values.load(in_triangle(i, j));
      T a = adjoints.load(in_triangle(i, j));
      if (i == j) {
        a = 0.5 * a * inverse;                                  // of the square root's argument
        for (int k = 0; k < j; ++k) adjoints.add(in_triangle(j, k), -2. * a * values.load(in_triangle(j, k)));
      } else {
        a = a * inverse;
        adjoints.add(in_triangle(j, j), -a * l);
        for (int k = 0; k < j; ++k) {
          adjoints.add(in_triangle(i, k), -a * values.load(in_triangle(j, k)));
          adjoints.add(in_triangle(j, k), -a * values.load(in_triangle(i, k)));
        }
      }
      adjoints.store(in_triangle(i, j), a);
    }
}

}  // namespace lockstep
