// Look-up by name in a fit.
#include "lockstep/fit.hpp"

#include <algorithm>

namespace lockstep {
namespace {

template <class Named>
const Named& find(const std::vector<Named>& all, const std::string& name, const std::string& what,
                  const std::string& where) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Named& each) { return each.name == name; });
  if (found != all.end()) return *found;
  std::string message = "No " + what + " '" + name + "' in " + where;
  if (all.empty()) throw std::out_of_range(message + " (it has none).");
  message += " (it has";
  for (const Named& each : all) message += (&each == &all.front() ? " " : ", ") + each.name;
  throw std::out_of_range(message + "). Choose one of these.");
}

}  // namespace

const Group& Fit::group(const std::string& name) const { return find(groups, name, "group", "the fit"); }

const Variable& Fit::variable(const std::string& group_name, const std::string& name) const {
  return find(group(group_name).variables, name, "variable", "group '" + group_name + "'");
}

bool Fit::has_group(const std::string& name) const {
  return std::any_of(groups.begin(), groups.end(), [&](const Group& each) { return each.name == name; });
}

bool Fit::stopped_early() const {
  const auto stopped = attributes.find("stopped_early");
  return stopped != attributes.end() && std::holds_alternative<double>(stopped->second) &&
         std::get<double>(stopped->second) != 0;
}

}  // namespace lockstep
