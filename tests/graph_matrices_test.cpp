// Matrices of graphs against what is known of them, and against Eigen.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <utility>
#include <vector>

#include "lockstep/data.hpp"
#include "lockstep/random.hpp"

namespace lockstep {
namespace {

using Pairs = std::vector<std::pair<int, int>>;

// A graph, bound as a model would.
struct Bound {
  Data data;
  DataViews views;
  Dataset set;
  NeighbourSpectrum map;
  static Data as_data(const Pairs& pairs, int n) {
    std::vector<double> first, second;
    for (const auto& [i, j] : pairs) first.push_back(i + 1), second.push_back(j + 1);
    Data data;
    data.set("first", first);
    data.set("second", second);
    data.set("area", double(n));
    return data;
  }
  Bound(const Pairs& pairs, int n) : data(as_data(pairs, n)), views(data), set(views.view()) {
    const Dim area = set.dim("area"), pair = set.dim("pair");
    map = set.neighbour_spectrum(set.index("first", pair, area), set.index("second", pair, area));
  }
};
void expect_eigenvalues(const Bound& bound, std::vector<double> expected) {
  std::sort(expected.begin(), expected.end());
  ASSERT_EQ(bound.map.area.size, int(expected.size()));
  for (std::size_t k = 0; k < expected.size(); ++k) EXPECT_NEAR(bound.map.eigenvalues[k], expected[k], 1e-13) << k;
  EXPECT_EQ(bound.map.eigenvalues[expected.size() - 1], 1);
}

// A path of n has the eigenvalues cos(pi k/(n - 1)), and one spanning tree.
TEST(Neighbours, OfAPathHaveItsEigenvalues) {
  for (const int n : {2, 3, 4, 50}) {
    Pairs pairs;
    std::vector<double> expected{1};
    for (int k = 1; k < n; ++k) {
      pairs.push_back({k - 1, k});
      expected.push_back(std::cos(M_PI * k / (n - 1)));
    }
    const Bound bound(pairs, n);
    expect_eigenvalues(bound, expected);
    EXPECT_NEAR(bound.map.half_log_determinant, 0.5 * std::log(n), 1e-12);
    EXPECT_EQ(bound.map.apart, 0);
  }
}

// Where all are neighbours all other eigenvalues are -1/(n - 1); there are n^(n-2) spanning trees (Cayley).
TEST(Neighbours, OfACompleteGraphHaveItsEigenvalues) {
  for (const int n : {3, 4, 30}) {
    Pairs pairs;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < i; ++j) pairs.push_back({i, j});
    std::vector<double> expected(std::size_t(n), -1. / (n - 1));
    expected[0] = 1;
    const Bound bound(pairs, n);
    expect_eigenvalues(bound, expected);
    EXPECT_NEAR(bound.map.half_log_determinant, 0.5 * (n - 1) * std::log(n), 1e-12 * n);
  }
}

TEST(Neighbours, OfAnyGraphHaveEigensEigenvalues) {
  for (const int n : {5, 17, 120}) {
    Stream random({.seed = 20250909});
    Pairs pairs;
    for (int i = 1; i < n; ++i) {
      const int before = int(random.below(std::uint64_t(i)));
      pairs.push_back({i, before});
      for (int j = 0; j < i; ++j)
        if (j != before && random.uniform() < 3. / n) pairs.push_back({j, i});
    }
    const Bound bound(pairs, n);
    Eigen::MatrixXd weights = Eigen::MatrixXd::Zero(n, n), laplacian = weights;
    for (const auto& [i, j] : pairs) {
      weights(i, j) = weights(j, i) = 1 / std::sqrt(bound.map.degree[i] * bound.map.degree[j]);
      laplacian(i, j) = laplacian(j, i) = -1;
      laplacian(i, i) += 1, laplacian(j, j) += 1;
    }
    const Eigen::VectorXd expected = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(weights).eigenvalues();
    expect_eigenvalues(bound, {expected.begin(), expected.end()});
    const Eigen::VectorXd of_laplacian = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(laplacian).eigenvalues();
    EXPECT_NEAR(bound.map.half_log_determinant, 0.5 * of_laplacian.tail(n - 1).array().log().sum(), 1e-11 * n);
  }
}

TEST(Neighbours, InTwoPartsHaveTheEigenvalueOneTwice) {
  const Bound bound({{0, 1}, {3, 2}}, 4);
  EXPECT_EQ(bound.map.apart, 2);
  expect_eigenvalues(bound, {1, 1, -1, -1});
  EXPECT_EQ(bound.map.eigenvalues[2], 1);
}

}  // namespace
}  // namespace lockstep
