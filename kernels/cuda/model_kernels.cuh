// A model's kernels.
#pragma once

#include "kernels/cuda/launch.cuh"
#include "kernels/device_table.hpp"
#include "lockstep/single.hpp"

namespace lockstep {

// Ticks of Nuts with the model's gradient in them.
template <class Model, class T>
__global__ void advance_kernel(const __grid_constant__ Model model, const __grid_constant__ TickLaunch launch) {
  at_own_place(launch.arrays, [&](const TilePlace<DeviceTeam>& at, double* resident) {
    const ModelTile<Model, DeviceTeam, T> gradient(at, model);
    MachineTile<NutsKernel, DeviceTeam>(at).advance(launch, gradient, resident);
  });
}

// What the other kernels do with a tile.
struct Gradient {
  template <class Tile> __device__ static void run(const Tile& tile, const GradientLaunch& launch) { tile.gradient(launch); }
};
struct Arguments {
  template <class Tile> __device__ static void run(const Tile& tile, const GradientLaunch& launch) { tile.arguments(launch); }
};
struct Density {
  template <class Tile> __device__ static void run(const Tile& tile, const GradientLaunch& launch) { tile.density(launch); }
};
struct Pull {
  template <class Tile> __device__ static void run(const Tile& tile, const GradientLaunch& launch) { tile.pull(launch); }
};

template <class Work, class Model, class T>
__global__ void gradient_kernel(const __grid_constant__ Model model, const __grid_constant__ GradientLaunch launch) {
  at_own_place(launch.arrays, [&](const TilePlace<DeviceTeam>& at, double*) { Work::run(ModelTile<Model, DeviceTeam, T>(at, model), launch); });
}

template <class Model, class T> bool start_advance(const void* model, const TickLaunch* launch, void* stream, const ErrorSink* errors) {
  const Model& bound = static_cast<const ModelData<Model>*>(model)->model();
  return launch_on_tiles(advance_kernel<Model, T>, launch->arrays, stream, errors, bound, *launch);
}
template <class Work, class Model, class T>
bool start_gradient(const void* model, const GradientLaunch* launch, void* stream, const ErrorSink* errors) {
  const Model& bound = static_cast<const ModelData<Model>*>(model)->model();
  return launch_on_tiles(gradient_kernel<Work, Model, T>, launch->arrays, stream, errors, bound, *launch);
}

// The kernel that needs most of a team decides.
template <class Model, class T> bool kernel_resources(KernelResources* resources, const ErrorSink* errors) {
  *resources = {0, 0, largest_team};
  const auto look_at = [&](const auto kernel) {
    cudaFuncAttributes attributes{};
    if (!succeeded(cudaFuncGetAttributes(&attributes, kernel), "find this model's kernel", errors)) return false;
    if (attributes.numRegs > resources->registers) resources->registers = attributes.numRegs;
    if (int(attributes.localSizeBytes) > resources->local_bytes) resources->local_bytes = int(attributes.localSizeBytes);
    if (attributes.maxThreadsPerBlock < resources->most_threads) resources->most_threads = attributes.maxThreadsPerBlock;
    return true;
  };
  return look_at(advance_kernel<Model, T>) && look_at(gradient_kernel<Gradient, Model, T>) && look_at(gradient_kernel<Arguments, Model, T>) &&
         look_at(gradient_kernel<Density, Model, T>) && look_at(gradient_kernel<Pull, Model, T>);
}

// `T`: what the model computes with, double or Single.
template <class Model, class T = double> const DeviceModelTable* cuda_model_table() {
  static const DeviceModelTable table{sizeof(DeviceModelTable),
                                      std::is_same_v<T, Single>,
                                      create_on_device<Model>,
                                      destroy_on_device<Model>,
                                      kernel_resources<Model, T>,
                                      start_advance<Model, T>,
                                      start_gradient<Gradient, Model, T>,
                                      staged_sites_of<Model>,
                                      start_gradient<Arguments, Model, T>,
                                      start_gradient<Density, Model, T>,
                                      start_gradient<Pull, Model, T>};
  return &table;
}

}  // namespace lockstep
