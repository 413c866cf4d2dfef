#include "host/whitened.hpp"

#include <algorithm>

namespace lockstep {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::size_t most_draws = 4000;  // that are looked at
constexpr int power_iterations = 30;

}  // namespace

Whitening::Whitening(const Metric& metric) {
  constexpr int group = MetricView::group;
  const Index n = Index(metric.scale.size());
  inverse_scale_ = Eigen::Map<const VectorXd>(metric.scale.data(), n).cwiseInverse();
  const Index count = Index(metric.stretch_less_1.size());
  inverse_stretch_less_1_.resize(count);
  directions_.resize(n, count);
  for (Index k = 0; k < count; ++k) {
    inverse_stretch_less_1_[k] = 1 / (1 + metric.stretch_less_1[std::size_t(k)]) - 1;
    for (Index i = 0; i < n; ++i) directions_(i, k) = metric.directions[std::size_t((k / group * n + i) * group + k % group)];
  }
}

void Whitening::operator()(Eigen::Ref<MatrixXd> columns) const {
  columns = inverse_scale_.asDiagonal() * columns;
  if (directions_.cols() == 0) return;
  const MatrixXd along = inverse_stretch_less_1_.asDiagonal() * (directions_.transpose() * columns);
  columns += directions_ * along;
}

WhitenedSpread spread_of(Window& window, const Metric& metric, const std::vector<char>& left_out) {
  const DrawBlock& block = window.block();
  const int n = block.coordinates(), draws = window.draws();
  std::vector<int> chains;
  for (int c = 0; c < block.chains(); ++c)
    if (!left_out[std::size_t(c)]) chains.push_back(c);
  if (chains.empty() || draws < 2) return {};
  // Whole chains, as many as are needed.
  chains.resize(std::min(chains.size(), std::max<std::size_t>(2, most_draws / std::size_t(draws))));
  MatrixXd z(n, Index(chains.size()) * draws);
  for (std::size_t k = 0; k < chains.size(); ++k) {
    auto own = z.middleCols(Index(k) * draws, draws);
    for (int d = 0; d < draws; ++d)
      for (int i = 0; i < n; ++i) own(i, d) = block.position(chains[k], d, i);
    const VectorXd mean = own.rowwise().mean();
    own.colwise() -= mean;
  }
  if (!z.allFinite()) return {};
  Whitening whitening(metric);
  whitening(z);
  const double of_a_mean = 1 - 1. / draws;  // what centring has left of a variance
  WhitenedSpread spread;
  spread.total_variance = z.squaredNorm() / (double(z.cols()) * of_a_mean);
  // Of one chain, the first draws and the last.
  const Index half = chains.size() > 1 ? Index(chains.size() / 2) * draws : draws / 2;
  const auto first = z.leftCols(half), last = z.rightCols(z.cols() - half);
  VectorXd direction = VectorXd::Ones(n).normalized();
  for (int k = 0; k < power_iterations; ++k) {
    const VectorXd next = first * (first.transpose() * direction);
    if (!(next.norm() > 0)) return spread;
    direction = next.normalized();
  }
  spread.largest_variance = (last.transpose() * direction).squaredNorm() / (double(last.cols()) * of_a_mean);
  return spread;
}

}  // namespace lockstep
