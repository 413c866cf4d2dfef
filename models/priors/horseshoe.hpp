// Linear regression with many predictors, of which a few count: the regularised horseshoe prior.
// Source: Piironen & Vehtari (2017), "Sparsity information and regularization in the horseshoe and other shrinkage priors".
//
// Each coefficient has a scale of its own, lambda, besides the common one, tau: most shrink to nothing, and a few are let go.
// Those that are let go are held by a slab, a Student t with `slab_df` degrees of freedom and scale `slab_scale`: what size of a
// coefficient would surprise? tau is of the size that makes `expected` coefficients count. Standardise the columns of X.
#pragma once

#include "lockstep/model.hpp"

namespace lockstep::models {

struct Horseshoe {
  Dim obs, column;
  Matrix X;
  Real y;
  double expected, slab_scale, slab_df;

  explicit Horseshoe(Dataset& d)
      : obs(d.dim("obs")), column(d.dim("column")), X(d.matrix("X", obs, column)), y(d.real("y", obs)),
        expected(d.option("expected", 3.)), slab_scale(d.option("slab_scale", 2.)), slab_df(d.option("slab_df", 4.)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    const double size = expected / (column.size - expected) / sqrt(double(obs.size));   // of tau, in units of sigma
    auto alpha = m.param("alpha", normal(0, 5));
    auto sigma = m.param("sigma", half_normal(2));
    auto tau = m.param("tau", half_cauchy(size * sigma));
    auto lambda = m.param("lambda", half_cauchy(1), column);
    auto slab = m.param("slab", inverse_gamma(0.5 * slab_df, 0.5 * slab_df * slab_scale * slab_scale));   // its variance
    auto beta = m.param("beta", column, [&](auto k) {
      return non_centred(normal(0, tau * lambda[k] * sqrt(slab / (slab + square(tau * lambda[k])))));
    });
    auto line = m.linear(X, beta);
    m.observe("y", y, obs, [&](auto i) { return normal(alpha + line[i], sigma); });
  }
};

}  // namespace lockstep::models
