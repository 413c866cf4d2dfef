// Predator and prey: populations of hares and lynxes over twenty years, by the differential equations of Lotka and Volterra.
// Model and example data: posteriordb's "hudson_lynx_hare-lotka_volterra" (pelts by Hewitt 1921); Lotka (1925), Volterra (1926).
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct LotkaVolterra {
  Dim time, species;
  Real years, hare, lynx;   // years since the first count; thousands of pelts

  explicit LotkaVolterra(Dataset& d)
      : time(d.dim("time")), species(d.dim("species", 2)), years(d.real("years", time)), hare(d.real("hare", time)),
        lynx(d.real("lynx", time)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto alpha = m.param("alpha", normal(1, 0.5), positive());       // births of hares
    auto beta = m.param("beta", normal(0.05, 0.05), positive());     // hares that a lynx eats
    auto gamma = m.param("gamma", normal(1, 0.5), positive());       // deaths of lynxes
    auto delta = m.param("delta", normal(0.05, 0.05), positive());   // births of lynxes by hares eaten
    auto start = m.param("start", lognormal(log(10.), 1), species);
    auto sigma = m.param("sigma", lognormal(-1, 1), species);
    auto z = m.ode("z", time, species, start, 0, years, [&](auto, auto y) {
      return derivatives((alpha - beta * y[1]) * y[0], (delta * y[0] - gamma) * y[1]);
    });
    m.observe("hare", hare, time, [&](auto i) { return lognormal(log(z(i, 0)), sigma[0]); });
    m.observe("lynx", lynx, time, [&](auto i) { return lognormal(log(z(i, 1)), sigma[1]); });
  }
};

}  // namespace lockstep::models
