// Where the draws of a run go, block after block: into a Fit in memory (FitBuilder), or into a results file
// (NetcdfWriter); or a summary of them does (SummarySink). No sink needs to be told how long a run will be.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/fit.hpp"

namespace lockstep {

// All that is known of a run's results before its first draw.
struct Outline {
  struct Draws {
    Group group;                // per draw; its variables have no values yet, and it has no draw numbers
    std::size_t most = 0;       // draws per chain that may come
    std::size_t at_a_time = 1;  // and how many of them come in one block, but for the last
  };
  std::size_t chains = 0;
  std::vector<int> superchain;  // as Fit's
  std::vector<Dimension> dimensions;
  std::vector<Draws> draws;
  std::vector<Group> data;  // not per draw, with their values

  // Which of `draws` is the group of that name; draws.size() if none is.
  std::size_t number_of(std::string_view group) const;
};

class DrawSink {
 public:
  virtual ~DrawSink() = default;

  // Once, before anything else. Throws std::invalid_argument for results that contradict themselves (see validate).
  virtual void open(const Outline& outline) = 0;
  // The next draws of group number `group` of Outline::draws: their numbers, and the values of each of its variables,
  // [chain][draw][element].
  virtual void append(std::size_t group, std::span<const std::size_t> numbers,
                      std::span<const std::span<const double>> values) = 0;
  // Once, when all draws are there. A sink that is destroyed without it leaves nothing behind.
  virtual void close(const std::map<std::string, Attribute>& attributes) = 0;
};

// Two sinks of the same draws.
class BothSinks : public DrawSink {
 public:
  BothSinks(DrawSink& first, DrawSink& second) : first_(first), second_(second) {}
  void open(const Outline& outline) override { first_.open(outline), second_.open(outline); }
  void append(std::size_t group, std::span<const std::size_t> numbers, std::span<const std::span<const double>> values) override {
    first_.append(group, numbers, values), second_.append(group, numbers, values);
  }
  void close(const std::map<std::string, Attribute>& attributes) override { first_.close(attributes), second_.close(attributes); }

 private:
  DrawSink &first_, &second_;
};

// A fit that has the outline's groups, and no draws.
Fit without_draws(const Outline& outline);

// What Group::draw_numbers is to be: nothing if they are 0, 1, ..., draws - 1.
std::vector<std::size_t> numbers_unless_all(std::vector<std::size_t> numbers, std::size_t draws);

}  // namespace lockstep
