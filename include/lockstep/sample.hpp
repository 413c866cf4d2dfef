// Sampling from a model's posterior.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lockstep/data.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

struct ModelTable;

class SampleError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// SampleOptions::cancel ended a run before every chain had made a draw: there is nothing to return.
class Stopped : public SampleError {
  using SampleError::SampleError;
};

// Where a run is: called a few times a second, from another thread than the caller's.
struct Progress {
  bool warmup = true;
  double done = 0, total = 0;         // draws over all chains; total is the cap where warmup, or sampling, may stop by itself
};

// Where chains start. Chains start in superchains, up to 16 of them, each at a point of its own which its chains share:
// nested R-hat tells from them whether the start still shows. Zero, or values for all parameters, is one point for all
// superchains; then nothing tells, so compare with a run that starts elsewhere.
struct InitUniform {
  double range = 2;                   // uniform on (-range, range) in every unconstrained coordinate; 0: all are zero. A start in the
                                      // far tail, where steps would be tiny, is moved out of it by optimisation
};
struct InitPrior {};                  // draws from the prior, which must be proper
// Or values of parameters, by name, each whole and inside its support; those that are not there are drawn from
// InitUniform{2}. Values of deterministics are ignored, so that a draw can be given as it is.
using Init = std::variant<InitUniform, InitPrior, Data>;

// Which draws are kept of what is generated from them and can be large: log_likelihood and posterior_predictive.
enum class Generated {
  automatic,                          // every k-th, so that they are at most 4,000 over all chains and 1 GiB
  all,                                // all that the posterior has
};

// What the chains run on.
enum class Processor {
  automatic,                          // GPUs, if there are any and the model was compiled for them; else the CPU
  cpu,
  cuda,                               // GPUs, or it is an error
};

// What the log density and its gradient are computed in. The sampler, and what is summed over observations, are doubles always.
enum class Precision {
  fp64,
  mixed,                              // single precision for each observation and each linear predictor. Fit's attribute
                                      // log_density_error is what this costs: no mean is off by more of its quantity's sd
  tf32,                               // as mixed, with matrix products by a GPU's tensor cores, which keep 11 bits of a factor
};

// What the metric, the inverse mass matrix, can follow of the posterior's shape.
enum class MetricKind {
  automatic,                          // the directions that win more in steps than they cost
  diagonal,                           // the scale of each coordinate
  low_rank,                           // the directions, too, along which the sd differs from the scales' by more than sqrt(2)
  dense,                              // all directions
};
std::optional<MetricKind> metric_named(const std::string& text);  // "auto", "diagonal", "low-rank", "dense"

// Where a run is saved while it goes on, so that it can be resumed: in `file`; beside it, until the run is finished, in FILE.draws
// its draws, and in FILE.nc those that it had when it was stopped.
struct CheckpointOptions {
  std::filesystem::path file;         // empty: nowhere
  double every = 60;                  // seconds between two; if it is killed, a run loses what it did since the last
  std::vector<std::string> note;      // is saved with it: see saved_run
};

// When a run is long enough: as soon as every accuracy that is asked for is reached, or when the time is up. Looked at only when
// every chain has made the same draws: 100, 150, 225, ... of those that are kept. Accuracy is that of all kept draws, so when a run
// ends does not depend on the machine; with a time it does.
struct Until {
  double ess = 0;                       // the smallest effective sample size, bulk and tail, of all that is kept; 0: not asked for
  std::map<std::string, double> mcse;   // by site: the largest Monte Carlo standard error of a mean of its elements
  double seconds = 0;                   // that the run may take, warmup and all; 0: not asked for
  bool asks_for_accuracy() const { return ess != 0 || !mcse.empty(); }
  bool asked() const { return asks_for_accuracy() || seconds != 0; }
};

struct SampleOptions {
  int chains = 0;                     // 0: chosen for this machine
  int warmup = -1;                    // draws per chain; -1: stops by itself, at most `warmup_cap`; 10 more follow
                                      // with the final tuning, so that draw 0 is already from the posterior
  int warmup_cap = 1000;
  int draws = 0;                      // per chain; 0: 1000 for up to 16 chains, else 250
  Until until;                        // ends a run earlier; with draws = 0 it goes on for at most 100 times the usual number, or
                                      // what half of the memory holds. Fit's attribute ended_by is "draws", "accuracy", "time",
                                      // "signal" or "not_finite": an accuracy that could never be reached
  std::uint64_t seed = 1;
  Init init;                          // up to 100 points are tried until one has a finite log density and gradient
  Processor processor = Processor::automatic;
  std::vector<int> gpus;              // by number, as `lockstep devices` lists them; empty: all
  std::string geometry = "auto";      // chains of a team x threads that share their data, as "32x4": on a GPU see
                                      // kernels/geometry.hpp, on the CPU kernels/cpu/slices.hpp, where a team is a pack
  Precision precision = Precision::fp64;
  int threads = 0;                    // 0: all that the process may use; they advance packs of chains, or, if these are few and the
                                      // data are many, share their gradients
  std::string sampler = "nuts";       // or "hmc", "chees", "mams": see host/samplers.hpp
  int max_depth = 10;                 // of NUTS's trees; trajectories of other samplers have at most 2^max_depth - 1 steps, too
  double target_acceptance = 0;       // of trajectories; 0: the sampler's own, which is 0.8 for nuts, 0.9 for mams, else 0.651
  MetricKind metric = MetricKind::automatic;
  // What is returned.
  std::vector<std::string> keep;      // parameters and deterministics, by name; empty: all
  std::vector<std::string> leave_out; // or all but these
  bool only_summary = false;          // no draws, but what there is to say about those that would be kept: groups `summary` and
                                      // `chain_stats` (host/summary_groups.hpp). For 64 chains or more
  int thin = 1;                       // every thin-th draw, from draw 0
  bool keep_warmup = false;           // groups warmup_posterior and warmup_sample_stats: all draws before draw 0
  bool log_likelihood = false;        // group log_likelihood: one value for each observation
  bool predictive = false;            // group posterior_predictive: observations simulated from each draw
  Generated generated = Generated::automatic;
  std::map<std::string, Attribute> attributes;  // to be put beside the run's own

  CheckpointOptions checkpoint;

  // Called a few times a second, and neither may throw.
  std::function<void(const Progress&)> progress;
  // True ends the run within a second or so: what is returned has the draws that all chains have made, and
  // Fit::stopped_early(). With a checkpoint, the run can then be resumed. May be called from another thread than the caller's.
  std::function<bool()> cancel;
};

const char* precision_text(Precision precision);  // "double", "mixed", "tf32"
std::optional<Precision> precision_named(const std::string& text);
inline bool in_singles(Precision precision) { return precision != Precision::fp64; }

// Throws SampleError if an option is out of range; the message names it.
void validate(const SampleOptions& options);

// Runs the sampler and returns posterior (deterministics too) and sample_stats, or a summary of them, observed_data and
// constant_data, and what else the options ask for. May be called from several threads at once. Throws DataError, ModelError,
// SampleError, or Stopped.
Fit sample(const ModelTable& model, const Data& data, const SampleOptions& options = {});

// The same into a results file (NetCDF-4, which ArviZ opens), while sampling goes on: memory does not grow with the
// number of draws. The file is there when it is whole. One that has its name already is replaced if `overwrite` says so;
// else the new one takes the next free name. Returns the name that it has. Throws std::runtime_error, too, if it cannot
// be written; then nothing is left behind.
std::filesystem::path sample_to_file(const ModelTable& model, const Data& data, const std::filesystem::path& file,
                                     const SampleOptions& options = {}, bool overwrite = false);

// The same for a run that was stopped or killed: go on from options.checkpoint, as if it had never ended, also from the middle of
// warmup. Draws and statistics are the same, bit for bit, for any number of threads. Throw SampleError if there is no such
// checkpoint, if it is damaged, or if program, model, data or options are not those of the run. What a checkpoint has is removed
// when the run is finished. A run to a file that is stopped has its draws so far in FILE.nc, which is then returned; if they are
// more than 2 GiB that is left for resume with a `cancel` that is true from the beginning, which does nothing else.
Fit resume(const ModelTable& model, const Data& data, const SampleOptions& options);
std::filesystem::path resume_to_file(const ModelTable& model, const Data& data, const std::filesystem::path& file,
                                     const SampleOptions& options, bool overwrite = false);
// The run that was saved there. Throws SampleError if it is no checkpoint, or a damaged one.
struct SavedRun {
  std::vector<std::string> note;      // CheckpointOptions::note
  Processor processor;                // what it is on: cpu or cuda
};
SavedRun saved_run(const std::filesystem::path& checkpoint);

// ---- the zoo ----

struct ZooModel {
  const char* name;
  const char* summary;                // one line
  const ModelTable* (*table)();
  // Of `lockstep sbc --all`: its priors are proper, data are simulated from all that they allow, and a fit takes milliseconds.
  bool calibrated = false;
};
const std::vector<ZooModel>& zoo();
const ZooModel* find_zoo_model(const std::string& name);  // null if there is none
Data example_data(const ZooModel& model);

}  // namespace lockstep
