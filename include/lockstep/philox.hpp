// Philox4x32-10, a counter-based random function: a bijection of 128-bit counters for every 64-bit key.
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011).
// It has no state: equal counters and keys give equal bits on every machine, in any order.
#pragma once

#include <cstdint>

#include "lockstep/macros.hpp"

namespace lockstep {

struct Philox4 {
  std::uint32_t v[4];
};

struct PhiloxKey {
  std::uint32_t v[2];
};

// One round: two 32 x 32 -> 64 bit products; the multipliers are the paper's.
LOCKSTEP_FN constexpr Philox4 philox_round(Philox4 counter, PhiloxKey key) {
  const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter.v[0];
  const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter.v[2];
  return {{static_cast<std::uint32_t>(product1 >> 32) ^ counter.v[1] ^ key.v[0], static_cast<std::uint32_t>(product1),
           static_cast<std::uint32_t>(product0 >> 32) ^ counter.v[3] ^ key.v[1], static_cast<std::uint32_t>(product0)}};
}

// Ten rounds. Between rounds the key is advanced by the paper's Weyl constants (golden ratio; sqrt(3) - 1).
LOCKSTEP_FN constexpr Philox4 philox(Philox4 counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    counter = philox_round(counter, key);
    key.v[0] += 0x9E3779B9u;
    key.v[1] += 0xBB67AE85u;
  }
  return counter;
}

}  // namespace lockstep
