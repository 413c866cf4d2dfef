// Philox4x32-10 against the known answers that its authors publish with it (Random123, kat_vectors), and against cuRAND's.
#include "lockstep/philox.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>

#include "lockstep/random.hpp"

#if __has_include(<curand_philox4x32_x.h>)
#define LOCKSTEP_HAS_CURAND_PHILOX 1
#include <vector_types.h>
#define QUALIFIERS static inline  // for the host
#include <curand_philox4x32_x.h>
#endif

namespace lockstep {
namespace {

struct KnownAnswer {
  Philox4 counter;
  PhiloxKey key;
  Philox4 result;
};

// Counter and key of zeros, of ones, and of the hexadecimal digits of pi.
constexpr KnownAnswer known_answers[] = {
    {{{0, 0, 0, 0}}, {{0, 0}}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
    {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
     {{0xffffffff, 0xffffffff}},
     {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
    {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
     {{0xa4093822, 0x299f31d0}},
     {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
};

constexpr bool equal(const Philox4& a, const Philox4& b) {
  return a.v[0] == b.v[0] && a.v[1] == b.v[1] && a.v[2] == b.v[2] && a.v[3] == b.v[3];
}

constexpr bool reproduces(const KnownAnswer& known) { return equal(philox(known.counter, known.key), known.result); }

TEST(Philox, ReproducesTheKnownAnswersWhenCompiledAndWhenRun) {
  static_assert(reproduces(known_answers[0]) && reproduces(known_answers[1]) && reproduces(known_answers[2]));
  for (volatile int i = 0; i < 3; i = i + 1) EXPECT_TRUE(reproduces(known_answers[i])) << i;
}

// Flipping any one bit of counter or key flips about half of the 128 output bits: 64 +- 34 is six standard deviations.
TEST(Philox, EveryInputBitReachesTheWholeOutput) {
  const KnownAnswer& start = known_answers[2];
  for (int bit = 0; bit < 192; ++bit) {
    KnownAnswer changed = start;
    std::uint32_t& word = bit < 128 ? changed.counter.v[bit / 32] : changed.key.v[(bit - 128) / 32];
    word ^= 1u << (bit % 32);
    const Philox4 result = philox(changed.counter, changed.key);
    int flipped = 0;
    for (int i = 0; i < 4; ++i) flipped += std::popcount(result.v[i] ^ start.result.v[i]);
    EXPECT_GT(flipped, 30) << "input bit " << bit;
    EXPECT_LT(flipped, 98) << "input bit " << bit;
  }
}

// cuRAND's header is what a GPU would be given; tests/gpu/ compares the two there.
TEST(Philox, IsCurands) {
#ifdef LOCKSTEP_HAS_CURAND_PHILOX
  Stream words({.seed = 20250304});
  for (int i = 0; i < 10000; ++i) {
    Philox4 counter;
    PhiloxKey key;
    for (std::uint32_t& word : counter.v) word = words.bits32();
    for (std::uint32_t& word : key.v) word = words.bits32();
    const uint4 theirs = curand_Philox4x32_10({counter.v[0], counter.v[1], counter.v[2], counter.v[3]}, {key.v[0], key.v[1]});
    ASSERT_TRUE(equal(philox(counter, key), {{theirs.x, theirs.y, theirs.z, theirs.w}})) << "input " << i;
  }
#else
  GTEST_SKIP() << "skipped: cuRAND's header is not installed";
#endif
}

}  // namespace
}  // namespace lockstep
