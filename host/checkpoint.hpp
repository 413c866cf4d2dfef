// What a run needs to go on after it has ended early, in a file: SampleOptions::checkpoint.
//
// FILE has the state of the chains and of whatever decides for them, between two gradients, and is replaced at every
// interval by a newer one, whole or not at all. FILE.draws is the log of draws (host/draw_log.hpp), of which it names
// the bytes that it vouches for; FILE.nc the results of a run that a signal has ended. Layout of FILE: 8 bytes
// "LOCKCKPT", the version of the format (4 bytes), the size of what follows (8), that itself (kernels/archive.hpp), its
// checksum (8).
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/draw_log.hpp"
#include "host/host_model.hpp"
#include "host/placement.hpp"
#include "host/run_plan.hpp"
#include "kernels/archive.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

class Checkpoint {
 public:
  using Identity = std::vector<std::pair<std::string, std::string>>;  // what must be the same, and what it is

  // Of a run that begins, or that goes on from the file. Throws SampleError: there is a file already; there is none, it
  // is no checkpoint, of another version, or damaged; another process is at work on it.
  Checkpoint(const CheckpointOptions& options, bool goes_on);
  ~Checkpoint();
  Checkpoint(const Checkpoint&) = delete;

  // Throws SampleError if the run that was saved had another program, model, processor, data, options: which of them.
  void require_same(const HostModel& model, const Devices& devices, const Data& data, const SampleOptions& options);
  // What the run that was saved is on; `automatic` if there is none.
  Processor processor() const;
  // Of the plan of the run that was saved, if there is one.
  int chains() const { return chains_; }
  int slices() const { return slices_; }
  const std::string& teams() const { return teams_; }
  // What there is to go on from; null if the run begins.
  Archive* saved() { return saved_ ? &*saved_ : nullptr; }
  // Seconds that the run has taken, in all its parts.
  double elapsed() const;

  DrawLog& draws() { return *draws_; }
  // Replaces the file. `state` saves what there is to go on from.
  void save(const RunPlan& plan, const std::function<void(Archive&)>& state);
  bool was_saved() const { return was_saved_; }
  // Once the log is closed: the run was stopped before its end.
  bool stopped() const { return std::get<double>(draws_->attributes().at("stopped_early")) != 0; }
  // Where the draws so far are put when a run is stopped.
  std::filesystem::path results() const { return beside(".nc"); }
  // When the run is finished: it leaves nothing.
  void remove();

 private:
  std::filesystem::path beside(const char* ending) const { return path_.string() + ending; }

  std::filesystem::path path_;
  std::vector<std::string> note_;
  Identity identity_;
  std::optional<DrawLog> draws_;
  std::optional<Archive> saved_;
  int chains_ = 0, slices_ = 0;
  std::string teams_;
  double elapsed_before_ = 0;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  bool was_saved_ = false;
};

}  // namespace lockstep
