// Linear regression of y on the columns of X, all priors flat (include a column of ones for an intercept).
// Example data: leaf weight of mesquite bushes, in logarithms; Gelman & Hill (2007), Data Analysis Using Regression.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct FlatRegression {
  Dim observation, predictor;
  Matrix X;
  Real y;

  explicit FlatRegression(Dataset& d)
      : observation(d.dim("observation")), predictor(d.dim("predictor")), X(d.matrix("X", observation, predictor)),
        y(d.real("y", observation)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto beta = m.param("beta", flat(), predictor);
    auto sigma = m.param("sigma", flat(positive()));
    auto mean = m.linear(X, beta);
    m.observe("y", y, observation, [&](auto i) { return normal(mean[i], sigma); });
  }
};

}  // namespace lockstep::models
