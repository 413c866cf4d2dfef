// Matrices that are observed element by element, and matrices of data read by element: every meaning but the gradient.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "bound_model.hpp"
#include "gradient_in_lanes.hpp"
#include "host/host_model.hpp"
#include "lockstep/lockstep.hpp"

namespace lockstep {
namespace {

// Y, of which elements may be missing, as the predictor of Z; X is read by element.
struct TwoMatrices {
  Dim row, column;
  Matrix X, Y, Z;
  explicit TwoMatrices(Dataset& d)
      : row(d.dim("row")), column(d.dim("column")), X(d.matrix("X", row, column)), Y(d.matrix("Y", row, column)),
        Z(d.matrix("Z", row, column)) {}
  template <class M> void operator()(M& m) const {
    auto b = m.param("b", normal(0, 2), column);
    auto sigma = m.param("sigma", exponential(1));
    auto complete = m.observe("Y", Y, row, column, [&](auto i, auto k) { return lognormal(b[k] * X(i, k), sigma); });
    m.observe("Z", Z, row, column, [&](auto i, auto k) { return normal(b[k] + dot(complete.row(i), b), X(i, 0)); });
  }
};

// The same by vectors: one element after the other, with indices in place of the matrix's two.
struct TwoVectors {
  Dim cell, row, column;
  GroupIndex row_of, column_of, first, second, third;   // first: cell of each row
  Real X, Y, Z, X0;
  explicit TwoVectors(Dataset& d)
      : cell(d.dim("cell")), row(d.dim("row")), column(d.dim("column", 3)), row_of(d.index("row_of", cell, row)),
        column_of(d.index("column_of", cell, column)), first(d.index("first", row, cell)), second(d.index("second", row, cell)),
        third(d.index("third", row, cell)), X(d.real("X", cell)), Y(d.real("Y", cell)), Z(d.real("Z", cell)), X0(d.real("X0", row)) {}
  template <class M> void operator()(M& m) const {
    auto b = m.param("b", normal(0, 2), column);
    auto sigma = m.param("sigma", exponential(1));
    auto complete = m.observe("Y", Y, cell, [&](auto n) { return lognormal(b[column_of[n]] * X[n], sigma); });
    auto line = m.let("line", row, [&](auto i) {
      return complete[first[i]] * b[0] + complete[second[i]] * b[1] + complete[third[i]] * b[2];
    });
    m.observe("Z", Z, cell, [&](auto n) { return normal(b[column_of[n]] + line[row_of[n]], X0[row_of[n]]); });
  }
};

const std::vector<std::vector<double>> whole_x{{0.4, 1.2, -0.3}, {1.1, -0.6, 0.8}, {0.7, 0.2, 0.5}, {1.6, -0.9, 0.1}},
    whole_y{{0.8, 1.7, 2.2}, {0.4, 1.3, 0.9}, {1.2, 0.5, 3.1}, {0.7, 2.4, 1.1}},
    whole_z{{0.3, -0.7, 1.1}, {0.2, -0.4, 0.6}, {1.5, -1.1, 0.9}, {0.1, 0.8, -0.2}};

Values flat_of(const std::vector<std::vector<double>>& rows) {
  Values all;
  for (const Values& row : rows) all.insert(all.end(), row.begin(), row.end());
  return all;
}
std::vector<std::vector<double>> lacking(std::vector<std::vector<double>> rows, const std::vector<int>& elements) {
  for (int e : elements) rows[std::size_t(e / 3)][std::size_t(e % 3)] = nan;
  return rows;
}
Data matrices(const std::vector<int>& y = {}, const std::vector<int>& z = {}) {
  Data data;
  data.set("X", whole_x);
  data.set("Y", lacking(whole_y, y));
  data.set("Z", lacking(whole_z, z));
  return data;
}
Data vectors(const std::vector<int>& y = {}, const std::vector<int>& z = {}) {
  Data data;
  data.set("X", flat_of(whole_x));
  data.set("Y", flat_of(lacking(whole_y, y)));
  data.set("Z", flat_of(lacking(whole_z, z)));
  data.set("X0", {0.4, 1.1, 0.7, 1.6});
  data.set("row_of", {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4});
  data.set("column_of", {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3});
  data.set("first", {1, 4, 7, 10});
  data.set("second", {2, 5, 8, 11});
  data.set("third", {3, 6, 9, 12});
  return data;
}
const std::vector<int> gaps_in_y{1, 5, 6, 11}, gaps_in_z{0, 7};

// ---- complete --------------------------------------------------------------------------------------------------------------

TEST(ObservedMatrices, AreSitesWithAnEventForEachElement) {
  const Bound<TwoMatrices> bound(matrices());
  const SiteView y = bound.site("Y");
  EXPECT_EQ(y.kind, SiteKind::observed);
  EXPECT_EQ(y.rank, 2);
  EXPECT_EQ(y.dims[0], 0);
  EXPECT_EQ(y.dims[1], 1);
  EXPECT_EQ(y.size, 12);
  EXPECT_EQ(y.events, 12);
  EXPECT_EQ(y.event_rank, 0);
}

TEST(ObservedMatrices, HaveTheLogLikelihoodOfEachElement) {
  const Bound<TwoMatrices> bound(matrices());
  const Values x = some_position(4, 1), b(x.begin(), x.begin() + 3), likelihood = bound.pointwise(x);
  const double sigma = std::exp(x[3]);
  ASSERT_EQ(likelihood.size(), 24u);
  double total = 0;
  for (int i = 0; i < 4; ++i)
    for (int k = 0; k < 3; ++k) {
      const std::size_t r = std::size_t(i), c = std::size_t(k);
      const double log_y = std::log(whole_y[r][c]);
      const double of_y = -0.5 * std::pow((log_y - b[c] * whole_x[r][c]) / sigma, 2) - std::log(sigma) - log_sqrt_of_2pi - log_y;
      double mean = b[c];
      for (std::size_t j = 0; j < 3; ++j) mean += whole_y[r][j] * b[j];
      const double of_z = -0.5 * std::pow((whole_z[r][c] - mean) / whole_x[r][0], 2) - std::log(whole_x[r][0]) - log_sqrt_of_2pi;
      EXPECT_NEAR(likelihood[r * 3 + c], of_y, 1e-12 * (1 + std::abs(of_y)));
      EXPECT_NEAR(likelihood[12 + r * 3 + c], of_z, 1e-12 * (1 + std::abs(of_z)));
      total += of_y + of_z;
    }
  for (double each : b) total += -0.5 * std::pow(each / 2, 2) - std::log(2.) - log_sqrt_of_2pi;
  total += -sigma + std::log(sigma);   // the prior and the Jacobian
  EXPECT_NEAR(bound.log_density(x), total, 1e-12 * (1 + std::abs(total)));
}

// Y is simulated, and Z reads what was: given Y, its residuals in standard deviations are standard normal.
TEST(ObservedMatrices, ArePredictedElementByElementAndReadAsSimulated) {
  const Bound<TwoMatrices> bound(matrices());
  const Values x{0.3, -0.4, 0.2, -0.7};
  const int draws = 2000;
  double sums[2] = {}, squares[2] = {};
  for (int draw = 0; draw < draws; ++draw) {
    const Values out = bound.predict(x, 5, 0, std::uint32_t(draw));
    for (std::size_t n = 0; n < 12; ++n) {
      const std::size_t r = n / 3, c = n % 3;
      double mean = x[c];
      for (std::size_t j = 0; j < 3; ++j) mean += out[3 * r + j] * x[j];
      const double residuals[2] = {(std::log(out[n]) - x[c] * whole_x[r][c]) / std::exp(-0.7), (out[12 + n] - mean) / whole_x[r][0]};
      for (int s = 0; s < 2; ++s) sums[s] += residuals[s], squares[s] += residuals[s] * residuals[s];
    }
  }
  // Four statistics, each normal at this number of draws, at 1e-4 in all.
  const double count = 12. * draws, bound_of_z = boost::math::quantile(boost::math::complement(boost::math::normal(), 1e-4 / 8));
  for (int s = 0; s < 2; ++s) {
    EXPECT_LT(std::abs(sums[s]), bound_of_z * std::sqrt(count)) << s;
    EXPECT_LT(std::abs(squares[s] - count), bound_of_z * std::sqrt(2 * count)) << s;
  }
}

TEST(ObservedMatrices, GiveWayToWhatIsDoneAndObserved) {
  Data done = matrices(), observed = matrices(gaps_in_y);
  const Values instead{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  done.set_do("Y", instead);
  observed.set_observed("Y", instead);
  const Bound<TwoMatrices> with_do(done), with_observe(observed);
  const Values x = some_position(4, 2);
  Data given = matrices();
  given.set("Y", std::vector<std::vector<double>>{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}});
  const Bound<TwoMatrices> usual(given);
  const Values likelihood = usual.pointwise(x);
  EXPECT_EQ(with_observe.coordinates(), 4u);
  EXPECT_NEAR(with_observe.log_density(x), usual.log_density(x), 1e-11 * std::abs(usual.log_density(x)));
  EXPECT_NEAR(with_do.log_density(x), usual.log_density(x) - sum({likelihood.begin(), likelihood.begin() + 12}),
              1e-11 * std::abs(usual.log_density(x)));
  EXPECT_EQ(with_do.pointwise(x), Values(likelihood.begin() + 12, likelihood.end()));
}

TEST(ObservedMatrices, AreInTheGraphWithTheFieldsThatTheyRead) {
  const std::vector<std::pair<std::string, std::string>> expected{{"X", "Y"}, {"X", "Z"},     {"Y", "Z"},    {"b", "Y"},
                                                                  {"b", "Z"}, {"sigma", "Y"}};
  const Data data = matrices();
  EXPECT_EQ(HostModel(*model_table<TwoMatrices>(), data).graph(), expected);
}

TEST(ObservedMatrices, AreInTheFitAndInPredictionsForNewData) {
  SampleOptions options;
  options.chains = 4;
  options.warmup = 50;
  options.draws = 20;
  options.log_likelihood = options.predictive = true;
  Data data = matrices();
  data.set_labels("column", {"a", "b", "c"});
  const Fit fit = sample<TwoMatrices>(data, options);
  const Variable& likelihood = fit.variable("log_likelihood", "Y");
  EXPECT_EQ(likelihood.dims, (std::vector<std::string>{"row", "column"}));
  EXPECT_EQ(likelihood.values.size(), 80u * 12);
  EXPECT_EQ(fit.variable("posterior_predictive", "Z").dims, (std::vector<std::string>{"row", "column"}));
  EXPECT_EQ(fit.variable("observed_data", "Y").values, flat_of(whole_y));
  // Another number of rows; the columns keep their labels, in another order.
  Data more;
  more.set_labels("column", {"c", "a", "b"});
  const double x[6] = {50, 25, 100, 100, 50, 25};
  more.set("X", std::vector<std::vector<double>>{{50, 25, 100}, {100, 50, 25}});
  const Fit predicted = predict<TwoMatrices>(fit, more);
  const Values& y = predicted.variable("predictions", "Y").values;
  ASSERT_EQ(y.size(), 80u * 6);
  double squares = 0;
  for (std::size_t n = 0; n < y.size(); ++n) {
    const std::size_t draw = n / 6, label = (n + 2) % 3;   // c, a, b
    const double sigma = fit.variable("posterior", "sigma").values[draw], b = fit.variable("posterior", "b").values[3 * draw + label];
    squares += std::pow((std::log(y[n]) - b * x[n % 6]) / sigma, 2) / double(y.size());
  }
  EXPECT_LT(std::abs(squares - 1), 6 * std::sqrt(2. / 480));   // false alarm: 1e-6 (chi squared); another label's b would be far off
  const Fit prior = sample_prior<TwoMatrices>(data, {});
  EXPECT_EQ(prior.variable("prior_predictive", "Y").dims, (std::vector<std::string>{"row", "column"}));
}

// ---- with gaps ---------------------------------------------------------------------------------------------------------------

// Log density and gradient of the model of vectors, which tests/missing_values_test.cpp compares with one written by hand; in lanes, in
// either precision.
TEST(ObservedMatrices, ImputeWhatIsMissingAsVectorsDo) {
  const Data with_matrices = matrices(gaps_in_y, gaps_in_z), with_vectors = vectors(gaps_in_y, gaps_in_z);
  const HostModel of_matrices(*model_table<TwoMatrices>(), with_matrices), of_vectors(*model_table<TwoVectors>(), with_vectors);
  ASSERT_EQ(of_matrices.coordinates(), 4 + 4 + 2);
  const Values x = some_position(10, 3);
  Values gradient(10), expected(10);
  const double density = of_matrices.log_density(x.data(), gradient.data());
  EXPECT_NEAR(density, of_vectors.log_density(x.data(), expected.data()), 1e-12 * std::abs(density));
  for (std::size_t k = 0; k < 10; ++k) EXPECT_NEAR(gradient[k], expected[k], 1e-12 * std::max(1., std::abs(expected[k]))) << k;
  GradientInLanes lanes(of_matrices);
  lanes.place(x);
  for (const bool mixed : {false, true}) {
    const ModelTable& table = of_matrices.table();
    lanes.run(of_matrices, mixed ? table.log_density_gradient_mixed : table.log_density_gradient);
    const double tolerance = mixed ? 1e-5 : 1e-12;
    for (std::size_t n = 0; n < 10 * std::size_t(pack_width); ++n) {
      const double of_oracle = gradient[n / pack_width];
      EXPECT_NEAR(lanes.gradient.data()[n], of_oracle, tolerance * std::max(1., std::abs(of_oracle))) << n;
    }
    for (double each : lanes.log_density) EXPECT_NEAR(each, density, tolerance * std::abs(density));
  }
}

TEST(ObservedMatrices, WithGapsAreTwoSitesWithTheMatrixsLabels) {
  Data data = matrices(gaps_in_y);
  data.set_labels("column", {"a", "b", "c"});
  const HostModel model(*model_table<TwoMatrices>(), data);
  const SiteView *imputed = find_site(model.layout(), "Y_unobserved"), *there = find_site(model.layout(), "Y_observed");
  ASSERT_TRUE(imputed && there);
  EXPECT_FALSE(find_site(model.layout(), "Y"));
  EXPECT_EQ(imputed->kind, SiteKind::parameter);
  EXPECT_EQ(there->events, 8);
  const DimView* dim = find_dim(model.layout(), "Y_unobserved_dim_0");
  ASSERT_TRUE(dim && dim->size == 4);
  EXPECT_STREQ(dim->labels[0], "0,b");
  EXPECT_STREQ(dim->labels[3], "3,c");
  const auto edges = model.graph();
  for (const auto& [from, to] : {std::pair<const char*, const char*>{"b", "Y_unobserved"}, {"b", "Y_observed"}, {"Y_unobserved", "Z"}})
    EXPECT_EQ(std::count(edges.begin(), edges.end(), std::pair<std::string, std::string>(from, to)), 1) << from << " -> " << to;
}

TEST(ObservedMatrices, KeepImputedElementsInPredictionsAndGiveThemNoLogLikelihood) {
  const Bound<TwoMatrices> bound(matrices(gaps_in_y));
  Values x = some_position(8, 4);
  x[0] = x[1] = x[2] = 0;
  x[7] = 20;   // a gap whose value no simulation would give
  x[3] = -3;
  const Values likelihood = bound.pointwise(x);
  EXPECT_EQ(likelihood.size(), 8u + 12);
  const Values out = bound.predict(x, 6);
  ASSERT_EQ(out.size(), 8u + 12);
  for (std::size_t n = 0; n < 8; ++n) EXPECT_NEAR(std::log(out[n]), 0, 6 * std::exp(-3.)) << n;
  EXPECT_NEAR(bound.part(bound.constrain(x), "Y_unobserved")[3], std::exp(20.), 1);
}

// ---- mistakes ------------------------------------------------------------------------------------------------------------------

template <class F> struct OneMistake {
  Dim row, column;
  Matrix X, Y;
  explicit OneMistake(Dataset& d) : row(d.dim("row")), column(d.dim("column")), X(d.matrix("X", row, column)), Y(d.matrix("Y", row, column)) {}
  template <class M> void operator()(M& m) const { F{}(m, *this); }
};
template <class F> void expect_refused(F, const std::vector<std::string>& parts, const std::vector<int>& gaps = {}) {
  SCOPED_TRACE(parts.front());
  Data data;
  data.set("X", whole_x);
  data.set("Y", lacking(whole_y, gaps));
  const DataViews views(data);
  expect_model_error([&] { const BoundModel<OneMistake<F>> model(views.view()); }, parts);
}

TEST(ObservedMatrices, MistakesAreNamed) {
  expect_refused([](auto& m, const auto& d) { m.observe("Y", d.Y, d.column, d.row, [&](auto, auto) { return normal(0, 1); }); },
                 {"site 'Y' observes matrix 'Y' over other dimensions"});
  expect_refused([](auto& m, const auto& d) { m.observe("Y", d.Y, d.row.from(1), d.column, [&](auto, auto) { return normal(0, 1); }); },
                 {"site 'Y' observes a matrix from a later row"});
  expect_refused([](auto& m, const auto& d) { m.observe("Y", d.Y, d.row.from(2), [&](auto) { return dirichlet(1); }); },
                 {"site 'Y' observes a matrix from a later row"});
  expect_refused([](auto& m, const auto& d) { m.observe("Y", d.Y, d.row, d.column, [&](auto i, auto k) { return normal(d.X(k, i), 1); }); },
                 {"'X' is read with an index of another dimension"});
  expect_refused([](auto& m, const auto& d) { m.observe("Y", d.Y, d.row, d.column, [&](auto i, auto) { return normal(d.X(i, 3), 1); }); },
                 {"'X' is read at column 3 (it has columns 0 to 2)"});
  expect_refused([](auto& m, const auto& d) { m.observe("Y", d.Y, d.row, d.column, [&](auto, auto k) { return normal(d.X(-1, k), 1); }); },
                 {"'X' is read at row -1 (it has rows 0 to 3)"});
  expect_refused([](auto& m, const auto& d) { m.observe("Y", d.Y, d.row, d.column, [&](auto i, auto) { return normal(d.X(0, i.position % 3), 1); }); },
                 {"site 'Y' reads elements by a number that changes"});
  expect_refused([](auto& m, const auto& d) { m.observe("X", d.X, d.row, d.column, [&](auto i, auto k) { return normal(d.Y(i, k), 1); }); },
                 {"field 'Y' is NaN at element [2, 3]"}, {5});
  expect_refused([](auto& m, const auto& d) { m.observe("Y", d.Y, d.row, d.column, [&](auto, auto) { return poisson(2); }); },
                 {"site 'Y' is NaN at element [2, 3]", "discrete"}, {5});
}

}  // namespace
}  // namespace lockstep
