// Did it converge, what is wrong, and what to do: the verdict that `sample` and `summary` print.
//
// Converged split R-hat is about 1 + (τ − 1)/n however many chains there are (n draws per chain, τ the integrated
// autocorrelation time), so with short chains it never passes; there nested R-hat decides, if the chains of a superchain
// hold enough draws between them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "host/diagnostics.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

// Thresholds. R-hat and ESS: Vehtari et al. 2021. E-BFMI: Betancourt 2016, arXiv:1604.00695. ESS are totals.
struct VerdictRules {
  double r_hat = 1.01;
  double split_draws_per_tau = 100;   // split R-hat decides where n >= this · (τ − 1)
  double superchain_draws = 50;       // nested R-hat decides if (chains per superchain) · n / τ is at least this
  double ess = 400;
  double certain_ess_draws = 20;      // an ESS is marked "~" where n < this · τ
  double ebfmi = 0.3;
};

struct Warning {
  std::string problem;
  std::string why;
  std::string remedy;
};

// A figure and the scalar it belongs to.
struct Extreme {
  std::string name;
  double value = unknown;
};

struct Verdict {
  bool converged = false;         // R-hat and ESS of every scalar pass; the other warnings do not change it
  Extreme r_hat, r_hat_nested;    // the largest
  Extreme ess_bulk, ess_tail;     // the smallest
  std::vector<Warning> warnings;
};

// Is the ESS of this scalar itself uncertain, its chains being short against their autocorrelation?
bool uncertain_ess(const Diagnosis& diagnosis, std::size_t draws_per_chain, const VerdictRules& rules = {});

Verdict judge(const Fit& fit, const VerdictRules& rules = {});

// The same with diagnoses of `posterior` that the caller has at hand.
Verdict judge(const Fit& fit, std::span<const NamedDiagnosis> diagnoses, const VerdictRules& rules = {});

// Several lines: "Converged: ..." or "NOT converged: ...", then each warning as "Problem (why it is one) remedy".
std::string report(const Verdict& verdict);

}  // namespace lockstep
