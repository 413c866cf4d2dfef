#include "host/precision_error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lockstep {

namespace {
// An sd from 1,000 values is known to 2%. Large models are looked at in fewer points, for no more than a few seconds.
constexpr std::int64_t most_points = 1000, least_points = 32, most_terms = 20'000'000;
}  // namespace

PrecisionError::PrecisionError(const HostModel& model, int chains, int draws) : model_(model), position_(std::size_t(model.coordinates())) {
  std::int64_t terms = model.coordinates();
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) terms += model.layout().sites[i].events;
  const std::int64_t points = std::clamp(most_terms / std::max<std::int64_t>(terms, 1), least_points, most_points);
  stride_ = std::max<std::int64_t>(1, std::int64_t(chains) * draws / points);
}

void PrecisionError::draws(const DrawBlock& block, int first, int made) {
  const std::int64_t begin = std::int64_t(first) * block.chains(), end = begin + std::int64_t(made) * block.chains();
  for (; next_ < end; next_ += stride_) {
    const int chain = int(next_ % block.chains()), row = int(next_ / block.chains()) - first;
    for (int i = 0; i < model_.coordinates(); ++i) position_[std::size_t(i)] = block.position(chain, row, i);
    errors_.push_back(block.statistic(chain, row, DrawStatistic::lp) - model_.log_density(position_.data(), nullptr));
  }
}

double PrecisionError::relative() const {
  if (errors_.size() < 2) return std::numeric_limits<double>::infinity();
  double least = errors_.front(), mean = 0, squares = 0;
  for (double error : errors_) least = std::min(least, error);
  for (double error : errors_) mean += std::exp(least - error) / double(errors_.size());
  for (double error : errors_) squares += std::pow(std::exp(least - error) - mean, 2);
  const double relative = std::sqrt(squares / double(errors_.size() - 1)) / mean;
  return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
}

}  // namespace lockstep
