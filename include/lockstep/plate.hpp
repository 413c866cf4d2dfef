// What contexts share: sums over a dimension, lazily evaluated vectors, and the call of a plate's lambda.
#pragma once

#include <concepts>

#include "lockstep/dataset.hpp"
#include "lockstep/distribution.hpp"
#include "lockstep/joint_distribution.hpp"

namespace lockstep {

// A named vector that is computed where it is used. Its lambda usually holds references to the nodes it reads, so, like
// them, it stays in the function that made it.
template <class F> struct LazyVector {
  F element;
  Dim dim;
  const char* name;
  template <std::derived_from<Index> J> LOCKSTEP_FN auto operator[](J j) const {
    if constexpr (std::is_same_v<J, CheckedIndex>) require_along(name, dim, j);
    return as_recipe(element(j));
  }
};

// Earlier values of the vector that is being observed: `past(1)` is the one before. It reads the node, so that a
// prediction runs on simulated values.
template <class Node> struct Past {
  const Node* node;
  Index now;
  LOCKSTEP_FN auto operator()(int lag) const {
    if constexpr (requires { node->require_lag(lag); }) node->require_lag(lag);
    return (*node)[Index{now.position - lag, now.dim}];
  }
  // Along a dimension of lags: its first element is lag 1.
  LOCKSTEP_FN auto operator()(Index lag) const { return (*this)(lag.position + 1); }
};

// ---- dot: the sum of products of two sequences ------------------------------------------------------------------------------

// A row of a matrix node. Of a lower triangular one only what may differ from zero: elements 0 ... i.
template <class Node> struct Row {
  using is_row = void;
  const Node* node;
  Index at;
  template <std::derived_from<Index> J> LOCKSTEP_FN auto operator[](J j) const { return (*node)(at, j); }
  LOCKSTEP_FN auto operator[](int j) const { return (*node)(at, j); }
  LOCKSTEP_FN auto term(int k) const { return (*node)(at, Index{k, node->columns().id}); }
  LOCKSTEP_FN int size() const { return Node::lower_triangular ? at.position + 1 : node->columns().size; }
  LOCKSTEP_FN int dim() const { return node->columns().id; }
};
// A column of a matrix node, for `dot`: dot(A.row(i), B.column(j)) is an element of their product.
template <class Node> struct Column {
  using is_column = void;
  const Node* node;
  Index at;
  LOCKSTEP_FN auto term(int k) const { return (*node)(Index{k, node->rows().id}, at); }
  LOCKSTEP_FN int size() const { return node->rows().size; }
  LOCKSTEP_FN int dim() const { return node->rows().id; }
};
template <class Node> struct WholeVector {
  const Node* node;
  LOCKSTEP_FN auto term(int k) const { return (*node)[GatheredIndex{{k, dim()}}]; }
  LOCKSTEP_FN int size() const { return node->dim().size; }
  LOCKSTEP_FN int dim() const { return node->dim().id; }
};
// From lag 1 on, for as long as the other sequence is.
template <class Node> struct PastLags {
  Past<Node> past;
  LOCKSTEP_FN auto term(int k) const { return past(k + 1); }
  LOCKSTEP_FN static constexpr int size() { return 2147483647; }
  LOCKSTEP_FN static constexpr int dim() { return any_dim; }
};
// Data.
struct WholeField {
  Real field;
  LOCKSTEP_FN auto term(int k) const { return field[Index{k, field.dim.id}]; }
  LOCKSTEP_FN int size() const { return field.dim.size; }
  LOCKSTEP_FN int dim() const { return field.dim.id; }
};
LOCKSTEP_FN inline WholeField sequence(const Real& field) { return {field}; }
template <class Node> LOCKSTEP_FN Row<Node> sequence(const Row<Node>& row) { return row; }
template <class Node> LOCKSTEP_FN Column<Node> sequence(const Column<Node>& column) { return column; }
template <class Node> LOCKSTEP_FN PastLags<Node> sequence(const Past<Node>& past) { return {past}; }
template <class Node> requires requires(const Node& n) { n.dim().size; }
LOCKSTEP_FN WholeVector<Node> sequence(const Node& node) { return {&node}; }

template <class A, class B> struct Dot : RecipeTag {
  A a;
  B b;
  static constexpr bool uniform = false;
  LOCKSTEP_FN Dot(const A& first, const B& second) : a(first), b(second) {}

  template <class M> struct Value {
    typename M::value_type value;
    const M* m;
    Dot recipe;
    template <class Adjoint> LOCKSTEP_FN void pull(const Adjoint& adjoint) const {
      for (int k = 0; k < recipe.size(); ++k) recipe.term(k).evaluate(*m).pull(adjoint);
    }
  };
  template <class M> LOCKSTEP_FN Value<M> evaluate(const M& m) const {
    if constexpr (requires { m.require_same_dim(a.dim(), b.dim()); }) m.require_same_dim(a.dim(), b.dim());
    SumOf<typename M::value_type> total(0.);
    for (int k = 0; k < size(); ++k) accumulate(total, term(k).evaluate(m).value);
    return {narrow<typename M::value_type>(total), &m, *this};
  }
  LOCKSTEP_FN int size() const { return a.size() < b.size() ? a.size() : b.size(); }
  LOCKSTEP_FN auto term(int k) const { return a.term(k) * b.term(k); }
};
// a[0] b[0] + a[1] b[1] + ... of two vectors, of rows of matrices, `L.row(i)` (nodes or data), or of a vector and the past,
// `dot(beta, past)`: beta[0] past(1) + beta[1] past(2) + ...
template <class A, class B> LOCKSTEP_FN auto dot(const A& a, const B& b) {
  return Dot<decltype(sequence(a)), decltype(sequence(b))>(sequence(a), sequence(b));
}

// ---- sums over a dimension -----------------------------------------------------------------------------------------------

// The terms, one for each element.
template <class F> struct TermsOver : RecipeTag {
  Dim dim;
  F element;
  static constexpr bool uniform = true;
  LOCKSTEP_FN TermsOver(Dim d, const F& f) : dim(d), element(f) {}
  LOCKSTEP_FN auto term(int k) const { return as_recipe(element(GatheredIndex{{k, dim.id}})); }
};

template <class F> struct SumOver : TermsOver<F> {
  using TermsOver<F>::TermsOver;
  using TermsOver<F>::dim;
  using TermsOver<F>::term;

  template <class M> struct Value {
    typename M::value_type value;
    const M* m;
    SumOver recipe;
    template <class Adjoint> LOCKSTEP_FN void pull(const Adjoint& adjoint) const {
      for (int k = 0; k < recipe.dim.size; ++k) recipe.term(k).evaluate(*m).pull(adjoint);
    }
  };
  template <class M> LOCKSTEP_FN Value<M> evaluate(const M& m) const {
    SumOf<typename M::value_type> total(0.);
    for (int k = 0; k < dim.size; ++k) accumulate(total, term(k).evaluate(m).value);
    return {narrow<typename M::value_type>(total), &m, *this};
  }
};
// f(0) + f(1) + ... over a dimension; 0 of none. It is the same for every element of a plate: read nothing with the plate's own
// index inside. What reads it often keeps it in a let.
template <class F> requires std::is_invocable_v<const F&, GatheredIndex> LOCKSTEP_FN auto sum(Dim dim, const F& f) {
  return SumOver<F>(dim, f);
}

// Likewise the mean, NaN of none.
template <class F> requires std::is_invocable_v<const F&, GatheredIndex> LOCKSTEP_FN auto mean(Dim dim, const F& f) {
  return sum(dim, f) / dim.size;
}

// The largest term, or the smallest. Its derivative is that of the first term that is so.
template <class F, bool largest> struct ExtremeOver : TermsOver<F> {
  using TermsOver<F>::TermsOver;
  using TermsOver<F>::dim;
  using TermsOver<F>::term;

  template <class M> struct Value {
    typename M::value_type value, which;   // the value, and the number of its term
    const M* m;
    ExtremeOver recipe;
    template <class Adjoint> LOCKSTEP_FN void pull(const Adjoint& adjoint) const {
      using T = typename M::value_type;
      for (int k = 0; k < recipe.dim.size; ++k)
        recipe.term(k).evaluate(*m).pull(adjoint * choose(which == T(double(k)), T(1.), T(0.)));
    }
  };
  template <class M> LOCKSTEP_FN Value<M> evaluate(const M& m) const {
    using T = typename M::value_type;
    constexpr double of_none = largest ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    T value(of_none), which(0.);
    for (int k = 0; k < dim.size; ++k) {
      const T each = T(term(k).evaluate(m).value);
      const auto is_it = largest ? each > value : each < value;
      which = choose(is_it, T(double(k)), which);
      value = choose(is_it, each, value);
    }
    return {value, which, &m, *this};
  }
};
// The largest of f(0), f(1), ... over a dimension, and the smallest; likewise. -infinity and infinity of none.
template <class F> requires std::is_invocable_v<const F&, GatheredIndex> LOCKSTEP_FN auto max(Dim dim, const F& f) {
  return ExtremeOver<F, true>(dim, f);
}
template <class F> requires std::is_invocable_v<const F&, GatheredIndex> LOCKSTEP_FN auto min(Dim dim, const F& f) {
  return ExtremeOver<F, false>(dim, f);
}

template <class F> struct ProductOver : TermsOver<F> {
  using TermsOver<F>::TermsOver;
  using TermsOver<F>::dim;
  using TermsOver<F>::term;

  template <class M> struct Value {
    typename M::value_type value, of_others, zeros;   // the product; of those that are not zero; how many are
    const M* m;
    ProductOver recipe;
    template <class Adjoint> LOCKSTEP_FN void pull(const Adjoint& adjoint) const {
      using T = typename M::value_type;
      for (int k = 0; k < recipe.dim.size; ++k) {
        const auto each = recipe.term(k).evaluate(*m);
        const T own = T(each.value);
        const auto is_zero = own == 0.;
        const auto counts = choose(is_zero, T(1.), T(0.)) == zeros;   // no other is zero
        each.pull(adjoint * choose(counts, T(of_others / choose(is_zero, T(1.), own)), T(0.)));
      }
    }
  };
  template <class M> LOCKSTEP_FN Value<M> evaluate(const M& m) const {
    using T = typename M::value_type;
    T product(1.), zeros(0.);
    for (int k = 0; k < dim.size; ++k) {
      const T each = T(term(k).evaluate(m).value);
      const auto is_zero = each == 0.;
      product = product * choose(is_zero, T(1.), each);
      zeros += choose(is_zero, T(1.), T(0.));
    }
    return {choose(zeros == 0., product, T(0.)), product, zeros, &m, *this};
  }
};
// f(0) f(1) ... over a dimension, likewise; 1 of none.
template <class F> requires std::is_invocable_v<const F&, GatheredIndex> LOCKSTEP_FN auto prod(Dim dim, const F& f) {
  return ProductOver<F>(dim, f);
}

template <class F> struct LogSumExpOver : TermsOver<F> {
  using TermsOver<F>::TermsOver;
  using TermsOver<F>::dim;
  using TermsOver<F>::term;

  template <class M> struct Value {
    typename M::value_type value;
    const M* m;
    LogSumExpOver recipe;
    template <class Adjoint> LOCKSTEP_FN void pull(const Adjoint& adjoint) const {
      for (int k = 0; k < recipe.dim.size; ++k) {
        const auto term = recipe.term(k).evaluate(*m);
        term.pull(adjoint * exp(typename M::value_type(term.value) - value));
      }
    }
  };
  template <class M> LOCKSTEP_FN Value<M> evaluate(const M& m) const {
    using T = typename M::value_type;
    T largest(least_log_density);
    for (int k = 0; k < dim.size; ++k) largest = max(largest, T(term(k).evaluate(m).value));
    SumOf<T> total(0.);
    for (int k = 0; k < dim.size; ++k) accumulate(total, exp(T(term(k).evaluate(m).value) - largest));
    return {largest + log(narrow<T>(total)), &m, *this};
  }
};
// log(exp(f(0)) + exp(f(1)) + ...), likewise. With it, exp(f(k) - log_sum_exp(dim, f)) is the softmax.
template <class F> requires std::is_invocable_v<const F&, GatheredIndex> LOCKSTEP_FN auto log_sum_exp(Dim dim, const F& f) {
  return LogSumExpOver<F>(dim, f);
}

// ---- lambdas of plates ---------------------------------------------------------------------------------------------------------

// The distribution of element j; the lambda may ask for the past.
template <class F, std::derived_from<Index> J, class Node>
LOCKSTEP_FN auto element_distribution(const F& f, J j, const Node& node) {
  if constexpr (std::is_invocable_v<const F&, J, Past<Node>>) return f(j, Past<Node>{&node, j});
  else return f(j);
}

// A state that runs along with a series that is observed (see observe).
template <class I, class Step> struct Carry {
  I initial;
  Step step;
};
template <Operand I, class Step> LOCKSTEP_FN auto carry(const I& initial, const Step& step) {
  return Carry<RecipeOf<I>, Step>{as_recipe(initial), step};
}

template <class S> concept SupportLike = requires { S::elementwise; };
// A square matrix as a whole is on it, both axes of which run along one dimension.
template <class S> concept SquareSupport = requires { requires S::square; };
// Any matrix as a whole is on it.
template <class S> concept WholeSupport = requires { requires S::whole; };

// 1 on the diagonal, 0 elsewhere: for a covariance matrix, element by element.
struct Delta : RecipeTag {
  double value;
  static constexpr bool uniform = false;
  LOCKSTEP_FN explicit Delta(bool equal) : value(equal ? 1. : 0.) {}
  template <class M> LOCKSTEP_FN ConstantValue evaluate(const M&) const { return {value}; }
};
LOCKSTEP_FN inline Delta delta(Index i, Index j) { return Delta(i.position == j.position); }

// A named matrix that is computed where it is used.
template <class F> struct LazyMatrix {
  static constexpr bool lower_triangular = false;
  F element;
  Dim rows_, columns_;
  const char* name;
  template <std::derived_from<Index> I, std::derived_from<Index> J> LOCKSTEP_FN auto operator()(I i, J j) const {
    if constexpr (std::is_same_v<I, CheckedIndex>) require_along(name, rows_, i);
    if constexpr (std::is_same_v<J, CheckedIndex>) require_along(name, columns_, j);
    return as_recipe(element(i, j));
  }
  LOCKSTEP_FN Dim rows() const { return rows_; }
  LOCKSTEP_FN Dim columns() const { return columns_; }
};

// The support that a distribution implies.
template <JointDistribution D> LOCKSTEP_FN auto support_of(const D&) { return D::support(); }
template <class Kernel, class... A> requires requires(const Distribution<Kernel, A...>& d) { Kernel::support(d); }
LOCKSTEP_FN auto support_of(const Distribution<Kernel, A...>& d) {
  return Kernel::support(d);
}
template <class S> LOCKSTEP_FN S support_of(const Flat<S>& d) { return d.on; }
template <class... C> requires requires(const Mixture<C...>& d) { support_of(get<0>(d.components).distribution); }
LOCKSTEP_FN auto support_of(const Mixture<C...>& d) {
  return support_of(get<0>(d.components).distribution);
}

}  // namespace lockstep
