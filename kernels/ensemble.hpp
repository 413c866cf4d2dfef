// All chains of a run, wherever they are advanced: the CPU's cores (kernels/cpu/ensemble.hpp) or GPUs
// (kernels/device_ensemble.hpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/archive.hpp"
#include "kernels/nuts.hpp"

namespace lockstep {

// A vector of doubles whose memory starts on a cache line; or whatever memory its maker has for it.
class AlignedArray {
 public:
  using Free = void (*)(double*);
  AlignedArray() = default;
  explicit AlignedArray(std::size_t count);                     // zeros
  AlignedArray(double* memory, Free free) : data_(memory, free) {}
  double* data() const { return data_.get(); }

 private:
  std::unique_ptr<double[], Free> data_{nullptr, [](double*) {}};
};

// What is kept of draws besides their positions and statistics: each has what the one before has.
enum class Keep { positions, gradients, proposals };

// The draws that all chains made between two barriers: [tile][draw][element][lane], `lanes` chains a tile.
class DrawBlock {
 public:
  using Allocate = AlignedArray (*)(std::size_t count);
  DrawBlock(int chains, int coordinates, int draws, Keep keep, int lanes,
            Allocate allocate = [](std::size_t count) { return AlignedArray(count); });
  int chains() const { return chains_; }
  int draws() const { return draws_; }
  int coordinates() const { return coordinates_; }
  int lanes() const { return lanes_; }
  int tiles() const { return (chains_ + lanes_ - 1) / lanes_; }
  bool has_gradients() const { return keep_ >= Keep::gradients; }
  double position(int chain, int draw, int i) const { return read(positions_, coordinates_, chain, draw, i); }
  double gradient(int chain, int draw, int i) const { return read(gradients_, coordinates_, chain, draw, i); }
  double proposal(int chain, int draw, int i) const { return read(proposals_, coordinates_, chain, draw, i); }
  double proposal_momentum(int chain, int draw, int i) const { return read(proposal_momenta_, coordinates_, chain, draw, i); }
  double statistic(int chain, int draw, DrawStatistic k) const { return read(statistics_, draw_statistics, chain, draw, int(k)); }
  // Where tile t's rows are; row 0 is draw `first`.
  DrawBuffer tile(int t, int first = 0) const;
  void state(Archive& archive);

 private:
  double read(const AlignedArray& array, int rows, int chain, int draw, int i) const {
    const std::int64_t row = (std::int64_t(chain / lanes_) * draws_ + draw) * rows + i;
    return array.data()[row * lanes_ + chain % lanes_];
  }
  int chains_, coordinates_, draws_, lanes_;
  Keep keep_;
  AlignedArray positions_, gradients_, statistics_, proposals_, proposal_momenta_;
};

// The metric's numbers, as kernels/dynamics.hpp reads them; the last group of directions is filled up with zeros.
struct Metric {
  std::vector<double> scale, directions, stretch_less_1;
  int groups() const { return int(stretch_less_1.size()) / MetricView::group; }
  MetricView view() const { return {scale.data(), groups(), directions.data(), stretch_less_1.data()}; }
  void state(Archive& archive) { archive(scale, directions, stretch_less_1); }
};

// What all chains share while they advance, and which of them use a step size of their own.
struct Tuning {
  Metric metric;
  double log_step = 0;                  // pooled
  double trajectory_length = 0;         // of the longest, for samplers that have one
  std::vector<char> own_step;           // per chain

  void state(Archive& archive) { archive(metric, log_step, trajectory_length, own_step); }
};

// Of every chain: [element][chain].
struct ChainMoments {
  std::vector<double> mean, squares;   // the mean; squared deviations from it, summed
};

class Window;

class Ensemble {
 public:
  // Is shown draws first .. first + made - 1, in rows 0 .. made - 1 of the block. False: no more are wanted.
  using Take = std::function<bool(const DrawBlock& block, int first, int made)>;

  virtual ~Ensemble() = default;

  // Puts chains at new positions ([chain][coordinate]); those with `moved` false stay where they are.
  virtual void place(std::span<const double> positions, const std::vector<char>& moved) = 0;
  // Room for `capacity` draws of every chain, from draw `first` on, and for what else is kept.
  virtual std::unique_ptr<Window> make_window(int first, int capacity, Keep keep) = 0;
  // Every chain makes `draws` more draws of the window. Returns how many of these every chain has made: all, unless it was
  // told to stop. After go_on(), a call for the rest takes all trajectories up where they were.
  virtual int advance(Window& window, int draws, const Tuning& tuning) = 0;
  // Every chain makes draws first .. first + draws - 1, handed over in blocks of `block_draws`, in order, while the next
  // are being made if the ensemble can do that. Returns how many were handed over.
  virtual int sample(int first, int draws, int block_draws, const Tuning& tuning, const Take& take) = 0;
  // Moments of the positions that the last `sample` made, of its first and of its second half (the middle one of an odd
  // number is in neither): gathered while it ran. None if that was not done, or the run was stopped.
  virtual std::vector<ChainMoments> halves() const { return {}; }
  // Ends `advance` and `sample`, now and until go_on() is called, between two gradients. May be called from any thread.
  void stop() { stopped_.store(true, std::memory_order_relaxed); }
  void go_on() { stopped_.store(false, std::memory_order_relaxed); }
  // All that the chains go on from after advance() was stopped, their windows apart. It is loaded into an ensemble of as many chains,
  // and of the same geometry.
  virtual void state(Archive& archive) = 0;
  // Dual averaging starts afresh in these chains, near a log step size.
  virtual void restart_step(const std::vector<char>& chains, double log_step) = 0;
  virtual double own_log_step(int chain) const = 0;   // the averaged one
  void set_max_depth(int max_depth) { settings_.max_depth = max_depth; }

  int chains() const { return chains_; }
  int coordinates() const { return coordinates_; }
  virtual double draws_done() const = 0;  // over all chains; may be read while they advance
  virtual double gradients_done() const = 0;
  // Where and how the chains run, for the record: part of what fixes the bits of a run.
  virtual std::string geometry() const = 0;

 protected:
  Ensemble(int chains, int coordinates, const SamplerSettings& settings)
      : chains_(chains), coordinates_(coordinates), settings_(settings) {}
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

  const int chains_, coordinates_;
  SamplerSettings settings_;  // arrays are sized by the max_depth it has at first; it may be lowered

 private:
  std::atomic<bool> stopped_{false};
};

}  // namespace lockstep
