// Where chains start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/host_model.hpp"

namespace lockstep {

// Starting points: uniform on (-2, 2) in every unconstrained coordinate, tried until log density and gradient are finite.
class Starts {
 public:
  Starts(const HostModel& model, std::uint64_t seed) : model_(model), seed_(seed) {}

  // Start number `which`; different numbers give independent points. Throws SampleError, naming the site and the
  // observation that are impossible, if none is found.
  std::vector<double> operator()(std::uint32_t which) const;

 private:
  std::string culprit(const std::vector<double>& position) const;

  const HostModel& model_;
  std::uint64_t seed_;
};

}  // namespace lockstep
