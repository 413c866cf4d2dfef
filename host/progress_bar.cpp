#include "host/progress_bar.hpp"

#include <unistd.h>

#include <fmt/format.h>

namespace lockstep {

ProgressBar::ProgressBar(std::FILE* stream) : stream_(stream), terminal_(isatty(fileno(stream)) != 0) {}

ProgressBar::~ProgressBar() {
  if (bar_shown_) std::fputs("\r\033[K", stream_);
  std::fflush(stream_);
}

void ProgressBar::operator()(const Progress& progress) {
  if (progress.warmup != warmup_) {
    warmup_ = progress.warmup;
    next_share_ = 0;
  }
  if (terminal_) draw_bar(progress);
  else write_line(progress);
  std::fflush(stream_);
}

void ProgressBar::draw_bar(const Progress& progress) {
  constexpr int width = 30;
  const double share = progress.total > 0 ? progress.done / progress.total : 0;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  std::string bar(width, ' ');
  for (int i = 0; i < int(share * width); ++i) bar[std::size_t(i)] = '#';
  fmt::print(stream_, "\r\033[K{:<9} [{}] {:3.0f}%  {:.0f} draws  {:.1f} s", progress.warmup ? "warmup" : "sampling", bar,
             100 * share, progress.done, seconds);
  bar_shown_ = true;
}

void ProgressBar::write_line(const Progress& progress) {
  const double share = progress.total > 0 ? progress.done / progress.total : 0;
  if (share < next_share_) return;
  next_share_ = share >= 1 ? 2 : (int(share * 4) + 1) / 4.;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  fmt::print(stream_, "{}: {:.0f}% ({:.0f} draws, {:.1f} s)\n", progress.warmup ? "warmup" : "sampling", 100 * share,
             progress.done, seconds);
}

}  // namespace lockstep
