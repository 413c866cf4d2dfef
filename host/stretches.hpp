// Cuts the draws of a run into four stretches of consecutive draws, without being told how long the run will be.
//
// A run that makes all the draws it may ends with its quarters. Until then the stretches are halves, quarters, ... of those:
// whenever four are full, neighbours are merged. So what is summed up over stretches fits a run of any length, and a run of two
// stretches or more can be cut about in the middle.
#pragma once

#include <cstddef>

#include "kernels/archive.hpp"

namespace lockstep {

class Stretches {
 public:
  static constexpr std::size_t count = 4;

  // `most`: draws that may come.
  explicit Stretches(std::size_t most) : most_(most) {
    while (count << (level_ + 1) <= most) ++level_;
    skip_full();
  }

  std::size_t done() const { return done_; }
  // The next draw does not fit: let merge() come first, which puts stretches 0 and 1 into 0, 2 and 3 into 1, and empties 2 and 3.
  bool full() const { return current_ == count && level_ > 0; }
  void merge() {
    --level_;
    current_ = count / 2;
    skip_full();
  }
  // Where the next draw belongs, and how many more belong there, that one included.
  std::size_t current() const { return current_; }
  std::size_t room() const { return end(current_) - done_; }
  // So many have come; not more than there was room for.
  void add(std::size_t draws) {
    done_ += draws;
    skip_full();
  }

  // The run in two parts, cut where it is nearest to the middle: exactly there (the second has one more if the number is odd)
  // if all draws have come. Otherwise neither is longer than about twice the other, given 16 draws or more.
  struct Parts {
    std::size_t stretches;  // of the first part
    std::size_t first, second;  // draws
  };
  Parts parts() const {
    std::size_t best = 1;
    for (std::size_t i = 2; i < count && end(i - 1) <= done_; ++i)
      if (distance_from_middle(i) < distance_from_middle(best)) best = i;
    return {best, end(best - 1), done_ - end(best - 1)};
  }

  void state(Archive& archive) { archive(most_, level_, current_, done_); }

 private:
  std::size_t end(std::size_t stretch) const { return (stretch + 1) * most_ / (count << level_); }
  std::size_t distance_from_middle(std::size_t stretches) const {
    const std::size_t twice = 2 * end(stretches - 1);
    return twice > done_ ? twice - done_ : done_ - twice;
  }
  void skip_full() {
    while (current_ < count && end(current_) == done_) ++current_;
  }

  std::size_t most_, level_ = 0, current_ = 0, done_ = 0;
};

}  // namespace lockstep
