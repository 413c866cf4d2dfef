// The team by which the device's code is tested on the host.
#include "kernels/emulated_team.hpp"

#include <gtest/gtest.h>

#include "tests/message_of.hpp"

namespace lockstep {
namespace {

TEST(EmulatedTeam, HasEveryMemberOnceAndBarriersBetweenThem) {
  for (const auto& [lanes, slices] : {std::pair{1, 1}, {1, 2}, {3, 1}, {4, 5}}) {
    std::vector<int> seen(std::size_t(lanes * slices)), before(seen.size());
    int visits = 0;
    EmulatedTeam::run(lanes, slices, [&, slices = slices, all = int(seen.size())](const EmulatedTeam& team) {
      const std::size_t me = std::size_t(team.lane() * slices + team.slice());
      for (int phase = 1; phase <= 4; ++phase) {
        seen[me] = phase;
        team.barrier();
        for (int other : seen) before[me] += other == phase;   // all are there
        team.barrier();
      }
      const int sum = int(team.sum_slices(team.slice() + 1.));
      EXPECT_EQ(sum, slices * (slices + 1) / 2);
      EXPECT_TRUE(team.any(me == std::size_t(all - 1)));
      EXPECT_FALSE(team.any(false));
    });
    for (int count : before) visits += count;
    EXPECT_EQ(visits, 4 * lanes * slices * lanes * slices);
  }
}

#ifndef LOCKSTEP_TEAMS_OF_THREADS
// Whichever member reads what another one has yet to write: turns go both ways.
TEST(EmulatedTeam, AMissingBarrierShows) {
  for (const int reader : {0, 1}) {
    int written = 0, seen_in_time = 0;
    EmulatedTeam::run(1, 2, [&](const EmulatedTeam& team) {
      for (int phase = 1; phase <= 4; ++phase) {
        if (team.slice() != reader) written = phase;
        else seen_in_time += written == phase;
        team.barrier();
      }
    });
    EXPECT_EQ(seen_in_time, 2) << reader;
  }
}

TEST(EmulatedTeam, WhatAMemberThrowsIsThrownAndDifferentNumbersOfBarriersAreAMistake) {
  const auto message = [](const auto& body) { return message_of([&] { EmulatedTeam::run(1, 3, body); }); };
  EXPECT_EQ(message([](const EmulatedTeam& team) {
              team.barrier();
              if (team.slice() == 1) throw std::runtime_error("of member 1");
              team.barrier();
            }), "of member 1");
  EXPECT_EQ(message([](const EmulatedTeam& team) {
              team.barrier();
              if (team.slice() < 2) team.barrier();
            }), "members of a team come to different numbers of barriers");
}
#endif

}  // namespace
}  // namespace lockstep
