// Densities by their definitions, for sums that are made by hand.
#pragma once

#include <cmath>

namespace lockstep {

inline double normal_density(double y, double mu, double sigma) {
  return std::exp(-0.5 * std::pow((y - mu) / sigma, 2)) / (sigma * std::sqrt(2 * M_PI));
}
inline double poisson_mass(double y, double rate) { return std::exp(y * std::log(rate) - rate - std::lgamma(y + 1)); }

}  // namespace lockstep
