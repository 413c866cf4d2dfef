#include "kernels/cpu/slices.hpp"

#include <stdexcept>
#include <string>
#include <system_error>

namespace lockstep {

// ---- turns and barriers ------------------------------------------------------------------------------------------------------
//
// What is stored before a notification is stored sequentially consistent: whether someone waits is read after it.

void SliceTeam::Turn::give() {
  given_.store(1);
  given_.notify_one();
}

void SliceTeam::Turn::take() {
  given_.wait(0);
  given_.store(0);
}

void SliceTeam::CoreBarrier::arrive_and_wait() {
  constexpr int polls = 200;  // for some 50 microseconds; waking from the kernel takes as long
  const int round = round_.load();
  if (arrived_.fetch_add(1) + 1 == cores_) {
    arrived_.store(0);
    round_.store(round + 1);
    round_.notify_all();
    return;
  }
  for (int i = 0; i < polls && round_.load() == round; ++i) std::this_thread::yield();
  round_.wait(round);
}

// ---- the team ----------------------------------------------------------------------------------------------------------------

SliceTeam::SliceTeam(int slices, int cores)
    : slices_(slices), cores_(cores), turns_(static_cast<std::size_t>(slices)), cores_barrier_(cores) {
  try {
    for (int s = 1; s < slices; ++s)
      threads_.emplace_back([this, s] {
        ready_.wait(0);
        if (ready_.load() > 0) work_on(s);
      });
  } catch (const std::system_error& error) {
    ready_.store(-1);
    ready_.notify_all();
    throw std::runtime_error("a gradient is split over " + std::to_string(slices) + " threads, which cannot be had (" + error.what() +
                             "). Let the process have more of them.");
  }
  ready_.store(1);
  ready_.notify_all();
}

SliceTeam::~SliceTeam() {
  work_ = nullptr;
  cores_barrier_.arrive_and_wait();
  pass_on(0);
}

void SliceTeam::run(const std::function<void(int)>& work) {
  work_ = &work;
  cores_barrier_.arrive_and_wait();
  work(0);
  barrier(0);
}

void SliceTeam::barrier(int slice) {
  pass_on(slice);
  turns_[std::size_t(slice)].take();
  if (is_first_of_core(slice)) cores_barrier_.arrive_and_wait();
}

PackSlice SliceTeam::member(int slice) {
  return {slice, slices_, this, [](void* team, int waiting) { static_cast<SliceTeam*>(team)->barrier(waiting); }};
}

// To the next slice of its core; from the last to the first.
void SliceTeam::pass_on(int slice) {
  const int next = slice + cores_ < slices_ ? slice + cores_ : slice % cores_;
  turns_[std::size_t(next)].give();
}

// The thread of a slice. The first of a core begins when all cores do, the others when they are given their turn.
void SliceTeam::work_on(int slice) {
  for (;;) {
    if (is_first_of_core(slice)) cores_barrier_.arrive_and_wait();
    else turns_[std::size_t(slice)].take();
    if (!work_) return pass_on(slice);
    (*work_)(slice);
    if (is_first_of_core(slice)) barrier(slice);
    else pass_on(slice);
  }
}

// ---- the gradient ------------------------------------------------------------------------------------------------------------

SlicedGradient::SlicedGradient(const ModelTable& table, const void* model, int slices, int cores)
    : table_(table),
      model_(model),
      slices_(slices),
      coordinates_(int(table.layout(model)->coordinates)),
      gradients_(std::size_t(slices) * std::size_t(coordinates_) * pack_width),
      log_densities_(std::size_t(slices) * pack_width),
      scratch_(std::size_t(table.layout(model)->scratch + (slices - 1) * table.layout(model)->scratch_of_slice) * pack_width),
      team_(slices, cores) {}

void SlicedGradient::operator()(const double* position, double* log_density, double* gradient) {
  const auto sum_over_slices = [this](const AlignedArray& parts, int elements, int i) {
    Pack sum(0.);
    for (int s = 0; s < slices_; ++s) sum += Pack::load_aligned(parts.data() + (s * std::ptrdiff_t(elements) + i) * pack_width);
    return sum;
  };
  team_.run([&](int slice) {
    const PackSlice mine = team_.member(slice);
    table_.log_density_gradient_slice(model_, &mine, position, log_densities_.data() + slice * pack_width,
                                      gradients_.data() + slice * std::ptrdiff_t(coordinates_) * pack_width, scratch_.data());
    mine.barrier();
    for (int i : mine.share(coordinates_)) sum_over_slices(gradients_, coordinates_, i).store_aligned(gradient + i * pack_width);
  });
  sum_over_slices(log_densities_, 1, 0).store_aligned(log_density);
}

}  // namespace lockstep
