// A fit as a NetCDF-4 file that ArviZ, xarray, h5netcdf and netCDF4 open as it is.
//
// Layout: one HDF5 group per group of the fit; a per-draw variable has the dimensions chain, draw and its own; every
// dimension is a coordinate variable of its own name (labels, or 0, 1, ..., n−1) and an HDF5 dimension scale. The
// coordinates of draw are the numbers that the draws have in the run. Booleans are int8 with the attribute dtype =
// "bool", integers int64, the rest double. Fit::superchain is sample_stats' superchain_id (chain). Fit::attributes are
// attributes of posterior and sample_stats. A fit of which only a summary was kept has neither, but the groups of
// host/summary_groups.hpp: the attributes are those of summary, superchain_id is in chain_stats.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "host/draw_sink.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

// Writes a results file block by block, so that memory does not grow with the draws. It is written under a temporary
// name in the same folder and renamed when whole: a file of that name is always complete.
class NetcdfWriter : public DrawSink {
 public:
  // With `overwrite`, a file that has the name when this one is complete is replaced; without it, this one then takes
  // the next free name (see PartialFile). Throws std::runtime_error if the file cannot be written: here, if there is no
  // such folder or it may not be written to, later, if the disk is full, for example.
  NetcdfWriter(const std::filesystem::path& path, bool overwrite);
  // Adds to the file that is there, which is replaced when this one is complete. Its groups of the names `replaced` are left out.
  NetcdfWriter(const std::filesystem::path& path, const std::vector<std::string>& replaced);
  ~NetcdfWriter() override;  // nothing is left behind, unless it was closed

  void open(const Outline& outline) override;
  void append(std::size_t group, std::span<const std::size_t> numbers,
              std::span<const std::span<const double>> values) override;
  void close(const std::map<std::string, Attribute>& attributes) override;
  // Where the results are, once it is closed.
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Open;
  std::filesystem::path path_;
  bool overwrite_;
  std::unique_ptr<Open> file_;
};

// A fit as such a file; one that was there before is replaced, by a complete one.
// Throws std::invalid_argument for a fit that such a file cannot hold (see validate), std::runtime_error if writing
// fails; then nothing is left behind.
void write_netcdf(const Fit& fit, const std::filesystem::path& path);

// Adds a fit's groups to such a file, which is replaced by a complete one. With `overwrite`, groups of the same names are replaced.
// Throws std::invalid_argument for a fit that such a file cannot hold, or a group that is there; std::runtime_error if reading or
// writing fails: the file is then as it was.
void append_netcdf(const Fit& fit, const std::filesystem::path& path, bool overwrite = false);

// Reads a file of this layout, written by this library or another: all groups, or those of `groups` that are there.
// Throws std::runtime_error: no such file, not HDF5, truncated, without draws, or with something that a Fit cannot
// hold (strings as values).
Fit read_netcdf(const std::filesystem::path& path, const std::vector<std::string>& groups = {});

// Reads such a file piece by piece.
class FitFile {
 public:
  // As read_netcdf, with the same errors.
  explicit FitFile(const std::filesystem::path& path, const std::vector<std::string>& groups = {});
  ~FitFile();
  FitFile(const FitFile&) = delete;

  // All but the draws: per-draw variables have no values.
  const Fit& outline() const { return outline_; }

  struct Range {
    std::size_t first = 0, count = 0;
  };
  // Draws of a variable of the outline, [chain][draw][element], elements of some of its rows: a row is what has one
  // index on its first axis; a number has one row. Draws are counted as they are stored.
  std::vector<double> read(const Group& group, const Variable& variable, Range chains, Range draws, Range rows) const;
  // All rows.
  std::vector<double> read(const Group& group, const Variable& variable, Range chains, Range draws) const;
  // All draws.
  std::vector<double> read(const Group& group, const Variable& variable) const;

 private:
  struct Open;
  std::filesystem::path path_;
  std::unique_ptr<Open> file_;
  Fit outline_;
};

// Rows of a variable: see FitFile::read.
inline std::size_t rows_of(const Variable& variable) { return variable.shape.empty() ? 1 : variable.shape[0]; }

// Throws std::invalid_argument, naming the variable, if a fit contradicts itself (sizes, labels, names that are there
// twice) or has what no reader could take: a variable with the name of a dimension, a dimension twice in a variable.
void validate(const Fit& fit);

}  // namespace lockstep
