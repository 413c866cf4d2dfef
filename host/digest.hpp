// What there is to say about a results file, computed without having all of it in memory.
#pragma once

#include <string>
#include <vector>

#include "host/diagnostics.hpp"
#include "host/netcdf.hpp"
#include "host/summary_groups.hpp"

namespace lockstep {

// The groups that a digest is of: all but the first two are those of a file with draws.
inline const std::vector<std::string> digested_groups = {summary_group, chain_stats_group, "posterior", "sample_stats"};

struct Digest {
  Fit fit;                                // the file's outline, with the statistics of the sampler that a verdict needs
  std::vector<NamedDiagnosis> diagnoses;  // of each scalar of `posterior`
  std::size_t draws_stored = 0;           // per chain, in the file
  std::size_t every = 1;                  // of these, every which was looked at; fit.draws is how many those are

  // What the user should know, if not all draws were looked at; else empty.
  std::string note() const;
};

// More draws of a scalar than this, over all chains, are thinned to be diagnosed, which takes some 150 bytes for each:
// a million tell as much as is to be told.
inline constexpr std::size_t most_diagnosed_draws = std::size_t{1} << 20;

// Reads a few rows of one variable at a time, so that it needs the same memory for any number of draws and variables.
// Of a file that has only a summary, what that says. Throws std::out_of_range if the file has no posterior either.
Digest digest(const FitFile& file, std::size_t most_draws = most_diagnosed_draws);

}  // namespace lockstep
