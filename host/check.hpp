// What can be found out about a model and its data at one point, before any sampling.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/host_model.hpp"

namespace lockstep {

struct SiteReport {
  std::string name, kind, shape, support;      // shape: "", "house 919", "house 919 x column 2"
  std::optional<double> log_density;           // of data, and of parameters by their prior, without Jacobian
};

// How far a gradient is from one that was computed in another way.
struct Agreement {
  bool agrees = true;
  int compared = 0;                  // coordinates
  std::string worst;                 // coordinate: "'z' at element 3"
  double value = 0, other = 0;       // there
};

struct CheckReport {
  int coordinates = 0;
  std::vector<SiteReport> sites;
  double log_jacobian = 0, log_density = 0;
  std::optional<Agreement> lanes;              // SIMD lanes against plain doubles; none where the log density is not finite
  std::optional<Agreement> differences;        // plain doubles against differences of the log density
  std::vector<std::string> problems;           // each a sentence in the form of an error; none: all is well
};

CheckReport check(const HostModel& model, const std::vector<double>& position);

}  // namespace lockstep
