// What a GPU computes: densities and gradients against the scalar oracle, trajectories and short runs against the CPU,
// and the same bits again.
#include <algorithm>

#include "gpu.hpp"
#include "kernels/geometry.hpp"

namespace lockstep {
namespace {

class EveryModelOnGpu : public OnGpu, public ::testing::WithParamInterface<std::string> {};

// Geometries that this model's kernels and this GPU can run, of those that are interesting: thread per chain, a block
// that is not full, slices, a moving point in shared memory, linear predictors by matrix products.
std::vector<Geometry> geometries(const std::string& model, int coordinates) {
  ErrorMessage error;
  KernelResources kernel;
  if (!cuda_zoo_table(model)->resources(&kernel, &error.sink)) throw DeviceError(error.text);
  const DeviceInfo gpu = open_cuda_device(0)->info();
  std::vector<Geometry> fit;
  for (const char* text : {"32x1", "32x1r", "4x8", "4x8r", "8x32", "1x3r", "5x7", "8x4g"}) {
    const Geometry geometry = parse_geometry(text);
    try {
      require_fits(geometry, gpu, kernel, coordinates);
      fit.push_back(geometry);
    } catch (const DeviceError&) {
    }
  }
  return fit;
}

TEST_P(EveryModelOnGpu, DensitiesAndGradientsAreTheOraclesInEveryGeometry) {
  const ZooSubject subject(GetParam());
  const std::vector<Geometry> all = geometries(GetParam(), subject.model.coordinates());
  ASSERT_GE(all.size(), 3u);
  for (const Geometry& geometry : all)
    for (const int chains : {1, 33, 1000}) {
      SCOPED_TRACE(std::to_string(chains) + " chains, " + geometry_text(geometry));
      RunShape shape;
      shape.chains = chains;
      shape.geometry = geometry;
      ASSERT_NO_FATAL_FAILURE(expect_densities_of_the_oracle(
          *ensemble_on(first_gpu(), subject, *cuda_zoo_table(GetParam()), shape), subject.model));
    }
}

// In mixed precision, to what single precision gives: 1e-5 of the largest element (tests/mixed_precision_test.cpp).
TEST_P(EveryModelOnGpu, DensitiesAndGradientsInMixedPrecisionAreNearlyTheOracles) {
  const ZooSubject subject(GetParam(), true);
  for (const char* geometry : {"32x1", "4x7", "8x4g"}) {
    SCOPED_TRACE(geometry);
    RunShape shape;
    shape.chains = 33;
    shape.geometry = parse_geometry(geometry);
    ASSERT_NO_FATAL_FAILURE(expect_densities_of_the_oracle(
        *ensemble_on(first_gpu(), subject, *cuda_zoo_table(GetParam(), true), shape), subject.model, 1e-5));
  }
}

// One trajectory of at most 31 steps, short ones, so that a difference in rounding stays one. A mistake in bookkeeping
// is of order one.
TEST_P(EveryModelOnGpu, ATrajectoryIsTheCpus) {
  const ZooSubject subject(GetParam());
  RunShape shape;
  shape.chains = 33;
  shape.draws = 1;
  shape.step = 0.01;
  shape.max_depth = 5;
  const Draws expected = on_cpu(subject, shape);
  for (const Geometry& geometry : geometries(GetParam(), subject.model.coordinates())) {
    SCOPED_TRACE(geometry_text(geometry));
    shape.geometry = geometry;
    ASSERT_NO_FATAL_FAILURE(expect_near(on_gpu(GetParam(), subject, shape), expected, 1e-6));
  }
}

// The same of the machines that are not compiled with the model: half a step, its gradient, the other half.
TEST_P(EveryModelOnGpu, ATrajectoryOfAnotherMachineIsTheCpus) {
  const ZooSubject subject(GetParam());
  if (subject.model.coordinates() < 2) GTEST_SKIP() << "skipped: mams has no sphere to move on";
  RunShape shape;
  shape.chains = 33;
  shape.draws = 1;
  shape.step = 0.01;
  const auto check = [&]<class Kernel>(Kernel) {
    const Draws expected = on_cpu<Kernel>(subject, shape);
    for (const Geometry& geometry : geometries(GetParam(), subject.model.coordinates())) {
      if (geometry.resident) continue;
      SCOPED_TRACE(geometry_text(geometry));
      shape.geometry = geometry;
      expect_near(draws_of(*ensemble_on<Kernel>(first_gpu(), subject, *cuda_zoo_table(GetParam()), shape), subject.model, shape), expected, 1e-6);
    }
  };
  check(HmcKernel());
  check(MamsKernel());
}
INSTANTIATE_TEST_SUITE_P(Zoo, EveryModelOnGpu, ::testing::ValuesIn(zoo_names()),
                         [](const auto& info) { return info.param; });

using GpuEnsemble = OnGpu;

TEST_F(GpuEnsemble, DrawsWhatTheCpuDrawsAtAwkwardSizes) {
  const ZooSubject schools("eight_schools");
  for (const auto& [chains, geometry] : {std::pair{1, "4x1"}, {5, "4x3r"}, {33, "8x1r"}, {1000, "32x2"}, {3, "1x2"}}) {
    SCOPED_TRACE(geometry);
    const RunShape shape{chains, 4, 3, 1, parse_geometry(geometry)};
    expect_near(on_gpu("eight_schools", schools, shape), on_cpu(schools, shape), 1e-7);
  }
  const ZooSubject radon("radon");
  const RunShape shape{33, 2, 2, 1, {4, 64, false}};
  expect_near(on_gpu("radon", radon, shape), on_cpu(radon, shape), 1e-7);
}

// Bits depend on chains and geometry, and on nothing else.
TEST_F(GpuEnsemble, TheSameRunGivesTheSameBits) {
  for (const auto& [model, geometry] :
       {std::pair{"eight_schools", "32x2r"}, {"radon", "4x64"}, {"irt_2pl", "8x32"}, {"logistic_regression", "8x4g"}}) {
    SCOPED_TRACE(model);
    const ZooSubject subject(model);
    const RunShape shape{200, 20, 8, 1, parse_geometry(geometry)};
    const Draws once = on_gpu(model, subject, shape);
    EXPECT_EQ(on_gpu(model, subject, shape), once);
  }
}

TEST_F(GpuEnsemble, NeitherBlocksNorLaunchesNorDevicesNorWhereTheMovingPointIsChangeABit) {
  const ZooSubject schools("eight_schools");
  const RunShape usual{300, 20, 8, 1, {32, 2, false}};
  const Draws expected = on_gpu("eight_schools", schools, usual);
  const auto expect_same = [&](const RunShape& shape, const std::string& what) {
    EXPECT_EQ(on_gpu("eight_schools", schools, shape), expected) << what;
  };
  for (const int block : {1, 3, 100}) {
    RunShape shape = usual;
    shape.block = block;
    expect_same(shape, "blocks of " + std::to_string(block));
  }
  for (const int devices : {2, 3, 20}) {
    RunShape shape = usual;
    shape.devices = devices;
    expect_same(shape, std::to_string(devices) + " times the first GPU");
  }
  RunShape shape = usual;
  shape.launch_seconds = 1e-6;  // a tick or two a launch
  expect_same(shape, "short launches");
  shape = usual;
  shape.geometry.resident = true;
  expect_same(shape, "resident");
}

TEST_F(GpuEnsemble, SeveralGpusGiveTheBitsOfOne) {
  const int count = int(cuda_status().devices.size());
  if (count < 2) GTEST_SKIP() << "skipped: there is one GPU only";
  const ZooSubject schools("eight_schools");
  const RunShape shape{300, 20, 8, 1, {32, 2, false}};
  DeviceList devices;
  for (int d = 0; d < count; ++d) devices.push_back(open_cuda_device(d));
  EXPECT_EQ(draws_of(*ensemble_on(std::move(devices), schools, *cuda_zoo_table("eight_schools"), shape), schools.model,
                     shape),
            on_gpu("eight_schools", schools, shape));
}

// What adaptation reads, reduced on the GPU, against the draws themselves.
TEST_F(GpuEnsemble, AWindowGivesTheMomentsOfItsDraws) {
  const ZooSubject schools("eight_schools");
  RunShape shape;
  shape.chains = 70;
  shape.geometry = {32, 1, true};
  const auto ensemble = ensemble_on(first_gpu(2), schools, *cuda_zoo_table("eight_schools"), shape);
  ensemble->place(starts_of(schools.model, 70), std::vector<char>(70, 1));
  ensemble->restart_step(std::vector<char>(70, 1), std::log(0.1));
  const std::unique_ptr<Window> window = ensemble->make_window(0, 12, Keep::gradients);
  ASSERT_EQ(ensemble->advance(*window, 5, tuning_for(schools.model, 70)), 5);
  ASSERT_EQ(ensemble->advance(*window, 6, tuning_for(schools.model, 70)), 6);
  expect_moments_of_its_draws(*window, 70, schools.model.coordinates());
}

}  // namespace
}  // namespace lockstep
