// Quantiles in closed form, against 50-digit values; draws by them between bounds. Round trips through the tails, and the
// quantiles that are found by search, are in cdfs_test.cpp.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "lockstep/evaluate.hpp"

namespace lockstep {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// f(name, how to make the distribution of a vector of arguments), of all that have a closed form.
template <class F> void for_each_closed_form(const F& f) {
  f("normal", [](const auto& a) { return normal(a[0], a[1]); });
  f("half_normal", [](const auto& a) { return half_normal(a[0]); });
  f("lognormal", [](const auto& a) { return lognormal(a[0], a[1]); });
  f("cauchy", [](const auto& a) { return cauchy(a[0], a[1]); });
  f("half_cauchy", [](const auto& a) { return half_cauchy(a[0]); });
  f("exponential", [](const auto& a) { return exponential(a[0]); });
  f("exponential_log", [](const auto& a) { return exponential_log(a[0]); });
  f("laplace", [](const auto& a) { return laplace(a[0], a[1]); });
  f("asymmetric_laplace", [](const auto& a) { return asymmetric_laplace(a[0], a[1], a[2]); });
  f("logistic", [](const auto& a) { return logistic(a[0], a[1]); });
  f("log_logistic", [](const auto& a) { return log_logistic(a[0], a[1]); });
  f("gumbel", [](const auto& a) { return gumbel(a[0], a[1]); });
  f("weibull", [](const auto& a) { return weibull(a[0], a[1]); });
  f("frechet", [](const auto& a) { return frechet(a[0], a[1]); });
  f("rayleigh", [](const auto& a) { return rayleigh(a[0]); });
  f("uniform", [](const auto& a) { return uniform(a[0], a[1]); });
  f("triangular", [](const auto& a) { return triangular(a[0], a[1], a[2]); });
  f("pareto", [](const auto& a) { return pareto(a[0], a[1]); });
  f("pareto_2", [](const auto& a) { return pareto_2(a[0], a[1], a[2]); });
  f("gen_extreme", [](const auto& a) { return gen_extreme(a[0], a[1], a[2]); });
  f("gen_pareto", [](const auto& a) { return gen_pareto(a[0], a[1], a[2]); });
  f("kumaraswamy", [](const auto& a) { return kumaraswamy(a[0], a[1]); });
  f("logit_normal", [](const auto& a) { return logit_normal(a[0], a[1]); });
  f("moyal", [](const auto& a) { return moyal(a[0], a[1]); });
  f("geometric", [](const auto& a) { return geometric(a[0]); });
  f("geometric_logit", [](const auto& a) { return geometric_logit(a[0]); });
  f("discrete_uniform", [](const auto& a) { return discrete_uniform(a[0], a[1]); });
  f("discrete_weibull", [](const auto& a) { return discrete_weibull(a[0], a[1]); });
}

TEST(ClosedFormQuantiles, HaveKnownValues) {
  std::ifstream file(LOCKSTEP_SOURCE_DIR "/tests/golden/quantiles.json");
  const auto golden = nlohmann::json::parse(file).at("distributions");
  std::set<std::string> seen;
  for_each_closed_form([&](const std::string& name, const auto& make) {
    seen.insert(name);
    for (const auto& each : golden.at(name)) {
      const auto arguments = each.at("args").get<std::vector<double>>();
      const double p = each.at("p"), expected = each.at("quantile"), size = each.at("size");
      const double found = quantile(make(arguments), p);
      EXPECT_NEAR(found, expected, 1e-12 * (size > 0 ? size : 1)) << name << " of " << each.at("args") << " at " << p;
    }
  });
  for (const auto& [name, cases] : golden.items()) EXPECT_TRUE(seen.contains(name)) << name;
}

// Far beyond what a double holds of a probability, where a draw's tail is known by its logarithm only.
TEST(ClosedFormQuantiles, AreExactHoweverFarOutTheyAre) {
  for (const double log_tail : {-1e3, -1e6, -1e12}) {
    const double z = normal_quantile(log_tail, 0);
    EXPECT_NEAR(log_normal_cdf(z).value / log_tail, 1, 1e-15);
    EXPECT_EQ(normal_quantile(0, log_tail), -z);
    EXPECT_NEAR(log_normal_cdf(-half_normal_quantile(0, log_tail)).value / (log_tail - log_2), 1, 1e-15);
    EXPECT_EQ(GumbelKernel::quantile({0, log_tail}, 0, 1), -log_tail);
    EXPECT_EQ(WeibullKernel::quantile({log_tail, 0}, 1e4, 1), std::exp(log_tail / 1e4));
    EXPECT_NEAR(MoyalKernel::quantile({0, log_tail}, 0, 1) / (-2 * log_tail - log_pi + log_2), 1, 1e-15);
  }
}

// A draw between bounds far out, or close to each other, is between them, and half of them are above the conditional median.
TEST(DrawsBetweenBounds, AreByTheQuantile) {
  Stream stream({.seed = 5});
  const auto expect_median = [&](const auto& d, double lower, double upper, double median) {
    int above = 0;
    const int n = 4000;
    for (int i = 0; i < n; ++i) {
      const double y = draw(d, stream);
      EXPECT_TRUE(y >= lower && y <= upper) << y;
      above += y > median;
    }
    EXPECT_NEAR(above, n / 2, 4.5 * std::sqrt(n / 4.));   // one in a million of these by chance
  };
  expect_median(truncated(normal(0, 1), 40, no_bound), 40, infinity, 40 + std::log(2) / 40);
  expect_median(truncated(normal(0, 1), no_bound, -40), -infinity, -40, -40 - std::log(2) / 40);
  expect_median(truncated(exponential(2), 1e3, no_bound), 1e3, infinity, 1e3 + std::log(2) / 2);
  expect_median(truncated(cauchy(0, 1), 1e9, no_bound), 1e9, infinity, 2e9);
  expect_median(truncated(uniform(0, 1), 0.25, 0.75), 0.25, 0.75, 0.5);
  expect_median(truncated(gumbel(0, 1), 2000, no_bound), 2000, infinity, 2000 + std::log(2));
  int least = 0;
  const int n = 4000;
  for (int i = 0; i < n; ++i) least += draw(truncated(geometric(0.25), 7, no_bound), stream) == 7;
  EXPECT_NEAR(least, n / 4, 4.5 * std::sqrt(n * 3 / 16.));
  EXPECT_TRUE(std::isnan(draw(truncated(exponential(1), no_bound, -1), stream)));
}

}  // namespace
}  // namespace lockstep
