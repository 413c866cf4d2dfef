#include "host/summary_sink.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/netcdf.hpp"
#include "host/summary_groups.hpp"

namespace lockstep {

namespace {

// What there will be instead of the draws.
Outline summary_outline(const Outline& run, std::vector<ScalarSummary> scalars) {
  Outline outline{run.chains, run.superchain, run.dimensions, {}, {}};
  outline.dimensions.push_back(dimension_of_statistics());
  outline.data.push_back(summary_of(run.draws[run.number_of("posterior")].group, std::move(scalars)));
  outline.data.insert(outline.data.end(), run.data.begin(), run.data.end());
  return outline;
}

}  // namespace

void SummarySink::open(const Outline& outline) {
  goal_ = AccuracyGoal(until_, outline);
  outline_ = outline;
  posterior_ = outline.number_of("posterior");
  sample_stats_ = outline.number_of("sample_stats");
  std::vector<std::size_t> sizes;
  for (const Variable& each : outline.draws[posterior_].group.variables) sizes.push_back(each.size());
  draws_.emplace(sizes, outline.chains, outline.draws[posterior_].most, threads_);
  statistics_.emplace(outline.draws[sample_stats_].group.variables, outline.chains, threads_);
  const std::size_t scalars = std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
  validate(without_draws(summary_outline(outline, std::vector<ScalarSummary>(scalars))));  // now, not when the run is over
}

void SummarySink::append(std::size_t group, std::span<const std::size_t> numbers,
                         std::span<const std::span<const double>> values) {
  if (group == posterior_) draws_->add(numbers.size(), values);
  if (group == sample_stats_) statistics_->add(numbers.size(), values);
}

Accuracy SummarySink::look() {
  const std::vector<ScalarSummary> all = draws_->summarise(outline_.superchain);
  const std::vector<Variable>& kept = outline_.draws[posterior_].group.variables;
  std::vector<std::size_t> first(kept.size());  // scalars, by variable
  for (std::size_t v = 1; v < kept.size(); ++v) first[v] = first[v - 1] + kept[v - 1].size();
  std::vector<Diagnosis> diagnoses;
  for (const auto& [variable, index] : goal_.elements()) diagnoses.push_back(all[first[variable] + index].diagnosis);
  return goal_.judge(diagnoses);
}

void SummarySink::close(const std::map<std::string, Attribute>& attributes) {
  const std::vector<ScalarSummary> all = draws_->summarise(outline_.superchain);
  Outline outline = summary_outline(outline_, all);
  Group chains{chain_stats_group, false, statistics_->variables()};
  const std::vector<double> ids(outline.superchain.begin(), outline.superchain.end());
  chains.variables.push_back({"superchain_id", {"chain"}, {outline.chains}, ElementType::integer, ids});
  outline.data.insert(outline.data.begin() + 1, std::move(chains));

  std::map<std::string, Attribute> with_notes = attributes;
  with_notes[summarised_draws] = double(draws_->draws());
  std::vector<std::string> notes;
  if (const auto found = attributes.find("notes"); found != attributes.end())
    notes = std::get<std::vector<std::string>>(found->second);
  notes.push_back(fmt::format(
      "Only a summary is kept. Effective sample sizes and standard errors come from how the means of the {} chains differ: "
      "the relative error of these sizes is {:.2g}%.",
      outline.chains, 100 * std::sqrt(2. / double(outline.chains))));
  const bool unlike_pilot = std::any_of(all.begin(), all.end(), [](const ScalarSummary& each) {
    const Diagnosis& d = each.diagnosis;
    return std::isfinite(d.mean) && (std::isnan(d.q5) || std::isnan(d.median) || std::isnan(d.q95));
  });
  if (unlike_pilot)
    notes.push_back("Some quantiles are not known (many draws are where few of the first were, which tell how finely a quantity "
                    "is looked at). Run a longer warmup, or keep draws.");
  with_notes["notes"] = notes;
  sink_.open(outline);
  sink_.close(with_notes);
}

}  // namespace lockstep
