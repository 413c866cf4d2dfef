// Agreement with reference draws: the standard errors of what is compared, that it finds what differs, and the retry.
#include "host/agreement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "host/conformance.hpp"
#include "lockstep/random.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {
namespace {

constexpr std::size_t chains = 20, draws = 500;

// A fit with independent normal draws of a variable of that shape.
Fit normal_fit(std::uint64_t seed, std::vector<std::size_t> shape, double mean = 0, double sd = 1) {
  Stream stream({.seed = seed, .purpose = Purpose::prior_draw});
  Variable variable{"x", {}, shape, ElementType::real, {}};
  variable.dims.assign(shape.size(), "d");
  for (std::size_t i = 0; i < chains * draws * variable.size(); ++i) variable.values.push_back(mean + sd * stream.normal());
  Fit fit;
  fit.chains = chains;
  fit.draws = draws;
  fit.groups = {{"posterior", true, {variable}}};
  return fit;
}

ScalarReference reference_of(const Fit& fit) {
  return summarise_reference(element_view(fit, fit.variable("posterior", "x"), 0));
}

TEST(Agreement, StandardErrorsOfIndependentNormalDrawsAreThoseOfTheTextbook) {
  const ScalarReference r = reference_of(normal_fit(1, {}, 3, 2));
  const double n = double(chains * draws);
  // ESS of independent draws is within some percent of their number.
  EXPECT_NEAR(r.mean, 3, 5 * 2 / std::sqrt(n));
  EXPECT_NEAR(r.se_mean, 2 / std::sqrt(n), 0.1 * 2 / std::sqrt(n));
  EXPECT_NEAR(r.sd, 2, 5 * 2 / std::sqrt(2 * n));
  EXPECT_NEAR(r.se_sd, 2 / std::sqrt(2 * n), 0.1 * 2 / std::sqrt(2 * n));
  ASSERT_EQ(r.quantiles.size(), 5u);
  EXPECT_EQ(r.quantiles[0].p, 0.05);
  EXPECT_NEAR(r.quantiles[0].value, 3 - 2 * 1.6449, 0.2);
  EXPECT_NEAR(r.quantiles[0].ess, n, 0.2 * n);
}

double worst_against_standard_normal(const Fit& fit) {
  return std::abs(compare(fit, {{"x", reference_of(normal_fit(2, {}))}}, {{"x", "x"}}).worst().z);
}
TEST(Agreement, IsFoundBetweenDrawsOfOneDistribution) {
  EXPECT_LE(worst_against_standard_normal(normal_fit(3, {})), family_limit(7));
}
TEST(Agreement, IsNotFoundWhereTheMeanOrTheSpreadIsATenthOff) {
  EXPECT_GT(worst_against_standard_normal(normal_fit(3, {}, 0.1)), family_limit(7));
  EXPECT_GT(worst_against_standard_normal(normal_fit(3, {}, 0, 1.1)), family_limit(7));
}
TEST(Agreement, IsNotFoundWithDrawsThatAreNaN) {
  Fit fit = normal_fit(3, {});
  fit.groups[0].variables[0].values[7] = std::nan("");
  EXPECT_TRUE(std::isnan(worst_against_standard_normal(fit)));
}

// |z| of m comparisons by Bonferroni, at one in a hundred, two-sided.
TEST(Agreement, LimitsAreThoseOfTheRules) {
  EXPECT_NEAR(family_limit(80), 3.84, 0.005);
  EXPECT_NEAR(family_limit(585), 4.30, 0.005);
  EXPECT_EQ(comparison_count({{"a", reference_of(normal_fit(1, {}))}, {"b", reference_of(normal_fit(1, {}))}}), 14u);
}

TEST(Agreement, ComparesTheElementThatIsNamed) {
  Fit fit = normal_fit(4, {2, 3});
  std::vector<double>& values = fit.groups[0].variables[0].values;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 100 * double(i % 6) + 1e-3 * values[i];
  for (const auto& [name, mean] : {std::pair{"x[1,1]", 0.}, {"x[1,3]", 200.}, {"x[2,1]", 300.}, {"x[2,3]", 500.}}) {
    ScalarReference reference = reference_of(normal_fit(2, {}, mean, 1e-3));
    EXPECT_LE(std::abs(compare(fit, {{"theirs", reference}}, {{"theirs", name}}).worst().z), family_limit(7)) << name;
  }
}
TEST(Agreement, RefusesElementsThatAreNotThere) {
  const Fit fit = normal_fit(4, {2, 3});
  const Reference reference{{"theirs", reference_of(fit)}};
  for (const char* name : {"y", "x", "x[1]", "x[3,1]", "x[1,4]", "x[0,1]", "x[1,1,1]", "x[]", "x[a,b]"})
    EXPECT_THROW(compare(fit, reference, {{"theirs", name}}), std::out_of_range) << name;
  EXPECT_THROW(compare(fit, reference, {{"missing", "x[1,1]"}}), std::out_of_range);
}

// ---- the run and its repetition ------------------------------------------------------------------------------------

Conformance against(double mean, double least_ess) {
  Reference reference;
  std::vector<Counterpart> counterparts;
  for (const char* name : {"x[1]", "x[2]"}) {
    reference[name] = reference_of(normal_fit(5 + counterparts.size(), {}, mean));
    counterparts.push_back({name, name});
  }
  const ZooModel& model = *find_zoo_model("std_normal");
  const ConformanceOptions options{.seed = 7, .threads = 1, .chains = 8, .draws = 100, .least_ess = least_ess};
  return conform(*model.table(), example_data(model), reference, counterparts, family_limit(14), options);
}
TEST(Conformance, IsOneRunWhereItAgrees) {
  const Conformance result = against(0, 100);
  EXPECT_TRUE(result.agrees);
  ASSERT_EQ(result.runs.size(), 1u);
  EXPECT_EQ(result.runs[0].seed, 7u);
  EXPECT_EQ(result.runs[0].draws, 100);
}
TEST(Conformance, RunsLongerUntilThereAreEnoughEffectiveDraws) {
  const Conformance result = against(0, 3000);
  EXPECT_TRUE(result.agrees);
  ASSERT_EQ(result.runs.size(), 1u);
  EXPECT_GT(result.runs[0].draws, 100);
  EXPECT_GE(result.runs[0].agreement.least_ess, 3000);
}
TEST(Conformance, RepeatsOnceWithAnotherSeedAndTenTimesTheDrawsWhereItDoesNot) {
  const Conformance result = against(0.5, 100);
  EXPECT_FALSE(result.agrees);
  ASSERT_EQ(result.runs.size(), 2u);
  EXPECT_NE(result.runs[1].seed, result.runs[0].seed);
  EXPECT_EQ(result.runs[1].draws, 10 * result.runs[0].draws);
}

}  // namespace
}  // namespace lockstep
