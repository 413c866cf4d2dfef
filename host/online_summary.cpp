#include "host/online_summary.hpp"

#include <algorithm>
#include <cmath>

#include "host/effective_sample_size.hpp"
#include "kernels/cpu/launch.hpp"

namespace lockstep {

namespace {

constexpr std::size_t least_pilot_draws = 8192;  // over all chains: 16 for each bin
constexpr std::size_t most_in_strip = 8;         // elements: a cache line of them
constexpr std::size_t tasks = 64;                // enough for all cores
constexpr std::size_t batch = 512;               // draws of a scalar that are put into bins at a time
constexpr std::size_t fewest_draws = 4;          // as for stored draws

// Of means of chains, a quantity's: the effective number of its draws, which all have its `variance`.
double ess_of(std::span<const double> means, double variance, double draws) {
  if (variance == 0) return draws;
  return double(means.size()) * variance / moments(means).variance;
}

}  // namespace

OnlineSummary::OnlineSummary(std::vector<std::size_t> sizes, std::size_t chains, std::size_t most, int threads)
    : sizes_(std::move(sizes)), chains_(chains), threads_(threads), stretches_(most) {
  for (std::size_t v = 0; v < sizes_.size(); ++v)
    for (std::size_t first = 0; first < sizes_[v]; first += most_in_strip) {
      const std::size_t count = std::min(most_in_strip, sizes_[v] - first);
      strips_.push_back({v, first, count, scalars_});
      scalars_ += count;
    }
  ranges_ = std::clamp<std::size_t>(tasks / std::max<std::size_t>(strips_.size(), 1), 1, chains_);
}

double OnlineSummary::bytes(double scalars, double chains) {
  const double of_chain = sizeof(double) * quantities * (Stretches::count + 1) + 2 * sizeof(std::uint32_t);
  const double pilot = sizeof(double) * std::max(double(least_pilot_draws), chains);
  return scalars * (chains * of_chain + sizeof(Scalar) + sizeof(Histogram) + pilot);
}

void OnlineSummary::add(std::size_t draws, std::span<const std::span<const double>> values) {
  if (!all_.empty()) return add_to_sums(draws, values);
  Held held{draws, {}};
  for (const std::span<const double>& each : values) held.values.emplace_back(each.begin(), each.end());
  held_.push_back(std::move(held));
  held_draws_ += draws;
  if (held_draws_ * chains_ >= least_pilot_draws) end_pilot();
}

void OnlineSummary::end_pilot() {
  all_.resize(scalars_);
  parallel_for_ranges(strips_.size(), threads_, [&](std::size_t begin, std::size_t end) {
    NormalScores normal_scores;
    std::vector<double> pilot;
    for (std::size_t s = begin; s < end; ++s)
      for (std::size_t e = 0; e < strips_[s].count; ++e) {
        const Strip& strip = strips_[s];
        Scalar& scalar = all_[strip.scalar + e];
        pilot.clear();
        for (const Held& held : held_)
          for (std::size_t i = strip.first + e; i < held.values[strip.variable].size(); i += sizes_[strip.variable])
            if (const double x = held.values[strip.variable][i]; !std::isnan(x)) pilot.push_back(x);
        if (pilot.empty()) pilot.push_back(0);  // nothing will be said of it
        scalar.bins = DrawBins(pilot, normal_scores);
        if (std::isfinite(scalar.bins.median_of_pilot())) scalar.centre = scalar.bins.median_of_pilot();
        scalar.low_tail = scalar.bins.bins_below(0.05);
        scalar.high_tail = scalar.bins.bins_below(0.95);
        scalar.sums.resize(quantities * Stretches::count * chains_);
        scalar.squares.resize(quantities * chains_);
        scalar.in_tails.resize(2 * chains_);
        scalar.histograms.resize(ranges_);
      }
  });
  for (Held& held : held_) {
    add_to_sums(held.draws, std::vector<std::span<const double>>(held.values.begin(), held.values.end()));
    held = {};
  }
  held_.clear();
  held_draws_ = 0;
}

void OnlineSummary::add_to_sums(std::size_t draws, std::span<const std::span<const double>> values) {
  for (std::size_t first = 0; first < draws;) {
    if (stretches_.full()) merge_stretches();
    const std::size_t count = std::min(draws - first, stretches_.room());
    parallel_for(int(strips_.size() * ranges_), threads_, [&](int task, int) {
      const Strip& strip = strips_[std::size_t(task) / ranges_];
      add_strip(strip, std::size_t(task) % ranges_, values[strip.variable], draws, first, count);
    });
    stretches_.add(count);
    first += count;
  }
}

void OnlineSummary::merge_stretches() {
  stretches_.merge();
  parallel_for(int(scalars_), threads_, [&](int s, int) {
    for (std::size_t q = 0; q < quantities; ++q) {
      double* const sums = all_[std::size_t(s)].sums.data() + q * Stretches::count * chains_;
      for (std::size_t c = 0; c < chains_; ++c) {
        sums[c] += sums[chains_ + c];
        sums[chains_ + c] = sums[2 * chains_ + c] + sums[3 * chains_ + c];
      }
      std::fill_n(sums + 2 * chains_, 2 * chains_, 0.);
    }
  });
}

// Draws first .. first + count - 1 of `draws`.
void OnlineSummary::add_strip(const Strip& strip, std::size_t range, std::span<const double> values, std::size_t draws,
                              std::size_t first, std::size_t count) {
  const std::size_t begin = chains_ * range / ranges_, end = chains_ * (range + 1) / ranges_, size = sizes_[strip.variable];
  double x[batch];
  std::uint16_t bin[batch];
  const std::size_t chains_at_a_time = std::max<std::size_t>(1, batch / count);
  for (std::size_t c = begin; c < end; c += chains_at_a_time) {
    const std::size_t c_end = std::min(end, c + chains_at_a_time);
    for (std::size_t done = 0; done < count; done += batch) {
      const std::size_t some = std::min(batch, count - done);
      for (std::size_t e = 0; e < strip.count; ++e) {
        Scalar& scalar = all_[strip.scalar + e];
        Histogram& histogram = scalar.histograms[range];
        std::size_t filled = 0;
        for (std::size_t chain = c; chain < c_end; ++chain) {
          const double* from = values.data() + (chain * draws + first + done) * size + strip.first + e;
          for (std::size_t i = 0; i < some; ++i) x[filled++] = from[i * size];
        }
        bool has_nan = false;
        for (std::size_t i = 0; i < filled; ++i) {
          histogram.low = std::min(histogram.low, x[i]);
          histogram.high = std::max(histogram.high, x[i]);
          has_nan |= std::isnan(x[i]);
        }
        if (has_nan) histogram.has_nan = true;
        scalar.bins.find({x, filled}, bin);
        for (std::size_t chain = c, i = 0; chain < c_end; ++chain) {
          double sum[quantities] = {}, squares[quantities] = {};
          std::uint32_t below_low = 0, below_high = 0;
          for (const std::size_t last = i + some; i < last; ++i) {
            const double centred = x[i] - scalar.centre;
            const DrawBins::Scores scores = scalar.bins.scores(bin[i]);
            sum[draw] += centred, squares[draw] += centred * centred;
            sum[bulk] += scores.bulk, squares[bulk] += scores.bulk * scores.bulk;
            sum[folded] += scores.folded, squares[folded] += scores.folded * scores.folded;
            below_low += bin[i] < scalar.low_tail;
            below_high += bin[i] < scalar.high_tail;
            ++histogram.counts[bin[i]];
          }
          for (std::size_t q = 0; q < quantities; ++q) {
            scalar.sums[(q * Stretches::count + stretches_.current()) * chains_ + chain] += sum[q];
            scalar.squares[q * chains_ + chain] += squares[q];
          }
          scalar.in_tails[chain] += below_low;
          scalar.in_tails[chains_ + chain] += below_high;
        }
      }
    }
  }
}

std::vector<ScalarSummary> OnlineSummary::summarise(std::span<const int> superchain) {
  if (all_.empty() && !held_.empty()) end_pilot();
  std::vector<ScalarSummary> result(scalars_);
  parallel_for(int(all_.size()), threads_,
               [&](int s, int) { result[std::size_t(s)] = summarise(all_[std::size_t(s)], superchain); });
  return result;
}

ChainHalves OnlineSummary::halves(const Scalar& scalar, Quantity quantity) const {
  const Stretches::Parts parts = stretches_.parts();
  const std::vector<double> none(chains_);
  ChainHalves both{{none, none}, none, {parts.first, parts.second}};
  for (std::size_t c = 0; c < chains_; ++c) {
    double sums[2] = {0, 0};
    for (std::size_t i = 0; i < Stretches::count; ++i)
      sums[i < parts.stretches ? 0 : 1] += scalar.sums[(quantity * Stretches::count + i) * chains_ + c];
    double squares = scalar.squares[quantity * chains_ + c];
    for (int h : {0, 1}) {
      both.means[h][c] = both.draws[h] > 0 ? sums[h] / double(both.draws[h]) : 0;
      squares -= sums[h] * both.means[h][c];
    }
    both.squares[c] = std::isnan(squares) ? squares : std::max(squares, 0.);
  }
  return both;
}

double OnlineSummary::tail_ess(std::span<const std::uint32_t> in_tail) const {
  const double n = double(stretches_.done());
  std::vector<double> shares;
  for (std::uint32_t each : in_tail) shares.push_back(each / n);
  const double share = moments(shares).mean;
  return ess_of(shares, share * (1 - share), n * double(chains_));
}

ScalarSummary OnlineSummary::summarise(const Scalar& scalar, std::span<const int> superchain) const {
  ScalarSummary result;
  Diagnosis& out = result.diagnosis;
  Histogram all;
  for (const Histogram& each : scalar.histograms) {
    for (std::size_t b = 0; b < DrawBins::count; ++b) all.counts[b] += each.counts[b];
    all.low = std::min(all.low, each.low);
    all.high = std::max(all.high, each.high);
    if (each.has_nan) return result;
  }
  const auto quantile = [&](double probability) { return scalar.bins.quantile(all.counts, all.low, all.high, probability); };
  result.low = all.low;
  result.high = all.high;
  for (std::size_t i = 0; i < more_quantiles.size(); ++i) result.quantiles[i] = quantile(more_quantiles[i]);
  out.q5 = quantile(0.05);
  out.median = quantile(0.5);
  out.q95 = quantile(0.95);
  out.constant = is_constant(all.low, all.high);

  const ChainHalves draws = halves(scalar, draw);
  const double n = double(stretches_.done()), chains = double(chains_);
  const HalvesDiagnosis of_draws = diagnose_halves(draws, superchain);
  out.mean = scalar.centre + of_draws.mean;
  out.sd = of_draws.sd;
  if (out.constant) {
    out.mean = all.low;
    out.sd = out.mcse_mean = out.mcse_sd = 0;
    out.ess_mean = out.ess_bulk = out.ess_tail = n * chains;
    out.tau = 1;
    return result;
  }
  if (stretches_.done() < fewest_draws) return result;
  out.r_hat_split = of_draws.r_hat_split;
  out.ess_mean = of_draws.ess_mean;
  out.mcse_mean = out.sd / std::sqrt(out.ess_mean);
  // The sd's error is that of the variance, divided by twice the sd; the variance is a mean, of squared deviations.
  std::vector<double> squared(chains_);
  for (std::size_t c = 0; c < chains_; ++c) {
    double sum = 0;
    for (int h : {0, 1}) sum += draws.means[h][c] * double(draws.draws[h]);
    squared[c] = (scalar.squares[c] - 2 * of_draws.mean * sum) / n + of_draws.mean * of_draws.mean;
  }
  out.mcse_sd = std::sqrt(moments(squared).variance / chains) / (2 * out.sd);

  const HalvesDiagnosis of_bulk = diagnose_halves(halves(scalar, bulk), superchain);
  const HalvesDiagnosis of_folded = diagnose_halves(halves(scalar, folded), superchain);
  out.r_hat = larger_rhat(of_bulk.r_hat_split, of_folded.r_hat_split);
  out.r_hat_nested = larger_rhat(of_bulk.r_hat_nested, of_folded.r_hat_nested);
  out.ess_bulk = of_bulk.ess_mean;
  out.tau = n * chains / out.ess_bulk;
  const std::span<const std::uint32_t> in_tails(scalar.in_tails);
  out.ess_tail = std::min(tail_ess(in_tails.first(chains_)), tail_ess(in_tails.last(chains_)));
  return result;
}

void OnlineSummary::state(Archive& archive) { archive(stretches_, held_, held_draws_, all_); }

}  // namespace lockstep
