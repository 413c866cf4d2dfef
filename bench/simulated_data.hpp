// Data of benchmarks that no file has.
#pragma once

#include "lockstep/data.hpp"
#include "lockstep/random.hpp"
#include "lockstep/special.hpp"

namespace lockstep {

// For models/logistic_regression.hpp: standard normal predictors, coefficients of size 0.3, intercept 0.5.
inline Data simulated_logistic(int rows, int columns) {
  Stream stream({.seed = 20250101, .purpose = Purpose::prior_draw});
  std::vector<double> beta;
  for (int k = 0; k < columns; ++k) beta.push_back(0.3 * stream.normal());
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int i = 0; i < rows; ++i) {
    double eta = 0.5;
    x.emplace_back();
    for (int k = 0; k < columns; ++k) {
      x.back().push_back(stream.normal());
      eta += beta[std::size_t(k)] * x.back().back();
    }
    y.push_back(stream.bernoulli(sigmoid(eta)) ? 1. : 0.);
  }
  Data data;
  data.set("X", x);
  data.set("y", y);
  return data;
}

}  // namespace lockstep
