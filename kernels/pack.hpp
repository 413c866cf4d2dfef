// The SIMD pack: as many lanes as one vector register holds.
//
// One register, not more: with two, GCC 12 keeps expression objects in memory, at twenty times the cost.
#pragma once

#include <xsimd/xsimd.hpp>

#include "lockstep/lanes.hpp"

namespace lockstep {

using Pack = xsimd::batch<double>;
using PackMask = xsimd::batch_bool<double>;
constexpr int pack_width = int(Pack::size);

template <> struct LaneTraits<Pack> {
  static constexpr int width = pack_width;
  static Pack load(const double* p) { return Pack::load_aligned(p); }
  static void store(double* p, const Pack& value) { value.store_aligned(p); }
  static Pack gather(const double* p, const std::int64_t* columns) {
    alignas(64) double values[width];
    for (int l = 0; l < width; ++l) values[l] = p[columns[l]];
    return Pack::load_aligned(values);
  }
};

}  // namespace lockstep
