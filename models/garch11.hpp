// Generalised autoregressive conditional heteroscedasticity of order (1, 1), given the first standard deviation.
// Model and example data: the Stan project's benchmark "garch"; Bollerslev (1986).
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Garch11 {
  Dim time;
  Real y;
  RealScalar sigma1;

  explicit Garch11(Dataset& d) : time(d.dim("time")), y(d.real("y", time)), sigma1(d.scalar("sigma1")) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", flat());
    auto alpha0 = m.param("alpha0", flat(positive()));
    auto alpha1 = m.param("alpha1", flat(unit_interval()));
    auto beta1 = m.param("beta1", flat(), between(0, 1 - alpha1));   // the variance stays finite
    // The variance runs along with the data: a prediction feeds simulated values back into it.
    auto variance = carry(square(sigma1), [&](auto, auto past, auto before) {
      return alpha0 + alpha1 * square(past(1) - mu) + beta1 * before;
    });
    m.observe("y", y, time, variance, [&](auto, auto now) { return normal(mu, sqrt(now)); });
  }
};

}  // namespace lockstep::models
