// The team of a thread block: L chains x S slices.
//
// A block owns one tile of L chains; slice s of lane l is thread s * L + l, so that the lanes of a warp read neighbouring
// doubles of an [element][lane] array.
#pragma once

#include <array>

#include "kernels/device_launch.hpp"

namespace lockstep {

class DeviceTeam {
 public:
  static constexpr bool sliced = true;

  // `sums`: shared memory, most_team_sums doubles for every thread.
  __device__ DeviceTeam(double* sums, int lanes)
      : sums_(sums), lanes_(lanes), lane_(int(threadIdx.x) % lanes), slice_(int(threadIdx.x) / lanes),
        slices_(int(blockDim.x) / lanes) {}

  __device__ int lane() const { return lane_; }
  __device__ int slice() const { return slice_; }
  __device__ int slices() const { return slices_; }
  // Interleaved: neighbouring slices read neighbouring elements.
  __device__ Share share(int size) const { return {slice_, size, slices_}; }
  __device__ void barrier() const { __syncthreads(); }
  __device__ bool any(bool mask) const { return __syncthreads_or(mask) != 0; }

  template <class F> __device__ void each(int n, const F& f) const {
    for (int i : share(n)) f(i);
  }
  template <int k, class F> __device__ std::array<double, k> sum(int n, const F& f) const {
    static_assert(k <= most_team_sums);
    std::array<double, k> total{};
    for (int i : share(n)) {
      const std::array<double, k> term = f(i);
      for (int j = 0; j < k; ++j) total[j] += term[j];
    }
    return over_slices(total);
  }
  // The sum of one value per slice, for every slice.
  __device__ double sum_slices(double value) const { return over_slices(std::array<double, 1>{value})[0]; }

 private:
  // In the order of the slices, so that all get the same bits.
  template <std::size_t k> __device__ std::array<double, k> over_slices(std::array<double, k> total) const {
    if (slices_ == 1) return total;
    for (int j = 0; j < int(k); ++j) sums_[(slice_ * int(k) + j) * lanes_ + lane_] = total[j];
    barrier();
    for (int j = 0; j < int(k); ++j) {
      total[j] = 0;
      for (int s = 0; s < slices_; ++s) total[j] += sums_[(s * int(k) + j) * lanes_ + lane_];
    }
    barrier();
    return total;
  }

  double* sums_;
  int lanes_, lane_, slice_, slices_;
};

}  // namespace lockstep
