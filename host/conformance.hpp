// Whether a model's posterior agrees with reference draws: the run, and the one repetition that an alarm leads to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/agreement.hpp"
#include "lockstep/data.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

struct ConformanceOptions {
  std::uint64_t seed = 1;
  std::string sampler = "nuts";
  int threads = 0;            // 0: all that the process may use
  Processor processor = Processor::automatic;  // as SampleOptions's; so are the next three
  std::vector<int> gpus;
  std::string geometry = "auto";
  Precision precision = Precision::fp64;
  int chains = 64;
  int draws = 250;            // per chain; more where the effective sample size asks for it
  double least_ess = 10000;   // of every mean
  double start_range = 2;     // chains start uniformly within it, in every unconstrained coordinate
};

struct ConformanceRun {
  std::uint64_t seed;
  int draws;
  Agreement agreement;
  double seconds;             // of the whole run, warmup included
};

struct Conformance {
  std::vector<ConformanceRun> runs;  // one; a second if the first raised an alarm
  bool agrees;                       // the last of them does, with enough effective draws
};

// Compares a run with the reference. If a |z| exceeds `limit`, it is repeated once, with the next seed and ten times the
// draws, and that decides. Throws what `sample` does.
Conformance conform(const ModelTable& model, const Data& data, const Reference& reference,
                    const std::vector<Counterpart>& counterparts, double limit, const ConformanceOptions& options);

}  // namespace lockstep
