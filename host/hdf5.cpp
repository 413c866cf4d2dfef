#include "host/hdf5.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace lockstep::h5 {
namespace {

std::mutex& session_mutex() {
  static std::mutex mutex;
  return mutex;
}

extern "C" herr_t keep_innermost(unsigned, const H5E_error2_t* error, void* reason) noexcept {
  try {
    if (error->desc != nullptr) *static_cast<std::string*>(reason) = error->desc;
    return 0;
  } catch (...) {
    return -1;
  }
}

// Of "unable to open file: name = ..., errno = 13, error message = 'Permission denied', ..." the message alone.
std::string plain(const std::string& reason) {
  const std::string key = "error message = '";
  const auto first = reason.find(key);
  if (first == std::string::npos) return reason;
  const auto begin = first + key.size();
  return reason.substr(begin, reason.find('\'', begin) - begin);
}

}  // namespace

void fail(const std::string& doing) {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_innermost, &reason);
  H5Eclear2(H5E_DEFAULT);
  throw Failure("HDF5 could not " + doing + (reason.empty() ? "" : ": " + plain(reason)));
}

Session::Session() : lock_(session_mutex()) {
  H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Session::~Session() { H5Eset_auto2(H5E_DEFAULT, print_, print_data_); }

int signal_ending(const std::function<void()>& read) {
#if defined(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)  // there a crash is what is looked for
  return (void)read, 0;
#else
  const pid_t child = fork();
  if (child < 0) return 0;  // the reading proper goes on without
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    for (int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, SIG_DFL);
    if (const int nowhere = open("/dev/null", O_WRONLY); nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    try {
      read();
    } catch (...) {
    }
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  return WEXITSTATUS(status) == 0 ? 0 : SIGABRT;  // a sanitizer ended it
#endif
}

Handle string_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a string type");
  check(H5Tset_size(type, H5T_VARIABLE), "make a string type");
  check(H5Tset_cset(type, H5T_CSET_UTF8), "make a string type");
  return type;
}

}  // namespace lockstep::h5
