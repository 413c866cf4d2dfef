// What a build without CUDA has to say about GPUs.
#include "kernels/cuda/devices.hpp"

namespace lockstep {

namespace {
constexpr const char* why = "this program was built without CUDA (it needs nvcc 12 or later when it is built). Build it with "
                            "LOCKSTEP_PRESET=cuda ./lockstep help";
}

CudaStatus cuda_status() { return {why, "", "", {}}; }
std::unique_ptr<Device> open_cuda_device(int) { throw DeviceError(std::string("There is no GPU to use: ") + why); }
const DeviceModelTable* cuda_zoo_table(const std::string&, bool) { return nullptr; }

}  // namespace lockstep
