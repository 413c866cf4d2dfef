// Random numbers made on a GPU, for gpu_random_test.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "lockstep/philox.hpp"

namespace lockstep {

struct PhiloxInput {
  Philox4 counter;
  PhiloxKey key;
};

// Of every input: lockstep/philox.hpp, and curand_Philox4x32_10 of cuRAND's header, both run on the GPU.
struct DeviceBlocks {
  std::vector<Philox4> ours, curands;
};
// Throws std::runtime_error.
DeviceBlocks philox_on_device(const std::vector<PhiloxInput>& inputs);

// The momenta that a sampler's lane draws: `pairs` pairs of standard normals of chain, draw and seed
// (kernels/lane_random.hpp).
std::vector<double> normals_on_device(std::uint64_t seed, std::uint32_t chain, double draw, int pairs);

}  // namespace lockstep
