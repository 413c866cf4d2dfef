#include "host/stopping_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/diagnostics.hpp"
#include "kernels/cpu/launch.hpp"

namespace lockstep {

namespace {

constexpr int first_look = 100;  // rules §6

}  // namespace

int next_look(int draws) {
  int look = first_look;
  while (look <= draws) look += (look + 1) / 2;
  return look;
}

std::string accuracy_text(const Until& until) {
  std::string text;
  if (until.ess != 0) text = fmt::format("ess={}", until.ess);
  for (const auto& [site, error] : until.mcse) text += fmt::format("{}mcse({})={}", text.empty() ? "" : ", ", site, error);
  return text;
}

AccuracyGoal::AccuracyGoal(const Until& until, const Outline& outline)
    : until_(until), fit_(without_draws(outline)), posterior_(outline.number_of("posterior")) {
  for (const auto& [site, error] : until_.mcse) {
    if (std::any_of(kept().begin(), kept().end(), [&](const Variable& each) { return each.name == site; })) continue;
    std::string names;
    for (const Variable& each : kept()) names += (names.empty() ? "" : ", ") + each.name;
    throw SampleError(fmt::format("the run cannot go on until mcse({}) is small (no site of that name is kept: {}). Name one of these.", site,
                                  names));
  }
  for (std::size_t v = 0; v < kept().size(); ++v)
    if (until_.ess != 0 || until_.mcse.contains(kept()[v].name))
      for (std::size_t i = 0; i < kept()[v].size(); ++i) elements_.push_back({v, i});
}

Accuracy AccuracyGoal::judge(std::span<const Diagnosis> diagnoses) const {
  const auto name_of = [&](const Element& e) { return element_names(fit_, kept()[e.variable])[e.index]; };
  Accuracy result;
  double shortest = 1;  // share of what is asked for
  bool all_known = true;
  // Of all elements, or those of one variable: the one that falls short the most, of those that vary.
  const auto require = [&](const Variable* variable, const auto& figure, const auto& share_of, const auto& say) {
    const Element* worst = nullptr;
    double least = 0, value = 0;
    for (std::size_t e = 0; e < elements_.size(); ++e) {
      if ((variable && &kept()[elements_[e].variable] != variable) || diagnoses[e].constant) continue;
      const double now = figure(diagnoses[e]), share = share_of(now);
      all_known = all_known && !std::isnan(share);
      if (!worst || share < least) worst = &elements_[e], least = share, value = now;
    }
    if (!worst)
      throw SampleError(fmt::format("{} (all draws are the same, so there is no error to be made small). Ask for another accuracy.",
                                    variable ? fmt::format("'{}' does not vary", variable->name) : "nothing that is kept varies"));
    if (least < shortest || result.worst.empty()) shortest = least, result.worst = say(value, name_of(*worst));
  };
  for (std::size_t e = 0; e < elements_.size(); ++e)
    if (!std::isfinite(diagnoses[e].mean)) return {Accuracy::State::never, name_of(elements_[e])};
  if (until_.ess != 0)
    require(nullptr, [](const Diagnosis& d) { return std::min(d.ess_bulk, d.ess_tail); },
            [&](double ess) { return ess / until_.ess; },
            [](double ess, const std::string& name) { return fmt::format("ess is {:.0f}, for {}", ess, name); });
  for (const auto& [site, error] : until_.mcse) {
    const auto variable = std::find_if(kept().begin(), kept().end(), [&](const Variable& each) { return each.name == site; });
    require(&*variable, [](const Diagnosis& d) { return d.mcse_mean; }, [&](double mcse) { return error / mcse; },
            [](double mcse, const std::string& name) { return fmt::format("mcse is {:.3g}, for {}", mcse, name); });
  }
  if (shortest >= 1 && all_known) result.state = Accuracy::State::reached;
  return result;
}

void StoppingRule::open(const Outline& outline) {
  goal_ = AccuracyGoal(until_, outline);
  posterior_ = outline.number_of("posterior");
  chains_ = outline.chains;
  draws_ = 0;
  sizes_.clear();
  for (const Variable& each : outline.draws[posterior_].group.variables) sizes_.push_back(each.size());
  values_.assign(sizes_.size(), {});
}

void StoppingRule::append(std::size_t group, std::span<const std::size_t> numbers, std::span<const std::span<const double>> values) {
  if (group != posterior_) return;
  for (std::size_t v = 0; v < values.size(); ++v)
    for (std::size_t draw = 0; draw < numbers.size(); ++draw)
      for (std::size_t chain = 0; chain < chains_; ++chain) {
        const auto from = values[v].begin() + std::ptrdiff_t((chain * numbers.size() + draw) * sizes_[v]);
        values_[v].insert(values_[v].end(), from, from + std::ptrdiff_t(sizes_[v]));
      }
  draws_ += numbers.size();
}

Accuracy StoppingRule::look() {
  std::vector<Diagnosis> diagnoses(goal_.elements().size());
  parallel_for_ranges(diagnoses.size(), threads_, [&](std::size_t begin, std::size_t end) {
    Diagnoser diagnose_one;
    for (std::size_t e = begin; e < end; ++e) {
      const auto [variable, index] = goal_.elements()[e];
      const std::size_t size = sizes_[variable];
      const ChainView draws{values_[variable].data() + index, chains_, draws_, size, size * chains_};
      diagnoses[e] = goal_.needs_ess() ? diagnose_one(draws) : diagnose_one.of_mean(draws);
    }
  });
  return goal_.judge(diagnoses);
}

}  // namespace lockstep
