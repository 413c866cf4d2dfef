// How much memory there is.
#pragma once

#include <unistd.h>

namespace lockstep {

// Bytes of this machine.
inline double machine_memory() { return double(sysconf(_SC_PHYS_PAGES)) * double(sysconf(_SC_PAGESIZE)); }

}  // namespace lockstep
