#include "host/samplers.hpp"

#include "host/whitened.hpp"

namespace lockstep {

extern const Sampler hmc_sampler, chees_sampler, mams_sampler;

namespace {

constexpr Sampler nuts_sampler{.name = "nuts",
                               .summary = "trajectories end where they turn back",
                               .target_acceptance = 0.8,
                               .machine = machine_of<NutsKernel>};

}  // namespace

double LengthBySpread::after_window(Window& window, const Tuning& tuning, const std::vector<char>& left_out) {
  const double length = length_for(spread_of(window, tuning.metric, left_out));
  if (!(length > 0)) return tuning.trajectory_length;
  change_ = std::abs(std::log(length / tuning.trajectory_length));
  return length;
}

const std::vector<const Sampler*>& samplers() {
  static const std::vector<const Sampler*> all{
      &nuts_sampler,
      &hmc_sampler,
      &chees_sampler,
      &mams_sampler,
  };
  return all;
}

const Sampler* find_sampler(const std::string& name) {
  for (const Sampler* each : samplers())
    if (each->name == name) return each;
  return nullptr;
}

double target_acceptance(const SampleOptions& options) {
  return options.target_acceptance > 0 ? options.target_acceptance : find_sampler(options.sampler)->target_acceptance;
}

std::string sampler_names() {
  std::string names;
  for (const Sampler* each : samplers()) names += (names.empty() ? "" : ", ") + std::string(each->name);
  return names;
}

}  // namespace lockstep
