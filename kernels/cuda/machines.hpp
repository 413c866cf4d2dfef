// The machines' halves of ticks and arrivals on a GPU (kernels/machines.hpp).
#pragma once

#include "kernels/device_table.hpp"

namespace lockstep {

const MachineTable& cuda_machine(std::size_t which);

}  // namespace lockstep
