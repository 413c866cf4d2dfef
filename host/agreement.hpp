// Agreement of a fit with reference draws: means, standard deviations and quantiles, in standard errors of the difference.
//
//   mean      standard error  sd / sqrt(ESS(x))
//   sd        standard error  sd((x - mean)^2) / (2 sd sqrt(ESS((x - mean)^2)))
//   quantile  the share of our draws at or below the reference's quantile, against its probability p; standard error
//             sqrt(p (1 - p) (1/ESS of our indicator + 1/ESS of the reference's))
//
// ESS is of just that quantity, by the method "mean".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/diagnostics.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

// What reference draws say about one scalar.
struct ScalarReference {
  double mean, se_mean, sd, se_sd;
  struct Quantile {
    double p, value, ess;
  };
  std::vector<Quantile> quantiles;
};
using Reference = std::map<std::string, ScalarReference>;  // by the reference's names: mu, theta[1], L[2,1]

// At the probabilities 0.05, 0.25, 0.5, 0.75 and 0.95.
ScalarReference summarise_reference(const ChainView& draws);

// How many comparisons a reference makes.
std::size_t comparison_count(const Reference& reference);

// One scalar of a reference and what we call it: the name of a variable, an element's indices counting from 1. ("theta[1]",
// "theta[1]"), ("theta2[1]", "theta[2,1]").
struct Counterpart {
  std::string reference, ours;
};

struct Comparison {
  std::string quantity;  // "mean of theta[1]"
  double z;
};

struct Agreement {
  std::vector<Comparison> comparisons;
  double least_ess;      // of our means
  Comparison worst() const;  // the largest |z|; NaN, if there is one
};

// Throws std::out_of_range if the fit or the reference lacks one of them.
Agreement compare(const Fit& fit, const Reference& reference, const std::vector<Counterpart>& counterparts);

// The |z| that a family of so many comparisons passes by chance, if all agree, at most once in a hundred times, whatever
// their correlation.
double family_limit(std::size_t comparisons);

}  // namespace lockstep
