// Autoregression of order K, conditional on the first K values.
// Model and example data: the Stan project's benchmark "arK"; see also Hamilton (1994), Time Series Analysis, ch. 3.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct ArK {
  Dim time, lag;
  Real y;

  explicit ArK(Dataset& d) : time(d.dim("time")), lag(d.dim("lag")), y(d.real("y", time)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto alpha = m.param("alpha", normal(0, 10));
    auto beta = m.param("beta", normal(0, 10), lag);
    auto sigma = m.param("sigma", half_cauchy(2.5));
    m.observe("y", y, time.from(lag.size), [&](auto, auto past) { return normal(alpha + dot(beta, past), sigma); });
  }
};

}  // namespace lockstep::models
