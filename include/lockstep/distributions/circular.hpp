// Von Mises and Rice: what has a Bessel function in it.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_bessel.hpp"
#include "lockstep/special_tails.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// A concentration kappa > 0: what log I0 needs.
template <class V> struct ConcentrationState {
  V value, log_constant, ratio_to_one;
};
struct Concentration {
  template <class E> LOCKSTEP_FN static auto prepare(const E& e) {
    using V = std::remove_cvref_t<decltype(e.value)>;
    const auto bessel = log_bessel_i0(V(e.value));
    return ConcentrationState<V>{e.value, V(-bessel.log_scaled - 2. * log_sqrt_2pi), bessel.ratio_to_one};
  }
};

struct VonMisesKernel : TailsOf<VonMisesKernel> {
  template <class D> LOCKSTEP_FN static Circular support(const D&) { return {}; }
  template <class Y, class Mu, class Kappa>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Kappa& kappa) {
    using V = LanesOf<Y, Mu, Kappa>;
    const auto half = sine_cosine_pi(V((y.value - mu.value) * (0.5 / pi)));
    const V fall = 2. * half.sine * half.sine;   // 1 - cos(y - mu)
    const V slope = 2. * kappa.value * half.sine * half.cosine;
    return partials(V(kappa.log_constant - kappa.value * fall), V(-slope), slope, V(kappa.ratio_to_one - fall));
  }
  // The arc from -pi to y, or from y to pi, whichever is `own`: from its ends on away from the mode, or towards it where the arc is
  // short and around it, by Gauss and Legendre. Neither is 1 less the other where it is the smaller one.
  template <bool upper, class Y, class Mu, class Kappa>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu& mu, const Kappa& kappa) {
    using V = LanesOf<Y, Mu, Kappa>;
    const V value = min(max(V(y.value), V(-pi)), V(pi)), start = -pi - V(mu.value), k = kappa.value;
    const V first = start - 2. * pi * floor((start + pi) / (2. * pi)), unwrapped = first + (value + pi);
    const auto beyond = unwrapped > pi;
    const V last = choose(beyond, V(unwrapped - 2. * pi), unwrapped), theta_0 = abs(first), theta_1 = abs(last);
    const auto has_mode = (first < 0. && unwrapped > 0.) || unwrapped > 2. * pi;   // the arc that ends at y
    const auto mixed = (has_mode && !beyond) || (!has_mode && beyond);             // it has the mode or its opposite, not both
    const auto is_around = mixed && (theta_0 + theta_1) * sqrt(V(max(k, V(0.3)))) < 1.5;
    const V lower = min(theta_0, theta_1), upper_end = max(theta_0, theta_1);
    const auto near = piece(k, choose(is_around, V(0.), lower), choose(is_around, lower, choose(mixed, V(pi), upper_end)));
    const auto far = piece(k, choose(is_around, V(0.), upper_end), choose(mixed && !is_around, V(pi), upper_end));
    const V least = near.fall_at_start, weight = exp(V(-k * (far.fall_at_start - least)));
    const V size = near.mass + weight * far.mass, inverse = 1. / size;
    const V falls = near.mass * near.fall_at_start + near.excess + weight * (far.mass * far.fall_at_start + far.excess);
    const V own = kappa.log_constant - k * least + log(size), rest = log1m_exp(own);
    const auto own_is_lower = (is_around && has_mode) || (!is_around && !has_mode);
    const auto is_own = upper ? !own_is_lower : own_is_lower;
    const V odds = choose(is_own, V(1.), V(-exp(V(own - rest))));
    const V at_0 = exp(V(-k * (fall(theta_0) - least))) * inverse, at_1 = exp(V(-k * (fall(theta_1) - least))) * inverse;
    const V sign = choose(own_is_lower, odds, V(-odds));
    const auto inside = partials(V(choose(is_own, own, rest)), V(sign * at_1), V(sign * (at_0 - at_1)),
                                 V(odds * (kappa.ratio_to_one - falls * inverse)));
    constexpr double none = upper ? log_of_all : log_of_none, all = upper ? log_of_none : log_of_all;
    return constant_where(V(y.value) <= -pi, none, constant_where(V(y.value) >= pi, all, inside));
  }
  // D. J. Best & N. I. Fisher, "Efficient simulation of the von Mises distribution", 1979: from a wrapped Cauchy. Above
  // 1e5 a normal, of which it then differs by less than one part in 1e5; below 1e-8 a uniform.
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double kappa) {
    double angle;
    if (!(kappa < 1e5)) {
      angle = random.normal() / sqrt(kappa);
    } else if (kappa < 1e-8) {
      angle = pi * (2 * random.uniform() - 1);
    } else {
      const double tau = 1 + sqrt(1 + 4 * kappa * kappa);
      const double rho = (tau - sqrt(2 * tau)) / (2 * kappa), r = (1 + rho * rho) / (2 * rho);
      double f, c;
      do {
        const double z = sine_cosine_pi(random.uniform()).cosine;
        f = (1 + r * z) / (r + z);
        c = kappa * (r - f);
      } while (log(random.uniform()) > log(c) + 1 - c);
      const double size = 2 * ::atan2(sqrt(max(1 - f, 0.)), sqrt(max(1 + f, 0.)));
      angle = random.uniform() < 0.5 ? -size : size;
    }
    const double y = mu + angle;
    return y - 2 * pi * floor((y + pi) / (2 * pi));
  }
  static constexpr double pi = 3.14159265358979323846;

 private:
  template <class V> LOCKSTEP_FN static V fall(const V& theta) {   // 1 - cos(theta)
    const V sine = sine_cosine_pi(V(theta * (0.5 / pi))).sine;
    return 2. * sine * sine;
  }
  // int exp(k (cos(t) - cos(start))) dt from `start` to `end`, both in [0, pi], and the same with a factor cos(start) - cos(t).
  template <class V> struct Piece {
    V mass, excess, fall_at_start;
  };
  template <class V> LOCKSTEP_FN static Piece<V> piece(const V& k, const V& start, const V& end) {
    const auto half = sine_cosine_pi(V(start * (0.5 / pi)));
    const V at_start = 2. * half.sine * half.sine, sine = 2. * half.sine * half.cosine, cosine = 1. - at_start;
    const V drop = detail::depth / k;   // of the cosine, beyond which nothing counts
    const V narrow = 2. * drop / (sine + sqrt(V(max(V(sine * sine + 2. * drop * cosine), V(0.)))));
    const V least = cosine - drop, wide = choose(least > -0.999, V(acos(V(max(least, V(-0.999)))) - start), V(pi));
    const V reach = choose(k > 1e4, narrow, wide);
    V mass(0.), excess(0.);
    detail::for_each_node(V(min(V(end - start), reach)), [&](const V& s, const V& weight) {
      const auto of = sine_cosine_pi(V(s * (0.5 / pi)));
      const V fallen = 2. * of.sine * (sine * of.cosine + cosine * of.sine), here = weight * exp(V(-k * fallen));
      mass += here;
      excess += here * fallen;
    });
    return {mass, excess, at_start};
  }
};
// Von Mises on the circle, with mean direction mu (radians) and concentration kappa > 0; kappa = 0 would be uniform.
// Angles are parameters between -pi and pi, on circular(). The density has period 2 pi in y, so data may be in any
// range; its CDF is what lies between -pi and y, also where the mean is near -pi. Source: K. V. Mardia & P. E. Jupp, Directional
// Statistics, ch. 3.
// Density exp(kappa cos(y - mu))/(2 pi I_0(kappa)), I_0 a Bessel function.
template <Operand Mu, Operand Kappa> LOCKSTEP_FN auto von_mises(const Mu& mu, const Kappa& kappa) {
  return make_distribution<VonMisesKernel>(argument<Location>(mu), argument<Concentration>(kappa));
}

struct RiceKernel : TailsOf<RiceKernel> {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Nu, class Sigma>
  LOCKSTEP_FN static auto density(const Y& y, const Nu& nu, const Sigma& sigma) {
    using V = LanesOf<Y, Nu, Sigma>;
    const V u = y.value * sigma.inverse, v = nu.value * sigma.inverse, gap = u - v;
    const auto bessel = log_bessel_i0(V(abs(u * v)));
    const V to_one = bessel.ratio_to_one;
    const V log_density = log_of(y) - 2. * sigma.log - 0.5 * gap * gap + bessel.log_scaled;
    return partials(unless(V(y.value) <= 0., log_density), V(inverse_of(y) - (gap + v * to_one) * sigma.inverse),
                    V((gap - u * to_one) * sigma.inverse), V((gap * gap + 2. * u * v * to_one - 2.) * sigma.inverse));
  }
  // With u = y/sigma and v = nu/sigma, P(Y > y) is Marcum's Q_1(v, u), whose derivative by v is the density of u times
  // I_1(u v)/I_0(u v). The tail that has not the mode is integrated: the density is log-concave and falls there as a normal one
  // does, or faster.
  template <bool upper, class Y, class Nu, class Sigma>
  LOCKSTEP_FN static auto tail(const Y& y, const Nu& nu, const Sigma& sigma) {
    using V = LanesOf<Y, Nu, Sigma>;
    const auto outside = V(y.value) <= 0.;
    const V u = choose(outside, V(1.), V(y.value * sigma.inverse)), v = nu.value * sigma.inverse, gap = u - v;
    const auto at = log_bessel_i0(V(abs(u * v)));
    const V inverse_u = 1. / u, slope = inverse_u - gap - v * at.ratio_to_one;   // of the density's logarithm
    const auto own_is_lower = slope > 0.;
    const V steepness = abs(slope), side = choose(own_is_lower, V(-1.), V(1.));
    const V reach = 2. * detail::depth / (steepness + sqrt(V(steepness * steepness + 2. * detail::depth)));
    V size(0.);   // the tail over the density of u
    detail::for_each_node(V(choose(own_is_lower, V(min(u, reach)), reach)), [&](const V& s, const V& weight) {
      const V step = side * s, bessel = log_bessel_i0(V(abs((u + step) * v))).log_scaled;
      size += weight * (1. + step * inverse_u) * exp(V(bessel - at.log_scaled - step * (gap + 0.5 * step)));
    });
    const V own = log(u) - 0.5 * gap * gap + at.log_scaled + log(size), rest = log1m_exp(own);
    const auto is_own = upper ? !own_is_lower : own_is_lower;
    const V by_u = choose(is_own, V(1.), V(exp(V(own - rest)))) / size * V(upper ? -1. : 1.), by_v = -by_u * at.ratio;
    const auto inside = partials(V(choose(is_own, own, rest)), V(by_u * sigma.inverse), V(by_v * sigma.inverse),
                                 V(-(u * by_u + v * by_v) * sigma.inverse));
    constexpr double none = upper ? log_of_all : log_of_none, all = upper ? log_of_none : log_of_all;
    return constant_where(outside, none, constant_where(u == -log_of_none, all, inside));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double nu, double sigma) {
    const double x = nu + sigma * random.normal(), y = sigma * random.normal();
    return sqrt(x * x + y * y);
  }
};
// Rice, on y > 0: the distance from the origin of a point at distance nu >= 0 from it, to which independent Normal(0,
// sigma) are added in both coordinates. nu = 0 is Rayleigh. Source: S. O. Rice, "Mathematical analysis of random
// noise", 1945.
// Density y/sigma^2 exp(-(y^2 + nu^2)/(2 sigma^2)) I_0(y nu/sigma^2), I_0 a Bessel function.
template <Operand Nu, Operand Sigma> LOCKSTEP_FN auto rice(const Nu& nu, const Sigma& sigma) {
  return make_distribution<RiceKernel>(argument<Location>(nu), argument<Scale>(sigma));
}

}  // namespace lockstep
