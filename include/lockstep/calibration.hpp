// Simulation-based calibration: whether a model, fitted to data that it has simulated itself, is as sure as it should be (Talts et
// al. 2018, "Validating Bayesian inference algorithms with simulation-based calibration"; Modrak et al. 2023).
//
// Parameters are drawn from the prior, and data from them; the model is fitted to these data. Over many such fits the rank of each
// true value among independent draws of its posterior is uniform, if densities, gradients, transforms, simulation and sampler agree.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lockstep/sample.hpp"

namespace lockstep {

struct CalibrationOptions {
  int fits = 1000;
  int draws = 100;                    // of the posterior, to rank a true value among: each the last of a chain of its own
  double level = 0.01;                // the chance that anything at all is reported where nothing is wrong
  std::uint64_t seed = 1;
  std::string sampler = "nuts";       // SampleOptions's
  double target_acceptance = 0;       // SampleOptions's
  int threads = 0;                    // 0: all that the process may use. The result does not depend on it
};

// One number: an element of a parameter or of a computed quantity, or the log likelihood of all observations, which sees what
// the model does with its data (a posterior that ignores them has uniform ranks of every parameter).
struct CalibratedQuantity {
  std::string name;
  std::vector<int> ranks;             // of the true value in each fit, 0 to draws; ties are broken at random
  double p_value = 1;                 // see uniform_ranks_p_value
};

struct Calibration {
  int fits = 0, draws = 0;
  int failed = 0;                     // fits that ended in an error: they have no ranks
  std::string first_failure;          // what the first of them said
  int unsettled = 0;                  // fits whose warmup did not settle; they have ranks
  double level = 0.01;
  std::vector<CalibratedQuantity> quantities;

  double p_value_limit() const { return level / double(quantities.size()); }
  // No fit failed, and no quantity's p-value is below the limit.
  bool passed() const;
};

// `data`: what is observed there says only how much of it there is. Throws DataError, ModelError (a flat prior cannot be drawn
// from), or SampleError if an option is out of range or there are potentials, which nothing simulates.
Calibration calibrate(const ModelTable& model, const Data& data, const CalibrationOptions& options = {});

// The chance that uniform ranks on 0 ... most have a cumulative distribution as extreme, at any of its points, as these do. Exact:
// of all points the one with the smallest binomial tail is the statistic, and its distribution comes by recursion over them
// (Sailynoja, Buerkner & Vehtari 2022, "Graphical test for discrete uniformity").
double uniform_ranks_p_value(const std::vector<int>& ranks, int most);

// A line for each quantity, and a verdict.
std::string report(const Calibration& calibration);

}  // namespace lockstep
