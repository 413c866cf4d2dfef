// First passage of a Wiener process with drift: response times of the diffusion model of decisions.
#pragma once

#include "lockstep/distribution.hpp"

namespace lockstep {

// log of f(u | w): the density of the time u at which a standard Wiener process that starts at w, 0 < w < 1, leaves (0,
// 1) through 0, and its derivatives. Two series meet at u = 0.3, where each has fallen below rounding after the terms
// kept (D. J. Navarro & I. G. Fuss, "Fast and accurate calculations for first-passage times in Wiener diffusion
// models", 2009):
//   f = (2 pi u^3)^(-1/2) sum_k (w + 2 k) exp(-(w + 2 k)^2/(2 u))  =  pi sum_k k exp(-k^2 pi^2 u/2) sin(k pi w)
template <class V> struct FirstPassage {
  V log_density, by_u, by_w;
};
template <class V> LOCKSTEP_FN FirstPassage<V> first_passage(const V& u, const V& w) {
  const auto early = u < 0.3;
  const V soon = min(u, V(0.3)), late = max(u, V(0.3));
  const V rate = 1. / soon;
  V sum(0.), by_w(0.), cubes(0.);
  for (int k = -3; k <= 2; ++k) {
    const V at = w + 2. * double(k), e = exp(V(-2. * double(k) * (double(k) + w) * rate));   // over exp(-w^2/(2 u))
    sum += at * e;
    by_w += (1. - at * at * rate) * e;
    cubes += at * at * at * e;
  }
  constexpr double pi = 3.14159265358979323846;
  V harmonics(0.), cosines(0.), thirds(0.);
  for (int k = 1; k <= 5; ++k) {
    const auto angle = sine_cosine_pi(V(double(k) * w));
    const V e = double(k) * exp(V((0.5 * pi * pi * double(1 - k * k)) * late));              // over exp(-pi^2 u/2)
    harmonics += e * angle.sine;
    cosines += double(k) * e * angle.cosine;
    thirds += double(k * k) * e * angle.sine;
  }
  const V of_few = log(sum) - log_sqrt_2pi - 1.5 * log(soon) - 0.5 * w * w * rate;
  const V of_many = log(harmonics) + log_pi - 0.5 * pi * pi * late;
  return {choose(early, of_few, of_many),
          choose(early, V((0.5 * cubes / sum * rate - 1.5) * rate), V(-0.5 * pi * pi * thirds / harmonics)),
          choose(early, V(by_w / sum), V(pi * cosines / harmonics))};
}

struct WienerKernel {
  template <class Y, class Alpha, class Tau, class Beta, class Delta>
  LOCKSTEP_FN static auto density(const Y& y, const Alpha& alpha, const Tau& tau, const Beta& beta,
                                  const Delta& delta) {
    using V = LanesOf<Y, Alpha, Tau, Beta, Delta>;
    // Seen from the boundary that is hit: `w` is the distance to it in units of alpha, `v` the drift away from it.
    const V side = sign_of(V(y.value)), time = abs(V(y.value)) - tau.value;
    const auto possible = time > 0.;
    const V safe = choose(possible, time, V(1.)), scale = alpha.inverse * alpha.inverse;
    const V w = choose(side > 0., V(1. - beta.value), V(beta.value)), v = -side * delta.value;
    const auto f = first_passage(V(safe * scale), w);
    const V log_density = f.log_density - 2. * alpha.log - v * (alpha.value * w + 0.5 * v * safe);
    const V by_time = f.by_u * scale - 0.5 * v * v;
    return partials(choose(possible, log_density, V(-std::numeric_limits<double>::infinity())), V(side * by_time),
                    V(-2. * alpha.inverse * (1. + f.by_u * safe * scale) - v * w), V(-by_time),
                    V(side * (v * alpha.value - f.by_w)), V(side * (alpha.value * w + v * safe)));
  }

  // From the middle of the widest interval around the process's place that both boundaries and the drift allow to the
  // next one's. Which end it leaves by is independent of when; when, without drift, is drawn by inversion and accepted
  // with exp(-delta^2 t/2).
  template <class R>
  static double sample(R& random, double alpha, double tau, double beta, double delta) {
    double place = beta * alpha, time = tau;
    if (!(alpha > 0 && place > 0 && place < alpha && abs(delta) < 1e150)) return log(-1.);
    while (true) {
      const bool nearer_lower = place < 0.5 * alpha;
      const double nearest = nearer_lower ? place : alpha - place;
      const double most = 2 / (abs(delta) + 1e-300), radius = min(nearest, most);
      double wait;
      do wait = radius * radius * exit_time(random);
      while (log(random.uniform()) > -0.5 * delta * delta * wait);
      time += wait;
      const bool up = random.uniform() < sigmoid(2 * delta * radius);
      if (radius == nearest && up != nearer_lower) return up ? time : -time;
      place += up ? radius : -radius;
    }
  }

 private:
  // When a standard Wiener process from 0 leaves (-1, 1): bisection on the logarithm of time.
  template <class R> static double exit_time(R& random) {
    const double u = random.uniform();
    double low = -7, high = 4;
    for (int i = 0; i < 60; ++i) {
      const double middle = 0.5 * (low + high);
      (still_inside(exp(middle)) > u ? low : high) = middle;
    }
    return exp(0.5 * (low + high));
  }
  static double still_inside(double t) {
    constexpr double pi = 3.14159265358979323846;
    double sum = 0, sign = 1;
    for (int k = 0; k < 8; ++k, sign = -sign) {
      const double odd = 2. * k + 1;
      sum += sign * (t > 0.5 ? 4 / pi / odd * exp(-odd * odd * pi * pi * t / 8) : 2 * ::erfc(odd / sqrt(2 * t)));
    }
    return t > 0.5 ? sum : 1 - sum;
  }
};
// Response times of the drift diffusion model, with their sign for the response: y > 0 is the time at which the upper
// boundary is hit, y < 0 minus the time at which the lower one is. alpha > 0: distance of the boundaries; tau >= 0:
// time that is not part of the decision, |y| > tau; beta between 0 and 1: where it starts, as a share of alpha; delta:
// drift upwards. For data. Stan's wiener is the density of the upper boundary only: of y here.
// Density exp(delta alpha (1 - beta) - delta^2 t/2) f(t/alpha^2 | 1 - beta)/alpha^2 of y = tau + t, exp(-delta alpha beta -
// delta^2 t/2) f(t/alpha^2 | beta)/alpha^2 of y = -tau - t, with f as above. Source: R. Ratcliff, "A theory of memory retrieval",
// 1978; Navarro & Fuss (2009).
template <Operand Alpha, Operand Tau, Operand Beta, Operand Delta>
LOCKSTEP_FN auto wiener(const Alpha& alpha, const Tau& tau, const Beta& beta, const Delta& delta) {
  return make_distribution<WienerKernel>(argument<Scale>(alpha), argument<Location>(tau), argument<Location>(beta),
                                         argument<Location>(delta));
}

}  // namespace lockstep
