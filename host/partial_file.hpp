// Files that are there whole or not at all.
#pragma once

#include <filesystem>
#include <span>

namespace lockstep {

// A file that takes its name when it is whole; until then it is TARGET.partial-PROCESS-COUNT in the same folder. It is
// locked while it is being written, so that those that a killed process has left can be told from those in use: they
// are removed when the next file of that name is begun. Throws std::runtime_error, with what can be done, whatever
// fails.
class PartialFile {
 public:
  explicit PartialFile(const std::filesystem::path& target);
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile();  // removes it, unless it was published

  const std::filesystem::path& target() const { return target_; }
  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return file_; }
  void write(std::span<const char> bytes);
  // Has the file on the disk and gives it its name. With `replace`, a file that has the name already is replaced;
  // without it, the new one takes the next free name. Returns the name that it has now.
  std::filesystem::path publish(bool replace);

 private:
  std::filesystem::path target_, path_;
  int file_ = -1;
  bool published_ = false;
};

// Removes what killed processes have left of files that were to become `target`.
void remove_abandoned(const std::filesystem::path& target);

// `path` if there is nothing of that name, else the first of NAME-2.nc, NAME-3.nc, ... that is free.
std::filesystem::path free_name(const std::filesystem::path& path);

// Throws std::runtime_error for a file that cannot be written: which, why (an errno), and what can be done.
[[noreturn]] void cannot_write(const std::filesystem::path& target, int error);

}  // namespace lockstep
