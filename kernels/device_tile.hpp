// What one launch on a device does, for one lane of one tile: a machine's ticks, a model's gradient, or both in one.
#pragma once

#include "kernels/device_launch.hpp"

namespace lockstep {

// Which lane of which tile.
template <class Team> struct TilePlace {
  const Team& team;
  const ChainArrays& arrays;
  int tile;

  LOCKSTEP_FN int chain() const { return tile * arrays.geometry.lanes + team.lane(); }
  // A lane without a chain computes the last one's, idly.
  LOCKSTEP_FN bool has_chain() const { return chain() < arrays.chains; }
  LOCKSTEP_FN double* vectors() const { return arrays.vectors + tile * arrays.tile_size() + team.lane(); }
  LOCKSTEP_FN PhasePoint<double> point_at(double* memory) const {
    const LaneArray<double> first{memory, arrays.geometry.lanes};
    return {first, first.from(arrays.coordinates), first.from(2 * arrays.coordinates)};
  }
  LOCKSTEP_FN PhasePoint<double> moving() const { return point_at(vectors()); }
};

// The model's part. `T`: what it computes with, double or Single; samplers compute with doubles.
template <class Model, class Team, class T = double> class ModelTile {
 public:
  LOCKSTEP_FN ModelTile(const TilePlace<Team>& at, const Model& model) : at_(at), model_(model) {}

  // Log density; its gradient is the sum in slice 0's part of `gradient`.
  LOCKSTEP_FN double operator()(const LaneArray<double>& position, const LaneArray<double>& gradient) const {
    const double log_density = log_density_gradient<T, false>(model_, at_.team, workspace(position, gradient), at_.arrays.coordinates);
    at_.team.barrier();  // the sum is read by the owners of its elements, and by all at the next start
    return log_density;
  }

  // ---- launches ----
  LOCKSTEP_FN void gradient(const GradientLaunch& launch) const {
    const PhasePoint<double> moving = at_.moving();
    write(launch, (*this)(moving.position, moving.gradient));
  }
  LOCKSTEP_FN void arguments(const GradientLaunch& launch) const { stage<Stage::arguments>(launch, at_.moving().gradient); }
  LOCKSTEP_FN void density(const GradientLaunch& launch) const {
    write(launch, stage<Stage::density>(launch, at_.moving().gradient));
  }
  LOCKSTEP_FN void pull(const GradientLaunch& launch) const {
    const int n = at_.arrays.coordinates, lanes = at_.arrays.geometry.lanes;
    const LaneArray<double> gradient = at_.moving().gradient;
    const LaneArray<double> pulled{launch.pulled + std::int64_t(at_.tile) * at_.arrays.geometry.slices * n * lanes + at_.team.lane(), lanes};
    stage<Stage::pull>(launch, pulled);
    at_.team.each(n, [&](int i) { gradient.add(i, pulled.load(i)); });
  }

 private:
  LOCKSTEP_FN void write(const GradientLaunch& launch, double log_density) const {
    if (at_.team.slice() == 0) launch.log_density[at_.chain()] = log_density;
  }
  LOCKSTEP_FN Workspace workspace(const LaneArray<double>& position, const LaneArray<double>& gradient) const {
    const int lanes = at_.arrays.geometry.lanes;
    double* scratch = at_.arrays.scratch_memory + std::int64_t(at_.tile) * at_.arrays.scratch * lanes + at_.team.lane();
    return {position.base, gradient.base, scratch, nullptr, lanes};
  }
  // One run of a staged gradient, at the moving point.
  template <Stage which> LOCKSTEP_FN double stage(const GradientLaunch& launch, const LaneArray<double>& gradient) const {
    Workspace own = workspace(at_.moving().position, gradient);
    const auto mine = [&](void* array) { return static_cast<StoredFor<T>*>(array) + at_.chain(); };
    const StagedArrays& all = launch.of_chain_0;
    own.staged = {mine(all.coefficients), mine(all.coefficient_adjoints), mine(all.predictors), mine(all.predictor_adjoints), all.stride};
    const double log_density = log_density_gradient<T, false, which>(model_, at_.team, own, at_.arrays.coordinates);
    at_.team.barrier();
    return log_density;
  }

  const TilePlace<Team> at_;
  const Model& model_;
};

// The machine's part.
template <class Kernel, class Team> class MachineTile {
  using State = typename Kernel::template State<double>;
  using Vectors = typename Kernel::template Vectors<double>;

 public:
  LOCKSTEP_FN explicit MachineTile(const TilePlace<Team>& at)
      : at_(at), vectors_(at.vectors(), at.arrays.geometry.lanes, at.arrays.coordinates, at.arrays.checkpoint_depth,
                          at.arrays.geometry.slices) {}

  // ---- launches of half a tick, or of an arrival, with a gradient at the moving point between them ----
  LOCKSTEP_FN void leap(const TickLaunch& launch) {
    on_machine(launch, NoGradient{}, [&](auto& machine, State& state) {
      machine.leap(state, launch.last, launch.log_step, has_own_step(launch));
    });
  }
  LOCKSTEP_FN void land(const TickLaunch& launch) {
    on_machine(launch, NoGradient{}, [&](auto& machine, State& state) {
      machine.land(state, launch.last, launch.log_step, has_own_step(launch), launch.log_density[at_.chain()]);
    });
    report(launch, launch.ticks);
  }
  LOCKSTEP_FN void set_out(const ArriveLaunch& launch) {
    with_machine({}, {}, NoGradient{}, [&](auto& machine, State&) { machine.set_out(has_moved(launch)); });
  }
  LOCKSTEP_FN void arrive(const ArriveLaunch& launch) {
    with_machine({}, {}, NoGradient{},
                 [&](auto& machine, State& state) { machine.arrive(state, has_moved(launch), launch.log_density[at_.chain()]); });
  }

  // ---- a launch of many ticks ----
  // `resident`: the team's own memory, of arrays.resident_size() doubles.
  template <class Gradient> LOCKSTEP_FN void advance(const TickLaunch& launch, const Gradient& gradient, double* resident) {
    const PhasePoint<double> kept = vectors_.moving;
    if (at_.arrays.geometry.resident) vectors_.moving = at_.point_at(resident + at_.team.lane());
    move(kept, vectors_.moving);
    int ticks = 0;
    on_machine(launch, gradient, [&](auto& machine, State& state) {
      machine.advance(state, launch.last, launch.log_step, has_own_step(launch), [&] { return ticks++ < launch.ticks; });
    });
    move(vectors_.moving, kept);
    report(launch, ticks < launch.ticks ? ticks : launch.ticks);
  }

 private:
  struct NoGradient {};

  LOCKSTEP_FN State* states() const { return static_cast<State*>(at_.arrays.states); }
  LOCKSTEP_FN bool has_own_step(const TickLaunch& launch) const { return at_.has_chain() && launch.own_step[at_.chain()] != 0; }
  LOCKSTEP_FN bool has_moved(const ArriveLaunch& launch) const { return at_.has_chain() && launch.moved[at_.chain()] != 0; }
  // A lane without a chain has made all draws that there will ever be.
  LOCKSTEP_FN State load_state() const {
    if (at_.has_chain()) return states()[at_.chain()];
    State idle;
    idle.draw = HUGE_VAL;
    return idle;
  }

  // use(machine, state): loads the state, stores what has become of it.
  template <class Gradient, class F>
  LOCKSTEP_FN void with_machine(const MetricView& metric, const DrawBuffer& out, const Gradient& gradient, const F& use) {
    const ChainArrays& arrays = at_.arrays;
    LaneStreams<double> streams;
    streams.seed = arrays.seed;
    streams.chain[0] = arrays.first_chain + std::uint32_t(at_.chain());
    streams.data_set[0] = std::uint32_t(streams.chain[0] % arrays.data_sets);
    typename Kernel::template Machine<double, Team, Gradient> machine(at_.team, arrays.coordinates, vectors_, metric, arrays.settings, streams,
                                                                      out, gradient);
    State state = load_state();
    use(machine, state);
    at_.team.barrier();  // every slice has loaded it
    if (at_.has_chain() && at_.team.slice() == 0) states()[at_.chain()] = state;
  }
  template <class Gradient, class F> LOCKSTEP_FN void on_machine(const TickLaunch& launch, const Gradient& gradient, const F& use) {
    const std::int64_t row = std::int64_t(at_.tile) * launch.rows * at_.arrays.geometry.lanes;
    const auto mine = [&](double* array, int elements) { return array ? array + row * elements + at_.team.lane() : nullptr; };
    const int n = at_.arrays.coordinates;
    const DrawBuffer out{mine(launch.positions, n), mine(launch.gradients, n), mine(launch.statistics, draw_statistics), launch.first_draw,
                         double(launch.rows), mine(launch.proposals, n), mine(launch.proposal_momenta, n)};
    with_machine(launch.metric, out, gradient, use);
  }

  // How far this tile has come.
  LOCKSTEP_FN void report(const TickLaunch& launch, int ticks) const {
    at_.team.barrier();  // the states are read below
    if (at_.team.lane() != 0 || at_.team.slice() != 0) return;
    double least = states()[at_.chain()].draw;
    for (int c = at_.chain() + 1; c < at_.chain() + at_.arrays.geometry.lanes && c < at_.arrays.chains; ++c)
      if (states()[c].draw < least) least = states()[c].draw;
    launch.least_draws[at_.tile] = least;
    launch.ticks_made[at_.tile] = ticks;
  }

  LOCKSTEP_FN void move(const PhasePoint<double>& from, const PhasePoint<double>& to) const {
    if (!at_.arrays.geometry.resident) return;
    at_.team.barrier();
    at_.team.each(at_.arrays.coordinates, [&](int i) {
      to.position.store(i, from.position.load(i));
      to.momentum.store(i, from.momentum.load(i));
      to.gradient.store(i, from.gradient.load(i));  // of slice 0: the sum
    });
    at_.team.barrier();
  }

  const TilePlace<Team> at_;
  Vectors vectors_;
};

}  // namespace lockstep
