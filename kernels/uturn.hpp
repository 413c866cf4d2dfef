// When a trajectory has turned back on itself.
//
// The generalised criterion (Betancourt 2017, "A Conceptual Introduction to Hamiltonian Monte Carlo", A.4.2): with rho the
// sum of a trajectory's momenta, it goes on while rho . M^-1 p > 0 at both ends: a plain product of momenta as they are kept
// (kernels/dynamics.hpp). Two extra checks, each across the seam
// of the two halves, catch trajectories that are nearly periodic (Stan's; github.com/stan-dev/stan/pull/2800).
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "kernels/dynamics.hpp"
#include "lockstep/math.hpp"

namespace lockstep {

// What the criterion needs of one trajectory made of two halves, at one coordinate.
template <class T> struct Halves {
  T outer_first, inner_first;     // momenta at the ends of the first half
  T inner_last, outer_last;       // momenta at the ends of the last half
  T sum_first, sum_last;          // sums of momenta over each half
};

// The six scalar products that must all be positive; `halves(i)` gives coordinate i.
template <class T, class Team, class F>
LOCKSTEP_FN inline auto goes_on(const Team& team, int n, const F& halves) {
  const auto products = team.template sum<6>(n, [&](int i) {
    const Halves<T> h = halves(i);
    const T all = h.sum_first + h.sum_last;
    const T over_first = h.sum_first + h.inner_last;   // the first half and the point beyond the seam
    const T over_last = h.sum_last + h.inner_first;
    return std::array<T, 6>{all * h.outer_first,       all * h.outer_last,       over_first * h.outer_first,
                            over_first * h.inner_last, over_last * h.inner_first, over_last * h.outer_last};
  });
  auto positive = products[0] > T(0.);
  for (int k = 1; k < 6; ++k) positive = positive && products[std::size_t(k)] > T(0.);
  return positive;
}

// The same for a trajectory of two points, where the extra checks say nothing new.
template <class T, class Team>
LOCKSTEP_FN inline auto goes_on_two(const Team& team, int n, const LaneArray<T>& first, const LaneArray<T>& last) {
  const auto products = team.template sum<2>(n, [&](int i) {
    const T p = first.load(i), q = last.load(i);
    const T sum = p + q;
    return std::array<T, 2>{sum * p, sum * q};
  });
  return products[0] > T(0.) && products[1] > T(0.);
}

// The starts of the subtrees that are still open, in O(log n) memory: the leaf numbered n (even) starts some; its record
// is kept at slot popcount(n/2), where nothing overwrites it before its last subtree closes (Phan, Pradhan & Jankowiak
// 2019, "Composable effects for flexible and accelerated probabilistic programming in NumPyro", appendix A).
template <class T> struct Checkpoints {
  LaneArray<T> momentum;      // [slot][coordinate]: at the leaf
  LaneArray<T> previous;      // at the leaf before it
  LaneArray<T> sum;           // of the momenta of all leaves up to it
};

#if defined(__CUDA_ARCH__)
__device__ inline int count_of_ones(std::uint32_t bits) { return __popc(bits); }
#else
LOCKSTEP_FN inline int count_of_ones(std::uint32_t bits) { return std::popcount(bits); }
#endif

// popcount(n/2) and the trailing ones of n, for whole numbers held in lanes.
template <class T> struct LeafBits {
  T slot, trailing_ones;
};
template <class T> LOCKSTEP_FN inline LeafBits<T> leaf_bits(const T& n) {
  constexpr int width = LaneTraits<T>::width;
  alignas(64) double leaf[width], slot[width], ones[width];
  LaneTraits<T>::store(leaf, n);
  for (int l = 0; l < width; ++l) {
    const std::uint32_t bits = std::uint32_t(std::int32_t(leaf[l]));
    slot[l] = count_of_ones(bits >> 1);
    ones[l] = count_of_ones(bits & ~(bits + 1));
  }
  return {LaneTraits<T>::load(slot), LaneTraits<T>::load(ones)};
}

}  // namespace lockstep
