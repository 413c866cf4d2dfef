// Linear regression by how much it explains: the R2-D2-M2 prior, with the correlations' signs. Sources: Zhang, Naughton, Bondell
// & Reich (2022), "Bayesian regression using a prior on the model fit: the R2-D2 shrinkage prior"; Aguilar & Buerkner (2023),
// "Intuitive joint priors for Bayesian linear multilevel models: the R2-D2-M2 prior". PyMC's R2D2M2CP.
//
// The prior is one on R^2, the share of y's variance that the regression explains: Beta with mean `r2_mean` and the weight of
// `r2_size` observations. What is explained is divided among the predictors by a Dirichlet with concentration `importance`: 1 for
// all divisions alike, less for few that count. A field `positive` says how probable it is that each predictor's effect is above
// 0: 0.5 where nothing is known. Columns of X need not be standardised, but are best centred.
#pragma once

#include <cmath>

#include "lockstep/evaluate.hpp"
#include "lockstep/model.hpp"

namespace lockstep::models {

struct R2D2M2CP {
  Dim obs, column;
  Matrix X;
  Real y, positive, shift, spread;   // shift: an effect's mean over its standard deviation; spread: of each column
  double y_mean, y_spread, r2_mean, r2_size, importance;

  explicit R2D2M2CP(Dataset& d)
      : obs(d.dim("obs")), column(d.dim("column")), X(d.matrix("X", obs, column)), y(d.real("y", obs)),
        positive(d.real("positive", column)),
        shift(d.derived("shift", column, [this](int k) { return quantile(normal(0, 1), positive.field.values[k]); })),
        spread(d.derived("spread", column, [this](int k) { return moments(X.values + k, X.columns().size).spread; })),
        y_mean(moments(y.field.values, 1).mean), y_spread(moments(y.field.values, 1).spread), r2_mean(d.option("r2_mean", 0.5)),
        r2_size(d.option("r2_size", 2.)), importance(d.option("importance", 1.)) {}

  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto r2 = m.param("r2", beta_proportion(r2_mean, r2_size));
    auto share = m.param("share", dirichlet(importance), column);
    auto alpha = m.param("alpha", normal(y_mean, 2 * y_spread));
    // With mean shift and standard deviation 1, a square has mean 1 + shift^2: so that each effect explains its share.
    auto beta = m.param("beta", column, [&](auto k) {
      auto scale = sqrt(r2 * share[k] / (1 + square(shift[k]))) * (y_spread / spread[k]);
      return non_centred(normal(shift[k] * scale, scale));
    });
    auto line = m.linear(X, beta);
    m.observe("y", y, obs, [&](auto i) { return normal(alpha + line[i], sqrt(1 - r2) * y_spread); });
  }

 private:
  struct Moments {
    double mean, spread;
  };
  // Of every `step`-th of the numbers, one for each observation.
  Moments moments(const double* values, int step) const {
    double mean = 0, squares = 0;
    for (int i = 0; i < obs.size; ++i) mean += values[std::ptrdiff_t(i) * step] / obs.size;
    for (int i = 0; i < obs.size; ++i) squares += std::pow(values[std::ptrdiff_t(i) * step] - mean, 2);
    return {mean, std::sqrt(squares / (obs.size - 1))};
  }
};

}  // namespace lockstep::models
