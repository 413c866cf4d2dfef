#include "host/progress_bar.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace lockstep {
namespace {

bool is_terminal(std::FILE* stream) {
  const char* kind = std::getenv("TERM");
  return isatty(fileno(stream)) != 0 && kind && std::string_view(kind) != "dumb";
}

// Characters that fit on a line. A line that wraps could not be taken back.
std::size_t line_width(std::FILE* stream) {
  winsize size{};
  const bool known = ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col - 1u : 79u;
}

constexpr int bar_width = 30;

std::string filled(double share) {
  const int full = std::clamp(int(share * bar_width), 0, bar_width);
  return std::string(std::size_t(full), '#') + std::string(std::size_t(bar_width - full), ' ');
}

// Moves to and fro, where no share can be told.
std::string moving(int frame) {
  constexpr int length = 5, places = bar_width - length;
  const int step = frame % (2 * places), place = step < places ? step : 2 * places - step;
  std::string bar(bar_width, ' ');
  bar.replace(std::size_t(place), length, std::size_t(length), '#');
  return bar;
}

double share_of(const Progress& progress) { return progress.total > 0 ? progress.done / progress.total : 0; }

}  // namespace

std::string duration_text(double seconds) {
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const long long whole = std::llround(seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

ProgressBar::ProgressBar(std::FILE* stream, bool open_ended_warmup, bool open_ended_sampling)
    : stream_(stream),
      terminal_(is_terminal(stream)),
      open_ended_warmup_(open_ended_warmup),
      open_ended_sampling_(open_ended_sampling) {}

ProgressBar::~ProgressBar() {
  if (bar_shown_) std::fputs("\r\033[K", stream_);
  std::fflush(stream_);
}

void ProgressBar::operator()(const Progress& progress) noexcept {
  try {
    if (progress.warmup != warmup_) {
      warmup_ = progress.warmup;
      finished_ = false;
      phase_started_ = seconds();
      next_share_ = 0.25;
    }
    if (finished_) return;
    finished_ = progress.done >= progress.total;
    if (terminal_)
      draw_bar(progress);
    else
      write_line(progress);
  } catch (const std::exception&) {  // out of memory: the run itself will notice
  }
}

void ProgressBar::now(const char* step) {
  if (terminal_) redraw(step);
}

void ProgressBar::draw_bar(const Progress& progress) {
  const double share = share_of(progress), elapsed = seconds();
  const bool unknown = open_ended() && !finished_;
  const std::string bar = fmt::format("[{}]", unknown ? moving(frame_++) : filled(share));
  std::string figures;
  if (!unknown) figures += fmt::format("  {:3.0f}%", std::floor(100 * share));
  if (!finished_) figures += fmt::format("  {:.0f} draws", progress.done);
  figures += "  " + duration_text(elapsed);
  if (!unknown && share > 0.02 && share < 1 && elapsed - phase_started_ > 2)
    figures += fmt::format(", {} left", duration_text((elapsed - phase_started_) * (1 / share - 1)));
  const std::string name = progress.warmup ? "warmup  " : "sampling";
  const bool room = name.size() + 2 + bar.size() + figures.size() <= line_width(stream_);
  redraw(name + (room ? "  " + bar : "") + figures);
}

void ProgressBar::redraw(const std::string& text) {
  // The rest of the line is erased last: no flicker.
  std::fputs(fmt::format("\r{}\033[K", text.substr(0, line_width(stream_))).c_str(), stream_);
  std::fflush(stream_);
  bar_shown_ = true;
}

void ProgressBar::write_line(const Progress& progress) {
  const double share = share_of(progress), elapsed = seconds();
  const bool unknown = open_ended();
  const bool quarter = !unknown && share >= next_share_;
  if (!finished_ && !quarter && elapsed < next_time_) return;
  next_share_ = (std::floor(share * 4) + 1) / 4;
  next_time_ = elapsed + 60;
  const char* name = progress.warmup ? "warmup" : "sampling";
  const std::string time = duration_text(elapsed);
  std::string line;
  if (finished_)
    line = fmt::format("{}: done ({})\n", name, time);
  else if (unknown)
    line = fmt::format("{}: {:.0f} draws ({})\n", name, progress.done, time);
  else
    line = fmt::format("{}: {:.0f}% ({:.0f} draws, {})\n", name, std::floor(100 * share), progress.done, time);
  std::fputs(line.c_str(), stream_);
  std::fflush(stream_);
}

double ProgressBar::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

}  // namespace lockstep
