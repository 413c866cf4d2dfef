// One gradient for the lanes of a team.
#pragma once

#include "lockstep/log_density.hpp"

namespace lockstep {

// Runs the model once on every slice and sums their gradients and log densities over slices. `stage`: see staged.hpp; after
// `density` the log density is the whole one, and the gradient lacks what `pull` gives.
// `workspace.gradient` holds [slice][coordinate][lane]; the sum ends up in slice 0's. Returns the log density.
template <class T, bool with_columns, Stage stage = Stage::whole, bool with_actions = false, class Model, class Team>
LOCKSTEP_FN SumOf<T> log_density_gradient(const Model& model, const Team& team, const Workspace& workspace, int dimension) {
  Workspace mine = workspace;
  mine.gradient += std::int64_t(team.slice()) * dimension * workspace.stride;
  if constexpr (Team::sliced) {
    team.barrier();  // positions are written by their owners
  }
  SumOf<T> log_density;
  {
    LogDensity<T, Team, with_columns, stage, with_actions> m(team, mine);
    model(m);
    log_density = m.log_density();
  }
  if constexpr (Team::sliced) {
    team.barrier();
    const LaneArray<SumOf<T>> total{workspace.gradient, workspace.stride};
    team.each(dimension, [&](int i) {
      SumOf<T> sum(0.);
      for (int s = 0; s < team.slices(); ++s) sum += total.load(s * dimension + i);
      total.store(i, sum);
    });
    log_density = team.sum_slices(log_density);
  }
  return log_density;
}

}  // namespace lockstep
