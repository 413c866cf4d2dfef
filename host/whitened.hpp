// A window's draws in the coordinates in which the metric keeps momenta: those in which the posterior's sds are about 1.
#pragma once

#include <Eigen/Dense>

#include "kernels/window.hpp"

namespace lockstep {

// z = F^-1 x, with the F of kernels/dynamics.hpp.
class Whitening {
 public:
  explicit Whitening(const Metric& metric);
  void operator()(Eigen::Ref<Eigen::MatrixXd> columns) const;  // in place

 private:
  Eigen::VectorXd inverse_scale_, inverse_stretch_less_1_;
  Eigen::MatrixXd directions_;  // a column each
};

// What the draws of the chains that are not left out say of the whitened posterior, about their chains' means.
struct WhitenedSpread {
  double largest_variance = 1;  // of any direction: found by power iteration among half of the draws, measured in the others
  double total_variance = 0;    // the sum over coordinates; 0: there are no draws to tell
};
WhitenedSpread spread_of(Window& window, const Metric& metric, const std::vector<char>& left_out);

}  // namespace lockstep
