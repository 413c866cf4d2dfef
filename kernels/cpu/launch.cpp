#include "kernels/cpu/launch.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <vector>

#include <omp.h>

#include <Kokkos_Core.hpp>

namespace lockstep {

namespace {

// Starts Kokkos unless the program has, and ends only what it started.
class Runtime {
 public:
  Runtime() {
    if (Kokkos::is_initialized()) return;
#if KOKKOS_VERSION >= 30700
    Kokkos::initialize(Kokkos::InitializationSettings().set_disable_warnings(true));
#else
    Kokkos::InitArguments arguments;
    arguments.disable_warnings = true;
    Kokkos::initialize(arguments);
#endif
    started_here_ = true;
  }
  ~Runtime() {
    if (started_here_ && Kokkos::is_initialized()) Kokkos::finalize();
  }

 private:
  bool started_here_ = false;
};

void ensure_started() { static Runtime runtime; }

thread_local bool is_worker = false;

}  // namespace

int available_threads() {
  ensure_started();
  return Kokkos::OpenMP().concurrency();
}

void parallel_for(int items, int threads, const std::function<void(int, int)>& body) {
  if (is_worker) {  // the pool is taken: by the launch that this is part of
    for (int item = 0; item < items; ++item) body(item, 0);
    return;
  }
  const int available = available_threads();
  const int workers = std::min(threads > 0 ? std::min(threads, available) : available, items);
  std::atomic<int> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  // A worker an index, items by a shared counter: the pool's size cannot be changed once it has started.
  using Policy = Kokkos::RangePolicy<Kokkos::OpenMP, Kokkos::Schedule<Kokkos::Dynamic>>;
  static std::mutex one_launch;  // the pool runs one launch at a time; callers on other threads wait
  const std::lock_guard<std::mutex> lock(one_launch);
  Kokkos::parallel_for("lockstep", Policy(0, workers, Kokkos::ChunkSize(1)), [&](int worker) {
    is_worker = true;
    try {
      for (int item = next++; item < items; item = next++) body(item, worker);
    } catch (...) {
      const std::lock_guard<std::mutex> guard(failure_mutex);
      if (!failure) failure = std::current_exception();
    }
    is_worker = false;
  });
  Kokkos::OpenMP().fence();
  if (failure) std::rethrow_exception(failure);
}

void parallel_for_ranges(std::size_t count, int threads, const std::function<void(std::size_t, std::size_t)>& body) {
  constexpr std::size_t most_ranges = 64;
  const std::size_t each = (count + most_ranges - 1) / most_ranges;
  if (count == 0) return;
  parallel_for(int((count + each - 1) / each), threads, [&](int range, int) {
    const std::size_t begin = std::size_t(range) * each;
    body(begin, std::min(count, begin + each));
  });
}

UnboundThreads::UnboundThreads() {
  ensure_started();
  cpu_set_t own, pool;
  if (omp_get_proc_bind() == omp_proc_bind_false || sched_getaffinity(0, sizeof own, &own) != 0) return;
  CPU_ZERO(&pool);
  for (int place = 0; place < omp_get_num_places(); ++place) {
    std::vector<int> processors(std::size_t(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, processors.data());
    for (const int p : processors)
      if (p < CPU_SETSIZE) CPU_SET(p, &pool);
  }
  if (CPU_COUNT(&pool) == 0 || sched_setaffinity(0, sizeof pool, &pool) != 0) return;
  before_ = own;
}

UnboundThreads::~UnboundThreads() {
  if (before_) sched_setaffinity(0, sizeof *before_, &*before_);
}

}  // namespace lockstep
