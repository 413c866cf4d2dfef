#include "lockstep/sample.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "host/diagnostics.hpp"
#include "host/fit_builder.hpp"
#include "host/host_model.hpp"
#include "host/netcdf.hpp"
#include "host/precision_error.hpp"
#include "host/recorder.hpp"
#include "host/run.hpp"
#include "host/run_plan.hpp"
#include "host/starts.hpp"
#include "host/warmup.hpp"
#include "kernels/geometry.hpp"

namespace lockstep {

namespace {

// While it exists, calls the user's functions a few times a second: says where the run is, asks whether it shall end.
class Watcher {
 public:
  Watcher(Ensemble& ensemble, const SampleOptions& options)
      : ensemble_(ensemble), report_(options.progress), cancel_(options.cancel) {
    if (report_ || cancel_) thread_ = std::jthread([this](std::stop_token stop) { loop(stop); });
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
  bool cancelled() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ask();
  }

 private:
  void loop(std::stop_token stop) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(200), [&] { return stop.stop_requested(); })) {
      ask();
      if (!report_) continue;
      progress_.done = std::clamp(ensemble_.draws_done() - before_, 0., progress_.total);
      report_(progress_);
    }
  }
  bool ask() {
    if (!cancelled_ && cancel_ && cancel_()) {
      cancelled_ = true;
      ensemble_.stop();
    }
    return cancelled_;
  }

  Ensemble& ensemble_;
  const std::function<void(const Progress&)>& report_;
  const std::function<bool()>& cancel_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  Progress progress_;
  double before_ = 0;
  bool cancelled_ = false;
  std::jthread thread_;
};

// The error of a mean from 2,500 independent draws. Beyond it, rounding is what limits a usual run.
constexpr double harmless_log_density_error = 0.02;

// Multiplications that a gradient takes, about: what is observed decides.
double gradient_cost(const LayoutView& layout) {
  constexpr double of_an_event = 10, of_a_coordinate = 40;  // the sampler's own work is with the coordinates
  double cost = of_a_coordinate * double(layout.coordinates);
  for (std::int64_t i = 0; i < layout.site_count; ++i)
    if (layout.sites[i].kind == SiteKind::observed) cost += of_an_event * layout.sites[i].size;
  return cost;
}

std::string precision_note(Precision precision, const PrecisionError& error) {
  if (error.relative() <= harmless_log_density_error)
    return fmt::format("Precision: {}. Rounding moves no mean by more than {:.2g} of its quantity's standard deviation ({} draws were computed "
                       "anew in doubles).",
                       precision_text(precision), error.relative(), error.looked_at());
  return fmt::format("Precision: {} is too coarse for this model (rounding may move means by {:.2g} of their quantities' standard deviations; {} "
                     "draws were computed anew in doubles). Sample in doubles, or centre and scale the data.",
                     precision_text(precision), error.relative(), error.looked_at());
}

// The worst of all unconstrained coordinates, if their moments were gathered where the draws were made.
void report_halves(const Ensemble& ensemble, const std::vector<int>& superchain, int draws, std::map<std::string, Attribute>& attributes) {
  const std::vector<ChainMoments> halves = ensemble.halves();
  if (halves.empty() || draws < 2) return;
  const std::size_t chains = superchain.size();
  double split = 0, nested = 0, ess = HUGE_VAL;
  for (std::size_t first = 0; first < halves[0].mean.size(); first += chains) {
    const auto of = [&](const std::vector<double>& all) { return std::span(all).subspan(first, chains); };
    const HalvesDiagnosis each = diagnose_halves(of(halves[0].mean), of(halves[0].squares), of(halves[1].mean), of(halves[1].squares),
                                                 std::size_t(draws), superchain);
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
  require(o.target_acceptance > 0 && o.target_acceptance < 1,
          fmt::format("target_acceptance is {} (between 0 and 1). 0.8 is usual.", o.target_acceptance));
}

void run(const ModelTable& table, const Data& data, const SampleOptions& options, bool in_memory, DrawSink& sink,
         std::size_t block_bytes, Devices devices) {
  validate(options);
  if (data.data_sets() != 1)
    throw SampleError(fmt::format("the data are {} stacked data sets (one run samples one of them). Sample them one by one.",
                                  data.data_sets()));
  const bool mixed = in_singles(options.precision);
  const HostModel model(table, data, mixed);
  if (model.coordinates() == 0)
    throw SampleError("the model has no parameters (there is nothing to sample). Add one with m.param.");
  int multiprocessors = 0;
  for (const auto& device : devices.open) multiprocessors += device->info().multiprocessors;
  const RunPlan plan = make_run_plan(options, model, in_memory, block_bytes, multiprocessors);
  const auto started = std::chrono::steady_clock::now();

  std::vector<int> superchain(static_cast<std::size_t>(plan.chains));
  for (int c = 0; c < plan.chains; ++c) superchain[std::size_t(c)] = c % plan.superchains;
  Recorder recorder(model, options, plan, superchain, sink);

  const Starts starts(model, options.init, options.seed);
  std::vector<std::vector<double>> shared_starts;
  for (int k = 0; k < plan.superchains; ++k) shared_starts.push_back(starts(std::uint32_t(k)));
  std::vector<double> positions;
  for (int c = 0; c < plan.chains; ++c) {
    const std::vector<double>& start = shared_starts[std::size_t(superchain[std::size_t(c)])];
    positions.insert(positions.end(), start.begin(), start.end());
  }

  const std::unique_ptr<Ensemble> made = make_ensemble(model, plan.chains, options, std::move(devices));
  Ensemble& ensemble = *made;
  ensemble.place(positions, std::vector<char>(std::size_t(plan.chains), 1));

  Watcher watcher(ensemble, options);
  const WarmupSettings warmup_settings{options.warmup, options.warmup_cap, options.max_depth, options.target_acceptance,
                                       {options.metric, gradient_cost(model.layout())}};
  std::function<void(const DrawBlock&, int)> record_warmup;
  if (options.keep_warmup) record_warmup = [&](const DrawBlock& block, int first) { recorder.warmup(block, first); };
  watcher.phase(true, 0, double(plan.warmup_most) * plan.chains);
  const WarmupResult warmup = warm_up(ensemble, superchain, warmup_settings, [&](int which) {
    return starts(std::uint32_t(plan.superchains + which));
  }, record_warmup);
  watcher.finish(double(warmup.draws) * plan.chains);

  PrecisionError precision_error(model, plan.chains, plan.draws);
  watcher.phase(false, double(warmup.draws) * plan.chains, double(plan.draws) * plan.chains);
  const int done = watcher.cancelled() ? 0 : ensemble.sample(warmup.draws, plan.draws, plan.block, warmup.tuning,
                                                             [&](const DrawBlock& block, int first, int made) {
    recorder.draws(block, first - warmup.draws, made);
    if (mixed) precision_error.draws(block, first - warmup.draws, made);
    return !watcher.cancelled();
  });
  if (done == 0)
    throw Stopped("the run was stopped before every chain had a draw (there is nothing to return). Run it again.");
  if (done == plan.draws) watcher.finish(double(plan.draws) * plan.chains);

  std::map<std::string, Attribute> attributes = options.attributes;
  attributes["created_at"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  attributes["inference_library"] = std::string("lockstep");
  attributes["inference_library_version"] = std::string(LOCKSTEP_VERSION);
  attributes["sampling_time"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  attributes["tuning_steps"] = double(warmup.draws);
  attributes["warmup_settled"] = warmup.settled ? 1. : 0.;
  attributes["draws_asked_for"] = double(plan.draws);
  attributes["draws_made"] = double(done);
  attributes["stopped_early"] = done < plan.draws ? 1. : 0.;
  attributes["thin"] = double(plan.thin);
  attributes["seed"] = std::to_string(options.seed);  // as text: a double holds 53 bits only
  attributes["stuck_chains"] = double(std::count(warmup.stuck.begin(), warmup.stuck.end(), 1));
  attributes["restarted_chains"] = double(warmup.restarted);
  attributes["metric"] = warmup.metric;
  attributes["gradients"] = ensemble.gradients_done();
  attributes["geometry"] = ensemble.geometry();
  attributes["precision"] = std::string(precision_text(options.precision));
  if (mixed) attributes["log_density_error"] = precision_error.relative();
  attributes["starts"] = starts.description();
  report_halves(ensemble, superchain, plan.draws / 2, attributes);
  if (!data.options().empty()) {
    std::vector<std::string> settings;
    for (const auto& [name, value] : data.options()) settings.push_back(fmt::format("{}={}", name, value));
    attributes["model_options"] = settings;
  }
  std::vector<std::string> notes = recorder.notes();
  if (mixed) notes.push_back(precision_note(options.precision, precision_error));
  if (starts.are_one_point() && plan.chains > 1)
    notes.push_back("All chains started at one point, so R-hat cannot tell whether the start still shows. Compare with a run "
                    "that starts elsewhere.");
  if (!notes.empty()) attributes["notes"] = notes;
  sink.close(attributes);
}

Fit sample(const ModelTable& table, const Data& data, const SampleOptions& options) {
  FitBuilder builder;
  validate(options);
  run(table, data, options, true, builder, usual_block_bytes, choose_devices(table, data, options));
  return builder.take();
}

std::filesystem::path sample_to_file(const ModelTable& table, const Data& data, const std::filesystem::path& file,
                                     const SampleOptions& options, bool overwrite) {
  validate(options);
  NetcdfWriter writer(file, overwrite);
  run(table, data, options, false, writer, usual_block_bytes, choose_devices(table, data, options));
  return writer.path();
}

}  // namespace lockstep
