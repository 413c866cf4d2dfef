// Fits whose draws and statistics are the same, bit for bit.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "lockstep/fit.hpp"

namespace lockstep {

inline bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

// All but the attributes, which say when it was and how long it took.
inline void expect_same(const Fit& a, const Fit& b) {
  EXPECT_EQ(a.chains, b.chains);
  EXPECT_EQ(a.draws, b.draws);
  EXPECT_EQ(a.superchain, b.superchain);
  ASSERT_EQ(a.groups.size(), b.groups.size());
  for (const Group& group : a.groups) {
    const Group& other = b.group(group.name);
    EXPECT_EQ(group.draw_numbers, other.draw_numbers) << group.name;
    ASSERT_EQ(group.variables.size(), other.variables.size()) << group.name;
    for (std::size_t v = 0; v < group.variables.size(); ++v) {
      EXPECT_EQ(group.variables[v].name, other.variables[v].name);
      EXPECT_EQ(group.variables[v].dims, other.variables[v].dims);
      EXPECT_TRUE(same_bits(group.variables[v].values, other.variables[v].values))
          << group.name << "/" << group.variables[v].name;
    }
  }
}

}  // namespace lockstep
