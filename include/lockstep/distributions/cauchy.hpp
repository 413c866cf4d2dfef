// Cauchy and Student's t, and their halves. Formulas: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, 2.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_tails.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// P(Z > |z|) of a standard Cauchy, without cancellation.
constexpr double inverse_pi = 0.31830988618379067154;
template <class V> LOCKSTEP_FN V cauchy_tail(const V& z) {
  const V size = abs(z);
  const auto far = size > 1.;
  const V share = inverse_pi * atan(V(choose(far, V(1. / size), size)));
  return choose(far, share, V(0.5 - share));
}
// log P(Z <= z) and its derivative.
template <class V> LOCKSTEP_FN ValueAndSlope<V, V> log_cauchy_cdf(const V& z) {
  const V tail = cauchy_tail(z);
  const auto lower = z < 0.;
  const V density = inverse_pi / (1. + z * z);
  return {choose(lower, V(log(tail)), V(log1p(V(-tail)))), V(density / choose(lower, tail, V(1. - tail)))};
}

// z with P(Z > z) = exp(log_tail), which is at most 1/2.
inline double cauchy_tail_quantile(double log_tail) {
  const auto angle = sine_cosine_pi(exp(log_tail));
  return angle.cosine / angle.sine;
}

struct CauchyKernel {
  static constexpr bool location_scale = true;
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Mu, class Beta>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Beta& beta) {
    auto z = (y.value - mu.value) * beta.inverse;
    auto share = 1. / (1. + z * z);
    auto slope = 2. * z * share * beta.inverse;
    return partials(-log1p(z * z) - (beta.log + log_pi), -slope, slope, (1. - 2. * share) * beta.inverse);
  }
  template <class Y, class Mu, class Beta>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const Beta& beta) {
    return symmetric_log_cdf(y, mu, beta, [](const auto& z) { return log_cauchy_cdf(z); });
  }
  template <class Y, class Mu, class Beta>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const Beta& beta) {
    return symmetric_log_ccdf(y, mu, beta, [](const auto& z) { return log_cauchy_cdf(z); });
  }
  static double quantile(const LogTails& p, double mu, double beta) {
    return mu + (p.lower < p.upper ? -beta : beta) * cauchy_tail_quantile(min(p.lower, p.upper));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double beta) { return mu + beta * random.cauchy(); }
};
// Cauchy with median mu and half width at half maximum beta > 0, on the real line.
// Density 1/(pi beta (1 + z^2)), z = (y - mu)/beta. Source: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1,
// ch. 16.
template <Operand Mu, Operand Beta> LOCKSTEP_FN auto cauchy(const Mu& mu, const Beta& beta) {
  return make_distribution<CauchyKernel>(argument<Location>(mu), argument<Scale>(beta));
}

struct HalfCauchyKernel {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Beta> LOCKSTEP_FN static auto density(const Y& y, const Beta& beta) {
    auto z = y.value * beta.inverse;
    auto share = 1. / (1. + z * z);
    auto log_density = -log1p(z * z) - (beta.log + (log_pi - log_2));
    return partials(unless(y.value < 0., log_density), -2. * z * share * beta.inverse, (1. - 2. * share) * beta.inverse);
  }
  template <class Y, class Beta>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Beta& beta) {
    using V = LanesOf<Y, Beta>;
    const V z = y.value * beta.inverse, angle = atan(z);
    const V slope = beta.inverse / ((1. + z * z) * angle);
    const V log_share = choose(z < 1., V(log(angle) + (log_2 - log_pi)), V(log1p(V(-2. * cauchy_tail(z)))));
    return constant_where(y.value <= 0., log_of_none, partials(log_share, slope, V(-z * slope)));
  }
  template <class Y, class Beta>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Beta& beta) {
    using V = LanesOf<Y, Beta>;
    const V z = y.value * beta.inverse, near = -2. * cauchy_tail(V(1. / z));
    const V log_share = choose(z < 1., V(log1p(near)), V(log(cauchy_tail(z)) + log_2));
    const V slope = -beta.inverse / ((1. + z * z) * atan(V(1. / z)));
    return constant_where(y.value <= 0., log_of_all, partials(log_share, slope, V(-z * slope)));
  }
  static double quantile(const LogTails& p, double beta) {
    return beta * (p.lower < p.upper ? 1 / cauchy_tail_quantile(p.lower - log_2) : cauchy_tail_quantile(p.upper - log_2));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double beta) { return beta * abs(random.cauchy()); }
};
// The absolute value of a Cauchy(0, beta), on y > 0.
// Density 2/(pi beta (1 + (y/beta)^2)). Source: A. Gelman, "Prior distributions for variance parameters in hierarchical models",
// 2006.
template <Operand Beta> LOCKSTEP_FN auto half_cauchy(const Beta& beta) {
  return make_distribution<HalfCauchyKernel>(argument<Scale>(beta));
}

// Degrees of freedom: the normalising constant and its slope, by differences of Stirling errors, since the two log
// Gammas cancel for large nu. With h = nu/2:
//   log Gamma(h + 1/2) - log Gamma(h) - log(nu pi)/2 = h log(1 + 1/nu) - 1/2 + s(h + 1/2) - s(h) - log(2 pi)/2
template <class V, class C> struct DegreesOfFreedomState {
  V value;
  C log_constant, slope;
};
struct DegreesOfFreedom {
  template <class E> LOCKSTEP_FN static auto prepare(const E& e) {
    auto nu = e.value;
    auto half = 0.5 * nu;
    auto upper = half + 0.5;
    auto growth = log1p(1. / nu);
    auto log_constant =
        half * growth - 0.5 + (stirling_error(upper) - stirling_error(half)) - log_sqrt_2pi;
    auto slope = 0.5 * (growth - 1. / (nu + 1.) + stirling_error_derivative(upper) - stirling_error_derivative(half));
    return DegreesOfFreedomState<decltype(nu), decltype(log_constant)>{nu, log_constant, slope};
  }
};

// Of |T| in standard units: P(|T| > |z|) = I_x(nu/2, 1/2) with x = nu/(nu + z^2), as `lower`, and P(|T| <= |z|) as `upper`, with
// derivatives by log |z| and by nu. The logit of x, log(nu/z^2), does not overflow.
template <class V> struct StudentTTail {
  V value, by_log_z, by_nu;
};
template <class V> struct StudentTTails {
  V log_growth;   // log(1 + z^2/nu)
  StudentTTail<V> beyond, within;
};
template <class V> LOCKSTEP_FN StudentTTails<V> student_t_tails(const V& size, const V& nu) {
  const V logit = log(nu) - 2. * log(size);
  const auto up = softplus_sigmoid(logit), down = softplus_sigmoid(V(-logit));
  const auto tails = beta_tails(V(0.5 * nu), V(0.5), up.sigmoid, down.sigmoid, V(-down.softplus), V(-up.softplus));
  const auto of = [&](const auto& tail) {
    return StudentTTail<V>{tail.value, V(-2. * tail.by_logit), V(0.5 * tail.by_a + tail.by_logit / nu)};
  };
  return {down.softplus, of(tails.lower), of(tails.upper)};
}

// log P(T <= z) in standard units, and its derivatives by z and nu.
template <class V> struct StudentTCdf {
  V value, slope, by_nu;
};
template <class V, class Nu> LOCKSTEP_FN StudentTCdf<V> log_student_t_cdf(const V& z, const Nu& nu) {
  const V df = nu.value;
  // What is less than 1e-18 is no different from 0, whose logarithm is not finite.
  const auto tails = student_t_tails(V(max(V(1e-18), V(abs(z)))), df);
  const V tail = tails.beyond.value - log_2, rest = log1m_exp(tail);
  const auto lower = z < 0.;
  const V value = choose(lower, tail, rest), log_density = nu.log_constant - 0.5 * (df + 1.) * tails.log_growth;
  return {value, V(exp(log_density - value)), V(choose(lower, tails.beyond.by_nu, V(-exp(tail - rest) * tails.beyond.by_nu)))};
}

struct StudentTKernel {
  static constexpr bool location_scale = true;
  template <class D> LOCKSTEP_FN static RealLine support(const D&) { return {}; }
  template <class Y, class Nu, class Mu, class Sigma>
  LOCKSTEP_FN static auto density(const Y& y, const Nu& nu, const Mu& mu, const Sigma& sigma) {
    auto z = (y.value - mu.value) * sigma.inverse;
    auto ratio = z * z / nu.value;
    auto tail = log1p(ratio);
    auto weight = (nu.value + 1.) / (nu.value + z * z);
    auto slope = weight * z * sigma.inverse;
    return partials(nu.log_constant - sigma.log - 0.5 * (nu.value + 1.) * tail, -slope,
                    nu.slope - 0.5 * (tail - weight * ratio), slope, (weight * z * z - 1.) * sigma.inverse);
  }
  template <class Y, class Nu, class Mu, class Sigma>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Nu& nu, const Mu& mu, const Sigma& sigma) {
    return tail(y, nu, mu, sigma, 1.);
  }
  template <class Y, class Nu, class Mu, class Sigma>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Nu& nu, const Mu& mu, const Sigma& sigma) {
    return tail(y, nu, mu, sigma, -1.);
  }
  // log P(T <= side * z), z in standard units.
  template <class Y, class Nu, class Mu, class Sigma>
  LOCKSTEP_FN static auto tail(const Y& y, const Nu& nu, const Mu& mu, const Sigma& sigma, double side) {
    using V = LanesOf<Y, Nu, Mu, Sigma>;
    const V z = (y.value - mu.value) * sigma.inverse;
    const auto of = log_student_t_cdf(V(side * z), nu);
    const V slope = side * of.slope * sigma.inverse;
    return partials(of.value, slope, of.by_nu, V(-slope), V(-z * slope));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double nu, double mu, double sigma) {
    return mu + sigma * random.student_t(nu);
  }
};
// Student's t with nu > 0 degrees of freedom, location mu and scale sigma > 0, on the real line.
// Density Gamma((nu + 1)/2)/(Gamma(nu/2) sqrt(pi nu) sigma) (1 + z^2/nu)^(-(nu + 1)/2), z = (y - mu)/sigma. Source: Johnson, Kotz
// & Balakrishnan, Continuous Univariate Distributions 2, ch. 28.
template <Operand Nu, Operand Mu, Operand Sigma>
LOCKSTEP_FN auto student_t(const Nu& nu, const Mu& mu, const Sigma& sigma) {
  return make_distribution<StudentTKernel>(argument<DegreesOfFreedom>(nu), argument<Location>(mu), argument<Scale>(sigma));
}

struct HalfStudentTKernel : TailsOf<HalfStudentTKernel> {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Nu, class Sigma>
  LOCKSTEP_FN static auto density(const Y& y, const Nu& nu, const Sigma& sigma) {
    auto z = y.value * sigma.inverse;
    auto ratio = z * z / nu.value;
    auto tail = log1p(ratio);
    auto weight = (nu.value + 1.) / (nu.value + z * z);
    auto log_density = nu.log_constant + log_2 - sigma.log - 0.5 * (nu.value + 1.) * tail;
    return partials(unless(y.value < 0., log_density), -weight * z * sigma.inverse,
                    nu.slope - 0.5 * (tail - weight * ratio), (weight * z * z - 1.) * sigma.inverse);
  }
  template <bool upper, class Y, class Nu, class Sigma>
  LOCKSTEP_FN static auto tail(const Y& y, const Nu& nu, const Sigma& sigma) {
    using V = LanesOf<Y, Nu, Sigma>;
    const auto tails = student_t_tails(V(y.value * sigma.inverse), V(nu.value));
    const auto& of = upper ? tails.beyond : tails.within;
    return constant_where(y.value <= 0., upper ? log_of_all : log_of_none,
                          partials(of.value, V(of.by_log_z * inverse_of(y)), of.by_nu, V(-of.by_log_z * sigma.inverse)));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double nu, double sigma) {
    return sigma * abs(random.student_t(nu));
  }
};
// The absolute value of a Student's t with nu > 0 degrees of freedom, location 0 and scale sigma > 0, on y > 0.
// Density 2 Gamma((nu + 1)/2)/(Gamma(nu/2) sqrt(pi nu) sigma) (1 + (y/sigma)^2/nu)^(-(nu + 1)/2). Source: A. Gelman, "Prior
// distributions for variance parameters in hierarchical models", 2006.
template <Operand Nu, Operand Sigma> LOCKSTEP_FN auto half_student_t(const Nu& nu, const Sigma& sigma) {
  return make_distribution<HalfStudentTKernel>(argument<DegreesOfFreedom>(nu), argument<Scale>(sigma));
}

}  // namespace lockstep
