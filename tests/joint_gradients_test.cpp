// Gradients of matrices, joint supports and distributions, small linear algebra, and series with a state, by the oracles of
// gradient_oracles.hpp.
#include "gradient_oracles.hpp"

#include "models/arma11.hpp"
#include "models/garch11.hpp"
#include "models/gp_regression.hpp"
#include "models/hmm.hpp"

namespace lockstep {
namespace {

// ---- the zoo ------------------------------------------------------------------------------------------------------

TEST(ZooGradients, Garch11) { expect_right_gradients(Bound<models::Garch11>(example("garch11")), 0.5); }
TEST(ZooGradients, Arma11) { expect_right_gradients(Bound<models::Arma11>(example("arma11")), 0.3); }
TEST(ZooGradients, Hmm) { expect_right_gradients(Bound<models::Hmm>(example("hmm")), 0.5); }
TEST(ZooGradients, GpRegression) { expect_right_gradients(Bound<models::GpRegression>(example("gp_regression")), 0.5); }

Data with_matrix(std::size_t rows, std::size_t columns, std::uint32_t seed) {
  Data data;
  data.set("Y", Data::Field{{std::int64_t(rows), std::int64_t(columns)}, Numbers(seed).uniforms(rows * columns, -2, 2)});
  data.set("row", double(rows));
  data.set("column", double(columns));
  return data;
}

// ---- joint supports -----------------------------------------------------------------------------------------------

struct JointSupports {
  Dim i, row;
  Real y;
  explicit JointSupports(Dataset& d) : i(d.dim("i")), row(d.dim("row")), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto spread = m.param("spread", half_normal(1));
    auto rising = m.param("rising", normal(1, spread), i, positive_ordered());
    auto each = m.param("each", i, [&](auto j) { return normal(y[j] * spread, spread); }, ordered());
    auto share = m.param("share", dirichlet(spread + 0.5), i);
    auto even = m.param("even", flat(simplex()), i);
    auto table = m.param("table", dirichlet(rising), row, i);
    auto uneven = m.param("uneven", dirichlet([&](auto j) { return 1 + rising[j]; }), i);
    auto b = m.let("b", row, [&](auto r) { return dot(table.row(r), share); });
    m.observe("y", y, i, [&](auto j) { return normal(log(share[j]) * even[j] + b[1] - uneven[j] + each[j], rising[j]); });
  }
};

TEST(JointGradients, OfEveryJointSupport) {
  for (const std::size_t n : {1, 2, 7, 8, 13}) {
    Data data;
    data.set("y", Numbers(3).uniforms(n, -2, 2));
    data.set("row", 3);
    SCOPED_TRACE(n);
    expect_right_gradients(Bound<JointSupports>(data), 0.7);
  }
}

struct MoreSupports {
  Dim i, row;
  Real y;
  explicit MoreSupports(Dataset& d) : i(d.dim("i")), row(d.dim("row")), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto tau = m.param("tau", gamma(2, 1), softplus_positive());
    auto wide = m.param("wide", normal(3, tau), scaled(3 * mu, 2 + tau));
    auto angle = m.param("angle", von_mises(mu, tau));
    auto angles = m.param("angles", von_mises(angle, 2), i);
    auto table = m.param("table", row, i, [&](auto, auto j) { return von_mises(angles[j], 1); });
    auto u = m.param("u", flat(unit_vector()), i);
    auto units = m.param("units", flat(unit_vector()), row, i);
    auto L = m.param("L", flat(cholesky_covariance()), i);
    auto C = m.param("C", flat(correlation_matrix()), i);
    auto S = m.param("S", flat(covariance_matrix()), i);
    auto Z = m.param("Z", flat(zero_sum_matrix()), row, i);
    auto P = m.param("P", flat(column_stochastic()), row, i);
    auto b = m.let("b", i, [&](auto j) {
      return log(P(1, j)) * P(2, j) + dot(L.row(j), u) + C(j, 0) * S(0, j) + Z(0, j) * units(1, j) + sin(angles[j]) + cos(table(0, j));
    });
    m.observe("y", y, i, [&](auto j) { return normal(b[j] * wide, exp(0.1 * angle) + square(C(j, j))); });
    auto last = m.param("last", normal(S(0, 0), 1));
  }
};

TEST(JointGradients, OfAnglesDirectionsScalesAndSymmetricMatrices) {
  for (const std::size_t n : {1, 2, 3, 5}) {
    Data data;
    data.set("y", Numbers(3).uniforms(n, -2, 2));
    data.set("row", 3);
    SCOPED_TRACE(n);
    expect_right_gradients(Bound<MoreSupports>(data), 0.7, {.differences = 1e-6});   // near 0 an angle turns within a step
  }
}

struct NonCentredPriors {
  Dim row, column;
  Matrix Y;
  Real x;
  explicit NonCentredPriors(Dataset& d)
      : row(d.dim("row")), column(d.dim("column")), Y(d.matrix("Y", row, column)), x(d.real("x", row)) {}
  template <class M>
  void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto tau = m.param("tau", half_normal(1));
    auto nu = m.param("nu", gamma(2, 0.5));
    auto one = m.param("one", non_centred(student_t(nu, mu, tau)));
    auto same = m.param("same", non_centred(normal(one, tau)), row);
    auto each = m.param("each", row, [&](auto i) { return non_centred(laplace(x[i] * mu, tau + square(same[i]))); });
    auto table = m.param("table", non_centred(logistic(mu, tau)), row, column);
    auto by_element =
        m.param("by_element", row, column, [&](auto i, auto j) { return non_centred(cauchy(table(i, j), exp(0.3 * each[i]))); });
    auto corr = m.param("corr", lkj_cholesky(2), column);
    auto vector = m.param("vector", non_centred(mv_normal_cholesky(mu, corr)), column);
    auto rows = m.param("rows", non_centred(mv_normal_cholesky(vector, corr)), row, column);
    m.observe("Y", Y, row, [&](auto i) { return mv_normal_cholesky(rows.row(i), corr); });
    m.potential("use", row, [&](auto i) { return -square(by_element(i, 0) * 0.1); });
  }
};

TEST(JointGradients, OfPriorsThatAreNotCentred) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1}, {4, 2}, {2, 3}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << columns);
    Data data = with_matrix(rows, columns, 5);
    data.set("x", Numbers(8).uniforms(rows, -2, 2));
    expect_right_gradients(Bound<NonCentredPriors>(data), 0.6);
  }
}

struct PartiallyCentredPriors {
  Dim row, column;
  Real x, y, c;
  explicit PartiallyCentredPriors(Dataset& d)
      : row(d.dim("row")), column(d.dim("column")), x(d.real("x", row)), y(d.real("y", row)), c(d.centredness("each", row)) {}
  template <class M>
  void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto tau = m.param("tau", half_normal(1));
    auto nu = m.param("nu", gamma(2, 0.5));
    auto one = m.param("one", partially_centred(student_t(nu, mu, tau), 0.3));
    auto same = m.param("same", partially_centred(normal(one, 2), 0.7), row);
    auto each = m.param("each", row, [&](auto i) { return partially_centred(normal(x[i] * mu, tau + square(same[i])), c[i]); });
    auto table = m.param("table", row, column, [&](auto i, auto) { return partially_centred(logistic(each[i], tau), c[i]); });
    m.observe("y", y, row, [&](auto i) { return normal(table(i, 0) + each[i], 1.5); });
  }
};

TEST(JointGradients, OfPriorsThatArePartiallyCentred) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1}, {4, 2}, {2, 3}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << columns);
    Data data;
    data.set("column", double(columns));
    data.set("x", Numbers(8).uniforms(rows, -2, 2));
    data.set("y", Numbers(9).uniforms(rows, -2, 2));
    data.set("each_centredness", Numbers(10).uniforms(rows, 0, 1));
    expect_right_gradients(Bound<PartiallyCentredPriors>(data), 0.6);
  }
}

struct Correlations {
  Dim row, column;
  Matrix Y;
  explicit Correlations(Dataset& d) : row(d.dim("row")), column(d.dim("column")), Y(d.matrix("Y", row, column)) {}
  template <class M>
  void operator()(M& m) const {
    auto eta = m.param("eta", lognormal(0, 0.3));
    auto corr = m.param("corr", lkj_cholesky(eta), column);
    auto tau = m.param("tau", half_normal(1), column);
    auto factor = m.let("factor", column, column, [&](auto i, auto j) { return tau[i] * dot(corr.row(i), corr.row(i)) * delta(i, j); });
    auto scaled = m.deterministic("scaled", column, column, [&](auto i, auto j) { return corr(i, j) * tau[i]; });
    auto z = m.param("z", normal(0, 1), row, column);
    auto positive_z = m.param("positive_z", half_normal(1), row, column);
    auto by_element = m.param("by_element", row, column, [&](auto i, auto j) { return normal(z(i, j), tau[j]); });
    auto b = m.let("b", row, column, [&](auto i, auto j) { return positive_z(i, j) * dot(corr.row(j), z.row(i)) + by_element(i, j); });
    auto ends = m.let("ends", row, [&](auto i) { return b(i, 0) * b(0, 0); });
    auto top = m.let("top", column, [&](auto j) { return 0.2 * b(0, j) + ends[0]; });
    auto whole = m.param("whole", mv_normal_cholesky(top, factor), column);
    auto rows = m.param("rows", mv_normal_cholesky(whole, corr), row, column);
    m.observe("Y", Y, row, [&](auto i) { return mv_normal_cholesky(b.row(i), corr); });
    auto last = m.param("last", normal(rows(0, 0) + scaled(Index{0, column.id}, Index{0, column.id}) * b(0, 0), 1));
  }
};

TEST(JointGradients, OfMatricesCorrelationsAndNormalVectors) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1}, {4, 2}, {2, 3}, {5, 7}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << columns);
    expect_right_gradients(Bound<Correlations>(with_matrix(rows, columns, 5)), 0.6);
  }
}

struct WithoutRows {
  Dim row, column;
  explicit WithoutRows(Dataset& d) : row(d.dim("row")), column(d.dim("column")) {}
  template <class M>
  void operator()(M& m) const {
    auto corr = m.param("corr", lkj_cholesky(2), column);
    auto z = m.param("z", normal(0, 1), row, column);
    auto t = m.param("t", dirichlet(1.5), row, column);
    auto r = m.param("r", mv_normal_cholesky(0, corr), row, column);
    auto b = m.let("b", row, column, [&](auto i, auto j) { return z(i, j) * t(i, j); });
  }
};

TEST(JointGradients, OfMatricesWithoutRows) {
  Data data;
  data.set("row", 0.);
  data.set("column", 3);
  const Bound<WithoutRows> bound(data);
  EXPECT_EQ(bound.n, 3);
  expect_right_gradients(bound);
}

// ---- small linear algebra -----------------------------------------------------------------------------------------

struct GaussianProcess {
  Dim i;
  Real x, y;
  explicit GaussianProcess(Dataset& d) : i(d.dim("i")), x(d.real("x", i)), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto rho = m.param("rho", gamma(5, 4));
    auto alpha = m.param("alpha", half_normal(2));
    auto noise = m.param("noise", lognormal(-1, 0.3), i);
    auto mean = m.param("mean", normal(0, 1), i);
    auto variance = m.let("variance", square(alpha));
    auto rate = m.let("rate", 0.5 / square(rho));
    m.cholesky(
        i, [&](auto j, auto k) { return variance * exp(-square(x[j] - x[k]) * rate) + noise[j] * delta(j, k); },
        [&](const auto& L) {
          m.observe("y", y, mv_normal_cholesky(mean, L));
          m.solve(L, mean, [&](const auto& w) {
            auto f = m.let("f", i, [&](auto j) { return dot(L.row(j), w) + L(j, j) * w[j]; });
            auto more = m.param("more", i, [&](auto j) { return normal(f[j] - w[0], alpha); });
            m.solve_transposed(L, w, [&](const auto& v) { m.potential("quadratic", -0.1 * dot(v, mean)); });
          });
        });
  }
};

TEST(JointGradients, OfACholeskyFactorAndTriangularSolves) {
  for (const std::size_t n : {1, 2, 7, 8, 13}) {
    Data data;
    data.set("x", Numbers(3).uniforms(n, -2, 2));
    data.set("y", Numbers(4).uniforms(n, -2, 2));
    SCOPED_TRACE(n);
    expect_right_gradients(Bound<GaussianProcess>(data), 0.5);
  }
}

TEST(JointGradients, OfACholeskyFactorWithoutRows) {
  Data data;
  data.set("x", Values{});
  data.set("y", Values{});
  expect_right_gradients(Bound<GaussianProcess>(data), 0.5);
}

// ---- counts, series, zero sums --------------------------------------------------------------------------------------

Data with_counts(std::size_t rows, std::size_t columns) {
  Data data;
  Values counts = Numbers(6).integers(rows * columns, 0, 9), totals(rows);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < columns; ++k) totals[i] += counts[i * columns + k];
  data.set("total", totals);
  data.set("Y", Data::Field{{std::int64_t(rows), std::int64_t(columns)}, counts});
  return data;
}

struct CountsOfCategories {
  Dim row, column;
  Real total;
  Matrix Y;
  explicit CountsOfCategories(Dataset& d)
      : row(d.dim("row")), column(d.dim("column")), total(d.real("total", row)), Y(d.matrix("Y", row, column)) {}
  template <class M>
  void operator()(M& m) const {
    auto spread = m.param("spread", lognormal(0, 0.5));
    auto p = m.param("p", dirichlet(1.5), column);
    auto weights = m.param("weights", stick_breaking_weights(spread), column);
    auto table = m.param("table", stick_breaking_weights(2.5), row, column);
    m.observe("a", Y, row, [&](auto i) { return multinomial(total[i], p); });
    m.observe("b", Y, row, [&](auto i) { return multinomial(total[i], table.row(i)); });
    m.observe("c", Y, row, [&](auto i) { return dirichlet_multinomial(total[i], weights); });
    auto alpha = m.let("alpha", row, column, [&](auto i, auto k) { return spread * table(i, k); });
    m.observe("d", Y, row, [&](auto i) { return dirichlet_multinomial(total[i], alpha.row(i)); });
  }
};

TEST(JointGradients, OfCountsOfCategories) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1}, {4, 2}, {2, 3}, {5, 7}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << columns);
    expect_right_gradients(Bound<CountsOfCategories>(with_counts(rows, columns)), 0.6);
  }
}

struct VectorsByTheirFactors {
  Dim row, column;
  Matrix Y;
  explicit VectorsByTheirFactors(Dataset& d) : row(d.dim("row")), column(d.dim("column")), Y(d.matrix("Y", row, column)) {}
  template <class M>
  void operator()(M& m) const {
    auto nu = m.param("nu", gamma(2, 0.5));
    auto corr = m.param("corr", lkj_cholesky(2), column);
    auto mean = m.param("mean", mv_student_t_cholesky(nu, 0.3, corr), column);
    auto other = m.param("other", mv_normal_precision_cholesky(mean, corr), column);
    auto rows = m.param("rows", mv_student_t_cholesky(4, other, corr), row, column);
    m.observe("a", Y, row, [&](auto i) { return mv_student_t_cholesky(nu, rows.row(i), corr); });
    m.observe("b", Y, row, [&](auto i) { return mv_normal_precision_cholesky(rows.row(i), corr); });
  }
};

TEST(JointGradients, OfStudentVectorsAndPrecisions) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1}, {4, 2}, {2, 3}, {5, 7}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << columns);
    expect_right_gradients(Bound<VectorsByTheirFactors>(with_matrix(rows, columns, 5)), 0.6);
  }
}

struct WholeSeries {
  Dim time, lag;
  Real y;
  explicit WholeSeries(Dataset& d) : time(d.dim("time")), lag(d.dim("lag", d.option("lags", 2))), y(d.real("y", time)) {}
  template <class M>
  void operator()(M& m) const {
    auto drift = m.param("drift", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    auto rho = m.param("rho", normal(0, 0.5), lag);
    auto level = m.param("level", gaussian_random_walk(drift, sigma, normal(drift, 2)), time);
    auto scale = m.param("scale", lognormal(0, 0.3), time);
    auto other = m.param("other", gaussian_random_walk(level, scale, cauchy(0, sigma)), time);
    auto jumps = m.param("jumps", random_walk(student_t(4, drift, sigma), laplace(drift, 2)), time);
    auto lambda = m.param("lambda", gaussian_random_walk([&](auto t) { return drift * level[t]; }, 0.7, uniform(-9, 9)), time);
    auto cycle = m.param("cycle", ar(rho, scale, normal(0, sigma)), time);
    auto one = m.param("one", ar(drift, sigma, student_t(4, 0, 1)), time);
    m.observe("y", y, ar(rho, [&](auto t) { return exp(0.3 * (other[t] + lambda[t] + cycle[t] + one[t])); }, normal(drift, 1)));
  }
};

TEST(JointGradients, OfRandomWalksAndAutoregressions) {
  for (const std::size_t n : {0, 1, 2, 7, 13})
    for (const int lags : {1, 3}) {
      Data data;
      data.set("y", Numbers(3).uniforms(n, -2, 2));
      data.set_option("lags", lags);
      SCOPED_TRACE(testing::Message() << n << " times, " << lags << " lags");
      expect_right_gradients(Bound<WholeSeries>(data), 0.7);
    }
}

struct ZeroSums {
  Dim area, row, pair;
  NeighbourSpectrum map;
  explicit ZeroSums(Dataset& d)
      : area(d.dim("area")), row(d.dim("row")), pair(d.dim("pair")),
        map(d.neighbour_spectrum(d.index("first", pair, area), d.index("second", pair, area))) {}
  template <class M>
  void operator()(M& m) const {
    auto sigma = m.param("sigma", half_normal(1));
    auto effect = m.param("effect", zero_sum_normal(sigma), area);
    auto table = m.param("table", zero_sum_normal(0.7), row, area);
    auto level = m.param("level", icar(map, sigma), area);
    auto even = m.param("even", flat(zero_sum()), area);
    auto both = m.param("both", zero_sum_matrix_normal(sigma), row, area);
    auto last =
        m.param("last", area, [&](auto j) { return normal(effect[j] * level[j] + even[j], exp(table(0, j) + both(1, j))); });
  }
};

Data with_areas(std::size_t n) {
  Data data;
  Values first, second;
  for (std::size_t k = 1; k < n; ++k) first.push_back(double(k + 1)), second.push_back(double(k / 2 + 1));
  if (n > 3) first.push_back(1), second.push_back(double(n));
  data.set("first", first);
  data.set("second", second);
  data.set("area", double(n));
  data.set("row", 3);
  return data;
}

TEST(JointGradients, OfZeroSums) {
  for (const std::size_t n : {1, 2, 7, 8}) {
    SCOPED_TRACE(n);
    expect_right_gradients(Bound<ZeroSums>(with_areas(n)), 0.7);
  }
}

struct ProperAreas {
  Dim area, row, pair;
  NeighbourSpectrum map;
  explicit ProperAreas(Dataset& d)
      : area(d.dim("area")), row(d.dim("row")), pair(d.dim("pair")),
        map(d.neighbour_spectrum(d.index("first", pair, area), d.index("second", pair, area))) {}
  template <class M>
  void operator()(M& m) const {
    auto alpha = m.param("alpha", uniform(-1, 1));
    auto tau = m.param("tau", gamma(2, 1));
    auto mean = m.param("mean", normal(0, 1), area);
    auto level = m.param("level", car(map, mean, alpha, tau), area);
    auto rows = m.param("rows", car(map, 0.3, alpha, 2), row, area);
    m.potential("use", area, [&](auto j) { return -square(level[j] * rows(1, j)); });
  }
};

TEST(JointGradients, OfAreasWithNeighbours) {
  for (const std::size_t n : {2, 7, 8}) {
    SCOPED_TRACE(n);
    expect_right_gradients(Bound<ProperAreas>(with_areas(n)), 0.7);
  }
}

struct CovariancesAndFactors {
  Dim row, column, factor;
  Matrix Y;
  explicit CovariancesAndFactors(Dataset& d)
      : row(d.dim("row")), column(d.dim("column")), factor(d.dim("factor", 2)), Y(d.matrix("Y", row, column)) {}
  template <class M>
  void operator()(M& m) const {
    auto eta = m.param("eta", lognormal(0, 0.3));
    auto nu = m.param("nu", gamma(2, 1));
    auto corr = m.param("corr", lkj_corr(eta), column);
    auto L = m.param("L", lkj_cholesky_cov(eta, exponential(nu)), column);
    auto each = m.param("each", lkj_cholesky_cov(2, [&](auto k) { return gamma(2, 1 + square(corr(k, 0))); }), column);
    auto W = m.param("W", wishart_cholesky(nu + double(column.size), L), column);
    auto V = m.param("V", inverse_wishart_cholesky(nu + double(column.size), each), column);
    auto S = m.param("S", wishart(nu + double(column.size), L), column);
    m.param("precision", inverse_wishart(nu + square(S(0, 0)) + double(column.size), each), column);
    auto loadings = m.param("loadings", normal(0, 1), column, factor);
    auto variance = m.param("variance", gamma(2, 1), column);
    auto mean = m.param("mean", mv_normal_low_rank(nu, loadings, variance), column);
    auto rows = m.param("rows", mv_normal_low_rank(mean, loadings, 0.7), row, column);
    auto R = m.param("R", lkj_cholesky_cov(1, half_normal(1)), row);
    auto whole = m.param("whole", matrix_normal(rows, R, W), row, column);
    auto by_element =
        m.param("by_element", matrix_normal([&](auto i, auto j) { return whole(i, j) * mean[j]; }, R, V), row, column);
    m.observe("a", Y, matrix_normal(0.2, R, V));
    m.observe("b", Y, row, [&](auto i) { return mv_normal_low_rank(by_element.row(i), loadings, variance); });
  }
};

TEST(JointGradients, OfCovariancesAndFactors) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1}, {4, 2}, {2, 3}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << columns);
    expect_right_gradients(Bound<CovariancesAndFactors>(with_matrix(rows, columns, 5)), 0.5);
  }
}

struct WholePaths {
  Dim time, state;
  Matrix Y;
  Real y, s;
  explicit WholePaths(Dataset& d)
      : time(d.dim("row")), state(d.dim("column")), Y(d.matrix("Y", time, state)), y(d.real("y", time)), s(d.real("s", time)) {}
  template <class M>
  void operator()(M& m) const {
    auto nu = m.param("nu", gamma(2, 0.5));
    auto mu = m.param("mu", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    auto L = m.param("L", lkj_cholesky_cov(2, exponential(1)), state);
    auto drift = m.param("drift", normal(0, 1), state);
    auto walk = m.param("walk", mv_gaussian_random_walk(drift, L, mv_student_t_cholesky(nu, 0, L)), time, state);
    auto heavy = m.param("heavy", mv_student_t_random_walk(nu, mu, L, mv_normal_cholesky(drift, L)), time, state);
    m.observe("Y", Y, mv_gaussian_random_walk(mu, L, mv_normal_cholesky(0, L)));
    auto diffusion = m.param(
        "diffusion",
        euler_maruyama([&](auto x) { return nu * (mu - x); }, [&](auto x) { return sigma * exp(0.1 * x); }, 0.1, normal(mu, 1)),
        time);
    auto level = m.param("level", euler_maruyama([&](auto x) { return -x; }, sigma, sigma, student_t(4, 0, 1)), time);
    m.observe("y", y, euler_maruyama([&](auto x) { return mu - x * x * x; }, 0.5, 0.2, normal(0, sigma)));
    m.potential("use", time, [&](auto t) { return -square(walk(t, 0) * heavy(t, 0) * diffusion[t] * level[t]); });
    auto start = m.param("start", dirichlet(1.5), state);
    auto transition = m.param("transition", dirichlet(1.5), state, state);
    m.observe("s", s, discrete_markov_chain(start, transition));
    m.observe("s2", s, discrete_markov_chain(state, start, [&](auto t, auto from, auto to) {
      return transition(from, to) * exp(-square(diffusion[t]));
    }));
    auto cutpoints = m.param("cutpoints", normal(0, 1), state, ordered());
    m.observe("category", s, time, [&](auto) { return ordered_logistic(mu, cutpoints); });
  }
};

TEST(JointGradients, OfPathsAsWholes) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 1}, {4, 2}, {7, 3}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << columns);
    Data data = with_matrix(rows, columns, 5);
    data.set("y", Numbers(3).uniforms(rows, -1, 1));
    data.set("s", Numbers(4).integers(rows, 0, int(columns) - 1));
    expect_right_gradients(Bound<WholePaths>(data), 0.5);
  }
}

struct StackedSeries {
  Dim time, state;
  Real y, s;
  explicit StackedSeries(Dataset& d) : time(d.dim("time")), state(d.dim("state", 3)), y(d.real("y", time)), s(d.real("s", time)) {}
  template <class M>
  void operator()(M& m) const {
    auto sigma = m.param("sigma", half_normal(1));
    auto start = m.param("start", dirichlet(1.5), state);
    auto transition = m.param("transition", dirichlet(1.5), state, state);
    m.observe("y", y, gaussian_random_walk(0, sigma, normal(0, 1)));
    m.observe("x", y, euler_maruyama([&](auto x) { return -sigma * x; }, sigma, 0.1, normal(0, sigma)));
    m.observe("s", s, discrete_markov_chain(start, transition));
  }
};

// Every lane with the data set that it is told.
TEST(JointGradients, OfWholeVectorsOfStackedDataSets) {
  std::vector<Data> sets;
  for (std::uint32_t k = 0; k < 3; ++k) {
    sets.emplace_back();
    sets.back().set("y", Numbers(3 + k).uniforms(7, -2, 2));
    sets.back().set("s", Numbers(13 + k).integers(7, 0, 2));
  }
  const Bound<StackedSeries> stacked(Data::stack(sets));
  std::vector<Values> positions;
  std::vector<std::int64_t> of_lane;
  std::vector<Result> expected;
  Numbers numbers(7);
  for (int l = 0; l < pack_width; ++l) {
    positions.push_back(numbers.uniforms(std::size_t(stacked.n), -0.7, 0.7));
    of_lane.push_back(l % 3);
    expected.push_back(Bound<StackedSeries>(sets[std::size_t(l % 3)]).scalar(positions.back()));
    EXPECT_LE(difference(stacked.scalar<true>(positions.back(), l % 3), expected.back()), 1e-13);
  }
  const std::vector<Result> packed = stacked.pack<true>(positions, of_lane), team = stacked.team<true>(positions, 2, of_lane);
  for (std::size_t l = 0; l < packed.size(); ++l) {
    EXPECT_LE(difference(packed[l], expected[l]), 1e-12) << l;
    EXPECT_LE(difference(team[l], expected[l]), 1e-11) << l;
  }
}

struct OrderedCounts {
  Dim row, column, cut;
  Real total;
  Matrix Y;
  explicit OrderedCounts(Dataset& d)
      : row(d.dim("row")),
        column(d.dim("column")),
        cut(d.dim("cut")),
        total(d.real("total", row)),
        Y(d.matrix("Y", row, column)) {}
  template <class M>
  void operator()(M& m) const {
    auto eta = m.param("eta", normal(0, 1), row);
    auto cutpoints = m.param("cutpoints", normal(0, 1), cut, ordered());
    m.observe("Y", Y, row, [&](auto i) { return ordered_multinomial(eta[i], cutpoints, total[i]); });
  }
};

TEST(JointGradients, OfCountsOfOrderedCategories) {
  for (const auto& [rows, columns] : {std::pair<std::size_t, std::size_t>{1, 2}, {4, 3}, {5, 7}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << columns);
    Data data = with_counts(rows, columns);
    data.set("cut", double(columns - 1));
    expect_right_gradients(Bound<OrderedCounts>(data), 0.6);
  }
}

// A lane whose matrix is not positive definite: its density is NaN, the others' are as they would be without it.
struct Indefinite {
  Dim i;
  Real y;
  explicit Indefinite(Dataset& d) : i(d.dim("i")), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    m.cholesky(i, [&](auto j, auto k) { return a + delta(j, k); },
               [&](const auto& L) { m.observe("y", y, mv_normal_cholesky(0, L)); });
  }
};

TEST(ACholeskyFactor, FailsInItsOwnLaneOnly) {
  Data data;
  data.set("y", Values{0.3, -0.2, 1.1});
  const Bound<Indefinite> bound(data);
  std::vector<Values> positions;
  for (int l = 0; l < pack_width; ++l) positions.push_back({l == 1 ? -2. : 0.1 * l});
  const std::vector<Result> results = bound.pack(positions);
  for (int l = 0; l < pack_width; ++l) {
    if (l == 1) EXPECT_TRUE(std::isnan(results[std::size_t(l)].log_density));
    else EXPECT_LE(difference(results[std::size_t(l)], bound.scalar(positions[std::size_t(l)])), 1e-12) << l;
  }
}

// ---- series with a state --------------------------------------------------------------------------------------------

struct CarriedStates {
  Dim time;
  Real y;
  RealScalar first;
  explicit CarriedStates(Dataset& d) : time(d.dim("time")), y(d.real("y", time)), first(d.scalar("first")) {}
  template <class M>
  void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto a = m.param("a", half_normal(1));
    auto b = m.param("b", uniform(0, 1 - a / (1 + a)));
    auto level = m.param("level", normal(0, 1), time);
    m.observe("y", y, time,
              carry(square(first), [&](auto t, auto past, auto h) { return a + b * h + 0.1 * square(past(1) - mu - level[t]); }),
              [&](auto t, auto h) { return normal(mu + level[t], sqrt(h)); });
  }
};

TEST(JointGradients, OfASeriesWithACarriedState) {
  for (const std::size_t n : {0, 1, 2, 7, 13}) {
    Data data;
    data.set("y", Numbers(3).uniforms(n, -2, 2));
    data.set("first", 0.8);
    SCOPED_TRACE(n);
    expect_right_gradients(Bound<CarriedStates>(data), 0.7);
  }
}

struct HiddenStates {
  Dim time, state;
  Real y;
  explicit HiddenStates(Dataset& d) : time(d.dim("time")), state(d.dim("state")), y(d.real("y", time)) {}
  template <class M>
  void operator()(M& m) const {
    auto transition = m.param("transition", dirichlet(2), state, state);
    auto start = m.param("start", dirichlet(1.5), state);
    auto mu = m.param("mu", normal(0, 2), state, ordered());
    auto sigma = m.param("sigma", lognormal(0, 0.3));
    auto slope = m.param("slope", normal(0, 1), time);
    m.hidden_markov("y", y, time, state, start, transition, [&](auto t, auto k) { return normal(mu[k] + slope[t], sigma); });
  }
};

TEST(JointGradients, OfAHiddenMarkovModel) {
  for (const auto& [times, states] : {std::pair<std::size_t, std::size_t>{1, 1}, {1, 3}, {7, 2}, {13, 3}, {2, 1}, {0, 2}}) {
    Data data;
    data.set("y", Numbers(3).uniforms(times, -2, 2));
    data.set("state", double(states));
    SCOPED_TRACE(testing::Message() << times << " times, " << states << " states");
    expect_right_gradients(Bound<HiddenStates>(data), 0.7);
  }
}

}  // namespace
}  // namespace lockstep
