// Ctrl-C and its like, as a wish to end well.
#pragma once

namespace lockstep {

// While it exists, the first SIGINT, SIGTERM or SIGHUP is only taken note of; a second one of any of them ends the
// process at once. A signal that was ignored before (as nohup has it) stays ignored. One object at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  static bool caught();
};

}  // namespace lockstep
