// What a model's constructor sees: the data set, and typed views of its fields.
//
//   Dim school = d.dim("school");            a named dimension; its size comes from labels, from an integer field of
//                                            its own name, or from the first field bound along it
//   Real y = d.real("y", school);            a vector of doubles
//   Integer n = d.integer("n", school);      whole numbers
//   GroupIndex g = d.index("g", obs, group); 1-based in the data, 0-based and bounds-checked here
//   Matrix X = d.matrix("X", obs, column);   rows along `obs`; elements X(i, k)
//   RealScalar s = d.scalar("s");            one number
//   Matrix B = d.bspline(x, knots, 3, basis);  B-splines of x, which fix the size of `basis`
//   Neighbours map = d.neighbours(a, b);     a graph of areas, from two group indices: pairs of neighbours
//   Factor L = d.factor("L", dim);           a known Cholesky factor
//   PosteriorNormal before = d.posterior("before", {{"mu"}, {"log(sigma)"}});   what an earlier fit has learnt
//   int K = d.option("K", 2);                an option of the model, and its default; a user sets it by name
//
// A field is shared by all lanes, or has one column per data set (`columns` > 1, layout [element][column]).
// The constructor runs twice: first to learn the dimensions' sizes, then for good. It must have no other effects. In
// the first run a size may still be unknown (-1).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "lockstep/bspline.hpp"
#include "lockstep/expression.hpp"
#include "lockstep/graph_matrices.hpp"
#include "lockstep/site.hpp"

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

struct OptionView {
  const char* name;
  double value;                // true and false are 1 and 0
};

// What a user does to a site (lockstep/actions.hpp).
struct ActionView {
  const char* site;
  bool keeps_density;          // observe; do removes it
  const double* values;        // of all its elements, row after row
  std::int64_t count;
};

// Who is told of an error that may not cross the boundary as an exception.
struct ErrorSink {
  void* context;
  void (*report)(void* context, const char* message);
};

// Keeps what it is told.
struct ErrorMessage {
  std::string text;
  ErrorSink sink{this, [](void* context, const char* message) { static_cast<ErrorMessage*>(context)->text = message; }};
};

// Where a model's data are to be, if not in ordinary memory: the host must be able to read and write there. `allocate`
// returns null if there is no room.
struct DataMemory {
  void* context;
  void* (*allocate)(void* context, std::size_t bytes);
  void (*release)(void* context, void* memory);
};

struct DataView {
  const FieldView* fields;
  std::int64_t field_count;
  const LabelsView* labels;
  std::int64_t labels_count;
  const OptionView* options;
  std::int64_t option_count;
  bool singles;                // matrices are read in single precision too
  const ActionView* actions;
  std::int64_t action_count;
};

// ---- errors ------------------------------------------------------------------------------------------------------------

// The data do not fit the model, or are no data set.
class DataError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The model cannot do what was asked of it, or reads what is not there.
class ModelError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A number for a message.
inline std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

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
// A position that comes from a group index: any element, of which many plate elements may share one.
struct GatheredIndex : Index {};
// What a lambda receives on the host, outside of sampling: what is read with it is checked, to be of the index's
// dimension and to be there. The layout run reads everything once this way, before sampling starts.
struct CheckedIndex : Index {};
// The dimension of an index that was given as a number: it corresponds to any.
inline constexpr int any_dim = -2;

// Throws ModelError if `name`, which runs along `along`, is read at `j` of another dimension.
inline void require_along(const char* name, Dim along, Index j) {
  if (j.dim != along.id)
    throw ModelError("'" + std::string(name) + "' is read with an index of another dimension (its elements and the "
                     "index's do not correspond). Index it along its own dimension, or through a group index.");
}
// Throws ModelError if `name` has no element (or row, or column) `i`.
inline void require_inside(const char* name, std::int64_t size, std::int64_t i, const std::string& what = "element") {
  if (i < 0 || i >= size)
    throw ModelError("'" + std::string(name) + "' is read at " + what + " " + std::to_string(i) + " (" +
                     (size > 0 ? "it has " + what + "s 0 to " + std::to_string(size - 1) : "it is empty") +
                     "). Check the index, or let the plate start later: dim.from(k).");
}

// ---- fields --------------------------------------------------------------------------------------------------------

// What only the host needs to know of a field, to check how it is read, and which elements are missing (NaN).
struct FieldInfo {
  std::string name;
  std::int64_t size;                 // elements
  std::vector<int> missing;          // these elements
  std::vector<int> number_missing;   // which of these each element is, -1 for one that is there; empty if none is missing
  Dim rows = {}, columns = {};       // of a matrix, whose elements are numbered row after row
  bool is_missing(std::int64_t i) const { return !missing.empty() && number_missing[std::size_t(i)] >= 0; }
};

// The values, and what densities need of them, made once when the field is bound: tables of equal length, one after the
// other. Expressions carry this struct, and more members are felt (a fifth of an autoregression's gradient).
struct FieldData {
  enum Table {
    value,
    logarithm,   // NaN where negative
    inverse,
    count_term,  // of a count's log density: log(y)/2 + stirling_error(y), 0 where y <= 0
  };
  static constexpr int tables = 4;

  const double* values = nullptr;
  std::int64_t length = 0;           // of one table: elements * columns
  std::int64_t columns = 1;
  const FieldInfo* info = nullptr;
  LOCKSTEP_FN const double* table(Table which) const { return values + which * length; }
};

template <class V> struct FieldElementValue {
  V value, log_stored, inverse_stored, count_term_stored;
  template <class A> LOCKSTEP_FN void pull(const A&) const {}
  LOCKSTEP_FN V log_value() const { return log_stored; }
  LOCKSTEP_FN V inverse_value() const { return inverse_stored; }
  LOCKSTEP_FN V count_term() const { return count_term_stored; }
};

// Reading one element of a field.
template <bool IsUniform> struct FieldElement : RecipeTag {
  FieldData field;
  std::int64_t element;
  static constexpr bool uniform = IsUniform;
  LOCKSTEP_FN FieldElement(const FieldData& f, std::int64_t e) : field(f), element(e) {}
  template <class M> LOCKSTEP_FN auto evaluate(const M& m) const {
    if constexpr (requires { m.require_element(*field.info, element); }) {
      m.require_element(*field.info, element);
      m.reads_field(*field.info);
    }
    auto at = [&](FieldData::Table which) { return m.data(field.table(which), element, field.columns); };
    using V = decltype(at(FieldData::value));
    return FieldElementValue<V>{at(FieldData::value), at(FieldData::logarithm), at(FieldData::inverse),
                                at(FieldData::count_term)};
  }
};

struct Real {
  FieldData field;
  Dim dim;
  LOCKSTEP_FN FieldElement<false> operator[](Index j) const { return {field, j.position}; }
  LOCKSTEP_FN FieldElement<true> operator[](int i) const { return {field, i}; }  // the same for a whole plate
  FieldElement<false> operator[](CheckedIndex j) const {
    require_along(field.info->name.c_str(), dim, j);
    return {field, j.position};
  }
};
struct Integer : Real {};

struct RealScalar : FieldElement<true> {
  RealScalar() : FieldElement<true>(FieldData{}, 0) {}
  explicit RealScalar(const FieldData& f) : FieldElement<true>(f, 0) {}
};

// Which element of `target` each element of `dim` belongs to.
struct GroupIndex {
  const int* positions = nullptr;    // one more than elements, so that a plate without elements may ask for its first
  Dim dim, target;
  const char* name = "";
  LOCKSTEP_FN GatheredIndex operator[](Index j) const { return {{positions[j.position], target.id}}; }
  CheckedIndex operator[](CheckedIndex j) const {
    require_along(name, dim, j);
    require_inside(name, dim.size, j.position);
    return {{positions[j.position], target.id}};
  }
};

// Reading one element of a matrix.
template <bool IsUniform> struct MatrixElement : RecipeTag {
  const double* values;              // of the matrix
  const FieldInfo* info;
  Index row, column;
  int width;                         // columns
  static constexpr bool uniform = IsUniform;
  LOCKSTEP_FN MatrixElement(const double* v, const FieldInfo* f, Index i, Index j, int w)
      : values(v), info(f), row(i), column(j), width(w) {}
  template <class M> LOCKSTEP_FN auto evaluate(const M& m) const {
    if constexpr (requires { m.require_element(*info, row, column); }) {
      m.require_element(*info, row, column);
      m.reads_field(*info);
    }
    const auto value = m.data(values, std::int64_t(row.position) * width + column.position, 1);
    return DataValue<std::remove_const_t<decltype(value)>>{value};
  }
};

// As a matrix node's, its elements are read by two indices, or two numbers, which are the same for a whole plate; its rows and
// columns by `dot`. Of elements it keeps their values alone, not a field's tables: a matrix may be large.
template <class Node> struct Row;
template <class Node> struct Column;
struct Matrix {
  static constexpr bool lower_triangular = false;
  const double* values = nullptr;    // [row][column]
  Dim rows_, columns_;
  const float* singles = nullptr;    // the same for mixed precision; null if the data are not bound for it
  const FieldInfo* info = nullptr;   // elements are numbered row after row
  LOCKSTEP_FN Dim rows() const { return rows_; }
  LOCKSTEP_FN Dim columns() const { return columns_; }
  LOCKSTEP_FN MatrixElement<false> operator()(Index i, Index j) const { return {values, info, i, j, columns_.size}; }
  LOCKSTEP_FN MatrixElement<false> operator()(Index i, int j) const { return (*this)(i, Index{j, any_dim}); }
  LOCKSTEP_FN MatrixElement<false> operator()(int i, Index j) const { return (*this)(Index{i, any_dim}, j); }
  LOCKSTEP_FN MatrixElement<true> operator()(int i, int j) const {
    return {values, info, Index{i, any_dim}, Index{j, any_dim}, columns_.size};
  }
  template <class Self = Matrix> LOCKSTEP_FN Row<Self> row(Index i) const { return {this, i}; }
  template <class Self = Matrix> LOCKSTEP_FN Column<Self> column(Index j) const { return {this, j}; }
  LOCKSTEP_FN const double* values_of_row(int i) const { return values + std::int64_t(i) * columns_.size; }
  template <class V> LOCKSTEP_FN const V* elements() const {
    if constexpr (std::is_same_v<V, float>) return singles;
    else return values;
  }
};

// A lower triangular matrix of data, for distributions that take a Cholesky factor.
struct Factor {
  static constexpr bool lower_triangular = true;
  FieldData field;                   // row after row
  Dim dim;
  LOCKSTEP_FN double value(int i, int j) const { return field.values[std::int64_t(i) * dim.size + j]; }
  template <class A> LOCKSTEP_FN void pull(int, int, const A&) const {}
  LOCKSTEP_FN FieldElement<false> operator()(Index i, Index j) const {
    return {field, std::int64_t(i.position) * dim.size + j.position};
  }
  template <class Self = Factor> LOCKSTEP_FN Row<Self> row(Index i) const { return {this, i}; }
  LOCKSTEP_FN Dim rows() const { return dim; }
  LOCKSTEP_FN Dim columns() const { return dim; }
};

// A quantity as an earlier fit knows it, by its name there: a number, or a vector along a dimension.
struct EarlierQuantity {
  const char* name;
  Dim along = {};
};

// What an earlier fit says of some quantities: a normal vector, with a coordinate for each of their elements.
struct PosteriorNormal {
  Dim dim;                           // of the coordinates
  Real mean;
  Factor factor;                     // of their covariance
  int quantities = 0;
  const Dim* along = nullptr;        // of each quantity; without an id of a number
  const int* first = nullptr;        // where its elements begin among `coordinates`
  const int* coordinates = nullptr;
  // The coordinate of quantity q, a number; of what is none, -1, which no vector has.
  LOCKSTEP_FN int operator[](int q) const {
    return q >= 0 && q < quantities && along[q].id < 0 ? coordinates[first[q]] : -1;
  }
  // The coordinate of element j of quantity q, a vector.
  template <std::derived_from<Index> J> LOCKSTEP_FN GatheredIndex operator()(int q, J j) const {
    if constexpr (std::is_same_v<J, CheckedIndex>) require_quantity_along(q, j);
    return {{coordinates[first[q] + j.position], dim.id}};
  }

 private:
  void require_quantity_along(int q, Index j) const {
    if (q >= 0 && q < quantities && along[q].id == j.dim && j.position >= 0 && j.position < along[q].size) return;
    throw ModelError("quantity " + std::to_string(q) + " of an earlier posterior is read with an index of another dimension than its "
                     "own (d.posterior says which it runs along). Read it along that, or, if it is a number, by [" +
                     std::to_string(q) + "].");
  }
};

// A graph: pairs of elements of `area` that are neighbours, each once.
struct Neighbours {
  const int *first = nullptr, *second = nullptr;   // of each pair
  const double* degree = nullptr;                  // how many neighbours each element has
  Dim pair, area;
  int apart = 0;                                   // an element that no chain of neighbours connects with the first; 0: none
  double half_log_determinant = 0;                 // of the Laplacian, but for its eigenvalue 0; of a connected graph
  LOCKSTEP_FN int pairs() const { return pair.size; }
};
// With the eigenvalues of D^-1/2 W D^-1/2, D the degrees and W who is whose neighbour: between -1 and 1, which is one of them.
struct NeighbourSpectrum : Neighbours {
  const double* eigenvalues = nullptr;
};
inline std::vector<double> laplacian_factor(const Neighbours& map) {
  return laplacian_factor(map.first, map.second, map.pairs(), map.area.size);
}

// ---- binding ---------------------------------------------------------------------------------------------------------

class Dataset {
 public:
  // With a `memory`, all that the model reads is copied there; it must outlive the data set.
  explicit Dataset(const DataView& view, const DataMemory* memory = nullptr) : view_(view), memory_(memory) {}
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  Dim dim(const std::string& name) {
    for (std::size_t id = 0; id < dims_.size(); ++id)
      if (dims_[id].name == name) return {int(id), 0, dims_[id].size};
    DimInfo info;
    info.name = name;
    if (const LabelsView* labels = find_labels(name)) {
      info.labels.assign(labels->labels, labels->labels + labels->count);
      info.size = checked_size(labels->count, name);
      info.size_from = "its labels";
    }
    const FieldView* field = find_field(name);
    // A file may hold coordinates both as labels and as numbers.
    if (field && !(info.size >= 0 && field->rank == 1 && field->shape[0] == info.size)) {
      const int size = size_given(*field);
      if (info.size >= 0 && info.size != size)
        throw DataError("dimension '" + name + "' is given " + std::to_string(info.size) + " labels and the size " +
                        std::to_string(size) + " (there is one label per element). Make them agree, or leave out the "
                        "size.");
      if (info.size < 0) info.size_from = "the size given for it";
      info.size = size;
    }
    dims_.push_back(info);
    return {int(dims_.size()) - 1, 0, info.size};
  }

  // A dimension whose size the model fixes, say by an option. What the data give for it must agree.
  Dim dim(const std::string& name, int size) {
    Dim made = dim(name);
    DimInfo& known = dims_[std::size_t(made.id)];
    if (size < 0 || (known.size >= 0 && known.size != size))
      throw DataError("dimension '" + name + "' has size " + std::to_string(size) + " by the model's options (" +
                      (size < 0 ? "no size is negative" : "it has size " + std::to_string(known.size) + " by " +
                       known.size_from) + "). Make them agree.");
    if (known.size < 0) known.size_from = "the model's options";
    known.size = made.size = size;
    return made;
  }

  // An option of the model: what the user has set for it, by Data::set_option or `--set NAME=VALUE`, else `otherwise`,
  // whose type says what it takes: whole numbers, numbers, or true and false.
  int option(const std::string& name, int otherwise) {
    const double value = option_value(name, otherwise);
    if (!is_whole(value) || std::abs(value) > largest_size) refuse_option(name, value, "a whole number");
    return int(value);
  }
  double option(const std::string& name, double otherwise) {
    const double value = option_value(name, otherwise);
    if (!std::isfinite(value)) refuse_option(name, value, "a number");
    return value;
  }
  bool option(const std::string& name, bool otherwise) {
    const double value = option_value(name, otherwise);
    if (value != 0 && value != 1) refuse_option(name, value, "true or false");
    return value == 1;
  }

  Real real(const std::string& name, Dim dim) {
    const FieldView& field = find(name, 1);
    dim.size = resolve(dim, field.shape[0], name, "elements");
    require_numbers(field, field.columns == 1);
    return {with_tables(name, field.values, field.shape[0], field.columns), dim};
  }

  Integer integer(const std::string& name, Dim dim) {
    const FieldView& field = find(name, 1);
    require_numbers(field, false, ", or, where a hidden Markov chain emits it, let the model read it by d.real, which sums gaps out");
    for (std::int64_t i = 0; i < field.shape[0] * field.columns; ++i)
      if (!is_whole(field.values[i]))
        throw DataError("field '" + name + "' is " + number_text(field.values[i]) + at(field, i) +
                        " (the model counts with it: whole numbers). Round it, or check that the right column was "
                        "exported.");
    return Integer{real(name, dim)};
  }

  GroupIndex index(const std::string& name, Dim dim, Dim target) {
    const FieldView& field = find(name, 1);
    dim.size = resolve(dim, field.shape[0], name, "elements");
    if (field.columns != 1)
      throw DataError("index '" + name + "' differs between stacked data sets (groups are shared by all of them). "
                      "Sort the data sets into runs with equal groups.");
    require_numbers(field);
    // In the first of the two passes the target may not have its size yet.
    const DimInfo& groups = info(target, name);
    const int most = groups.size >= 0 ? groups.size : largest_size;
    int* positions = own<int>(std::size_t(field.shape[0]) + 1);
    for (std::int64_t i = 0; i < field.shape[0]; ++i) {
      const double value = field.values[i];
      if (!is_whole(value) || value < 1 || value > most)
        throw DataError("index '" + name + "' is " + number_text(value) + at(field, i) + " (it counts along '" +
                        groups.name + "', whole numbers from 1 to " +
                        (groups.size >= 0 ? std::to_string(groups.size) + ", by " + groups.size_from : "its size") +
                        "). Correct the index or the dimension's size.");
      positions[i] = int(value) - 1;
    }
    target.size = groups.size;
    return {positions, dim, target, field.name};
  }

  // The graph of the pairs (first[e], second[e]). Factorises its Laplacian: n^3/3 operations for n areas. Throws DataError if
  // they are no pairs of different elements of one dimension, each there once.
  Neighbours neighbours(const GroupIndex& first, const GroupIndex& second) {
    const std::string names = "neighbours '" + std::string(first.name) + "' and '" + second.name + "' ";
    if (first.dim.id != second.dim.id || first.target.id != second.target.id)
      throw DataError(names + "are no pairs (they run along different dimensions, or count along different ones). Declare both "
                      "along one dimension of pairs, and of one dimension of areas.");
    Neighbours map;
    map.pair = first.dim;
    map.area = first.target;
    if (learning_sizes_) return map;
    map.first = first.positions;
    map.second = second.positions;
    const int n = map.area.size;
    double* degree = own<double>(std::size_t(n));
    std::map<std::pair<int, int>, int> seen;
    std::vector<int> part(std::size_t(n) + 1);   // the least element that is known to be connected with each
    for (int k = 0; k < n; ++k) part[std::size_t(k)] = k;
    const auto least = [&](int k) {
      while (part[std::size_t(k)] != k) k = part[std::size_t(k)] = part[std::size_t(part[std::size_t(k)])];
      return k;
    };
    for (int e = 0; e < map.pairs(); ++e) {
      const int i = map.first[e], j = map.second[e];
      if (i == j)
        throw DataError(names + "are both " + std::to_string(i + 1) + " at element " + std::to_string(e + 1) +
                        " (an area is not its own neighbour). Leave that pair out.");
      const auto [before, is_new] = seen.try_emplace({std::min(i, j), std::max(i, j)}, e);
      if (!is_new)
        throw DataError(names + "have one pair twice, at elements " + std::to_string(before->second + 1) + " and " +
                        std::to_string(e + 1) + " (each is counted once, whichever comes first in it). Leave one out.");
      degree[i] += 1, degree[j] += 1;
      const int a = least(i), b = least(j);
      part[std::size_t(std::max(a, b))] = std::min(a, b);
    }
    map.degree = degree;
    for (int k = n - 1; k >= 0; --k)
      if (least(k) != 0) map.apart = k;
    if (map.apart == 0) {
      const std::vector<double> factor = laplacian_factor(map);
      for (std::size_t k = 0; k < factor.size(); k += std::size_t(n) + 1) map.half_log_determinant += std::log(factor[k]);
    }
    return map;
  }
  // With its eigenvalues, another 4 n^3/3 operations.
  NeighbourSpectrum neighbour_spectrum(const GroupIndex& first, const GroupIndex& second) {
    NeighbourSpectrum map{neighbours(first, second)};
    if (learning_sizes_) return map;
    const int n = map.area.size;
    std::vector<double> weights(std::size_t(n) * std::size_t(n));
    for (int e = 0; e < map.pairs(); ++e) {
      const std::size_t i = std::size_t(map.first[e]), j = std::size_t(map.second[e]);
      weights[i * std::size_t(n) + j] = weights[j * std::size_t(n) + i] = 1 / std::sqrt(map.degree[i] * map.degree[j]);
    }
    double* eigenvalues = own<double>(std::size_t(n));
    const std::vector<double> found = symmetric_eigenvalues(weights, n, -1, 1);
    // One for each connected part is 1, exactly: 1 - alpha would have no digits left otherwise where alpha is near it.
    for (std::size_t k = 0; k < found.size(); ++k) eigenvalues[k] = found[k] > 1 - 1e-12 ? 1 : found[k];
    map.eigenvalues = eigenvalues;
    return map;
  }

  Matrix matrix(const std::string& name, Dim rows, Dim columns) {
    const FieldView& field = find(name, 2);
    if (field.columns != 1)
      throw DataError("matrix '" + name + "' differs between stacked data sets (a matrix is shared by all of them). "
                      "Run these data sets apart.");
    rows.size = resolve(rows, field.shape[0], name, "rows");
    // [] has no rows, and does not say how many columns.
    columns.size = field.rank == 2 ? resolve(columns, field.shape[1], name, "columns", 1) : info(columns, name).size;
    require_numbers(field, true);
    const std::int64_t count = std::int64_t(rows.size) * columns.size;
    Matrix matrix{field.values, rows, columns, nullptr, keep_info(name, field.values, count, 1, rows, columns)};
    if (memory_) matrix.values = std::copy_n(field.values, count, own<double>(std::size_t(count))) - count;
    if (view_.singles) {
      float* singles = own<float>(std::size_t(count));
      std::transform(field.values, field.values + count, singles, [](double value) { return float(value); });
      matrix.singles = singles;
    }
    return matrix;
  }

  // The matrix of B-splines of `x` (bspline.hpp): a row for each of its elements, a column for each spline; values, which sum to
  // 1, or derivatives of an order. Knots, each once, are data too, so that predictions for other x have the fit's; they fix the
  // size of `basis`, count - 1 + degree. As R's splines::bs with an intercept. Throws DataError if the knots do not increase, or x
  // is not between them.
  Matrix bspline(const Real& x, const Real& knots, int degree, Dim basis, int derivative = 0) {
    DimInfo& known = info(basis, x.field.info->name);
    const std::string of = "B-splines of '" + x.field.info->name + "' ";
    if (degree < 0 || derivative < 0 || derivative > degree)
      throw DataError(of + "have the degree " + std::to_string(degree) + " and derivatives of order " +
                      std::to_string(derivative) + " (0 <= order <= degree). Correct them in the model, or by its options.");
    if (x.field.columns != 1 || knots.field.columns != 1)
      throw DataError(of + "differ between stacked data sets (a matrix is shared by all of them). Run these data sets apart.");
    const int count = knots.dim.size;
    const double* at = knots.field.table(FieldData::value);
    if (count < 2)
      throw DataError(of + "have " + std::to_string(count) + " knots (the first and the last are their ends). Give two or more.");
    for (int k = 0; k < count; ++k)
      if (std::isnan(at[k]) || (k > 0 && !(at[k] > at[k - 1])))
        throw DataError(of + "have the knot " + number_text(at[k]) + " at element " + std::to_string(k + 1) +
                        " (knots increase, each is there once). Sort them.");
    const int splines = count - 1 + degree;
    if (known.size >= 0 && known.size != splines)
      throw DataError(of + "number " + std::to_string(splines) + ", by their " + std::to_string(count) + " knots (dimension '" +
                      known.name + "' has size " + std::to_string(known.size) + " by " + known.size_from +
                      "). Make them agree.");
    if (known.size < 0) known.size_from = "field '" + knots.field.info->name + "'";
    known.size = basis.size = splines;
    Matrix matrix{nullptr, x.dim, basis};
    if (learning_sizes_) return matrix;
    const std::size_t length = std::size_t(x.dim.size) * std::size_t(splines);
    double* values = own<double>(length);
    for (int i = 0; i < x.dim.size; ++i) {
      const double here = x.field.table(FieldData::value)[i];
      if (!(here >= at[0] && here <= at[count - 1]))
        throw DataError("'" + x.field.info->name + "' is " + number_text(here) + " at element " + std::to_string(i + 1) +
                        " (its splines are between the knots " + number_text(at[0]) + " and " + number_text(at[count - 1]) +
                        "). Move the outer knots, or leave that element out.");
      bspline_values(at, count, degree, derivative, here, values + std::ptrdiff_t(i) * splines);
    }
    matrix.values = values;
    matrix.info = keep_info(x.field.info->name, values, std::int64_t(length), 1, x.dim, basis);
    if (view_.singles) {
      float* singles = own<float>(length);
      std::transform(values, values + length, singles, [](double value) { return float(value); });
      matrix.singles = singles;
    }
    return matrix;
  }

  // The lower triangle of a square matrix, with a positive diagonal.
  Factor factor(const std::string& name, Dim dim) {
    require_numbers(find(name, 2));
    const Matrix square = matrix(name, dim, dim);
    const int n = square.rows().size;
    std::vector<double> lower(std::size_t(n) * std::size_t(n));
    for (int i = 0; i < n; ++i) {
      const double* row = square.values_of_row(i);
      std::copy_n(row, i + 1, lower.begin() + std::ptrdiff_t(i) * n);
      if (!(row[i] > 0))
        throw DataError("field '" + name + "' is " + number_text(row[i]) + " on its diagonal, in row " +
                        std::to_string(i + 1) + " (a Cholesky factor, whose diagonal is positive). Correct it.");
    }
    return {with_tables(name, lower.data(), std::int64_t(lower.size()), 1), square.rows()};
  }

  // What an earlier fit says of some quantities, as prior_from_posterior (or the command posterior) has put it into the data. An
  // element of a vector is found by its label, or its number from 0, so that the order of labels may be another than in that fit.
  PosteriorNormal posterior(const std::string& name, std::initializer_list<EarlierQuantity> quantities) {
    PosteriorNormal earlier;
    if (!find_labels(name))
      throw DataError("the data have no posterior '" + name + "' (an earlier fit's, which the model takes for its prior). Write it "
                      "with lockstep posterior FIT --name " + name + ", and add its file: --data.");
    earlier.dim = dim(name);
    earlier.mean = real(name + "_mean", earlier.dim);
    require_numbers(find(name + "_mean", 1));
    earlier.factor = factor(name + "_factor", earlier.dim);
    if (learning_sizes_) return earlier;
    const std::vector<std::string> known = info(earlier.dim, name).labels;
    std::vector<int> first, coordinates;
    std::vector<Dim> along;
    const auto add = [&](const std::string& label) {
      const auto found = std::find(known.begin(), known.end(), label);
      if (found == known.end()) {
        std::string have;
        for (const std::string& each : known) have += (have.empty() ? "" : ", ") + each;
        throw DataError("posterior '" + name + "' does not say what '" + label + "' is (it has: " + have + "). Name one of these in "
                        "the model, or write the file with that one.");
      }
      coordinates.push_back(int(found - known.begin()));
    };
    for (const EarlierQuantity& each : quantities) {
      first.push_back(int(coordinates.size()));
      along.push_back(each.along);
      if (each.along.id < 0) {
        add(each.name);
        continue;
      }
      const DimInfo& elements = info(each.along, name);
      along.back().size = elements.size;
      for (int j = 0; j < elements.size; ++j)
        add(std::string(each.name) + "[" + (elements.labels.empty() ? std::to_string(j) : elements.labels[std::size_t(j)]) + "]");
    }
    earlier.quantities = int(quantities.size());
    earlier.along = std::copy(along.begin(), along.end(), own<Dim>(along.size())) - along.size();
    earlier.first = std::copy(first.begin(), first.end(), own<int>(first.size())) - first.size();
    earlier.coordinates = std::copy(coordinates.begin(), coordinates.end(), own<int>(coordinates.size())) - coordinates.size();
    return earlier;
  }

  RealScalar scalar(const std::string& name) {
    const FieldView& field = find(name, 0);
    fields_bound_.try_emplace(field.name, std::array{-1, -1});
    require_numbers(field);
    return RealScalar(with_tables(name, field.values, 1, field.columns));
  }

  // A column computed from other data, owned by the data set: `f(i)` for each element of `dim`.
  Real derived(const std::string& name, Dim dim, const std::function<double(int)>& f) {
    const int size = std::max(0, info(dim, name).size);
    double* values = own<double>(std::size_t(size));
    for (int i = 0; i < size; ++i) {
      values[i] = f(i);
      if (!std::isfinite(values[i]))
        throw DataError("derived column '" + name + "' is " + (std::isnan(values[i]) ? "NaN" : number_text(values[i])) +
                        " at element " + std::to_string(i + 1) + " (it is computed from the data by the model). Check the fields that it is made of.");
    }
    dim.size = size;
    return {with_tables(name, values, size, 1), dim};
  }

  // How far each element of a parameter is centred (see partially_centred): the field NAME_centredness, as `lockstep centredness`
  // makes it. 0, not centred, where the data have none.
  Real centredness(const std::string& parameter, Dim dim) {
    const std::string name = parameter + centredness_suffix;
    if (find_field(name)) {
      const Real bound = real(name, dim);
      for (std::int64_t i = 0; i < bound.field.length; ++i)
        if (!(bound.field.values[i] >= 0 && bound.field.values[i] <= 1))
          throw DataError("field '" + name + "' is " + number_text(bound.field.values[i]) + " at element " +
                          std::to_string(i / bound.field.columns + 1) + " (how far an element is centred is between 0 and 1). Let "
                          "lockstep centredness find it.");
      return bound;
    }
    dim.size = std::max(0, info(dim, name).size);
    fields_bound_.try_emplace(name, std::array{dim.id, -1});
    double* values = own<double>(std::size_t(dim.size));
    std::fill_n(values, dim.size, 0.);
    return {with_tables(name, values, dim.size, 1), dim};
  }

  // The values of an action, as a field's: owned by the data set.
  FieldData action_values(const ActionView& action) { return with_tables(action.site, action.values, action.count, 1); }

  struct DimInfo {
    std::string name;
    int size = -1;               // -1: not known yet
    std::string size_from;       // what fixed the size, for messages
    std::vector<std::string> labels;
  };
  const std::vector<DimInfo>& dims() const { return dims_; }
  // The fields that the model reads, and the dimensions (by id) that they run along; -1 where there is no such axis.
  const std::map<std::string, std::array<int, 2>>& fields_bound() const { return fields_bound_; }
  // Whether a field that the model reads has missing values.
  bool has_missing() const {
    return std::any_of(infos_.begin(), infos_.end(), [](const FieldInfo& info) { return !info.missing.empty(); });
  }
  // What costs more than to read the data is left out until release_arrays: a model's first pass needs sizes only.
  void learn_sizes_only() { learning_sizes_ = true; }
  // Frees all arrays that were handed out. The dimensions keep their sizes.
  void release_arrays() {
    owned_.clear();
    learning_sizes_ = false;
  }
  // Throws DataError if a dimension that was asked for still has no size.
  void require_sizes() const {
    for (const DimInfo& dim : dims_)
      if (dim.size < 0)
        throw DataError("dimension '" + dim.name + "' has no size (no field runs along it and the data do not give it)."
                        " Add \"" + dim.name + "\" to the data: its labels, or its size.");
  }
  // Throws DataError if an option was set that the model has not asked for.
  void require_known_options() const {
    for (std::int64_t i = 0; i < view_.option_count; ++i) {
      const std::string name = view_.options[i].name;
      std::string have;
      bool known = false;
      for (const OptionInfo& option : options_) {
        known = known || option.name == name;
        have += (have.empty() ? "" : ", ") + option.name + " = " + number_text(option.otherwise);
      }
      if (!known)
        throw DataError("the model has no option '" + name + "' (it has " +
                        (have.empty() ? "none" : "these, with their defaults: " + have) + "). Leave it out, or correct its "
                        "name.");
    }
  }

 private:
  static constexpr int largest_size = std::numeric_limits<int>::max();

  static bool is_whole(double value) { return std::isfinite(value) && value == std::floor(value); }

  static bool is_number(const char* text) {
    char* end = nullptr;
    std::strtod(text, &end);
    return end != text && *end == '\0';
  }

  // Where value i of a field is: " at element 3", " at element [2, 3]", and in which data set.
  static std::string at(const FieldView& field, std::int64_t i) {
    const std::int64_t element = i / field.columns;
    std::string s;
    if (field.rank == 1) s = " at element " + std::to_string(element + 1);
    if (field.rank == 2)
      s = " at element [" + std::to_string(element / field.shape[1] + 1) + ", " +
          std::to_string(element % field.shape[1] + 1) + "]";
    if (field.columns > 1) s += " of data set " + std::to_string(i % field.columns + 1);
    return s;
  }
  static std::string describe(const FieldView& field) {
    if (field.rank == 0) return "one number";
    std::string s = "an array of shape [";
    for (std::int64_t i = 0; i < field.rank; ++i) s += (i ? ", " : "") + std::to_string(field.shape[i]);
    return s + "]";
  }

  const FieldView* find_field(const std::string& name) const {
    for (std::int64_t i = 0; i < view_.field_count; ++i)
      if (view_.fields[i].name == name) return &view_.fields[i];
    return nullptr;
  }
  const LabelsView* find_labels(const std::string& name) const {
    for (std::int64_t i = 0; i < view_.labels_count; ++i)
      if (view_.labels[i].dim == name) return &view_.labels[i];
    return nullptr;
  }

  // The field of that name, which must have `rank` axes. An empty array may stand for one of any number of axes.
  const FieldView& find(const std::string& name, std::int64_t rank) const {
    const char* expected[] = {"one number", "an array of numbers", "an array of rows of numbers"};
    if (const FieldView* field = find_field(name)) {
      const bool empty = field->rank == 1 && field->shape[0] == 0;
      if (field->rank != rank && !(empty && rank > 1))
        throw DataError("field '" + name + "' is " + describe(*field) + " (the model needs " + expected[rank] +
                        "). Change it in the data.");
      return *field;
    }
    if (const LabelsView* labels = find_labels(name)) {
      const char* const* const end = labels->labels + labels->count;
      const char* const* text = std::find_if(labels->labels, end, [](const char* label) { return !is_number(label); });
      if (text == end) text = labels->labels;
      const std::string such_as = labels->count > 0 ? ", such as '" + std::string(*text) + "'" : "";
      throw DataError("field '" + name + "' is an array of text" + such_as + " (the model needs " + expected[rank] + "). " +
                      (find_field(name + "_idx") ? "Write numbers only, or let the model read the index '" + name + "_idx'."
                                                 : "Write numbers without quotes."));
    }
    std::string have;
    for (std::int64_t i = 0; i < view_.field_count; ++i) have += (i ? ", " : "") + std::string(view_.fields[i].name);
    throw DataError("field '" + name + "' is missing from the data (the model needs " + expected[rank] +
                    " by that name; the data have: " + (have.empty() ? "nothing" : have) + "). Add it.");
  }

  // The size of a dimension, of which the data have an entry by its name.
  static int size_given(const FieldView& field) {
    const std::string name = field.name;
    // An empty array of labels looks like one of numbers.
    if (field.rank == 1 && field.shape[0] == 0) return 0;
    if (field.rank != 0)
      throw DataError("'" + name + "' is " + describe(field) + " of numbers (it is a dimension of this model, which "
                      "has labels or a size). Give an array of strings, one per element, or one whole number.");
    if (field.columns != 1)
      throw DataError("dimension '" + name + "' has another size in some of the stacked data sets (all share their "
                      "dimensions). Stack data sets of equal sizes.");
    const double value = field.values[0];
    if (!is_whole(value) || value < 0 || value > largest_size)
      throw DataError("'" + name + "' is " + number_text(value) + " (it is a dimension of this model, so this is its "
                      "size: a whole number from 0 to " + std::to_string(largest_size) + "). Correct it, or give an "
                      "array of labels.");
    return int(value);
  }
  static int checked_size(std::int64_t extent, const std::string& name) {
    if (extent > largest_size)
      throw DataError("'" + name + "' has " + std::to_string(extent) + " elements (a dimension has at most " +
                      std::to_string(largest_size) + "). Split the data.");
    return int(extent);
  }

  // `otherwise`: what else can be done about a missing element.
  static void require_numbers(const FieldView& field, bool may_be_missing = false, const std::string& otherwise = "") {
    std::int64_t count = field.columns;
    for (std::int64_t axis = 0; axis < field.rank; ++axis) count *= field.shape[axis];
    for (std::int64_t i = 0; i < count; ++i)
      if (std::isnan(field.values[i]) && !may_be_missing)
        throw DataError("field '" + std::string(field.name) + "' is NaN" + at(field, i) +
                        " (only what is read as real numbers, d.real or d.matrix, of one data set, may have missing values). Leave "
                        "that element out, or fill it" + otherwise + ".");
      else if (std::isinf(field.values[i]))
        throw DataError("field '" + std::string(field.name) + "' is " + number_text(field.values[i]) + at(field, i) +
                        " (data are finite; an infinite value makes every log density infinite or NaN). Correct it, or "
                        "leave that element out.");
  }

  struct OptionInfo {
    std::string name;
    double otherwise;
  };
  double option_value(const std::string& name, double otherwise) {
    const bool known = std::any_of(options_.begin(), options_.end(), [&](const OptionInfo& o) { return o.name == name; });
    if (!known) options_.push_back({name, otherwise});
    for (std::int64_t i = 0; i < view_.option_count; ++i)
      if (view_.options[i].name == name) return view_.options[i].value;
    return otherwise;
  }
  [[noreturn]] static void refuse_option(const std::string& name, double value, const std::string& needed) {
    throw DataError("option '" + name + "' is " + number_text(value) + " (the model needs " + needed + "). Set it to one.");
  }

  DimInfo& info(Dim dim, const std::string& field) {
    if (dim.id < 0 || dim.id >= int(dims_.size()))
      throw DataError("field '" + field + "' runs along a dimension that this data set does not know (the model binds "
                      "the field before the dimension). Declare the Dim as a member before the fields along it.");
    return dims_[std::size_t(dim.id)];
  }
  // A field has `extent` elements along `dim`: fixes the dimension's size, or checks it.
  int resolve(Dim dim, std::int64_t extent, const std::string& field, const char* axis, std::size_t axis_number = 0) {
    DimInfo& known = info(dim, field);
    fields_bound_.try_emplace(field, std::array{-1, -1}).first->second[axis_number] = dim.id;
    if (known.size < 0) {
      known.size = checked_size(extent, field);
      known.size_from = "field '" + field + "'";
    } else if (known.size != extent) {
      throw DataError("field '" + field + "' has " + std::to_string(extent) + " " + axis + " (dimension '" +
                      known.name + "' has size " + std::to_string(known.size) + " by " + known.size_from +
                      "). Make them agree.");
    }
    return known.size;
  }

  FieldData with_tables(const std::string& name, const double* values, std::int64_t count, std::int64_t columns) {
    const std::int64_t length = count * columns;
    double* tables = own<double>(std::size_t(length * FieldData::tables));
    for (std::int64_t i = 0; i < length; ++i) {
      const double y = values[i], log_y = std::log(y);
      tables[FieldData::value * length + i] = y;
      tables[FieldData::logarithm * length + i] = log_y;
      tables[FieldData::inverse * length + i] = 1 / y;
      tables[FieldData::count_term * length + i] = y > 0 ? 0.5 * log_y + stirling_error(y) : 0;
    }
    return {tables, length, columns, keep_info(name, values, count, columns)};
  }
  const FieldInfo* keep_info(const std::string& name, const double* values, std::int64_t count, std::int64_t columns, Dim rows = {},
                             Dim row_elements = {}) {
    FieldInfo info{name, count, {}, {}, rows, row_elements};
    if (columns == 1)
      for (int i = 0; i < int(count); ++i)
        if (std::isnan(values[i])) info.missing.push_back(i);
    if (!info.missing.empty()) {
      info.number_missing.assign(std::size_t(count), -1);
      for (std::size_t k = 0; k < info.missing.size(); ++k) info.number_missing[std::size_t(info.missing[k])] = int(k);
    }
    infos_.push_back(std::move(info));
    return &infos_.back();
  }

  // An array of zeros that lives as long as the data set.
  template <class V> V* own(std::size_t count) {
    const std::size_t bytes = std::max<std::size_t>(count, 1) * sizeof(V);
    void* memory = memory_ ? memory_->allocate(memory_->context, bytes) : ::operator new(bytes);
    if (!memory) throw DataError("the data need " + std::to_string(bytes) + " bytes more than the device has. Use one with more memory.");
    owned_.push_back({memory, Release{memory_}});
    V* array = static_cast<V*>(memory);
    std::fill_n(array, count, V());
    return array;
  }
  struct Release {
    const DataMemory* from;
    void operator()(void* memory) const {
      if (from) from->release(from->context, memory);
      else ::operator delete(memory);
    }
  };

  DataView view_;
  std::vector<DimInfo> dims_;
  std::map<std::string, std::array<int, 2>> fields_bound_;
  std::vector<OptionInfo> options_;
  const DataMemory* memory_;
  bool learning_sizes_ = false;
  std::vector<std::unique_ptr<void, Release>> owned_;
  std::deque<FieldInfo> infos_;
};

}  // namespace lockstep
