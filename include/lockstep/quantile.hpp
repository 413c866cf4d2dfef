// Quantiles of kernels: in closed form where the kernel has one, else by a search for the tail. On the host.
#pragma once

#include "lockstep/bisection.hpp"
#include "lockstep/distribution.hpp"

namespace lockstep {

template <class Kernel, class... A> concept HasQuantile = requires(const LogTails& p, A... a) { Kernel::quantile(p, a...); };

// Both tails at y of a kernel whose arguments have these roles.
template <class Kernel, class... Roles, class... A> LogTails log_tails_at(double y, A... a) {
  const auto state = [](auto role, double x) { return decltype(role)::prepare(DataValue<double>{x}); };
  return {double(Kernel::log_cdf(DataValue<double>{y}, state(Roles(), a)...).log_density),
          double(Kernel::log_ccdf(DataValue<double>{y}, state(Roles(), a)...).log_density)};
}

// A quantile that is known but for rounding, better by a step of Newton's method: where little of a tail is between it and an end.
template <class Kernel, class... Roles, class... A> double improved_quantile(const LogTails& p, double y, A... a) {
  const LogTails at = log_tails_at<Kernel, Roles...>(y, a...);
  const double log_density = Kernel::density(DataValue<double>{y}, Roles::prepare(DataValue<double>{a})...).log_density;
  const double step = p.lower <= p.upper ? exp(p.lower - log_density) - exp(at.lower - log_density)
                                         : exp(at.upper - log_density) - exp(p.upper - log_density);
  return step - step == 0 ? y + step : y;
}

// The smallest y between the ends with P(Y <= y) >= p, 0 < p < 1, through the tail that is smaller; a closed form rounds it.
template <class Kernel, class... Roles, class... A>
double quantile_between(const LogTails& p, double lower, double upper, A... a) {
  const auto reached = [&](double y) {
    const LogTails at = log_tails_at<Kernel, Roles...>(y, a...);
    return p.lower <= p.upper ? at.lower >= p.lower : at.upper <= p.upper;
  };
  if constexpr (HasQuantile<Kernel, A...>) {
    double y = Kernel::quantile(p, a...);
    if constexpr (is_of_counts<Kernel>) {   // which may be next to it, by rounding
      if (reached(y - 1)) y -= 1;
      else if (!reached(y)) y += 1;
    }
    return min(max(y, lower), upper);
  } else {
    return first_that(reached, lower, upper);
  }
}

// Draws between bounds, however unlikely it is to be between them. NaN if it is impossible.
template <class Kernel, class... Roles, class R, class... A>
double draw_between(R& random, double lower, double upper, A... a) {
  if (!(lower < upper)) return std::numeric_limits<double>::quiet_NaN();
  const LogTails at_lower = log_tails_at<Kernel, Roles...>(lower, a...), at_upper = log_tails_at<Kernel, Roles...>(upper, a...);
  const double u = random.uniform(), log_u = log(u), log_rest = log1p(-u);
  const LogTails wanted{log_sum_exp(at_lower.lower + log_rest, at_upper.lower + log_u),
                        log_sum_exp(at_lower.upper + log_rest, at_upper.upper + log_u)};
  if (std::isinf(wanted.lower) || std::isinf(wanted.upper)) return std::numeric_limits<double>::quiet_NaN();
  return quantile_between<Kernel, Roles...>(wanted, lower, upper, a...);
}

}  // namespace lockstep
