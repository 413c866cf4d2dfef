// A model's kernels, and the one place where they are launched.
#pragma once

#include <string>

#include <cuda_runtime.h>

#include "kernels/cuda/device_team.cuh"
#include "kernels/device_table.hpp"

namespace lockstep {

// A block of threads for every tile. Dynamic shared memory: what the team's sums go through, then the moving point.
template <class Model> __global__ void advance_kernel(const __grid_constant__ Model model, const __grid_constant__ TickLaunch launch) {
  extern __shared__ double team_memory[];
  const DeviceTeam team(team_memory, launch.arrays.geometry.lanes);
  DeviceTile<Model, DeviceTeam> tile(team, model, launch.arrays, int(blockIdx.x), team_memory + blockDim.x * most_team_sums);
  tile.advance(launch);
}

template <class Model> __global__ void arrive_kernel(const __grid_constant__ Model model, const __grid_constant__ ArriveLaunch launch) {
  extern __shared__ double team_memory[];
  const DeviceTeam team(team_memory, launch.arrays.geometry.lanes);
  DeviceTile<Model, DeviceTeam> tile(team, model, launch.arrays, int(blockIdx.x), team_memory + blockDim.x * most_team_sums);
  tile.arrive(launch);
}

// False and a message, if the runtime reports a failure.
inline bool succeeded(cudaError_t status, const char* what, const ErrorSink* errors) {
  if (status == cudaSuccess) return true;
  const std::string text = std::string("the GPU could not ") + what + " (" + cudaGetErrorString(status) + "). See: lockstep devices.";
  errors->report(errors->context, text.c_str());
  return false;
}

template <class Model, class Launch>
bool launch_on_every_tile(void (*kernel)(Model, Launch), const void* model, const Launch& launch, void* stream, const ErrorSink* errors) {
  const ChainArrays& arrays = launch.arrays;
  const int threads = arrays.geometry.lanes * arrays.geometry.slices;
  const std::size_t bytes = (std::size_t(threads) * most_team_sums + std::size_t(arrays.resident_size())) * sizeof(double);
  if (!succeeded(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize, int(bytes)),
                 "give a team its memory", errors))
    return false;
  kernel<<<unsigned(arrays.tiles()), unsigned(threads), bytes, static_cast<cudaStream_t>(stream)>>>(
      static_cast<const ModelData<Model>*>(model)->model(), launch);
  return succeeded(cudaGetLastError(), "start a kernel", errors);
}

template <class Model> const DeviceModelTable* cuda_model_table() {
  static const DeviceModelTable table{
      sizeof(DeviceModelTable),
      create_on_device<Model>,
      destroy_on_device<Model>,
      [](KernelResources* resources, const ErrorSink* errors) {
        cudaFuncAttributes advance{}, arrive{};
        if (!succeeded(cudaFuncGetAttributes(&advance, advance_kernel<Model>), "find this model's kernel", errors) ||
            !succeeded(cudaFuncGetAttributes(&arrive, arrive_kernel<Model>), "find this model's kernel", errors))
          return false;
        *resources = {advance.numRegs, int(advance.localSizeBytes),
                      advance.maxThreadsPerBlock < arrive.maxThreadsPerBlock ? advance.maxThreadsPerBlock : arrive.maxThreadsPerBlock};
        return true;
      },
      [](const void* model, const ArriveLaunch* launch, void* stream, const ErrorSink* errors) {
        return launch_on_every_tile(arrive_kernel<Model>, model, *launch, stream, errors);
      },
      [](const void* model, const TickLaunch* launch, void* stream, const ErrorSink* errors) {
        return launch_on_every_tile(advance_kernel<Model>, model, *launch, stream, errors);
      }};
  return &table;
}

}  // namespace lockstep
