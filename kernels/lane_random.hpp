// Random numbers for the lanes of a sampler: the streams of lockstep/random.hpp, a block for every lane at once.
//
// A lane's numbers are a function of (seed, data set, chain, draw, purpose) and the block number alone, so they do not
// depend on which lane or thread runs the chain.
#pragma once

#include <cstdint>

#include "lockstep/lanes.hpp"
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

// Philox4x32-10 (lockstep/philox.hpp) of every lane's counter. A pack's is in kernels/pack_team.hpp.
template <int width> void lane_philox(LaneCounters<width>& counters, std::uint64_t seed);
// One lane: the bare function, as on a device.
template <> LOCKSTEP_FN inline void lane_philox<1>(LaneCounters<1>& counters, std::uint64_t seed) {
  Philox4 counter;
  for (int k = 0; k < 4; ++k) counter.v[k] = std::uint32_t(counters.word[k][0]);
  const Philox4 block = philox(counter, {{std::uint32_t(seed), std::uint32_t(seed >> 32)}});
  for (int k = 0; k < 4; ++k) counters.word[k][0] = block.v[k];
}

template <class T> LOCKSTEP_FN inline LaneBlock<T> block_of(LaneCounters<LaneTraits<T>::width>& counters, std::uint64_t seed) {
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

LOCKSTEP_FN inline std::uint64_t purpose_word(Purpose purpose, std::uint32_t data_set) {
  return std::uint64_t(purpose) | (std::uint64_t(data_set) << 8);
}

template <class T>
LOCKSTEP_FN inline LaneBlock<T> lane_block(const LaneStreams<T>& streams, Purpose purpose, const T& draw, const T& block) {
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
LOCKSTEP_FN inline LaneBlock<T> consecutive_blocks(const LaneStreams<T>& streams, int lane, Purpose purpose, double draw, std::uint64_t first) {
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
// One copy of the code for all callers: another might be compiled to round differently, and a chain's momentum would depend on
// which lanes start with it.
template <class T>
#if !defined(__CUDACC__)
[[gnu::noinline]]
#endif
LOCKSTEP_FN inline NormalPair<T> normal_pair(const LaneBlock<T>& block) {
  const T radius = sqrt(T(-2.) * log(block.uniform[0]));
  const SineCosine<T> angle = sine_cosine_pi(T(2. * block.uniform[1]));
  return {radius * angle.cosine, radius * angle.sine};
}

}  // namespace lockstep
