// A model's graph, for people to look at.
#pragma once

#include <string>

#include "host/host_model.hpp"

namespace lockstep {

// In Graphviz's language: sites, what was done, and the fields that they read; a frame for the dimensions of a site.
std::string graph_in_dot(const HostModel& model, const std::string& name);

}  // namespace lockstep
