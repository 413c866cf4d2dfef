// A model's named sites, as plain data.
#pragma once

#include <cstdint>

namespace lockstep {

enum class SiteKind : std::int32_t { parameter, deterministic, observed };

// An observed site some elements of which are missing is two sites, by its name and these: those that are there, and parameters.
inline constexpr const char *observed_suffix = "_observed", *imputed_suffix = "_unobserved";

// The states of an observed site's own, which are summed out, have its name and this; so have the labels of distributions, a
// parameter's too.
inline constexpr const char* state_suffix = "_state";
inline constexpr std::int32_t one_state = -2;   // in place of the dimension of states: those of a number

// Data that say how far each element of a parameter is centred have the parameter's name and this (Dataset::centredness).
inline constexpr const char* centredness_suffix = "_centredness";

// One site as it crosses the boundary between a compiled model and the engine. Strings live as long as the model.
struct SiteView {
  const char* name;
  SiteKind kind;
  const char* support;           // of a parameter, in words
  std::int32_t rank;             // axes: 0 a number, 1 a vector, 2 a matrix
  std::int32_t dims[2];          // ids of its axes' dimensions, -1 where it has none
  std::int32_t size;             // elements, over all axes
  std::int32_t event_rank;       // how many of the last axes lie inside one event of its distribution: 1 where a row is one
  std::int32_t events;           // and how many there are, each with a log density of its own
  std::int32_t first;            // observed: elements before this one are given, not modelled
  std::int32_t coordinate;       // of a parameter: its first unconstrained coordinate
  std::int32_t coordinates;      // and how many it has: a simplex has one less than elements
  bool whole;                    // values are whole numbers
  bool recurrence = false;       // observed: each element's log likelihood is that given the ones before it
  bool latent = false;           // observed: a discrete latent that was summed out. It is drawn, and never data; its log likelihood
                                 // is that of all data that depend on each element, whose own sites have no events
  std::int32_t event_dim = -1;   // observed: the dimension along which its events run, where that is no axis of its own
  std::int32_t states_dim = -1;  // that of the labels that its distributions sum over; -1: there are none
  std::int32_t missing_dim = -1; // observed: that of the missing elements that were summed out with a state; -1: there are none
};

struct DimView {
  const char* name;
  std::int64_t size;
  const char* const* labels;     // null: none
};

}  // namespace lockstep
