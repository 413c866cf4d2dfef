// The metric that a window of warmup asks for: the one under which draws and gradients look most like a standard normal's.
//
// It minimises the Fisher divergence between a normal distribution and the posterior. Diagonal: inverse masses
// sqrt(Var(x)/Var(gradient)). With directions: after that scaling, the geometric mean of the draws' covariance matrix and of
// the inverse of the gradients' (Seyboldt, Carlson & Carpenter 2026, arXiv:2603.18845): exact for a normal posterior as soon as
// there are more draws than coordinates, from wherever they come. All moments are within chains, pooled over chains.
#pragma once

#include <string>
#include <vector>

#include "kernels/ensemble.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

// What limits the choice of a metric.
struct MetricSettings {
  MetricKind kind = MetricKind::automatic;
  double gradient_cost = 1;        // multiplications that a gradient takes, about: what a direction's own are weighed against
};

class MetricEstimator {
 public:
  explicit MetricEstimator(const MetricSettings& settings) : settings_(settings) {}

  // The window's chains that are not left out. A coordinate of which it says nothing keeps its scale of `before`.
  Metric operator()(Window& window, const ChainMoments& positions, const ChainMoments& gradients, const std::vector<char>& left_out,
                    const Metric& before);

  // Of the last estimate: what it is, and why. "3 of 26 directions (...)".
  const std::string& description() const { return description_; }

  void state(Archive& archive) { archive(description_); }

 private:
  MetricSettings settings_;
  std::string description_ = "diagonal";
};

}  // namespace lockstep
