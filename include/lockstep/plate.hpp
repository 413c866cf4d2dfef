// What contexts share: sums over a dimension, lazily evaluated vectors, and the call of a plate's lambda.
#pragma once

#include <concepts>

#include "lockstep/dataset.hpp"
#include "lockstep/distribution.hpp"

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

// The product of a vector node with the past, `dot(beta, past)`: beta[0] past(1) + beta[1] past(2) + ...
template <class Node, class Data> struct Dot : RecipeTag {
  const Node* node;
  Past<Data> past;
  static constexpr bool uniform = false;
  LOCKSTEP_FN Dot(const Node* n, const Past<Data>& p) : node(n), past(p) {}

  template <class M> struct Value {
    typename M::value_type value;
    const M* m;
    Dot recipe;
    template <class A> LOCKSTEP_FN void pull(const A& a) const {
      for (int k = 0; k < recipe.node->dim().size; ++k) recipe.term(k).evaluate(*m).pull(a);
    }
  };
  template <class M> LOCKSTEP_FN Value<M> evaluate(const M& m) const {
    typename M::value_type total(0.);
    for (int k = 0; k < node->dim().size; ++k) total += term(k).evaluate(m).value;
    return {total, &m, *this};
  }
  LOCKSTEP_FN auto term(int k) const {
    const GatheredIndex lag{{k, node->dim().id}};
    return (*node)[lag] * past(lag);
  }
};
template <class Node, class Data> LOCKSTEP_FN Dot<Node, Data> dot(const Node& node, const Past<Data>& past) {
  return {&node, past};
}

// The distribution of element j; the lambda may ask for the past.
template <class F, std::derived_from<Index> J, class Node>
LOCKSTEP_FN auto element_distribution(const F& f, J j, const Node& node) {
  if constexpr (std::is_invocable_v<const F&, J, Past<Node>>) return f(j, Past<Node>{&node, j});
  else return f(j);
}

// The same distribution for every element, as a plate's lambda.
template <class D> struct SameForAll {
  D distribution;
  LOCKSTEP_FN const D& operator()(Index) const { return distribution; }
};

template <class S> concept SupportLike = requires { S::elementwise; };

// The support that a distribution implies.
template <class Kernel, class... A> LOCKSTEP_FN auto support_of(const Distribution<Kernel, A...>& d) {
  return Kernel::support(d);
}
template <class S> LOCKSTEP_FN S support_of(const Flat<S>& d) { return d.on; }
template <class... C> LOCKSTEP_FN auto support_of(const Mixture<C...>& d) {
  return support_of(get<0>(d.components).distribution);
}

}  // namespace lockstep
