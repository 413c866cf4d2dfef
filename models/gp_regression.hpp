// Regression by a Gaussian process with a squared exponential covariance, for up to about a hundred points.
// Model and example data: the Stan project's benchmark "gp_regr"; Rasmussen & Williams (2006), Gaussian Processes, ch. 2.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct GpRegression {
  Dim point;
  Real x, y;

  explicit GpRegression(Dataset& d) : point(d.dim("point")), x(d.real("x", point)), y(d.real("y", point)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto rho = m.param("rho", gamma(25, 4));          // length scale
    auto alpha = m.param("alpha", half_normal(2));    // standard deviation of the process
    auto sigma = m.param("sigma", half_normal(1));    // variance of the noise, as the benchmark has it
    auto variance = m.let("variance", square(alpha));
    auto rate = m.let("rate", 0.5 / square(rho));
    m.cholesky(
        point, [&](auto i, auto j) { return variance * exp(-square(x[i] - x[j]) * rate) + sigma * delta(i, j); },
        [&](const auto& L) { m.observe("y", y, mv_normal_cholesky(0, L)); });
  }
};

}  // namespace lockstep::models
