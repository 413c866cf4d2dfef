// What a model's constructor sees: the data set, and typed views of its fields.
//
//   Dim school = d.dim("school");            a named dimension; its size comes from labels, from an integer field of its
//                                            own name, or from the first field bound along it
//   Real y = d.real("y", school);            a vector of doubles
//   Integer n = d.integer("n", school);      whole numbers
//   GroupIndex g = d.index("g", obs, group); 1-based in the data, 0-based and bounds-checked here
//   Matrix X = d.matrix("X", obs, column);   rows along `obs`
//   RealScalar s = d.scalar("s");            one number
//
// A field is shared by all lanes, or has one column per data set (`columns` > 1, layout [element][column]).
// The constructor runs twice: first to learn the dimensions' sizes, then for good. It must have no other effects.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "lockstep/expression.hpp"

namespace lockstep {

// ---- the boundary: plain arrays, owned by the caller -----------------------------------------------------------------

struct FieldView {
  const char* name;
  const double* values;        // [element][column], row-major
  const std::int64_t* shape;
  std::int64_t rank;
  std::int64_t columns;        // data sets; 1 = shared by all
  bool whole;                  // every value is a whole number
};

struct LabelsView {
  const char* dim;
  const char* const* labels;
  std::int64_t count;
};

struct DataView {
  const FieldView* fields;
  std::int64_t field_count;
  const LabelsView* labels;
  std::int64_t labels_count;
};

// ---- dimensions and positions --------------------------------------------------------------------------------------

struct Dim {
  int id = -1;
  int first = 0;               // a plate over this runs from here
  int size = 0;
  // The same dimension, its plate starting at element k: `time.from(2)` leaves the first two elements out.
  LOCKSTEP_FN Dim from(int k) const { return {id, k, size}; }
};

// The position of a plate's element; what a plate's lambda receives.
struct Index {
  int position;
  int dim;
};

// ---- fields --------------------------------------------------------------------------------------------------------

struct FieldData {
  const double* values = nullptr;
  const double* logs = nullptr;      // log of each value (NaN where negative), made when the field is bound
  const double* inverses = nullptr;
  std::int64_t columns = 1;
};

template <class V> struct FieldElementValue {
  V value, log_stored, inverse_stored;
  template <class A> LOCKSTEP_FN void pull(const A&) const {}
  LOCKSTEP_FN V log_value() const { return log_stored; }
  LOCKSTEP_FN V inverse_value() const { return inverse_stored; }
};

// Reading one element of a field.
template <bool IsUniform> struct FieldElement : RecipeTag {
  FieldData field;
  std::int64_t element;
  static constexpr bool uniform = IsUniform;
  LOCKSTEP_FN FieldElement(const FieldData& f, std::int64_t e) : field(f), element(e) {}
  template <class M> LOCKSTEP_FN auto evaluate(const M& m) const {
    auto at = [&](const double* table) { return m.data(table, element, field.columns); };
    using V = decltype(at(field.values));
    return FieldElementValue<V>{at(field.values), at(field.logs), at(field.inverses)};
  }
};

struct Real {
  FieldData field;
  Dim dim;
  LOCKSTEP_FN FieldElement<false> operator[](Index j) const { return {field, j.position}; }
  LOCKSTEP_FN FieldElement<true> operator[](int i) const { return {field, i}; }
};
struct Integer : Real {};

struct RealScalar : FieldElement<true> {
  RealScalar() : FieldElement<true>(FieldData{}, 0) {}
  explicit RealScalar(const FieldData& f) : FieldElement<true>(f, 0) {}
};

// Which element of `target` each element of `dim` belongs to.
struct GroupIndex {
  const int* positions = nullptr;
  Dim dim, target;
  LOCKSTEP_FN Index operator[](Index j) const { return {positions[j.position], target.id}; }
};

struct Matrix {
  const double* values = nullptr;    // [row][column]
  Dim rows, columns;
};

// ---- binding ---------------------------------------------------------------------------------------------------------

class DataError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Dataset {
 public:
  explicit Dataset(const DataView& view) : view_(view) {}
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  Dim dim(const std::string& name) {
    for (std::size_t id = 0; id < dims_.size(); ++id)
      if (dims_[id].name == name) return {int(id), 0, dims_[id].size};
    DimInfo info;
    info.name = name;
    for (std::int64_t i = 0; i < view_.labels_count; ++i) {
      const LabelsView& labels = view_.labels[i];
      if (labels.dim != name) continue;
      info.labels.assign(labels.labels, labels.labels + labels.count);
      info.size = int(labels.count);
      info.size_from = "its labels";
    }
    for (std::int64_t i = 0; i < view_.field_count; ++i) {
      const FieldView& field = view_.fields[i];
      if (field.name != name || info.size >= 0) continue;
      if (field.rank != 0 || !field.whole || field.columns != 1 || field.values[0] < 0)
        throw DataError("'" + name + "' is a dimension of this model, but its entry in the data is neither a list of "
                        "labels nor a size. Give an array of strings or a whole number.");
      info.size = int(field.values[0]);
      info.size_from = "the size given for it";
    }
    dims_.push_back(info);
    return {int(dims_.size()) - 1, 0, info.size};
  }

  Real real(const std::string& name, Dim dim) {
    const FieldView& field = find(name, 1);
    dim.size = resolve(dim, field.shape[0], name, "elements");
    for (std::int64_t i = 0; i < field.shape[0] * field.columns; ++i) require_number(field, name, i);
    return {with_tables(field.values, field.shape[0], field.columns), dim};
  }

  Integer integer(const std::string& name, Dim dim) {
    if (!find(name, 1).whole)
      throw DataError("field '" + name + "' has values that are not whole numbers (the model counts with it). "
                      "Round them, or check that the right column was exported.");
    return Integer{real(name, dim)};
  }

  GroupIndex index(const std::string& name, Dim dim, Dim target) {
    const FieldView& field = find(name, 1);
    dim.size = resolve(dim, field.shape[0], name, "elements");
    if (field.columns != 1)
      throw DataError("index '" + name + "' differs between stacked data sets (groups are shared by all of them). "
                      "Sort the data sets into runs with equal groups.");
    // In the first of the two passes the target may not have its size yet.
    const int size = dims_[std::size_t(target.id)].size;
    auto positions = std::make_unique<int[]>(std::size_t(field.shape[0]));
    for (std::int64_t i = 0; i < field.shape[0]; ++i) {
      const double value = field.values[i];
      if (!(value >= 1 && value == std::floor(value)) || (size >= 0 && value > size))
        throw DataError("index '" + name + "' has " + text(value) + " at element " + std::to_string(i + 1) +
                        " (it counts along '" + dims_[std::size_t(target.id)].name + "', 1 to " +
                        (size >= 0 ? std::to_string(size) : "its size") + "). Correct the index or the dimension's size.");
      positions[std::size_t(i)] = int(value) - 1;
    }
    owned_positions_.push_back(std::move(positions));
    target.size = size;
    return {owned_positions_.back().get(), dim, target};
  }

  Matrix matrix(const std::string& name, Dim rows, Dim columns) {
    const FieldView& field = find(name, 2);
    if (field.columns != 1)
      throw DataError("matrix '" + name + "' differs between stacked data sets (a matrix is shared by all of them). "
                      "Run these data sets apart.");
    rows.size = resolve(rows, field.shape[0], name, "rows");
    columns.size = resolve(columns, field.shape[1], name, "columns");
    for (std::int64_t i = 0; i < field.shape[0] * field.shape[1]; ++i) require_number(field, name, i);
    return {field.values, rows, columns};
  }

  RealScalar scalar(const std::string& name) {
    const FieldView& field = find(name, 0);
    for (std::int64_t i = 0; i < field.columns; ++i) require_number(field, name, i);
    return RealScalar(with_tables(field.values, 1, field.columns));
  }

  // A column computed from other data, owned by the data set: `f(i)` for each element of `dim`.
  Real derived(const std::string& name, Dim dim, const std::function<double(int)>& f) {
    const int size = std::max(0, dims_[std::size_t(dim.id)].size);
    double* values = own(std::size_t(size));
    for (int i = 0; i < size; ++i) {
      values[i] = f(i);
      if (std::isnan(values[i]))
        throw DataError("derived column '" + name + "' is NaN at element " + std::to_string(i + 1) +
                        " (it is computed from the data by the model). Check the fields that it is made of.");
    }
    dim.size = size;
    return {with_tables(values, size, 1), dim};
  }

  struct DimInfo {
    std::string name;
    int size = -1;               // -1: not known yet
    std::string size_from;       // what fixed the size, for messages
    std::vector<std::string> labels;
  };
  const std::vector<DimInfo>& dims() const { return dims_; }
  // Throws DataError if a dimension that was asked for still has no size.
  void require_sizes() const {
    for (const DimInfo& dim : dims_)
      if (dim.size < 0)
        throw DataError("dimension '" + dim.name + "' has no size (no field runs along it and the data do not give it). "
                        "Add \"" + dim.name + "\" to the data: its labels, or its size.");
  }

 private:
  static std::string text(double value) {
    std::string s = std::to_string(value);
    if (value == std::floor(value)) s = s.substr(0, s.find('.'));
    return s;
  }
  static std::string describe(const FieldView& field) {
    if (field.rank == 0) return "one number";
    std::string s = "an array of shape [";
    for (std::int64_t i = 0; i < field.rank; ++i) s += (i ? ", " : "") + std::to_string(field.shape[i]);
    return s + "]";
  }

  // The field of that name, which must have `rank` axes.
  const FieldView& find(const std::string& name, std::int64_t rank) const {
    for (std::int64_t i = 0; i < view_.field_count; ++i) {
      const FieldView& field = view_.fields[i];
      if (field.name != name) continue;
      if (field.rank != rank) {
        const char* expected[] = {"one number", "an array of numbers", "an array of rows"};
        throw DataError("field '" + name + "' is " + describe(field) + " (the model needs " + expected[rank] +
                        "). Change it in the data.");
      }
      return field;
    }
    std::string have;
    for (std::int64_t i = 0; i < view_.field_count; ++i) have += (i ? ", " : "") + std::string(view_.fields[i].name);
    throw DataError("field '" + name + "' is missing from the data (they have: " + (have.empty() ? "nothing" : have) +
                    "). Add it.");
  }

  static void require_number(const FieldView& field, const std::string& name, std::int64_t i) {
    if (std::isnan(field.values[i]))
      throw DataError("field '" + name + "' is NaN at element " + std::to_string(i / field.columns + 1) +
                      " (missing values are not supported here). Remove or fill it.");
  }

  // A field has `extent` elements along `dim`: fixes the dimension's size, or checks it.
  int resolve(Dim dim, std::int64_t extent, const std::string& field, const char* axis) {
    DimInfo& info = dims_[std::size_t(dim.id)];
    if (info.size < 0) {
      info.size = int(extent);
      info.size_from = "field '" + field + "'";
    } else if (info.size != extent) {
      throw DataError("field '" + field + "' has " + std::to_string(extent) + " " + axis + " (dimension '" + info.name +
                      "' has size " + std::to_string(info.size) + " by " + info.size_from + "). Make them agree.");
    }
    return info.size;
  }

  FieldData with_tables(const double* values, std::int64_t count, std::int64_t columns) {
    double* logs = own(std::size_t(count * columns));
    double* inverses = own(std::size_t(count * columns));
    for (std::int64_t i = 0; i < count * columns; ++i) {
      logs[i] = std::log(values[i]);
      inverses[i] = 1 / values[i];
    }
    return {values, logs, inverses, columns};
  }

  double* own(std::size_t count) {
    owned_.push_back(std::make_unique<double[]>(count));
    return owned_.back().get();
  }

  DataView view_;
  std::vector<DimInfo> dims_;
  std::vector<std::unique_ptr<double[]>> owned_;
  std::vector<std::unique_ptr<int[]>> owned_positions_;
};

}  // namespace lockstep
