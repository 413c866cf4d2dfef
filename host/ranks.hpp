// Ranks and normal scores: what makes R-hat and ESS robust to heavy tails (Vehtari et al. 2021, section 3).
//
// Draws are sorted once. The order of the folded draws |x − median| follows from it by one merge, and a normal score
// depends on its rank alone, so it is looked up: the inverse normal distribution is evaluated once per sample size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lockstep {

// A value and the place it came from.
struct Ranked {
  double value;
  std::uint32_t place;
};

// All values in ascending order. None may be NaN. At most 2^32 values.
void sort_by_value(std::span<const double> values, std::vector<Ranked>& order);

// The same places ordered by |value − centre|, given their order by value.
void fold(std::span<const Ranked> order, double centre, std::vector<Ranked>& folded);

// The median of sorted values: the middle one, or the mean of the middle two.
double median_of(std::span<const Ranked> order);

// The type-7 quantile of sorted values, with the roundings of scipy.stats.mstats.mquantiles (which ArviZ calls): on
// draws with ties, an indicator x <= quantile depends on the last bit.
double quantile_of(std::span<const Ranked> order, double probability);

// Normal scores Φ⁻¹((rank − 3/8)/(count + 1/4)) (Blom 1958), ties by their average rank.
class NormalScores {
 public:
  // Writes the score of every value of `order` to its place in `scores`.
  void operator()(std::span<const Ranked> order, std::span<double> scores);

 private:
  void tabulate(std::size_t count);

  std::size_t count_ = 0;
  std::vector<double> by_twice_rank_;  // ties make half ranks
};

}  // namespace lockstep
