#include <algorithm>
#include <chrono>
#include <limits>

#include "host/commands/command.hpp"
#include "lockstep/calibration.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

namespace {

struct SbcCommand {
  std::string model, sampler = "nuts", seed = "1", level = "0.01";
  bool all = false;
  ModelInput input;
  TargetAcceptance target;
  Count fits{"--fits", 20, 1000000, 1000, "1000"};
  Count draws{"--draws", 9, 10000, 100, "100"};
  Count threads{"--threads", 1, 4096, 0};

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("sbc", "Fit a model to data that it simulates: is it as sure as it should be?");
    CLI::Option* one = command->add_option("MODEL", model, "A model of the zoo (see: lockstep models), or a model file: "
                                                           "path/to/model.hpp")->option_text(" ");
    input.add_to(*command);
    CLI::Option* every = command->add_flag("--all", all, "In place of a MODEL and its data: models of the zoo of every kind, a\n"
                                                         "line for each")->option_text(" ");
    every->excludes(one);
    for (const char* name : {"--data", "--set", "--do", "--observe"}) every->excludes(command->get_option(name));
    command->add_option("--fits", fits.text, "Simulated data sets, each of which is fitted. Default: 1000")->option_text("N");
    command->add_option("--draws", draws.text, "Posterior draws that a true value is ranked among. Default: 100")
        ->option_text("N");
    command->add_option("--level", level, "The chance that anything is reported where nothing is wrong. Default: 0.01")
        ->option_text("P");
    command->add_option("--sampler", sampler, "As sample's. Default: nuts")->option_text("NAME");
    target.add_to(*command);
    command->add_option("--seed", seed, "Seed of the random numbers. Default: 1")->option_text("S");
    command->add_option("--threads", threads.text, "Threads. auto: all cores that the process may use")->option_text("N|auto");
    command->footer(
        "Simulation-based calibration: parameters are drawn from the prior, data from them, and the ranks of the true values\n"
        "in their posteriors must be uniform. All priors must be proper. What is observed must be in the data, since its size\n"
        "is known from there; its values have no say. Exit code 1: a model is not calibrated.");
    command->callback([this] { run(); });
  }

  void run() const {
    if (model.empty() && !all) throw UsageError("there is no MODEL (sbc calibrates one, or --all of the zoo's). Name one.");
    CalibrationOptions options;
    options.fits = whole_number<int>("--fits", fits.text, fits.least, fits.most, false);
    options.draws = whole_number<int>("--draws", draws.text, draws.least, draws.most, false);
    options.level = number_within_0_and_1("--level", level, "0.01, say");
    options.threads = threads.value();
    options.sampler = sampler_named("--sampler", sampler);
    options.target_acceptance = target.value();
    options.seed = whole_number<std::uint64_t>("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(), false);
    if (all) return run_all(options);
    const NamedModel named(model);
    const auto [calibration, seconds] = timed(named.table(), input.read(named), options);
    print(fmt::format("{}: simulation-based calibration, {:.1f} s\n\n{}", model, seconds, report(calibration)));
    if (!calibration.passed())
      throw std::runtime_error(fmt::format("'{}' is not calibrated (see above). Look for what is wrong in it.", model));
  }

 private:
  struct Timed {
    Calibration calibration;
    double seconds;
  };
  static Timed timed(const ModelTable& table, const Data& data, const CalibrationOptions& options) {
    const auto started = std::chrono::steady_clock::now();
    Calibration calibration = calibrate(table, data, options);
    return {std::move(calibration), std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count()};
  }

  static void run_all(CalibrationOptions options) {
    std::vector<const ZooModel*> models;
    for (const ZooModel& each : zoo())
      if (each.calibrated) models.push_back(&each);
    options.level /= double(models.size());
    print(fmt::format("{} fits of each model, true values ranked among {} draws.\n\n", options.fits, options.draws));
    print(fmt::format("{:<20} {:>10} {:>10}  {:<20} {:>8} {:>7} {:>9} {:>8}  {}\n", "model", "quantities", "smallest p", "of",
                      "limit", "failed", "unsettled", "seconds", "verdict"));
    std::size_t passed = 0;
    double total = 0;
    for (const ZooModel* each : models) {
      const auto [calibration, seconds] = timed(*each->table(), example_data(*each), options);
      const CalibratedQuantity& worst = *std::ranges::min_element(calibration.quantities, {}, &CalibratedQuantity::p_value);
      print(fmt::format("{:<20} {:>10} {:>10.2g}  {:<20} {:>8.1g} {:>7} {:>9} {:>8.1f}  {}\n", each->name,
                        calibration.quantities.size(), worst.p_value, worst.name, calibration.p_value_limit(), calibration.failed,
                        calibration.unsettled, seconds, calibration.passed() ? "calibrated" : "NOT CALIBRATED"));
      if (calibration.failed > 0) print(fmt::format("The first fit that failed said: {}\n", calibration.first_failure));
      passed += calibration.passed();
      total += seconds;
    }
    print(fmt::format("\n{} of {} are calibrated, {:.0f} s.\n", passed, models.size(), total));
    if (passed < models.size())
      throw std::runtime_error(fmt::format("{} of {} models are not calibrated (see the table). Look at each: lockstep sbc "
                                           "MODEL.", models.size() - passed, models.size()));
  }
};

}  // namespace

void add_sbc_command(CLI::App& app) {
  static SbcCommand command;
  command.add_to(app);
}

}  // namespace lockstep
