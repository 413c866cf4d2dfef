#include "host/netcdf_arrays.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "host/data_text.hpp"
#include "host/machine_memory.hpp"

namespace lockstep::h5 {
namespace {

// `bytes` is what each takes here. Throws Failure.
std::size_t element_count(hid_t space, std::size_t bytes) {
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count < 0) fail("tell the size of an array");
  require_memory(double(count), bytes);
  return static_cast<std::size_t>(count);
}

// `read(memory type, buffer)` reads all strings of an attribute or a data set.
template <class Read>
std::vector<std::string> strings(hid_t stored, hid_t space, Read read) {
  std::vector<std::string> result;
  const bool variable = H5Tis_variable_str(stored) > 0;
  const std::size_t length = variable ? sizeof(std::string) : H5Tget_size(stored);
  const std::size_t count = element_count(space, std::max(length, sizeof(std::string)));
  if (count == 0) return result;
  if (variable) {
    std::vector<char*> pointers(count, nullptr);
    check(read(stored, pointers.data()), "read text");
    for (const char* each : pointers) result.emplace_back(each ? each : "");
    H5Dvlen_reclaim(stored, space, H5P_DEFAULT, pointers.data());
    return result;
  }
  std::vector<char> text(count * length);
  check(read(stored, text.data()), "read text");
  for (std::size_t i = 0; i < count; ++i) {
    const char* begin = text.data() + i * length;
    result.emplace_back(begin, std::find(begin, begin + length, '\0'));
  }
  return result;
}

// Text, a list of texts, or one number; nothing else has a place in a Fit.
std::optional<Attribute> read_attribute(hid_t object, const std::string& name) {
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "open the attribute " + name);
  const Handle type(H5Aget_type(attribute), H5Tclose, "read the attribute " + name);
  const Handle space(H5Aget_space(attribute), H5Sclose, "read the attribute " + name);
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_STRING) {
    std::vector<std::string> all =
        strings(type, space, [&](hid_t memory, void* buffer) { return H5Aread(attribute, memory, buffer); });
    const bool list = H5Sget_simple_extent_ndims(space) > 0;
    if (list) return all;
    return all.empty() ? std::string() : all.front();
  }
  if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || element_count(space, sizeof(double)) != 1) return std::nullopt;
  double value = 0;
  check(H5Aread(attribute, H5T_NATIVE_DOUBLE, &value), "read the attribute " + name);
  return value;
}

extern "C" herr_t append_name(hid_t, const char* name, const H5A_info_t*, void* names) noexcept {
  try {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
  } catch (...) {
    return -1;
  }
}

extern "C" herr_t keep_scale_name(hid_t, unsigned, hid_t scale, void* name) noexcept {
  try {
    std::string path(static_cast<std::size_t>(std::max<ssize_t>(H5Iget_name(scale, nullptr, 0), 0)), '\0');
    H5Iget_name(scale, path.data(), path.size() + 1);
    *static_cast<std::string*>(name) = path.substr(path.rfind('/') + 1);
    return 1;  // the first is enough
  } catch (...) {
    return -1;
  }
}

// The references to the scales of each axis are where HDF5 looks for them without a look at their type (1.10 crashes on
// others).
void require_scale_list(hid_t set, const std::string& name, std::size_t rank) {
  if (H5Aexists(set, "DIMENSION_LIST") <= 0) return;
  const Handle attribute(H5Aopen(set, "DIMENSION_LIST", H5P_DEFAULT), H5Aclose, "read the dimensions of " + name);
  const Handle type(H5Aget_type(attribute), H5Tclose, "read the dimensions of " + name);
  const Handle space(H5Aget_space(attribute), H5Sclose, "read the dimensions of " + name);
  bool sound = H5Tget_class(type) == H5T_VLEN && H5Sget_simple_extent_npoints(space) == static_cast<hssize_t>(rank);
  if (sound) {
    const Handle element(H5Tget_super(type), H5Tclose, "read the dimensions of " + name);
    sound = H5Tequal(element, H5T_STD_REF_OBJ) > 0;
  }
  if (!sound) throw Unfit("the list of dimensions of " + name + " is none of references to scales");
}

std::vector<std::string> dimension_names(hid_t set, const std::string& name, std::size_t rank) {
  require_scale_list(set, name, rank);
  std::vector<std::string> dims(rank);
  for (unsigned axis = 0; axis < rank; ++axis) {
    check(H5DSiterate_scales(set, axis, nullptr, keep_scale_name, &dims[axis]), "read the dimensions of " + name);
    if (dims[axis].empty()) {
      throw Unfit("axis " + std::to_string(axis) + " of " + name + " has no dimension scale");
    }
  }
  return dims;
}

bool is_boolean(hid_t set) {
  if (H5Aexists(set, "dtype") <= 0) return false;
  const std::optional<Attribute> dtype = read_attribute(set, "dtype");
  return dtype && std::holds_alternative<std::string>(*dtype) && std::get<std::string>(*dtype) == "bool";
}

void read_values(hid_t set, bool draws, Array& array) {
  const Handle type(H5Dget_type(set), H5Tclose, "read " + array.name);
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_STRING) {
    array.texts = read_texts(set, array.name);
    return;
  }
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) throw Unfit(array.name + " holds neither numbers nor text");
  if (kind == H5T_INTEGER) array.type = is_boolean(set) ? ElementType::boolean : ElementType::integer;
  if (!draws && is_of_draws(array)) return;
  array.values = read_numbers(set, array.name);
}

Array read_array(hid_t set, const std::string& name, bool draws) {
  Array array;
  array.name = name;
  const Handle space(H5Dget_space(set), H5Sclose, "read " + name);
  std::vector<hsize_t> extents(static_cast<std::size_t>(std::max(H5Sget_simple_extent_ndims(space), 0)));
  if (!extents.empty()) H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  array.extents.assign(extents.begin(), extents.end());
  array.scale = H5DSis_scale(set) > 0;
  if (array.scale) {
    char note[64] = "";
    H5DSget_scale_name(set, note, sizeof note);
    array.bare = std::string(note).starts_with("This is a netCDF dimension but not a netCDF variable");
  } else {
    array.dims = dimension_names(set, name, extents.size());
  }
  if (!array.bare) read_values(set, draws, array);
  return array;
}

}  // namespace

void require_memory(double elements, std::size_t bytes_each) {
  const double memory = machine_memory();
  if (elements * double(bytes_each) > memory)
    throw Failure(fmt::format("it has an array of {:.0f} elements, more than the memory here holds", elements));
}

std::vector<std::string> members(hid_t group) {
  const Handle properties(H5Gget_create_plist(group), H5Pclose, "list a group");
  unsigned order = 0;
  H5G_info_t info;
  check(H5Pget_link_creation_order(properties, &order), "list a group");
  check(H5Gget_info(group, &info), "list a group");
  const H5_index_t index = (order & H5P_CRT_ORDER_INDEXED) ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t length = H5Lget_name_by_idx(group, ".", index, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
    if (length < 0) fail("list a group");
    std::string name(static_cast<std::size_t>(length), '\0');
    H5Lget_name_by_idx(group, ".", index, H5_ITER_INC, i, name.data(), name.size() + 1, H5P_DEFAULT);
    if (first_bad_byte(name) != std::string::npos) throw Failure("it has a name that is no UTF-8 text");
    names.push_back(std::move(name));
  }
  return names;
}

bool is_of_draws(const Array& array) {
  return array.dims.size() >= 2 && array.dims[0] == "chain" && array.dims[1] == "draw";
}

std::vector<std::string> read_texts(hid_t set, const std::string& name) {
  const Handle type(H5Dget_type(set), H5Tclose, "read " + name);
  const Handle space(H5Dget_space(set), H5Sclose, "read " + name);
  return strings(type, space, [&](hid_t memory, void* buffer) {
    return H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer);
  });
}

std::vector<double> read_numbers(hid_t set, const std::string& name) {
  const Handle space(H5Dget_space(set), H5Sclose, "read " + name);
  std::vector<double> values(element_count(space, sizeof(double)));
  if (!values.empty()) check(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "read " + name);
  return values;
}

std::vector<Array> read_arrays(hid_t group, bool draws) {
  std::vector<Array> arrays;
  for (const std::string& name : members(group)) {
    const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose, "open " + name);
    if (H5Iget_type(object) == H5I_DATASET) arrays.push_back(read_array(object, name, draws));
  }
  return arrays;
}

std::map<std::string, Attribute> read_attributes(hid_t object) {
  std::vector<std::string> names;
  check(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, append_name, &names), "list attributes");
  std::map<std::string, Attribute> all;
  for (const std::string& name : names) {
    if (name.front() == '_') continue;
    if (std::optional<Attribute> value = read_attribute(object, name)) all[name] = std::move(*value);
  }
  return all;
}

}  // namespace lockstep::h5
