// The verdict: which R-hat decides, and one hand-made fit for each warning.
#include "host/verdict.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace lockstep {
namespace {

// Chains of one scalar "x" with autocorrelation phi; superchains of `per_superchain` chains.
Fit fit_of(std::size_t chains, std::size_t draws, double phi, std::size_t per_superchain = 1) {
  Fit fit;
  fit.chains = chains;
  fit.draws = draws;
  std::mt19937_64 generator(chains * draws);
  std::normal_distribution<double> normal;
  Variable x{"x", {}, {}, ElementType::real, std::vector<double>(chains * draws)};
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    x.values[i] =
        i % draws == 0 ? normal(generator) : phi * x.values[i - 1] + std::sqrt(1 - phi * phi) * normal(generator);
  }
  for (std::size_t i = 0; i < chains; ++i) fit.superchain.push_back(static_cast<int>(i / per_superchain));
  fit.groups = {{"posterior", true, {x}}, {"sample_stats", true, {}}};
  return fit;
}

void add_stat(Fit& fit, const std::string& name, ElementType type, std::vector<double> values) {
  fit.groups[1].variables.push_back({name, {}, {}, type, std::move(values)});
}

// The verdict on one scalar whose figures are given, of 64 chains in superchains of 4.
Verdict on(std::size_t draws, double tau, double r_hat, double r_hat_nested, double ess_bulk = 1000,
           double ess_tail = 1000) {
  Fit fit;
  fit.chains = 64;
  fit.draws = draws;
  for (std::size_t i = 0; i < fit.chains; ++i) fit.superchain.push_back(static_cast<int>(i / 4));
  Diagnosis d;
  d.mean = 0;
  d.sd = 1;
  d.r_hat = r_hat;
  d.r_hat_nested = r_hat_nested;
  d.tau = tau;
  d.ess_bulk = ess_bulk;
  d.ess_tail = ess_tail;
  const std::vector<NamedDiagnosis> all = {{"x", d}};
  return judge(fit, all);
}

bool warns(const Verdict& verdict, const std::string& text) { return report(verdict).find(text) != std::string::npos; }

TEST(Verdict, IndependentDrawsConverge) {
  const Verdict verdict = judge(fit_of(4, 1000, 0));
  EXPECT_TRUE(verdict.converged);
  EXPECT_TRUE(verdict.warnings.empty()) << report(verdict);
  EXPECT_EQ(report(verdict).rfind("Converged: largest split R-hat 1.00", 0), 0u) << report(verdict);
  EXPECT_EQ(verdict.r_hat.name, "x");
}

TEST(Verdict, SplitRHatDecidesWhereChainsAreLong) {
  EXPECT_TRUE(on(200, 2.0, 1.009, 1.5).converged);  // n = 200 (tau − 1): exactly long enough
  EXPECT_FALSE(on(200, 2.0, 1.010, 1.0).converged);
  EXPECT_EQ(on(200, 2.0, 1.009, 1.5).by_nested, 0u);
}

TEST(Verdict, NestedRHatDecidesWhereChainsAreShort) {
  EXPECT_TRUE(on(99, 2.0, 1.5, 1.009).converged);
  EXPECT_FALSE(on(99, 2.0, 1.0, 1.010).converged);
  EXPECT_EQ(on(99, 2.0, 1.5, 1.009).by_nested, 1u);
  EXPECT_TRUE(warns(on(99, 2.0, 1.5, 1.009), "which decides for 1 of 1 quantities with short chains"));
}

TEST(Verdict, NestedRHatNeedsFiftyIndependentDrawsPerSuperchain) {
  EXPECT_TRUE(on(100, 8.0, 1.05, 1.005).converged);  // 4 · 100 / 8 = 50
  const Verdict shorter = on(99, 8.0, 1.05, 1.005);
  EXPECT_FALSE(shorter.converged);
  EXPECT_TRUE(warns(shorter, "too short to be judged")) << report(shorter);
  EXPECT_TRUE(warns(shorter, "--draws 100)")) << report(shorter);
}

TEST(Verdict, WithoutSuperchainsNestedRHatCannotDecide) {
  const Verdict verdict = on(100, 4.0, 1.05, unknown);
  EXPECT_FALSE(verdict.converged);
  EXPECT_TRUE(warns(verdict, "several superchains")) << report(verdict);
}

TEST(Verdict, ManyShortChainsConvergeThoughSplitRHatNeverPasses) {
  const Verdict verdict = judge(fit_of(512, 100, 0.6, 32));
  EXPECT_GT(verdict.r_hat.value, 1.01);
  EXPECT_LT(verdict.r_hat_nested.value, 1.01);
  EXPECT_TRUE(verdict.converged) << report(verdict);
}

TEST(Verdict, ChainsInDifferentPlacesHaveNotConverged) {
  Fit fit = fit_of(4, 1000, 0);
  Variable& x = fit.groups[0].variables[0];
  for (std::size_t i = 0; i < 1000; ++i) x.values[i] += 3;
  const Verdict verdict = judge(fit);
  EXPECT_FALSE(verdict.converged);
  EXPECT_EQ(report(verdict).rfind("NOT converged: ", 0), 0u);
  EXPECT_TRUE(warns(verdict, "disagree")) << report(verdict);
}

TEST(Verdict, OneBadScalarOfManyIsNamed) {
  Fit fit = fit_of(4, 1000, 0);
  Variable bad = fit.groups[0].variables[0];
  bad.name = "bad";
  for (std::size_t i = 0; i < 1000; ++i) bad.values[i] *= 5;
  fit.groups[0].variables.push_back(bad);
  const Verdict verdict = judge(fit);
  EXPECT_FALSE(verdict.converged);
  EXPECT_EQ(verdict.r_hat.name, "bad");
  EXPECT_TRUE(warns(verdict, "for bad, and too large for 1 of 2 quantities")) << report(verdict);
}

TEST(Verdict, EssThresholdsAreTotals) {
  EXPECT_TRUE(judge(fit_of(64, 50, 0, 4)).converged);  // far fewer than 400 per chain
  const Verdict few = judge(fit_of(4, 60, 0));
  EXPECT_FALSE(few.converged);
  EXPECT_TRUE(warns(few, "effective sample size is")) << report(few);
  EXPECT_TRUE(warns(few, "for x, and below 400 for 1 of 1")) << report(few);
}

TEST(Verdict, BulkAndTailEssBothHaveToReachFourHundred) {
  EXPECT_TRUE(on(1000, 1.0, 1.0, 1.0, 400, 400).converged);
  EXPECT_FALSE(on(1000, 1.0, 1.0, 1.0, 399, 400).converged);
  EXPECT_FALSE(on(1000, 1.0, 1.0, 1.0, 400, 399).converged);
}

TEST(Verdict, AnEssIsUncertainWhereChainsAreShorterThanTwentyTau) {
  Diagnosis d;
  d.tau = 5;
  EXPECT_TRUE(uncertain_ess(d, 99));
  EXPECT_FALSE(uncertain_ess(d, 100));
}

TEST(Verdict, ConstantsAreLeftOutOfIt) {
  Fit fit = fit_of(4, 1000, 0);
  fit.groups[0].variables.push_back({"one", {}, {}, ElementType::real, std::vector<double>(4000, 1.0)});
  const Verdict verdict = judge(fit);
  EXPECT_TRUE(verdict.converged) << report(verdict);
  EXPECT_EQ(verdict.scalars, 1u);
}

TEST(Verdict, NothingThatVariesIsNoConvergence) {
  Fit fit = fit_of(4, 100, 0);
  fit.groups[0].variables[0].values.assign(400, 2.0);
  const Verdict verdict = judge(fit);
  EXPECT_FALSE(verdict.converged);
  EXPECT_TRUE(warns(verdict, "No quantity varies")) << report(verdict);
}

TEST(Verdict, OneChainCannotBeChecked) {
  const Verdict verdict = judge(fit_of(1, 1000, 0));
  EXPECT_FALSE(verdict.converged);
  EXPECT_TRUE(warns(verdict, "one chain has no other to be compared with). Run several")) << report(verdict);
  EXPECT_TRUE(warns(verdict, "split R-hat unknown")) << report(verdict);
}

TEST(Verdict, ThreeDrawsCannotBeChecked) {
  const Verdict verdict = judge(fit_of(4, 3, 0));
  EXPECT_FALSE(verdict.converged);
  EXPECT_TRUE(warns(verdict, "R-hat needs 4 draws per chain")) << report(verdict);
}

TEST(Verdict, ADrawThatIsNotFiniteIsNamed) {
  for (double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Fit fit = fit_of(4, 1000, 0);
    fit.groups[0].variables[0].values[17] = value;
    const Verdict verdict = judge(fit);
    EXPECT_FALSE(verdict.converged);
    EXPECT_TRUE(warns(verdict, "not finite for 1 of 1 quantities, x first")) << report(verdict);
  }
}

TEST(Verdict, DivergencesAreCountedAndLeaveConvergenceAlone) {
  Fit fit = fit_of(4, 1000, 0);
  std::vector<double> diverging(4000);
  diverging[5] = diverging[700] = diverging[3999] = 1;
  add_stat(fit, "diverging", ElementType::boolean, diverging);
  const Verdict verdict = judge(fit);
  EXPECT_TRUE(verdict.converged);
  ASSERT_EQ(verdict.warnings.size(), 1u);
  EXPECT_EQ(verdict.warnings[0].problem, "3 of 4000 transitions diverged");
}

TEST(Verdict, AHigherTargetAcceptanceIsAdvisedWhereThereIsRoom) {
  Fit fit = fit_of(4, 100, 0);
  add_stat(fit, "diverging", ElementType::boolean, std::vector<double>(400, 1.0));
  EXPECT_TRUE(warns(judge(fit), "higher target acceptance (--target-accept 0.95)."));  // what it was is not known
  fit.attributes = {{"target_acceptance", 0.8}};
  EXPECT_TRUE(warns(judge(fit), "(--target-accept 0.95)."));
  fit.attributes = {{"target_acceptance", 0.95}};
  EXPECT_TRUE(warns(judge(fit), "(--target-accept 0.99)."));
  fit.attributes = {{"target_acceptance", 0.99}};
  EXPECT_FALSE(warns(judge(fit), "acceptance"));
  EXPECT_TRUE(warns(judge(fit), "tighter priors."));
}

TEST(Verdict, TreesAtTheirMaximumDepthAreCounted) {
  Fit fit = fit_of(4, 1000, 0);
  add_stat(fit, "reached_max_treedepth", ElementType::boolean, std::vector<double>(4000, 1.0));
  const Verdict verdict = judge(fit);
  ASSERT_EQ(verdict.warnings.size(), 1u);
  EXPECT_EQ(verdict.warnings[0].problem, "4000 of 4000 transitions reached the maximum tree depth");
}

TEST(Verdict, StuckAndRestartedChainsAreReported) {
  Fit fit = fit_of(4, 1000, 0);
  fit.attributes = {{"stuck_chains", 2.0}, {"restarted_chains", 1.0}};
  const Verdict verdict = judge(fit);
  ASSERT_EQ(verdict.warnings.size(), 2u);
  EXPECT_EQ(verdict.warnings[0].problem, "2 of 4 chains were stuck at the end of warmup");
  EXPECT_EQ(verdict.warnings[1].problem, "1 of 4 chains were restarted during warmup");
  fit.attributes = {{"stuck_chains", 0.0}, {"restarted_chains", 0.0}};
  EXPECT_TRUE(judge(fit).warnings.empty());
}

TEST(Verdict, EBfmiIsTwoForIndependentEnergies) {
  const Fit fit = fit_of(3, 5000, 0);
  const MissingInformation energy = ebfmi(element_view(fit, fit.groups[0].variables[0], 0));
  ASSERT_EQ(energy.per_chain.size(), 3u);
  EXPECT_NEAR(energy.pooled, 2.0, 0.1);
}

TEST(Verdict, ALowEBfmiIsReported) {
  Fit fit = fit_of(4, 1000, 0);
  add_stat(fit, "energy", ElementType::real, fit_of(4, 1000, 0.95).groups[0].variables[0].values);  // 2 (1 − 0.95)
  const Verdict verdict = judge(fit);
  EXPECT_TRUE(verdict.converged);
  ASSERT_EQ(verdict.warnings.size(), 1u);
  EXPECT_NE(verdict.warnings[0].problem.find("below 0.3 in 4 of 4"), std::string::npos) << report(verdict);
}

TEST(Verdict, OneLongChainWithALowEBfmiIsEnough) {
  Fit fit = fit_of(4, 1000, 0);
  std::vector<double> energy = fit_of(4, 1000, 0).groups[0].variables[0].values;
  const std::vector<double> slow = fit_of(4, 1000, 0.95).groups[0].variables[0].values;
  std::copy_n(slow.begin(), 1000, energy.begin());
  add_stat(fit, "energy", ElementType::real, energy);
  EXPECT_TRUE(warns(judge(fit), "in 1 of 4")) << report(judge(fit));
}

TEST(Verdict, ManyShortChainsRaiseNoFalseAlarmOfEBfmi) {
  Fit fit = fit_of(256, 100, 0, 16);
  add_stat(fit, "energy", ElementType::real, fit_of(256, 100, 0.75).groups[0].variables[0].values);  // 0.5, noise 0.13
  const Verdict verdict = judge(fit);
  EXPECT_TRUE(verdict.warnings.empty()) << report(verdict);
}

TEST(Verdict, EveryWarningReadsAsProblemReasonRemedy) {
  Fit fit = fit_of(4, 20, 0.9);
  fit.attributes = {{"stuck_chains", 1.0}};
  add_stat(fit, "diverging", ElementType::boolean, std::vector<double>(80, 1.0));
  const Verdict verdict = judge(fit);
  ASSERT_GE(verdict.warnings.size(), 3u);
  for (const Warning& each : verdict.warnings) {
    EXPECT_TRUE(warns(verdict, "\n" + each.problem + " (" + each.why + "). " + each.remedy + "\n"));
    EXPECT_EQ(each.remedy.back(), '.') << each.remedy;
  }
}

}  // namespace
}  // namespace lockstep
