// Tests that need a GPU derive from OnGpu: they skip where there is none, or where this program was built without CUDA.
#pragma once

#include <gtest/gtest.h>

#include "../device_runs.hpp"
#include "kernels/cuda/devices.hpp"

namespace lockstep {

class OnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const CudaStatus status = cuda_status(); !status.unavailable.empty())
      GTEST_SKIP() << "skipped: " << status.unavailable;
  }
};

// The first GPU `count` times: what is split over several devices is split over several streams of one.
inline DeviceList first_gpu(int count = 1) {
  DeviceList devices;
  for (int d = 0; d < count; ++d) devices.push_back(open_cuda_device(0));
  return devices;
}

inline Draws on_gpu(const std::string& model, const ZooSubject& subject, const RunShape& shape) {
  return draws_of(*ensemble_on(first_gpu(shape.devices), subject, *cuda_zoo_table(model), shape), subject.model, shape);
}

// Of GoogleTest's parameters that are names of the zoo.
inline std::vector<std::string> zoo_names() {
  std::vector<std::string> names;
  for (const ZooModel& model : zoo()) names.push_back(model.name);
  return names;
}

}  // namespace lockstep
