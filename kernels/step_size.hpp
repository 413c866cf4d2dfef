// Each lane's own step size by dual averaging: Nesterov (2009), as in Hoffman & Gelman (2014), "The No-U-Turn Sampler".
#pragma once

#include "lockstep/math.hpp"

namespace lockstep {

template <class T> struct DualAveraging {
  static constexpr double gamma = 0.05, t0 = 10, kappa = 0.75;   // Hoffman & Gelman, section 3.2.1
  T centre = T(0.), error = T(0.), log_step = T(0.), log_averaged = T(0.), count = T(0.);

  // Starts afresh in the lanes of `mask`, near `log_step`.
  template <class Mask> LOCKSTEP_FN void restart(const Mask& mask, const T& start) {
    centre = select(mask, start + 2.302585092994046, centre);    // it pays to look at larger steps first: log(10 step)
    error = select(mask, T(0.), error);
    log_step = select(mask, start, log_step);
    log_averaged = select(mask, start, log_averaged);
    count = select(mask, T(0.), count);
  }

  // One trajectory of the lanes in `mask` accepted with probability `acceptance` where `target` was wanted.
  template <class Mask> LOCKSTEP_FN void update(const Mask& mask, const T& acceptance, double target) {
    const T n = count + 1.;
    const T share = 1. / (n + t0);
    const T new_error = (1. - share) * error + share * (target - acceptance);
    const T new_log_step = centre - new_error * sqrt(n) * (1. / gamma);
    const T forget = exp(-kappa * log(n));
    const T averaged = forget * new_log_step + (1. - forget) * log_averaged;
    count = select(mask, n, count);
    error = select(mask, new_error, error);
    log_step = select(mask, new_log_step, log_step);
    log_averaged = select(mask, averaged, log_averaged);
  }
};

}  // namespace lockstep
