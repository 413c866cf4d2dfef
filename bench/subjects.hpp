// What is measured: models of the zoo on their example data, and some on larger ones.
#pragma once

#include <string>
#include <vector>

#include "bench/simulated_data.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

// Multiply-adds, exponentials and logarithms that one gradient cannot do without, counted by hand per observation or
// element. An exponential or logarithm of a pack is taken as 14 multiply-adds, a division as 8: polynomial of degree 11
// and range reduction; the divider's throughput.
struct Floor {
  double multiply_adds, transcendental, divisions;
  double total() const { return multiply_adds + 14 * transcendental + 8 * divisions; }
};

struct Subject {
  std::string name, model;
  Floor floor;
  Data data;
};

inline std::vector<Subject> subjects() {
  const auto example = [](const char* name, const Floor& floor) {
    return Subject{name, name, floor, example_data(*find_zoo_model(name))};
  };
  // Regressions: two passes over X, and the density with its adjoint: a normal 6; a logit or a count one exponential, a
  // logarithm and a division, and 6.
  const auto normal = [](double n, double k) { return Floor{n * (2 * k + 6), 2, 2}; };
  const auto logit = [](double n, double k) { return Floor{n * (2 * k + 6), 2 * n, n}; };
  return {
      example("std_normal", {10 * 2, 0, 0}),
      // Per school: prior z^2, mean, residual, square, adjoints of mu, tau and z.
      example("eight_schools", {8 * 8 + 10, 2, 2}),
      example("eight_schools_centered", {8 * 8 + 10, 2, 2}),
      example("linear_regression", normal(434, 2)),
      {"nes1976", "linear_regression", normal(1184, 9),
       Data::from_json_file(LOCKSTEP_SOURCE_DIR "/tests/data/nes1976.json")},
      example("flat_regression", normal(46, 7)),
      example("blr", normal(100, 5)),
      example("logistic_regression", logit(500, 5)),
      {"logistic_10000x50", "logistic_regression", logit(10000, 50), simulated_logistic(10000, 50)},
      // The 24 predictors, and their means once.
      example("diamonds", normal(500, 24)),
      // Per count: one exponential; the table has its logarithm and what else there is of the factorial.
      example("poisson_regression", {300 * (2 * 3 + 10), 300, 300}),
      // Per answer: ability less difficulty times discrimination, forward and back (6), the logit's density.
      example("irt_2pl", {2000 * 12 + 140 * 6, 2 * 2000 + 20, 2000}),
      // Per house: two slopes forward and back (4), intercept (2), density (6); per county 6.
      example("radon", {919 * 12 + 85 * 6, 3, 3}),
      // Per time: five lags forward and back, intercept, density.
      example("ar_k", {195 * (10 + 1 + 6), 2, 2}),
      // Per time: the variance and its adjoint (8), its root and logarithm, the density.
      example("garch11", {200 * 14, 200, 2 * 200}),
      // Per time: the error and its adjoint, the density.
      example("arma11", {200 * 14, 2, 2}),
      // Per time: two densities, and a log-sum-exp of two terms for each of two states, and back.
      example("hmm", {100 * 40, 100 * 4, 100 * 2}),
      // Some 65 steps. Each: seven stages twice forward, six back; at each, the rates (8) and two sums (4 each).
      example("lotka_volterra", {65 * (14 + 6 + 6) * (8 + 2 * 4.), 2 * 21 * 2 + 10, 65 * 4}),
      // Eleven points: 66 covariances, a Cholesky factor and a solution, and back.
      example("gp_regression", {3 * 11 * 11 * 11 / 3. + 66 * 6, 66, 11}),
      // Per observation: two densities (12), their adjoints (8), log-sum-exp by one exponential, one logarithm, one
      // division.
      example("gauss_mix", {1000 * 20, 1000 * 2, 1000}),
  };
}

}  // namespace lockstep
