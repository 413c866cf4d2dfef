// Nodes are neither copied, moved nor assigned; and a check, in debug builds, that an expression reads only nodes that
// are alive.
//
// A function that returns an expression over its own local nodes compiles and gives the right density, but pulls into
// nodes that are gone: the gradient is silently wrong. With LOCKSTEP_CHECK_LIVENESS every node has a number of its own,
// which its destructor clears, and every use through a NodePointer compares the number with the one it was made for. So
// a node that took the place of the one that is gone does not pass for it.
#pragma once

#include "lockstep/macros.hpp"

#if defined(LOCKSTEP_CHECK_LIVENESS)
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#endif

namespace lockstep {

#if defined(LOCKSTEP_CHECK_LIVENESS)
class Liveness {
 public:
  Liveness() : number_(next_number()) {}
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;
  ~Liveness() { number_ = 0; }
  std::uint64_t number() const { return number_; }

 private:
  static std::uint64_t next_number() {
    static thread_local std::uint64_t last = 0x11FE11FE00000000;  // not what lies on a stack by chance
    return ++last;
  }
  volatile std::uint64_t number_;  // volatile: the store in the destructor must happen
};

template <class Node> class NodePointer {
 public:
  explicit NodePointer(const Node* node) : node_(node), number_(node->number()) {}
  const Node* operator->() const {
    if (number_ == 0 || node_->number() != number_) {
      std::fputs("lockstep: an expression reads a node that no longer exists (a function returned an expression over "
                 "its own local nodes, or the node was a temporary). Make the submodel an aggregate whose members are "
                 "its nodes, and give every node a name.\n", stderr);
      std::abort();
    }
    return node_;
  }

 private:
  const Node* node_;
  std::uint64_t number_;
};
#else
class Liveness {
 public:
  constexpr Liveness() = default;
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;
};

template <class Node> class NodePointer {
 public:
  LOCKSTEP_FN explicit NodePointer(const Node* node) : node_(node) {}
  LOCKSTEP_FN const Node* operator->() const { return node_; }

 private:
  const Node* node_;
};
#endif

}  // namespace lockstep
