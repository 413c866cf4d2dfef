// Distributions outside of a model, their arguments plain numbers:
//
//   log_density(normal(0, 1), 0.3)      log_cdf(cauchy(0, 2), -1e6)      quantile(weibull(2, 3), 0.975)
//   Stream stream({.seed = 1});  draw(gamma(2, 3), stream)
//
// On the host, one value at a time. CDFs and quantiles are there for distributions whose kernels have a CDF.
#pragma once

#include "lockstep/bisection.hpp"
#include "lockstep/distributions.hpp"
#include "lockstep/generate.hpp"

namespace lockstep {

// The context of a distribution of plain numbers: there are no nodes.
struct PlainNumbers {
  using value_type = double;
};

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

// The smallest double y with P(Y <= y) >= p, 0 < p < 1, found through the tail that is smaller; NaN for any other p.
template <class Kernel, class... A> double quantile(const Distribution<Kernel, A...>& d, double p) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (!(p > 0 && p < 1)) return std::numeric_limits<double>::quiet_NaN();
  if (p <= 0.5) return first_that([&](double y) { return log_cdf(d, y) >= log(p); }, -infinity, infinity);
  return first_that([&](double y) { return log_ccdf(d, y) <= log1p(-p); }, -infinity, infinity);
}

// One draw.
template <DistributionLike D> double draw(const D& d, Stream& stream) { return draw_from(PlainNumbers{}, stream, d); }

}  // namespace lockstep
