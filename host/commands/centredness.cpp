#include <limits>
#include <nlohmann/json.hpp>

#include "host/commands/command.hpp"
#include "lockstep/centredness.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

namespace {

struct CentrednessCommand {
  std::string model, seed = "1";
  ModelInput input;
  Count threads{"--threads", 1, 4096, 0};

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("centredness", "Print how far a model's hierarchies should be centred, as data for it");
    command->add_option("MODEL", model, "A model of the zoo (see: lockstep models), or a model file: path/to/model.hpp")
        ->required()
        ->option_text(" ");
    input.add_to(*command);
    command->add_option("--seed", seed, "Seed of the random numbers. Default: 1")->option_text("S");
    command->add_option("--threads", threads.text, "Threads. auto: all cores that the process may use")->option_text("N|auto");
    command->footer(
        "For parameters that are partially_centred by d.centredness, from a few short runs: for each element a number from 0, not\n"
        "centred, to 1. In JSON, to be given to lockstep sample beside the data:\n"
        "  lockstep centredness my_model.hpp --data d.json > centredness.json\n"
        "  lockstep sample my_model.hpp --data d.json --data centredness.json");
    command->callback([this] { run(); });
  }
  void run() const {
    CentrednessOptions options;
    options.threads = threads.value();
    options.seed = whole_number<std::uint64_t>("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(), false);
    const NamedModel named(model);
    const Data chosen = choose_centredness(named.table(), input.read(named), options);
    nlohmann::json json;
    for (const auto& [field, values] : chosen.fields()) json[field] = values.values;
    print(json.dump() + "\n");
  }
};

}  // namespace

void add_centredness_command(CLI::App& app) {
  static CentrednessCommand command;
  command.add_to(app);
}

}  // namespace lockstep
