// The inverse of a small matrix, of each lane its own.
#pragma once

#include "lockstep/lanes.hpp"

namespace lockstep {

// `matrix` has n rows of 2 n elements: a matrix, and beside it the identity. It becomes the identity, and beside it the inverse, by
// elimination with the largest pivot of each lane. What is not finite in a lane says that its matrix is singular.
template <class S> LOCKSTEP_FN void invert_in_lanes(const LaneArray<S>& matrix, int n) {
  const auto at = [&](int row, int column) { return row * 2 * n + column; };
  for (int c = 0; c < n; ++c) {
    for (int r = c + 1; r < n; ++r) {
      const auto larger = abs(matrix.load(at(r, c))) > abs(matrix.load(at(c, c)));
      for (int l = c; l < 2 * n; ++l) {
        const S upper = matrix.load(at(c, l)), lower = matrix.load(at(r, l));
        matrix.store(at(c, l), choose(larger, lower, upper));
        matrix.store(at(r, l), choose(larger, upper, lower));
      }
    }
    const S scale = S(1.) / matrix.load(at(c, c));
    for (int l = c; l < 2 * n; ++l) matrix.store(at(c, l), matrix.load(at(c, l)) * scale);
    for (int r = 0; r < n; ++r) {
      if (r == c) continue;
      const S factor = matrix.load(at(r, c));
      for (int l = c; l < 2 * n; ++l) matrix.store(at(r, l), matrix.load(at(r, l)) - factor * matrix.load(at(c, l)));
    }
  }
}

}  // namespace lockstep
