// Out of the far tail of a density, by optimisation: where trajectories would need steps too small to get anywhere.
#pragma once

#include <vector>

#include "host/host_model.hpp"

namespace lockstep {

// Follows L-BFGS (Nocedal 1980) uphill from `start`, an unconstrained position with a finite log density and gradient, as long
// as that gains more in ten steps than the log density varies by where the posterior's mass is, about; of this way, the point from which
// there is as much to gain as that. A start that is not as far out stays where it is: what superchains tell rests on starts that are apart.
std::vector<double> out_of_the_tail(const HostModel& model, const std::vector<double>& start);

}  // namespace lockstep
