#include "lockstep/sample.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>

#include "host/checkpoint.hpp"
#include "host/diagnostics.hpp"
#include "host/fit_builder.hpp"
#include "host/host_model.hpp"
#include "host/netcdf.hpp"
#include "host/precision_error.hpp"
#include "host/recorder.hpp"
#include "host/run.hpp"
#include "host/run_plan.hpp"
#include "host/samplers.hpp"
#include "host/starts.hpp"
#include "host/stopping_rule.hpp"
#include "host/summary_sink.hpp"
#include "host/warmup.hpp"
#include "kernels/geometry.hpp"
#include "kernels/window.hpp"

namespace lockstep {

namespace fs = std::filesystem;

namespace {

// While it exists, calls the user's functions a few times a second: says where the run is, asks whether it shall end.
// Stops the ensemble when it shall, when its time is up, and when a checkpoint is due.
class Watcher {
 public:
  using Clock = std::chrono::steady_clock;

  // `elapsed`: seconds that the run has taken so far.
  Watcher(Ensemble& ensemble, const SampleOptions& options, bool checkpoints, double elapsed)
      : ensemble_(ensemble),
        report_(options.progress),
        cancel_(options.cancel),
        every_(options.checkpoint.every),
        checkpoints_(checkpoints),
        end_(options.until.seconds != 0 ? in(options.until.seconds - elapsed) : Clock::time_point::max()) {
    set_due();
    if (report_ || cancel_ || checkpoints || options.until.seconds != 0) thread_ = std::jthread([this](std::stop_token stop) { loop(stop); });
  }
  ~Watcher() {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    wake_.notify_all();
  }
  void phase(bool warmup, double draws_before, double total) {
    const std::lock_guard<std::mutex> lock(mutex_);
    progress_ = {warmup, 0, total};
    before_ = draws_before;
  }
  // The end is reported even if it comes between two ticks of the clock. `draws` is what was made, over all chains: less
  // than was expected if warmup stopped by itself.
  void finish(double draws) {
    if (!report_) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    progress_.done = progress_.total = draws;
    report_(progress_);
  }
  // Shall the run end? A short one may be over before the clock has ticked.
  bool ended() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ask();
  }
  // Is that because its time is up?
  bool time_is_up() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return time_is_up_;
  }
  // The ensemble has stopped, and a checkpoint was saved. Shall the run go on?
  bool go_on() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ask()) return false;
    set_due();
    ensemble_.go_on();
    wake_.notify_all();
    return true;
  }

 private:
  // In at most ten years: clocks end.
  static Clock::time_point in(double seconds) {
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(seconds, 3e8)));
  }
  void set_due() { due_ = checkpoints_ ? in(every_) : Clock::time_point::max(); }
  void loop(std::stop_token stop) {
    std::unique_lock<std::mutex> lock(mutex_);
    auto next = Clock::now();
    for (;;) {
      next = std::max(next, Clock::now()) + std::chrono::milliseconds(200);
      // A checkpoint may be due before the next look at the rest.
      while (Clock::now() < next) {
        const Clock::time_point due = due_;
        wake_.wait_until(lock, std::min(next, due), [&] { return stop.stop_requested() || due_ != due; });
        if (stop.stop_requested()) return;
        if (Clock::now() < due_) continue;
        ensemble_.stop();
        due_ = Clock::time_point::max();
      }
      ask();
      if (!report_) continue;
      progress_.done = std::clamp(ensemble_.draws_done() - before_, 0., progress_.total);
      report_(progress_);
    }
  }
  bool ask() {
    if (ended_) return true;
    time_is_up_ = Clock::now() >= end_;
    ended_ = time_is_up_ || (cancel_ && cancel_());
    if (ended_) ensemble_.stop();
    return ended_;
  }

  Ensemble& ensemble_;
  const std::function<void(const Progress&)>& report_;
  const std::function<bool()>& cancel_;
  const double every_;
  const bool checkpoints_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  Progress progress_;
  double before_ = 0;
  const Clock::time_point end_;
  Clock::time_point due_;
  bool ended_ = false, time_is_up_ = false;
  std::jthread thread_;
};

// The draws after warmup, in blocks that can be suspended.
class Blocks {
 public:
  Blocks(Ensemble& ensemble, const RunPlan& plan, int first, const Tuning& tuning)
      : ensemble_(ensemble), plan_(plan), first_(first), tuning_(tuning) {}

  // As Ensemble::sample; ends early if `suspend` says so, or, after a block, `enough` does.
  int run(const Ensemble::Take& take, const Suspend& suspend, const std::function<bool()>& enough) {
    for (bool more = true; more && done_ < plan_.draws && !enough();) {
      if (!window_) open();
      while (more && window_->draws() < window_->capacity()) {
        ensemble_.advance(*window_, window_->capacity() - window_->draws(), tuning_);
        if (window_->draws() < window_->capacity()) more = suspend([this](Archive& archive) { state(archive); });
      }
      take(window_->block(), first_ + done_, window_->draws());
      done_ += window_->draws();
      window_.reset();
    }
    return done_;
  }

  void state(Archive& archive) {
    archive(done_);
    if (archive.loading()) open();
    window_->state(archive);
  }

 private:
  void open() { window_ = ensemble_.make_window(first_ + done_, std::min(plan_.block, plan_.stretch_end(done_) - done_), Keep::positions); }

  Ensemble& ensemble_;
  const RunPlan& plan_;
  const int first_;
  const Tuning& tuning_;
  int done_ = 0;                    // draws that were taken
  std::unique_ptr<Window> window_;  // of the block that is being made
};

// The error of a mean from 2,500 independent draws. Beyond it, rounding is what limits a usual run.
constexpr double harmless_log_density_error = 0.02;

std::string precision_note(Precision precision, const PrecisionError& error) {
  if (error.relative() <= harmless_log_density_error)
    return fmt::format("Precision: {}. Rounding moves no mean by more than {:.2g} of its quantity's standard deviation ({} draws were computed "
                       "anew in doubles).",
                       precision_text(precision), error.relative(), error.looked_at());
  return fmt::format("Precision: {} is too coarse for this model (rounding may move means by {:.2g} of their quantities' standard deviations; {} "
                     "draws were computed anew in doubles). Sample in doubles, or centre and scale the data.",
                     precision_text(precision), error.relative(), error.looked_at());
}

// What the user should know of how a run ended that may end by itself; nothing if a signal did that.
std::vector<std::string> end_notes(const Until& until, const std::string& ended_by, const std::optional<Accuracy>& accuracy, int draws) {
  const std::string wanted = accuracy_text(until);
  if (ended_by == "accuracy") return {fmt::format("Ended after {} draws of each chain, when {} was reached.", draws, wanted)};
  if (ended_by == "not_finite")
    return {fmt::format("Ended after {} draws of each chain: {} can never be reached (draws of {} are not finite). Leave that out.", draws,
                        wanted, accuracy->worst)};
  if (ended_by == "time")
    return {fmt::format("Ended after {} draws of each chain, when its time was up ({:g} s{}).", draws, until.seconds,
                        until.asks_for_accuracy() ? fmt::format("; {} was not reached", wanted) : "")};
  if (ended_by == "draws" && accuracy)
    return {fmt::format("{} was NOT reached in {} draws of each chain ({}). Allow more (--draws).", wanted, draws, accuracy->worst)};
  if (ended_by == "draws" && until.asked())
    return {fmt::format("Ended after {} draws of each chain, before its time was up. Allow more (--draws).", draws)};
  return {};
}

// The worst of all unconstrained coordinates, if their moments were gathered where the draws were made.
void report_halves(const Ensemble& ensemble, const std::vector<int>& superchain, int draws, std::map<std::string, Attribute>& attributes) {
  const std::vector<ChainMoments> halves = ensemble.halves();
  if (halves.empty() || draws < 2) return;
  const std::size_t chains = superchain.size();
  double split = 0, nested = 0, ess = HUGE_VAL;
  for (std::size_t first = 0; first < halves[0].mean.size(); first += chains) {
    const auto of = [&](const std::vector<double>& all) {
      const auto begin = all.begin() + std::ptrdiff_t(first);
      return std::vector(begin, begin + std::ptrdiff_t(chains));
    };
    ChainHalves both{{of(halves[0].mean), of(halves[1].mean)}, of(halves[0].squares), {std::size_t(draws), std::size_t(draws)}};
    for (std::size_t c = 0; c < chains; ++c) both.squares[c] += halves[1].squares[first + c];
    const HalvesDiagnosis each = diagnose_halves(both, superchain);
    split = std::max(split, each.r_hat_split);
    nested = std::max(nested, each.r_hat_nested);
    ess = std::min(ess, each.ess_mean);
  }
  attributes["unconstrained_r_hat_split"] = split;
  attributes["unconstrained_r_hat_nested"] = nested;
  attributes["unconstrained_ess_mean"] = ess;
}

}  // namespace

std::optional<MetricKind> metric_named(const std::string& text) {
  for (const auto& [name, kind] : {std::pair{"auto", MetricKind::automatic}, {"diagonal", MetricKind::diagonal},
                                   {"low-rank", MetricKind::low_rank}, {"dense", MetricKind::dense}})
    if (text == name) return kind;
  return std::nullopt;
}

void validate(const SampleOptions& o) {
  auto require = [](bool ok, const std::string& message) {
    if (!ok) throw SampleError(message);
  };
  require(o.chains >= 0, fmt::format("chains is {} (a run needs at least one). Give a positive number, or auto.", o.chains));
  require(o.chains <= 1000000, fmt::format("chains is {} (at most 1000000). Give fewer.", o.chains));
  require(o.warmup >= -1, fmt::format("warmup is {} (a number of draws). Give 0 or more, or auto.", o.warmup));
  require(o.draws >= 0, fmt::format("draws is {} (at least one is needed). Give a positive number.", o.draws));
  for (const auto& [name, value] : {std::pair{"warmup", o.warmup}, {"warmup_cap", o.warmup_cap}, {"draws", o.draws},
                                    {"thin", o.thin}})
    require(value <= 1000000000, fmt::format("{} is {} (at most 1000000000). Give less.", name, value));
  const auto* uniform = std::get_if<InitUniform>(&o.init);
  require(!uniform || (uniform->range >= 0 && std::isfinite(uniform->range)),
          fmt::format("init is uniform with range {} (0 or more). 2 is usual.", uniform ? uniform->range : 0.));
  require(o.threads >= 0, fmt::format("threads is {} (at least one is needed). Give a positive number.", o.threads));
  require(o.warmup_cap >= 0, fmt::format("warmup_cap is {} (a number of draws). Give 0 or more.", o.warmup_cap));
  require(o.thin >= 1, fmt::format("thin is {} (every which draw is kept). Give 1, for all, or more.", o.thin));
  if (o.geometry != "auto") {
    try {
      parse_geometry(o.geometry);
    } catch (const std::invalid_argument& e) {
      throw SampleError(fmt::format("geometry: {}", e.what()));
    }
  }
  require(o.max_depth >= 1 && o.max_depth <= 20, fmt::format("max_depth is {} (1 to 20). Choose one in between.", o.max_depth));
  require(find_sampler(o.sampler),
          fmt::format("sampler is '{}' (there are {}). Choose one of these.", o.sampler, sampler_names()));
  require(o.target_acceptance >= 0 && o.target_acceptance < 1,
          fmt::format("target_acceptance is {} (between 0 and 1; 0 is the sampler's own). 0.8 is usual.", o.target_acceptance));
  const auto accuracy = [&](const std::string& name, double value, const char* usual) {
    require(value > 0 && std::isfinite(value), fmt::format("{} is {} (more than 0). Give {}, say.", name, value, usual));
  };
  if (o.until.ess != 0) accuracy("until.ess", o.until.ess, "1000");
  for (const auto& [site, error] : o.until.mcse) accuracy(fmt::format("until.mcse of '{}'", site), error, "a hundredth of its sd");
  if (o.until.seconds != 0) accuracy("until.seconds", o.until.seconds, "600");
  const double least = double(o.thin) * next_look(0);
  require(!o.until.asks_for_accuracy() || o.draws == 0 || o.draws >= least,
          fmt::format("draws is {}, with an accuracy to go on until (it is first looked at after {:.0f}). Allow more draws.", o.draws, least));
  require(!o.only_summary || o.chains == 0 || o.chains >= OnlineSummary::least_chains,
          fmt::format("only a summary is to be kept of {} chains (at least {} are needed: effective sample sizes come from how "
                      "the chains' means differ). Run more, or keep draws.", o.chains, OnlineSummary::least_chains));
  require(!o.only_summary || !(o.log_likelihood || o.predictive || o.keep_warmup),
          "only a summary is to be kept, and also log likelihoods, predictions or the draws of warmup (they belong to draws). "
          "Ask for either.");
  require(o.checkpoint.every > 0,
          fmt::format("checkpoint.every is {} (seconds; more than 0). 60 is usual.", o.checkpoint.every));
}

void run(const ModelTable& table, const Data& data, const SampleOptions& options, bool in_memory, DrawSink& sink,
         std::size_t block_bytes, Devices devices, Checkpoint* checkpoint) {
  validate(options);
  if (data.data_sets() != 1)
    throw SampleError(fmt::format("the data are {} stacked data sets (one run samples one of them). Sample them one by one.",
                                  data.data_sets()));
  const bool mixed = in_singles(options.precision);
  const HostModel model(table, data, mixed);
  if (model.coordinates() == 0)
    throw SampleError("the model has no parameters (there is nothing to sample). Add one with m.param.");
  const Sampler& sampler = *find_sampler(options.sampler);
  if (model.coordinates() < sampler.least_coordinates)
    throw SampleError(fmt::format("the model has {} coordinate{} (the sampler {} moves on the unit sphere of {} or more). Use another sampler.",
                                  model.coordinates(), model.coordinates() == 1 ? "" : "s", sampler.name, sampler.least_coordinates));
  int multiprocessors = 0;
  for (const auto& device : devices.open) multiprocessors += device->info().multiprocessors;
  if (checkpoint) checkpoint->require_same(model, devices, data, options);
  Archive* const saved = checkpoint ? checkpoint->saved() : nullptr;
  SampleOptions planned = options;
  if (saved) planned.chains = checkpoint->chains();  // they may have been chosen for another number of threads
  RunPlan plan = make_run_plan(planned, model, in_memory, block_bytes, multiprocessors);
  plan.teams = saved ? checkpoint->teams() : choose_teams(model, plan.chains, options, devices);
  if (saved) plan.slices = checkpoint->slices();
  const auto started = std::chrono::steady_clock::now();

  std::vector<int> superchain(static_cast<std::size_t>(plan.chains));
  for (int c = 0; c < plan.chains; ++c) superchain[std::size_t(c)] = c % plan.superchains;
  std::optional<StoppingRule> rule;
  std::optional<BothSinks> to_both;
  std::optional<SummarySink> summary;
  if (options.only_summary) summary.emplace(sink, options.until, options.threads);
  else if (plan.looks) to_both.emplace(sink, rule.emplace(options.until, options.threads));
  DrawSink& recorded = to_both ? static_cast<DrawSink&>(*to_both) : summary ? *summary : sink;
  Recorder recorder(model, options, plan, superchain, recorded);
  if (rule && saved) checkpoint->draws().replay(*rule);

  const Starts starts(model, options.init, options.seed);
  const std::unique_ptr<Ensemble> made = make_ensemble(model, plan, options, std::move(devices));
  Ensemble& ensemble = *made;
  bool in_warmup = true;
  if (saved) {
    (*saved)(in_warmup, ensemble);
  } else {
    std::vector<std::vector<double>> shared_starts;
    for (int k = 0; k < plan.superchains; ++k) shared_starts.push_back(starts(std::uint32_t(k)));
    std::vector<double> positions;
    for (int c = 0; c < plan.chains; ++c) {
      const std::vector<double>& start = shared_starts[std::size_t(superchain[std::size_t(c)])];
      positions.insert(positions.end(), start.begin(), start.end());
    }
    ensemble.place(positions, std::vector<char>(std::size_t(plan.chains), 1));
  }

  const auto elapsed = [&] {
    return checkpoint ? checkpoint->elapsed() : std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  };
  Watcher watcher(ensemble, options, checkpoint != nullptr, elapsed());
  const auto require_time = [&] {
    if (watcher.time_is_up())
      throw SampleError(fmt::format("the time was up before every chain had a draw after warmup ({:g} s were given). Give more.",
                                    options.until.seconds));
  };
  const auto save_with = [&](const std::function<void(Archive&)>& state) {
    checkpoint->save(plan, [&](Archive& archive) {
      archive(in_warmup, ensemble);
      state(archive);
    });
    return watcher.go_on();
  };
  const WarmupSettings warmup_settings{options.warmup, options.warmup_cap, options.max_depth, target_acceptance(options),
                                       {options.metric, gradient_cost(model.layout())}, &sampler};
  std::function<void(const DrawBlock&, int, int)> record_warmup;
  if (options.keep_warmup) record_warmup = [&](const DrawBlock& block, int first, int made) { recorder.warmup(block, first, made); };
  WarmupResult warmup;
  if (in_warmup) {
    watcher.phase(true, 0, double(plan.warmup_most) * plan.chains);
    if (saved) watcher.ended();  // one that is to end at once does not begin
    Suspend suspend;
    if (checkpoint) suspend = save_with;
    try {
      warmup = warm_up(
          ensemble, superchain, warmup_settings,
          [&](int which) { return starts(std::uint32_t(plan.superchains + which)); }, record_warmup, suspend, saved);
    } catch (const Stopped&) {
      require_time();
      throw;
    }
    watcher.finish(double(warmup.draws) * plan.chains);
  } else {
    (*saved)(warmup);
  }

  PrecisionError precision_error(model, plan.chains, plan.usual_draws);
  watcher.phase(false, double(warmup.draws) * plan.chains, double(plan.draws) * plan.chains);
  std::optional<Accuracy> accuracy;  // when it was looked at last
  const auto enough = [&] { return accuracy && accuracy->state != Accuracy::State::not_yet; };
  bool more = true;
  const auto take = [&](const DrawBlock& block, int first, int made) {
    const int before = first - warmup.draws;
    recorder.draws(block, before, made);
    if (mixed) precision_error.draws(block, before, made);
    if (plan.looks && before + made == plan.stretch_end(before)) accuracy = rule ? rule->look() : summary->look();
    return more = !watcher.ended() && !enough();
  };
  int done = 0;
  if (checkpoint) {
    Blocks blocks(ensemble, plan, warmup.draws, warmup.tuning);
    const auto state_of_sampling = [&](Archive& archive) {
      archive(precision_error);
      if (summary) archive(*summary);
    };
    if (saved && !in_warmup) {
      state_of_sampling(*saved);
      (*saved)(blocks);
    }
    in_warmup = false;
    watcher.ended();
    const auto suspend = [&](const std::function<void(Archive&)>& save) {
      return save_with([&](Archive& archive) {
        archive(warmup);
        state_of_sampling(archive);
        save(archive);
      });
    };
    done = blocks.run(take, suspend, enough);
  } else {
    for (more = !watcher.ended(); more && done < plan.draws;) {
      const int end = plan.stretch_end(done);
      done += ensemble.sample(warmup.draws + done, end - done, plan.block, warmup.tuning, take);
      more = more && done == end;
    }
  }
  if (done == 0) require_time();
  if (done == 0)
    throw Stopped("the run was stopped before every chain had a draw (there is nothing to return). Run it again.");
  const std::string ended_by = !enough()              ? done == plan.draws     ? "draws"
                                                        : watcher.time_is_up() ? "time"
                                                                               : "signal"
                               : accuracy->state == Accuracy::State::reached ? "accuracy"
                                                                             : "not_finite";
  if (ended_by != "signal") watcher.finish(double(done) * plan.chains);

  std::map<std::string, Attribute> attributes = options.attributes;
  attributes["created_at"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  attributes["inference_library"] = std::string("lockstep");
  attributes["inference_library_version"] = std::string(LOCKSTEP_VERSION);
  attributes["sampling_time"] = elapsed();
  attributes["tuning_steps"] = double(warmup.draws);
  attributes["warmup_settled"] = warmup.settled ? 1. : 0.;
  attributes["draws_asked_for"] = double(plan.draws);
  attributes["draws_made"] = double(done);
  attributes["stopped_early"] = ended_by == "signal" ? 1. : 0.;
  attributes["ended_by"] = ended_by;
  attributes["thin"] = double(plan.thin);
  attributes["seed"] = std::to_string(options.seed);  // as text: a double holds 53 bits only
  attributes["stuck_chains"] = double(std::count(warmup.stuck.begin(), warmup.stuck.end(), 1));
  attributes["restarted_chains"] = double(warmup.restarted);
  attributes["metric"] = warmup.metric;
  attributes["sampler"] = options.sampler;
  attributes["target_acceptance"] = target_acceptance(options);
  if (warmup.tuning.trajectory_length > 0) attributes["trajectory_length"] = warmup.tuning.trajectory_length;
  attributes["gradients"] = ensemble.gradients_done();
  attributes["geometry"] = ensemble.geometry();
  attributes["precision"] = std::string(precision_text(options.precision));
  if (mixed) attributes["log_density_error"] = precision_error.relative();
  attributes["starts"] = starts.description();
  if (!plan.looks) report_halves(ensemble, superchain, plan.draws / 2, attributes);
  if (!data.options().empty()) {
    std::vector<std::string> settings;
    for (const auto& [name, value] : data.options()) settings.push_back(fmt::format("{}={}", name, value));
    attributes["model_options"] = settings;
  }
  std::vector<std::string> notes = recorder.notes();
  for (std::string& note : end_notes(options.until, ended_by, accuracy, done)) notes.push_back(std::move(note));
  if (mixed) notes.push_back(precision_note(options.precision, precision_error));
  if (starts.are_one_point() && plan.chains > 1)
    notes.push_back("All chains started at one point, so R-hat cannot tell whether the start still shows. Compare with a run "
                    "that starts elsewhere.");
  if (!notes.empty()) attributes["notes"] = notes;
  recorded.close(attributes);
}

namespace {

// Results of a stopped run that are put together before it ends: in a few seconds.
constexpr std::uint64_t most_bytes_at_a_stop = std::uint64_t{2} << 30;

// Through the log of a checkpoint; then `finish` puts it together.
template <class Finish>
void run_with_checkpoint(const ModelTable& table, const Data& data, const SampleOptions& options, bool in_memory,
                         bool goes_on, const Finish& finish) {
  Checkpoint checkpoint(options.checkpoint, goes_on);
  // What was chosen when the run began stays, though this machine may have other processors.
  SampleOptions placed = options;
  if (placed.processor == Processor::automatic) placed.processor = checkpoint.processor();
  try {
    run(table, data, options, in_memory, checkpoint.draws(), usual_block_bytes, choose_devices(table, data, placed),
        &checkpoint);
  } catch (const Stopped&) {
    if (!checkpoint.was_saved()) throw;
    throw Stopped(fmt::format("the run was stopped before every chain had a draw (its state is in '{}'). Resume it.",
                              options.checkpoint.file.string()));
  }
  finish(checkpoint);
  if (!checkpoint.stopped()) checkpoint.remove();
}

Fit into_memory(const ModelTable& table, const Data& data, const SampleOptions& options, bool goes_on) {
  validate(options);
  FitBuilder builder;
  if (options.checkpoint.file.empty())
    run(table, data, options, true, builder, usual_block_bytes, choose_devices(table, data, options));
  else
    run_with_checkpoint(table, data, options, true, goes_on,
                        [&](Checkpoint& checkpoint) { checkpoint.draws().replay(builder); });
  return builder.take();
}

fs::path into_file(const ModelTable& table, const Data& data, const fs::path& file, const SampleOptions& options,
                   bool overwrite, bool goes_on) {
  validate(options);
  NetcdfWriter writer(file, overwrite);
  if (options.checkpoint.file.empty()) {
    run(table, data, options, false, writer, usual_block_bytes, choose_devices(table, data, options));
    return writer.path();
  }
  const bool only_to_collect = goes_on && options.cancel && options.cancel();
  fs::path written;
  run_with_checkpoint(table, data, options, false, goes_on, [&](Checkpoint& checkpoint) {
    const auto put_together = [&](NetcdfWriter& to) {
      checkpoint.draws().replay(to);
      written = to.path();
    };
    if (!checkpoint.stopped()) return put_together(writer);
    if (!only_to_collect && checkpoint.draws().bytes() > most_bytes_at_a_stop)
      throw Stopped(fmt::format(
          "the run was stopped (its state and {:.1f} GiB of draws are with the checkpoint '{}'). Resume it.",
          double(checkpoint.draws().bytes()) / 0x1p30, options.checkpoint.file.string()));
    NetcdfWriter so_far(checkpoint.results(), true);
    put_together(so_far);
  });
  return written;
}

void require_checkpoint(const SampleOptions& options) {
  if (options.checkpoint.file.empty())
    throw SampleError("there is no checkpoint to resume from (checkpoint.file is empty). Name it.");
}

}  // namespace

Fit sample(const ModelTable& table, const Data& data, const SampleOptions& options) {
  return into_memory(table, data, options, false);
}

fs::path sample_to_file(const ModelTable& table, const Data& data, const fs::path& file, const SampleOptions& options,
                        bool overwrite) {
  return into_file(table, data, file, options, overwrite, false);
}

Fit resume(const ModelTable& table, const Data& data, const SampleOptions& options) {
  require_checkpoint(options);
  return into_memory(table, data, options, true);
}

fs::path resume_to_file(const ModelTable& table, const Data& data, const fs::path& file, const SampleOptions& options,
                        bool overwrite) {
  require_checkpoint(options);
  return into_file(table, data, file, options, overwrite, true);
}

}  // namespace lockstep
