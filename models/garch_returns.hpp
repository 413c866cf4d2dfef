// Returns of an asset whose variance follows its own past and theirs (GARCH; Bollerslev 1986), from a standard deviation of 1 on,
// with priors that data can be simulated from (garch11.hpp has the flat ones of a benchmark).
// Example data: simulated.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct GarchReturns {
  Dim time;
  Real y;

  explicit GarchReturns(Dataset& d) : time(d.dim("time")), y(d.real("y", time)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto alpha0 = m.param("alpha0", gamma(3, 3));
    auto alpha1 = m.param("alpha1", uniform(0, 1));
    auto beta1 = m.param("beta1", uniform(0, 1 - alpha1));   // the variance stays finite
    auto deviation = carry(1., [&](auto, auto past, auto before) {
      return sqrt(alpha0 + alpha1 * square(past(1) - mu) + beta1 * square(before));
    });
    m.observe("y", y, time, deviation, [&](auto, auto now) { return normal(mu, now); });
  }
};

}  // namespace lockstep::models
