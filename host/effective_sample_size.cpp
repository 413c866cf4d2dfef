#include "host/effective_sample_size.hpp"

// GCC 12 takes the deliberately undefined registers of its own AVX-512 header for a mistake (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <limits>
#include <numeric>
#include <unsupported/Eigen/FFT>

namespace lockstep {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Eigen::Map<const Eigen::ArrayXd> as_array(std::span<const double> series) {
  return {series.data(), static_cast<Eigen::Index>(series.size())};
}

// Autocovariance, averaged over the half chains, divisor n at every lag, computed as far as it is asked for.
//
// Lag by lag in blocks: chains that mix need a few blocks, and that is several times cheaper than a transform of every
// chain. Chains that do not mix need thousands of lags; from `direct_lags` on (where the two cost the same for chains
// of 1000 draws) one Fourier transform per half chain gives all.
class Autocovariance {
 public:
  Autocovariance(const SplitChains& split, std::vector<double>& centred)
      : length_(split.length()), count_(split.count()), centred_(centred), mean_(count_) {
    centred_.resize(length_ * count_);
    for (std::size_t i = 0; i < count_; ++i) {
      mean_[i] = moments(split[i]).mean;
      series(i) = as_array(split[i]) - mean_[i];
    }
  }

  double operator()(std::size_t lag) {
    while (lag >= known_.size()) known_.size() < direct_lags ? add_block() : transform_all();
    return known_[lag];
  }

  std::span<const double> chain_means() const { return mean_; }

 private:
  Eigen::Map<Eigen::VectorXd> series(std::size_t i) {
    return {centred_.data() + i * length_, static_cast<Eigen::Index>(length_)};
  }

  static constexpr std::size_t block = 8, direct_lags = 128;

  void add_block() {
    double total[block] = {};
    const std::size_t lag = known_.size(), end = std::min(lag + block, length_);
    for (std::size_t i = 0; i < count_; ++i) {  // a half chain stays in the nearest cache for the whole block
      const auto x = series(i);
      for (std::size_t l = lag; l < end; ++l) {
        const auto n = static_cast<Eigen::Index>(length_ - l);
        total[l - lag] += x.head(n).dot(x.tail(n));
      }
    }
    for (double each : total) known_.push_back(each / static_cast<double>(length_ * count_));
  }

  void transform_all() {
    const std::size_t padded = std::bit_ceil(2 * length_);
    Eigen::FFT<double> fft;
    fft.SetFlag(Eigen::FFT<double>::HalfSpectrum);
    std::vector<double> x(padded);
    std::vector<std::complex<double>> spectrum, power(padded / 2 + 1);
    for (std::size_t i = 0; i < count_; ++i) {
      std::copy_n(series(i).data(), length_, x.begin());
      fft.fwd(spectrum, x);
      for (std::size_t k = 0; k < power.size(); ++k) power[k] += std::norm(spectrum[k]);
    }
    fft.inv(x, power, static_cast<Eigen::Index>(padded));
    for (std::size_t lag = known_.size(); lag < length_; ++lag) {
      known_.push_back(x[lag] / static_cast<double>(length_ * count_));
    }
  }

  std::size_t length_, count_;
  std::vector<double>& centred_;
  std::vector<double> mean_, known_;
};

// Largest minus smallest draw; NaN unless all are finite.
double range(const SplitChains& split) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (std::size_t i = 0; i < split.count(); ++i) {
    const auto x = as_array(split[i]);
    if (!x.allFinite()) return nan;
    low = std::min(low, x.minCoeff());
    high = std::max(high, x.maxCoeff());
  }
  return high - low;
}

// τ from autocorrelations: positive pairs, made monotone, plus the first even one after them.
template <class Autocorrelation>
double geyer(Autocorrelation rho_at, std::size_t length) {
  std::vector<double> rho = {1.0, rho_at(1)};
  double even = rho[0], odd = rho[1];
  std::size_t t = 1;
  while (t + 3 < length && even + odd > 0) {
    even = rho_at(t + 1);
    odd = rho_at(t + 2);
    const bool keep = even + odd >= 0;
    rho.push_back(keep ? even : 0.0);
    rho.push_back(keep ? odd : 0.0);
    t += 2;
  }
  const std::size_t kept = t - 1;  // rho[0 ... kept − 1] are whole pairs
  if (even > 0) rho[kept] = even;
  for (std::size_t i = 2; i + 2 <= kept; i += 2) {
    if (rho[i] + rho[i + 1] > rho[i - 2] + rho[i - 1]) rho[i] = rho[i + 1] = (rho[i - 2] + rho[i - 1]) / 2;
  }
  return -1.0 + 2.0 * std::accumulate(rho.begin(), rho.begin() + static_cast<std::ptrdiff_t>(kept), 0.0) + rho[kept];
}

}  // namespace

Moments moments(std::span<const double> series) {
  const auto x = as_array(series);
  // Eigen sums an array in an order that depends on its address, but not an expression: hence the 1.
  const double first = (x * 1.0).mean(), rest = (x - first).mean();  // rest: what rounding took from the first
  const double mean = std::isfinite(rest) ? first + rest : first;
  return {mean, (x - mean).square().sum() / static_cast<double>(series.size() - 1)};
}

double rhat(const SplitChains& split) {
  std::vector<double> means(split.count()), variances(split.count());
  for (std::size_t i = 0; i < split.count(); ++i) {
    const Moments each = moments(split[i]);
    means[i] = each.mean;
    variances[i] = each.variance;
  }
  const double n = static_cast<double>(split.length());
  const double between = n * moments(means).variance, within = moments(variances).mean;
  return std::sqrt((between / within + n - 1) / n);
}

double effective_sample_size(const SplitChains& split, std::vector<double>& scratch) {
  const std::size_t length = split.length();
  const double n = static_cast<double>(length), total = n * static_cast<double>(split.count());
  if (length < 2 || split.chains == 0) return nan;
  const double width = range(split);
  if (std::isnan(width)) return nan;
  if (width < 1e-15) return total;  // ArviZ's bound for "constant"

  Autocovariance autocovariance(split, scratch);
  const double variance = autocovariance(0) * n / (n - 1);
  const double pooled = autocovariance(0) + moments(autocovariance.chain_means()).variance;
  const auto rho = [&](std::size_t lag) { return 1.0 - (variance - autocovariance(lag)) / pooled; };
  const double tau = std::max(geyer(rho, length), 1.0 / std::log10(total));  // bounds what antithetic chains can claim
  return total / tau;
}

}  // namespace lockstep
