// The SIMD pack: as many lanes as one vector register holds.
//
// One register, not more: with two, GCC 12 keeps expression objects in memory, at twenty times the cost.
#pragma once

#include <bit>

#include <xsimd/xsimd.hpp>

#include "lockstep/lanes.hpp"

namespace lockstep {

using Pack = xsimd::batch<double>;
using PackMask = xsimd::batch_bool<double>;
constexpr int pack_width = int(Pack::size);

// A mask as bits, lane 0 the lowest.
inline unsigned lane_bits(const PackMask& mask) {
#if XSIMD_WITH_AVX512F
  return unsigned(mask.data);
#else
  alignas(64) bool lanes[pack_width];
  mask.store_aligned(lanes);
  unsigned bits = 0;
  for (int l = 0; l < pack_width; ++l) bits |= unsigned(lanes[l]) << l;
  return bits;
#endif
}

template <> struct LaneTraits<Pack> {
  static constexpr int width = pack_width;
  static Pack load(const double* p) { return Pack::load_aligned(p); }
  static void store(double* p, const Pack& value) { value.store_aligned(p); }
  static Pack gather(const double* p, const std::int64_t* columns) {
    alignas(64) double values[width];
    for (int l = 0; l < width; ++l) values[l] = p[columns[l]];
    return Pack::load_aligned(values);
  }
  static void store_masked(double* p, const PackMask& mask, const Pack& value) {
#if XSIMD_WITH_AVX512F
    // One instruction, and no load.
    _mm512_mask_store_pd(p, __mmask8(mask.data), value);
#else
    store(p, select(mask, value, load(p)));
#endif
  }
  // f(lane) for every lane of the mask.
  template <class F> static void for_each_lane(const PackMask& mask, const F& f) {
    for (unsigned bits = lane_bits(mask); bits != 0; bits &= bits - 1) f(std::countr_zero(bits));
  }
  static bool any(const PackMask& mask) { return xsimd::any(mask); }
};

}  // namespace lockstep
