// Whole runs on a GPU, as the public interface makes them: against reference draws (rules §3), and bit for bit again.
#include <cstdio>
#include <ostream>

#include "../conformance/golden_references.hpp"
#include "gpu.hpp"
#include "host/conformance.hpp"
#include "host/posteriordb.hpp"
#include "host/zoo_posteriors.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {
namespace {

ModelTable table_with_gpu(const std::string& zoo_model) {
  ModelTable table = *find_zoo_model(zoo_model)->table();
  table.cuda = cuda_zoo_table(zoo_model);
  return table;
}

// A false alarm in a hundred seeds over all comparisons of this file; an alarm leads to one longer run.
struct Tested {
  const char *posterior, *zoo;  // posteriordb's, or null: Stan's long run of the zoo model
  const char* sampler = "nuts";
};
void PrintTo(const Tested& each, std::ostream* out) { *out << (each.posterior ? each.posterior : each.zoo) << " by " << each.sampler; }
constexpr Tested tested[] = {{"eight_schools-eight_schools_noncentered", nullptr},
                             {"arK-arK", nullptr},
                             {"garch-garch11", nullptr},
                             {nullptr, "radon"},
                             {nullptr, "irt_2pl"},
                             {"eight_schools-eight_schools_noncentered", nullptr, "hmc"},
                             {"arK-arK", nullptr, "mams"},
                             {"garch-garch11", nullptr, "chees"}};

Reference reference_of(const Tested& each) {
  return each.posterior ? golden_references("references.json").at(each.posterior)
                        : golden_references("stan_references.json").at(each.zoo);
}

class GpuRun : public OnGpu, public ::testing::WithParamInterface<Tested> {};

TEST_P(GpuRun, AgreesWithItsReference) {
  std::size_t comparisons = 0;
  for (const Tested& each : tested) comparisons += comparison_count(reference_of(each));
  const double limit = family_limit(comparisons);
  const Tested& each = GetParam();
  const Reference reference = reference_of(each);
  ConformanceOptions options;
  options.seed = 20240604;
  options.processor = Processor::cuda;
  options.gpus = {0};
  options.chains = 256;
  options.sampler = each.sampler;
  std::string zoo_model;
  Data data;
  std::vector<Counterpart> counterparts;
  if (each.posterior) {
    const Posteriordb database(LOCKSTEP_SOURCE_DIR "/tests/data/posteriordb");
    const auto& all = database.posteriors();
    const auto& posterior =
        *std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.name == each.posterior; });
    const ZooPosterior& known = *find_zoo_posterior(posterior.model);
    zoo_model = known.zoo;
    data = known.data(database.data(posterior));
    counterparts = known.counterparts(reference);
    options.start_range = known.start_range;
  } else {
    zoo_model = each.zoo;
    data = example_data(*find_zoo_model(zoo_model));
    for (const auto& [name, scalar] : reference) counterparts.push_back({name, name});
  }
  const Conformance result = conform(table_with_gpu(zoo_model), data, reference, counterparts, limit, options);
  for (const ConformanceRun& run : result.runs) {
    const Comparison worst = run.agreement.worst();
    std::printf(
        "seed %d, %d draws a chain: largest |z| %.2f (%s), limit %.2f, %zu comparisons, least ESS %.0f, %.1f s\n",
        int(run.seed), run.draws, std::abs(worst.z), worst.quantity.c_str(), limit, run.agreement.comparisons.size(),
        run.agreement.least_ess, run.seconds);
  }
  EXPECT_TRUE(result.agrees);
}
INSTANTIATE_TEST_SUITE_P(Posteriors, GpuRun, ::testing::ValuesIn(tested), [](const auto& info) {
  const std::string name = info.param.posterior ? info.param.posterior : info.param.zoo;
  return name.substr(0, name.find('-')) + "_by_" + info.param.sampler;
});

using GpuRuns = OnGpu;

// Warmup too, whose decisions are made from sums over all chains.
TEST_F(GpuRuns, AreTheSameBitForBit) {
  const ZooModel& model = *find_zoo_model("eight_schools");
  SampleOptions options;
  options.processor = Processor::cuda;
  options.gpus = {0};
  options.chains = 1000;
  options.draws = 30;
  const auto values = [&] {
    return sample(table_with_gpu("eight_schools"), example_data(model), options).variable("posterior", "z").values;
  };
  const std::vector<double> once = values();
  EXPECT_EQ(values(), once);
}

TEST_F(GpuRuns, SayWhereTheyWere) {
  SampleOptions options;
  options.gpus = {0};
  options.chains = 40;
  options.draws = 10;
  options.geometry = "8x2r";
  const Fit fit = sample(table_with_gpu("eight_schools"), example_data(*find_zoo_model("eight_schools")), options);
  EXPECT_EQ(std::get<std::string>(fit.attributes.at("geometry")),
            "teams of 8x2r on " + cuda_status().devices.at(0).name);
}

}  // namespace
}  // namespace lockstep
