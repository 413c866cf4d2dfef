// Draws of distributions of vectors as wholes: elements, and combinations of them whose distribution is known, against
// Boost.Math's CDFs and mass functions.
//
// All comparisons together raise a false alarm with probability 1e-3 (Bonferroni), at fixed seeds.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/cauchy.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/laplace.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <string>
#include <vector>

#include "lockstep/evaluate.hpp"
#include "tests/goodness_of_fit.hpp"
#include "tests/largest_errors.hpp"

namespace lockstep {
namespace {

namespace bm = boost::math;

constexpr double family_level = 1e-3;
constexpr int sample_size = 20000;

using Vectors = std::vector<Sample>;
// Of `elements`, if they are not as many as the dimension's: of a square matrix.
template <class D> Vectors draws(const D& d, int size, int elements = 0) {
  Stream random({.seed = 20251112, .purpose = Purpose::prior_draw});
  Vectors all(sample_size, Sample(std::size_t(elements > 0 ? elements : size), 0.));
  for (Sample& each : all) d.sample(PlainNumbers{}, random, Dim{0, 0, size}, each.data());
  return all;
}
template <class D> Vectors matrix_draws(const D& d, int rows, int columns) {
  Stream random({.seed = 20251113, .purpose = Purpose::prior_draw});
  Vectors all(sample_size, Sample(std::size_t(rows * columns), 0.));
  for (Sample& each : all) d.sample(PlainNumbers{}, random, Dim{1, 0, rows}, Dim{0, 0, columns}, each.data());
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
  Dim columns() const { return {2, 0, int(at.cols())}; }
};
struct CutVector {
  const double* cuts;
  int size;
  Constant operator[](Index k) const { return Constant(cuts[k.position]); }
  Dim dim() const { return {4, 0, size}; }
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

  const Vectors parts = draws(dirichlet([&](auto k) { return alpha[k.position]; }), 3);
  for (std::size_t k = 0; k < 3; ++k)
    continuous("dirichlet", each(parts, [=](const Sample& v) { return v[k]; }),
               [=](double x) { return cdf(bm::beta_distribution<>(alpha[k], 4.1 - alpha[k]), x); });

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
  const Vectors jumps_of_size = draws(random_walk(laplace(0.3, 2), cauchy(1, 0.5)), 3);
  continuous("random_walk", each(jumps_of_size, [](const Sample& v) { return v[0]; }),
             [](double x) { return cdf(bm::cauchy_distribution<>(1, 0.5), x); });
  continuous("random_walk, step", each(jumps_of_size, [](const Sample& v) { return v[2] - v[1]; }),
             [](double x) { return cdf(bm::laplace_distribution<>(0.3, 2), x); });
  const Vectors walks = draws(gaussian_random_walk(drift, scale, normal(2, 0.5)), 4);
  continuous("gaussian_random_walk, start", each(walks, [](const Sample& v) { return v[0]; }), normal_cdf(2, 0.25));
  continuous("gaussian_random_walk, end", each(walks, [](const Sample& v) { return v[3]; }), normal_cdf(2.6, 0.25 + 4 + 9 + 16));
  continuous("gaussian_random_walk, step", each(walks, [](const Sample& v) { return v[2] - v[1]; }), normal_cdf(0.2, 9));

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
  Eigen::MatrixXd proper = Eigen::MatrixXd::Zero(5, 5);
  for (int e = 0; e < 5; ++e) {
    const int i = first[e], j = second[e];
    proper(i, i) += 2, proper(j, j) += 2, proper(i, j) -= 1.8, proper(j, i) -= 1.8;   // tau = 2, alpha = 0.9
    laplacian(i, i) += 1, laplacian(j, j) += 1, laplacian(i, j) -= 1, laplacian(j, i) -= 1;
  }
  const Eigen::MatrixXd levels = 0.49 * (laplacian.inverse() - Eigen::MatrixXd::Constant(5, 5, 1. / 5));
  NeighbourSpectrum map;
  const double degree[] = {2, 2, 2, 3, 1};
  map.first = first, map.second = second, map.degree = degree;
  map.pair = Dim{1, 0, 5}, map.area = Dim{0, 0, 5};
  const Vectors areas_levels = draws(icar(map, 0.7), 5);
  for (int k = 0; k < 5; ++k)
    continuous("icar", each(areas_levels, [=](const Sample& v) { return v[std::size_t(k)]; }), normal_cdf(0, levels(k, k)));
  continuous("icar, difference", each(areas_levels, [](const Sample& v) { return v[4] - v[1]; }),
             normal_cdf(0, levels(4, 4) + levels(1, 1) - 2 * levels(4, 1)));

  const Eigen::MatrixXd proper_covariance = proper.inverse();
  const Vectors proper_levels = draws(car(map, 0.4, 0.9, 2), 5);
  for (int k = 0; k < 5; ++k)
    continuous("car", each(proper_levels, [=](const Sample& v) { return v[std::size_t(k)]; }),
               normal_cdf(0.4, proper_covariance(k, k)));
  continuous("car, difference", each(proper_levels, [](const Sample& v) { return v[2] - v[4]; }),
             normal_cdf(0, proper_covariance(2, 2) + proper_covariance(4, 4) - 2 * proper_covariance(2, 4)));

  // Each piece is Beta(1, alpha) of what is left.
  const Vectors weights = draws(stick_breaking_weights(2.5), 4);
  const Cdf piece = [](double x) { return cdf(bm::beta_distribution<>(1, 2.5), x); };
  continuous("stick_breaking_weights, first", each(weights, [](const Sample& v) { return v[0]; }), piece);
  continuous("stick_breaking_weights, second", each(weights, [](const Sample& v) { return v[1] / (1 - v[0]); }), piece);
  continuous("stick_breaking_weights, third", each(weights, [](const Sample& v) { return v[2] / (v[2] + v[3]); }), piece);

  // ---- of low rank, and matrices ----
  Factor loadings{Eigen::MatrixXd(3, 2)};
  loadings.at << 1, 0.5, -0.7, 0.4, 0.3, 1.1;
  const Eigen::MatrixXd low_rank = loadings.at * loadings.at.transpose() + 0.3 * Eigen::MatrixXd::Identity(3, 3);
  const Vectors few = draws(mv_normal_low_rank(0.4, loadings, 0.3), 3);
  for (const Eigen::Vector3d& d : directions)
    continuous("mv_normal_low_rank", each(few, along(d)), normal_cdf(0.4 * d.sum(), d.dot(low_rank * d)));

  // Of 2 rows and 3 columns; the covariance of elements (i, j), (k, l) is A A^T (i, k) times B B^T (j, l).
  Factor rows_factor{Eigen::MatrixXd(2, 2)};
  rows_factor.at << 0.8, 0, -0.5, 1.3;
  const Eigen::MatrixXd of_rows = rows_factor.at * rows_factor.at.transpose();
  const Vectors tables = matrix_draws(matrix_normal(0.4, rows_factor, factor), 2, 3);
  for (std::size_t e = 0; e < 6; ++e)
    continuous("matrix_normal", each(tables, [=](const Sample& v) { return v[e]; }),
               normal_cdf(0.4, of_rows(int(e) / 3, int(e) / 3) * covariance(int(e) % 3, int(e) % 3)));
  continuous(
      "matrix_normal, across", each(tables, [](const Sample& v) { return v[0] - v[5]; }),
      normal_cdf(0, of_rows(0, 0) * covariance(0, 0) + of_rows(1, 1) * covariance(2, 2) - 2 * of_rows(0, 1) * covariance(0, 2)));

  const Vectors interactions = matrix_draws(zero_sum_matrix_normal(1.5), 3, 4);
  continuous("zero_sum_matrix_normal", each(interactions, [](const Sample& v) { return v[6]; }),
             normal_cdf(0, 2.25 * 2 / 3 * 3 / 4));
  continuous("zero_sum_matrix_normal, of a row", each(interactions, [](const Sample& v) { return v[8] - v[9]; }),
             normal_cdf(0, 2 * 2.25 * 2 / 3));

  // Each correlation of 3 is beta on (-1, 1), both shapes eta + 1/2.
  const auto correlation_cdf = [](double shape) {
    return [=](double r) { return cdf(bm::beta_distribution<>(shape, shape), (1 + r) / 2); };
  };
  const Vectors correlations = draws(lkj_corr(2), 3, 9);
  for (const std::size_t e : {1, 2, 5})
    continuous("lkj_corr", each(correlations, [=](const Sample& v) { return v[e]; }), correlation_cdf(2.5));
  const Vectors unit_factors = draws(lkj_cholesky(2), 3, 9);
  continuous("lkj_cholesky", each(unit_factors, [](const Sample& v) { return v[3]; }), correlation_cdf(2.5));
  continuous("lkj_cholesky, last two", each(unit_factors, [](const Sample& v) { return v[3] * v[6] + v[4] * v[7]; }),
             correlation_cdf(2.5));
  const Vectors factors = draws(lkj_cholesky_cov(2, exponential(2)), 3, 9);
  const auto row_length = [](const Sample& v, std::size_t i) { return std::hypot(v[3 * i], v[3 * i + 1], v[3 * i + 2]); };
  for (std::size_t i = 0; i < 3; ++i)
    continuous("lkj_cholesky_cov, scale", each(factors, [=](const Sample& v) { return row_length(v, i); }),
               [](double x) { return -std::expm1(-2 * x); });
  for (const auto& [i, j] : {std::pair<std::size_t, std::size_t>{1, 0}, {2, 0}, {2, 1}})
    continuous("lkj_cholesky_cov, correlation", each(factors, [=](const Sample& v) {
                 double sum = 0;
                 for (std::size_t k = 0; k < 3; ++k) sum += v[3 * i + k] * v[3 * j + k];
                 return sum / row_length(v, i) / row_length(v, j);
               }), correlation_cdf(2.5));

  // Of a Wishart matrix W with scale V, a.Wa/a.Va is chi-squared with nu degrees of freedom; the inverse of an inverse one is
  // one.
  const auto matrix_of = [](const Sample& v) {
    const Eigen::Matrix<double, 3, 3, Eigen::RowMajor> l =
        Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>(v.data());
    return Eigen::Matrix3d(l * l.transpose());
  };
  const double nu = 4.5;
  const Vectors wisharts = draws(wishart_cholesky(nu, factor), 3, 9),
                inverses = draws(inverse_wishart_cholesky(nu, factor), 3, 9);
  const auto chi_squared_cdf = [](double k) { return [=](double x) { return cdf(bm::chi_squared(k), x); }; };
  for (const Eigen::Vector3d& d : directions) {
    continuous("wishart_cholesky",
               each(wisharts, [&](const Sample& v) { return d.dot(matrix_of(v) * d) / d.dot(covariance * d); }),
               chi_squared_cdf(nu));
    continuous("inverse_wishart_cholesky",
               each(inverses, [&](const Sample& v) { return d.dot(matrix_of(v).inverse() * d) / d.dot(inverse * d); }),
               chi_squared_cdf(nu));
  }
  const Vectors matrices = draws(wishart(nu, factor), 3, 9), inverse_matrices = draws(inverse_wishart(nu, factor), 3, 9);
  using Square = Eigen::Matrix<double, 3, 3, Eigen::RowMajor>;
  for (const Eigen::Vector3d& d : directions) {
    continuous("wishart", each(matrices, [&](const Sample& v) {
                 return d.dot(Eigen::Map<const Square>(v.data()) * d) / d.dot(covariance * d);
               }), chi_squared_cdf(nu));
    continuous("inverse_wishart", each(inverse_matrices, [&](const Sample& v) {
                 return d.dot(Eigen::Map<const Square>(v.data()).inverse() * d) / d.dot(inverse * d);
               }), chi_squared_cdf(nu));
  }
  continuous("wishart_cholesky, second of Bartlett's diagonal",
             each(wisharts, [&](const Sample& v) { return std::pow(v[4] / factor.at(1, 1), 2); }), chi_squared_cdf(nu - 1));
  continuous("inverse_wishart_cholesky, first of Bartlett's diagonal",
             each(inverses, [&](const Sample& v) { return std::pow(factor.at(0, 0) / v[0], 2); }), chi_squared_cdf(nu - 2));

  // ---- paths ----
  const Vectors walk = matrix_draws(mv_gaussian_random_walk(0.2, factor, mv_normal_cholesky(1, factor)), 4, 3);
  for (const Eigen::Vector3d& d : directions)
    continuous("mv_gaussian_random_walk", each(walk, [=](const Sample& v) { return d[0] * v[9] + d[1] * v[10] + d[2] * v[11]; }),
               normal_cdf(d.sum() * (1 + 3 * 0.2), 4 * d.dot(covariance * d)));
  const Vectors jumps = matrix_draws(mv_student_t_random_walk(2.5, 0.2, factor, mv_normal_cholesky(1, factor)), 3, 3);
  for (const Eigen::Vector3d& d : directions) {
    const double mean = 0.2 * d.sum(), scale_of_step = std::sqrt(d.dot(covariance * d));
    continuous("mv_student_t_random_walk, step",
               each(jumps, [=](const Sample& v) { return d[0] * (v[6] - v[3]) + d[1] * (v[7] - v[4]) + d[2] * (v[8] - v[5]); }),
               [=](double x) { return cdf(bm::students_t(2.5), (x - mean) / scale_of_step); });
  }
  // From 1, dX = 2 (0.5 - X) dt + 0.7 dW in steps of 0.1: each value keeps 0.8 of the deviation before.
  const Vectors diffusions = draws(euler_maruyama([](auto x) { return 2 * (0.5 - x); }, 0.7, 0.1, normal(1, 1e-9)), 6);
  for (std::size_t t = 1; t < 6; ++t)
    continuous("euler_maruyama", each(diffusions, [=](const Sample& v) { return v[t]; }),
               normal_cdf(0.5 + 0.5 * std::pow(0.8, double(t)), 0.049 * (1 - std::pow(0.64, double(t))) / (1 - 0.64)));
  const double p_of[2][2] = {{0.7, 0.3}, {0.1, 0.9}};
  const Vectors chains = draws(
      discrete_markov_chain(Dim{3, 0, 2}, 0.5, [&](auto, auto from, auto to) { return p_of[from.position][to.position]; }), 4);
  double in_second = 0.5;
  for (std::size_t t = 0; t < 4; ++t) {
    counts("discrete_markov_chain", each(chains, [=](const Sample& v) { return v[t]; }),
           [=](double y) { return y == 1 ? in_second : y == 0 ? 1 - in_second : 0; });
    in_second = (1 - in_second) * 0.3 + in_second * 0.9;
  }
  counts("discrete_markov_chain, pairs", each(chains, [](const Sample& v) { return 2 * v[0] + v[1]; }),
         [&](double y) { return y >= 0 && y <= 3 ? 0.5 * p_of[int(y) / 2][int(y) % 2] : 0; });
  // Up to a cut, the counts are binomial.
  const double cuts[] = {-0.5, 1};
  const auto below_cut = [&](int k) { return 1 / (1 + std::exp(0.3 - cuts[k])); };
  const Vectors levels_of_forty = draws(ordered_multinomial(0.3, CutVector{cuts, 2}, 40), 3);
  counts("ordered_multinomial", each(levels_of_forty, [](const Sample& v) { return v[0]; }), binomial_mass(below_cut(0)));
  counts("ordered_multinomial", each(levels_of_forty, [](const Sample& v) { return v[1]; }),
         binomial_mass(below_cut(1) - below_cut(0)));
  counts("ordered_multinomial", each(levels_of_forty, [](const Sample& v) { return v[2]; }), binomial_mass(1 - below_cut(1)));

  EXPECT_EQ(all.size(), 116u);
  for (const Comparison& c : all) {
    EXPECT_GT(c.p_value, family_level / double(all.size())) << c.name;
    LargestErrors::note(c.name.substr(0, c.name.find(',')), "draws", 1, -c.p_value);
  }
}

}  // namespace
}  // namespace lockstep
