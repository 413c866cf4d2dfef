// R-hat and effective sample size of split chains, on whatever scale the caller has put the draws.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace lockstep {

// Chains cut into a first and a last half of draws/2 each; of an odd number of draws the middle one is left out.
// `data` is [chain][draw], contiguous, and is not owned.
struct SplitChains {
  const double* data;
  std::size_t chains;
  std::size_t draws;

  std::size_t length() const { return draws / 2; }
  std::size_t count() const { return 2 * chains; }
  std::span<const double> operator[](std::size_t i) const {
    return {data + (i / 2) * draws + (i % 2) * (draws - length()), length()};
  }
};

// Mean and sample variance (n − 1) of a series. Equal values give that value and exactly 0; one value a variance NaN.
struct Moments {
  double mean;
  double variance;
};
Moments moments(std::span<const double> series);

// R-hat: sqrt((B/W + n − 1)/n), n draws per half chain. Infinite where chains are constant and differ, NaN where all
// are the same constant.
double rhat(const SplitChains& split);

// Effective sample size with Geyer's initial monotone sequence (Geyer 1992; Stan's and ArviZ's variant), at most
// N log10(N) for N draws. `scratch` is working memory. NaN where a draw is not finite; N where all draws are equal.
double effective_sample_size(const SplitChains& split, std::vector<double>& scratch);

}  // namespace lockstep
