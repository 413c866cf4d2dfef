// A discrete latent quantity that several observed sites read: the sum over its values is taken where it is declared.
//
//   log p(data) = sum_g log sum_k prior_g(k) prod_i f_i(y_i | k), the product over all data, of any site, that read element g
//
// The data's log densities are added up in a table of elements and values, at a cost of data x values; what the data of each
// element then say of its value, the posterior probability of k, is the derivative by each log density in the sum.
//
// A latent that reads others is declared among the sites of the innermost of these. It is summed out for each of their values,
// which are one number, c; and its sums are log densities like those of data, which are added to the table of that latent. Its
// probabilities given c times those of c are the derivatives. So a tree of latents costs its data times the product of the values on
// the way to each.
//
// A change point, a value k before which a series has one distribution and from which on it has another, needs no more than two
// densities for each time: sums from either end of the series are the table, and of the probabilities the derivatives.
//
// A latent that is known, done or observed, has one value: the others are impossible. Data are numbers or rows of a matrix; what is
// missing of them has density 1 whatever the value is.
#pragma once

#include <limits>
#include <type_traits>
#include <utility>

#include "lockstep/emission.hpp"

namespace lockstep {

// The values of `depth` latents as one number, the innermost one's the last digit.
template <int depth> struct StatePath {
  Dim states[depth > 0 ? depth : 1];
  LOCKSTEP_FN int count() const {
    int product = 1;
    for (int d = 0; d < depth; ++d) product *= states[d].size;
    return product;
  }
  LOCKSTEP_FN StatePath<depth + 1> with(Dim state) const {
    StatePath<depth + 1> longer{};
    for (int d = 0; d < depth; ++d) longer.states[d] = states[d];
    longer.states[depth] = state;
    return longer;
  }
  // f(before..., k, l, ...), where k, l, ... are the latents' values that `number` says, indices of type J.
  template <class J, class F, class... I> LOCKSTEP_FN auto call(const F& f, int number, const I&... before) const {
    return at_digits<J>(f, number, std::make_index_sequence<depth>{}, before...);
  }

 private:
  template <class J, class F, std::size_t... d, class... I>
  LOCKSTEP_FN auto at_digits(const F& f, [[maybe_unused]] int number, std::index_sequence<d...>, const I&... before) const {
    return f(before..., digit<J, int(d)>(number)...);
  }
  template <class J, int d> LOCKSTEP_FN J digit(int number) const {
    for (int later = d + 1; later < depth; ++later) number /= states[later].size;
    return J{{number % states[d].size, states[d].id}};
  }
};

// `f(i, k, l, ...)` where the outer latents have their values, `outer` together: a function of i and of one state more.
template <class F, int depth> struct InStates {
  const F& f;
  StatePath<depth> path;
  int outer;
  template <class I, class K> LOCKSTEP_FN auto operator()(I i, K k) const {
    return path.template call<K>([&](auto... all) { return f(i, all..., k); }, outer);
  }
};
// The prior of element g where they have these: `prior(g, k, ...)`, of a number `prior(k, ...)`.
template <class J, class F, int depth, class G> LOCKSTEP_FN auto prior_in_states(const F& prior, const StatePath<depth>& path, int outer, G g) {
  return path.template call<J>([&](auto... all) {
    if constexpr (std::is_invocable_v<const F&, G, decltype(all)...>) return prior(g, all...);
    else return prior(all...);
  }, outer);
}

// What latents that read others keep between the two times that their sites are declared, in the order of these.
template <class T> struct NestedLatents {
  static constexpr int most = 8;
  LaneArray<T> mine[most], sums[most];   // as a DiscreteLatent's
  int made = 0, next = 0;
};

// `prior(g)`: the distribution of element g, over 0, 1, ... along `state`; `prior(g, k, ...)` of one that reads `depth` others.
template <class M, class Prior, int depth = 0> class DiscreteLatent {
 public:
  using T = typename M::value_type;
  // Elements of scratch on one slice; `outer`: of how many values of the latents that it reads.
  static std::int64_t scratch(int elements, int states) { return std::int64_t(elements) * states; }
  static std::int64_t scratch_of_nested(int elements, int outer, int states) { return std::int64_t(elements) * outer * (states + 1); }

  LOCKSTEP_FN DiscreteLatent(M& m, const char* name, Dim dim, Dim state, const Prior& prior) requires(depth == 0)
      : m_(m), name_(name), dim_(dim), state_(state), prior_(prior), nested_(&own_nested_), known_(m.known_states(name)),
        mine_(m.allocate_per_slice(dim.size * state.size)), table_(mine_.from(-dim.size * state.size * m.team().slice())) {}
  // One that reads others, whose states are `path`; the first of them has `nested`.
  LOCKSTEP_FN DiscreteLatent(M& m, const char* name, Dim dim, Dim state, const Prior& prior, const StatePath<depth>& path,
                             NestedLatents<T>* nested) requires(depth > 0)
      : m_(m), name_(name), dim_(dim), state_(state), prior_(prior), path_(path), outer_(path.count()), nested_(nested),
        known_(m.known_states(name)) {
    const int which = nested->next++;
    if (which == nested->made) {
      nested->mine[which] = m.allocate_per_slice(size());
      nested->sums[which] = m.allocate(dim.size * outer_);
      ++nested->made;
    }
    mine_ = nested->mine[which];
    table_ = mine_.from(-size() * m.team().slice());
    sums_ = nested->sums[which];
  }
  DiscreteLatent(const DiscreteLatent&) = delete;

  // The log density of all elements that this slice owns, and all that it pulls.
  template <class Sites> LOCKSTEP_FN SumOf<T> run(const Sites& sites) {
    const SumOf<T> total = sum_out(sites, [](int, const T&) {});
    pull_prior();
    m_.team().barrier();
    nested_->next = 0;
    sites(Pulls{this});
    return total;
  }
  // `at(g, log density of all data of element g)` is called for each. After it, `probability(g, k)` is that of k given these; and of
  // latents that read others `nested()` has in `mine` the same, of each value given each of theirs, and in `sums` the log densities.
  template <class Sites, class At> LOCKSTEP_FN SumOf<T> sum_out(const Sites& sites, const At& at) {
    nested_->next = 0;
    count(sites);
    SumOf<T> total(0.);
    for_owned([&](auto& prior, int g, int) {
      const T log_density = normalise(prior, g, 0);
      at(g, log_density);
      accumulate(total, log_density);
    });
    return total;
  }
  LOCKSTEP_FN T probability(int g, int k) const { return table_.load(number(g, 0, k)); }
  LOCKSTEP_FN const NestedLatents<T>& nested() const { return *nested_; }

 private:
  template <class, class, int> friend class DiscreteLatent;

  LOCKSTEP_FN int states() const { return state_.size; }
  LOCKSTEP_FN int size() const { return dim_.size * outer_ * states(); }
  LOCKSTEP_FN int number(int g, int c, int k) const { return (g * outer_ + c) * states() + k; }
  LOCKSTEP_FN auto prior_at(int g, int c) const { return prior_in_states<GatheredIndex>(prior_, path_, c, Index{g, dim_.id}); }
  template <class F> LOCKSTEP_FN void for_owned(const F& f) {
    if (size() == 0) return;
    const auto first = prior_at(0, 0);
    Prepared<M, std::remove_const_t<decltype(first)>> prepared(m_, first);
    for (int g : m_.team().share(dim_.size))
      for (int c = 0; c < outer_; ++c) f(prepared, g, c);
  }
  template <class P> LOCKSTEP_FN auto density(P& prepared, int g, int c, int k) {
    return prepared.at(m_, prior_at(g, c), ConstantValue{double(k)});
  }
  // Whether the prior of a latent that is known counts; it does of one that is not.
  LOCKSTEP_FN bool prior_counts() const { return !known_ || m_.counts(name_); }

  template <class Sites> LOCKSTEP_FN void count(const Sites& sites) {
    for (int n = 0; n < size(); ++n) mine_.sums().store(n, SumOf<T>(0.));
    sites(Counts{this});
    m_.team().barrier();
  }
  // The log density of all data of element g where the outer latents have values c; the table has the probabilities of its own after it.
  template <class P> LOCKSTEP_FN T normalise(P& prior, int g, int c) {
    T largest(least_log_density);
    for (int k = 0; k < states(); ++k) {
      const int n = number(g, c, k);
      T term(-std::numeric_limits<double>::infinity());
      if (!known_ || int(known_[g]) == k) {
        term = m_.sum_over_slices(mine_, n, size());
        if (prior_counts()) term += T(density(prior, g, c, k).log_density);
      }
      table_.store(n, term);
      largest = max(largest, term);
    }
    T sum(0.);
    for (int k = 0; k < states(); ++k) sum += exp(table_.load(number(g, c, k)) - largest);
    const T log_density = largest + log(sum);
    for (int k = 0; k < states(); ++k) table_.store(number(g, c, k), exp(table_.load(number(g, c, k)) - log_density));
    return log_density;
  }
  LOCKSTEP_FN void pull_prior() {
    if (!prior_counts()) return;
    for_owned([&](auto& prior, int g, int c) {
      for (int k = 0; k < states(); ++k)
        if (const T p = table_.load(number(g, c, k)); possible(p)) density(prior, g, c, k).pull(p);
    });
  }

  // Of a latent that reads `latent` and those that this reads: `group(i)` is the element that its element i reads.
  template <class Outer, class Sites, class Group>
  LOCKSTEP_FN void count_into(const Outer& latent, const Sites& sites, const Group& group) {
    count(sites);
    for_owned([&](auto& prior, int i, int c) {
      const T log_density = normalise(prior, i, c);
      sums_.store(i * outer_ + c, log_density);
      latent.mine_.add(group(i) * outer_ + c, log_density);
    });
  }
  template <class Outer, class Sites, class Group>
  LOCKSTEP_FN void pull_within(const Outer& latent, const Sites& sites, const Group& group) {
    for_owned([&](auto&, int i, int c) {
      const T weight = latent.table_.load(group(i) * outer_ + c);
      for (int k = 0; k < states(); ++k) table_.store(number(i, c, k), table_.load(number(i, c, k)) * weight);
    });
    pull_prior();
    m_.team().barrier();
    sites(Pulls{this});
  }

  // What a model's lambda is given for its sites, once to add up the densities, `Counts`, once to pull, `Pulls`.
  template <class Self> struct SitesOf {
    DiscreteLatent* latent_;
    // The data of element g of the latent's dimension are y[g]; or all, where it is a number.
    template <class Y, class F> LOCKSTEP_FN void observe(const char* name, const Y& y, Dim dim, const F& f) const {
      latent_->for_data(name, y, dim, f, *this, by_element(dim));
    }
    // Those of element `group[i]` are y[i].
    template <class Y, class F>
    LOCKSTEP_FN void observe(const char* name, const Y& y, Dim dim, const GroupIndex& group, const F& f) const {
      latent_->for_data(name, y, dim, f, *this, by_group(group));
    }
    // Those before the latent's value, `f(t, 0)`, have another distribution than those from it on, `f(t, 1)`.
    template <class Y, class F>
    LOCKSTEP_FN void observe_change(const char* name, const Y& y, Dim time, Dim regime, const F& f) const {
      latent_->for_series(name, y, time, regime, f, *this);
    }
    // A latent that reads this one, with the prior `prior(g, k)` where this one is k, and sites of its own, f(i, k, l): along the same
    // dimension, or a number if this one is; for each element of a dimension; and read through a group index.
    template <class F, class Sites> LOCKSTEP_FN void latent(const char* name, Dim state, const F& prior, const Sites& sites) const {
      latent(name, latent_->dim_, state, prior, sites);
    }
    template <class F, class Sites>
    LOCKSTEP_FN void latent(const char* name, Dim dim, Dim state, const F& prior, const Sites& sites) const {
      latent_->for_latent(name, dim, state, prior, sites, *this, by_element(dim));
    }
    template <class F, class Sites>
    LOCKSTEP_FN void latent(const char* name, Dim dim, const GroupIndex& group, Dim state, const F& prior, const Sites& sites) const {
      latent_->for_latent(name, dim, state, prior, sites, *this, by_group(group));
    }

   private:
    LOCKSTEP_FN auto by_element(Dim dim) const {
      return [same = latent_->dim_.id == dim.id](int i) { return same ? i : 0; };
    }
    LOCKSTEP_FN static auto by_group(const GroupIndex& group) {
      return [positions = group.positions](int i) { return positions[i]; };
    }
  };
  struct Counts : SitesOf<Counts> {
    static constexpr bool pulls = false;
  };
  struct Pulls : SitesOf<Pulls> {
    static constexpr bool pulls = true;
  };

  template <class F, class Sites, class Self, class Group>
  LOCKSTEP_FN void for_latent(const char* name, Dim dim, Dim state, const F& prior, const Sites& sites, const SitesOf<Self>&,
                              const Group& group) {
    DiscreteLatent<M, F, depth + 1> inner(m_, name, dim, state, prior, path_.with(state_), nested_);
    if constexpr (Self::pulls) inner.pull_within(*this, sites, group);
    else inner.count_into(*this, sites, group);
  }
  template <class Y, class F, class Self, class Group>
  LOCKSTEP_FN void for_data(const char* name, const Y& y, Dim dim, const F& f, const SitesOf<Self>&, const Group& group) {
    if (!m_.counts(name) || dim.first >= dim.size) return;
    const auto given = m_.replaced(name, y);
    for (int c = 0; c < outer_; ++c) {
      const InStates<F, depth> in_states{f, path_, c};
      for (int k = 0; k < states(); ++k) {
        Emission<M, std::remove_const_t<decltype(given)>, InStates<F, depth>> emission(m_, given, dim, state_, in_states, k);
        for (int i : m_.team().share(dim.size).from(dim.first)) {
          if (m_.is_missing(given, i)) continue;
          const int n = number(group(i), c, k);
          if constexpr (!Self::pulls) mine_.add(n, emission.log_density(i, k));
          else if (const T p = table_.load(n); possible(p)) emission.pull(i, k, p);
        }
      }
    }
  }
  template <class Y, class F, class Self>
  LOCKSTEP_FN void for_series(const char* name, const Y& y, Dim time, Dim regime, const F& f, const SitesOf<Self>&) {
    if (!m_.counts(name) || time.size == 0) return;
    const auto given = m_.replaced(name, y);
    const auto is_there = [&, share = m_.team().share(time.size)](int t) { return share.has(t) && !m_.is_missing(given, t); };
    const int longest = time.size > states() ? time.size : states();
    for (int c = 0; c < outer_; ++c) {
      const InStates<F, depth> in_states{f, path_, c};
      using Side = Emission<M, std::remove_const_t<decltype(given)>, InStates<F, depth>>;
      Side early(m_, given, time, regime, in_states, 0), late(m_, given, time, regime, in_states, 1);
      const LaneArray<T> mine = mine_.from(number(0, c, 0)), table = table_.from(number(0, c, 0));
      SumOf<T> before(0.), from(0.);
      if constexpr (Self::pulls) {
        for (int t = 0; t < longest; ++t) {          // the change was at t or before
          if (t < states()) accumulate(from, table.load(t));
          if (is_there(t)) late.pull(t, 1, narrow<T>(from));
        }
        for (int t = longest - 1; t >= 0; --t) {     // it comes after t
          if (is_there(t) && t + 1 < states()) early.pull(t, 0, narrow<T>(before));
          if (t < states()) accumulate(before, table.load(t));
        }
      } else {
        for (int t = 0; t < longest; ++t) {
          if (t < states()) mine.add(t, narrow<T>(before));
          if (is_there(t) && t + 1 < states()) accumulate(before, early.log_density(t, 0));
        }
        for (int t = longest - 1; t >= 0; --t) {
          if (is_there(t)) accumulate(from, late.log_density(t, 1));
          if (t < states()) mine.add(t, narrow<T>(from));
        }
      }
    }
  }

  M& m_;
  const char* name_;
  Dim dim_, state_;
  Prior prior_;
  StatePath<depth> path_{};
  int outer_ = 1;                // values of the latents that it reads
  NestedLatents<T> own_nested_;  // of the first of them
  NestedLatents<T>* nested_;
  const double* known_;          // its values, if it is known
  LaneArray<T> mine_, table_;    // of this slice's own data; of all
  LaneArray<T> sums_;            // the log densities of one that reads others
};

// The sites of a chain whose states are given: as others, each of whose elements has a state. They are counted by a function of a
// name, y, a plate, the dimension of its states, each element's distribution in a state, and the state of each element.
template <class Count> struct SitesOfKnown {
  const double* values;
  Dim state;
  const Count& count;
  template <class Y, class F> LOCKSTEP_FN void observe(const char* name, const Y& y, Dim time, const F& f) const {
    count(name, y, time, state, f, [&](int t) { return int(values[t]); });
  }
};

}  // namespace lockstep
