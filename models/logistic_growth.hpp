// A population that grows the more slowly the nearer it is to what its surroundings can feed (Verhulst 1838), as a differential
// equation, counted at some times with errors that are lognormal. (This one has a solution in closed form; most have none.)
// Example data: simulated.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct LogisticGrowth {
  Dim time, one;                                             // one: the state has a single element
  Real t, y;

  explicit LogisticGrowth(Dataset& d) : time(d.dim("time")), one(d.dim("one", 1)), t(d.real("t", time)), y(d.real("y", time)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto rate = m.param("rate", lognormal(0, 0.3));
    auto capacity = m.param("capacity", lognormal(1, 0.3));
    auto start = m.param("start", lognormal(-1, 0.3));
    auto sigma = m.param("sigma", lognormal(-2, 0.3));
    auto z = m.ode("z", time, one, start, 0, t, [&](auto, auto now) {
      return derivatives(rate * now[0] * (1 - now[0] / capacity));
    });
    m.observe("y", y, time, [&](auto i) { return lognormal(log(z(i, 0)), sigma); });
  }
};

}  // namespace lockstep::models
