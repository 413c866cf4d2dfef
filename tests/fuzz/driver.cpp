// One target as a libFuzzer program; TARGET names it.
#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lockstep::fuzz::TARGET({data, size});
  return 0;
}
