// Independent standard normals: the simplest posterior, for checking samplers.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct StdNormal {
  Dim coordinate;

  explicit StdNormal(Dataset& d) : coordinate(d.dim("coordinate")) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const { auto x = m.param("x", normal(0, 1), coordinate); }
};

}  // namespace lockstep::models
