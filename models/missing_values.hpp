// A regression with gaps in the predictor and in the outcome: what is missing (NaN in the data) is imputed, as parameters
// `x_unobserved` and `y_unobserved`. The predictor has a distribution of its own, and the outcome reads its node, gaps and all.
// Example data: simulated.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct MissingValues {
  Dim observation;
  Real x, y;

  explicit MissingValues(Dataset& d)
      : observation(d.dim("observation")), x(d.real("x", observation)), y(d.real("y", observation)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto slope = m.param("slope", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    auto full = m.observe("x", x, observation, [&](auto) { return normal(mu, 1); });
    m.observe("y", y, observation, [&](auto i) { return student_t(5, slope * full[i], sigma); });
  }
};

}  // namespace lockstep::models
