// Sampling from a model's posterior.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lockstep/data.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

struct ModelTable;

class SampleError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Where a run is: called a few times a second, from another thread than the caller's.
struct Progress {
  bool warmup = true;
  double done = 0, total = 0;         // draws over all chains; total is the cap while warmup may stop by itself
};

struct SampleOptions {
  int chains = 0;                     // 0: chosen for this machine
  int warmup = -1;                    // draws per chain; -1: stops by itself, at most `warmup_cap`; 10 more follow
                                      // with the final tuning, so that draw 0 is already from the posterior
  int warmup_cap = 1000;
  int draws = 0;                      // per chain; 0: 1000 for up to 16 chains, else 250
  std::uint64_t seed = 1;
  int threads = 0;                    // 0: all that the process may use
  int max_depth = 10;
  double target_acceptance = 0.8;
  std::function<void(const Progress&)> progress;
};

// Throws SampleError if an option is out of range; the message names it.
void validate(const SampleOptions& options);

// Runs NUTS and returns posterior (deterministics too), sample_stats and observed_data.
// Throws DataError, ModelError or SampleError.
Fit sample(const ModelTable& model, const Data& data, const SampleOptions& options = {});

// ---- the zoo ----

struct ZooModel {
  const char* name;
  const char* summary;                // one line
  const ModelTable* (*table)();
};
const std::vector<ZooModel>& zoo();
const ZooModel* find_zoo_model(const std::string& name);  // null if there is none
Data example_data(const ZooModel& model);

}  // namespace lockstep
