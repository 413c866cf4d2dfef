// A fit as a NetCDF-4 file that ArviZ, xarray, h5netcdf and netCDF4 open as it is.
//
// Layout: one HDF5 group per group of the fit; a per-draw variable has the dimensions chain, draw and its own; every
// dimension is a coordinate variable of its own name (labels, or 0, 1, ..., n−1) and an HDF5 dimension scale. Booleans
// are int8 with the attribute dtype = "bool", integers int64, the rest double. Fit::superchain is sample_stats'
// superchain_id (chain). Fit::attributes are attributes of posterior and sample_stats.
#pragma once

#include <filesystem>

#include "lockstep/fit.hpp"

namespace lockstep {

// Writes under a temporary name in the same folder and renames when whole: a file of that name is always complete, and
// one that was there before is replaced only by a complete one. Throws std::invalid_argument for a fit that such a file
// cannot hold (a variable named as a dimension, sizes that disagree), std::runtime_error if writing fails.
void write_netcdf(const Fit& fit, const std::filesystem::path& path);

// Reads a file of this layout, this library's or another's. Throws std::runtime_error: no such file, not HDF5,
// truncated, without a group of draws, or with a variable that a Fit cannot hold (strings, complex numbers).
Fit read_netcdf(const std::filesystem::path& path);

}  // namespace lockstep
