// What is missing of a series, and of a covariate, against what is known of them given the rest, in closed form.
//
// 64 chains of 400 draws; means and standard deviations in standard errors (rules §3). False alarms: 16 comparisons at 1% in all.
// One fixed seed.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/expect_normal.hpp"

namespace lockstep {
namespace {

constexpr double limit = 3.42;  // the normal quantile at 1 - 0.005/16
constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr double phi = 0.7, sigma = 1.5;

template <class Model> Fit run(const Data& data) {
  SampleOptions options;
  options.chains = 64;
  options.draws = 400;
  options.seed = 20261126;
  options.processor = Processor::cpu;
  return sample<Model>(data, options);
}

struct Series {
  Dim time;
  Real y;
  explicit Series(Dataset& d) : time(d.dim("time")), y(d.real("y", time)) {}
  template <class M> void operator()(M& m) const {
    m.observe("y", y, time.from(1), [&](auto, auto past) { return normal(phi * past(1), sigma); });
  }
};

// Between its neighbours a missing element has the precision (1 + phi^2)/sigma^2; the last one, after which nothing is known, is a
// forecast; two in a row are a bivariate normal.
TEST(MissingValues, OfAnAutoregressionAreWhatTheNeighboursSay) {
  Data data;
  data.set("y", std::vector<double>{1, missing, 2, missing, missing, -1, missing});
  const Fit fit = run<Series>(data);
  const double s2 = sigma * sigma, precise = 1 + phi * phi;
  const auto expect = [&](std::size_t element, double mean, double variance) {
    SCOPED_TRACE(element);
    expect_normal(fit, draws_of(fit, "y_unobserved", element), mean, std::sqrt(variance), limit);
  };
  expect(0, phi * (1 + 2) / precise, s2 / precise);
  // Precision matrix [[precise, -phi], [-phi, precise]] / s2, with phi * 2 and phi * (-1) on its right-hand side.
  const double determinant = precise * precise - phi * phi;
  expect(1, (precise * phi * 2 + phi * phi * -1) / determinant, s2 * precise / determinant);
  expect(2, (phi * phi * 2 + precise * phi * -1) / determinant, s2 * precise / determinant);
  expect(3, phi * -1, s2);
}

// x ~ normal(1, 2), y ~ normal(3 x, 1): of a missing x its y knows more than its prior; without its y, nothing else does; a missing
// y is a prediction.
struct Covariate {
  Dim i;
  Real x, y;
  explicit Covariate(Dataset& d) : i(d.dim("i")), x(d.real("x", i)), y(d.real("y", i)) {}
  template <class M> void operator()(M& m) const {
    auto xs = m.observe("x", x, i, [&](auto) { return normal(1, 2); });
    m.observe("y", y, i, [&](auto j) { return normal(3 * xs[j], 1); });
  }
};

TEST(MissingValues, OfACovariateAreFoundFromWhatFollowsFromIt) {
  Data data;
  data.set("x", std::vector<double>{0.5, missing, missing, -1});
  data.set("y", std::vector<double>{1, 4, missing, missing});
  const Fit fit = run<Covariate>(data);
  const auto expect = [&](const char* name, std::size_t element, double mean, double sd) {
    SCOPED_TRACE(name);
    expect_normal(fit, draws_of(fit, name, element), mean, sd, limit);
  };
  expect("x_unobserved", 0, (0.25 * 1 + 3 * 4) / (0.25 + 9), 1 / std::sqrt(0.25 + 9));
  expect("x_unobserved", 1, 1, 2);
  expect("y_unobserved", 0, 3, std::sqrt(1 + 9 * 4.));
  expect("y_unobserved", 1, -3, 1);
}

}  // namespace
}  // namespace lockstep
