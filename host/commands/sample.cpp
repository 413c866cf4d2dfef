#include "host/commands/command.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>

#include "host/netcdf.hpp"
#include "host/progress_bar.hpp"
#include "host/summary.hpp"
#include "host/verdict.hpp"
#include "kernels/cpu/launch.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

struct SampleCommand {
  std::string model, data, seed = "1", out;
  Count chains{"--chains", 1, 1000000, 0};
  Count warmup{"--warmup", 0, 1000000, -1};
  Count draws{"--draws", 1, std::numeric_limits<int>::max(), 0};
  Count threads{"--threads", 1, 4096, 0};
  CLI::App* command = nullptr;

  void add_to(CLI::App& app) {
    command = app.add_subcommand("sample", "Sample from a model's posterior");
    command->add_option("MODEL", model, "A model of the zoo (see: lockstep models), or a model file: path/to/model.hpp")->required()->option_text(" ");
    option("--data", data, "FILE", "Data: JSON in CmdStan's conventions. Default: the model's example data");
    option("--chains", chains.text, "N|auto", "Number of chains. auto: what suits this machine");
    option("--warmup", warmup.text, "N|auto", "Warmup draws per chain, then 10 more with the final tuning. auto: until all\n"
                                          "chains have settled");
    option("--draws", draws.text, "N|auto", "Draws per chain after warmup. auto: 1000 up to 16 chains, else 250");
    option("--seed", seed, "S",
           "Seed of the random numbers. Default: 1. The same seed and number of\n"
           "chains give the same draws on any number of threads");
    option("--threads", threads.text, "N|auto", "Threads. auto: all cores that the process may use");
    option("--out", out, "FILE",
           "Results file (NetCDF, for ArviZ). Default: MODEL.nc. One of that name is\n"
           "replaced");
    command->footer("Prints a summary and a verdict; progress goes to stderr.");
    command->callback([this] { run(); });
  }

  void option(const char* name, std::string& value, const char* shown, const char* text) {
    command->add_option(name, value, text)->option_text(shown);
  }

  void run() {
    refuse_empty();
    SampleOptions options;
    options.chains = chains.value();
    options.warmup = warmup.value();
    options.draws = draws.value();
    options.seed = whole_number<std::uint64_t>("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(), false);
    options.threads = threads.value();
    const NamedModel named(model);
    const fs::path file = out.empty() ? named.stem() + ".nc" : out;
    require_writable(file);
    if (std::error_code error; !data.empty() && fs::equivalent(file, data, error))
      throw UsageError(fmt::format("--out is '{}' (the data are in it, and would be lost). Name another.", out));
    if (options.threads > available_threads()) {
      complain(fmt::format("--threads is {} (the process may use {}). Going on with these.", options.threads,
                           available_threads()));
      options.threads = available_threads();
    }
    const ModelTable& table = named.table();
    const Data input = named.data(data);

    std::vector<NamedDiagnosis> diagnoses;
    const Fit fit = [&] {
      ProgressBar bar(stderr, options.warmup < 0);
      options.progress = [&bar](const Progress& progress) { bar(progress); };
      Fit result = lockstep::sample(table, input, options);
      result.attributes["model"] = model;
      bar.now("writing the results");
      write_netcdf(result, file);
      bar.now("summarising");
      diagnoses = diagnose(result);
      return result;
    }();
    print(fmt::format("{}: {} chains x {} draws after {:.0f} warmup draws each, {}\n\n{}\n{}Results: {}\n", model,
                      fit.chains, fit.draws, std::get<double>(fit.attributes.at("tuning_steps")),
                      duration_text(std::get<double>(fit.attributes.at("sampling_time"))), summary(fit, diagnoses),
                      report(judge(fit, diagnoses)), file.string()));
  }

  // An empty name is a shell variable that is not set, not a wish for the default.
  void refuse_empty() const {
    for (const char* name : {"--data", "--out"}) {
      if (command->count(name) > 0 && (name == std::string("--data") ? data : out).empty())
        throw UsageError(fmt::format("{} is empty (it takes the name of a file). Give one, or leave it out.", name));
    }
  }

  // What file systems take, less what is added to it while the file is written.
  static constexpr std::size_t longest_name = 220;

  // Before the work, not after it.
  static void require_writable(const fs::path& file) {
    const auto refuse = [&](const std::string& why, const std::string& suggestion) {
      throw UsageError(fmt::format("The results cannot be written to '{}' ({}). {}", file.string(), why, suggestion));
    };
    std::error_code error;
    const fs::file_status status = fs::status(file, error);
    if (fs::is_directory(status)) refuse("it is a folder", "Name a file in it with --out.");
    if (fs::exists(status) && !fs::is_regular_file(status)) refuse("it is no ordinary file", "Name one with --out.");
    if (file.filename().native().size() > longest_name)
      refuse(fmt::format("its name is longer than {} bytes", longest_name), "Choose a shorter one with --out.");
    const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
    if (!fs::is_directory(folder, error))
      refuse("its folder does not exist", "Make it first, or name another with --out.");
    if (access(folder.c_str(), W_OK | X_OK) != 0)
      refuse(std::strerror(errno), "Name a file in a folder that you may write to with --out.");
  }
};

}  // namespace

void add_sample_command(CLI::App& app) {
  static SampleCommand command;
  command.add_to(app);
}

}  // namespace lockstep
