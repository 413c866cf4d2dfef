// The command line.
//
// Exit codes: 0 done; 1 it failed (data, model, file); 2 the command line is wrong.

#include <cstdio>
#include <exception>
#include <filesystem>
#include <limits>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "host/netcdf.hpp"
#include "host/progress_bar.hpp"
#include "host/summary.hpp"
#include "host/verdict.hpp"
#include "lockstep/sample.hpp"

namespace {

using namespace lockstep;

constexpr int failed = 1, wrong_usage = 2;

class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// "auto" gives `automatic`.
int count_or_auto(const std::string& text, const std::string& option, int automatic) {
  if (text == "auto") return automatic;
  std::size_t used = 0;
  int value = 0;
  try {
    value = std::stoi(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used != text.size() || value < 0)
    throw UsageError(fmt::format("{} is '{}' (a number of 0 or more is needed). Give one, or auto.", option, text));
  return value;
}

struct SampleCommand {
  std::string model, data, chains = "auto", warmup = "auto", out;
  SampleOptions options;

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("sample", "Sample from a model's posterior");
    command->add_option("MODEL", model, "A model of the zoo (see: models)")->required();
    command->add_option("--data", data, "JSON file in CmdStan's conventions; without it the model's example data");
    command->add_option("--chains", chains, "Number of chains, or auto")->capture_default_str();
    command->add_option("--warmup", warmup, "Warmup draws per chain, or auto: until it has settled")->capture_default_str();
    command->add_option("--draws", options.draws, "Draws per chain; by default 1000 up to 16 chains, else 250")
        ->check(CLI::PositiveNumber);
    command->add_option("--seed", options.seed, "Seed of the random numbers")->capture_default_str();
    command->add_option("--threads", options.threads, "Threads; by default all cores")->check(CLI::PositiveNumber);
    command->add_option("--out", out, "Results file (NetCDF); by default MODEL.nc; an existing one is replaced");
    command->callback([this] { run(); });
  }

  void run() {
    options.chains = count_or_auto(chains, "--chains", 0);
    if (chains == "0") throw UsageError("--chains is 0 (a run needs at least one). Give a positive number, or auto.");
    options.warmup = count_or_auto(warmup, "--warmup", -1);
    const ZooModel* zoo_model = find_zoo_model(model);
    if (!zoo_model) throw UsageError(fmt::format("there is no model '{}' (the zoo has: {}). Choose one of these.", model, names()));
    const Data input = data.empty() ? example_data(*zoo_model) : Data::from_json_file(data);
    const std::filesystem::path file = out.empty() ? model + ".nc" : out;
    require_writable(file);

    Fit fit;
    {
      ProgressBar bar(stderr);
      options.progress = [&bar](const Progress& progress) { bar(progress); };
      fit = sample(*zoo_model->table(), input, options);
    }
    fit.attributes["model"] = model;
    write_netcdf(fit, file);
    const std::vector<NamedDiagnosis> diagnoses = diagnose(fit);
    fmt::print("{}: {} chains x {} draws after {:.0f} warmup draws each, {:.2f} s\n\n", model, fit.chains, fit.draws,
               std::get<double>(fit.attributes.at("tuning_steps")), std::get<double>(fit.attributes.at("sampling_time")));
    fmt::print("{}\n{}\n", summary(fit, diagnoses), report(judge(fit, diagnoses)));
    fmt::print("Results: {}\n", file.string());
  }

  static std::string names() {
    std::string all;
    for (const ZooModel& each : zoo()) all += (all.empty() ? "" : ", ") + std::string(each.name);
    return all;
  }

  // Before the work, not after it.
  static void require_writable(const std::filesystem::path& file) {
    if (std::filesystem::is_directory(file))
      throw UsageError(fmt::format("--out is '{}' (a folder). Name a file in it.", file.string()));
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    if (!std::filesystem::is_directory(folder))
      throw UsageError(fmt::format("--out is '{}' (its folder does not exist). Make it first, or choose another.", file.string()));
  }
};

struct SummaryCommand {
  std::string file, format = "table";

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("summary", "Summarise a results file");
    command->add_option("FILE", file, "A results file")->required();
    command->add_option("--format", format, "table, json or csv")->capture_default_str();
    command->callback([this] { run(); });
  }

  void run() const {
    Format chosen;
    try {
      chosen = parse_format(format);
    } catch (const std::invalid_argument& error) {
      throw UsageError(error.what());
    }
    const Fit fit = read_netcdf(file, {"posterior", "sample_stats"});
    const std::vector<NamedDiagnosis> diagnoses = diagnose(fit);
    fmt::print("{}", summary(fit, diagnoses, chosen));
    if (chosen == Format::table) fmt::print("\n{}", report(judge(fit, diagnoses)));
  }
};

int run(int argc, char** argv) {
  CLI::App app{"Lockstep: Bayesian inference, many chains in lockstep", "lockstep"};
  app.require_subcommand(1);
  SampleCommand sample_command;
  SummaryCommand summary_command;
  sample_command.add_to(app);
  summary_command.add_to(app);
  app.add_subcommand("models", "List the models that come with the program")->callback([] {
    for (const ZooModel& model : zoo()) fmt::print("{:<20} {}\n", model.name, model.summary);
  });
  app.add_subcommand("version", "Print the version")->callback([] { fmt::print("lockstep {}\n", LOCKSTEP_VERSION); });
  app.add_subcommand("help", "Print this help")->callback([&app] { fmt::print("{}", app.help()); });
  app.footer("The script ./lockstep also has `test` (build and run the tests) and `bench`.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, std::cout, std::cerr);
    return code == 0 ? 0 : wrong_usage;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    if (std::fflush(stdout) != 0) throw std::runtime_error("standard output could not be written to its end (is the disk full?)");
    return code;
  } catch (const UsageError& error) {
    fmt::print(stderr, "lockstep: {}\n", error.what());
    return wrong_usage;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "lockstep: out of memory (all draws are kept until they are written). Run fewer chains or draws.\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "lockstep: {}\n", error.what());
  }
  return failed;
}
