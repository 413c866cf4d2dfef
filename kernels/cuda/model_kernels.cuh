// A model's kernels, and the one place where they are launched.
#pragma once

#include <string>

#include <cuda_runtime.h>

#include "kernels/cuda/device_team.cuh"
#include "kernels/device_table.hpp"
#include "lockstep/single.hpp"

namespace lockstep {

// What each kernel does with a tile.
struct Advance {
  using Launch = TickLaunch;
  template <class Tile> __device__ static void run(Tile& tile, const Launch& launch) { tile.advance(launch); }
};
struct Arrive {
  using Launch = ArriveLaunch;
  template <class Tile> __device__ static void run(Tile& tile, const Launch& launch) { tile.arrive(launch); }
};
struct Leap {
  using Launch = StagedLaunch;
  template <class Tile> __device__ static void run(Tile& tile, const Launch& launch) { tile.leap(launch); }
};
struct Weigh {
  using Launch = StagedLaunch;
  template <class Tile> __device__ static void run(Tile& tile, const Launch& launch) { tile.weigh(launch); }
};
struct Land {
  using Launch = StagedLaunch;
  template <class Tile> __device__ static void run(Tile& tile, const Launch& launch) { tile.land(launch); }
};

LOCKSTEP_FN inline const ChainArrays& arrays_of(const TickLaunch& launch) { return launch.arrays; }
LOCKSTEP_FN inline const ChainArrays& arrays_of(const ArriveLaunch& launch) { return launch.arrays; }
LOCKSTEP_FN inline const ChainArrays& arrays_of(const StagedLaunch& launch) { return launch.tick.arrays; }

// A block of threads for every tile. Dynamic shared memory: what the team's sums go through, then the moving point.
template <class Work, class Model, class T>
__global__ void tile_kernel(const __grid_constant__ Model model, const __grid_constant__ typename Work::Launch launch) {
  extern __shared__ double team_memory[];
  const ChainArrays& arrays = arrays_of(launch);
  const DeviceTeam team(team_memory, arrays.geometry.lanes);
  DeviceTile<Model, DeviceTeam, T> tile(team, model, arrays, int(blockIdx.x), team_memory + blockDim.x * most_team_sums);
  Work::run(tile, launch);
}

// False and a message, if the runtime reports a failure.
inline bool succeeded(cudaError_t status, const char* what, const ErrorSink* errors) {
  if (status == cudaSuccess) return true;
  const std::string text = std::string("the GPU could not ") + what + " (" + cudaGetErrorString(status) + "). See: lockstep devices.";
  errors->report(errors->context, text.c_str());
  return false;
}

template <class Work, class Model, class T>
bool launch_kernel(const void* model, const typename Work::Launch* launch, void* stream, const ErrorSink* errors) {
  const ChainArrays& arrays = arrays_of(*launch);
  const int threads = arrays.geometry.lanes * arrays.geometry.slices;
  const std::size_t bytes = (std::size_t(threads) * most_team_sums + std::size_t(arrays.resident_size())) * sizeof(double);
  const auto kernel = tile_kernel<Work, Model, T>;
  if (!succeeded(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(bytes)), "give a team its memory", errors))
    return false;
  kernel<<<unsigned(arrays.tiles()), unsigned(threads), bytes, static_cast<cudaStream_t>(stream)>>>(
      static_cast<const ModelData<Model>*>(model)->model(), *launch);
  return succeeded(cudaGetLastError(), "start a kernel", errors);
}

// The kernel that needs most of a team decides.
template <class Model, class T, class... Works> bool kernel_resources(KernelResources* resources, const ErrorSink* errors) {
  *resources = {0, 0, 1024};
  const auto look_at = [&](const auto kernel) {
    cudaFuncAttributes attributes{};
    if (!succeeded(cudaFuncGetAttributes(&attributes, kernel), "find this model's kernel", errors)) return false;
    if (attributes.numRegs > resources->registers) resources->registers = attributes.numRegs;
    if (int(attributes.localSizeBytes) > resources->local_bytes) resources->local_bytes = int(attributes.localSizeBytes);
    if (attributes.maxThreadsPerBlock < resources->most_threads) resources->most_threads = attributes.maxThreadsPerBlock;
    return true;
  };
  return (look_at(tile_kernel<Works, Model, T>) && ...);
}

// `T`: what the model computes with, double or Single.
template <class Model, class T = double> const DeviceModelTable* cuda_model_table() {
  static const DeviceModelTable table{sizeof(DeviceModelTable),
                                      std::is_same_v<T, Single>,
                                      create_on_device<Model>,
                                      destroy_on_device<Model>,
                                      kernel_resources<Model, T, Advance, Arrive, Leap, Weigh, Land>,
                                      launch_kernel<Arrive, Model, T>,
                                      launch_kernel<Advance, Model, T>,
                                      staged_sites_of<Model>,
                                      launch_kernel<Leap, Model, T>,
                                      launch_kernel<Weigh, Model, T>,
                                      launch_kernel<Land, Model, T>};
  return &table;
}

}  // namespace lockstep
