// What a file of draws cannot hold, refused before anything is written.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "host/netcdf.hpp"

namespace lockstep {
namespace {

[[noreturn]] void refuse(const std::string& problem, const std::string& why, const std::string& remedy) {
  throw std::invalid_argument(problem + " (" + why + "). " + remedy);
}

void check_name(const std::string& name, const std::string& what) {
  if (!name.empty() && name != "." && name.find('/') == std::string::npos) return;
  refuse("A " + what + " cannot be called '" + name + "'", "HDF5 takes '/' and '.' for paths, and no empty name",
         "Rename it.");
}

using Sizes = std::map<std::string, std::size_t>;

void agree(Sizes& sizes, const std::string& dimension, std::size_t size, const std::string& where) {
  const auto [known, added] = sizes.try_emplace(dimension, size);
  if (added || known->second == size) return;
  refuse("The dimension '" + dimension + "' has two sizes",
         std::to_string(known->second) + ", and " + std::to_string(size) + " in " + where, "Give one another name.");
}

void check_dimensions(const std::vector<Dimension>& dimensions, Sizes& sizes) {
  for (const Dimension& each : dimensions) {
    check_name(each.name, "dimension");
    if (sizes.contains(each.name)) {
      refuse("The dimension '" + each.name + "' is there twice", "each name is one dimension", "Rename one.");
    }
    agree(sizes, each.name, each.size, "the fit");
    if (!each.labels.empty() && each.labels.size() != each.size) {
      refuse("The labels of '" + each.name + "' do not fit it",
             std::to_string(each.labels.size()) + " labels for size " + std::to_string(each.size),
             "Give one label per entry, or none.");
    }
  }
}

void check_shape(const Fit& fit, const Group& group, const Variable& variable, Sizes& sizes) {
  const std::string where = "'" + group.name + "/" + variable.name + "'";
  if (variable.dims.size() != variable.shape.size()) {
    refuse("The shape of " + where + " does not fit its dimensions",
           std::to_string(variable.shape.size()) + " sizes for " + std::to_string(variable.dims.size()) + " names",
           "Give one size per dimension.");
  }
  std::set<std::string> own;
  for (std::size_t i = 0; i < variable.dims.size(); ++i) {
    check_name(variable.dims[i], "dimension");
    agree(sizes, variable.dims[i], variable.shape[i], where);
    const bool leading = group.per_draw && (variable.dims[i] == "chain" || variable.dims[i] == "draw");
    if (leading || !own.insert(variable.dims[i]).second) {
      refuse(where + " has the dimension '" + variable.dims[i] + "' twice", "readers tell dimensions by their names",
             "Give each its own name.");
    }
  }
  const std::size_t expected = variable.size() * (group.per_draw ? fit.chains * fit.draws_of(group) : 1);
  if (variable.values.size() != expected) {
    refuse("The values of " + where + " do not fit its shape",
           std::to_string(variable.values.size()) + " values, expected " + std::to_string(expected),
           "Check how the fit was put together.");
  }
}

void check_values(const Group& group, const Variable& variable) {
  const auto fits = [&](double x) {
    return variable.type == ElementType::boolean ? x == 0 || x == 1 : x == std::trunc(x) && std::fabs(x) <= 0x1p53;
  };
  if (variable.type == ElementType::real || std::all_of(variable.values.begin(), variable.values.end(), fits)) return;
  const bool boolean = variable.type == ElementType::boolean;
  refuse("'" + group.name + "/" + variable.name + "' holds a value that is no " + (boolean ? "boolean" : "integer"),
         boolean ? "booleans are 0 or 1" : "integers are whole and at most 2^53 in size", "Declare it real.");
}

}  // namespace

void validate(const Fit& fit) {
  Sizes sizes;
  check_dimensions(fit.dimensions, sizes);
  for (const char* leading : {"chain", "draw"})
    agree(sizes, leading, *leading == 'c' ? fit.chains : fit.draws, "the fit");
  if (!fit.superchain.empty() && fit.superchain.size() != fit.chains) {
    refuse("The superchains do not fit the chains",
           std::to_string(fit.superchain.size()) + " entries for " + std::to_string(fit.chains) + " chains",
           "Give one entry per chain, or none.");
  }
  std::set<std::string> groups;
  for (const Group& group : fit.groups) {
    check_name(group.name, "group");
    if (!groups.insert(group.name).second) {
      refuse("The group '" + group.name + "' is there twice", "each name is one group", "Merge them.");
    }
    Sizes own;
    check_dimensions(group.dimensions, own);
    Sizes here = sizes;
    for (const auto& [name, size] : own) here[name] = size;
    for (const Variable& variable : group.variables) {
      check_shape(fit, group, variable, here);
      check_values(group, variable);
    }
    // A dimension that only variables name is one for all groups.
    for (const auto& [name, size] : here)
      if (!own.contains(name)) sizes[name] = size;
  }
  for (const Group& group : fit.groups) {
    std::set<std::string> variables;
    if (group.name == "sample_stats" && !fit.superchain.empty()) variables.insert("superchain_id");
    for (const Variable& variable : group.variables) {
      check_name(variable.name, "variable");
      const std::string where = "'" + group.name + "/" + variable.name + "'";
      if (sizes.contains(variable.name)) {
        refuse("The variable " + where + " has the name of a dimension",
               "readers would take it for the dimension's labels", "Rename the variable or the dimension.");
      }
      if (!variables.insert(variable.name).second) {
        refuse("The variable " + where + " is there twice", "each name is one variable", "Rename one.");
      }
    }
  }
}

}  // namespace lockstep
