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

// The arrays of one tile, [element][lane]. The moving point is first (kernels/device_launch.hpp).
template <class T> struct NutsVectors {
  PhasePoint<T> moving;                 // the end that is being extended; its gradient is [slice][coordinate]
  PhasePoint<T> other;                  // the other end
  LaneArray<T> seam;                    // the moving end's momentum when its subtree began to grow
  LaneArray<T> momentum_sum;            // over the trajectory
  LaneArray<T> subtree_sum;             // over the subtree that is growing
  LaneArray<T> chosen, chosen_gradient; // the trajectory's draw so far; between trajectories the chain's state
  LaneArray<T> candidate, candidate_gradient;  // the subtree's
  Checkpoints<T> checkpoints;

  LOCKSTEP_FN static constexpr int arrays(int max_depth, int slices) { return 12 + slices + 3 * max_depth; }
  // Lays the arrays out in `memory`, which has room for `arrays(...) * n` elements.
  LOCKSTEP_FN NutsVectors(double* memory, int stride, int n, int max_depth, int slices) {
    LaneArray<T> next{memory, stride};
    auto take = [&](int count) {
      const LaneArray<T> taken = next;
      next = next.from(count * n);
      return taken;
    };
    moving = {take(1), take(1), take(slices)};
    other = {take(1), take(1), take(1)};
    seam = take(1);
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
  T weight = T(0.), subtree_weight = T(0.);  // exp(initial energy - energy - weight_scale), summed over leaves
  T weight_scale = T(0.);
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

  LOCKSTEP_FN Nuts(const Team& team, int n, const NutsVectors<T>& vectors, const MetricView& metric, const SamplerSettings& settings,
       const LaneStreams<T>& streams, const DrawBuffer& out, const Gradient& gradient)
      : team_(team), n_(n), v_(vectors), metric_(metric), settings_(settings), streams_(streams), out_(out),
        gradient_(gradient) {}

  // Advances every lane until it has finished `last` draws in all, or `goes_on()` is false between two ticks; called again,
  // it takes the trajectories up where they were. `own_step`: the lanes that adapt a step size of their own; the others use
  // `log_step`. A lane latches its step size when a trajectory starts. True: every lane has finished.
  template <class GoesOn>
  LOCKSTEP_FN bool advance(NutsState<T>& s, double last, const T& log_step, const Mask& own_step, const GoesOn& goes_on) {
    prepare(last, log_step, own_step);
    while (team_.any(s.draw < last_)) {
      if (!goes_on()) return false;
      start_trajectories(s);
      const Mask moves = is_moving(s);
      leap(s, moves);
      land(s, moves, gradient_(v_.moving.position, v_.moving.gradient));
    }
    return true;
  }

  // One tick in two halves, for who evaluates the gradient in between: at v.moving.position, into v.moving.gradient.
  LOCKSTEP_FN void leap(NutsState<T>& s, double last, const T& log_step, const Mask& own_step) {
    prepare(last, log_step, own_step);
    start_trajectories(s);
    leap(s, is_moving(s));
  }
  LOCKSTEP_FN void land(NutsState<T>& s, double last, const T& log_step, const Mask& own_step, const T& lp) {
    prepare(last, log_step, own_step);
    land(s, is_moving(s), lp);
  }

  // Evaluates the density where the lanes of `mask` have just been put (`chosen`). In two halves, too.
  LOCKSTEP_FN void arrive(NutsState<T>& s, const Mask& mask) {
    set_out(mask);
    arrive(s, mask, gradient_(v_.moving.position, v_.moving.gradient));
  }
  LOCKSTEP_FN void set_out(const Mask& mask) { copy(mask, v_.chosen, v_.moving.position); }
  LOCKSTEP_FN void arrive(NutsState<T>& s, const Mask& mask, const T& lp) {
    copy(mask, v_.moving.gradient, v_.chosen_gradient);
    s.lp = select(mask, lp, s.lp);
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static constexpr double most_log_weight = 600;  // in a trajectory's scale: sums stay far below overflow

  LOCKSTEP_FN void prepare(double last, const T& log_step, const Mask& own_step) {
    last_ = T(last);
    pooled_log_step_ = log_step;
    own_step_ = own_step;
  }

  LOCKSTEP_FN Mask is_moving(const NutsState<T>& s) const { return s.draw < last_ && s.running > T(0.); }

  // Lanes that wait for their next draw start it, unless another is so near the end of a subtree that it may soon wait, too: what
  // ends and starts trajectories costs the same for one lane and for all, and lanes that started together keep step.
  LOCKSTEP_FN void start_trajectories(NutsState<T>& s) {
    const Mask moves = is_moving(s);
    const Mask waits = s.draw < last_ && !moves;
    if (!team_.any(waits)) return;
    if (settings_.patience > 0 && team_.any(moves && s.leaves - s.leaf <= T(settings_.patience))) return;
    start_trajectory(s, waits);
  }

  // The leapfrog step up to its gradient. The other lanes stand still.
  LOCKSTEP_FN void leap(const NutsState<T>& s, const Mask& active) { kick_and_drift(team_, n_, v_.moving, metric_, signed_step(s, active)); }
  LOCKSTEP_FN static T signed_step(const NutsState<T>& s, const Mask& active) { return select(active, s.direction * s.step, T(0.)); }

  // The rest of it, and what the sampler makes of the point.
  LOCKSTEP_FN void land(NutsState<T>& s, const Mask& active, const T& lp) {
    const Mask first = s.leaf == T(0.);
    const T kinetic = kick_and_weigh(team_, n_, v_.moving, metric_, signed_step(s, active) * 0.5, [&](int i, const T& momentum) {
      store(active, v_.subtree_sum, i, momentum + select(first, T(0.), v_.subtree_sum.load(i)));
    });
    T energy = kinetic - lp;
    energy = select(energy == energy, energy, T(infinity));
    const T error = energy - s.initial_energy;
    const Mask diverging = active && !(error <= T(settings_.max_energy_error));
    s.steps = select(active, s.steps + 1., s.steps);
    s.max_energy_error = select(active && abs(error) > abs(s.max_energy_error), error, s.max_energy_error);

    const Mask valid = active && !diverging;
    const LaneBlock<T> random = lane_block(streams_, Purpose::transition, s.draw, s.steps);
    const T weight = weigh(s, active, valid, -error);
    choose_leaf(s, valid, weight, lp, energy, random.uniform[0]);
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
    if (team_.any(ended)) finish_draw(s, ended, diverging, deepest);
    const Mask next = whole && !ended;
    if (team_.any(next)) start_subtree(s, next, random.bit);
  }

  // The leaf's weight exp(log_weight), in the trajectory's scale; its acceptance is added up. One exponential serves both.
  LOCKSTEP_FN T weigh(NutsState<T>& s, const Mask& active, const Mask& valid, const T& log_weight) {
    const T smaller = exp(-abs(log_weight));
    const Mask downhill = log_weight > T(0.);
    s.sum_acceptance = select(active, s.sum_acceptance + select(downhill, T(1.), smaller), s.sum_acceptance);
    const T weight = select(downhill, 1. / smaller, smaller);
    const Mask far = valid && (s.weight_scale > T(0.) || log_weight > T(most_log_weight));
    if (!team_.any(far)) return weight;
    const T scale = select(far && log_weight - s.weight_scale > T(most_log_weight), log_weight, s.weight_scale);
    const T shrinks = exp(s.weight_scale - scale);
    s.weight = s.weight * shrinks;
    s.subtree_weight = s.subtree_weight * shrinks;
    s.weight_scale = scale;
    return select(far, exp(log_weight - scale), weight);
  }

  // Multinomial choice within the subtree: the new leaf replaces the candidate with probability weight / total weight.
  LOCKSTEP_FN void choose_leaf(NutsState<T>& s, const Mask& valid, const T& weight, const T& lp, const T& energy, const T& uniform) {
    s.subtree_weight = select(valid, s.subtree_weight + weight, s.subtree_weight);
    const Mask taken = valid && uniform * s.subtree_weight < weight;
    s.candidate_lp = select(taken, lp, s.candidate_lp);
    s.candidate_energy = select(taken, energy, s.candidate_energy);
    if (!team_.any(taken)) return;
    copy(taken, v_.moving.position, v_.candidate);
    copy(taken, v_.moving.gradient, v_.candidate_gradient);
  }

  // What the leaf means to its subtree, whose sum has it: a checkpoint at even leaves; at odd ones checks every subtree that ends here.
  // Returns the lanes that have turned.
  LOCKSTEP_FN Mask record_leaf(const NutsState<T>& s, const Mask& valid) {
    const LeafBits<T> bits = leaf_bits(s.leaf);
    const Mask even = valid && bits.trailing_ones == T(0.);
    for_each_slot(even, bits.slot, [&](const Mask& here, int row) {
      team_.each(n_, [&](int i) {
        store(here, v_.checkpoints.momentum, row + i, v_.moving.momentum.load(i));
        store(here, v_.checkpoints.sum, row + i, v_.subtree_sum.load(i));
      });
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
    for_each_slot(odd, bits.slot - bits.trailing_ones + 2., [&](const Mask& here, int row) {
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
      const T first = c.momentum.load(row + i), middle = c.momentum.load(seam + i);
      const T before_seam = c.sum.load(seam + i) - middle;
      return Halves<T>{first,  c.previous.load(seam + i), middle, v_.moving.momentum.load(i), before_seam - (c.sum.load(row + i) - first),
                       v_.subtree_sum.load(i) - before_seam};
    });
  }

  // Joins the finished subtree to the trajectory: biased progressive choice between their candidates. Returns the lanes
  // whose whole trajectory has turned.
  LOCKSTEP_FN Mask close_subtree(NutsState<T>& s, const Mask& whole, const T& uniform) {
    const Mask taken = whole && uniform * s.weight < s.subtree_weight;
    s.lp = select(taken, s.candidate_lp, s.lp);
    s.energy = select(taken, s.candidate_energy, s.energy);
    if (team_.any(taken)) {
      copy(taken, v_.candidate, v_.chosen);
      copy(taken, v_.candidate_gradient, v_.chosen_gradient);
    }
    s.weight = select(whole, s.weight + s.subtree_weight, s.weight);
    s.depth = select(whole, s.depth + 1., s.depth);
    const Mask on = goes_on<T>(team_, n_, [&](int i) {
      const Halves<T> halves{v_.other.momentum.load(i), v_.seam.load(i), v_.checkpoints.momentum.load(i), v_.moving.momentum.load(i),
                             v_.momentum_sum.load(i), v_.subtree_sum.load(i)};
      store(whole, v_.momentum_sum, i, halves.sum_first + halves.sum_last);
      return halves;
    });
    return whole && !on;
  }

  // Puts the moving end where the next doubling starts. It is there already if the direction stays.
  LOCKSTEP_FN void start_subtree(NutsState<T>& s, const Mask& mask, const T& bit) {
    const T direction = select(mask, 2. * bit - 1., s.direction);
    const Mask turns = direction != s.direction;
    s.direction = direction;
    if (team_.any(turns)) {
      swap(turns, v_.moving.position, v_.other.position);
      swap(turns, v_.moving.momentum, v_.other.momentum);
      swap(turns, v_.moving.gradient, v_.other.gradient);
    }
    copy(mask, v_.moving.momentum, v_.seam);
    clear_subtree(s, mask);
    s.leaves = select(mask, s.leaves * 2., s.leaves);
  }

  LOCKSTEP_FN static void clear_subtree(NutsState<T>& s, const Mask& mask) {
    s.subtree_weight = select(mask, T(0.), s.subtree_weight);
    s.leaf = select(mask, T(0.), s.leaf);
  }

  // A new momentum and a trajectory of one point.
  LOCKSTEP_FN void start_trajectory(NutsState<T>& s, const Mask& mask) {
    s.step = select(mask, exp(select(own_step_, s.own_step.log_step, pooled_log_step_)), s.step);
    draw_momentum(team_, n_, streams_, s.draw, mask, v_.moving.momentum);
    const T kinetic = 0.5 * team_.template sum<1>(n_, [&](int i) {
      const T position = v_.chosen.load(i), momentum = v_.moving.momentum.load(i), gradient = v_.chosen_gradient.load(i);
      store(mask, v_.moving.position, i, position);
      store(mask, v_.moving.gradient, i, gradient);
      store(mask, v_.other.position, i, position);
      store(mask, v_.other.momentum, i, momentum);
      store(mask, v_.other.gradient, i, gradient);
      store(mask, v_.seam, i, momentum);
      store(mask, v_.momentum_sum, i, momentum);
      return std::array<T, 1>{momentum * momentum};
    })[0];
    const T energy = kinetic - s.lp;
    s.initial_energy = select(mask, energy, s.initial_energy);
    s.energy = select(mask, energy, s.energy);
    s.weight = select(mask, T(1.), s.weight);
    s.weight_scale = select(mask, T(0.), s.weight_scale);
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
  LOCKSTEP_FN void swap(const Mask& mask, const LaneArray<T>& a, const LaneArray<T>& b) const {
    team_.each(n_, [&](int i) {
      const T of_a = a.load(i), of_b = b.load(i);
      store(mask, a, i, of_b);
      store(mask, b, i, of_a);
    });
  }
  // Calls f(lanes, slot * n) for every slot that a lane of `mask` has.
  template <class F> LOCKSTEP_FN void for_each_slot(const Mask& mask, const T& slot, const F& f) const {
    if constexpr (!Team::sliced) {
      alignas(64) double slots[LaneTraits<T>::width];
      LaneTraits<T>::store(slots, slot);
      for (Mask left = mask; team_.any(left);) {
        const int k = int(slots[LaneTraits<T>::first_lane(left)]);
        const Mask here = left && slot == T(double(k));
        left = left && !here;
        f(here, k * n_);
      }
      return;
    }
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
  SamplerSettings settings_;
  const LaneStreams<T>& streams_;
  DrawBuffer out_;
  const Gradient& gradient_;
  T last_ = T(0.), pooled_log_step_ = T(0.);
  Mask own_step_ = T(0.) > T(0.);
};

struct NutsKernel {
  template <class T> using Vectors = NutsVectors<T>;
  template <class T> using State = NutsState<T>;
  template <class T, class Team, class Gradient> using Machine = Nuts<T, Team, Gradient>;
};

}  // namespace lockstep
