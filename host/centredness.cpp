#include "lockstep/centredness.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "host/host_model.hpp"

namespace lockstep {

namespace {

// One element in one draw.
struct Place {
  double value, location, log_scale;
};

// The best of 0, 0.05, ..., 1.
double best_centredness(const std::vector<Place>& draws) {
  constexpr int steps = 20;
  const double n = double(draws.size());
  double mean_log_scale = 0, best = 0, least = HUGE_VAL;
  for (const Place& each : draws) mean_log_scale += each.log_scale / n;
  for (int step = 0; step <= steps; ++step) {
    const double c = double(step) / steps;
    double mean = 0, squares = 0, count = 0;   // Welford's
    for (const Place& each : draws) {
      const double x = c * each.location + std::exp((c - 1) * each.log_scale) * (each.value - each.location);
      const double off = x - mean;
      mean += off / ++count;
      squares += off * (x - mean);
    }
    const double entropy = 0.5 * std::log(squares / n) + (1 - c) * mean_log_scale;
    if (entropy < least) least = entropy, best = c;
  }
  return best;
}

// By field; empty if the model has none.
std::map<std::string, std::vector<double>> improved(const ModelTable& table, const Data& data, const CentrednessOptions& options,
                                                    std::uint64_t seed) {
  const HostModel model(table, data);
  const LayoutView& layout = model.layout();
  const auto field_of = [&](const SiteView& site) {
    const std::string field = site.name + std::string(centredness_suffix);
    return site.kind == SiteKind::parameter && find_field(layout, field) ? field : "";
  };
  std::map<std::string, std::vector<double>> found;
  for (std::int64_t i = 0; i < layout.site_count; ++i)
    if (const std::string field = field_of(layout.sites[i]); !field.empty()) found[field];
  if (found.empty()) return found;
  SampleOptions run;
  run.chains = options.chains;
  run.draws = options.draws;
  run.seed = seed;
  run.threads = options.threads;
  run.processor = Processor::cpu;
  const Fit fit = sample(table, data, run);
  const std::size_t draws = fit.chains * fit.draws;
  std::map<std::string, std::vector<std::vector<Place>>> places;   // [element][draw]
  for (std::size_t d = 0; d < draws; ++d) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < layout.site_count; ++i) {
      if (layout.sites[i].kind != SiteKind::parameter) continue;
      const Variable& drawn = fit.variable("posterior", layout.sites[i].name);
      const auto first = drawn.values.begin() + std::ptrdiff_t(d * drawn.size());
      values.insert(values.end(), first, first + std::ptrdiff_t(drawn.size()));
    }
    const std::vector<double> scales = model.generate(Meaning::scales, model.position_of(values));
    std::size_t at = 0;
    for (std::int64_t i = 0; i < layout.site_count; ++i) {
      const SiteView& site = layout.sites[i];
      if (site.kind != SiteKind::parameter) continue;
      const std::string field = field_of(site);
      for (int e = 0; e < site.size; ++e, ++at) {
        if (field.empty()) continue;
        if (std::isnan(scales[2 * at]))
          throw SampleError(fmt::format("parameter '{}' has data '{}' and is not partially centred (they have no effect). Give it the prior "
                                        "partially_centred(...), or leave them out of the model.", site.name, field));
        auto& elements = places[field];
        elements.resize(std::size_t(site.size));
        elements[std::size_t(e)].push_back({values[at], scales[2 * at], std::log(scales[2 * at + 1])});
      }
    }
  }
  for (auto& [field, elements] : places)
    for (const std::vector<Place>& each : elements) found[field].push_back(best_centredness(each));
  return found;
}

}  // namespace

Data choose_centredness(const ModelTable& model, const Data& data, const CentrednessOptions& options) {
  if (data.data_sets() != 1)
    throw SampleError(fmt::format("the data are {} stacked data sets (one is looked at). Choose for them one by one.", data.data_sets()));
  Data current = data, result;
  for (int round = 0; round < options.rounds; ++round) {
    result = Data();
    for (auto& [field, values] : improved(model, current, options, options.seed + std::uint64_t(round))) {
      current.set(field, values);
      result.set(field, std::move(values));
    }
  }
  if (result.empty())
    throw SampleError("no parameter of the model is partially centred by data (there is nothing to choose). Write partially_centred(normal(mu, "
                      "tau), c[j]) with c bound by d.centredness.");
  return result;
}

}  // namespace lockstep
