// How a run is laid out: how many chains and draws, which draws are kept, how many are made between two barriers.
#pragma once

#include <cstddef>
#include <string>

#include "host/host_model.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

// What fixes the bits of a run besides seed and program is `chains`, `slices` or `teams`, and `warmup_most`; the rest says what is
// kept, and in what portions.
struct RunPlan {
  int chains = 0, superchains = 0;
  int slices = 1;          // that share each gradient on the CPU (kernels/cpu/slices.hpp)
  std::string teams;       // the geometry on devices (kernels/geometry.hpp); empty: on the CPU
  int draws = 0;           // per chain, after warmup; the most, if the run may end by itself
  int usual_draws = 0;     // how many are likely
  bool looks = false;      // it ends when it has the accuracy asked for
  int warmup_most = 0;     // per chain, the burn-in included
  int thin = 1;            // draws 0, thin, 2 thin, ... are kept
  int thin_generated = 1;  // and of these, for log_likelihood and posterior_predictive: a multiple of `thin`
  int block = 0;           // draws between two barriers
  std::size_t block_bytes = 0;

  // Where a run that has made `done` draws is looked at next: no block goes beyond.
  int stretch_end(int done) const;
  // How many draws of every `stride`-th, each of `values` numbers, are put together at a time.
  int at_a_time(int stride, std::size_t values) const;
};

// Memory that the draws of a block may take, and what is put together from them at a time. A block has at least 16
// draws (fewer would leave chains waiting for each other), whatever they take: each is small beside the ensemble's own
// state.
inline constexpr std::size_t usual_block_bytes = std::size_t{32} << 20;

// Multiplications that a gradient takes, about: what is observed decides.
double gradient_cost(const LayoutView& layout);

// Throws SampleError if the run needs more memory than the machine has, or a geometry is asked for that the CPU does not have;
// `in_memory`: all draws are kept there.
RunPlan make_run_plan(const SampleOptions& options, const HostModel& model, bool in_memory,
                      std::size_t block_bytes = usual_block_bytes, int multiprocessors = 0);

// The values that one draw has in log_likelihood and posterior_predictive, of those that are wanted.
std::size_t generated_values(const SampleOptions& options, const HostModel& model);

}  // namespace lockstep
