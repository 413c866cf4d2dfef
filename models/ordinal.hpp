// Answers in ordered categories, as "never", "sometimes", "often", "always": where a latent, logistic variable falls among
// cutpoints, which are in order, moved by a predictor (McCullagh 1980).
// Example data: simulated. Categories count from 0.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Ordinal {
  Dim person, cut;                                           // cut: between neighbouring categories
  Real x;
  Integer answer;

  explicit Ordinal(Dataset& d)
      : person(d.dim("person")), cut(d.dim("cut", 3)), x(d.real("x", person)), answer(d.integer("answer", person)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto cuts = m.param("cuts", normal(0, 1.5), cut, ordered());
    auto slope = m.param("slope", normal(0, 1));
    m.observe("answer", answer, person, [&](auto i) { return ordered_logistic(slope * x[i], cuts); });
  }
};

}  // namespace lockstep::models
