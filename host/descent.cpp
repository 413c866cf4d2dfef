#include "host/descent.hpp"

#include <cmath>
#include <deque>

#include <Eigen/Dense>

namespace lockstep {

namespace {

using Eigen::VectorXd;

constexpr int most_steps = 1000, steps_between_looks = 10, history = 5, most_halvings = 60, most_halvings_of_the_last = 30;

struct Point {
  VectorXd position, gradient;
  double log_density = 0;
  bool finite() const { return std::isfinite(log_density) && gradient.allFinite(); }
};

// What one step taught of the curvature: the change of the position, and that of the gradient, downhill.
struct Pair {
  VectorXd step, change;
};

// The inverse Hessian that the pairs imply, times the gradient.
VectorXd uphill(const VectorXd& gradient, const std::deque<Pair>& pairs) {
  VectorXd direction = gradient;
  std::vector<double> share(pairs.size());
  for (std::size_t k = pairs.size(); k-- > 0;) {
    share[k] = pairs[k].step.dot(direction) / pairs[k].step.dot(pairs[k].change);
    direction -= share[k] * pairs[k].change;
  }
  direction *= pairs.back().step.dot(pairs.back().change) / pairs.back().change.squaredNorm();
  for (std::size_t k = 0; k < pairs.size(); ++k)
    direction += (share[k] - pairs[k].change.dot(direction) / pairs[k].step.dot(pairs[k].change)) * pairs[k].step;
  return direction;
}

class Ascent {
 public:
  Ascent(const HostModel& model, const std::vector<double>& start) : model_(model) {
    here_ = at(Eigen::Map<const VectorXd>(start.data(), Eigen::Index(start.size())));
  }
  const Point& here() const { return here_; }
  Point at(const VectorXd& position) const {
    Point point{position, VectorXd(position.size())};
    point.log_density = model_.log_density(point.position.data(), point.gradient.data());
    return point;
  }

  // False: there is no way up.
  bool step() {
    if (!pairs_.empty() && along(uphill(here_.gradient, pairs_))) return true;
    pairs_.clear();
    const double steepness = here_.gradient.norm();
    return std::isfinite(steepness) && steepness > 0 && along(here_.gradient / steepness);
  }

 private:
  // The first of the lengths 1, 1/2, 1/4, ... that gains a share of what the slope promises (Armijo).
  bool along(const VectorXd& direction) {
    const double slope = direction.dot(here_.gradient);
    if (!(slope > 0)) return false;
    double length = 1;
    for (int halving = 0; halving < most_halvings; ++halving, length /= 2) {
      const Point there = at(here_.position + length * direction);
      if (!there.finite() || there.log_density < here_.log_density + 1e-4 * length * slope) continue;
      Pair pair{there.position - here_.position, here_.gradient - there.gradient};
      if (pair.step.dot(pair.change) > 1e-12 * pair.change.squaredNorm()) pairs_.push_back(std::move(pair));
      if (pairs_.size() > history) pairs_.pop_front();
      here_ = there;
      return true;
    }
    return false;
  }

  const HostModel& model_;
  Point here_;
  std::deque<Pair> pairs_;
};

}  // namespace

std::vector<double> out_of_the_tail(const HostModel& model, const std::vector<double>& start) {
  // A normal's log density varies by sqrt(n/2) about its mean, n/2 below its mode.
  const double little = 5. * (double(start.size()) + 10);
  Ascent ascent(model, start);
  std::deque<Point> way{ascent.here()};  // from the last point that is further out than that
  for (int steps = 0; steps < most_steps; steps += steps_between_looks) {
    const double before = ascent.here().log_density;
    bool more = true;
    for (int k = 0; k < steps_between_looks && more; ++k) {
      more = ascent.step();
      if (more) way.push_back(ascent.here());
      while (way.size() > 1 && way[1].log_density < way.back().log_density - little) way.pop_front();
    }
    if (!more || !(ascent.here().log_density - before > little)) break;
  }
  // Not to its end, which may be the mode: all starts would be one there, and without gradients to tell the scales.
  const double enough = way.back().log_density - little;
  if (way.front().log_density >= enough) return start;
  const VectorXd &outside = way[0].position, &inside = way[1].position;
  VectorXd reached = inside;
  double out = 0, in = 1;
  for (int halving = 0; halving < most_halvings_of_the_last; ++halving) {
    const double middle = (out + in) / 2;
    const Point there = ascent.at(outside + middle * (inside - outside));
    const bool is_inside = there.finite() && there.log_density >= enough;
    (is_inside ? in : out) = middle;
    if (!is_inside) continue;
    reached = there.position;
    if (there.log_density < enough + little / 2) break;
  }
  return {reached.begin(), reached.end()};
}

}  // namespace lockstep
