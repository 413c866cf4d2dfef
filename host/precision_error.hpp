// What mixed precision costs a run, measured on some of its draws.
//
// The chains follow log p + e, where e is what rounding adds at a point. With w the weight exp(-e) that would make up for it, a
// mean under p differs from the one that is estimated by cov(w, f) / E w, so by Cauchy and Schwarz by no more than sd(w) / E w
// standard deviations of f. That is sd(e) as long as it is small. What is the same everywhere does not count.
#pragma once

#include <cstdint>
#include <vector>

#include "host/host_model.hpp"
#include "kernels/ensemble.hpp"

namespace lockstep {

class PrecisionError {
 public:
  // Of a run of `chains` times `draws` draws.
  PrecisionError(const HostModel& model, int chains, int draws);
  // Draws first .. first + made - 1 of the run, in rows 0 .. made - 1. Looks at a few.
  void draws(const DrawBlock& block, int first, int made);

  // sd(w) / E w; infinite if a weight is not finite or no draw was looked at.
  double relative() const;
  std::size_t looked_at() const { return errors_.size(); }

  void state(Archive& archive) { archive(next_, errors_); }

 private:
  const HostModel& model_;
  std::int64_t next_ = 0, stride_;    // draws are counted over all chains, one draw of each after the other
  std::vector<double> position_, errors_;
};

}  // namespace lockstep
