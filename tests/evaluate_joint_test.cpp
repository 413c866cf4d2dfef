// Distributions of vectors, matrices and categories outside of a model: log densities against 60-digit values, supports, draws.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lockstep/evaluate.hpp"
#include "tests/message_of.hpp"

namespace lockstep {
namespace {

using nlohmann::json;
constexpr double infinity = std::numeric_limits<double>::infinity();

NumberVector vector_of(const json& j) { return NumberVector(j.get<std::vector<double>>()); }
// By its rows, which may be those of a lower triangle: of a factor, or of a symmetric matrix.
NumberMatrix matrix_of(const json& j, bool symmetric = false) {
  const int n = int(j.size());
  NumberMatrix m(n, int(j.back().size()));
  for (int i = 0; i < n; ++i)
    for (int k = 0; k < int(j[std::size_t(i)].size()); ++k) {
      m.at(i, k) = j[std::size_t(i)][std::size_t(k)];
      if (symmetric) m.at(k, i) = m.value(i, k);
    }
  return m;
}

// value(case) against the log density of each case of the distribution.
template <class F> void expect_golden(const char* name, const F& value) {
  static const json all = json::parse(std::ifstream(LOCKSTEP_SOURCE_DIR "/tests/golden/joint_densities.json"));
  int compared = 0;
  for (const json& c : all.at(name)) {
    const double expected = std::stod(c.at("log_density").get<std::string>());
    EXPECT_NEAR(value(c), expected, 1e-10 * std::max(1., std::abs(expected))) << name << " " << c.dump();
    ++compared;
  }
  EXPECT_GE(compared, 8) << name;
}

auto init(const json& c) { return normal(c["init"][0].get<double>(), c["init"][1].get<double>()); }

TEST(DistributionsOfVectorsOutsideOfAModel, HaveTheirLogDensities) {
  expect_golden("dirichlet", [](const json& c) {
    const NumberVector alpha = vector_of(c["alpha"]);
    return log_density(dirichlet(alpha), vector_of(c["y"]));
  });
  expect_golden("mv_normal_cholesky", [](const json& c) {
    const NumberVector mu = vector_of(c["mu"]);
    const NumberMatrix factor = matrix_of(c["factor"]);
    return log_density(mv_normal_cholesky(mu, factor), vector_of(c["y"]));
  });
  expect_golden("mv_normal_precision_cholesky", [](const json& c) {
    const NumberVector mu = vector_of(c["mu"]);
    const NumberMatrix factor = matrix_of(c["factor"]);
    return log_density(mv_normal_precision_cholesky(mu, factor), vector_of(c["y"]));
  });
  expect_golden("mv_student_t_cholesky", [](const json& c) {
    const NumberVector mu = vector_of(c["mu"]);
    const NumberMatrix factor = matrix_of(c["factor"]);
    return log_density(mv_student_t_cholesky(c["nu"].get<double>(), mu, factor), vector_of(c["y"]));
  });
  expect_golden("mv_normal_low_rank", [](const json& c) {
    const NumberVector mu = vector_of(c["mu"]), variance = vector_of(c["variance"]);
    const NumberMatrix loadings = matrix_of(c["loadings"]);
    return log_density(mv_normal_low_rank(mu, loadings, variance), vector_of(c["y"]));
  });
  const auto total = [](const json& y) { double sum = 0; for (const double each : y) sum += each; return sum; };
  expect_golden("multinomial", [&](const json& c) {
    const NumberVector p = vector_of(c["p"]);
    return log_density(multinomial(total(c["y"]), p), vector_of(c["y"]));
  });
  expect_golden("dirichlet_multinomial", [&](const json& c) {
    const NumberVector alpha = vector_of(c["alpha"]);
    return log_density(dirichlet_multinomial(total(c["y"]), alpha), vector_of(c["y"]));
  });
  expect_golden("stick_breaking_weights", [](const json& c) {
    return log_density(stick_breaking_weights(c["alpha"].get<double>()), vector_of(c["y"]));
  });
  expect_golden("gaussian_random_walk", [](const json& c) {
    const NumberVector mu = vector_of(c["mu"]), sigma = vector_of(c["sigma"]);
    return log_density(gaussian_random_walk(mu, sigma, init(c)), vector_of(c["y"]));
  });
  expect_golden("ar", [](const json& c) {
    const NumberVector rho = vector_of(c["rho"]);
    return log_density(ar(rho, c["sigma"].get<double>(), init(c)), vector_of(c["y"]));
  });
  expect_golden("discrete_markov_chain", [](const json& c) {
    const NumberVector initial = vector_of(c["initial"]);
    const NumberMatrix transition = matrix_of(c["transition"]);
    return log_density(discrete_markov_chain(initial, transition), vector_of(c["y"]));
  });
}
TEST(DistributionsOfMatricesOutsideOfAModel, HaveTheirLogDensities) {
  expect_golden("lkj_cholesky", [](const json& c) { return log_density(lkj_cholesky(c["eta"].get<double>()), matrix_of(c["y"])); });
  expect_golden("lkj_corr", [](const json& c) { return log_density(lkj_corr(c["eta"].get<double>()), matrix_of(c["y"], true)); });
  expect_golden("wishart_cholesky", [](const json& c) {
    const NumberMatrix factor = matrix_of(c["factor"]);
    return log_density(wishart_cholesky(c["nu"].get<double>(), factor), matrix_of(c["y"]));
  });
  expect_golden("wishart", [](const json& c) {
    const NumberMatrix factor = matrix_of(c["factor"]);
    return log_density(wishart(c["nu"].get<double>(), factor), matrix_of(c["y"], true));
  });
  expect_golden("inverse_wishart", [](const json& c) {
    const NumberMatrix factor = matrix_of(c["factor"]);
    return log_density(inverse_wishart(c["nu"].get<double>(), factor), matrix_of(c["y"], true));
  });
  expect_golden("matrix_normal", [](const json& c) {
    const NumberMatrix mu = matrix_of(c["mu"]), rows = matrix_of(c["rows_factor"]), columns = matrix_of(c["factor"]);
    return log_density(matrix_normal(mu, rows, columns), matrix_of(c["y"]));
  });
  expect_golden("mv_gaussian_random_walk", [](const json& c) {
    const NumberVector mu = vector_of(c["mu"]);
    const NumberMatrix factor = matrix_of(c["factor"]), init = matrix_of(c["init"]);
    return log_density(mv_gaussian_random_walk(mu, factor, mv_normal_cholesky(0, init)), matrix_of(c["y"]));
  });
}
TEST(DistributionsOutsideOfAModel, TakeNumbersAndLambdasToo) {
  const double p[] = {0.2, 0.5, 0.3};
  EXPECT_NEAR(log_density(multinomial(4, [&](auto k) { return p[k.position]; }), {1, 2, 1}), std::log(12 * 0.2 * 0.25 * 0.3), 1e-13);
  EXPECT_NEAR(log_density(dirichlet(1), {0.2, 0.5, 0.3}), std::log(2), 1e-13);
  // A normal vector is given that it sums to zero: two of the three dimensions are left.
  EXPECT_NEAR(log_density(zero_sum_normal(2), {1, -0.5, -0.5}), -1.5 / 8 - std::log(2 * M_PI * 4), 1e-13);
  const NumberVector share{0.2, 0.5, 0.3};
  EXPECT_NEAR(log_density(categorical(share), 1), std::log(0.5), 1e-15);
  EXPECT_NEAR(log_cdf(categorical(share), 1), std::log(0.7), 1e-15);
  EXPECT_NEAR(log_ccdf(categorical(share), 1), std::log(0.3), 1e-15);
  EXPECT_EQ(quantile(categorical(share), 0.69), 1);
  EXPECT_EQ(quantile(categorical(share), 0.71), 2);
  EXPECT_NEAR(log_density(truncated(categorical(share), 1, no_bound), 2), std::log(0.3 / 0.8), 1e-15);
}
TEST(ACholeskyFactor, IsThatOfACovarianceMatrix) {
  const NumberMatrix s{{4, 2, 0.4}, {2, 2, 0.3}, {0.4, 0.3, 1}}, l = cholesky_factor(s);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      double sum = 0;
      for (int k = 0; k < 3; ++k) sum += l.value(i, k) * l.value(j, k);
      EXPECT_NEAR(sum, s.value(i, j), 1e-15);
      if (j > i) {
        EXPECT_EQ(l.value(i, j), 0);
      }
    }
  for (const NumberMatrix& none : {NumberMatrix{{1, 2}, {2, 1}}, NumberMatrix{{1, 0.5}, {0.4, 1}}, NumberMatrix{{1, 0.5}}})
    EXPECT_NE(message_of([&] { cholesky_factor(none); }).find("no Cholesky factor"), std::string::npos);
}
TEST(EventsOutsideOfTheirSupport, AreImpossible) {
  const NumberMatrix factor = cholesky_factor({{2, 0.3}, {0.3, 1}});
  EXPECT_EQ(log_density(dirichlet(1), {0.2, 0.5, 0.4}), -infinity);
  EXPECT_EQ(log_density(dirichlet(1), {1.2, -0.2}), -infinity);
  EXPECT_EQ(log_density(zero_sum_normal(1), {1, 1}), -infinity);
  EXPECT_EQ(log_density(multinomial(4, 0.5), {1, 2}), -infinity);
  EXPECT_EQ(log_density(lkj_corr(1), {{1, 1.5}, {1.5, 1}}), -infinity);
  EXPECT_EQ(log_density(lkj_corr(1), {{1, 0.5}, {0.4, 1}}), -infinity);
  EXPECT_EQ(log_density(lkj_cholesky(1), {{1, 0.1}, {0.6, 0.8}}), -infinity);
  EXPECT_EQ(log_density(wishart(3, factor), {{1, 2}, {2, 1}}), -infinity);
  EXPECT_EQ(log_density(zero_sum_matrix_normal(1), {{1, -1}, {1, -1}}), -infinity);
}
TEST(ArgumentsOfOtherLengths, AreErrors) {
  const NumberVector mu{0, 1, 2};
  const NumberMatrix factor = cholesky_factor({{2, 0.3}, {0.3, 1}});
  Stream stream({.seed = 1});
  const std::string problem = "along";
  EXPECT_NE(message_of([&] { log_density(mv_normal_cholesky(mu, factor), {0, 1, 2}); }).find(problem), std::string::npos);
  EXPECT_NE(message_of([&] { log_density(mv_normal_cholesky(0, factor), {0, 1, 2}); }).find(problem), std::string::npos);
  EXPECT_NE(message_of([&] { log_density(dirichlet(mu), {0.5, 0.5}); }).find(problem), std::string::npos);
  EXPECT_NE(message_of([&] { draw(dirichlet(mu), stream, 2); }).find(problem), std::string::npos);
  EXPECT_NE(message_of([&] { log_density(wishart(5, factor), {{1, 2}}); }).find("square"), std::string::npos);
  EXPECT_NE(message_of([&] { NumberMatrix{{1, 2}, {3}}; }).find("different lengths"), std::string::npos);
}
// Samplers are compared with distributions in joint_draws_test.cpp; here, that these are their draws.
TEST(DrawsOutsideOfAModel, AreThoseOfTheSamplers) {
  const NumberVector mu{1, -2};
  const NumberMatrix factor = cholesky_factor({{2, 0.3}, {0.3, 1}});
  Stream one({.seed = 3}), same({.seed = 3});
  const NumberVector y = draw(mv_normal_cholesky(mu, factor), one, 2);
  const double z = same.normal(), w = same.normal();
  EXPECT_DOUBLE_EQ(y[0], 1 + factor.value(0, 0) * z);
  EXPECT_DOUBLE_EQ(y[1], -2 + factor.value(1, 0) * z + factor.value(1, 1) * w);
  const NumberVector shares = draw(dirichlet(NumberVector{0.5, 2, 1}), one, 3);
  EXPECT_NEAR(shares[0] + shares[1] + shares[2], 1, 1e-15);
  const NumberVector counts = draw(multinomial(20, shares), one, 3);
  EXPECT_EQ(counts[0] + counts[1] + counts[2], 20);
  const NumberMatrix r = draw(lkj_corr(2), one, 3);
  EXPECT_GT(log_density(lkj_corr(2), r), -infinity);
  EXPECT_EQ(r.value(2, 2), 1);
  const NumberMatrix s = draw(inverse_wishart(5, factor), one, 2);
  EXPECT_GT(log_density(inverse_wishart(5, factor), s), -infinity);
  const NumberMatrix walk = draw(mv_gaussian_random_walk(0, factor, mv_normal_cholesky(0, factor)), one, 4, 2);
  EXPECT_EQ(walk.rows().size, 4);
  EXPECT_TRUE(std::isfinite(log_density(mv_gaussian_random_walk(0, factor, mv_normal_cholesky(0, factor)), walk)));
}

}  // namespace
}  // namespace lockstep
