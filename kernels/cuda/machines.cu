#include "kernels/cuda/machines.hpp"

#include "kernels/cuda/launch.cuh"
#include "kernels/machines.hpp"

namespace lockstep {

namespace {

// What each kernel does with a tile.
struct Leap {
  using Launch = TickLaunch;
  template <class Tile> __device__ static void run(Tile& tile, const Launch& launch) { tile.leap(launch); }
};
struct Land {
  using Launch = TickLaunch;
  template <class Tile> __device__ static void run(Tile& tile, const Launch& launch) { tile.land(launch); }
};
struct SetOut {
  using Launch = ArriveLaunch;
  template <class Tile> __device__ static void run(Tile& tile, const Launch& launch) { tile.set_out(launch); }
};
struct Arrive {
  using Launch = ArriveLaunch;
  template <class Tile> __device__ static void run(Tile& tile, const Launch& launch) { tile.arrive(launch); }
};

template <class Work, class Kernel>
__global__ void __launch_bounds__(largest_team, 1) machine_kernel(const __grid_constant__ typename Work::Launch launch) {
  at_own_place(launch.arrays, [&](const TilePlace<DeviceTeam>& at, double*) {
    MachineTile<Kernel, DeviceTeam> tile(at);
    Work::run(tile, launch);
  });
}

template <class Kernel> struct CudaMachine {
  template <class Work> static bool start(const typename Work::Launch* launch, void* stream, const ErrorSink* errors) {
    return launch_on_tiles(machine_kernel<Work, Kernel>, launch->arrays, stream, errors, *launch);
  }
  static constexpr MachineTable table{start<Leap>, start<Land>, start<SetOut>, start<Arrive>};
};

}  // namespace

const MachineTable& cuda_machine(std::size_t which) {
  static const auto tables = MachineKernels::tables<CudaMachine>();
  return tables[which];
}

}  // namespace lockstep
