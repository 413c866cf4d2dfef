// All chains of a run on the CPU: tiles of one pack, advanced by the cores, each by one or, where gradients are split, by some.
#pragma once

#include "kernels/cpu/slices.hpp"
#include "kernels/ensemble.hpp"
#include "kernels/pack_team.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {

// `Kernel`: the machine that advances chains, NutsKernel or another of kernels/.
template <class Kernel> class CpuEnsembleOf : public Ensemble {
 public:
  // `model` is bound to its data already. Chain c reads data set c modulo the number of sets. `mixed`: gradients are computed in
  // single precision. `slices`: that share each gradient (kernels/cpu/slices.hpp); more than one only if the model's layout has
  // slices, in double precision.
  CpuEnsembleOf(const ModelTable& table, const void* model, int chains, std::uint64_t seed, const SamplerSettings& settings,
                int threads, std::int64_t data_sets = 1, bool mixed = false, int slices = 1);
  ~CpuEnsembleOf() override;

  void place(std::span<const double> positions, const std::vector<char>& moved) override;
  std::unique_ptr<Window> make_window(int first, int capacity, Keep keep) override;
  int advance(Window& window, int draws, const Tuning& tuning) override;
  int sample(int first, int draws, int block_draws, const Tuning& tuning, const Take& take) override;
  void restart_step(const std::vector<char>& chains, double log_step) override;
  double own_log_step(int chain) const override;
  double draws_done() const override;
  double gradients_done() const override { return gradients_done_; }
  std::string geometry() const override;
  void state(Archive& archive) override;

 private:
  struct Tile;
  template <class F>
  void on_tile(int t, int worker, const MetricView& metric, const SamplerSettings& settings, const DrawBuffer& out, const F& use);
  // Draws begin .. begin + draws - 1, into a block whose row 0 is draw `first`.
  int advance(const DrawBlock& block, int first, int begin, int draws, const Tuning& tuning);
  double least_draws(const Tile& tile) const;

  const ModelTable& table_;
  const void* model_;
  const int slices_;
  int workers_;                           // advance a tile each; of as many threads as slices, if they are enough
  bool mixed_;
  std::size_t elements_;                  // doubles of a tile
  std::vector<std::unique_ptr<Tile>> tiles_;
  std::vector<AlignedArray> scratch_;     // per worker; or
  std::vector<std::unique_ptr<SlicedGradient>> sliced_;
  std::atomic<double> gradients_done_{0};
  std::atomic<bool> gradients_are_cheap_{false};  // less than half of a tick
};

using CpuEnsemble = CpuEnsembleOf<NutsKernel>;

}  // namespace lockstep
