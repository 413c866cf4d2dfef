// Draws of distributions of vectors as wholes: elements, and combinations of them whose distribution is known, against
// Boost.Math's CDFs and mass functions.
//
// All comparisons together raise a false alarm with probability 1e-3 (Bonferroni), at fixed seeds.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <string>
#include <vector>

#include "lockstep/evaluate.hpp"
#include "tests/goodness_of_fit.hpp"

namespace lockstep {
namespace {

namespace bm = boost::math;

constexpr double family_level = 1e-3;
constexpr int sample_size = 20000;

using Vectors = std::vector<Sample>;
template <class D> Vectors draws(const D& d, int size) {
  Stream random({.seed = 20251112, .purpose = Purpose::prior_draw});
  Vectors all(sample_size, Sample(std::size_t(size), 0.));
  for (Sample& each : all) d.sample(PlainNumbers{}, random, Dim{0, 0, size}, each.data());
  return all;
}
template <class F> Sample each(const Vectors& vectors, const F& f) {
  Sample sample;
  for (const Sample& v : vectors) sample.push_back(f(v));
  return sample;
}
Cdf normal_cdf(double mean, double variance) {
  return [=](double x) { return cdf(bm::normal(mean, std::sqrt(variance)), x); };
}

// A lower triangular factor that is data.
struct Factor {
  Eigen::MatrixXd at;
  double value(int i, int j) const { return at(i, j); }
};

TEST(DrawsOfVectors, AllHaveTheirDistributionsTogetherAtOneInAThousand) {
  struct Comparison {
    std::string name;
    double p_value;
  };
  std::vector<Comparison> all;
  const auto continuous = [&](const char* name, const Sample& sample, const Cdf& cdf) {
    all.push_back({name, kolmogorov_smirnov(sample, cdf)});
  };
  const auto counts = [&](const char* name, const Sample& sample, const MassFunction& mass) {
    all.push_back({name, chi_square(sample, mass)});
  };

  // Some of the categories together are binomial.
  const double p[] = {0.2, 0.01, 0.5, 0.29};
  const auto binomial_mass = [](double q) { return [=](double y) { return y <= 40 ? pdf(bm::binomial(40, q), y) : 0.; }; };
  const Vectors of_forty = draws(multinomial(40, [&](auto k) { return p[k.position]; }), 4);
  for (std::size_t k = 0; k < 4; ++k)
    counts("multinomial", each(of_forty, [=](const Sample& v) { return v[k]; }), binomial_mass(p[k]));
  counts("multinomial, two categories", each(of_forty, [](const Sample& v) { return v[0] + v[3]; }), binomial_mass(0.49));
  for (const Sample& v : of_forty) ASSERT_EQ(v[0] + v[1] + v[2] + v[3], 40);

  const double alpha[] = {0.6, 2.5, 1};
  const auto beta_binomial_mass = [](double a, double b) {
    return [=](double y) {
      return std::exp(log_density(beta_binomial(a, b, 20.), y));
    };
  };
  const Vectors of_twenty = draws(dirichlet_multinomial(20, [&](auto k) { return alpha[k.position]; }), 3);
  for (std::size_t k = 0; k < 3; ++k)
    counts("dirichlet_multinomial", each(of_twenty, [=](const Sample& v) { return v[k]; }),
           beta_binomial_mass(alpha[k], 4.1 - alpha[k]));
  counts("dirichlet_multinomial, two categories", each(of_twenty, [](const Sample& v) { return v[0] + v[2]; }),
         beta_binomial_mass(1.6, 2.5));

  Factor factor{Eigen::MatrixXd(3, 3)};
  factor.at << 1.5, 0, 0, -0.7, 0.4, 0, 0.3, 1.1, 0.8;
  const Eigen::MatrixXd covariance = factor.at * factor.at.transpose(), inverse = covariance.inverse();
  const Eigen::Vector3d directions[] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, -2, 0.5}};
  const auto along = [](const Eigen::Vector3d& direction) {
    return [=](const Sample& v) { return direction[0] * v[0] + direction[1] * v[1] + direction[2] * v[2]; };
  };
  const Vectors light = draws(mv_normal_cholesky(0.4, factor), 3);
  const Vectors precise = draws(mv_normal_precision_cholesky(0.4, factor), 3);
  const Vectors heavy = draws(mv_student_t_cholesky(2.5, 0.4, factor), 3);
  for (const Eigen::Vector3d& d : directions) {
    const double mean = 0.4 * d.sum(), variance = d.dot(covariance * d);
    continuous("mv_normal_cholesky", each(light, along(d)), normal_cdf(mean, variance));
    continuous("mv_normal_precision_cholesky", each(precise, along(d)), normal_cdf(mean, d.dot(inverse * d)));
    continuous("mv_student_t_cholesky", each(heavy, along(d)),
               [=](double x) { return cdf(bm::students_t(2.5), (x - mean) / std::sqrt(variance)); });
  }

  const auto drift = [](auto t) { return 0.1 * t.position; };
  const auto scale = [](auto t) { return 1. + t.position; };
  const Vectors walks = draws(gaussian_random_walk(drift, scale, normal(2, 0.5)), 4);
  continuous("start of a walk", each(walks, [](const Sample& v) { return v[0]; }), normal_cdf(2, 0.25));
  continuous("end of a walk", each(walks, [](const Sample& v) { return v[3]; }), normal_cdf(2.6, 0.25 + 4 + 9 + 16));
  continuous("step of a walk", each(walks, [](const Sample& v) { return v[2] - v[1]; }), normal_cdf(0.2, 9));

  // From a start of 0 the variance after t steps is sigma^2 (1 - phi^(2t))/(1 - phi^2).
  const Vectors series = draws(ar(0.8, 0.5, normal(0, 1e-9)), 7);
  for (std::size_t t = 1; t < 7; ++t)
    continuous("ar, one lag", each(series, [=](const Sample& v) { return v[t]; }),
               normal_cdf(0, 0.25 * (1 - std::pow(0.8, 2. * double(t))) / (1 - 0.64)));
  continuous("ar, one lag, innovation", each(series, [](const Sample& v) { return v[6] - 0.8 * v[5]; }), normal_cdf(0, 0.25));

  const Vectors zero = draws(zero_sum_normal(1.5), 4);
  continuous("zero_sum_normal", each(zero, [](const Sample& v) { return v[2]; }), normal_cdf(0, 2.25 * 0.75));
  continuous("zero_sum_normal, difference", each(zero, [](const Sample& v) { return v[3] - v[0]; }), normal_cdf(0, 4.5));

  // The covariance is the pseudo-inverse of the Laplacian, times sigma^2.
  const int first[] = {0, 1, 2, 0, 3}, second[] = {1, 2, 3, 3, 4};
  Eigen::MatrixXd laplacian = Eigen::MatrixXd::Constant(5, 5, 1. / 5);
  for (int e = 0; e < 5; ++e) {
    const int i = first[e], j = second[e];
    laplacian(i, i) += 1, laplacian(j, j) += 1, laplacian(i, j) -= 1, laplacian(j, i) -= 1;
  }
  const Eigen::MatrixXd levels = 0.49 * (laplacian.inverse() - Eigen::MatrixXd::Constant(5, 5, 1. / 5));
  const Dim pairs{1, 0, 5}, areas{0, 0, 5};
  const Vectors areas_levels = draws(icar(GroupIndex{first, pairs, areas}, GroupIndex{second, pairs, areas}, 0.7), 5);
  for (int k = 0; k < 5; ++k)
    continuous("icar", each(areas_levels, [=](const Sample& v) { return v[std::size_t(k)]; }), normal_cdf(0, levels(k, k)));
  continuous("icar, difference", each(areas_levels, [](const Sample& v) { return v[4] - v[1]; }),
             normal_cdf(0, levels(4, 4) + levels(1, 1) - 2 * levels(4, 1)));

  // Each piece is Beta(1, alpha) of what is left.
  const Vectors weights = draws(stick_breaking_weights(2.5), 4);
  const Cdf piece = [](double x) { return cdf(bm::beta_distribution<>(1, 2.5), x); };
  continuous("stick_breaking_weights, first", each(weights, [](const Sample& v) { return v[0]; }), piece);
  continuous("stick_breaking_weights, second", each(weights, [](const Sample& v) { return v[1] / (1 - v[0]); }), piece);
  continuous("stick_breaking_weights, third", each(weights, [](const Sample& v) { return v[2] / (v[2] + v[3]); }), piece);

  EXPECT_EQ(all.size(), 42u);
  for (const Comparison& c : all) EXPECT_GT(c.p_value, family_level / double(all.size())) << c.name;
}

}  // namespace
}  // namespace lockstep
