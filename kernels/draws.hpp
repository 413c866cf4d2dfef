// What all samplers share: their settings, the momenta that a draw starts with, and what is recorded when it is finished.
#pragma once

#include "kernels/lane_random.hpp"
#include "kernels/team.hpp"

namespace lockstep {

struct SamplerSettings {
  int max_depth = 10;                   // of a tree, which has 2^depth - 1 leapfrog steps at most
  double max_energy_error = 1000;       // beyond: the trajectory has diverged (Stan's limit)
  double target_acceptance = 0.8;       // of lanes that adapt a step size of their own
  int patience = 0;                     // steps that a lane may wait to start its next trajectory together with others
  double trajectory_length = 0;         // of the longest, where the sampler does not see for itself when to end one; in the
                                        // coordinates in which momenta are kept (kernels/dynamics.hpp)
};

// What is recorded with each draw, in the order of `DrawBuffer::statistics`.
enum class DrawStatistic { lp, acceptance_rate, step_size, tree_depth, n_steps, diverging, reached_max_treedepth, energy,
                           energy_error, max_energy_error, count };
constexpr int draw_statistics = int(DrawStatistic::count);

// Where finished draws go: [row][element][lane].
struct DrawBuffer {
  double* positions = nullptr;
  double* gradients = nullptr;          // null: not kept
  double* statistics = nullptr;
  double first = 0, rows = 0;           // draw d is in row (d - first) modulo rows
  double* proposals = nullptr;          // where each trajectory ended, accepted or not, and with which momentum; null: not kept
  double* proposal_momenta = nullptr;
};

template <class T, class Mask> LOCKSTEP_FN inline void store_masked(const Mask& mask, const LaneArray<T>& to, int i, const T& value) {
  LaneTraits<T>::store_masked(to.base + std::int64_t(i) * to.stride, mask, value);
}
template <class T, class Team, class Mask>
LOCKSTEP_FN inline void copy_masked(const Team& team, int n, const Mask& mask, const LaneArray<T>& from, const LaneArray<T>& to) {
  team.each(n, [&](int i) { store_masked(mask, to, i, from.load(i)); });
}

// Blocks from here on of a draw's stream are its momentum, two coordinates a block; those below are for its steps.
constexpr double first_momentum_block = 2147483648.;

// Standard normals in the lanes of `mask`: where these are few, each is drawn with the pack's lanes along its coordinates.
template <class T, class Team, class Mask>
LOCKSTEP_FN inline void draw_momentum(const Team& team, int n, const LaneStreams<T>& streams, const T& draws, const Mask& mask,
                                      const LaneArray<T>& momentum) {
  constexpr int width = LaneTraits<T>::width;
  int lanes = 0;
  LaneTraits<T>::for_each_lane(mask, [&](int) { ++lanes; });
  const int groups = ((n + 1) / 2 + width - 1) / width;
  if (width > 1 && lanes * groups > (n + 1) / 2) {
    team.each((n + 1) / 2, [&](int pair) {
      const NormalPair<T> z = normal_pair(lane_block(streams, Purpose::transition, draws, T(first_momentum_block + pair)));
      store_masked(mask, momentum, 2 * pair, z.first);
      if (2 * pair + 1 < n) store_masked(mask, momentum, 2 * pair + 1, z.second);
    });
    return;
  }
  alignas(64) double draw[width], normal[2][width];
  LaneTraits<T>::store(draw, draws);
  LaneTraits<T>::for_each_lane(mask, [&](int lane) {
    double* to = momentum.base + lane;
    const int pairs = (n + 1) / 2;
    team.each(groups, [&](int group) {
      const int first = group * width;
      const NormalPair<T> z = normal_pair(
          consecutive_blocks(streams, lane, Purpose::transition, draw[lane], std::uint64_t(first_momentum_block) + std::uint64_t(first)));
      LaneTraits<T>::store(normal[0], z.first);
      LaneTraits<T>::store(normal[1], z.second);
      for (int k = 0; k < width && first + k < pairs; ++k)
        for (int half = 0; half < 2 && 2 * (first + k) + half < n; ++half) {
          const int i = 2 * (first + k) + half;
          to[std::int64_t(i) * momentum.stride] = normal[half][k];
        }
    });
  });
  team.barrier();  // a block's coordinates may belong to different slices
}

// The rows of draws numbered `draws`, one for each lane.
template <class T> LOCKSTEP_FN inline void rows_of(const DrawBuffer& out, const T& draws, double* rows) {
  const T since = draws - out.first;
  LaneTraits<T>::store(rows, since - floor(since / out.rows) * out.rows);
}

// Writes the draws of the lanes of `mask`, numbered `draws`, to their rows.
template <class T, class Team, class Mask>
LOCKSTEP_FN inline void write_draw(const Team& team, int n, const DrawBuffer& out, const T& draws, const Mask& mask,
                                   const LaneArray<T>& position, const LaneArray<T>& gradient, const T (&statistics)[draw_statistics]) {
  constexpr int width = LaneTraits<T>::width;
  alignas(64) double rows[width];
  rows_of(out, draws, rows);
  const int stride = position.stride;
  LaneTraits<T>::for_each_lane(mask, [&](int l) {
    const std::int64_t first = std::int64_t(rows[l]) * n;
    team.each(n, [&](int i) {
      out.positions[(first + i) * stride + l] = position.base[std::int64_t(i) * stride + l];
      if (out.gradients) out.gradients[(first + i) * stride + l] = gradient.base[std::int64_t(i) * stride + l];
    });
  });
  if (team.slice() != 0) return;
  for (int k = 0; k < draw_statistics; ++k) {
    alignas(64) double values[width];
    LaneTraits<T>::store(values, statistics[k]);
    LaneTraits<T>::for_each_lane(mask, [&](int l) {
      out.statistics[(std::int64_t(rows[l]) * draw_statistics + k) * stride + l] = values[l];
    });
  }
}

// Writes where their trajectories ended, if that is kept.
template <class T, class Team, class Mask>
LOCKSTEP_FN inline void write_proposal(const Team& team, int n, const DrawBuffer& out, const T& draws, const Mask& mask,
                                       const LaneArray<T>& position, const LaneArray<T>& momentum) {
  if (!out.proposals) return;
  alignas(64) double rows[LaneTraits<T>::width];
  rows_of(out, draws, rows);
  const int stride = position.stride;
  LaneTraits<T>::for_each_lane(mask, [&](int l) {
    const std::int64_t first = std::int64_t(rows[l]) * n;
    team.each(n, [&](int i) {
      out.proposals[(first + i) * stride + l] = position.base[std::int64_t(i) * stride + l];
      out.proposal_momenta[(first + i) * stride + l] = momentum.base[std::int64_t(i) * stride + l];
    });
  });
}

}  // namespace lockstep
