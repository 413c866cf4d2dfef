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
class BySize : public LengthBySpread {
 public:
  double first(int coordinates) const override { return 2 * std::sqrt(coordinates); }

 private:
  double length_for(const WhitenedSpread& spread) const override { return 2 * 1.3 * std::sqrt(spread.total_variance); }
};

}  // namespace

extern const Sampler mams_sampler{.name = "mams",
                                  .summary = "microcanonical trajectories, as the posterior is wide",
                                  .target_acceptance = 0.9,
                                  .least_coordinates = 2,
                                  .first_step = [](int coordinates) { return 0.2 * std::sqrt(coordinates); },
                                  .machine = machine_of<MamsKernel>,
                                  .length = []() -> std::unique_ptr<TrajectoryLength> { return std::make_unique<BySize>(); }};

}  // namespace lockstep
