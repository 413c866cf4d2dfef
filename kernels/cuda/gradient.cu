// Every zoo model's gradient on the device: the same functor and the same nodes as on the CPU, one double per thread.
//
// CI compiles this for every architecture and checks that no kernel needs a stack frame.

#include "kernels/cuda/device_team.cuh"
#include "lockstep/gradient.hpp"
#include "models/ar_k.hpp"
#include "models/arma11.hpp"
#include "models/blr.hpp"
#include "models/diamonds.hpp"
#include "models/eight_schools.hpp"
#include "models/eight_schools_centered.hpp"
#include "models/flat_regression.hpp"
#include "models/garch11.hpp"
#include "models/gauss_mix.hpp"
#include "models/gp_regression.hpp"
#include "models/hmm.hpp"
#include "models/irt_2pl.hpp"
#include "models/linear_regression.hpp"
#include "models/logistic_regression.hpp"
#include "models/poisson_regression.hpp"
#include "models/radon.hpp"
#include "models/std_normal.hpp"

namespace lockstep {

// The arrays of all tiles, tile after tile: `position` and `log_density` per lane, `gradient` [slice][coordinate][lane].
struct GradientBatch {
  const double* position;
  double* gradient;
  double* scratch;
  double* log_density;
  int lanes;              // of a tile
  int coordinates;
  int scratch_elements;   // per lane, for all slices
};

// One tile a block; lanes * slices threads; lanes * slices doubles of shared memory.
template <class Model> __global__ void gradient_kernel(Model model, GradientBatch batch) {
  extern __shared__ double sums[];
  const DeviceTeam team(sums, batch.lanes);
  const long tile = long(blockIdx.x) * batch.lanes;
  Workspace workspace;
  workspace.position = batch.position + tile * batch.coordinates + team.lane();
  workspace.gradient = batch.gradient + tile * batch.coordinates * team.slices() + team.lane();
  workspace.scratch = batch.scratch + tile * batch.scratch_elements + team.lane();
  workspace.stride = batch.lanes;
  const double log_density = log_density_gradient<double, false>(model, team, workspace, batch.coordinates);
  if (team.slice() == 0) batch.log_density[tile + team.lane()] = log_density;
}

template __global__ void gradient_kernel(models::ArK, GradientBatch);
template __global__ void gradient_kernel(models::Arma11, GradientBatch);
template __global__ void gradient_kernel(models::Blr, GradientBatch);
template __global__ void gradient_kernel(models::Diamonds, GradientBatch);
template __global__ void gradient_kernel(models::EightSchools, GradientBatch);
template __global__ void gradient_kernel(models::EightSchoolsCentered, GradientBatch);
template __global__ void gradient_kernel(models::FlatRegression, GradientBatch);
template __global__ void gradient_kernel(models::Garch11, GradientBatch);
template __global__ void gradient_kernel(models::GaussMix, GradientBatch);
template __global__ void gradient_kernel(models::GpRegression, GradientBatch);
template __global__ void gradient_kernel(models::Hmm, GradientBatch);
template __global__ void gradient_kernel(models::Irt2pl, GradientBatch);
template __global__ void gradient_kernel(models::LinearRegression, GradientBatch);
template __global__ void gradient_kernel(models::LogisticRegression, GradientBatch);
template __global__ void gradient_kernel(models::PoissonRegression, GradientBatch);
template __global__ void gradient_kernel(models::Radon, GradientBatch);
template __global__ void gradient_kernel(models::StdNormal, GradientBatch);

}  // namespace lockstep
