// Finite mixtures, the component's label summed out: log sum_k w_k p_k(y), by log-sum-exp.
//
//   mixture(component(w, normal(a, s)), component(1 - w, normal(b, t)))
//
// The weights must sum to one; nothing here normalises them.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

template <class W, class D> struct MixtureComponent {
  Argument<Scale, W> weight;
  D distribution;
};
template <Operand W, DistributionLike D> LOCKSTEP_FN auto component(const W& weight, const D& distribution) {
  return MixtureComponent<RecipeOf<W>, D>{argument<Scale>(weight), distribution};
}

template <class... C> struct Mixture : DistributionTag {
  Slots<C...> components;
  LOCKSTEP_FN constexpr explicit Mixture(const C&... c) : components(c...) {}
};
template <class... W, class... D>
LOCKSTEP_FN auto mixture(const MixtureComponent<W, D>&... components) {
  static_assert(sizeof...(W) >= 2, "a mixture has at least two components");
  return Mixture<MixtureComponent<W, D>...>(components...);
}

// One component at one element.
template <class Weight, class Density, class L> struct ComponentAt {
  Weight weight;      // PlateArgument* or ElementArgument
  Density density;
  L log_term;         // log(w_k p_k(y)); later the responsibility w_k p_k(y) / sum
};
template <class L, class Weight, class Density>
LOCKSTEP_FN auto component_at(const Weight& weight, const Density& density) {
  return ComponentAt<Weight, Density, L>{weight, density, L(state_of(weight).log + density.log_density)};
}

template <class P> LOCKSTEP_FN auto& deref(P* p) { return *p; }
template <class E, class S> LOCKSTEP_FN auto& deref(ElementArgument<E, S>& a) { return a; }

template <class L, class... Parts> struct MixtureAt {
  Slots<Parts...> parts;
  L log_density;
  LOCKSTEP_FN explicit MixtureAt(const Parts&... p) : MixtureAt(std::index_sequence_for<Parts...>{}, p...) {}

  template <class S> LOCKSTEP_FN void pull(const S& scale) { pull(scale, std::index_sequence_for<Parts...>{}); }
  // d log_density / dy: the components' slopes, weighted by responsibility.
  LOCKSTEP_FN auto slope() const { return slope(std::index_sequence_for<Parts...>{}); }

 private:
  // Two components: one exponential, no logarithm. With d the smaller term less the larger,
  //   log_density = larger + softplus(d),   responsibility of the smaller = sigmoid(d).
  LOCKSTEP_FN MixtureAt(std::index_sequence<0, 1>, const Parts&... p) : parts(p...) {
    L& first = get<0>(parts).log_term;
    L& second = get<1>(parts).log_term;
    // If both are impossible, the sum is log 0, not NaN.
    const L gap = choose(first == second, L(0.), first - second);
    const auto smaller = softplus_sigmoid(L(-abs(gap)));
    log_density = max(first, second) + smaller.softplus;
    const L larger_share = 1. - smaller.sigmoid;
    first = choose(gap < 0., smaller.sigmoid, larger_share);
    second = choose(gap < 0., larger_share, smaller.sigmoid);
  }
  template <std::size_t... I> LOCKSTEP_FN MixtureAt(std::index_sequence<I...>, const Parts&... p) : parts(p...) {
    L largest = get<0>(parts).log_term;
    ((largest = max(largest, get<I>(parts).log_term)), ...);
    // If every component is impossible, the sum is log 0, not NaN.
    largest = choose(largest < L(least_log_density), L(0.), largest);
    L sum(0.);
    ((get<I>(parts).log_term = exp(get<I>(parts).log_term - largest), sum += get<I>(parts).log_term), ...);
    log_density = largest + log(sum);
    L inverse = 1. / sum;
    ((get<I>(parts).log_term = get<I>(parts).log_term * inverse), ...);
  }
  template <class S, std::size_t... I> LOCKSTEP_FN void pull(const S& scale, std::index_sequence<I...>) {
    (pull_part(scale, get<I>(parts)), ...);
  }
  template <class S, class Part> LOCKSTEP_FN static void pull_part(const S& scale, Part& part) {
    auto share = scale * part.log_term;
    deref(part.weight).pull(share * state_of(part.weight).inverse);
    part.density.pull(share);
  }
  template <std::size_t... I> LOCKSTEP_FN auto slope(std::index_sequence<I...>) const {
    return (... + (get<I>(parts).log_term * get<I>(parts).density.slope()));
  }
};
LOCKSTEP_FN inline Zero operator+(Zero, Zero) { return {}; }

template <class M, class... C> class Prepared<M, Mixture<C...>> {
 public:
  using D = Mixture<C...>;
  LOCKSTEP_FN Prepared(const M& m, const D& first) : keeps_(m, first) {}
  template <class Y> LOCKSTEP_FN auto at(const M& m, const D& d, const Y& y) {
    return at(m, d, y, std::index_sequence_for<C...>{});
  }

 private:
  template <std::size_t I, class Component> struct Keep;
  template <std::size_t I, class W, class D> struct Keep<I, MixtureComponent<W, D>> {
    PreparedArgument<M, Argument<Scale, W>> weight;
    Prepared<M, D> density;
    LOCKSTEP_FN Keep(const M& m, const MixtureComponent<W, D>& c) : weight(m, c.weight), density(m, c.distribution) {}
    template <class Y> LOCKSTEP_FN auto at(const M& m, const MixtureComponent<W, D>& c, const Y& y) {
      return component_at<typename M::value_type>(hold(weight.at(m, c.weight)), density.at(m, c.distribution, y));
    }
  };
  template <class Sequence> struct Keeps;
  template <std::size_t... I> struct Keeps<std::index_sequence<I...>> : Keep<I, C>... {
    LOCKSTEP_FN Keeps(const M& m, const D& d) : Keep<I, C>(m, get<I>(d.components))... {}
  };
  template <std::size_t I, class Component> LOCKSTEP_FN static auto& kept(Keep<I, Component>& k) { return k; }
  template <class Y, std::size_t... I> LOCKSTEP_FN auto at(const M& m, const D& d, const Y& y, std::index_sequence<I...>) {
    return combine(kept<I>(keeps_).at(m, get<I>(d.components), y)...);
  }
  template <class... Parts> LOCKSTEP_FN static auto combine(const Parts&... parts) {
    return MixtureAt<typename M::value_type, Parts...>(parts...);
  }

  Keeps<std::index_sequence_for<C...>> keeps_;
};

// ---- simulation: draw the label, then the component ---------------------------------------------------------------------

template <class M, class R, class Kernel, class... A>
double draw_from(const M& m, R& random, const Distribution<Kernel, A...>& d);

template <class M, class R, class... C> double draw_from(const M& m, R& random, const Mixture<C...>& d) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    double u = random.uniform(), drawn = 0;
    bool done = false;
    auto visit = [&](const auto& c, bool last) {
      u -= c.weight.expression.evaluate(m).value;
      if (done || !(u < 0 || last)) return;
      done = true;
      drawn = draw_from(m, random, c.distribution);
    };
    (visit(get<I>(d.components), I + 1 == sizeof...(C)), ...);
    return drawn;
  }(std::index_sequence_for<C...>{});
}

}  // namespace lockstep
