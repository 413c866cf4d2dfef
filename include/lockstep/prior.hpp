// Draws from a model's prior, and what would be observed if they were true.
#pragma once

#include <cstdint>
#include <filesystem>

#include "lockstep/sample.hpp"

namespace lockstep {

struct PriorOptions {
  int draws = 1000;
  std::uint64_t seed = 1;
  int threads = 0;                    // 0: all that the process may use
};

// Groups prior (deterministics too), prior_predictive, observed_data and constant_data, of one chain of independent draws.
// Potentials have no say. Throws SampleError if an option is out of range or memory could not hold it; DataError, and ModelError:
// a flat prior cannot be drawn from.
Fit sample_prior(const ModelTable& model, const Data& data, const PriorOptions& options = {});

// The same with the data of a fit, as groups to be added to it: prior and prior_predictive, in as many chains as it has, with
// options.draws rounded up to a multiple of these. Throws SampleError, too, if the fit has no draws.
Fit sample_prior(const ModelTable& model, const Fit& fit, const PriorOptions& options = {});

}  // namespace lockstep
