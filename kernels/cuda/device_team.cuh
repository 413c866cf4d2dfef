// The team of a thread block: L chains x S slices.
//
// A block owns one tile of L chains; slice s of lane l is thread s * L + l, so that the lanes of a warp read neighbouring
// doubles of an [element][lane] array.
#pragma once

#include "lockstep/macros.hpp"

namespace lockstep {

class DeviceTeam {
 public:
  static constexpr bool sliced = true;

  __device__ DeviceTeam(double* sums, int lanes)
      : sums_(sums), lanes_(lanes), lane_(int(threadIdx.x) % lanes), slice_(int(threadIdx.x) / lanes),
        slices_(int(blockDim.x) / lanes) {}

  __device__ int lane() const { return lane_; }
  __device__ int slice() const { return slice_; }
  __device__ int slices() const { return slices_; }
  __device__ void barrier() const { __syncthreads(); }

  template <class F> __device__ void each(int n, const F& f) const {
    for (int i = slice_; i < n; i += slices_) f(i);
  }
  // The sum of one value per slice, in the order of the slices, for every slice. `sums`: shared, [slice][lane].
  __device__ double sum_slices(double value) const {
    sums_[slice_ * lanes_ + lane_] = value;
    barrier();
    double total = 0;
    for (int s = 0; s < slices_; ++s) total += sums_[s * lanes_ + lane_];
    barrier();
    return total;
  }

 private:
  double* sums_;
  int lanes_, lane_, slice_, slices_;
};

}  // namespace lockstep
