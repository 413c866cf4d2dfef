// The command line: reads it, calls the command, reports what went wrong. The help texts are its documentation.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <exception>
#include <new>
#include <string>

#include "host/commands/command.hpp"

namespace {

using namespace lockstep;

constexpr const char* more_help = R"(Options of a command: lockstep help COMMAND
The script ./lockstep has more commands: test (builds and runs the tests), bench (the benchmarks), setup (gets
what a build needs, and no more).

Exit codes:
  0  done, whatever the verdict says
  1  failed: the data, the model, a results file, memory or the disk; stderr says why
  2  the command line is wrong; nothing was done
  3  stopped by Ctrl-C, SIGTERM or SIGHUP; the draws so far are in the results file, if there were any
  4  stopped likewise, with a checkpoint: lockstep resume goes on with the run

Examples:
  lockstep sample eight_schools
  lockstep sample my_model.hpp --data my_data.json
  lockstep sample radon --chains 64 --draws 500 --seed 7 --out radon.nc
  lockstep sample radon --checkpoint radon.checkpoint; lockstep resume radon.checkpoint
  lockstep predict radon.nc --data new_houses.csv
  lockstep summary radon.nc --format json
  lockstep draws radon.nc --csv --vars mu,sigma --out radon.csv
)";

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
  if (name == "test" || name == "bench" || name == "setup")
    throw UsageError(fmt::format(
        "'{0}' is the script's (it is about building). Type ./lockstep {0} in the source folder.", name));
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
  add_sample_command(app, {argv + 1, argv + argc});
  add_resume_command(app);
  add_prior_command(app);
  add_predict_command(app);
  add_posterior_command(app);
  add_sbc_command(app);
  add_check_command(app);
  add_centredness_command(app);
  add_graph_command(app);
  add_build_command(app);
  add_summary_command(app);
  add_draws_command(app);
  add_models_command(app);
  add_devices_command(app);
  add_conformance_command(app);
  std::string topic;
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
  } catch (const Resumable& error) {
    complain(error.what());
    return resumable;
  } catch (const Interrupted& error) {
    complain(error.what());
    return stopped;
  } catch (const std::bad_alloc&) {
    complain("Out of memory (all chains advance together). Run fewer chains.");
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return failed;
}
