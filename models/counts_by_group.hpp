// Counts in groups: each group has its own log rate, partially pooled and non-centred, and counts vary more than a Poisson
// distribution's (a negative binomial one, whose variance is mean + mean^2 / shape).
// Example data: simulated.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct CountsByGroup {
  Dim observation, group;
  GroupIndex group_of;
  Integer count;

  explicit CountsByGroup(Dataset& d)
      : observation(d.dim("observation")), group(d.dim("group")), group_of(d.index("group_idx", observation, group)),
        count(d.integer("count", observation)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(1, 0.5));
    auto tau = m.param("tau", half_normal(0.5));
    auto shape = m.param("shape", gamma(4, 1));
    auto log_rate = m.param("log_rate", non_centred(normal(mu, tau)), group);
    m.observe("count", count, observation, [&](auto i) { return negative_binomial_log(log_rate[group_of[i]], shape); });
  }
};

}  // namespace lockstep::models
