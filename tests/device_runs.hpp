// Chains advanced by hand, on devices and on the CPU, so that they can be compared draw by draw; and what a device says
// of a model's density against the scalar oracle. tests/device_test.cpp does it on an emulated device, tests/gpu/ on
// GPUs.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/host_model.hpp"
#include "kernels/cpu/ensemble.hpp"
#include "kernels/device_ensemble.hpp"
#include "kernels/microcanonical.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

using DeviceList = std::vector<std::unique_ptr<Device>>;

// A zoo model with its example data; with `singles`, for mixed precision.
struct ZooSubject {
  Data data;
  HostModel model;
  explicit ZooSubject(const std::string& name, bool singles = false)
      : data(example_data(*find_zoo_model(name))), model(*find_zoo_model(name)->table(), data, singles) {}
};

struct RunShape {
  int chains = 5, draws = 7, block = 3, devices = 1;
  Geometry geometry{4, 1, false};
  double launch_seconds = 0.02;
  double step = 0.2;
  int max_depth = 10;
};

// [chain][draw][coordinate], then [chain][draw][statistic].
using Draws = std::pair<std::vector<double>, std::vector<double>>;

inline std::vector<double> starts_of(const HostModel& model, int chains) {
  std::vector<double> positions;
  for (int c = 0; c < chains; ++c)
    for (int i = 0; i < model.coordinates(); ++i) positions.push_back(0.8 * std::sin(1.7 * c + 0.9 * i + 0.3));
  return positions;
}

// Chain 0 adapts a step size of its own.
inline Tuning tuning_for(const HostModel& model, int chains, double step = 0.2) {
  Tuning tuning;
  for (int i = 0; i < model.coordinates(); ++i) tuning.metric.scale.push_back(1 + 0.05 * i);
  // One direction: the first coordinate.
  tuning.metric.directions.assign(std::size_t(model.coordinates()) * MetricView::group, 0);
  tuning.metric.directions[0] = 1;
  tuning.metric.stretch_less_1.assign(MetricView::group, 0);
  tuning.metric.stretch_less_1[0] = 0.1;
  tuning.log_step = std::log(step);
  tuning.trajectory_length = 7 * step;
  tuning.own_step.assign(std::size_t(chains), 0);
  tuning.own_step[0] = 1;
  return tuning;
}

template <class Kernel = NutsKernel>
std::unique_ptr<DeviceEnsembleOf<Kernel>> ensemble_on(DeviceList devices, const ZooSubject& subject, const DeviceModelTable& table,
                                                      const RunShape& shape) {
  DeviceSettings settings;
  settings.geometry = shape.geometry;
  settings.sampler.max_depth = shape.max_depth;
  settings.scratch = subject.model.layout().scratch;
  settings.launch_seconds = shape.launch_seconds;
  return std::make_unique<DeviceEnsembleOf<Kernel>>(std::move(devices), table, subject.model.data(), shape.chains,
                                                    subject.model.coordinates(), 7, settings);
}

// Places chains and gives them a step size.
inline void begin_chains(Ensemble& ensemble, const HostModel& model, const RunShape& shape) {
  ensemble.place(starts_of(model, shape.chains), std::vector<char>(std::size_t(shape.chains), 1));
  ensemble.restart_step(std::vector<char>(std::size_t(shape.chains), 1), std::log(shape.step / 2));
}

// Draws 10 .. of chains that begin.
inline Draws draws_of(Ensemble& ensemble, const HostModel& model, const RunShape& shape) {
  ensemble.set_max_depth(shape.max_depth);
  begin_chains(ensemble, model, shape);
  const std::size_t n = std::size_t(model.coordinates()), draws = std::size_t(shape.draws),
                    chains = std::size_t(shape.chains);
  Draws all{std::vector<double>(chains * draws * n), std::vector<double>(chains * draws * draw_statistics)};
  int expected_first = 10;
  const int made_in_all = ensemble.sample(
      10, shape.draws, shape.block, tuning_for(model, shape.chains, shape.step),
      [&](const DrawBlock& block, int first, int made) {
        EXPECT_EQ(first, expected_first);
        expected_first += made;
        for (int c = 0; c < shape.chains; ++c)
          for (int d = 0; d < made; ++d) {
            const std::size_t row = std::size_t(c) * draws + std::size_t(first - 10 + d);
            for (int i = 0; i < model.coordinates(); ++i) all.first[row * n + std::size_t(i)] = block.position(c, d, i);
            for (int k = 0; k < draw_statistics; ++k)
              all.second[row * draw_statistics + std::size_t(k)] = block.statistic(c, d, DrawStatistic(k));
          }
        return true;
      });
  EXPECT_EQ(made_in_all, shape.draws);
  EXPECT_EQ(ensemble.draws_done(), double(shape.chains) * (10 + shape.draws));
  return all;
}

template <class Kernel = NutsKernel> Draws on_cpu(const ZooSubject& subject, const RunShape& shape) {
  CpuEnsembleOf<Kernel> ensemble(subject.model.table(), subject.model.handle(), shape.chains, 7, {}, 2);
  return draws_of(ensemble, subject.model, shape);
}

// Infinities, as the energy errors of diverging trajectories are, must be the same.
inline void expect_near(const Draws& a, const Draws& b, double tolerance) {
  const auto expect_all = [&](const std::vector<double>& x, const std::vector<double>& y, const char* what) {
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      if (x[i] != y[i]) {
        ASSERT_NEAR(x[i], y[i], tolerance * (1 + std::abs(y[i]))) << what << " " << i;
      }
  };
  ASSERT_NO_FATAL_FAILURE(expect_all(a.first, b.first, "element"));
  ASSERT_NO_FATAL_FAILURE(expect_all(a.second, b.second, "statistic"));
}

// Log density and gradient, as a device's kernels compute them, at about 2 x `chains` points, against the oracle. What
// is compared comes with a draw. First of a step so long that it is refused: the draw is where the chain was put, and
// the kernel that was launched there has evaluated it. Then of a step of 1e-10, which is taken: the sampler's kernel
// has.
//
// Tolerance, of doubles: 1e-9, relative to the log density, and for the gradient to its largest element or the log density; sums of
// up to some thousand terms in another order, and exponentials and logarithms of an ulp or two, stay a hundred times
// below.
inline void expect_densities_of_the_oracle(Ensemble& ensemble, const HostModel& model, double tolerance = 1e-9) {
  const int chains = ensemble.chains(), n = model.coordinates();
  const std::vector<double> starts = starts_of(model, chains);
  ensemble.set_max_depth(1);
  Tuning tuning = tuning_for(model, chains);
  tuning.own_step[0] = 0;
  std::vector<double> point(static_cast<std::size_t>(n)), gradient(static_cast<std::size_t>(n));
  for (const double step : {1e3, 1e-10}) {
    ensemble.place(starts, std::vector<char>(std::size_t(chains), 1));
    tuning.log_step = std::log(step);
    const std::unique_ptr<Window> window = ensemble.make_window(step > 1 ? 0 : 1, 1, Keep::gradients);
    ASSERT_EQ(ensemble.advance(*window, 1, tuning), 1);
    const DrawBlock& block = window->block();
    int stayed = 0;
    for (int c = 0; c < chains; ++c) {
      SCOPED_TRACE("chain " + std::to_string(c) + ", step " + std::to_string(step));
      bool same = true;
      for (int i = 0; i < n; ++i) {
        point[std::size_t(i)] = block.position(c, 0, i);
        same = same && point[std::size_t(i)] == starts[std::size_t(c * n + i)];
      }
      stayed += same;
      const double lp = model.log_density(point.data(), gradient.data());
      ASSERT_TRUE(std::isfinite(lp));
      ASSERT_NEAR(block.statistic(c, 0, DrawStatistic::lp), lp, tolerance * std::max(1., std::abs(lp)));
      double largest = std::max(1., std::abs(lp));
      for (double g : gradient) largest = std::max(largest, std::abs(g));
      for (int i = 0; i < n; ++i)
        ASSERT_NEAR(block.gradient(c, 0, i), gradient[std::size_t(i)], tolerance * largest) << "coordinate " << i;
    }
    if (step > 1)
      EXPECT_GT(stayed, chains / 2);
    else
      EXPECT_LT(stayed, chains / 2 + 1);
  }
}

// What adaptation reads of a window, against its draws themselves.
inline void expect_moments_of_its_draws(Window& window, int chains, int coordinates) {
  const ChainMoments x = window.positions(), g = window.gradients();
  const DrawBlock& block = window.block();
  const int draws = window.draws();
  for (int c = 0; c < chains; ++c) {
    for (int i = 0; i < coordinates; ++i) {
      double sums[2] = {}, squares[2] = {};
      for (int d = 0; d < draws; ++d) sums[0] += block.position(c, d, i), sums[1] += block.gradient(c, d, i);
      for (int d = 0; d < draws; ++d) {
        squares[0] += std::pow(block.position(c, d, i) - sums[0] / draws, 2);
        squares[1] += std::pow(block.gradient(c, d, i) - sums[1] / draws, 2);
      }
      const std::size_t at = std::size_t(i * chains + c);
      EXPECT_NEAR(x.mean[at], sums[0] / draws, 1e-12);
      EXPECT_NEAR(x.squares[at], squares[0], 1e-11 * squares[0]);
      EXPECT_NEAR(g.mean[at], sums[1] / draws, 1e-12);
      EXPECT_NEAR(g.squares[at], squares[1], 1e-11 * squares[1]);
    }
    for (int d = 0; d < draws; ++d) {
      EXPECT_EQ(window.lp(c, d), block.statistic(c, d, DrawStatistic::lp));
      EXPECT_EQ(window.acceptance(c, d), block.statistic(c, d, DrawStatistic::acceptance_rate));
    }
  }
}

}  // namespace lockstep
