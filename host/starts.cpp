#include "host/starts.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "host/descent.hpp"
#include "lockstep/random.hpp"

namespace lockstep {

namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return shape.empty() ? "one number" : fmt::format("an array of shape [{}]", fmt::join(shape, ", "));
}

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

}  // namespace

Starts::Starts(const HostModel& model, const Init& init, std::uint64_t seed) : model_(model), seed_(seed) {
  if (const auto* uniform = std::get_if<InitUniform>(&init)) range_ = uniform->range;
  from_prior_ = std::holds_alternative<InitPrior>(init);
  if (const auto* values = std::get_if<Data>(&init)) take(*values);
}

void Starts::take(const Data& values) {
  const LayoutView& layout = model_.layout();
  std::string parameters;
  for (std::int64_t i = 0; i < layout.site_count; ++i)
    if (layout.sites[i].kind == SiteKind::parameter)
      parameters += (parameters.empty() ? "" : ", ") + std::string(layout.sites[i].name);
  for (const auto& given : values.fields()) {
    const bool known = std::any_of(layout.sites, layout.sites + layout.site_count, [&](const SiteView& site) {
      return site.name == given.first && site.kind != SiteKind::observed;
    });
    if (!known)
      throw SampleError(fmt::format("a starting value is given for '{}' (the model's parameters are: {}). Correct its name, or "
                                    "leave it out.", given.first, parameters));
  }
  given_ = Given::all;
  for (std::int64_t i = 0; i < layout.site_count; ++i) {
    const SiteView& site = layout.sites[i];
    if (site.kind != SiteKind::parameter) continue;
    const auto found = values.fields().find(site.name);
    if (found == values.fields().end()) {
      values_.resize(values_.size() + std::size_t(site.size), std::nan(""));
      given_ = Given::some;
      continue;
    }
    const Data::Field& field = found->second;
    const std::vector<std::size_t> extents = model_.variable(site).shape;
    const std::vector<std::int64_t> shape(extents.begin(), extents.end());
    if (field.columns != 1 || field.shape != shape)
      throw SampleError(fmt::format("the starting value of '{}' is {} (the parameter is {}). Give one of its shape, or leave it out.",
                                    site.name, shape_text(field.shape), shape_text(shape)));
    for (std::size_t k = 0; k < field.values.size(); ++k)
      if (!std::isfinite(field.values[k]))
        throw SampleError(fmt::format("the starting value of '{}' is {} at element {} (a finite number is needed). Correct it, or "
                                      "leave '{}' out.", site.name, number_text(field.values[k]), k + 1, site.name));
    values_.insert(values_.end(), field.values.begin(), field.values.end());
  }
}

std::string Starts::description() const {
  const std::string uniform = fmt::format("uniform on (-{0}, {0}) in the unconstrained coordinates{1}", range_,
                                          is_random() ? ", and from there out of the far tail" : "");
  if (from_prior_) return "draws from the prior";
  if (given_ == Given::all) return "given values";
  if (given_ == Given::some) return "given values, the rest " + uniform;
  return range_ == 0 ? "zero in the unconstrained coordinates" : uniform;
}

std::vector<double> Starts::draw(std::uint32_t which, std::uint32_t attempt) const {
  std::vector<double> position(static_cast<std::size_t>(model_.coordinates()));
  Stream random({seed_, 0, which, attempt, Purpose::start});
  for (double& x : position) x = range_ * (2 * random.uniform() - 1);
  if (!from_prior_ && given_ == Given::none) return position;
  GenerateRequest request{};
  const std::vector<double> drawn = position;
  request.meaning = from_prior_ ? Meaning::prior : Meaning::unconstrain;
  request.position = drawn.data();
  request.values = values_.data();
  request.seed = seed_;
  request.chain = which;
  request.draw = attempt;
  request.position_out = position.data();
  model_.generate(request);
  return position;
}

std::vector<double> Starts::operator()(std::uint32_t which) const {
  const std::uint32_t attempts = are_one_point() ? 1 : 100;
  std::vector<double> position, gradient(static_cast<std::size_t>(model_.coordinates()));
  std::string outside;  // the values that were given may lie in a support that other parameters bound
  for (std::uint32_t attempt = 0; attempt < attempts; ++attempt) {
    try {
      position = draw(which, attempt);
    } catch (const ModelError& error) {
      if (from_prior_) throw SampleError(fmt::format("{} Or start elsewhere than in the prior.", error.what()));
      outside = error.what();
      continue;
    }
    if (std::isfinite(model_.log_density(position.data(), gradient.data())) && all_finite(gradient))
      return is_random() ? out_of_the_tail(model_, position) : position;
  }
  if (position.empty()) throw SampleError("no starting point was found: " + outside);
  throw SampleError(fmt::format("no starting point was found ({}: {} without a finite log density and gradient). {}", description(),
                                attempts == 1 ? "a point" : fmt::format("{} points", attempts), culprit(position)));
}

// The first observation that is impossible at this point, or else the first parameter.
std::string Starts::culprit(const std::vector<double>& position) const {
  for (const Meaning meaning : {Meaning::pointwise, Meaning::log_prior}) {
    const std::optional<ImpossibleEvent> event = model_.first_impossible(meaning, position);
    if (event && meaning == Meaning::pointwise)
      return fmt::format("The first observation that is impossible there is number {} of '{}' (log density {}): check its value, "
                         "and the data that its distribution uses, such as a negative standard deviation.",
                         event->number, event->site, number_text(event->log_density));
    if (event)
      return fmt::format("The first parameter whose prior is impossible there is element {} of '{}' (log density {}): check what "
                         "its prior is made of.", event->number, event->site, number_text(event->log_density));
  }
  return "Every observation and every prior is possible there: check for values that overflow.";
}

}  // namespace lockstep
