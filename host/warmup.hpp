// Pooled warmup: all chains estimate one metric, one step size and, where the sampler has one, one length of trajectories
// (rules §1).
//
// First each chain finds a step size of its own, until it has left the tail of the density for the bulk; then all share
// one. Everything is read at fixed numbers of draws behind a barrier and reduced in chain order, so the result does not
// depend on threads. Chains whose log density lies far below the others' are flagged: they keep a step size of their own
// and do not enter the estimates.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/metric.hpp"
#include "host/samplers.hpp"

namespace lockstep {

struct WarmupSettings {
  int draws = -1;               // per chain; -1: until it has settled, at most `cap`
  int cap = 1000;
  int max_depth = 10;
  double target_acceptance = 0.8;
  MetricSettings metric;
  const Sampler* sampler = find_sampler("nuts");
};

struct WarmupResult {
  Tuning tuning;
  int draws = 0;                // per chain, the burn-in with the frozen kernel included
  bool settled = false;         // the rule was met before the cap
  std::vector<char> stuck;      // per chain: still flagged at the end
  int restarted = 0;            // chains that were restarted
  std::string metric;           // what it is, and why

  void state(Archive& archive) { archive(tuning, draws, settled, stuck, restarted, metric); }
};

// How a run is suspended when its ensemble was told to stop. It is given what saves the state of the part of the run
// that is going on; true: go on.
using Suspend = std::function<bool(const std::function<void(Archive&)>& save)>;

// Draws that every chain makes and discards with the frozen kernel, after warmup (rules §1).
inline constexpr int burn_in_draws = 10;

// `restart(which)` gives fresh starting points for chains that are stuck, one for each number. `record(block, first, draws)` is shown all
// draws, window by window, the first of a block being number `first`; it may be empty. `suspend` may be empty, too: then no run
// goes on. Throws Stopped if it does not. `saved`: goes on from there.
WarmupResult warm_up(Ensemble& ensemble, const std::vector<int>& superchain, const WarmupSettings& settings,
                     const std::function<std::vector<double>(int which)>& restart,
                     const std::function<void(const DrawBlock& block, int first, int draws)>& record = {},
                     const Suspend& suspend = {}, Archive* saved = nullptr);

}  // namespace lockstep
