// Posteriors that posteriordb has no reference draws of, against long runs of Stan (tests/golden/make_stan_references.R).
// All of them together raise a false alarm at most once in a hundred changes of the seed; an alarm leads to one longer run.
#include <gtest/gtest.h>

#include "golden_references.hpp"
#include "host/conformance.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {
namespace {

void expect_agreement(const std::string& model) {
  const auto references = golden_references("stan_references.json");
  std::size_t comparisons = 0;
  for (const auto& [name, reference] : references) comparisons += comparison_count(reference);
  std::vector<Counterpart> counterparts;
  for (const auto& [name, scalar] : references.at(model)) counterparts.push_back({name, name});
  ConformanceOptions options;
  options.seed = 20240606;
  const ZooModel& zoo_model = *find_zoo_model(model);
  const Conformance result = conform(*zoo_model.table(), example_data(zoo_model), references.at(model), counterparts,
                                     family_limit(comparisons), options);
  for (const ConformanceRun& run : result.runs) {
    const Comparison worst = run.agreement.worst();
    std::printf("%s, seed %d, %d draws a chain: largest |z| %.2f (%s), limit %.2f, %zu comparisons, least ESS %.0f, %.1f s\n",
                model.c_str(), int(run.seed), run.draws, std::abs(worst.z), worst.quantity.c_str(),
                family_limit(comparisons), run.agreement.comparisons.size(), run.agreement.least_ess, run.seconds);
  }
  EXPECT_TRUE(result.agrees);
}

TEST(LongStanRuns, AgreeWithIrt2pl) { expect_agreement("irt_2pl"); }
TEST(LongStanRuns, AgreeWithRadon) { expect_agreement("radon"); }
TEST(LongStanRuns, AgreeWithLogisticRegression) { expect_agreement("logistic_regression"); }

}  // namespace
}  // namespace lockstep
