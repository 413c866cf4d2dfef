#include "host/warmup.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/diagnostics.hpp"
#include "kernels/window.hpp"

namespace lockstep {

namespace {

// A round is what happens between two barriers; it is long enough that the pooled acceptance rate is known to about 0.02.
constexpr int round_draws_min = 5;
constexpr int trajectories_per_round = 160;
// In the tail the metric is poor and trajectories long: what the first few draws say of it is worth more than a better estimate.
constexpr int first_tail_draws = 5, tail_draws = 10;
constexpr int rounds_in_first_window = 2;
constexpr int least_settled_draws = 30;      // a shorter window that is not over does not show that chains have mixed
constexpr double window_growth = 1.5;
constexpr int early_max_depth = 5;           // while the metric is poor, long trajectories are wasted, and all wait for the longest
constexpr double step_gain = 1.5;            // of log step per unit of acceptance: the response is about -0.5
constexpr double far_too_small = 0.97;       // acceptance of steps for which that is too slow: what is rejected grows with the
constexpr double power_of_rejection = 2.5;   // step, to about this power
constexpr double step_tolerance = 0.05;      // settled: acceptance this near its target
constexpr double metric_tolerance = 0.7;     // settled: no inverse mass changed by more than this, in logarithms
constexpr double rhat_limit = 1.05;          // rules §1
constexpr double least_in_harmonic_mean = 1e-2;   // rules §6
constexpr double rejecting = 0.1;            // a chain whose acceptance is below this is stuck (rules §1)
constexpr double most_rejecting_share = 0.25;
constexpr double most_flagged_share = 1e-3;  // of the chains, when warmup ends by itself
constexpr double step_only_share = 0.15;     // of a warmup of fixed length, at the end
constexpr int windows_before_restart = 2;
constexpr int most_restarts = 5;             // of a chain

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return std::nan("");
  const auto element = values.begin() + std::ptrdiff_t(share * double(values.size()));
  std::nth_element(values.begin(), element, values.end());
  return *element;
}
double median(const std::vector<double>& values) { return quantile(values, 0.5); }

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

// The chains whose mean log density is far below the others', or that hardly move (rules §1). "The others" are the upper quarter
// and what varies within chains, not the median and spread of all: where most starts lead into a minor mode, these say nothing.
struct Flags {
  std::vector<char> stuck;
  std::vector<char> hopeless;  // of these, the ones that have come no tenth of their way in the window
};
Flags flag_stuck(const Window& window, int chains, int coordinates) {
  constexpr double sds = 6, least_progress = 0.1;
  std::vector<double> means, variances;
  for (int c = 0; c < chains; ++c) {
    means.push_back(mean_lp(window, c));
    double squares = 0;
    for (int d = 0; d < window.draws(); ++d) squares += (window.lp(c, d) - means.back()) * (window.lp(c, d) - means.back());
    variances.push_back(squares / window.draws());
  }
  // No less than of a normal distribution: chains that hardly move yet have next to none.
  const double sd = std::sqrt(std::max(median(variances), coordinates / 2.)), reference = quantile(means, 0.75);
  Flags flags;
  for (int c = 0; c < chains; ++c) {
    const double gap = reference - means[std::size_t(c)], progress = window.lp(c, window.draws() - 1) - window.lp(c, 0);
    const bool stuck = !(gap <= sds * sd) || mean_acceptance(window, c, 0, window.draws()) < rejecting;
    flags.stuck.push_back(stuck);
    flags.hopeless.push_back(stuck && !(progress > least_progress * gap));
  }
  return flags;
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

enum class Phase { gradients, tail, windows, burn_in, done };

class Warmup {
 public:
  Warmup(Ensemble& ensemble, const std::vector<int>& superchain, const WarmupSettings& settings,
         const std::function<std::vector<double>(int)>& restart,
         const std::function<void(const DrawBlock&, int, int)>& record, const Suspend& suspend)
      : ensemble_(ensemble),
        superchain_(superchain),
        settings_(settings),
        restart_(restart),
        record_(record),
        suspend_(suspend),
        n_(ensemble.coordinates()),
        chains_(std::size_t(ensemble.chains())),
        limit_(settings.draws >= 0 ? settings.draws : settings.cap),
        round_(std::max(round_draws_min, (trajectories_per_round + ensemble.chains() - 1) / ensemble.chains())),
        estimator_(settings.metric),
        length_(settings.sampler->length()) {
    result_.stuck.assign(chains_, 0);
    windows_flagged_.assign(chains_, 0);
    restarts_.assign(chains_, 0);
    flagged_.assign(chains_, 0);
    result_.tuning.own_step.assign(chains_, 1);
    result_.tuning.metric.scale.assign(std::size_t(n_), 1.);
    result_.tuning.trajectory_length = length_->first(n_);
  }

  WarmupResult run(Archive* saved) {
    if (saved)
      state(*saved);
    else
      start();
    while (phase_ != Phase::done) {
      make_draws();
      switch (phase_) {
        case Phase::gradients: end_gradients(); break;
        case Phase::tail: end_tail_window(); break;
        case Phase::windows: end_round(); break;
        case Phase::burn_in: end_burn_in(); break;
        case Phase::done: break;
      }
    }
    result_.draws = drawn_;
    result_.restarted = int(std::count_if(restarts_.begin(), restarts_.end(), [](int times) { return times > 0; }));
    result_.metric = estimator_.description();
    return result_;
  }

 private:
  // Every chain makes draws until the round ends.
  void make_draws() {
    while (window_->draws() < round_end_) {
      drawn_ += ensemble_.advance(*window_, round_end_ - window_->draws(), result_.tuning);
      if (window_->draws() < round_end_ && !(suspend_ && suspend_([this](Archive& archive) { state(archive); })))
        throw Stopped("the run was stopped during warmup (no chain has a draw from the posterior yet). Run it again.");
    }
  }
  void close_window() {
    if (record_ && window_) record_(window_->block(), window_->first(), window_->draws());
  }
  // The next window, of one round unless that is told to end earlier.
  void open_window(int draws) {
    close_window();
    window_.reset();  // with many chains there is no room for two
    window_ = ensemble_.make_window(drawn_, draws, settings_.sampler->keep);
    round_end_ = draws;
  }

  // One draw's gradients say which coordinates are steep. It is made with a unit metric and a tiny step.
  void start() {
    if (limit_ < 1) return freeze();
    ensemble_.set_max_depth(1);
    ensemble_.restart_step(std::vector<char>(chains_, 1), std::log(1e-10));
    open_window(1);
  }
  // Inverse mass 1/|gradient|, its geometric mean over chains (nutpie's start, pooled).
  void end_gradients() {
    const ChainMoments gradients = window_->gradients();
    for (int i = 0; i < n_; ++i) {
      double sum = 0;
      for (std::size_t c = 0; c < chains_; ++c) {
        const double g = std::abs(gradients.mean[std::size_t(i) * chains_ + c]);  // of one draw: the gradient itself
        sum += std::log(std::clamp(std::isfinite(g) ? g : 1., 1e-10, 1e10));
      }
      result_.tuning.metric.scale[std::size_t(i)] = std::exp(-0.5 * sum / double(chains_));
    }
    ensemble_.restart_step(std::vector<char>(chains_, 1), std::log(settings_.sampler->first_step(n_)));
    ensemble_.set_max_depth(std::min(early_max_depth, settings_.max_depth));
    phase_ = Phase::tail;
    open_tail_window();
  }

  // Windows in which every chain adapts its own step size, until the log density no longer rises.
  void open_tail_window() {
    if (left() > 0) open_window(std::min(left(), previous_lp_ > -HUGE_VAL ? tail_draws : first_tail_draws));
    else leave_tail();
  }
  void end_tail_window() {
    const Flags flags = flag_stuck(*window_, int(chains_), n_);
    flagged_ = flags.stuck;
    const Spread lp = spread_of_lp(*window_, int(chains_));
    const bool most_flagged = 2 * std::count(flagged_.begin(), flagged_.end(), 1) > std::ptrdiff_t(chains_);
    const bool arrived = lp.centre - previous_lp_ < lp.sd && !most_flagged && !steps_are_far_too_small();
    previous_lp_ = lp.centre;
    update_metric(window_->positions());
    pool_own_steps();
    if (!arrived) ensemble_.restart_step(result_.tuning.own_step, result_.tuning.log_step);
    restart_stuck(flags.hopeless);
    if (arrived) leave_tail();
    else open_tail_window();
  }
  // Where trajectories may be long, rounds of such steps cost more than all the rest.
  bool steps_are_far_too_small() const {
    std::vector<double> acceptances;
    for (std::size_t c = 0; c < chains_; ++c)
      if (!flagged_[c]) acceptances.push_back(mean_acceptance(*window_, int(c), 0, window_->draws()));
    return shows_far_too_small_steps(median(acceptances));
  }
  void leave_tail() {
    phase_ = Phase::windows;
    rounds_ = rounds_in_first_window;
    open_next_window();
  }

  // Windows of growing length with one step size, until step size and metric have settled and the chains have mixed.
  void open_next_window() {
    if (left() < 1) {
      result_.settled = settings_.draws >= 0;
      return freeze();
    }
    result_.tuning.own_step = flagged_;  // the chains in the bulk share one; the others go on adapting theirs
    ensemble_.set_max_depth(few_flagged() ? settings_.max_depth : std::min(early_max_depth, settings_.max_depth));
    const int step_only = settings_.draws >= 0 ? int(step_only_share * limit_) : 0;
    adapts_metric_ = left() > step_only;
    int length = rounds_ * round_;
    // A window that would leave a remnant takes it in.
    const int room = adapts_metric_ ? left() - step_only : left();
    if (room < length + rounds_ * round_ / 2) length = room;
    open_window(length);
    acceptances_.clear();
    open_round(0);
  }
  // No round shorter than half of a full one.
  void open_round(int done) {
    const int rest = window_->capacity() - done;
    round_begin_ = done;
    round_end_ = done + (rest < round_ + round_ / 2 ? rest : round_);
  }
  // The step size goes by what a round accepted, by less and less within a window, whose metric is one. Where the draws of a round
  // are of unlike trajectories, a round says little: what counts is the last half of the window's.
  void end_round() {
    const double acceptance = pooled_acceptance(*window_, round_begin_);
    acceptances_.push_back(acceptance);
    const auto half = acceptances_.end() - std::ptrdiff_t((acceptances_.size() + 1) / 2);
    const double of_half = std::accumulate(half, acceptances_.end(), 0.) / double(acceptances_.end() - half);
    near_target_ = std::abs(of_half - settings_.target_acceptance) < step_tolerance;
    result_.tuning.trajectory_length = length_->after_round(*window_, round_begin_, result_.tuning, result_.tuning.own_step);
    const bool any_pooled = std::any_of(result_.tuning.own_step.begin(), result_.tuning.own_step.end(), [](char own) { return !own; });
    if (any_pooled) result_.tuning.log_step += step_change(acceptance);
    if (window_->draws() < window_->capacity() && !may_be_the_last()) open_round(window_->draws());
    else end_window();
  }
  bool shows_far_too_small_steps(double acceptance) const {
    return settings_.target_acceptance < far_too_small && acceptance > far_too_small;
  }
  double step_change(double acceptance) const {
    if (shows_far_too_small_steps(acceptance))
      return std::log((1 - settings_.target_acceptance) / std::max(1 - acceptance, 1e-3)) / power_of_rejection;
    return step_gain / std::sqrt(double(acceptances_.size())) * (acceptance - settings_.target_acceptance);
  }
  // As long as the one before, and all is well so far: what is left of the window is not needed to see it.
  bool may_be_the_last() {
    return settings_.draws < 0 && near_target_ && window_->draws() >= std::max(previous_length_, least_settled_draws) &&
           mixed(*window_, window_->positions(), superchain_);
  }
  void end_window() {
    previous_length_ = window_->draws();
    const Flags flags = flag_stuck(*window_, int(chains_), n_);
    flagged_ = flags.stuck;
    const ChainMoments positions = window_->positions();
    double change = HUGE_VAL;
    if (adapts_metric_) change = update_metric(positions);
    if (settings_.draws < 0 && few_flagged() && change < metric_tolerance && near_target_ && length_->settled() &&
        mixed(*window_, positions, superchain_)) {
      result_.settled = true;
      return freeze();
    }
    // Chains that have just been restarted have a window as short as this one to show where they are.
    if (!restart_stuck(flags.hopeless)) rounds_ = std::max(rounds_ + 1, int(std::lround(rounds_ * window_growth)));
    open_next_window();
  }

  // One metric, one step size, for every chain, from here on.
  void freeze() {
    ensemble_.set_max_depth(settings_.max_depth);
    result_.tuning.own_step.assign(chains_, 0);
    result_.tuning.trajectory_length = length_->last(result_.tuning);
    result_.stuck = flagged_;
    phase_ = Phase::burn_in;
    open_window(burn_in_draws);
  }

  // A chain that visits a far tail looks like one that is stuck there; it is not if it has left it by now.
  void end_burn_in() {
    const Flags flags = flag_stuck(*window_, int(chains_), n_);
    for (std::size_t c = 0; c < chains_; ++c) result_.stuck[c] = result_.stuck[c] && flags.stuck[c];
    close_window();
    phase_ = Phase::done;
  }

  // Of very many chains there are always some that visit a far tail.
  bool few_flagged() const {
    return double(std::count(flagged_.begin(), flagged_.end(), 1)) <= most_flagged_share * double(chains_);
  }

  // Of the chains that share the step size, from draw `from` of the window on: the mean over chains of each one's mean over draws. Of
  // a harmonic mean, one chain that rejects everything would make up the most: it is left out, unless it is one of many.
  double pooled_acceptance(const Window& window, int from) const {
    std::vector<double> each;
    for (std::size_t c = 0; c < chains_; ++c)
      if (!result_.tuning.own_step[c]) each.push_back(mean_acceptance(window, int(c), from, window.draws()));
    if (each.empty()) return 0;
    if (settings_.sampler->mean == AcceptanceMean::arithmetic) return std::accumulate(each.begin(), each.end(), 0.) / double(each.size());
    const auto rejects = [](double acceptance) { return acceptance < rejecting; };
    if (double(std::count_if(each.begin(), each.end(), rejects)) < most_rejecting_share * double(each.size())) std::erase_if(each, rejects);
    double inverses = 0;
    for (double acceptance : each) inverses += 1 / std::max(acceptance, least_in_harmonic_mean);
    return double(each.size()) / inverses;
  }

  // The largest change of a logarithm of an inverse mass; no number if directions have come or gone.
  double update_metric(const ChainMoments& positions) {
    if (window_->draws() < 2) return HUGE_VAL;
    const Metric before = result_.tuning.metric;
    result_.tuning.metric = estimator_(*window_, positions, window_->gradients(), flagged_, before);
    result_.tuning.trajectory_length = length_->after_window(*window_, result_.tuning, flagged_);
    const Metric& now = result_.tuning.metric;
    if ((now.groups() > 0) != (before.groups() > 0)) return HUGE_VAL;
    double change = 0;
    for (std::size_t i = 0; i < now.scale.size(); ++i) change = std::max(change, 2 * std::abs(std::log(now.scale[i] / before.scale[i])));
    return change;
  }

  void pool_own_steps() {
    double sum = 0;
    int count = 0;
    for (std::size_t c = 0; c < chains_; ++c)
      if (!flagged_[c]) sum += ensemble_.own_log_step(int(c)), ++count;
    if (count > 0) result_.tuning.log_step = sum / count;
  }

  // A chain that is hopeless, or has been flagged for several windows, gets a fresh start: more than one where most starts lead
  // to a place that no chain should be in. True: one did.
  bool restart_stuck(const std::vector<char>& hopeless) {
    std::vector<char> moved(chains_, 0);
    std::vector<double> positions(chains_ * std::size_t(n_));
    for (std::size_t c = 0; c < chains_; ++c) {
      windows_flagged_[c] = flagged_[c] ? windows_flagged_[c] + 1 : 0;
      if ((windows_flagged_[c] < windows_before_restart && !hopeless[c]) || restarts_[c] == most_restarts) continue;
      const std::vector<double> start = restart_(int(c) + restarts_[c] * int(chains_));
      std::copy(start.begin(), start.end(), positions.begin() + std::ptrdiff_t(c * std::size_t(n_)));
      moved[c] = 1;
      ++restarts_[c];
      windows_flagged_[c] = 0;
    }
    if (std::none_of(moved.begin(), moved.end(), [](char m) { return m; })) return false;
    ensemble_.place(positions, moved);
    ensemble_.restart_step(moved, result_.tuning.log_step);
    return true;
  }

  int left() const { return limit_ - drawn_; }

  void state(Archive& archive) {
    int first = archive.loading() ? 0 : window_->first(), capacity = archive.loading() ? 0 : window_->capacity();
    archive(phase_, first, capacity, drawn_, round_begin_, round_end_, rounds_, previous_length_, previous_lp_, adapts_metric_,
            near_target_, acceptances_, flagged_, restarts_, windows_flagged_, result_, estimator_, *length_);
    if (archive.loading()) window_ = ensemble_.make_window(first, capacity, settings_.sampler->keep);
    window_->state(archive);
  }

  Ensemble& ensemble_;
  const std::vector<int>& superchain_;
  WarmupSettings settings_;
  const std::function<std::vector<double>(int)>& restart_;
  const std::function<void(const DrawBlock&, int, int)>& record_;
  const Suspend& suspend_;
  int n_;
  std::size_t chains_;
  const int limit_, round_;
  MetricEstimator estimator_;
  std::unique_ptr<TrajectoryLength> length_;

  // What there is to go on from: see state().
  Phase phase_ = Phase::gradients;
  std::unique_ptr<Window> window_;
  int drawn_ = 0;                                // per chain
  int round_begin_ = 0, round_end_ = 0;          // draws of the window
  int rounds_ = 0;                               // of the window, at most
  int previous_length_ = 0;                      // of the window before, in draws
  double previous_lp_ = -HUGE_VAL;               // of the last window in the tail
  bool adapts_metric_ = false, near_target_ = false;
  std::vector<double> acceptances_;              // of the window's rounds
  std::vector<char> flagged_;
  std::vector<int> windows_flagged_, restarts_;
  WarmupResult result_;
};

}  // namespace

WarmupResult warm_up(Ensemble& ensemble, const std::vector<int>& superchain, const WarmupSettings& settings,
                     const std::function<std::vector<double>(int)>& restart,
                     const std::function<void(const DrawBlock&, int, int)>& record, const Suspend& suspend, Archive* saved) {
  return Warmup(ensemble, superchain, settings, restart, record, suspend).run(saved);
}

}  // namespace lockstep
