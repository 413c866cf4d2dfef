#include "host/hdf5.hpp"

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

Handle string_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a string type");
  check(H5Tset_size(type, H5T_VARIABLE), "make a string type");
  check(H5Tset_cset(type, H5T_CSET_UTF8), "make a string type");
  return type;
}

}  // namespace lockstep::h5
