// Autoregressive moving average of order (1, 1).
// Model and example data: the Stan project's benchmark "arma"; Box, Jenkins & Reinsel, Time Series Analysis, ch. 3.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Arma11 {
  Dim time;
  Real y;

  explicit Arma11(Dataset& d) : time(d.dim("time")), y(d.real("y", time)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 10));
    auto phi = m.param("phi", normal(0, 2));
    auto theta = m.param("theta", normal(0, 2));
    auto sigma = m.param("sigma", half_cauchy(2.5));
    // The expected value; the error before is what the value before missed it by.
    auto expected = carry(mu + phi * mu, [&](auto, auto past, auto before) {
      return mu + phi * past(1) + theta * (past(1) - before);
    });
    m.observe("y", y, time, expected, [&](auto, auto now) { return normal(now, sigma); });
  }
};

}  // namespace lockstep::models
