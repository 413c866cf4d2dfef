// The likelihood of one or more series whose distributions at each time depend on a hidden state, a Markov chain: the states are
// summed out by the forward algorithm, and the backward algorithm gives every derivative (Rabiner 1989, "A tutorial on hidden
// Markov models").
//
// With b_t[k] the density of all that is observed at t in state k, divided by the largest over states,
//   a_1[k] = initial[k] b_1[k] / c_1,   a_t[k] = b_t[k] sum_j a_{t-1}[j] transition[j][k] / c_t,   c_t making a_t sum to one;
//   log p(y) = sum_t log c_t + log of the largest density at t.
// What is observed are numbers or rows of a matrix. What is missing is integrated out: its density is 1 in every state.
// Every slice evaluates the emissions of its times; one runs the recursions.
#pragma once

#include "lockstep/emission.hpp"

namespace lockstep {

// Transition probabilities that are a matrix node, or a lambda of the time that is moved to, and from which state to which.
template <class Node> struct SameTransition {
  const Node& node;
  template <class M> LOCKSTEP_FN auto value(const M&, int, int from, int to) const { return node.value(from, to); }
  template <class M, class A> LOCKSTEP_FN void pull(const M&, int, int from, int to, const A& a) const { node.pull(from, to, a); }
};
template <class F> struct TransitionByTime {
  const F& probability;
  Dim time, state;
  template <class M> LOCKSTEP_FN auto value(const M& m, int t, int from, int to) const {
    return typename M::value_type(at(m, t, from, to).value);
  }
  template <class M, class A> LOCKSTEP_FN void pull(const M& m, int t, int from, int to, const A& a) const { at(m, t, from, to).pull(a); }

 private:
  template <class M> LOCKSTEP_FN auto at(const M& m, int t, int from, int to) const {
    return as_recipe(probability(Index{t, time.id}, Index{from, state.id}, Index{to, state.id})).evaluate(m);
  }
};
template <class V> LOCKSTEP_FN auto transition_argument(const V& v, Dim time, Dim state) {
  if constexpr (std::is_invocable_v<const V&, Index, Index, Index>) return TransitionByTime<V>{v, time, state};
  else return SameTransition<V>{v};
}

template <class M, class Initial, class Given> class HiddenMarkov {
 public:
  using T = typename M::value_type;
  // Elements of scratch on one slice.
  static std::int64_t scratch(int times, int states) { return 2 * (std::int64_t(times) * states + times + states); }

  LOCKSTEP_FN HiddenMarkov(M& m, Dim time, Dim state, const Initial& initial, const Given& transition)
      : m_(m), time_(time), state_(state), initial_(initial), transition_(transition_argument(transition, time, state)),
        density_(m.allocate(time.size * state.size)), forward_(m.allocate(time.size * state.size)),
        norm_(m.allocate(time.size)), log_largest_(m.allocate(time.size)), backward_(m.allocate(2 * state.size)) {}

  // The log density of all times; `at_time(t, log density of what is observed at t given all before)` is called for each.
  // `sites(given)`: what is observed, by `given.observe(name, y, time, emission)`.
  template <class Sites, class At> LOCKSTEP_FN SumOf<T> run_forward(const Sites& sites, const At& at_time) {
    evaluate_emissions(sites);
    m_.team().barrier();
    SumOf<T> total(0.);
    if (m_.first_slice())
      for (int t = 0; t < time_.size; ++t) {
        T sum(0.);
        for (int k = 0; k < states(); ++k) {
          const T weight = predicted(t, k) * density_.load(number(t, k));
          forward_.store(number(t, k), weight);
          sum += weight;
        }
        const T inverse = T(1.) / sum;
        for (int k = 0; k < states(); ++k) forward_.store(number(t, k), forward_.load(number(t, k)) * inverse);
        norm_.store(t, inverse);
        const T log_density = log(sum) + log_largest_.load(t);
        at_time(t, log_density);
        accumulate(total, log_density);
      }
    return total;
  }

  // After run_forward: the probability of state k at t given what is observed up to t; and of state k at t + 1 given that state at t, and no more.
  LOCKSTEP_FN T filtered(int t, int k) const { return forward_.load(number(t, k)); }
  LOCKSTEP_FN T moves(int t, int from, int to) const { return transition_.value(m_, t + 1, from, to); }

  // Pulls every adjoint; `forward_` becomes the posterior probabilities of the states.
  template <class Sites> LOCKSTEP_FN void run_backward(const Sites& sites) {
    if (m_.first_slice()) {
      LaneArray<T> now = backward_, before = backward_.from(states());
      for (int k = 0; k < states(); ++k) now.store(k, T(1.));
      for (int t = time_.size - 1; t >= 0; --t) {
        // What the future says of state k at t, times its emission.
        for (int k = 0; k < states(); ++k) {
          const T weight = density_.load(number(t, k)) * now.load(k) * norm_.load(t);
          if (t == 0) initial_[Index{k, state_.id}].evaluate(m_).pull(weight);
          forward_.store(number(t, k), forward_.load(number(t, k)) * now.load(k));
          now.store(k, weight);
        }
        if (t == 0) break;
        for (int j = 0; j < states(); ++j) {
          T sum(0.);
          for (int k = 0; k < states(); ++k) {
            sum += transition_.value(m_, t, j, k) * now.load(k);
            transition_.pull(m_, t, j, k, forward_.load(number(t - 1, j)) * now.load(k));
          }
          before.store(j, sum);
        }
        const LaneArray<T> swapped = now;
        now = before;
        before = swapped;
      }
    }
    m_.team().barrier();
    sites(Pulls{this});
  }

  // The log density of states that are given, one for each time, and what it pulls.
  LOCKSTEP_FN SumOf<T> run_along(const double* given) const {
    SumOf<T> total(0.);
    if (!m_.first_slice()) return total;
    for (int t = 0; t < time_.size; ++t) {
      const int now = int(given[t]);
      if (t == 0) {
        const auto first = initial_[Index{now, state_.id}].evaluate(m_);
        accumulate(total, T(log_of(first)));
        first.pull(T(inverse_of(first)));
      } else {
        const int before = int(given[t - 1]);
        const T probability(transition_.value(m_, t, before, now));
        accumulate(total, T(log(probability)));
        transition_.pull(m_, t, before, now, T(1. / probability));
      }
    }
    return total;
  }

 private:
  LOCKSTEP_FN int states() const { return state_.size; }
  LOCKSTEP_FN int number(int t, int k) const { return t * states() + k; }
  LOCKSTEP_FN T predicted(int t, int k) const {
    if (t == 0) return T(initial_[Index{k, state_.id}].evaluate(m_).value);
    T sum(0.);
    for (int j = 0; j < states(); ++j) sum += forward_.load(number(t - 1, j)) * transition_.value(m_, t, j, k);
    return sum;
  }
  template <class Sites> LOCKSTEP_FN void evaluate_emissions(const Sites& sites) {
    const auto for_owned = [&](const auto& f) {
      for (int t : m_.team().share(time_.size)) f(t);
    };
    empty_ = true;
    sites(Evaluates{this});
    for_owned([&](int t) {
      for (int k = 0; empty_ && k < states(); ++k) density_.sums().store(number(t, k), SumOf<T>(0.));
    });
    for_owned([&](int t) {
      T largest(least_log_density);
      for (int k = 0; k < states(); ++k) {
        const T log_density = narrow<T>(density_.sums().load(number(t, k)));
        density_.store(number(t, k), log_density);
        largest = max(largest, log_density);
      }
      for (int k = 0; k < states(); ++k) density_.store(number(t, k), exp(density_.load(number(t, k)) - largest));
      log_largest_.store(t, largest);
    });
  }

  // What sites are declared by, once to add up their densities, once to pull these.
  template <bool pulls> struct SitesOf {
    HiddenMarkov* chain;
    template <class Y, class F> LOCKSTEP_FN void observe(const char* name, const Y& y, Dim time, const F& f) const {
      chain->template for_data<pulls>(name, y, time, f);
    }
  };
  using Evaluates = SitesOf<false>;
  using Pulls = SitesOf<true>;

  template <bool pulls, class Y, class F> LOCKSTEP_FN void for_data(const char* name, const Y& y, Dim time, const F& f) {
    if (!m_.counts(name) || time.size == 0) return;
    const auto given = m_.replaced(name, y);
    for (int k = 0; k < states(); ++k) {
      Emission<M, std::remove_const_t<decltype(given)>, F> emission(m_, given, time, state_, f, k);
      const Share own = m_.team().share(time.size);
      if constexpr (pulls) {
        // In runs of times that count: with a condition around each pull, a gradient takes a tenth more.
        const auto counts = [&](int t) { return !m_.is_missing(given, t) && possible(forward_.load(number(t, k))); };
        for (int t = own.first; t < own.limit; t += own.step) {
          int end = t;
          while (end < own.limit && counts(end)) end += own.step;
          for (; t < end; t += own.step) emission.pull(t, k, forward_.load(number(t, k)));
        }
      } else {
        for (int t : own) {
          const int n = number(t, k);
          SumOf<T> sum = empty_ ? SumOf<T>(0.) : density_.sums().load(n);
          if (!m_.is_missing(given, t)) accumulate(sum, emission.log_density(t, k));
          density_.sums().store(n, sum);
        }
      }
    }
    empty_ = false;
  }

  M& m_;
  Dim time_, state_;
  Initial initial_;
  decltype(transition_argument(std::declval<const Given&>(), Dim{}, Dim{})) transition_;
  LaneArray<T> density_, forward_, norm_, log_largest_, backward_;
  bool empty_ = true;   // no site has added its densities
};

// The one series of a chain that has no other.
template <class Y, class F> struct OneSeries {
  const char* name;
  const Y& y;
  Dim time;
  const F& emission;
  template <class Sites> LOCKSTEP_FN void operator()(const Sites& given) const { given.observe(name, y, time, emission); }
};

}  // namespace lockstep
