// The nodes of a model that computes its gradient: parameters, named intermediates, recurrences.
//
// A node holds its value and the adjoint that expressions pull into; its destructor pushes the adjoint on, to the gradient or
// to what the node was computed from. C++ destroys locals in reverse order of construction, which is the reverse sweep.
// `M` is the context (log_density.hpp).
#pragma once

#include <concepts>
#include <type_traits>

#include "lockstep/distributions.hpp"
#include "lockstep/lanes.hpp"
#include "lockstep/liveness.hpp"
#include "lockstep/param_storage.hpp"
#include "lockstep/plate.hpp"

namespace lockstep {

// ---- reading a node ------------------------------------------------------------------------------------------------------

template <class Node> struct LeafValue {
  NodePointer<Node> node;
  typename Node::value_type value;
  template <class A> LOCKSTEP_FN void pull(const A& a) const { node->pull(a); }
  LOCKSTEP_FN auto log_value() const requires requires(const Node& n) { n.log_value(); } { return node->log_value(); }
  LOCKSTEP_FN auto log1m_value() const requires requires(const Node& n) { n.log1m_value(); } { return node->log1m_value(); }
  LOCKSTEP_FN auto inverse_value() const requires requires(const Node& n) { n.inverse_value(); } {
    return node->inverse_value();
  }
};

template <class Node> struct Leaf : RecipeTag {
  NodePointer<Node> node;
  static constexpr bool uniform = true;
  LOCKSTEP_FN explicit Leaf(const Node* n) : node(n) {}
  template <class M> LOCKSTEP_FN LeafValue<Node> evaluate(const M&) const { return {node, node->value()}; }
};

template <class Node> struct ElementValue {
  NodePointer<Node> node;
  int position;
  typename Node::value_type value;
  template <class A> LOCKSTEP_FN void pull(const A& a) const { node->pull(position, a); }
  LOCKSTEP_FN auto log_value() const requires requires(const Node& n) { n.log_value(0); } {
    return node->log_value(position);
  }
};

// One element of a vector node. An element named by a constant is the same for the whole plate.
template <class Node, bool IsUniform> struct Element : RecipeTag {
  NodePointer<Node> node;
  int position;
  static constexpr bool uniform = IsUniform;
  LOCKSTEP_FN Element(const Node* n, int i) : node(n), position(i) {}
  template <class M> LOCKSTEP_FN ElementValue<Node> evaluate(const M&) const {
    return {node, position, node->value(position)};
  }
};

// ---- scalar nodes -----------------------------------------------------------------------------------------------------------

// A parameter. Its prior and its Jacobian are counted when it is made; its adjoint becomes the gradient of its
// coordinate when it goes out of scope.
template <class M, class Support> class ScalarParam : public NodeTag, public Liveness {
 public:
  using value_type = typename M::value_type;
  using Bound = decltype(std::declval<const Support&>().bind(std::declval<const M&>()));
  using At = decltype(std::declval<const Bound&>().constrain(std::declval<value_type>()));

  template <class D> LOCKSTEP_FN ScalarParam(M& m, const D& prior, const Support& support)
      : m_(m), coordinate_(m.take_coordinates(1)), bound_(support.bind(m)),
        at_(bound_.constrain(m.position().load(coordinate_))) {
    Prepared<M, D> prepared(m, prior);
    auto density = prepared.at(m, prior, at_);
    if (!m.counts_priors()) return;
    accumulate(adjoint_, density.slope());
    density.pull(Unit{});
    m.add(density.log_density);
    m.add(at_.log_jacobian());
  }
  LOCKSTEP_FN ~ScalarParam() {
    m_.gradient().store(coordinate_, bound_.gradient(at_, narrow<value_type>(adjoint_), m_.counts_priors() ? 1. : 0.));
  }

  LOCKSTEP_FN Leaf<ScalarParam> use() const { return Leaf<ScalarParam>(this); }
  LOCKSTEP_FN const value_type& value() const { return at_.value; }
  template <class A> LOCKSTEP_FN void pull(const A& a) const { accumulate(adjoint_, a); }
  LOCKSTEP_FN auto log_value() const requires requires(const At& a) { a.log_value(); } { return at_.log_value(); }
  LOCKSTEP_FN auto log1m_value() const requires requires(const At& a) { a.log1m_value(); } { return at_.log1m_value(); }
  LOCKSTEP_FN auto inverse_value() const requires requires(const At& a) { a.inverse_value(); } { return at_.inverse_value(); }

 private:
  M& m_;
  int coordinate_;
  Bound bound_;
  At at_;
  mutable SumOf<value_type> adjoint_ = SumOf<value_type>(0.);
};

// The same on a support that is joint elsewhere, such as an angle's, which has two coordinates.
template <class M, class Support> requires(!Support::elementwise)
class ScalarParam<M, Support> : public NodeTag, public Liveness {
 public:
  using value_type = typename M::value_type;

  template <class D> LOCKSTEP_FN ScalarParam(M& m, const D& prior, const Support& support) : storage_(m, 1, 1, support) {
    storage_.clear_adjoints();
    if constexpr (!M::with_priors) return;
    Prepared<M, D> prepared(m, prior);
    if (m.first_slice()) storage_.add_prior(m, prepared, prior, 0);
  }
  LOCKSTEP_FN Leaf<ScalarParam> use() const { return Leaf<ScalarParam>(this); }
  LOCKSTEP_FN value_type value() const { return storage_.value(0); }
  template <class A> LOCKSTEP_FN void pull(const A& a) const { storage_.pull(0, a); }

 private:
  ParamStorage<M, Support> storage_;
};

// A named intermediate scalar, computed once.
template <class M, class E> class ScalarLet : public NodeTag, public Liveness {
 public:
  using value_type = typename M::value_type;
  LOCKSTEP_FN ScalarLet(const M& m, const E& e) : evaluated_(e.evaluate(m)) {}
  LOCKSTEP_FN ~ScalarLet() { evaluated_.pull(narrow<value_type>(adjoint_)); }
  LOCKSTEP_FN Leaf<ScalarLet> use() const { return Leaf<ScalarLet>(this); }
  LOCKSTEP_FN value_type value() const { return value_type(evaluated_.value); }
  template <class A> LOCKSTEP_FN void pull(const A& a) const { accumulate(adjoint_, a); }

 private:
  EvaluatedIn<E, M> evaluated_;
  mutable SumOf<value_type> adjoint_ = SumOf<value_type>(0.);
};

// ---- vector nodes -----------------------------------------------------------------------------------------------------------

// Elements read by a plate's index, a gathered position or a constant; each slice has adjoints of its own.
template <class Self> struct VectorAccess : Liveness {
  LOCKSTEP_FN Element<Self, false> operator[](Index j) const { return {static_cast<const Self*>(this), j.position}; }
  LOCKSTEP_FN Element<Self, true> operator[](int i) const { return {static_cast<const Self*>(this), i}; }
};

// A vector of parameters with its prior: a distribution for each element, or one for the whole.
template <class M, class Support> class VectorParam : public VectorAccess<VectorParam<M, Support>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;

  // `prior(j)` is the distribution of element j.
  template <class F> requires std::is_invocable_v<const F&, Index>
  LOCKSTEP_FN VectorParam(M& m, Dim dim, const Support& support, const F& prior) : dim_(dim), storage_(m, 1, dim.size, support) {
    if (dim.size == 0) return;
    if constexpr (M::Team::sliced || !M::with_priors) storage_.clear_adjoints();  // those that other slices own
    if constexpr (!M::with_priors) return;
    using D = std::remove_cvref_t<decltype(prior(Index{0, 0}))>;
    Prepared<M, D> prepared(m, prior(Index{0, dim.id}));
    for (int i : m.team().share(dim.size))
      storage_.add_prior(m, prepared, prior(Index{i, dim.id}), i);
  }
  template <JointDistribution D> LOCKSTEP_FN VectorParam(M& m, Dim dim, const Support& support, const D& prior)
      : dim_(dim), storage_(m, 1, dim.size, support) {
    storage_.clear_adjoints();
    if constexpr (!M::with_priors) return;
    PreparedJoint<M, D> prepared(m, prior, dim);
    if (m.first_slice() && dim.size > 0) m.add(prepared.log_density(m, prior, EventOf<VectorParam>{this, 0}));
  }

  LOCKSTEP_FN T value(int i) const { return storage_.value(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { storage_.pull(i, a); }
  LOCKSTEP_FN T log_value(int i) const requires ParamStorage<M, Support>::knows_logs { return storage_.log_value(i); }
  LOCKSTEP_FN Dim dim() const { return dim_; }

 private:
  Dim dim_;
  ParamStorage<M, Support> storage_;
};

// An element of a `let`. Its function may be one of what the node itself has (non_centred.hpp), which it is then given: a pointer to it,
// kept in the node, would keep all of the node in a GPU's memory.
template <class F, class Node, class... J> LOCKSTEP_FN auto element_of(const F& f, const Node& node, J... j) {
  if constexpr (requires { typename F::Owner; }) return f(static_cast<const typename F::Owner&>(node), j...);
  else return f(j...);
}

// A named intermediate vector, computed once and kept.
template <class M, class F> class VectorLet : public VectorAccess<VectorLet<M, F>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  LOCKSTEP_FN VectorLet(M& m, Dim dim, const F& element)
      : m_(m), dim_(dim), element_(element), values_(m.allocate(dim.size)), adjoints_(m.allocate_per_slice(dim.size)) {
    for (int i = 0; i < dim.size; ++i) adjoints_.store(i, T(0.));
    for (int i : m.team().share(dim.size)) values_.store(i, T(at(i).value));
    m.team().barrier();
  }
  LOCKSTEP_FN ~VectorLet() {
    m_.team().barrier();
    for (int i : m_.team().share(dim_.size))
      at(i).pull(m_.sum_over_slices(adjoints_, i, dim_.size));
  }
  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }
  LOCKSTEP_FN Dim dim() const { return dim_; }

 private:
  LOCKSTEP_FN auto at(int i) const { return as_recipe(element_of(element_, *this, Index{i, dim_.id})).evaluate(m_); }
  M& m_;
  Dim dim_;
  F element_;
  LaneArray<T> values_, adjoints_;
};

// v[0] = initial, v[t] = step(t, v[t-1]). The reverse sweep evaluates each step again from the stored values. One slice
// runs the recurrence; any may read any element.
template <class M, class Initial, class Step> class Scan : public VectorAccess<Scan<M, Initial, Step>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  LOCKSTEP_FN Scan(M& m, Dim dim, const Initial& initial, const Step& step)
      : m_(m), dim_(dim), initial_(initial), step_(step), values_(m.allocate(dim.size)),
        adjoints_(m.allocate_per_slice(dim.size)) {
    for (int t = 0; t < dim.size; ++t) adjoints_.store(t, T(0.));
    m.team().barrier();  // a step may read elements of a linear predictor, which other slices own
    if (m.first_slice() && dim.size > 0) {
      values_.store(0, T(initial_.evaluate(m).value));
      for (int t = 1; t < dim.size; ++t) values_.store(t, T(at(t).value));
    }
    m.team().barrier();
  }
  LOCKSTEP_FN ~Scan() {
    m_.team().barrier();
    if (m_.first_slice() && dim_.size > 0) {
      for (int t = dim_.size - 1; t > 0; --t) at(t).pull(m_.sum_over_slices(adjoints_, t, dim_.size));
      initial_.evaluate(m_).pull(m_.sum_over_slices(adjoints_, 0, dim_.size));
    }
    m_.team().barrier();  // as above: their adjoints
  }
  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }
  LOCKSTEP_FN Dim dim() const { return dim_; }

 private:
  LOCKSTEP_FN auto at(int t) const {
    return as_recipe(step_(Index{t, dim_.id}, Element<Scan, false>(this, t - 1))).evaluate(m_);
  }
  M& m_;
  Dim dim_;
  Initial initial_;
  Step step_;
  LaneArray<T> values_, adjoints_;
};

}  // namespace lockstep
