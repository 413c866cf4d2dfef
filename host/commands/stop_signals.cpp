#include "host/commands/stop_signals.hpp"

#include <csignal>
#include <initializer_list>

namespace lockstep {

namespace {

constexpr std::initializer_list<int> stop_signals = {SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t was_caught = 0;

void replace(void (*from)(int), void (*to)(int)) {
  for (int signal : stop_signals)
    if (std::signal(signal, to) != from) std::signal(signal, SIG_IGN);  // it was ignored, and is to be so
}

extern "C" void take_note(int) {
  was_caught = 1;
  replace(take_note, SIG_DFL);
}

}  // namespace

StopSignals::StopSignals() {
  was_caught = 0;
  replace(SIG_DFL, take_note);
}

StopSignals::~StopSignals() {
  if (!was_caught) replace(take_note, SIG_DFL);
}

bool StopSignals::caught() { return was_caught != 0; }

}  // namespace lockstep
