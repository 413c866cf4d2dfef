#include "lockstep/sample.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "host/commands/command.hpp"
#include "host/commands/stop_signals.hpp"
#include "host/digest.hpp"
#include "host/progress_bar.hpp"
#include "host/samplers.hpp"
#include "host/summary.hpp"
#include "host/verdict.hpp"
#include "kernels/cpu/launch.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

namespace {

namespace fs = std::filesystem;

// "60s", "1.5h" in seconds.
double parse_duration(const std::string& option, const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, std::size_t(end - rest));
  for (const auto& [name, seconds] : {std::pair{"s", 1.}, {"m", 60.}, {"h", 3600.}})
    if (error == std::errc{} && unit == name && number > 0 && std::isfinite(number)) return number * seconds;
  throw UsageError(fmt::format("{} is '{}' (a time is needed: a number, and s, m or h). Write it as 60s, 10m or 1.5h.",
                               option, text));
}

// "ess=1000,mcse(mu)=0.01,time=10m"
Until parse_until(const std::string& text) {
  Until until;
  const auto number = [&](const std::string& key, const std::string& value) {
    double read = 0;
    const char* const end = value.data() + value.size();
    const auto [rest, error] = std::from_chars(value.data(), end, read);
    if (error == std::errc{} && rest == end && read > 0 && std::isfinite(read)) return read;
    throw UsageError(fmt::format("--until has '{}={}' (a number above 0 is needed). Write it as {}={}, say.", key, value, key,
                                 key == "ess" ? "1000" : "0.01"));
  };
  std::vector<std::string> keys;
  for (std::size_t begin = 0, end; begin <= text.size(); begin = end + 1) {
    end = std::min(text.find(',', begin), text.size());
    const std::string each = text.substr(begin, end - begin);
    const std::size_t equals = each.find('=');
    const std::string key = each.substr(0, equals), value = equals == std::string::npos ? "" : each.substr(equals + 1);
    const bool error_of_a_mean = key.starts_with("mcse(") && key.ends_with(")") && key.size() > 6;
    if (equals == std::string::npos || (key != "ess" && key != "time" && !error_of_a_mean))
      throw UsageError(fmt::format("--until has '{}' (there are ess=N, mcse(SITE)=X and time=T). Write it as ess=1000, 'mcse(mu)=0.01' or "
                                   "time=10m.", each));
    if (std::find(keys.begin(), keys.end(), key) != keys.end())
      throw UsageError(fmt::format("--until has '{}' twice (which one holds?). Give it once.", key));
    keys.push_back(key);
    if (key == "time") until.seconds = parse_duration("time of --until", value);
    else if (key == "ess") until.ess = number(key, value);
    else until.mcse[key.substr(5, key.size() - 6)] = number(key, value);
  }
  return until;
}

// A run that goes on.
struct Resumption {
  std::string checkpoint;     // as the user names it
  Processor processor;        // what it has been on
  bool only_collect = false;  // the draws so far, and no more
};

struct SampleCommand {
  std::string model, seed = "1", sampler = "nuts", metric = "auto", until, keep, predictive, checkpoint, every = "60s";
  TargetAcceptance target;
  std::vector<std::string> arguments;  // of the program
  std::optional<Resumption> resumption;
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
    option("--chains", chains.text, "N|auto",
           "Number of chains. auto: 8 for each thread (with AVX-512; 4 or 2\n"
           "with less), and at least 8: what is accurate soonest");
    option("--warmup", warmup.text, "N|auto",
           "Warmup draws per chain, then 10 more with the final tuning. auto: until all\n"
           "chains have settled");
    option("--draws", draws.text, "N|auto", "Draws per chain after warmup. auto: 1000 up to 16 chains, else 250");
    option("--until", until, "WHEN",
           "End as soon as the draws are enough: ess=1000 (the smallest effective sample\n"
           "size), 'mcse(mu)=0.01' (the standard error of a site's mean); or when\n"
           "time=10m is up. Of several, as ess=1000,time=10m, all accuracies must hold.\n"
           "--draws is then the most; auto: 100 times as many as usual");
    std::string ways;
    for (const Sampler* each : samplers()) ways += fmt::format("{}: {}\n", each->name, each->summary);
    option("--sampler", sampler, "NAME", (ways + "Default: nuts").c_str());
    target.add_to(*command);
    option("--metric", metric, "auto|diagonal|low-rank|dense",
           "What warmup learns of the posterior's shape: scales; or also directions that\n"
           "are correlated. auto: those that pay for themselves");
    add_init_option(*command, init);
    option("--seed", seed, "S",
           "Seed of the random numbers. Default: 1. The same seed and number of\n"
           "chains give the same draws on any number of threads");
    option("--threads", threads.text, "N|auto",
           "Threads. auto: all cores that the process may use. Packs of chains are spread\n"
           "over them; of few chains on much data, each gradient");
    device.add_to(*command);
    results.add_to(*command, "MODEL");
    option("--keep", keep, "SITES",
           "Parameters and deterministics to store, as mu,tau; or, as '~z,theta', all but\n"
           "these. Default: all. summary: no draws, but what there is to say about all\n"
           "of them, for 64 chains or more; memory and file do not grow with the draws");
    option("--thin", thin.text, "N", "Store every Nth draw. Default: 1");
    command->add_flag("--keep-warmup", keep_warmup, "Store the draws of warmup too, in groups of their own");
    command->add_flag("--log-lik", log_likelihood,
                      "Store the log likelihood of each observation (for LOO), from as many\n"
                      "draws as --predictive says; if that is none, as auto says");
    option("--predictive", predictive, "auto|all|none",
           "Simulate the observations from the draws. auto: from every k-th, so that\n"
           "they are at most 4000 in all, and 1 GiB; all: from each. Default: none");
    option("--checkpoint", checkpoint, "FILE",
           "Save the run in FILE at intervals, so that it can go on after it was stopped or\n"
           "killed: lockstep resume FILE. It is removed at the end");
    option("--every", every, "TIME", "How often: 30s, 10m, 2h. Default: 60s");
    command->footer(
        "Prints a summary and a verdict; progress goes to stderr. Draws are written while it samples.\n"
        "Ctrl-C ends it early and well: with the draws so far, a summary of them, and exit code 3.\n"
        "With --checkpoint: with the draws so far in FILE.nc, and exit code 4.");
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
    if (command->count("--until") > 0) options.until = parse_until(until);
    options.seed = whole_number<std::uint64_t>("--seed", seed, 0, std::numeric_limits<std::uint64_t>::max(), false);
    options.threads = threads.value();
    const std::optional<MetricKind> kind = metric_named(metric);
    if (!kind) throw UsageError(fmt::format("--metric is '{}' (there are auto, diagonal, low-rank and dense). Choose one of these.", metric));
    options.metric = *kind;
    options.sampler = sampler_named("--sampler", sampler);
    options.target_acceptance = target.value();
    device.read(options);
    // What auto chose stays, and a model's kernels are not compiled for a GPU that this run does not take.
    if (resumption && options.processor == Processor::automatic) options.processor = resumption->processor;
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
    read_checkpoint(options);

    const StopSignals signals;
    options.cancel = [collect = only_collects()] { return collect || StopSignals::caught(); };
    fs::path written;
    if (!options.checkpoint.file.empty()) return run_with_checkpoint(table, data, file, options);
    const Digest digested = with_progress(options, [&](ProgressBar& bar) {
      try {
        written = sample_to_file(table, data, file, options, results.overwrite());
      } catch (const Stopped&) {
        throw Interrupted("Stopped by a signal (there was no draw to keep yet, so nothing was written). Run it again.");
      }
      return summarise(bar, written);
    });
    say(digested, written);
    if (digested.fit.stopped_early())
      throw Interrupted(
          fmt::format("Stopped by a signal ({:.0f} of {:.0f} draws of each chain were made, and are in '{}'). Run it "
                      "again for all.",
                      number(digested, "draws_made"), number(digested, "draws_asked_for"), written.string()));
  }

  template <class F>
  static std::invoke_result_t<F, ProgressBar&> with_progress(SampleOptions& options, const F& work) {
    ProgressBar bar(stderr, options.warmup < 0, options.until.asked());
    options.progress = [&bar](const Progress& progress) { bar(progress); };
    return work(bar);
  }
  static Digest summarise(ProgressBar& bar, const fs::path& results) {
    bar.now("summarising");
    return digest(FitFile(results, digested_groups));
  }

  bool only_collects() const { return resumption && resumption->only_collect; }

  void read_checkpoint(SampleOptions& options) const {
    if (command->count("--every") > 0 && command->count("--checkpoint") == 0)
      throw UsageError(
          "--every is given without --checkpoint (it says how often that is written). Name the checkpoint.");
    if (command->count("--checkpoint") == 0) return;
    if (checkpoint.empty())
      throw UsageError("--checkpoint is empty (it takes the name of a file). Give one, or leave it out.");
    options.checkpoint = {resumption ? resumption->checkpoint : checkpoint,
                          parse_duration("--every", every),
                          {fs::current_path().string()}};
    options.checkpoint.note.insert(options.checkpoint.note.end(), arguments.begin(), arguments.end());
  }

  // One that is stopped is not summarised: it has to end soon.
  void run_with_checkpoint(const ModelTable& table, const Data& data, const fs::path& file,
                           SampleOptions& options) const {
    const std::string saved = options.checkpoint.file.string(), go_on = "Go on with: lockstep resume " + saved;
    const bool collect = only_collects();
    const auto stopped_without_draws = [&] {
      if (collect)
        throw std::runtime_error(
            fmt::format("There are no draws in '{}' yet (every chain must have one). {}", saved, go_on));
      throw Resumable(fmt::format("Stopped by a signal (all there is to go on from is in '{}'). {}", saved, go_on));
    };
    fs::path written;
    std::optional<Digest> digested;
    Fit stopped;
    with_progress(options, [&](ProgressBar& bar) {
      try {
        written = resumption ? resume_to_file(table, data, file, options, results.overwrite())
                             : sample_to_file(table, data, file, options, results.overwrite());
      } catch (const Stopped&) {
        stopped_without_draws();
      }
      stopped = FitFile(written, {"posterior", summary_group}).outline();
      if (!stopped.stopped_early()) digested = summarise(bar, written);
    });
    if (digested) return say(*digested, written);
    const std::string draws = fmt::format("{} of {:.0f} draws of each chain are in '{}'", stopped.draws,
                                          std::get<double>(stopped.attributes.at("draws_asked_for")), written.string());
    if (!collect) throw Resumable(fmt::format("Stopped by a signal ({}). {}", draws, go_on));
    print(draws + "\n");
  }

  static double number(const Digest& results, const char* attribute) {
    return std::get<double>(results.fit.attributes.at(attribute));
  }

  void say(const Digest& results, const fs::path& file) const {
    const Fit& fit = results.fit;
    const bool thinned = number(results, "thin") > 1;
    std::string text = fmt::format(
        "{}: {} chains x {}{} after {:.0f} warmup draws each, {}\n\n", model, fit.chains,
        thinned ? fmt::format("{:.0f} draws, {} of them {},", number(results, "draws_made"), results.draws_stored,
                              fit.has_group(summary_group) ? "summarised" : "stored")
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
    if (keep == "summary") {
      options.only_summary = true;
    } else if (command->count("--keep") > 0) {
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

void add_sample_command(CLI::App& app, const std::vector<std::string>& arguments) {
  static SampleCommand command;
  command.arguments = arguments;
  command.add_to(app);
}

namespace {

// The sample command once more, as its checkpoint has it, with what is given now.
struct ResumeCommand {
  std::string checkpoint, threads, out;
  bool overwrite = false, draws_so_far = false;
  CLI::App* command = nullptr;

  void add_to(CLI::App& app) {
    command = app.add_subcommand("resume", "Go on with a run that was stopped or killed");
    command->add_option("FILE", checkpoint, "What sample --checkpoint has saved")->required()->option_text(" ");
    command->add_option("--threads", threads, "Threads. Default: as the run had")->option_text("N|auto");
    command->add_option("--out", out, "Write the results there. Default: as the run had")->option_text("FILE");
    command->add_flag("--overwrite", overwrite, "Replace a file of that name");
    command->add_flag("--draws-so-far", draws_so_far, "Only put the draws so far into FILE.nc");
    command->footer(
        "Goes on in the folder in which the run was begun, with the same model, data and options; the draws are the\n"
        "same, bit for bit, as if it had never ended. At the end the checkpoint is removed.");
    command->callback([this] { run(); });
  }

  void run() const {
    const fs::path file = fs::absolute(checkpoint);
    const auto [note, processor] = saved_run(file);
    if (note.size() < 2)
      throw std::runtime_error(fmt::format(
          "The checkpoint '{}' was not written by this program (a program of its own resumes it).", checkpoint));
    SampleCommand sample;
    sample.arguments.assign(note.begin() + 1, note.end());
    sample.resumption = {checkpoint, processor, draws_so_far};
    std::error_code error;
    if (note[0] != fs::current_path()) {
      fs::current_path(note[0], error);
      if (error)
        throw std::runtime_error(
            fmt::format("The run was begun in the folder '{}', which cannot be entered ({}). Make it there again.",
                        note[0], error.message()));
      sample.resumption->checkpoint = file;
    }
    std::vector<std::string> arguments = sample.arguments;
    if (command->count("--threads") > 0) arguments.insert(arguments.end(), {"--threads", threads});
    if (command->count("--out") > 0) arguments.insert(arguments.end(), {"--out", out});
    if (overwrite) arguments.push_back("--overwrite");
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    CLI::App app;
    sample.add_to(app);
    for (const char* name : {"--threads", "--out"})
      sample.command->get_option(name)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.parse(arguments);
  }
};

}  // namespace

void add_resume_command(CLI::App& app) {
  static ResumeCommand command;
  command.add_to(app);
}

}  // namespace lockstep
