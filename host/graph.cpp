#include "host/graph.hpp"

#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lockstep {

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
}

const char* style_of(const SiteView& site) {
  if (site.latent) return "shape=ellipse";
  switch (site.kind) {
    case SiteKind::observed: return "shape=ellipse, style=filled, fillcolor=lightgrey";
    case SiteKind::deterministic: return "shape=box";
    default: return "shape=ellipse";
  }
}

std::string frame_of(const Variable& variable) {
  std::vector<std::string> dims;
  for (std::size_t axis = 0; axis < variable.dims.size(); ++axis) dims.push_back(fmt::format("{} ({})", variable.dims[axis], variable.shape[axis]));
  return fmt::format("{}", fmt::join(dims, " x "));
}

}  // namespace

std::string graph_in_dot(const HostModel& model, const std::string& name) {
  std::map<std::string, std::vector<std::string>> frames;   // statements, by what is written on the frame
  std::set<std::string> known;
  const auto add = [&](const Variable& variable, const char* style) {
    known.insert(variable.name);
    frames[frame_of(variable)].push_back(fmt::format("{} [{}];", quoted(variable.name), style));
  };
  for (std::int64_t i = 0; i < model.layout().site_count; ++i)
    add(model.variable(model.layout().sites[i]), style_of(model.layout().sites[i]));
  for (const Variable& done : model.done()) add(done, "shape=box, style=dashed");
  const auto edges = model.graph();
  // Fields, and potentials, which are the only readers that are no sites.
  for (const auto& [from, to] : edges) {
    if (known.insert(from).second) frames[""].push_back(fmt::format("{} [shape=plaintext];", quoted(from)));
    if (known.insert(to).second) frames[""].push_back(fmt::format("{} [shape=diamond];", quoted(to)));
  }
  std::string text = fmt::format("digraph {} {{\n", quoted(name));
  int number = 0;
  for (const auto& [frame, nodes] : frames) {
    const std::string indent = frame.empty() ? "  " : "    ";
    if (!frame.empty()) text += fmt::format("  subgraph cluster_{} {{\n    label={};\n", number++, quoted(frame));
    for (const std::string& node : nodes) text += indent + node + "\n";
    if (!frame.empty()) text += "  }\n";
  }
  for (const auto& [from, to] : edges) text += fmt::format("  {} -> {};\n", quoted(from), quoted(to));
  return text + "}\n";
}

}  // namespace lockstep
