// Eight schools in its centred form, which diverges where tau is small: see eight_schools.hpp, which is not.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct EightSchoolsCentered {
  Dim school;
  Real y, sigma;

  explicit EightSchoolsCentered(Dataset& d)
      : school(d.dim("school")), y(d.real("y", school)), sigma(d.real("sigma", school)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 5));
    auto tau = m.param("tau", half_cauchy(5));
    auto theta = m.param("theta", normal(mu, tau), school);
    m.observe("y", y, school, [&](auto j) { return normal(theta[j], sigma[j]); });
  }
};

}  // namespace lockstep::models
