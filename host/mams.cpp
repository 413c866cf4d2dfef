// The Metropolis-adjusted microcanonical sampler (Robnik, Cohn-Gordon & Seljak 2025), with full refreshment of the direction
// between trajectories.
#include <cmath>

#include "host/samplers.hpp"
#include "host/whitened.hpp"
#include "kernels/microcanonical.hpp"

namespace lockstep {

namespace {

// A trajectory moves at speed 1 through a posterior whose mass is at a distance of sqrt(sum of variances): its mean length is 1.3
// times that, lengths are uniform on (0, twice the mean).
class BySize : public TrajectoryLength {
 public:
  double first(int coordinates) const override { return 2 * std::sqrt(coordinates); }
  double after_window(Window& window, const Tuning& tuning, const std::vector<char>& left_out) override {
    const double variance = spread_of(window, tuning.metric, left_out).total_variance;
    if (!(variance > 0)) return tuning.trajectory_length;
    const double length = 2 * 1.3 * std::sqrt(variance);
    change_ = std::abs(std::log(length / tuning.trajectory_length));
    return length;
  }
  bool settled() const override { return change_ < 0.3; }
  void state(Archive& archive) override { archive(change_); }

 private:
  double change_ = HUGE_VAL;  // of its logarithm, by the last window
};

}  // namespace

extern const Sampler mams_sampler{.name = "mams",
                                  .summary = "microcanonical trajectories, as the posterior is wide",
                                  .target_acceptance = 0.9,
                                  .least_coordinates = 2,
                                  .first_step = [](int coordinates) { return 0.2 * std::sqrt(coordinates); },
                                  .on_cpu = ensemble_on_cpu<MamsKernel>,
                                  .length = []() -> std::unique_ptr<TrajectoryLength> { return std::make_unique<BySize>(); }};

}  // namespace lockstep
