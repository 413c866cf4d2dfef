// Logistic regression of y (0 or 1) on the columns of X, which are standardised; the intercept is apart.
// Example data: simulated, by tests/data/make_data.py.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct LogisticRegression {
  Dim observation, predictor;
  Matrix X;
  Integer y;

  explicit LogisticRegression(Dataset& d)
      : observation(d.dim("observation")), predictor(d.dim("predictor")), X(d.matrix("X", observation, predictor)),
        y(d.integer("y", observation)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto alpha = m.param("alpha", normal(0, 5));
    auto beta = m.param("beta", normal(0, 2.5), predictor);
    auto slope = m.linear(X, beta);
    m.observe("y", y, observation, [&](auto i) { return bernoulli_logit(alpha + slope[i]); });
  }
};

}  // namespace lockstep::models
