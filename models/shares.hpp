// Shares of several categories, a simplex, of which counts are observed: so many of twelve in each row.
// Example data: simulated.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Shares {
  Dim row, category;
  Matrix count;

  explicit Shares(Dataset& d) : row(d.dim("row")), category(d.dim("category")), count(d.matrix("count", row, category)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto share = m.param("share", dirichlet(1.5), category);
    m.observe("count", count, row, [&](auto) { return multinomial(12, share); });
  }
};

}  // namespace lockstep::models
