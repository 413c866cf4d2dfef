// models/radon.hpp with counties that are centred as the data say: for the test of the choice, and for its benchmark.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep {

struct Counties {
  Dim house, county;
  GroupIndex county_of;
  Real log_uppm, floor_measure, log_radon, c;
  explicit Counties(Dataset& d)
      : house(d.dim("house")), county(d.dim("county")), county_of(d.index("county_idx", house, county)),
        log_uppm(d.real("log_uppm", house)), floor_measure(d.real("floor_measure", house)), log_radon(d.real("log_radon", house)),
        c(d.centredness("alpha", county)) {}
  template <class M> void operator()(M& m) const {
    auto mu_alpha = m.param("mu_alpha", normal(0, 10));
    auto beta_uranium = m.param("beta_uranium", normal(0, 10));
    auto beta_floor = m.param("beta_floor", normal(0, 10));
    auto sigma_alpha = m.param("sigma_alpha", half_normal(1));
    auto sigma_y = m.param("sigma_y", half_normal(1));
    auto alpha = m.param("alpha", county, [&](auto j) { return partially_centred(normal(mu_alpha, sigma_alpha), c[j]); });
    m.observe("log_radon", log_radon, house, [&](auto i) {
      return normal(alpha[county_of[i]] + beta_uranium * log_uppm[i] + beta_floor * floor_measure[i], sigma_y);
    });
  }
};

}  // namespace lockstep
