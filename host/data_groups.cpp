#include "host/data_groups.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace lockstep {

namespace {

// HDF5 takes the rest for paths; no reader takes a variable for what has the name of a dimension.
bool can_be_stored(const std::string& name, const std::vector<Dimension>& dimensions) {
  if (name.empty() || name == "." || name.find('/') != std::string::npos || name == "chain" || name == "draw")
    return false;
  return std::none_of(dimensions.begin(), dimensions.end(), [&](const Dimension& each) { return each.name == name; });
}

Group observed_data(const HostModel& model) {
  Group group{"observed_data", false, {}};
  if (model.bound_to().data_sets() != 1) return group;  // each has its own
  std::vector<double> all(model.values(Meaning::observed));
  GenerateRequest request{};
  request.meaning = Meaning::observed;
  request.out = all.data();
  model.generate(request);
  auto values = all.begin();
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
    const SiteView& site = model.layout().sites[i];
    if (site.kind != SiteKind::observed) continue;
    if (!site.latent) {
      group.variables.push_back(model.variable(site));
      group.variables.back().values.assign(values, values + site.size);
    }
    values += site.size;
  }
  return group;
}

// Sites that were done, and all other fields. Those that the model does not read have dimensions as ArviZ names them.
Group constant_data(const HostModel& model, const std::vector<Dimension>& dimensions) {
  Group group{"constant_data", false, model.done()};
  const LayoutView& layout = model.layout();
  for (const auto& [name, field] : model.bound_to().fields()) {
    const bool is_done = std::any_of(model.done().begin(), model.done().end(),
                                     [&](const Variable& site) { return site.name == name; });
    if (find_site(layout, name) || is_done || field.columns != 1 || !can_be_stored(name, dimensions)) continue;
    const bool whole = std::all_of(field.values.begin(), field.values.end(),
                                   [](double x) { return x == std::trunc(x) && std::abs(x) <= 0x1p53; });
    Variable variable{name, {}, {}, whole ? ElementType::integer : ElementType::real, field.values};
    const std::vector<std::string> dims = model.dims_of(name);
    for (std::size_t axis = 0; axis < field.shape.size(); ++axis) {
      variable.dims.push_back(axis < dims.size() ? dims[axis] : fmt::format("{}_dim_{}", name, axis));
      variable.shape.push_back(std::size_t(field.shape[axis]));
    }
    group.variables.push_back(std::move(variable));
  }
  return group;
}

}  // namespace

std::vector<Group> data_groups(const HostModel& model, const std::vector<Dimension>& dimensions) {
  std::vector<Group> groups;
  for (Group group : {observed_data(model), constant_data(model, dimensions)})
    if (!group.variables.empty()) groups.push_back(std::move(group));
  return groups;
}

}  // namespace lockstep
