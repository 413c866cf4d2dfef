// A density given by points, linear between them: for a prior that is the posterior of an earlier fit, say.
#pragma once

#include "lockstep/dataset.hpp"
#include "lockstep/distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

struct Interpolated : DistributionTag {
  Real x, height;
  LOCKSTEP_FN Interpolated(const Real& at, const Real& h) : x(at), height(h) {}
  LOCKSTEP_FN int segments() const { return x.dim.size - 1; }
  LOCKSTEP_FN auto support() const { return between(x[0], x[segments()]); }
};

template <class T> struct InterpolatedAt {
  T log_density, slope_of_log;
  LOCKSTEP_FN T slope() const { return slope_of_log; }
  template <class S> LOCKSTEP_FN void pull(const S&) const {}
};

template <class M> class Prepared<M, Interpolated> {
 public:
  using T = typename M::value_type;
  LOCKSTEP_FN Prepared(const M& m, const Interpolated& d)
      : first_(d.x[0].evaluate(m).value), last_(d.x[d.segments()].evaluate(m).value), log_area_(0.) {
    log_area_ = log(area(m, d, first_, last_));
  }
  template <class Y> LOCKSTEP_FN InterpolatedAt<T> at(const M& m, const Interpolated& d, const Y& y) const {
    const T value = T(y.value);
    const auto here = height(m, d, value);
    return {unless(outside(value), T(log(here.height) - log_area_)), T(here.slope / here.height)};
  }
  LOCKSTEP_FN auto outside(const T& y) const { return min(T(y - first_), T(last_ - y)) < 0.; }
  LOCKSTEP_FN const T& first() const { return first_; }
  LOCKSTEP_FN const T& last() const { return last_; }
  // log P(from < Y < to), and what its derivatives by the ends are but for their signs: the density there over it.
  struct Range {
    T log_mass, at_from, at_to;
  };
  LOCKSTEP_FN Range range(const M& m, const Interpolated& d, const T& from, const T& to) const {
    const T between = area(m, d, from, to);
    const auto share = [&](const T& end) {
      return T(choose(outside(end) || !(between > 0.), T(0.), T(height(m, d, end).height / between)));
    };
    return {T(log(between) - log_area_), share(from), share(to)};
  }

 private:
  struct Segment {
    T first, width, height, slope;
    LOCKSTEP_FN Segment(const M& m, const Interpolated& d, int i)
        : first(d.x[i].evaluate(m).value),
          width(T(d.x[i + 1].evaluate(m).value) - first),
          height(d.height[i].evaluate(m).value),
          slope((T(d.height[i + 1].evaluate(m).value) - height) / width) {}
  };
  struct Height {
    T height, slope;
  };
  LOCKSTEP_FN static Height height(const M& m, const Interpolated& d, const T& y) {
    Height result{T(0.), T(0.)};
    for (int i = 0; i < d.segments(); ++i) {
      const Segment s(m, d, i);
      const T into = y - s.first;
      const auto here = into >= 0.;              // or in a later one, which then takes its place
      result.height = choose(here, T(s.height + into * s.slope), result.height);
      result.slope = choose(here, s.slope, result.slope);
    }
    return result;
  }
  LOCKSTEP_FN static T area(const M& m, const Interpolated& d, const T& from, const T& to) {
    T sum(0.);
    for (int i = 0; i < d.segments(); ++i) {
      const Segment s(m, d, i);
      const T into = min(max(T(from - s.first), T(0.)), s.width), until = min(max(T(to - s.first), into), s.width);
      sum += (until - into) * (s.height + 0.5 * (into + until) * s.slope);
    }
    return sum;
  }

  T first_, last_, log_area_;
};

LOCKSTEP_FN inline auto support_of(const Interpolated& d) { return d.support(); }

// Where the share p of the area is below, 0 <= p <= 1: a segment by its area, then the root of a quadratic within it.
template <class M> double inverse_of_area(const M& m, const Interpolated& d, double p) {
  const auto number = [&](const Real& field, int i) { return double(field[i].evaluate(m).value); };
  const auto area = [&](int i) {
    return 0.5 * (number(d.height, i) + number(d.height, i + 1)) * (number(d.x, i + 1) - number(d.x, i));
  };
  double left = 0;
  for (int i = 0; i < d.segments(); ++i) left += area(i);
  left *= p;
  int i = 0;
  while (i + 1 < d.segments() && left >= area(i)) left -= area(i++);
  const double h = number(d.height, i), slope = (number(d.height, i + 1) - h) / (number(d.x, i + 1) - number(d.x, i));
  return number(d.x, i) + (left > 0 ? 2 * left / (h + sqrt(max(h * h + 2 * slope * left, 0.))) : 0);
}
template <class M, class R> double draw_from(const M& m, R& random, const Interpolated& d) {
  return inverse_of_area(m, d, random.uniform());
}

// Between the first and the last of the points x, with a density proportional to `height`, linear between the points.
// Both are data along one dimension of at least two points, x ascending, heights not negative; they need not be
// normalised.
LOCKSTEP_FN inline Interpolated interpolated(const Real& x, const Real& height) { return {x, height}; }

}  // namespace lockstep
