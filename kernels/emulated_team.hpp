// The device's team on the host: L lanes x S slices, a thread each, with real barriers.
//
// Every thread has one lane as a `double` and one slice of each plate and vector, as on a GPU; a missing barrier is a
// data race that a thread sanitizer sees. It proves the device's code path; it is not fast.
#pragma once

#include <array>
#include <barrier>
#include <functional>
#include <thread>
#include <vector>

#include "lockstep/lanes.hpp"

namespace lockstep {

class EmulatedTeam {
 public:
  static constexpr bool sliced = true;
  static constexpr int max_sums = 8;

  struct Shared {
    Shared(int l, int s) : lanes(l), slices(s), barrier(l * s), partial(std::size_t(l * s * max_sums)), flag(std::size_t(l * s)) {}
    int lanes, slices;
    std::barrier<> barrier;
    std::vector<double> partial;   // [lane][slice][sum]
    std::vector<char> flag;        // [lane][slice]
  };

  EmulatedTeam(Shared& shared, int lane, int slice) : shared_(&shared), lane_(lane), slice_(slice) {}

  int lane() const { return lane_; }
  int slice() const { return slice_; }
  int slices() const { return shared_->slices; }
  Share share(int size) const { return {slice_, size, slices()}; }
  void barrier() const { shared_->barrier.arrive_and_wait(); }

  template <class F> void each(int n, const F& f) const {
    for (int i : share(n)) f(i);
  }
  template <int k, class F> std::array<double, k> sum(int n, const F& f) const {
    static_assert(k <= max_sums);
    std::array<double, k> total{};
    for (int i : share(n)) {
      const std::array<double, k> term = f(i);
      for (int j = 0; j < k; ++j) total[std::size_t(j)] += term[std::size_t(j)];
    }
    double* partial = &shared_->partial[std::size_t(lane_ * slices() * max_sums)];
    for (int j = 0; j < k; ++j) partial[slice_ * max_sums + j] = total[std::size_t(j)];
    barrier();
    total.fill(0.);
    for (int s = 0; s < slices(); ++s)
      for (int j = 0; j < k; ++j) total[std::size_t(j)] += partial[s * max_sums + j];
    barrier();
    return total;
  }
  // The sum of one value per slice, for every slice: each slice owns one of `slices` elements.
  double sum_slices(double value) const {
    return sum<1>(slices(), [&](int) { return std::array<double, 1>{value}; })[0];
  }
  bool any(bool mask) const {
    shared_->flag[std::size_t(lane_ * slices() + slice_)] = mask;
    barrier();
    bool result = false;
    for (char f : shared_->flag) result = result || f;
    barrier();
    return result;
  }

  // Runs `body(team)` on every thread of a team.
  static void run(int lanes, int slices, const std::function<void(const EmulatedTeam&)>& body) {
    Shared shared(lanes, slices);
    std::vector<std::jthread> threads;
    for (int l = 0; l < lanes; ++l)
      for (int s = 0; s < slices; ++s)
        threads.emplace_back([&, l, s] { body(EmulatedTeam(shared, l, s)); });
  }

 private:
  Shared* shared_;
  int lane_, slice_;
};

}  // namespace lockstep
