// FNV-1a, 64 bits: it tells versions of files and of data apart, and what is whole from what is damaged; nothing more.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace lockstep {

class Hash {
 public:
  void add_bytes(std::span<const char> bytes) {
    for (const char c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  }
  void add(std::string_view text) {
    add_bytes({text.data(), text.size()});
    value_ = (value_ ^ 0xFF) * 0x100000001B3ull;  // so that ("ab", "c") is not ("a", "bc")
  }
  std::uint64_t value() const { return value_; }
  std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325ull;
};

inline std::uint64_t checksum(std::span<const char> bytes) {
  Hash hash;
  hash.add_bytes(bytes);
  return hash.value();
}

}  // namespace lockstep
