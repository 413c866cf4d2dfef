// Rows of CDFs for the tables of distribution_cases.hpp, and the check of a count's tails.
#pragma once

#include "lockstep/evaluate.hpp"
#include "tests/distribution_cases.hpp"

namespace lockstep {

// A kernel's CDF in the place of its density, so that roles, plates and lanes are those of densities.
template <class Base, bool upper> struct CdfKernel {
  template <class Y, class... A> LOCKSTEP_FN static auto density(const Y& y, const A&... a) {
    if constexpr (upper) return Base::log_ccdf(y, a...);
    else return Base::log_cdf(y, a...);
  }
};
template <bool upper, class Kernel, class... A> auto cdf_as_density(const Distribution<Kernel, A...>& d) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return make_distribution<CdfKernel<Kernel, upper>>(get<I>(d.arguments)...);
  }(std::index_sequence_for<A...>{});
}

template <bool upper, class... C> auto cdf_as_density(const Mixture<C...>& d) { return cdf_as_density<upper>(as_distribution(d)); }

// clang-format off
#define LOCKSTEP_CDF_ROWS(Type, function, count) \
  struct Type##Cdf : DistributionRow<#function "_log_cdf", count, \
      [](const auto&... a) { return cdf_as_density<false>(function(a...)); }> {}; \
  struct Type##Ccdf : DistributionRow<#function "_log_ccdf", count, \
      [](const auto&... a) { return cdf_as_density<true>(function(a...)); }> {};
// clang-format on

// Quantiles that its tails have, and that end at `lower` and `upper`. `name`: of the table of distributions.
template <class D> void expect_quantiles(const char* name, const D& d, double lower, double upper) {
  for (const double p : {1e-200, 1e-12, 0.03, 0.5, 0.8, 1 - 1e-9}) {
    const double y = quantile(d, p), below = std::nextafter(y, -infinity), above = std::nextafter(y, infinity);
    // What is wanted of the smaller tail is between those of the doubles next to y.
    const auto tail = [&](double at) { return p <= 0.5 ? log_cdf(d, at) : -log_ccdf(d, at); };
    const double wanted = p <= 0.5 ? std::log(p) : -std::log1p(-p);
    const double error = std::max({tail(below) - wanted, wanted - tail(above), 0.}) / std::max(1., std::abs(wanted));
    EXPECT_LE(error, 1e-12) << name << ", " << p << " at " << y;
    LargestErrors::note(name, "quantile", 1, error);
  }
  EXPECT_EQ(quantile(d, 0), lower) << name;
  EXPECT_EQ(quantile(d, 1), upper) << name;
}

// All its probability is from `first` to `last`; its tails are sums of it, and its quantiles where they step. `name`: of the
// table of distributions, null if it is in none.
template <class D> void expect_tails_of_counts(const char* name, const D& d, double first, double last, double end = infinity) {
  EXPECT_EQ(quantile(d, 0), first);
  EXPECT_EQ(quantile(d, 1), end);
  double below = 0, all = 0;
  for (double k = first; k <= last; ++k) all += std::exp(log_density(d, k));
  EXPECT_NEAR(all, 1, 1e-13);
  EXPECT_EQ(log_cdf(d, first - 1), -infinity);
  EXPECT_NEAR(log_ccdf(d, first - 0.5), 0., 1e-15);
  for (double k = first; k < first + 40; ++k) {
    below += std::exp(log_density(d, k));
    EXPECT_NEAR(std::exp(log_cdf(d, k)), below, 1e-13);
    EXPECT_NEAR(std::exp(log_ccdf(d, k + 0.5)), 1 - below, 1e-13);
    const double p = std::exp(log_cdf(d, k)) * (1 - 1e-9);
    if (below < 0.999999 && below > 1e-6) {
      EXPECT_EQ(quantile(d, p), k);
      if (name) LargestErrors::note(name, "quantile", 1, std::abs(quantile(d, p) - k));
    }
  }
}

}  // namespace lockstep
