// Survival times with a Weibull distribution, whose scale depends on a predictor. Some are censored: who was still alive when the
// observation ended, at `limit`, has that time as his own, and adds the probability of living longer.
// Example data: simulated.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Survival {
  Dim patient;
  Real x, limit, time;

  explicit Survival(Dataset& d)
      : patient(d.dim("patient")), x(d.real("x", patient)), limit(d.real("limit", patient)), time(d.real("time", patient)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto shape = m.param("shape", gamma(6, 4));
    auto intercept = m.param("intercept", normal(0, 0.5));
    auto slope = m.param("slope", normal(0, 0.5));
    m.observe("time", time, patient, [&](auto i) {
      return censored(weibull(shape, exp(intercept + slope * x[i])), no_bound, limit[i]);
    });
  }
};

}  // namespace lockstep::models
