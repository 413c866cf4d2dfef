// Extra zeros. Log densities and derivatives against the oracle.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct ZeroInflatedPoisson
    : DistributionRow<"zero_inflated_poisson", 2, [](const auto&... a) { return zero_inflated_poisson(a...); }> {};
struct ZeroInflatedBinomial
    : DistributionRow<"zero_inflated_binomial", 3, [](const auto&... a) { return zero_inflated_binomial(a...); }> {};
struct ZeroInflatedNegativeBinomial : DistributionRow<"zero_inflated_negative_binomial", 3, [](const auto&... a) {
  return zero_inflated_negative_binomial(a...);
}> {};
struct HurdlePoisson : DistributionRow<"hurdle_poisson", 2, [](const auto&... a) { return hurdle_poisson(a...); }> {};
struct HurdleNegativeBinomial
    : DistributionRow<"hurdle_negative_binomial", 3, [](const auto&... a) { return hurdle_negative_binomial(a...); }> {
};
struct HurdleGamma : DistributionRow<"hurdle_gamma", 3, [](const auto&... a) { return hurdle_gamma(a...); }> {};
struct HurdleLogNormal
    : DistributionRow<"hurdle_lognormal", 3, [](const auto&... a) { return hurdle_lognormal(a...); }> {};
// clang-format on

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityOfAParameter);
using All = ::testing::Types<ZeroInflatedPoisson, ZeroInflatedBinomial, ZeroInflatedNegativeBinomial, HurdlePoisson,
                             HurdleNegativeBinomial, HurdleGamma, HurdleLogNormal>;
INSTANTIATE_TYPED_TEST_SUITE_P(ZeroInflated, DensityOfData, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(ZeroInflated, DensityInSinglePrecision, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<ZeroInflatedPoisson>({0.3, 2.}, {-1., 0.5, 1e8 + 0.5});
  expect_impossible<ZeroInflatedBinomial>({0.3, 20., 0.4}, {-1., 0.5, 21.});
  expect_impossible<ZeroInflatedNegativeBinomial>({0.3, 2., 3.}, {-1., 0.5, 1e8 + 0.5});
  expect_impossible<HurdlePoisson>({0.3, 2.}, {-1., 0.5, 1e8 + 0.5});
  expect_impossible<HurdleNegativeBinomial>({0.3, 2., 3.}, {-1., 0.5, 1e8 + 0.5});
  expect_impossible<HurdleGamma>({0.3, 2., 3.}, {-1., -1e-300});
  expect_impossible<HurdleLogNormal>({0.3, 2., 3.}, {-1., -1e-300});
}

// A point mass at 0 beside a Poisson, written out as a mixture.
struct MixtureWithZeros {
  Dim n;
  Real y;
  template <class M> void operator()(M& m) const {
    with_scalars<2>(m, [&](const auto& psi, const auto& mu) {
      m.observe("y", y, n, [&](auto) { return mixture(component(psi, poisson(mu)), component(1 - psi, dirac_delta(0))); });
    });
  }
};
TEST(ZeroInflatedPoisson, IsAMixtureOfAPoissonAndAPointMass) {
  for (const double y : {0., 1., 7.}) {
    Fields fields(data_of({y}));
    const Lanes whole = lanes<Pack, false>(Plate<ZeroInflatedPoisson>{fields.n(), fields.field("y")});
    const Lanes parts = lanes<Pack, false>(MixtureWithZeros{fields.n(), fields.field("y")});
    const AtLane expected = evaluate_alike(whole, {0.3, 2.5})[0], found = evaluate_alike(parts, {0.3, 2.5})[0];
    EXPECT_NEAR(found.log_density, expected.log_density, 1e-14) << y;
    for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(found.gradient[i], expected.gradient[i], 1e-13) << y;
  }
}

}  // namespace
}  // namespace lockstep
