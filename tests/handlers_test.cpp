// What a model means besides its gradient: layout, constrain and unconstrain, prior draws, prediction, pointwise log
// likelihood; and what is said about models that read what is not there.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/special_functions/beta.hpp>

#include "bound_model.hpp"
#include "host/host_model.hpp"
#include "lockstep/model.hpp"
#include "models/ar_k.hpp"
#include "models/eight_schools.hpp"
#include "models/gauss_mix.hpp"
#include "models/linear_regression.hpp"
#include "models/radon.hpp"
#include "models/std_normal.hpp"

namespace lockstep {
namespace {

// A model with every support, and intermediates of every kind.
struct Everything {
  Dim i, k;
  Real y;
  Integer n;
  GroupIndex group;
  explicit Everything(Dataset& d)
      : i(d.dim("i")), k(d.dim("k")), y(d.real("y", i)), n(d.integer("n", i)), group(d.index("group", i, k)) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(1, 2));
    auto b = m.param("b", gamma(2, 1));
    auto c = m.param("c", beta(2, 3));
    auto low = m.param("low", normal(0, 1), above(-2));
    auto high = m.param("high", normal(0, 1), below(4));
    auto u = m.param("u", uniform(low - b, low + 2 * b));
    auto v = m.param("v", k, [&](auto) { return normal(a, b); });
    auto w = m.param("w", lognormal(0, 1), k);
    auto o = m.param("o", normal(0, 2), k, ordered());
    auto p = m.param("p", normal(0, 1), k, between(low - 1, low + b));
    auto ratio = m.deterministic("ratio", a / b);
    auto kept = m.let("kept", exp(c) + ratio);
    auto lazy = m.deterministic("lazy", k, [&](auto j) { return v[j] * w[j]; });
    auto stored = m.let("stored", k, [&](auto j) { return lazy[j] + o[j]; });
    auto walk = m.scan("walk", i, u, [&](auto t, auto last) { return 0.5 * last + p[group[t]]; });
    m.observe("y", y, i, [&](auto j) { return normal(stored[group[j]] + walk[j] + high, kept * kept + 1); });
    m.observe("n", n, i.from(1), [&](auto j) { return poisson_log(0.1 * walk[j]); });
  }
};
Data everything() {
  Data data;
  data.set("y", {0.3, -1, 2.5, 0.7, 1.1});
  data.set("n", {3, 0, 1, 2, 1});
  data.set("group", {1, 3, 3, 2, 1});
  data.set("k", 3);
  return data;
}

// ---- layout -------------------------------------------------------------------------------------------------------

TEST(Layout, ListsSitesWithTheirKindsDimensionsSupportsAndCoordinates) {
  const Bound<models::EightSchools> bound(example("eight_schools"));
  const LayoutView& layout = bound.model.layout();
  EXPECT_EQ(layout.coordinates, 10);
  EXPECT_EQ(layout.scratch, 0);
  ASSERT_EQ(layout.dim_count, 1);
  EXPECT_STREQ(layout.dims[0].name, "school");
  EXPECT_EQ(layout.dims[0].size, 8);
  EXPECT_STREQ(layout.dims[0].labels[6], "St. Paul's");
  struct Expected {
    const char* name;
    SiteKind kind;
    const char* support;
    int dim, size, coordinate;
  };
  const std::vector<Expected> expected{{"mu", SiteKind::parameter, "real", -1, 1, 0},
                                       {"tau", SiteKind::parameter, "positive", -1, 1, 1},
                                       {"z", SiteKind::parameter, "real", 0, 8, 2},
                                       {"theta", SiteKind::deterministic, "", 0, 8, 10},
                                       {"y", SiteKind::observed, "", 0, 8, 10}};
  ASSERT_EQ(layout.site_count, std::int64_t(expected.size()));
  for (std::size_t s = 0; s < expected.size(); ++s) {
    EXPECT_STREQ(layout.sites[s].name, expected[s].name);
    EXPECT_EQ(layout.sites[s].kind, expected[s].kind) << expected[s].name;
    EXPECT_STREQ(layout.sites[s].support, expected[s].support) << expected[s].name;
    EXPECT_EQ(layout.sites[s].rank, expected[s].dim < 0 ? 0 : 1) << expected[s].name;
    EXPECT_EQ(layout.sites[s].dims[0], expected[s].dim) << expected[s].name;
    EXPECT_EQ(layout.sites[s].events, expected[s].size) << expected[s].name;
    EXPECT_EQ(layout.sites[s].size, expected[s].size) << expected[s].name;
    EXPECT_EQ(layout.sites[s].coordinate, expected[s].coordinate) << expected[s].name;
    EXPECT_EQ(layout.sites[s].first, 0) << expected[s].name;
    EXPECT_FALSE(layout.sites[s].whole) << expected[s].name;
  }
}

TEST(Layout, TellsWhereAPlateStartsAndWhatIsWhole) {
  const Bound<Everything> bound(everything());
  EXPECT_EQ(bound.site("n").first, 1);
  EXPECT_TRUE(bound.site("n").whole);
  EXPECT_FALSE(bound.site("y").whole);
  EXPECT_EQ(bound.model.layout().dims[0].labels, nullptr);
  const std::vector<std::pair<const char*, const char*>> supports{{"a", "real"},
                                                                  {"b", "positive"},
                                                                  {"c", "between 0 and 1"},
                                                                  {"low", "above a bound"},
                                                                  {"high", "below a bound"},
                                                                  {"u", "between two bounds"},
                                                                  {"o", "ordered"},
                                                                  {"p", "between two bounds"}};
  for (const auto& [name, support] : supports) EXPECT_STREQ(bound.site(name).support, support) << name;
}

template <class Model>
void expect_coordinates_in_order(const Data& data) {
  const Bound<Model> bound(data);
  int next = 0;
  for (const SiteView& s : bound.sites())
    if (s.kind == SiteKind::parameter) {
      EXPECT_EQ(s.coordinate, next) << s.name;
      next += s.size;
    }
  EXPECT_EQ(std::size_t(next), bound.coordinates());
}

TEST(Layout, GivesEveryParameterItsCoordinatesInOrder) {
  expect_coordinates_in_order<models::StdNormal>(example("std_normal"));
  expect_coordinates_in_order<models::EightSchools>(example("eight_schools"));
  expect_coordinates_in_order<models::ArK>(example("ar_k"));
  expect_coordinates_in_order<models::GaussMix>(example("gauss_mix"));
  expect_coordinates_in_order<models::LinearRegression>(example("linear_regression"));
  expect_coordinates_in_order<models::Radon>(example("radon"));
  expect_coordinates_in_order<Everything>(everything());
}

// ---- constrain and unconstrain ------------------------------------------------------------------------------------

template <class Model>
void expect_unconstrain_inverts_constrain(const Data& data) {
  const Bound<Model> bound(data);
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const Values x = some_position(bound.coordinates(), seed, seed <= 10 ? 2 : 6);
    const Values values = bound.parameters(bound.constrain(x));
    const Values back = bound.unconstrain(values);
    // A coordinate is as exact as the value's distance from its bound: 1 - sigmoid(6) has lost three digits.
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(back[i], x[i], 1e-11) << "coordinate " << i << ", seed " << seed;
    const Values again = bound.parameters(bound.constrain(back));
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(again[i], values[i], 1e-12 * std::max(1., std::abs(values[i])));
  }
}

TEST(Constrain, IsInvertedByUnconstrain) {
  expect_unconstrain_inverts_constrain<models::StdNormal>(example("std_normal"));
  expect_unconstrain_inverts_constrain<models::EightSchools>(example("eight_schools"));
  expect_unconstrain_inverts_constrain<models::ArK>(example("ar_k"));
  expect_unconstrain_inverts_constrain<models::GaussMix>(example("gauss_mix"));
  expect_unconstrain_inverts_constrain<models::LinearRegression>(example("linear_regression"));
  expect_unconstrain_inverts_constrain<models::Radon>(example("radon"));
  expect_unconstrain_inverts_constrain<Everything>(everything());
}

TEST(Constrain, GivesParametersInsideTheirSupportsAndDeterministicsMadeOfThem) {
  const Bound<Everything> bound(everything());
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const Values out = bound.constrain(some_position(bound.coordinates(), seed));
    const auto at = [&](const char* name) { return bound.part(out, name); };
    const double a = at("a")[0], b = at("b")[0], c = at("c")[0], low = at("low")[0], high = at("high")[0],
                 u = at("u")[0];
    EXPECT_TRUE(b > 0 && c > 0 && c < 1 && low > -2 && high < 4 && u > low - b && u < low + 2 * b);
    EXPECT_DOUBLE_EQ(at("ratio")[0], a / b);
    EXPECT_DOUBLE_EQ(at("kept")[0], std::exp(c) + a / b);
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_GT(at("w")[k], 0);
      EXPECT_TRUE(at("p")[k] > low - 1 && at("p")[k] < low + b);
      EXPECT_DOUBLE_EQ(at("lazy")[k], at("v")[k] * at("w")[k]);
      EXPECT_NEAR(at("stored")[k], at("lazy")[k] + at("o")[k], 1e-14);  // the sum may cancel
      EXPECT_TRUE(k == 0 || at("o")[k] > at("o")[k - 1]);
    }
    const Values walk = at("walk"), group{1, 3, 3, 2, 1};
    EXPECT_DOUBLE_EQ(walk[0], u);
    for (std::size_t t = 1; t < walk.size(); ++t)
      EXPECT_DOUBLE_EQ(walk[t], 0.5 * walk[t - 1] + at("p")[std::size_t(group[t]) - 1]);
  }
}

TEST(Unconstrain, RefusesValuesOutsideTheirSupport) {
  const Bound<Everything> bound(everything());
  const Values good = bound.parameters(bound.constrain(some_position(bound.coordinates(), 3)));
  const auto expect = [&](const char* name, std::size_t element, double value, const std::vector<std::string>& parts) {
    Values values = good;
    values[std::size_t(bound.site(name).coordinate) + element] = value;
    std::vector<std::string> all = parts;
    all.push_back("parameter '" + std::string(name) + "'");
    expect_model_error([&] { bound.unconstrain(values); }, all);
  };
  expect("a", 0, nan, {"NaN", "real"});
  expect("a", 0, infinity, {"inf", "real"});
  expect("b", 0, 0, {"is 0 ", "positive"});
  expect("b", 0, -1e-9, {"-1e-09", "positive"});
  expect("c", 0, 1, {"is 1 ", "between 0 and 1"});
  expect("c", 0, -0.0, {"between 0 and 1"});
  expect("low", 0, -2, {"is -2 ", "above a bound"});
  expect("high", 0, 4.5, {"4.5", "below a bound"});
  expect("u", 0, 1e6, {"between two bounds"});
  expect("w", 1, -1, {"element 2", "positive"});
  expect("o", 2, -1e6, {"element 3", "ordered"});
  expect("p", 2, 100, {"element 3", "between two bounds"});
}

// ---- pointwise log likelihood -------------------------------------------------------------------------------------

double normal_lpdf(double y, double mu, double sigma) {
  return -0.5 * (y - mu) * (y - mu) / (sigma * sigma) - std::log(sigma) - log_sqrt_of_2pi;
}
double half_normal_lpdf(double y, double sigma) { return normal_lpdf(y, 0, sigma) + std::log(2.); }
double half_cauchy_lpdf(double y, double scale) {
  return std::log(2 / 3.14159265358979323846) - std::log(scale) - std::log1p(y * y / (scale * scale));
}
double beta_lpdf(double y, double a, double b) {
  return (a - 1) * std::log(y) + (b - 1) * std::log1p(-y) - std::log(boost::math::beta(a, b));
}

// Sum of the pointwise log likelihood, the priors and the log Jacobians, the last two written out by `others(values)`,
// against the log density of the gradient's run. `likelihood(values)` writes out what one element should be.
template <class Model, class Others, class Likelihood>
void expect_parts_to_sum_to_the_log_density(const Data& data, const Others& others, const Likelihood& likelihood) {
  const Bound<Model> bound(data);
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    const Values x = some_position(bound.coordinates(), seed, 1);
    const Values out = bound.constrain(x), log_likelihood = bound.pointwise(x);
    const auto at = [&](const char* name) { return bound.part(out, name); };
    const double expected = bound.log_density(x);
    EXPECT_NEAR(sum(log_likelihood) + others(at), expected, 1e-11 * std::max(1., std::abs(expected)))
        << "seed " << seed;
    const Values by_hand = likelihood(at);
    ASSERT_EQ(by_hand.size(), log_likelihood.size());
    for (std::size_t i = 0; i < by_hand.size(); ++i)
      EXPECT_NEAR(log_likelihood[i], by_hand[i], 1e-10 * std::max(1., std::abs(by_hand[i]))) << "element " << i;
  }
}

TEST(Pointwise, SumsWithPriorsAndJacobiansToTheLogDensityOfEightSchools) {
  const Data data = example("eight_schools");
  const Values y = data.fields().at("y").values, sigma = data.fields().at("sigma").values;
  expect_parts_to_sum_to_the_log_density<models::EightSchools>(
      data,
      [](const auto& at) {
        const double tau = at("tau")[0];
        double f = normal_lpdf(at("mu")[0], 0, 5) + half_cauchy_lpdf(tau, 5) + std::log(tau);
        for (double z : at("z")) f += normal_lpdf(z, 0, 1);
        return f;
      },
      [&](const auto& at) {
        Values l;
        for (std::size_t j = 0; j < 8; ++j)
          l.push_back(normal_lpdf(y[j], at("mu")[0] + at("tau")[0] * at("z")[j], sigma[j]));
        return l;
      });
}

TEST(Pointwise, SumsWithPriorsAndJacobiansToTheLogDensityOfAnAutoregression) {
  const Data data = example("ar_k");
  const Values y = data.fields().at("y").values;
  expect_parts_to_sum_to_the_log_density<models::ArK>(
      data,
      [](const auto& at) {
        const double sigma = at("sigma")[0];
        double f = normal_lpdf(at("alpha")[0], 0, 10) + half_cauchy_lpdf(sigma, 2.5) + std::log(sigma);
        for (double b : at("beta")) f += normal_lpdf(b, 0, 10);
        return f;
      },
      [&](const auto& at) {
        Values l(5, 0.);  // the first five values are given
        for (std::size_t t = 5; t < y.size(); ++t) {
          double mean = at("alpha")[0];
          for (std::size_t k = 0; k < 5; ++k) mean += at("beta")[k] * y[t - 1 - k];
          l.push_back(normal_lpdf(y[t], mean, at("sigma")[0]));
        }
        return l;
      });
}

TEST(Pointwise, SumsWithPriorsAndJacobiansToTheLogDensityOfAMixture) {
  const Data data = example("gauss_mix");
  const Values y = data.fields().at("y").values;
  expect_parts_to_sum_to_the_log_density<models::GaussMix>(
      data,
      [](const auto& at) {
        const Values mu = at("mu"), sigma = at("sigma");
        const double theta = at("theta")[0];
        return normal_lpdf(mu[0], 0, 2) + normal_lpdf(mu[1], 0, 2) + std::log(mu[1] - mu[0]) +
               half_normal_lpdf(sigma[0], 2) + half_normal_lpdf(sigma[1], 2) + std::log(sigma[0]) + std::log(sigma[1]) +
               beta_lpdf(theta, 5, 5) + std::log(theta) + std::log1p(-theta);
      },
      [&](const auto& at) {
        Values l;
        const double theta = at("theta")[0];
        for (double yi : y)
          l.push_back(std::log(theta * std::exp(normal_lpdf(yi, at("mu")[0], at("sigma")[0])) +
                               (1 - theta) * std::exp(normal_lpdf(yi, at("mu")[1], at("sigma")[1]))));
        return l;
      });
}

TEST(Pointwise, SumsWithPriorsAndJacobiansToTheLogDensityOfALinearRegression) {
  const Data data = example("linear_regression");
  const Values y = data.fields().at("y").values, X = data.fields().at("X").values;
  expect_parts_to_sum_to_the_log_density<models::LinearRegression>(
      data, [](const auto& at) { return half_cauchy_lpdf(at("sigma")[0], 2.5) + std::log(at("sigma")[0]); },
      [&](const auto& at) {
        Values l;
        for (std::size_t i = 0; i < y.size(); ++i)
          l.push_back(normal_lpdf(y[i], X[2 * i] * at("beta")[0] + X[2 * i + 1] * at("beta")[1], at("sigma")[0]));
        return l;
      });
}

TEST(Pointwise, SumsWithPriorsAndJacobiansToTheLogDensityOfRadon) {
  const Data data = example("radon");
  const auto field = [&](const char* name) { return data.fields().at(name).values; };
  const Values y = field("log_radon"), county = field("county_idx"), uranium = field("log_uppm"),
               floor = field("floor_measure");
  expect_parts_to_sum_to_the_log_density<models::Radon>(
      data,
      [](const auto& at) {
        const double a = at("sigma_alpha")[0], s = at("sigma_y")[0];
        double f = normal_lpdf(at("mu_alpha")[0], 0, 10) + normal_lpdf(at("beta_uranium")[0], 0, 10) +
                   normal_lpdf(at("beta_floor")[0], 0, 10) + half_normal_lpdf(a, 1) + std::log(a) +
                   half_normal_lpdf(s, 1) + std::log(s);
        for (double z : at("alpha_raw")) f += normal_lpdf(z, 0, 1);
        return f;
      },
      [&](const auto& at) {
        Values l;
        const Values raw = at("alpha_raw");
        for (std::size_t i = 0; i < y.size(); ++i) {
          const double alpha = at("mu_alpha")[0] + at("sigma_alpha")[0] * raw[std::size_t(county[i]) - 1];
          l.push_back(normal_lpdf(y[i], alpha + at("beta_uranium")[0] * uranium[i] + at("beta_floor")[0] * floor[i],
                                  at("sigma_y")[0]));
        }
        return l;
      });
}

TEST(Pointwise, ReadsTheDataSetThatIsAskedFor) {
  Data first = example("eight_schools"), second = first;
  second.set("y", {1, 2, 3, 4, 5, 6, 7, 8});
  const Bound<models::EightSchools> stacked(Data::stack({first, second}));
  const Values x = some_position(10, 1);
  EXPECT_EQ(stacked.pointwise(x, 0), Bound<models::EightSchools>(first).pointwise(x));
  EXPECT_EQ(stacked.pointwise(x, 1), Bound<models::EightSchools>(second).pointwise(x));
  EXPECT_NE(stacked.pointwise(x, 0), stacked.pointwise(x, 1));
}

// ---- prior draws --------------------------------------------------------------------------------------------------

template <class Model>
void expect_reproducible_prior_draws(const Data& data) {
  const Bound<Model> bound(data);
  const auto draw = bound.prior(1, 2, 3);
  EXPECT_EQ(draw, bound.prior(1, 2, 3));
  EXPECT_EQ(draw, Bound<Model>(data).prior(1, 2, 3));
  // Every coordinate, not just one of them.
  for (const auto& other : {bound.prior(2, 2, 3), bound.prior(1, 3, 3), bound.prior(1, 2, 4)})
    for (std::size_t i = 0; i < draw.position.size(); ++i) EXPECT_NE(draw.position[i], other.position[i]) << i;
  // Position and values are two forms of one draw.
  const Values values = bound.constrain(draw.position);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_DOUBLE_EQ(values[i], draw.values[i]) << i;
}

TEST(PriorDraw, IsAFunctionOfSeedChainAndDraw) {
  expect_reproducible_prior_draws<models::StdNormal>(example("std_normal"));
  expect_reproducible_prior_draws<models::EightSchools>(example("eight_schools"));
  expect_reproducible_prior_draws<models::ArK>(example("ar_k"));
  expect_reproducible_prior_draws<models::GaussMix>(example("gauss_mix"));
  expect_reproducible_prior_draws<models::Radon>(example("radon"));
  expect_reproducible_prior_draws<Everything>(everything());
}

TEST(PriorDraw, StaysInsideBoundsNarrowerThanThePrior) {
  const Bound<Everything> bound(everything());
  for (std::uint32_t draw = 0; draw < 500; ++draw) {
    const Values out = bound.prior(5, 0, draw).values;
    const double low = bound.part(out, "low")[0], b = bound.part(out, "b")[0];
    EXPECT_GT(low, -2);
    EXPECT_LT(bound.part(out, "high")[0], 4);
    for (double p : bound.part(out, "p")) EXPECT_TRUE(p >= low - 1 && p <= low + b);
    const Values o = bound.part(out, "o");
    EXPECT_TRUE(std::is_sorted(o.begin(), o.end()));
  }
}

struct FlatPrior {
  Dim i;
  explicit FlatPrior(Dataset& d) : i(d.dim("i")) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto slope = m.param("slope", flat(), i);
    m.deterministic("twice", i, [&](auto j) { return 2 * a * slope[j]; });
  }
};
struct PriorOutsideItsBounds {
  explicit PriorOutsideItsBounds(Dataset&) {}
  template <class M>
  void operator()(M& m) const {
    m.param("a", normal(0, 1), above(50));
  }
};
Data with_dimension(int size) {
  Data data;
  data.set("i", size);
  return data;
}

TEST(PriorDraw, OfAFlatPriorIsRefusedByName) {
  const Bound<FlatPrior> bound(with_dimension(2));
  expect_model_error([&] { bound.prior(1); }, {"parameter 'slope'", "flat prior", "proper prior"});
  expect_model_error([&] { Bound<models::LinearRegression>(example("linear_regression")).prior(1); },
                     {"parameter 'beta'", "flat"});
  EXPECT_NO_THROW(bound.constrain({1, 2, 3}));
}

TEST(PriorDraw, ThatNeverFallsInsideItsBoundsIsRefusedByName) {
  const Bound<PriorOutsideItsBounds> bound(Data{});
  expect_model_error([&] { bound.prior(1); }, {"parameter 'a'", "outside its bounds"});
}

// ---- prediction ---------------------------------------------------------------------------------------------------

struct Ar1 {
  Dim time;
  Real y;
  explicit Ar1(Dataset& d) : time(d.dim("time")), y(d.real("y", time)) {}
  template <class M>
  void operator()(M& m) const {
    auto phi = m.param("phi", uniform(-1, 1));
    auto sigma = m.param("sigma", half_normal(1));
    m.observe("y", y, time.from(1), [&](auto, auto past) { return normal(phi * past(1), sigma); });
  }
};

// A prediction of an AR(1) runs on its own simulated values: given the first value y0, element t has mean phi^t y0 and
// variance sigma^2 (1 - phi^(2t))/(1 - phi^2), and elements s < t have covariance phi^(t-s) var(s). (Were each element
// predicted from the data before it, the variance would be sigma^2 at every t.) Means by a z test, variances by a
// chi-square test, each innovation's correlation with the element before by a z test: all together at 1e-3
// (Bonferroni).
TEST(Prediction, OfAnAutoregressionSimulatesThePath) {
  constexpr double phi = 0.9, sigma = 0.7, y0 = 2;
  constexpr int steps = 12, draws = 20000;
  Data data;
  Values y(steps + 1, -50.);  // what was observed must not matter
  y[0] = y0;
  data.set("y", y);
  const Bound<Ar1> bound(data);
  const Values position = bound.unconstrain({phi, sigma});
  std::vector<Values> paths;
  for (std::uint32_t draw = 0; draw < draws; ++draw) paths.push_back(bound.predict(position, 20250101, 0, draw));

  const boost::math::normal standard;
  const boost::math::chi_squared chi_squared(draws - 1);
  std::vector<double> p_values;
  const auto two_sided = [](double p) { return 2 * std::min(p, 1 - p); };
  for (std::size_t t = 1; t <= steps; ++t) {
    const double mean = std::pow(phi, double(t)) * y0;
    const double variance = sigma * sigma * (1 - std::pow(phi, 2. * double(t))) / (1 - phi * phi);
    double total = 0, squares = 0, with_previous = 0;
    for (const Values& path : paths) total += path[t];
    for (const Values& path : paths) squares += (path[t] - total / draws) * (path[t] - total / draws);
    for (const Values& path : paths)
      with_previous += (path[t] - phi * path[t - 1]) * (path[t - 1] - std::pow(phi, double(t) - 1) * y0);
    p_values.push_back(two_sided(cdf(standard, (total / draws - mean) / std::sqrt(variance / draws))));
    p_values.push_back(two_sided(cdf(chi_squared, squares / variance)));
    const double previous = sigma * sigma * (1 - std::pow(phi, 2. * double(t) - 2)) / (1 - phi * phi);
    if (t > 1)
      p_values.push_back(two_sided(cdf(standard, with_previous / draws / std::sqrt(sigma * sigma * previous / draws))));
  }
  for (std::size_t i = 0; i < p_values.size(); ++i)
    EXPECT_GT(p_values[i], 1e-3 / double(p_values.size())) << "test " << i;
  for (const Values& path : paths) ASSERT_EQ(path[0], y0);
}

// Each site reads the one before it: what is read is the node, not the data.
struct Downstream {
  Dim i;
  Real x, y, z;
  RealScalar s;
  explicit Downstream(Dataset& d)
      : i(d.dim("i")), x(d.real("x", i)), y(d.real("y", i)), z(d.real("z", i)), s(d.scalar("s")) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto first = m.observe("s", s, normal(a, 1));
    auto second = m.observe("x", x, i, [&](auto) { return normal(first, 1e-9); });
    auto third = m.observe("y", y, i, [&](auto j) { return normal(second[j] + 1, 1); });
    auto sum = m.let("sum", i, [&](auto j) { return second[j] + third[j]; });
    m.observe("z", z, i.from(1), [&](auto j, auto past) { return normal(sum[j] + past(1) + third[0], 1e-9); });
  }
};
Data downstream() {
  Data data;
  data.set("s", 1000);
  data.set("x", {1001, 1002, 1003});
  data.set("y", {2001, 2002, 2003});
  data.set("z", {3001, 3002, 3003});
  return data;
}

TEST(Prediction, OfASiteReadsTheSimulatedValuesOfOtherSites) {
  const Bound<Downstream> bound(downstream());
  const Values out = bound.predict({0.5}, 9);
  const double s = bound.part(out, "s")[0];
  const Values x = bound.part(out, "x"), y = bound.part(out, "y"), z = bound.part(out, "z");
  EXPECT_NEAR(s, 0.5, 6);
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(x[j], s, 1e-7);
    EXPECT_NEAR(y[j], x[j] + 1, 6);
  }
  for (std::size_t j = 1; j < 3; ++j) EXPECT_NEAR(z[j], x[j] + y[j] + z[j - 1] + y[0], 1e-7);
  EXPECT_EQ(z[0], 3001);  // given
  EXPECT_NE(y[0] - x[0], y[1] - x[1]);
}

TEST(Prediction, LeavesInferenceOnTheData) {
  const Bound<Downstream> bound(downstream());
  const Values l = bound.pointwise({0.5});
  EXPECT_NEAR(bound.part(l, "s")[0], normal_lpdf(1000, 0.5, 1), 1e-9);
  EXPECT_NEAR(bound.part(l, "y")[1], normal_lpdf(2002, 1003, 1), 1e-9);
  EXPECT_NEAR(sum(l) + normal_lpdf(0.5, 0, 1), bound.log_density({0.5}), 1e-12 * std::abs(sum(l)));
}

TEST(Prediction, IsAFunctionOfPositionSeedChainAndDraw) {
  const Bound<models::EightSchools> bound(example("eight_schools"));
  const Values x = some_position(10, 1), other = some_position(10, 2);
  const Values y = bound.predict(x, 1, 2, 3);
  EXPECT_EQ(y, bound.predict(x, 1, 2, 3));
  for (const Values& different :
       {bound.predict(other, 1, 2, 3), bound.predict(x, 2, 2, 3), bound.predict(x, 1, 3, 3), bound.predict(x, 1, 2, 4)})
    for (std::size_t j = 0; j < y.size(); ++j) EXPECT_NE(y[j], different[j]);
}

TEST(Prediction, OfAMixtureDrawsLabelsByWeight) {
  const Bound<models::GaussMix> bound(example("gauss_mix"));
  const Values position = bound.unconstrain({-3, 3, 0.1, 0.1, 0.3});
  const Values y = bound.predict(position, 4);
  const double n = double(y.size()), low = double(std::count_if(y.begin(), y.end(), [](double v) { return v < 0; }));
  // Binomial(n, 0.3): beyond 4.9 standard deviations once in a million.
  EXPECT_NEAR(low / n, 0.3, 4.9 * std::sqrt(0.3 * 0.7 / n));
  for (double v : y) EXPECT_LT(std::abs(std::abs(v) - 3), 1);
}

TEST(Prediction, OfCountsGivesCounts) {
  const Bound<Everything> bound(everything());
  const Values out = bound.predict(some_position(bound.coordinates(), 1), 3);
  const Values n = bound.part(out, "n");
  EXPECT_EQ(n[0], 3);  // given
  for (double v : n) EXPECT_TRUE(v >= 0 && v == std::floor(v));
}

struct FlatLikelihood {
  Dim i;
  Real y;
  explicit FlatLikelihood(Dataset& d) : i(d.dim("i")), y(d.real("y", i)) {}
  template <class M>
  void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    m.observe("y", y, i, [&](auto) { return flat(); });
    m.deterministic("b", a + 1);
  }
};

TEST(Prediction, OfAFlatSiteIsRefusedByName) {
  Data data;
  data.set("y", {1, 2});
  const Bound<FlatLikelihood> bound(data);
  expect_model_error([&] { bound.predict({0}, 1); }, {"site 'y'", "flat"});
}

// ---- models that cannot be run ------------------------------------------------------------------------------------

enum class Mistake {
  none,
  parameter_by_other_dimension,
  let_by_other_dimension,
  deterministic_by_other_dimension,
  scan_by_other_dimension,
  data_by_other_dimension,
  data_in_deterministic_by_other_dimension,
  observed_by_other_dimension,
  group_by_other_dimension,
  gathered_by_wrong_group,
  observe_over_other_dimension,
  linear_over_other_dimension,
  parameter_beyond_end,
  parameter_before_begin,
  data_beyond_end,
  data_before_begin,
  past_before_begin,
  past_of_vector_before_begin,
  past_at_lag_zero,
  past_in_the_future,
  everything_given,
  data_by_number,
  parameter_by_number,
  prior_by_number,
  two_sites_of_one_name,
  site_named_like_dimension
};

template <Mistake mistake>
struct Mistaken {
  Dim i, k, lag;
  Real x, w;
  GroupIndex group;
  Matrix X;
  explicit Mistaken(Dataset& d)
      : i(d.dim("i")),
        k(d.dim("k")),
        lag(d.dim("lag")),
        x(d.real("x", i)),
        w(d.real("w", k)),
        group(d.index("group", i, k)),
        X(d.matrix("X", i, k)) {}

  template <class M>
  void operator()(M& m) const {
    using enum Mistake;
    auto a = m.param("a", normal(0, 1));
    auto v = m.param("v", normal(0, 1), k);
    auto u = m.param("u", half_normal(1), i);
    auto coefficients = m.param("coefficients", normal(0, 1), lag);
    auto kept = m.let("kept", k, [&](auto c) { return v[c] + w[c]; });
    auto lazy = m.deterministic("lazy", k, [&](auto c) { return w[c] * 2; });
    auto walk = m.scan("walk", k, a, [&](auto, auto last) { return last * 0.5; });
    auto node = m.observe("w", w, k, [&](auto c) { return normal(v[c], 1); });
    if constexpr (mistake == linear_over_other_dimension) m.linear(X, u);
    if constexpr (mistake == prior_by_number) m.param("by_number", i, [&](auto j) { return normal(x[j.position], 1); });
    if constexpr (mistake == two_sites_of_one_name) m.deterministic("kept", a * 2);
    if constexpr (mistake == site_named_like_dimension) m.deterministic("k", a * 2);
    if constexpr (mistake == observe_over_other_dimension) {
      m.observe("x", x, k, [&](auto) { return normal(a, 1); });
    } else if constexpr (mistake == everything_given) {
      m.observe("x", x, i.from(6), [&](auto) { return normal(a, 1); });
    } else if constexpr (mistake == past_of_vector_before_begin) {
      m.observe("x", x, i.from(1), [&](auto, auto past) { return normal(dot(coefficients, past), 1); });
    } else {
      m.observe("x", x, i, [&](auto j, [[maybe_unused]] auto past) {
        if constexpr (mistake == parameter_by_other_dimension)
          return normal(v[j], 1);
        else if constexpr (mistake == let_by_other_dimension)
          return normal(kept[j], 1);
        else if constexpr (mistake == deterministic_by_other_dimension)
          return normal(lazy[j], 1);
        else if constexpr (mistake == scan_by_other_dimension)
          return normal(walk[j], 1);
        else if constexpr (mistake == data_by_other_dimension)
          return normal(a, w[j]);
        else if constexpr (mistake == data_in_deterministic_by_other_dimension)
          return normal(lazy[group[j]] + lazy[j], 1);
        else if constexpr (mistake == observed_by_other_dimension)
          return normal(node[j], 1);
        else if constexpr (mistake == group_by_other_dimension)
          return normal(v[group[group[j]]], 1);
        else if constexpr (mistake == gathered_by_wrong_group)
          return normal(u[group[j]], 1);
        else if constexpr (mistake == parameter_beyond_end)
          return normal(v[3], 1);
        else if constexpr (mistake == parameter_before_begin)
          return normal(v[-1], 1);
        else if constexpr (mistake == data_beyond_end)
          return normal(w[3], 1);
        else if constexpr (mistake == data_before_begin)
          return normal(w[-1] * a, 1);
        else if constexpr (mistake == past_before_begin)
          return normal(past(1), 1);
        else if constexpr (mistake == past_at_lag_zero)
          return normal(past(0), 1);
        else if constexpr (mistake == past_in_the_future)
          return normal(past(-1), 1);
        else if constexpr (mistake == data_by_number)
          return normal(x[j.position] * a, 1);
        else if constexpr (mistake == parameter_by_number)
          return normal(a, u[j.position]);
        else
          return normal(v[group[j]] + kept[group[j]] + lazy[group[j]] + walk[group[j]] + w[2] + v[2] + node[group[j]],
                        1);
      });
    }
  }
};

Data data_for_mistakes() {
  Data data;
  data.set("lag", 2);
  data.set("x", {0.1, 0.2, 0.3, 0.4});
  data.set("w", {1, 2, 3});
  data.set("group", {1, 3, 2, 2});
  data.set("X", std::vector<Values>(4, {1, 2, 3}));
  return data;
}
template <Mistake mistake>
void expect_mistake(const std::vector<std::string>& parts) {
  expect_model_error([] { Bound<Mistaken<mistake>>{data_for_mistakes()}; }, parts);
}

TEST(Mistakes, NoneGivesNoError) { EXPECT_NO_THROW(Bound<Mistaken<Mistake::none>>{data_for_mistakes()}); }

TEST(Mistakes, AreNamedThroughTheTableOfFunctionsToo) {
  using Model = Mistaken<Mistake::parameter_by_other_dimension>;
  const Data data = data_for_mistakes();
  try {
    HostModel(*model_table<Model>(), data);
    ADD_FAILURE() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()), model_error([] { Bound<Model>{data_for_mistakes()}; }));
  }
}

TEST(Mistakes, ReadingWithAnotherDimensionsIndexIsNamed) {
  expect_mistake<Mistake::parameter_by_other_dimension>({"'v'", "another dimension"});
  expect_mistake<Mistake::let_by_other_dimension>({"'kept'", "another dimension"});
  expect_mistake<Mistake::deterministic_by_other_dimension>({"'lazy'", "another dimension"});
  expect_mistake<Mistake::scan_by_other_dimension>({"'walk'", "another dimension"});
  expect_mistake<Mistake::data_by_other_dimension>({"'w'", "another dimension"});
  expect_mistake<Mistake::data_in_deterministic_by_other_dimension>({"'lazy'", "another dimension"});
  expect_mistake<Mistake::observed_by_other_dimension>({"'w'", "another dimension"});
  expect_mistake<Mistake::group_by_other_dimension>({"'group'", "another dimension"});
  expect_mistake<Mistake::gathered_by_wrong_group>({"'u'", "another dimension"});
  expect_mistake<Mistake::observe_over_other_dimension>({"site 'x'", "field 'x'", "another dimension"});
  expect_mistake<Mistake::linear_over_other_dimension>({"'u'", "columns"});
}

TEST(Mistakes, ReadingWhatIsNotThereIsNamed) {
  expect_mistake<Mistake::parameter_beyond_end>({"'v'", "element 3", "0 to 2"});
  expect_mistake<Mistake::parameter_before_begin>({"'v'", "element -1", "0 to 2"});
  expect_mistake<Mistake::data_beyond_end>({"'w'", "element 3", "0 to 2"});
  expect_mistake<Mistake::data_before_begin>({"'w'", "element -1", "0 to 2"});
  expect_mistake<Mistake::past_before_begin>({"'x'", "element -1", "start later"});
  expect_mistake<Mistake::past_of_vector_before_begin>({"'x'", "element -1", "start later"});
}

TEST(Mistakes, APastThatIsNotPastIsNamed) {
  expect_mistake<Mistake::past_at_lag_zero>({"'x'", "lag 0", "from 1"});
  expect_mistake<Mistake::past_in_the_future>({"'x'", "lag -1", "from 1"});
}

TEST(Mistakes, APlateWithoutModelledElementsIsNamed) {
  expect_mistake<Mistake::everything_given>({"site 'x'", "4 elements", "element 7"});
}

// What is read by a number is computed once for the whole plate: the gradient would silently use the first element.
TEST(Mistakes, ReadingByANumberThatChangesWithinThePlateIsNamed) {
  expect_mistake<Mistake::data_by_number>({"site 'x'", "number", "x[j]"});
  expect_mistake<Mistake::parameter_by_number>({"site 'x'", "number", "x[j]"});
  expect_mistake<Mistake::prior_by_number>({"site 'by_number'", "number"});
}

TEST(Mistakes, NamesThatAreTakenAreNamed) {
  expect_mistake<Mistake::two_sites_of_one_name>({"two sites", "'kept'"});
  expect_mistake<Mistake::site_named_like_dimension>({"'k'", "dimension", "site"});
}

}  // namespace
}  // namespace lockstep
