// On an interval: Kumaraswamy, logit-normal, beta by mean and concentration, zero-one-inflated beta, triangular.
#pragma once

#include "lockstep/distributions/gamma.hpp"

namespace lockstep {

struct KumaraswamyKernel {
  template <class D> LOCKSTEP_FN static UnitInterval support(const D&) { return {}; }
  template <class Y, class A, class B> LOCKSTEP_FN static auto density(const Y& y, const A& a, const B& b) {
    using V = LanesOf<Y, A, B>;
    const V log_y = log_of(y), log_power = a.value * log_y;
    const V log_rest = log1m_exp(log_power);                  // log(1 - y^a)
    const V pull = (b.value - 1.) / expm1(V(-log_power));     // (b - 1) y^a/(1 - y^a)
    const V log_density = a.log + b.log + (log_power - log_y) + (b.value - 1.) * log_rest;
    return partials(on_unit_interval(y, log_density), V((a.value - 1. - a.value * pull) * inverse_of(y)),
                    V(a.inverse + log_y * (1. - pull)), V(b.inverse + log_rest));
  }
  // The logarithm of x = -b log(1 - y^a), of which the tails are exponential: P(Y > y) = exp(-x).
  template <class Y, class A, class B> LOCKSTEP_FN static auto log_exponent(const Y& y, const A& a, const B& b) {
    using V = LanesOf<Y, A, B>;
    const V log_y = log_of(y), log_power = a.value * log_y, rest = -log1m_exp(log_power);
    const auto tiny = log_power < -40.;   // the next term of the series, y^a/2, is below 1e-17
    const V by_power = choose(tiny, V(1.), V(1. / (rest * expm1(V(-log_power)))));
    return partials(V(b.log + choose(tiny, log_power, V(log(rest)))), V(by_power * a.value * inverse_of(y)), V(by_power * log_y),
                    V(b.inverse));
  }
  template <class Y, class A, class B> LOCKSTEP_FN static auto log_cdf(const Y& y, const A& a, const B& b) {
    const auto x = log_exponent(y, a, b);
    const auto inside = constant_where(y.value <= 0., log_of_none, chain(log1m_exponential_tail(x.log_density), x));
    return constant_where(y.value >= 1., log_of_all, inside);
  }
  template <class Y, class A, class B> LOCKSTEP_FN static auto log_ccdf(const Y& y, const A& a, const B& b) {
    const auto x = log_exponent(y, a, b);
    const auto inside = constant_where(y.value <= 0., log_of_all, chain(log_exponential_tail(x.log_density), x));
    return constant_where(y.value >= 1., log_of_none, inside);
  }
  static double quantile(const LogTails& p, double a, double b) { return exp(log1m_exp(p.upper / b) / a); }
  template <class R> LOCKSTEP_FN static double sample(R& random, double a, double b) {
    return exp(log1m_exp(-random.exponential() / b) / a);
  }
};
// Kumaraswamy with a, b > 0, on 0 < y < 1: P(y <= x) = 1 - (1 - x^a)^b. Source: P. Kumaraswamy, "A generalized
// probability density function for double-bounded random processes", 1980.
template <Operand A, Operand B> LOCKSTEP_FN auto kumaraswamy(const A& a, const B& b) {
  return make_distribution<KumaraswamyKernel>(argument<Scale>(a), argument<Scale>(b));
}

struct LogitNormalKernel {
  template <class D> LOCKSTEP_FN static UnitInterval support(const D&) { return {}; }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Sigma& sigma) {
    using V = LanesOf<Y, Mu, Sigma>;
    const V log_y = log_of(y), log_rest = log1m_of(y), rest = complement_of(y);
    const V z = (log_y - log_rest - mu.value) * sigma.inverse, slope = z * sigma.inverse;
    const V log_density = -0.5 * z * z - (sigma.log + log_sqrt_2pi) - log_y - log_rest;
    return partials(on_unit_interval(y, log_density), V((y.value - rest - slope) / (y.value * rest)), slope,
                    V((z * z - 1.) * sigma.inverse));
  }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto log_cdf(const Y& y, const Mu& mu, const Sigma& sigma) {
    const auto inside = tail(y, mu, sigma, 1.);
    return constant_where(y.value <= 0., log_of_none, constant_where(y.value >= 1., log_of_all, inside));
  }
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto log_ccdf(const Y& y, const Mu& mu, const Sigma& sigma) {
    const auto inside = tail(y, mu, sigma, -1.);
    return constant_where(y.value <= 0., log_of_all, constant_where(y.value >= 1., log_of_none, inside));
  }
  // log P(Z <= side * z), z the logit of y in standard units.
  template <class Y, class Mu, class Sigma>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu& mu, const Sigma& sigma, double side) {
    using V = LanesOf<Y, Mu, Sigma>;
    const V z = (log_of(y) - log1m_of(y) - mu.value) * sigma.inverse;
    const auto of = log_normal_cdf(V(side * z));
    const V slope = side * of.slope * sigma.inverse;
    return partials(of.value, V(slope / (y.value * complement_of(y))), V(-slope), V(-z * slope));
  }
  static double quantile(const LogTails& p, double mu, double sigma) {
    return sigmoid(mu + sigma * normal_quantile(p.lower, p.upper));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double sigma) {
    return sigmoid(mu + sigma * random.normal());
  }
};
// Logit-normal, on 0 < y < 1: log(y/(1 - y)) is Normal(mu, sigma).
// Density exp(-z^2/2)/(sqrt(2 pi) sigma y (1 - y)), z = (log(y/(1 - y)) - mu)/sigma. Source: J. Aitchison & S. M. Shen,
// "Logistic-normal distributions: some properties and uses", 1980.
template <Operand Mu, Operand Sigma> LOCKSTEP_FN auto logit_normal(const Mu& mu, const Sigma& sigma) {
  return make_distribution<LogitNormalKernel>(argument<Location>(mu), argument<Scale>(sigma));
}

// Beta with mean mu, 0 < mu < 1, and concentration kappa > 0 (variance mu (1 - mu)/(1 + kappa)), on 0 < y < 1: a
// Beta(mu kappa, (1 - mu) kappa). As PyMC's Beta(mu, nu) and Stan's beta_proportion.
// Source: S. L. P. Ferrari & F. Cribari-Neto, "Beta regression for modelling rates and proportions", 2004.
template <Operand Mu, Operand Kappa> LOCKSTEP_FN auto beta_proportion(const Mu& mu, const Kappa& kappa) {
  return beta(as_recipe(mu) * as_recipe(kappa), (1. - as_recipe(mu)) * as_recipe(kappa));
}

struct ZeroOneInflatedBetaKernel : TailsOf<ZeroOneInflatedBetaKernel> {
  template <class Y, class Ends, class One, class Alpha, class Beta, class Total>
  LOCKSTEP_FN static auto density(const Y& y, const Ends& ends, const One& one, const Alpha& alpha, const Beta& beta,
                                  const Total& total) {
    const auto inside = BetaKernel::density(y, alpha, beta, total);
    using V = std::remove_cvref_t<decltype(inside.log_density + ends.log + one.log)>;
    const auto is_zero = V(y.value) == 0., is_one = V(y.value) == 1., at_end = is_zero || is_one;
    const V log_end = choose(is_one, V(one.log), V(one.log1m));
    const V d_one = choose(is_one, V(1. / one.value), V(-1. / (1. - one.value)));
    const auto inner = [&](const auto& d) { return choose(at_end, V(0.), V(d)); };
    return partials(choose(at_end, V(ends.log + log_end), V(ends.log1m + inside.log_density)), inner(inside.d_value),
                    choose(at_end, V(1. / ends.value), V(-1. / (1. - ends.value))), choose(at_end, d_one, V(0.)),
                    inner(get<0>(inside.d_arguments)), inner(get<1>(inside.d_arguments)),
                    inner(get<2>(inside.d_arguments)));
  }
  static constexpr bool has_atoms = true;
  // P(Y <= y) = ends (1 - one) + (1 - ends) P(beta <= y),   P(Y > y) = ends one + (1 - ends) P(beta > y),   0 <= y < 1
  template <bool upper, class Y, class Ends, class One, class Alpha, class Beta, class Total>
  LOCKSTEP_FN static auto tail(const Y& y, const Ends& ends, const One& one, const Alpha& alpha, const Beta& beta,
                               const Total& total) {
    using V = LanesOf<Y, Ends, One, Alpha, Beta>;
    const auto inside = BetaKernel::tail<upper>(y, alpha, beta, total);
    const V log_end = upper ? V(one.log) : V(one.log1m), joint = ends.log1m + inside.log_density;
    const V value = log_sum_exp(V(ends.log + log_end), joint), share = exp(V(joint - value));
    const V d_ends = exp(V(log_end - value)) - exp(V(inside.log_density - value)), d_one = exp(V(ends.log - value));
    const auto shared = [&](const auto& d) { return V(choose(share > 0., V(share * d), V(0.))); };
    const auto between = partials(value, shared(inside.d_value), d_ends, upper ? d_one : V(-d_one),
                                  shared(get<0>(inside.d_arguments)), shared(get<1>(inside.d_arguments)), Zero{});
    constexpr double below = upper ? log_of_all : log_of_none, beyond = upper ? log_of_none : log_of_all;
    return constant_where(V(y.value) < 0., below, constant_where(V(y.value) >= 1., beyond, between));
  }
  template <class R>
  LOCKSTEP_FN static double sample(R& random, double ends, double one, double alpha, double beta, double) {
    if (!random.bernoulli(ends)) return random.beta(alpha, beta);
    return random.bernoulli(one) ? 1. : 0.;
  }
};
// A proportion that may be exactly 0 or 1, for data: with probability zoi it is one of the two (1 with probability coi,
// given that), else Beta(alpha, beta). Both probabilities are between 0 and 1.
// P(0) = zoi (1 - coi), P(1) = zoi coi. Source: R. Ospina & S. L. P. Ferrari, "Inflated beta distributions", 2010.
template <Operand Ends, Operand One, Operand Alpha, Operand Beta>
LOCKSTEP_FN auto zero_one_inflated_beta(const Ends& zoi, const One& coi, const Alpha& alpha, const Beta& beta) {
  return make_distribution<ZeroOneInflatedBetaKernel>(argument<Probability>(zoi), argument<Probability>(coi),
                                                      argument<Shape>(alpha), argument<Shape>(beta),
                                                      argument<Shape>(as_recipe(alpha) + as_recipe(beta)));
}

struct TriangularKernel : TailsOf<TriangularKernel> {
  template <class D> LOCKSTEP_FN static auto support(const D& d) {
    return between(get<0>(d.arguments).expression, get<1>(d.arguments).expression);
  }
  template <class Y, class Lower, class Upper, class C>
  LOCKSTEP_FN static auto density(const Y& y, const Lower& lower, const Upper& upper, const C& c) {
    using V = LanesOf<Y, Lower, Upper, C>;
    const V width = upper.value - lower.value, up = y.value - lower.value, down = upper.value - y.value;
    const auto rising = V(y.value) < V(c.value);
    // The distances of y and of the mode from the end on their side; alike where y is the mode, also at an end.
    const V distance = choose(rising, up, down);
    const V side = choose(rising, V(c.value - lower.value), V(upper.value - c.value));
    const V share = choose(distance == side, V(1.), V(distance / side));
    const V by_distance = 1. / distance, by_side = 1. / side, by_width = 1. / width;
    const V end = by_side - by_distance, zero(0.);
    return partials(unless(min(up, down) < 0., V(log(V(2. * share / width)))),
                    choose(rising, by_distance, V(-by_distance)), V(by_width + choose(rising, end, zero)),
                    V(choose(rising, zero, V(-end)) - by_width), choose(rising, V(-by_side), by_side));
  }
  // The tail on the side of y has the probability distance^2/(width side), the other what is left.
  template <bool upper_tail, class Y, class Lower, class Upper, class C>
  LOCKSTEP_FN static auto tail(const Y& y, const Lower& lower, const Upper& upper, const C& c) {
    using V = LanesOf<Y, Lower, Upper, C>;
    constexpr double below = upper_tail ? log_of_all : log_of_none, above = upper_tail ? log_of_none : log_of_all;
    const V width = upper.value - lower.value, up = y.value - lower.value, down = upper.value - y.value;
    const auto rising = V(y.value) < V(c.value);
    const V distance = choose(rising, up, down);
    const V side = choose(rising, V(c.value - lower.value), V(upper.value - c.value));
    const V own = 2. * log(distance) - log(width) - log(side), rest = log1m_exp(own);
    const auto is_own = upper_tail ? !rising : rising;
    const V factor = choose(is_own, V(1.), V(-exp(own - rest))), zero(0.);
    const V by_distance = 2. * factor / distance, by_side = factor / side, by_width = factor / width;
    const V end = by_distance - by_side;
    const auto inside = partials(V(choose(is_own, own, rest)), V(choose(rising, by_distance, V(-by_distance))),
                                 V(by_width - choose(rising, end, zero)), V(choose(rising, zero, end) - by_width),
                                 V(choose(rising, V(-by_side), by_side)));
    return constant_where(up <= 0., below, constant_where(down <= 0., above, inside));
  }
  static double quantile(const LogTails& p, double lower, double upper, double c) {
    const double width = upper - lower, left = c - lower, right = upper - c;
    return p.lower < log(left / width) ? lower + sqrt(exp(p.lower) * width * left) : upper - sqrt(exp(p.upper) * width * right);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double lower, double upper, double c) {
    const double u = random.uniform(), width = upper - lower, left = (c - lower) / width;
    return u < left ? lower + width * sqrt(u * left) : upper - width * sqrt((1 - u) * (1 - left));
  }
};
// Triangular on lower < y < upper with mode c, lower <= c <= upper; the bounds may be expressions.
// Density 2 (y - lower)/((upper - lower) (c - lower)) up to c, 2 (upper - y)/((upper - lower) (upper - c)) beyond. Source:
// Johnson, Kotz & Balakrishnan, Continuous Univariate Distributions 2, ch. 26.
template <Operand Lower, Operand Upper, Operand C>
LOCKSTEP_FN auto triangular(const Lower& lower, const Upper& upper, const C& c) {
  return make_distribution<TriangularKernel>(argument<Location>(lower), argument<Location>(upper),
                                             argument<Location>(c));
}

}  // namespace lockstep
