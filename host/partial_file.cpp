#include "host/partial_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
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

std::string prefix_of(const fs::path& target) { return target.filename().string() + ".partial-"; }

// A new file of that name, locked. The lock is a shared one, as HDF5 takes to read: one may look into a file that is
// being written. On a file system without locks nobody can remove it, either.
int create_locked(const fs::path& path) {
  const int file = open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
  if (file >= 0) (void)flock(file, LOCK_SH | LOCK_NB);
  return file;
}

// Renames unless there is something of the new name. Not every file system can do that in one step.
bool rename_to_free(const fs::path& from, const fs::path& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  if (access(to.c_str(), F_OK) == 0) {
    errno = EEXIST;
    return false;
  }
  return std::rename(from.c_str(), to.c_str()) == 0;
}

}  // namespace

void cannot_write(const fs::path& target, int error) {
  throw std::runtime_error("Cannot write '" + target.string() + "' (" + std::strerror(error) + "). " + remedy(error));
}

// The lock goes with the process that holds it, even if that is killed.
void remove_abandoned(const fs::path& target) {
  std::error_code error;
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    if (!each->path().filename().string().starts_with(prefix_of(target))) continue;
    const int file = open(each->path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) continue;
    if (flock(file, LOCK_EX | LOCK_NB) == 0) unlink(each->path().c_str());
    close(file);
  }
}

fs::path free_name(const fs::path& path) {
  std::error_code error;
  fs::path name = path;
  for (int i = 2; fs::symlink_status(name, error).type() != fs::file_type::not_found && !error; ++i)
    name = path.parent_path() / (path.stem().string() + "-" + std::to_string(i) + path.extension().string());
  return name;
}

PartialFile::PartialFile(const fs::path& target) : target_(target) {
  if (fs::is_directory(target)) cannot_write(target, EISDIR);  // before the work, and named as what it is
  remove_abandoned(target);
  static std::atomic<unsigned> count{0};  // several threads may write the same target
  for (bool mine = false; !mine;) {
    path_ = target;
    path_.replace_filename(prefix_of(target) + std::to_string(getpid()) + "-" + std::to_string(count++));
    file_ = create_locked(path_);
    if (file_ < 0 && errno == EEXIST) continue;  // from another machine that has our number
    if (file_ < 0) cannot_write(target_, errno);
    // Another process may have taken it for abandoned before it was locked.
    struct stat status {};
    mine = fstat(file_, &status) == 0 && status.st_nlink > 0;
    if (!mine) close(std::exchange(file_, -1));
  }
}

PartialFile::~PartialFile() {
  if (!published_) unlink(path_.c_str());
  if (file_ >= 0) close(file_);
}

void PartialFile::write(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) cannot_write(target_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

fs::path PartialFile::publish(bool replace) {
  // A disk may say only now that it is full. EINVAL: the file system has nothing to synchronise.
  if (fsync(file_) != 0 && errno != EINVAL) cannot_write(target_, errno);
  fs::path name = target_;
  if (replace) {
    if (std::rename(path_.c_str(), name.c_str()) != 0) cannot_write(target_, errno);
  } else {
    while (!rename_to_free(path_, name = free_name(target_)))
      if (errno != EEXIST) cannot_write(target_, errno);
  }
  published_ = true;
  if (close(std::exchange(file_, -1)) != 0) cannot_write(name, errno);
  return name;
}

}  // namespace lockstep
