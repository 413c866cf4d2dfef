// Philox4x32-10 against the known answers that its authors publish with it (Random123, kat_vectors).
#include "lockstep/philox.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>

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

}  // namespace
}  // namespace lockstep
