// Censored, interval-censored and truncated forms of distributions whose kernel has a CDF, and of mixtures of such. Censored and
// truncated forms have one, too.
//
//   m.observe("y", y, n, [&](auto j) { return censored(normal(mu, sigma), no_bound, limit[j]); });  // right-censored
//   auto rate = m.param("rate", truncated(exponential(1), 0.1, 4));
//
// PyMC's None for a bound is `no_bound`. A bound may be a constant, data or an expression. Data are finite: where an
// observation has no bound, let it be 1e300 or -1e300.
#pragma once

#include <cmath>
#include <limits>

#include "lockstep/distributions/categorical.hpp"
#include "lockstep/distributions/interpolated.hpp"
#include "lockstep/distributions/mixture.hpp"
#include "lockstep/quantile.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// In the place of a bound: there is none on this side.
struct NoBound : RecipeTag {
  static constexpr bool uniform = true;
  template <class M> LOCKSTEP_FN ConstantValue evaluate(const M&) const { return {0.}; }
};
#ifdef __CUDA_ARCH__
__device__ constexpr NoBound no_bound{};  // device code refers to no constant of the host
#else
constexpr NoBound no_bound{};
#endif
template <class E> inline constexpr bool is_bound = !std::is_same_v<std::remove_cvref_t<E>, NoBound>;

// An infinite bound has no influence; what formulas give there is no number.
template <class V> LOCKSTEP_FN V zero_unless_finite(const V& d) { return choose(d - d == 0., d, V(0.)); }

// The largest value that is less than a bound: the bound itself, since no one value matters; of counts, the whole number before it;
// where some values have a probability, a number next to it. With it P(Y >= b) = P(Y > before(b)).
template <class Kernel, class Bound> LOCKSTEP_FN auto before(const Bound& bound) {
  using V = std::remove_cvref_t<decltype(bound.value)>;
  if constexpr (is_of_counts<Kernel>) {
    return LocationState<V>{-floor(-bound.value) - 1.};
  } else if constexpr (has_atoms<Kernel>) {
    constexpr bool in_doubles = std::is_same_v<SumOf<V>, V>;
    return LocationState<V>{bound.value - ((in_doubles ? 2.3e-16 : 1.3e-7) * abs(bound.value) + (in_doubles ? 1e-300 : 1e-37))};
  } else {
    return bound;
  }
}

// log(P(Y <= upper) - P(Y <= lower)) as `log_density`, its derivatives by both ends and by the arguments. By whichever
// tail is smaller at `lower`, so that an interval far out keeps its digits; what is lost is what the two ends have in
// common. An infinite end has the derivative 0.
template <class V, class... DA> struct IntervalMass {
  V log_density, d_lower, d_upper;
  Slots<DA...> d_arguments;
};
template <class Kernel, class Lower, class Upper, class... A>
LOCKSTEP_FN auto interval_mass(const Lower& lower, const Upper& upper, const A&... a) {
  using V = LanesOf<Lower, Upper, A...>;
  // Declared apart: a bound that is a constant may leave its results in doubles.
  const auto below_lower = Kernel::log_cdf(lower, a...);
  const auto below_upper = Kernel::log_cdf(upper, a...);
  const auto above_lower = Kernel::log_ccdf(lower, a...);
  const auto above_upper = Kernel::log_ccdf(upper, a...);
  const auto by_ccdf = V(below_lower.log_density) > V(-log_2);
  const V more = choose(by_ccdf, V(above_lower.log_density), V(below_upper.log_density));
  const V less = choose(by_ccdf, V(above_upper.log_density), V(below_lower.log_density));
  const V gap = less - more;
  // The shares of the ends' probabilities in the difference: large / (large - small), small / (large - small).
  const V large = -1. / expm1(gap), small = exp(gap) * large;
  const auto combine = [&](const V& above_l, const V& above_u, const V& below_l, const V& below_u) {
    return V(choose(by_ccdf, V(large * zero_unless_finite(above_l) - small * zero_unless_finite(above_u)),
                    V(large * zero_unless_finite(below_u) - small * zero_unless_finite(below_l))));
  };
  const V none(0.);
  const auto by_argument = [&](auto index) {
    constexpr std::size_t i = decltype(index)::value;
    const auto& d = get<i>(above_lower.d_arguments);
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(d)>, Zero> &&
                  std::is_same_v<std::remove_cvref_t<decltype(get<i>(below_lower.d_arguments))>, Zero>) {
      return Zero{};
    } else {
      return combine(in_lanes<V>(d), in_lanes<V>(get<i>(above_upper.d_arguments)), in_lanes<V>(get<i>(below_lower.d_arguments)),
                     in_lanes<V>(get<i>(below_upper.d_arguments)));
    }
  };
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return IntervalMass<V, decltype(by_argument(std::integral_constant<std::size_t, I>{}))...>{
        V(more + log1m_exp(gap)), combine(in_lanes<V>(above_lower.d_value), none, in_lanes<V>(below_lower.d_value), none),
        combine(none, in_lanes<V>(above_upper.d_value), none, in_lanes<V>(below_upper.d_value)),
        Slots<decltype(by_argument(std::integral_constant<std::size_t, I>{}))...>(
            by_argument(std::integral_constant<std::size_t, I>{})...)};
  }(std::index_sequence_for<A...>{});
}

// The same of all that is below `upper`, above `lower`, or between the two.
template <class Kernel, bool has_lower, bool has_upper, class Lower, class Upper, class... A>
LOCKSTEP_FN auto mass_between(const Lower& lower, const Upper& upper, const A&... a) {
  if constexpr (has_lower && has_upper) {
    return interval_mass<Kernel>(lower, upper, a...);
  } else {
    using V = LanesOf<Lower, Upper, A...>;
    const auto tail = [&] {
      if constexpr (has_lower) return Kernel::log_ccdf(lower, a...);
      else return Kernel::log_cdf(upper, a...);
    }();
    const V slope = zero_unless_finite(in_lanes<V>(tail.d_value)), none(0.);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return IntervalMass<V, std::remove_cvref_t<decltype(get<I>(tail.d_arguments))>...>{
          V(tail.log_density), has_lower ? slope : none, has_upper ? slope : none, tail.d_arguments};
    }(std::index_sequence_for<A...>{});
  }
}

// The logarithm of a tail, `inside` where y lies between the bounds: below them there is nothing yet, beyond them nothing more.
template <bool upper_tail, bool has_lower, bool has_upper, class V, class Lower, class Upper, class P>
LOCKSTEP_FN auto tail_with_bounds(const V& y, const Lower& lower, const Upper& upper, const P& inside) {
  constexpr double below = upper_tail ? log_of_all : log_of_none, beyond = upper_tail ? log_of_none : log_of_all;
  if constexpr (has_lower && has_upper)
    return constant_where(y < V(lower.value), below, constant_where(y >= V(upper.value), beyond, inside));
  else if constexpr (has_lower) return constant_where(y < V(lower.value), below, inside);
  else return constant_where(y >= V(upper.value), beyond, inside);
}

// ---- the kernels; arguments are the lower bound, the upper bound, then the inner distribution's --------------------

template <class Base, bool has_lower, bool has_upper>
struct CensoredKernel : TailsOf<CensoredKernel<Base, has_lower, has_upper>> {
  static constexpr bool is_of_counts = lockstep::is_of_counts<Base>, has_atoms = !is_of_counts;
  // Between the bounds, that of the base.
  template <bool upper_tail, class Y, class Lower, class Upper, class... A>
  LOCKSTEP_FN static auto tail(const Y& y, const Lower& lower, const Upper& upper, const A&... a) {
    using V = LanesOf<Y, Lower, Upper, A...>;
    const auto within = mass_between<Base, upper_tail, !upper_tail>(y, y, a...);
    const auto inside = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return partials(within.log_density, V(within.d_lower + within.d_upper), Zero{}, Zero{}, get<I>(within.d_arguments)...);
    }(std::index_sequence_for<A...>{});
    return tail_with_bounds<upper_tail, has_lower, has_upper>(V(y.value), lower, upper, inside);
  }
  template <class Y, class Lower, class Upper, class... A>
  LOCKSTEP_FN static auto density(const Y& y, const Lower& lower, const Upper& upper, const A&... a) {
    using V = LanesOf<Y, Lower, Upper, A...>;
    const auto inside = Base::density(y, a...);
    const V value = y.value;
    if constexpr (has_lower && has_upper) {
      const auto low = Base::log_cdf(lower, a...);
      const auto high = Base::log_ccdf(before<Base>(upper), a...);
      const auto at_lower = value <= V(lower.value), at_upper = value >= V(upper.value);
      const auto outside = (value < V(lower.value)) || (value > V(upper.value));
      return pick(at_lower, at_upper, outside, V(0.), inside, low, high, in_lanes<V>(low.d_value), in_lanes<V>(high.d_value),
                  std::index_sequence_for<A...>{});
    } else if constexpr (has_lower) {
      const auto low = Base::log_cdf(lower, a...);
      const auto at_lower = value <= V(lower.value);
      return pick(at_lower, at_lower, value < V(lower.value), V(0.), inside, low, low, in_lanes<V>(low.d_value), Zero{},
                  std::index_sequence_for<A...>{});
    } else {
      const auto high = Base::log_ccdf(before<Base>(upper), a...);
      const auto at_upper = value >= V(upper.value);
      return pick(at_upper, at_upper, value > V(upper.value), V(0.), inside, high, high, Zero{}, in_lanes<V>(high.d_value),
                  std::index_sequence_for<A...>{});
    }
  }
  template <class R, class... A> LOCKSTEP_FN static double sample(R& random, double lower, double upper, A... a) {
    double y = Base::sample(random, a...);
    if constexpr (has_lower) y = max(y, lower);
    if constexpr (has_upper) y = min(y, upper);
    return y;
  }

 private:
  // What is at the lower bound, at the upper bound, or else inside.
  template <class Mask, class V, class Inside, class Low, class High, class DL, class DU, std::size_t... I>
  LOCKSTEP_FN static auto pick(const Mask& at_lower, const Mask& at_upper, const Mask& outside, const V& none,
                               const Inside& inside, const Low& low, const High& high, const DL& d_lower,
                               const DU& d_upper, std::index_sequence<I...>) {
    const auto three = [&](const auto& l, const auto& h, const auto& i) {
      return V(choose(at_lower, in_lanes<V>(l), V(choose(at_upper, in_lanes<V>(h), in_lanes<V>(i)))));
    };
    const auto bound = [&](const Mask& there, const auto& d) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(d)>, Zero>) return Zero{};
      else return V(choose(there, d, none));
    };
    return partials(unless(outside, three(low.log_density, high.log_density, inside.log_density)),
                    three(none, none, inside.d_value), bound(at_lower, d_lower), bound(at_upper, d_upper),
                    three(get<I>(low.d_arguments), get<I>(high.d_arguments), get<I>(inside.d_arguments))...);
  }
};

// The larger, or the smaller, of two bounds; a constant if both are.
template <class L, class R> LOCKSTEP_FN auto larger_bound(const L& l, const R& r) {
  if constexpr (std::is_same_v<L, Constant> && std::is_same_v<R, Constant>) return Constant(max(l.value, r.value));
  else return max(l, r);
}
template <class L, class R> LOCKSTEP_FN auto smaller_bound(const L& l, const R& r) {
  if constexpr (std::is_same_v<L, Constant> && std::is_same_v<R, Constant>) return Constant(min(l.value, r.value));
  else return min(l, r);
}
// The part of a support that is between bounds.
template <class L, class U> LOCKSTEP_FN auto part_of(const RealLine&, const L& lower, const U& upper) {
  if constexpr (is_bound<L> && is_bound<U>) return between(lower, upper);
  else if constexpr (is_bound<L>) return above(lower);
  else return below(upper);
}
template <class E, class L, class U>
LOCKSTEP_FN auto part_of(const OneSided<E, 1>& whole, const L& lower, const U& upper) {
  if constexpr (is_bound<L> && is_bound<U>) return between(larger_bound(lower, whole.limit), upper);
  else if constexpr (is_bound<L>) return above(larger_bound(lower, whole.limit));
  else return between(whole.limit, upper);
}
template <class E, class L, class U>
LOCKSTEP_FN auto part_of(const OneSided<E, -1>& whole, const L& lower, const U& upper) {
  if constexpr (is_bound<L> && is_bound<U>) return between(lower, smaller_bound(upper, whole.limit));
  else if constexpr (is_bound<L>) return between(lower, whole.limit);
  else return below(smaller_bound(upper, whole.limit));
}
template <class L, class U> LOCKSTEP_FN auto part_of(const Positive&, const L& lower, const U& upper) {
  return part_of(above(Constant(0.)), lower, upper);
}
template <class A, class B, class L, class U>
LOCKSTEP_FN auto part_of(const TwoSided<A, B>& whole, const L& lower, const U& upper) {
  if constexpr (is_bound<L> && is_bound<U>)
    return between(larger_bound(lower, whole.lower), smaller_bound(upper, whole.upper));
  else if constexpr (is_bound<L>) return between(larger_bound(lower, whole.lower), whole.upper);
  else return between(whole.lower, smaller_bound(upper, whole.upper));
}
template <class L, class U> LOCKSTEP_FN auto part_of(const Circular&, const L& lower, const U& upper) {
  constexpr double pi = 3.14159265358979323846;
  return part_of(between(Constant(-pi), Constant(pi)), lower, upper);
}
template <class L, class U> LOCKSTEP_FN auto part_of(const UnitInterval&, const L& lower, const U& upper) {
  return part_of(between(Constant(0.), Constant(1.)), lower, upper);
}

template <class Base, bool has_lower, bool has_upper, class... Roles>
struct TruncatedKernel : TailsOf<TruncatedKernel<Base, has_lower, has_upper, Roles...>> {
  static constexpr bool is_of_counts = lockstep::is_of_counts<Base>, has_atoms = lockstep::has_atoms<Base>;
  template <class D> requires requires(const Distribution<Base, Argument<Roles, Constant>...>& base, const D& d) {
    part_of(Base::support(base), get<0>(d.arguments).expression, get<1>(d.arguments).expression);
  }
  LOCKSTEP_FN static auto support(const D& d) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      const auto base = make_distribution<Base>(get<I + 2>(d.arguments)...);
      return part_of(Base::support(base), get<0>(d.arguments).expression, get<1>(d.arguments).expression);
    }(std::index_sequence_for<Roles...>{});
  }
  template <class Y, class Lower, class Upper, class... A>
  LOCKSTEP_FN static auto density(const Y& y, const Lower& lower, const Upper& upper, const A&... a) {
    using V = LanesOf<Y, Lower, Upper, A...>;
    const auto inside = Base::density(y, a...);
    const V value = y.value;
    if constexpr (has_lower && has_upper) {
      const auto mass = interval_mass<Base>(before<Base>(lower), upper, a...);
      const auto outside = (value < V(lower.value)) || (value > V(upper.value));
      return less<V>(outside, inside, mass, V(-mass.d_lower), V(-mass.d_upper), std::index_sequence_for<A...>{});
    } else if constexpr (has_lower) {
      const auto mass = Base::log_ccdf(before<Base>(lower), a...);
      return less<V>(value < V(lower.value), inside, mass, V(-zero_unless_finite(in_lanes<V>(mass.d_value))), Zero{},
                     std::index_sequence_for<A...>{});
    } else {
      const auto mass = Base::log_cdf(upper, a...);
      return less<V>(value > V(upper.value), inside, mass, Zero{}, V(-zero_unless_finite(in_lanes<V>(mass.d_value))),
                     std::index_sequence_for<A...>{});
    }
  }
  // What is between the lower bound and y, or y and the upper bound, over what is between the bounds.
  template <bool upper_tail, class Y, class Lower, class Upper, class... A>
  LOCKSTEP_FN static auto tail(const Y& y, const Lower& lower, const Upper& upper, const A&... a) {
    using V = LanesOf<Y, Lower, Upper, A...>;
    const auto from = before<Base>(lower);
    const auto whole = mass_between<Base, has_lower, has_upper>(from, upper, a...);
    const auto part = [&] {
      if constexpr (upper_tail) return mass_between<Base, true, has_upper>(y, upper, a...);
      else return mass_between<Base, has_lower, true>(from, y, a...);
    }();
    const V none(0.);
    const V d_lower = upper_tail ? none : V(part.d_lower), d_upper = upper_tail ? V(part.d_upper) : none;
    const auto inside = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return partials(V(part.log_density - whole.log_density), upper_tail ? V(part.d_lower) : V(part.d_upper),
                      V(d_lower - whole.d_lower), V(d_upper - whole.d_upper),
                      V(in_lanes<V>(get<I>(part.d_arguments)) - in_lanes<V>(get<I>(whole.d_arguments)))...);
    }(std::index_sequence_for<A...>{});
    return tail_with_bounds<upper_tail, has_lower, has_upper>(V(y.value), lower, upper, inside);
  }
  template <class R, class... A> static double sample(R& random, double lower, double upper, A... a) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    lower = before<Base>(LocationState<double>{lower}).value;
    return draw_between<Base, Roles...>(random, has_lower ? lower : -infinity, has_upper ? upper : infinity, a...);
  }

 private:
  template <class V, class Mask, class Inside, class Mass, class DL, class DU, std::size_t... I>
  LOCKSTEP_FN static auto less(const Mask& outside, const Inside& inside, const Mass& mass, const DL& d_lower,
                               const DU& d_upper, std::index_sequence<I...>) {
    const auto difference = [](const auto& d, const auto& by) {
      constexpr bool first = !std::is_same_v<std::remove_cvref_t<decltype(d)>, Zero>;
      constexpr bool second = !std::is_same_v<std::remove_cvref_t<decltype(by)>, Zero>;
      if constexpr (first && second) return V(d - zero_unless_finite(V(by)));
      else if constexpr (first) return V(d);
      else if constexpr (second) return V(-zero_unless_finite(V(by)));
      else return Zero{};
    };
    return partials(unless(outside, V(inside.log_density - mass.log_density)), inside.d_value, d_lower, d_upper,
                    difference(get<I>(inside.d_arguments), get<I>(mass.d_arguments))...);
  }
};

template <class Base> struct IntervalCensoredKernel {
  template <class Y, class Upper, class... A>
  LOCKSTEP_FN static auto density(const Y& y, const Upper& upper, const A&... a) {
    const auto mass = interval_mass<Base>(y, upper, a...);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return partials(mass.log_density, mass.d_lower, mass.d_upper, get<I>(mass.d_arguments)...);
    }(std::index_sequence_for<A...>{});
  }
  template <class R, class... A> LOCKSTEP_FN static double sample(R& random, double, A... a) {
    return Base::sample(random, a...);
  }
};

// ---- categories: all of these are ratios of probabilities of ranges --------------------------------------------------------

enum class Seen { censored, truncated, interval_censored };

template <Seen kind, class D, class L, class U> struct BoundedCategories : DistributionTag {
  D base;
  L lower;
  U upper;
  LOCKSTEP_FN BoundedCategories(const D& d, const L& l, const U& u) : base(d), lower(l), upper(u) {}
};

// The probability of one range, and that of another given which it is.
template <class T, class Of, class Given> struct RangeGivenRange {
  Of of;
  Given given;
  T log_density;
  LOCKSTEP_FN Zero slope() const { return {}; }
  template <class S> LOCKSTEP_FN void pull(const S& scale) {
    of.pull(scale);
    if constexpr (!std::is_same_v<Given, Zero>) given.pull(scale * T(-1.));
  }
};

template <class M, Seen kind, class B, class L, class U> class Prepared<M, BoundedCategories<kind, B, L, U>> {
 public:
  using D = BoundedCategories<kind, B, L, U>;
  using T = typename M::value_type;
  LOCKSTEP_FN Prepared(const M& m, const D& d) : base_(m, d.base) {}
  template <class Y> LOCKSTEP_FN auto at(const M& m, const D& d, const Y& y) {
    const T value(y.value), last(double(d.base.count() - 1));
    T least(0.), most = last;   // of the categories between the bounds
    if constexpr (is_bound<L>) least = max(T(-floor(T(-T(d.lower.evaluate(m).value)))), least);
    if constexpr (is_bound<U>) most = min(floor(T(d.upper.evaluate(m).value)), most);
    if constexpr (kind == Seen::interval_censored) {
      auto of = base_.range(m, d.base, T(max(T(floor(value) + 1.), T(0.))), most);
      return RangeGivenRange<T, decltype(of), Zero>{of, {}, of.log_density};
    } else {
      const auto outside = value < least || value > most || value != floor(value);
      if constexpr (kind == Seen::truncated) {
        auto of = base_.range(m, d.base, value, value), given = base_.range(m, d.base, least, most);
        return RangeGivenRange<T, decltype(of), decltype(given)>{of, given, unless(outside, T(of.log_density - given.log_density))};
      } else {
        T from = value, to = value;
        if constexpr (is_bound<L>) from = choose(value <= least, T(0.), from);
        if constexpr (is_bound<U>) to = choose(value >= most, last, to);
        auto of = base_.range(m, d.base, from, to);
        return RangeGivenRange<T, decltype(of), Zero>{of, {}, unless(outside, of.log_density)};
      }
    }
  }

 private:
  Prepared<M, B> base_;
};

// By the probabilities of those between the bounds; NaN if there are none.
template <class M, class R, Seen kind, class D, class L, class U>
double draw_from(const M& m, R& random, const BoundedCategories<kind, D, L, U>& d) {
  if constexpr (kind == Seen::truncated) {
    std::vector<double> weights;
    double sum = 0;
    Prepared<M, BoundedCategories<kind, D, L, U>> prepared(m, d);
    for (int k = 0; k < d.base.count(); ++k)
      weights.push_back(exp(prepared.at(m, d, DataValue<double>{double(k)}).log_density)), sum += weights.back();
    if (!(sum > 0)) return std::numeric_limits<double>::quiet_NaN();
    double left = random.uniform() * sum;
    int k = -1, drawn = -1;
    for (const double weight : weights) {
      ++k;
      if (weight > 0 && left >= 0) drawn = k;
      left -= weight;
    }
    return drawn;
  } else {
    double y = draw_from(m, random, d.base);
    if constexpr (kind == Seen::censored && is_bound<L>) y = max(y, double(d.lower.evaluate(m).value));
    if constexpr (kind == Seen::censored && is_bound<U>) y = min(y, double(d.upper.evaluate(m).value));
    return y;
  }
}

// ---- a density given by points --------------------------------------------------------------------------------------------

template <Seen kind, class L, class U> struct BoundedInterpolated : DistributionTag {
  Interpolated base;
  L lower;
  U upper;
  LOCKSTEP_FN BoundedInterpolated(const Interpolated& d, const L& l, const U& u) : base(d), lower(l), upper(u) {}
};

template <class T, class Lower, class Upper> struct BoundedInterpolatedAt {
  T log_density, by_value, by_lower, by_upper;
  Lower lower;
  Upper upper;
  LOCKSTEP_FN T slope() const { return by_value; }
  template <class S> LOCKSTEP_FN void pull(const S& scale) {
    lower.pull(scale * by_lower);
    upper.pull(scale * by_upper);
  }
};

template <class M, Seen kind, class L, class U> class Prepared<M, BoundedInterpolated<kind, L, U>> {
 public:
  using D = BoundedInterpolated<kind, L, U>;
  using T = typename M::value_type;
  LOCKSTEP_FN Prepared(const M& m, const D& d) : base_(m, d.base) {}
  template <class Y> LOCKSTEP_FN auto at(const M& m, const D& d, const Y& y) const {
    auto l = d.lower.evaluate(m);
    auto u = d.upper.evaluate(m);
    const auto result = [&](const T& log_density, const T& by_value, const T& by_lower, const T& by_upper) {
      return BoundedInterpolatedAt<T, decltype(l), decltype(u)>{log_density, by_value, by_lower, by_upper, l, u};
    };
    const T value(y.value), lower = is_bound<L> ? T(l.value) : base_.first(), upper = is_bound<U> ? T(u.value) : base_.last();
    if constexpr (kind == Seen::interval_censored) {
      const auto between = base_.range(m, d.base, value, upper);
      return result(between.log_mass, T(-between.at_from), T(0.), between.at_to);
    } else {
      const auto here = base_.at(m, d.base, y);
      const auto outside = value < lower || value > upper;
      if constexpr (kind == Seen::truncated) {
        const auto between = base_.range(m, d.base, lower, upper);
        return result(unless(outside, T(here.log_density - between.log_mass)), here.slope(), between.at_from, T(-between.at_to));
      } else {
        const auto low = base_.range(m, d.base, base_.first(), lower), high = base_.range(m, d.base, upper, base_.last());
        const auto pick = [&](const T& of_lower, const T& of_upper, const T& inside) {
          T picked = inside;
          if constexpr (is_bound<U>) picked = choose(value >= upper, of_upper, picked);
          if constexpr (is_bound<L>) picked = choose(value <= lower, of_lower, picked);
          return picked;
        };
        return result(unless(outside, pick(low.log_mass, high.log_mass, here.log_density)), pick(T(0.), T(0.), here.slope()),
                      pick(low.at_to, T(0.), T(0.)), pick(T(0.), T(-high.at_from), T(0.)));
      }
    }
  }

 private:
  Prepared<M, Interpolated> base_;
};
template <class L, class U> LOCKSTEP_FN auto support_of(const BoundedInterpolated<Seen::truncated, L, U>& d) {
  return part_of(d.base.support(), d.lower, d.upper);
}
template <class M, class R, Seen kind, class L, class U>
double draw_from(const M& m, R& random, const BoundedInterpolated<kind, L, U>& d) {
  const Prepared<M, Interpolated> prepared(m, d.base);
  const double lower = is_bound<L> ? double(d.lower.evaluate(m).value) : prepared.first();
  const double upper = is_bound<U> ? double(d.upper.evaluate(m).value) : prepared.last();
  if constexpr (kind == Seen::truncated) {
    const double below = exp(prepared.range(m, d.base, prepared.first(), lower).log_mass);
    const double between = exp(prepared.range(m, d.base, lower, upper).log_mass);
    if (!(between > 0)) return std::numeric_limits<double>::quiet_NaN();
    return min(max(inverse_of_area(m, d.base, below + random.uniform() * between), lower), upper);
  } else {
    const double y = draw_from(m, random, d.base);
    return kind == Seen::censored ? min(max(y, lower), upper) : y;
  }
}

// ---- what a model author calls -------------------------------------------------------------------------------------

template <class D> inline constexpr bool has_cdf = false;
template <class Kernel, class... A> inline constexpr bool has_cdf<Distribution<Kernel, A...>> = HasCdf<Kernel, A...>;
template <class... W, class... D>
inline constexpr bool has_cdf<Mixture<MixtureComponent<W, D>...>> = (has_cdf<D> && ...);

// What is observed of a value from `d` that is recorded as the bound where it is beyond one: PyMC's Censored. An
// observation at a bound counts with the probability of the tail there, one between the bounds with its density; one
// outside is impossible.
// Source: Klein & Moeschberger, Survival Analysis, ch. 3.
template <class Kernel, class... A, Operand L, Operand U>
LOCKSTEP_FN auto censored(const Distribution<Kernel, A...>& d, const L& lower, const U& upper) {
  static_assert(HasCdf<Kernel, A...>,
                "only a distribution with a CDF can be censored: models/README.md says which have none, and what to do with them");
  static_assert(is_bound<L> || is_bound<U>, "a censored distribution has at least one bound");
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return make_distribution<CensoredKernel<Kernel, is_bound<L>, is_bound<U>>>(
        argument<Location>(lower), argument<Location>(upper), get<I>(d.arguments)...);
  }(std::index_sequence_for<A...>{});
}
// `d` given that it is between the bounds, which counts may be at: PyMC's Truncated, Stan's T[lower, upper].
// Density d(y)/P(lower <= Y <= upper). Source: Klein & Moeschberger, Survival Analysis, ch. 3.
template <class Kernel, class... A, Operand L, Operand U>
LOCKSTEP_FN auto truncated(const Distribution<Kernel, A...>& d, const L& lower, const U& upper) {
  static_assert(HasCdf<Kernel, A...>,
                "only a distribution with a CDF can be truncated: models/README.md says which have none, and what to do with them");
  static_assert(is_bound<L> || is_bound<U>, "a truncated distribution has at least one bound");
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return make_distribution<TruncatedKernel<Kernel, is_bound<L>, is_bound<U>, typename A::Role...>>(
        argument<Location>(lower), argument<Location>(upper), get<I>(d.arguments)...);
  }(std::index_sequence_for<A...>{});
}
// A value from `d` of which only an interval (low, high] is known, two ends per observation. Observe the lower end:
//   m.observe("low", low, n, [&](auto j) { return interval_censored(normal(mu, sigma), high[j]); });
// In Stan this is target += log_diff_exp(normal_lcdf(high | ...), normal_lcdf(low | ...)), in PyMC a Potential of the
// same. A prediction draws the value itself.
// Log density log P(low < Y <= high). Source: Klein & Moeschberger, Survival Analysis, ch. 3.
template <class Kernel, class... A, Operand U>
LOCKSTEP_FN auto interval_censored(const Distribution<Kernel, A...>& d, const U& upper) {
  static_assert(HasCdf<Kernel, A...>, "only a distribution with a CDF can be interval-censored: models/README.md says which have "
                                      "none, and what to do with them");
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return make_distribution<IntervalCensoredKernel<Kernel>>(argument<Location>(upper), get<I>(d.arguments)...);
  }(std::index_sequence_for<A...>{});
}

// The same of distributions over categories, whose bounds are categories; they have no derivative by a bound.
template <class D, Operand L, Operand U> requires is_over_categories<D>
LOCKSTEP_FN auto censored(const D& d, const L& lower, const U& upper) {
  static_assert(is_bound<L> || is_bound<U>, "a censored distribution has at least one bound");
  return BoundedCategories<Seen::censored, D, RecipeOf<L>, RecipeOf<U>>(d, as_recipe(lower), as_recipe(upper));
}
template <class D, Operand L, Operand U> requires is_over_categories<D>
LOCKSTEP_FN auto truncated(const D& d, const L& lower, const U& upper) {
  static_assert(is_bound<L> || is_bound<U>, "a truncated distribution has at least one bound");
  return BoundedCategories<Seen::truncated, D, RecipeOf<L>, RecipeOf<U>>(d, as_recipe(lower), as_recipe(upper));
}
template <class D, Operand U> requires is_over_categories<D>
LOCKSTEP_FN auto interval_censored(const D& d, const U& upper) {
  return BoundedCategories<Seen::interval_censored, D, NoBound, RecipeOf<U>>(d, NoBound(), as_recipe(upper));
}

// The same of a density given by points.
template <Operand L, Operand U> LOCKSTEP_FN auto censored(const Interpolated& d, const L& lower, const U& upper) {
  static_assert(is_bound<L> || is_bound<U>, "a censored distribution has at least one bound");
  return BoundedInterpolated<Seen::censored, RecipeOf<L>, RecipeOf<U>>(d, as_recipe(lower), as_recipe(upper));
}
template <Operand L, Operand U> LOCKSTEP_FN auto truncated(const Interpolated& d, const L& lower, const U& upper) {
  static_assert(is_bound<L> || is_bound<U>, "a truncated distribution has at least one bound");
  return BoundedInterpolated<Seen::truncated, RecipeOf<L>, RecipeOf<U>>(d, as_recipe(lower), as_recipe(upper));
}
template <Operand U> LOCKSTEP_FN auto interval_censored(const Interpolated& d, const U& upper) {
  return BoundedInterpolated<Seen::interval_censored, NoBound, RecipeOf<U>>(d, NoBound(), as_recipe(upper));
}

// The same of mixtures.
template <class... C, Operand L, Operand U> LOCKSTEP_FN auto censored(const Mixture<C...>& d, const L& lower, const U& upper) {
  static_assert(has_cdf<Mixture<C...>>,
                "only a mixture of distributions with a CDF can be censored: models/README.md says which have none");
  return censored(as_distribution(d), lower, upper);
}
template <class... C, Operand L, Operand U> LOCKSTEP_FN auto truncated(const Mixture<C...>& d, const L& lower, const U& upper) {
  static_assert(has_cdf<Mixture<C...>>,
                "only a mixture of distributions with a CDF can be truncated: models/README.md says which have none");
  return truncated(as_distribution(d), lower, upper);
}
template <class... C, Operand U> LOCKSTEP_FN auto interval_censored(const Mixture<C...>& d, const U& upper) {
  static_assert(has_cdf<Mixture<C...>>,
                "only a mixture of distributions with a CDF can be interval-censored: models/README.md says which have none");
  return interval_censored(as_distribution(d), upper);
}

}  // namespace lockstep
