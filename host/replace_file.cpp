#include "host/replace_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace lockstep {
namespace {

namespace fs = std::filesystem;

std::string remedy(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "Create the folder or choose another.";
    case EACCES:
    case EPERM:
    case EROFS:
      return "Choose a folder that you may write to.";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "Free some space or choose another place; nothing was left behind.";
    default:
      return "Choose another place; nothing was left behind.";
  }
}

[[noreturn]] void fail(const fs::path& target, int error) {
  throw std::runtime_error("Cannot write '" + target.string() + "' (" + std::strerror(error) + "). " + remedy(error));
}

// A new file beside the target, gone again unless it took the target's name.
class Partial {
 public:
  explicit Partial(const fs::path& target) : target_(target), path_(target) {
    static std::atomic<unsigned> count{0};  // several threads may write the same target: the last one wins
    path_ += ".partial-" + std::to_string(getpid()) + "-" + std::to_string(count++);
    file_ = open(path_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (file_ < 0) fail(target_, errno);
  }
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;
  ~Partial() {
    if (file_ >= 0) close(file_);
    if (!renamed_) unlink(path_.c_str());
  }

  void write(std::span<const char> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(file_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail(target_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  void rename() {
    // A disk may say only now that it is full. EINVAL: the file system has nothing to synchronise.
    if (fsync(file_) != 0 && errno != EINVAL) fail(target_, errno);
    if (close(std::exchange(file_, -1)) != 0) fail(target_, errno);
    if (std::rename(path_.c_str(), target_.c_str()) != 0) fail(target_, errno);
    renamed_ = true;
  }

 private:
  fs::path target_, path_;
  int file_ = -1;
  bool renamed_ = false;
};

}  // namespace

void replace_file(const fs::path& path, std::span<const char> bytes) {
  if (fs::is_directory(path)) fail(path, EISDIR);  // before the work, and named as what it is
  Partial partial(path);
  partial.write(bytes);
  partial.rename();
}

}  // namespace lockstep
