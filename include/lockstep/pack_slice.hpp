// One slice of a team that shares the gradient of one pack.
//
// Every slice is a thread of its own, which has all lanes and, of each plate, consecutive elements: of what the data say of them,
// and of what the model keeps for them, each core then reads its own part of memory. (Interleaved, as on a device, every core
// would read all of the data.) It goes into a compiled model from the engine, which has the threads (kernels/cpu/slices.hpp).
#pragma once

#include "lockstep/lanes.hpp"

namespace lockstep {

struct PackSlice {
  static constexpr bool sliced = true;
  int number, count;
  void* team;
  void (*wait)(void* team, int slice);   // until all slices have come here

  int slice() const { return number; }
  int slices() const { return count; }
  void barrier() const { wait(team, number); }
  Share share(int size) const { return {part(size, number), part(size, number + 1), 1}; }

 private:
  int part(int size, int k) const { return int(std::int64_t(size) * k / count); }
};

}  // namespace lockstep
