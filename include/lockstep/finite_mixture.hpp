// A mixture whose components are the elements of a dimension: each observation has a state of its own, which is summed out.
//
//   log p(y_i) = log sum_k weight[k] f_k(y_i)
//
// The derivative by log(weight[k] f_k(y_i)) is the probability of state k given y_i. An observation that is missing has density 1
// in every state.
#pragma once

#include "lockstep/emission.hpp"

namespace lockstep {

// `weight`: a vector argument along `state`, or a lambda of the observation and the state. `component(i, k)`: the distribution of
// observation i in state k.
template <class M, class Y, class Weight, class F> class FiniteMixture {
 public:
  using T = typename M::value_type;
  using Component = Emission<M, Y, F>;
  // Elements of scratch: on each slice; and of rows, whose states are prepared one after the other, of all slices together.
  static std::int64_t scratch(int rows, int states) { return Component::of_rows ? std::int64_t(rows) * states : states; }

  LOCKSTEP_FN FiniteMixture(M& m, const Y& y, Dim dim, Dim state, const Weight& weight, const F& component)
      : m_(m), y_(y), dim_(dim), state_(state), weight_(weight), component_(component),
        terms_(Component::of_rows ? m.allocate(dim.size * state.size) : m.allocate_per_slice(state.size)) {}

  // The log density of those observations that this slice owns, for each of which `at(i, log density)` is called. In there
  // `probability(i, k)` is that of state k given the observation.
  template <class At> LOCKSTEP_FN SumOf<T> sum_out(const At& at) {
    SumOf<T> total(0.);
    if (nothing()) return total;
    const auto sum = [&](int i) {
      const T log_density = normalise(i);
      at(i, log_density);
      accumulate(total, log_density);
    };
    if constexpr (Component::of_rows) {
      for_components([&](Component& component, int k) {
        for_owned([&](int i) { evaluate(component, i, k); });
      });
      for_owned(sum);
    } else {
      Component component(m_, y_, dim_, state_, component_, 0);
      for_owned([&](int i) {
        for (int k = 0; k < state_.size; ++k) evaluate(component, i, k);
        sum(i);
      });
    }
    return total;
  }
  LOCKSTEP_FN T probability(int i, int k) const { return terms_.load(number(i, k)); }

  // Adds the log density of states that are given, `which(i)` that of observation i, and pulls it.
  template <class Which>
  LOCKSTEP_FN static void count_states(M& m, Dim dim, Dim state, const Weight& weights, const Which& which) {
    for (int i : m.team().share(dim.size).from(dim.first)) {
      const auto w = weight_in(m, weights, Index{i, dim.id}, GatheredIndex{{which(i), state.id}});
      m.add(T(log_of(w)));
      w.pull(T(inverse_of(w)));
    }
  }

  // The log density of those observations that this slice owns, and all that it pulls.
  LOCKSTEP_FN SumOf<T> run() {
    if (nothing()) return SumOf<T>(0.);
    if constexpr (Component::of_rows) {
      const SumOf<T> total = sum_out([&](int i, const T&) { pull_weights(i); });
      for_components([&](Component& component, int k) {
        for_owned([&](int i) { pull(component, i, k); });
      });
      return total;
    } else {
      Component component(m_, y_, dim_, state_, component_, 0);
      return sum_out([&](int i, const T&) {
        pull_weights(i);
        for (int k = 0; k < state_.size; ++k) pull(component, i, k);
      });
    }
  }

 private:
  LOCKSTEP_FN static auto weight_in(const M& m, const Weight& weights, Index i, GatheredIndex k) {
    if constexpr (std::is_invocable_v<const Weight&, Index, Index>) return as_recipe(weights(i, k)).evaluate(m);
    else return as_recipe(weights[k]).evaluate(m);
  }
  LOCKSTEP_FN auto weight(int i, int k) const { return weight_in(m_, weight_, Index{i, dim_.id}, GatheredIndex{{k, state_.id}}); }
  LOCKSTEP_FN bool nothing() const { return dim_.first >= dim_.size || state_.size == 0; }
  LOCKSTEP_FN int number(int i, int k) const { return Component::of_rows ? i * state_.size + k : k; }
  template <class G> LOCKSTEP_FN void for_owned(const G& g) const {
    for (int i : m_.team().share(dim_.size).from(dim_.first)) g(i);
  }
  template <class G> LOCKSTEP_FN void for_components(const G& g) const {
    for (int k = 0; k < state_.size; ++k) {
      Component component(m_, y_, dim_, state_, component_, k);
      g(component, k);
    }
  }
  LOCKSTEP_FN void evaluate(Component& component, int i, int k) const {
    const T of_weight(log_of(weight(i, k)));
    terms_.store(number(i, k), m_.is_missing(y_, i) ? of_weight : T(of_weight + component.log_density(i, k)));
  }
  // The terms become probabilities; returns the logarithm of their sum.
  LOCKSTEP_FN T normalise(int i) const {
    T largest(least_log_density), sum(0.);
    for (int k = 0; k < state_.size; ++k) largest = max(largest, terms_.load(number(i, k)));
    for (int k = 0; k < state_.size; ++k) sum += exp(terms_.load(number(i, k)) - largest);
    const T log_density = largest + log(sum);
    for (int k = 0; k < state_.size; ++k) terms_.store(number(i, k), exp(terms_.load(number(i, k)) - log_density));
    return log_density;
  }
  LOCKSTEP_FN void pull_weights(int i) const {
    for (int k = 0; k < state_.size; ++k) {
      auto w = weight(i, k);
      w.pull(T(choose(T(w.value) > 0., T(probability(i, k) / w.value), T(0.))));
    }
  }
  LOCKSTEP_FN void pull(Component& component, int i, int k) const {
    if (m_.is_missing(y_, i)) return;
    if (const T p = probability(i, k); possible(p)) component.pull(i, k, p);
  }

  M& m_;
  Y y_;
  Dim dim_, state_;
  Weight weight_;
  const F& component_;
  LaneArray<T> terms_;
};

template <class V> LOCKSTEP_FN auto mixture_weights(const V& v) {
  if constexpr (std::is_invocable_v<const V&, Index, Index>) return v;
  else return vector_argument(v);
}

}  // namespace lockstep
