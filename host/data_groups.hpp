// The data of a model as groups of a fit.
#pragma once

#include <vector>

#include "host/host_model.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

// observed_data, what the observed sites are given, and constant_data: sites that were done, and all other fields; those of them
// that have variables. `dimensions`: the fit's, whose names no variable may have.
std::vector<Group> data_groups(const HostModel& model, const std::vector<Dimension>& dimensions);

}  // namespace lockstep
