// A hidden Markov model: which of several states emits each value follows a Markov chain, which is summed out.
// Model and example data: posteriordb's "hmm_example"; Rabiner (1989), "A tutorial on hidden Markov models".
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Hmm {
  Dim time, state;
  Real y, mean_guess;   // where the states' means are expected, with a standard deviation of 1

  explicit Hmm(Dataset& d)
      : time(d.dim("time")), state(d.dim("state")), y(d.real("y", time)), mean_guess(d.real("mean_guess", state)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto theta = m.param("theta", flat(simplex()), state, state);   // each row: where the chain goes from a state
    auto mu = m.param("mu", state, [&](auto k) { return normal(mean_guess[k], 1); }, positive_ordered());
    // 1: the first state's probabilities are not normalised, as in the example.
    m.hidden_markov("y", y, time, state, 1, theta, [&](auto, auto k) { return normal(mu[k], 1); });
  }
};

}  // namespace lockstep::models
