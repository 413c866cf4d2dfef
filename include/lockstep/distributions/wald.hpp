// Wald, the inverse Gaussian. Formulas: Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 1, ch. 15.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

struct WaldKernel {
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
  // J. R. Michael, W. R. Schucany & R. W. Haas, "Generating random variates using transformations with multiple roots",
  // 1976: the smaller root of a quadratic, or mu^2 over it. The root is taken without cancellation.
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double lambda) {
    const double normal = random.normal(), w = 0.5 * mu * normal * normal / lambda;
    const double smaller = mu / (1 + w + sqrt(w * (2 + w)));
    return random.uniform() * (mu + smaller) <= mu ? smaller : mu * (mu / smaller);
  }
};
// Wald (inverse Gaussian) with mean mu > 0 and shape lambda > 0 (variance mu^3/lambda), on y > 0.
template <Operand Mu, Operand Lambda> LOCKSTEP_FN auto wald(const Mu& mu, const Lambda& lambda) {
  return make_distribution<WaldKernel>(argument<Scale>(mu), argument<Scale>(lambda));
}

struct ShiftedWaldKernel {
  template <class D> LOCKSTEP_FN static auto support(const D& d) { return above(get<2>(d.arguments).expression); }
  template <class Y, class Mu, class Lambda, class Alpha>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Lambda& lambda, const Alpha& alpha) {
    using V = std::remove_cvref_t<decltype(y.value - alpha.value)>;
    const auto at = WaldKernel::density(DataValue<V>{y.value - alpha.value}, mu, lambda);
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
