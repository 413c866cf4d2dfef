// A discrete latent quantity that several observed sites read: the sum over its values is taken where it is declared.
//
//   log p(data) = sum_g log sum_k prior_g(k) prod_i f_i(y_i | k), the product over all data, of any site, that read element g
//
// The data's log densities are added up in a table of elements and values, at a cost of data x values; what the data of each
// element then say of its value, the posterior probability of k, is the derivative by each log density in the sum.
//
// A change point, a value k before which a series has one distribution and from which on it has another, needs no more than two
// densities for each time: sums from either end of the series are the table, and of the probabilities the derivatives.
//
// Data are numbers or rows of a matrix; what is missing of them has density 1 whatever the value is.
#pragma once

#include "lockstep/emission.hpp"

namespace lockstep {

// `prior(g)`: the distribution of element g, over 0, 1, ... along `state`.
template <class M, class Prior> class DiscreteLatent {
 public:
  using T = typename M::value_type;
  // Elements of scratch on one slice.
  static std::int64_t scratch(int elements, int states) { return std::int64_t(elements) * states; }

  LOCKSTEP_FN DiscreteLatent(M& m, Dim dim, Dim state, const Prior& prior)
      : m_(m), dim_(dim), state_(state), prior_(prior), mine_(m.allocate_per_slice(dim.size * state.size)),
        table_(mine_.from(-dim.size * state.size * m.team().slice())) {}

  // The log density of all elements that this slice owns, and all that it pulls.
  template <class Sites> LOCKSTEP_FN SumOf<T> run(const Sites& sites) {
    const SumOf<T> total = sum_out(sites, [](int, const T&) {});
    pull_prior();
    m_.team().barrier();
    sites(Pulls{this});
    return total;
  }
  // `at(g, log density of all data of element g)` is called for each. After it, `probability(g, k)` is that of k given these.
  template <class Sites, class At> LOCKSTEP_FN SumOf<T> sum_out(const Sites& sites, const At& at) {
    for (int n = 0; n < dim_.size * states(); ++n) mine_.sums().store(n, SumOf<T>(0.));
    sites(Counts{this});
    m_.team().barrier();
    SumOf<T> total(0.);
    for_owned([&](auto& prior, int g) {
      T largest(least_log_density);
      for (int k = 0; k < states(); ++k) {
        const T term = m_.sum_over_slices(mine_, number(g, k), dim_.size * states()) + T(density(prior, g, k).log_density);
        table_.store(number(g, k), term);
        largest = max(largest, term);
      }
      T sum(0.);
      for (int k = 0; k < states(); ++k) sum += exp(table_.load(number(g, k)) - largest);
      const T log_density = largest + log(sum);
      at(g, log_density);
      accumulate(total, log_density);
      for (int k = 0; k < states(); ++k) table_.store(number(g, k), exp(table_.load(number(g, k)) - log_density));
    });
    return total;
  }
  LOCKSTEP_FN T probability(int g, int k) const { return table_.load(number(g, k)); }

 private:
  LOCKSTEP_FN int states() const { return state_.size; }
  LOCKSTEP_FN int number(int g, int k) const { return g * states() + k; }
  template <class F> LOCKSTEP_FN void for_owned(const F& f) {
    if (dim_.size == 0 || states() == 0) return;
    const auto first = prior_(Index{0, dim_.id});
    Prepared<M, std::remove_const_t<decltype(first)>> prepared(m_, first);
    for (int g : m_.team().share(dim_.size)) f(prepared, g);
  }
  template <class P> LOCKSTEP_FN auto density(P& prepared, int g, int k) {
    return prepared.at(m_, prior_(Index{g, dim_.id}), ConstantValue{double(k)});
  }
  LOCKSTEP_FN void pull_prior() {
    for_owned([&](auto& prior, int g) {
      for (int k = 0; k < states(); ++k)
        if (const T p = probability(g, k); possible(p)) density(prior, g, k).pull(p);
    });
  }

  // What a model's lambda is given for its sites, once to add up the densities, `Counts`, once to pull, `Pulls`.
  template <class Self> struct SitesOf {
    DiscreteLatent* latent;
    // The data of element g of the latent's dimension are y[g]; or all, where it is a number.
    template <class Y, class F> LOCKSTEP_FN void observe(const char* name, const Y& y, Dim dim, const F& f) const {
      latent->for_data(name, y, dim, f, *this, [&](int i) { return latent->dim_.id == dim.id ? i : 0; });
    }
    // Those of element `group[i]` are y[i].
    template <class Y, class F>
    LOCKSTEP_FN void observe(const char* name, const Y& y, Dim dim, const GroupIndex& group, const F& f) const {
      latent->for_data(name, y, dim, f, *this, [&](int i) { return group.positions[i]; });
    }
    // Those before the latent's value, `f(t, 0)`, have another distribution than those from it on, `f(t, 1)`.
    template <class Y, class F>
    LOCKSTEP_FN void observe_change(const char* name, const Y& y, Dim time, Dim regime, const F& f) const {
      latent->for_series(name, y, time, regime, f, *this);
    }
  };
  struct Counts : SitesOf<Counts> {
    static constexpr bool pulls = false;
  };
  struct Pulls : SitesOf<Pulls> {
    static constexpr bool pulls = true;
  };

  template <class Y, class F, class Self, class Group>
  LOCKSTEP_FN void for_data(const char* name, const Y& y, Dim dim, const F& f, const SitesOf<Self>&, const Group& group) {
    if (!m_.counts(name) || dim.first >= dim.size) return;
    const auto given = m_.replaced(name, y);
    for (int k = 0; k < states(); ++k) {
      Emission<M, std::remove_const_t<decltype(given)>, F> emission(m_, given, dim, state_, f, k);
      for (int i : m_.team().share(dim.size).from(dim.first)) {
        if (m_.is_missing(given, i)) continue;
        const int n = number(group(i), k);
        if constexpr (!Self::pulls) mine_.add(n, emission.log_density(i, k));
        else if (const T p = table_.load(n); possible(p)) emission.pull(i, k, p);
      }
    }
  }
  template <class Y, class F, class Self>
  LOCKSTEP_FN void for_series(const char* name, const Y& y, Dim time, Dim regime, const F& f, const SitesOf<Self>&) {
    if (!m_.counts(name) || time.size == 0) return;
    const auto given = m_.replaced(name, y);
    using Side = Emission<M, std::remove_const_t<decltype(given)>, F>;
    Side early(m_, given, time, regime, f, 0), late(m_, given, time, regime, f, 1);
    const auto is_there = [&, share = m_.team().share(time.size)](int t) { return share.has(t) && !m_.is_missing(given, t); };
    const int longest = time.size > states() ? time.size : states();
    SumOf<T> before(0.), from(0.);
    if constexpr (Self::pulls) {
      for (int t = 0; t < longest; ++t) {          // the change was at t or before
        if (t < states()) accumulate(from, table_.load(t));
        if (is_there(t)) late.pull(t, 1, narrow<T>(from));
      }
      for (int t = longest - 1; t >= 0; --t) {     // it comes after t
        if (is_there(t) && t + 1 < states()) early.pull(t, 0, narrow<T>(before));
        if (t < states()) accumulate(before, table_.load(t));
      }
    } else {
      for (int t = 0; t < longest; ++t) {
        if (t < states()) mine_.add(t, narrow<T>(before));
        if (is_there(t) && t + 1 < states()) accumulate(before, early.log_density(t, 0));
      }
      for (int t = longest - 1; t >= 0; --t) {
        if (is_there(t)) accumulate(from, late.log_density(t, 1));
        if (t < states()) mine_.add(t, narrow<T>(from));
      }
    }
  }

  M& m_;
  Dim dim_, state_;
  Prior prior_;
  LaneArray<T> mine_, table_;   // of this slice's own data; of all
};

// A latent that is given: its sites are as others, each of whose elements has a state. They are counted by a function of a name,
// y, a plate, the dimension of its states, each element's distribution in a state, and the state of each element.
template <class Count> struct SitesOfKnown {
  const double* values;
  Dim dim, state;
  const Count& count;
  template <class Y, class F> LOCKSTEP_FN void observe(const char* name, const Y& y, Dim plate, const F& f) const {
    const bool by_element = dim.id == plate.id;
    count(name, y, plate, state, f, [&](int i) { return int(values[by_element ? i : 0]); });
  }
  template <class Y, class F>
  LOCKSTEP_FN void observe(const char* name, const Y& y, Dim plate, const GroupIndex& group, const F& f) const {
    count(name, y, plate, state, f, [&](int i) { return int(values[group.positions[i]]); });
  }
  template <class Y, class F>
  LOCKSTEP_FN void observe_change(const char* name, const Y& y, Dim time, Dim regime, const F& f) const {
    count(name, y, time, regime, f, [&](int t) { return t < values[0] ? 0 : 1; });
  }
};

}  // namespace lockstep
