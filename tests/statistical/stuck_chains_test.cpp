// Pooled warmup strands no chain (rules §1): on posteriors that are far and badly scaled from the starting points, at most
// one of 1,280 chains is below the others or hardly moves at the end of warmup.

#include <gtest/gtest.h>

#include "lockstep/sample.hpp"

namespace lockstep {
namespace {

double stuck_in_20_seeds(const ZooModel& model, const Data& data) {
  double stuck = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SampleOptions options;
    options.seed = seed;
    options.chains = 64;
    options.draws = 1;
    const Fit fit = sample(*model.table(), data, options);
    stuck += std::get<double>(fit.attributes.at("stuck_chains"));
  }
  return stuck;
}

TEST(Warmup, StrandsAtMostOneChainInTwentySeedsOfNes1976) {
  const ZooModel& model = *find_zoo_model("linear_regression");
  const Data data = Data::from_json_file(std::string(LOCKSTEP_SOURCE_DIR) + "/tests/data/nes1976.json");
  EXPECT_LE(stuck_in_20_seeds(model, data), 1);
}

// More than half of the usual starts are explosive: residuals grow like 2^200.
TEST(Warmup, StrandsAtMostOneChainInTwentySeedsOfArma11) {
  const ZooModel& model = *find_zoo_model("arma11");
  EXPECT_LE(stuck_in_20_seeds(model, example_data(model)), 1);
}

TEST(Warmup, StrandsAtMostOneChainInTwentySeedsOfRadon) {
  const ZooModel& model = *find_zoo_model("radon");
  EXPECT_LE(stuck_in_20_seeds(model, example_data(model)), 1);
}

}  // namespace
}  // namespace lockstep
