// Puts a fit together from the files that write_netcdf, ArviZ, xarray and other samplers leave.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "host/hdf5.hpp"
#include "host/netcdf.hpp"
#include "host/netcdf_arrays.hpp"

namespace lockstep {
namespace {

using h5::Array;
using h5::Handle;
using h5::Unfit;

bool is_of_draws(const Array& array) {
  return array.dims.size() >= 2 && array.dims[0] == "chain" && array.dims[1] == "draw";
}

// Has the group draws? Its variables say so; if it has none, its dimensions.
bool is_per_draw(const std::vector<Array>& arrays) {
  if (std::any_of(arrays.begin(), arrays.end(), is_of_draws)) return true;
  const auto has_scale = [&](const char* name) {
    return std::any_of(arrays.begin(), arrays.end(),
                       [&](const Array& each) { return each.scale && each.name == name; });
  };
  const bool only_scales = std::all_of(arrays.begin(), arrays.end(), [](const Array& each) { return each.scale; });
  return only_scales && has_scale("chain") && has_scale("draw");
}

// Coordinates 0, 1, 2, ... are no labels; other numbers are, as text.
Dimension dimension_of(const Array& scale) {
  Dimension dimension{scale.name, scale.extents.empty() ? 1 : scale.extents[0], scale.texts};
  bool counting = true;
  for (std::size_t i = 0; i < scale.values.size(); ++i) counting &= scale.values[i] == static_cast<double>(i);
  if (counting) return dimension;
  for (double each : scale.values) dimension.labels.push_back(fmt::format("{}", each));
  return dimension;
}

// A Fit has one meaning per dimension; files may have one per group.
void add_dimension(Fit& fit, const Array& scale, const std::string& group) {
  const Dimension dimension = dimension_of(scale);
  for (const Dimension& known : fit.dimensions) {
    if (known.name != dimension.name) continue;
    if (known.size == dimension.size && known.labels == dimension.labels) return;
    throw Unfit("the dimension " + known.name + " is another in " + group + " than in the groups before");
  }
  fit.dimensions.push_back(dimension);
}

void agree_on_draws(Fit& fit, const std::vector<Array>& arrays, const std::string& group) {
  for (const Array& each : arrays) {
    if (!each.scale || each.extents.empty() || (each.name != "chain" && each.name != "draw")) continue;
    std::size_t& known = each.name == "chain" ? fit.chains : fit.draws;
    const bool first = std::none_of(fit.groups.begin(), fit.groups.end(), [](const Group& g) { return g.per_draw; });
    if (first) known = each.extents[0];
    if (known == each.extents[0]) continue;
    throw Unfit(fmt::format("{} has {} {}s where another group has {}", group, each.extents[0], each.name, known));
  }
}

Variable variable_of(Array array, bool per_draw, const std::string& group) {
  if (!array.texts.empty()) throw Unfit(group + "/" + array.name + " holds text");
  if (per_draw) {
    if (!is_of_draws(array)) throw Unfit(group + "/" + array.name + " has no dimensions chain and draw");
    array.dims.erase(array.dims.begin(), array.dims.begin() + 2);
    array.extents.erase(array.extents.begin(), array.extents.begin() + 2);
  }
  return {std::move(array.name), std::move(array.dims), std::move(array.extents), array.type, std::move(array.values)};
}

void read_group(hid_t object, const std::string& name, Fit& fit) {
  std::vector<Array> arrays = h5::read_arrays(object);
  Group group{name, is_per_draw(arrays), {}};
  if (group.per_draw) agree_on_draws(fit, arrays, name);
  for (Array& each : arrays) {
    const bool leading = each.name == "chain" || each.name == "draw";
    if (each.scale) {
      if (!leading) add_dimension(fit, each, name);
    } else if (name == "sample_stats" && each.name == "superchain_id" &&
               each.dims == std::vector<std::string>{"chain"}) {
      fit.superchain.assign(each.values.begin(), each.values.end());
    } else {
      group.variables.push_back(variable_of(std::move(each), group.per_draw, name));
    }
  }
  fit.groups.push_back(std::move(group));
  if (name == "posterior" || name == "sample_stats") fit.attributes.merge(h5::read_attributes(object));
}

Fit read(const std::filesystem::path& path, const std::vector<std::string>& wanted) {
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open it");
  const Handle root(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose, "open its root");
  Fit fit;
  for (const std::string& name : h5::members(root)) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    const Handle object(H5Oopen(root, name.c_str(), H5P_DEFAULT), H5Oclose, "open " + name);
    if (H5Iget_type(object) == H5I_GROUP) read_group(object, name, fit);
  }
  fit.attributes.merge(h5::read_attributes(root));
  const bool draws = std::any_of(fit.groups.begin(), fit.groups.end(), [](const Group& each) { return each.per_draw; });
  if (!draws) throw h5::Failure("it has no group of draws, such as posterior, with the dimensions chain and draw");
  return fit;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& why, const std::string& remedy) {
  throw std::runtime_error("Cannot read '" + path.string() + "' (" + why + "). " + remedy);
}

}  // namespace

Fit read_netcdf(const std::filesystem::path& path, const std::vector<std::string>& groups) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail(path, "there is no such file", "Check the path.");
  if (fs::is_directory(status)) fail(path, "it is a folder", "Name a file in it.");
  const h5::Session session;
  const htri_t recognised = H5Fis_hdf5(path.c_str());
  if (recognised == 0) fail(path, "it is not a NetCDF-4 file: HDF5's signature is missing", "Check that it is a fit.");
  try {
    return read(path, groups);
  } catch (const Unfit& unfit) {
    fail(path, unfit.what(), "Read only the groups that are needed, such as posterior.");
  } catch (const h5::Failure& failure) {
    fail(path, failure.what(), "Check that it is the whole file of a fit.");
  }
}

}  // namespace lockstep
