#include "host/run_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/machine_memory.hpp"
#include "host/warmup.hpp"
#include "kernels/cpu/launch.hpp"
#include "kernels/nuts.hpp"
#include "lockstep/pack.hpp"

namespace lockstep {

namespace {

constexpr int least_block = 16;
constexpr double most_generated_draws = 4000, most_generated_bytes = 0x1p30;

int ceil_divide(int a, int b) { return a / b + (a % b != 0 ? 1 : 0); }

int automatic_thinning(const RunPlan& plan, std::size_t values) {
  const double most =
      std::min(most_generated_draws, most_generated_bytes / (8. * double(std::max<std::size_t>(values, 1))));
  const int per_chain = std::max(1, int(most / plan.chains));
  return plan.thin * std::max(1, ceil_divide(ceil_divide(plan.draws, plan.thin), per_chain));
}

// Blocks that are all alike but for the last, and hold whole multiples of what is kept.
int even_block(int draws, int most, int stride) {
  const int even = ceil_divide(draws, ceil_divide(draws, most));
  return std::min(draws, stride <= even ? ceil_divide(even, stride) * stride : even);
}

void require_memory(const RunPlan& plan, const HostModel& model, bool in_memory, double kept_values, int max_depth) {
  const double chains = plan.chains, n = model.coordinates();
  const double state = chains * n * double(NutsVectors<double>::arrays(max_depth, 1));
  const double block = chains * plan.block * (n + draw_statistics);
  const double draws = in_memory ? chains * plan.draws * kept_values : 0;
  const double bytes = 8 * (state + block + draws);
  const double memory = machine_memory();
  if (bytes <= memory) return;
  if (draws > state)
    throw SampleError(
        fmt::format("{} chains x {} draws need {:.0f} GiB of memory (this machine has {:.0f}; a fit in memory has "
                    "all draws). Write them to a file, thin them, or keep fewer sites.",
                    plan.chains, plan.draws, bytes / 0x1p30, memory / 0x1p30));
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

std::size_t generated_values(const SampleOptions& options, const HostModel& model) {
  return (options.log_likelihood ? model.values(Meaning::pointwise) : 0) +
         (options.predictive ? model.values(Meaning::predict) : 0);
}

RunPlan make_run_plan(const SampleOptions& options, const HostModel& model, bool in_memory, std::size_t block_bytes,
                      int multiprocessors) {
  RunPlan plan;
  plan.block_bytes = block_bytes;
  // Four packs for each core: enough that the cores end together.
  constexpr int packs_per_thread = 4;
  // Two small teams: what keeps a GPU's multiprocessor busy, at the least work for warmup.
  constexpr int chains_per_multiprocessor = 16;
  const int threads = options.threads > 0 ? options.threads : available_threads();
  const int suitable = multiprocessors > 0 ? multiprocessors * chains_per_multiprocessor : threads * packs_per_thread * pack_width;
  plan.chains = options.chains > 0 ? options.chains : std::max(16, suitable);
  plan.superchains = std::min(16, plan.chains);                                       // rules §1
  plan.draws = options.draws > 0 ? options.draws : (plan.chains <= 16 ? 1000 : 250);  // rules §1
  plan.warmup_most = (options.warmup >= 0 ? options.warmup : options.warmup_cap) + burn_in_draws;
  plan.thin = options.thin;
  const std::size_t generated = generated_values(options, model);
  plan.thin_generated = options.generated == Generated::all ? plan.thin : automatic_thinning(plan, generated);

  const double row = 8. * plan.chains * (model.coordinates() + draw_statistics);
  const int rows = std::max(least_block, int(std::min(double(block_bytes) / row, 1e9)));
  plan.block = even_block(plan.draws, rows, generated > 0 ? plan.thin_generated : plan.thin);

  const double per_draw = (double(model.values(Meaning::constrain)) + draw_statistics) / plan.thin +
                          double(generated) / plan.thin_generated;
  require_memory(plan, model, in_memory, per_draw, options.max_depth);
  return plan;
}

}  // namespace lockstep
