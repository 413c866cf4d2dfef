// What one launch on a device is given, whoever executes it: a GPU's thread blocks (kernels/cuda/) or threads of the host
// (kernels/emulated_device.hpp). Plain data: it crosses to the device as it is. What a launch does: kernels/device_tile.hpp.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/nuts.hpp"
#include "lockstep/gradient.hpp"

namespace lockstep {

// How the chains of one device are cut into teams: design §3. One team owns one tile of chains.
struct Geometry {
  int lanes = 32;              // chains of a team
  int slices = 1;              // threads that share a chain and split its observations
  bool resident = false;       // the moving point is kept in the team's own memory during a launch
  bool staged = false;         // linear predictors of all chains by matrix products (lockstep/staged.hpp)
};

// Nuts is compiled together with each model, and a launch makes many ticks: small models need that. The other machines are
// compiled once, and every tick takes three launches: half a step, the model's gradient, the other half. So do Nuts' staged runs.
template <class Kernel> constexpr bool fuses_with_models = std::is_same_v<Kernel, NutsKernel>;

// The arrays of a device's chains.
struct ChainArrays {
  int chains = 0, coordinates = 0;
  int scratch = 0;                          // elements per lane, for all slices
  Geometry geometry;
  SamplerSettings settings;                 // max_depth may be lower than `checkpoint_depth`
  int checkpoint_depth = 10;                // by which `vectors` is laid out
  int vectors_of_tile = 0;                  // arrays in it
  double* vectors = nullptr;                // [tile][array of the machine's][coordinate][lane]; first those of the moving point
  void* states = nullptr;                   // [chain]: the machine's
  double* scratch_memory = nullptr;         // [tile][element][lane]
  std::uint64_t seed = 0;
  std::uint32_t first_chain = 0;            // of all chains of the run
  std::int64_t data_sets = 1;

  LOCKSTEP_FN int tiles() const { return (chains + geometry.lanes - 1) / geometry.lanes; }
  // A tile's doubles in `vectors`.
  LOCKSTEP_FN std::int64_t tile_size() const { return std::int64_t(vectors_of_tile) * coordinates * geometry.lanes; }
  // Doubles of the moving point: position, momentum, and a gradient for each slice.
  LOCKSTEP_FN int resident_size() const { return geometry.resident ? (2 + geometry.slices) * coordinates * geometry.lanes : 0; }
};

// Ticks of a machine, or half a one.
struct TickLaunch {
  ChainArrays arrays;
  MetricView metric;
  const char* own_step = nullptr;           // per chain of this device
  double log_step = 0;
  double last = 0;                          // a chain rests when it has made this many draws in all
  int ticks = 0;                            // at most; queued together, if each takes launches of its own
  const double* log_density = nullptr;      // [chain], of the moving points: read by the second half of a tick
  // The ring that draws go to: [tile][row][element][lane]. Draw d is in row (d - first_draw) modulo rows.
  double* positions = nullptr;
  double* gradients = nullptr;              // null: not kept
  double* proposals = nullptr;              // null: not kept
  double* proposal_momenta = nullptr;
  double* statistics = nullptr;
  double first_draw = 0;
  int rows = 0;
  // Written at the end, per tile: the draws that its last chain has finished; the ticks that it made.
  double* least_draws = nullptr;
  double* ticks_made = nullptr;
};

// A model's gradient at the moving points, or a stage of it: three launches, and matrix products between them. Arrays are
// [element][chain], as wide as all tiles; sites lie one after the other.
struct GradientLaunch {
  ChainArrays arrays;
  double* log_density = nullptr;            // [chain]
  StagedArrays of_chain_0;
  double* pulled = nullptr;                 // [tile][slice][coordinate][lane]
};

// Chains have been put somewhere.
struct ArriveLaunch {
  ChainArrays arrays;
  const char* moved = nullptr;              // per chain: its `chosen` is a new position
  const double* log_density = nullptr;      // [chain], there
};

constexpr int most_team_sums = 8;
constexpr int largest_team = 512;  // threads; more leave machines too few registers

}  // namespace lockstep
