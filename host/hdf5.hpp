// HDF5's C interface with owners, exceptions and quiet.
#pragma once

#include <hdf5.h>
#include <hdf5_hl.h>

#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

namespace lockstep::h5 {

// What HDF5 could not do, and its innermost reason.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void fail(const std::string& doing);

inline void check(herr_t status, const std::string& doing) {
  if (status < 0) fail(doing);
}

// Owns an identifier. `doing` completes the sentence "HDF5 could not ...".
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close, const std::string& doing) : id_(id), close_(close) {
    if (id < 0) fail(doing);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }

  // Closes now; what fails then is an error, not lost in a destructor.
  void close(const std::string& doing) {
    const hid_t id = std::exchange(id_, H5I_INVALID_HID);
    if (id >= 0) check(close_(id), doing);
  }

 private:
  hid_t id_;
  Close close_;
};

// While it lives, HDF5 prints no errors (they become exceptions) and this library is HDF5's only caller: not every
// build of HDF5 may be called from several threads.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  std::unique_lock<std::mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
};

// Calls `read` in a process of its own, a copy of this one, and waits for it: libhdf5 (1.10) crashes on some damaged
// files. Returns the signal that ended that process, or 0; exceptions are left to the reading proper. Needs a Session.
int signal_ending(const std::function<void()>& read);

// A UTF-8 string of any length, the one kind that every reader takes.
Handle string_type();

}  // namespace lockstep::h5
