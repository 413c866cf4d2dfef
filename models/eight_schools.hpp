// Eight schools: the effect of coaching on test scores, partially pooled.
// Data and model: Rubin (1981), "Estimation in parallel randomized experiments"; Gelman et al., Bayesian Data Analysis.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct EightSchools {
  Dim school;
  Real y, sigma;

  explicit EightSchools(Dataset& d) : school(d.dim("school")), y(d.real("y", school)), sigma(d.real("sigma", school)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 5));
    auto tau = m.param("tau", half_cauchy(5));
    auto z = m.param("z", normal(0, 1), school);  // non-centred: see models/README.md
    auto theta = m.deterministic("theta", school, [&](auto j) { return mu + tau * z[j]; });
    m.observe("y", y, school, [&](auto j) { return normal(theta[j], sigma[j]); });
  }
};

}  // namespace lockstep::models
