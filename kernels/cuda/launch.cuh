// How kernels are launched: a block of threads for every tile.
#pragma once

#include <string>

#include <cuda_runtime.h>

#include "kernels/cuda/device_team.cuh"
#include "kernels/device_tile.hpp"
#include "lockstep/model_data.hpp"

namespace lockstep {

// False and a message, if the runtime reports a failure.
inline bool succeeded(cudaError_t status, const char* what, const ErrorSink* errors) {
  if (status == cudaSuccess) return true;
  const std::string text = std::string("the GPU could not ") + what + " (" + cudaGetErrorString(status) + "). See: lockstep devices.";
  errors->report(errors->context, text.c_str());
  return false;
}

// Runs kernel(arguments...) on a team for every tile. Dynamic shared memory: what the team's sums go through, then the moving point.
template <class Kernel, class... Arguments>
bool launch_on_tiles(Kernel kernel, const ChainArrays& arrays, void* stream, const ErrorSink* errors, const Arguments&... arguments) {
  const unsigned threads = unsigned(arrays.geometry.lanes * arrays.geometry.slices);
  const std::size_t bytes = (std::size_t(threads) * most_team_sums + std::size_t(arrays.resident_size())) * sizeof(double);
  constexpr std::size_t without_asking = 48 << 10;
  if (bytes > without_asking &&
      !succeeded(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(bytes)), "give a team its memory", errors))
    return false;
  kernel<<<unsigned(arrays.tiles()), threads, bytes, static_cast<cudaStream_t>(stream)>>>(arguments...);
  return succeeded(cudaGetLastError(), "start a kernel", errors);
}

// Calls body(place, resident memory of the team) with this thread's place.
template <class F> __device__ void at_own_place(const ChainArrays& arrays, const F& body) {
  extern __shared__ double team_memory[];
  const DeviceTeam team(team_memory, arrays.geometry.lanes);
  body(TilePlace<DeviceTeam>{team, arrays, int(blockIdx.x)}, team_memory + blockDim.x * most_team_sums);
}

}  // namespace lockstep
