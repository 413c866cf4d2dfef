// A fit of which only a summary was kept: SampleOptions::only_summary. Its groups, beside the data:
//
//   summary      for each scalar of what would be the posterior a number of figures, along the dimension `statistic` before its
//                variable's own: mean, sd, ..., r_hat. Its attributes are the run's
//   chain_stats  for each chain, along the dimension `chain`, what would be sample_stats: means over its draws; of what is
//                true or false, how many are true; of its energy the sd and E-BFMI; and superchain_id
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/diagnostics.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

struct ScalarSummary;

inline constexpr const char *summary_group = "summary", *chain_stats_group = "chain_stats";
// The attribute that says how many draws of each chain were summarised; nothing if it is not there, or no such number.
inline constexpr const char* summarised_draws = "summarised_draws";
std::optional<std::size_t> draws_summarised(const std::map<std::string, Attribute>& attributes);

Dimension dimension_of_statistics();

// The group `summary` of a group of draws, whose scalars are these.
Group summary_of(const Group& draws, std::vector<ScalarSummary> scalars);

// What the group `summary` of a fit says of each scalar. Throws std::invalid_argument if it is not such a group.
std::vector<NamedDiagnosis> diagnoses_in_summary(const Fit& fit);

}  // namespace lockstep
