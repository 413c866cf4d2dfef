// Groups of a fit that are simulated draw by draw: priors and predictions.
#pragma once

#include <functional>

#include "host/host_model.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

// A group with variables of the sites that are wanted, with room for the draws of all chains.
Group room_for_draws(const HostModel& model, const char* name, std::size_t draws, const std::function<bool(const SiteView&)>& wanted);

// Puts a draw of the group's sites in its place. `values`: those of all observed sites, or of all others, one after the other.
void put_draw(const HostModel& model, bool observed, Group& group, std::size_t draw, const double* values);

}  // namespace lockstep
