// Random numbers for the lanes of a sampler: the streams of lockstep/random.hpp, a block for every lane at once.
//
// A lane's numbers are a function of (seed, data set, chain, draw, purpose) and the block number alone, so they do not
// depend on which lane or thread runs the chain.
#pragma once

#include <cstdint>

#include "kernels/pack.hpp"
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

template <class T>
inline LaneBlock<T> lane_block(const LaneStreams<T>& streams, Purpose purpose, const T& draw, const T& block) {
  constexpr int width = LaneTraits<T>::width;
  alignas(64) double draws[width], blocks[width], u0[width], u1[width], bits[width];
  LaneTraits<T>::store(draws, draw);
  LaneTraits<T>::store(blocks, block);
  const std::uint32_t key0 = std::uint32_t(streams.seed), key1 = std::uint32_t(streams.seed >> 32);
  // The rounds run over arrays of lanes, so that the compiler makes vector multiplications of them.
  alignas(64) std::uint32_t c0[width], c1[width], c2[width], c3[width];
  for (int l = 0; l < width; ++l) {
    c0[l] = std::uint32_t(std::int64_t(blocks[l]));
    c1[l] = std::uint32_t(std::int64_t(draws[l]));
    c2[l] = streams.chain[l];
    c3[l] = std::uint32_t(purpose) | (streams.data_set[l] << 8);
  }
  std::uint32_t k0 = key0, k1 = key1;
  for (int round = 0; round < 10; ++round) {
    for (int l = 0; l < width; ++l) {
      const std::uint64_t first = std::uint64_t(c0[l]) * 0xD2511F53u, second = std::uint64_t(c2[l]) * 0xCD9E8D57u;
      c0[l] = std::uint32_t(second >> 32) ^ c1[l] ^ k0;
      c1[l] = std::uint32_t(second);
      c2[l] = std::uint32_t(first >> 32) ^ c3[l] ^ k1;
      c3[l] = std::uint32_t(first);
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int l = 0; l < width; ++l) {
    constexpr double cell = 1.0 / 4503599627370496.0;  // 2^-52
    const std::uint64_t first = c0[l] | (std::uint64_t(c1[l]) << 32), second = c2[l] | (std::uint64_t(c3[l]) << 32);
    u0[l] = (double(std::int64_t(first >> 12)) + 0.5) * cell;
    u1[l] = (double(std::int64_t(second >> 12)) + 0.5) * cell;
    bits[l] = double(std::int64_t(first & 1));
  }
  return {{LaneTraits<T>::load(u0), LaneTraits<T>::load(u1)}, LaneTraits<T>::load(bits)};
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
