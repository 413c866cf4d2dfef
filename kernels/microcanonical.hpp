// Microcanonical dynamics (Robnik & Seljak 2023), for a Metropolis test at the end of a trajectory: MAMS (Robnik, Cohn-Gordon
// & Seljak 2025). The momentum is a direction u: a point of the unit sphere, in the coordinates in which momenta are kept. It
// turns towards the force as if the point moved at a speed that the density sets:
//
//   dz/dt = u,   du/dt = (1 - u u') force / (n - 1)
//
// There is one direction only where n = 1, and nothing to turn.
#pragma once

#include "kernels/hmc.hpp"

namespace lockstep {

struct Microcanonical {
  // From standard normals to a uniform direction. What stands for the kinetic energy starts at 0; the kicks add to it.
  template <class T, class Team, class Mask>
  LOCKSTEP_FN static T start(const Team& team, int n, const HmcVectors<T>& v, const MetricView& metric, const Mask& mask) {
    const T inverse = 1. / sqrt(T(2. * kinetic_energy(team, n, v.moving.momentum)));
    team.each(n, [&](int i) { store_masked(mask, v.moving.momentum, i, T(v.moving.momentum.load(i) * inverse)); });
    find_force(team, n, v, metric);
    return T(0.);
  }
  template <class T, class Team>
  LOCKSTEP_FN static T leap(const Team& team, int n, const HmcVectors<T>& v, const MetricView& metric, const T& step, const T& kinetic) {
    const T after = kinetic + turn(team, n, v, T(step * 0.5));
    const LaneArray<T>&u = v.moving.momentum, x = v.moving.position;
    team.each(n, [&](int i) { x.store(i, x.load(i) + step * (metric.scale[i] * u.load(i))); });
    stretch<T>(team, n, metric, [&](int i) { return u.load(i); },
               [&](int i, const T& along) { x.store(i, x.load(i) + step * (metric.scale[i] * along)); });
    return after;
  }
  template <class T, class Team>
  LOCKSTEP_FN static T land(const Team& team, int n, const HmcVectors<T>& v, const MetricView& metric, const T& step, const T& kinetic) {
    find_force(team, n, v, metric);
    return kinetic + turn(team, n, v, T(step * 0.5));
  }

 private:
  template <class T, class Team>
  LOCKSTEP_FN static void find_force(const Team& team, int n, const HmcVectors<T>& v, const MetricView& metric) {
    const auto scaled = [&](int i) { return metric.scale[i] * v.moving.gradient.load(i); };
    team.each(n, [&](int i) { v.force.store(i, scaled(i)); });
    stretch<T>(team, n, metric, scaled, [&](int i, const T& along) { v.force.store(i, v.force.load(i) + along); });
  }

  // The exact flow of u under a constant force for a time t; returns the logarithm of the volume that it takes from the sphere,
  // (n - 1) log(cosh d + c sinh d) with d = t |force| / (n - 1) and c = cos(force, u). Everything is divided by e^d, so that
  // nothing overflows where d is large.
  template <class T, class Team>
  LOCKSTEP_FN static T turn(const Team& team, int n, const HmcVectors<T>& v, const T& t) {
    const LaneArray<T>&u = v.moving.momentum, force = v.force;
    const auto products = team.template sum<2>(n, [&](int i) {
      const T f = force.load(i);
      return std::array<T, 2>{f * f, f * u.load(i)};
    });
    const T norm = sqrt(products[0]), inverse = select(norm > T(0.), 1. / norm, T(0.));
    const T cosine = min(max(T(products[1] * inverse), T(-1.)), T(1.));
    const T d = t * norm * (1. / double(n - 1)), shrink = exp(-d);
    const T denominator = (1. + cosine) + (1. - cosine) * (shrink * shrink);
    const T of_u = 2. * shrink / denominator;
    const T of_force = (1. - shrink) * ((1. + shrink) + cosine * (1. - shrink)) * inverse / denominator;
    team.each(n, [&](int i) { u.store(i, of_u * u.load(i) + of_force * force.load(i)); });
    return double(n - 1) * (d + log(0.5 * denominator));
  }
};

using MamsKernel = TrajectoryKernel<Microcanonical>;

}  // namespace lockstep
