// ChEES-HMC (Hoffman, Radul & Sountsov 2021): the length of trajectories goes up the gradient of
//
//   1/4 E[(|z' - E z'|^2 - |z - E z|^2)^2],
//
// from a trajectory's start z to its end z', in whitened coordinates: in others, whatever scales the metric has seen to would count
// again.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "host/samplers.hpp"
#include "host/whitened.hpp"
#include "kernels/hmc.hpp"

namespace lockstep {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double learning_rate = 0.025, forgetting = 0.95;  // Adam's, without momentum (as in the paper's code)
constexpr double largest_update = 0.35;                     // of the logarithm
constexpr double least_acceptance = 1e-4;                   // of a trajectory that says anything
constexpr double cap_in_medians = 10;                       // of what one trajectory says
// Lengths are from a quarter of the widest direction's period, which gets across it, to the whole: where tails are heavy or
// coordinates few, the criterion has no end by itself.
const double log_quarter_period = std::log(std::numbers::pi / 2), log_whole_period = std::log(2 * std::numbers::pi);

class Chees : public TrajectoryLength {
 public:
  double first(int) const override { return std::exp(log_length_); }

  double after_round(Window& window, int from, const Tuning& tuning, const std::vector<char>& left_out) override {
    for (const double slope : slopes(window, std::max(from, 1), tuning, left_out)) update(slope, tuning.log_step);
    return std::exp(log_length_);
  }
  // With a metric that leaves less to go, trajectories are shorter by as much.
  double after_window(Window& window, const Tuning& tuning, const std::vector<char>& left_out) override {
    const double log_widest = 0.5 * std::log(std::max(spread_of(window, tuning.metric, left_out).largest_variance, 1.));
    const double shift = log_widest - log_widest_;
    log_widest_ = log_widest;
    log_length_ += shift;
    log_mean_ += shift;
    change_ = std::abs(log_mean_ - log_mean_before_);
    log_mean_before_ = log_mean_;
    return std::exp(log_length_);
  }
  double last(const Tuning&) const override { return std::exp(log_mean_); }
  bool settled() const override { return change_ < settled_length_change; }
  void state(Archive& archive) override {
    archive(log_widest_, log_length_, log_mean_, log_mean_before_, mean_square_, updates_, change_);
  }

 private:
  // The criterion's derivative by the logarithm of the length, a number for each draw, from all chains: a mean weighted by
  // acceptance, in which no trajectory counts for more than some medians.
  static std::vector<double> slopes(Window& window, int from, const Tuning& tuning, const std::vector<char>& left_out) {
    const DrawBlock& block = window.block();
    const int n = block.coordinates();
    struct Trajectory {
      int draw;
      double acceptance, slope;
    };
    std::vector<Trajectory> all;
    std::vector<std::pair<int, int>> of;  // chain, draw
    for (int d = from; d < window.draws(); ++d)
      for (int c = 0; c < block.chains(); ++c)
        if (!left_out[std::size_t(c)]) of.emplace_back(c, d);
    if (of.empty()) return {};
    MatrixXd start(n, Index(of.size())), end(n, Index(of.size())), momentum(n, Index(of.size()));
    VectorXd weight(Index(of.size()));
    for (std::size_t k = 0; k < of.size(); ++k) {
      const auto [c, d] = of[k];
      for (int i = 0; i < n; ++i) {
        start(i, Index(k)) = block.position(c, d - 1, i);
        end(i, Index(k)) = block.proposal(c, d, i);
        momentum(i, Index(k)) = block.proposal_momentum(c, d, i);
      }
      const double acceptance = block.statistic(c, d, DrawStatistic::acceptance_rate);
      const bool counts = acceptance >= least_acceptance && end.col(Index(k)).allFinite() && momentum.col(Index(k)).allFinite();
      weight[Index(k)] = counts ? acceptance : 0;
      if (!counts) end.col(Index(k)).setZero(), momentum.col(Index(k)).setZero();
    }
    if (!(weight.sum() > 0)) return {};
    const Whitening whitening(tuning.metric);
    whitening(start);
    whitening(end);
    const VectorXd mean_start = start.rowwise().mean(), mean_end = end * weight / weight.sum();
    start.colwise() -= mean_start;
    end.colwise() -= mean_end;
    std::vector<double> sizes;
    for (std::size_t k = 0; k < of.size(); ++k) {
      const auto [c, d] = of[k];
      const Index column = Index(k);
      const double length = block.statistic(c, d, DrawStatistic::n_steps) * block.statistic(c, d, DrawStatistic::step_size);
      const double slope = length * (end.col(column).squaredNorm() - start.col(column).squaredNorm()) * end.col(column).dot(momentum.col(column));
      if (!(weight[column] > 0) || !std::isfinite(slope)) continue;
      all.push_back({d, weight[column], slope});
      sizes.push_back(std::abs(slope));
    }
    if (all.empty()) return {};
    std::nth_element(sizes.begin(), sizes.begin() + std::ptrdiff_t(sizes.size() / 2), sizes.end());
    const double cap = cap_in_medians * sizes[sizes.size() / 2];
    std::vector<double> by_draw;
    for (std::size_t k = 0; k < all.size();) {
      const int draw = all[k].draw;
      double sum = 0, weights = 0;
      for (; k < all.size() && all[k].draw == draw; ++k)
        sum += all[k].acceptance * std::clamp(all[k].slope, -cap, cap), weights += all[k].acceptance;
      by_draw.push_back(sum / weights);
    }
    return by_draw;
  }

  void update(double slope, double log_step) {
    ++updates_;
    mean_square_ = forgetting * mean_square_ + (1 - forgetting) * slope * slope;
    const double size = std::sqrt(mean_square_ / (1 - std::pow(forgetting, updates_)));
    if (!(size > 0)) return;
    const double change = std::clamp(learning_rate * slope / size, -largest_update, largest_update);
    const double longest = std::min(log_whole_period + log_widest_, log_step + std::log(most_leapfrogs));
    log_length_ = std::max(std::min(log_length_ + change, longest), log_quarter_period + log_widest_);
    const double share = 1 / std::sqrt(updates_);
    log_mean_ = (1 - share) * log_mean_ + share * log_length_;
  }

  double log_widest_ = 0;                                               // sd of the widest direction
  double log_length_ = log_quarter_period, log_mean_ = log_quarter_period;  // the mean is over updates
  double log_mean_before_ = HUGE_VAL;                                   // at the last window's end
  double mean_square_ = 0;
  int updates_ = 0;
  double change_ = HUGE_VAL;  // of the mean, by the last window
};

}  // namespace

extern const Sampler chees_sampler{.name = "chees",
                                   .summary = "trajectories of random lengths, which warmup learns (ChEES)",
                                   .target_acceptance = 0.651,
                                   .mean = AcceptanceMean::harmonic,
                                   .keep = Keep::proposals,
                                   .machine = machine_of<HmcKernel>,
                                   .length = []() -> std::unique_ptr<TrajectoryLength> { return std::make_unique<Chees>(); }};

}  // namespace lockstep
