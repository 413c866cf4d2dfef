#include <chrono>
#include <limits>

#include "host/commands/command.hpp"
#include "lockstep/calibration.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

namespace {

struct SbcCommand {
  std::string model, sampler = "nuts", seed = "1";
  ModelInput input;
  TargetAcceptance target;
  Count fits{"--fits", 20, 1000000, 1000, "1000"};
  Count draws{"--draws", 9, 10000, 100, "100"};
  Count threads{"--threads", 1, 4096, 0};

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("sbc", "Fit a model to data that it simulates: is it as sure as it should be?");
    command->add_option("MODEL", model, "A model of the zoo (see: lockstep models), or a model file: path/to/model.hpp")
        ->required()
        ->option_text(" ");
    input.add_to(*command);
    command->add_option("--fits", fits.text, "Simulated data sets, each of which is fitted. Default: 1000")->option_text("N");
    command->add_option("--draws", draws.text, "Posterior draws that a true value is ranked among. Default: 100")->option_text("N");
    command->add_option("--sampler", sampler, "As sample's. Default: nuts")->option_text("NAME");
    target.add_to(*command);
    command->add_option("--seed", seed, "Seed of the random numbers. Default: 1")->option_text("S");
    command->add_option("--threads", threads.text, "Threads. auto: all cores that the process may use")->option_text("N|auto");
    command->footer(
        "Simulation-based calibration: parameters are drawn from the prior, data from them, and the ranks of the true values\n"
        "in their posteriors must be uniform. All priors must be proper. What is observed must be in the data, since its size\n"
        "is known from there; its values have no say.");
    command->callback([this] { run(); });
  }

  void run() const {
    CalibrationOptions options;
    options.fits = whole_number<int>("--fits", fits.text, fits.least, fits.most, false);
    options.draws = whole_number<int>("--draws", draws.text, draws.least, draws.most, false);
    options.threads = threads.value();
    options.sampler = sampler_named("--sampler", sampler);
    options.target_acceptance = target.value();
    options.seed = whole_number<std::uint64_t>("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(), false);
    const NamedModel named(model);
    const auto started = std::chrono::steady_clock::now();
    const Calibration calibration = calibrate(named.table(), input.read(named), options);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    print(fmt::format("{}: simulation-based calibration, {:.1f} s\n\n{}", model, seconds, report(calibration)));
  }
};

}  // namespace

void add_sbc_command(CLI::App& app) {
  static SbcCommand command;
  command.add_to(app);
}

}  // namespace lockstep
