// Bayesian linear regression with weak proper priors, without an intercept.
// Model and example data: posteriordb's "sblrc-blr".
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Blr {
  Dim observation, predictor;
  Matrix X;
  Real y;

  explicit Blr(Dataset& d)
      : observation(d.dim("observation")), predictor(d.dim("predictor")), X(d.matrix("X", observation, predictor)),
        y(d.real("y", observation)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto beta = m.param("beta", normal(0, 10), predictor);
    auto sigma = m.param("sigma", half_normal(10));
    auto mean = m.linear(X, beta);
    m.observe("y", y, observation, [&](auto i) { return normal(mean[i], sigma); });
  }
};

}  // namespace lockstep::models
