// Skewed relatives of the normal and of Student's t: skew-normal, exponentially modified normal, skew t.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_normal.hpp"
#include "lockstep/special_tails.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// With z = (y - mu)/sigma, h = |z|, a = |alpha|, b = a h, Q = Phi(-.) and Owen's T,
//   T(h, a) = 1/(2 pi) int_0^a exp(-h^2 (1 + x^2)/2)/(1 + x^2) dx,
// what is beyond z is Q(h) + 2 T(h, a) on the side to which it is skewed, and on the other
//   Q(h) - 2 T(h, a) = 1/pi int_a^inf exp(-h^2 (1 + x^2)/2)/(1 + x^2) dx.
// Each as a sum of positive terms, for a > 1 by T(h, a) = (Q(h) + Q(b))/2 - Q(h) Q(b) - T(b, 1/a). Source: D. B. Owen, "Tables for
// computing bivariate normal probabilities", 1956.
struct SkewNormalKernel : TailsOf<SkewNormalKernel> {
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Mu, class Sigma, class Alpha>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Sigma& sigma, const Alpha& alpha) {
    using V = LanesOf<Y, Mu, Sigma, Alpha>;
    const V z = (y.value - mu.value) * sigma.inverse;
    const auto cdf = log_normal_cdf(V(alpha.value * z));
    const V by_z = alpha.value * cdf.slope - z, slope = by_z * sigma.inverse;
    return partials(V(cdf.value - 0.5 * z * z - (sigma.log + (log_sqrt_2pi - log_2))), slope, V(-slope),
                    V(-(z * by_z + 1.) * sigma.inverse), V(z * cdf.slope));
  }
  template <bool upper, class Y, class Mu, class Sigma, class Alpha>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu& mu, const Sigma& sigma, const Alpha& alpha) {
    using V = LanesOf<Y, Mu, Sigma, Alpha>;
    constexpr double inverse_pi = 0.31830988618379067154, sqrt_2pi = 2.5066282746310005024;
    const V z = (y.value - mu.value) * sigma.inverse, h = abs(z), a = abs(V(alpha.value)), b = a * h;
    const auto steep = a > 1., skewed_here = alpha.value * z > 0.;
    // On the other side the integral from a on, except near the middle, where the difference loses nothing.
    const auto direct = !skewed_here && max(h, b) >= 1.;
    const V from = choose(direct, a, V(0.)), scale = choose(direct || !steep, h, b), drift = choose(direct, b, V(0.));
    const V reach = 2. * detail::depth / (drift + sqrt(V(drift * drift + 2. * detail::depth))) / scale;
    const V end = choose(direct, reach, V(min(reach, choose(steep, V(1. / a), a))));
    V integral(0.);
    detail::for_each_node(end, [&](const V& s, const V& weight) {
      const V x = from + s, w = scale * s;
      integral += weight * exp(V(-w * (drift + 0.5 * w))) / (1. + x * x);
    });
    // Everything over exp(-h^2/2), except `direct`, over exp(-(h^2 + b^2)/2).
    const V q_h = 0.5 * detail::scaled_erfc(V(h * detail::sqrt_half)), q_b = 0.5 * detail::scaled_erfc(V(b * detail::sqrt_half));
    const V fall = exp(-0.5 * b * b), below_b = 1. - fall * q_b, twice_t = integral * inverse_pi;
    const V ratio = choose(steep, V(exp(V(0.5 * (h - b) * (h + b)))), V(1.));
    const V between = error_function(V(h * detail::sqrt_half)).value;   // P(|Z| < h)
    const V here = choose(steep, V(2. * q_h * below_b + ratio * (q_b - twice_t)), V(q_h + twice_t));
    const V there = choose(steep, V(ratio * (twice_t - q_b * between)), V(q_h - twice_t));
    const V size = choose(direct, twice_t, choose(skewed_here, here, there));
    const V own = log(size) - 0.5 * h * h - choose(direct, V(0.5 * b * b), V(0.));
    const V inverse = 1. / size, of_direct = choose(direct, V(1.), fall);
    const V density_by_z = 2. / sqrt_2pi * inverse * choose(skewed_here, below_b, V(of_direct * q_b));
    const V by_alpha = of_direct * inverse_pi * inverse / (1. + a * a);
    const V rest = choose(skewed_here && steep && own > -log_2, V(log(V(between * below_b + fall * twice_t))), V(log1m_exp(own)));
    const auto is_own = upper ? z >= 0. : z < 0.;
    const V odds = choose(is_own, V(1.), V(exp(V(own - rest)))), sign = V(upper ? -1. : 1.) * odds;
    const auto inside = [&] {
      const V slope = sign * density_by_z * sigma.inverse;
      return partials(V(choose(is_own, own, rest)), slope, V(-slope), V(-z * slope), V(-sign * by_alpha));
    }();
    constexpr double below = upper ? log_of_all : log_of_none, beyond = upper ? log_of_none : log_of_all;
    return constant_where(z == log_of_none, below, constant_where(z == -log_of_none, beyond, inside));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma, double alpha) {
    const double half = abs(random.normal()), other = random.normal();
    return mu + sigma * (alpha * half + other) / sqrt(1 + alpha * alpha);
  }
};
// Skew-normal with location mu, scale sigma > 0 and skewness parameter alpha (0 is normal), on the real line: density 2
// phi(z) Phi(alpha z)/sigma, z = (y - mu)/sigma. Source: A. Azzalini, "A class of distributions which includes the
// normal ones", 1985.
template <Operand Mu, Operand Sigma, Operand Alpha>
LOCKSTEP_FN auto skew_normal(const Mu& mu, const Sigma& sigma, const Alpha& alpha) {
  return make_distribution<SkewNormalKernel>(argument<Location>(mu), argument<Scale>(sigma), argument<Location>(alpha));
}

// With z = (y - mu)/sigma, a = sigma/nu and x = z - a:
//   log p = a^2/2 - a z + log Phi(x) - log nu;   for x < 0 also  -z^2/2 + log(Phi(x) exp(x^2/2)) - log nu
struct ExGaussianKernel : TailsOf<ExGaussianKernel> {
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Mu, class Sigma, class Nu>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Sigma& sigma, const Nu& nu) {
    using V = LanesOf<Y, Mu, Sigma, Nu>;
    const V z = (y.value - mu.value) * sigma.inverse, a = sigma.value * nu.inverse, x = z - a;
    const auto lower = x < 0.;
    const auto cdf = log_normal_cdf(V(max(x, V(0.))));
    const auto tail = scaled_normal_tail(V(min(x, V(0.))));
    const V excess = choose(lower, tail.slope, V(max(x, V(0.)) + cdf.slope));    // x + phi(x)/Phi(x)
    const V by_z = choose(lower, V(excess - z), V(cdf.slope - a)), slope = by_z * sigma.inverse;
    const V log_mass = choose(lower, V(tail.log_value - 0.5 * z * z), V(cdf.value + a * (0.5 * a - z)));
    return partials(V(log_mass - nu.log), slope, V(-slope), V(-(z * by_z + a * excess) * sigma.inverse),
                    V((a * excess - 1.) * nu.inverse));
  }
  // With z and a as above, M Mills' ratio and phi the normal density:
  //   P(Y <= y) = Phi(z) - nu p(y) = phi(z) (M(-z) - M(a - z)) for z < 0,   P(Y > y) = Phi(-z) + nu p(y)
  template <bool upper, class Y, class Mu, class Sigma, class Nu>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu& mu, const Sigma& sigma, const Nu& nu) {
    using V = LanesOf<Y, Mu, Sigma, Nu>;
    const V z = (y.value - mu.value) * sigma.inverse, a = sigma.value * nu.inverse, x = z - a;
    const auto is_lower = z < 0.;
    const auto at = density(y, mu, sigma, nu);
    const V part = at.log_density + nu.log;
    const V size = max(-z, V(0.)), difference = mills_difference(size, a);
    const V below = log(difference) - 0.5 * z * z - log_sqrt_2pi;
    const V own = choose(is_lower, below, log_sum_exp(log_normal_cdf(V(-z)).value, part)), rest = log1m_exp(own);
    const auto is_own = upper ? !is_lower : is_lower;
    const V value = choose(is_own, own, rest);
    // d P(Y <= y) = nu p(y) (a dz + excess da)
    const V not_below = max(x, V(0.)), not_above = min(x, V(0.));
    const V excess = choose(x < 0., scaled_normal_tail(not_above).slope, V(not_below + log_normal_cdf(not_below).slope));
    // nu p(y) over the tail; where that is `below`, both are over phi(z).
    const V by_logs = exp(part - value), by_mills = mills_ratio(V(size + a)) / difference;
    const V share = choose(is_lower, upper ? by_logs : by_mills, by_logs);
    const V scale = (upper ? -1. : 1.) * share, by_z = scale * a, by_a = scale * excess, slope = by_z * sigma.inverse;
    return partials(value, slope, V(-slope), V((a * by_a - z * by_z) * sigma.inverse), V(-a * by_a * nu.inverse));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma, double nu) {
    return mu + sigma * random.normal() + nu * random.exponential();
  }
};
// Exponentially modified normal, on the real line: a Normal(mu, sigma) plus an independent exponential with mean nu >
// 0. Stan's exp_mod_normal has the rate, 1/nu. Source: E. Grushka, "Characterization of exponentially modified Gaussian
// peaks in chromatography", 1972.
// Density exp(a (a/2 - z)) Phi(z - a)/nu, z = (y - mu)/sigma, a = sigma/nu.
template <Operand Mu, Operand Sigma, Operand Nu>
LOCKSTEP_FN auto ex_gaussian(const Mu& mu, const Sigma& sigma, const Nu& nu) {
  return make_distribution<ExGaussianKernel>(argument<Location>(mu), argument<Scale>(sigma), argument<Scale>(nu));
}

// With c = a + b, z = (y - mu)/sigma, r = sqrt(c + z^2) and t = z/r; the large parts of the log Gammas and of the
// powers cancel on paper, since (1 + t) c/(2 a) weighted by a and (1 - t) c/(2 b) weighted by b sum to c:
//   log p = a L((1 + t) c/(2 a)) + b L((1 - t) c/(2 b)) + log(a b/c)/2 + log 2 - log(2 pi)/2
//         + S(c) - S(a) - S(b) - log(r sigma)
// where L(x) = log x - (x - 1) and S = stirling_error.
// (1 + t)/2 is Beta(a, b); its logit has the derivatives 2/r by z and -z/(r c) by c.
struct SkewStudentTKernel : TailsOf<SkewStudentTKernel> {
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class A, class B, class Mu, class Sigma, class Total>
  LOCKSTEP_FN static auto density(const Y& y, const A& a, const B& b, const Mu& mu, const Sigma& sigma,
                                  const Total& total) {
    using V = LanesOf<Y, A, B, Mu, Sigma>;
    const V z = (y.value - mu.value) * sigma.inverse, c = total.value;
    const auto [inverse_r, up, down] = sides(z, c);
    const V log_up = log(up) + (total.log - log_2) - a.log, log_down = log(down) + (total.log - log_2) - b.log;
    const V deviance = a.value * log_minus(V(up * c * (0.5 * a.inverse)), log_up) +
                       b.value * log_minus(V(down * c * (0.5 * b.inverse)), log_down);
    const V log_density = deviance + (log_2 - log_sqrt_2pi) + 0.5 * (a.log + b.log - total.log) + log(inverse_r) +
                          (total.stirling - a.stirling - b.stirling) - sigma.log;
    const V by_z = ((a.value + 0.5) * down - (b.value + 0.5) * up) * inverse_r, slope = by_z * sigma.inverse;
    // d/dc = digamma(c) less log c, less 1/(2 c) of the normalisation, and what goes through t
    const V d_total = total.stirling_slope - total.inverse - 0.5 * z * by_z * total.inverse;
    return partials(log_density, slope, V(log_up + 0.5 * a.inverse - a.stirling_slope),
                    V(log_down + 0.5 * b.inverse - b.stirling_slope), V(-slope), V(-(z * by_z + 1.) * sigma.inverse),
                    d_total);
  }
  template <bool upper, class Y, class A, class B, class Mu, class Sigma, class Total>
  LOCKSTEP_FN static auto tail(const Y& y, const A& a, const B& b, const Mu& mu, const Sigma& sigma, const Total& total) {
    using V = LanesOf<Y, A, B, Mu, Sigma>;
    const V z = (y.value - mu.value) * sigma.inverse, c = total.value;
    const auto [inverse_r, up, down] = sides(z, c);
    const auto tails = beta_tails(V(a.value), V(b.value), V(0.5 * up), V(0.5 * down), V(log(up) - log_2), V(log(down) - log_2));
    const auto& of = upper ? tails.upper : tails.lower;
    const V by_z = 2. * of.by_logit * inverse_r, slope = by_z * sigma.inverse;
    const auto inside = partials(of.value, slope, of.by_a, of.by_b, V(-slope), V(-z * slope), V(-0.5 * z * by_z / c));
    constexpr double below = upper ? log_of_all : log_of_none, beyond = upper ? log_of_none : log_of_all;
    return constant_where(z == log_of_none, below, constant_where(z == -log_of_none, beyond, inside));
  }
  template <class R>
  LOCKSTEP_FN static double sample(R& random, double a, double b, double mu, double sigma, double total) {
    const double share = random.beta(a, b);
    return mu + sigma * sqrt(total) * (share - 0.5) / sqrt(share * (1 - share));
  }

 private:
  // 1/r, 1 + t and 1 - t, the smaller of these through their product c/r^2.
  template <class V> struct Sides {
    V inverse_r, up, down;
  };
  template <class V> LOCKSTEP_FN static Sides<V> sides(const V& z, const V& c) {
    const V inverse_r = 1. / sqrt(V(c + z * z)), larger = 1. + abs(V(z * inverse_r)), smaller = c * inverse_r * inverse_r / larger;
    const auto negative = z < 0.;
    return {inverse_r, choose(negative, smaller, larger), choose(negative, larger, smaller)};
  }
};
// Skew Student's t with shapes a, b > 0, location mu and scale sigma > 0, on the real line; a = b is Student's t with 2
// a degrees of freedom, a > b is skewed to the right. Source: M. C. Jones & M. J. Faddy, "A skew extension of the
// t-distribution, with applications", 2003. As PyMC's; Stan's skew_t, where it has one, differs.
// Density (1 + t)^(a + 1/2) (1 - t)^(b + 1/2)/(2^(a + b - 1) B(a, b) sqrt(a + b) sigma), t = z/sqrt(a + b + z^2),
// z = (y - mu)/sigma.
template <Operand A, Operand B, Operand Mu, Operand Sigma>
LOCKSTEP_FN auto skew_student_t(const A& a, const B& b, const Mu& mu, const Sigma& sigma) {
  return make_distribution<SkewStudentTKernel>(argument<Shape>(a), argument<Shape>(b), argument<Location>(mu),
                                               argument<Scale>(sigma), argument<Shape>(as_recipe(a) + as_recipe(b)));
}

}  // namespace lockstep
