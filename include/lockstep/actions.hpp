// What a user does to sites at run time: `do` and `observe` (Pearl 2009, Causality).
//
//   do        the site's values are given and its density goes: a parameter has no prior and no coordinates, an observed site
//             no likelihood, a quantity is not computed
//   observe   the values are given and the density stays: a parameter becomes an observed site, data are replaced
//
// Only the general form of a gradient (log_density.hpp) asks for actions, by name; its nodes are the usual ones, or values in
// their place.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "lockstep/dataset.hpp"
#include "lockstep/matrix.hpp"

namespace lockstep {

struct SiteAction {
  const char* name;
  bool keeps_density;   // observe
  FieldData field;      // the site's elements, row after row
};

struct SiteActions {
  const SiteAction* first = nullptr;
  int count = 0;
  // The action on a site, whose name is these one after the other; null if there is none.
  LOCKSTEP_FN const SiteAction* on(const char* name, const char* suffix = "") const {
    for (int i = 0; i < count; ++i) {
      const char* rest = after(name, first[i].name);
      if (rest) rest = after(suffix, rest);
      if (rest && *rest == '\0') return first + i;
    }
    return nullptr;
  }

 private:
  // What `text` has after `start`; null if it does not start so.
  LOCKSTEP_FN static const char* after(const char* start, const char* text) {
    for (; *start != '\0'; ++start, ++text)
      if (*start != *text) return nullptr;
    return text;
  }
};

// Makes a node in place: what the function returns is constructed where this is converted.
template <class F> struct MadeBy {
  F make;
  operator decltype(std::declval<const F&>()())() const { return make(); }
};
template <class F> MadeBy(F) -> MadeBy<F>;

// ---- recipes --------------------------------------------------------------------------------------------------------

template <class E, class V> struct ReplaceableValue {
  E evaluated;
  V value;
  bool replaced;
  template <class A> LOCKSTEP_FN void pull(const A& a) const {
    if (!replaced) evaluated.pull(a);
  }
};
// A named expression, or a number in its place.
template <class E> struct Replaceable : RecipeTag {
  E expression;
  const double* instead;   // null: the expression
  const char* name;
  static constexpr bool uniform = E::uniform;
  LOCKSTEP_FN Replaceable(const E& e, const double* value, const char* n) : expression(e), instead(value), name(n) {}
  template <class M> LOCKSTEP_FN auto evaluate(const M& m) const {
    using T = typename M::value_type;
    if constexpr (requires { m.reads_site(name, false); }) {
      const auto of_the_site_alone = m.reads_site(name, instead != nullptr);
      return evaluate_as<T>(m);
    } else {
      return evaluate_as<T>(m);
    }
  }

 private:
  template <class T, class M> LOCKSTEP_FN auto evaluate_as(const M& m) const {
    auto e = expression.evaluate(m);
    return ReplaceableValue<decltype(e), T>{e, instead ? T(*instead) : T(e.value), instead != nullptr};
  }
};

template <class F> struct ReplaceableLazyVector : LazyVector<F> {
  const double* instead;
  template <std::derived_from<Index> J> LOCKSTEP_FN auto operator[](J j) const {
    auto e = LazyVector<F>::operator[](j);
    return Replaceable<decltype(e)>(e, instead ? instead + j.position : nullptr, this->name);
  }
};
template <class F> struct ReplaceableLazyMatrix : LazyMatrix<F> {
  const double* instead;
  template <std::derived_from<Index> I, std::derived_from<Index> J> LOCKSTEP_FN auto operator()(I i, J j) const {
    auto e = LazyMatrix<F>::operator()(i, j);
    return Replaceable<decltype(e)>(e, instead ? instead + i.position * this->columns().size + j.position : nullptr, this->name);
  }
};

// ---- nodes ----------------------------------------------------------------------------------------------------------

template <class Node> class ReplaceableScalar : public NodeTag, public Liveness {
 public:
  using value_type = typename Node::value_type;
  template <class Make> ReplaceableScalar(const SiteAction* action, const Make& make) : value_(0.) {
    if (action) value_ = value_type(*action->field.values);
    else node_.emplace(MadeBy{make});
  }
  Leaf<ReplaceableScalar> use() const { return Leaf<ReplaceableScalar>(this); }
  value_type value() const { return node_ ? node_->value() : value_; }
  template <class A> void pull(const A& a) const {
    if (node_) node_->pull(a);
  }
  auto log_value() const requires requires(const Node& n) { n.log_value(); } {
    return node_ ? node_->log_value() : log(value_);
  }
  auto log1m_value() const requires requires(const Node& n) { n.log1m_value(); } {
    return node_ ? node_->log1m_value() : log1p(-value_);
  }
  auto inverse_value() const requires requires(const Node& n) { n.inverse_value(); } {
    return node_ ? node_->inverse_value() : 1. / value_;
  }

 private:
  std::optional<Node> node_;
  value_type value_;
};

// What vectors and matrices have in common: elements by number.
template <class Node> class ReplaceableElements {
 public:
  using value_type = typename Node::value_type;
  template <class Make> ReplaceableElements(const SiteAction* action, const Make& make) {
    if (action) values_ = action->field.values;
    else node_.emplace(MadeBy{make});
  }
  value_type value(int i) const { return node_ ? node_->value(i) : value_type(values_[i]); }
  template <class A> void pull(int i, const A& a) const {
    if (node_) node_->pull(i, a);
  }
  auto log_value(int i) const requires requires(const Node& n) { n.log_value(0); } {
    return node_ ? node_->log_value(i) : log(value_type(values_[i]));
  }

 private:
  std::optional<Node> node_;
  const double* values_ = nullptr;
};

template <class Node>
class ReplaceableVector : public ReplaceableElements<Node>, public VectorAccess<ReplaceableVector<Node>> {
 public:
  template <class Make> ReplaceableVector(const SiteAction* action, Dim dim, const Make& make)
      : ReplaceableElements<Node>(action, make), dim_(dim) {}
  Dim dim() const { return dim_; }

 private:
  Dim dim_;
};

template <class Node>
class ReplaceableMatrix : public ReplaceableElements<Node>, public MatrixAccess<ReplaceableMatrix<Node>> {
 public:
  static constexpr bool lower_triangular = Node::lower_triangular;
  using ReplaceableElements<Node>::value;
  using ReplaceableElements<Node>::pull;
  using MatrixAccess<ReplaceableMatrix>::value;
  using MatrixAccess<ReplaceableMatrix>::pull;
  template <class Make> ReplaceableMatrix(const SiteAction* action, Dim rows, Dim columns, const Make& make)
      : ReplaceableElements<Node>(action, make), rows_(rows), columns_(columns) {}
  Dim rows() const { return rows_; }
  Dim columns() const { return columns_; }

 private:
  Dim rows_, columns_;
};

}  // namespace lockstep
