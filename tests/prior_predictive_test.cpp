// Draws from the prior and the prior predictive. Statistical checks: 20,000 independent draws, six comparisons in standard errors,
// each below 4 (all together a false alarm in 2,600), one fixed seed.
#include <gtest/gtest.h>

#include <cmath>

#include "lockstep/lockstep.hpp"
#include "models/eight_schools.hpp"
#include "models/flat_regression.hpp"

namespace lockstep {
namespace {

struct Pair {
  Dim i;
  Real y;
  Integer n;
  explicit Pair(Dataset& d) : i(d.dim("i")), y(d.real("y", i)), n(d.integer("n", i)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(1, 2));
    auto twice = m.deterministic("twice", 2 * mu);
    m.observe("y", y, i, [&](auto) { return normal(mu, 3); });
    m.observe("n", n, i, [&](auto) { return poisson_log(twice * 0.1); });
  }
};

Data pair_data() {
  Data data;
  data.set("y", {1e6, 2e6});
  data.set("n", {3., 4.});
  return data;
}

double mean_of(const std::vector<double>& v) {
  double total = 0;
  for (double x : v) total += x;
  return total / double(v.size());
}
double sd_of(const std::vector<double>& v) {
  double total = 0;
  const double mean = mean_of(v);
  for (double x : v) total += (x - mean) * (x - mean);
  return std::sqrt(total / double(v.size() - 1));
}
std::vector<double> element(const Variable& v, std::size_t e) {
  std::vector<double> values;
  for (std::size_t k = e; k < v.values.size(); k += v.size()) values.push_back(v.values[k]);
  return values;
}
void expect_normal(const std::vector<double>& v, double mean, double sd) {
  const double n = double(v.size());
  EXPECT_LT(std::abs(mean_of(v) - mean), 4 * sd / std::sqrt(n));
  EXPECT_LT(std::abs(sd_of(v) - sd), 4 * sd / std::sqrt(2 * n));
}

TEST(PriorPredictive, HasTheMomentsOfTheModel) {
  PriorOptions options;
  options.draws = 20000;
  options.seed = 5;
  const Fit fit = sample_prior<Pair>(pair_data(), options);
  EXPECT_EQ(fit.chains, 1u);
  EXPECT_EQ(fit.draws, 20000u);
  expect_normal(fit.variable("prior", "mu").values, 1, 2);
  for (std::size_t e : {0, 1}) expect_normal(element(fit.variable("prior_predictive", "y"), e), 1, std::sqrt(13.));
  const Variable &mu = fit.variable("prior", "mu"), &twice = fit.variable("prior", "twice"), &n = fit.variable("prior_predictive", "n");
  EXPECT_EQ(n.type, ElementType::integer);
  for (std::size_t d = 0; d < fit.draws; ++d) {
    ASSERT_DOUBLE_EQ(twice.values[d], 2 * mu.values[d]);
    ASSERT_EQ(n.values[2 * d], std::floor(n.values[2 * d]));
  }
  // Observations of one draw share its mu: their difference has none of it.
  std::vector<double> difference;
  for (std::size_t d = 0; d < fit.draws; ++d)
    difference.push_back(fit.variable("prior_predictive", "y").values[2 * d] - fit.variable("prior_predictive", "y").values[2 * d + 1]);
  EXPECT_LT(std::abs(sd_of(difference) - std::sqrt(18.)), 4 * std::sqrt(18.) / std::sqrt(2. * 20000));
  EXPECT_EQ(fit.variable("observed_data", "y").values, (std::vector<double>{1e6, 2e6}));
}

TEST(PriorPredictive, IsTheSameOnAnyNumberOfThreads) {
  PriorOptions one, two;
  one.draws = two.draws = 300;
  one.threads = 1;
  two.threads = 2;
  const Fit a = sample_prior<Pair>(pair_data(), one), b = sample_prior<Pair>(pair_data(), two);
  EXPECT_EQ(a.variable("prior", "mu").values, b.variable("prior", "mu").values);
  EXPECT_EQ(a.variable("prior_predictive", "y").values, b.variable("prior_predictive", "y").values);
}

TEST(PriorPredictive, TakesWhatIsDone) {
  Data data = pair_data();
  data.set_do("mu", {100.});
  const Fit fit = sample_prior<Pair>(data, {});
  EXPECT_EQ(fit.variable("constant_data", "mu").values, std::vector<double>{100.});
  EXPECT_EQ(fit.variable("prior", "twice").values.front(), 200.);
  EXPECT_LT(std::abs(mean_of(fit.variable("prior_predictive", "y").values) - 100), 1);
}

TEST(PriorPredictive, RefusesFlatPriorsAndNoDraws) {
  try {
    sample_prior<models::FlatRegression>(example_data(*find_zoo_model("flat_regression")));
    FAIL() << "it was drawn from";
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("'beta' has a flat prior"), std::string::npos) << error.what();
  }
  PriorOptions none;
  none.draws = 0;
  EXPECT_THROW(sample_prior<Pair>(pair_data(), none), SampleError);
}

}  // namespace
}  // namespace lockstep
