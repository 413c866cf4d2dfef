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
  LOCKSTEP_FN Prepared(const M& m, const Interpolated& d) {
    T area(0.);
    for (int i = 0; i < d.segments(); ++i) {
      const Segment s(m, d, i);
      area += s.width * (s.height + 0.5 * s.width * s.slope);
    }
    log_area_ = log(area);
  }
  template <class Y> LOCKSTEP_FN InterpolatedAt<T> at(const M& m, const Interpolated& d, const Y& y) const {
    const T value = T(y.value);
    T height(0.), slope(0.);
    for (int i = 0; i < d.segments(); ++i) {
      const Segment s(m, d, i);
      const T into = value - s.first;
      const auto here = into >= 0.;              // or in a later one, which then takes its place
      height = choose(here, T(s.height + into * s.slope), height);
      slope = choose(here, s.slope, slope);
    }
    const T first = T(d.x[0].evaluate(m).value), last = T(d.x[d.segments()].evaluate(m).value);
    const auto outside = min(T(value - first), T(last - value)) < 0.;
    return {unless(outside, T(log(height) - log_area_)), T(slope / height)};
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
  T log_area_;
};

LOCKSTEP_FN inline auto support_of(const Interpolated& d) { return d.support(); }

// By inversion: a segment by its area, then the root of a quadratic within it.
template <class M, class R> double draw_from(const M& m, R& random, const Interpolated& d) {
  const auto number = [&](const Real& field, int i) { return double(field[i].evaluate(m).value); };
  const auto area = [&](int i) {
    return 0.5 * (number(d.height, i) + number(d.height, i + 1)) * (number(d.x, i + 1) - number(d.x, i));
  };
  double left = 0;
  for (int i = 0; i < d.segments(); ++i) left += area(i);
  left *= random.uniform();
  int i = 0;
  while (i + 1 < d.segments() && left >= area(i)) left -= area(i++);
  const double h = number(d.height, i), slope = (number(d.height, i + 1) - h) / (number(d.x, i + 1) - number(d.x, i));
  return number(d.x, i) + 2 * left / (h + sqrt(max(h * h + 2 * slope * left, 0.)));
}

// Between the first and the last of the points x, with a density proportional to `height`, linear between the points.
// Both are data along one dimension of at least two points, x ascending, heights not negative; they need not be
// normalised.
LOCKSTEP_FN inline Interpolated interpolated(const Real& x, const Real& height) { return {x, height}; }

}  // namespace lockstep
