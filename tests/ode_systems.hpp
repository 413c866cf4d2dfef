// Systems of differential equations for tests: with solutions in closed form, and one that reads whatever a model can have.
#pragma once

#include "gradient_oracles.hpp"

namespace lockstep {

template <bool is_stiff> auto method(double tolerance) {
  if constexpr (is_stiff) return stiff(tolerance, tolerance, 100000);
  else return rk45(tolerance, tolerance, 100000);
}

// ---- systems with a solution in closed form ---------------------------------------------------------------------------

// Each has parameters that are flat on the real line and no other density than a potential, the sum of weighted values of the
// solution, so that the log density is that sum and its gradient that of the solution.
struct Times {
  Dim time, state, parameter;
  Real times, weight;
  double tolerance;
  Times(Dataset& d, int states, int parameters)
      : time(d.dim("time")), state(d.dim("state", states)), parameter(d.dim("parameter", parameters)),
        times(d.real("times", time)), weight(d.real("weight", state)), tolerance(d.option("tolerance", 1e-6)) {}
};

template <bool is_stiff = false> struct Decay : Times {
  explicit Decay(Dataset& d) : Times(d, 1, 2) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto z = m.ode("z", time, state, p[1], 0.5, times, [&](auto, auto y) { return derivatives(-p[0] * y[0]); },
                   method<is_stiff>(tolerance));
    m.potential("sum", time, [&](auto i) { return weight[0] * z(i, 0); });
  }
  static std::vector<double> solution(const Values& p, double t) { return {p[1] * std::exp(-p[0] * (t - 0.5))}; }
};

template <bool is_stiff = false> struct Oscillator : Times {
  explicit Oscillator(Dataset& d) : Times(d, 2, 3) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto square_of_omega = m.let("square_of_omega", square(p[0]));
    auto z = m.ode("z", time, state, [&](auto k) { return p[1] * (1 - weight[k]) + p[2] * weight[k]; }, 0.5, times,
                   [&](auto, auto y) { return derivatives(y[1], -square_of_omega * y[0]); }, method<is_stiff>(tolerance));
    m.potential("sum", time, [&](auto i) { return weight[0] * z(i, 0) + weight[1] * z(i, 1); });
  }
  // The initial values mix two parameters.
  static std::vector<double> solution(const Values& p, double t) {
    const double a = p[1] * (1 - 0.7) + p[2] * 0.7, b = p[1] * (1 + 0.4) - p[2] * 0.4, s = std::sin(p[0] * (t - 0.5)),
                 c = std::cos(p[0] * (t - 0.5));
    return {a * c + b / p[0] * s, b * c - a * p[0] * s};
  }
};

template <bool is_stiff = false> struct Logistic : Times {
  explicit Logistic(Dataset& d) : Times(d, 1, 3) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto z = m.ode("z", time, state, p[2], 0.5, times, [&](auto, auto y) { return derivatives(p[0] * y[0] * (1 - y[0] / p[1])); },
                   method<is_stiff>(tolerance));
    m.potential("sum", time, [&](auto i) { return weight[0] * z(i, 0); });
  }
  static std::vector<double> solution(const Values& p, double t) {
    return {p[1] / (1 + (p[1] / p[2] - 1) * std::exp(-p[0] * (t - 0.5)))};
  }
};

// Driven by time: y' = p0 cos(p0 t) - p1 (y - sin(p0 t)) has the solution sin(p0 t) + c exp(-p1 (t - t0)).
template <bool is_stiff = false> struct Driven : Times {
  explicit Driven(Dataset& d) : Times(d, 1, 3) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), parameter);
    auto z = m.ode("z", time, state, p[2], 0.5, times,
                   [&](auto t, auto y) { return derivatives(p[0] * cos(p[0] * t) - p[1] * (y[0] - sin(p[0] * t))); },
                   method<is_stiff>(tolerance));
    m.potential("sum", time, [&](auto i) { return weight[0] * z(i, 0); });
  }
  static std::vector<double> solution(const Values& p, double t) {
    return {std::sin(p[0] * t) + (p[2] - std::sin(p[0] * 0.5)) * std::exp(-p[1] * (t - 0.5))};
  }
};

inline const Values some_times{0.5, 0.75, 1, 1.7, 1.7, 3, 4.5};

inline Data data_for(int states, double tolerance, const Values& times = some_times) {
  Data data;
  data.set("times", times);
  data.set("weight", states == 1 ? Values{1.3} : Values{0.7, -0.4});
  data.set_option("tolerance", tolerance);
  return data;
}

template <class System> double summed(const Values& p, const Values& times, const Values& weight) {
  double sum = 0;
  for (const double t : times) {
    const std::vector<double> y = System::solution(p, t);
    for (std::size_t k = 0; k < y.size(); ++k) sum += weight[k] * y[k];
  }
  return sum;
}

// The largest errors of the sum and of its gradient, relative to max(1, |value|).
template <class System> Result errors(const Values& p, int states, double tolerance) {
  const Values weight = states == 1 ? Values{1.3} : Values{0.7, -0.4};
  const Result found = Bound<System>(data_for(states, tolerance)).scalar(p);
  const auto expected = [&](const Values& x) { return summed<System>(x, some_times, weight); };
  const Values slopes = central_differences(expected, p);
  Result error{std::abs(found.log_density - expected(p)) / std::max(1., std::abs(expected(p))), {0}};
  for (std::size_t i = 0; i < p.size(); ++i)
    error.gradient[0] = std::max(error.gradient[0], std::abs(found.gradient[i] - slopes[i]) / std::max(1., std::abs(slopes[i])));
  return error;
}

template <class System> void expect_closed_form(const Values& p, int states) {
  // Differences of the closed form are good to about 1e-11.
  for (const double tolerance : {1e-4, 1e-6, 1e-8, 1e-10, 1e-12}) {
    const Result error = errors<System>(p, states, tolerance);
    EXPECT_LE(error.log_density, 30 * tolerance + 1e-13) << "at tolerance " << tolerance;
    EXPECT_LE(error.gradient[0], 100 * tolerance + 1e-10) << "at tolerance " << tolerance;
    if (std::getenv("LOCKSTEP_SHOW_ERRORS"))
      std::printf("    tolerance %.0e  value %.1e  gradient %.1e\n", tolerance, error.log_density, error.gradient[0]);
  }
}

// In mixed precision, against the closed form.
template <class System> void expect_right_to_single_precision(const Values& at, int states) {
  const Data data = data_for(states, 1e-6);
  const DataViews views(data, true);
  const BoundModel<System> model(views.view());
  const std::size_t n = at.size(), lanes = pack_width;
  Guarded position(n * lanes), gradient(n * lanes, garbage), f(lanes), memory(std::size_t(model.layout().scratch) * lanes, garbage);
  for (std::size_t i = 0; i < n; ++i) std::fill_n(position.data() + i * lanes, lanes, at[i]);
  model.template gradient<SinglePack>(position.data(), f.data(), gradient.data(), memory.data(), nullptr);
  const auto expected = [&](const Values& x) { return summed<System>(x, some_times, states == 1 ? Values{1.3} : Values{0.7, -0.4}); };
  const Values slopes = central_differences(expected, at);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    EXPECT_NEAR(f[lane], expected(at), 2e-4) << lane;
    for (std::size_t i = 0; i < n; ++i)
      EXPECT_NEAR(gradient[i * lanes + lane], slopes[i], 1e-3 * std::max(1., std::abs(slopes[i]))) << lane << ", coordinate " << i;
  }
}

// ---- f reads what there is ------------------------------------------------------------------------------------------------

template <bool is_stiff = false> struct ReadsEverything {
  Dim time, state, row, column;
  Real times, y, dose;
  RealScalar t0;
  Matrix X;
  explicit ReadsEverything(Dataset& d)
      : time(d.dim("time")), state(d.dim("state", 3)), row(d.dim("row")), column(d.dim("column")), times(d.real("times", time)),
        y(d.real("y", time)), dose(d.real("dose", row)), t0(d.scalar("t0")), X(d.matrix("X", row, column)) {}
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", half_normal(1));
    auto b = m.param("b", normal(0, 1), column);
    auto w = m.param("w", dirichlet(2), state);
    auto L = m.param("L", lkj_cholesky(2), state);
    auto line = m.linear(X, b);
    auto kept = m.let("kept", row, [&](auto i) { return exp(0.3 * line[i]); });
    auto named = m.deterministic("named", a * w[1]);
    auto z = m.ode("z", time, state, w, t0, times, [&](auto t, auto x) {
      return derivatives(named * x[1] - kept[0] * x[0] + dose[1] * exp(-t),
                         select(t > 1.3, a, b[0]) * x[2] - L(2, 1) * square(x[1]),
                         tanh(x[0] * x[1]) - log(1.5 + square(x[2])) * sum(column, [&](auto k) { return b[k] * a; }));
    }, method<is_stiff>(1e-12));
    auto again = m.let("again", time, [&](auto i) { return z(i, 1) * z(0, 2); });
    auto second = m.ode("second", time, column, b, 0, times, [&](auto, auto x) { return derivatives(-x[1], z(2, 0) * x[0]); },
                        method<is_stiff>(1e-12));
    m.observe("y", y, time, [&](auto i) { return normal(again[i] + dot(z.row(i), w) + second(i, 0), 0.5 + square(z(i, 2))); });
  }
};

inline Data data_to_read() {
  Numbers numbers(1);
  Data data;
  data.set("times", {0.4, 1., 1.25, 2.});
  data.set("t0", 0.25);
  data.set("y", numbers.uniforms(4, -1, 1));
  data.set("dose", {0.3, 0.7});
  data.set("X", std::vector<Values>{{0.5, -0.2}, {0.1, 0.9}});
  return data;
}

}  // namespace lockstep
