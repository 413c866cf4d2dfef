// Random numbers for the lanes of a sampler: the streams of lockstep/random.hpp, a block for every lane at once.
//
// A lane's numbers are a function of (seed, data set, chain, draw, purpose) and the block number alone, so they do not
// depend on which lane or thread runs the chain.
#pragma once

#include <cstdint>

#include "lockstep/pack.hpp"
#include "lockstep/philox.hpp"
#include "lockstep/random.hpp"

namespace lockstep {

// Which stream each lane of a `T` reads.
template <class T> struct LaneStreams {
  static constexpr int width = LaneTraits<T>::width;
  std::uint64_t seed = 0;
  std::uint32_t chain[width] = {};
  std::uint32_t data_set[width] = {};
};

// One Philox block for every lane.
template <class T> struct LaneBlock {
  T uniform[2];   // in (0, 1), from the upper 52 bits of each half
  T bit;          // 0 or 1, from a bit that the uniforms do not use
};

// The four words of each lane's counter, then of its block: 32 bits each, in lanes of 64.
template <int width> struct LaneCounters {
  alignas(64) std::uint64_t word[4][width];
};

// Philox4x32-10 (lockstep/philox.hpp) on all lanes of a pack: the same bits, one vector multiplication for a word of all.
template <int width> inline void lane_philox(LaneCounters<width>& counters, std::uint64_t seed) {
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
  static_assert(width % step == 0);
  for (int l = 0; l < width; l += step) {
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
// One lane: the bare function, as on a device.
template <> inline void lane_philox<1>(LaneCounters<1>& counters, std::uint64_t seed) {
  Philox4 counter;
  for (int k = 0; k < 4; ++k) counter.v[k] = std::uint32_t(counters.word[k][0]);
  const Philox4 block = philox(counter, {{std::uint32_t(seed), std::uint32_t(seed >> 32)}});
  for (int k = 0; k < 4; ++k) counters.word[k][0] = block.v[k];
}

template <class T> inline LaneBlock<T> block_of(LaneCounters<LaneTraits<T>::width>& counters, std::uint64_t seed) {
  constexpr int width = LaneTraits<T>::width;
  constexpr double cell = 1.0 / 4503599627370496.0;  // 2^-52
  lane_philox<width>(counters, seed);
  alignas(64) double values[3][width];
  for (int l = 0; l < width; ++l) {
    const std::uint64_t first = counters.word[0][l] | (counters.word[1][l] << 32);
    const std::uint64_t second = counters.word[2][l] | (counters.word[3][l] << 32);
    values[0][l] = (double(std::int64_t(first >> 12)) + 0.5) * cell;
    values[1][l] = (double(std::int64_t(second >> 12)) + 0.5) * cell;
    values[2][l] = double(std::int64_t(first & 1));
  }
  return {{LaneTraits<T>::load(values[0]), LaneTraits<T>::load(values[1])}, LaneTraits<T>::load(values[2])};
}

inline std::uint64_t purpose_word(Purpose purpose, std::uint32_t data_set) {
  return std::uint64_t(purpose) | (std::uint64_t(data_set) << 8);
}

template <class T>
inline LaneBlock<T> lane_block(const LaneStreams<T>& streams, Purpose purpose, const T& draw, const T& block) {
  constexpr int width = LaneTraits<T>::width;
  alignas(64) double draws[width], blocks[width];
  LaneTraits<T>::store(draws, draw);
  LaneTraits<T>::store(blocks, block);
  LaneCounters<width> counters;
  for (int l = 0; l < width; ++l) {
    counters.word[0][l] = std::uint64_t(std::int64_t(blocks[l]));
    counters.word[1][l] = std::uint64_t(std::int64_t(draws[l]));
    counters.word[2][l] = streams.chain[l];
    counters.word[3][l] = purpose_word(purpose, streams.data_set[l]);
  }
  return block_of<T>(counters, streams.seed);
}

// Consecutive blocks of one lane's stream, from `first` on.
template <class T>
inline LaneBlock<T> consecutive_blocks(const LaneStreams<T>& streams, int lane, Purpose purpose, double draw, std::uint64_t first) {
  constexpr int width = LaneTraits<T>::width;
  LaneCounters<width> counters;
  for (int l = 0; l < width; ++l) {
    counters.word[0][l] = first + std::uint64_t(l);
    counters.word[1][l] = std::uint64_t(std::int64_t(draw));
    counters.word[2][l] = streams.chain[lane];
    counters.word[3][l] = purpose_word(purpose, streams.data_set[lane]);
  }
  return block_of<T>(counters, streams.seed);
}

// Two independent standard normals (Box & Muller 1958).
template <class T> struct NormalPair {
  T first, second;
};
template <class T> inline NormalPair<T> normal_pair(const LaneBlock<T>& block) {
  const T radius = sqrt(T(-2.) * log(block.uniform[0]));
  const T angle = T(6.283185307179586) * block.uniform[1];
  return {radius * cos(angle), radius * sin(angle)};
}

}  // namespace lockstep
