#include "lockstep/sample.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>

#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "host/host_model.hpp"
#include "host/starts.hpp"
#include "host/warmup.hpp"
#include "kernels/cpu/launch.hpp"

namespace lockstep {

namespace {

// What fixes the bits of a run besides seed and program; recorded in the file.
struct Plan {
  int chains, superchains, draws;
};

Plan make_plan(const SampleOptions& options) {
  Plan plan{};
  // Four packs for each core: enough that the cores end together.
  constexpr int packs_per_thread = 4;
  const int threads = options.threads > 0 ? options.threads : available_threads();
  plan.chains = options.chains > 0 ? options.chains : std::max(16, threads * packs_per_thread * pack_width);
  plan.superchains = std::min(16, plan.chains);                                     // rules §1
  plan.draws = options.draws > 0 ? options.draws : (plan.chains <= 16 ? 1000 : 250);  // rules §1
  return plan;
}

// All draws are in memory until the file is written; better said before the run than after it.
void require_memory(const Plan& plan, const HostModel& model) {
  const double draws = double(plan.chains) * plan.draws;
  // Positions and statistics as they are sampled, then the fit's own arrays of values and statistics.
  const double bytes = 8 * draws * (model.coordinates() + 2. * draw_statistics + double(model.values(Meaning::constrain)));
  const double memory = double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGESIZE));
  if (bytes > memory)
    throw SampleError(fmt::format("{} chains x {} draws need {:.0f} GiB of memory (this machine has {:.0f}; all draws are kept until they "
                                  "are written). Run fewer chains or draws.", plan.chains, plan.draws, bytes / 0x1p30, memory / 0x1p30));
}

// Calls the user's progress function a few times a second while it exists.
class ProgressReporter {
 public:
  ProgressReporter(const CpuEnsemble& ensemble, const std::function<void(const Progress&)>& report)
      : ensemble_(ensemble), report_(report) {
    if (report_) thread_ = std::jthread([this](std::stop_token stop) { loop(stop); });
  }
  ~ProgressReporter() {
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

 private:
  void loop(std::stop_token stop) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(200), [&] { return stop.stop_requested(); })) {
      progress_.done = std::clamp(ensemble_.draws_done() - before_, 0., progress_.total);
      report_(progress_);
    }
  }
  const CpuEnsemble& ensemble_;
  const std::function<void(const Progress&)>& report_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  Progress progress_;
  double before_ = 0;
  std::jthread thread_;
};

// ---- assembling the fit ----

Group posterior(const HostModel& model, const DrawBlock& block, int threads) {
  const std::size_t chains = std::size_t(block.chains()), draws = std::size_t(block.draws());
  Group group{"posterior", true, {}};
  std::vector<std::size_t> offsets;  // of each variable in what one draw generates
  const std::size_t per_draw = model.values(Meaning::constrain);
  std::size_t offset = 0;
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
    const SiteView& site = model.layout().sites[i];
    if (site.kind == SiteKind::observed) continue;
    group.variables.push_back(model.variable(site));
    group.variables.back().values.resize(chains * draws * std::size_t(site.size));
    offsets.push_back(offset);
    offset += std::size_t(site.size);
  }
  parallel_for(int(chains), threads, [&](int chain, int) {
    std::vector<double> position(std::size_t(model.coordinates())), values(per_draw);
    for (std::size_t d = 0; d < draws; ++d) {
      for (std::size_t i = 0; i < position.size(); ++i) position[i] = block.position(chain, int(d), int(i));
      GenerateRequest request{};
      request.meaning = Meaning::constrain;
      request.position = position.data();
      request.out = values.data();
      model.generate(request);
      for (std::size_t v = 0; v < group.variables.size(); ++v) {
        Variable& variable = group.variables[v];
        const std::size_t size = variable.size();
        std::copy_n(values.begin() + std::ptrdiff_t(offsets[v]), size,
                    variable.values.begin() + std::ptrdiff_t((std::size_t(chain) * draws + d) * size));
      }
    }
  });
  return group;
}

Group sample_stats(const DrawBlock& block) {
  struct Column {
    DrawStatistic statistic;
    const char* name;
    ElementType type;
  };
  static constexpr Column columns[] = {
      {DrawStatistic::lp, "lp", ElementType::real},
      {DrawStatistic::acceptance_rate, "acceptance_rate", ElementType::real},
      {DrawStatistic::step_size, "step_size", ElementType::real},
      {DrawStatistic::tree_depth, "tree_depth", ElementType::integer},
      {DrawStatistic::n_steps, "n_steps", ElementType::integer},
      {DrawStatistic::diverging, "diverging", ElementType::boolean},
      {DrawStatistic::reached_max_treedepth, "reached_max_treedepth", ElementType::boolean},
      {DrawStatistic::energy, "energy", ElementType::real},
      {DrawStatistic::energy_error, "energy_error", ElementType::real},
      {DrawStatistic::max_energy_error, "max_energy_error", ElementType::real},
  };
  Group group{"sample_stats", true, {}};
  for (const Column& column : columns) {
    Variable variable{column.name, {}, {}, column.type, {}};
    variable.values.reserve(std::size_t(block.chains()) * std::size_t(block.draws()));
    for (int c = 0; c < block.chains(); ++c)
      for (int d = 0; d < block.draws(); ++d) variable.values.push_back(block.statistic(c, d, column.statistic));
    group.variables.push_back(std::move(variable));
  }
  return group;
}

Group observed_data(const HostModel& model, const Data& data) {
  Group group{"observed_data", false, {}};
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
    const SiteView& site = model.layout().sites[i];
    if (site.kind != SiteKind::observed) continue;
    const auto field = data.fields().find(site.name);
    if (field == data.fields().end() || field->second.columns != 1) continue;
    group.variables.push_back(model.variable(site));
    group.variables.back().values = field->second.values;
  }
  return group;
}

}  // namespace

void validate(const SampleOptions& o) {
  auto require = [](bool ok, const std::string& message) {
    if (!ok) throw SampleError(message);
  };
  require(o.chains >= 0, fmt::format("chains is {} (a run needs at least one). Give a positive number, or auto.", o.chains));
  require(o.chains <= 1000000, fmt::format("chains is {} (at most 1000000). Give fewer.", o.chains));
  require(o.warmup >= -1, fmt::format("warmup is {} (a number of draws). Give 0 or more, or auto.", o.warmup));
  require(o.draws >= 0, fmt::format("draws is {} (at least one is needed). Give a positive number.", o.draws));
  require(o.threads >= 0, fmt::format("threads is {} (at least one is needed). Give a positive number.", o.threads));
  require(o.max_depth >= 1 && o.max_depth <= 20, fmt::format("max_depth is {} (1 to 20). Choose one in between.", o.max_depth));
  require(o.target_acceptance > 0 && o.target_acceptance < 1,
          fmt::format("target_acceptance is {} (between 0 and 1). 0.8 is usual.", o.target_acceptance));
}

Fit sample(const ModelTable& table, const Data& data, const SampleOptions& options) {
  validate(options);
  if (data.data_sets() != 1)
    throw SampleError(fmt::format("the data are {} stacked data sets (one run samples one of them). Sample them one by one.",
                                  data.data_sets()));
  const HostModel model(table, data);
  if (model.coordinates() == 0)
    throw SampleError("the model has no parameters (there is nothing to sample). Add one with m.param.");
  const Plan plan = make_plan(options);
  require_memory(plan, model);
  const auto started = std::chrono::steady_clock::now();

  std::vector<int> superchain(static_cast<std::size_t>(plan.chains));
  for (int c = 0; c < plan.chains; ++c) superchain[std::size_t(c)] = c % plan.superchains;
  const Starts starts(model, options.seed);
  const std::size_t n = std::size_t(model.coordinates());
  std::vector<std::vector<double>> shared_starts;
  for (int k = 0; k < plan.superchains; ++k) shared_starts.push_back(starts(std::uint32_t(k)));
  std::vector<double> positions;
  for (int c = 0; c < plan.chains; ++c) {
    const std::vector<double>& start = shared_starts[std::size_t(superchain[std::size_t(c)])];
    positions.insert(positions.end(), start.begin(), start.end());
  }

  NutsSettings nuts;
  nuts.max_depth = options.max_depth;
  nuts.target_acceptance = options.target_acceptance;
  CpuEnsemble ensemble(table, model.handle(), plan.chains, options.seed, nuts, options.threads);
  ensemble.place(positions, std::vector<char>(std::size_t(plan.chains), 1));

  ProgressReporter progress(ensemble, options.progress);
  WarmupSettings warmup_settings{options.warmup, options.warmup_cap, options.max_depth, options.target_acceptance};
  const int warmup_most = (options.warmup >= 0 ? options.warmup : options.warmup_cap) + burn_in_draws;
  progress.phase(true, 0, double(warmup_most) * plan.chains);
  const WarmupResult warmup = warm_up(ensemble, superchain, warmup_settings, [&](int chain) {
    return starts(std::uint32_t(plan.superchains + chain));
  });
  progress.finish(double(warmup.draws) * plan.chains);

  progress.phase(false, double(warmup.draws) * plan.chains, double(plan.draws) * plan.chains);
  DrawBlock block(plan.chains, int(n), plan.draws, false);
  ensemble.advance(warmup.draws, warmup.tuning, block);
  progress.finish(double(plan.draws) * plan.chains);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

  Fit fit;
  fit.chains = std::size_t(plan.chains);
  fit.draws = std::size_t(plan.draws);
  fit.superchain = superchain;
  fit.dimensions = model.dimensions();
  fit.groups.push_back(posterior(model, block, options.threads));
  fit.groups.push_back(sample_stats(block));
  fit.groups.push_back(observed_data(model, data));
  if (fit.groups.back().variables.empty()) fit.groups.pop_back();
  const std::time_t now = std::time(nullptr);
  fit.attributes["created_at"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
  fit.attributes["inference_library"] = std::string("lockstep");
  fit.attributes["inference_library_version"] = std::string(LOCKSTEP_VERSION);
  fit.attributes["sampling_time"] = seconds;
  fit.attributes["tuning_steps"] = double(warmup.draws);
  fit.attributes["warmup_settled"] = warmup.settled ? 1. : 0.;
  fit.attributes["seed"] = std::to_string(options.seed);  // as text: a double holds 53 bits only
  fit.attributes["stuck_chains"] = double(std::count(warmup.stuck.begin(), warmup.stuck.end(), 1));
  fit.attributes["restarted_chains"] = double(warmup.restarted);
  fit.attributes["gradients"] = ensemble.gradients_done();
  fit.attributes["pack_width"] = double(pack_width);
  return fit;
}

}  // namespace lockstep
