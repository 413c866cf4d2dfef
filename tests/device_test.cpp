// The run loop of a device, on an emulated one: launches, ring, streams, several devices, failures. What runs on a GPU is
// the same but for kernels/cuda/.

#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <stdexcept>

#include <gtest/gtest.h>

#include "device_runs.hpp"
#include "host/diagnostics.hpp"
#include "host/fit_builder.hpp"
#include "host/run.hpp"
#include "host/samplers.hpp"
#include "kernels/cuda/devices.hpp"
#include "kernels/device_ensemble.hpp"
#include "kernels/emulated_device.hpp"
#include "lockstep/sample.hpp"
#include "models/diamonds.hpp"
#include "models/eight_schools.hpp"
#include "models/linear_regression.hpp"
#include "models/logistic_regression.hpp"
#include "models/poisson_regression.hpp"
#include "models/radon.hpp"
#include "tests/message_of.hpp"
#include "tests/same_fit.hpp"
#include "tests/temporary_folder.hpp"

namespace lockstep {
namespace {

// ---- the emulated device itself -----------------------------------------------------------------------------------------

TEST(EmulatedDevice, AStreamDoesItsWorkInOrderAndStreamsWaitForEvents) {
  EmulatedDevice device;
  constexpr std::size_t n = 1000;
  double* memory = static_cast<double*>(device.allocate(n * sizeof(double)));
  std::vector<double> one(n, 1.), two(n, 2.), seen(n);
  for (int round = 0; round < 50; ++round) {
    device.copy(memory, one.data(), n * sizeof(double), Device::Stream::compute);
    device.copy(memory, two.data(), n * sizeof(double), Device::Stream::compute);
    device.wait(Device::Stream::copy, device.record(Device::Stream::compute));
    device.copy(seen.data(), memory, n * sizeof(double), Device::Stream::copy);
    device.synchronise(Device::Stream::copy);
    ASSERT_EQ(seen, two);
  }
  device.free(memory);
  EXPECT_EQ(device.used(), 0u);
}

// ---- ensembles ----------------------------------------------------------------------------------------------------------

using Shape = RunShape;

template <class Model> struct Bound : ZooSubject {
  using ZooSubject::ZooSubject;
  const DeviceModelTable& device_table() const { return *emulated_model_table<Model>(); }
};

DeviceList emulated_devices(int count) {
  DeviceList devices;
  for (int d = 0; d < count; ++d) devices.push_back(std::make_unique<EmulatedDevice>());
  return devices;
}

template <class Kernel = NutsKernel, class Model> Draws on_devices(const Bound<Model>& bound, const Shape& shape) {
  return draws_of(*ensemble_on<Kernel>(emulated_devices(shape.devices), bound, bound.device_table(), shape), bound.model, shape);
}

// The CPU's packs and a device's threads round differently, and trajectories amplify it: few draws, and a loose tolerance. A
// mistake in bookkeeping shows as a difference of order one.
TEST(DeviceEnsemble, DrawsWhatTheCpuDrawsAtAwkwardSizes) {
  const Bound<models::EightSchools> schools("eight_schools");
  for (const auto& [chains, geometry] : {std::pair{1, Geometry{4, 1, false}}, {5, Geometry{4, 3, true}}, {33, Geometry{8, 1, true}},
                                         {3, Geometry{1, 2, false}}}) {
    SCOPED_TRACE(geometry_text(geometry));
    const Shape shape{chains, 4, 3, 1, geometry};
    expect_near(on_devices(schools, shape), on_cpu(schools, shape), 1e-7);
  }
  const Bound<models::Radon> radon("radon");
  const Shape shape{3, 2, 2, 1, {2, 3, false}};
  expect_near(on_devices(radon, shape), on_cpu(radon, shape), 1e-7);
}

// The machines that are not compiled with the model: half a step, its gradient, the other half.
template <class Kernel> class UnfusedEnsemble : public ::testing::Test {};
struct KernelName {
  template <class Kernel> static std::string GetName(int) { return std::is_same_v<Kernel, HmcKernel> ? "Hmc" : "Mams"; }
};
using UnfusedKernels = ::testing::Types<HmcKernel, MamsKernel>;
TYPED_TEST_SUITE(UnfusedEnsemble, UnfusedKernels, KernelName);

TYPED_TEST(UnfusedEnsemble, DrawsWhatTheCpuDrawsAtAwkwardSizes) {
  const Bound<models::EightSchools> schools("eight_schools");
  for (const auto& [chains, geometry] : {std::pair{1, Geometry{4, 1}}, {5, Geometry{4, 3}}, {33, Geometry{8, 1}}, {3, Geometry{1, 2}}}) {
    SCOPED_TRACE(geometry_text(geometry));
    const Shape shape{chains, 4, 3, 1, geometry};
    expect_near(on_devices<TypeParam>(schools, shape), on_cpu<TypeParam>(schools, shape), 1e-7);
  }
  const Bound<models::Radon> radon("radon");
  const Shape shape{3, 2, 2, 1, {2, 3}, 0.02, 0.05};
  expect_near(on_devices<TypeParam>(radon, shape), on_cpu<TypeParam>(radon, shape), 1e-7);
}

TYPED_TEST(UnfusedEnsemble, DrawsTheSameWithStagedLinearPredictors) {
  const Bound<models::LogisticRegression> logistic("logistic_regression");
  Shape shape{3, 2, 2, 1, {2, 3}, 0.02, 0.02};
  const Draws expected = on_devices<TypeParam>(logistic, shape);
  for (std::size_t i = std::size_t(DrawStatistic::diverging); i < expected.second.size(); i += draw_statistics) ASSERT_EQ(expected.second[i], 0);
  shape.geometry.staged = true;
  expect_near(on_devices<TypeParam>(logistic, shape), expected, 1e-7);
}

TYPED_TEST(UnfusedEnsemble, NeitherBlocksNorLaunchesNorDevicesChangeABit) {
  const Bound<models::EightSchools> schools("eight_schools");
  const Shape usual{11, 9, 3, 1, {2, 2}};
  const Draws expected = on_devices<TypeParam>(schools, usual);
  Shape shape = usual;
  shape.block = 4;
  EXPECT_EQ(on_devices<TypeParam>(schools, shape), expected) << "blocks of 4";
  shape = usual;
  shape.devices = 3;
  EXPECT_EQ(on_devices<TypeParam>(schools, shape), expected) << "3 devices";
  shape = usual;
  shape.launch_seconds = 1e-6;  // one tick at a time
  EXPECT_EQ(on_devices<TypeParam>(schools, shape), expected) << "short launches";
}

// Where trajectories ended, and with which momentum, is what warmup learns their lengths from.
TYPED_TEST(UnfusedEnsemble, KeepsTheProposalsThatTheCpuKeeps) {
  const Bound<models::EightSchools> schools("eight_schools");
  const Shape shape{5, 4, 4, 2, {2, 2}};
  const auto proposals_of = [&](Ensemble& ensemble) {
    begin_chains(ensemble, schools.model, shape);
    const std::unique_ptr<Window> window = ensemble.make_window(0, shape.draws, Keep::proposals);
    EXPECT_EQ(ensemble.advance(*window, shape.draws, tuning_for(schools.model, shape.chains)), shape.draws);
    const DrawBlock& block = window->block();
    Draws all;
    int moved = 0;
    for (int c = 0; c < shape.chains; ++c)
      for (int d = 0; d < shape.draws; ++d)
        for (int i = 0; i < schools.model.coordinates(); ++i) {
          all.first.push_back(block.proposal(c, d, i));
          all.second.push_back(block.proposal_momentum(c, d, i));
          moved += d > 0 && block.proposal(c, d, i) != block.position(c, d - 1, i);
        }
    EXPECT_GT(moved, 0);
    return all;
  };
  CpuEnsembleOf<TypeParam> cpu(schools.model.table(), schools.model.handle(), shape.chains, 7, {}, 1);
  expect_near(proposals_of(*ensemble_on<TypeParam>(emulated_devices(2), schools, schools.device_table(), shape)), proposals_of(cpu), 1e-7);
}

TYPED_TEST(UnfusedEnsemble, RefusesAPointInTheTeamsOwnMemory) {
  const Bound<models::EightSchools> schools("eight_schools");
  const Shape shape{5, 4, 4, 1, {2, 2, true}};
  const std::string message = message_of([&] { ensemble_on<TypeParam>(emulated_devices(1), schools, schools.device_table(), shape); });
  EXPECT_NE(message.find("geometry 2x2r keeps what moves in a team's own memory"), std::string::npos) << message;
}

// The same density by three runs of the model and two products: priors and Jacobians count once, every path is pulled. The
// models have one predictor, a scale beside it, and centred columns that are derived from the data.
TEST(DeviceEnsemble, DrawsTheSameWithStagedLinearPredictors) {
  const auto check = [](const auto& bound, const char* name) {
    SCOPED_TRACE(name);
    for (const auto& [chains, slices] : {std::pair{1, 1}, {3, 3}}) {
      Shape shape{chains, 2, 2, 1, {2, slices, false, false}, 0.02, 0.002, 4};
      const Draws expected = on_devices(bound, shape);
      int moved = 0;
      for (std::size_t i = std::size_t(DrawStatistic::diverging); i < expected.second.size(); i += draw_statistics) moved += expected.second[i] == 0;
      EXPECT_GT(moved, 0);  // trajectories that end at once would prove little
      shape.geometry.staged = true;
      expect_near(on_devices(bound, shape), expected, 1e-7);
    }
  };
  check(Bound<models::LinearRegression>("linear_regression"), "linear_regression");
  check(Bound<models::LogisticRegression>("logistic_regression"), "logistic_regression");
  check(Bound<models::PoissonRegression>("poisson_regression"), "poisson_regression");
  check(Bound<models::Diamonds>("diamonds"), "diamonds");
  check(Bound<models::EightSchools>("eight_schools"), "eight_schools");  // nothing to stage
}

TEST(DeviceEnsemble, DensitiesAndGradientsAreTheOracles) {
  const auto expect_of = [](const auto& bound, int chains, const Geometry& geometry) {
    Shape shape;
    shape.chains = chains;
    shape.geometry = geometry;
    expect_densities_of_the_oracle(*ensemble_on(emulated_devices(1), bound, bound.device_table(), shape), bound.model);
  };
  expect_of(Bound<models::EightSchools>("eight_schools"), 9, {4, 2, true});
  expect_of(Bound<models::Radon>("radon"), 3, {2, 3, false});
  expect_of(Bound<models::LogisticRegression>("logistic_regression"), 3, {2, 2, false, true});
}

// Bits depend on chains and geometry, and on nothing else.
TEST(DeviceEnsemble, NeitherBlocksNorLaunchesNorDevicesNorWhereTheMovingPointIsChangeABit) {
  const Bound<models::EightSchools> schools("eight_schools");
  const Shape usual{11, 9, 3, 1, {2, 2, false}};
  const Draws expected = on_devices(schools, usual);
  for (int block : {1, 2, 4, 9, 100}) {
    Shape shape = usual;
    shape.block = block;
    EXPECT_EQ(on_devices(schools, shape), expected) << "blocks of " << block;
  }
  for (int devices : {2, 3, 20}) {
    Shape shape = usual;
    shape.devices = devices;
    EXPECT_EQ(on_devices(schools, shape), expected) << devices << " devices";
  }
  Shape shape = usual;
  shape.launch_seconds = 1e-6;  // one tick a launch
  EXPECT_EQ(on_devices(schools, shape), expected);
  shape = usual;
  shape.geometry.resident = true;
  EXPECT_EQ(on_devices(schools, shape), expected);
}

TEST(DeviceEnsemble, ARunThatIsStoppedHasHandedOverTheDrawsOfTheWholeOne) {
  const Bound<models::EightSchools> schools("eight_schools");
  const Shape shape{6, 400, 8, 2, {2, 1, false}, 1e-4};
  const auto ensemble = ensemble_on(emulated_devices(2), schools, schools.device_table(), shape);
  begin_chains(*ensemble, schools.model, shape);
  std::vector<double> first_coordinate;  // [draw] of chain 5
  int blocks = 0;
  const int made = ensemble->sample(10, 400, 8, tuning_for(schools.model, 6), [&](const DrawBlock& block, int, int count) {
    for (int d = 0; d < count; ++d) first_coordinate.push_back(block.position(5, d, 0));
    if (++blocks == 3) ensemble->stop();
    return true;
  });
  EXPECT_EQ(std::size_t(made), first_coordinate.size());
  EXPECT_GE(made, 24);
  EXPECT_LT(made, 400);
  Shape whole = shape;
  whole.draws = made;
  const Draws expected = on_devices(schools, whole);
  const std::size_t n = std::size_t(schools.model.coordinates());
  for (int d = 0; d < made; ++d) ASSERT_EQ(first_coordinate[std::size_t(d)], expected.first[(5 * std::size_t(made) + std::size_t(d)) * n]) << d;
}

// What adaptation reads of a window that is filled in two goes, on two devices, against the draws themselves.
TEST(DeviceEnsemble, AWindowGivesTheMomentsOfItsDraws) {
  const Bound<models::EightSchools> schools("eight_schools");
  const int chains = 7, n = schools.model.coordinates();
  Shape shape;
  shape.chains = chains;
  shape.geometry = {2, 1};
  const auto ensemble = ensemble_on(emulated_devices(2), schools, schools.device_table(), shape);
  begin_chains(*ensemble, schools.model, shape);
  const std::unique_ptr<Window> window = ensemble->make_window(3, 12, Keep::gradients);
  EXPECT_EQ(ensemble->advance(*window, 5, tuning_for(schools.model, chains)), 5);
  EXPECT_EQ(ensemble->advance(*window, 6, tuning_for(schools.model, chains)), 6);
  ASSERT_EQ(window->draws(), 11);
  expect_moments_of_its_draws(*window, chains, n);
  // And the draws are what they say: density and gradient at the point, by the oracle.
  const DrawBlock& block = window->block();
  std::vector<double> gradient(static_cast<std::size_t>(n)), point(static_cast<std::size_t>(n));
  for (int c = 0; c < chains; ++c)
    for (int d = 0; d < 11; ++d) {
      for (int i = 0; i < n; ++i) point[std::size_t(i)] = block.position(c, d, i);
      EXPECT_NEAR(schools.model.log_density(point.data(), gradient.data()), window->lp(c, d), 1e-10);
      for (int i = 0; i < n; ++i) EXPECT_NEAR(gradient[std::size_t(i)], block.gradient(c, d, i), 1e-10);
    }
}

// An emulated device's functions of a model, which tell of every gradient, or launch with gradients in it.
template <class Model> struct WatchedTable {
  inline static std::function<void()> on_gradient;
  static DeviceModelTable table() {
    DeviceModelTable watched = *emulated_model_table<Model>();
    watched.advance = [](const void* model, const TickLaunch* launch, void* stream, const ErrorSink* errors) {
      on_gradient();
      return emulated_model_table<Model>()->advance(model, launch, stream, errors);
    };
    watched.gradient = [](const void* model, const GradientLaunch* launch, void* stream, const ErrorSink* errors) {
      on_gradient();
      return emulated_model_table<Model>()->gradient(model, launch, stream, errors);
    };
    watched.arguments = [](const void* model, const GradientLaunch* launch, void* stream, const ErrorSink* errors) {
      on_gradient();
      return emulated_model_table<Model>()->arguments(model, launch, stream, errors);
    };
    return watched;
  }
};

// Stopped after every few launches, in the middle of trajectories, and gone on from on another number of devices each time.
TEST(DeviceEnsemble, GoesOnFromItsStateBitForBitOnAnyNumberOfDevices) {
  const auto check = []<class Kernel, class Model>(Kernel, const Bound<Model>& bound, const Geometry& geometry) {
    SCOPED_TRACE(geometry_text(geometry));
    using Watched = WatchedTable<Model>;
    const DeviceModelTable watched = Watched::table();
    Watched::on_gradient = [] {};
    constexpr int chains = 7, draws = 30;
    const int n = bound.model.coordinates();
    const Tuning tuning = tuning_for(bound.model, chains);
    Shape shape;
    shape.chains = chains;
    shape.geometry = geometry;
    shape.launch_seconds = 1e-6;
    const auto make = [&](int devices) { return ensemble_on<Kernel>(emulated_devices(devices), bound, watched, shape); };
    const Keep keep = fuses_with_models<Kernel> ? Keep::gradients : Keep::proposals;
    const auto whole = make(2);
    begin_chains(*whole, bound.model, shape);
    const std::unique_ptr<Window> all = whole->make_window(3, draws, keep);
    ASSERT_EQ(whole->advance(*all, draws, tuning), draws);

    auto part = make(1);
    begin_chains(*part, bound.model, shape);
    std::unique_ptr<Window> window = part->make_window(3, draws, keep);
    int parts = 0;
    for (; window->draws() < draws; ++parts) {
      std::atomic<int> launches = 0;  // by the devices' drivers
      Watched::on_gradient = [&] {
        if (++launches == (fuses_with_models<Kernel> ? 3 : 40)) part->stop();
      };
      part->advance(*window, draws - window->draws(), tuning);
      Watched::on_gradient = [] {};
      if (window->draws() < draws) { EXPECT_EQ(part->advance(*window, 1, tuning), 0); }  // as long as it is stopped
      Archive saved;
      saved(*part, *window);
      window.reset();
      part = make(1 + parts % 3);
      window = part->make_window(3, draws, keep);
      Archive loaded(saved.bytes());
      loaded(*part, *window);
    }
    EXPECT_GE(parts, 3);
    const DrawBlock &expected = all->block(), &found = window->block();
    for (int c = 0; c < chains; ++c)
      for (int d = 0; d < draws; ++d) {
        ASSERT_EQ(window->lp(c, d), all->lp(c, d));
        for (int i = 0; i < n; ++i) {
          ASSERT_EQ(found.position(c, d, i), expected.position(c, d, i)) << c << " " << d;
          ASSERT_EQ(found.gradient(c, d, i), expected.gradient(c, d, i)) << c << " " << d;
          if (keep != Keep::proposals) continue;
          ASSERT_EQ(found.proposal(c, d, i), expected.proposal(c, d, i)) << c << " " << d;
          ASSERT_EQ(found.proposal_momentum(c, d, i), expected.proposal_momentum(c, d, i)) << c << " " << d;
        }
        for (int k = 0; k < draw_statistics; ++k) ASSERT_EQ(found.statistic(c, d, DrawStatistic(k)), expected.statistic(c, d, DrawStatistic(k)));
      }
  };
  const Bound<models::EightSchools> schools("eight_schools");
  check(NutsKernel(), schools, {2, 1});
  check(NutsKernel(), schools, {2, 2, true});
  check(NutsKernel(), Bound<models::LinearRegression>("linear_regression"), {2, 1, false, true});
  check(HmcKernel(), schools, {2, 2});
  check(MamsKernel(), schools, {2, 1});
}

TEST(DeviceEnsemble, GathersTheMomentsOfBothHalvesWhileItSamples) {
  const Bound<models::EightSchools> schools("eight_schools");
  for (int draws : {9, 10}) {
    const int chains = 5, n = schools.model.coordinates(), half = draws / 2;
    const Shape shape{chains, draws, 4, 2, {2, 1}};  // blocks that the halves cut through
    const auto ensemble = ensemble_on(emulated_devices(2), schools, schools.device_table(), shape);
    const Draws all = draws_of(*ensemble, schools.model, shape);
    const std::vector<ChainMoments> halves = ensemble->halves();
    ASSERT_EQ(halves.size(), 2u);
    for (int c = 0; c < chains; ++c)
      for (int i = 0; i < n; ++i)
        for (int h : {0, 1}) {
          const int first = h == 0 ? 0 : draws - half;
          double mean = 0, squares = 0;
          const auto at = [&](int d) { return all.first[std::size_t((c * draws + first + d) * n + i)]; };
          for (int d = 0; d < half; ++d) mean += at(d) / half;
          for (int d = 0; d < half; ++d) squares += std::pow(at(d) - mean, 2);
          EXPECT_NEAR(halves[std::size_t(h)].mean[std::size_t(i * chains + c)], mean, 1e-12);
          EXPECT_NEAR(halves[std::size_t(h)].squares[std::size_t(i * chains + c)], squares, 1e-11 * (1 + squares));
        }
  }
}

TEST(DeviceEnsemble, WhoTakesTheDrawsMayEndTheRun) {
  const Bound<models::EightSchools> schools("eight_schools");
  Shape shape;
  shape.chains = 4;
  const auto ensemble = ensemble_on(emulated_devices(1), schools, schools.device_table(), shape);
  begin_chains(*ensemble, schools.model, shape);
  const auto sample = [&](const Ensemble::Take& take) { return ensemble->sample(0, 100, 5, tuning_for(schools.model, 4), take); };
  EXPECT_EQ(sample([](const DrawBlock&, int, int) { return false; }), 5);
  EXPECT_THROW(sample([](const DrawBlock&, int, int) -> bool { throw std::runtime_error("the disk is full"); }), std::runtime_error);
}

// ---- what goes wrong --------------------------------------------------------------------------------------------------

TEST(DeviceEnsemble, ADeviceWithoutRoomIsAnErrorAndKeepsNothing) {
  const Bound<models::EightSchools> schools("eight_schools");
  EmulatedDevice::Limits limits;
  limits.memory = 20000;
  struct Watched : EmulatedDevice {
    using EmulatedDevice::EmulatedDevice;
    ~Watched() override { EXPECT_EQ(used(), 0u); }
  };
  DeviceList devices;
  devices.push_back(std::make_unique<Watched>(limits));
  Shape shape;
  shape.chains = 64;
  EXPECT_THROW(ensemble_on(std::move(devices), schools, schools.device_table(), shape), DeviceError);
}

TEST(DeviceEnsemble, AFailedLaunchEndsTheRunWithItsMessage) {
  const Bound<models::EightSchools> schools("eight_schools");
  static int launches;
  launches = 0;
  DeviceModelTable failing = schools.device_table();
  failing.advance = [](const void* model, const TickLaunch* launch, void* stream, const ErrorSink* errors) {
    if (++launches == 5) {
      errors->report(errors->context, "the GPU has fallen off the bus");
      return false;
    }
    return emulated_model_table<models::EightSchools>()->advance(model, launch, stream, errors);
  };
  const Shape shape{8, 1000, 10, 2, {2, 1}, 1e-6};
  const auto ensemble = ensemble_on(emulated_devices(2), schools, failing, shape);
  begin_chains(*ensemble, schools.model, shape);
  try {
    ensemble->sample(0, 1000, 10, tuning_for(schools.model, 8), [](const DrawBlock&, int, int) { return true; });
    FAIL() << "the launch failed, and nobody said so";
  } catch (const DeviceError& e) {
    EXPECT_STREQ(e.what(), "the GPU has fallen off the bus");
  }
}

// ---- whole runs ---------------------------------------------------------------------------------------------------------

template <class Model> Fit run_on(const Bound<Model>& bound, const SampleOptions& options, int devices) {
  FitBuilder builder;
  run(bound.model.table(), bound.data, options, true, builder, 1 << 16, {&bound.device_table(), emulated_devices(devices)});
  return builder.take();
}

// Warmup, draws, results: as on the CPU. Posterior mean and sd of mu are 4.41 and 3.31 (posteriordb's reference draws); with
// 32 x 60 draws, an effective sample of 500 at least, mean +- 4 standard errors is +- 0.6: a false alarm once in 16,000 seeds.
TEST(DeviceRun, WarmsUpDrawsAndReportsAsOnTheCpu) {
  const Bound<models::EightSchools> schools("eight_schools");
  SampleOptions options;
  options.chains = 32;
  options.draws = 60;
  options.geometry = "1x1";
  const Fit fit = run_on(schools, options, 2);
  EXPECT_EQ(fit.chains, 32u);
  EXPECT_EQ(fit.draws, 60u);
  EXPECT_EQ(std::get<std::string>(fit.attributes.at("geometry")), "teams of 1x1 on an emulated device, an emulated device");
  EXPECT_GT(std::get<double>(fit.attributes.at("gradients")), 32 * 60.);
  const Variable& mu = fit.variable("posterior", "mu");
  double mean = 0;
  for (double v : mu.values) mean += v / double(mu.values.size());
  EXPECT_NEAR(mean, 4.41, 0.6);
  EXPECT_EQ(run_on(schools, options, 1).variable("posterior", "mu").values, mu.values);  // the same bits on one device

  // What was gathered on the devices, against the draws: mu is a coordinate of its own, and the largest or least of all
  // coordinates is no better than it.
  const ChainView draws = element_view(fit, mu, 0);
  Diagnoser diagnose;
  const Diagnosis of_mu = diagnose(draws, fit.superchain);
  const auto attribute = [&](const char* name) { return std::get<double>(fit.attributes.at(name)); };
  EXPECT_GE(attribute("unconstrained_r_hat_split"), of_mu.r_hat_split - 1e-12);
  EXPECT_GE(attribute("unconstrained_r_hat_nested"), nested_rhat(draws, fit.superchain) - 1e-12);
  EXPECT_LT(attribute("unconstrained_r_hat_split"), 1.1);
  EXPECT_GT(attribute("unconstrained_ess_mean"), 200);
  EXPECT_LE(attribute("unconstrained_ess_mean"), 32 * 60 * 3);
}

// Every other sampler, its warmup on devices too: as above, and a run on the CPU of the same length learns about the same.
TEST(DeviceRun, EverySamplerDrawsAsOnTheCpu) {
  const Bound<models::EightSchools> schools("eight_schools");
  for (const Sampler* sampler : samplers()) {
    if (sampler->machine.fuses_with_models) continue;
    SCOPED_TRACE(sampler->name);
    SampleOptions options;
    options.sampler = sampler->name;
    options.chains = 32;
    options.draws = 60;
    options.geometry = "8x1";
    const Fit fit = run_on(schools, options, 2), on_cpu = run_on(schools, options, 0);
    const auto mean_of = [](const Fit& of, const char* group, const char* name) {
      const std::vector<double>& values = of.variable(group, name).values;
      return std::accumulate(values.begin(), values.end(), 0.) / double(values.size());
    };
    EXPECT_NEAR(mean_of(fit, "posterior", "mu"), 4.41, 0.6);
    EXPECT_NEAR(mean_of(fit, "sample_stats", "acceptance_rate"), mean_of(on_cpu, "sample_stats", "acceptance_rate"), 0.1);
    const double length = mean_of(fit, "sample_stats", "n_steps") * mean_of(fit, "sample_stats", "step_size");
    EXPECT_NEAR(length / (mean_of(on_cpu, "sample_stats", "n_steps") * mean_of(on_cpu, "sample_stats", "step_size")), 1, 0.5);
    options.draws = 5;
    EXPECT_EQ(run_on(schools, options, 1).variable("posterior", "mu").values, run_on(schools, options, 2).variable("posterior", "mu").values);
  }
}

TEST(DeviceRun, EndsWhenItIsAccurateWithTheDrawsOfOneThatIsToldHowManyToMake) {
  const Bound<models::EightSchools> schools("eight_schools");
  SampleOptions options;
  options.chains = 8;
  options.warmup = 50;
  options.geometry = "1x1";
  options.keep = {"mu"};
  options.until.ess = 2500;
  const Fit fit = run_on(schools, options, 2);
  EXPECT_EQ(std::get<std::string>(fit.attributes.at("ended_by")), "accuracy");
  EXPECT_GT(fit.draws, 100u);
  options.until = {};
  options.draws = int(fit.draws);
  EXPECT_EQ(run_on(schools, options, 1).variable("posterior", "mu").values, fit.variable("posterior", "mu").values);
}

TEST(DeviceRun, KeepsWarmupIfAskedTo) {
  const Bound<models::EightSchools> schools("eight_schools");
  SampleOptions options;
  options.chains = 5;
  options.draws = 3;
  options.warmup = 30;
  options.geometry = "1x1";
  options.keep_warmup = true;
  const Fit fit = run_on(schools, options, 2);
  const Variable& mu = fit.variable("warmup_posterior", "mu");
  ASSERT_EQ(mu.values.size(), 5u * 40);  // the burn-in too
  EXPECT_TRUE(std::all_of(mu.values.begin(), mu.values.end(), [](double v) { return std::isfinite(v); }));
  options.chains = 0;
  EXPECT_EQ(run_on(schools, options, 1).chains, 32u);  // 16 for each of an emulated device's two multiprocessors
}

TEST(DeviceRun, CanBeCancelled) {
  const Bound<models::EightSchools> schools("eight_schools");
  SampleOptions options;
  options.chains = 8;
  options.geometry = "1x1";
  options.cancel = [] { return true; };
  EXPECT_THROW(run_on(schools, options, 1), Stopped);
}

// ---- checkpoints ----------------------------------------------------------------------------------------------------------

class DeviceCheckpoints : public WithFolder {
 protected:
  // One part of a run: it begins or goes on. No devices: the CPU. Throws Stopped if it ends in warmup.
  template <class Model> Fit part(const Bound<Model>& bound, const SampleOptions& options, int devices, bool goes_on) const {
    Checkpoint checkpoint(options.checkpoint, goes_on);
    run(bound.model.table(), bound.data, options, true, checkpoint.draws(), 1 << 14, {&bound.device_table(), emulated_devices(devices)},
        &checkpoint);
    FitBuilder builder;
    checkpoint.draws().replay(builder);
    if (!checkpoint.stopped()) checkpoint.remove();
    return builder.take();
  }
  SampleOptions options(const char* geometry) const {
    SampleOptions o;
    o.chains = 7;
    o.warmup = 300;
    o.draws = 60;
    o.geometry = geometry;
    o.keep_warmup = true;
    o.checkpoint = {file("run"), 60, {}};
    return o;
  }
  // A run that is stopped in warmup, at its first checkpoint.
  void stop_one(const Bound<models::EightSchools>& schools, SampleOptions o, int devices) const {
    o.checkpoint.every = 1e-6;
    o.cancel = [] { return true; };
    EXPECT_THROW(part(schools, o, devices, false), Stopped);
  }
};

TEST_F(DeviceCheckpoints, AreGoneOnFromBitForBit) {
  const Bound<models::EightSchools> schools("eight_schools");
  SampleOptions o = options("2x1");
  stop_one(schools, o, 1);
  const Fit fit = part(schools, o, 3, true);
  EXPECT_EQ(files(), 0u);
  o.checkpoint = {};
  expect_same(run_on(schools, o, 2), fit);
}

TEST_F(DeviceCheckpoints, OfEverySamplerAreGoneOnFromBitForBit) {
  const Bound<models::EightSchools> schools("eight_schools");
  for (const Sampler* sampler : samplers()) {
    if (sampler->machine.fuses_with_models) continue;
    SCOPED_TRACE(sampler->name);
    SampleOptions o = options("4x1");
    o.sampler = sampler->name;
    o.draws = 20;
    stop_one(schools, o, 1);
    const Fit fit = part(schools, o, 2, true);
    o.checkpoint = {};
    expect_same(run_on(schools, o, 1), fit);
  }
}

// What chooses a geometry by itself goes on with the one that it began with, which fewer or more devices might not choose.
TEST_F(DeviceCheckpoints, KeepTheGeometry) {
  const Bound<models::EightSchools> schools("eight_schools");
  SampleOptions o = options("auto");
  o.chains = 64;
  o.warmup = 50;
  o.draws = 2;
  stop_one(schools, o, 4);
  const Fit fit = part(schools, o, 1, true);
  const auto teams_of = [](const Fit& of) {
    const std::string text = std::get<std::string>(of.attributes.at("geometry"));
    return text.substr(0, text.find(" on "));
  };
  o.checkpoint = {};
  const Fit on_four = run_on(schools, o, 4), on_one = run_on(schools, o, 1);
  EXPECT_NE(teams_of(on_four), teams_of(on_one));
  EXPECT_EQ(teams_of(fit), teams_of(on_four));
  expect_same(fit, on_four);
}

TEST_F(DeviceCheckpoints, GoOnOnlyOnTheProcessorThatTheyAreOf) {
  const Bound<models::EightSchools> schools("eight_schools");
  for (const int devices : {0, 1}) {
    stop_one(schools, options("auto"), devices);
    const std::string message = message_of([&] { part(schools, options("auto"), 1 - devices, true); });
    EXPECT_NE(message.find(devices == 0 ? "another processor (CPU there, GPU here" : "another processor (GPU there, CPU here"),
              std::string::npos) << message;
    TearDown();
    SetUp();
  }
}

// A run that began on a GPU because there was one does not go on where there is none, and says so.
TEST_F(DeviceCheckpoints, AutomaticStaysWithTheProcessorOfTheBeginning) {
  if (cuda_status().unavailable.empty()) GTEST_SKIP() << "there is a GPU, whose kernels are not the emulated device's";
  const Bound<models::EightSchools> schools("eight_schools");
  stop_one(schools, options("auto"), 1);
  EXPECT_EQ(saved_run(options("auto").checkpoint.file).processor, Processor::cuda);
  const std::string message = message_of([&] { resume(schools.model.table(), schools.data, options("auto")); });
  EXPECT_NE(message.find("There is no GPU to run on"), std::string::npos) << message;
}

// ---- geometry -----------------------------------------------------------------------------------------------------------

TEST(Geometry, FillsTheMachineWithTeamsThenSlices) {
  const DeviceInfo h100{"H100", 132, 80ull << 30, 80ull << 30, 232448};
  const KernelResources kernel{122, 0, 512};
  const auto chosen = [&](int chains, int coordinates, std::int64_t elements) {
    return geometry_text(choose_geometry(h100, kernel, chains, {coordinates, elements}));
  };
  EXPECT_EQ(chosen(100000, 10, 8), "32x1r");      // two teams of 32 for each multiprocessor, and more chains than threads
  EXPECT_EQ(chosen(8448, 10, 8), "32x2r");        // 8 observations: two slices of four
  EXPECT_EQ(chosen(8447, 10, 8), "32x2r");        // 264 teams, the last one not full
  EXPECT_EQ(chosen(4000, 10, 8), "8x2r");         // 250 teams of 16 leave multiprocessors idle
  EXPECT_EQ(chosen(64, 90, 919), "4x64");         // few chains share their observations among many threads
  EXPECT_EQ(chosen(64, 5, 919), "4x64r");      // what moves fits
  EXPECT_EQ(chosen(1, 1, 0), "4x1r");
  // Large design matrices, many chains: products, if there is room for what they take and give.
  const GeometryNeeds logistic{51, 10000, 10000, 500000}, covertype{55, 581012, 581012, 581012 * 54};
  EXPECT_EQ(geometry_text(choose_geometry(h100, kernel, 512, logistic)), "4x64g");
  EXPECT_EQ(geometry_text(choose_geometry(h100, kernel, 32, logistic)), "4x64");
  EXPECT_EQ(geometry_text(choose_geometry(h100, kernel, 1, {1, 0, 0, 0, false})), "4x1");  // nothing stays in a team's memory
  EXPECT_EQ(geometry_text(choose_geometry(h100, kernel, 512, covertype)), "4x64g");
  EXPECT_FALSE(choose_geometry(h100, kernel, 8448, covertype).staged);
}

TEST(Geometry, IsReadAsItIsWritten) {
  for (const char* text : {"32x4", "1x1", "8x64r", "32x2g"}) EXPECT_EQ(geometry_text(parse_geometry(text)), text);
  for (const char* text : {"", "32", "32x", "x4", "0x4", "32x0", "32x4q", "-1x4", "32x4rr", "32x4rg", "2000x1"})
    EXPECT_THROW(parse_geometry(text), std::invalid_argument) << text;
}

TEST(Geometry, ThatDoesNotFitIsRefused) {
  const DeviceInfo device{"a small GPU", 4, 0, 0, 48 << 10};
  require_fits({32, 8, false}, device, {122, 0, 512}, 10);
  EXPECT_THROW(require_fits({32, 32, false}, device, {122, 0, 512}, 10), DeviceError);    // threads
  EXPECT_THROW(require_fits({32, 8, true}, device, {122, 0, 512}, 1000), DeviceError);    // memory
}

// ---- choosing -----------------------------------------------------------------------------------------------------------

TEST(Processor, IsTheCpuWhereThereIsNoGpuAndSaysWhyIfOneIsAskedFor) {
  const CudaStatus status = cuda_status();
  if (status.unavailable.empty()) GTEST_SKIP() << "skipped: there is a GPU here";
  SampleOptions options;
  const ModelTable& table = *find_zoo_model("eight_schools")->table();
  EXPECT_TRUE(choose_devices(table, Data(), options).open.empty());
  options.processor = Processor::cuda;
  try {
    choose_devices(table, Data(), options);
    FAIL() << "there is no GPU, and nobody said so";
  } catch (const SampleError& e) {
    EXPECT_NE(std::string(e.what()).find("There is no GPU to run on: "), std::string::npos) << e.what();
  }
  EXPECT_THROW(open_cuda_device(0), DeviceError);
}

TEST(Processor, AWrongGeometryIsRefusedBeforeAnythingRuns) {
  SampleOptions options;
  options.geometry = "lots";
  EXPECT_THROW(validate(options), SampleError);
}

}  // namespace
}  // namespace lockstep
