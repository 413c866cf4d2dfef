// Models of every kind, with proper priors, for simulation-based calibration. Their data are made up: only sizes and predictors
// count.
#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "lockstep/lockstep.hpp"

namespace lockstep {

// Regression: a design matrix, normal coefficients.
struct CalibratedRegression {
  Dim obs, column;
  Matrix X;
  Real y;
  explicit CalibratedRegression(Dataset& d) : obs(d.dim("obs")), column(d.dim("column")), X(d.matrix("X", obs, column)), y(d.real("y", obs)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto beta = m.param("beta", normal(0, 1), column);
    auto sigma = m.param("sigma", exponential(1));
    auto line = m.linear(X, beta);
    m.observe("y", y, obs, [&](auto i) { return normal(line[i], sigma); });
  }
};

// A hierarchy, non-centred, of counts by a log link.
struct CalibratedHierarchy {
  Dim obs, group;
  GroupIndex group_of;
  Integer y;
  explicit CalibratedHierarchy(Dataset& d)
      : obs(d.dim("obs")), group(d.dim("group", 6)), group_of(d.index("group_idx", obs, group)), y(d.integer("y", obs)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(1, 0.5));
    auto tau = m.param("tau", half_normal(0.5));
    auto alpha = m.param("alpha", gamma(4, 1));
    auto effect = m.param("effect", non_centred(normal(mu, tau)), group);
    m.observe("y", y, obs, [&](auto i) { return negative_binomial_log(effect[group_of[i]], alpha); });
  }
};

// Ordinal: ordered cutpoints.
struct CalibratedOrdinal {
  Dim obs, cut;
  Real x, y;
  explicit CalibratedOrdinal(Dataset& d) : obs(d.dim("obs")), cut(d.dim("cut", 3)), x(d.real("x", obs)), y(d.real("y", obs)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto cuts = m.param("cuts", normal(0, 1.5), cut, ordered());
    auto b = m.param("b", normal(0, 1));
    m.observe("y", y, obs, [&](auto i) { return ordered_logistic(b * x[i], cuts); });
  }
};

// A mixture whose components have an order.
struct CalibratedMixture {
  Dim obs, component_dim;
  Real y;
  explicit CalibratedMixture(Dataset& d) : obs(d.dim("obs")), component_dim(d.dim("component", 2)), y(d.real("y", obs)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 3), component_dim, ordered());
    auto w = m.param("w", beta(3, 3));
    auto sigma = m.param("sigma", half_normal(1));
    m.observe("y", y, obs, [&](auto) { return mixture(component(w, normal(mu[0], sigma)), component(1 - w, normal(mu[1], sigma))); });
  }
};

// A hidden Markov chain, summed out.
struct CalibratedHiddenMarkov {
  Dim time, state;
  Real y;
  explicit CalibratedHiddenMarkov(Dataset& d) : time(d.dim("time")), state(d.dim("state", 2)), y(d.real("y", time)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto p = m.param("p", dirichlet(2), state, state);
    auto mu = m.param("mu", normal(0, 3), state, ordered());
    m.hidden_markov("y", y, time, state, 0.5, p, [&](auto, auto k) { return normal(mu[k], 1); });
  }
};

// An autoregression of the second order.
struct CalibratedAutoregression {
  Dim time, lag;
  Real y;
  explicit CalibratedAutoregression(Dataset& d) : time(d.dim("time")), lag(d.dim("lag", 2)), y(d.real("y", time)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto phi = m.param("phi", normal(0.2, 0.2), lag);
    auto sigma = m.param("sigma", half_normal(1));
    m.observe("y", y, time.from(2), [&](auto, auto past) { return normal(dot(phi, past), sigma); });
  }
};

// A variance that runs along.
struct CalibratedGarch {
  Dim time;
  Real y;
  explicit CalibratedGarch(Dataset& d) : time(d.dim("time")), y(d.real("y", time)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto a0 = m.param("a0", gamma(3, 3));
    auto a1 = m.param("a1", uniform(0, 1));
    auto b1 = m.param("b1", uniform(0, 1 - a1));
    m.observe("y", y, time, carry(1., [&](auto, auto past, auto s) { return sqrt(a0 + a1 * square(past(1) - mu) + b1 * square(s)); }),
              [&](auto, auto s) { return normal(mu, s); });
  }
};

// A simplex, of which counts are observed.
struct CalibratedSimplex {
  Dim row, category;
  Matrix y;
  explicit CalibratedSimplex(Dataset& d) : row(d.dim("row")), category(d.dim("category")), y(d.matrix("y", row, category)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto p = m.param("p", dirichlet(1.5), category);
    m.observe("y", y, row, [&](auto) { return multinomial(12, p); });
  }
};

// A correlation matrix.
struct CalibratedCorrelation {
  Dim row, variable;
  Matrix y;
  explicit CalibratedCorrelation(Dataset& d) : row(d.dim("row")), variable(d.dim("variable")), y(d.matrix("y", row, variable)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1), variable);
    auto L = m.param("L", lkj_cholesky(2), variable);
    m.observe("y", y, row, [&](auto) { return mv_normal_cholesky(mu, L); });
  }
};

// Survival times, some of them censored.
struct CalibratedCensoring {
  Dim obs;
  Real x, limit, y;
  explicit CalibratedCensoring(Dataset& d) : obs(d.dim("obs")), x(d.real("x", obs)), limit(d.real("limit", obs)), y(d.real("y", obs)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto shape = m.param("shape", gamma(6, 4));
    auto a = m.param("a", normal(0, 0.5));
    auto b = m.param("b", normal(0, 0.5));
    m.observe("y", y, obs, [&](auto i) { return censored(weibull(shape, exp(a + b * x[i])), no_bound, limit[i]); });
  }
};

// Counts with extra zeros.
struct CalibratedZeroInflation {
  Dim obs;
  Real x;
  Integer y;
  explicit CalibratedZeroInflation(Dataset& d) : obs(d.dim("obs")), x(d.real("x", obs)), y(d.integer("y", obs)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto psi = m.param("psi", beta(4, 2));
    auto a = m.param("a", normal(1, 0.5));
    auto b = m.param("b", normal(0, 0.5));
    m.observe("y", y, obs, [&](auto i) { return zero_inflated_poisson(psi, exp(a + b * x[i])); });
  }
};

// A predictor with gaps, which are imputed.
struct CalibratedImputation {
  Dim obs;
  Real x, y;
  explicit CalibratedImputation(Dataset& d) : obs(d.dim("obs")), x(d.real("x", obs)), y(d.real("y", obs)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto b = m.param("b", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    auto full = m.observe("x", x, obs, [&](auto) { return normal(mu, 1); });
    m.observe("y", y, obs, [&](auto i) { return student_t(5, b * full[i], sigma); });
  }
};

// A differential equation: growth that its own size slows down.
struct CalibratedGrowth {
  Dim time, one;
  Real t, y;
  explicit CalibratedGrowth(Dataset& d) : time(d.dim("time")), one(d.dim("one", 1)), t(d.real("t", time)), y(d.real("y", time)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto rate = m.param("rate", lognormal(0, 0.3));
    auto capacity = m.param("capacity", lognormal(1, 0.3));
    auto start = m.param("start", lognormal(-1, 0.3));
    auto sigma = m.param("sigma", lognormal(-2, 0.3));
    auto z = m.ode("z", time, one, start, 0, t, [&](auto, auto x) { return derivatives(rate * x[0] * (1 - x[0] / capacity)); });
    m.observe("y", y, time, [&](auto i) { return lognormal(log(z(i, 0)), sigma); });
  }
};

struct CalibratedModel {
  const char* name;
  const ModelTable* (*table)();
  Data data;
};

// Smooth numbers of no meaning.
inline std::vector<double> wave(int count, double step, double center = 0) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(center + std::sin(step * (i + 1)));
  return values;
}
inline std::vector<std::vector<double>> waves(int rows, int columns) {
  std::vector<std::vector<double>> values;
  for (int i = 0; i < rows; ++i) values.push_back(wave(columns, 0.7 + 0.31 * i));
  return values;
}

inline std::vector<CalibratedModel> calibrated_models() {
  std::vector<CalibratedModel> models;
  const auto add = [&](const char* name, const ModelTable* (*table)(), const std::function<void(Data&)>& fill) {
    models.push_back({name, table, {}});
    fill(models.back().data);
  };
  const std::vector<double> zeros(40, 0.);
  add("regression", model_table<CalibratedRegression>, [&](Data& d) { d.set("X", waves(30, 3)), d.set("y", wave(30, 1)); });
  add("hierarchy", model_table<CalibratedHierarchy>, [&](Data& d) {
    std::vector<double> group;
    for (int i = 0; i < 36; ++i) group.push_back(1 + i % 6);
    d.set("group_idx", group);
    d.set("y", std::vector<double>(36, 0.));
  });
  add("ordinal", model_table<CalibratedOrdinal>, [&](Data& d) { d.set("x", wave(40, 0.9)), d.set("y", zeros); });
  add("mixture", model_table<CalibratedMixture>, [&](Data& d) { d.set("y", zeros); });
  add("hidden Markov", model_table<CalibratedHiddenMarkov>, [&](Data& d) { d.set("y", zeros); });
  add("autoregression", model_table<CalibratedAutoregression>, [&](Data& d) { d.set("y", wave(40, 0.5)); });
  add("GARCH", model_table<CalibratedGarch>, [&](Data& d) { d.set("y", std::vector<double>(60, 0.)); });
  add("simplex", model_table<CalibratedSimplex>, [&](Data& d) { d.set("y", std::vector<std::vector<double>>(3, {3, 3, 3, 3})); });
  add("correlation", model_table<CalibratedCorrelation>, [&](Data& d) { d.set("y", waves(25, 3)); });
  add("censored", model_table<CalibratedCensoring>, [&](Data& d) { d.set("x", wave(40, 1.3)), d.set("limit", wave(40, 0.4, 2)), d.set("y", std::vector<double>(40, 0.5)); });
  add("zero-inflated", model_table<CalibratedZeroInflation>, [&](Data& d) { d.set("x", wave(40, 1.1)), d.set("y", zeros); });
  add("differential equation", model_table<CalibratedGrowth>, [&](Data& d) {
    std::vector<double> t;
    for (int i = 1; i <= 10; ++i) t.push_back(0.6 * i);
    d.set("t", t), d.set("y", std::vector<double>(10, 1.));
  });
  add("missing values", model_table<CalibratedImputation>, [&](Data& d) {
    std::vector<double> x = wave(25, 0.6), y = wave(25, 0.8);
    for (int i : {2, 7, 20}) x[std::size_t(i)] = std::nan("");
    y[11] = std::nan("");
    d.set("x", x), d.set("y", y);
  });
  return models;
}

}  // namespace lockstep
