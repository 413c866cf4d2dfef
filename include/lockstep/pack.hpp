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
  static int first_lane(const PackMask& mask) { return std::countr_zero(lane_bits(mask)); }
};

// ---- single precision: as many lanes as a pack of doubles has, in a register of half the width ---------------------------------

#if XSIMD_WITH_AVX512F
using SinglePack = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;
#elif XSIMD_WITH_AVX
using SinglePack = xsimd::batch<float, xsimd::sse4_2>;
#else
using SinglePack = xsimd::batch<float>;  // of which two lanes are used
#endif

template <> struct NumberTraits<SinglePack> {
  using Sum = Pack;
  using Datum = double;
  using Stored = float;
  static Pack widen(const SinglePack& value) {
#if XSIMD_WITH_AVX512F
    return _mm512_cvtps_pd(value);
#elif XSIMD_WITH_AVX
    return _mm256_cvtps_pd(value);
#else
    alignas(64) float in[SinglePack::size];
    alignas(64) double out[pack_width];
    value.store_aligned(in);
    for (int l = 0; l < pack_width; ++l) out[l] = double(in[l]);
    return Pack::load_aligned(out);
#endif
  }
  static SinglePack narrow(const Pack& sum) {
#if XSIMD_WITH_AVX512F
    return _mm512_cvtpd_ps(sum);
#elif XSIMD_WITH_AVX
    return _mm256_cvtpd_ps(sum);
#else
    alignas(64) double in[pack_width];
    alignas(64) float out[SinglePack::size] = {};
    sum.store_aligned(in);
    for (std::size_t l = 0; l < SinglePack::size; ++l) out[l] = float(in[l % std::size_t(pack_width)]);
    return SinglePack::load_aligned(out);
#endif
  }
};
// What a chain owns stays in doubles, as lockstep/single.hpp says.
template <> struct LaneTraits<SinglePack> {
  static constexpr int width = pack_width;
  static SinglePack load(const double* p) { return NumberTraits<SinglePack>::narrow(Pack::load_aligned(p)); }
  static void store(double* p, const SinglePack& value) { NumberTraits<SinglePack>::widen(value).store_aligned(p); }
  static SinglePack gather(const double* p, const std::int64_t* columns) {
    return NumberTraits<SinglePack>::narrow(LaneTraits<Pack>::gather(p, columns));
  }
};
static_assert(int(SinglePack::size) == pack_width || pack_width == 2);

}  // namespace lockstep
