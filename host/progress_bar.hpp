// How a run shows that it is alive: a bar on a terminal, plain lines in a log.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "lockstep/sample.hpp"

namespace lockstep {

class ProgressBar {
 public:
  explicit ProgressBar(std::FILE* stream);
  ~ProgressBar();
  void operator()(const Progress& progress);

 private:
  void draw_bar(const Progress& progress);
  void write_line(const Progress& progress);

  std::FILE* stream_;
  bool terminal_;
  bool bar_shown_ = false;
  bool warmup_ = true;
  double next_share_ = 0;   // a log gets a line for every quarter
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace lockstep
