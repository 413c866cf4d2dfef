// Where the chains of a run are advanced: the CPU, or devices.
#pragma once

#include <memory>
#include <vector>

#include "host/host_model.hpp"
#include "host/run_plan.hpp"
#include "kernels/device.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

// Devices that are open, and the model's functions on them. None: the CPU.
struct Devices {
  const DeviceModelTable* table = nullptr;
  std::vector<std::unique_ptr<Device>> open;
};

// Throws SampleError if GPUs are asked for and cannot be had.
Devices choose_devices(const ModelTable& table, const Data& data, const SampleOptions& options);

// For RunPlan::teams: the geometry that is asked for, or one that suits the devices. Throws DeviceError.
std::string choose_teams(const HostModel& model, int chains, const SampleOptions& options, const Devices& devices);

// Throws DeviceError.
std::unique_ptr<Ensemble> make_ensemble(const HostModel& model, const RunPlan& plan, const SampleOptions& options, Devices devices);

}  // namespace lockstep
