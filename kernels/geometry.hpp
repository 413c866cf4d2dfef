// How chains are cut into a device's teams (design §3). The choice depends on shapes alone, so a run can be repeated; it
// may be forced, and is recorded with the results.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/device.hpp"

namespace lockstep {

// What a model is, as far as that decides.
struct GeometryNeeds {
  int coordinates = 0;
  std::int64_t elements = 0;      // observations that the slices of a chain may share
  std::int64_t predictors = 0;    // rows of all design matrices
  std::int64_t products = 0;      // and their elements
  bool fused = true;              // a launch makes many ticks (fuses_with_models)
};

// For `chains` chains on one device.
Geometry choose_geometry(const DeviceInfo& device, const KernelResources& kernel, int chains, const GeometryNeeds& needs);

// Bytes that a team has of its own: what its sums go through, and the moving point if that is resident.
std::size_t team_bytes(const Geometry& geometry, int coordinates);

// "32x4", "32x4r" with a resident moving point, "32x4g" staged. Throws std::invalid_argument for what is no geometry.
std::string geometry_text(const Geometry& geometry);
Geometry parse_geometry(const std::string& text);

// Throws DeviceError if the device cannot run it.
void require_fits(const Geometry& geometry, const DeviceInfo& device, const KernelResources& kernel, int coordinates);

}  // namespace lockstep
