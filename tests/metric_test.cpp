// The metric: what its directions do in a leapfrog step, and what warmup learns of them (rules §6, "Low rank").

#include <cmath>
#include <random>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "host/metric.hpp"
#include "kernels/chain_moments.hpp"
#include "kernels/dynamics.hpp"
#include "kernels/team.hpp"
#include "kernels/window.hpp"

namespace lockstep {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// F of kernels/dynamics.hpp, as a matrix.
MatrixXd factor_of(const Metric& metric) {
  const Eigen::Index n = Eigen::Index(metric.scale.size());
  MatrixXd stretched = MatrixXd::Identity(n, n);
  for (std::size_t k = 0; k < metric.stretch_less_1.size(); ++k) {
    VectorXd u(n);
    for (Eigen::Index i = 0; i < n; ++i)
      u[i] = metric.directions[(k / MetricView::group * std::size_t(n) + std::size_t(i)) * MetricView::group + k % MetricView::group];
    stretched += metric.stretch_less_1[k] * u * u.transpose();
  }
  return Eigen::Map<const VectorXd>(metric.scale.data(), n).asDiagonal() * stretched;
}
MatrixXd inverse_mass(const Metric& metric) { return factor_of(metric) * factor_of(metric).transpose(); }

TEST(Dynamics, AStepIsThatOfTheMatrix) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  for (int n : {1, 2, 7, 9}) {
    for (int count : {0, 1, 4, 6}) {
      if (count > n) continue;
      Metric metric;
      for (int i = 0; i < n; ++i) metric.scale.push_back(std::exp(normal(random)));
      const MatrixXd orthonormal = Eigen::HouseholderQR<MatrixXd>(MatrixXd::NullaryExpr(n, n, [&] { return normal(random); })).householderQ();
      const std::size_t padded = std::size_t((count + MetricView::group - 1) / MetricView::group) * MetricView::group;
      metric.stretch_less_1.assign(padded, 0);
      metric.directions.assign(padded * std::size_t(n), 0);
      for (int k = 0; k < count; ++k) {
        metric.stretch_less_1[std::size_t(k)] = std::exp(2 * normal(random)) - 1;
        for (int i = 0; i < n; ++i)
          metric.directions[std::size_t((k / MetricView::group * n + i) * MetricView::group + k % MetricView::group)] = orthonormal(i, k);
      }
      const MatrixXd f = factor_of(metric);
      VectorXd x = VectorXd::NullaryExpr(n, [&] { return normal(random); }), q = VectorXd::NullaryExpr(n, [&] { return normal(random); });
      VectorXd g = VectorXd::NullaryExpr(n, [&] { return normal(random); });
      const double step = 0.37;
      const VectorXd kicked = q + 0.5 * step * f.transpose() * g, drifted = x + step * f * kicked;
      const VectorXd kicked_twice = kicked + 0.5 * step * f.transpose() * g;
      const PhasePoint<double> z{{x.data()}, {q.data()}, {g.data()}};
      kick_and_drift(ScalarTeam{}, n, z, metric.view(), step);
      EXPECT_LT((q - kicked).norm(), 1e-13 * (1 + kicked.norm())) << n << ", " << count;
      EXPECT_LT((x - drifted).norm(), 1e-13 * (1 + drifted.norm())) << n << ", " << count;
      kick(ScalarTeam{}, n, z, metric.view(), 0.5 * step);
      EXPECT_LT((q - kicked_twice).norm(), 1e-13 * (1 + kicked_twice.norm())) << n << ", " << count;
      EXPECT_DOUBLE_EQ(kinetic_energy(ScalarTeam{}, n, z.momentum), 0.5 * q.squaredNorm());
    }
  }
}

// Draws and gradients that are given, as a window.
class GivenWindow : public Window {
 public:
  GivenWindow(int chains, int coordinates, int draws) : Window(0, draws), block_(chains, coordinates, draws, Keep::gradients, 1), n_(coordinates) { add(draws); }
  void set(int chain, int draw, const VectorXd& x, const VectorXd& gradient) {
    const DrawBuffer tile = block_.tile(chain);
    for (int i = 0; i < n_; ++i) tile.positions[draw * n_ + i] = x[i], tile.gradients[draw * n_ + i] = gradient[i];
  }
  double lp(int, int) const override { return 0; }
  double acceptance(int, int) const override { return 0.8; }
  ChainMoments positions() const override { return moments(block_.tile(0).positions); }
  ChainMoments gradients() const override { return moments(block_.tile(0).gradients); }
  const DrawBlock& block() override { return block_; }

 private:
  ChainMoments moments(const double* rows) const {
    const std::size_t size = std::size_t(n_) * std::size_t(block_.chains());
    ChainMoments out{std::vector<double>(size), std::vector<double>(size)};
    for (int i = 0; i < n_; ++i)
      for (int c = 0; c < block_.chains(); ++c)
        chain_moments({rows, block_.chains(), 1, n_, capacity(), 0, draws(), 0, out.mean.data(), out.squares.data()}, i, c);
    return out;
  }
  DrawBlock block_;
  int n_;
};

struct Normal {
  MatrixXd covariance;
  MatrixXd root = Eigen::LLT<MatrixXd>(covariance).matrixL();
  VectorXd gradient(const VectorXd& deviation) const { return -covariance.llt().solve(deviation); }
};

// A covariance matrix with eigenvalues from 1e-3 to 50 in random directions, on coordinates of different scales.
Normal correlated(int n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  const MatrixXd u = Eigen::HouseholderQR<MatrixXd>(MatrixXd::NullaryExpr(n, n, [&] { return normal(random); })).householderQ();
  VectorXd variance(n), scale(n);
  for (int i = 0; i < n; ++i) variance[i] = i == 0 ? 1e-3 : i == 1 ? 50 : 1, scale[i] = std::exp(2 * normal(random));
  return {scale.asDiagonal() * u * variance.asDiagonal() * u.transpose() * scale.asDiagonal()};
}

// Independent draws; chain c about centre(c).
GivenWindow window_of(const Normal& target, int chains, int draws, unsigned seed, const std::function<VectorXd(int)>& centre) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  const int n = int(target.covariance.rows());
  GivenWindow window(chains, n, draws);
  for (int c = 0; c < chains; ++c)
    for (int d = 0; d < draws; ++d) {
      const VectorXd deviation = target.root * VectorXd::NullaryExpr(n, [&] { return normal(random); });
      window.set(c, d, centre(c) + deviation, target.gradient(deviation));
    }
  return window;
}
GivenWindow window_of(const Normal& target, int chains, int draws, unsigned seed) {
  return window_of(target, chains, draws, seed, [&](int) { return VectorXd::Zero(target.covariance.rows()); });
}

Metric estimate(GivenWindow& window, MetricKind kind, std::vector<char> left_out = {}, double gradient_cost = 1e6) {
  Metric before;
  before.scale.assign(std::size_t(window.block().coordinates()), 1);
  left_out.resize(std::size_t(window.block().chains()));
  return MetricEstimator({kind, gradient_cost})(window, window.positions(), window.gradients(), left_out, before);
}

int count_of(const Metric& metric) {
  int count = 0;
  for (double stretch : metric.stretch_less_1) count += stretch != 0;
  return count;
}

// How far the metric is from the covariance matrix: the largest |log| of the eigenvalues of one seen by the other.
double distance(const Metric& metric, const MatrixXd& covariance) {
  const MatrixXd inverse = factor_of(metric).inverse();
  const Eigen::SelfAdjointEigenSolver<MatrixXd> eigen(inverse * covariance * inverse.transpose());
  return eigen.eigenvalues().array().log().abs().maxCoeff();
}

TEST(MetricEstimate, DenseIsTheCovarianceOfANormalDistribution) {
  const Normal target = correlated(12, 5);
  GivenWindow window = window_of(target, 8, 6, 7);   // 48 draws: the sample covariance itself would be far off
  EXPECT_LT(distance(estimate(window, MetricKind::dense), target.covariance), 0.02);
  EXPECT_GT(distance(estimate(window, MetricKind::diagonal), target.covariance), 3);
}

TEST(MetricEstimate, LowRankLeavesNothingOutsideItsCutoff) {
  const Normal target = correlated(40, 5);
  GivenWindow window = window_of(target, 8, 60, 7);
  const Metric metric = estimate(window, MetricKind::low_rank);
  EXPECT_GE(count_of(metric), 2);
  EXPECT_LE(count_of(metric), 20);
  EXPECT_LE(distance(metric, target.covariance), std::log(2) + 0.02);
}

TEST(MetricEstimate, AutomaticTakesTheDirectionsThatPay) {
  const Normal target = correlated(12, 5);
  GivenWindow window = window_of(target, 8, 6, 7);
  EXPECT_LE(distance(estimate(window, MetricKind::automatic), target.covariance), std::log(2) + 0.02);
  EXPECT_EQ(count_of(estimate(window, MetricKind::automatic, {}, 1e-3)), 0);  // a gradient that costs next to nothing
  const Normal independent{MatrixXd::Identity(12, 12)};
  GivenWindow plain = window_of(independent, 8, 6, 7);
  EXPECT_EQ(count_of(estimate(plain, MetricKind::automatic)), 0);
}

TEST(MetricEstimate, OfManyCoordinatesUsesTheSpanOfTheDraws) {
  // 600 coordinates, of which two directions are far from their scales.
  const Normal target = correlated(600, 11);
  GivenWindow window = window_of(target, 16, 20, 13);
  const Metric metric = estimate(window, MetricKind::low_rank), plain = estimate(window, MetricKind::diagonal);
  EXPECT_LT(distance(metric, target.covariance), 0.5 * distance(plain, target.covariance));
  EXPECT_LE(count_of(metric), 300);
}

TEST(MetricEstimate, DuplicatedChainsChangeNothing) {
  const Normal target = correlated(6, 5);
  GivenWindow once = window_of(target, 4, 20, 7);
  GivenWindow twice(8, 6, 20);
  for (int c = 0; c < 8; ++c)
    for (int d = 0; d < 20; ++d) {
      VectorXd x(6), g(6);
      for (int i = 0; i < 6; ++i) x[i] = once.block().position(c % 4, d, i), g[i] = once.block().gradient(c % 4, d, i);
      twice.set(c, d, x, g);
    }
  for (MetricKind kind : {MetricKind::diagonal, MetricKind::low_rank, MetricKind::dense}) {
    const MatrixXd a = inverse_mass(estimate(once, kind)), b = inverse_mass(estimate(twice, kind));
    EXPECT_LT((a - b).norm(), 1e-8 * a.norm());
  }
}

TEST(MetricEstimate, TwoModesMakeNoDirectionBetweenThem) {
  const Normal target{MatrixXd::Identity(6, 6)};
  GivenWindow window = window_of(target, 8, 30, 7, [](int c) { return VectorXd(VectorXd::Constant(6, c % 2 ? 20. : -20.)); });
  EXPECT_EQ(count_of(estimate(window, MetricKind::low_rank)), 0);
}

TEST(MetricEstimate, AChainThatIsLeftOutCountsForNothing) {
  const Normal target = correlated(6, 5);
  GivenWindow without = window_of(target, 7, 30, 7);
  GivenWindow with(8, 6, 30);
  for (int d = 0; d < 30; ++d) {
    for (int c = 0; c < 7; ++c) {
      VectorXd x(6), g(6);
      for (int i = 0; i < 6; ++i) x[i] = without.block().position(c, d, i), g[i] = without.block().gradient(c, d, i);
      with.set(c, d, x, g);
    }
    with.set(7, d, VectorXd::Constant(6, 1e6 * d), VectorXd::Constant(6, -1e9));  // stuck, far out
  }
  std::vector<char> left_out(8);
  left_out[7] = 1;
  for (MetricKind kind : {MetricKind::diagonal, MetricKind::low_rank, MetricKind::dense}) {
    const MatrixXd a = inverse_mass(estimate(without, kind)), b = inverse_mass(estimate(with, kind, left_out));
    EXPECT_LT((a - b).norm(), 1e-10 * a.norm());
  }
}

TEST(MetricEstimate, IgnoresDrawsWithoutAFiniteGradient) {
  const Normal target = correlated(6, 5);
  GivenWindow window = window_of(target, 8, 30, 7);
  window.set(3, 5, VectorXd::Zero(6), VectorXd::Constant(6, std::nan("")));
  const Metric metric = estimate(window, MetricKind::dense);
  for (double s : metric.scale) EXPECT_TRUE(std::isfinite(s));
  for (double s : metric.stretch_less_1) EXPECT_TRUE(std::isfinite(s));
}

}  // namespace
}  // namespace lockstep
