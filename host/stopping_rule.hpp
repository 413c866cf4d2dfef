// When a run has the accuracy that is asked for: SampleOptions::until.
//
// It is looked at only when every chain has made the same draws, at lengths that grow by half. So a run is not looked at often
// enough to be caught at a moment when it seems more accurate than it is: intervals of mean +- 1.96 standard errors cover at
// least 93% (tests/statistical/stopping_rule_coverage_test.cpp).
#pragma once

#include <string>
#include <vector>

#include "host/draw_sink.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

// After how many kept draws of each chain a run of `draws` is looked at next: 100, 150, 225, ...
int next_look(int draws);

// "ess=1000, mcse(mu)=0.01": what is asked for, as one types it, but for the time.
std::string accuracy_text(const Until& until);

struct Accuracy {
  enum class State { not_yet, reached, never };  // never: there is a draw that is not finite
  State state = State::not_yet;
  std::string worst;  // what falls short the most: "ess is 812, for tau"; or what is not finite
};

// A sink that holds the draws of `posterior`, at the size of a double each, and looks at them.
class StoppingRule : public DrawSink {
 public:
  StoppingRule(const Until& until, int threads) : until_(until), threads_(threads) {}

  // Throws SampleError for a site that is not kept.
  void open(const Outline& outline) override;
  void append(std::size_t group, std::span<const std::size_t> numbers, std::span<const std::span<const double>> values) override;
  void close(const std::map<std::string, Attribute>&) override {}

  // Throws SampleError if what is asked for is of a quantity that does not vary.
  Accuracy look() const;

 private:
  Until until_;
  int threads_;
  Fit fit_;                                  // the outline's, for names
  std::size_t posterior_ = 0, draws_ = 0;
  std::vector<std::vector<double>> values_;  // per variable, [draw][chain][element]
};

}  // namespace lockstep
