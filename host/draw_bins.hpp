// What remains of a draw of one scalar when the draw itself is not kept: in which of 512 bins it fell.
//
// The bins are made from some draws, the pilot, so that each has the same share of them: ends between bins are pilot draws.
// A value that so many pilot draws share that it fills a bin has one of its own. A bin also stands for the normal scores
// (host/ranks.hpp) of its draws, and of the folded draws, by their ranks among the pilot: their mean in the bin. So what is
// computed from ranks can be computed, nearly, from draws that come one after the other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "host/ranks.hpp"
#include "kernels/archive.hpp"

namespace lockstep {

class DrawBins {
 public:
  static constexpr std::size_t count = 512;
  struct Scores {
    double bulk, folded;
  };

  DrawBins() = default;
  // `pilot`: at least one draw, none of them NaN. The order is working memory, the scores are tabulated for the pilot's size.
  DrawBins(std::span<const double> pilot, NormalScores& normal_scores);

  // The bin of each draw, in places 0 .. draws.size() - 1 of `bins`. Infinite draws have one, too; NaN is in bin 0.
  void find(std::span<const double> draws, std::uint16_t* bins) const;
  const Scores& scores(std::size_t bin) const { return scores_[bin]; }
  double median_of_pilot() const { return median_; }
  // Bins 0 .. that are said to be below the quantile: the share of the pilot in them is nearest to `probability`.
  std::size_t bins_below(double probability) const;

  // The quantile (type 7) of draws of which so many fell into each bin, `low` and `high` being the least and the largest. It
  // lies in the bin of the exact one, so it is off by no more than the share of draws in there; it is found by
  // interpolation, which leaves much less. Unknown (NaN) if more than 1/64 of the draws are in that bin, unless it is a
  // single value's: the pilot was not like the draws.
  double quantile(std::span<const std::uint64_t> counts, double low, double high, double probability) const;

  void state(Archive& archive) { archive(ends_, scores_, single_, below_, median_); }

 private:
  void set_ends(std::span<const Ranked> order);
  void set_scores(std::span<const Ranked> order, NormalScores& normal_scores);

  std::array<double, count - 1> ends_{};      // bin b has the x with ends[b - 1] < x <= ends[b]
  std::array<Scores, count> scores_{};
  std::array<char, count> single_{};          // it is of one value, its end
  std::array<std::uint32_t, count> below_{};  // draws of the pilot in bins 0 .. b
  double median_ = 0;
};

}  // namespace lockstep
