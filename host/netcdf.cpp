// Writes a fit. The layout is described in netcdf.hpp, and why it is so in what real readers were seen to do:
// variables come back in alphabetical order without creation-order tracking, strings of fixed length crash netCDF4,
// HDF5's own booleans are dropped by it, and h5netcdf reads nothing without dimension scales.
#include "host/netcdf.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <span>
#include <stdexcept>

#include "host/hdf5.hpp"
#include "host/replace_file.hpp"

#ifndef LOCKSTEP_VERSION
#define LOCKSTEP_VERSION "unknown"
#endif

namespace lockstep {
namespace {

using h5::check;
using h5::Handle;

constexpr std::size_t chunk_values = (std::size_t{1} << 20) / sizeof(double);  // 1 MiB, what HDF5 caches of a data set
constexpr unsigned deflate_level = 4;

// ---------------------------------------------------------------- attributes

void put_strings(hid_t object, const std::string& name, hid_t space, const std::vector<const char*>& strings) {
  const Handle type = h5::string_type();
  const Handle attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                         "create the attribute " + name);
  check(H5Awrite(attribute, type, strings.data()), "write the attribute " + name);
}

void put(hid_t object, const std::string& name, const std::string& value) {
  put_strings(object, name, Handle(H5Screate(H5S_SCALAR), H5Sclose, "make a data space"), {value.c_str()});
}

void put(hid_t object, const std::string& name, const std::vector<std::string>& values) {
  if (values.empty()) return;  // no reader gains from an empty list, and not all take one
  std::vector<const char*> strings;
  for (const std::string& each : values) strings.push_back(each.c_str());
  const hsize_t size = strings.size();
  put_strings(object, name, Handle(H5Screate_simple(1, &size, nullptr), H5Sclose, "make a data space"), strings);
}

// Whole numbers as integers, so that a count reads as one.
void put(hid_t object, const std::string& name, double value) {
  const bool whole = value == std::trunc(value) && std::fabs(value) <= 0x1p53;
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, "make a data space");
  const Handle attribute(
      H5Acreate2(object, name.c_str(), whole ? H5T_STD_I64LE : H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose, "create the attribute " + name);
  check(H5Awrite(attribute, H5T_NATIVE_DOUBLE, &value), "write the attribute " + name);
}

std::string now() {
  const std::time_t time = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S+00:00", &utc);
  return text;
}

void put_attributes(hid_t object, const Fit& fit, const Group& group) {
  std::map<std::string, Attribute> all = {
      {"created_at", now()}, {"creation_library", "lockstep"}, {"creation_library_version", LOCKSTEP_VERSION}};
  if (group.name == "posterior" || group.name == "sample_stats") {
    all["inference_library"] = "lockstep";
    all["inference_library_version"] = LOCKSTEP_VERSION;
    for (const auto& [name, value] : fit.attributes) all[name] = value;
  }
  if (group.per_draw) all["sample_dims"] = std::vector<std::string>{"chain", "draw"};
  for (const auto& [name, value] : all) {
    std::visit([&, key = name](const auto& each) { put(object, key, each); }, value);
  }
}

// ---------------------------------------------------------------- data sets

// Chunks of at most 1 MiB, filled from the last axis forwards: whole draws first, then many of them.
std::vector<hsize_t> chunks(const std::vector<hsize_t>& extents) {
  std::vector<hsize_t> result(extents.size(), 1);
  hsize_t room = chunk_values;
  for (std::size_t axis = extents.size(); axis-- > 0;) {
    result[axis] = std::clamp<hsize_t>(room, 1, extents[axis]);
    room /= result[axis];
  }
  return result;
}

Handle creation_properties(const std::vector<hsize_t>& extents, bool compress) {
  Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "make a property list");
  check(H5Pset_attr_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED), "track attributes");
  const bool empty = std::find(extents.begin(), extents.end(), 0) != extents.end();
  if (compress && !extents.empty() && !empty) {
    check(H5Pset_chunk(properties, static_cast<int>(extents.size()), chunks(extents).data()), "set chunks");
    check(H5Pset_shuffle(properties), "set the shuffle filter");
    if (H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0) check(H5Pset_deflate(properties, deflate_level), "set compression");
  }
  return properties;
}

Handle create(hid_t group, const std::string& name, hid_t type, const std::vector<hsize_t>& extents, bool compress) {
  const Handle space(extents.empty() ? H5Screate(H5S_SCALAR)
                                     : H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr),
                     H5Sclose, "make a data space");
  return Handle(
      H5Dcreate2(group, name.c_str(), type, space, H5P_DEFAULT, creation_properties(extents, compress), H5P_DEFAULT),
      H5Dclose, "create the variable " + name);
}

Handle put_coordinate(hid_t group, const Dimension& dimension) {
  const Handle strings = h5::string_type();
  const bool labelled = !dimension.labels.empty();
  Handle set = create(group, dimension.name, labelled ? hid_t{strings} : H5T_STD_I64LE, {dimension.size}, false);
  std::vector<const char*> labels;
  for (const std::string& each : dimension.labels) labels.push_back(each.c_str());
  std::vector<long long> places(labelled ? 0 : dimension.size);
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<long long>(i);
  if (dimension.size > 0) {
    check(labelled ? H5Dwrite(set, strings, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels.data())
                   : H5Dwrite(set, H5T_NATIVE_LLONG, H5S_ALL, H5S_ALL, H5P_DEFAULT, places.data()),
          "write the coordinates " + dimension.name);
  }
  check(H5DSset_scale(set, dimension.name.c_str()), "make the dimension " + dimension.name);
  return set;
}

hid_t stored_type(ElementType type) {
  if (type == ElementType::boolean) return H5T_STD_I8LE;
  return type == ElementType::integer ? H5T_STD_I64LE : H5T_IEEE_F64LE;
}

// ---------------------------------------------------------------- groups

// The coordinates of one group, by name.
using Scales = std::map<std::string, Handle>;

void put_variable(hid_t group, const Scales& scales, const std::vector<std::string>& dims, const Variable& variable,
                  std::span<const hsize_t> extents) {
  const Handle set = create(group, variable.name, stored_type(variable.type), {extents.begin(), extents.end()}, true);
  if (variable.type == ElementType::boolean) put(set, "dtype", std::string("bool"));
  if (!variable.values.empty()) {
    check(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, variable.values.data()),
          "write the variable " + variable.name);
  }
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    check(H5DSattach_scale(set, scales.at(dims[axis]), static_cast<unsigned>(axis)),
          "name the dimensions of " + variable.name);
  }
}

// The dimensions that a group's variables have, chain and draw first, then in the fit's order.
std::vector<Dimension> dimensions_of(const Fit& fit, const Group& group, bool superchains) {
  std::vector<Dimension> all;
  if (group.per_draw || superchains) all.push_back({"chain", fit.chains, {}});
  if (group.per_draw) all.push_back({"draw", fit.draws, {}});
  const auto add = [&](const Dimension& dimension) {
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.name == dimension.name; });
    if (!known) all.push_back(dimension);
  };
  for (const Dimension& dimension : fit.dimensions) {
    for (const Variable& each : group.variables) {
      if (std::find(each.dims.begin(), each.dims.end(), dimension.name) != each.dims.end()) add(dimension);
    }
  }
  for (const Variable& each : group.variables) {
    for (std::size_t i = 0; i < each.dims.size(); ++i) add({each.dims[i], each.shape[i], {}});
  }
  return all;
}

void put_group(hid_t file, const Fit& fit, const Group& group) {
  const bool superchains = group.name == "sample_stats" && !fit.superchain.empty();
  const Handle properties(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, "make a property list");
  constexpr unsigned in_order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  check(H5Pset_link_creation_order(properties, in_order), "track variables");
  check(H5Pset_attr_creation_order(properties, in_order), "track attributes");
  const Handle place(H5Gcreate2(file, group.name.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT), H5Gclose,
                     "create the group " + group.name);
  put_attributes(place, fit, group);

  Scales scales;
  for (const Dimension& each : dimensions_of(fit, group, superchains)) {
    scales.emplace(each.name, put_coordinate(place, each));
  }
  for (const Variable& each : group.variables) {
    std::vector<std::string> dims;
    std::vector<hsize_t> extents;
    if (group.per_draw) {
      dims = {"chain", "draw"};
      extents = {fit.chains, fit.draws};
    }
    dims.insert(dims.end(), each.dims.begin(), each.dims.end());
    extents.insert(extents.end(), each.shape.begin(), each.shape.end());
    put_variable(place, scales, dims, each, extents);
  }
  if (superchains) {
    const Variable ids{"superchain_id", {}, {}, ElementType::integer, {fit.superchain.begin(), fit.superchain.end()}};
    const hsize_t chains = fit.chains;
    put_variable(place, scales, {"chain"}, ids, {&chains, 1});
  }
}

// ---------------------------------------------------------------- the file

// A file in memory. HDF5 cannot give up a file on a full disk: closing it fails, and the process crashes at its end.
class Image {
 public:
  Image() : access_(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "make a property list"), file_(create_file()) {}
  operator hid_t() const { return file_; }

  std::span<const char> bytes() {
    check(H5Fflush(file_, H5F_SCOPE_GLOBAL), "finish the file");
    const ssize_t size = H5Fget_file_image(file_, nullptr, 0);
    if (size < 0) h5::fail("finish the file");
    void** memory = nullptr;  // the core driver's handle is the address of its buffer: no copy is needed
    check(H5Fget_vfd_handle(file_, access_, reinterpret_cast<void**>(&memory)), "finish the file");
    return {static_cast<const char*>(*memory), static_cast<std::size_t>(size)};
  }

 private:
  Handle create_file() {
    constexpr std::size_t increment = std::size_t{16} << 20;
    const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "make a property list");
    constexpr unsigned in_order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
    check(H5Pset_link_creation_order(creation, in_order), "track groups");
    check(H5Pset_attr_creation_order(creation, in_order), "track attributes");
    check(H5Pset_fapl_core(access_, increment, false), "make a file in memory");
    check(H5Pset_libver_bounds(access_, H5F_LIBVER_V18, H5F_LIBVER_V18), "choose the format");  // as netCDF does
    return Handle(H5Fcreate("lockstep", H5F_ACC_TRUNC, creation, access_), H5Fclose, "make a file in memory");
  }

  Handle access_;
  Handle file_;
};

}  // namespace

void write_netcdf(const Fit& fit, const std::filesystem::path& path) {
  validate(fit);
  const h5::Session session;
  try {
    Image image;
    for (const Group& each : fit.groups) put_group(image, fit, each);
    if (!fit.superchain.empty() && !fit.has_group("sample_stats")) put_group(image, fit, {"sample_stats", true, {}});
    replace_file(path, image.bytes());
  } catch (const h5::Failure& failure) {
    throw std::runtime_error("Cannot write '" + path.string() + "' (" + failure.what() + "). Please report this.");
  }
}

}  // namespace lockstep
