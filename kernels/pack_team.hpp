// A SIMD pack as a team: what it needs of its own.
#pragma once

#include "kernels/lane_random.hpp"
#include "kernels/team.hpp"
#include "lockstep/pack.hpp"

namespace lockstep {

using PackTeam = LaneTeam<Pack>;

// Philox4x32-10 (lockstep/philox.hpp) on all lanes of a pack: the same bits, one vector multiplication for a word of all.
template <> inline void lane_philox<pack_width>(LaneCounters<pack_width>& counters, std::uint64_t seed) {
#if XSIMD_WITH_AVX512F
  using Words = __m512i;
  const auto load = [](const std::uint64_t* p) { return _mm512_load_si512(p); };
  const auto store = [](std::uint64_t* p, Words v) { _mm512_store_si512(p, v); };
  const auto spread = [](std::uint64_t v) { return _mm512_set1_epi64(std::int64_t(v)); };
  const auto product = [](Words a, Words b) { return _mm512_mul_epu32(a, b); };
  const auto upper = [](Words v) { return _mm512_srli_epi64(v, 32); };
  const auto exclusive_or = [](Words a, Words b, Words c) { return _mm512_xor_si512(_mm512_xor_si512(a, b), c); };
  const auto lower = [](Words v) { return _mm512_and_si512(v, _mm512_set1_epi64(0xFFFFFFFF)); };
  constexpr int step = 8;
#elif XSIMD_WITH_AVX2
  using Words = __m256i;
  const auto load = [](const std::uint64_t* p) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(p)); };
  const auto store = [](std::uint64_t* p, Words v) { _mm256_store_si256(reinterpret_cast<__m256i*>(p), v); };
  const auto spread = [](std::uint64_t v) { return _mm256_set1_epi64x(std::int64_t(v)); };
  const auto product = [](Words a, Words b) { return _mm256_mul_epu32(a, b); };
  const auto upper = [](Words v) { return _mm256_srli_epi64(v, 32); };
  const auto exclusive_or = [](Words a, Words b, Words c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); };
  const auto lower = [](Words v) { return _mm256_and_si256(v, _mm256_set1_epi64x(0xFFFFFFFF)); };
  constexpr int step = 4;
#else
  using Words = std::uint64_t;
  const auto load = [](const std::uint64_t* p) { return *p; };
  const auto store = [](std::uint64_t* p, Words v) { *p = v; };
  const auto spread = [](std::uint64_t v) { return v; };
  const auto product = [](Words a, Words b) { return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF); };
  const auto upper = [](Words v) { return v >> 32; };
  const auto exclusive_or = [](Words a, Words b, Words c) { return a ^ b ^ c; };
  const auto lower = [](Words v) { return v & 0xFFFFFFFF; };
  constexpr int step = 1;
#endif
  static_assert(pack_width % step == 0);
  for (int l = 0; l < pack_width; l += step) {
    Words c0 = load(&counters.word[0][l]), c1 = load(&counters.word[1][l]), c2 = load(&counters.word[2][l]),
          c3 = load(&counters.word[3][l]);
    std::uint32_t k0 = std::uint32_t(seed), k1 = std::uint32_t(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      // Only the lower half of a word is read by the products; the upper half may hold anything until the end.
      const Words first = product(c0, spread(0xD2511F53u)), second = product(c2, spread(0xCD9E8D57u));
      c0 = exclusive_or(upper(second), c1, spread(k0));
      c1 = second;
      c2 = exclusive_or(upper(first), c3, spread(k1));
      c3 = first;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    store(&counters.word[0][l], lower(c0));
    store(&counters.word[1][l], lower(c1));
    store(&counters.word[2][l], lower(c2));
    store(&counters.word[3][l], lower(c3));
  }
}

}  // namespace lockstep
