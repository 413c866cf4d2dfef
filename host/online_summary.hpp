// What there is to say about the draws of many chains, computed while they come, without keeping them.
//
// Of each chain and scalar there are sums over stretches of the run (host/stretches.hpp): of the draws, of their normal scores,
// and of the folded draws' normal scores. From these follow R-hat, split and nested, and, from how much the means of the chains
// differ, effective sample sizes. Of each scalar there is a histogram (host/draw_bins.hpp), for quantiles. Against diagnostics of
// stored draws (host/diagnostics.hpp):
//   mean, sd, r_hat_split                    the same, but for rounding
//   r_hat, r_hat_nested                      of normal scores by the ranks that draws have among the pilot, not among all
//   quantiles                                off by less than the share of draws in a bin, about 1/512
//   ess_*, mcse_*, tau                       other estimates, whose relative error is sqrt(2 / chains) (mcse_*: half of that)
//                                            however short the chains are
// The pilot are the first draws, at least 8,192 over all chains, or all that there are when a summary is asked for first; they are
// held until they are complete.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "host/diagnostics.hpp"
#include "host/draw_bins.hpp"
#include "host/stretches.hpp"
#include "kernels/archive.hpp"

namespace lockstep {

inline constexpr std::array<double, 4> more_quantiles = {0.025, 0.25, 0.75, 0.975};  // than a Diagnosis has

struct ScalarSummary {
  Diagnosis diagnosis;  // without hdi
  double low = unknown, high = unknown;  // the least and the largest draw
  std::array<double, more_quantiles.size()> quantiles{unknown, unknown, unknown, unknown};
};

class OnlineSummary {
 public:
  // Fewer chains tell no effective sample size: its relative error would be above sqrt(2 / 64) = 18%.
  static constexpr int least_chains = 64;
  // Of memory, about: what the chains have of each scalar, what all have, and the pilot.
  static double bytes(double scalars, double chains);

  // `sizes`: elements of each variable. `most`: draws of each chain that may come.
  OnlineSummary(std::vector<std::size_t> sizes, std::size_t chains, std::size_t most, int threads);

  // The next draws of every chain: of each variable [chain][draw][element].
  void add(std::size_t draws, std::span<const std::span<const double>> values);
  std::size_t draws() const { return stretches_.done() + held_draws_; }

  // Of each scalar, in the order of the variables, about all draws so far; more may come. Figures that these cannot support are
  // NaN, as a Diagnosis has it.
  std::vector<ScalarSummary> summarise(std::span<const int> superchain);

  void state(Archive& archive);

 private:
  // What is summed up of a draw.
  enum Quantity { draw, bulk, folded, quantities };

  // Of one range of chains, so that ranges have nothing in common.
  struct Histogram {
    std::array<std::uint64_t, DrawBins::count> counts{};
    double low = HUGE_VAL, high = -HUGE_VAL;
    bool has_nan = false;
  };
  struct Scalar {
    DrawBins bins;
    double centre = 0;                         // about which draws are summed up: a typical one
    std::size_t low_tail = 0, high_tail = 0;   // bins 0 .. that are below the 5% and 95% quantiles
    std::vector<double> sums;                  // [quantity][stretch][chain]
    std::vector<double> squares;               // [quantity][chain]
    std::vector<std::uint32_t> in_tails;       // draws in bins below low_tail, high_tail: [tail][chain]
    std::vector<Histogram> histograms;         // per range of chains
    void state(Archive& archive) { archive(bins, centre, low_tail, high_tail, sums, squares, in_tails, histograms); }
  };
  // Elements of a variable that lie beside each other: what is read together.
  struct Strip {
    std::size_t variable, first, count, scalar;  // the number of the first scalar
  };
  struct Held {
    std::size_t draws = 0;
    std::vector<std::vector<double>> values;
    void state(Archive& archive) { archive(draws, values); }
  };

  void end_pilot();
  void add_to_sums(std::size_t draws, std::span<const std::span<const double>> values);
  void merge_stretches();
  // Some draws of some chains, all in one stretch.
  void add_strip(const Strip& strip, std::size_t range, std::span<const double> values, std::size_t draws, std::size_t first,
                 std::size_t count);
  ChainHalves halves(const Scalar& scalar, Quantity quantity) const;
  ScalarSummary summarise(const Scalar& scalar, std::span<const int> superchain) const;
  double tail_ess(std::span<const std::uint32_t> in_tail) const;

  std::vector<std::size_t> sizes_;
  std::size_t chains_, scalars_ = 0, ranges_;
  int threads_;
  std::vector<Strip> strips_;
  Stretches stretches_;
  std::vector<Held> held_;   // the pilot, until it is complete
  std::size_t held_draws_ = 0;
  std::vector<Scalar> all_;  // none until then
};

}  // namespace lockstep
