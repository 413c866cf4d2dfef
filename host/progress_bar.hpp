// How a run shows that it is alive: a bar on a terminal, plain lines in a log.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "lockstep/sample.hpp"

namespace lockstep {

class ProgressBar {
 public:
  // Warmup, and sampling, may stop by themselves: their totals are caps, and no share of the work can be told.
  explicit ProgressBar(std::FILE* stream, bool open_ended_warmup = false, bool open_ended_sampling = false);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // May be called from any one thread at a time. A stream that cannot be written is no reason to stop: never throws.
  void operator()(const Progress& progress) noexcept;
  // What goes on between sampling and the result; on a terminal only.
  void now(const char* step);

 private:
  void draw_bar(const Progress& progress);
  void write_line(const Progress& progress);
  void redraw(const std::string& text);
  double seconds() const;
  bool open_ended() const { return warmup_ ? open_ended_warmup_ : open_ended_sampling_; }

  std::FILE* stream_;
  bool terminal_, open_ended_warmup_, open_ended_sampling_;
  bool bar_shown_ = false;
  bool warmup_ = true;     // the phase that was last reported
  bool finished_ = false;  // it has reported its end: what comes late is out of date
  double phase_started_ = 0;
  double next_share_ = 0.25, next_time_ = 60;  // a log gets a line for every quarter, and for every minute
  int frame_ = 0;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

// "12.3 s", "4 min 05 s", "2 h 05 min"
std::string duration_text(double seconds);

}  // namespace lockstep
