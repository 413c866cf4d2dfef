#include "kernels/geometry.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace lockstep {

namespace {

constexpr int widest_team = 32, narrowest_team = 4;
constexpr int teams_per_multiprocessor = 2;
constexpr int elements_per_slice = 4;
constexpr int most_team_threads = 256;
constexpr int threads_per_multiprocessor = 1024;       // more only add to the sums over slices
// A matrix product earns its extra launches with large matrices and many chains. Not measured yet: to be set by bench/gpu.
constexpr std::int64_t least_staged_products = 1 << 18;
constexpr int least_staged_chains = 64;
constexpr double most_staged_memory = 0.5;             // of what is free
constexpr std::size_t most_resident_bytes = 48 << 10;  // what a team gets without asking, and four fit a multiprocessor

}  // namespace

std::size_t team_bytes(const Geometry& g, int coordinates) {
  const std::size_t lanes = std::size_t(g.lanes), slices = std::size_t(g.slices);
  const std::size_t resident = g.resident ? (2 + slices) * std::size_t(coordinates) * lanes : 0;
  return (lanes * slices * most_team_sums + resident) * sizeof(double);
}

Geometry choose_geometry(const DeviceInfo& device, const KernelResources& kernel, int chains, const GeometryNeeds& needs) {
  Geometry chosen;
  chosen.lanes = widest_team;
  const auto teams = [&] { return (chains + chosen.lanes - 1) / chosen.lanes; };
  while (chosen.lanes > narrowest_team && teams() < teams_per_multiprocessor * device.multiprocessors) chosen.lanes /= 2;
  const auto fits = [&](int slices) {
    return slices <= needs.elements / elements_per_slice && chosen.lanes * slices <= std::min(most_team_threads, kernel.most_threads) &&
           std::int64_t(chains) * slices <= std::int64_t(device.multiprocessors) * threads_per_multiprocessor;
  };
  while (fits(2 * chosen.slices)) chosen.slices *= 2;
  const double staged_bytes = 2. * double(needs.predictors) * (chains + chosen.lanes) * sizeof(double);
  chosen.staged = needs.products >= least_staged_products && chains >= least_staged_chains &&
                  staged_bytes <= most_staged_memory * double(device.free_memory);
  if (chosen.staged || !needs.fused) return chosen;
  chosen.resident = true;
  chosen.resident = team_bytes(chosen, needs.coordinates) <= std::min(most_resident_bytes, device.team_memory);
  return chosen;
}

std::string geometry_text(const Geometry& geometry) {
  return std::to_string(geometry.lanes) + "x" + std::to_string(geometry.slices) + (geometry.resident ? "r" : "") + (geometry.staged ? "g" : "");
}

Geometry parse_geometry(const std::string& text) {
  Geometry geometry;
  const char *at = text.data(), *end = text.data() + text.size();
  const auto number = [&](int& value) {
    const auto [after, error] = std::from_chars(at, end, value);
    const bool ok = error == std::errc() && value >= 1 && value <= 1024;
    at = after;
    return ok;
  };
  bool ok = number(geometry.lanes) && at != end && *at++ == 'x' && number(geometry.slices);
  if (ok && at != end && (*at == 'r' || *at == 'g')) (*at == 'r' ? geometry.resident : geometry.staged) = true, ++at;
  if (!ok || at != end)
    throw std::invalid_argument("'" + text + "' is no geometry (chains of a team x threads of a chain, as 32x4; then r, if what moves is to "
                                "be kept in the team's own memory, or g, if linear predictors are to be matrix products). Write one so, or auto.");
  return geometry;
}

void require_fits(const Geometry& geometry, const DeviceInfo& device, const KernelResources& kernel, int coordinates) {
  const auto refuse = [&](const std::string& why) {
    throw DeviceError("geometry " + geometry_text(geometry) + " does not fit " + device.name + " (" + why + "). Use a smaller one, or auto.");
  };
  const int threads = geometry.lanes * geometry.slices;
  if (threads > kernel.most_threads)
    refuse("a team has " + std::to_string(threads) + " threads, and this model's kernel takes " + std::to_string(kernel.most_threads));
  const std::size_t bytes = team_bytes(geometry, coordinates);
  if (bytes > device.team_memory)
    refuse("a team needs " + std::to_string(bytes) + " bytes of its own, and there are " + std::to_string(device.team_memory));
}

}  // namespace lockstep
