// Plain Hamiltonian Monte Carlo: trajectories go as far as the widest direction asks for.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "host/samplers.hpp"
#include "host/whitened.hpp"
#include "kernels/hmc.hpp"

namespace lockstep {

namespace {

// A normal posterior's draws along a direction with standard deviation s are uncorrelated where lengths are uniform on
// (0, pi s): the mean of cos(t / s) is then 0.
class WidestDirection : public LengthBySpread {
 public:
  double first(int) const override { return std::numbers::pi; }

 private:
  double length_for(const WhitenedSpread& spread) const override { return std::numbers::pi * std::max(std::sqrt(spread.largest_variance), 1.); }
};

}  // namespace

extern const Sampler hmc_sampler{.name = "hmc",
                                 .summary = "trajectories of random lengths, as the widest direction is",
                                 .target_acceptance = 0.651,
                                 .mean = AcceptanceMean::harmonic,
                                 .machine = machine_of<HmcKernel>,
                                 .length = []() -> std::unique_ptr<TrajectoryLength> { return std::make_unique<WidestDirection>(); }};

}  // namespace lockstep
