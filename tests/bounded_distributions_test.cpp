// Log densities of censored, interval-censored and truncated distributions against 50-digit values, and their draws: rows of the
// table of distributions.
#include <gtest/gtest.h>

#include "lockstep/evaluate.hpp"
#include "tests/distribution_cases.hpp"
#include "tests/goodness_of_fit.hpp"

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityOfData);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityInSinglePrecision);

namespace lockstep {
namespace {

struct TruncatedGamma : DistributionRow<"truncated_gamma", 4, [](const auto& a, const auto& b, const auto& lower, const auto& upper) {
  return truncated(gamma(a, b), lower, upper);
}> {};
struct CensoredNormal : DistributionRow<"censored_normal", 4, [](const auto& m, const auto& s, const auto& lower, const auto& upper) {
  return censored(normal(m, s), lower, upper);
}> {};
struct IntervalCensoredLogistic : DistributionRow<"interval_censored_logistic", 3, [](const auto& m, const auto& s, const auto& upper) {
  return interval_censored(logistic(m, s), upper);
}> {};
using Rows = ::testing::Types<TruncatedGamma, CensoredNormal, IntervalCensoredLogistic>;
INSTANTIATE_TYPED_TEST_SUITE_P(Bounded, DensityOfAParameter, Rows, RowNames);

// Each at 1e-3/3.
TEST(DrawsOfBoundedDistributions, HaveTheirDistributionsTogetherAtOneInAThousand) {
  Stream stream({.seed = 20251130});
  const auto draws = [&](const auto& d) {
    Sample sample(20000);
    for (double& y : sample) y = draw(d, stream);
    return sample;
  };
  const auto expect = [](const char* name, double p_value) {
    EXPECT_GT(p_value, 1e-3 / 3) << name;
    LargestErrors::note(name, "draws", 1, -p_value);
  };
  const auto whole = gamma(2.5, 0.7);
  const double below = std::exp(log_cdf(whole, 1)), between = std::exp(log_cdf(whole, 6)) - below;
  expect("truncated_gamma", kolmogorov_smirnov(draws(truncated(whole, 1, 6)), [&](double y) {
           return (std::exp(log_cdf(whole, y)) - below) / between;
         }));
  // Which of them are at a bound; those between have the distribution of a truncated one.
  Sample which, inside;
  for (const double y : draws(censored(normal(0.3, 2), -1, 2))) {
    which.push_back(y <= -1 ? 0 : y >= 2 ? 2 : 1);
    if (which.back() == 1) inside.push_back(y);
  }
  const double low = std::exp(log_cdf(normal(0.3, 2), -1)), high = std::exp(log_ccdf(normal(0.3, 2), 2));
  const double by_bound = chi_square(which, [&](double k) { return k == 0 ? low : k == 1 ? 1 - low - high : k == 2 ? high : 0; });
  const double by_value =
      kolmogorov_smirnov(inside, [&](double y) { return (std::exp(log_cdf(normal(0.3, 2), y)) - low) / (1 - low - high); });
  expect("censored_normal", std::min(1., 2 * std::min(by_bound, by_value)));
  // A prediction draws the value itself.
  expect("interval_censored_logistic", kolmogorov_smirnov(draws(interval_censored(logistic(1, 2), 3)),
                                                          [](double y) { return std::exp(log_cdf(logistic(1, 2), y)); }));
}

}  // namespace
}  // namespace lockstep
