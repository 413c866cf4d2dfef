// The context in which a model computes its log density and, as its nodes are destroyed, the gradient.
//
// The value of every unconstrained coordinate is in `position`; the derivative of the log density (Jacobians and all
// constants included) comes out in `gradient`. On a sliced team every slice runs the model on its share of each plate:
// it adds to a gradient and a log density of its own, and the caller sums them. That is sound because pulling is
// linear. Priors of scalars and Jacobians count on slice 0 only.
#pragma once

#include <concepts>
#include <type_traits>

#include "lockstep/distributions.hpp"
#include "lockstep/lanes.hpp"
#include "lockstep/liveness.hpp"
#include "lockstep/plate.hpp"

namespace lockstep {

// One chain's lanes on one thread: no slices.
struct WholeTeam {
  static constexpr bool sliced = false;
  LOCKSTEP_FN static constexpr int slice() { return 0; }
  LOCKSTEP_FN static constexpr int slices() { return 1; }
  LOCKSTEP_FN static void barrier() {}
};

// Where a run of the model reads and writes. All arrays are [element][lane] with `stride` lanes.
struct Workspace {
  const double* position = nullptr;
  double* gradient = nullptr;                 // this slice's own
  double* scratch = nullptr;                  // shared by the slices of a team
  const std::int64_t* data_columns = nullptr; // per lane: which data set; only read if fields have columns
  int stride = 1;
};

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
    if (!m.first_slice()) return;
    accumulate(adjoint_, density.slope());
    density.pull(Unit{});
    m.add(density.log_density);
    m.add(at_.log_jacobian());
  }
  LOCKSTEP_FN ~ScalarParam() {
    m_.gradient().store(coordinate_, bound_.gradient(at_, adjoint_, m_.first_slice() ? 1. : 0.));
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
  mutable value_type adjoint_ = value_type(0.);
};

// A named intermediate scalar, computed once.
template <class M, class E> class ScalarLet : public NodeTag, public Liveness {
 public:
  using value_type = typename M::value_type;
  LOCKSTEP_FN ScalarLet(const M& m, const E& e) : evaluated_(e.evaluate(m)) {}
  LOCKSTEP_FN ~ScalarLet() { evaluated_.pull(adjoint_); }
  LOCKSTEP_FN Leaf<ScalarLet> use() const { return Leaf<ScalarLet>(this); }
  LOCKSTEP_FN value_type value() const { return value_type(evaluated_.value); }
  template <class A> LOCKSTEP_FN void pull(const A& a) const { accumulate(adjoint_, a); }

 private:
  EvaluatedIn<E, M> evaluated_;
  mutable value_type adjoint_ = value_type(0.);
};

// ---- vector nodes -----------------------------------------------------------------------------------------------------------

// Elements read by a plate's index, a gathered position or a constant; each slice has adjoints of its own.
template <class Self> struct VectorAccess : Liveness {
  LOCKSTEP_FN Element<Self, false> operator[](Index j) const { return {static_cast<const Self*>(this), j.position}; }
  LOCKSTEP_FN Element<Self, true> operator[](int i) const { return {static_cast<const Self*>(this), i}; }
};

template <class M, class Support> class VectorParam : public VectorAccess<VectorParam<M, Support>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;

  template <class F> LOCKSTEP_FN VectorParam(M& m, Dim dim, const Support& support, const F& prior)
      : m_(m), dim_(dim), position_(m.position().from(m.take_coordinates(dim.size))),
        adjoints_(m.gradient().from(m.last_coordinate() - dim.size)),
        values_(Support::identity ? position_ : m.allocate(dim.size)), bound_(bind(m, support)) {
    constrain();
    if (dim.size == 0) return;
    if constexpr (M::Team::sliced)
      for (int i = 0; i < dim.size; ++i) adjoints_.store(i, T(0.));
    using D = std::remove_cvref_t<decltype(prior(Index{0, 0}))>;
    Prepared<M, D> prepared(m, prior(Index{0, dim.id}));
    for (int i = m.team().slice(); i < dim.size; i += m.team().slices()) {
      const Index j{i, dim.id};
      auto density = prepared.at(m, prior(j), typed(i));
      T adjoint(0.);
      accumulate(adjoint, density.slope());
      adjoints_.store(i, adjoint);
      density.pull(Unit{});
      m.add(density.log_density);
    }
  }

  LOCKSTEP_FN ~VectorParam() {
    if constexpr (!Support::identity) {
      if constexpr (Support::elementwise) {
        for (int i = 0; i < dim_.size; ++i) {
          const double weight = i % m_.team().slices() == m_.team().slice() ? 1. : 0.;
          adjoints_.store(i, bound_.gradient(bound_.constrain(position_.load(i)), adjoints_.load(i), weight));
        }
      } else {
        m_.team().barrier();
        if (!m_.first_slice() || dim_.size == 0) return;
        Support::template gradient<T>(
            position_, dim_.size, [&](int i) { return m_.sum_over_slices(adjoints_, i); },
            [&](int i, const T& d) { adjoints_.store(i, d); });
        m_.clear_other_slices(adjoints_, dim_.size);
      }
    }
  }

  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }
  // The logarithm of a positive element is its coordinate.
  LOCKSTEP_FN T log_value(int i) const requires std::is_same_v<Support, Positive> { return position_.load(i); }
  LOCKSTEP_FN Dim dim() const { return dim_; }

 private:
  struct NoBound {};
  LOCKSTEP_FN static auto bind(const M& m, const Support& support) {
    if constexpr (Support::elementwise) return support.bind(m);
    else return NoBound{};
  }
  // The element with what its transform knows about it.
  LOCKSTEP_FN auto typed(int i) const {
    if constexpr (Support::elementwise) return bound_.constrain(position_.load(i));
    else return DataValue<T>{values_.load(i)};
  }
  LOCKSTEP_FN void constrain() {
    if constexpr (Support::identity) return;
    if constexpr (Support::elementwise && !Support::identity) {
      for (int i = m_.team().slice(); i < dim_.size; i += m_.team().slices()) {
        auto at = bound_.constrain(position_.load(i));
        values_.store(i, at.value);
        m_.add(at.log_jacobian());
      }
    } else if constexpr (!Support::elementwise) {
      if (m_.first_slice() && dim_.size > 0) m_.add(Support::template constrain<T>(position_, values_, dim_.size));
    }
    m_.team().barrier();
  }

  M& m_;
  Dim dim_;
  LaneArray<T> position_, adjoints_, values_;
  decltype(bind(std::declval<const M&>(), std::declval<const Support&>())) bound_;
};

// A named intermediate vector, computed once and kept.
template <class M, class F> class VectorLet : public VectorAccess<VectorLet<M, F>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  LOCKSTEP_FN VectorLet(M& m, Dim dim, const F& element)
      : m_(m), dim_(dim), element_(element), values_(m.allocate(dim.size)), adjoints_(m.allocate_per_slice(dim.size)) {
    for (int i = 0; i < dim.size; ++i) adjoints_.store(i, T(0.));
    for (int i = m.team().slice(); i < dim.size; i += m.team().slices()) values_.store(i, T(at(i).value));
    m.team().barrier();
  }
  LOCKSTEP_FN ~VectorLet() {
    m_.team().barrier();
    for (int i = m_.team().slice(); i < dim_.size; i += m_.team().slices())
      at(i).pull(m_.sum_over_slices(adjoints_, i, dim_.size));
  }
  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }
  LOCKSTEP_FN Dim dim() const { return dim_; }

 private:
  LOCKSTEP_FN auto at(int i) const { return as_recipe(element_(Index{i, dim_.id})).evaluate(m_); }
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

// Elements read by a plate's own index only: the slice that reads an element owns it, so one array of adjoints serves.
template <class Self> struct OwnedAccess : Liveness {
  LOCKSTEP_FN Element<Self, false> operator[](Index j) const { return {static_cast<const Self*>(this), j.position}; }
  template <std::same_as<GatheredIndex> J> LOCKSTEP_FN Element<Self, false> operator[](J) const {
    static_assert(!std::is_same_v<J, GatheredIndex>,
                  "a linear predictor is read along its rows only; keep it in a let to read it through a group index: "
                  "m.let(name, rows, [&](auto i) { return mean[i]; })");
  }
};

// Running sums in registers: a chain of members, not an array, which GCC would keep in memory.
template <class T, int n> struct RunningSums {
  T sum = T(0.);
  RunningSums<T, n - 1> rest;
  // Adds weight times each of n values `stride` apart.
  LOCKSTEP_FN void add(const double* values, std::int64_t stride, const T& weight) {
    sum += *values * weight;
    rest.add(values + stride, stride, weight);
  }
  // f(0, first sum), f(1, second sum), ...
  template <class F> LOCKSTEP_FN void for_each(const F& f, int index = 0) const {
    f(index, sum);
    rest.for_each(f, index + 1);
  }
};
template <class T> struct RunningSums<T, 0> {
  LOCKSTEP_FN void add(const double*, std::int64_t, const T&) {}
  template <class F> LOCKSTEP_FN void for_each(const F&, int = 0) const {}
};

// X beta. Each element of X is loaded once for all lanes of a pack; a block of rows shares each load of beta, and, on the
// way back, a block of columns each load of a row's adjoint.
template <class M, class Beta> class LinearPredictor : public OwnedAccess<LinearPredictor<M, Beta>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  LOCKSTEP_FN LinearPredictor(M& m, const Matrix& x, const Beta& beta)
      : m_(m), x_(x), beta_(&beta), values_(m.allocate(x.rows.size)), adjoints_(m.allocate(x.rows.size)) {
    for_blocks(owned_rows(), [this](auto size, int first) { this->template predict<decltype(size)::value>(first); });
  }
  LOCKSTEP_FN ~LinearPredictor() {
    for_blocks(x_.columns.size, [this](auto size, int first) { this->template pull_columns<decltype(size)::value>(first); });
  }
  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }
  LOCKSTEP_FN Dim dim() const { return x_.rows; }

 private:
  // Rows are owned by slices as a plate's elements are: slice s has s, s + slices, ...
  LOCKSTEP_FN int owned_rows() const {
    return (x_.rows.size - m_.team().slice() + m_.team().slices() - 1) / m_.team().slices();
  }
  LOCKSTEP_FN int row(int owned) const { return owned * m_.team().slices() + m_.team().slice(); }
  LOCKSTEP_FN const double* at(int owned, int column) const {
    return x_.values + std::int64_t(row(owned)) * x_.columns.size + column;
  }

  // Eight sums hide the latency of two multiply-adds a cycle; what is left over goes one by one.
  template <class F> LOCKSTEP_FN static void for_blocks(int n, const F& f) {
    constexpr int size = 8;
    int i = 0;
    for (; i + size <= n; i += size) f(std::integral_constant<int, size>{}, i);
    for (; i < n; ++i) f(std::integral_constant<int, 1>{}, i);
  }
  template <int rows> LOCKSTEP_FN void predict(int first) {
    RunningSums<T, rows> sums;
    const double* x = at(first, 0);
    const std::int64_t stride = std::int64_t(x_.columns.size) * m_.team().slices();
    const int columns = x_.columns.size;
    for (int k = 0; k < columns; ++k) sums.add(x + k, stride, beta_->value(k));
    sums.for_each([&](int r, const T& sum) {
      values_.store(row(first + r), sum);
      adjoints_.store(row(first + r), T(0.));
    });
  }
  template <int columns> LOCKSTEP_FN void pull_columns(int first) {
    RunningSums<T, columns> sums;
    const int rows = owned_rows();
    if (rows == 0) return;
    const double* x = at(0, first);
    const std::int64_t stride = std::int64_t(x_.columns.size) * m_.team().slices();
    for (int i = 0; i < rows; ++i, x += stride) sums.add(x, 1, adjoints_.load(row(i)));
    sums.for_each([&](int c, const T& sum) { beta_->pull(first + c, sum); });
  }

  M& m_;
  Matrix x_;
  NodePointer<Beta> beta_;
  LaneArray<T> values_, adjoints_;
};

// ---- observed data as a node ---------------------------------------------------------------------------------------------

struct ObservedVector {
  Real field;
  LOCKSTEP_FN FieldElement<false> operator[](Index j) const { return field[j]; }
  LOCKSTEP_FN FieldElement<true> operator[](int i) const { return field[i]; }
};

// ---- the context ---------------------------------------------------------------------------------------------------------

// `with_columns`: some fields have one column per data set.
template <class T, class TeamType = WholeTeam, bool with_columns = false> class LogDensity {
 public:
  using value_type = T;
  using Team = TeamType;

  LOCKSTEP_FN LogDensity(const Team& team, const Workspace& workspace) : team_(team), workspace_(workspace) {}
  LogDensity(const LogDensity&) = delete;

  // A parameter with its prior, on the prior's support or on one that is named.
  template <DistributionLike D> LOCKSTEP_FN auto param(const char*, const D& prior) {
    return ScalarParam<LogDensity, decltype(support_of(prior))>(*this, prior, support_of(prior));
  }
  template <DistributionLike D, SupportLike S> LOCKSTEP_FN auto param(const char*, const D& prior, const S& support) {
    return ScalarParam<LogDensity, S>(*this, prior, support);
  }
  template <DistributionLike D> LOCKSTEP_FN auto param(const char*, const D& prior, Dim dim) {
    return VectorParam<LogDensity, decltype(support_of(prior))>(*this, dim, support_of(prior), SameForAll<D>{prior});
  }
  template <DistributionLike D, SupportLike S>
  LOCKSTEP_FN auto param(const char*, const D& prior, Dim dim, const S& support) {
    return VectorParam<LogDensity, S>(*this, dim, support, SameForAll<D>{prior});
  }
  // Each element with a prior of its own: `[&](auto j) { return normal(mu[j], 1); }`.
  template <class F> requires std::is_invocable_v<const F&, Index>
  LOCKSTEP_FN auto param(const char*, Dim dim, const F& prior) {
    const auto support = support_of(prior(Index{0, dim.id}));
    return VectorParam<LogDensity, std::remove_const_t<decltype(support)>>(*this, dim, support, prior);
  }

  template <DistributionLike D> LOCKSTEP_FN RealScalar observe(const char*, const RealScalar& y, const D& d) {
    Prepared<LogDensity, D> prepared(*this, d);
    auto density = prepared.at(*this, d, y.evaluate(*this));
    if (first_slice()) {
      add(density.log_density);
      density.pull(Unit{});
    }
    return y;
  }
  template <class F> LOCKSTEP_FN ObservedVector observe(const char*, const Real& y, Dim dim, const F& f) {
    const ObservedVector node{y};
    if (dim.first >= dim.size) return node;
    using D = std::remove_cvref_t<decltype(element_distribution(f, Index{}, node))>;
    Prepared<LogDensity, D> prepared(*this, element_distribution(f, Index{dim.first, dim.id}, node));
    T total(0.);
    for (int i = first_owned(dim); i < dim.size; i += team_.slices()) {
      const Index j{i, dim.id};
      auto density = prepared.at(*this, element_distribution(f, j, node), y[j].evaluate(*this));
      total += density.log_density;
      density.pull(Unit{});
    }
    log_density_ += total;
    return node;
  }

  // A quantity to report. It is evaluated where it is used.
  template <Operand E> LOCKSTEP_FN auto deterministic(const char*, const E& e) { return as_recipe(e); }
  template <class F> LOCKSTEP_FN LazyVector<F> deterministic(const char* name, Dim dim, const F& f) {
    return {f, dim, name};
  }
  // A quantity to report that is computed once and kept: for what is used often.
  template <Operand E> LOCKSTEP_FN auto let(const char*, const E& e) { return ScalarLet<LogDensity, RecipeOf<E>>(*this, as_recipe(e)); }
  template <class F> LOCKSTEP_FN VectorLet<LogDensity, F> let(const char*, Dim dim, const F& f) { return {*this, dim, f}; }

  template <Operand I, class Step> LOCKSTEP_FN auto scan(const char*, Dim dim, const I& initial, const Step& step) {
    return Scan<LogDensity, RecipeOf<I>, Step>(*this, dim, as_recipe(initial), step);
  }
  template <class Beta> LOCKSTEP_FN LinearPredictor<LogDensity, Beta> linear(const Matrix& x, const Beta& beta) {
    static_assert(!std::is_base_of_v<OwnedAccess<Beta>, Beta>,
                  "the coefficients are a linear predictor, which is read along its rows only; keep them in a let");
    return {*this, x, beta};
  }
  template <class Beta> void linear(const Matrix&, const Beta&&) = delete;  // coefficients outlive the predictor

  // ---- for nodes ----
  LOCKSTEP_FN const Team& team() const { return team_; }
  LOCKSTEP_FN bool first_slice() const { return !Team::sliced || team_.slice() == 0; }
  LOCKSTEP_FN int take_coordinates(int count) {
    next_coordinate_ += count;
    return next_coordinate_ - count;
  }
  LOCKSTEP_FN int last_coordinate() const { return next_coordinate_; }
  LOCKSTEP_FN LaneArray<T> position() const { return {const_cast<double*>(workspace_.position), workspace_.stride}; }
  LOCKSTEP_FN LaneArray<T> gradient() const { return {workspace_.gradient, workspace_.stride}; }
  LOCKSTEP_FN LaneArray<T> allocate(int count) {
    const int first = scratch_used_;
    scratch_used_ += count;
    return {workspace_.scratch + std::int64_t(first) * workspace_.stride, workspace_.stride};
  }
  LOCKSTEP_FN LaneArray<T> allocate_per_slice(int count) {
    return allocate(count * team_.slices()).from(count * team_.slice());
  }
  LOCKSTEP_FN int scratch_used() const { return scratch_used_; }
  // The sum over slices of element i of an array of which each slice has its own, `distance` elements apart.
  LOCKSTEP_FN T sum_over_slices(const LaneArray<T>& mine, int i, int distance) const {
    if constexpr (!Team::sliced) return mine.load(i);
    const LaneArray<T> first = mine.from(-distance * team_.slice());
    T total(0.);
    for (int s = 0; s < team_.slices(); ++s) total += first.load(s * distance + i);
    return total;
  }
  LOCKSTEP_FN T sum_over_slices(const LaneArray<T>& mine, int i) const { return sum_over_slices(mine, i, dimension()); }
  LOCKSTEP_FN void clear_other_slices(const LaneArray<T>& mine, int count) const {
    if constexpr (Team::sliced)
      for (int s = 1; s < team_.slices(); ++s)
        for (int i = 0; i < count; ++i) mine.store(s * dimension() + i, T(0.));
  }
  template <class L> LOCKSTEP_FN void add(const L& log_density) { log_density_ += log_density; }
  LOCKSTEP_FN void add(Zero) {}
  LOCKSTEP_FN T log_density() const { return log_density_; }
  LOCKSTEP_FN void set_dimension(int dimension) { dimension_ = dimension; }
  LOCKSTEP_FN int dimension() const { return dimension_; }

  LOCKSTEP_FN auto data(const double* table, std::int64_t element, std::int64_t columns) const {
    if constexpr (with_columns) {
      if (columns == 1) return T(table[element]);
      return LaneTraits<T>::gather(table + element * columns, workspace_.data_columns);
    } else {
      return table[element];
    }
  }

 private:
  LOCKSTEP_FN int first_owned(Dim dim) const {
    if constexpr (!Team::sliced) return dim.first;
    const int ahead = (team_.slice() - dim.first % team_.slices() + team_.slices()) % team_.slices();
    return dim.first + ahead;
  }

  Team team_;
  Workspace workspace_;
  T log_density_ = T(0.);
  int next_coordinate_ = 0;
  int scratch_used_ = 0;
  int dimension_ = 0;   // all coordinates of the model: the distance between slices' gradients
};

}  // namespace lockstep
