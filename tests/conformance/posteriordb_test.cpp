// Our posteriors against the summaries of posteriordb's reference draws (rules §3), as the command `conformance` does it.
// Over all posteriors together, a change of seeds alone raises an alarm at most once in a hundred times, and an alarm leads
// to one longer run. Seeds are fixed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "golden_references.hpp"
#include "host/conformance.hpp"
#include "host/posteriordb.hpp"
#include "host/samplers.hpp"
#include "host/zoo_posteriors.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {
namespace {

const std::map<std::string, Reference>& references() {
  static const auto all = golden_references("references.json");
  return all;
}

double limit() {
  std::size_t comparisons = 0;
  for (const auto& [name, reference] : references()) comparisons += comparison_count(reference);
  return family_limit(comparisons);
}

const Posteriordb& database() {
  static const Posteriordb all(LOCKSTEP_SOURCE_DIR "/tests/data/posteriordb");
  return all;
}

const Posteriordb::Posterior& posterior(const std::string& name) {
  const auto& all = database().posteriors();
  return *std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.name == name; });
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, reference] : references()) all.push_back(name);
  return all;
}

// GoogleTest takes letters, digits and underscores.
std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return name;
}

class EveryPosterior : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryPosterior, AgreesWithItsReference) {
  const Posteriordb::Posterior& tested = posterior(GetParam());
  const ZooPosterior* known = find_zoo_posterior(tested.model);
  ASSERT_NE(known, nullptr) << tested.model << " is not in the zoo";
  const Reference& reference = references().at(tested.name);
  ConformanceOptions options;
  options.seed = 20240601;
  options.start_range = known->start_range;
  // Its columns are so correlated that 10,000 take ten minutes of a core; the command `conformance` takes them.
  if (tested.model == "diamonds") options.least_ess = 1000;
  const Conformance result = conform(*find_zoo_model(known->zoo)->table(), known->data(database().data(tested)), reference,
                                     known->counterparts(reference), limit(), options);
  for (const ConformanceRun& run : result.runs) {
    const Comparison worst = run.agreement.worst();
    std::printf("seed %d, %d draws a chain: largest |z| %.2f (%s), limit %.2f, %zu comparisons, least ESS %.0f, %.1f s\n",
                int(run.seed), run.draws, std::abs(worst.z), worst.quantity.c_str(), limit(),
                run.agreement.comparisons.size(), run.agreement.least_ess, run.seconds);
  }
  EXPECT_TRUE(result.agrees);
}
INSTANTIATE_TEST_SUITE_P(Posteriordb, EveryPosterior, ::testing::ValuesIn(names()), test_name);

class EverySampler : public ::testing::TestWithParam<const Sampler*> {};
std::string sampler_name(const ::testing::TestParamInfo<const Sampler*>& info) { return info.param->name; }

TEST_P(EverySampler, AgreesWithAFewReferences) {
  const std::vector<std::string> few = {"eight_schools-eight_schools_noncentered", "garch-garch11", "arK-arK", "kidiq-kidscore_momiq"};
  std::size_t comparisons = 0;
  for (const std::string& name : few) comparisons += samplers().size() * comparison_count(references().at(name));
  for (const std::string& name : few) {
    const Posteriordb::Posterior& tested = posterior(name);
    const ZooPosterior* known = find_zoo_posterior(tested.model);
    ConformanceOptions options;
    options.seed = 20240605;
    options.sampler = GetParam()->name;
    options.start_range = known->start_range;
    const Conformance result = conform(*find_zoo_model(known->zoo)->table(), known->data(database().data(tested)), references().at(name),
                                       known->counterparts(references().at(name)), family_limit(comparisons), options);
    EXPECT_TRUE(result.agrees) << name << ": " << result.runs.back().agreement.worst().z << " "
                               << result.runs.back().agreement.worst().quantity;
  }
}

// Draw 0 of 4,096 chains: what pooled warmup leaves behind is the posterior itself (the first-draw test of rules §3).
TEST_P(EverySampler, TheFirstDrawAfterWarmupIsAlreadyFromThePosterior) {
  const Reference& reference = references().at("eight_schools-eight_schools_noncentered");
  SampleOptions options;
  options.seed = 20240602;
  options.sampler = GetParam()->name;
  options.chains = 4096;
  options.draws = 1;
  const ZooModel& model = *find_zoo_model("eight_schools");
  const Fit fit = sample(*model.table(), example_data(model), options);
  const Agreement agreement =
      compare(fit, reference, find_zoo_posterior("eight_schools_noncentered")->counterparts(reference));
  const Comparison worst = agreement.worst();
  EXPECT_EQ(agreement.least_ess, 4096);
  EXPECT_LE(std::abs(worst.z), family_limit(samplers().size() * comparison_count(reference))) << worst.quantity;
}
INSTANTIATE_TEST_SUITE_P(Posteriordb, EverySampler, ::testing::ValuesIn(samplers()), sampler_name);

// Its draws of this one are not among the files here. What it publishes of them is: means and their standard errors
// (reference_posteriors/summary_statistics/mean_value).
TEST(Posteriordb, MeansOfLotkaVolterraAgreeWithThosePublished) {
  Reference reference;
  const auto publish = [&](const char* name, double mean, double se) { reference[name] = {mean, se, 0, HUGE_VAL, {}}; };
  publish("theta[1]", 0.546864499783931, 0.00062626907415417);
  publish("theta[2]", 0.0277472877678081, 4.11604266143508e-05);
  publish("theta[3]", 0.800095360233122, 0.000884603225898987);
  publish("theta[4]", 0.0240859152534545, 3.50047668143892e-05);
  publish("z_init[1]", 34.0352224770469, 0.0293082761729642);
  publish("z_init[2]", 5.93589713368062, 0.00533872103038814);
  publish("sigma[1]", 0.24805686320252, 0.000439337727695207);
  publish("sigma[2]", 0.251016914583618, 0.000439525598676463);
  SampleOptions options;
  options.seed = 20240604;
  options.chains = 16;
  options.draws = 4000;
  const ZooModel& model = *find_zoo_model("lotka_volterra");
  const Agreement agreement = compare(sample(*model.table(), example_data(model), options), reference,
                                      find_zoo_posterior("lotka_volterra")->counterparts(reference));
  const Comparison worst = agreement.worst();
  std::printf("largest |z| %.2f (%s), least ESS %.0f\n", std::abs(worst.z), worst.quantity.c_str(), agreement.least_ess);
  EXPECT_GT(agreement.least_ess, 10000);
  EXPECT_LE(std::abs(worst.z), family_limit(reference.size())) << worst.quantity;
}

// posteriordb's draws of one posterior, summarised here and by ArviZ.
TEST(Posteriordb, ReferenceDrawsAreSummarisedAsByArviz) {
  const std::string name = "kidiq-kidscore_momiq";
  const Reference ours = database().reference(posterior(name)), &theirs = references().at(name);
  ASSERT_EQ(ours.size(), theirs.size());
  const auto expect_close = [](double a, double b) { EXPECT_NEAR(a, b, 1e-9 * std::abs(b)); };
  for (const auto& [scalar, a] : ours) {
    SCOPED_TRACE(scalar);
    const ScalarReference& b = theirs.at(scalar);
    expect_close(a.mean, b.mean);
    expect_close(a.se_mean, b.se_mean);
    expect_close(a.sd, b.sd);
    expect_close(a.se_sd, b.se_sd);
    ASSERT_EQ(a.quantiles.size(), b.quantiles.size());
    for (std::size_t i = 0; i < a.quantiles.size(); ++i) {
      EXPECT_EQ(a.quantiles[i].p, b.quantiles[i].p);
      expect_close(a.quantiles[i].value, b.quantiles[i].value);
      expect_close(a.quantiles[i].ess, b.quantiles[i].ess);
    }
  }
}

}  // namespace
}  // namespace lockstep
