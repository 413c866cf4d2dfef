// What a suspended run goes on from, as bytes.
//
// A class that has such state has one function, state(Archive&), which saves it or loads it, so that the two cannot
// differ:
//
//   void state(Archive& archive) { archive(first_, second_); }
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace lockstep {

class Archive {
 public:
  Archive() = default;  // saves
  explicit Archive(std::vector<char> saved) : bytes_(std::move(saved)), loading_(true) {}

  bool loading() const { return loading_; }
  const std::vector<char>& bytes() const { return bytes_; }

  template <class... T>
  void operator()(T&... each) {
    (one(each), ...);
  }

  template <class T>
  void array(T* values, std::size_t count) {
    static_assert(std::is_trivially_copyable_v<T>);
    const std::size_t size = count * sizeof(T);
    if (!loading_) {
      const auto* first = reinterpret_cast<const char*>(values);
      bytes_.insert(bytes_.end(), first, first + size);
    } else if (size > 0) {
      require(size);
      std::memcpy(values, bytes_.data() + next_, size);
      next_ += size;
    }
  }

 private:
  template <class T>
  void one(T& value) {
    if constexpr (requires { value.state(*this); })
      value.state(*this);
    else
      array(&value, 1);
  }
  void one(std::string& text) {
    resize(text, 1);
    array(text.data(), text.size());
  }
  template <class V>
  void one(std::vector<V>& values) {
    resize(values, std::is_trivially_copyable_v<V> ? sizeof(V) : 1);
    if constexpr (std::is_trivially_copyable_v<V>)
      array(values.data(), values.size());
    else
      for (V& each : values) one(each);
  }
  template <class Values>
  void resize(Values& values, std::size_t bytes_each) {
    std::uint64_t count = values.size();
    array(&count, 1);
    if (!loading_) return;
    require(count, bytes_each);
    values.resize(count);
  }
  void require(std::uint64_t count, std::size_t bytes_each = 1) const {
    if (count > (bytes_.size() - next_) / bytes_each) throw std::runtime_error("The saved state ends too early.");
  }

  std::vector<char> bytes_;
  std::size_t next_ = 0;  // byte that is loaded next
  bool loading_ = false;
};

}  // namespace lockstep
