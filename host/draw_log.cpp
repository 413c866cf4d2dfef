#include "host/draw_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <random>

#include "host/hash.hpp"
#include "host/netcdf.hpp"
#include "host/partial_file.hpp"
#include "kernels/archive.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

namespace {

struct Head {
  std::array<char, 8> magic{'L', 'O', 'C', 'K', 'D', 'R', 'A', 'W'};
  std::uint64_t number = 0;
};

struct Record {
  std::uint64_t bytes = 0, checksum = 0;
};

}  // namespace

DrawLog::DrawLog(const std::filesystem::path& path) : path_(path) {
  open_locked(O_CREAT | O_RDWR);
  Head head;
  struct stat status {};
  if (fstat(file_.number, &status) == 0 && status.st_size > 0) {
    Head found;
    const bool whole =
        std::size_t(status.st_size) >= sizeof found && pread(file_.number, &found, sizeof found, 0) == sizeof found;
    if (!whole || found.magic != head.magic)
      throw SampleError(
          fmt::format("'{}' is there already, and is no log of draws (draws would be kept there until the run is "
                      "finished). Name another checkpoint.",
                      path.string()));
  }
  if (ftruncate(file_.number, 0) != 0) cannot_write(path, errno);
  std::random_device random;
  head.number = number_ = std::uint64_t(random()) << 32 | random();
  write({reinterpret_cast<const char*>(&head), sizeof head});
}

DrawLog::DrawLog(const std::filesystem::path& path, std::uint64_t number, std::uint64_t bytes)
    : path_(path), number_(number), bytes_(bytes) {
  if (!std::filesystem::exists(path))
    throw SampleError(fmt::format(
        "There is no file '{}' (the draws that belong to the checkpoint). It must lie beside it.", path.string()));
  open_locked(O_RDWR);
  Head head;
  const Head expected{head.magic, number};
  read(0, {reinterpret_cast<char*>(&head), sizeof head});
  if (std::memcmp(&head, &expected, sizeof head) != 0)
    throw SampleError(fmt::format(
        "'{}' does not belong to the checkpoint (it has the draws of another run, or none). Put the run's own "
        "beside it.",
        path.string()));
  struct stat status {};
  if (fstat(file_.number, &status) != 0 || std::uint64_t(status.st_size) < bytes) damaged();
  if (ftruncate(file_.number, off_t(bytes)) != 0) cannot_write(path, errno);
}

DrawLog::Descriptor::~Descriptor() {
  if (number >= 0) ::close(number);
}

// The lock goes with the process, even if that is killed.
void DrawLog::open_locked(int flags) {
  file_.number = ::open(path_.c_str(), flags | O_CLOEXEC, 0666);
  if (file_.number < 0) cannot_write(path_, errno);
  if (flock(file_.number, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;  // a file system may know no locks
  throw SampleError(
      fmt::format("'{}' is in use (another process is at work on this run). Wait for it, or end it.", path_.string()));
}

void DrawLog::open(const Outline& outline) {
  validate(without_draws(outline));
  outline_ = outline;
}

void DrawLog::append(std::size_t group, std::span<const std::size_t> numbers,
                     std::span<const std::span<const double>> values) {
  std::vector<std::size_t> all_numbers(numbers.begin(), numbers.end());
  std::vector<std::vector<double>> all_values;
  for (const std::span<const double>& each : values) all_values.emplace_back(each.begin(), each.end());
  Archive archive;
  archive(group, all_numbers, all_values);
  const Record record{archive.bytes().size(), checksum(archive.bytes())};
  write({reinterpret_cast<const char*>(&record), sizeof record});
  write(archive.bytes());
}

void DrawLog::write(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(file_.number, bytes.data(), bytes.size(), off_t(bytes_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) cannot_write(path_, errno);
    bytes_ += std::uint64_t(written);
    bytes = bytes.subspan(std::size_t(written));
  }
}

void DrawLog::read(std::uint64_t at, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = pread(file_.number, bytes.data(), bytes.size(), off_t(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) damaged();
    at += std::uint64_t(got);
    bytes = bytes.subspan(std::size_t(got));
  }
}

void DrawLog::secure() const {
  if (fdatasync(file_.number) != 0 && errno != EINVAL) cannot_write(path_, errno);
}

void DrawLog::replay(DrawSink& sink) const {
  sink.open(outline_);
  for (std::uint64_t at = sizeof(Head); at < bytes_;) {
    Record record;
    read(at, {reinterpret_cast<char*>(&record), sizeof record});
    at += sizeof record;
    if (record.bytes > bytes_ - at) damaged();
    std::vector<char> bytes(record.bytes);
    read(at, bytes);
    at += record.bytes;
    if (checksum(bytes) != record.checksum) damaged();
    Archive archive(std::move(bytes));
    std::size_t group = 0;
    std::vector<std::size_t> numbers;
    std::vector<std::vector<double>> values;
    archive(group, numbers, values);
    if (group >= outline_.draws.size() || values.size() != outline_.draws[group].group.variables.size()) damaged();
    sink.append(group, numbers, std::vector<std::span<const double>>(values.begin(), values.end()));
  }
  sink.close(attributes_);
}

void DrawLog::remove() const {
  std::error_code error;
  std::filesystem::remove(path_, error);
}

void DrawLog::damaged() const {
  throw SampleError(
      fmt::format("'{}' is damaged (draws are not as they were written). The run must be made again.", path_.string()));
}

}  // namespace lockstep
