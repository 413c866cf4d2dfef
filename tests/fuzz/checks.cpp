#include "tests/fuzz/checks.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "host/data_text.hpp"

namespace lockstep::fuzz {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void require_message(const std::exception& error) {
  const std::string message = error.what();
  const bool readable = !message.empty() && message.size() < 100000 && first_bad_byte(message) == std::string::npos;
  if (!readable) std::fprintf(stderr, "%s\n", message.c_str());
  require(readable, "a message is readable");
}

void require_sound(const Data& data) {
  for (const auto& [name, field] : data.fields()) {
    std::size_t size = std::size_t(field.columns);
    for (const std::int64_t extent : field.shape) size *= std::size_t(extent);
    require(size == field.values.size(), "a field has as many values as its shape");
    require(field.shape.size() <= 8, "a field has at most eight axes");
  }
  const DataViews views(data);
  const auto bind = [&](const auto& field) {
    try {
      Dataset set(views.view());
      field(set);
    } catch (const DataError& error) {
      require_message(error);
    }
  };
  for (const auto& field : data.fields()) {
    const std::string& name = field.first;
    bind([&](Dataset& d) { d.dim(name); });
    bind([&](Dataset& d) { d.scalar(name); });
    bind([&](Dataset& d) { d.integer(name, d.dim("along")); });
    bind([&](Dataset& d) { d.index(name, d.dim("along"), d.dim("target")); });
    bind([&](Dataset& d) { d.matrix(name, d.dim("along"), d.dim("across")); });
  }
  for (const auto& labels : data.labels()) {
    const std::string& dim = labels.first;
    bind([&](Dataset& d) { require(d.dim(dim).size == int(labels.second.size()), "labels give their dimension its size"); });
    bind([&](Dataset& d) { d.real(dim, d.dim("along")); });
  }
}

}  // namespace lockstep::fuzz
