// A model's named sites, as plain data.
#pragma once

#include <cstdint>

namespace lockstep {

enum class SiteKind : std::int32_t { parameter, deterministic, observed };

// One site as it crosses the boundary between a compiled model and the engine. Strings live as long as the model.
struct SiteView {
  const char* name;
  SiteKind kind;
  const char* support;           // of a parameter, in words
  std::int32_t dim;              // id of its dimension, -1 for a scalar
  std::int32_t size;             // elements
  std::int32_t first;            // observed: elements before this one are given, not modelled
  std::int32_t coordinate;       // of a parameter: its first unconstrained coordinate
  bool whole;                    // values are whole numbers
};

struct DimView {
  const char* name;
  std::int64_t size;
  const char* const* labels;     // null: none
};


}  // namespace lockstep
