// Nodes are neither copied nor moved, nor assigned; and a check, in debug builds, that an expression reads only nodes that
// are alive.
//
// A function that returns an expression over its own local nodes compiles and gives the right density, but pulls into
// nodes that are gone: the gradient is silently wrong. With LOCKSTEP_CHECK_LIVENESS every node carries a mark that its
// destructor clears, and every use checks it.
#pragma once

#include "lockstep/macros.hpp"

#if defined(LOCKSTEP_CHECK_LIVENESS)
#include <cstdio>
#include <cstdlib>
#endif

namespace lockstep {

#if defined(LOCKSTEP_CHECK_LIVENESS)
class Liveness {
 public:
  Liveness() = default;
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;
  ~Liveness() { mark_ = 0; }
  void require_alive() const {
    if (mark_ == alive) return;
    std::fputs("lockstep: an expression reads a node that no longer exists (a function returned an expression over its "
               "own local nodes). Make the submodel an aggregate whose members are its nodes.\n", stderr);
    std::abort();
  }

 private:
  static constexpr unsigned alive = 0x11FE11FE;
  volatile unsigned mark_ = alive;  // volatile: the store in the destructor must happen
};
#else
class Liveness {
 public:
  constexpr Liveness() = default;
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;
  LOCKSTEP_FN void require_alive() const {}
};
#endif

}  // namespace lockstep
