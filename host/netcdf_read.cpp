// Puts a fit together from the files that write_netcdf, ArviZ, xarray and other samplers leave.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "host/hdf5.hpp"
#include "host/netcdf.hpp"
#include "host/netcdf_arrays.hpp"
#include "host/summary_groups.hpp"

namespace lockstep {
namespace {

using h5::Array;
using h5::Handle;
using h5::Unfit;

// A sound file without what is to be read.
struct WithoutDraws : h5::Failure {
  using Failure::Failure;
};

// Has the group draws? Its variables say so; if it has none, its dimensions.
bool is_per_draw(const std::vector<Array>& arrays) {
  if (std::any_of(arrays.begin(), arrays.end(), h5::is_of_draws)) return true;
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

// A dimension of a name may be another in one group than in those before: new data are predicted.
void add_dimension(Fit& fit, const Array& scale, Group& group) {
  const Dimension dimension = dimension_of(scale);
  const auto known = std::find_if(fit.dimensions.begin(), fit.dimensions.end(),
                                  [&](const Dimension& each) { return each.name == dimension.name; });
  if (known == fit.dimensions.end()) fit.dimensions.push_back(dimension);
  else if (*known != dimension) group.dimensions.push_back(dimension);
}

// The chains are the same in all groups; draws may differ.
void add_draws(Fit& fit, Group& group, const std::vector<Array>& arrays) {
  for (const Array& each : arrays) {
    if (!each.scale || each.extents.empty()) continue;
    if (each.name == "chain") {
      const bool first = std::none_of(fit.groups.begin(), fit.groups.end(), [](const Group& g) { return g.per_draw; });
      if (first) fit.chains = each.extents[0];
      if (fit.chains == each.extents[0]) continue;
      throw Unfit(fmt::format("{} has {} chains where another group has {}", group.name, each.extents[0], fit.chains));
    }
    if (each.name != "draw") continue;
    h5::require_memory(double(each.extents[0]), sizeof(std::size_t));
    group.draw_numbers.resize(each.extents[0]);
    const bool numbered =
        each.values.size() == each.extents[0] &&
        std::all_of(each.values.begin(), each.values.end(), [](double x) { return x >= 0 && x <= 0x1p53; });
    for (std::size_t i = 0; i < each.extents[0]; ++i)
      group.draw_numbers[i] = numbered ? static_cast<std::size_t>(each.values[i]) : i;
  }
}

// The fit's draws are the posterior's, or the first group's; where a group has the same, 0, 1, 2, ..., nothing is to be
// said. Where there is only a summary, they are those that it is of.
void settle_draws(Fit& fit) {
  const Group* first = nullptr;
  for (const Group& each : fit.groups)
    if (each.per_draw && (!first || each.name == "posterior")) first = &each;
  if (!first && fit.has_group(summary_group)) {
    const std::optional<std::size_t> draws = draws_summarised(fit.attributes);
    if (!draws) throw h5::Failure("its group summary does not say of how many draws it is");
    fit.draws = *draws;
    return;
  }
  if (!first) throw h5::Failure("it has no group of draws, such as posterior, with the dimensions chain and draw");
  fit.draws = first->draw_numbers.size();
  for (Group& each : fit.groups)
    if (each.per_draw) each.draw_numbers = numbers_unless_all(std::move(each.draw_numbers), fit.draws);
}

Variable variable_of(Array array, bool per_draw, const std::string& group) {
  if (!array.texts.empty()) throw Unfit(group + "/" + array.name + " holds text");
  if (per_draw) {
    if (!h5::is_of_draws(array)) throw Unfit(group + "/" + array.name + " has no dimensions chain and draw");
    array.dims.erase(array.dims.begin(), array.dims.begin() + 2);
    array.extents.erase(array.extents.begin(), array.extents.begin() + 2);
    double elements = 1;
    for (std::size_t extent : array.extents) elements *= double(extent);
    h5::require_memory(elements, sizeof(std::string));  // each will have a name
  }
  return {std::move(array.name), std::move(array.dims), std::move(array.extents), array.type, std::move(array.values)};
}

void read_group(hid_t object, const std::string& name, Fit& fit) {
  std::vector<Array> arrays = h5::read_arrays(object, false);
  Group group{name, is_per_draw(arrays), {}, {}};
  if (group.per_draw || name == chain_stats_group) add_draws(fit, group, arrays);
  for (Array& each : arrays) {
    const bool leading = each.name == "chain" || each.name == "draw";
    if (name == chain_stats_group && each.name == "superchain_id" && each.dims == std::vector<std::string>{"chain"})
      fit.superchain.assign(each.values.begin(), each.values.end());
    if (each.scale) {
      if (!leading) add_dimension(fit, each, group);
    } else if (name == "sample_stats" && each.name == "superchain_id" &&
               each.dims == std::vector<std::string>{"chain"}) {
      fit.superchain.assign(each.values.begin(), each.values.end());
    } else {
      group.variables.push_back(variable_of(std::move(each), group.per_draw, name));
    }
  }
  fit.groups.push_back(std::move(group));
  if (name == "posterior" || name == "sample_stats" || name == summary_group) fit.attributes.merge(h5::read_attributes(object));
}

Fit read_outline(hid_t file, const std::vector<std::string>& wanted) {
  const Handle root(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose, "open its root");
  Fit fit;
  bool has_summary = false;
  for (const std::string& name : h5::members(root)) {
    has_summary = has_summary || name == summary_group;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    const Handle object(H5Oopen(root, name.c_str(), H5P_DEFAULT), H5Oclose, "open " + name);
    if (H5Iget_type(object) == H5I_GROUP) read_group(object, name, fit);
  }
  fit.attributes.merge(h5::read_attributes(root));
  const bool has_draws = std::any_of(fit.groups.begin(), fit.groups.end(), [](const Group& g) { return g.per_draw; });
  if (has_summary && !has_draws && !fit.has_group(summary_group))
    throw WithoutDraws("it has a summary only, no draws: it was sampled with --keep summary");
  settle_draws(fit);
  return fit;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& why, const std::string& remedy) {
  throw std::runtime_error("Cannot read '" + path.string() + "' (" + why + "). " + remedy);
}

// Calls read() as HDF5's only caller, and says what is wrong with the file if it fails.
template <class F>
auto reading(const std::filesystem::path& path, const F& read) {
  const h5::Session session;
  try {
    return read();
  } catch (const WithoutDraws& without) {
    fail(path, without.what(), "Sample again without that.");
  } catch (const Unfit& unfit) {
    fail(path, unfit.what(), "Read only the groups that are needed, such as posterior.");
  } catch (const h5::Failure& failure) {
    fail(path, failure.what(), "Check that it is the whole file of a fit.");
  }
}

}  // namespace

struct FitFile::Open {
  Handle file;
  std::map<std::string, Handle> sets;  // by path; HDF5 keeps a data set's chunks as long as it is open
};

FitFile::FitFile(const std::filesystem::path& path, const std::vector<std::string>& groups) : path_(path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail(path, "there is no such file", "Check the path.");
  if (fs::is_directory(status)) fail(path, "it is a folder", "Name a file in it.");
  reading(path, [&] {
    if (H5Fis_hdf5(path.c_str()) == 0)
      fail(path, "it is not a NetCDF-4 file: HDF5's signature is missing", "Check that it is a fit.");
    const auto open = [&] { return Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "open it"); };
    if (const int signal = h5::signal_ending([&] { read_outline(open(), groups); }))
      fail(path, fmt::format("HDF5's library crashes on it, by signal {}, so it is damaged", signal),
           "Get another copy of it.");
    Handle file = open();
    outline_ = read_outline(file, groups);
    file_.reset(new Open{std::move(file), {}});
  });
}

FitFile::~FitFile() {
  const h5::Session session;
  file_.reset();
}

std::vector<double> FitFile::read(const Group& group, const Variable& variable, Range chains, Range draws,
                                  Range rows) const {
  return reading(path_, [&] {
    const std::string name = group.name + "/" + variable.name;
    auto place = file_->sets.find(name);
    if (place == file_->sets.end())
      place =
          file_->sets.emplace(name, Handle(H5Dopen2(file_->file, name.c_str(), H5P_DEFAULT), H5Dclose, "open " + name))
              .first;
    std::vector<hsize_t> from(2 + variable.shape.size(), 0), extents{chains.count, draws.count};
    extents.insert(extents.end(), variable.shape.begin(), variable.shape.end());
    from[0] = chains.first;
    from[1] = draws.first;
    if (!variable.shape.empty()) {
      from[2] = rows.first;
      extents[2] = rows.count;
    }
    double count = 1;
    for (hsize_t extent : extents) count *= double(extent);
    h5::require_memory(count, sizeof(double));
    std::vector<double> values(static_cast<std::size_t>(count));
    if (values.empty()) return values;
    const Handle space(H5Dget_space(place->second), H5Sclose, "read " + name);
    const Handle memory(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose,
                        "make a data space");
    h5::check(H5Sselect_hyperslab(space, H5S_SELECT_SET, from.data(), nullptr, extents.data(), nullptr),
              "read " + name);
    h5::check(H5Dread(place->second, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data()), "read " + name);
    return values;
  });
}

std::vector<double> FitFile::read(const Group& group, const Variable& variable, Range chains, Range draws) const {
  return read(group, variable, chains, draws, {0, rows_of(variable)});
}

std::vector<double> FitFile::read(const Group& group, const Variable& variable) const {
  return read(group, variable, {0, outline_.chains}, {0, outline_.draws_of(group)});
}

Fit read_netcdf(const std::filesystem::path& path, const std::vector<std::string>& groups) {
  const FitFile file(path, groups);
  Fit fit = file.outline();
  for (Group& group : fit.groups) {
    if (!group.per_draw) continue;
    for (Variable& variable : group.variables) variable.values = file.read(group, variable);
  }
  return fit;
}

}  // namespace lockstep
