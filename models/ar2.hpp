// Autoregression of order two, given the first two values, with priors by which series hardly ever explode, so that data can be
// simulated from it (ar_k.hpp has the wide priors of a benchmark, and any order). The noise is normal.
// Example data: simulated.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Ar2 {
  Dim time, lag;
  Real y;

  explicit Ar2(Dataset& d) : time(d.dim("time")), lag(d.dim("lag", 2)), y(d.real("y", time)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto phi = m.param("phi", normal(0.2, 0.2), lag);
    auto sigma = m.param("sigma", half_normal(1));
    m.observe("y", y, time.from(2), [&](auto, auto past) { return normal(dot(phi, past), sigma); });
  }
};

}  // namespace lockstep::models
