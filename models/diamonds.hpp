// Linear regression with priors on the intercept at the predictors' means and on standardised effects.
// Model and example data: posteriordb's "diamonds-diamonds", prices of diamonds (every tenth of its rows), by the package
// brms; Buerkner (2017), "brms: an R package for Bayesian multilevel models using Stan".
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Diamonds {
  Dim observation, predictor;
  Matrix X;
  Real y, column_mean;

  explicit Diamonds(Dataset& d)
      : observation(d.dim("observation")), predictor(d.dim("predictor")), X(d.matrix("X", observation, predictor)),
        y(d.real("y", observation)), column_mean(d.derived("column_mean", predictor, [this](int k) { return mean(k); })) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto b = m.param("b", normal(0, 1), predictor);
    auto intercept = m.param("Intercept", student_t(3, 8, 10));  // where every predictor is at its mean
    auto sigma = m.param("sigma", half_student_t(3, 10));
    auto at_zero = m.let("b_Intercept", intercept - dot(b, column_mean));
    auto effects = m.linear(X, b);
    m.observe("y", y, observation, [&](auto i) { return normal(at_zero + effects[i], sigma); });
  }

 private:
  double mean(int column) const {
    double total = 0;
    for (int i = 0; i < X.rows().size; ++i) total += X.values_of_row(i)[column];
    return total / X.rows().size;
  }
};

}  // namespace lockstep::models
