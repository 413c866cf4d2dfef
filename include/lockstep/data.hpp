// A data set as its owner keeps it: named arrays, and labels of dimensions.
//
//   Data data;
//   data.set("y", {28., 8., -3.});
//   data.set_labels("school", {"Choate", "Deerfield", "Phillips Andover"});
//
// or from a JSON file in CmdStan's conventions: numbers, arrays, arrays of rows, booleans as 0 and 1; "NaN", "Inf" and
// "-Inf", also as Python writes them, NaN and Infinity; [] for no elements on any number of axes. An array of strings
// under a dimension's name labels it.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "lockstep/dataset.hpp"

namespace lockstep {

class Data {
 public:
  struct Field {
    std::vector<std::int64_t> shape;   // empty: one number
    std::vector<double> values;        // [element][data set], row-major
    std::int64_t columns = 1;          // data sets; 1: the field is shared by all of them
  };

  void set(const std::string& name, double value);
  void set(const std::string& name, std::initializer_list<double> values);  // so that {28.} is an array, not a number
  void set(const std::string& name, std::vector<double> values);
  void set(const std::string& name, const std::vector<std::vector<double>>& rows);  // throws DataError if ragged
  void set(const std::string& name, Field field);  // throws DataError if shape and values disagree
  void set_labels(const std::string& dim, std::vector<std::string> labels);  // throws DataError if two are the same

  // Throws DataError: no such file, not JSON, not an object, a field twice, ragged rows, text where numbers belong,
  // more than eight axes.
  static Data from_json_file(const std::filesystem::path& path);
  static Data from_json(const std::string& text, const std::string& source);

  // Many data sets as one: fields that differ get one column per data set, equal ones stay shared.
  // Throws DataError if the sets do not have the same fields, shapes and labels.
  static Data stack(const std::vector<Data>& sets);
  std::int64_t data_sets() const;

  const std::map<std::string, Field>& fields() const { return fields_; }
  const std::map<std::string, std::vector<std::string>>& labels() const { return labels_; }

 private:
  std::map<std::string, Field> fields_;
  std::map<std::string, std::vector<std::string>> labels_;
};

// Plain views of a Data, valid as long as it lives unchanged.
class DataViews {
 public:
  explicit DataViews(const Data& data);
  const DataView& view() const { return view_; }

 private:
  std::vector<FieldView> fields_;
  std::vector<LabelsView> labels_;
  std::deque<std::vector<const char*>> label_pointers_;
  DataView view_{};
};

}  // namespace lockstep
