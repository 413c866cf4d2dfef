#include "host/metric.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <Eigen/Dense>
#include <fmt/format.h>

#include "kernels/window.hpp"

namespace lockstep {

namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double smallest_inverse_mass = 1e-20, largest_inverse_mass = 1e20;  // nutpie's limits
// An eigenvalue in between is as good as 1 (nutpie's cutoff of 2).
constexpr double least_stretched = 2;
constexpr double regularisation = 1e-5;        // of covariance matrices whose draws suffice (nutpie's)
constexpr double regularisation_of_few = 0.05; // of those with fewer draws than two for each dimension
// The larger problems are solved in the span of some draws and their gradients only.
constexpr int largest_whole_space = 400, draws_of_a_span = 200, draws_per_coordinate = 4;
// In automatic choice, what a metric must win over the diagonal one, in leapfrog steps a draw.
constexpr double least_gain = 1.25;

std::vector<double> diagonal_scale(const ChainMoments& positions, const ChainMoments& gradients, const std::vector<char>& left_out,
                                   const std::vector<double>& before) {
  const std::size_t chains = left_out.size();
  std::vector<double> scale = before;
  for (std::size_t i = 0; i < scale.size(); ++i) {
    double of_draws = 0, of_gradients = 0;
    for (std::size_t c = 0; c < chains; ++c) {
      if (left_out[c]) continue;
      of_draws += positions.squares[i * chains + c];
      of_gradients += gradients.squares[i * chains + c];
    }
    const double inverse_mass = std::sqrt(of_draws / of_gradients);
    if (std::isfinite(inverse_mass)) scale[i] = std::sqrt(std::clamp(inverse_mass, smallest_inverse_mass, largest_inverse_mass));
  }
  return scale;
}

// Draws and gradients about their chains' means, scaled, a column each; evenly spaced ones if they are more than `most`.
struct Columns {
  MatrixXd draws, gradients;
};
Columns scaled_columns(Window& window, const ChainMoments& positions, const ChainMoments& gradients, const std::vector<char>& left_out,
                       const std::vector<double>& scale, std::size_t most) {
  const DrawBlock& block = window.block();
  const std::size_t chains = left_out.size(), n = scale.size();
  std::vector<std::pair<int, int>> chosen;  // draw, chain: each chain gives about as many
  for (int d = 0; d < window.draws(); ++d)
    for (std::size_t c = 0; c < chains; ++c) {
      if (left_out[c]) continue;
      bool finite = true;
      for (std::size_t i = 0; i < n && finite; ++i)
        finite = std::isfinite(block.position(int(c), d, int(i))) && std::isfinite(block.gradient(int(c), d, int(i)));
      if (finite) chosen.emplace_back(d, int(c));
    }
  const std::size_t count = std::min(chosen.size(), most);
  Columns columns{MatrixXd(n, count), MatrixXd(n, count)};
  for (std::size_t k = 0; k < count; ++k) {
    const auto [d, c] = chosen[k * chosen.size() / count];
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t mean = i * chains + std::size_t(c);
      columns.draws(Eigen::Index(i), Eigen::Index(k)) = (block.position(c, d, int(i)) - positions.mean[mean]) / scale[i];
      columns.gradients(Eigen::Index(i), Eigen::Index(k)) = (block.gradient(c, d, int(i)) - gradients.mean[mean]) * scale[i];
    }
  }
  return columns;
}

// A^(1/2), or A^(-1/2), of a symmetric positive matrix.
MatrixXd power(const MatrixXd& a, double exponent) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> eigen(a);
  const VectorXd powers = eigen.eigenvalues().array().max(1e-300).pow(exponent);
  return eigen.eigenvectors() * powers.asDiagonal() * eigen.eigenvectors().transpose();
}

// The geometric mean of A and B^-1: the S with S B S = A.
MatrixXd geometric_mean_with_inverse(const MatrixXd& a, const MatrixXd& b) {
  const MatrixXd root = power(b, 0.5), inverse_root = power(b, -0.5);
  return inverse_root * power(root * a * root, 0.5) * inverse_root;
}

struct Directions {
  VectorXd variance;    // along each, after scaling; those farthest from 1 first
  MatrixXd vectors;     // a column each
  double usual = 1;     // by which all variances were divided, so that most directions need no stretching
};
Directions directions_of(const Columns& columns, bool whole_space) {
  const Eigen::Index n = columns.draws.rows(), count = columns.draws.cols();
  MatrixXd basis;  // empty: all of space
  if (!whole_space && 2 * count < n) {
    MatrixXd both(n, 2 * count);
    both << columns.draws, columns.gradients;
    const Eigen::ColPivHouseholderQR<MatrixXd> qr(both);
    basis = qr.householderQ() * MatrixXd::Identity(n, qr.rank());
  }
  const MatrixXd draws = basis.size() ? MatrixXd(basis.transpose() * columns.draws) : columns.draws;
  const MatrixXd gradients = basis.size() ? MatrixXd(basis.transpose() * columns.gradients) : columns.gradients;
  const Eigen::Index dimensions = draws.rows();
  const double unit = count < 2 * dimensions ? regularisation_of_few : regularisation;
  const auto covariance = [&](const MatrixXd& of) -> MatrixXd {
    return of * of.transpose() / double(count) + unit * MatrixXd::Identity(dimensions, dimensions);
  };
  const Eigen::SelfAdjointEigenSolver<MatrixXd> eigen(geometric_mean_with_inverse(covariance(draws), covariance(gradients)));
  // The directions that are not in the span keep their scale.
  const double usual = basis.size() ? 1 : std::max(eigen.eigenvalues()[dimensions / 2], 1e-300);
  const VectorXd variance = eigen.eigenvalues().array().max(1e-300) / usual;
  std::vector<Eigen::Index> order(static_cast<std::size_t>(dimensions));
  std::iota(order.begin(), order.end(), 0);
  const auto distance = [&](Eigen::Index k) { return std::abs(std::log(variance[k])); };
  std::stable_sort(order.begin(), order.end(), [&](Eigen::Index a, Eigen::Index b) { return distance(a) > distance(b); });
  Directions all{VectorXd(dimensions), MatrixXd(n, dimensions), usual};
  for (Eigen::Index k = 0; k < dimensions; ++k) {
    const Eigen::Index from = order[std::size_t(k)];
    all.variance[k] = variance[from];
    if (basis.size()) all.vectors.col(k) = basis * eigen.eigenvectors().col(from);
    else all.vectors.col(k) = eigen.eigenvectors().col(from);
  }
  return all;
}

// Leapfrog steps a draw, up to a factor, when the first `stretched` directions are seen to: the square root of the condition number.
double steps_with(const VectorXd& variance, Eigen::Index stretched) {
  double least = 1, most = 1;
  for (Eigen::Index k = stretched; k < variance.size(); ++k) least = std::min(least, variance[k]), most = std::max(most, variance[k]);
  return std::sqrt(most / least);
}

// How many of the first directions to take.
Eigen::Index count_of_directions(const Directions& all, MetricKind kind, double gradient_cost) {
  const Eigen::Index n = all.vectors.rows();
  if (kind == MetricKind::dense) return all.variance.size();
  Eigen::Index outside = 0;
  while (outside < all.variance.size() && std::abs(std::log(all.variance[outside])) > std::log(least_stretched)) ++outside;
  if (kind == MetricKind::low_rank) return std::min(outside, n / 2);
  // Three half steps, each with two passes over the coordinates.
  const double cost_of_one = 6. * double(n) / gradient_cost;
  Eigen::Index best = 0;
  double best_gain = least_gain;
  for (Eigen::Index k = 1; k <= outside; ++k) {
    const double gain = steps_with(all.variance, 0) / steps_with(all.variance, k) / (1 + double(k) * cost_of_one);
    if (gain > best_gain) best_gain = gain, best = k;
  }
  return best;
}

}  // namespace

Metric MetricEstimator::operator()(Window& window, const ChainMoments& positions, const ChainMoments& gradients,
                                   const std::vector<char>& left_out, const Metric& before) {
  Metric metric;
  metric.scale = diagonal_scale(positions, gradients, left_out, before.scale);
  description_ = "diagonal";
  if (settings_.kind == MetricKind::diagonal) return metric;
  const std::size_t n = metric.scale.size();
  const bool whole_space = settings_.kind == MetricKind::dense || n <= largest_whole_space;
  const Columns columns = scaled_columns(window, positions, gradients, left_out, metric.scale,
                                         whole_space ? draws_per_coordinate * n + draws_of_a_span : draws_of_a_span);
  if (columns.draws.cols() < 10) return metric;
  const Directions all = directions_of(columns, settings_.kind == MetricKind::dense);
  if (!all.variance.allFinite() || !all.vectors.allFinite()) return metric;
  for (double& s : metric.scale) s *= std::sqrt(all.usual);
  const Eigen::Index count = count_of_directions(all, settings_.kind, settings_.gradient_cost);
  constexpr int group = MetricView::group;
  const Eigen::Index groups = (count + group - 1) / group;
  metric.directions.assign(std::size_t(groups * group) * n, 0.);
  metric.stretch_less_1.assign(std::size_t(groups * group), 0.);
  for (Eigen::Index k = 0; k < count; ++k) {
    metric.stretch_less_1[std::size_t(k)] = std::sqrt(all.variance[k]) - 1;
    for (std::size_t i = 0; i < n; ++i)
      metric.directions[(std::size_t(k) / group * n + i) * group + std::size_t(k) % group] = all.vectors(Eigen::Index(i), k);
  }
  const double with_none = steps_with(all.variance, 0), with_these = steps_with(all.variance, count);
  if (count == 0)
    description_ = fmt::format("diagonal (correlations make a trajectory {:.2g} times as long, at most)", with_none);
  else
    description_ = fmt::format("{} of {} directions (correlations would make a trajectory {:.2g} times as long, at most; {:.2g} are left)",
                               count, n, with_none, with_these);
  return metric;
}

}  // namespace lockstep
