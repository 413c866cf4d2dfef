// Simulation-based calibration of all models of calibrated_models.hpp (rules §6): prints a table for README.md of this folder, and
// exits with 1 if any of them is not calibrated.
//
//   calibrate_all [FITS [LEVEL [SAMPLER]]]    of each model, 1000; the chance of any false alarm, 0.01; nuts
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "tests/calibration/calibrated_models.hpp"

int main(int argc, char** argv) {
  using namespace lockstep;
  CalibrationOptions options;
  if (argc > 1) options.fits = std::atoi(argv[1]);
  const std::vector<CalibratedModel> models = calibrated_models();
  options.level = (argc > 2 ? std::atof(argv[2]) : 0.01) / double(models.size());
  options.seed = 20261126;
  if (argc > 3) options.sampler = argv[3];
  bool all_passed = true;
  fmt::print("| model | quantities | smallest p | limit | failed fits | unsettled | seconds | |\n|---|---|---|---|---|---|---|---|\n");
  for (const CalibratedModel& model : models) {
    const auto started = std::chrono::steady_clock::now();
    const Calibration calibration = calibrate(*model.table(), model.data, options);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    const CalibratedQuantity* worst = &calibration.quantities.front();
    for (const CalibratedQuantity& each : calibration.quantities)
      if (each.p_value < worst->p_value) worst = &each;
    fmt::print("| {} | {} | {:.2g} ({}) | {:.1g} | {} | {} | {:.0f} | {} |\n", model.name, calibration.quantities.size(), worst->p_value, worst->name,
               calibration.p_value_limit(), calibration.failed, calibration.unsettled, seconds, calibration.passed() ? "calibrated" : "NOT CALIBRATED");
    if (calibration.failed > 0) fmt::print("{}\n", calibration.first_failure);
    std::fflush(stdout);
    all_passed = all_passed && calibration.passed();
  }
  return all_passed ? 0 : 1;
}
