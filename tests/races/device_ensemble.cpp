// Launches of an emulated device, built with the thread sanitizer by run.sh: every team has a thread for each lane and slice,
// so a barrier that is missing, on a GPU too, is a data race here; so is a stream or a driver that does not wait.

#include <cmath>
#include <cstdio>

#include "kernels/device_ensemble.hpp"
#include "kernels/emulated_device.hpp"
#include "kernels/microcanonical.hpp"
#include "lockstep/model_table.hpp"
#include "models/eight_schools.hpp"
#include "models/logistic_regression.hpp"

namespace lockstep {
namespace {

// Warmup's windows, then a ring of two blocks that goes round; the sum of what they gave.
template <class Kernel, class Model> double run(const DataView& data, const Geometry& geometry, int devices, double step) {
  constexpr int chains = 5;
  const BoundModel<Model> bound(data);
  std::vector<std::unique_ptr<Device>> open;
  for (int d = 0; d < devices; ++d) open.push_back(std::make_unique<EmulatedDevice>());
  DeviceSettings settings;
  settings.geometry = geometry;
  settings.scratch = bound.layout().scratch;
  settings.sampler.max_depth = 5;
  const int n = int(bound.layout().coordinates);
  DeviceEnsembleOf<Kernel> ensemble(std::move(open), *emulated_model_table<Model>(), data, chains, n, 3, settings);
  ensemble.place(std::vector<double>(std::size_t(chains * n), 0.1), std::vector<char>(chains, 1));
  ensemble.restart_step(std::vector<char>(chains, 1), std::log(step));
  const Tuning tuning{{std::vector<double>(std::size_t(n), 1.), {}, {}}, std::log(step), 5 * step, std::vector<char>(chains, 1)};
  const std::unique_ptr<Window> window = ensemble.make_window(0, 4, Keep::proposals);
  ensemble.advance(*window, 2, tuning);
  ensemble.advance(*window, 2, tuning);
  double sum = window->positions().mean[0] + window->gradients().squares[0] + window->block().position(0, 0, 0);
  ensemble.sample(4, 11, 2, tuning, [&](const DrawBlock& block, int, int made) {
    for (int c = 0; c < chains; ++c) sum += block.position(c, made - 1, 0);
    return true;
  });
  return sum + ensemble.halves()[1].mean[0];
}

bool all_agree() {
  const double y[] = {28, 8, -3, 7, -1, 1, 18, 12}, sigma[] = {15, 10, 16, 11, 9, 11, 10, 18};
  const std::int64_t schools[] = {8}, rows[] = {20}, matrix[] = {20, 2};
  const FieldView of_schools[] = {{"y", y, schools, 1, 1, true}, {"sigma", sigma, schools, 1, 1, true}};
  double x[40], successes[20];
  for (int i = 0; i < 40; ++i) x[i] = std::sin(i);
  for (int i = 0; i < 20; ++i) successes[i] = i % 2;
  const FieldView of_logistic[] = {{"X", x, matrix, 2, 1, false}, {"y", successes, rows, 1, 1, true}};
  const auto same = [](double a, double b) { return std::abs(a - b) < 1e-9 * (1 + std::abs(b)); };

  const DataView data{of_schools, 2, nullptr, 0, nullptr, 0};
  const double expected = run<NutsKernel, models::EightSchools>(data, {1, 1}, 1, 0.2);
  bool right = true;
  for (const Geometry& geometry : {Geometry{2, 1}, Geometry{2, 3, true}})
    for (int devices : {1, 2}) right = right && same(run<NutsKernel, models::EightSchools>(data, geometry, devices, 0.2), expected);
  right = right && same(run<HmcKernel, models::EightSchools>(data, {2, 3}, 2, 0.2), run<HmcKernel, models::EightSchools>(data, {1, 1}, 1, 0.2));
  right = right && same(run<MamsKernel, models::EightSchools>(data, {2, 3}, 2, 0.2), run<MamsKernel, models::EightSchools>(data, {1, 1}, 1, 0.2));

  const DataView of_regression{of_logistic, 2, nullptr, 0, nullptr, 0};
  const double expected_too = run<NutsKernel, models::LogisticRegression>(of_regression, {1, 1}, 1, 0.1);
  for (const Geometry& geometry : {Geometry{2, 2, false, true}, Geometry{3, 2, true}})
    right = right && same(run<NutsKernel, models::LogisticRegression>(of_regression, geometry, 2, 0.1), expected_too);
  return right;
}

}  // namespace
}  // namespace lockstep

int main() {
  const bool right = lockstep::all_agree();
  std::puts(right ? "all geometries agree" : "failed: geometries do not agree");
  return right ? 0 : 1;
}
