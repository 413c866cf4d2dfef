// Von Mises and Rice: what has a Bessel function in it.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_bessel.hpp"
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

struct VonMisesKernel {
  template <class D> LOCKSTEP_FN static Circular support(const D&) { return {}; }
  template <class Y, class Mu, class Kappa>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Kappa& kappa) {
    using V = LanesOf<Y, Mu, Kappa>;
    const auto half = sine_cosine_pi(V((y.value - mu.value) * (0.5 / pi)));
    const V fall = 2. * half.sine * half.sine;   // 1 - cos(y - mu)
    const V slope = 2. * kappa.value * half.sine * half.cosine;
    return partials(V(kappa.log_constant - kappa.value * fall), V(-slope), slope, V(kappa.ratio_to_one - fall));
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
};
// Von Mises on the circle, with mean direction mu (radians) and concentration kappa > 0; kappa = 0 would be uniform.
// Angles are parameters between -pi and pi, on circular(). The density has period 2 pi in y, so data may be in any
// range. Source: K. V. Mardia & P. E. Jupp, Directional Statistics, ch. 3.
// Density exp(kappa cos(y - mu))/(2 pi I_0(kappa)), I_0 a Bessel function.
template <Operand Mu, Operand Kappa> LOCKSTEP_FN auto von_mises(const Mu& mu, const Kappa& kappa) {
  return make_distribution<VonMisesKernel>(argument<Location>(mu), argument<Concentration>(kappa));
}

struct RiceKernel {
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
