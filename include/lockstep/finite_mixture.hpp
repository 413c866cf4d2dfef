// A mixture whose components are the elements of a dimension: each observation has a state of its own, which is summed out.
//
//   log p(y_i) = log sum_k weight[k] f_k(y_i)
//
// The derivative by log(weight[k] f_k(y_i)) is the probability of state k given y_i.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/joint_distribution.hpp"
#include "lockstep/lanes.hpp"

namespace lockstep {

// `weight`: a vector argument along `state`, or a lambda of the element and the state. `component(i, k)`: the distribution of
// element i in state k.
template <class M, class Weight, class F> class FiniteMixture {
 public:
  using T = typename M::value_type;
  using D = std::remove_cvref_t<decltype(std::declval<const F&>()(Index{}, Index{}))>;
  // Elements of scratch on one slice.
  static std::int64_t scratch(int states) { return states; }

  LOCKSTEP_FN FiniteMixture(M& m, Dim dim, Dim state, const Weight& weight, const F& component)
      : m_(m), dim_(dim), state_(state), weight_(weight), component_(component), terms_(m.allocate_per_slice(state.size)) {}

  // The log density of y_i, and of each state with it: `term(k)`.
  template <class Prepared> LOCKSTEP_FN T evaluate(Prepared& prepared, const Real& y, int i) const {
    T largest(least_log_density);
    for (int k = 0; k < state_.size; ++k) {
      const T term = log_of(weight(i, k)) + T(prepared.at(m_, component_(at(i), in(k)), y[at(i)].evaluate(m_)).log_density);
      terms_.store(k, term);
      largest = max(largest, term);
    }
    T sum(0.);
    for (int k = 0; k < state_.size; ++k) sum += exp(terms_.load(k) - largest);
    return largest + log(sum);
  }
  LOCKSTEP_FN T term(int k) const { return terms_.load(k); }
  LOCKSTEP_FN auto weight(int i, int k) const {
    if constexpr (std::is_invocable_v<const Weight&, Index, Index>) return as_recipe(weight_(at(i), in(k))).evaluate(m_);
    else return as_recipe(weight_[in(k)]).evaluate(m_);
  }
  LOCKSTEP_FN auto first() const { return component_(at(0), in(0)); }

  // The log density of those elements that this slice owns, and all that it pulls.
  LOCKSTEP_FN SumOf<T> run(const Real& y) const {
    SumOf<T> total(0.);
    if (dim_.size == 0 || state_.size == 0) return total;
    Prepared<M, D> prepared(m_, first());
    for (int i = m_.team().slice(); i < dim_.size; i += m_.team().slices()) {
      const T log_density = evaluate(prepared, y, i);
      accumulate(total, log_density);
      for (int k = 0; k < state_.size; ++k) {
        const T probability = exp(term(k) - log_density);
        auto w = weight(i, k);
        w.pull(T(choose(T(w.value) > 0., T(probability / w.value), T(0.))));
        auto density = prepared.at(m_, component_(at(i), in(k)), y[at(i)].evaluate(m_));
        density.pull(probability);
      }
    }
    return total;
  }

 private:
  LOCKSTEP_FN Index at(int i) const { return {i, dim_.id}; }
  LOCKSTEP_FN Index in(int k) const { return {k, state_.id}; }

  M& m_;
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
