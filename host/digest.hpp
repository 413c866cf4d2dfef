// What there is to say about a results file, computed without having all of it in memory.
#pragma once

#include <vector>

#include "host/diagnostics.hpp"
#include "host/netcdf.hpp"

namespace lockstep {

struct Digest {
  Fit fit;                                 // the file's outline, with the statistics of the sampler that a verdict needs
  std::vector<NamedDiagnosis> diagnoses;   // of each scalar of `posterior`
};

// Reads a few rows of one variable at a time: what it needs is about 100 bytes for each draw of one scalar, however many
// scalars there are. Throws std::out_of_range if the file has no posterior.
Digest digest(const FitFile& file);

}  // namespace lockstep
