// Plain Hamiltonian Monte Carlo: trajectories go as far as the widest direction asks for.
#include <cmath>
#include <numbers>

#include "host/samplers.hpp"
#include "host/whitened.hpp"
#include "kernels/hmc.hpp"

namespace lockstep {

namespace {

// A normal posterior's draws along a direction with standard deviation s are uncorrelated where lengths are uniform on
// (0, pi s): the mean of cos(t / s) is then 0.
class WidestDirection : public TrajectoryLength {
 public:
  double first(int) const override { return std::numbers::pi; }
  double after_window(Window& window, const Tuning& tuning, const std::vector<char>& left_out) override {
    const double widest = std::sqrt(spread_of(window, tuning.metric, left_out).largest_variance);
    const double length = std::numbers::pi * std::max(widest, 1.);
    change_ = std::abs(std::log(length / tuning.trajectory_length));
    return length;
  }
  bool settled() const override { return change_ < 0.3; }
  void state(Archive& archive) override { archive(change_); }

 private:
  double change_ = HUGE_VAL;  // of its logarithm, by the last window
};

}  // namespace

extern const Sampler hmc_sampler{.name = "hmc",
                                 .summary = "trajectories of random lengths, as the widest direction is",
                                 .target_acceptance = 0.651,
                                 .mean = AcceptanceMean::harmonic,
                                 .on_cpu = ensemble_on_cpu<HmcKernel>,
                                 .length = []() -> std::unique_ptr<TrajectoryLength> { return std::make_unique<WidestDirection>(); }};

}  // namespace lockstep
