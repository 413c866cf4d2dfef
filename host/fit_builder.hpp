// Puts a run's draws together in memory.
#pragma once

#include "host/draw_sink.hpp"

namespace lockstep {

class FitBuilder : public DrawSink {
 public:
  void open(const Outline& outline) override;
  void append(std::size_t group, std::span<const std::size_t> numbers,
              std::span<const std::span<const double>> values) override;
  void close(const std::map<std::string, Attribute>& attributes) override;

  // The fit, once the sink is closed.
  Fit take() { return std::move(fit_); }

 private:
  struct Block {
    std::size_t draws;
    std::vector<std::vector<double>> values;  // per variable, [chain][draw][element]
  };
  Fit fit_;
  std::vector<std::vector<Block>> blocks_;  // per group
  std::vector<std::vector<std::size_t>> numbers_;
};

}  // namespace lockstep
