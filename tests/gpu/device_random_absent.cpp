// In a build without CUDA: the tests that call these have skipped by then.
#include <stdexcept>

#include "device_random.hpp"

namespace lockstep {

DeviceBlocks philox_on_device(const std::vector<PhiloxInput>&) {
  throw std::logic_error("there is no CUDA in this build");
}
std::vector<double> normals_on_device(std::uint64_t, std::uint32_t, double, int) {
  throw std::logic_error("there is no CUDA in this build");
}

}  // namespace lockstep
