#include "lockstep/prior.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "host/commands/command.hpp"
#include "host/netcdf.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

namespace {

struct PriorCommand {
  std::string model, seed = "1", fit_file;
  ModelInput input;
  ResultsInput results;
  Count draws{"--draws", 1, 1000000000, 1000, "1000"};
  Count threads{"--threads", 1, 4096, 0};
  CLI::Option* append_option = nullptr;

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("prior", "Draw from a model's prior, and simulate what would be observed");
    command->add_option("MODEL", model, "A model of the zoo (see: lockstep models), or a model file: path/to/model.hpp")
        ->required()
        ->option_text(" ");
    input.add_to(*command);
    command->add_option("--draws", draws.text, "Independent draws. Default: 1000")->option_text("N");
    command->add_option("--seed", seed, "Seed of the random numbers. Default: 1")->option_text("S");
    command->add_option("--threads", threads.text, "Threads. auto: all cores that the process may use")->option_text("N|auto");
    results.add_to(*command, "MODEL-prior");
    append_option = command
                        ->add_option("--append", fit_file,
                                     "Instead: add the groups to FIT, a results file of lockstep sample, whose data are taken;\n"
                                     "in as many chains, with the draws rounded up to a multiple. --overwrite: replace them")
                        ->option_text("FIT");
    command->footer(
        "Writes the groups prior and prior_predictive, and prints what they look like. What is observed must be in the\n"
        "data, as for sampling, since its size is known from there; its values have no say.");
    command->callback([this] { run(); });
  }

  void run() const {
    PriorOptions options;
    options.draws = whole_number<int>("--draws", draws.text, draws.least, draws.most, false);
    options.threads = threads.value();
    options.seed = whole_number<std::uint64_t>("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(), false);
    const NamedModel named(model);
    const bool append = append_option->count() > 0;
    if (append && (results.given() || !input.read_given().empty()))
      throw UsageError("--append is given with --out, new data, or something done (a prior is added to a fit with its data). Leave one of them out.");
    const std::filesystem::path file = append ? std::filesystem::path(fit_file) : results.file(named.stem() + "-prior", input.files());
    Fit fit = append ? sample_prior(named.table(), read_netcdf(file, {"posterior", "observed_data", "constant_data"}), options)
                     : sample_prior(named.table(), input.read(named), options);
    fit.attributes["model"] = model;
    std::string text = fmt::format("{}: {} draws from the prior\n", model, fit.chains * fit.draws);
    for (const char* name : {"prior", "prior_predictive"})
      if (fit.has_group(name)) text += fmt::format("\n{}\n{}", name, simulation_table(fit, fit.group(name)));
    if (append) append_netcdf(fit, file, results.overwrite());
    else write_netcdf(fit, file);
    print(text + fmt::format("\nResults: {}\n", file.string()));
  }
};

}  // namespace

void add_prior_command(CLI::App& app) {
  static PriorCommand command;
  command.add_to(app);
}

}  // namespace lockstep
