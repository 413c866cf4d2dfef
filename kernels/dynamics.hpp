// Hamiltonian dynamics with a diagonal metric: the leapfrog steps and the kinetic energy.
//
// The inverse mass matrix M^-1 is shared by all lanes: one `double` per coordinate.
#pragma once

#include <array>

#include "lockstep/lanes.hpp"

namespace lockstep {

struct DiagonalMetric {
  const double* inverse_mass = nullptr;     // about the posterior variance of each coordinate
  const double* momentum_scale = nullptr;   // 1/sqrt(inverse_mass)
};

// Where a trajectory is: position, momentum, gradient of the log density.
template <class T> struct PhasePoint {
  LaneArray<T> position, momentum, gradient;
};

// The first half kick and the drift; `step` is signed, and 0 for lanes that stand still.
template <class Team, class T>
LOCKSTEP_FN inline void kick_and_drift(const Team& team, int n, const PhasePoint<T>& z, const DiagonalMetric& metric, const T& step) {
  const T half = step * 0.5;
  team.each(n, [&](int i) {
    const T p = z.momentum.load(i) + half * z.gradient.load(i);
    z.momentum.store(i, p);
    z.position.store(i, z.position.load(i) + step * (metric.inverse_mass[i] * p));
  });
}

// p^T M^-1 p / 2
template <class Team, class T>
LOCKSTEP_FN inline T kinetic_energy(const Team& team, int n, const LaneArray<T>& momentum, const DiagonalMetric& metric) {
  return 0.5 * team.template sum<1>(n, [&](int i) {
    const T p = momentum.load(i);
    return std::array<T, 1>{p * p * metric.inverse_mass[i]};
  })[0];
}

}  // namespace lockstep
