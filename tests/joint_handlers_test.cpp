// What models with matrices, joint distributions and carried states mean besides their gradients: layout, values, priors,
// predictions, log likelihoods, and what is said about mistakes. Statistical tests have fixed seeds; each test's comparisons
// together raise a false alarm once in a thousand (Bonferroni).
#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/Dense>
#include <algorithm>
#include <boost/math/distributions/normal.hpp>

#include "bound_model.hpp"
#include "data_errors.hpp"
#include "host/host_model.hpp"
#include "lockstep/model.hpp"
#include "models/arma11.hpp"
#include "models/garch11.hpp"
#include "models/gp_regression.hpp"
#include "models/hmm.hpp"

namespace lockstep {
namespace {

double normal_lpdf(double y, double mu, double sigma) {
  const double z = (y - mu) / sigma;
  return -0.5 * z * z - std::log(sigma) - log_sqrt_of_2pi;
}
double mv_normal_lpdf(const Eigen::VectorXd& y, const Eigen::MatrixXd& covariance) {
  const Eigen::LLT<Eigen::MatrixXd> llt(covariance);
  const Eigen::VectorXd z = llt.matrixL().solve(y);
  return -0.5 * z.squaredNorm() - Eigen::MatrixXd(llt.matrixL()).diagonal().array().log().sum() -
         double(y.size()) * log_sqrt_of_2pi;
}

// Whether means agree with their expectation: collects z values, all at 1e-3 together.
class MeanTests {
 public:
  explicit MeanTests(std::size_t draws) : draws_(double(draws)) {}
  // The mean of `values` is `expected`; the standard error is their own.
  void expect_mean(const std::string& what, const Values& values, double expected) {
    const double mean = sum(values) / draws_;
    double squares = 0;
    for (double v : values) squares += (v - mean) * (v - mean);
    tests_.push_back({what, (mean - expected) / std::sqrt(squares / draws_ / draws_)});
  }
  ~MeanTests() {
    const double limit = boost::math::quantile(boost::math::normal(), 1 - 0.5e-3 / double(tests_.size()));
    for (const auto& [what, z] : tests_) EXPECT_LT(std::abs(z), limit) << what << ": z = " << z;
  }

 private:
  double draws_;
  std::vector<std::pair<std::string, double>> tests_;
};

// ---- a model with every kind of matrix ------------------------------------------------------------------------------

struct Joint {
  Dim row, column;
  Matrix Y;
  Real concentration;
  explicit Joint(Dataset& d)
      : row(d.dim("row")), column(d.dim("column")), Y(d.matrix("Y", row, column)),
        concentration(d.real("concentration", column)) {}
  template <class M>
  void operator()(M& m) const {
    auto corr = m.param("corr", lkj_cholesky(2), column);
    auto share = m.param("share", dirichlet(concentration), column);
    auto table = m.param("table", dirichlet(1.5), row, column);
    auto rising = m.param("rising", normal(1, 1), column, positive_ordered());
    auto z = m.param("z", normal(0, 1), row, column);
    auto whole = m.param("whole", mv_normal_cholesky(share, corr), column);
    auto b = m.let("b", row, column, [&](auto i, auto j) { return rising[j] * dot(corr.row(j), z.row(i)); });
    auto correlation = m.deterministic("correlation", column, column, [&](auto i, auto j) { return dot(corr.row(i), corr.row(j)); });
    m.observe("Y", Y, row, [&](auto i) { return mv_normal_cholesky(b.row(i), corr); });
  }
};
Data joint() {
  Data data;
  data.set("Y", {{0.3, -1, 2.5}, {0.7, 1.1, -0.4}, {0, 0.2, 0.1}, {1.5, -0.7, 0.9}});
  data.set("concentration", {0.5, 2, 3});
  data.set_labels("column", {"a", "b", "c"});
  return data;
}

TEST(JointLayout, CountsValuesCoordinatesAndEvents) {
  const Bound<Joint> bound(joint());
  struct Expected {
    const char* name;
    int rank, size, coordinates, events;
    const char* support;
  };
  for (const Expected& e : std::vector<Expected>{{"corr", 2, 9, 3, 1, "Cholesky factor of a correlation matrix"},
                                                 {"share", 1, 3, 2, 1, "simplex"},
                                                 {"table", 2, 12, 8, 4, "simplex"},
                                                 {"rising", 1, 3, 3, 3, "positive ordered"},
                                                 {"z", 2, 12, 12, 12, "real"},
                                                 {"whole", 1, 3, 3, 1, "real"},
                                                 {"b", 2, 12, 0, 12, ""},
                                                 {"correlation", 2, 9, 0, 9, ""},
                                                 {"Y", 2, 12, 0, 4, ""}}) {
    const SiteView s = bound.site(e.name);
    EXPECT_EQ(s.rank, e.rank) << e.name;
    EXPECT_EQ(s.size, e.size) << e.name;
    EXPECT_EQ(s.coordinates, e.coordinates) << e.name;
    EXPECT_EQ(s.events, e.events) << e.name;
    EXPECT_STREQ(s.support, e.support) << e.name;
  }
  EXPECT_EQ(bound.coordinates(), 31u);
}

TEST(JointLayout, NamesTheSecondAxisOfASquareMatrixApart) {
  const Data data = joint();
  const HostModel model(*model_table<Joint>(), data);
  std::vector<std::string> dims;
  for (const Dimension& d : model.dimensions()) dims.push_back(d.name);
  EXPECT_EQ(dims, (std::vector<std::string>{"row", "column", "column_bis"}));
  EXPECT_EQ(model.dimensions()[2].labels, (std::vector<std::string>{"a", "b", "c"}));
  const auto site = [&](const std::string& name) {
    for (std::int64_t i = 0; i < model.layout().site_count; ++i)
      if (model.layout().sites[i].name == name) return model.layout().sites[i];
    throw std::out_of_range(name);
  };
  EXPECT_EQ(model.variable(site("corr")).dims, (std::vector<std::string>{"column", "column_bis"}));
  EXPECT_EQ(model.variable(site("table")).dims, (std::vector<std::string>{"row", "column"}));
  EXPECT_EQ(model.variable(site("table")).shape, (std::vector<std::size_t>{4, 3}));
  EXPECT_EQ(model.log_likelihood(site("Y")).dims, (std::vector<std::string>{"row"}));
  EXPECT_EQ(model.values(Meaning::pointwise), 4u);
  EXPECT_EQ(model.values(Meaning::predict), 12u);
}

TEST(JointConstrain, GivesValuesInsideTheirSupportsAndIsInvertedByUnconstrain) {
  const Bound<Joint> bound(joint());
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const Values x = some_position(bound.coordinates(), seed);
    const Values out = bound.constrain(x), back = bound.unconstrain(bound.parameters(out));
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(back[i], x[i], 1e-12) << "coordinate " << i;
    EXPECT_NEAR(sum(bound.part(out, "share")), 1, 1e-15);
    const Values table = bound.part(out, "table"), corr = bound.part(out, "corr"), r = bound.part(out, "correlation");
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(table[3 * i] + table[3 * i + 1] + table[3 * i + 2], 1, 1e-15);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(r[4 * i], 1, 1e-15);
      for (std::size_t j = 0; j < 3; ++j) {
        double expected = 0;
        for (std::size_t k = 0; k < 3; ++k) expected += corr[3 * i + k] * corr[3 * j + k];
        EXPECT_NEAR(r[3 * i + j], expected, 1e-15);
      }
    }
  }
}

TEST(JointUnconstrain, RefusesValuesOutsideByNameAndRow) {
  const Bound<Joint> bound(joint());
  const Values good = bound.parameters(bound.constrain(some_position(bound.coordinates(), 3)));
  const auto expect = [&](std::size_t element, double value, const std::vector<std::string>& parts) {
    Values values = good;
    values[element] = value;
    expect_model_error([&] { bound.unconstrain(values); }, parts);
  };
  expect(0, 0.5, {"'corr'", "Cholesky factor of a correlation matrix"});
  expect(9, 2, {"'share'", "simplex"});
  expect(12 + 4, -0.1, {"'table'", "row 2", "simplex"});
  expect(24, -1, {"'rising'", "is -1 at element 1", "positive ordered"});
}

// ---- log likelihoods --------------------------------------------------------------------------------------------------

TEST(JointPointwise, OfMatrixRowsIsEachRowsMultivariateNormal) {
  const Bound<Joint> bound(joint());
  const Values x = some_position(bound.coordinates(), 4), out = bound.constrain(x), l = bound.pointwise(x);
  const Values r = bound.part(out, "correlation"), b = bound.part(out, "b"), y = bound.data.fields().at("Y").values;
  ASSERT_EQ(l.size(), 4u);
  const Eigen::MatrixXd covariance = Eigen::Map<const Eigen::MatrixXd>(r.data(), 3, 3);
  for (int i = 0; i < 4; ++i) {
    Eigen::VectorXd difference(3);
    for (int k = 0; k < 3; ++k) difference[k] = y[std::size_t(3 * i + k)] - b[std::size_t(3 * i + k)];
    EXPECT_NEAR(l[std::size_t(i)], mv_normal_lpdf(difference, covariance), 1e-12);
  }
}

TEST(JointPointwise, OfAGaussianProcessIsOneMultivariateNormal) {
  const Bound<models::GpRegression> bound(example("gp_regression"));
  const Values x = some_position(bound.coordinates(), 4, 0.5), out = bound.constrain(x);
  const double rho = out[0], alpha = out[1], sigma = out[2];
  const Values& at = bound.data.fields().at("x").values;
  const Values& y = bound.data.fields().at("y").values;
  const int n = int(at.size());
  Eigen::MatrixXd K(n, n);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      const double d = at[std::size_t(i)] - at[std::size_t(j)];
      K(i, j) = alpha * alpha * std::exp(-d * d / (2 * rho * rho)) + (i == j ? sigma : 0);
    }
  EXPECT_EQ(bound.site("y").events, 1);
  EXPECT_NEAR(bound.pointwise(x).at(0), mv_normal_lpdf(Eigen::Map<const Eigen::VectorXd>(y.data(), n), K), 1e-10);
}

TEST(JointPointwise, OfAVarianceThatFollowsTheSeriesIsEachValuesNormal) {
  const Bound<models::Garch11> bound(example("garch11"));
  const Values x = some_position(bound.coordinates(), 4), out = bound.constrain(x), l = bound.pointwise(x);
  const Values y = bound.data.fields().at("y").values;
  double s = bound.data.fields().at("sigma1").values[0];
  for (std::size_t t = 0; t < y.size(); ++t) {
    if (t > 0) s = std::sqrt(out[1] + out[2] * std::pow(y[t - 1] - out[0], 2) + out[3] * s * s);
    EXPECT_NEAR(l[t], normal_lpdf(y[t], out[0], s), 1e-11 * std::max(1., std::abs(l[t])));
  }
}

TEST(JointPointwise, OfAMovingAverageIsEachErrorsNormal) {
  const Bound<models::Arma11> bound(example("arma11"));
  const Values x = some_position(bound.coordinates(), 5, 0.5), out = bound.constrain(x), l = bound.pointwise(x);
  const Values y = bound.data.fields().at("y").values;
  const double mu = out[0], phi = out[1], theta = out[2], sigma = out[3];
  double error = 0;
  for (std::size_t t = 0; t < y.size(); ++t) {
    const double nu = t == 0 ? mu + phi * mu : mu + phi * y[t - 1] + theta * error;
    error = y[t] - nu;
    EXPECT_NEAR(l[t], normal_lpdf(error, 0, sigma), 1e-11 * std::max(1., std::abs(l[t])));
  }
}

// Over all 2^7 paths of the hidden state.
TEST(JointPointwise, OfAHiddenMarkovModelSumsToTheEnumeratedLikelihood) {
  Data data = example("hmm");
  data.set("y", {2.5, 8.1, 9.4, 3.2, 2.9, 5.5, 11.2});
  const Bound<models::Hmm> bound(data);
  const Values x = some_position(bound.coordinates(), 6), out = bound.constrain(x);
  const Values theta = bound.part(out, "theta"), mu = bound.part(out, "mu"), y = data.fields().at("y").values;
  double likelihood = 0;
  for (unsigned path = 0; path < 128; ++path) {
    double p = 1;
    for (std::size_t t = 0; t < 7; ++t) {
      const unsigned now = path >> t & 1;
      if (t > 0) p *= theta[2 * (path >> (t - 1) & 1) + now];
      p *= std::exp(normal_lpdf(y[t], mu[now], 1));
    }
    likelihood += p;
  }
  EXPECT_NEAR(sum(bound.pointwise(x)), std::log(likelihood), 1e-12 * std::abs(std::log(likelihood)));
}

// ---- priors -------------------------------------------------------------------------------------------------------------

TEST(JointPriorDraw, HasTheMomentsOfItsDistributions) {
  constexpr std::uint32_t draws = 20000;
  const Bound<Joint> bound(joint());
  std::vector<Values> values;
  for (std::uint32_t d = 0; d < draws; ++d) {
    const auto drawn = bound.prior(20250301, 0, d);
    const Values again = bound.constrain(drawn.position);
    for (std::size_t i = 0; i < again.size(); ++i)
      ASSERT_NEAR(again[i], drawn.values[i], 1e-9 * std::max(1., std::abs(again[i]))) << d;
    values.push_back(drawn.values);
  }
  MeanTests tests(draws);
  const auto each = [&](const char* site, const auto& f) {
    Values v;
    for (const Values& all : values) v.push_back(f(bound.part(all, site)));
    return v;
  };
  // Dirichlet(0.5, 2, 3): means a/n, variances a (n - a)/(n^2 (n + 1)), covariances -a b/(n^2 (n + 1)).
  const Values a{0.5, 2, 3};
  const double n = 5.5;
  for (std::size_t k = 0; k < 3; ++k) {
    tests.expect_mean("share", each("share", [&](const Values& v) { return v[k]; }), a[k] / n);
    tests.expect_mean("square of a share", each("share", [&](const Values& v) { return v[k] * v[k]; }),
                      a[k] * (a[k] + 1) / (n * (n + 1)));
  }
  tests.expect_mean("product of shares", each("share", [](const Values& v) { return v[0] * v[2]; }), 0.5 * 3 / (n * (n + 1)));
  tests.expect_mean("the last row of a table", each("table", [](const Values& v) { return v[11]; }), 1 / 3.);
  // LKJ(2) of 3: each correlation is beta on (-1, 1) with both shapes eta + (n - 2)/2 = 2.5: variance 1/6.
  for (const auto& [i, j] : {std::pair<std::size_t, std::size_t>{1, 0}, {2, 0}, {2, 1}}) {
    tests.expect_mean("correlation", each("correlation", [&](const Values& v) { return v[3 * i + j]; }), 0);
    tests.expect_mean("its square", each("correlation", [&](const Values& v) { return v[3 * i + j] * v[3 * i + j]; }), 1 / 6.);
    tests.expect_mean("its fourth power", each("correlation", [&](const Values& v) { return std::pow(v[3 * i + j], 4); }),
                      3 / 48.);  // 3/((2b + 1)(2b + 3)), b = 2.5
  }
  // Three independent normals above zero, sorted: their sum has three times the mean of one.
  const double truncated = 1 + std::exp(-0.5) / std::sqrt(2 * M_PI) / boost::math::cdf(boost::math::normal(), 1);
  tests.expect_mean("rising", each("rising", [](const Values& v) { return v[0] + v[1] + v[2]; }), 3 * truncated);
  // Given the rest, whole - share is normal with the correlation's covariance.
  Values product, square;
  for (const Values& all : values) {
    const Values whole = bound.part(all, "whole"), share = bound.part(all, "share"), r = bound.part(all, "correlation");
    product.push_back((whole[2] - share[2]) * (whole[1] - share[1]) - r[7]);
    square.push_back((whole[2] - share[2]) * (whole[2] - share[2]));
  }
  tests.expect_mean("covariance of a normal vector", product, 0);
  tests.expect_mean("variance of a normal vector", square, 1);
}

// ---- counts, series, zero sums -----------------------------------------------------------------------------------------

enum class AreaMistake { none, other_dimension, no_neighbours, other_areas };

template <AreaMistake mistake = AreaMistake::none> struct Areas {
  Dim area, pair, lag;
  NeighbourSpectrum map;
  Matrix Y;
  Real total;
  explicit Areas(Dataset& d)
      : area(d.dim("area")),
        pair(d.dim("pair")),
        lag(d.dim("lag", 2)),
        map(d.neighbour_spectrum(d.index("first", pair, area),
                                 d.index("second", pair, mistake == AreaMistake::other_areas ? pair : area))),
        Y(d.matrix("Y", d.dim("row"), area)),
        total(d.real("total", d.dim("row"))) {}
  template <class M>
  void operator()(M& m) const {
    auto sigma = m.param("sigma", half_normal(1));
    if constexpr (mistake == AreaMistake::no_neighbours) auto proper = m.param("proper", car(map, 0, 0.5, 1), area);
    auto level = m.param("level", icar(map, sigma), mistake == AreaMistake::other_dimension ? lag : area);
    auto effect = m.param("effect", zero_sum_normal(sigma), area);
    auto weights = m.param("weights", stick_breaking_weights(2), area);
    auto rho = m.param("rho", normal(0, 0.4), lag);
    auto series = m.param("series", ar(rho, sigma, normal(0, 1)), area);
    auto walk = m.param("walk", gaussian_random_walk(0, sigma, normal(0, 1)), area);
    m.observe("Y", Y, total.dim, [&](auto i) { return multinomial(total[i], weights); });
  }
};
Data areas() {
  Data data;
  data.set("first", {1, 2, 3});
  data.set("second", {2, 3, 4});
  data.set("total", {6, 9});
  data.set("Y", std::vector<Values>{{1, 2, 3, 0}, {0, 0, 4, 5}});
  return data;
}

TEST(JointAreas, HaveTheirValuesCoordinatesAndEvents) {
  const Bound<Areas<>> bound(areas());
  EXPECT_EQ(bound.site("level").coordinates, 3);
  EXPECT_STREQ(bound.site("level").support, "sums to zero");
  EXPECT_EQ(bound.site("effect").coordinates, 3);
  EXPECT_EQ(bound.site("weights").coordinates, 3);
  EXPECT_EQ(bound.site("series").coordinates, 4);
  EXPECT_EQ(bound.site("walk").events, 1);
  EXPECT_EQ(bound.site("Y").events, 2);
  for (std::uint32_t draw = 0; draw < 20; ++draw) {
    const auto drawn = bound.prior(20250306, 0, draw);
    const Values again = bound.constrain(drawn.position);
    for (std::size_t i = 0; i < again.size(); ++i)
      EXPECT_NEAR(again[i], drawn.values[i], 1e-9 * std::max(1., std::abs(again[i])));
    EXPECT_NEAR(sum(bound.part(again, "level")), 0, 1e-12);
    EXPECT_NEAR(sum(bound.part(again, "effect")), 0, 1e-12);
    const Values y = bound.predict(drawn.position, 20250307, 0, draw);
    EXPECT_EQ(y[0] + y[1] + y[2] + y[3], 6);
    EXPECT_EQ(y[4] + y[5] + y[6] + y[7], 9);
  }
}

TEST(JointAreas, HaveTheLogLikelihoodOfEachRow) {
  const Bound<Areas<>> bound(areas());
  const Values x = some_position(bound.coordinates(), 4), l = bound.pointwise(x), p = bound.part(bound.constrain(x), "weights");
  ASSERT_EQ(l.size(), 2u);
  EXPECT_NEAR(l[0], std::log(60 * p[0] * std::pow(p[1], 2) * std::pow(p[2], 3)), 1e-12);
  EXPECT_NEAR(l[1], std::log(126 * std::pow(p[2], 4) * std::pow(p[3], 5)), 1e-12);
}

TEST(JointAreas, ThatAreNotConnectedAreRefusedByName) {
  Data data = areas();
  data.set("first", {1, 3});
  data.set("second", {2, 4});
  expect_model_error([&] { Bound<Areas<>>{data}; }, {"site 'level'", "1 and 3", "chain of neighbours"});
  expect_model_error([&] { Bound<Areas<AreaMistake::other_dimension>>{areas()}; }, {"site 'level'", "another dimension"});
  data = areas();
  data.set("first", {1, 2, 1});
  data.set("second", {2, 3, 3});
  expect_model_error([&] { Bound<Areas<AreaMistake::no_neighbours>>{data}; }, {"site 'proper'", "without neighbours: 4"});
}

TEST(JointAreas, ThatAreNoPairsAreRefusedByName) {
  Data data = areas();
  data.set("second", {2, 1, 4});
  expect_error([&] { Bound<Areas<>>{data}; }, {"'first' and 'second'", "one pair twice", "1 and 2"});
  data.set("second", {2, 2, 4});
  expect_error([&] { Bound<Areas<>>{data}; }, {"'first' and 'second'", "both 2 at element 2"});
  data.set("second", {2, 3, 3});
  data.set("first", {1, 2, 1});
  expect_error([&] { Bound<Areas<AreaMistake::other_areas>>{data}; }, {"'first' and 'second'", "are no pairs"});
}

// ---- matrices as one event ----------------------------------------------------------------------------------------------

enum class MatrixMistake { none, transposed, mean_along_another, other_states, too_many_cutpoints };

template <MatrixMistake mistake = MatrixMistake::none> struct Matrices {
  Dim time, state;
  Matrix Y;
  Real s;
  explicit Matrices(Dataset& d)
      : time(d.dim("time")), state(d.dim("state")), Y(d.matrix("Y", time, state)), s(d.real("s", time)) {}
  template <class M>
  void operator()(M& m) const {
    auto L = m.param("L", lkj_cholesky_cov(2, exponential(1)), state);
    auto A = m.param("A", lkj_cholesky(2), time);
    auto C = m.param("C", lkj_corr(2), state);
    auto angle = m.param("angle", von_mises(0.5, 4));
    auto walk = m.param("walk", mv_gaussian_random_walk(angle, L, mv_normal_cholesky(0, L)), time, state);
    auto Z = m.param("Z", zero_sum_matrix_normal(1.5), time, state);
    if constexpr (mistake == MatrixMistake::transposed) m.observe("Y", Y, matrix_normal(walk, L, A));
    else m.observe("Y", Y, matrix_normal(walk, A, L));
    auto P = m.param("P", dirichlet(2), state, state);
    if constexpr (mistake == MatrixMistake::mean_along_another)
      auto wrong = m.param("wrong", matrix_normal(P, A, L), time, state);
    if constexpr (mistake == MatrixMistake::other_states) m.observe("s", s, discrete_markov_chain(0.5, walk));
    else m.observe("s", s, discrete_markov_chain(0.5, P));
    if constexpr (mistake == MatrixMistake::too_many_cutpoints) {
      auto cuts = m.param("cuts", normal(0, 1), state, ordered());
      m.observe("counts", Y, time, [&](auto) { return ordered_multinomial(angle, cuts, 6); });
    }
  }
};
Data matrices() {
  Data data;
  data.set("Y", std::vector<Values>{{1, 2}, {0.5, -1}, {0.2, 0.1}});
  data.set("s", {0, 1, 1});
  return data;
}

TEST(JointMatrices, HaveTheirValuesCoordinatesAndEvents) {
  const Bound<Matrices<>> bound(matrices());
  struct Expected {
    const char* name;
    int size, coordinates, events;
    const char* support;
  };
  for (const Expected& e : std::vector<Expected>{{"L", 4, 3, 1, "Cholesky factor of a covariance matrix"},
                                                 {"C", 4, 1, 1, "correlation matrix"},
                                                 {"angle", 1, 2, 1, "an angle between -pi and pi"},
                                                 {"walk", 6, 6, 1, "real"},
                                                 {"Z", 6, 2, 1, "rows and columns sum to zero"},
                                                 {"Y", 6, 0, 1, ""},
                                                 {"s", 3, 0, 1, ""}}) {
    const SiteView s = bound.site(e.name);
    EXPECT_EQ(s.size, e.size) << e.name;
    EXPECT_EQ(s.coordinates, e.coordinates) << e.name;
    EXPECT_EQ(s.events, e.events) << e.name;
    EXPECT_STREQ(s.support, e.support) << e.name;
  }
  EXPECT_EQ(bound.site("Y").event_rank, 2);
  EXPECT_EQ(bound.site("walk").event_rank, 2);
  for (std::uint32_t draw = 0; draw < 20; ++draw) {
    const auto drawn = bound.prior(20250906, 0, draw);
    const Values again = bound.constrain(drawn.position), z = bound.part(again, "Z");
    for (std::size_t i = 0; i < again.size(); ++i)
      EXPECT_NEAR(again[i], drawn.values[i], 1e-9 * std::max(1., std::abs(again[i])));
    EXPECT_NEAR(z[0] + z[1], 0, 1e-14);
    EXPECT_NEAR(z[0] + z[2] + z[4], 0, 1e-14);
    for (const double state : bound.part(bound.predict(drawn.position, 20250907, 0, draw), "s"))
      EXPECT_TRUE(state == 0 || state == 1);
  }
}

TEST(JointMatrices, HaveTheLogLikelihoodOfTheWhole) {
  const Bound<Matrices<>> bound(matrices());
  const Values x = some_position(bound.coordinates(), 4), out = bound.constrain(x), l = bound.pointwise(x);
  const Values walk = bound.part(out, "walk"), a = bound.part(out, "A"), b = bound.part(out, "L"), p = bound.part(out, "P");
  const Values y{1, 2, 0.5, -1, 0.2, 0.1};
  Eigen::VectorXd difference(6);
  Eigen::MatrixXd factor(6, 6);   // Kronecker's product of both factors is that of all elements, row after row
  for (std::size_t i = 0; i < 6; ++i) {
    difference[Eigen::Index(i)] = y[i] - walk[i];
    for (std::size_t j = 0; j < 6; ++j)
      factor(Eigen::Index(i), Eigen::Index(j)) = a[3 * (i / 2) + j / 2] * b[2 * (i % 2) + j % 2];
  }
  ASSERT_EQ(l.size(), 2u);
  EXPECT_NEAR(l[0], mv_normal_lpdf(difference, factor * factor.transpose()), 1e-10 * std::abs(l[0]));
  EXPECT_NEAR(l[1], std::log(0.5 * p[1] * p[3]), 1e-13);
}

TEST(JointMatrices, CanBeDoneAndObserved) {
  Data done = matrices(), seen = matrices();
  done.set_do("walk", {1, 2, 3, 4, 5, 6});
  seen.set_observed("walk", {1, 2, 3, 4, 5, 6});
  const Bound<Matrices<>> with_do(done), observed(seen);
  ASSERT_EQ(with_do.coordinates(), Bound<Matrices<>>(matrices()).coordinates() - 6);
  const Values x = some_position(with_do.coordinates(), 5), l = observed.pointwise(x);
  ASSERT_EQ(l.size(), 3u);
  EXPECT_NEAR(observed.log_density(x) - with_do.log_density(x), l[0], 1e-10 * std::abs(l[0]));
}

TEST(JointMatrices, NameTheirMistakes) {
  EXPECT_NO_THROW(Bound<Matrices<>>{matrices()});
  expect_model_error([] { Bound<Matrices<MatrixMistake::transposed>>{matrices()}; }, {"'Y'", "Cholesky factor"});
  expect_model_error([] { Bound<Matrices<MatrixMistake::mean_along_another>>{matrices()}; }, {"'wrong'", "other dimensions"});
  expect_model_error([] { Bound<Matrices<MatrixMistake::other_states>>{matrices()}; }, {"'s'", "states"});
  expect_model_error([] { Bound<Matrices<MatrixMistake::too_many_cutpoints>>{matrices()}; },
                     {"'counts'", "2 categories and 2 cutpoints"});
}

struct FlatMatrices {
  Dim k;
  explicit FlatMatrices(Dataset& d) : k(d.dim("k")) {}
  template <class M>
  void operator()(M& m) const {
    auto S = m.param("S", flat(covariance_matrix()), k);
  }
};
TEST(JointPriorDraw, OfAFlatMatrixIsRefusedByName) {
  Data data;
  data.set("k", 3);
  const Bound<FlatMatrices> bound(data);
  expect_model_error([&] { bound.prior(1); }, {"parameter 'S'", "flat prior"});
}

struct FlatSimplex {
  Dim k;
  explicit FlatSimplex(Dataset& d) : k(d.dim("k")) {}
  template <class M>
  void operator()(M& m) const {
    auto p = m.param("p", flat(simplex()), k);
  }
};

TEST(JointPriorDraw, OfAFlatSimplexIsRefusedByName) {
  Data data;
  data.set("k", 3);
  const Bound<FlatSimplex> bound(data);
  expect_model_error([&] { bound.prior(1); }, {"parameter 'p'", "flat prior"});
}

// ---- predictions ----------------------------------------------------------------------------------------------------------

// The variance feeds on simulated values: E[s_t^2] = alpha0 + (alpha1 + beta1) E[s_{t-1}^2]. Were it predicted from the data
// before, of -50, it would be thousands.
TEST(JointPrediction, OfAVarianceThatFollowsTheSeriesSimulatesThePath) {
  constexpr std::uint32_t draws = 20000;
  Data data;
  data.set("y", Values(8, -50.));
  data.set("sigma1", 1.5);
  const Bound<models::Garch11> bound(data);
  const double mu = 2, alpha0 = 0.5, alpha1 = 0.2, beta1 = 0.5;
  const Values position = bound.unconstrain({mu, alpha0, alpha1, beta1});
  std::vector<Values> paths;
  for (std::uint32_t d = 0; d < draws; ++d) paths.push_back(bound.predict(position, 20250302, 0, d));
  MeanTests tests(draws);
  double variance = 1.5 * 1.5;
  for (std::size_t t = 0; t < 8; ++t) {
    Values first, second;
    for (const Values& path : paths) first.push_back(path[t]), second.push_back((path[t] - mu) * (path[t] - mu));
    tests.expect_mean("value", first, mu);
    tests.expect_mean("squared deviation", second, variance);
    variance = alpha0 + (alpha1 + beta1) * variance;
  }
}

// E[y_t] = mu + phi E[y_{t-1}]; the deviation has variance sigma^2 (1 + (phi + theta)^2 (1 - phi^(2(t-1)))/(1 - phi^2)).
TEST(JointPrediction, OfAMovingAverageSimulatesThePath) {
  constexpr std::uint32_t draws = 20000;
  Data data;
  data.set("y", Values(8, -50.));
  const Bound<models::Arma11> bound(data);
  const double mu = 1, phi = 0.6, theta = 0.3, sigma = 0.8;
  const Values position = bound.unconstrain({mu, phi, theta, sigma});
  std::vector<Values> paths;
  for (std::uint32_t d = 0; d < draws; ++d) paths.push_back(bound.predict(position, 20250303, 0, d));
  MeanTests tests(draws);
  double mean = mu + phi * mu;
  for (std::size_t t = 0; t < 8; ++t) {
    Values first, second;
    for (const Values& path : paths) first.push_back(path[t]), second.push_back((path[t] - mean) * (path[t] - mean));
    tests.expect_mean("value", first, mean);
    tests.expect_mean("squared deviation", second,
                      sigma * sigma * (1 + std::pow(phi + theta, 2) * (1 - std::pow(phi, 2. * double(t))) / (1 - phi * phi)));
    mean = mu + phi * mean;
  }
}

TEST(JointPrediction, OfAHiddenMarkovModelFollowsTheChain) {
  constexpr std::uint32_t draws = 20000;
  Data data = example("hmm");
  data.set("y", Values(5, -50.));
  const Bound<models::Hmm> bound(data);
  const Values theta{0.7, 0.3, 0.2, 0.8}, mu{1, 9};
  Values parameters = theta;
  parameters.insert(parameters.end(), mu.begin(), mu.end());
  const Values position = bound.unconstrain(parameters);
  std::vector<Values> paths;
  for (std::uint32_t d = 0; d < draws; ++d) paths.push_back(bound.part(bound.predict(position, 20250304, 0, d), "y"));
  MeanTests tests(draws);
  double second_state = 0.5;  // equal weights at first
  for (std::size_t t = 0; t < 5; ++t) {
    Values value, with_next;
    for (const Values& path : paths) value.push_back(path[t]);
    tests.expect_mean("value", value, mu[0] + second_state * (mu[1] - mu[0]));
    if (t + 1 < 5) {
      for (const Values& path : paths) with_next.push_back(path[t] * path[t + 1]);
      const Values p{1 - second_state, second_state};
      double expected = 0;
      for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t j = 0; j < 2; ++j) expected += p[i] * theta[2 * i + j] * mu[i] * mu[j];
      tests.expect_mean("product with the next", with_next, expected);
    }
    second_state = (1 - second_state) * theta[1] + second_state * theta[3];
  }
}

TEST(JointPrediction, OfMatrixRowsHasTheirCovariance) {
  constexpr std::uint32_t draws = 20000;
  const Bound<Joint> bound(joint());
  const Values x = some_position(bound.coordinates(), 4), out = bound.constrain(x);
  const Values r = bound.part(out, "correlation"), b = bound.part(out, "b");
  std::vector<Values> rows;
  for (std::uint32_t d = 0; d < draws; ++d) rows.push_back(bound.predict(x, 20250305, 0, d));
  MeanTests tests(draws);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t k = 0; k < 3; ++k) {
      const auto deviation = [&](const Values& v, std::size_t j) { return v[3 * i + j] - b[3 * i + j]; };
      Values first, product;
      for (const Values& v : rows) first.push_back(deviation(v, k)), product.push_back(deviation(v, k) * deviation(v, (k + 1) % 3));
      tests.expect_mean("value", first, 0);
      tests.expect_mean("product", product, r[3 * k + (k + 1) % 3]);
    }
}

// ---- mistakes ---------------------------------------------------------------------------------------------------------------

enum class Mistake { none, above_diagonal, other_dims_in_dot, factor_along_another, mean_along_another, carry_from,
                     transition_along_another, matrix_over_columns };

template <Mistake mistake>
struct JointMistake {
  Dim i, k;
  Real y;
  Matrix Y;
  explicit JointMistake(Dataset& d) : i(d.dim("i")), k(d.dim("k")), y(d.real("y", i)), Y(d.matrix("Y", i, k)) {}
  template <class M>
  void operator()(M& m) const {
    auto corr = m.param("corr", lkj_cholesky(1), k);
    auto v = m.param("v", normal(0, 1), k);
    auto w = m.param("w", normal(0, 1), i);
    auto p = m.param("p", dirichlet(1), k, k);
    if constexpr (mistake == Mistake::above_diagonal)
      m.cholesky(i, [&](auto a, auto b) { return delta(a, b) * 2.; }, [&](const auto& L) {
        auto d = m.deterministic("d", i, i, [&](auto a, auto b) { return L(a, b) * w[b]; });
      });
    if constexpr (mistake == Mistake::other_dims_in_dot) auto d = m.let("d", k, [&](auto j) { return dot(corr.row(j), w); });
    if constexpr (mistake == Mistake::factor_along_another) m.observe("y", y, mv_normal_cholesky(0, corr));
    if constexpr (mistake == Mistake::mean_along_another) auto u = m.param("u", mv_normal_cholesky(w, corr), k);
    if constexpr (mistake == Mistake::carry_from)
      m.observe("y", y, i.from(1), carry(1, [&](auto, auto, auto h) { return h * 0.5; }), [&](auto, auto h) { return normal(h, 1); });
    if constexpr (mistake == Mistake::transition_along_another)
      m.hidden_markov("y", y, i, i, 1, p, [&](auto, auto) { return normal(0, 1); });
    if constexpr (mistake == Mistake::matrix_over_columns)
      m.observe("Y", Y, k, [&](auto) { return mv_normal_cholesky(v, corr); });
  }
};
Data for_mistakes() {
  Data data;
  data.set("y", {0.1, 0.2});
  data.set("Y", std::vector<Values>{{1, 2, 3}, {4, 5, 6}});
  return data;
}

TEST(JointMistakes, AreNamed) {
  EXPECT_NO_THROW(Bound<JointMistake<Mistake::none>>{for_mistakes()});
  expect_model_error([] { Bound<JointMistake<Mistake::above_diagonal>>{for_mistakes()}; }, {"(0, 1)", "above its diagonal"});
  expect_model_error([] { Bound<JointMistake<Mistake::other_dims_in_dot>>{for_mistakes()}; }, {"dot", "different dimensions"});
  expect_model_error([] { Bound<JointMistake<Mistake::factor_along_another>>{for_mistakes()}; }, {"'y'", "Cholesky factor"});
  expect_model_error([] { Bound<JointMistake<Mistake::mean_along_another>>{for_mistakes()}; }, {"'u'", "another dimension"});
  expect_model_error([] { Bound<JointMistake<Mistake::carry_from>>{for_mistakes()}; }, {"'y'", "from()"});
  expect_model_error([] { Bound<JointMistake<Mistake::transition_along_another>>{for_mistakes()}; }, {"'y'", "states"});
  expect_model_error([] { Bound<JointMistake<Mistake::matrix_over_columns>>{for_mistakes()}; }, {"'Y'", "rows"});
}

}  // namespace
}  // namespace lockstep
