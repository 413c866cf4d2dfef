// Writes a fit. The layout is described in netcdf.hpp, and why it is so in what real readers were seen to do:
// variables come back in alphabetical order without creation-order tracking, strings of fixed length crash netCDF4,
// HDF5's own booleans are dropped by it, and h5netcdf reads nothing without dimension scales.
#include "host/netcdf.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <numeric>
#include <span>
#include <stdexcept>

#include "host/hdf5_file.hpp"
#include "host/summary_groups.hpp"

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

void put_attributes(hid_t object, const Group& group, const std::map<std::string, Attribute>& of_run) {
  std::map<std::string, Attribute> all = {
      {"created_at", now()}, {"creation_library", "lockstep"}, {"creation_library_version", LOCKSTEP_VERSION}};
  if (group.name == "posterior" || group.name == "sample_stats" || group.name == summary_group) {
    all["inference_library"] = "lockstep";
    all["inference_library_version"] = LOCKSTEP_VERSION;
    for (const auto& [name, value] : of_run) all[name] = value;
  }
  if (group.per_draw) all["sample_dims"] = std::vector<std::string>{"chain", "draw"};
  for (const auto& [name, value] : all) {
    std::visit([&, key = name](const auto& each) { put(object, key, each); }, value);
  }
}

// ---------------------------------------------------------------- data sets

// Extents now and at most, and the shape of a chunk.
struct Shape {
  std::vector<hsize_t> now, most, chunk;
};

Shape fixed(const std::vector<hsize_t>& extents) { return {extents, extents, {}}; }

// The largest part of an extent, of those that are all alike but for the last, that there is room for. The last is
// stored whole, so it should not be nearly empty.
hsize_t even_part(hsize_t extent, hsize_t room) {
  const hsize_t largest = std::clamp<hsize_t>(room, 1, extent), parts = (extent + largest - 1) / largest;
  return (extent + parts - 1) / parts;
}

// Chunks of at most 1 MiB: the draws that come at a time, so that a chunk is written once; then, from the last axis
// forwards, elements; then chains.
std::vector<hsize_t> chunks_of_draws(const std::vector<hsize_t>& most, std::size_t at_a_time) {
  std::vector<hsize_t> chunk(most.size(), 1);
  hsize_t room = chunk_values;
  const auto fill = [&](std::size_t axis, hsize_t extent) {
    chunk[axis] = even_part(extent, room);
    room /= chunk[axis];
  };
  fill(1, std::min<hsize_t>(most[1], at_a_time));
  for (std::size_t axis = most.size(); axis-- > 2;) fill(axis, most[axis]);
  fill(0, most[0]);
  return chunk;
}

std::vector<hsize_t> chunks_of_data(const std::vector<hsize_t>& extents) {
  std::vector<hsize_t> chunk(extents.size(), 1);
  hsize_t room = chunk_values;
  for (std::size_t axis = extents.size(); axis-- > 0;) {
    chunk[axis] = extents[axis] == 0 ? 1 : even_part(extents[axis], room);
    room /= chunk[axis];
  }
  return chunk;
}

bool has_none(const std::vector<hsize_t>& extents) {
  return std::find(extents.begin(), extents.end(), 0) != extents.end();
}

Handle create(hid_t group, const std::string& name, hid_t type, const Shape& shape, bool compress) {
  const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "make a property list");
  check(H5Pset_attr_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED), "track attributes");
  if (!shape.chunk.empty() && !has_none(shape.most)) {
    check(H5Pset_chunk(properties, static_cast<int>(shape.chunk.size()), shape.chunk.data()), "set chunks");
    if (compress) check(H5Pset_shuffle(properties), "set the shuffle filter");
    if (compress && H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0)
      check(H5Pset_deflate(properties, deflate_level), "set compression");
  }
  const Handle space(shape.now.empty()
                         ? H5Screate(H5S_SCALAR)
                         : H5Screate_simple(static_cast<int>(shape.now.size()), shape.now.data(), shape.most.data()),
                     H5Sclose, "make a data space");
  return Handle(H5Dcreate2(group, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose,
                "create the variable " + name);
}

void make_scale(hid_t set, const std::string& name) {
  check(H5DSset_scale(set, name.c_str()), "make the dimension " + name);
}

Handle put_coordinate(hid_t group, const Dimension& dimension) {
  const Handle strings = h5::string_type();
  const bool labelled = !dimension.labels.empty();
  Handle set = create(group, dimension.name, labelled ? hid_t{strings} : H5T_STD_I64LE, fixed({dimension.size}), false);
  std::vector<const char*> labels;
  for (const std::string& each : dimension.labels) labels.push_back(each.c_str());
  std::vector<long long> places(labelled ? 0 : dimension.size);
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<long long>(i);
  if (dimension.size > 0) {
    check(labelled ? H5Dwrite(set, strings, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels.data())
                   : H5Dwrite(set, H5T_NATIVE_LLONG, H5S_ALL, H5S_ALL, H5P_DEFAULT, places.data()),
          "write the coordinates " + dimension.name);
  }
  make_scale(set, dimension.name);
  return set;
}

hid_t stored_type(ElementType type) {
  if (type == ElementType::boolean) return H5T_STD_I8LE;
  return type == ElementType::integer ? H5T_STD_I64LE : H5T_IEEE_F64LE;
}

// Lengthens the second axis, draw (a coordinate's only one), and writes what is new.
template <class T>
void extend(hid_t group, const std::string& name, hid_t type, hsize_t draws, const T* values) {
  const Handle set(H5Dopen2(group, name.c_str(), H5P_DEFAULT), H5Dclose, "open the variable " + name);
  const auto space_of = [&] { return Handle(H5Dget_space(set), H5Sclose, "read the shape of " + name); };
  Handle space = space_of();
  std::vector<hsize_t> extents(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
  check(H5Sget_simple_extent_dims(space, extents.data(), nullptr), "read the shape of " + name);
  const std::size_t axis = extents.size() > 1 ? 1 : 0;
  std::vector<hsize_t> from(extents.size(), 0);
  from[axis] = extents[axis];
  extents[axis] += draws;
  check(H5Dset_extent(set, extents.data()), "lengthen the variable " + name);
  extents[axis] = draws;
  if (has_none(extents)) return;
  space = space_of();
  const Handle memory(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose,
                      "make a data space");
  check(H5Sselect_hyperslab(space, H5S_SELECT_SET, from.data(), nullptr, extents.data(), nullptr), "select draws");
  check(H5Dwrite(set, type, memory, space, H5P_DEFAULT, values), "write the variable " + name);
}

// ---------------------------------------------------------------- groups

// The coordinates of one group, by name.
using Scales = std::map<std::string, Handle>;

Handle put_variable(hid_t group, const Scales& scales, const std::vector<std::string>& dims, const Variable& variable,
                    const Shape& shape) {
  // Random numbers lose a fifth of their size, at 50 MB/s: longer than it takes to draw them.
  const bool compress = variable.type != ElementType::real;
  Handle set = create(group, variable.name, stored_type(variable.type), shape, compress);
  if (variable.type == ElementType::boolean) put(set, "dtype", std::string("bool"));
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    check(H5DSattach_scale(set, scales.at(dims[axis]), static_cast<unsigned>(axis)),
          "name the dimensions of " + variable.name);
  }
  return set;
}

void put_values(hid_t group, const Scales& scales, const std::vector<std::string>& dims, const Variable& variable,
                const std::vector<hsize_t>& extents) {
  const Handle set = put_variable(group, scales, dims, variable, {extents, extents, chunks_of_data(extents)});
  if (variable.values.empty()) return;
  check(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, variable.values.data()),
        "write the variable " + variable.name);
}

// The dimensions that a group's variables have beside chain and draw, in the fit's order.
std::vector<Dimension> dimensions_of(const std::vector<Dimension>& known, const Group& group) {
  std::vector<Dimension> all;
  const auto add = [&](const Dimension& dimension) {
    const bool there =
        std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.name == dimension.name; });
    if (!there) all.push_back(dimension);
  };
  for (const std::vector<Dimension>* some : {&group.dimensions, &known}) {
    for (const Dimension& dimension : *some) {
      for (const Variable& each : group.variables) {
        if (std::find(each.dims.begin(), each.dims.end(), dimension.name) != each.dims.end()) add(dimension);
      }
    }
  }
  for (const Variable& each : group.variables) {
    for (std::size_t i = 0; i < each.dims.size(); ++i) add({each.dims[i], each.shape[i], {}});
  }
  return all;
}

Handle create_group(hid_t file, const std::string& name) {
  const Handle properties(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, "make a property list");
  constexpr unsigned in_order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  check(H5Pset_link_creation_order(properties, in_order), "track variables");
  check(H5Pset_attr_creation_order(properties, in_order), "track attributes");
  return Handle(H5Gcreate2(file, name.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT), H5Gclose,
                "create the group " + name);
}

void put_draws_group(hid_t file, const Outline& outline, const Outline::Draws& draws) {
  const Handle place = create_group(file, draws.group.name);
  Scales scales;
  scales.emplace("chain", put_coordinate(place, {"chain", outline.chains, {}}));
  const hsize_t most = std::max<std::size_t>(draws.most, 1), coordinate_chunk = std::min<hsize_t>(most, chunk_values);
  Handle draw = create(place, "draw", H5T_STD_I64LE, {{0}, {most}, {coordinate_chunk}}, false);
  make_scale(draw, "draw");
  scales.emplace("draw", std::move(draw));
  for (const Dimension& each : dimensions_of(outline.dimensions, draws.group))
    scales.emplace(each.name, put_coordinate(place, each));
  for (const Variable& each : draws.group.variables) {
    std::vector<std::string> dims = {"chain", "draw"};
    dims.insert(dims.end(), each.dims.begin(), each.dims.end());
    Shape shape{{outline.chains, 0}, {}, {}};
    shape.now.insert(shape.now.end(), each.shape.begin(), each.shape.end());
    for (hsize_t extent : shape.now) shape.most.push_back(std::max<hsize_t>(extent, 1));  // no chunk can be of size 0
    shape.most[1] = most;
    shape.chunk = chunks_of_draws(shape.most, std::max<std::size_t>(draws.at_a_time, 1));
    put_variable(place, scales, dims, each, shape);
  }
  if (draws.group.name == "sample_stats" && !outline.superchain.empty()) {
    const Variable ids{
        "superchain_id", {}, {}, ElementType::integer, {outline.superchain.begin(), outline.superchain.end()}};
    put_values(place, scales, {"chain"}, ids, {outline.chains});
  }
}

void put_data_group(hid_t file, const Outline& outline, const Group& group) {
  const Handle place = create_group(file, group.name);
  Scales scales;
  for (const Dimension& each : dimensions_of(outline.dimensions, group))
    scales.emplace(each.name, put_coordinate(place, each));
  for (const Variable& each : group.variables)
    put_values(place, scales, each.dims, each, {each.shape.begin(), each.shape.end()});
}

}  // namespace

// ---------------------------------------------------------------- the file

struct NetcdfWriter::Open {
  template <class... Path> explicit Open(const Path&... path) : file(path...) {}
  h5::OutputFile file;
  Outline outline;
};

namespace {

// HDF5's failures other than a full disk: a bug of ours, or no memory.
template <class F>
void writing(const std::filesystem::path& path, const F& write) {
  const h5::Session session;
  try {
    write();
  } catch (const h5::Failure& failure) {
    throw std::runtime_error("Cannot write '" + path.string() + "' (" + failure.what() + "). Please report this.");
  }
}

}  // namespace

NetcdfWriter::NetcdfWriter(const std::filesystem::path& path, bool overwrite) : path_(path), overwrite_(overwrite) {
  writing(path_, [&] { file_ = std::make_unique<Open>(path); });
}

NetcdfWriter::NetcdfWriter(const std::filesystem::path& path, const std::vector<std::string>& replaced)
    : path_(path), overwrite_(true) {
  writing(path_, [&] {
    file_ = std::make_unique<Open>(path, path);
    for (const std::string& group : replaced)
      if (H5Lexists(file_->file, group.c_str(), H5P_DEFAULT) > 0)
        check(H5Ldelete(file_->file, group.c_str(), H5P_DEFAULT), "replace the group " + group);
  });
}

NetcdfWriter::~NetcdfWriter() {
  const h5::Session session;
  file_.reset();
}

void NetcdfWriter::open(const Outline& outline) {
  validate(without_draws(outline));
  writing(path_, [&] {
    for (const Outline::Draws& each : outline.draws) put_draws_group(file_->file, outline, each);
    for (const Group& each : outline.data) put_data_group(file_->file, outline, each);
    file_->outline = outline;
    for (Group& each : file_->outline.data) each.variables.clear();  // they are written
    file_->file.flush();
  });
}

void NetcdfWriter::append(std::size_t group, std::span<const std::size_t> numbers,
                          std::span<const std::span<const double>> values) {
  writing(path_, [&] {
    const Group& known = file_->outline.draws[group].group;
    const Handle place(H5Gopen2(file_->file, known.name.c_str(), H5P_DEFAULT), H5Gclose,
                       "open the group " + known.name);
    const std::vector<long long> coordinates(numbers.begin(), numbers.end());
    extend(place, "draw", H5T_NATIVE_LLONG, numbers.size(), coordinates.data());
    for (std::size_t v = 0; v < values.size(); ++v)
      extend(place, known.variables[v].name, H5T_NATIVE_DOUBLE, numbers.size(), values[v].data());
    file_->file.flush();
  });
}

void NetcdfWriter::close(const std::map<std::string, Attribute>& attributes) {
  writing(path_, [&] {
    const auto put_all = [&](const Group& group) {
      const Handle place(H5Gopen2(file_->file, group.name.c_str(), H5P_DEFAULT), H5Gclose,
                         "open the group " + group.name);
      put_attributes(place, group, attributes);
    };
    for (const Outline::Draws& each : file_->outline.draws) put_all(each.group);
    for (const Group& each : file_->outline.data) put_all(each);
    path_ = file_->file.publish(overwrite_);
    file_.reset();
  });
}

namespace {

// What a writer writes of a fit, all of it.
void write_all(const Fit& fit, NetcdfWriter& writer) {
  Outline outline{fit.chains, fit.superchain, fit.dimensions, {}, {}};
  std::vector<const Group*> groups;
  for (const Group& group : fit.groups) {
    if (!group.per_draw) {
      outline.data.push_back(group);
      continue;
    }
    const std::size_t draws = fit.draws_of(group);
    Outline::Draws without{{group.name, true, {}, {}}, draws, draws};
    for (const Variable& each : group.variables)
      without.group.variables.push_back({each.name, each.dims, each.shape, each.type, {}});
    outline.draws.push_back(std::move(without));
    groups.push_back(&group);
  }
  if (!fit.superchain.empty() && !fit.has_group("sample_stats") && !fit.has_group(chain_stats_group))
    outline.draws.push_back({{"sample_stats", true, {}, {}}, fit.draws, fit.draws});
  writer.open(outline);
  for (std::size_t g = 0; g < outline.draws.size(); ++g) {
    std::vector<std::size_t> numbers(outline.draws[g].most);
    std::iota(numbers.begin(), numbers.end(), 0);
    std::vector<std::span<const double>> values;
    if (g < groups.size()) {
      if (!groups[g]->draw_numbers.empty()) numbers = groups[g]->draw_numbers;
      for (const Variable& each : groups[g]->variables) values.emplace_back(each.values);
    }
    writer.append(g, numbers, values);
  }
  writer.close(fit.attributes);
}

}  // namespace

void write_netcdf(const Fit& fit, const std::filesystem::path& path) {
  validate(fit);
  NetcdfWriter writer(path, true);
  write_all(fit, writer);
}

void append_netcdf(const Fit& fit, const std::filesystem::path& path, bool overwrite) {
  validate(fit);
  std::vector<std::string> names;
  for (const Group& group : fit.groups) names.push_back(group.name);
  const FitFile before(path);
  for (const Group& there : before.outline().groups)
    if (!overwrite && std::find(names.begin(), names.end(), there.name) != names.end())
      throw std::invalid_argument("'" + path.string() + "' has a group '" + there.name + "' (it would be lost). Write to another file, or "
                                  "allow it to be replaced.");
  NetcdfWriter writer(path, names);
  write_all(fit, writer);
}

}  // namespace lockstep
