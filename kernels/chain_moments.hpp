// Means and squared deviations of each chain, of every element of its draws: what adaptation reads of positions and gradients.
#pragma once

#include <cstdint>

#include "lockstep/macros.hpp"

namespace lockstep {

struct MomentsLaunch {
  const double* draws = nullptr;   // [tile][row][element][lane]
  int chains = 0, lanes = 0, elements = 0;
  int rows = 0;                    // of a tile
  int first = 0, count = 0;        // rows that are read
  double before = 0;               // draws that `mean` and `squares` are of already
  double* mean = nullptr;          // [element][chain]
  double* squares = nullptr;       // of the deviations from it, summed: [element][chain]
};

// In the order of the draws, twice over, so that nothing cancels and the bits are the same wherever it runs; then added to
// what is there (Chan, Golub & LeVeque 1983).
LOCKSTEP_FN inline void chain_moments(const MomentsLaunch& l, int element, int chain) {
  const std::int64_t row = std::int64_t(chain / l.lanes) * l.rows + l.first;
  const double* first = l.draws + (row * l.elements + element) * l.lanes + chain % l.lanes;
  const std::int64_t step = std::int64_t(l.elements) * l.lanes;
  double mean = 0, squares = 0;
  for (int d = 0; d < l.count; ++d) mean += first[d * step];
  mean /= l.count;
  for (int d = 0; d < l.count; ++d) {
    const double deviation = first[d * step] - mean;
    squares += deviation * deviation;
  }
  const std::int64_t out = std::int64_t(element) * l.chains + chain;
  if (l.before > 0) {
    const double all = l.before + l.count, apart = mean - l.mean[out];
    mean = l.mean[out] + apart * (l.count / all);
    squares += l.squares[out] + apart * apart * (l.before * l.count / all);
  }
  l.mean[out] = mean;
  l.squares[out] = squares;
}

}  // namespace lockstep
