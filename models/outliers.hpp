// A regression with outliers: a share of the observations has errors ten times as large (Tukey's contaminated normal, 1960).
// Which they are is summed out; `lockstep predict --states` draws it.
// Example data: simulated, with two outliers.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Outliers {
  Dim observation;
  Real x, y;

  explicit Outliers(Dataset& d)
      : observation(d.dim("observation")), x(d.real("x", observation)), y(d.real("y", observation)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto intercept = m.param("intercept", normal(0, 1));
    auto slope = m.param("slope", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    auto share = m.param("share", beta(1, 9));               // of outliers
    m.observe("y", y, observation, [&](auto i) {
      auto line = intercept + slope * x[i];
      return mixture(component(1 - share, normal(line, sigma)), component(share, normal(line, 10 * sigma)));
    });
  }
};

}  // namespace lockstep::models
