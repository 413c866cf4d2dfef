#include "lockstep/predict.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "host/data_groups.hpp"
#include "host/host_model.hpp"
#include "host/machine_memory.hpp"
#include "host/simulated_groups.hpp"
#include "kernels/cpu/launch.hpp"

namespace lockstep {

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

const Dimension* find_dimension(const Fit& fit, const std::string& name) {
  for (const Dimension& each : fit.dimensions)
    if (each.name == name) return &each;
  return nullptr;
}

const Variable* find_variable(const Fit& fit, const char* group, const std::string& name) {
  if (!fit.has_group(group)) return nullptr;
  for (const Variable& each : fit.group(group).variables)
    if (each.name == name) return &each;
  return nullptr;
}

// Attributes "K=5", as a run leaves them.
void set_options(const Fit& fit, Data& data) {
  const auto found = fit.attributes.find("model_options");
  if (found == fit.attributes.end()) return;
  std::vector<std::string> settings;
  if (const auto* list = std::get_if<std::vector<std::string>>(&found->second)) settings = *list;
  if (const auto* one = std::get_if<std::string>(&found->second)) settings.push_back(*one);  // as a list of one may come back
  for (const std::string& text : settings) {
    const std::size_t equals = text.find('=');
    double value = 0;
    if (equals == std::string::npos || std::from_chars(text.data() + equals + 1, text.data() + text.size(), value).ec != std::errc()) continue;
    data.set_option(text.substr(0, equals), value);
  }
}

// ---- new data -----------------------------------------------------------------------------------------------------------

// The place of each of `wanted` among `known`; -1 for what is not among them.
std::vector<std::ptrdiff_t> places(const std::vector<std::string>& wanted, const std::vector<std::string>& known) {
  std::map<std::string, std::ptrdiff_t> place;
  for (std::size_t i = 0; i < known.size(); ++i) place.emplace(known[i], std::ptrdiff_t(i));
  std::vector<std::ptrdiff_t> found;
  for (const std::string& each : wanted) found.push_back(place.contains(each) ? place.at(each) : -1);
  return found;
}

std::size_t element_count(const std::vector<std::size_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t(1), std::multiplies<>());
}

// For each element of an array of `shape`, row after row, the element of an array of `old_shape` whose place on each axis is
// `axes[axis][place]`; -1 if that is on one of them.
std::vector<std::ptrdiff_t> elements(const std::vector<std::size_t>& shape, const std::vector<std::vector<std::ptrdiff_t>>& axes,
                                     const std::vector<std::size_t>& old_shape) {
  std::vector<std::ptrdiff_t> source(element_count(shape), 0);
  for (std::size_t e = 0; e < source.size(); ++e) {
    std::size_t rest = e;
    std::ptrdiff_t stride = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      const std::ptrdiff_t place = axes[axis][rest % shape[axis]];
      source[e] = place < 0 || source[e] < 0 ? -1 : source[e] + place * stride;
      stride *= std::ptrdiff_t(old_shape[axis]);
      rest /= shape[axis];
    }
  }
  return source;
}

// HostModel::dims_of, but the axes of a square matrix have one name.
std::vector<std::string> axes_of(const HostModel& model, const std::string& field) {
  std::vector<std::string> names;
  if (const BoundFieldView* bound = find_field(model.layout(), field))
    for (const std::int32_t dim : bound->dims)
      if (dim >= 0) names.push_back(model.layout().dims[dim].name);
  return names;
}

// What the data say of the dimensions of the fit's model.
class NewDimensions {
 public:
  NewDimensions(const HostModel& old, const Data& data) {
    for (const Dimension& each : old.dimensions()) {
      Extent& extent = extents_[each.name];
      extent.old = each;
      extent.size = each.size;
      if (const auto labels = data.labels().find(each.name); labels != data.labels().end()) renew(extent, labels->second.size(), labels->second);
      else if (const auto size = data.fields().find(each.name); size != data.fields().end() && size->second.shape.empty())
        renew(extent, std::size_t(std::max(0., size->second.values[0])), {});
    }
    for (const auto& [name, field] : data.fields()) {
      const std::vector<std::string> dims = axes_of(old, name);
      for (std::size_t axis = 0; axis < std::min(dims.size(), field.shape.size()); ++axis)
        if (Extent& extent = extents_.at(dims[axis]); !extent.renewed) renew(extent, std::size_t(field.shape[axis]), {});
    }
  }
  bool renewed(const std::string& dim) const { return extents_.at(dim).renewed; }
  std::size_t size(const std::string& dim) const { return extents_.at(dim).size; }
  // Where the elements are in the fit's data, if their labels are all there.
  std::optional<std::vector<std::ptrdiff_t>> known(const std::string& dim) const {
    const Extent& extent = extents_.at(dim);
    if (!extent.renewed) {
      std::vector<std::ptrdiff_t> all(extent.old.size);
      std::iota(all.begin(), all.end(), 0);
      return all;
    }
    if (extent.labels.empty() || extent.old.labels.empty()) return std::nullopt;
    std::vector<std::ptrdiff_t> found = places(extent.labels, extent.old.labels);
    if (std::find(found.begin(), found.end(), -1) != found.end()) return std::nullopt;
    return found;
  }

 private:
  struct Extent {
    Dimension old;
    bool renewed = false;
    std::size_t size = 0;
    std::vector<std::string> labels;
  };
  static void renew(Extent& extent, std::size_t size, const std::vector<std::string>& labels) {
    extent.renewed = true;
    extent.size = size;
    extent.labels = labels;
  }
  std::map<std::string, Extent> extents_;
};

// The new data, and what they leave out. `old`: the model on the fit's data, `before`.
Data completed(const HostModel& old, const Data& before, const Data& data) {
  const NewDimensions dims(old, data);
  Data all = data;
  for (const auto& [name, labels] : before.labels()) {
    if (find_dim(old.layout(), name) && !dims.renewed(name)) all.set_labels(name, labels);
  }
  for (const auto& [name, value] : before.options())
    if (!data.options().contains(name)) all.set_option(name, value);
  for (const auto& [site, action] : before.actions())
    if (!data.actions().contains(site)) {
      if (action.keeps_density) all.set_observed(site, action.values);
      else all.set_do(site, action.values);
    }
  for (const auto& [name, field] : before.fields()) {
    if (data.fields().contains(name)) continue;
    if (name.ends_with(centredness_suffix)) continue;  // a matter of how it was sampled
    if (find_dim(old.layout(), name)) {  // its size, or coordinates that are numbers
      if (!dims.renewed(name)) all.set(name, field);
      continue;
    }
    const std::vector<std::string> along = axes_of(old, name);
    if (along.size() != field.shape.size() || std::none_of(along.begin(), along.end(), [&](const auto& dim) { return dims.renewed(dim); })) {
      all.set(name, field);
      continue;
    }
    std::vector<std::size_t> shape, old_shape(field.shape.begin(), field.shape.end());
    std::vector<std::vector<std::ptrdiff_t>> axes;
    std::string unknown;
    for (const std::string& dim : along) {
      shape.push_back(dims.size(dim));
      if (const auto known = dims.known(dim)) axes.push_back(*known);
      else if (unknown.empty()) unknown = dim;
    }
    Data::Field filled{{shape.begin(), shape.end()}, {}, 1};
    const SiteView* site = find_site(old.layout(), name);
    if (!site) site = find_site(old.layout(), name + observed_suffix);  // some of it is missing in the fit
    const bool observed = site && site->kind == SiteKind::observed;
    if (unknown.empty()) {
      for (std::ptrdiff_t e : elements(shape, axes, old_shape)) filled.values.push_back(field.values[std::size_t(e)]);
    } else if (observed && site->first == 0 && !field.values.empty()) {
      // Any values that such a field can have: they are simulated.
      std::vector<double> possible;
      std::copy_if(field.values.begin(), field.values.end(), std::back_inserter(possible), [](double v) { return !std::isnan(v); });
      if (possible.empty()) possible = {0.};
      filled.values.resize(element_count(shape));
      for (std::size_t e = 0; e < filled.values.size(); ++e) filled.values[e] = possible[e % possible.size()];
    } else {
      throw DataError(fmt::format("field '{}' is missing from the new data (it runs along '{}', whose elements are new{}). Add it.", name,
                                  unknown, observed ? ", and its first elements are given, not predicted" : ""));
    }
    all.set(name, std::move(filled));
  }
  return all;
}

// ---- draws of the fit as draws of the new model's parameters ---------------------------------------------------------------

struct MatchedParameter {
  const SiteView* site;
  const Variable* draws;
  std::vector<std::ptrdiff_t> source;     // for each element, which of the fit's it is; -1: none, it is drawn from the prior
};

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 10;
  std::string text = fmt::format("'{}'", fmt::join(names.begin(), names.begin() + std::ptrdiff_t(std::min(most, names.size())), "', '"));
  return names.size() > most ? text + fmt::format(" and {} more", names.size() - most) : text;
}

// Where the elements of a dimension are in the fit; those that are not are added to `unseen`.
std::vector<std::ptrdiff_t> match(const Dimension& now, const Dimension& before, const std::string& parameter, std::vector<std::string>& unseen) {
  if (now.labels.empty() != before.labels.empty() && now.size > 0 && before.size > 0)
    throw DataError(fmt::format("dimension '{}' has labels in the {} and none in the {}, and '{}' runs along it (elements are matched by "
                                "label). Give the data the labels, or neither.", now.name, now.labels.empty() ? "fit" : "new data",
                                now.labels.empty() ? "new data" : "fit", parameter));
  const auto names = [](const Dimension& dimension) {
    std::vector<std::string> all = dimension.labels;
    for (std::size_t i = all.size(); i < dimension.size; ++i) all.push_back(std::to_string(i));
    return all;
  };
  const std::vector<std::string> wanted = names(now);
  std::vector<std::ptrdiff_t> found = places(wanted, names(before));
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (found[i] < 0) unseen.push_back(wanted[i]);
  return found;
}

std::vector<MatchedParameter> match_parameters(const HostModel& model, const Fit& fit, bool sample_new_levels) {
  std::vector<MatchedParameter> all;
  std::map<std::string, Dimension> now;
  for (const Dimension& each : model.dimensions()) now[each.name] = each;
  std::map<std::string, std::vector<std::string>> unseen;
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
    const SiteView& site = model.layout().sites[i];
    if (site.kind != SiteKind::parameter) continue;
    const Variable wanted = model.variable(site);
    const Variable* draws = find_variable(fit, "posterior", site.name);
    if (!draws)
      throw SampleError(fmt::format("the fit has no draws of parameter '{}' (they were not kept, or the fit is of another model). Sample "
                                    "again and keep all parameters.", site.name));
    if (draws->dims != wanted.dims)
      throw SampleError(fmt::format("parameter '{}' runs along ({}) in the fit and along ({}) in the model (the fit is of another model, "
                                    "or it has changed since). Name the model that the fit is of.", site.name, fmt::join(draws->dims, ", "),
                                    fmt::join(wanted.dims, ", ")));
    std::vector<std::vector<std::ptrdiff_t>> axes;
    for (std::size_t axis = 0; axis < wanted.dims.size(); ++axis) {
      const Dimension* before = find_dimension(fit, wanted.dims[axis]);
      std::vector<std::string> missed;
      axes.push_back(match(now.at(wanted.dims[axis]), before ? *before : Dimension{wanted.dims[axis], draws->shape[axis], {}}, site.name, missed));
      if (!missed.empty()) unseen[wanted.dims[axis]] = missed;
    }
    all.push_back({&site, draws, elements(wanted.shape, axes, draws->shape)});
  }
  if (!unseen.empty() && !sample_new_levels) {
    const auto& [dim, names] = *unseen.begin();
    throw DataError(fmt::format("dimension '{}' has elements that the fit has not seen: {} (their parameters have no draws). Leave them out, or "
                                "have them drawn from their prior: --new-levels sample.", dim, listed(names)));
  }
  return all;
}

// The parameters' values in draw `at` of all chains' draws, one after the other; NaN where there are none.
std::vector<double> values_at(const std::vector<MatchedParameter>& parameters, std::size_t at) {
  std::vector<double> values;
  for (const MatchedParameter& each : parameters) {
    const double* draw = each.draws->values.data() + at * each.draws->size();
    for (std::ptrdiff_t source : each.source) values.push_back(source < 0 ? missing : draw[source]);
  }
  return values;
}

// The log prior density of each parameter's events, by site.
std::map<std::string, std::vector<double>> log_priors(const HostModel& model, const std::vector<double>& position) {
  const std::vector<double> all = model.generate(Meaning::log_prior, position);
  std::map<std::string, std::vector<double>> by_site;
  auto next = all.begin();
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
    const SiteView& site = model.layout().sites[i];
    if (site.kind != SiteKind::parameter) continue;
    by_site[site.name].assign(next, next + site.events);
    next += site.events;
  }
  return by_site;
}

// The position of parameters with these values, those that are NaN drawn from their priors.
std::vector<double> position_with_priors(const HostModel& model, const std::vector<double>& values, std::uint64_t seed, std::size_t chain,
                                         std::size_t draw) {
  std::vector<double> position(std::size_t(model.coordinates()));
  GenerateRequest request{};
  request.meaning = Meaning::prior;
  request.values = values.data();
  request.seed = seed;
  request.chain = std::uint32_t(chain);
  request.draw = std::uint32_t(draw);
  request.position_out = position.data();
  model.generate(request);
  return position;
}

// Elements whose prior density at the same values is another on the new data than on the fit's: what their prior reads has changed,
// so they are drawn anew. That changes what others read, and so on.
void redraw_changed(const HostModel& old, const HostModel& model, const Fit& fit, std::vector<MatchedParameter>& parameters,
                    const PredictOptions& options) {
  const std::vector<MatchedParameter> before = match_parameters(old, fit, false);
  const std::size_t draws = fit.chains * fit.draws;
  const std::set<std::size_t> looked_at{0, draws / 2, draws - 1};
  std::vector<std::map<std::string, std::vector<double>>> was;
  for (std::size_t at : looked_at) was.push_back(log_priors(old, old.position_of(values_at(before, at))));
  for (bool changed = true; changed;) {
    changed = false;
    auto now_was = was.begin();
    for (std::size_t at : looked_at) {
      const auto now =
          log_priors(model, position_with_priors(model, values_at(parameters, at), options.seed, at / fit.draws, at % fit.draws));
      const auto& then = *now_was++;
      for (MatchedParameter& each : parameters) {
        const std::size_t events = std::size_t(each.site->events), size = events ? each.source.size() / events : 0;
        const SiteView* old_site = find_site(old.layout(), each.site->name);
        const std::size_t old_size = old_site->events ? std::size_t(old_site->size / old_site->events) : 0;
        for (std::size_t event = 0; event < events; ++event) {
          const auto first = each.source.begin() + std::ptrdiff_t(event * size), last = first + std::ptrdiff_t(size);
          // The same event in the fit, if it is one.
          std::set<std::ptrdiff_t> of(first, last);
          if (size != old_size || of.size() != size || *of.begin() < 0 || *of.begin() / std::ptrdiff_t(size) != *of.rbegin() / std::ptrdiff_t(size))
            continue;
          const double a = then.at(each.site->name)[std::size_t(*of.begin()) / size], b = now.at(each.site->name)[event];
          if (std::abs(a - b) <= 1e-6 * std::max(1., std::abs(a)) || (std::isnan(a) && std::isnan(b))) continue;
          std::fill(first, last, -1);
          changed = true;
        }
      }
    }
  }
}

void require_draws(const Fit& fit, int threads) {
  if (threads < 0)
    throw SampleError(fmt::format("threads is {} (at least one is needed). Give a positive number.", threads));
  if (!fit.has_group("posterior") || fit.chains * fit.draws == 0)
    throw SampleError("the fit has no posterior draws (a prediction is made of each). Use a fit that has.");
}

void require_memory(std::size_t draws, std::size_t values_each) {
  const double bytes = 8. * double(draws) * double(values_each);
  if (bytes > machine_memory())
    throw SampleError(fmt::format("predictions of {} draws need {:.0f} GiB of memory (this machine has {:.0f}). Predict fewer elements at once.",
                                  draws, bytes / 0x1p30, machine_memory() / 0x1p30));
}

// A group of one value for each draw of the fit, as a fit.
Fit with_draws_of(const Fit& fit, const HostModel& model, Group group, std::uint64_t seed) {
  Fit result;
  result.chains = fit.chains;
  result.draws = fit.draws;
  result.dimensions = model.dimensions();
  group.draw_numbers = fit.group("posterior").draw_numbers;
  result.groups.push_back(std::move(group));
  result.attributes["inference_library"] = std::string("lockstep");
  result.attributes["prediction_seed"] = std::to_string(seed);
  return result;
}

}  // namespace

Data data_of(const ModelTable& table, const Fit& fit) {
  // Of dimensions of the fit some are none of the model's: those of log likelihoods, of what it does not read.
  const auto data_with = [&](const std::function<bool(const std::string&)>& is_dimension) {
    Data data;
    for (const char* group : {"observed_data", "constant_data"})
      if (fit.has_group(group))
        for (const Variable& each : fit.group(group).variables)
          data.set(each.name, Data::Field{{each.shape.begin(), each.shape.end()}, each.values, 1});
    for (const Dimension& each : fit.dimensions) {
      if (!is_dimension(each.name)) continue;
      if (!each.labels.empty()) data.set_labels(each.name, each.labels);
      else data.set(each.name, double(each.size));
    }
    set_options(fit, data);
    return data;
  };
  try {
    const Data all = data_with([](const std::string&) { return true; });
    const HostModel plain(table, all);
    Data data = data_with([&](const std::string& name) { return find_dim(plain.layout(), name) != nullptr; });
    // Of a site that was done the values are there as constants; of a parameter that was observed, as observed.
    for (std::int64_t i = 0; i < plain.layout().site_count; ++i) {
      const SiteView& site = plain.layout().sites[i];
      if (const Variable* done = find_variable(fit, "constant_data", site.name)) data.set_do(site.name, done->values);
      else if (const Variable* observed = find_variable(fit, "observed_data", site.name); observed && (site.kind == SiteKind::parameter || site.latent))
        data.set_observed(site.name, observed->values);
    }
    return data;
  } catch (const DataError& error) {
    throw DataError(fmt::format("the fit's data are not the model's: {} (They are read from its groups observed_data and constant_data.) "
                                "Name the model that the fit is of.", error.what()));
  }
}

Fit predict(const ModelTable& table, const Fit& fit, const Data& data, const PredictOptions& options) {
  require_draws(fit, options.threads);
  if (data.data_sets() != 1)
    throw SampleError(fmt::format("the data are {} stacked data sets (one is predicted). Predict them one by one.", data.data_sets()));
  const bool anything_new = !data.empty();
  const Data before = data_of(table, fit);
  const HostModel old(table, before);
  const Data now = anything_new ? completed(old, before, data) : before;
  const HostModel model(table, now);
  std::vector<MatchedParameter> parameters = match_parameters(model, fit, options.sample_new_levels);
  if (anything_new) redraw_changed(old, model, fit, parameters, options);

  const std::size_t draws = fit.chains * fit.draws;
  require_memory(draws, model.values(Meaning::constrain) + model.values(Meaning::predict));
  std::set<std::string> drawn_anew;
  for (const MatchedParameter& each : parameters)
    if (std::find(each.source.begin(), each.source.end(), -1) != each.source.end()) drawn_anew.insert(each.site->name);
  Group group = room_for_draws(model, anything_new ? "predictions" : "posterior_predictive", draws, [&](const SiteView& site) {
    return site.kind == SiteKind::observed || (anything_new && (site.kind == SiteKind::deterministic || drawn_anew.contains(site.name)));
  });
  if (group.variables.empty())
    throw SampleError("the model observes nothing and computes nothing (there is nothing to predict). Name one of its models that does.");
  parallel_for_ranges(draws, options.threads, [&](std::size_t begin, std::size_t end) {
    Simulation simulation(model, options.seed);
    for (std::size_t d = begin; d < end; ++d)
      simulation.run(d / fit.draws, d % fit.draws, values_at(parameters, d).data(), d, group, group);
  });

  Fit result = with_draws_of(fit, model, std::move(group), options.seed);
  if (anything_new)
    for (Group& each : data_groups(model, result.dimensions))
      if (each.name == "constant_data") {
        each.name = "predictions_constant_data";
        result.groups.push_back(std::move(each));
      }
  return result;
}

Fit recover_states(const ModelTable& table, const Fit& fit, std::uint64_t seed, int threads) {
  require_draws(fit, threads);
  const Data data = data_of(table, fit);
  const HostModel model(table, data);
  const std::vector<MatchedParameter> parameters = match_parameters(model, fit, false);
  const std::size_t draws = fit.chains * fit.draws, each = model.values(Meaning::states);
  // States, and what was summed out with them, with their places among the values of a draw.
  Group group{"states", true, {}};
  std::vector<std::size_t> places;
  std::size_t place = 0;
  for (std::int64_t i = 0; i < model.layout().site_count; ++i) {
    const SiteView& site = model.layout().sites[i];
    const bool labels = site.states_dim != -1, missing = site.missing_dim >= 0;
    if (site.kind != SiteKind::observed && !labels) continue;
    Variable variable = model.variable(site);
    if (labels || missing) {
      std::string name = site.name;
      if (name.ends_with(observed_suffix)) name.resize(name.size() - std::string_view(observed_suffix).size());
      variable = {name + (labels ? state_suffix : imputed_suffix), {}, {}, labels ? ElementType::integer : ElementType::real, {}};
      if (site.states_dim != one_state) {
        const DimView& along = model.layout().dims[labels ? site.states_dim : site.missing_dim];
        variable.dims = {along.name};
        variable.shape = {std::size_t(along.size)};
      }
    }
    const std::size_t size = variable.size();
    if (labels || missing || site.latent) {
      variable.values.resize(draws * size);
      group.variables.push_back(std::move(variable));
      places.push_back(place);
    }
    place += size;
  }
  if (group.variables.empty())
    throw SampleError("the model sums out no states (m.hidden_markov, m.mixture, m.latent, mixture and zero-inflated distributions do). There is "
                      "nothing to recover.");
  require_memory(draws, each);
  parallel_for_ranges(draws, threads, [&](std::size_t begin, std::size_t end) {
    std::vector<double> values(each);
    for (std::size_t d = begin; d < end; ++d) {
      const std::vector<double> position = model.position_of(values_at(parameters, d));
      GenerateRequest request{};
      request.meaning = Meaning::states;
      request.position = position.data();
      request.seed = seed;
      request.chain = std::uint32_t(d / fit.draws);
      request.draw = std::uint32_t(d % fit.draws);
      request.out = values.data();
      model.generate(request);
      for (std::size_t v = 0; v < places.size(); ++v) {
        Variable& variable = group.variables[v];
        std::copy_n(values.data() + places[v], variable.size(), variable.values.data() + d * variable.size());
      }
    }
  });
  return with_draws_of(fit, model, std::move(group), seed);
}

}  // namespace lockstep
