// Wald, the inverse Gaussian. Formulas: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, ch. 15.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/special_normal.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

struct WaldKernel : TailsOf<WaldKernel> {
  template <class D> LOCKSTEP_FN static Positive support(const D&) { return {}; }
  template <class Y, class Mu, class Lambda>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Lambda& lambda) {
    using V = LanesOf<Y, Mu, Lambda>;
    const V inverse_y = inverse_of(y);
    const V z = (y.value - mu.value) * mu.inverse, square = z * z * inverse_y;
    const V log_density = 0.5 * lambda.log - log_sqrt_2pi - 1.5 * log_of(y) - 0.5 * lambda.value * square;
    return partials(unless(V(y.value) <= 0., log_density),
                    V(-(1.5 + 0.5 * lambda.value * z * (mu.inverse + inverse_y)) * inverse_y),
                    V(lambda.value * z * mu.inverse * mu.inverse), V(0.5 * (lambda.inverse - square)));
  }
  // With r = sqrt(lambda/y), s = r (y/mu - 1), M Mills' ratio and phi the normal density (J. Shuster, "On the inverse Gaussian
  // distribution function", 1968, where exp(2 lambda/mu) Phi(-s - 2 r) is phi(s) M(s + 2 r)):
  //   P(Y <= y) = phi(s) (M(-s) + M(s + 2 r)) for s <= 0,   P(Y > y) = phi(s) (M(s) - M(s + 2 r))
  // The second also just below s = 0 where r is small, since P(Y <= y) is near 1 there.
  template <bool upper, class Y, class Mu, class Lambda>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu& mu, const Lambda& lambda) {
    using V = LanesOf<Y, Mu, Lambda>;
    const V inverse_y = inverse_of(y), r = exp(V(0.5 * (lambda.log - log_of(y))));
    const V s = r * (y.value - mu.value) * mu.inverse, far = r * (y.value + mu.value) * mu.inverse, of_far = mills_ratio(far);
    const auto is_upper = s > 0. || r < 0.025;
    const V factor = choose(is_upper, mills_difference(s, V(2. * r)), V(mills_ratio(V(-s)) + of_far));
    const V own = log(factor) - 0.5 * s * s - log_sqrt_2pi, rest = log1m_exp(own);
    const auto is_own = upper ? is_upper : !is_upper;
    // The derivatives of P(Y <= y) over phi(s), then over the tail.
    const V sign = upper ? V(-1.) : V(1.), scale = sign * choose(is_own, V(1.), V(exp(own - rest))) / factor;
    const V lift = 2. * of_far * mu.inverse;
    return constant_where(y.value <= 0., upper ? log_of_all : log_of_none,
                          constant_where(y.value == -log_of_none, upper ? log_of_none : log_of_all,
                                         partials(V(choose(is_own, own, rest)), V(scale * r * inverse_y),
                                                  V(-scale * lift * lambda.value * mu.inverse),
                                                  V(scale * (lift - r * lambda.inverse)))));
  }
  // J. R. Michael, W. R. Schucany & R. W. Haas, "Generating random variates using transformations with multiple roots",
  // 1976: the smaller root of a quadratic, or mu^2 over it. The root is taken without cancellation.
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double lambda) {
    const double normal = random.normal(), w = 0.5 * mu * normal * normal / lambda;
    const double smaller = mu / (1 + w + sqrt(w * (2 + w)));
    return random.uniform() * (mu + smaller) <= mu ? smaller : mu * (mu / smaller);
  }
};
// Wald (inverse Gaussian) with mean mu > 0 and shape lambda > 0 (variance mu^3/lambda), on y > 0.
// Density sqrt(lambda/(2 pi y^3)) exp(-lambda (y - mu)^2/(2 mu^2 y)). Source: Johnson, Kotz & Balakrishnan, Continuous Univariate
// Distributions 1, ch. 15.
template <Operand Mu, Operand Lambda> LOCKSTEP_FN auto wald(const Mu& mu, const Lambda& lambda) {
  return make_distribution<WaldKernel>(argument<Scale>(mu), argument<Scale>(lambda));
}

struct ShiftedWaldKernel : TailsOf<ShiftedWaldKernel> {
  template <class D> LOCKSTEP_FN static auto support(const D& d) { return above(get<2>(d.arguments).expression); }
  template <class Y, class Mu, class Lambda, class Alpha>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Lambda& lambda, const Alpha& alpha) {
    using V = std::remove_cvref_t<decltype(y.value - alpha.value)>;
    const auto at = WaldKernel::density(DataValue<V>{y.value - alpha.value}, mu, lambda);
    return partials(at.log_density, at.d_value, get<0>(at.d_arguments), get<1>(at.d_arguments), -at.d_value);
  }
  template <bool upper, class Y, class Mu, class Lambda, class Alpha>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu& mu, const Lambda& lambda, const Alpha& alpha) {
    using V = LanesOf<Y, Mu, Lambda, Alpha>;
    const auto at = WaldKernel::tail<upper>(DataValue<V>{y.value - alpha.value}, mu, lambda);
    return partials(at.log_density, at.d_value, get<0>(at.d_arguments), get<1>(at.d_arguments), -at.d_value);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double lambda, double alpha) {
    return alpha + WaldKernel::sample(random, mu, lambda);
  }
};
// The same, shifted by alpha: on y > alpha.
template <Operand Mu, Operand Lambda, Operand Alpha>
LOCKSTEP_FN auto wald(const Mu& mu, const Lambda& lambda, const Alpha& alpha) {
  return make_distribution<ShiftedWaldKernel>(argument<Scale>(mu), argument<Scale>(lambda), argument<Location>(alpha));
}

}  // namespace lockstep
