// Teams: who runs a phase.
//
// A team is the threads that advance a tile of lanes together. Every phase of a sampler is written against it:
//
//   team.share(n)        the elements of a vector that this thread owns (lockstep/lanes.hpp)
//   team.each(n, f)      f(i) for the elements of a vector that this thread owns
//   team.sum<k>(n, f)    k sums over i of what f(i) returns (an array of k lanes), in a fixed order; all threads get them
//   team.any(mask)       whether the mask holds in any lane of the team
//   team.barrier()       all threads have come here; what they wrote is visible
//
// A phase must reach the same calls in the same order on every thread, so none of them stands under a condition that
// differs between lanes.
#pragma once

#include <array>

#include "lockstep/lanes.hpp"

namespace lockstep {

// Whole lanes on one thread: a SIMD pack, or the scalar oracle with one.
template <class T> struct LaneTeam : WholeTeam {
  template <class F> void each(int n, const F& f) const {
    for (int i = 0; i < n; ++i) f(i);
  }
  template <int k, class F> std::array<T, k> sum(int n, const F& f) const {
    std::array<T, k> total;
    total.fill(T(0.));
    for (int i = 0; i < n; ++i) {
      const std::array<T, k> term = f(i);
      for (int j = 0; j < k; ++j) total[j] += term[j];
    }
    return total;
  }
  template <class Mask> bool any(const Mask& mask) const { return LaneTraits<T>::any(mask); }
};

using ScalarTeam = LaneTeam<double>;

}  // namespace lockstep
