// Missing values of series along which a state is carried: imputed, and read by the state, against densities by hand and closed
// forms (rules §5).
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "bound_model.hpp"
#include "densities.hpp"
#include "goodness_of_fit.hpp"
#include "gradient_in_lanes.hpp"
#include "host/host_model.hpp"
#include "lockstep/lockstep.hpp"
#include "models/arma11.hpp"
#include "models/garch11.hpp"

namespace lockstep {
namespace {

const Values series{0.3, -1.4, 0.9, 2.2, -0.5, 0.1, 1.2};
double log_normal_density(double y, double mu, double sigma) { return -0.5 * std::pow((y - mu) / sigma, 2) - std::log(sigma) - log_sqrt_of_2pi; }
Data without(const std::vector<int>& times) {
  Data data;
  Values y = series;
  for (int t : times) y[std::size_t(t)] = nan;
  data.set("y", y);
  data.set("sigma1", 0.8);
  return data;
}
// The series with the coordinates from `first` on in the places of what is missing.
Values filled(const std::vector<int>& times, const Values& x, std::size_t first) {
  Values y = series;
  for (std::size_t k = 0; k < times.size(); ++k) y[std::size_t(times[k])] = x[first + k];
  return y;
}

// Log densities by hand, of unconstrained coordinates, the missing elements last.
double garch_by_hand(const std::vector<int>& times, const Values& x) {
  const auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
  const double mu = x[0], alpha0 = std::exp(x[1]), alpha1 = logistic(x[2]), share = logistic(x[3]), beta1 = (1 - alpha1) * share;
  double density = x[1] + std::log(alpha1 * (1 - alpha1)) + std::log((1 - alpha1) * share * (1 - share));   // Jacobians: the priors are flat
  const Values y = filled(times, x, 4);
  double variance = 0.64;
  for (std::size_t t = 0; t < y.size(); ++t) {
    if (t > 0) variance = alpha0 + alpha1 * std::pow(y[t - 1] - mu, 2) + beta1 * variance;
    density += log_normal_density(y[t], mu, std::sqrt(variance));
  }
  return density;
}
double arma_by_hand(const std::vector<int>& times, const Values& x) {
  const double mu = x[0], phi = x[1], theta = x[2], sigma = std::exp(x[3]);
  double density = log_normal_density(mu, 0, 10) + log_normal_density(phi, 0, 2) + log_normal_density(theta, 0, 2) +
                   std::log(2 / (M_PI * 2.5 * (1 + std::pow(sigma / 2.5, 2)))) + x[3];
  const Values y = filled(times, x, 4);
  double expected = mu + phi * mu;
  for (std::size_t t = 0; t < y.size(); ++t) {
    if (t > 0) expected = mu + phi * y[t - 1] + theta * (y[t - 1] - expected);
    density += log_normal_density(y[t], expected, sigma);
  }
  return density;
}

template <class Model> void expect_density_and_gradient(const std::function<double(const std::vector<int>&, const Values&)>& by_hand) {
  for (const std::vector<int>& times : std::vector<std::vector<int>>{{2}, {0}, {6}, {2, 3}, {0, 1, 4, 6}, {0, 1, 2, 3, 4, 5, 6}}) {
    SCOPED_TRACE(testing::Message() << times.size() << " missing, the first is " << times[0]);
    const HostModel model(*model_table<Model>(), without(times));
    ASSERT_EQ(std::size_t(model.coordinates()), 4 + times.size());
    const Values x = some_position(4 + times.size(), 5);
    Values gradient(x.size());
    const double density = model.log_density(x.data(), gradient.data());
    EXPECT_NEAR(density, by_hand(times, x), 1e-12 * std::abs(density));
    for (std::size_t k = 0; k < x.size(); ++k) {
      // Richardson's extrapolation of central differences, good to about 1e-10.
      const auto slope = [&](double h) {
        Values up = x, down = x;
        up[k] += h, down[k] -= h;
        return (by_hand(times, up) - by_hand(times, down)) / (2 * h);
      };
      EXPECT_NEAR(gradient[k], (4 * slope(5e-4) - slope(1e-3)) / 3, 1e-8 * std::max(1., std::abs(gradient[k]))) << k;
    }
    GradientInLanes lanes(model);
    lanes.place(x);
    for (const bool mixed : {false, true}) {
      lanes.run(model, mixed ? model.table().log_density_gradient_mixed : model.table().log_density_gradient);
      const double tolerance = mixed ? 2e-5 : 1e-12;
      for (int lane = 0; lane < pack_width; ++lane) {
        EXPECT_NEAR(lanes.log_density[lane], density, tolerance * std::max(1., std::abs(density)));
        for (std::size_t k = 0; k < x.size(); ++k)
          EXPECT_NEAR(lanes.gradient.data()[k * std::size_t(pack_width) + std::size_t(lane)], gradient[k],
                      tolerance * std::max(1., std::abs(gradient[k]))) << k;
      }
    }
  }
}
TEST(CarriedGaps, OfAVarianceHaveTheDensityAndGradientByHand) { expect_density_and_gradient<models::Garch11>(garch_by_hand); }
TEST(CarriedGaps, OfAnErrorHaveTheDensityAndGradientByHand) { expect_density_and_gradient<models::Arma11>(arma_by_hand); }

// An autoregression, whose mean is carried, and in which nothing else is unknown.
struct Autoregression {
  Dim t;
  Real y;
  explicit Autoregression(Dataset& d) : t(d.dim("t")), y(d.real("y", t)) {}
  template <class M> void operator()(M& m) const {
    m.observe("y", y, t, carry(0.4, [&](auto, auto past, auto) { return 0.7 * past(1); }), [&](auto, auto mean) { return normal(mean, 1); });
  }
};
double cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.)); }

// Given its neighbours, an element between them is normal with mean 0.7 (before + after) / (1 + 0.49) and variance 1 / (1 + 0.49); the
// first is so with 0.4 + 0.7 after in place of that.
TEST(CarriedGaps, OfAnAutoregressionHaveTheirClosedForm) {
  SampleOptions options;
  options.seed = 4;
  options.chains = 8;
  options.draws = 2000;
  const Fit fit = sample<Autoregression>(without({0, 3}), options);
  const Values& gaps = fit.variable("posterior", "y_unobserved").values;
  const double means[] = {(0.4 + 0.7 * series[1]) / 1.49, 0.7 * (series[2] + series[4]) / 1.49};
  for (std::size_t g = 0; g < 2; ++g) {
    Sample standard;   // each tenth draw, as if independent
    for (std::size_t d = 0; d < gaps.size() / 2; d += 10) standard.push_back((gaps[2 * d + g] - means[g]) * std::sqrt(1.49));
    EXPECT_GT(kolmogorov_smirnov(standard, cdf), 1e-4) << g;   // false alarm: 1e-4
  }
}

TEST(CarriedGaps, AreReadByWhatComesAfterThemInPredictionsAndLogLikelihoods) {
  const Bound<Autoregression> bound(without({0, 3}));
  const Values x{-0.6, 1.9};   // what is missing
  const Values pointwise = bound.pointwise(x);   // of elements 1, 2, 4, 5, 6
  ASSERT_EQ(pointwise.size(), 5u);
  const double before[] = {-0.6, series[1], 1.9, series[4], series[5]};
  const std::size_t there[] = {1, 2, 4, 5, 6};
  for (std::size_t k = 0; k < 5; ++k) EXPECT_NEAR(pointwise[k], log_normal_density(series[there[k]], 0.7 * before[k], 1), 1e-13) << k;
  EXPECT_NEAR(bound.log_density(x), sum(pointwise) + log_normal_density(-0.6, 0.4, 1) + log_normal_density(1.9, 0.7 * series[2], 1), 1e-12);
  EXPECT_TRUE(bound.site("y_observed").recurrence);
  // A prediction is a path that goes through what was imputed.
  Sample innovations;
  for (std::uint32_t d = 0; d < 2000; ++d) {
    const Values y = bound.predict(x, 7, 0, d);
    for (std::size_t k = 0; k < 5; ++k) innovations.push_back(y[k] - 0.7 * (k == 0 ? -0.6 : k == 2 ? 1.9 : y[k - 1]));
  }
  EXPECT_GT(kolmogorov_smirnov(innovations, cdf), 1e-4);   // false alarm: 1e-4
  // From the prior all is one path.
  const Fit prior = sample_prior<Autoregression>(without({0, 3}), {.draws = 2000, .seed = 3});
  const Values &gaps = prior.variable("prior", "y_unobserved").values, &rest = prior.variable("prior_predictive", "y_observed").values;
  innovations.clear();
  for (std::size_t d = 0; d < 2000; ++d) {
    const double y[] = {gaps[2 * d], rest[5 * d], rest[5 * d + 1], gaps[2 * d + 1], rest[5 * d + 2], rest[5 * d + 3], rest[5 * d + 4]};
    for (std::size_t t = 0; t < 7; ++t) innovations.push_back(y[t] - (t == 0 ? 0.4 : 0.7 * y[t - 1]));
  }
  EXPECT_GT(kolmogorov_smirnov(innovations, cdf), 1e-4);   // false alarm: 1e-4
}

TEST(CarriedGaps, AreNoneWhereTheSeriesIsDoneOrObserved) {
  Data done = without({0, 3}), observed = done;
  done.set_do("y", series);
  observed.set_observed("y", series);
  const Bound<models::Garch11> with_do(done), with_observe(observed), usual(without({}));
  const Values x{0.3, -0.2, 0.4, 0.1};
  ASSERT_EQ(with_do.coordinates(), 4u);
  EXPECT_NEAR(with_observe.log_density(x), usual.log_density(x), 1e-12);
  EXPECT_NEAR(with_do.log_density(x), usual.log_density(x) - sum(usual.pointwise(x)), 1e-12);
}

TEST(CarriedGaps, AreInTheGraphAsWhatReadsAndIsRead) {
  const HostModel model(*model_table<models::Garch11>(), without({3}));
  const auto edges = model.graph();
  const auto has = [&](const char* from, const char* to) { return std::ranges::count(edges, std::pair<std::string, std::string>{from, to}) == 1; };
  for (const char* parameter : {"mu", "alpha0", "alpha1", "beta1"})
    EXPECT_TRUE(has(parameter, "y_observed") && has(parameter, "y_unobserved")) << parameter;
  EXPECT_TRUE(has("y_unobserved", "y_observed") && has("y_observed", "y_unobserved"));
  for (const auto& [from, to] : edges) EXPECT_TRUE(from != "y" || to == "y_observed" || to == "y_unobserved") << from << " -> " << to;
}

// Bounds that the state moves are no parameter's.
struct MovingBounds {
  Dim t;
  Real y;
  explicit MovingBounds(Dataset& d) : t(d.dim("t")), y(d.real("y", t)) {}
  template <class M> void operator()(M& m) const {
    m.observe("y", y, t, carry(2, [&](auto, auto, auto h) { return 0.9 * h; }), [&](auto, auto h) { return uniform(-1 - h, 1 + h); });
  }
};
TEST(CarriedGaps, AreRefusedWhereTheStateMovesTheirBounds) {
  expect_model_error([] { const Bound<MovingBounds> bound(without({2})); }, {"site 'y' is NaN at element 3", "bounds that differ"});
}

}  // namespace
}  // namespace lockstep
