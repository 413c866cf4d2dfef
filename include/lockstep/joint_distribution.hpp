// Distributions of a vector or a matrix as a whole, one event, rather than element by element.
//
// Such a distribution names its `Support` and gives `PreparedJoint<M, D>`, which evaluates what is the same for all events
// once and then, for each event y,
//
//   log_density(m, d, y)     adds its partial derivatives to y's adjoints and to its arguments'; returns the log density
//
// Where that takes a fourth argument, a weight, the derivatives are added so many times, and not at all if it is `Zero`; such a
// distribution can be one that a hidden state chooses (emission.hpp).
//
// An event has `value(k)`, `log_value(k)`, `pull(k, a)`. `scratch(extent)`, or `scratch(d, extent)`, is what a PreparedJoint
// allocates, in elements per slice.
//
// An event is a vector, or a square matrix if its support is of those; or a matrix with any rows and columns, if the distribution
// says `whole_matrix`. Such a matrix's elements are numbered row after row; `scratch`, `check`, `sample` and the PreparedJoint
// then take rows and columns.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "lockstep/dataset.hpp"
#include "lockstep/distribution.hpp"
#include "lockstep/lanes.hpp"

namespace lockstep {

struct JointDistributionTag {};
template <class D> concept JointDistribution = std::is_base_of_v<JointDistributionTag, std::remove_cvref_t<D>>;

template <class D> concept WholeMatrix = JointDistribution<D> && requires { requires std::remove_cvref_t<D>::whole_matrix; };

// Normal and Student t vectors, of which elements may be missing: `mean_and_root(m, along)`, on the host, is the location, and a
// matrix B with B B^T the covariance (a Student t's scale matrix), row after row; `degrees_of_freedom(m)` is a Student t's.
template <class D> concept EllipticalVector = JointDistribution<D> && requires { requires std::remove_cvref_t<D>::elliptical; };
template <class M, EllipticalVector D> double degrees_of_freedom(const M& m, const D& d) {
  if constexpr (requires { d.degrees_of_freedom(m); }) return d.degrees_of_freedom(m);
  else return std::numeric_limits<double>::infinity();
}

template <class M, class D> class PreparedJoint;
template <class W> inline constexpr bool pulls = !std::is_same_v<W, Zero>;   // whether a density of this weight adds derivatives

// The weights of the events whose derivatives were added, for what of these is the same for all events.
template <class T> class EventWeights {
 public:
  template <class W> LOCKSTEP_FN void add(const W& weight) {
    if constexpr (!pulls<W>) return;
    else if constexpr (std::is_same_v<W, Unit>) accumulate(sum_, T(1.));
    else accumulate(sum_, weight);
    any_ = true;
  }
  LOCKSTEP_FN bool any() const { return any_; }
  LOCKSTEP_FN T sum() const { return narrow<T>(sum_); }

 private:
  SumOf<T> sum_ = SumOf<T>(0.);
  bool any_ = false;
};

// What needs one form for both kinds: events of matrices of these rows and columns, or of their rows.
template <class M, class D> LOCKSTEP_FN auto prepare_events(M& m, const D& d, Dim rows, Dim columns) {
  if constexpr (WholeMatrix<D>) return PreparedJoint<M, D>(m, d, rows, columns);
  else return PreparedJoint<M, D>(m, d, columns);
}
template <class M, class D> std::int64_t scratch_of_events(const D& d, Dim rows, Dim columns) {
  if constexpr (WholeMatrix<D>) return PreparedJoint<M, D>::scratch(rows.size, columns.size);
  else if constexpr (requires { PreparedJoint<M, D>::scratch(d, columns.size); })
    return PreparedJoint<M, D>::scratch(d, columns.size);
  else return PreparedJoint<M, D>::scratch(columns.size);
}
template <class D> void check_events(const D& d, const char* name, Dim rows, Dim columns) {
  if constexpr (WholeMatrix<D>) d.check(name, rows, columns);
  else d.check(name, columns);
}
template <class M, class R, class D> void sample_event(const M& m, R& random, const D& d, Dim rows, Dim columns, double* out) {
  if constexpr (WholeMatrix<D>) d.sample(m, random, rows, columns, out);
  else d.sample(m, random, columns, out);
}

// The same distribution for every element, as a plate's lambda.
template <class D> struct SameForAll {
  D distribution;
  LOCKSTEP_FN const D& operator()(Index) const { return distribution; }
  LOCKSTEP_FN const D& operator()(Index, Index) const { return distribution; }
};
template <class F> inline constexpr bool is_same_for_all = false;
template <class D> inline constexpr bool is_same_for_all<SameForAll<D>> = true;

// ---- events ------------------------------------------------------------------------------------------------------------

// Elements first, first + 1, ... of a node.
template <class Node> struct EventOf {
  const Node* node;
  int first;
  LOCKSTEP_FN auto value(int k) const { return node->value(first + k); }
  LOCKSTEP_FN auto log_value(int k) const {
    if constexpr (requires { node->log_value(0); }) return node->log_value(first + k);
    else return log(node->value(first + k));
  }
  template <class A> LOCKSTEP_FN void pull(int k, const A& a) const { node->pull(first + k, a); }
};

// Observed: plain numbers, a vector's or a matrix's row.
struct DataEvent {
  const double* values;
  LOCKSTEP_FN double value(int k) const { return values[k]; }
  LOCKSTEP_FN double log_value(int k) const { return log(values[k]); }
  template <class A> LOCKSTEP_FN void pull(int, const A&) const {}
};

// Observed, of which each lane may have a data set of its own.
template <class M> struct FieldEvent {
  const M* m;
  FieldData field;
  LOCKSTEP_FN auto value(int k) const { return m->data(field.table(FieldData::value), k, field.columns); }
  LOCKSTEP_FN auto log_value(int k) const { return m->data(field.table(FieldData::logarithm), k, field.columns); }
  template <class A> LOCKSTEP_FN void pull(int, const A&) const {}
};

// ---- vector arguments: a number for all elements, data, a node, a matrix node's row, or a lambda over elements --------------------------------

template <class E> struct SameElement {
  E expression;
  LOCKSTEP_FN const E& operator[](Index) const { return expression; }
};
// Differs from element to element, also where it is made of numbers.
template <class E> struct Varying : RecipeTag {
  E recipe;
  static constexpr bool uniform = false;
  LOCKSTEP_FN explicit Varying(const E& e) : recipe(e) {}
  template <class M> LOCKSTEP_FN auto evaluate(const M& m) const { return recipe.evaluate(m); }
};
template <class F> struct ElementFunction {
  F element;
  template <std::derived_from<Index> J> LOCKSTEP_FN auto operator[](J j) const {
    const auto recipe = as_recipe(element(j));
    return Varying<std::remove_const_t<decltype(recipe)>>(recipe);
  }
};
template <class Node> struct VectorReference {
  const Node* node;
  template <std::derived_from<Index> J> LOCKSTEP_FN auto operator[](J j) const { return (*node)[j]; }
};

template <class V> LOCKSTEP_FN auto vector_argument(const V& v) {
  if constexpr (Operand<V>) return SameElement<RecipeOf<V>>{as_recipe(v)};
  else if constexpr (std::is_invocable_v<const V&, Index>) return ElementFunction<V>{v};
  else if constexpr (std::is_base_of_v<Real, V> || requires { typename V::is_row; }) return v;
  else return VectorReference<V>{&v};
}
template <class V> using VectorArgument = decltype(vector_argument(std::declval<const V&>()));

// Host only. What a vector argument is along `along`.
template <class M, class V> std::vector<double> values_of(const M& m, const V& argument, Dim along) {
  std::vector<double> values;
  for (int k = 0; k < along.size; ++k) values.push_back(argument[CheckedIndex{{k, along.id}}].evaluate(m).value);
  return values;
}

// Host only. Throws ModelError if a vector argument runs along another dimension than `along`.
template <class V> void require_vector_along(const char* site, const V& argument, Dim along) {
  int dim = along.id;
  if constexpr (requires { argument.node->dim().id; }) dim = argument.node->dim().id;
  if constexpr (std::is_base_of_v<Real, V>) dim = argument.dim.id;
  if constexpr (requires { typename V::is_row; }) dim = argument.dim();
  if (dim != along.id)
    throw ModelError("site '" + std::string(site) + "' has an argument along another dimension than its own (their elements do "
                     "not correspond). Declare both along the same dimension.");
}

}  // namespace lockstep
