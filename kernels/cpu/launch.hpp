// Where work meets the CPU's cores.
#pragma once

#include <sched.h>

#include <cstddef>
#include <functional>
#include <optional>

namespace lockstep {

// Threads that the process may use.
int available_threads();

// Calls body(item, worker) once for each item of 0 .. items-1, on `threads` workers (0: all). Which worker runs an item
// is not fixed, so nothing may depend on it. The first exception that a body throws is rethrown when all have ended. A body may
// call it in turn: that runs on its own thread.
void parallel_for(int items, int threads, const std::function<void(int item, int worker)>& body);

// The same for work on 0 .. count-1 that is too little by the item: calls body(begin, end) for ranges of them, a few for each
// thread.
void parallel_for_ranges(std::size_t count, int threads, const std::function<void(std::size_t begin, std::size_t end)>& body);

// While it exists, threads that the calling thread starts may run wherever the pool's threads may. (With OMP_PROC_BIND each of
// those, the program's first among them, is bound to its own cores, and what it starts would be, too.)
class UnboundThreads {
 public:
  UnboundThreads();
  ~UnboundThreads();
  UnboundThreads(const UnboundThreads&) = delete;

 private:
  std::optional<cpu_set_t> before_;  // the thread's own, if it was changed
};

}  // namespace lockstep
