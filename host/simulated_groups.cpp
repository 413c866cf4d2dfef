#include "host/simulated_groups.hpp"

#include <algorithm>

namespace lockstep {

Group room_for_draws(const HostModel& model, const char* name, std::size_t draws, const std::function<bool(const SiteView&)>& wanted) {
  Group group{name, true, {}};
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
    const SiteView& site = model.layout().sites[i];
    if (!wanted(site)) continue;
    group.variables.push_back(model.variable(site));
    group.variables.back().values.resize(draws * group.variables.back().size());
  }
  return group;
}

void put_draw(const HostModel& model, bool observed, Group& group, std::size_t draw, const double* values) {
  auto variable = group.variables.begin();  // in the order of the sites
  for (std::int64_t i = 0; i < model.layout().site_count && variable != group.variables.end(); ++i) {
    const SiteView& site = model.layout().sites[i];
    const bool wanted = variable->name == site.name;
    if ((site.kind == SiteKind::observed) == observed) {
      if (wanted) std::copy_n(values, site.size, variable->values.begin() + std::ptrdiff_t(draw * std::size_t(site.size)));
      values += site.size;
    }
    if (wanted) ++variable;
  }
}

Simulation::Simulation(const HostModel& model, std::uint64_t seed)
    : model_(model), seed_(seed), position_(std::size_t(model.coordinates())), sites_(model.values(Meaning::constrain)),
      observed_(model.values(Meaning::predict)) {}

void Simulation::run(std::size_t chain, std::size_t draw, const double* values, std::size_t place, Group& sites, Group& observed) {
  GenerateRequest request{};
  request.meaning = Meaning::prior;
  request.values = values;
  request.seed = seed_;
  request.chain = std::uint32_t(chain);
  request.draw = std::uint32_t(draw);
  request.position_out = position_.data();
  request.out = sites_.data();
  // What is imputed and what is simulated depend on each other both ways: drawn in one go, unless it is given.
  const bool at_once = !values && model_.layout().has_missing;
  if (at_once) request.observed_out = observed_.data();
  model_.generate(request);
  put_draw(model_, false, sites, place, sites_.data());
  if (at_once) return put_draw(model_, true, observed, place, observed_.data());
  request.meaning = Meaning::predict;
  request.position = position_.data();
  request.position_out = nullptr;
  request.out = observed_.data();
  model_.generate(request);
  put_draw(model_, true, observed, place, observed_.data());
}

}  // namespace lockstep
