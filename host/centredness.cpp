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
// [element][draw], by the field of their centredness.
using Places = std::map<std::string, std::vector<std::vector<Place>>>;

// How likely logarithms of scales are that are less than any of the draws: below their twentieth part the probability falls
// exponentially, with Hill's estimate of its rate (Hill 1975).
class LowerTail {
 public:
  explicit LowerTail(const std::vector<Place>& draws) {
    std::vector<double> values;
    for (const Place& each : draws) values.push_back(each.log_scale);
    const std::size_t count = std::size_t(share * double(values.size()));
    std::nth_element(values.begin(), values.begin() + std::ptrdiff_t(count), values.end());
    start_ = values[count];
    for (std::size_t i = 0; i < count; ++i) mean_excess_ += (start_ - values[i]) / double(count);
  }
  double probability_below(double x) const {
    if (x >= start_) return 1;
    return mean_excess_ > 0 ? share * std::exp((x - start_) / mean_excess_) : 0;
  }

 private:
  static constexpr double share = 0.05;
  double start_ = 0, mean_excess_ = 0;
};

// The best of 0, 0.05, ..., 1 that has no neck: where the scale is small enough the prior alone makes a coordinate, unless c is
// 0, narrower than a step, and chains stay there and diverge. The entropy does not see what is that rare. An end is taken if it
// is about as good.
double best_centredness(const std::vector<Place>& draws) {
  constexpr int steps = 20;
  constexpr double narrow = 3;          // times narrower than its sd: a step of 0.5 sds is then nearly unstable
  constexpr double rare = 1e-5;         // less often than runs of usual length have draws
  constexpr double as_good = 0.01;      // nats
  const double n = double(draws.size());
  const LowerTail tail(draws);
  double mean_log_scale = 0, entropy[steps + 1];
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
    const double log_sd = 0.5 * std::log(squares / n);
    const bool has_neck = step > 0 && tail.probability_below((log_sd - std::log(narrow)) / c) > rare;
    entropy[step] = has_neck ? HUGE_VAL : log_sd + (1 - c) * mean_log_scale;
  }
  const int best = int(std::min_element(entropy, entropy + steps + 1) - entropy);
  for (const int end : {0, steps})
    if (entropy[end] <= entropy[best] + as_good) return double(end) / steps;
  return double(best) / steps;
}

// By field; empty if the model has none. The run's draws are added to `places`.
std::map<std::string, std::vector<double>> improved(const ModelTable& table, const Data& data, const CentrednessOptions& options,
                                                    std::uint64_t seed, Places& places) {
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
  Places places;   // of all rounds: the posterior is the same
  for (int round = 0; round < options.rounds; ++round) {
    result = Data();
    for (auto& [field, values] : improved(model, current, options, options.seed + std::uint64_t(round), places)) {
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
