// Did it converge, what is wrong, and what to do: the verdict that `sample` and `summary` print.
//
// Converged split R-hat is about 1 + (τ − 1)/n however many chains there are (n draws per chain, τ the integrated
// autocorrelation time), so with short chains it never passes. There nested R-hat decides, provided that the chains of
// a superchain hold enough independent draws between them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "host/diagnostics.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

// Thresholds. R-hat and ESS: Vehtari et al. 2021; nested R-hat: Margossian et al. 2024; E-BFMI: Betancourt 2016,
// arXiv:1604.00695. ESS are totals over all chains.
struct VerdictRules {
  double r_hat = 1.01;               // split and nested R-hat are below
  // Split R-hat decides where n >= this · (τ − 1). At 100 its expectation would be the threshold itself, 1 + (τ − 1)/n =
  // 1.01, so that every other converged scalar at the border would fail; at 200 it is 1.005.
  double split_draws_per_tau = 200;
  double superchain_draws = 50;      // nested R-hat decides if (chains per superchain) · n / τ is at least this
  double ess = 400;                  // bulk and tail ESS are at least this
  double certain_ess_draws = 20;     // an ESS is marked "~" where n < this · τ
  double ebfmi = 0.3;                // E-BFMI is at least this
};

// Printed as "Problem (why it is one). Remedy."
struct Warning {
  std::string problem;
  std::string why;
  std::string remedy;
};

// A figure and the scalar it belongs to; no name if no scalar has the figure.
struct Extreme {
  std::string name;
  double value = unknown;
};

struct Verdict {
  bool converged = false;       // R-hat and ESS of every scalar pass; the other warnings do not change it
  Extreme r_hat, r_hat_nested;  // the largest
  Extreme ess_bulk, ess_tail;   // the smallest
  std::size_t scalars = 0;      // that vary; constants cannot converge or fail to
  std::size_t by_nested = 0;    // of these, with chains so short that nested R-hat decided
  std::vector<Warning> warnings;
};

// Is the ESS of this scalar itself uncertain, its chains being short against their autocorrelation?
bool uncertain_ess(const Diagnosis& diagnosis, std::size_t draws_per_chain, const VerdictRules& rules = {});

// Of `posterior`, and of what sample_stats has of diverging, reached_max_treedepth and energy, and the attributes of
// stuck_chains and restarted_chains; or of a summary of these (host/summary_groups.hpp). Throws std::out_of_range with neither.
Verdict judge(const Fit& fit, const VerdictRules& rules = {});

// The same with diagnoses of `posterior` that the caller has at hand.
Verdict judge(const Fit& fit, std::span<const NamedDiagnosis> diagnoses, const VerdictRules& rules = {});

// Several lines: "Converged: ..." or "NOT converged: ..." with the worst figures, then each warning.
std::string report(const Verdict& verdict);

}  // namespace lockstep
