#include "host/warmup.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/diagnostics.hpp"
#include "kernels/window.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

namespace {

// A round is what happens between two barriers; it is long enough that the pooled acceptance rate is known to about 0.02.
constexpr int round_draws_min = 5;
constexpr int trajectories_per_round = 160;
constexpr int rounds_in_first_window = 2;
constexpr double window_growth = 1.5;
constexpr int early_max_depth = 8;           // far from the bulk, long trajectories are wasted (PyMC does the same)
constexpr double step_gain = 1.5;            // of log step per unit of acceptance: the response is about -0.5
constexpr double step_tolerance = 0.05;      // settled: acceptance this near its target
constexpr double metric_tolerance = 0.7;     // settled: no inverse mass changed by more than this, in logarithms
constexpr double rhat_limit = 1.05;          // rules §1
constexpr double step_only_share = 0.15;     // of a warmup of fixed length, at the end
constexpr int windows_before_restart = 3;

double median(std::vector<double> values) {
  if (values.empty()) return std::nan("");
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Over draws `from` .. `to` - 1 of the window.
double mean_acceptance(const Window& window, int chain, int from, int to) {
  double total = 0;
  for (int d = from; d < to; ++d) total += window.acceptance(chain, d);
  return total / (to - from);
}

double mean_lp(const Window& window, int chain) {
  double total = 0;
  for (int d = 0; d < window.draws(); ++d) total += window.lp(chain, d);
  return total / window.draws();
}

struct Spread {
  double centre, sd;
};
// Median and 1.4826 times the median absolute deviation of the log density, over all draws of all chains.
Spread spread_of_lp(const Window& window, int chains) {
  std::vector<double> lp;
  for (int c = 0; c < chains; ++c)
    for (int d = 0; d < window.draws(); ++d) lp.push_back(window.lp(c, d));
  const double centre = median(lp);
  for (double& v : lp) v = std::abs(v - centre);
  return {centre, 1.4826 * median(lp)};
}

// The chains whose mean log density is far below the others', or that hardly move (rules §1).
std::vector<char> flag_stuck(const Window& window, int chains) {
  constexpr double robust_sds = 6, least_acceptance = 0.1;
  const Spread lp = spread_of_lp(window, chains);
  std::vector<char> flagged;
  for (int c = 0; c < chains; ++c) {
    const bool below = mean_lp(window, c) < lp.centre - robust_sds * lp.sd;
    flagged.push_back(below || mean_acceptance(window, c, 0, window.draws()) < least_acceptance);
  }
  return flagged;
}

// Inverse masses sqrt(Var(x)/Var(gradient)), variances within chains, of the chains that are not left out: the diagonal
// that minimises the Fisher divergence (nutpie; arXiv:2603.18845). NaN where that says nothing.
std::vector<double> fisher_diagonal(const ChainMoments& positions, const ChainMoments& gradients, const std::vector<char>& left_out) {
  constexpr double smallest = 1e-20, largest = 1e20;  // nutpie's limits
  const std::size_t chains = left_out.size();
  std::vector<double> inverse_mass;
  for (std::size_t i = 0; i * chains < positions.squares.size(); ++i) {
    double of_draws = 0, of_gradients = 0;
    for (std::size_t c = 0; c < chains; ++c) {
      if (left_out[c]) continue;
      of_draws += positions.squares[i * chains + c];
      of_gradients += gradients.squares[i * chains + c];
    }
    const double ratio = std::sqrt(of_draws / of_gradients);
    inverse_mass.push_back(std::isfinite(ratio) ? std::clamp(ratio, smallest, largest) : std::nan(""));
  }
  return inverse_mass;
}

// Nested R-hat of the log density and of every coordinate, all below the limit?
bool mixed(const Window& window, const ChainMoments& positions, const std::vector<int>& superchain) {
  const std::size_t chains = superchain.size(), draws = std::size_t(window.draws());
  if (chains < 4) return true;  // too few to compare; the length of the windows is all there is
  const auto passes = [](double rhat) { return !(rhat >= rhat_limit); };  // NaN: nothing to compare
  std::vector<double> lp;
  for (std::size_t c = 0; c < chains; ++c)
    for (std::size_t d = 0; d < draws; ++d) lp.push_back(window.lp(int(c), int(d)));
  if (!passes(nested_rhat({lp.data(), chains, draws, draws, 1}, superchain))) return false;
  std::vector<double> variances(chains);
  for (std::size_t first = 0; first < positions.mean.size(); first += chains) {
    for (std::size_t c = 0; c < chains; ++c) variances[c] = draws > 1 ? positions.squares[first + c] / double(draws - 1) : 0;
    if (!passes(nested_rhat(std::span(positions.mean).subspan(first, chains), variances, draws, superchain))) return false;
  }
  return true;
}

class Warmup {
 public:
  Warmup(Ensemble& ensemble, const std::vector<int>& superchain, const WarmupSettings& settings,
         const std::function<std::vector<double>(int)>& restart, const std::function<void(const DrawBlock&, int)>& record)
      : ensemble_(ensemble), superchain_(superchain), settings_(settings), restart_(restart), record_(record), n_(ensemble.coordinates()),
        chains_(std::size_t(ensemble.chains())), limit_(settings.draws >= 0 ? settings.draws : settings.cap),
        round_(std::max(round_draws_min, (trajectories_per_round + ensemble.chains() - 1) / ensemble.chains())) {
    result_.stuck.assign(chains_, 0);
    windows_flagged_.assign(chains_, 0);
    was_restarted_.assign(chains_, 0);
    result_.tuning.own_step.assign(chains_, 1);
  }

  WarmupResult run() {
    first_metric();
    ensemble_.set_max_depth(std::min(early_max_depth, settings_.max_depth));
    leave_tail();
    ensemble_.set_max_depth(settings_.max_depth);
    settle();
    // The kernel is frozen: one metric, one step size, for every chain.
    result_.tuning.own_step.assign(chains_, 0);
    result_.stuck = flagged_;
    if (result_.stuck.empty()) result_.stuck.assign(chains_, 0);
    advance(burn_in_draws);
    result_.draws = drawn_;
    return result_;
  }

 private:
  // One draw's gradients say which coordinates are steep: inverse mass 1/|gradient|, its geometric mean over chains
  // (nutpie's start, pooled). The draw is made with a unit metric and a tiny step.
  void first_metric() {
    result_.tuning.inverse_mass.assign(std::size_t(n_), 1.);
    if (limit_ < 1) return;
    ensemble_.set_max_depth(1);
    ensemble_.restart_step(std::vector<char>(chains_, 1), std::log(1e-10));
    const ChainMoments gradients = advance(1)->gradients();
    for (int i = 0; i < n_; ++i) {
      double sum = 0;
      for (std::size_t c = 0; c < chains_; ++c) {
        const double g = std::abs(gradients.mean[std::size_t(i) * chains_ + c]);  // of one draw: the gradient itself
        sum += std::log(std::clamp(std::isfinite(g) ? g : 1., 1e-10, 1e10));
      }
      result_.tuning.inverse_mass[std::size_t(i)] = std::exp(-sum / double(chains_));
    }
    ensemble_.restart_step(std::vector<char>(chains_, 1), 0.);
  }

  // Windows in which every chain adapts its own step size, until the log density no longer rises.
  void leave_tail() {
    double previous = -HUGE_VAL;
    while (left() > 0) {
      const std::unique_ptr<Window> window =
          advance(std::min(left(), rounds_in_first_window * std::max(round_, 10 / rounds_in_first_window)));
      flagged_ = flag_stuck(*window, int(chains_));
      const Spread lp = spread_of_lp(*window, int(chains_));
      const bool arrived = lp.centre - previous < lp.sd;
      previous = lp.centre;
      update_metric(*window, window->positions());
      pool_own_steps();
      if (arrived) return;
      ensemble_.restart_step(result_.tuning.own_step, result_.tuning.log_step);
    }
  }

  // Windows of growing length with one step size, until step size and metric have settled and the chains have mixed.
  void settle() {
    int rounds = rounds_in_first_window;
    while (left() > 0) {
      share_step();
      const int step_only = settings_.draws >= 0 ? int(step_only_share * limit_) : 0;
      const bool adapts_metric = left() > step_only;
      int length = rounds * round_;
      // A window that would leave a remnant takes it in.
      const int room = adapts_metric ? left() - step_only : left();
      if (room < length + rounds * round_ / 2) length = room;
      const std::unique_ptr<Window> window = advance_in_rounds(length);
      flagged_ = flag_stuck(*window, int(chains_));
      const ChainMoments positions = window->positions();
      double change = HUGE_VAL;
      if (adapts_metric) change = update_metric(*window, positions);
      const bool none_flagged = std::none_of(flagged_.begin(), flagged_.end(), [](char f) { return f; });
      if (settings_.draws < 0 && none_flagged && change < metric_tolerance && near_target_ && mixed(*window, positions, superchain_)) {
        result_.settled = true;
        return;
      }
      restart_stuck();
      rounds = std::max(rounds + 1, int(std::lround(rounds * window_growth)));
    }
    result_.settled = settings_.draws >= 0;
  }

  // The chains that are in the bulk share the step size; the others go on adapting theirs.
  void share_step() {
    for (std::size_t c = 0; c < chains_; ++c) {
      const bool joins = !flagged_.empty() && !flagged_[c];
      result_.tuning.own_step[c] = joins ? 0 : 1;
    }
  }

  std::unique_ptr<Window> advance_in_rounds(int length) {
    std::unique_ptr<Window> window = ensemble_.make_window(drawn_, length);
    for (int done = 0; done < length; done = window->draws()) {
      // No round shorter than half of a full one.
      advance(*window, length - done < round_ + round_ / 2 ? length - done : round_);
      const double acceptance = pooled_acceptance(*window, done);
      near_target_ = std::abs(acceptance - settings_.target_acceptance) < step_tolerance;
      const bool any_pooled = std::any_of(result_.tuning.own_step.begin(), result_.tuning.own_step.end(), [](char own) { return !own; });
      if (any_pooled) result_.tuning.log_step += step_gain * (acceptance - settings_.target_acceptance);
    }
    if (record_) record_(window->block(), window->first());
    return window;
  }

  // Of the chains that share the step size, from draw `from` of the window on.
  double pooled_acceptance(const Window& window, int from) const {
    double total = 0;
    int count = 0;
    for (std::size_t c = 0; c < chains_; ++c)
      if (!result_.tuning.own_step[c]) total += mean_acceptance(window, int(c), from, window.draws()), ++count;
    return count > 0 ? total / count : 0;
  }

  // The largest change of a logarithm.
  double update_metric(const Window& window, const ChainMoments& positions) {
    if (window.draws() < 2) return HUGE_VAL;
    const std::vector<double> estimate = fisher_diagonal(positions, window.gradients(), flagged_);
    double change = 0;
    for (std::size_t i = 0; i < estimate.size(); ++i) {
      if (std::isnan(estimate[i])) continue;
      change = std::max(change, std::abs(std::log(estimate[i] / result_.tuning.inverse_mass[i])));
      result_.tuning.inverse_mass[i] = estimate[i];
    }
    return change;
  }

  void pool_own_steps() {
    double sum = 0;
    int count = 0;
    for (std::size_t c = 0; c < chains_; ++c)
      if (!flagged_[c]) sum += ensemble_.own_log_step(int(c)), ++count;
    if (count > 0) result_.tuning.log_step = sum / count;
  }

  // A chain that has been flagged for several windows gets one fresh start.
  void restart_stuck() {
    std::vector<char> moved(chains_, 0);
    std::vector<double> positions(chains_ * std::size_t(n_));
    for (std::size_t c = 0; c < chains_; ++c) {
      windows_flagged_[c] = flagged_[c] ? windows_flagged_[c] + 1 : 0;
      if (windows_flagged_[c] < windows_before_restart || was_restarted_[c]) continue;
      const std::vector<double> start = restart_(int(c));
      std::copy(start.begin(), start.end(), positions.begin() + std::ptrdiff_t(c * std::size_t(n_)));
      moved[c] = was_restarted_[c] = 1;
      windows_flagged_[c] = 0;
      ++result_.restarted;
    }
    if (std::none_of(moved.begin(), moved.end(), [](char m) { return m; })) return;
    ensemble_.place(positions, moved);
    ensemble_.restart_step(moved, result_.tuning.log_step);
  }

  int left() const { return limit_ - drawn_; }

  // A window of its own.
  std::unique_ptr<Window> advance(int draws) {
    std::unique_ptr<Window> window = ensemble_.make_window(drawn_, draws);
    advance(*window, draws);
    if (record_) record_(window->block(), window->first());
    return window;
  }
  void advance(Window& window, int draws) {
    if (ensemble_.advance(window, draws, result_.tuning) < draws)
      throw Stopped("the run was stopped during warmup (no chain has a draw from the posterior yet). Run it again.");
    drawn_ += draws;
  }

  Ensemble& ensemble_;
  const std::vector<int>& superchain_;
  WarmupSettings settings_;
  const std::function<std::vector<double>(int)>& restart_;
  const std::function<void(const DrawBlock&, int)>& record_;
  int n_;
  std::size_t chains_;
  int limit_, round_;
  int drawn_ = 0;
  bool near_target_ = false;
  std::vector<char> flagged_, was_restarted_;
  std::vector<int> windows_flagged_;
  WarmupResult result_;
};

}  // namespace

WarmupResult warm_up(Ensemble& ensemble, const std::vector<int>& superchain, const WarmupSettings& settings,
                     const std::function<std::vector<double>(int)>& restart,
                     const std::function<void(const DrawBlock&, int)>& record) {
  return Warmup(ensemble, superchain, settings, restart, record).run();
}

}  // namespace lockstep
