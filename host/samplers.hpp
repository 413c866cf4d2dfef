// The samplers. Each is a machine that advances chains (kernels/nuts.hpp, hmc.hpp, microcanonical.hpp), on the CPU and on devices,
// and what warmup learns for it besides metric and step size. A sampler is a constant in a file of its own and a line in
// samplers.cpp; `--sampler`, the results' attribute and the tests go by that line.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cpu/ensemble.hpp"
#include "kernels/device_ensemble.hpp"
#include "kernels/window.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

// How far a sampler's longest trajectory goes, in the coordinates in which the metric makes the posterior's sds about 1. This one
// is for samplers that see for themselves when to end a trajectory.
class TrajectoryLength {
 public:
  virtual ~TrajectoryLength() = default;
  // Before anything is known of the posterior.
  virtual double first(int /*coordinates*/) const { return 0; }
  // Draws `from` .. of the window have been made with `tuning`, whose length is to be replaced by what is returned. Chains that
  // are left out are not where they should be, or have a step size of their own.
  virtual double after_round(Window& /*window*/, int /*from*/, const Tuning& tuning, const std::vector<char>& /*left_out*/) {
    return tuning.trajectory_length;
  }
  // A window has ended, and the metric of `tuning` has been estimated from it.
  virtual double after_window(Window& /*window*/, const Tuning& tuning, const std::vector<char>& /*left_out*/) {
    return tuning.trajectory_length;
  }
  // Of all draws from here on.
  virtual double last(const Tuning& tuning) const { return tuning.trajectory_length; }
  // The last window has changed it by little.
  virtual bool settled() const { return true; }
  virtual void state(Archive&) {}
};

// A window that changes the logarithm of the length by less has settled it.
inline constexpr double settled_length_change = 0.3;

struct WhitenedSpread;

// A length that every window tells anew, by how wide the posterior is in whitened coordinates.
class LengthBySpread : public TrajectoryLength {
 public:
  double after_window(Window& window, const Tuning& tuning, const std::vector<char>& left_out) final;
  bool settled() const final { return change_ < settled_length_change; }
  void state(Archive& archive) final { archive(change_); }

 private:
  virtual double length_for(const WhitenedSpread& spread) const = 0;  // 0: that says nothing
  double change_ = HUGE_VAL;  // of its logarithm, by the last window
};

// By which mean over chains acceptance goes to its target.
enum class AcceptanceMean { arithmetic, harmonic };

// What makes the chains that a machine advances.
struct Machine {
  std::unique_ptr<Ensemble> (*on_cpu)(const ModelTable& table, const void* model, int chains, std::uint64_t seed,
                                      const SamplerSettings& settings, int threads, bool mixed, int slices);
  std::unique_ptr<Ensemble> (*on_devices)(std::vector<std::unique_ptr<Device>> devices, const DeviceModelTable& table, const DataView& data,
                                          int chains, int coordinates, std::uint64_t seed, const DeviceSettings& settings);
  bool fuses_with_models;             // on devices
};

template <class Kernel>
inline constexpr Machine machine_of{
    [](const ModelTable& table, const void* model, int chains, std::uint64_t seed, const SamplerSettings& settings, int threads, bool mixed,
       int slices) -> std::unique_ptr<Ensemble> {
      return std::make_unique<CpuEnsembleOf<Kernel>>(table, model, chains, seed, settings, threads, 1, mixed, slices);
    },
    [](std::vector<std::unique_ptr<Device>> devices, const DeviceModelTable& table, const DataView& data, int chains, int coordinates,
       std::uint64_t seed, const DeviceSettings& settings) -> std::unique_ptr<Ensemble> {
      return std::make_unique<DeviceEnsembleOf<Kernel>>(std::move(devices), table, data, chains, coordinates, seed, settings);
    },
    fuses_with_models<Kernel>};

struct Sampler {
  const char* name;
  const char* summary;                // for the help
  double target_acceptance;
  AcceptanceMean mean = AcceptanceMean::arithmetic;
  int least_coordinates = 1;
  double (*first_step)(int coordinates) = [](int) { return 1.; };
  Keep keep = Keep::gradients;        // of the draws of warmup
  Machine machine;
  std::unique_ptr<TrajectoryLength> (*length)() = [] { return std::make_unique<TrajectoryLength>(); };
};

const std::vector<const Sampler*>& samplers();
const Sampler* find_sampler(const std::string& name);  // null if there is none
std::string sampler_names();                           // "nuts, hmc, ..."
double target_acceptance(const SampleOptions& options);

}  // namespace lockstep
