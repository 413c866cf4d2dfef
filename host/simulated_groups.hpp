// Groups of a fit that are simulated draw by draw: priors and predictions.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "host/host_model.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

// A group with variables of the sites that are wanted, with room for the draws of all chains.
Group room_for_draws(const HostModel& model, const char* name, std::size_t draws, const std::function<bool(const SiteView&)>& wanted);

// Puts draw `draw` of the group's sites in its place. `values`: those of all observed sites, or of all others, one after the other.
void put_draw(const HostModel& model, bool observed, Group& group, std::size_t draw, const double* values);

// Draws parameters and simulates what is observed, one draw after the other: for one thread.
class Simulation {
 public:
  Simulation(const HostModel& model, std::uint64_t seed);
  // Puts draw `draw` of chain `chain` into the groups: the parameters and what is computed into `sites`, what is observed into
  // `observed` (it may be the same group), as far as they have such variables, as their draw `place`. `values`: of the parameters,
  // one after the other, where those that are NaN are drawn from their priors; null: all are.
  void run(std::size_t chain, std::size_t draw, const double* values, std::size_t place, Group& sites, Group& observed);

 private:
  const HostModel& model_;
  std::uint64_t seed_;
  std::vector<double> position_, sites_, observed_;
};

}  // namespace lockstep
