#include "host/run_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/machine_memory.hpp"
#include "host/online_summary.hpp"
#include "host/stopping_rule.hpp"
#include "host/warmup.hpp"
#include "kernels/cpu/launch.hpp"
#include "kernels/geometry.hpp"
#include "kernels/nuts.hpp"
#include "lockstep/pack.hpp"

namespace lockstep {

namespace {

constexpr int least_block = 16;
constexpr double most_generated_draws = 4000, most_generated_bytes = 0x1p30;
constexpr double least_cost_of_a_slice = 2.5e5;  // about 200 microseconds: much more than threads cost that meet at barriers
constexpr int most_slices = 32;                  // of all packs that are advanced at the same time

int ceil_divide(int a, int b) { return a / b + (a % b != 0 ? 1 : 0); }

int automatic_thinning(const RunPlan& plan, std::size_t values) {
  const double most =
      std::min(most_generated_draws, most_generated_bytes / (8. * double(std::max<std::size_t>(values, 1))));
  const int per_chain = std::max(1, int(most / plan.chains));
  return plan.thin * std::max(1, ceil_divide(ceil_divide(plan.usual_draws, plan.thin), per_chain));
}

// Blocks that are all alike but for the last, and hold whole multiples of what is kept.
int even_block(int draws, int most, int stride) {
  const int even = ceil_divide(draws, ceil_divide(draws, most));
  return std::min(draws, stride <= even ? ceil_divide(even, stride) * stride : even);
}

// Of a run that ends by itself: what keeps a rule that is never fulfilled from going on for ever. `held` draws are in memory so
// many times.
int most_draws(const RunPlan& plan, double kept_values, int held) {
  const double most = 100. * plan.usual_draws;
  if (held == 0) return int(most);
  const double room = machine_memory() / 2 / (8. * plan.chains * std::max(kept_values, 1.) * held);
  return int(std::clamp(room, std::min(most, double(next_look(0)) * plan.thin), most));
}

// Powers of two, so that few chains on much data keep many cores busy. Never by the number of threads, but for the chains that are
// chosen by it, which are enough for all cores.
int automatic_slices(const SampleOptions& options, const HostModel& model) {
  if (options.chains == 0 || options.precision != Precision::fp64 || !model.layout().has_slices) return 1;
  const int packs = ceil_divide(options.chains, pack_width);
  int slices = 1;
  while (2 * slices * packs <= most_slices && gradient_cost(model.layout()) >= 2 * slices * least_cost_of_a_slice) slices *= 2;
  return slices;
}

int forced_slices(const SampleOptions& options, const HostModel& model) {
  const Geometry geometry = parse_geometry(options.geometry);
  const auto refuse = [&](const std::string& why, const std::string& instead) {
    throw SampleError(fmt::format("geometry is {} on the CPU ({}). Ask for {}.", options.geometry, why, instead));
  };
  const std::string unsplit = fmt::format("{}x1", pack_width);
  if (geometry.lanes != pack_width || geometry.resident || geometry.staged)
    refuse(fmt::format("whose teams are of {} chains, and neither r nor g", pack_width), unsplit + ", or auto");
  if (geometry.slices == 1) return 1;
  if (geometry.slices > most_slices) refuse(fmt::format("at most {} threads share a chain", most_slices), "fewer");
  if (options.precision != Precision::fp64) refuse("gradients in mixed precision are not split", unsplit);
  if (!model.layout().has_slices) refuse("gradients are not split where data are missing, or sites done or observed", unsplit);
  return geometry.slices;
}

void require_memory(const RunPlan& plan, const HostModel& model, int held, double kept_values, const SampleOptions& options) {
  const double chains = plan.chains, n = model.coordinates();
  const double summary = options.only_summary ? OnlineSummary::bytes(double(model.values(Meaning::constrain)), chains) / 8 : 0;
  const double state = chains * n * double(NutsVectors<double>::arrays(options.max_depth, 1)) + summary;
  const double block = chains * plan.block * (n + draw_statistics);
  const double draws = held * chains * plan.draws * kept_values;
  const double bytes = 8 * (state + block + draws);
  const double memory = machine_memory();
  if (bytes <= memory) return;
  if (draws > state)
    throw SampleError(
        fmt::format("{} chains x {} draws need {:.0f} GiB of memory (this machine has {:.0f}; {} has all draws). {}.", plan.chains,
                    plan.draws, bytes / 0x1p30, memory / 0x1p30, plan.looks ? "what tells their accuracy" : "a fit in memory",
                    plan.looks ? "Allow fewer draws, or thin them" : "Write them to a file, thin them, or keep fewer sites"));
  throw SampleError(
      fmt::format("{} chains of {} coordinates need {:.0f} GiB of memory (this machine has {:.0f}; all chains "
                  "advance together). Run fewer chains.",
                  plan.chains, n, bytes / 0x1p30, memory / 0x1p30));
}

}  // namespace

int RunPlan::at_a_time(int stride, std::size_t values) const {
  const int kept = ceil_divide(block, stride);
  const double room = double(block_bytes) / (8. * chains * double(std::max<std::size_t>(values, 1)));
  const int most = std::clamp(int(std::min(room, 1e9)), 1, kept);
  return ceil_divide(kept, ceil_divide(kept, most));
}

int RunPlan::stretch_end(int done) const {
  return looks ? int(std::min<std::int64_t>(draws, std::int64_t{thin} * next_look(done / thin))) : draws;
}

double gradient_cost(const LayoutView& layout) {
  constexpr double of_an_event = 10, of_a_coordinate = 40;  // the sampler's own work is with the coordinates
  constexpr double of_a_matrix_element = 2;                 // there and back
  double cost = of_a_coordinate * double(layout.coordinates);
  for (std::int64_t i = 0; i < layout.site_count; ++i)
    if (layout.sites[i].kind == SiteKind::observed) cost += of_an_event * layout.sites[i].size;
  for (std::int64_t i = 0; i < layout.field_count; ++i)
    if (const auto [rows, columns] = layout.fields[i].dims; rows >= 0 && columns >= 0)
      cost += of_a_matrix_element * double(layout.dims[rows].size) * double(layout.dims[columns].size);
  return cost;
}

std::size_t generated_values(const SampleOptions& options, const HostModel& model) {
  return (options.log_likelihood ? model.values(Meaning::pointwise) : 0) +
         (options.predictive ? model.values(Meaning::predict) : 0);
}

RunPlan make_run_plan(const SampleOptions& options, const HostModel& model, bool in_memory, std::size_t block_bytes,
                      int multiprocessors) {
  RunPlan plan;
  plan.block_bytes = block_bytes;
  // A pack for each core: what has an effective sample size of 400 soonest, and larger ones about as soon as any other number
  // (bench/README.md). More packs make warmup draws that nobody needs; fewer chains than eight hardly show that starts differ.
  constexpr int least_chains = 8;
  // Two small teams: what keeps a GPU's multiprocessor busy, at the least work for warmup.
  constexpr int chains_per_multiprocessor = 16;
  const int threads = options.threads > 0 ? options.threads : available_threads();
  const int suitable = multiprocessors > 0 ? multiprocessors * chains_per_multiprocessor : threads * pack_width;
  plan.chains = options.chains > 0 ? options.chains : std::max(options.only_summary ? OnlineSummary::least_chains : least_chains, suitable);
  if (multiprocessors == 0) plan.slices = options.geometry == "auto" ? automatic_slices(options, model) : forced_slices(options, model);
  plan.superchains = std::min(16, plan.chains);                                       // rules §1
  plan.usual_draws = plan.draws = options.draws > 0 ? options.draws : (plan.chains <= 16 ? 1000 : 250);  // rules §1
  plan.warmup_most = (options.warmup >= 0 ? options.warmup : options.warmup_cap) + burn_in_draws;
  plan.thin = options.thin;
  plan.looks = options.until.asks_for_accuracy();
  const std::size_t generated = generated_values(options, model);
  plan.thin_generated = options.generated == Generated::all ? plan.thin : automatic_thinning(plan, generated);
  const double per_draw = (double(model.values(Meaning::constrain)) + draw_statistics) / plan.thin +
                          double(generated) / plan.thin_generated;
  const int held = options.only_summary ? 0 : (in_memory ? 1 : 0) + (plan.looks ? 2 : 0);  // an array that grows is there twice
  if (options.until.asked() && options.draws == 0) plan.draws = most_draws(plan, per_draw, held);

  const double row = 8. * plan.chains * (model.coordinates() + draw_statistics);
  const int rows = std::max(least_block, int(std::min(double(block_bytes) / row, 1e9)));
  plan.block = even_block(plan.stretch_end(0), rows, generated > 0 ? plan.thin_generated : plan.thin);
  require_memory(plan, model, held, per_draw, options);
  return plan;
}

}  // namespace lockstep
