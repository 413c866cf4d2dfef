// When a run has the accuracy that is asked for: SampleOptions::until.
//
// It is looked at only when every chain has made the same draws, at lengths that grow by half. So a run is not looked at often
// enough to be caught at a moment when it seems more accurate than it is: intervals of mean +- 1.96 standard errors cover at
// least 93% (tests/statistical/stopping_rule_coverage_test.cpp).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "host/diagnostics.hpp"
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

// What is asked for, of the variables that are kept.
class AccuracyGoal {
 public:
  struct Element {
    std::size_t variable, index;
  };

  AccuracyGoal() = default;  // of nothing
  // Throws SampleError for a site that is not kept.
  AccuracyGoal(const Until& until, const Outline& outline);

  // Those whose diagnoses are looked at, and whether these need more than the error of the mean.
  const std::vector<Element>& elements() const { return elements_; }
  bool needs_ess() const { return until_.ess != 0; }
  // By the diagnoses of the elements. Throws SampleError if what is asked for is of a quantity that does not vary.
  Accuracy judge(std::span<const Diagnosis> diagnoses) const;

 private:
  const std::vector<Variable>& kept() const { return fit_.groups[posterior_].variables; }

  Until until_;
  Fit fit_;  // the outline's, for names
  std::size_t posterior_ = 0;
  std::vector<Element> elements_;
};

// A sink that knows how accurate the draws are that it has got so far.
class AccuracySink : public DrawSink {
 public:
  // May throw as AccuracyGoal::judge does.
  virtual Accuracy look() = 0;
};

// One that holds the draws of `posterior`, at the size of a double each.
class StoppingRule : public AccuracySink {
 public:
  StoppingRule(const Until& until, int threads) : until_(until), threads_(threads) {}

  void open(const Outline& outline) override;
  void append(std::size_t group, std::span<const std::size_t> numbers, std::span<const std::span<const double>> values) override;
  void close(const std::map<std::string, Attribute>&) override {}
  Accuracy look() override;

 private:
  Until until_;
  int threads_;
  AccuracyGoal goal_;
  std::vector<std::size_t> sizes_;  // of the variables
  std::size_t posterior_ = 0, chains_ = 0, draws_ = 0;
  std::vector<std::vector<double>> values_;  // per variable, [draw][chain][element]
};

}  // namespace lockstep
