// The result of a run: draws, sampler statistics and the data, by name.
//
// The vocabulary is ArviZ's: a fit has groups (`posterior`, `sample_stats`, `observed_data`, ...), a group has
// variables, a variable has named dimensions, and a dimension may carry labels (coordinates).
#pragma once

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace lockstep {

enum class ElementType { real, integer, boolean };

// One named array. `dims` and `shape` describe one draw; in a group that is `per_draw` the values are stored as
// [chain][draw][element], row-major, otherwise as [element].
struct Variable {
  std::string name;
  std::vector<std::string> dims;   // empty for a scalar
  std::vector<std::size_t> shape;  // same length as dims
  ElementType type = ElementType::real;
  std::vector<double> values;      // booleans as 0/1; integers exact up to 2^53

  std::size_t size() const {       // elements in one draw
    std::size_t product = 1;
    for (std::size_t extent : shape) product *= extent;
    return product;
  }
};

// A dimension that variables share. Without labels its coordinate is 0, 1, ..., size-1.
struct Dimension {
  std::string name;
  std::size_t size = 0;
  std::vector<std::string> labels;
  bool operator==(const Dimension&) const = default;
};

struct Group {
  std::string name;                // ArviZ's name
  bool per_draw = true;            // variables have leading chain and draw axes
  std::vector<Variable> variables;
  // Which draws of each chain they are, counted from 0 in the run. Empty: the fit's draws, every one of them. A group
  // that is thinned, or holds the draws of warmup, has numbers of its own.
  std::vector<std::size_t> draw_numbers = {};
  // Those that are not what the fit's of the same names are, such as the observations of a group of predictions.
  std::vector<Dimension> dimensions = {};
};

using Attribute = std::variant<std::string, double, std::vector<std::string>>;

struct Fit {
  std::size_t chains = 0;
  std::size_t draws = 0;           // per chain, of the posterior
  std::vector<int> superchain;     // per chain: which shared starting point it came from (rules §1)
  std::vector<Dimension> dimensions;
  std::vector<Group> groups;
  std::map<std::string, Attribute> attributes;

  // The group or variable of that name. Throws std::out_of_range, naming what there is, if it is absent.
  const Group& group(const std::string& name) const;
  const Variable& variable(const std::string& group_name, const std::string& name) const;
  bool has_group(const std::string& name) const;
  // Draws per chain of a group.
  std::size_t draws_of(const Group& each) const { return each.draw_numbers.empty() ? draws : each.draw_numbers.size(); }
  // The run was ended by SampleOptions::cancel, or by a signal: every chain has the same number of draws, fewer than
  // were asked for.
  bool stopped_early() const;
};

}  // namespace lockstep
