// Correlations of several variables, measured together in every row: rows are multivariate normal with unknown means and a
// correlation matrix, of which the Cholesky factor is the parameter; the prior of Lewandowski, Kurowicka & Joe (2009) pulls
// correlations towards 0. Variables are standardised beforehand: unknown scales want `lkj_cholesky_cov`.
// Example data: simulated.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Correlations {
  Dim row, variable;
  Matrix y;

  explicit Correlations(Dataset& d) : row(d.dim("row")), variable(d.dim("variable")), y(d.matrix("y", row, variable)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1), variable);
    auto L = m.param("L", lkj_cholesky(2), variable);
    m.observe("y", y, row, [&](auto) { return mv_normal_cholesky(mu, L); });
    m.deterministic("correlation", variable, variable, [&](auto j, auto k) { return dot(L.row(j), L.row(k)); });
  }
};

}  // namespace lockstep::models
