// Returns that are calm at some times and turbulent at others: a hidden Markov chain of two states, summed out, chooses the
// standard deviation, and the states are told apart by it (hmm.hpp has states with means of their own, and a benchmark's prior).
// Example data: simulated.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct VolatilityRegimes {
  Dim time, state;
  Real y;

  explicit VolatilityRegimes(Dataset& d) : time(d.dim("time")), state(d.dim("state", 2)), y(d.real("y", time)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto next = m.param("next", dirichlet(2), state, state);   // each row: where the chain goes from a state
    auto sigma = m.param("sigma", lognormal(0, 1), state, positive_ordered());
    m.hidden_markov("y", y, time, state, 0.5, next, [&](auto, auto k) { return normal(0, sigma[k]); });
  }
};

}  // namespace lockstep::models
