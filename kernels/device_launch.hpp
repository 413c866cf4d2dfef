// What one launch on a device does, whoever executes it: a GPU's thread blocks (kernels/cuda/model_kernels.cuh) or threads
// of the host (kernels/emulated/). One team owns one tile of chains.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/nuts.hpp"
#include "lockstep/gradient.hpp"

namespace lockstep {

// How the chains of one device are cut into teams: design §3.
struct Geometry {
  int lanes = 32;              // chains of a team
  int slices = 1;              // threads that share a chain and split its observations
  bool resident = false;       // the moving point is kept in the team's own memory during a launch
  bool staged = false;         // linear predictors of all chains by matrix products (lockstep/staged.hpp)
};

// The arrays of a device's chains and what a launch is to do with them. Plain data: it crosses to the device as it is.
struct ChainArrays {
  int chains = 0, coordinates = 0;
  int scratch = 0;                          // elements per lane, for all slices
  Geometry geometry;
  NutsSettings settings;                    // max_depth may be lower than `checkpoint_depth`
  int checkpoint_depth = 10;                // by which `vectors` is laid out
  double* vectors = nullptr;                // [tile][array of NutsVectors][coordinate][lane]
  NutsState<double>* states = nullptr;      // [chain]
  double* scratch_memory = nullptr;         // [tile][element][lane]
  std::uint64_t seed = 0;
  std::uint32_t first_chain = 0;            // of all chains of the run
  std::int64_t data_sets = 1;

  LOCKSTEP_FN int tiles() const { return (chains + geometry.lanes - 1) / geometry.lanes; }
  // A tile's doubles in `vectors`.
  LOCKSTEP_FN std::int64_t tile_size() const {
    return std::int64_t(NutsVectors<double>::arrays(checkpoint_depth, geometry.slices)) * coordinates * geometry.lanes;
  }
  // Doubles of the moving point: position, momentum, and a gradient for each slice.
  LOCKSTEP_FN int resident_size() const { return geometry.resident ? (2 + geometry.slices) * coordinates * geometry.lanes : 0; }
};

struct TickLaunch {
  ChainArrays arrays;
  MetricView metric;
  const char* own_step = nullptr;           // per chain of this device
  double log_step = 0;
  double last = 0;                          // a chain rests when it has made this many draws in all
  int ticks = 0;                            // at most
  // The ring that draws go to: [tile][row][element][lane]. Draw d is in row (d - first_draw) modulo rows.
  double* positions = nullptr;
  double* gradients = nullptr;              // null: not kept
  double* statistics = nullptr;
  double first_draw = 0;
  int rows = 0;
  // Written at the end, per tile: the draws that its last chain has finished; the ticks that it made.
  double* least_draws = nullptr;
  double* ticks_made = nullptr;
};

// One tick of a staged run takes three launches and the products between them. Arrays are [element][chain], as wide as all
// tiles; sites lie one after the other.
struct StagedLaunch {
  TickLaunch tick;                          // `ticks`: how many such ticks are queued together
  StagedArrays of_chain_0;
  double* log_density = nullptr;            // [chain]
  double* pulled = nullptr;                 // [tile][slice][coordinate][lane]
};

struct ArriveLaunch {
  ChainArrays arrays;
  const char* moved = nullptr;              // per chain: its `chosen` is a new position
};

constexpr int most_team_sums = 8;

// The sampler of one lane of one tile. `resident`: the team's own memory, of arrays.resident_size() doubles. `T`: what the model
// computes with, double or Single; the sampler computes with doubles.
template <class Model, class Team, class T = double> class DeviceTile {
 public:
  LOCKSTEP_FN DeviceTile(const Team& team, const Model& model, const ChainArrays& arrays, int tile, double* resident)
      : team_(team), model_(model), arrays_(arrays), tile_(tile), chain_(tile * arrays.geometry.lanes + team.lane()),
        vectors_(arrays.vectors + tile * arrays.tile_size() + team.lane(), arrays.geometry.lanes, arrays.coordinates,
                 arrays.checkpoint_depth, arrays.geometry.slices),
        kept_(vectors_.moving) {
    if (!arrays.geometry.resident) return;
    const LaneArray<double> own{resident + team.lane(), arrays.geometry.lanes};
    vectors_.moving = {own, own.from(arrays.coordinates), own.from(2 * arrays.coordinates)};
  }

  LOCKSTEP_FN void advance(const TickLaunch& launch) {
    move(kept_, vectors_.moving);
    int ticks = 0;
    on_sampler(launch, [&](auto& nuts, NutsState<double>& state) {
      nuts.advance(state, launch.last, launch.log_step, has_own_step(launch), [&] { return ticks++ < launch.ticks; });
    });
    move(vectors_.moving, kept_);
    report(launch, ticks < launch.ticks ? ticks : launch.ticks);
  }

  // ---- the three launches of a staged tick ----
  LOCKSTEP_FN void leap(const StagedLaunch& launch) {
    on_sampler(launch.tick, [&](auto& nuts, NutsState<double>& state) {
      nuts.leap(state, launch.tick.last, launch.tick.log_step, has_own_step(launch.tick));
    });
    run<Stage::arguments>(launch, vectors_.moving.gradient);
  }
  LOCKSTEP_FN void weigh(const StagedLaunch& launch) {
    const double log_density = run<Stage::density>(launch, vectors_.moving.gradient);
    if (team_.slice() == 0) launch.log_density[chain_] = log_density;
  }
  LOCKSTEP_FN void land(const StagedLaunch& launch) {
    const int n = arrays_.coordinates, lanes = arrays_.geometry.lanes;
    const LaneArray<double> pulled{launch.pulled + std::int64_t(tile_) * arrays_.geometry.slices * n * lanes + team_.lane(), lanes};
    run<Stage::pull>(launch, pulled);
    team_.each(n, [&](int i) { vectors_.moving.gradient.add(i, pulled.load(i)); });
    team_.barrier();
    on_sampler(launch.tick, [&](auto& nuts, NutsState<double>& state) {
      nuts.land(state, launch.tick.last, launch.tick.log_step, has_own_step(launch.tick), launch.log_density[chain_]);
    });
    report(launch.tick, launch.tick.ticks);
  }

  // Evaluates the density where chains have just been put.
  LOCKSTEP_FN void arrive(const ArriveLaunch& launch) {
    with_sampler({}, {}, [&](auto& nuts, NutsState<double>& state) { nuts.arrive(state, has_chain() && launch.moved[chain_] != 0); });
    move(vectors_.moving, kept_);
  }

 private:
  LOCKSTEP_FN bool has_chain() const { return chain_ < arrays_.chains; }
  LOCKSTEP_FN bool has_own_step(const TickLaunch& launch) const { return has_chain() && launch.own_step[chain_] != 0; }
  // A lane without a chain computes the last one's, idly: it has made all draws that there will ever be.
  LOCKSTEP_FN NutsState<double> load_state() const {
    if (has_chain()) return arrays_.states[chain_];
    NutsState<double> idle;
    idle.draw = HUGE_VAL;
    return idle;
  }
  LOCKSTEP_FN void store_state(const NutsState<double>& state) const {
    if (has_chain() && team_.slice() == 0) arrays_.states[chain_] = state;
  }

  LOCKSTEP_FN Workspace workspace(const LaneArray<double>& position, const LaneArray<double>& gradient) const {
    const int lanes = arrays_.geometry.lanes;
    double* scratch = arrays_.scratch_memory + std::int64_t(tile_) * arrays_.scratch * lanes + team_.lane();
    return {position.base, gradient.base, scratch, nullptr, lanes};
  }

  // use(sampler, state): loads the state, stores what has become of it.
  template <class F> LOCKSTEP_FN void with_sampler(const MetricView& metric, const DrawBuffer& out, const F& use) {
    const auto gradient = [&](const LaneArray<double>& position, const LaneArray<double>& out_gradient) {
      const double log_density = log_density_gradient<T, false>(model_, team_, workspace(position, out_gradient), arrays_.coordinates);
      team_.barrier();  // the sum is read by the owners of its elements, and by all at the next start
      return log_density;
    };
    LaneStreams<double> streams;
    streams.seed = arrays_.seed;
    streams.chain[0] = arrays_.first_chain + std::uint32_t(chain_);
    streams.data_set[0] = std::uint32_t(streams.chain[0] % arrays_.data_sets);
    Nuts<double, Team, decltype(gradient)> nuts(team_, arrays_.coordinates, vectors_, metric, arrays_.settings, streams, out, gradient);
    NutsState<double> state = load_state();
    use(nuts, state);
    store_state(state);
  }
  template <class F> LOCKSTEP_FN void on_sampler(const TickLaunch& launch, const F& use) {
    const std::int64_t row = std::int64_t(tile_) * launch.rows * arrays_.geometry.lanes;
    const DrawBuffer out{launch.positions + row * arrays_.coordinates + team_.lane(),
                         launch.gradients ? launch.gradients + row * arrays_.coordinates + team_.lane() : nullptr,
                         launch.statistics + row * draw_statistics + team_.lane(), launch.first_draw, double(launch.rows)};
    with_sampler(launch.metric, out, use);
  }

  // One run of a staged gradient, at the moving point.
  template <Stage stage> LOCKSTEP_FN double run(const StagedLaunch& launch, const LaneArray<double>& gradient) const {
    team_.barrier();
    Workspace own = workspace(vectors_.moving.position, gradient);
    const auto mine = [&](void* array) { return static_cast<StoredFor<T>*>(array) + chain_; };
    const StagedArrays& all = launch.of_chain_0;
    own.staged = {mine(all.coefficients), mine(all.coefficient_adjoints), mine(all.predictors), mine(all.predictor_adjoints), all.stride};
    const double log_density = log_density_gradient<T, false, stage>(model_, team_, own, arrays_.coordinates);
    team_.barrier();
    return log_density;
  }

  // How far this tile has come.
  LOCKSTEP_FN void report(const TickLaunch& launch, int ticks) const {
    team_.barrier();  // the states are read below
    if (team_.lane() != 0 || team_.slice() != 0) return;
    double least = arrays_.states[chain_].draw;
    for (int l = 1; l < arrays_.geometry.lanes && chain_ + l < arrays_.chains; ++l) {
      const double draw = arrays_.states[chain_ + l].draw;
      if (draw < least) least = draw;
    }
    launch.least_draws[tile_] = least;
    launch.ticks_made[tile_] = ticks;
  }

  LOCKSTEP_FN void move(const PhasePoint<double>& from, const PhasePoint<double>& to) const {
    if (!arrays_.geometry.resident) return;
    team_.barrier();
    team_.each(arrays_.coordinates, [&](int i) {
      to.position.store(i, from.position.load(i));
      to.momentum.store(i, from.momentum.load(i));
      to.gradient.store(i, from.gradient.load(i));  // of slice 0: the sum
    });
    team_.barrier();
  }

  const Team& team_;
  const Model& model_;
  const ChainArrays& arrays_;
  const int tile_, chain_;
  NutsVectors<double> vectors_;
  const PhasePoint<double> kept_;  // the moving point between launches
};

}  // namespace lockstep
