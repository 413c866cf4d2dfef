// Distributions outside of a model, their arguments plain numbers:
//
//   log_density(normal(0, 1), 0.3)      log_cdf(cauchy(0, 2), -1e6)      quantile(weibull(2, 3), 0.975)
//   Stream stream({.seed = 1});  draw(gamma(2, 3), stream)
//
// On the host, one value at a time. CDFs and quantiles are there for distributions whose kernels have a CDF, for mixtures of
// such, for categories (their vectors as in evaluate_joint.hpp, which has distributions of vectors and matrices) and for densities
// given by points.
#pragma once

#include "lockstep/distributions.hpp"
#include "lockstep/evaluate_joint.hpp"
#include "lockstep/generate.hpp"
#include "lockstep/quantile.hpp"

namespace lockstep {

// The log density (or log probability, of a count) at y, normalised; -inf outside the support.
template <DistributionLike D> double log_density(const D& d, double y) {
  const PlainNumbers m;
  Prepared<PlainNumbers, D> prepared(m, d);
  return prepared.at(m, d, DataValue<double>{y}).log_density;
}

// f(states of the arguments...)
template <class Kernel, class... A, class F> double with_states(const Distribution<Kernel, A...>& d, const F& f) {
  const PlainNumbers m;
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return double(f(A::Role::prepare(get<I>(d.arguments).expression.evaluate(m))...).log_density);
  }(std::index_sequence_for<A...>{});
}
// log P(Y <= y).
template <class Kernel, class... A> double log_cdf(const Distribution<Kernel, A...>& d, double y) {
  return with_states(d, [&](const auto&... states) { return Kernel::log_cdf(DataValue<double>{y}, states...); });
}
// log P(Y > y), to all digits where it is tiny too.
template <class Kernel, class... A> double log_ccdf(const Distribution<Kernel, A...>& d, double y) {
  return with_states(d, [&](const auto&... states) { return Kernel::log_ccdf(DataValue<double>{y}, states...); });
}

// The ends of a support, of plain numbers.
struct Ends {
  double lower, upper;
};
constexpr double no_end = std::numeric_limits<double>::infinity();
inline Ends ends_of(const RealLine&) { return {-no_end, no_end}; }
inline Ends ends_of(const Positive&) { return {0, no_end}; }
inline Ends ends_of(const UnitInterval&) { return {0, 1}; }
inline Ends ends_of(const Circular&) { return {-VonMisesKernel::pi, VonMisesKernel::pi}; }
template <class E> Ends ends_of(const OneSided<E, 1>& s) { return {s.limit.evaluate(PlainNumbers()).value, no_end}; }
template <class E> Ends ends_of(const OneSided<E, -1>& s) { return {-no_end, s.limit.evaluate(PlainNumbers()).value}; }
template <class L, class U> Ends ends_of(const TwoSided<L, U>& s) {
  return {s.lower.evaluate(PlainNumbers()).value, s.upper.evaluate(PlainNumbers()).value};
}
// Of counts, and where values have a probability, by the tails.
template <class Kernel, class... A> Ends ends_by_tails(const Distribution<Kernel, A...>& d) {
  const auto none_above = [&](double y) { return log_ccdf(d, y) == -no_end; };
  const double upper = first_that(none_above, -no_end, no_end);
  const double lower = first_that([&](double y) { return log_cdf(d, y) > -no_end; }, -no_end, no_end);
  return {lower > -1e100 ? lower : -no_end, upper < 1e100 ? upper : no_end};   // further out it is the logarithm that overflows
}

// The smallest y with P(Y <= y) >= p, found through the tail that is smaller; where there is a closed form, to rounding. At 0
// and 1 these are the ends of the support; NaN outside of [0, 1].
template <class Kernel, class... A> double quantile(const Distribution<Kernel, A...>& d, double p) {
  if (!(p >= 0 && p <= 1)) return std::numeric_limits<double>::quiet_NaN();
  const LogTails tails{log(p), log1p(-p)};
  const auto end = [p](const Ends& ends) { return p == 0 ? ends.lower : ends.upper; };
  const auto of = [&](auto... a) -> double {
    if (p > 0 && p < 1) return quantile_between<Kernel, typename A::Role...>(tails, -no_end, no_end, a...);
    if constexpr (HasQuantile<Kernel, decltype(a)...>) return Kernel::quantile(tails, a...);
    else if constexpr (requires { Kernel::support(d); }) return end(ends_of(Kernel::support(d)));
    else return end(ends_by_tails(d));
  };
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return of(double(get<I>(d.arguments).expression.evaluate(PlainNumbers()).value)...);
  }(std::index_sequence_for<A...>{});
}

// Of categories.
template <class D> requires is_over_categories<D> double log_cdf(const D& d, double y) {
  return log_mass_of_categories(PlainNumbers{}, d, 0, floor(y));
}
template <class D> requires is_over_categories<D> double log_ccdf(const D& d, double y) {
  return log_mass_of_categories(PlainNumbers{}, d, max(floor(y) + 1, 0.), d.count() - 1);
}
template <class D> requires is_over_categories<D> double quantile(const D& d, double p) {
  if (!(p >= 0 && p <= 1)) return std::numeric_limits<double>::quiet_NaN();
  const auto reached = [&](int k) { return p <= 0.5 ? log_cdf(d, k) >= log(p) : log_ccdf(d, k) <= log1p(-p); };
  int k = 0;
  while (k + 1 < d.count() && (log_cdf(d, k) == -no_end || !reached(k))) ++k;
  return k;
}

// Of a density given by points.
inline double log_cdf(const Interpolated& d, double y) {
  const Prepared<PlainNumbers, Interpolated> prepared(PlainNumbers{}, d);
  return prepared.range(PlainNumbers{}, d, prepared.first(), y).log_mass;
}
inline double log_ccdf(const Interpolated& d, double y) {
  const Prepared<PlainNumbers, Interpolated> prepared(PlainNumbers{}, d);
  return prepared.range(PlainNumbers{}, d, y, prepared.last()).log_mass;
}
inline double quantile(const Interpolated& d, double p) {
  return p >= 0 && p <= 1 ? inverse_of_area(PlainNumbers{}, d, p) : std::numeric_limits<double>::quiet_NaN();
}

// Of mixtures.
template <class... C> double log_cdf(const Mixture<C...>& d, double y) { return log_cdf(as_distribution(d), y); }
template <class... C> double log_ccdf(const Mixture<C...>& d, double y) { return log_ccdf(as_distribution(d), y); }
template <class... C> double quantile(const Mixture<C...>& d, double p) {
  if (p != 0 && p != 1) return quantile(as_distribution(d), p);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    double end = p == 0 ? no_end : -no_end;
    const auto extend = [&](double to) { end = p == 0 ? min(end, to) : max(end, to); };
    (extend(quantile(get<I>(d.components).distribution, p)), ...);
    return end;
  }(std::index_sequence_for<C...>{});
}

// One draw.
template <DistributionLike D> double draw(const D& d, Stream& stream) { return draw_from(PlainNumbers{}, stream, d); }

}  // namespace lockstep
