// Convergence diagnostics of stored draws: R-hat, effective sample size (ESS), Monte Carlo standard errors.
//
// Every figure equals ArviZ 0.23's on the same draws (tests/golden). Sources:
//   Vehtari, Gelman, Simpson, Carpenter, Bürkner (2021), "Rank-normalization, folding, and localization: an improved
//     R-hat for assessing convergence of MCMC", Bayesian Analysis 16(2), 667-718, doi:10.1214/20-BA1221;
//   Margossian, Hoffman, Sountsov, Riou-Durand, Vehtari, Gelman (2024), "Nested R-hat: assessing the convergence of
//     Markov chain Monte Carlo when running many short chains", Bayesian Analysis, doi:10.1214/24-BA1453.
//
// A figure that the draws cannot support is NaN, never a guess: fewer than 4 draws per chain (R-hat, ESS, MCSE), one
// chain (R-hat), one superchain (nested R-hat), or any draw that is NaN (every figure).
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "host/ranks.hpp"
#include "lockstep/fit.hpp"

namespace lockstep {

// The draws of one scalar, chains × draws; strides are counted in doubles. It owns nothing.
struct ChainView {
  const double* data = nullptr;
  std::size_t chains = 0;
  std::size_t draws = 0;
  std::size_t chain_stride = 0;
  std::size_t draw_stride = 1;

  double operator()(std::size_t chain, std::size_t draw) const {
    return data[chain * chain_stride + draw * draw_stride];
  }
  std::size_t size() const { return chains * draws; }
};

// One element of a variable that is stored as [chain][draw][element]. Throws std::out_of_range if there is no such
// element, std::invalid_argument if the variable does not hold chains × draws × size() values.
ChainView element_view(const Fit& fit, const Variable& variable, std::size_t element);

inline constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

struct Interval {
  double low = unknown;
  double high = unknown;
};

// What is said about one scalar. ESS are totals over all chains, in draws; mcse_* are in the scalar's own unit.
struct Diagnosis {
  double mean = unknown;
  double sd = unknown;
  double q5 = unknown;
  double median = unknown;
  double q95 = unknown;
  Interval hdi;  // the shortest interval that holds 94% of the draws
  double mcse_mean = unknown;
  double mcse_sd = unknown;
  double ess_mean = unknown;
  double ess_bulk = unknown;
  double ess_tail = unknown;
  double r_hat = unknown;         // rank-normalised split R-hat: the larger of bulk and folded
  double r_hat_split = unknown;   // split R-hat of the draws themselves
  double r_hat_nested = unknown;  // nested R-hat of normal scores, as r_hat: the larger of bulk and folded
  double tau = unknown;           // integrated autocorrelation time in draws: chains · draws / ess_bulk
  bool constant = false;          // all draws equal but for rounding: nothing that could converge
};

// Diagnoses one scalar after the other; keeps its working memory (about 60 bytes per draw of one scalar) and its table
// of normal scores between calls. One object per thread.
class Diagnoser {
 public:
  // `superchain`: per chain, which shared start it came from; empty means that every chain had its own.
  // Throws std::invalid_argument if it is neither empty nor one entry per chain.
  Diagnosis operator()(const ChainView& draws, std::span<const int> superchain = {});
  // Of the same only mean, sd, ess_mean, mcse_mean and constant, which need no ranks: in a fifth of the time.
  Diagnosis of_mean(const ChainView& draws);

 private:
  void locate(Diagnosis& out);
  void compare_superchains(Diagnosis& out, std::span<const int> superchain);
  void compare_halves(Diagnosis& out);
  void size_errors(Diagnosis& out);

  std::size_t chains_ = 0, draws_ = 0;
  std::vector<double> values_, scores_, scratch_;  // [chain][draw]
  std::vector<Ranked> order_, folded_;
  NormalScores normal_scores_;
};

// A scalar of a fit with its name in ArviZ's style: mu, theta[Choate], x[a, b].
struct NamedDiagnosis {
  std::string name;
  Diagnosis diagnosis;
};

// Every scalar of a per-draw group, in the order in which they are stored. Of a fit that has only a summary of the
// posterior: what that says.
std::vector<NamedDiagnosis> diagnose(const Fit& fit, const std::string& group = "posterior");

// The names of a variable's elements, in storage order.
std::vector<std::string> element_names(const Fit& fit, const Variable& variable);

// Are all draws from `low` to `high` equal? A sum that is always 1 varies in its last bits, which say nothing.
bool is_constant(double low, double high);

// R-hat of an element from that of its draws and of its folded draws: max(), except that a NaN in first place wins and one in
// second place loses, as in ArviZ: where all folded draws are equal (a symmetric binary variable) only the bulk says anything.
double larger_rhat(double bulk, double folded);

// Single figures, for callers that need one only. `probability` lies in (0, 1).
double quantile(const ChainView& draws, double probability);      // type 7, as R's and NumPy's default
Interval hdi(const ChainView& draws, double probability = 0.94);  // shortest interval
Interval eti(const ChainView& draws, double probability = 0.94);  // equal tails
double ess_quantile(const ChainView& draws, double probability);  // ESS of the indicator x <= quantile

// Nested R-hat of the draws themselves, sqrt(1 + B/W): B is the variance of the superchains' means, W the mean over
// superchains of the variance between their chains' means plus the mean variance within chains. With one draw per chain
// the variance within is left out, with one chain per superchain the variance between chains. NaN where nothing is
// left.
double nested_rhat(const ChainView& draws, std::span<const int> superchain);
// The same from the chains' means and variances, which are 0 for one draw each.
double nested_rhat(std::span<const double> means, std::span<const double> variances, std::size_t draws,
                   std::span<const int> superchain);

// What the two halves of every chain say of one scalar when its draws are gone, and chains are many.
struct ChainHalves {
  std::vector<double> means[2];   // per chain
  std::vector<double> squares;    // per chain: squared deviations from the mean of the half, summed over both
  std::size_t draws[2];           // per chain; of halves that are not the same, R-hat is that of halves of their harmonic mean
};
struct HalvesDiagnosis {
  double mean, sd;       // of all draws
  double r_hat_split;    // of the draws themselves
  double r_hat_nested;   // of whole chains
  double ess_mean;       // of whole chains: variance of a draw / variance of a chain's mean, times chains. Its relative error
                         // is sqrt(2 / chains), so it takes many. NaN of one chain
};
HalvesDiagnosis diagnose_halves(const ChainHalves& halves, std::span<const int> superchain);

// Estimated Bayesian fraction of missing information of each chain, Σ(Eᵢ − Eᵢ₋₁)² / Σ(Eᵢ − Ē)², and `pooled`, the ratio
// of the sums over all chains.
struct MissingInformation {
  std::vector<double> per_chain;
  double pooled = unknown;
};
MissingInformation ebfmi(const ChainView& energy);

}  // namespace lockstep
