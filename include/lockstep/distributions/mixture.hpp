// Finite mixtures, the component's label summed out: log sum_k w_k p_k(y), by log-sum-exp.
//
//   mixture(component(w, normal(a, s)), component(1 - w, normal(b, t)))
//
// The weights must sum to one; nothing here normalises them.
#pragma once

#include <vector>

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

// ---- as a kernel: with tails, which are sums of the components' -------------------------------------------------------------

// Its arguments are those of all components, one component after the other: a weight, then what its distribution has.
template <class Kernel, std::size_t arguments> struct KernelOfComponent {};
template <class... Component> struct MixtureKernel;
template <class... Kernel, std::size_t... arguments> struct MixtureKernel<KernelOfComponent<Kernel, arguments>...> {
 private:
  static constexpr std::size_t components = sizeof...(Kernel);
  template <std::size_t c> using KernelAt = std::remove_cvref_t<decltype(get<c>(std::declval<const Slots<Kernel...>&>()))>;
  // How many arguments the distribution of component c has; where its weight is among all; which has an argument.
  static constexpr std::size_t count_of(std::size_t c) {
    const std::size_t counts[] = {arguments...};
    return counts[c];
  }
  static constexpr std::size_t weight_of(std::size_t c) {
    std::size_t before = 0;
    for (std::size_t k = 0; k < c; ++k) before += 1 + count_of(k);
    return before;
  }
  static constexpr std::size_t component_of(std::size_t argument) {
    std::size_t c = 0;
    while (weight_of(c) + count_of(c) < argument) ++c;
    return c;
  }
  // f(arguments of component c...)
  template <std::size_t c, class All, class F> LOCKSTEP_FN static auto with_component(const All& all, const F& f) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return f(get<weight_of(c) + 1 + I>(all)...);
    }(std::make_index_sequence<count_of(c)>{});
  }
  template <std::size_t c, class D> LOCKSTEP_FN static auto component_distribution(const D& d) {
    return with_component<c>(d.arguments, [](const auto&... a) { return make_distribution<KernelAt<c>>(a...); });
  }

 public:
  static constexpr bool is_of_counts = (lockstep::is_of_counts<Kernel> && ...);
  static constexpr bool has_atoms = !is_of_counts && ((lockstep::is_of_counts<Kernel> || lockstep::has_atoms<Kernel>) || ...);

  // As a mixture's: that of the first component.
  template <class D> requires requires(const D& d) { KernelAt<0>::support(component_distribution<0>(d)); }
  LOCKSTEP_FN static auto support(const D& d) { return KernelAt<0>::support(component_distribution<0>(d)); }
  template <class Y, class... A> LOCKSTEP_FN static auto density(const Y& y, const A&... a) {
    return sum(y, [](auto kernel, const auto&... x) { return decltype(kernel)::density(x...); }, a...);
  }
  template <class Y, class... A> LOCKSTEP_FN static auto log_cdf(const Y& y, const A&... a) {
    return sum(y, [](auto kernel, const auto&... x) { return decltype(kernel)::log_cdf(x...); }, a...);
  }
  template <class Y, class... A> LOCKSTEP_FN static auto log_ccdf(const Y& y, const A&... a) {
    return sum(y, [](auto kernel, const auto&... x) { return decltype(kernel)::log_ccdf(x...); }, a...);
  }
  template <class R, class... A> static double sample(R& random, A... a) {
    const Slots<A...> all(a...);
    double u = random.uniform(), drawn = 0;
    bool done = false;
    const auto visit = [&](auto index) {
      constexpr std::size_t c = decltype(index)::value;
      u -= get<weight_of(c)>(all);
      if (done || !(u < 0 || c + 1 == components)) return;
      done = true;
      drawn = with_component<c>(all, [&](auto... own) { return KernelAt<c>::sample(random, own...); });
    };
    [&]<std::size_t... C>(std::index_sequence<C...>) {
      (visit(std::integral_constant<std::size_t, C>{}), ...);
    }(std::make_index_sequence<components>{});
    return drawn;
  }

 private:
  // log sum_c weight_c f_c; f(kernel, y, arguments...) are the partials of log f_c.
  template <class Y, class F, class... A> LOCKSTEP_FN static auto sum(const Y& y, const F& f, const A&... a) {
    const Slots<A...> all(a...);
    return [&]<std::size_t... C>(std::index_sequence<C...> all_components) {
      return combine<LanesOf<Y, A...>>(all, all_components, std::index_sequence_for<A...>{}, of_component<C>(y, f, all)...);
    }(std::make_index_sequence<components>{});
  }
  template <std::size_t c, class Y, class F, class All>
  LOCKSTEP_FN static auto of_component(const Y& y, const F& f, const All& all) {
    return with_component<c>(all, [&](const auto&... own) { return f(KernelAt<c>{}, y, own...); });
  }
  template <class V, class All, std::size_t... C, std::size_t... I, class... P>
  LOCKSTEP_FN static auto combine(const All& all, std::index_sequence<C...>, std::index_sequence<I...>, const P&... p) {
    const Slots<P...> parts(p...);
    V share[] = {V(get<weight_of(C)>(all).log + p.log_density)...}, largest(least_log_density), total(0.);
    for (std::size_t c = 0; c < components; ++c) largest = max(largest, share[c]);
    for (std::size_t c = 0; c < components; ++c) {
      share[c] = exp(V(share[c] - largest));
      total += share[c];
    }
    const V inverse = choose(total > 0., V(1. / total), V(0.));
    for (std::size_t c = 0; c < components; ++c) share[c] = share[c] * inverse;
    const auto shared = [&](std::size_t c, const V& d) { return V(choose(share[c] > 0., V(share[c] * d), V(0.))); };
    const auto by_argument = [&](auto index) {
      constexpr std::size_t i = decltype(index)::value, c = component_of(i), first = weight_of(c);
      if constexpr (i == first) return shared(c, V(get<i>(all).inverse));
      else return shared(c, in_lanes<V>(get<i - first - 1>(get<c>(parts).d_arguments)));
    };
    return partials(V(largest + log(total)), V((... + shared(C, in_lanes<V>(p.d_value)))),
                    by_argument(std::integral_constant<std::size_t, I>{})...);
  }
};

template <class Kernel, class... A>
LOCKSTEP_FN const Distribution<Kernel, A...>& as_distribution(const Distribution<Kernel, A...>& d) { return d; }
template <class... C> LOCKSTEP_FN auto as_distribution(const Mixture<C...>& d);

template <class W, class Kernel, class... A>
LOCKSTEP_FN auto weight_and_arguments(const Argument<Scale, W>& weight, const Distribution<Kernel, A...>& d) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return Slots<Argument<Scale, W>, A...>(weight, get<I>(d.arguments)...);
  }(std::index_sequence_for<A...>{});
}
template <class Kernel, class... A>
LOCKSTEP_FN KernelOfComponent<Kernel, sizeof...(A)> kernel_of_component(const Distribution<Kernel, A...>&) { return {}; }

template <class S, class... A> LOCKSTEP_FN auto joined(const SlotsOf<S, A...>& all) { return all; }
template <std::size_t... I, class... A, std::size_t... J, class... B, class... Rest>
LOCKSTEP_FN auto joined(const SlotsOf<std::index_sequence<I...>, A...>& a, const SlotsOf<std::index_sequence<J...>, B...>& b,
                        const Rest&... rest) {
  return joined(Slots<A..., B...>(get<I>(a)..., get<J>(b)...), rest...);
}
template <class Kernel, std::size_t... I, class... A>
LOCKSTEP_FN auto distribution_with(const SlotsOf<std::index_sequence<I...>, A...>& arguments) {
  return make_distribution<Kernel>(get<I>(arguments)...);
}
// A mixture of distributions that are kernels with arguments, as one of them.
template <class... C> LOCKSTEP_FN auto as_distribution(const Mixture<C...>& d) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    using Kernel = MixtureKernel<decltype(kernel_of_component(as_distribution(get<I>(d.components).distribution)))...>;
    return distribution_with<Kernel>(
        joined(weight_and_arguments(get<I>(d.components).weight, as_distribution(get<I>(d.components).distribution))...));
  }(std::index_sequence_for<C...>{});
}

// Host only. The probability of each component, given a value that is from the mixture.
template <class M, class... C> std::vector<double> label_probabilities(const M& m, const Mixture<C...>& d, double y) {
  Prepared<M, Mixture<C...>> prepared(m, d);
  const auto at = prepared.at(m, d, DataValue<double>{y});
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<double>{double(get<I>(at.parts).log_term)...};
  }(std::index_sequence_for<C...>{});
}

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
