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

}  // namespace lockstep
