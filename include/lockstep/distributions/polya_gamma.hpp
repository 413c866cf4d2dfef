// Polya-gamma. Source: N. G. Polson, J. G. Scott & J. Windle, "Bayesian inference for logistic models using Polya-Gamma latent
// variables", 2013.
#pragma once

#include "lockstep/distributions/wald.hpp"

namespace lockstep {

namespace detail {

// The log density of PG(h, 0) at x, and its derivatives.
template <class V> struct PolyaGammaLog {
  V value, by_x, by_h;
};

// Where h < 1 and x <= 1, by the alternating series (2013, eq. 6), of which ten terms are there:
//   f(x) = 2^(h-1)/Gamma(h) sum_n (-1)^n Gamma(n + h)/n! (2 n + h) exp(-(2 n + h)^2/(8 x))/sqrt(2 pi x^3)
template <class V> LOCKSTEP_FN PolyaGammaLog<V> polya_gamma_series(const V& x, const V& h) {
  // Terms over the first, whose factor is h.
  V sum(1.), by_x(0.), by_h(0.), weight(1.), log_weight_by_h(0.);
  const V inverse_x = 1. / x, inverse_h = 1. / h;
  for (int n = 1; n < 10; ++n) {
    const double sign = n % 2 == 0 ? 1. : -1., k = n;
    if (n > 1) {
      weight = weight * ((k - 1. + h) / k);   // Gamma(n + h)/(Gamma(1 + h) n!)
      log_weight_by_h += 1. / (k - 1. + h);
    }
    const V exponent = 0.5 * k * (k + h) * inverse_x;   // ((2 n + h)^2 - h^2)/(8 x)
    const V e = sign * weight * exp(-exponent), term = e * (2. * k + h);
    sum += term;
    by_x += term * exponent * inverse_x;
    by_h += e + term * (log_weight_by_h - 0.5 * k * inverse_x);
  }
  return {V((h - 1.) * log_2 + log(h) - 0.125 * h * h * inverse_x - log_sqrt_2pi - 1.5 * log(x) + log(sum)),
          V((0.125 * h * h * inverse_x - 1.5) * inverse_x + by_x / sum),
          V(log_2 + inverse_h - 0.25 * h * inverse_x + by_h / sum)};
}

// tanh(w)/w, s = 2 w^2, also for s < 0, where it is tan(v)/v, s = -2 v^2; and its derivatives by s.
template <class V> struct TanhRatio {
  V value, slope, bend;
};
template <class V> LOCKSTEP_FN TanhRatio<V> tanh_ratio(const V& s) {
  const auto small = abs(s) < 0.05;
  const V safe = choose(small, V(1.), s), w = sqrt(V(0.5 * abs(safe))), v = min(w, V(1.57079632679489656)), inverse = 0.5 / safe;
  const V ratio = choose(safe < 0., V(sin(v) / (v * cos(v))), V(tanh(w) / w));
  const V slope = (1. - ratio - 0.5 * safe * ratio * ratio) * inverse;
  const V bend = -(3. * slope + 0.5 * ratio * ratio + safe * ratio * slope) * inverse;
  return {choose(small, V(1. + s * (-1. / 6. + s * (1. / 30. - s * (17. / 2520.)))), ratio),
          choose(small, V(-1. / 6. + s * (1. / 15. - s * (17. / 840.))), slope),
          choose(small, V(1. / 15. - s * (17. / 420.)), bend)};
}

// log cosh(sqrt(s/2)) for a complex s above the real line, or on it above the first singularity, -pi^2/2.
template <class V> struct ComplexValue {
  V real, imaginary;
};
template <class V> LOCKSTEP_FN ComplexValue<V> log_cosh_of_root(const V& re, const V& im) {
  // a + i b = sqrt(s/2), the smaller of the two by their product, im/4.
  const V larger = max(V(0.5 * sqrt(V(sqrt(V(re * re + im * im)) + abs(re)))), V(1e-18)), smaller = 0.25 * im / larger;
  const auto left = re < 0.;
  const V a = choose(left, smaller, larger), b = choose(left, larger, smaller);
  const V sine = sin(b), cosine = cos(b), square = sine * sine, fall = exp(-2. * a), cosine_of_twice = 1. - 2. * square;
  // |cosh(a + i b)|^2 = sinh(a)^2 + cos(b)^2
  const V up = sinh(V(min(a, V(1.)))), grown = up * up;
  const V near = choose(square > 0.5, V(log(V(grown + cosine * cosine))), V(log1p(V(grown - square))));
  const V far = 2. * (a - log_2) + log1p(V(fall * (fall + 2. * cosine_of_twice)));
  const V turn = atan(V(2. * fall * sine * cosine / (1. + fall * cosine_of_twice)));
  return {V(0.5 * choose(a < 1., near, far)), V(b - turn)};
}

// By Laplace's inversion of E exp(-s X) = cosh(sqrt(s/2))^-h:
//   f(x) = 1/(2 pi i) int exp(s x - h F(s)) ds,   F(s) = log cosh(sqrt(s/2)),
// along the parabola s0 + i p - beta p^2 through the saddle point s0, which bends as the path of steepest descent does there, so
// that nothing cancels, however far out x is. By the trapezoidal rule in t, p = distance sinh(t), `distance` that of s0 from the
// first singularity: it converges exponentially (L. N. Trefethen & J. A. C. Weideman, "The exponentially convergent trapezoidal
// rule", 2014). Errors below 1e-13 for h >= 1, and for x > 1.
template <class V> LOCKSTEP_FN PolyaGammaLog<V> polya_gamma_integral(const V& x, const V& h) {
  constexpr double singularity = -4.93480220054467930942, inverse_pi = 0.31830988618379067154;
  constexpr int nodes = 48;
  // x = h tanh_ratio(s)/4 at the saddle point; 1/ratio^2 is nearly linear in s.
  const V q = 4. * x / h, wanted = 1. / (q * q);
  V s = singularity + 4. / q + 2. * wanted / (1. + 1.14 * q);
  for (int step = 0; step < 6; ++step) {
    const auto at = tanh_ratio(s);
    const V inverse = 1. / at.value;
    s = max(V(s + 0.5 * (inverse * inverse - wanted) * at.value * at.value * at.value / at.slope), V(singularity * (1. - 1e-13)));
  }
  const auto at = tanh_ratio(s);
  const V distance = s - singularity, width = 1. / sqrt(V(-0.25 * h * at.slope));   // of exp(s x - h F(s)), as a normal's
  const V beta = -at.bend / (6. * at.slope), reach = 11. * width / distance;
  const V step = log(V(reach + sqrt(V(1. + reach * reach)))) * (1. / nodes);   // sinh^-1(reach)
  const V f = log_cosh_of_root(s, V(0.)).real;
  V sum(0.), by_x(0.), by_h(0.);
  for (int k = 0; k <= nodes; ++k) {
    const V up = sinh(V(double(k) * step)), p = distance * up, real = s - beta * p * p;
    const auto of = log_cosh_of_root(real, p);
    const V size = exp(V(x * (real - s) - h * (of.real - f))) * sqrt(V(1. + up * up)) * (k == 0 ? 0.5 : 1.);
    const V angle = x * p - h * of.imaginary, turn = 2. * beta * p, cosine = cos(angle), sine = sin(angle);
    const V along = size * (cosine - turn * sine), across = size * (sine + turn * cosine);
    sum += along;
    by_x += along * real - across * p;
    by_h += across * of.imaginary - along * of.real;
  }
  return {V(s * x - h * f + log(V(sum * step * distance * inverse_pi))), V(by_x / sum), V(by_h / sum)};
}

}  // namespace detail

struct PolyaGammaKernel {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  // f(x | h, z) = cosh(z/2)^h exp(-z^2 x/2) f(x | h, 0)
  template <class Y, class H, class Z> LOCKSTEP_FN static auto density(const Y& y, const H& h, const Z& z) {
    using V = LanesOf<Y, H, Z>;
    const V x = y.value, shape = h.value, tilt = z.value;
    const auto by_series = shape < 1. && x <= 1.;
    const auto outside = x <= 0.;
    const V inside = choose(outside, V(1.), x);
    const auto series = detail::polya_gamma_series(V(min(inside, V(1.))), V(min(shape, V(1.))));
    const auto integral = detail::polya_gamma_integral(choose(by_series, V(1.), inside), choose(by_series, V(1.), shape));
    const auto pick = [&](const V& small, const V& other) { return V(choose(by_series, small, other)); };
    const V size = abs(tilt), e = exp(-size), log_cosh = 0.5 * size - log_2 + log1p(e);
    return partials(unless(outside, V(pick(series.value, integral.value) + shape * log_cosh - 0.5 * tilt * tilt * x)),
                    V(pick(series.by_x, integral.by_x) - 0.5 * tilt * tilt), V(pick(series.by_h, integral.by_h) + log_cosh),
                    V(0.5 * shape * sign_of(tilt) * (1. - e) / (1. + e) - tilt * x));
  }
  // A sum of gammas, (1/(2 pi^2)) sum_k G_k/((k - 1/2)^2 + z^2/(4 pi^2)), where the G_k are Gamma(h, 1). After 64 of them the
  // rest is one gamma, with the rest's mean and, to a part in 1e8 of the whole, its variance. For |z| > 50 a Wald, the first
  // term of the series, from which it differs by less than a part in 1e20.
  template <class R> LOCKSTEP_FN static double sample(R& random, double h, double z) {
    constexpr int terms = 64;
    constexpr double pi = 3.14159265358979323846, half_inverse_square = 0.5 / (pi * pi);
    const double size = abs(z);
    if (size > 50) return WaldKernel::sample(random, 0.5 * h / size, 0.25 * h * h);
    const double c = size / (2 * pi), mean_of_one = size < 1e-4 ? 0.25 - size * size / 48 : 0.5 * tanh(0.5 * size) / size;
    double sum = 0, share = 0;
    for (int k = 1; k <= terms; ++k) {
      const double weight = half_inverse_square / ((k - 0.5) * (k - 0.5) + c * c);
      sum += weight * random.gamma(h);
      share += weight;
    }
    const double rest = mean_of_one - share, square_of_rest = half_inverse_square * half_inverse_square /
                                                              (3. * terms * (terms * terms + 2 * c * c));
    const double shape = h * rest * rest / square_of_rest;
    return sum + h * rest * random.gamma(shape) / shape;
  }
};
// Polya-gamma, on x > 0, with shape h > 0 and tilt z: the sum over k of independent Gamma(h, 1) over
// 2 pi^2 ((k - 1/2)^2 + z^2/(4 pi^2)). Its mean is h tanh(z/2)/(2 z). PyMC's PolyaGamma(h, z).
template <Operand H, Operand Z> LOCKSTEP_FN auto polya_gamma(const H& h, const Z& z) {
  return make_distribution<PolyaGammaKernel>(argument<Location>(h), argument<Location>(z));
}

}  // namespace lockstep
