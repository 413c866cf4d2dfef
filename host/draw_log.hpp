// The draws of a run that has checkpoints, until they are put together.
//
// A file that only grows, so that what a checkpoint vouches for is never touched again, whenever the process is killed:
// one record, with its checksum, for what is appended at a time. It is locked as long as a run writes it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "host/draw_sink.hpp"

namespace lockstep {

class DrawLog : public DrawSink {
 public:
  // Begun afresh, under a random number by which a checkpoint knows its log again. What is left of a run that was
  // killed before its first checkpoint is replaced; anything else of that name is not. Throws SampleError,
  // std::runtime_error.
  explicit DrawLog(const std::filesystem::path& path);
  // Goes on after the bytes that a checkpoint vouches for. Throws SampleError if it is another's, or damaged, or in
  // use.
  DrawLog(const std::filesystem::path& path, std::uint64_t number, std::uint64_t bytes);
  DrawLog(const DrawLog&) = delete;

  void open(const Outline& outline) override;
  void append(std::size_t group, std::span<const std::size_t> numbers,
              std::span<const std::span<const double>> values) override;
  void close(const std::map<std::string, Attribute>& attributes) override { attributes_ = attributes; }
  const std::map<std::string, Attribute>& attributes() const { return attributes_; }

  std::uint64_t number() const { return number_; }
  std::uint64_t bytes() const { return bytes_; }
  // Has all of it on the disk.
  void secure() const;
  // Once it is closed: all that it was told, to another sink. Throws SampleError if a record is damaged.
  void replay(DrawSink& sink) const;
  void remove() const;

 private:
  struct Descriptor {
    int number = -1;
    ~Descriptor();
  };

  void open_locked(int flags);
  void write(std::span<const char> bytes);
  // Bytes at a place. Throws SampleError if they are not there.
  void read(std::uint64_t at, std::span<char> bytes) const;
  [[noreturn]] void damaged() const;

  std::filesystem::path path_;
  Descriptor file_;
  std::uint64_t number_ = 0, bytes_ = 0;
  Outline outline_;
  std::map<std::string, Attribute> attributes_;
};

}  // namespace lockstep
