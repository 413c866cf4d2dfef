// Radon in houses, with partially pooled county intercepts (non-centred).
// Data and model: Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models; the 919 houses
// in 85 counties of Minnesota.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Radon {
  Dim house, county;
  GroupIndex county_of;
  Real log_uppm, floor_measure, log_radon;

  explicit Radon(Dataset& d)
      : house(d.dim("house")), county(d.dim("county")), county_of(d.index("county_idx", house, county)),
        log_uppm(d.real("log_uppm", house)), floor_measure(d.real("floor_measure", house)),
        log_radon(d.real("log_radon", house)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto alpha_raw = m.param("alpha_raw", normal(0, 1), county);
    auto mu_alpha = m.param("mu_alpha", normal(0, 10));
    auto beta_uranium = m.param("beta_uranium", normal(0, 10));
    auto beta_floor = m.param("beta_floor", normal(0, 10));
    auto sigma_alpha = m.param("sigma_alpha", half_normal(1));
    auto sigma_y = m.param("sigma_y", half_normal(1));
    // Read 919 times, computed 85 times: `let`, not `deterministic`.
    auto alpha = m.let("alpha", county, [&](auto c) { return mu_alpha + sigma_alpha * alpha_raw[c]; });
    m.observe("log_radon", log_radon, house, [&](auto i) {
      return normal(alpha[county_of[i]] + beta_uranium * log_uppm[i] + beta_floor * floor_measure[i], sigma_y);
    });
  }
};

}  // namespace lockstep::models
