// Our posteriors against posteriordb's reference draws (rules §3): family false alarm at most 1% per test, so about 1 in
// 20 that a change of seed alone trips one of the five. Seeds are fixed.

#include <gtest/gtest.h>

#include "agreement.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {
namespace {

struct Case {
  const char* posterior;
  const char* model;
  std::vector<Counterpart> counterparts;
};

Case eight_schools() {
  Case c{"eight_schools-eight_schools_noncentered", "eight_schools", {{"mu", "mu", 0}, {"tau", "tau", 0}}};
  add_vector(c.counterparts, "theta", 8);
  return c;
}
Case kidscore_momiq() {
  Case c{"kidiq-kidscore_momiq", "linear_regression", {{"sigma", "sigma", 0}}};
  add_vector(c.counterparts, "beta", 2);
  return c;
}
Case ar_k() {
  Case c{"arK-arK", "ar_k", {{"alpha", "alpha", 0}, {"sigma", "sigma", 0}}};
  add_vector(c.counterparts, "beta", 5);
  return c;
}
Case gauss_mix() {
  Case c{"low_dim_gauss_mix-low_dim_gauss_mix", "gauss_mix", {{"theta", "theta", 0}}};
  add_vector(c.counterparts, "mu", 2);
  add_vector(c.counterparts, "sigma", 2);
  return c;
}

void agrees(const Case& c, const SampleOptions& options, double least_ess) {
  const ZooModel& model = *find_zoo_model(c.model);
  const Fit fit = sample(*model.table(), example_data(model), options);
  const Agreement agreement = compare(fit, references().at(c.posterior), c.counterparts);
  const Comparison worst = agreement.worst();
  EXPECT_GE(agreement.least_ess, least_ess) << c.posterior;
  EXPECT_LE(std::abs(worst.z), agreement.limit()) << c.posterior << ": " << worst.quantity << " is " << worst.z
                                                  << " standard errors off, of " << agreement.comparisons.size() << " comparisons";
  fmt::print("{}: worst |z| {:.2f} ({}), limit {:.2f}, {} comparisons, least ESS {:.0f}\n", c.posterior, std::abs(worst.z),
             worst.quantity, agreement.limit(), agreement.comparisons.size(), agreement.least_ess);
}

SampleOptions long_run() {
  SampleOptions options;
  options.seed = 20240601;
  options.chains = 64;
  options.draws = 1000;
  return options;
}

TEST(Posteriordb, EightSchoolsAgreesWithTheReference) { agrees(eight_schools(), long_run(), 10000); }
TEST(Posteriordb, KidscoreMomiqAgreesWithTheReference) { agrees(kidscore_momiq(), long_run(), 10000); }
TEST(Posteriordb, ArKAgreesWithTheReference) { agrees(ar_k(), long_run(), 10000); }
TEST(Posteriordb, LowDimGaussMixAgreesWithTheReference) { agrees(gauss_mix(), long_run(), 10000); }

// Draw 0 of 4,096 chains: what pooled warmup leaves behind is the posterior itself (the first-draw test of rules §3).
TEST(Posteriordb, TheFirstDrawAfterWarmupIsAlreadyFromThePosterior) {
  SampleOptions options;
  options.seed = 20240602;
  options.chains = 4096;
  options.draws = 1;
  agrees(eight_schools(), options, 4096);
}

}  // namespace
}  // namespace lockstep
