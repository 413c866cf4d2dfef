// The GPUs of this machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/device.hpp"

namespace lockstep {

struct CudaDevice {
  int number;
  std::string name, capability;      // "9.0"
  int multiprocessors;
  std::size_t memory, free_memory;
};

struct CudaStatus {
  std::string unavailable;           // why there are none; empty if there are
  std::string driver, runtime;       // the versions of CUDA that they are made for
  std::vector<CudaDevice> devices;
};

// Never throws: what is wrong is said in `unavailable`.
CudaStatus cuda_status();

// Throws DeviceError.
std::unique_ptr<Device> open_cuda_device(int number);

// The functions of a model of the zoo; null if this program was built without them.
const DeviceModelTable* cuda_zoo_table(const std::string& model, bool mixed = false);

}  // namespace lockstep
