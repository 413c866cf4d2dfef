// What does not depend on a plate's element is computed once per plate: logarithms and exponentials of one gradient,
// counted on a scalar that counts them. Data are read as lanes too, so their functions would be counted.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "lockstep/gradient.hpp"
#include "lockstep/data.hpp"
#include "models/ar_k.hpp"
#include "models/eight_schools.hpp"
#include "models/gauss_mix.hpp"
#include "models/linear_regression.hpp"
#include "models/radon.hpp"
#include "tests/counting_real.hpp"

namespace lockstep {
namespace {

// The functions evaluated by one gradient of the model, of `coordinates` dimensions, on these data.
template <class Model> Counts cost(const Data& data, int coordinates) {
  const DataViews views(data);
  Dataset set(views.view());
  { const Model sizes(set); }
  const Model model(set);
  std::vector<double> position(std::size_t(coordinates), 0.2), gradient(position.size()), scratch(10000);
  const std::int64_t column = 0;
  const Workspace workspace{position.data(), gradient.data(), scratch.data(), &column, 1};
  CountingReal::counts = {};
  const auto log_density = log_density_gradient<CountingReal, true>(model, WholeTeam{}, workspace, coordinates);
  const Counts counts = CountingReal::counts;
  EXPECT_TRUE(std::isfinite(log_density.value));
  for (double g : gradient) EXPECT_TRUE(std::isfinite(g));
  return counts;
}

constexpr auto sizes = {1, 7, 100};

Data numbers(int n) {
  std::vector<double> y, sigma;
  for (int i = 0; i < n; ++i) {
    y.push_back(i % 5);
    sigma.push_back(1 + i % 3);
  }
  Data data;
  data.set("y", y);
  data.set("sigma", sigma);
  return data;
}

// Models of data along one dimension.
struct Along {
  Dim n;
  Real y, sigma;
  explicit Along(Dataset& d) : n(d.dim("n")), y(d.real("y", n)), sigma(d.real("sigma", n)) {}
};

struct PositiveScale : Along {
  using Along::Along;
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto s = m.param("s", half_cauchy(5));
    m.observe("y", y, n, [&](auto) { return normal(mu, s); });
  }
};
TEST(NormalPlate, TakesNoLogarithmOfAPositiveParameter) {
  // exp of the coordinate; half-Cauchy's log1p(z^2). The scale's logarithm is its coordinate.
  for (const int n : sizes) EXPECT_EQ(cost<PositiveScale>(numbers(n), 2), (Counts{.logarithms = 1, .exponentials = 1}));
}

struct ScaleByExpression : Along {
  using Along::Along;
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto s = m.param("s", normal(0, 1));
    m.observe("y", y, n, [&](auto) { return normal(mu, exp(s)); });
  }
};
TEST(NormalPlate, EvaluatesAScaleThatIsAnExpressionOnce) {
  for (const int n : sizes)
    EXPECT_EQ(cost<ScaleByExpression>(numbers(n), 2), (Counts{.logarithms = 1, .exponentials = 1}));
}

struct ScaleFromData : Along {
  using Along::Along;
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    m.observe("y", y, n, [&](auto j) { return normal(mu, sigma[j]); });
  }
};
TEST(NormalPlate, ReadsTheLogarithmsOfDataFromATable) {
  for (const int n : sizes) EXPECT_EQ(cost<ScaleFromData>(numbers(n), 1), (Counts{}));
}

struct ScaleByElement : Along {
  using Along::Along;
  template <class M> void operator()(M& m) const {
    auto s = m.param("s", half_normal(1), n);
    m.observe("y", y, n, [&](auto j) { return normal(0, s[j]); });
  }
};
TEST(NormalPlate, TakesNoLogarithmOfAPositiveVectorsElement) {
  for (const int n : sizes) EXPECT_EQ(cost<ScaleByElement>(numbers(n), n).logarithms, 0);
}

struct PoissonOneRate : Along {
  using Along::Along;
  template <class M> void operator()(M& m) const {
    auto rate = m.param("rate", exponential(1));
    m.observe("y", y, n, [&](auto) { return poisson(rate); });
  }
};
struct PoissonRegression : Along {
  using Along::Along;
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", normal(0, 1));
    m.observe("y", y, n, [&](auto j) { return poisson_log(a + b * sigma[j]); });
  }
};
TEST(PoissonPlate, TakesNoLogarithmOrGammaFunctionOfItsCounts) {
  for (const int n : sizes) {
    EXPECT_EQ(cost<PoissonOneRate>(numbers(n), 1), (Counts{.exponentials = 1}));
    EXPECT_EQ(cost<PoissonRegression>(numbers(n), 2), (Counts{.exponentials = n}));
  }
}

struct GammaOneShape : Along {
  using Along::Along;
  template <class M> void operator()(M& m) const {
    auto shape = m.param("shape", exponential(1));
    auto rate = m.param("rate", exponential(1));
    m.observe("y", sigma, n, [&](auto) { return gamma(shape, rate); });
  }
};
TEST(GammaPlate, PreparesItsShapeOnce) {
  // Stirling's error takes two logarithms and its derivative one.
  for (const int n : sizes) EXPECT_EQ(cost<GammaOneShape>(numbers(n), 2), (Counts{.logarithms = 3, .exponentials = 2}));
}

struct LogisticRegression : Along {
  using Along::Along;
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", normal(0, 1));
    m.observe("y", y, n, [&](auto j) { return bernoulli_logit(a + b * sigma[j]); });
  }
};
TEST(LogisticPlate, TakesOneExponentialPerElement) {
  for (const int n : sizes) {
    Data data = numbers(n);
    std::vector<double> y;
    for (int i = 0; i < n; ++i) y.push_back(i % 2);
    data.set("y", y);
    EXPECT_EQ(cost<LogisticRegression>(data, 2), (Counts{.exponentials = n}));
  }
}

struct StudentPlate : Along {
  using Along::Along;
  template <class M> void operator()(M& m) const {
    auto nu = m.param("nu", gamma(2, 0.1));
    auto s = m.param("s", half_normal(1));
    m.observe("y", y, n, [&](auto) { return student_t(nu, 0, s); });
  }
};
TEST(StudentPlate, TakesOneLogarithmPerElement) {
  const int once = cost<StudentPlate>(numbers(1), 2).logarithms - 1;
  for (const int n : sizes)
    EXPECT_EQ(cost<StudentPlate>(numbers(n), 2), (Counts{.logarithms = once + n, .exponentials = 2}));
}

struct ThreeComponents : Along {
  using Along::Along;
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", uniform(0, 0.5));
    auto s = m.param("s", half_normal(1));
    m.observe("y", y, n, [&](auto) {
      return mixture(component(w, normal(0, s)), component(w, normal(3, s)), component(1 - 2 * w, normal(6, s)));
    });
  }
};
TEST(MixturePlate, TakesOneExponentialPerElementForTwoComponentsAndOnePerComponentForMore) {
  auto data = [](int n) {
    Data d = numbers(n);
    d.set("component", 2);
    return d;
  };
  const Counts two = cost<models::GaussMix>(data(1), 5), three = cost<ThreeComponents>(numbers(1), 2);
  for (const int n : sizes) {
    const Counts two_more = {.logarithms = two.logarithms, .exponentials = two.exponentials + n - 1};
    EXPECT_EQ(cost<models::GaussMix>(data(n), 5), two_more);
    const Counts three_more = {.logarithms = three.logarithms + n - 1,
                               .exponentials = three.exponentials + 3 * (n - 1)};
    EXPECT_EQ(cost<ThreeComponents>(numbers(n), 2), three_more);
  }
}

// ---- the zoo: nothing per observation ------------------------------------------------------------------------------

TEST(Zoo, RadonTakesTwoExponentialsWhateverTheNumbersOfHousesAndCounties) {
  for (const int counties : {1, 5})
    for (const int n : sizes) {
      std::vector<double> x, county_of;
      for (int i = 0; i < n; ++i) {
        x.push_back(std::sin(i));
        county_of.push_back(1 + i % counties);
      }
      Data data;
      data.set("log_radon", x);
      data.set("log_uppm", x);
      data.set("floor_measure", x);
      data.set("county_idx", county_of);
      data.set("county", counties);
      EXPECT_EQ(cost<models::Radon>(data, counties + 5), (Counts{.exponentials = 2}));
    }
}

TEST(Zoo, EightSchoolsTakesOneExponentialAndOneLogarithm) {
  for (const int n : sizes) {
    Data data = numbers(n);
    data.set("school", n);
    EXPECT_EQ(cost<models::EightSchools>(data, n + 2), (Counts{.logarithms = 1, .exponentials = 1}));
  }
}

TEST(Zoo, RegressionsTakeOneExponentialAndOneLogarithm) {
  for (const int n : sizes) {
    Data data = numbers(n);
    data.set("X", std::vector<std::vector<double>>(std::size_t(n), {1., 0.5}));
    EXPECT_EQ(cost<models::LinearRegression>(data, 3), (Counts{.logarithms = 1, .exponentials = 1}));
    data.set("lag", 1);
    EXPECT_EQ(cost<models::ArK>(data, 3), (Counts{.logarithms = 1, .exponentials = 1}));
  }
}

}  // namespace
}  // namespace lockstep
