#include "host/conformance.hpp"

#include <algorithm>
#include <cmath>

namespace lockstep {

namespace {

constexpr int most_draws = 20000;  // per chain

// A run that is long enough. How long is decided by effective sample sizes alone, never by the comparisons: the longer
// run begins with the same draws.
ConformanceRun run(const ModelTable& model, const Data& data, const Reference& reference,
                   const std::vector<Counterpart>& counterparts, const ConformanceOptions& conformance, std::uint64_t seed,
                   int draws) {
  SampleOptions options;
  options.seed = seed;
  options.threads = conformance.threads;
  options.sampler = conformance.sampler;
  options.processor = conformance.processor;
  options.gpus = conformance.gpus;
  options.geometry = conformance.geometry;
  options.precision = conformance.precision;
  options.chains = conformance.chains;
  options.init = InitUniform{conformance.start_range};
  options.draws = draws;
  while (true) {
    const Fit fit = sample(model, data, options);
    ConformanceRun result{seed, options.draws, compare(fit, reference, counterparts),
                          std::get<double>(fit.attributes.at("sampling_time"))};
    const double ess = result.agreement.least_ess;
    if (!(ess < conformance.least_ess) || options.draws == most_draws) return result;
    const double needed = 1.3 * options.draws * conformance.least_ess / std::max(ess, 1.);
    options.draws = int(std::min(needed, double(most_draws)));
  }
}

}  // namespace

Conformance conform(const ModelTable& model, const Data& data, const Reference& reference,
                    const std::vector<Counterpart>& counterparts, double limit, const ConformanceOptions& options) {
  Conformance result;
  const auto agrees = [&](const ConformanceRun& r) {
    return r.agreement.least_ess >= options.least_ess && std::abs(r.agreement.worst().z) <= limit;
  };
  result.runs.push_back(run(model, data, reference, counterparts, options, options.seed, options.draws));
  if (!agrees(result.runs[0])) {
    const int longer = int(std::min(10. * result.runs[0].draws, double(most_draws)));
    result.runs.push_back(run(model, data, reference, counterparts, options, options.seed + 1, longer));
  }
  result.agrees = agrees(result.runs.back());
  return result;
}

}  // namespace lockstep
