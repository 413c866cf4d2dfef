// All chains of a run on one or several devices.
//
// Chains are split over the devices by whole tiles. Each device is driven by a thread of its own: it queues launches of many
// ticks, two at a time, so that the device never waits for the host; draws go to a ring on the device, and each block that
// all chains have finished is copied out on a second stream while sampling goes on. How many ticks a launch has is timed, and
// changes nothing but the time: a chain's draws are a function of its own numbers alone.
#pragma once

#include "kernels/device.hpp"
#include "kernels/ensemble.hpp"
#include "kernels/geometry.hpp"
#include "kernels/window.hpp"

namespace lockstep {

struct DeviceSettings {
  SamplerSettings sampler;
  Geometry geometry;
  std::int64_t scratch = 0;        // elements per lane, with one slice
  bool tf32 = false;               // matrix products of floats by tensor cores
  double launch_seconds = 0.02;    // about how long a launch of many ticks is to take
};

// `Kernel`: the machine that advances chains, as of CpuEnsembleOf.
template <class Kernel> class DeviceEnsembleOf : public Ensemble {
 public:
  // Throws DeviceError if the devices cannot run it, DataError if the data do not fit the model.
  DeviceEnsembleOf(std::vector<std::unique_ptr<Device>> devices, const DeviceModelTable& table, const DataView& data, int chains,
                   int coordinates, std::uint64_t seed, const DeviceSettings& settings);
  ~DeviceEnsembleOf() override;

  void place(std::span<const double> positions, const std::vector<char>& moved) override;
  std::unique_ptr<Window> make_window(int first, int capacity, Keep keep) override;
  int advance(Window& window, int draws, const Tuning& tuning) override;
  int sample(int first, int draws, int block_draws, const Tuning& tuning, const Take& take) override;
  std::vector<ChainMoments> halves() const override { return halves_; }
  // The bytes do not depend on how many devices there are: a run may go on on fewer or more.
  void state(Archive& archive) override;
  void restart_step(const std::vector<char>& chains, double log_step) override;
  double own_log_step(int chain) const override;
  double draws_done() const override;
  double gradients_done() const override;
  std::string geometry() const override;

 private:
  class Part;
  class DeviceWindow;
  DrawBlock make_block(int draws, Keep keep) const;
  ChainMoments room_for_moments() const;

  std::vector<std::unique_ptr<Device>> devices_;
  Geometry geometry_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::vector<ChainMoments> halves_;
};

}  // namespace lockstep
