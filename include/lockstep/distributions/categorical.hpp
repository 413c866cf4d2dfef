// Distributions over categories 0, 1, ..., K - 1, whose arguments are vectors: categorical, ordered logistic and
// probit.
//
// Categories count from 0, as in PyMC; Stan counts from 1. A number that is no category, also K in data that count from
// 1, is impossible.
//
//   m.observe("choice", choice, person, [&](auto) { return categorical(p); });   // p: a vector along the categories
//   m.observe("choice", choice, person, [&](auto i) {
//     return categorical_logit(category, [&, i](auto k) { return alpha[k] + beta[k] * x[i]; });   // i by value
//   });
//   m.observe("rating", rating, person, [&](auto i) { return ordered_logistic(beta * x[i], cutpoints); });
//
// The cutpoints are ascending: a parameter on ordered().
#pragma once

#include <vector>

#include "lockstep/joint_distribution.hpp"
#include "lockstep/special_normal.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// The dimension along which a vector runs.
template <class V> LOCKSTEP_FN Dim dim_of_vector(const V& v) {
  if constexpr (requires { typename V::is_row; }) return v.node->columns();
  else if constexpr (requires { v.dim().size; }) return v.dim();
  else return v.dim;
}
// A vector with its length, as an argument of a distribution.
template <class V> struct CategoryVector {
  V elements;
  Dim dim;
  template <class M> LOCKSTEP_FN auto at(const M& m, int k) const { return elements[GatheredIndex{{k, dim.id}}].evaluate(m); }
};
template <class V> LOCKSTEP_FN auto category_vector(const V& v) {
  return CategoryVector<VectorArgument<V>>{vector_argument(v), dim_of_vector(v)};
}
template <class F> LOCKSTEP_FN auto category_vector(Dim dim, const F& f) {
  return CategoryVector<VectorArgument<F>>{vector_argument(f), dim};
}

// A category that all lanes share is a plain number, by which elements are read; if lanes differ, all elements are read
// under masks.
template <class Y>
inline constexpr bool shared_category =
    std::is_same_v<std::remove_cvref_t<decltype(std::declval<const Y&>().value)>, double>;
// -1 if it is none of `count`.
LOCKSTEP_FN inline int category_number(double y, int count) {
  return y >= 0 && y < count && y == floor(y) ? int(y) : -1;
}

// ---- categorical ----------------------------------------------------------------------------------------------------

template <class V, bool by_logits> struct Categorical : DistributionTag {
  static constexpr bool logits = by_logits;
  CategoryVector<V> vector;
  LOCKSTEP_FN explicit Categorical(const CategoryVector<V>& v) : vector(v) {}
  LOCKSTEP_FN int count() const { return vector.dim.size; }
};

template <class M, class D, class Y> struct CategoricalAt {
  using T = typename M::value_type;
  const M* m;
  D distribution;
  Y category;           // an int, or lanes
  T log_density, log_sum;
  LOCKSTEP_FN Zero slope() const { return {}; }
  template <class S> LOCKSTEP_FN void pull(const S& scale) const;
};

// The categories from one to another, both in lanes.
template <class M, class D> struct CategoricalRange {
  using T = typename M::value_type;
  const M* m;
  D distribution;
  T from, to, log_density, log_part, log_sum;   // log_part: of what the range has of the sum
  template <class S> LOCKSTEP_FN void pull(const S& scale) const {
    const auto possible = log_density > -std::numeric_limits<double>::infinity();
    const T part = choose(possible, log_part, T(0.)), share = T(choose(possible, T(1.), T(0.)));
    for (int k = 0; k < distribution.count(); ++k) {
      auto e = distribution.vector.at(*m, k);
      const T inside = choose(from <= double(k) && to >= double(k), share, T(0.));
      if constexpr (D::logits) e.pull(scale * T(inside * exp(T(T(e.value) - part)) - share * exp(T(T(e.value) - log_sum))));
      else e.pull(scale * T(inside * exp(T(-part))));
    }
  }
};

template <class M, class V, bool by_logits> class Prepared<M, Categorical<V, by_logits>> {
 public:
  using D = Categorical<V, by_logits>;
  using T = typename M::value_type;
  LOCKSTEP_FN Prepared(const M&, const D&) {}
  // log P(from <= Y <= to).
  LOCKSTEP_FN CategoricalRange<M, D> range(const M& m, const D& d, const T& from, const T& to) const {
    const T part = log_sum_of(m, d, [&](int k) { return from <= double(k) && to >= double(k); });
    const T all = by_logits ? log_sum_of(m, d, [](int) { return true; }) : T(0.);
    return {&m, d, from, to, T(part - all), part, all};
  }
  template <class Y> LOCKSTEP_FN auto at(const M& m, const D& d, const Y& y) const {
    const int count = d.count();
    const T log_sum = by_logits ? log_sum_of(m, d, [](int) { return true; }) : T(0.);
    T log_density(-std::numeric_limits<double>::infinity());
    if constexpr (shared_category<Y>) {
      const int k = category_number(y.value, count);
      if (k >= 0) log_density = log_weight(d.vector.at(m, k)) - log_sum;
      return CategoricalAt<M, D, int>{&m, d, k, log_density, log_sum};
    } else {
      for (int k = 0; k < count; ++k)
        log_density = choose(y.value == double(k), T(log_weight(d.vector.at(m, k)) - log_sum), log_density);
      return CategoricalAt<M, D, T>{&m, d, T(y.value), log_density, log_sum};
    }
  }

 private:
  template <class E> LOCKSTEP_FN static T log_weight(const E& e) {
    if constexpr (by_logits) return T(e.value);
    else return T(log_of(e));
  }
  // log of the sum of p, or of exp(eta), over the categories inside.
  template <class F> LOCKSTEP_FN static T log_sum_of(const M& m, const D& d, const F& inside) {
    T largest(by_logits ? least_log_density : 0.), sum(0.);
    if constexpr (by_logits)
      for (int k = 0; k < d.count(); ++k) largest = choose(inside(k), T(max(largest, T(d.vector.at(m, k).value))), largest);
    for (int k = 0; k < d.count(); ++k) {
      const T value(d.vector.at(m, k).value);
      if constexpr (by_logits) sum += choose(inside(k), T(exp(T(value - largest))), T(0.));
      else sum += choose(inside(k), value, T(0.));
    }
    return largest + log(sum);
  }
};

template <class M, class D, class Y>
template <class S>
LOCKSTEP_FN void CategoricalAt<M, D, Y>::pull(const S& scale) const {
  int first = 0, end = distribution.vector.dim.size;
  if constexpr (std::is_same_v<Y, int>) {
    if (category < 0) return;
    if constexpr (!D::logits) {
      first = category;
      end = category + 1;
    }
  }
  for (int k = first; k < end; ++k) {
    auto e = distribution.vector.at(*m, k);
    const auto is_it = category == Y(k);
    if constexpr (D::logits) e.pull(scale * T(choose(is_it, T(1.), T(0.)) - exp(T(T(e.value) - log_sum))));
    else e.pull(scale * choose(is_it, T(inverse_of(e)), T(0.)));
  }
}

// The probabilities of the categories, a vector that sums to 1 (nothing here normalises it): a parameter on simplex(),
// a deterministic, data, or the row of a matrix; y = 0, 1, ..., K - 1.
// P(y) = p[y]. Source: Agresti, Categorical Data Analysis, ch. 1.
template <class V> requires(!Operand<V>) LOCKSTEP_FN auto categorical(const V& p) {
  return Categorical<VectorArgument<V>, false>(category_vector(p));
}
// The same by a lambda over the categories of `dim`.
template <class F>
LOCKSTEP_FN auto categorical(Dim dim, const F& p) {
  return Categorical<VectorArgument<F>, false>(category_vector(dim, p));
}
// By logits: probabilities proportional to exp(eta[k]).
// P(y) = exp(eta[y])/sum_k exp(eta[k]). Source: D. McFadden, "Conditional logit analysis of qualitative choice behavior", 1974.
template <class V> requires(!Operand<V>) LOCKSTEP_FN auto categorical_logit(const V& eta) {
  return Categorical<VectorArgument<V>, true>(category_vector(eta));
}
template <class F> LOCKSTEP_FN auto categorical_logit(Dim dim, const F& eta) {
  return Categorical<VectorArgument<F>, true>(category_vector(dim, eta));
}

template <class M, class R, class V, bool by_logits>
double draw_from(const M& m, R& random, const Categorical<V, by_logits>& d) {
  std::vector<double> weight;
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (int k = 0; k < d.vector.dim.size; ++k) {
    weight.push_back(double(d.vector.elements[CheckedIndex{{k, d.vector.dim.id}}].evaluate(m).value));
    largest = max(largest, weight.back());
  }
  for (double& w : weight) sum += w = by_logits ? exp(w - largest) : w;
  double left = random.uniform() * sum;
  std::size_t k = 0;
  while (k + 1 < weight.size() && (left -= weight[k]) >= 0) ++k;
  return double(k);
}

// ---- ordered --------------------------------------------------------------------------------------------------------

// log of the probability between two cuts, its derivatives by the lower and the upper one. A link takes the cuts, `l`
// and `u`, less eta, and the distance between them, which has lost no digits to eta.
template <class V> struct BetweenCuts {
  V log_mass, by_lower, by_upper;
};

struct LogisticLink {
  // sigmoid(u) - sigmoid(l) = sigmoid(u) sigmoid(-l) (1 - exp(l - u))
  template <class V> LOCKSTEP_FN static BetweenCuts<V> between(const V& l, const V& u, const V& width) {
    const auto up = softplus_sigmoid(V(-u)), down = softplus_sigmoid(l);
    const V odds = 1. / expm1(width);
    return {V(log1m_exp(V(-width)) - up.softplus - down.softplus), V(-down.sigmoid - odds), V(up.sigmoid + odds)};
  }
  template <class V> LOCKSTEP_FN static BetweenCuts<V> below(const V& u) {
    const auto up = softplus_sigmoid(V(-u));
    return {V(-up.softplus), V(0.), up.sigmoid};
  }
  template <class R> static double sample(R& random) {
    const double u = random.uniform();
    return log(u) - log1p(-u);
  }
};
struct ProbitLink {
  template <class V> LOCKSTEP_FN static BetweenCuts<V> between(const V& l, const V& u, const V& width) {
    const auto inside = normal_interval(l, u, width);
    return {inside.log_mass, V(-inside.at_lower), inside.at_upper};
  }
  template <class V> LOCKSTEP_FN static BetweenCuts<V> below(const V& u) {
    const auto cdf = log_normal_cdf(u);
    return {cdf.value, V(0.), cdf.slope};
  }
  template <class R> static double sample(R& random) { return random.normal(); }
};
// Both links are symmetric.
template <class Link, class V> LOCKSTEP_FN BetweenCuts<V> above_cut(const V& l) {
  const auto mirrored = Link::below(V(-l));
  return {mirrored.log_mass, V(-mirrored.by_upper), V(0.)};
}

template <class Link, class E, class V> struct OrderedCategories : DistributionTag {
  Argument<Location, E> eta;
  CategoryVector<V> cutpoints;
  LOCKSTEP_FN OrderedCategories(const Argument<Location, E>& e, const CategoryVector<V>& c) : eta(e), cutpoints(c) {}
  LOCKSTEP_FN int count() const { return cutpoints.dim.size + 1; }
};

// The categories from one to another: one, as a number, or both in lanes.
template <class M, class Held, class V, class Y> struct OrderedAt {
  using T = typename M::value_type;
  const M* m;
  Held eta;             // PlateArgument* or ElementArgument
  CategoryVector<V> cutpoints;
  Y category, last;
  BetweenCuts<T> at;
  T log_mass, log_density = log_mass;
  LOCKSTEP_FN Zero slope() const { return {}; }
  template <class S> LOCKSTEP_FN void pull(const S& scale) {
    if constexpr (std::is_same_v<Y, int>) {
      if (category < 0) return;
      if (category > 0) cutpoints.at(*m, category - 1).pull(scale * at.by_lower);
      if (category < cutpoints.dim.size) cutpoints.at(*m, category).pull(scale * at.by_upper);
    } else {
      for (int j = 0; j < cutpoints.dim.size; ++j)
        cutpoints.at(*m, j).pull(scale * T(choose(last == double(j), at.by_upper, T(0.)) +
                                           choose(category == double(j + 1), at.by_lower, T(0.))));
    }
    const T by_eta = -(at.by_lower + at.by_upper);
    if constexpr (std::is_pointer_v<Held>) eta->pull(scale * by_eta);
    else eta.pull(scale * by_eta);
  }
};

template <class M, class Link, class E, class V> class Prepared<M, OrderedCategories<Link, E, V>> {
 public:
  using D = OrderedCategories<Link, E, V>;
  using T = typename M::value_type;
  LOCKSTEP_FN Prepared(const M& m, const D& d) : eta_(m, d.eta) {}
  template <class Y> LOCKSTEP_FN auto at(const M& m, const D& d, const Y& y) {
    return at(m, d, y, hold(eta_.at(m, d.eta)));
  }
  // log P(from <= Y <= to), of whole numbers.
  LOCKSTEP_FN auto range(const M& m, const D& d, const T& from, const T& to) {
    return range(m, d, from, to, hold(eta_.at(m, d.eta)));
  }

 private:
  template <class Y, class Held> LOCKSTEP_FN static auto at(const M& m, const D& d, const Y& y, const Held& held) {
    const T eta = T(state_of(held).value);
    const int last = d.cutpoints.dim.size;
    constexpr double impossible = -std::numeric_limits<double>::infinity();
    const auto cut = [&](int j) { return T(d.cutpoints.at(m, j).value); };
    if constexpr (shared_category<Y>) {
      const int k = category_number(y.value, last + 1);
      BetweenCuts<T> at{T(k < 0 ? impossible : 0.), T(0.), T(0.)};
      if (k > 0 && k < last) at = Link::between(T(cut(k - 1) - eta), T(cut(k) - eta), T(cut(k) - cut(k - 1)));
      else if (k == 0 && last > 0) at = Link::below(T(cut(0) - eta));
      else if (k > 0) at = above_cut<Link>(T(cut(k - 1) - eta));
      return OrderedAt<M, Held, V, int>{&m, held, d.cutpoints, k, k, at, at.log_mass};
    } else {
      const T value = T(y.value);
      auto at = range(m, d, value, value, held);
      at.log_density = unless(value != floor(value), at.log_mass);
      return at;
    }
  }
  template <class Held>
  LOCKSTEP_FN static auto range(const M& m, const D& d, const T& from, const T& to, const Held& held) {
    const T eta = T(state_of(held).value);
    const int last = d.cutpoints.dim.size;
    const auto first = from <= 0., top = to >= double(last);
    T lower(0.), upper(1.);
    for (int j = 0; j < last; ++j) {
      const T at_cut(d.cutpoints.at(m, j).value);
      lower = choose(from == double(j + 1), at_cut, lower);
      upper = choose(to == double(j), at_cut, upper);
    }
    lower = choose(first, T(upper - 1.), lower);
    upper = choose(top, T(lower + 1.), upper);
    const auto both = Link::between(T(lower - eta), T(upper - eta), T(upper - lower));
    const auto below = Link::below(T(upper - eta)), above = above_cut<Link>(T(lower - eta));
    const auto pick = [&](const T& of_both, const T& of_first, const T& of_top) {
      return T(choose(first && top, T(0.), T(choose(first, of_first, T(choose(top, of_top, of_both))))));
    };
    const BetweenCuts<T> at{pick(both.log_mass, below.log_mass, above.log_mass),
                            pick(both.by_lower, T(0.), above.by_lower), pick(both.by_upper, below.by_upper, T(0.))};
    const auto empty = to < from || to < 0. || from > double(last);
    return OrderedAt<M, Held, V, T>{&m, held, d.cutpoints, from, to, at, unless(empty, at.log_mass)};
  }

  PreparedArgument<M, Argument<Location, E>> eta_;
};

// K categories by K - 1 ascending cutpoints: P(y <= k) = 1/(1 + exp(eta - cutpoints[k])); y = 0, 1, ..., K - 1.
// Source: P. McCullagh, "Regression models for ordinal data", 1980.
template <Operand Eta, class V> LOCKSTEP_FN auto ordered_logistic(const Eta& eta, const V& cutpoints) {
  return OrderedCategories<LogisticLink, RecipeOf<Eta>, VectorArgument<V>>(argument<Location>(eta),
                                                                           category_vector(cutpoints));
}
// The same with the normal CDF: P(y <= k) = Phi(cutpoints[k] - eta).
// Source: J. Aitchison & S. D. Silvey, "The generalization of probit analysis to the case of multiple responses", 1957.
template <Operand Eta, class V> LOCKSTEP_FN auto ordered_probit(const Eta& eta, const V& cutpoints) {
  return OrderedCategories<ProbitLink, RecipeOf<Eta>, VectorArgument<V>>(argument<Location>(eta),
                                                                         category_vector(cutpoints));
}

// By the latent variable: how many cutpoints it is above.
template <class M, class R, class Link, class E, class V>
double draw_from(const M& m, R& random, const OrderedCategories<Link, E, V>& d) {
  const double latent = double(d.eta.expression.evaluate(m).value) + Link::sample(random);
  int k = 0;
  while (k < d.cutpoints.dim.size &&
         latent > double(d.cutpoints.elements[CheckedIndex{{k, d.cutpoints.dim.id}}].evaluate(m).value)) ++k;
  return k;
}

// ---- ranges of categories: CDFs, and censored and truncated forms (censored.hpp) ----------------------------------------

// Distributions over categories 0, 1, ..., count() - 1, of which `Prepared` gives the probability of a range.
template <class D> inline constexpr bool is_over_categories = false;
template <class V, bool by_logits> inline constexpr bool is_over_categories<Categorical<V, by_logits>> = true;
template <class Link, class E, class V> inline constexpr bool is_over_categories<OrderedCategories<Link, E, V>> = true;

// log P(from <= Y <= to), of plain numbers.
template <class M, class D> requires is_over_categories<D>
double log_mass_of_categories(const M& m, const D& d, double from, double to) {
  Prepared<M, D> prepared(m, d);
  return prepared.range(m, d, from, to).log_density;
}

}  // namespace lockstep
