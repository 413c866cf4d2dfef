#include "lockstep/prior.hpp"

#include <functional>

#include <fmt/format.h>

#include "host/data_groups.hpp"
#include "host/host_model.hpp"
#include "host/machine_memory.hpp"
#include "host/simulated_groups.hpp"
#include "kernels/cpu/launch.hpp"
#include "lockstep/predict.hpp"

namespace lockstep {

Fit sample_prior(const ModelTable& table, const Data& data, const PriorOptions& options) {
  if (options.draws < 1 || options.draws > 1000000000)
    throw SampleError(fmt::format("draws is {} (1 to 1000000000). Choose one in between.", options.draws));
  if (options.threads < 0)
    throw SampleError(fmt::format("threads is {} (at least one is needed). Give a positive number.", options.threads));
  if (data.data_sets() != 1)
    throw SampleError(fmt::format("the data are {} stacked data sets (one is drawn from). Draw from them one by one.", data.data_sets()));
  const HostModel model(table, data);
  const std::size_t draws = std::size_t(options.draws);
  const double bytes = 8. * double(draws) * double(model.values(Meaning::constrain) + model.values(Meaning::predict));
  const double memory = machine_memory();
  if (bytes > memory)
    throw SampleError(fmt::format("{} draws need {:.0f} GiB of memory (this machine has {:.0f}). Draw fewer.", draws, bytes / 0x1p30,
                                  memory / 0x1p30));
  Fit fit;
  fit.chains = 1;
  fit.draws = draws;
  fit.dimensions = model.dimensions();
  const auto is_observed = [](const SiteView& site) { return site.kind == SiteKind::observed; };
  Group prior = room_for_draws(model, "prior", draws, std::not_fn(is_observed)),
        predictive = room_for_draws(model, "prior_predictive", draws, is_observed);
  parallel_for_ranges(draws, options.threads, [&](std::size_t begin, std::size_t end) {
    Simulation simulation(model, options.seed);
    for (std::size_t d = begin; d < end; ++d) simulation.run(0, d, nullptr, d, prior, predictive);
  });
  for (Group* group : {&prior, &predictive})
    if (!group->variables.empty()) fit.groups.push_back(std::move(*group));
  for (Group& group : data_groups(model, fit.dimensions))
    fit.groups.push_back(std::move(group));
  fit.attributes["inference_library"] = std::string("lockstep");
  fit.attributes["seed"] = std::to_string(options.seed);
  return fit;
}

Fit sample_prior(const ModelTable& table, const Fit& fit, const PriorOptions& options) {
  if (fit.chains == 0) throw SampleError("the fit has no chains (draws from the prior would be in as many). Use a fit that has.");
  const int chains = int(fit.chains);
  PriorOptions whole = options;
  whole.draws += (chains - options.draws % chains) % chains;
  Fit prior = sample_prior(table, data_of(table, fit), whole);
  prior.chains = fit.chains;
  prior.draws /= fit.chains;
  std::erase_if(prior.groups, [](const Group& group) { return !group.per_draw; });  // the fit has its data
  return prior;
}

}  // namespace lockstep
