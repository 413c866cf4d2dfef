// All chains of a run, on the CPU: tiles of one pack, advanced by the cores.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lockstep/model_table.hpp"
#include "kernels/nuts.hpp"

namespace lockstep {

// A vector whose memory starts on a cache line.
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(std::size_t count);   // zeros
  double* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(double* p) const;
  };
  std::unique_ptr<double[], Free> data_;
};

// The draws that all chains made between two barriers: [tile][draw][element][lane].
class DrawBlock {
 public:
  DrawBlock(int chains, int coordinates, int draws, bool gradients);
  int chains() const { return chains_; }
  int draws() const { return draws_; }
  double position(int chain, int draw, int i) const { return read(positions_, coordinates_, chain, draw, i); }
  double gradient(int chain, int draw, int i) const { return read(gradients_, coordinates_, chain, draw, i); }
  double statistic(int chain, int draw, DrawStatistic k) const { return read(statistics_, draw_statistics, chain, draw, int(k)); }
  DrawBuffer tile(int t) const;

 private:
  double read(const AlignedArray& array, int rows, int chain, int draw, int i) const {
    const std::int64_t row = (std::int64_t(chain / pack_width) * draws_ + draw) * rows + i;
    return array.data()[row * pack_width + chain % pack_width];
  }
  int chains_, coordinates_, draws_;
  bool has_gradients_;
  AlignedArray positions_, gradients_, statistics_;
};

// What all chains share while they advance, and which of them use a step size of their own.
struct Tuning {
  std::vector<double> inverse_mass;     // per coordinate
  double log_step = 0;                  // pooled
  std::vector<char> own_step;           // per chain
};

class CpuEnsemble {
 public:
  // `model` is bound to its data already. Chain c reads data set c modulo the number of sets.
  CpuEnsemble(const ModelTable& table, const void* model, int chains, std::uint64_t seed, const NutsSettings& settings,
              int threads, std::int64_t data_sets = 1);
  ~CpuEnsemble();

  // Puts chains at new positions ([chain][coordinate]); those with `moved` false stay where they are.
  void place(std::span<const double> positions, const std::vector<char>& moved);
  // Every chain makes draws first .. first + block.draws() - 1. Returns how many of these every chain has made: all,
  // unless it was told to stop; then nothing but draws_done() and gradients_done() makes sense any more.
  int advance(int first, const Tuning& tuning, DrawBlock& block);
  // Ends `advance`, now and from now on, between two gradients. May be called from any thread.
  void stop() { stopped_.store(true, std::memory_order_relaxed); }
  // Dual averaging starts afresh in these chains, near a log step size.
  void restart_step(const std::vector<char>& chains, double log_step);
  double own_log_step(int chain) const;   // the averaged one
  void set_max_depth(int max_depth) { settings_.max_depth = max_depth; }

  int chains() const { return chains_; }
  int coordinates() const { return coordinates_; }
  double draws_done() const;              // over all chains; may be read while they advance
  double gradients_done() const { return gradients_done_; }

 private:
  struct Tile;
  template <class F> void on_tile(int t, int worker, const DiagonalMetric& metric, const DrawBuffer& out, const F& use);
  double least_draws(const Tile& tile) const;

  const ModelTable& table_;
  const void* model_;
  int chains_, coordinates_, threads_;
  NutsSettings settings_;
  std::vector<std::unique_ptr<Tile>> tiles_;
  std::vector<AlignedArray> scratch_;     // per worker
  std::atomic<double> gradients_done_{0};
  std::atomic<bool> stopped_{false};
};

}  // namespace lockstep
