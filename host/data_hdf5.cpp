// Data sets from HDF5 files, of which NetCDF-4 files are a kind.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "host/data_text.hpp"
#include "host/hdf5.hpp"
#include "host/netcdf_arrays.hpp"
#include "lockstep/data.hpp"

namespace lockstep {

namespace {

using h5::Handle;

constexpr int most_axes = 8;

// A variable as it is in the file.
struct Source {
  hid_t set;
  std::string name;
  std::vector<hsize_t> extents;
  H5T_class_t kind;
  std::size_t bytes;  // of an element
  bool scale;         // it is a dimension of NetCDF, with its coordinates as elements
  bool bare;          // ... without coordinates
};

Source describe(hid_t set, const std::string& name) {
  Source source{set, name, {}, H5T_NO_CLASS, 0, H5DSis_scale(set) > 0, false};
  const Handle space(H5Dget_space(set), H5Sclose, "read '" + name + "'");
  const Handle type(H5Dget_type(set), H5Tclose, "read '" + name + "'");
  source.kind = H5Tget_class(type);
  source.bytes = H5Tget_size(type);
  if (H5Sget_simple_extent_type(space) == H5S_NULL) {
    source.extents = {0};
  } else {
    source.extents.resize(std::size_t(std::max(H5Sget_simple_extent_ndims(space), 0)));
    if (!source.extents.empty()) H5Sget_simple_extent_dims(space, source.extents.data(), nullptr);
  }
  if (source.scale) {
    char note[64] = "";
    H5DSget_scale_name(set, note, sizeof note);
    source.bare = std::string_view(note).starts_with("This is a netCDF dimension but not a netCDF variable");
  }
  return source;
}

// One number that a variable carries by a name.
std::optional<double> number_attribute(hid_t set, const char* name) {
  if (H5Aexists(set, name) <= 0) return std::nullopt;
  const Handle attribute(H5Aopen(set, name, H5P_DEFAULT), H5Aclose, fmt::format("read the attribute '{}'", name));
  const Handle type(H5Aget_type(attribute), H5Tclose, fmt::format("read the attribute '{}'", name));
  const Handle space(H5Aget_space(attribute), H5Sclose, fmt::format("read the attribute '{}'", name));
  const H5T_class_t kind = H5Tget_class(type);
  if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || H5Sget_simple_extent_npoints(space) != 1) return std::nullopt;
  double value = 0;
  h5::check(H5Aread(attribute, H5T_NATIVE_DOUBLE, &value), fmt::format("read the attribute '{}'", name));
  return value;
}

class Hdf5Reader {
 public:
  explicit Hdf5Reader(const std::string& file) : file_(file) {}

  Data read(hid_t group) {
    std::vector<Handle> texts;  // read last: the fields that they make must not be there already
    std::vector<std::string> text_names;
    for (const std::string& name : h5::members(group)) {
      if (H5Oexists_by_name(group, name.c_str(), H5P_DEFAULT) <= 0) continue;  // a link to what is not there
      Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose, "open '" + name + "'");
      if (H5Iget_type(object) != H5I_DATASET) continue;
      const Source source = describe(object, name);
      if (source.kind == H5T_STRING && !source.bare) {
        texts.push_back(std::move(object));
        text_names.push_back(name);
      } else {
        add_numbers(source);
      }
    }
    for (std::size_t i = 0; i < texts.size(); ++i) add_text(describe(texts[i], text_names[i]));
    return std::move(data_);
  }

 private:
  [[noreturn]] void refuse(const Source& source, const std::string& what, const std::string& why) const {
    throw DataError(fmt::format("variable '{}' of '{}' {} ({}). Leave it out, or put what the model needs into a group: "
                                "'{}#GROUP'.", source.name, file_, what, why, file_));
  }

  void add_numbers(const Source& source) {
    if (source.bare) {
      data_.set(source.name, source.extents.empty() ? 1. : double(source.extents[0]));
      return;
    }
    // Booleans are an enumeration in what h5py writes.
    if (source.kind != H5T_INTEGER && source.kind != H5T_FLOAT && source.kind != H5T_ENUM)
      refuse(source, "holds neither numbers nor text", "a field is an array of numbers");
    if (source.extents.size() > most_axes)
      refuse(source, fmt::format("has {} axes", source.extents.size()), fmt::format("at most {} are read", most_axes));
    Data::Field field{{source.extents.begin(), source.extents.end()}, h5::read_numbers(source.set, source.name), 1};
    unpack(source.set, field.values);
    if (source.scale && source.extents.size() == 1) add_coordinates(source.name, field.values);
    data_.set(source.name, std::move(field));
  }

  // What NetCDF's conventions say about the numbers of a variable.
  static void unpack(hid_t set, std::vector<double>& values) {
    for (const char* missing : {"_FillValue", "missing_value"})
      if (const auto value = number_attribute(set, missing))
        std::replace(values.begin(), values.end(), *value, std::nan(""));
    const double scale = number_attribute(set, "scale_factor").value_or(1);
    const double offset = number_attribute(set, "add_offset").value_or(0);
    if (scale != 1 || offset != 0)
      for (double& value : values) value = scale * value + offset;
  }

  // Coordinates that are numbers label their dimension, if they are different.
  void add_coordinates(const std::string& dim, const std::vector<double>& values) {
    std::vector<std::string> labels;
    for (double value : values) labels.push_back(fmt::format("{}", value));
    if (std::set<std::string>(labels.begin(), labels.end()).size() == labels.size()) data_.set_labels(dim, labels);
  }

  void add_text(const Source& source) {
    if (source.extents.empty()) return;  // a remark, no data
    // NetCDF's older way: characters along a last axis.
    const bool characters = source.extents.size() == 2 && source.bytes == 1;
    if (source.extents.size() != 1 && !characters)
      refuse(source, fmt::format("holds text along {} axes", source.extents.size()),
             "text names groups, or labels a dimension: along one axis");
    h5::require_memory(double(source.extents[0]), sizeof(std::string));  // there may be no characters in them
    std::vector<std::string> texts = h5::read_texts(source.set, source.name);
    if (characters) texts = joined(texts, std::size_t(source.extents[0]), std::size_t(source.extents[1]));
    if (source.scale) data_.set_labels(source.name, std::move(texts));
    else data_.set_groups(source.name, texts);
  }

  static std::vector<std::string> joined(const std::vector<std::string>& characters, std::size_t rows, std::size_t length) {
    std::vector<std::string> texts(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t i = 0; i < length; ++i) texts[row] += characters[row * length + i];
      texts[row].erase(texts[row].find_last_not_of(' ') + 1);
    }
    return texts;
  }

  std::string file_;
  Data data_;
};

Data read(const std::string& path, const std::string& group) {
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open it");
  if (group != "/" && H5Oexists_by_name(file, group.c_str(), H5P_DEFAULT) <= 0)
    throw DataError(fmt::format("'{}' has no group '{}' (its variables were asked for). Check the name.", path, group));
  const Handle opened(H5Gopen2(file, group.c_str(), H5P_DEFAULT), H5Gclose, "open the group '" + group + "'");
  return Hdf5Reader(path).read(opened);
}

}  // namespace

Data Data::from_hdf5_file(const std::filesystem::path& path, const std::string& group) {
  open_data_file(path);
  const std::string name = path.string(), where = group.empty() ? "/" : group;
  const h5::Session session;
  if (H5Fis_hdf5(name.c_str()) == 0)
    throw DataError(fmt::format("'{}' is not an HDF5 file (HDF5's signature is missing; NetCDF-3 has another). Check it, or "
                                "convert it: nccopy -k nc4 OLD NEW.", name));
  if (const int signal = h5::signal_ending([&] { lockstep::read(name, where); }))
    throw DataError(fmt::format("'{}' could not be read (HDF5's library crashes on it, by signal {}, so it is damaged). Get another "
                                "copy of it.", name, signal));
  try {
    return lockstep::read(name, where);
  } catch (const h5::Failure& failure) {
    throw DataError(fmt::format("'{}' could not be read ({}). Check that it is a whole HDF5 file.", name, failure.what()));
  }
}

}  // namespace lockstep
