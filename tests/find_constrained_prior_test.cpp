// Arguments by mass: closed forms, and the masses that were asked for.
#include "lockstep/find_constrained_prior.hpp"

#include <gtest/gtest.h>

#include "lockstep/distributions.hpp"

namespace lockstep {
namespace {

TEST(FindConstrainedPrior, KnowsTheNormalAndTheExponential) {
  const auto [mu, sigma] = find_constrained_prior<2>([](double m, double s) { return normal(m, s); }, -1, 5, 0.95, {0, 1});
  EXPECT_NEAR(mu, 2, 1e-9);
  EXPECT_NEAR(sigma, 3 / 1.959963984540054, 1e-9);
  const auto [rate] = find_constrained_prior<1>([](double r) { return exponential(r); }, 0, 4, 0.9, {1});
  EXPECT_NEAR(rate, -std::log(0.1) / 4, 1e-12);
}

template <class F> void expect_mass(const F& make, double lower, double upper, double mass, const std::array<double, 2>& guess) {
  const auto [a, b] = find_constrained_prior<2>(make, lower, upper, mass, guess);
  EXPECT_NEAR(std::exp(log_cdf(make(a, b), lower)), (1 - mass) / 2, 1e-9);
  EXPECT_NEAR(std::exp(log_ccdf(make(a, b), upper)), (1 - mass) / 2, 1e-9);
}
TEST(FindConstrainedPrior, PutsEqualMassesInBothTails) {
  expect_mass([](double a, double b) { return gamma(a, b); }, 0.1, 5, 0.95, {1, 1});
  expect_mass([](double a, double b) { return beta(a, b); }, 0.2, 0.7, 0.9, {1, 1});
  expect_mass([](double a, double b) { return inverse_gamma(a, b); }, 0.5, 20, 0.98, {2, 2});
  expect_mass([](double a, double b) { return lognormal(a, b); }, 1e-3, 1e3, 0.99, {0, 1});
  expect_mass([](double m, double s) { return student_t(4, m, s); }, -2, 9, 0.5, {0, 1});
}

TEST(FindConstrainedPrior, SaysWhatCannotBe) {
  const auto make = [](double a, double b) { return gamma(a, b); };
  EXPECT_THROW(find_constrained_prior<2>(make, 5, 0.1, 0.95, {1, 1}), std::invalid_argument);
  EXPECT_THROW(find_constrained_prior<2>(make, 0.1, 5, 1.5, {1, 1}), std::invalid_argument);
  EXPECT_THROW(find_constrained_prior<2>(make, -1, 5, 0.9, {1, 1}), std::invalid_argument);   // nothing is below 0
  EXPECT_THROW(find_constrained_prior<2>(make, 0.1, 5, 0.9, {-1, 1}), std::invalid_argument);
}

}  // namespace
}  // namespace lockstep
