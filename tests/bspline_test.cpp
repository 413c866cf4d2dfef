// B-splines: values and derivatives against SciPy's, and as a matrix of a model's data set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "host/host_model.hpp"
#include "lockstep/bspline.hpp"
#include "lockstep/lockstep.hpp"
#include "tests/data_errors.hpp"

namespace lockstep {
namespace {

using Numbers = std::vector<double>;

Numbers values_at(const Numbers& knots, int degree, int derivative, double x) {
  Numbers values(knots.size() - 1 + std::size_t(degree), 99.);
  bspline_values(knots.data(), int(knots.size()), degree, derivative, x, values.data());
  return values;
}

TEST(BSplines, AreSciPys) {
  std::ifstream file(LOCKSTEP_SOURCE_DIR "/tests/golden/bsplines.json");
  std::size_t seen = 0;
  const auto golden = nlohmann::json::parse(file);
  for (const auto& each : golden.at("cases")) {
    const Numbers expected = each.at("values");
    const Numbers found = values_at(each.at("knots"), each.at("degree"), each.at("derivative"), each.at("x"));
    ASSERT_EQ(found.size(), expected.size());
    double size = 1;
    for (double value : expected) size = std::max(size, std::abs(value));
    for (std::size_t k = 0; k < found.size(); ++k) EXPECT_NEAR(found[k], expected[k], 1e-13 * size) << each.dump() << ", " << k;
    ++seen;
  }
  EXPECT_GT(seen, 400u);
}
// Whatever the knots are like: here of very different distances.
TEST(BSplines, SumToOneAndTheirDerivativesToNothing) {
  const Numbers knots = {-1, -0.999, 0, 1e-6, 3, 1000};
  for (int degree = 0; degree <= 6; ++degree)
    for (const double x : {-1., -0.9995, -0.999, -0.2, 0., 1e-7, 2., 3., 999.9, 1000.}) {
      const Numbers values = values_at(knots, degree, 0, x);
      EXPECT_NEAR(std::accumulate(values.begin(), values.end(), 0.), 1, 1e-14) << degree << ", " << x;
      for (double value : values) EXPECT_GE(value, 0);
      if (degree == 0) continue;
      double sum = 0, size = 0;
      for (double slope : values_at(knots, degree, 1, x)) sum += slope, size += std::abs(slope);
      EXPECT_NEAR(sum, 0, 1e-14 * size) << degree << ", " << x;
    }
}
// Cubic splines reproduce a cubic: their coefficients of x are the means of the knots (Greville's abscissae), of x^2 the means of
// products of two of them.
TEST(BSplines, ReproducePolynomials) {
  const Numbers knots = {0, 0.5, 2, 3}, all = {0, 0, 0, 0, 0.5, 2, 3, 3, 3, 3};
  for (const double x : {0., 0.3, 0.5, 1.7, 2.9, 3.}) {
    const Numbers value = values_at(knots, 3, 0, x), slope = values_at(knots, 3, 1, x), bend = values_at(knots, 3, 2, x);
    double square = 0, its_slope = 0, its_bend = 0;
    for (std::size_t k = 0; k < value.size(); ++k) {
      const double a = all[k + 1], b = all[k + 2], c = all[k + 3], weight = (a * b + b * c + c * a) / 3;
      square += weight * value[k], its_slope += weight * slope[k], its_bend += weight * bend[k];
    }
    EXPECT_NEAR(square, x * x, 1e-14);
    EXPECT_NEAR(its_slope, 2 * x, 1e-13);
    EXPECT_NEAR(its_bend, 2, 1e-13);
  }
}

// A curve of splines, with little noise.
struct Curve {
  Dim obs, knot, basis;
  Real x, knots, y;
  Matrix B;
  explicit Curve(Dataset& d)
      : obs(d.dim("obs")), knot(d.dim("knot")), basis(d.dim("basis")), x(d.real("x", obs)), knots(d.real("knots", knot)),
        y(d.real("y", obs)), B(d.bspline(x, knots, d.option("degree", 3), basis, d.option("order", 0))) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto beta = m.param("beta", normal(0, 1), basis);
    auto curve = m.linear(B, beta);
    m.observe("y", y, obs, [&](auto i) { return normal(curve[i], 1e-9); });
  }
};
Data curve_data() {
  Data data;
  data.set("x", Numbers{0, 0.3, 1, 2.5, 4});
  data.set("y", Numbers{1, 2, 3, 2, 1});
  data.set("knots", Numbers{0, 1, 4});
  return data;
}
TEST(AMatrixOfBSplines, IsReadAsWhatItIsMadeOf) {
  const auto edges = HostModel(*model_table<Curve>(), curve_data()).graph();
  EXPECT_NE(std::find(edges.begin(), edges.end(), std::pair<std::string, std::string>{"x", "y"}), edges.end());
}
// Of new x, by the knots of the fit.
TEST(AMatrixOfBSplines, IsComputedAnewForNewData) {
  const Numbers beta = {0.3, -1, 2, 0.7, -0.2};
  Fit fit;
  fit.chains = 1;
  fit.draws = 1;
  fit.dimensions = {{"obs", 5, {}}, {"knot", 3, {}}, {"basis", 5, {}}};
  fit.groups.push_back({"posterior", true, {{"beta", {"basis"}, {5}, ElementType::real, beta}}});
  fit.groups.push_back({"observed_data", false, {{"y", {"obs"}, {5}, ElementType::real, {1, 2, 3, 2, 1}}}});
  fit.groups.push_back({"constant_data", false, {{"x", {"obs"}, {5}, ElementType::real, {0, 0.3, 1, 2.5, 4}},
                                                 {"knots", {"knot"}, {3}, ElementType::real, {0, 1, 4}}}});
  const Numbers x = {3.9, 0.5, 1.5};
  Data data;
  data.set("x", x);
  const Fit predicted = predict(*model_table<Curve>(), fit, data);
  const auto& variables = predicted.group("predictions").variables;
  ASSERT_EQ(variables.at(0).name, "y");
  ASSERT_EQ(variables[0].values.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Numbers splines = values_at({0, 1, 4}, 3, 0, x[i]);
    EXPECT_NEAR(variables[0].values[i], std::inner_product(splines.begin(), splines.end(), beta.begin(), 0.), 1e-8);
  }
  data.set("x", Numbers{3.9, 4.5});
  expect_error([&] { predict(*model_table<Curve>(), fit, data); }, {"'x' is 4.5 at element 2", "knots 0 and 4"});
}

// Of a data set like the curve's, with a field of it replaced.
void expect_no_splines(const std::string& field, const Numbers& values, const std::vector<std::string>& parts) {
  Data data = curve_data();
  data.set(field, values);
  const DataViews views(data);
  expect_error([&] { ModelData<Curve>{views.view()}; }, parts);
}
TEST(AMatrixOfBSplines, RefusesWhatHasNone) {
  expect_no_splines("knots", {0, 4, 4}, {"B-splines of 'x'", "knot 4 at element 3", "increase"});
  expect_no_splines("knots", {0, 4, 1}, {"knot 1 at element 3"});
  expect_no_splines("knots", {4}, {"1 knots", "two or more"});
  expect_no_splines("knots", {0.1, 1, 4}, {"'x' is 0 at element 1", "knots 0.1 and 4"});
  expect_no_splines("x", {0, 1, nan(""), 2, 3}, {"'x' is NaN at element 3"});
  Data data = curve_data();
  data.set("basis", 4.);
  const DataViews four(data);
  expect_error([&] { ModelData<Curve>{four.view()}; }, {"number 5", "3 knots", "'basis' has size 4", "size given"});
  data = curve_data();
  data.set_option("order", 4);
  const DataViews fourth(data);
  expect_error([&] { ModelData<Curve>{fourth.view()}; }, {"degree 3", "order 4"});
}

}  // namespace
}  // namespace lockstep
