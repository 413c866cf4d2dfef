// A data set as its owner keeps it: named arrays, and labels of dimensions.
//
//   Data data;
//   data.set("y", {28., 8., -3.});
//   data.set_labels("school", {"Choate", "Deerfield", "Phillips Andover"});
//
// or from files, Data::from_file("x.csv"): JSON, a CSV table, or HDF5 (NetCDF-4 too), told apart by content and ending.
//
// JSON, in CmdStan's conventions: numbers, arrays, arrays of rows, booleans as 0 and 1; "NaN", "Inf" and "-Inf", also as
// Python writes them, NaN and Infinity; [] for no elements on any number of axes. An array of strings under a dimension's
// name labels it.
//
// CSV: the first line names the columns, each of which is a field. They are separated by commas; by tabs or semicolons
// if the first line has no comma. A column of numbers is a vector (TRUE and FALSE count as 1 and 0; an empty cell, NA and
// NaN are NaN). Columns X.1, X.2, ..., X.K, as R writes a matrix, are the matrix X unless there is a column X. A column
// `county` of text groups the rows: it gives the dimension `county` its labels, in order of first appearance, and the
// field `county_idx`, which counts from 1. A first column without a name (row names) is left out, as are empty lines.
//
// HDF5 and NetCDF-4: the variables of the root, or of one group: "x.h5#group". Numbers and booleans are fields; of
// NetCDF's conventions _FillValue and missing_value (NaN), scale_factor and add_offset hold. A dimension without
// coordinates is a field with its size; coordinates are labels, and numbers among them a field as well. Other text along
// one axis groups, as a column of text does; single texts are left out.
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
  // Throws DataError if two are the same, or one is not UTF-8.
  void set_labels(const std::string& dim, std::vector<std::string> labels);
  // Which group each element belongs to, by name: labels of `dim`, in order of first appearance, and the field
  // "<dim>_idx". An empty name is a missing value, NaN. Throws DataError if that field is there already.
  void set_groups(const std::string& dim, const std::vector<std::string>& members);

  // An option that the model's constructor asks for: true and false are 1 and 0. It is kept with the data because it is
  // read with them, when a model is bound: one that the model does not have is a DataError then.
  void set_option(const std::string& name, double value);

  // A JSON, CSV, HDF5 or NetCDF-4 file; "FILE#GROUP" is a group of one of the latter two. HDF5 is told by its first
  // bytes, CSV by the ending .csv or .tsv, JSON by .json; otherwise a file that begins with { or [ is JSON, else a table.
  static Data from_file(const std::filesystem::path& path);
  // Several as one. Throws DataError, naming both files, if two have the same field, or labels of the same dimension.
  static Data from_files(const std::vector<std::filesystem::path>& paths);

  // Throws DataError: no such file, not JSON, not an object, a field twice, ragged rows, text where numbers belong,
  // more than eight axes.
  static Data from_json_file(const std::filesystem::path& path);
  static Data from_json(const std::string& text, const std::string& source);

  // Throws DataError, naming line and column: no such file, no column names, a name twice, rows of different lengths,
  // a quote that does not end, a number beyond the largest double, not UTF-8.
  static Data from_csv_file(const std::filesystem::path& path);
  static Data from_csv(const std::string& text, const std::string& source);

  // Throws DataError: no such file or group, not HDF5, damaged, a variable that is neither numbers nor text, more than
  // eight axes, more elements than memory holds.
  static Data from_hdf5_file(const std::filesystem::path& path, const std::string& group = "/");

  // What is done to a site of the model, by name, when it is bound: `do` gives its values and takes its density away (a
  // parameter has no prior then, an observed site no likelihood, a quantity is not computed); of a name that is a field's
  // only, the field is replaced. `observe` gives the values and keeps the density: a parameter becomes an observed site.
  // One number stands for all elements. Binding throws a ModelError for a name that there is not, values that are not as
  // many as the site has, values observed of what is computed. Throws DataError if the site is acted on already, or a
  // value is no number.
  void set_do(const std::string& site, std::vector<double> values) { act(site, {false, std::move(values)}); }
  void set_observed(const std::string& site, std::vector<double> values) { act(site, {true, std::move(values)}); }
  struct Action {
    bool keeps_density;
    std::vector<double> values;
    bool operator==(const Action&) const = default;
  };

  // Many data sets as one: fields that differ get one column per data set, equal ones stay shared.
  // Throws DataError if the sets do not have the same fields, shapes, labels, options and actions.
  static Data stack(const std::vector<Data>& sets);
  std::int64_t data_sets() const;

  const std::map<std::string, Field>& fields() const { return fields_; }
  const std::map<std::string, std::vector<std::string>>& labels() const { return labels_; }
  const std::map<std::string, double>& options() const { return options_; }
  const std::map<std::string, Action>& actions() const { return actions_; }
  Data without_actions() const;
  bool empty() const { return fields_.empty() && labels_.empty() && options_.empty() && actions_.empty(); }

 private:
  void act(const std::string& site, Action action);

  std::map<std::string, Field> fields_;
  std::map<std::string, double> options_;
  std::map<std::string, Action> actions_;
  std::map<std::string, std::vector<std::string>> labels_;
};

// Plain views of a Data, valid as long as it lives unchanged.
class DataViews {
 public:
  // `singles`: matrices are to be had in single precision too.
  explicit DataViews(const Data& data, bool singles = false);
  const DataView& view() const { return view_; }

 private:
  std::vector<FieldView> fields_;
  std::vector<LabelsView> labels_;
  std::vector<OptionView> options_;
  std::vector<ActionView> actions_;
  std::deque<std::vector<const char*>> label_pointers_;
  DataView view_{};
};

}  // namespace lockstep
