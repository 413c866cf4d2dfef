// Nodes of one chain on the host: values, nothing to pull. What is read through them is checked.
#pragma once

#include <string>

#include "lockstep/lanes.hpp"
#include "lockstep/plate.hpp"

namespace lockstep {

// A node's value; nothing is pulled.
template <class T> struct PlainValue {
  T value;
  template <class A> void pull(const A&) const {}
};

template <bool IsUniform> struct PlainRead : RecipeTag {
  const double* source;
  static constexpr bool uniform = IsUniform;
  explicit PlainRead(const double* p) : source(p) {}
  template <class M> PlainValue<double> evaluate(const M& m) const {
    m.note_read(source);
    return {*source};
  }
};

struct PlainScalar : NodeTag {
  const double* value;
  explicit PlainScalar(const double* v) : value(v) {}
  PlainScalar(const PlainScalar&) = delete;
  ~PlainScalar() {}  // not trivial, so that a node which nothing reads raises no warning
  PlainScalar& operator=(const PlainScalar&) = delete;
  PlainRead<true> use() const { return PlainRead<true>(value); }
};

// A vector node. Reads are checked: of the right dimension, inside it.
struct PlainVector {
  const char* name;
  double* values;
  Dim along;
  PlainVector(const char* n, double* v, Dim d) : name(n), values(v), along(d) {}
  PlainVector(const PlainVector&) = delete;
  ~PlainVector() {}  // as PlainScalar's
  PlainVector& operator=(const PlainVector&) = delete;
  PlainRead<false> operator[](Index j) const {
    require_along(name, along, j);
    require_inside(name, along.size, j.position);
    return PlainRead<false>(values + j.position);
  }
  PlainRead<true> operator[](int i) const {
    require_inside(name, along.size, i);
    return PlainRead<true>(values + i);
  }
  Dim dim() const { return along; }
  void require_lag(int lag) const {
    if (lag < 1)
      throw ModelError("'" + std::string(name) + "' asks for its past at lag " + std::to_string(lag) + " (an element "
                       "depends on earlier ones only; the one before is lag 1). Count lags from 1.");
  }
};

// A matrix node, likewise. `lower`: it has zeros above its diagonal; `keeps_zeros`: and they may be read.
template <bool lower> struct PlainMatrix {
  static constexpr bool lower_triangular = lower;
  const char* name;
  double* values;      // [row][column], those above the diagonal too
  Dim rows_, columns_;
  bool keeps_zeros;
  PlainMatrix(const char* n, double* v, Dim r, Dim c, bool zeros = true)
      : name(n), values(v), rows_(r), columns_(c), keeps_zeros(zeros) {}
  PlainMatrix(const PlainMatrix&) = delete;
  ~PlainMatrix() {}  // as PlainScalar's
  PlainMatrix& operator=(const PlainMatrix&) = delete;
  PlainRead<false> operator()(Index i, Index j) const {
    require_along(name, rows_, i);
    require_along(name, columns_, j);
    return PlainRead<false>(element(i.position, j.position));
  }
  PlainRead<false> operator()(Index i, int j) const {
    require_along(name, rows_, i);
    return PlainRead<false>(element(i.position, j));
  }
  PlainRead<false> operator()(int i, Index j) const {
    require_along(name, columns_, j);
    return PlainRead<false>(element(i, j.position));
  }
  PlainRead<true> operator()(int i, int j) const { return PlainRead<true>(element(i, j)); }
  Row<PlainMatrix> row(Index i) const {
    require_along(name, rows_, i);
    require_inside(name, rows_.size, i.position);
    return {this, i};
  }
  Column<PlainMatrix> column(Index j) const {
    require_along(name, columns_, j);
    require_inside(name, columns_.size, j.position);
    return {this, j};
  }
  double value(int i, int j) const { return values[std::int64_t(i) * columns_.size + j]; }
  template <class A> void pull(int, int, const A&) const {}
  Dim rows() const { return rows_; }
  Dim columns() const { return columns_; }

 private:
  const double* element(int i, int j) const {
    require_inside(name, rows_.size, i);
    require_inside(name, columns_.size, j);
    if (!keeps_zeros && j > i)
      throw ModelError("'" + std::string(name) + "' is read at element (" + std::to_string(i) + ", " + std::to_string(j) +
                       ") above its diagonal (a triangular factor has zeros there, which are not kept). Read elements j <= i.");
    return values + std::int64_t(i) * columns_.size + j;
  }
};

}  // namespace lockstep
