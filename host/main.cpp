// The command line: reads it, calls the library, prints. The help texts are its documentation.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>

#include "host/netcdf.hpp"
#include "host/plugin.hpp"
#include "host/progress_bar.hpp"
#include "host/summary.hpp"
#include "host/verdict.hpp"
#include "kernels/cpu/launch.hpp"
#include "lockstep/sample.hpp"

namespace {

using namespace lockstep;
namespace fs = std::filesystem;

enum ExitCode { done = 0, failed = 1, wrong_usage = 2 };

constexpr const char* more_help = R"(Options of a command: lockstep help COMMAND
The script ./lockstep has two more commands: test (builds and runs the tests), bench (the benchmarks).

Exit codes:
  0  done, whatever the verdict says
  1  failed: the data, the model, a results file, memory or the disk; stderr says why
  2  the command line is wrong; nothing was done

Examples:
  lockstep sample eight_schools
  lockstep sample my_model.hpp --data my_data.json
  lockstep sample radon --chains 64 --draws 500 --seed 7 --out radon.nc
  lockstep summary radon.nc --format json
)";

class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// ---------------------------------------------------------------- printing

// To stdout, and there at once. That its reader (head) has seen enough is no error.
void print(const std::string& text) {
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written || errno == EPIPE) return;
  throw std::runtime_error(fmt::format("The output could not be written ({}). Free some space, or send it elsewhere.",
                                       std::strerror(errno)));
}

// Never throws: stderr may be a full disk as well.
void complain(const std::string& message) noexcept { std::fprintf(stderr, "lockstep: %s\n", message.c_str()); }

// ---------------------------------------------------------------- reading numbers

// All of the text is one whole number of that range, or it is refused.
template <class T>
T whole_number(const std::string& option, const std::string& text, T least, T most, bool or_auto) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && stop == end && value >= least && value <= most) return value;
  throw UsageError(fmt::format("{} is '{}' (a whole number from {} to {} is needed). Give one{}.", option, text, least,
                               most, or_auto ? ", or auto" : ""));
}

// A count that the program may choose itself.
struct Count {
  const char* option;
  int least, most;
  int automatic;  // what stands for "choose" in SampleOptions
  std::string text = "auto";

  int value() const { return text == "auto" ? automatic : whole_number(option, text, least, most, true); }
};

// ---------------------------------------------------------------- models

// A path rather than a name of the zoo: it has a folder or an ending.
bool is_model_file(const std::string& model) {
  const fs::path path(model);
  return path.has_parent_path() || path.has_extension();
}

std::string no_such_model(const std::string& model) {
  std::string names;
  for (const ZooModel& each : zoo()) names += (names.empty() ? "" : ", ") + std::string(each.name);
  return fmt::format("There is no model '{}' (the zoo has: {}). Choose one of these, or name a model file: ./{}.hpp.", model, names, model);
}

struct BuildCommand {
  std::string model;

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("build", "Compile a model of your own, for its first use or to see its errors");
    command->add_option("MODEL", model, "A model file (see models/README.md)")->required()->option_text(" ");
    command->callback([this] { run(); });
  }
  void run() const {
    if (find_zoo_model(model)) throw UsageError(fmt::format("'{}' is a model of the zoo (it is compiled in). Sample from it at once.", model));
    const PluginBuild build = build_model(model, complain);
    print(fmt::format("{} {}\n", build.compiled ? "built" : "was built already:", build.library.string()));
  }
};

// ---------------------------------------------------------------- sample

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
    const ZooModel* zoo_model = find_zoo_model(model);
    if (!zoo_model && !is_model_file(model)) throw UsageError(no_such_model(model));
    const fs::path file = out.empty() ? fs::path(model).stem().string() + ".nc" : out;
    require_writable(file);
    if (std::error_code error; !data.empty() && fs::equivalent(file, data, error))
      throw UsageError(fmt::format("--out is '{}' (the data are in it, and would be lost). Name another.", out));
    if (options.threads > available_threads()) {
      complain(fmt::format("--threads is {} (the process may use {}). Going on with these.", options.threads,
                           available_threads()));
      options.threads = available_threads();
    }
    const ModelTable& table = zoo_model ? *zoo_model->table() : load_model(model, complain);
    // A model of one's own may need no data; if it does, the error names the first field that is missing.
    const Data input = !data.empty() ? Data::from_json_file(data) : zoo_model ? example_data(*zoo_model) : Data();

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

// ---------------------------------------------------------------- summary

struct SummaryCommand {
  std::string file, format = "table";

  void add_to(CLI::App& app) {
    CLI::App* command = app.add_subcommand("summary", "Summarise a results file");
    command->add_option("FILE", file, "A results file of lockstep, or of another sampler in ArviZ's layout")
        ->required()
        ->option_text(" ");
    command
        ->add_option("--format", format, "Default: table, which the verdict follows; json and csv have full precision")
        ->option_text("table|json|csv");
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
    if (!fit.has_group("posterior"))
      throw std::runtime_error(fmt::format("'{}' has no posterior (it is summarised). Choose a file with draws.", file));
    const std::vector<NamedDiagnosis> diagnoses = diagnose(fit);
    std::string text = summary(fit, diagnoses, chosen);
    if (chosen == Format::table) text += "\n" + report(judge(fit, diagnoses));
    print(text);
  }
};

// ---------------------------------------------------------------- all commands

std::string command_names(const CLI::App& app) {
  std::string all;
  for (const CLI::App* each : app.get_subcommands({})) all += (all.empty() ? "" : ", ") + each->get_name();
  return all;
}

const CLI::App& find_command(const CLI::App& app, const std::string& name) {
  for (const CLI::App* each : app.get_subcommands({}))
    if (each->get_name() == name) return *each;
  throw UsageError(
      fmt::format("There is no command '{}' (there are: {}). See lockstep help.", name, command_names(app)));
}

// Without a name, the program's own.
std::string help_of(const CLI::App& app, const std::string& name) {
  const std::string text = name.empty() ? app.get_formatter()->make_help(&app, "lockstep", CLI::AppFormatMode::Normal)
                                        : find_command(app, name).help("lockstep");
  const std::size_t last = text.find_last_not_of('\n');
  return text.substr(0, last + 1) + "\n";
}

// What CLI11 has to say, as everything else here is said.
std::string in_our_words(const CLI::ParseError& error, const CLI::App& app) {
  const std::vector<const CLI::App*> given = app.get_subcommands([](const CLI::App* each) { return each->parsed(); });
  if (given.empty() && dynamic_cast<const CLI::RequiredError*>(&error))
    return fmt::format("No command was given (there are: {}). See lockstep help.", command_names(app));
  const std::string hint = given.empty() ? "lockstep help" : "lockstep help " + given.front()->get_name();
  if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    const std::vector<std::string> extras = app.remaining(true);
    const std::string extra = extras.empty() ? "" : extras.front();
    const bool option = extra.starts_with('-');
    return fmt::format("'{}' was not expected ({}). See {}.", extra,
                       option ? "there is no such option" : "there is one argument too many", hint);
  }
  const std::string message = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error))
    return fmt::format("{} (it was not given). See {}.", message, hint);
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error))
    return fmt::format("{} takes one value (it has none, or several). See {}.", message.substr(0, message.find(':')),
                       hint);
  return fmt::format("{} (the command line cannot be understood so). See {}.", message, hint);
}

// CLI11 would say only that a command is required.
void require_known_command(int argc, char** argv, const CLI::App& app) {
  if (argc < 2 || argv[1][0] == '-') return;
  const std::string name = argv[1];
  if (name == "test" || name == "bench")
    throw UsageError(fmt::format(
        "'{0}' is the script's (it builds first). Type ./lockstep {0} in the source folder.", name));
  find_command(app, name);
}

void run(int argc, char** argv) {
  const std::string version = "lockstep " LOCKSTEP_VERSION "\n";
  CLI::App app{"Lockstep: Bayesian inference, many chains in lockstep", "lockstep"};
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "Print this help");
  app.set_version_flag("--version", version, "Print the version");
  app.get_formatter()->column_width(28);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("Positionals", "Arguments");
  SampleCommand sample_command;
  SummaryCommand summary_command;
  std::string topic;
  BuildCommand build_command;
  sample_command.add_to(app);
  build_command.add_to(app);
  summary_command.add_to(app);
  app.add_subcommand("models", "List the models that come with the program")->callback([] {
    std::string text;
    for (const ZooModel& model : zoo()) text += fmt::format("{:<20} {}\n", model.name, model.summary);
    print(text);
  });
  app.add_subcommand("version", "Print the version")->callback([&] { print(version); });
  CLI::App* help = app.add_subcommand("help", "Print this help, or a command's");
  help->add_option("COMMAND", topic, "The command to explain")->option_text(" ");
  help->callback([&] { print(help_of(app, topic)); });
  for (CLI::App* command : app.get_subcommands({})) command->group("Commands");
  app.footer(more_help);
  try {
    require_known_command(argc, argv, app);
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const std::vector<CLI::App*> given = app.get_subcommands();
    print(help_of(app, given.empty() ? "" : given.front()->get_name()));
  } catch (const CLI::CallForVersion&) {
    print(version);
  } catch (const CLI::ParseError& error) {
    throw UsageError(in_our_words(error, app));
  }
}

// A closed standard stream would give its number to the next file that is opened, and messages would end up in that.
void keep_standard_streams() {
  for (int stream : {0, 1, 2})
    if (fcntl(stream, F_GETFD) == -1 && errno == EBADF) (void)!open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY);
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_streams();
  // Reported where they occur, by what write() returns: a run is not lost, no part of a file is left behind.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    run(argc, argv);
    return done;
  } catch (const UsageError& error) {
    complain(error.what());
    return wrong_usage;
  } catch (const std::bad_alloc&) {
    complain("Out of memory (all draws are kept until they are written). Run fewer chains or draws.");
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return failed;
}
