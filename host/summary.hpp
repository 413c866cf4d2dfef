// The table of a fit: one row per scalar of the posterior.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "host/diagnostics.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

enum class Format { table, json, csv };

// "table", "json" or "csv". Throws std::invalid_argument that names them otherwise.
Format parse_format(std::string_view name);

// mean, sd, q5, median, q95, mcse_mean, ess_bulk, ess_tail, r_hat, r_hat_nested of every scalar.
//   table: aligned text; as many digits as the sd warrants; an ESS that is itself uncertain is marked "~" (verdict.hpp)
//   json:  a list of objects, full precision; a figure that is not known is null
//   csv:   full precision; a figure that is not known is empty
// JSON and CSV have mcse_sd, r_hat_split and tau too. Throws std::out_of_range without a posterior.
std::string summary(const Fit& fit, Format format = Format::table);

// The same with diagnoses of `posterior` that the caller has at hand.
std::string summary(const Fit& fit, std::span<const NamedDiagnosis> diagnoses, Format format = Format::table);

}  // namespace lockstep
