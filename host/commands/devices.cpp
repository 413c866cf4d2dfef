#include "host/commands/command.hpp"
#include "kernels/cpu/launch.hpp"
#include "kernels/cuda/devices.hpp"
#include "lockstep/pack.hpp"

namespace lockstep {

void add_devices_command(CLI::App& app) {
  app.add_subcommand("devices", "List what chains can run on: the CPU, and GPUs or why there are none")->callback([] {
    std::string text = fmt::format("cpu      {} threads, {} chains to a pack\n", available_threads(), pack_width);
    const CudaStatus status = cuda_status();
    if (!status.unavailable.empty()) text += fmt::format("cuda     none: {}.\n", status.unavailable);
    for (const CudaDevice& device : status.devices)
      text += fmt::format("cuda:{}   {}, compute capability {}, {} multiprocessors, {:.1f} of {:.1f} GiB free\n", device.number, device.name,
                          device.capability, device.multiprocessors, double(device.free_memory) / 0x1p30, double(device.memory) / 0x1p30);
    if (!status.devices.empty()) text += fmt::format("driver   for CUDA {}; this program is for {}\n", status.driver, status.runtime);
    print(text);
  });
}

}  // namespace lockstep
