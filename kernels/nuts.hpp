// The No-U-Turn sampler as a state machine, many lanes in lockstep.
//
// One tick is one leapfrog step, hence one gradient, for every lane of a team; after it each lane advances its own machine:
// it adds a leaf to its subtree, closes the subtree, ends the trajectory, starts the next. No lane waits for another's
// deeper tree. A tick is a fixed sequence of phases under lane masks, so it runs on SIMD packs, on the emulated team
// and on a device alike.
//
// Hoffman & Gelman (2014); multinomial choice within a subtree, biased progressive choice between subtrees (Betancourt
// 2017); iterative form (Phan et al. 2019); lanes out of step (Dance, Glaser, Orbanz & Adams 2025).
#pragma once

#include <limits>

#include "kernels/draws.hpp"
#include "kernels/dynamics.hpp"
#include "kernels/step_size.hpp"
#include "kernels/uturn.hpp"

namespace lockstep {

using NutsSettings = SamplerSettings;

// The arrays of one tile, [element][lane].
template <class T> struct NutsVectors {
  PhasePoint<T> moving;                 // the end that is being extended; its gradient is [slice][coordinate]
  PhasePoint<T> backward, forward;      // the ends of the trajectory
  LaneArray<T> momentum_sum;            // over the trajectory
  LaneArray<T> subtree_sum;             // over the subtree that is growing
  LaneArray<T> chosen, chosen_gradient; // the trajectory's draw so far; between trajectories the chain's state
  LaneArray<T> candidate, candidate_gradient;  // the subtree's
  Checkpoints<T> checkpoints;

  LOCKSTEP_FN static constexpr int arrays(int max_depth, int slices) { return 14 + slices + 3 * max_depth; }
  // Lays the arrays out in `memory`, which has room for `arrays(...) * n` elements.
  LOCKSTEP_FN NutsVectors(double* memory, int stride, int n, int max_depth, int slices) {
    LaneArray<T> next{memory, stride};
    auto take = [&](int count) {
      const LaneArray<T> taken = next;
      next = next.from(count * n);
      return taken;
    };
    moving = {take(1), take(1), take(slices)};
    backward = {take(1), take(1), take(1)};
    forward = {take(1), take(1), take(1)};
    momentum_sum = take(1);
    subtree_sum = take(1);
    chosen = take(1);
    chosen_gradient = take(1);
    candidate = take(1);
    candidate_gradient = take(1);
    checkpoints = {take(max_depth), take(max_depth), take(max_depth)};
  }
};

// A lane's scalars. On a sliced team every slice holds the same copy.
template <class T> struct NutsState {
  T draw = T(0.);                       // draws finished; also the number of the one in progress
  T lp = T(0.);                         // log density of the chosen point
  T candidate_lp = T(0.);
  T initial_energy = T(0.);
  T log_weight = T(0.), subtree_log_weight = T(0.);
  T direction = T(1.);
  T leaf = T(0.), leaves = T(1.);       // number of the next leaf of the subtree, and how many it will have
  T depth = T(0.);
  T steps = T(0.);
  T sum_acceptance = T(0.);
  T energy = T(0.), candidate_energy = T(0.), max_energy_error = T(0.);
  T step = T(0.);                       // its size, latched for the trajectory
  T running = T(0.);                    // 1: the draw in progress has its trajectory
  DualAveraging<T> own_step;
};

template <class T, class Team, class Gradient> class Nuts {
 public:
  using Mask = decltype(std::declval<T>() < std::declval<T>());

  LOCKSTEP_FN Nuts(const Team& team, int n, const NutsVectors<T>& vectors, const MetricView& metric, const NutsSettings& settings,
       const LaneStreams<T>& streams, const DrawBuffer& out, const Gradient& gradient)
      : team_(team), n_(n), v_(vectors), metric_(metric), settings_(settings), streams_(streams), out_(out),
        gradient_(gradient) {}

  // Advances every lane until it has finished `last` draws in all, or `goes_on()` is false between two ticks; called again,
  // it takes the trajectories up where they were. `own_step`: the lanes that adapt a step size of their own; the others use
  // `log_step`. A lane latches its step size when a trajectory starts. True: every lane has finished.
  template <class GoesOn>
  LOCKSTEP_FN bool advance(NutsState<T>& s, double last, const T& log_step, const Mask& own_step, const GoesOn& goes_on) {
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

  // One tick in two halves, for who evaluates the gradient in between: at v.moving.position, into v.moving.gradient.
  LOCKSTEP_FN void leap(NutsState<T>& s, double last, const T& log_step, const Mask& own_step) {
    prepare(last, log_step, own_step);
    const Mask active = s.draw < last_;
    start_trajectory(s, active && s.running == T(0.));
    leap(s, active);
  }
  LOCKSTEP_FN void land(NutsState<T>& s, double last, const T& log_step, const Mask& own_step, const T& lp) {
    prepare(last, log_step, own_step);
    land(s, s.draw < last_, lp);
  }

  // Evaluates the density where the lanes of `mask` have just been put (`chosen`).
  LOCKSTEP_FN void arrive(NutsState<T>& s, const Mask& mask) {
    copy(mask, v_.chosen, v_.moving.position);
    const T lp = gradient_(v_.moving.position, v_.moving.gradient);
    copy(mask, v_.moving.gradient, v_.chosen_gradient);
    s.lp = select(mask, lp, s.lp);
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  LOCKSTEP_FN void prepare(double last, const T& log_step, const Mask& own_step) {
    last_ = T(last);
    pooled_log_step_ = log_step;
    own_step_ = own_step;
  }

  // The leapfrog step up to its gradient. Lanes that have finished stand still.
  LOCKSTEP_FN void leap(const NutsState<T>& s, const Mask& active) { kick_and_drift(team_, n_, v_.moving, metric_, signed_step(s, active)); }
  LOCKSTEP_FN static T signed_step(const NutsState<T>& s, const Mask& active) { return select(active, s.direction * s.step, T(0.)); }

  // The rest of it, and what the sampler makes of the point.
  LOCKSTEP_FN void land(NutsState<T>& s, const Mask& active, const T& lp) {
    const T half = signed_step(s, active) * 0.5;
    kick(team_, n_, v_.moving, metric_, half);
    T energy = kinetic_energy(team_, n_, v_.moving.momentum) - lp;
    energy = select(energy == energy, energy, T(infinity));
    const T error = energy - s.initial_energy;
    const Mask diverging = active && !(error <= T(settings_.max_energy_error));
    s.steps = select(active, s.steps + 1., s.steps);
    s.sum_acceptance = select(active, s.sum_acceptance + exp(min(-error, T(0.))), s.sum_acceptance);
    s.max_energy_error = select(active && abs(error) > abs(s.max_energy_error), error, s.max_energy_error);

    const Mask valid = active && !diverging;
    const LaneBlock<T> random = lane_block(streams_, Purpose::transition, s.draw, s.steps);
    choose_leaf(s, valid, lp, energy, random.uniform[0]);
    const Mask turned = record_leaf(s, valid);
    s.leaf = select(active, s.leaf + 1., s.leaf);

    const Mask whole = valid && !turned && s.leaf == s.leaves;
    Mask ended = diverging || turned;
    Mask deepest = active && !active;  // none yet
    if (team_.any(whole)) {
      const Mask around = close_subtree(s, whole, random.uniform[1]);
      deepest = whole && !around && s.depth >= T(double(settings_.max_depth));
      ended = ended || around || deepest;
    }
    if (team_.any(ended)) {
      finish_draw(s, ended, diverging, deepest);
      start_trajectory(s, ended && s.draw < last_);
    }
    const Mask next = whole && !ended;
    if (team_.any(next)) start_subtree(s, next, random.bit);
  }

  // Multinomial choice within the subtree: the new leaf replaces the candidate with probability weight / total weight.
  LOCKSTEP_FN void choose_leaf(NutsState<T>& s, const Mask& valid, const T& lp, const T& energy, const T& uniform) {
    const T log_weight = s.initial_energy - energy;
    const T total = log_sum_exp(s.subtree_log_weight, select(valid, log_weight, T(0.)));
    const Mask taken = valid && log(uniform) < log_weight - total;
    s.subtree_log_weight = select(valid, total, s.subtree_log_weight);
    s.candidate_lp = select(taken, lp, s.candidate_lp);
    s.candidate_energy = select(taken, energy, s.candidate_energy);
    if (!team_.any(taken)) return;
    copy(taken, v_.moving.position, v_.candidate);
    copy(taken, v_.moving.gradient, v_.candidate_gradient);
  }

  // Adds the leaf to its subtree: keeps a checkpoint at even leaves; at odd ones checks every subtree that ends here.
  // Returns the lanes that have turned.
  LOCKSTEP_FN Mask record_leaf(const NutsState<T>& s, const Mask& valid) {
    const LeafBits<T> bits = leaf_bits(s.leaf);
    const Mask even = valid && bits.trailing_ones == T(0.);
    for_each_slot(even, bits.slot, [&](const Mask& here, int row) {
      team_.each(n_, [&](int i) {
        store(here, v_.checkpoints.momentum, row + i, v_.moving.momentum.load(i));
        store(here, v_.checkpoints.sum_before, row + i, v_.subtree_sum.load(i));
      });
    });
    team_.each(n_, [&](int i) {
      store(valid, v_.subtree_sum, i, v_.subtree_sum.load(i) + v_.moving.momentum.load(i));
    });

    const Mask odd = valid && !even;
    Mask turned = valid && !valid;
    if (!team_.any(odd)) return turned;
    for (int level = 1; level < settings_.max_depth; ++level) {
      const Mask ends = odd && !turned && bits.trailing_ones >= T(double(level));
      if (!team_.any(ends)) break;
      for_each_slot(ends, bits.slot - double(level - 1), [&](const Mask& here, int row) {
        const Mask on = subtree_goes_on(level, row);  // outside the condition: it has barriers, and && may skip it
        turned = turned || (here && !on);
      });
    }
    // The leaf before the next even one, which the checks across the seam need.
    for_each_slot(odd, leaf_bits(T(s.leaf + 1.)).slot, [&](const Mask& here, int row) {
      team_.each(n_, [&](int i) { store(here, v_.checkpoints.previous, row + i, v_.moving.momentum.load(i)); });
    });
    return turned;
  }

  // The subtree of 2^level leaves that ends at the present one and began at the checkpoint in `row`.
  LOCKSTEP_FN Mask subtree_goes_on(int level, int row) const {
    const Checkpoints<T>& c = v_.checkpoints;
    if (level == 1) return goes_on_two<T>(team_, n_, c.momentum.from(row), v_.moving.momentum);
    const int seam = row + n_;  // the last half began at the checkpoint in the next slot
    return goes_on<T>(team_, n_, [&](int i) {
      return Halves<T>{c.momentum.load(row + i), c.previous.load(seam + i),
                       c.momentum.load(seam + i), v_.moving.momentum.load(i),
                       c.sum_before.load(seam + i) - c.sum_before.load(row + i),
                       v_.subtree_sum.load(i) - c.sum_before.load(seam + i)};
    });
  }

  // Joins the finished subtree to the trajectory: biased progressive choice between their candidates. Returns the lanes
  // whose whole trajectory has turned.
  LOCKSTEP_FN Mask close_subtree(NutsState<T>& s, const Mask& whole, const T& uniform) {
    const Mask taken = whole && log(uniform) < s.subtree_log_weight - s.log_weight;
    s.lp = select(taken, s.candidate_lp, s.lp);
    s.energy = select(taken, s.candidate_energy, s.energy);
    if (team_.any(taken)) {
      copy(taken, v_.candidate, v_.chosen);
      copy(taken, v_.candidate_gradient, v_.chosen_gradient);
    }
    s.log_weight = select(whole, log_sum_exp(s.log_weight, s.subtree_log_weight), s.log_weight);
    s.depth = select(whole, s.depth + 1., s.depth);

    const Mask ahead = s.direction > T(0.);
    const Mask on = goes_on<T>(team_, n_, [&](int i) {
      const T front = v_.forward.momentum.load(i), back = v_.backward.momentum.load(i);
      return Halves<T>{select(ahead, back, front), select(ahead, front, back), v_.checkpoints.momentum.load(i),
                       v_.moving.momentum.load(i), v_.momentum_sum.load(i), v_.subtree_sum.load(i)};
    });
    copy(whole && ahead, v_.moving, v_.forward);
    copy(whole && !ahead, v_.moving, v_.backward);
    team_.each(n_, [&](int i) { store(whole, v_.momentum_sum, i, v_.momentum_sum.load(i) + v_.subtree_sum.load(i)); });
    return whole && !on;
  }

  // Puts the moving end where the next doubling starts. It is there already if the direction stays.
  LOCKSTEP_FN void start_subtree(NutsState<T>& s, const Mask& mask, const T& bit) {
    const T direction = select(mask, 2. * bit - 1., s.direction);
    const Mask turns = direction != s.direction;
    const Mask ahead = direction > T(0.);
    copy(turns && ahead, v_.forward, v_.moving);
    copy(turns && !ahead, v_.backward, v_.moving);
    s.direction = direction;
    clear_subtree(s, mask);
    s.leaves = select(mask, s.leaves * 2., s.leaves);
  }

  LOCKSTEP_FN void clear_subtree(NutsState<T>& s, const Mask& mask) {
    team_.each(n_, [&](int i) { store(mask, v_.subtree_sum, i, T(0.)); });
    s.subtree_log_weight = select(mask, T(-infinity), s.subtree_log_weight);
    s.leaf = select(mask, T(0.), s.leaf);
  }

  // A new momentum and a trajectory of one point.
  LOCKSTEP_FN void start_trajectory(NutsState<T>& s, const Mask& mask) {
    if (!team_.any(mask)) return;
    s.step = select(mask, exp(select(own_step_, s.own_step.log_step, pooled_log_step_)), s.step);
    draw_momentum(team_, n_, streams_, s.draw, mask, v_.moving.momentum);
    copy(mask, v_.chosen, v_.moving.position);
    copy(mask, v_.chosen_gradient, v_.moving.gradient);
    copy(mask, v_.moving, v_.forward);
    copy(mask, v_.moving, v_.backward);
    copy(mask, v_.moving.momentum, v_.momentum_sum);
    const T energy = kinetic_energy(team_, n_, v_.moving.momentum) - s.lp;
    s.initial_energy = select(mask, energy, s.initial_energy);
    s.energy = select(mask, energy, s.energy);
    s.log_weight = select(mask, T(0.), s.log_weight);
    s.depth = select(mask, T(0.), s.depth);
    s.steps = select(mask, T(0.), s.steps);
    s.sum_acceptance = select(mask, T(0.), s.sum_acceptance);
    s.max_energy_error = select(mask, T(0.), s.max_energy_error);
    s.running = select(mask, T(1.), s.running);
    clear_subtree(s, mask);
    s.leaves = select(mask, T(1.), s.leaves);
    const T bit = lane_block(streams_, Purpose::transition, s.draw, T(first_momentum_block)).bit;
    s.direction = select(mask, 2. * bit - 1., s.direction);
  }

  LOCKSTEP_FN void finish_draw(NutsState<T>& s, const Mask& ended, const Mask& diverging, const Mask& deepest) {
    const T acceptance = s.sum_acceptance / s.steps;
    const auto as_number = [](const Mask& mask) { return select(mask, T(1.), T(0.)); };
    T recorded[draw_statistics];
    recorded[int(DrawStatistic::lp)] = s.lp;
    recorded[int(DrawStatistic::acceptance_rate)] = acceptance;
    recorded[int(DrawStatistic::step_size)] = s.step;
    recorded[int(DrawStatistic::tree_depth)] = s.depth;
    recorded[int(DrawStatistic::n_steps)] = s.steps;
    recorded[int(DrawStatistic::diverging)] = as_number(diverging);
    recorded[int(DrawStatistic::reached_max_treedepth)] = as_number(deepest);
    recorded[int(DrawStatistic::energy)] = s.energy;
    recorded[int(DrawStatistic::energy_error)] = s.energy - s.initial_energy;
    recorded[int(DrawStatistic::max_energy_error)] = s.max_energy_error;
    write_draw(team_, n_, out_, s.draw, ended, v_.chosen, v_.chosen_gradient, recorded);
    s.own_step.update(ended && own_step_, acceptance, settings_.target_acceptance);
    s.draw = select(ended, s.draw + 1., s.draw);
    s.running = select(ended, T(0.), s.running);
  }

  // ---- masked vectors ----
  LOCKSTEP_FN static void store(const Mask& mask, const LaneArray<T>& to, int i, const T& value) {
    store_masked(mask, to, i, value);
  }
  LOCKSTEP_FN void copy(const Mask& mask, const LaneArray<T>& from, const LaneArray<T>& to) const {
    copy_masked(team_, n_, mask, from, to);
  }
  LOCKSTEP_FN void copy(const Mask& mask, const PhasePoint<T>& from, const PhasePoint<T>& to) const {
    if (!team_.any(mask)) return;
    copy(mask, from.position, to.position);
    copy(mask, from.momentum, to.momentum);
    copy(mask, from.gradient, to.gradient);
  }
  // Calls f(lanes, slot * n) for every slot that a lane of `mask` has.
  template <class F> LOCKSTEP_FN void for_each_slot(const Mask& mask, const T& slot, const F& f) const {
    Mask left = mask;
    for (int k = 0; k < settings_.max_depth && team_.any(left); ++k) {
      const Mask here = left && slot == T(double(k));
      left = left && !here;
      if (team_.any(here)) f(here, k * n_);
    }
  }

  Team team_;
  int n_;
  NutsVectors<T> v_;
  MetricView metric_;
  NutsSettings settings_;
  const LaneStreams<T>& streams_;
  DrawBuffer out_;
  const Gradient& gradient_;
  T last_ = T(0.), pooled_log_step_ = T(0.);
  Mask own_step_ = T(0.) > T(0.);
};

}  // namespace lockstep
