// A fit as a NetCDF-4 file that ArviZ, xarray, h5netcdf and netCDF4 open as it is.
//
// Layout: one HDF5 group per group of the fit; a per-draw variable has the dimensions chain, draw and its own; every
// dimension is a coordinate variable of its own name (labels, or 0, 1, ..., n−1) and an HDF5 dimension scale. Booleans
// are int8 with the attribute dtype = "bool", integers int64, the rest double. Fit::superchain is sample_stats'
// superchain_id (chain). Fit::attributes are attributes of posterior and sample_stats.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lockstep/fit.hpp"

namespace lockstep {

// Writes under a temporary name in the same folder and renames when whole: a file of that name is always complete, and
// one that was there before is replaced only by a complete one. The compressed file is put together in memory first.
// Throws std::invalid_argument for a fit that such a file cannot hold (see validate), std::runtime_error if writing
// fails; then nothing is left behind.
void write_netcdf(const Fit& fit, const std::filesystem::path& path);

// Reads a file of this layout, written by this library or another: all groups, or those of `groups` that are there.
// Throws std::runtime_error: no such file, not HDF5, truncated, without draws, or with something that a Fit cannot
// hold (strings as values, groups with different numbers of draws).
Fit read_netcdf(const std::filesystem::path& path, const std::vector<std::string>& groups = {});

// Throws std::invalid_argument, naming the variable, if a fit contradicts itself (sizes, labels, names that are there
// twice) or has what no reader could take: a variable with the name of a dimension, a dimension twice in a variable.
void validate(const Fit& fit);

}  // namespace lockstep
