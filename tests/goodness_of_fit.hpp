// Whether a sample has the distribution that it should: p-values of Kolmogorov-Smirnov's and Pearson's tests.
#pragma once

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <functional>
#include <map>
#include <vector>

namespace lockstep {

using Cdf = std::function<double(double)>;
using MassFunction = std::function<double(double)>;
using Sample = std::vector<double>;

// The distribution of the statistic: M. A. Stephens (1970), correction for finite n.
inline double kolmogorov_smirnov(Sample sample, const Cdf& cdf) {
  std::sort(sample.begin(), sample.end());
  const double n = double(sample.size());
  double distance = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double expected = cdf(sample[i]);
    distance = std::max({distance, expected - double(i) / n, double(i + 1) / n - expected});
  }
  const double lambda = (std::sqrt(n) + 0.12 + 0.11 / std::sqrt(n)) * distance;
  double p = 0;
  for (int k = 1; k <= 100; ++k) p += (k % 2 ? 2 : -2) * std::exp(-2. * k * k * lambda * lambda);
  return lambda < 0.2 ? 1 : std::clamp(p, 0., 1.);
}

// Pearson's chi-square over lowest, lowest + 1, ..., neighbours pooled until a cell expects 20; the last cell is the
// upper tail.
inline double chi_square(const Sample& sample, const MassFunction& probability, double lowest = 0) {
  constexpr double smallest = 20;
  std::map<double, double> counts;
  for (double x : sample) counts[x] += 1;
  for (const auto& [x, count] : counts)
    if (x != std::floor(x) || !(probability(x) > 0)) return 0;  // impossible
  double statistic = 0, left = double(sample.size()), left_expected = left, expected = 0, observed = 0;
  int cells = 0;
  auto close_cell = [&] {
    statistic += (observed - expected) * (observed - expected) / expected;
    left -= observed;
    left_expected -= expected;
    expected = observed = 0;
    ++cells;
  };
  for (double k = lowest; left_expected - expected >= smallest; ++k) {
    expected += double(sample.size()) * probability(k);
    observed += counts[k];
    if (expected >= smallest && left_expected - expected >= smallest) close_cell();
  }
  expected = left_expected;
  observed = left;
  close_cell();
  return cdf(complement(boost::math::chi_squared(cells - 1.), statistic));
}

}  // namespace lockstep
