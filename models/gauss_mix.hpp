// A mixture of two normals, identified by ordered means; the labels are summed out.
// Model and example data: the Stan project's benchmark "low_dim_gauss_mix"; Betancourt (2017), "Identifying Bayesian
// Mixture Models".
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct GaussMix {
  Dim observation, component_dim;
  Real y;

  explicit GaussMix(Dataset& d)
      : observation(d.dim("observation")), component_dim(d.dim("component")), y(d.real("y", observation)) {
    if (component_dim.size >= 0 && component_dim.size != 2)
      throw DataError("dimension 'component' has size " + std::to_string(component_dim.size) +
                      " (this model mixes two components). Give 2, or two labels.");
  }

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 2), component_dim, ordered());
    auto sigma = m.param("sigma", half_normal(2), component_dim);
    auto theta = m.param("theta", beta(5, 5));
    m.observe("y", y, observation, [&](auto) {
      return mixture(component(theta, normal(mu[0], sigma[0])), component(1 - theta, normal(mu[1], sigma[1])));
    });
  }
};

}  // namespace lockstep::models
