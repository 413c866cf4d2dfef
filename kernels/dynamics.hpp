// Hamiltonian dynamics: the leapfrog steps and the kinetic energy, under a metric that all lanes share.
//
// The inverse mass matrix is M^-1 = F F', with F = diag(scale) (1 + sum_k (stretch_k - 1) u_k u_k') and orthonormal u_k:
// diagonal, stretched along some directions (low rank) or along as many as there are coordinates (dense). Momenta are kept
// as q = F' p: standard normal, so that neither the kinetic energy nor a U-turn needs the metric.
#pragma once

#include <array>

#include "lockstep/lanes.hpp"

namespace lockstep {

struct MetricView {
  static constexpr int group = 4;           // directions whose scalar products are summed together
  const double* scale = nullptr;            // [coordinate]
  int groups = 0;                           // of directions
  const double* directions = nullptr;       // [group][coordinate][direction of the group]
  const double* stretch_less_1 = nullptr;   // [group][direction of the group]
};

// Where a trajectory is: position, momentum, gradient of the log density.
template <class T> struct PhasePoint {
  LaneArray<T> position, momentum, gradient;
};

// What the directions add to a vector v that is only scaled: add(i, x) with x = sum_k (stretch_k - 1) (u_k . v) u_k, v(i) being
// an element of v. `add` must not change what `v` reads.
template <class T, class Team, class V, class Add>
LOCKSTEP_FN inline void stretch(const Team& team, int n, const MetricView& metric, const V& v, const Add& add) {
  constexpr int group = MetricView::group;
  for (int g = 0; g < metric.groups; ++g) {
    const double* directions = metric.directions + std::int64_t(g) * n * group;
    const double* stretch_less_1 = metric.stretch_less_1 + g * group;
    auto along = team.template sum<group>(n, [&](int i) {
      const T element = v(i);
      std::array<T, group> terms;
      for (int k = 0; k < group; ++k) terms[std::size_t(k)] = element * directions[i * group + k];
      return terms;
    });
    for (int k = 0; k < group; ++k) along[std::size_t(k)] = along[std::size_t(k)] * stretch_less_1[k];
    team.each(n, [&](int i) {
      T sum = along[0] * directions[i * group];
      for (int k = 1; k < group; ++k) sum = sum + along[std::size_t(k)] * directions[i * group + k];
      add(i, sum);
    });
  }
}

// The first half kick and the drift; `step` is signed, and 0 for lanes that stand still.
template <class Team, class T>
LOCKSTEP_FN inline void kick_and_drift(const Team& team, int n, const PhasePoint<T>& z, const MetricView& metric, const T& step) {
  const T half = step * 0.5;
  team.each(n, [&](int i) {
    const T q = z.momentum.load(i) + half * (metric.scale[i] * z.gradient.load(i));
    z.momentum.store(i, q);
    z.position.store(i, z.position.load(i) + step * (metric.scale[i] * q));
  });
  stretch<T>(team, n, metric, [&](int i) { return metric.scale[i] * z.gradient.load(i); }, [&](int i, const T& x) {
    z.momentum.store(i, z.momentum.load(i) + half * x);
    z.position.store(i, z.position.load(i) + step * (metric.scale[i] * (half * x)));
  });
  stretch<T>(team, n, metric, [&](int i) { return z.momentum.load(i); },
             [&](int i, const T& x) { z.position.store(i, z.position.load(i) + step * (metric.scale[i] * x)); });
}

// The last half kick.
template <class Team, class T>
LOCKSTEP_FN inline void kick(const Team& team, int n, const PhasePoint<T>& z, const MetricView& metric, const T& half) {
  const auto scaled_gradient = [&](int i) { return metric.scale[i] * z.gradient.load(i); };
  team.each(n, [&](int i) { z.momentum.store(i, z.momentum.load(i) + half * scaled_gradient(i)); });
  stretch<T>(team, n, metric, scaled_gradient, [&](int i, const T& x) { z.momentum.store(i, z.momentum.load(i) + half * x); });
}

// The last half kick, and the kinetic energy after it; `visit(i, momentum)` sees each element of it once.
template <class Team, class T, class Visit>
LOCKSTEP_FN inline T kick_and_weigh(const Team& team, int n, const PhasePoint<T>& z, const MetricView& metric, const T& half, const Visit& visit) {
  if (metric.groups > 0) kick(team, n, z, metric, half);
  const T kicked = metric.groups > 0 ? T(0.) : half;
  return 0.5 * team.template sum<1>(n, [&](int i) {
    const T q = z.momentum.load(i) + kicked * (metric.scale[i] * z.gradient.load(i));
    z.momentum.store(i, q);
    visit(i, q);
    return std::array<T, 1>{q * q};
  })[0];
}

template <class Team, class T>
LOCKSTEP_FN inline T kinetic_energy(const Team& team, int n, const LaneArray<T>& momentum) {
  return 0.5 * team.template sum<1>(n, [&](int i) {
    const T q = momentum.load(i);
    return std::array<T, 1>{q * q};
  })[0];
}

}  // namespace lockstep
