// Hamiltonian Monte Carlo as a state machine, many lanes in lockstep: a trajectory whose number of leapfrog steps is known
// when it starts, then acceptance or rejection of its end (Duane, Kennedy, Pendleton & Roweth 1987).
//
// How far a trajectory goes is random, so that no direction of the posterior can be in step with it: the share h of the
// longest length is the draw's term of a Halton sequence, the same for all chains (Hoffman, Radul & Sountsov 2021). With one
// step size, all lanes so start and end together, and none waits. `Dynamics` says how a point moves: Hamiltonian, below, or
// kernels/microcanonical.hpp. As kernels/nuts.hpp, a tick is one gradient for every lane, in phases under lane masks.
#pragma once

#include <limits>

#include "kernels/draws.hpp"
#include "kernels/dynamics.hpp"
#include "kernels/step_size.hpp"

namespace lockstep {

constexpr double most_leapfrogs = 1000;  // of a trajectory (as in Hoffman, Radul & Sountsov 2021)

// The arrays of one tile, [element][lane]. The moving point is first (kernels/device_launch.hpp).
template <class T> struct HmcVectors {
  PhasePoint<T> moving;                  // its gradient is [slice][coordinate]
  LaneArray<T> chosen, chosen_gradient;  // the chain's state
  LaneArray<T> force;                    // the gradient in the coordinates of the momentum, for dynamics that keep it

  LOCKSTEP_FN static constexpr int arrays(int /*max_depth*/, int slices) { return 5 + slices; }
  LOCKSTEP_FN HmcVectors(double* memory, int stride, int n, int /*max_depth*/, int slices) {
    LaneArray<T> next{memory, stride};
    auto take = [&](int count) {
      const LaneArray<T> taken = next;
      next = next.from(count * n);
      return taken;
    };
    moving = {take(1), take(1), take(slices)};
    chosen = take(1);
    chosen_gradient = take(1);
    force = take(1);
  }
};

// A lane's scalars. On a sliced team every slice holds the same copy.
template <class T> struct HmcState {
  T draw = T(0.);                       // draws finished; also the number of the one in progress
  T lp = T(0.);                         // log density of the chosen point
  T initial_energy = T(0.);
  T kinetic = T(0.);                    // energy of the moving point
  T steps = T(0.), steps_in_all = T(0.);
  T max_energy_error = T(0.);
  T step = T(0.);                       // its size, latched for the trajectory
  T running = T(0.);                    // 1: the draw in progress has its trajectory
  DualAveraging<T> own_step;
};

// Term n + 1 of the Halton sequence of base 2: its bits, mirrored behind the point. In (0, 1).
LOCKSTEP_FN inline double halton(double n) {
  std::uint32_t bits = n < 4e9 ? std::uint32_t(n) + 1 : 1;  // lanes without a chain have no number
  std::uint32_t mirrored = 0;
  for (int k = 0; k < 32; ++k, bits >>= 1) mirrored = (mirrored << 1) | (bits & 1);
  return double(mirrored) / 4294967296.;
}

struct Hamiltonian {
  // The momenta are standard normal. Returns the kinetic energy, as all of these do.
  template <class T, class Team, class Mask>
  LOCKSTEP_FN static T start(const Team& team, int n, const HmcVectors<T>& v, const MetricView&, const Mask&) {
    return kinetic_energy(team, n, v.moving.momentum);
  }
  template <class T, class Team>
  LOCKSTEP_FN static T leap(const Team& team, int n, const HmcVectors<T>& v, const MetricView& metric, const T& step, const T& kinetic) {
    kick_and_drift(team, n, v.moving, metric, step);
    return kinetic;
  }
  template <class T, class Team>
  LOCKSTEP_FN static T land(const Team& team, int n, const HmcVectors<T>& v, const MetricView& metric, const T& step, const T&) {
    kick(team, n, v.moving, metric, T(step * 0.5));
    return kinetic_energy(team, n, v.moving.momentum);
  }
};

template <class T, class Team, class Gradient, class Dynamics> class Hmc {
 public:
  using Mask = decltype(std::declval<T>() < std::declval<T>());

  LOCKSTEP_FN Hmc(const Team& team, int n, const HmcVectors<T>& vectors, const MetricView& metric, const SamplerSettings& settings,
                  const LaneStreams<T>& streams, const DrawBuffer& out, const Gradient& gradient)
      : team_(team), n_(n), v_(vectors), metric_(metric), settings_(settings), streams_(streams), out_(out), gradient_(gradient) {}

  // As Nuts::advance, leap, land, arrive and set_out.
  template <class GoesOn>
  LOCKSTEP_FN bool advance(HmcState<T>& s, double last, const T& log_step, const Mask& own_step, const GoesOn& goes_on) {
    prepare(last, log_step, own_step);
    Mask active = s.draw < last_;
    start_trajectory(s, active && s.running == T(0.));
    while (team_.any(active)) {
      if (!goes_on()) return false;
      leap(s, active);
      land(s, active, gradient_(v_.moving.position, v_.moving.gradient));
      active = s.draw < last_;
    }
    return true;
  }
  LOCKSTEP_FN void leap(HmcState<T>& s, double last, const T& log_step, const Mask& own_step) {
    prepare(last, log_step, own_step);
    const Mask active = s.draw < last_;
    start_trajectory(s, active && s.running == T(0.));
    leap(s, active);
  }
  LOCKSTEP_FN void land(HmcState<T>& s, double last, const T& log_step, const Mask& own_step, const T& lp) {
    prepare(last, log_step, own_step);
    land(s, s.draw < last_, lp);
  }
  LOCKSTEP_FN void arrive(HmcState<T>& s, const Mask& mask) {
    set_out(mask);
    arrive(s, mask, gradient_(v_.moving.position, v_.moving.gradient));
  }
  LOCKSTEP_FN void set_out(const Mask& mask) { copy_masked(team_, n_, mask, v_.chosen, v_.moving.position); }
  LOCKSTEP_FN void arrive(HmcState<T>& s, const Mask& mask, const T& lp) {
    copy_masked(team_, n_, mask, v_.moving.gradient, v_.chosen_gradient);
    s.lp = select(mask, lp, s.lp);
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  LOCKSTEP_FN void prepare(double last, const T& log_step, const Mask& own_step) {
    last_ = T(last);
    pooled_log_step_ = log_step;
    own_step_ = own_step;
  }

  // Lanes that have finished stand still.
  LOCKSTEP_FN void leap(HmcState<T>& s, const Mask& active) {
    s.kinetic = select(active, Dynamics::leap(team_, n_, v_, metric_, step_of(s, active), s.kinetic), s.kinetic);
  }
  LOCKSTEP_FN static T step_of(const HmcState<T>& s, const Mask& active) { return select(active, s.step, T(0.)); }

  LOCKSTEP_FN void land(HmcState<T>& s, const Mask& active, const T& lp) {
    s.kinetic = select(active, Dynamics::land(team_, n_, v_, metric_, step_of(s, active), s.kinetic), s.kinetic);
    T energy = s.kinetic - lp;
    energy = select(abs(energy) < T(infinity), energy, T(infinity));  // what is no number, too
    const T error = energy - s.initial_energy;
    const Mask diverging = active && !(error <= T(settings_.max_energy_error));
    s.steps = select(active, s.steps + 1., s.steps);
    s.max_energy_error = select(active && abs(error) > abs(s.max_energy_error), error, s.max_energy_error);
    const Mask ended = diverging || (active && s.steps == s.steps_in_all);
    if (!team_.any(ended)) return;
    decide(s, ended, diverging, lp, error);
    start_trajectory(s, ended && s.draw < last_);
  }

  LOCKSTEP_FN void decide(HmcState<T>& s, const Mask& ended, const Mask& diverging, const T& lp, const T& error) {
    const T uniform = lane_block(streams_, Purpose::transition, s.draw, T(0.)).uniform[0];
    const Mask accepted = ended && !diverging && log(uniform) < -error;
    const T acceptance = exp(min(-error, T(0.)));
    write_proposal(team_, n_, out_, s.draw, ended, v_.moving.position, v_.moving.momentum);
    copy_masked(team_, n_, accepted, v_.moving.position, v_.chosen);
    copy_masked(team_, n_, accepted, v_.moving.gradient, v_.chosen_gradient);
    s.lp = select(accepted, lp, s.lp);
    const T energy_error = select(accepted, error, T(0.));
    T recorded[draw_statistics];
    recorded[int(DrawStatistic::lp)] = s.lp;
    recorded[int(DrawStatistic::acceptance_rate)] = acceptance;
    recorded[int(DrawStatistic::step_size)] = s.step;
    recorded[int(DrawStatistic::tree_depth)] = T(0.);
    recorded[int(DrawStatistic::n_steps)] = s.steps;
    recorded[int(DrawStatistic::diverging)] = select(diverging, T(1.), T(0.));
    recorded[int(DrawStatistic::reached_max_treedepth)] = T(0.);
    recorded[int(DrawStatistic::energy)] = s.initial_energy + energy_error;
    recorded[int(DrawStatistic::energy_error)] = energy_error;
    recorded[int(DrawStatistic::max_energy_error)] = s.max_energy_error;
    write_draw(team_, n_, out_, s.draw, ended, v_.chosen, v_.chosen_gradient, recorded);
    s.own_step.update(ended && own_step_, acceptance, settings_.target_acceptance);
    s.draw = select(ended, s.draw + 1., s.draw);
    s.running = select(ended, T(0.), s.running);
  }

  LOCKSTEP_FN void start_trajectory(HmcState<T>& s, const Mask& mask) {
    if (!team_.any(mask)) return;
    s.step = select(mask, exp(select(own_step_, s.own_step.log_step, pooled_log_step_)), s.step);
    draw_momentum(team_, n_, streams_, s.draw, mask, v_.moving.momentum);
    copy_masked(team_, n_, mask, v_.chosen, v_.moving.position);
    copy_masked(team_, n_, mask, v_.chosen_gradient, v_.moving.gradient);
    s.kinetic = select(mask, Dynamics::start(team_, n_, v_, metric_, mask), s.kinetic);
    s.initial_energy = select(mask, s.kinetic - s.lp, s.initial_energy);
    s.steps_in_all = select(mask, steps_to_make(s), s.steps_in_all);
    s.steps = select(mask, T(0.), s.steps);
    s.max_energy_error = select(mask, T(0.), s.max_energy_error);
    s.running = select(mask, T(1.), s.running);
  }

  LOCKSTEP_FN T steps_to_make(const HmcState<T>& s) const {
    constexpr int width = LaneTraits<T>::width;
    alignas(64) double share[width];
    LaneTraits<T>::store(share, s.draw);
    for (int l = 0; l < width; ++l) share[l] = halton(share[l]);
    const double most = min(most_leapfrogs, double((std::int64_t(1) << settings_.max_depth) - 1));
    const T steps = -floor(-settings_.trajectory_length * LaneTraits<T>::load(share) / s.step);
    return min(max(steps, T(1.)), T(most));
  }

  Team team_;
  int n_;
  HmcVectors<T> v_;
  MetricView metric_;
  SamplerSettings settings_;
  const LaneStreams<T>& streams_;
  DrawBuffer out_;
  const Gradient& gradient_;
  T last_ = T(0.), pooled_log_step_ = T(0.);
  Mask own_step_ = T(0.) > T(0.);
};

template <class Dynamics> struct TrajectoryKernel {
  template <class T> using Vectors = HmcVectors<T>;
  template <class T> using State = HmcState<T>;
  template <class T, class Team, class Gradient> using Machine = Hmc<T, Team, Gradient, Dynamics>;
};
using HmcKernel = TrajectoryKernel<Hamiltonian>;

}  // namespace lockstep
