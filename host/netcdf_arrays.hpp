// What an HDF5 group of a NetCDF-4 file holds: arrays with named dimensions, and attributes.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "host/hdf5.hpp"
#include "lockstep/fit.hpp"

namespace lockstep::h5 {

// A sound file that holds what a Fit cannot.
struct Unfit : Failure {
  using Failure::Failure;
};

struct Array {
  std::string name;
  std::vector<std::string> dims;
  std::vector<std::size_t> extents;
  ElementType type = ElementType::real;
  std::vector<double> values;      // row-major
  std::vector<std::string> texts;  // instead of values, for text
  bool scale = false;              // a dimension of the group, with its coordinates as values or texts
  bool bare = false;               // a dimension without coordinates
};

// Throws Failure if memory could not hold that many elements: a damaged header may promise more than there could be.
void require_memory(double elements, std::size_t bytes_each);

// The names in a group, in the order of their creation where the file has kept it.
std::vector<std::string> members(hid_t group);

// All elements of a data set, row-major: of text, or of numbers as doubles. `name` is for messages. Throw Failure, also
// if memory could not hold them.
std::vector<std::string> read_texts(hid_t set, const std::string& name);
std::vector<double> read_numbers(hid_t set, const std::string& name);

// The arrays of a group. Throws Unfit for one that holds neither numbers nor text or whose dimensions have no names.
// Without `draws`, arrays of draws (see below) come without their values.
std::vector<Array> read_arrays(hid_t group, bool draws = true);

// Its first dimensions are chain and draw.
bool is_of_draws(const Array& array);

// Texts, lists of texts and single numbers; others, and libraries' own (_NCProperties, ...), are left out.
std::map<std::string, Attribute> read_attributes(hid_t object);

}  // namespace lockstep::h5
