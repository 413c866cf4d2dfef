// Counts with more zeros than a Poisson distribution has: some visitors of a lake do not fish at all, the others catch a number
// that depends on a predictor. Which of the zeros are theirs is summed out.
// Example data: simulated.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct ExcessZeros {
  Dim visitor;
  Real x;
  Integer caught;

  explicit ExcessZeros(Dataset& d) : visitor(d.dim("visitor")), x(d.real("x", visitor)), caught(d.integer("caught", visitor)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto fishing = m.param("fishing", beta(4, 2));   // the share of those who do
    auto intercept = m.param("intercept", normal(1, 0.5));
    auto slope = m.param("slope", normal(0, 0.5));
    m.observe("caught", caught, visitor, [&](auto i) { return zero_inflated_poisson(fishing, exp(intercept + slope * x[i])); });
  }
};

}  // namespace lockstep::models
