// The machines that advance chains, by number: what is compiled for a device once, for all models, has an entry for each.
#pragma once

#include <array>
#include <cstddef>

#include "kernels/device_table.hpp"
#include "kernels/microcanonical.hpp"
#include "kernels/nuts.hpp"

namespace lockstep {

template <class... Kernels> struct KernelList {
  static constexpr std::size_t count = sizeof...(Kernels);
  template <class Kernel> static constexpr std::size_t index_of() {
    constexpr bool same[] = {std::is_same_v<Kernel, Kernels>...};
    std::size_t i = 0;
    while (!same[i]) ++i;  // past the end: no constant, an error
    return i;
  }
  // Make<Kernel>::table of each.
  template <template <class> class Make> static constexpr std::array<MachineTable, count> tables() { return {Make<Kernels>::table...}; }
};

using MachineKernels = KernelList<NutsKernel, HmcKernel, MamsKernel>;

}  // namespace lockstep
