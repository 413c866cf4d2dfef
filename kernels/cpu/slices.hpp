// Slices of one pack's gradient on the CPU: how few chains use many cores.
//
// A pack of chains is advanced by one thread. Where its gradient takes long, a team of S slices shares it: each runs the model on
// its share of every plate, with a gradient of its own (lockstep/log_density.hpp), and these are summed in the slices' order. How
// many slices there are is chosen with the plan (host/run_plan.hpp), from the shapes of chains and data, never from the number of
// threads: it decides how sums are rounded, and so about the bits of a run, which threads do not.
//
// A slice is a thread, since models have barriers in their midst. On fewer cores than slices they take turns: core k has slices
// k, k + cores, ..., and each works until it comes to a barrier and wakes the next. So no more cores are used than may be, at the
// price of some microseconds for each slice and barrier.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "kernels/ensemble.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

class SliceTeam {
 public:
  // `cores`: 1 .. slices. Throws std::runtime_error if there are no threads to be had.
  SliceTeam(int slices, int cores);
  ~SliceTeam();
  SliceTeam(const SliceTeam&) = delete;

  // Calls work(slice) of every slice, the first on this thread, and returns when all have ended. `work` throws nothing.
  void run(const std::function<void(int slice)>& work);
  // For `work`: returns when all slices have come here. What they wrote before is then visible.
  void barrier(int slice);
  // A slice as a model knows it.
  PackSlice member(int slice);

 private:
  // A slice's turn to work on its core.
  class Turn {
   public:
    void give();
    void take();

   private:
    alignas(64) std::atomic<int> given_{0};
  };
  // Of the cores: waits a little without giving its own away, then in the kernel.
  class CoreBarrier {
   public:
    explicit CoreBarrier(int cores) : cores_(cores) {}
    void arrive_and_wait();

   private:
    const int cores_;
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<int> round_{0};
  };

  bool is_first_of_core(int slice) const { return slice < cores_; }
  void pass_on(int slice);
  void work_on(int slice);

  const int slices_, cores_;
  const std::function<void(int)>* work_ = nullptr;  // null: the team ends
  std::vector<Turn> turns_;                         // [slice]
  CoreBarrier cores_barrier_;
  std::atomic<int> ready_{0};                       // 1: all threads are there; -1: some are not
  std::vector<std::jthread> threads_;               // of all slices but the first
};

// The log density and gradient of a pack by a team.
class SlicedGradient {
 public:
  // `model` is bound, and its layout has slices.
  SlicedGradient(const ModelTable& table, const void* model, int slices, int cores);

  // As ModelTable::log_density_gradient.
  void operator()(const double* position, double* log_density, double* gradient);

 private:
  const ModelTable& table_;
  const void* model_;
  const int slices_, coordinates_;
  AlignedArray gradients_, log_densities_, scratch_;  // [slice][coordinate][lane], [slice][lane]
  SliceTeam team_;
};

}  // namespace lockstep
