#include "host/stopping_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/diagnostics.hpp"
#include "kernels/cpu/launch.hpp"

namespace lockstep {

namespace {

constexpr int first_look = 100;  // rules §6

// The figures of one element that a rule may ask for.
struct Figures {
  double ess = unknown, mcse = unknown;
  bool finite = true, constant = false;
};

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

void StoppingRule::open(const Outline& outline) {
  fit_ = without_draws(outline);
  draws_ = 0;
  posterior_ = outline.number_of("posterior");
  const std::vector<Variable>& kept = fit_.groups[posterior_].variables;
  values_.assign(kept.size(), {});
  for (const auto& [site, error] : until_.mcse) {
    if (std::any_of(kept.begin(), kept.end(), [&](const Variable& each) { return each.name == site; })) continue;
    std::string names;
    for (const Variable& each : kept) names += (names.empty() ? "" : ", ") + each.name;
    throw SampleError(fmt::format("the run cannot go on until mcse({}) is small (no site of that name is kept: {}). Name one of these.", site,
                                  names));
  }
}

void StoppingRule::append(std::size_t group, std::span<const std::size_t> numbers, std::span<const std::span<const double>> values) {
  if (group != posterior_) return;
  for (std::size_t v = 0; v < values.size(); ++v) {
    const std::size_t size = fit_.groups[group].variables[v].size();
    for (std::size_t draw = 0; draw < numbers.size(); ++draw)
      for (std::size_t chain = 0; chain < fit_.chains; ++chain) {
        const auto from = values[v].begin() + std::ptrdiff_t((chain * numbers.size() + draw) * size);
        values_[v].insert(values_[v].end(), from, from + std::ptrdiff_t(size));
      }
  }
  draws_ += numbers.size();
}

Accuracy StoppingRule::look() const {
  const std::vector<Variable>& kept = fit_.groups[posterior_].variables;
  struct Element {
    std::size_t variable, index;
  };
  std::vector<Element> elements;
  for (std::size_t v = 0; v < kept.size(); ++v)
    for (std::size_t i = 0; (until_.ess != 0 || until_.mcse.contains(kept[v].name)) && i < kept[v].size(); ++i) elements.push_back({v, i});
  std::vector<Figures> figures(elements.size());
  parallel_for_ranges(elements.size(), threads_, [&](std::size_t begin, std::size_t end) {
    Diagnoser diagnose_one;
    for (std::size_t e = begin; e < end; ++e) {
      const std::size_t size = kept[elements[e].variable].size();
      const ChainView draws{values_[elements[e].variable].data() + elements[e].index, fit_.chains, draws_, size, size * fit_.chains};
      const Diagnosis d = until_.ess != 0 ? diagnose_one(draws) : diagnose_one.of_mean(draws);
      figures[e] = {std::min(d.ess_bulk, d.ess_tail), d.mcse_mean, std::isfinite(d.mean), d.constant};
    }
  });
  const auto name_of = [&](const Element& e) { return element_names(fit_, kept[e.variable])[e.index]; };

  Accuracy result;
  double shortest = 1;  // share of what is asked for
  bool all_known = true;
  // Of all elements, or those of one variable: the one that falls short the most, of those that vary.
  const auto require = [&](const Variable* variable, double Figures::*figure, const auto& share_of, const auto& say) {
    const Element* worst = nullptr;
    double least = 0, value = 0;
    for (std::size_t e = 0; e < elements.size(); ++e) {
      if ((variable && &kept[elements[e].variable] != variable) || figures[e].constant) continue;
      const double now = figures[e].*figure, share = share_of(now);
      all_known = all_known && !std::isnan(share);
      if (!worst || share < least) worst = &elements[e], least = share, value = now;
    }
    if (!worst)
      throw SampleError(fmt::format("{} (all draws are the same, so there is no error to be made small). Ask for another accuracy.",
                                    variable ? fmt::format("'{}' does not vary", variable->name) : "nothing that is kept varies"));
    if (least < shortest || result.worst.empty()) shortest = least, result.worst = say(value, name_of(*worst));
  };
  for (std::size_t e = 0; e < elements.size(); ++e)
    if (!figures[e].finite) return {Accuracy::State::never, name_of(elements[e])};
  if (until_.ess != 0)
    require(nullptr, &Figures::ess, [&](double ess) { return ess / until_.ess; },
            [](double ess, const std::string& name) { return fmt::format("ess is {:.0f}, for {}", ess, name); });
  for (const auto& [site, error] : until_.mcse) {
    const auto variable = std::find_if(kept.begin(), kept.end(), [&](const Variable& each) { return each.name == site; });
    require(&*variable, &Figures::mcse, [&](double mcse) { return error / mcse; },
            [](double mcse, const std::string& name) { return fmt::format("mcse is {:.3g}, for {}", mcse, name); });
  }
  if (shortest >= 1 && all_known) result.state = Accuracy::State::reached;
  return result;
}

}  // namespace lockstep
