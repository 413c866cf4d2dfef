#include "host/draw_bins.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace lockstep {

namespace {

constexpr double largest_share = 1. / 64;  // of the draws, in a bin that tells a quantile: 8 times the usual one

}  // namespace

DrawBins::DrawBins(std::span<const double> pilot, NormalScores& normal_scores) {
  std::vector<Ranked> order;
  sort_by_value(pilot, order);
  median_ = median_of(order);
  set_ends(order);
  set_scores(order, normal_scores);
}

void DrawBins::set_ends(std::span<const Ranked> order) {
  for (std::size_t b = 0; b + 1 < count; ++b) ends_[b] = order[(b + 1) * order.size() / count].value;
  // Of bins that end at the same value, the last is to have that value and nothing else.
  for (std::size_t b = 0; b + 2 < count; ++b) {
    if (ends_[b] != ends_[b + 1]) continue;
    const auto first = std::lower_bound(order.begin(), order.end(), ends_[b],
                                        [](const Ranked& each, double x) { return each.value < x; });
    if (first != order.begin()) ends_[b] = std::prev(first)->value;
  }
}

void DrawBins::set_scores(std::span<const Ranked> order, NormalScores& normal_scores) {
  std::vector<double> bulk(order.size()), folded(order.size());
  std::vector<Ranked> folded_order;
  normal_scores(order, bulk);
  fold(order, median_, folded_order);
  normal_scores(folded_order, folded);
  // A bin without draws of the pilot is beyond all of them.
  const auto [least_bulk, most_bulk] = std::minmax_element(bulk.begin(), bulk.end());
  const double most_folded = *std::max_element(folded.begin(), folded.end());
  std::size_t next = 0;
  for (std::size_t b = 0; b < count; ++b) {
    const std::size_t first = next;
    Scores sum{0, 0};
    for (; next < order.size() && (b + 1 == count || order[next].value <= ends_[b]); ++next) {
      sum.bulk += bulk[order[next].place];
      sum.folded += folded[order[next].place];
    }
    const double members = double(next - first);
    scores_[b] = next > first ? Scores{sum.bulk / members, sum.folded / members}
                              : Scores{next == 0 ? *least_bulk : *most_bulk, most_folded};
    single_[b] = next > first && b + 1 < count && order[first].value == order[next - 1].value;
    below_[b] = std::uint32_t(next);
  }
}

// Bisection: the number of ends that are less. By a product, not a branch, of which every other would be mispredicted.
void DrawBins::find(std::span<const double> draws, std::uint16_t* bins) const {
  static_assert(std::has_single_bit(count));
  for (std::size_t i = 0; i < draws.size(); ++i) {
    std::size_t bin = 0;
    for (std::size_t step = count / 2; step > 0; step /= 2) bin += step * std::size_t(ends_[bin + step - 1] < draws[i]);
    bins[i] = std::uint16_t(bin);
  }
}

std::size_t DrawBins::bins_below(double probability) const {
  const double wanted = probability * below_.back();
  std::size_t best = 0;
  for (std::size_t b = 0; b < count; ++b)
    if (std::fabs(below_[b] - wanted) < std::fabs(below_[best] - wanted)) best = b;
  return best + 1;
}

double DrawBins::quantile(std::span<const std::uint64_t> counts, double low, double high, double probability) const {
  std::uint64_t all = 0;
  for (std::uint64_t each : counts) all += each;
  const double place = double(all - 1) * probability;  // in order, counted from 0
  std::uint64_t below = 0;
  std::size_t b = 0;
  while (b + 1 < count && double(below + counts[b]) <= place) below += counts[b++];
  if (single_[b]) return ends_[b];
  if (double(counts[b]) > largest_share * double(all)) return std::numeric_limits<double>::quiet_NaN();
  const double left = b > 0 ? std::max(ends_[b - 1], low) : low, right = b + 1 < count ? std::min(ends_[b], high) : high;
  return left + (right - left) * std::min((place - double(below) + 0.5) / double(counts[b]), 1.);
}

}  // namespace lockstep
