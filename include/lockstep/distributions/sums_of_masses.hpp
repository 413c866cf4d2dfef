// Tails of counts that have no closed form: sums of masses, over the first of them.
//
// `Kernel::mass(y, states...)` is the density as a kernel's `density` gives it, at any y between the ends of the support, whole or
// not. What is summed is what has few terms, or falls; where nearly everything is in it, the other side is summed too, so that
// neither tail is 1 less what is nearly 1. Without an end, after 256 terms, the rest is an integral:
//   sum_{k >= m} f(k) = int_{m-1/2}^inf f dk + d/24 - 17 d3/5760 + 367 d5/967680 - ...
// with the central differences d, d3, d5 of f at m - 1/2 (Euler and Maclaurin's formula, NIST DLMF 2.10.1, its derivatives by
// differences), panel by panel in log k, in which a power law is an exponential. Its cost is bounded; that of a sum with an end is
// the number of masses that count.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_tails.hpp"

namespace lockstep {

namespace detail {

// A sum of masses over the first, and of these times their slopes by each argument.
template <class V, std::size_t arguments> struct MassSum {
  V sum, slopes[arguments];
  LOCKSTEP_FN MassSum() : sum(0.) {
    for (V& each : slopes) each = V(0.);
  }
  LOCKSTEP_FN void add(const V& factor, const MassSum& other) {
    sum += factor * other.sum;
    for (std::size_t i = 0; i < arguments; ++i) slopes[i] += factor * other.slopes[i];
  }
};

}  // namespace detail

template <class Kernel, class V, class... A> class SumOfMasses {
 public:
  static constexpr std::size_t arguments = sizeof...(A);
  using Sum = detail::MassSum<V, arguments>;

  // The masses of first, first + step, ... until `last`, step = 1 or -1, in the lanes of `wanted`.
  template <class Mask>
  LOCKSTEP_FN SumOfMasses(const Mask& wanted, const V& first, double step, const V& last, const A&... a)
      : log_first_(0.) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    auto open = wanted && step * (last - first) >= 0.;
    log_first_ = choose(open, V(Kernel::mass(DataValue<V>{choose(open, first, V(1.))}, a...).log_density), V(0.));
    open = open && log_first_ > -infinity;
    const auto any = open;
    constexpr int near = 256;
    Sum window[6];   // the last terms, for differences
    V k = first, before(infinity);
    for (int i = 0; any_lane<V>(open); ++i, k = k + step) {
      const Sum term = term_at(open, k, a...);
      total_.add(V(1.), term);
      for (int j = 0; j < 5; ++j) window[j] = window[j + 1];
      window[5] = term;
      const auto counts = term.sum > 1e-18 * total_.sum || term.sum > before;
      before = term.sum;
      open = open && counts && step * (last - k) >= 1. && k + step != k;
      if (i == near + 2 && any_lane<V>(open && last == infinity)) {
        // Three terms beyond the joint were for the differences.
        const auto far = open && last == infinity;
        const V joint = choose(far, V(k - 2.5), V(1.));
        for (int j = 3; j < 6; ++j) total_.add(choose(far, V(-1.), V(0.)), window[j]);
        add_differences(far, window);
        add_integral(far, joint, a...);
        open = open && last < infinity;
      }
    }
    log_sum_ = choose(any, V(log_first_ + log(choose(any, total_.sum, V(1.)))), V(-infinity));
    inverse_ = choose(any, V(1. / total_.sum), V(0.));
  }
  LOCKSTEP_FN V log_sum() const { return log_sum_; }
  LOCKSTEP_FN V slope(std::size_t i) const { return total_.slopes[i] * inverse_; }

 private:
  template <class Mask> LOCKSTEP_FN Sum term_at(const Mask& open, const V& k, const A&... a) const {
    const auto at = Kernel::mass(DataValue<V>{choose(open, k, V(1.))}, a...);
    const V mass = choose(open, V(exp(V(at.log_density - log_first_))), V(0.));
    const auto counts = mass > 0.;
    Sum term;
    term.sum = mass;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      ((term.slopes[I] = choose(counts, V(mass * in_lanes<V>(get<I>(at.d_arguments))), V(0.))), ...);
    }(std::index_sequence_for<A...>{});
    return term;
  }
  template <class Mask> LOCKSTEP_FN void add_differences(const Mask& far, const Sum* window) {
    const double weights[3] = {1. / 24, -17. / 5760, 367. / 967680};
    const double differences[3][3] = {{1, 0, 0}, {-3, 1, 0}, {10, -5, 1}};   // of pairs from the middle outwards
    for (int order = 0; order < 3; ++order)
      for (int pair = 0; pair <= order; ++pair) {
        const double weight = weights[order] * differences[order][pair];
        total_.add(choose(far, V(weight), V(0.)), window[3 + pair]);
        total_.add(choose(far, V(-weight), V(0.)), window[2 - pair]);
      }
  }
  // int_joint^inf f dk, k = joint e^w. A panel is as long as the integrand's slope and bend at its start allow.
  template <class Mask> LOCKSTEP_FN void add_integral(Mask far, V joint, const A&... a) {
    while (any_lane<V>(far)) {
      const auto height = [&](double w) {
        const V at = joint * exp(w);
        return V(Kernel::mass(DataValue<V>{choose(far, at, V(1.))}, a...).log_density + w);
      };
      constexpr double h = 0.004;
      const V low = height(0.), middle = height(h), high = height(2 * h);
      const V fall = max(V((low - high) * (0.5 / h)), V(0.)), bend = max(V((2. * middle - low - high) * (1. / (h * h))), V(0.));
      const V end = min(detail::depth_reached(V(fall + 1e-3), bend), V(8.));
      Sum panel;
      detail::for_each_node(end, [&](const V& w, const V& weight) {
        const V k = joint * exp(w);
        panel.add(V(weight * k), term_at(far, k, a...));
      });
      total_.add(choose(far, V(1.), V(0.)), panel);
      const V next = joint * exp(end);
      far = far && panel.sum > 1e-18 * total_.sum && next > joint;
      joint = choose(far, next, V(1.));
      const auto is_power = far && joint > 1e18;
      if (any_lane<V>(is_power)) add_power_law(is_power, joint, a...);
      far = far && joint <= 1e18;
    }
  }
  // From there on f is a power of k, to rounding, and its slopes by the arguments are linear in log k.
  template <class Mask> LOCKSTEP_FN void add_power_law(const Mask& far, const V& joint, const A&... a) {
    constexpr double e = 2.71828182845904523536;
    const Sum here = term_at(far, joint, a...), there = term_at(far, V(e * joint), a...);
    const V fall = choose(far, V(log(here.sum / there.sum) - 1.), V(1.)), inverse = 1. / fall;
    const V mass = choose(far, V(joint * here.sum * inverse), V(0.));
    total_.sum += mass;
    for (std::size_t i = 0; i < arguments; ++i) {
      const V first = here.slopes[i] / here.sum, second = there.slopes[i] / there.sum;
      total_.slopes[i] += choose(far, V(mass * (first + (second - first) * inverse)), V(0.));
    }
  }

  V log_first_, log_sum_, inverse_;
  Sum total_;
};

// A tail of counts from `least` to `most`, which may be infinite. Where masses do not sum to one, each tail is its own sum.
template <class Kernel, bool upper, class V, class Mask, class... A>
LOCKSTEP_FN auto tail_by_masses(const V& y, const V& least, const V& most, const Mask& sum_to_one, const A&... a) {
  constexpr double infinity = std::numeric_limits<double>::infinity(), nearly_all = -0.01;
  const auto none_yet = y < least, all = y >= most || y == infinity, possible = !(none_yet || all);
  const V whole = floor(choose(possible, y, least)), next = choose(possible, V(whole + 1.), least);
  const V below = whole - least + 1., above = most - whole;
  const V here = Kernel::mass(DataValue<V>{whole}, a...).log_density, there = Kernel::mass(DataValue<V>{next}, a...).log_density;
  const auto is_short = min(below, above) <= 64.;
  const auto lower_first = (is_short && below <= above) || (!is_short && there > here);
  const auto by_lower = upper ? sum_to_one && lower_first : !sum_to_one || lower_first;
  using Sum = SumOfMasses<Kernel, V, A...>;
  const Sum first(possible && by_lower, whole, -1., least, a...);
  const auto first_has_all = sum_to_one && by_lower && first.log_sum() > nearly_all;
  const Sum second(possible && (!by_lower || first_has_all), next, 1., most, a...);
  const auto second_has_all = sum_to_one && !by_lower && second.log_sum() > nearly_all;
  const Sum third(possible && second_has_all, whole, -1., least, a...);
  const auto use_upper = first_has_all || (!by_lower && !second_has_all);
  const auto pick = [&](const V& of_first, const V& of_second, const V& of_third) {
    return V(choose(use_upper, of_second, V(choose(second_has_all, of_third, of_first))));
  };
  const V own = pick(first.log_sum(), second.log_sum(), third.log_sum()), rest = log1m_exp(own);
  const auto is_own = upper ? use_upper : !use_upper;
  const V odds = choose(is_own, V(1.), V(-exp(V(own - rest))));
  const auto inside = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return partials(V(choose(is_own, own, rest)), Zero{}, V(odds * pick(first.slope(I), second.slope(I), third.slope(I)))...);
  }(std::index_sequence_for<A...>{});
  return constant_where(none_yet, upper ? log_of_all : log_of_none, constant_where(all, upper ? log_of_none : log_of_all, inside));
}

}  // namespace lockstep
