#include "host/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "host/summary_groups.hpp"

namespace lockstep {
namespace {

// What R-hat says about one scalar, and which R-hat.
enum class Outcome { agree, split_disagrees, nested_disagrees, too_short, unknown, not_finite };

struct Run {
  double chains, draws, per_superchain;
};

Run run_of(const Fit& fit) {
  const std::set<int> superchains(fit.superchain.begin(), fit.superchain.end());
  const double chains = static_cast<double>(fit.chains);
  const double starts = superchains.empty() ? chains : static_cast<double>(superchains.size());
  return {chains, static_cast<double>(fit.draws), chains / starts};
}

bool split_decides(const Diagnosis& d, const Run& run, const VerdictRules& rules) {
  return run.draws >= rules.split_draws_per_tau * (d.tau - 1);
}

Outcome compare(const Diagnosis& d, const Run& run, const VerdictRules& rules) {
  if (!std::isfinite(d.mean)) return Outcome::not_finite;
  if (std::isnan(d.r_hat) || std::isnan(d.tau)) return Outcome::unknown;
  if (split_decides(d, run, rules)) return d.r_hat < rules.r_hat ? Outcome::agree : Outcome::split_disagrees;
  if (d.r_hat_nested >= rules.r_hat) return Outcome::nested_disagrees;
  const bool enough = run.per_superchain * run.draws / d.tau >= rules.superchain_draws;
  return enough && d.r_hat_nested < rules.r_hat ? Outcome::agree : Outcome::too_short;
}

void keep_largest(Extreme& extreme, const std::string& name, double value) {
  if (!(value <= extreme.value) && !std::isnan(value)) extreme = {name, value};
}

void keep_smallest(Extreme& extreme, const std::string& name, double value) {
  if (!(value >= extreme.value) && !std::isnan(value)) extreme = {name, value};
}

std::string of_all(std::size_t count, std::size_t all) { return fmt::format("{} of {} quantities", count, all); }

// Two digits are all that such an estimate deserves.
double rounded_up(double draws) {
  const double unit = std::pow(10.0, std::max(std::floor(std::log10(draws)) - 1, 0.0));
  return std::ceil(draws / unit) * unit;
}

std::string run_longer(double draws) {
  return std::isfinite(draws) ? fmt::format("Run longer (--draws {:.0f})", rounded_up(draws)) : "Run longer";
}

// The scalars of one outcome, and the worst of them.
struct Tally {
  std::size_t count = 0;
  Extreme worst;
  double draws_needed = 0;  // per chain, for the verdict to be possible

  void add(const std::string& name, double figure, double draws) {
    ++count;
    keep_largest(worst, name, figure);
    if (worst.name.empty()) worst.name = name;
    draws_needed = std::max(draws_needed, draws);
  }
};

struct Tallies {
  Tally split, nested, too_short, unknown, not_finite, low_ess;

  double draws_needed() const {
    return std::max({split.draws_needed, nested.draws_needed, too_short.draws_needed, low_ess.draws_needed});
  }
};

Tallies tally(std::span<const NamedDiagnosis> diagnoses, const Run& run, const VerdictRules& rules, Verdict& verdict) {
  Tallies all;
  for (const auto& [name, d] : diagnoses) {
    if (d.constant) continue;
    ++verdict.scalars;
    keep_largest(verdict.r_hat, name, d.r_hat);
    keep_largest(verdict.r_hat_nested, name, d.r_hat_nested);
    keep_smallest(verdict.ess_bulk, name, d.ess_bulk);
    keep_smallest(verdict.ess_tail, name, d.ess_tail);
    const Outcome outcome = compare(d, run, rules);
    if (outcome <= Outcome::too_short && !split_decides(d, run, rules)) ++verdict.by_nested;
    const double for_split = rules.split_draws_per_tau * (d.tau - 1);
    const double for_nested = rules.superchain_draws * d.tau / run.per_superchain;
    switch (outcome) {
      case Outcome::agree:
        break;
      case Outcome::split_disagrees:
        all.split.add(name, d.r_hat, 2 * run.draws);
        break;
      case Outcome::nested_disagrees:
        all.nested.add(name, d.r_hat_nested, 2 * run.draws);
        break;
      case Outcome::too_short:
        all.too_short.add(name, d.tau, std::min(for_split, for_nested));
        break;
      case Outcome::unknown:
        all.unknown.add(name, unknown, 0);
        break;
      case Outcome::not_finite:
        all.not_finite.add(name, unknown, 0);
        break;
    }
    const double ess = std::min(d.ess_bulk, d.ess_tail);
    if (ess < rules.ess) all.low_ess.add(name, -ess, run.draws * rules.ess / ess);
  }
  return all;
}

void warn_of_disagreement(const Tallies& all, const Run& run, const VerdictRules& rules, Verdict& verdict) {
  auto& out = verdict.warnings;
  const auto warn = [&](const Tally& tally, const char* kind, const char* parts) {
    if (tally.count == 0) return;
    out.push_back(
        {fmt::format("The {} disagree: {} R-hat is {:.3f} for {}, and too large for {}", parts, kind, tally.worst.value,
                     tally.worst.name, of_all(tally.count, verdict.scalars)),
         fmt::format("below {} they can be taken to sample one distribution", rules.r_hat),
         run_longer(all.draws_needed()) + "; if it stays, look for several modes or a funnel and reparameterise."});
  };
  warn(all.split, "split", "chains");
  warn(all.nested, "nested", "superchains");
  if (all.too_short.count > 0) {
    out.push_back(
        {fmt::format("The chains are too short to be judged for {}, {} first",
                     of_all(all.too_short.count, verdict.scalars), all.too_short.worst.name),
         fmt::format("its draws are correlated over {:.1f}; split R-hat needs {:.0f} draws per chain, nested "
                     "R-hat several superchains of {:.0f} independent draws",
                     all.too_short.worst.value, std::ceil(rules.split_draws_per_tau * (all.too_short.worst.value - 1)),
                     rules.superchain_draws),
         run_longer(all.draws_needed()) + "."});
  }
  if (all.unknown.count > 0) {
    out.push_back({"Convergence cannot be checked for " + of_all(all.unknown.count, verdict.scalars),
                   run.chains < 2 ? "one chain has no other to be compared with" : "R-hat needs 4 draws per chain",
                   run.chains < 2 ? "Run several (--chains 4)." : "Run longer (--draws 1000)."});
  }
  if (all.not_finite.count > 0) {
    out.push_back({fmt::format("There are draws that are not finite for {}, {} first",
                               of_all(all.not_finite.count, verdict.scalars), all.not_finite.worst.name),
                   "a NaN or an infinity leaves no mean to be estimated",
                   "Check that quantity's definition for 0/0, log(0) and overflow."});
  }
}

void warn_of_low_ess(const Tallies& all, const VerdictRules& rules, Verdict& verdict) {
  if (all.low_ess.count == 0) return;
  verdict.warnings.push_back(
      {fmt::format("The effective sample size is {:.0f} for {}, and below {:.0f} for {}", -all.low_ess.worst.value,
                   all.low_ess.worst.name, rules.ess, of_all(all.low_ess.count, verdict.scalars)),
       "with fewer, R-hat, standard errors and interval ends are themselves uncertain",
       run_longer(all.draws_needed()) + "."});
}

// How often a flag of sample_stats is set, of which chain_stats has counts; 0 if the fit has neither.
double count_of(const Fit& fit, const std::string& flag) {
  double count = 0;
  for (const char* group : {"sample_stats", chain_stats_group}) {
    if (!fit.has_group(group)) continue;
    for (const Variable& each : fit.group(group).variables)
      if (each.name == flag) count += std::accumulate(each.values.begin(), each.values.end(), 0.0);
  }
  return count;
}

double number_of(const Fit& fit, const std::string& attribute) {
  const auto found = fit.attributes.find(attribute);
  if (found == fit.attributes.end() || !std::holds_alternative<double>(found->second)) return 0;
  return std::get<double>(found->second);
}

void warn_of_transitions(const Fit& fit, const Run& run, std::vector<Warning>& out) {
  const double all = run.chains * run.draws;
  if (const double divergent = count_of(fit, "diverging"); divergent > 0) {
    const double target = number_of(fit, "target_acceptance");
    const std::string higher = target < 0.95 ? "0.95" : target < 0.99 ? "0.99" : "";
    out.push_back({fmt::format("{:.0f} of {:.0f} transitions diverged", divergent, all),
                   "the integrator could not follow the density there, so that region is under-sampled",
                   "Use a non-centred parameterisation or tighter priors" +
                       (higher.empty() ? "." : ", or a higher target acceptance (--target-accept " + higher + ").")});
  }
  if (const double deep = count_of(fit, "reached_max_treedepth"); deep > 0) {
    out.push_back({fmt::format("{:.0f} of {:.0f} transitions reached the maximum tree depth", deep, all),
                   "their trajectories were cut short, which is slow, not wrong",
                   "Rescale or reparameterise strongly correlated parameters, or allow deeper trees."});
  }
}

void warn_of_chains(const Fit& fit, const Run& run, std::vector<Warning>& out) {
  if (const double stuck = number_of(fit, "stuck_chains"); stuck > 0) {
    out.push_back({fmt::format("{:.0f} of {:.0f} chains were stuck at the end of warmup", stuck, run.chains),
                   "their log density or acceptance was far below the other chains', and their draws are in the fit",
                   std::string(fit.has_group("posterior") ? "Look at their draws; give" : "Give") +
                       " better starting points, stronger priors or a longer warmup."});
  }
  if (const double restarted = number_of(fit, "restarted_chains"); restarted > 0) {
    out.push_back({fmt::format("{:.0f} of {:.0f} chains were restarted during warmup", restarted, run.chains),
                   "they were stuck; where that was is not in the draws",
                   "Run with another seed: if it recurs, the posterior may have a region that is hard to leave."});
  }
}

// E-BFMI as the draws' energies say, or chain_stats.
MissingInformation missing_information(const Fit& fit) {
  if (fit.has_group("sample_stats"))
    for (const Variable& each : fit.group("sample_stats").variables)
      if (each.name == "energy" && each.size() == 1) return ebfmi(element_view(fit, each, 0));
  MissingInformation result;
  if (!fit.has_group(chain_stats_group)) return result;
  result.per_chain = fit.variable(chain_stats_group, "ebfmi").values;
  const std::vector<double>& sd = fit.variable(chain_stats_group, "energy_sd").values;
  double steps = 0, spread = 0;
  for (std::size_t c = 0; c < sd.size(); ++c) {
    steps += result.per_chain[c] * sd[c] * sd[c];
    spread += sd[c] * sd[c];
  }
  result.pooled = steps / spread;
  return result;
}

void warn_of_energy(const Fit& fit, const VerdictRules& rules, std::vector<Warning>& out) {
  // The noise of one chain's figure is about 0.06 at 500 draws: below that, many short chains would raise false alarms.
  constexpr std::size_t judged_alone = 500;
  if (fit.draws < 2) return;
  const MissingInformation energy = missing_information(fit);
  const auto low = std::count_if(energy.per_chain.begin(), energy.per_chain.end(),
                                 [&](double chain) { return chain < rules.ebfmi; });
  const bool alone = fit.draws >= judged_alone && low > 0;
  if (!(energy.pooled < rules.ebfmi) && !alone) return;
  out.push_back({fmt::format("E-BFMI is {:.2f} over all chains, below {} in {} of {}", energy.pooled, rules.ebfmi, low,
                             fit.chains),
                 "the energy changes too slowly from draw to draw, so heavy tails are explored badly",
                 "Reparameterise: a non-centred form, or a lighter tail."});
}

}  // namespace

bool uncertain_ess(const Diagnosis& diagnosis, std::size_t draws_per_chain, const VerdictRules& rules) {
  return static_cast<double>(draws_per_chain) < rules.certain_ess_draws * diagnosis.tau;
}

Verdict judge(const Fit& fit, const VerdictRules& rules) { return judge(fit, diagnose(fit), rules); }

Verdict judge(const Fit& fit, std::span<const NamedDiagnosis> diagnoses, const VerdictRules& rules) {
  Verdict verdict;
  const Run run = run_of(fit);
  const Tallies all = tally(diagnoses, run, rules, verdict);
  warn_of_disagreement(all, run, rules, verdict);
  warn_of_low_ess(all, rules, verdict);
  if (verdict.scalars == 0) {
    verdict.warnings.push_back({"No quantity varies", "there are no draws, or they are all the same",
                                "Check the model: are all its parameters fixed?"});
  }
  verdict.converged = verdict.warnings.empty();
  warn_of_chains(fit, run, verdict.warnings);
  warn_of_transitions(fit, run, verdict.warnings);
  warn_of_energy(fit, rules, verdict.warnings);
  return verdict;
}

std::string report(const Verdict& verdict) {
  const auto figure = [](const char* name, const Extreme& extreme, int decimals) {
    return extreme.name.empty() ? fmt::format("{} unknown", name)
                                : fmt::format("{} {:.{}f} ({})", name, extreme.value, decimals, extreme.name);
  };
  std::string text = verdict.converged ? "Converged: " : "NOT converged: ";
  text += "largest " + figure("split R-hat", verdict.r_hat, 3) + ", " + figure("nested R-hat", verdict.r_hat_nested, 3);
  if (verdict.by_nested > 0) {
    text += fmt::format(", which decides for {} with short chains", of_all(verdict.by_nested, verdict.scalars));
  }
  text += "; smallest ESS " + figure("bulk", verdict.ess_bulk, 0) + ", " + figure("tail", verdict.ess_tail, 0) + ".\n";
  for (const Warning& each : verdict.warnings) text += each.problem + " (" + each.why + "). " + each.remedy + "\n";
  return text;
}

}  // namespace lockstep
