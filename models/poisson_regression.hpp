// Poisson regression of counts on the columns of X, which are standardised, over known exposures.
// Example data: simulated, by tests/data/make_data.py.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct PoissonRegression {
  Dim observation, predictor;
  Matrix X;
  Real log_exposure;
  Integer y;

  explicit PoissonRegression(Dataset& d)
      : observation(d.dim("observation")), predictor(d.dim("predictor")), X(d.matrix("X", observation, predictor)),
        log_exposure(d.real("log_exposure", observation)), y(d.integer("y", observation)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto alpha = m.param("alpha", normal(0, 5));
    auto beta = m.param("beta", normal(0, 2.5), predictor);
    auto slope = m.linear(X, beta);
    m.observe("y", y, observation, [&](auto i) { return poisson_log(log_exposure[i] + alpha + slope[i]); });
  }
};

}  // namespace lockstep::models
