#include "lockstep/sample.hpp"

#include <limits>

#include "host/commands/command.hpp"
#include "host/commands/stop_signals.hpp"
#include "host/digest.hpp"
#include "host/progress_bar.hpp"
#include "host/summary.hpp"
#include "host/verdict.hpp"
#include "kernels/cpu/launch.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

struct SampleCommand {
  std::string model, seed = "1", metric = "auto", keep, predictive;
  ModelInput input;
  DeviceInput device;
  ResultsInput results;
  std::string init = "2";
  bool log_likelihood = false, keep_warmup = false;
  Count chains{"--chains", 1, 1000000, 0};
  Count warmup{"--warmup", 0, 1000000, -1};
  Count draws{"--draws", 1, 1000000000, 0};
  Count thin{"--thin", 1, 1000000000, 1, "1"};
  Count threads{"--threads", 1, 4096, 0};
  CLI::App* command = nullptr;

  void add_to(CLI::App& app) {
    command = app.add_subcommand("sample", "Sample from a model's posterior");
    command->add_option("MODEL", model, "A model of the zoo (see: lockstep models), or a model file: path/to/model.hpp")
        ->required()
        ->option_text(" ");
    input.add_to(*command);
    option("--chains", chains.text, "N|auto", "Number of chains. auto: what suits this machine");
    option("--warmup", warmup.text, "N|auto",
           "Warmup draws per chain, then 10 more with the final tuning. auto: until all\n"
           "chains have settled");
    option("--draws", draws.text, "N|auto", "Draws per chain after warmup. auto: 1000 up to 16 chains, else 250");
    option("--metric", metric, "auto|diagonal|low-rank|dense",
           "What warmup learns of the posterior's shape: scales; or also directions that\n"
           "are correlated. auto: those that pay for themselves");
    add_init_option(*command, init);
    option("--seed", seed, "S",
           "Seed of the random numbers. Default: 1. The same seed and number of\n"
           "chains give the same draws on any number of threads");
    option("--threads", threads.text, "N|auto", "Threads. auto: all cores that the process may use");
    device.add_to(*command);
    results.add_to(*command, "MODEL");
    option("--keep", keep, "SITES",
           "Parameters and deterministics to store, as mu,tau; or, as '~z,theta', all but\n"
           "these. Default: all");
    option("--thin", thin.text, "N", "Store every Nth draw. Default: 1");
    command->add_flag("--keep-warmup", keep_warmup, "Store the draws of warmup too, in groups of their own");
    command->add_flag("--log-lik", log_likelihood,
                      "Store the log likelihood of each observation (for LOO), from as many\n"
                      "draws as --predictive says; if that is none, as auto says");
    option("--predictive", predictive, "auto|all|none",
           "Simulate the observations from the draws. auto: from every k-th, so that\n"
           "they are at most 4000 in all, and 1 GiB; all: from each. Default: none");
    command->footer(
        "Prints a summary and a verdict; progress goes to stderr. Draws are written while it samples.\n"
        "Ctrl-C ends it early and well: with the draws so far, a summary of them, and exit code 3.");
    command->callback([this] { run(); });
  }

  void option(const char* name, std::string& value, const char* shown, const char* text) {
    command->add_option(name, value, text)->option_text(shown);
  }

  void run() {
    SampleOptions options;
    options.chains = chains.value();
    options.warmup = warmup.value();
    options.draws = draws.value();
    options.seed = whole_number<std::uint64_t>("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(), false);
    options.threads = threads.value();
    const std::optional<MetricKind> kind = metric_named(metric);
    if (!kind) throw UsageError(fmt::format("--metric is '{}' (there are auto, diagonal, low-rank and dense). Choose one of these.", metric));
    options.metric = *kind;
    device.read(options);
    options.thin = whole_number<int>("--thin", thin.text, thin.least, thin.most, false);
    read_what_is_kept(options);
    const NamedModel named(model);
    const fs::path file = results.file(named.stem(), input.files());
    if (options.threads > available_threads()) {
      complain(fmt::format("--threads is {} (the process may use {}). Going on with these.", options.threads,
                           available_threads()));
      options.threads = available_threads();
    }
    const Data data = input.read(named);
    options.init = parse_init(init);
    const ModelTable table = named.table(options.processor, options.precision);
    options.attributes["model"] = model;

    const StopSignals signals;
    options.cancel = [] { return StopSignals::caught(); };
    fs::path written;
    const Digest digested = [&] {
      ProgressBar bar(stderr, options.warmup < 0);
      options.progress = [&bar](const Progress& progress) { bar(progress); };
      try {
        written = sample_to_file(table, data, file, options, results.overwrite());
      } catch (const Stopped&) {
        throw Interrupted("Stopped by a signal (there was no draw to keep yet, so nothing was written). Run it again.");
      }
      bar.now("summarising");
      return digest(FitFile(written, {"posterior", "sample_stats"}));
    }();
    say(digested, written);
    if (digested.fit.stopped_early())
      throw Interrupted(
          fmt::format("Stopped by a signal ({:.0f} of {:.0f} draws of each chain were made, and are in '{}'). Run it "
                      "again for all.",
                      number(digested, "draws_made"), number(digested, "draws_asked_for"), written.string()));
  }

  static double number(const Digest& results, const char* attribute) {
    return std::get<double>(results.fit.attributes.at(attribute));
  }

  void say(const Digest& results, const fs::path& file) const {
    const Fit& fit = results.fit;
    const bool thinned = number(results, "thin") > 1;
    std::string text = fmt::format(
        "{}: {} chains x {}{} after {:.0f} warmup draws each, {}\n\n", model, fit.chains,
        thinned ? fmt::format("{:.0f} draws, {} of them stored,", number(results, "draws_made"), results.draws_stored)
                : fmt::format("{} draws", results.draws_stored),
        fit.stopped_early() ? " (stopped early)" : "", number(results, "tuning_steps"),
        duration_text(number(results, "sampling_time")));
    if (const std::string& geometry = std::get<std::string>(fit.attributes.at("geometry")); !geometry.starts_with("cpu"))
      text += fmt::format("On {}\n\n", geometry);
    text += fmt::format("Metric: {}\n\n", std::get<std::string>(fit.attributes.at("metric")));
    text += summary(fit, results.diagnoses) + "\n" + report(judge(fit, results.diagnoses)) + results.note();
    if (const auto notes = fit.attributes.find("notes"); notes != fit.attributes.end())
      for (const std::string& note : std::get<std::vector<std::string>>(notes->second)) text += note + "\n";
    print(text + fmt::format("Results: {}\n", file.string()));
  }

  void read_what_is_kept(SampleOptions& options) const {
    if (command->count("--keep") > 0) {
      const bool all_but = keep.starts_with('~');
      (all_but ? options.leave_out : options.keep) = comma_list("--keep", keep.substr(all_but ? 1 : 0));
    }
    options.keep_warmup = keep_warmup;
    options.log_likelihood = log_likelihood;
    if (command->count("--predictive") > 0 && predictive != "auto" && predictive != "all" && predictive != "none")
      throw UsageError(
          fmt::format("--predictive is '{}' (there are auto, all and none). Choose one of these.", predictive));
    options.predictive = predictive == "auto" || predictive == "all";
    if (predictive == "all") options.generated = Generated::all;
  }
};

}  // namespace

void add_sample_command(CLI::App& app) {
  static SampleCommand command;
  command.add_to(app);
}

}  // namespace lockstep
