// The device's team on the host: L lanes x S slices, each a member with one lane as a `double` and one slice of each plate and
// vector, as a thread has them on a GPU. It proves the device's code path; it is not fast.
//
// Built with a sanitizer, members are threads, with real barriers: a missing one is a data race that a thread sanitizer sees.
// Otherwise they are fibers of one thread, which take turns from barrier to barrier, forwards and backwards by turns: that is the
// same in every run, a missing barrier shows as a value that is not there yet, and a barrier costs a tenth.
#pragma once

#include <array>
#include <barrier>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <ucontext.h>

#include "lockstep/lanes.hpp"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define LOCKSTEP_TEAMS_OF_THREADS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define LOCKSTEP_TEAMS_OF_THREADS 1
#endif
#endif

namespace lockstep {

#ifdef LOCKSTEP_TEAMS_OF_THREADS
class TeamMembers {
 public:
  explicit TeamMembers(int count) : count_(count), barrier_(count) {}
  void barrier() { barrier_.arrive_and_wait(); }
  // Calls body(i) on every member; once.
  void run(const std::function<void(int)>& body) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < count_; ++i) threads.emplace_back([&body, i] { body(i); });
  }

 private:
  int count_;
  std::barrier<> barrier_;
};
#else
class TeamMembers {
 public:
  explicit TeamMembers(int count) : ended_(std::size_t(count)), contexts_(std::size_t(count)) {}
  // Whoever comes last goes on first.
  void barrier() {
    const int me = current_;
    if (const int next = me + step_; exists(next)) go_to(contexts_[std::size_t(me)], next);
    else step_ = -step_;
  }
  // Calls body(i) on every member; once. Of a member that throws the exception goes on; the others are left where they are.
  void run(const std::function<void(int)>& body) {
    if (running_) throw std::logic_error("a member of a team runs a team (they would share stacks)");
    body_ = &body;
    static thread_local std::vector<std::unique_ptr<char[]>> stacks;   // to be used again: pages that are there
    while (stacks.size() < contexts_.size()) stacks.emplace_back(new char[stack_bytes]);
    for (std::size_t i = 0; i < contexts_.size(); ++i) {
      getcontext(&contexts_[i]);
      contexts_[i].uc_stack.ss_sp = stacks[i].get();
      contexts_[i].uc_stack.ss_size = stack_bytes;
      contexts_[i].uc_link = nullptr;
      makecontext(&contexts_[i], &begin, 0);
    }
    running_ = this;
    go_to(outside_, 0);
    running_ = nullptr;
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static constexpr std::size_t stack_bytes = std::size_t{1} << 20;
  static void begin() { running_->member(); }
  void member() {
    try {
      (*body_)(current_);
      ended_[std::size_t(current_)] = 1;
      if (const int next = current_ + step_; exists(next)) {
        current_ = next;
        setcontext(&contexts_[std::size_t(next)]);
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
    setcontext(&outside_);
  }
  bool exists(int member) const {
    if (member < 0 || member >= int(contexts_.size())) return false;
    if (ended_[std::size_t(member)]) throw std::logic_error("members of a team come to different numbers of barriers");
    return true;
  }
  void go_to(ucontext_t& from, int next) {
    current_ = next;
    swapcontext(&from, &contexts_[std::size_t(next)]);
  }

  inline static thread_local TeamMembers* running_ = nullptr;
  const std::function<void(int)>* body_ = nullptr;
  int current_ = 0, step_ = 1;
  std::vector<char> ended_;
  std::vector<ucontext_t> contexts_;
  ucontext_t outside_{};
  std::exception_ptr failure_;
};
#endif

class EmulatedTeam {
 public:
  static constexpr bool sliced = true;
  static constexpr int max_sums = 8;

  struct Shared {
    Shared(int l, int s) : lanes(l), slices(s), members(l * s), partial(std::size_t(l * s * max_sums)), flag(std::size_t(l * s)) {}
    int lanes, slices;
    TeamMembers members;
    std::vector<double> partial;   // [lane][slice][sum]
    std::vector<char> flag;        // [lane][slice]
  };

  EmulatedTeam(Shared& shared, int lane, int slice) : shared_(&shared), lane_(lane), slice_(slice) {}

  int lane() const { return lane_; }
  int slice() const { return slice_; }
  int slices() const { return shared_->slices; }
  Share share(int size) const { return {slice_, size, slices()}; }
  void barrier() const { shared_->members.barrier(); }

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

  // Runs `body(team)` on every member of a team.
  static void run(int lanes, int slices, const std::function<void(const EmulatedTeam&)>& body) {
    Shared shared(lanes, slices);
    shared.members.run([&](int member) { body(EmulatedTeam(shared, member / slices, member % slices)); });
  }

 private:
  Shared* shared_;
  int lane_, slice_;
};

}  // namespace lockstep
