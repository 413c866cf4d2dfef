// Relatives of the Poisson: generalised Poisson and Skellam, in saddle-point form.
#pragma once

#include "lockstep/distributions/poisson.hpp"
#include "lockstep/distributions/sums_of_masses.hpp"
#include "lockstep/special_bessel.hpp"

namespace lockstep {

// With the rate t = mu + lambda y: mu/t times the probability of y under Poisson(t).
struct GeneralizedPoissonKernel : TailsOf<GeneralizedPoissonKernel> {
  template <class Y, class Mu, class Lambda>
  LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const Lambda& lambda) {
    using V = LanesOf<Y, Mu, Lambda>;
    const auto at = mass(y, mu, lambda);
    return partials(unless(V(y.value) < 0. || not_whole(V(y.value)), at.log_density), Zero{}, get<0>(at.d_arguments),
                    get<1>(at.d_arguments));
  }
  template <class Y, class Mu, class Lambda>
  LOCKSTEP_FN static auto mass(const Y& y, const Mu& mu, const Lambda& lambda) {
    using V = LanesOf<Y, Mu, Lambda>;
    const V rate = mu.value + lambda.value * y.value;
    const auto possible = rate > 0.;
    const V safe = choose(possible, rate, V(1.)), log_rate = log(safe), inverse = 1. / safe;
    const V others = (y.value - 1.) * inverse;
    const V log_density = mu.log - log_rate + poisson_log_mass(y, safe, log_rate);
    return partials(choose(possible, log_density, V(-std::numeric_limits<double>::infinity())), Zero{},
                    V(mu.inverse + others - 1.), V(y.value * (others - 1.)));
  }
  static constexpr bool is_of_counts = true;
  template <bool upper, class Y, class Mu, class Lambda>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu& mu, const Lambda& lambda) {
    using V = LanesOf<Y, Mu, Lambda>;
    const auto is_normalized = V(lambda.value) >= 0.;
    const V last = -floor(V(mu.value / choose(is_normalized, V(-1.), V(lambda.value)))) - 1.;   // with mu + lambda y > 0
    return tail_by_masses<GeneralizedPoissonKernel, upper>(
        V(y.value), V(0.), choose(is_normalized, V(std::numeric_limits<double>::infinity()), last), is_normalized, mu, lambda);
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu, double lambda) {
    if (!(mu > 0 && lambda == lambda)) return log(-1.);
    if (lambda >= 0) {
      // All descendants of a Poisson(mu) number of individuals, each of whom has Poisson(lambda) children.
      double generation = random.poisson(mu), total = generation;
      while (generation > 0) total += generation = random.poisson(lambda * generation);
      return total;
    }
    while (true) {
      double u = random.uniform(), log_factorial = 0;
      for (double y = 0; mu + lambda * y > 0; ++y) {
        if (y > 0) log_factorial += log(y);
        const double rate = mu + lambda * y;
        if ((u -= mu / rate * exp(y * log(rate) - rate - log_factorial)) < 0) return y;
      }
    }
  }
};
// Generalised Poisson (Consul) with mu > 0 and lambda (mean mu/(1 - lambda), variance mean/(1 - lambda)^2); y = 0, 1,
// 2, ... lambda = 0 is Poisson(mu), 0 < lambda < 1 overdispersed. For max(-1, -mu/4) <= lambda < 0 counts with mu +
// lambda y <= 0 are impossible and the rest is not quite normalised, as in PyMC: both tails are sums of what is there. Source: P. C. Consul & G. C. Jain, "A
// generalization of the Poisson distribution", 1973.
// P(y) = mu (mu + lambda y)^(y - 1) exp(-mu - lambda y)/y!.
template <Operand Mu, Operand Lambda> LOCKSTEP_FN auto generalized_poisson(const Mu& mu, const Lambda& lambda) {
  return make_distribution<GeneralizedPoissonKernel>(argument<Scale>(mu), argument<Location>(lambda));
}

// log p(y) = -(mu1 + mu2) + (y/2) log(mu1/mu2) + log I_|y|(2 sqrt(mu1 mu2)). By the uniform expansion of the Bessel
// function, with w = |y| and s = sqrt(w^2 + 4 mu1 mu2): if y >= 0, counts a = (s + w)/2 and b = mu1 mu2/a, whose
// difference is y, take the place of the two Poissons' (the other way about, if y < 0), and
//   log p = a L(mu1/a) + b L(mu2/b) - log(2 pi s)/2 + ...,   L(r) = log r - (r - 1)
// Below |y| = 20 the expansion is for |y| + 20, and p(|y|) follows from ratios of neighbours, downwards, which is
// stable.
struct SkellamKernel : TailsOf<SkellamKernel> {
  template <class Y, class Mu1, class Mu2> LOCKSTEP_FN static auto density(const Y& y, const Mu1& mu1, const Mu2& mu2) {
    using V = LanesOf<Y, Mu1, Mu2>;
    const V value = y.value, order = abs(value);
    const auto negative = value < 0., low = order < double(lift);
    const V first = choose(negative, V(mu2.value), V(mu1.value)), second = choose(negative, V(mu1.value), V(mu2.value));
    const V log_first = choose(negative, V(mu2.log), V(mu1.log));
    const V square = 4. * first * second;                       // of the Bessel function's argument
    const V w = choose(low, V(order + double(lift)), order);
    const V s = sqrt(V(w * w + square)), r = 1. / s, u = w * w * r * r;
    const auto series = detail::uniform_bessel(r, u);
    const V a = 0.5 * (s + w), log_a = log(a), b = first * second / a;
    const V ratio = first / a, log_ratio = log_first - log_a;    // mu2/b is a/mu1
    V log_density = a * log_minus(ratio, log_ratio) + b * log_minus(V(a / first), V(-log_ratio)) - 0.5 * log(s) -
                    log_sqrt_2pi + series.value;
    V g = 1. / (s + w) - r * r * (0.5 + series.slope);           // I_{w+1}/I_w over the argument
    const V twice = 2. * first;
    V product(1.), lowered(0.), at = g;
    for (int k = lift; k > 0; --k) {
      at = 1. / (2. * (order + double(k)) + square * at);
      product = product * (twice * at);
      if (k % 4 == 1) {
        lowered += log(product);
        product = V(1.);
      }
    }
    log_density = choose(low, V(log_density - lowered), log_density);
    g = choose(low, at, g);
    const V pairs = 0.5 * square * g;                            // the mean of the smaller count, given y
    const V up = choose(negative, V(0.), order) + pairs, down = choose(negative, order, V(0.)) + pairs;
    return partials(unless(value != floor(value), log_density), Zero{}, V((up - mu1.value) * mu1.inverse),
                    V((down - mu2.value) * mu2.inverse));
  }
  static constexpr bool is_of_counts = true;
  // P(Y > y) = int_0^mu1 p(y; t, mu2) dt for y >= 0, since dP(Y > y)/dmu1 = p(y), and dP(Y > y)/dmu2 = -p(y + 1). Below 0 it is
  // P(-Y <= -y - 1), with the two rates exchanged. In u = sqrt(2 t) the integrand is a noncentral chi's density, which is
  // log-concave and falls as a normal one does, or faster; the side that has not its mode is integrated.
  template <bool upper, class Y, class Mu1, class Mu2>
  LOCKSTEP_FN static auto tail(const Y& y, const Mu1& mu1, const Mu2& mu2) {
    using V = LanesOf<Y, Mu1, Mu2>;
    const V whole = floor(V(y.value));
    const auto is_infinite = abs(whole) == -log_of_none, negative = whole < 0.;
    // Squares of larger numbers would overflow, in single precision too.
    const V k = choose(is_infinite, V(0.), min(choose(negative, V(-whole - 1.), whole), V(1e15)));
    const auto first = Scale::prepare(DataValue<V>{choose(negative, V(mu2.value), V(mu1.value))});
    const auto second = Scale::prepare(DataValue<V>{choose(negative, V(mu1.value), V(mu2.value))});
    const auto at = density(DataValue<V>{k}, first, second);
    const V u = sqrt(V(2. * first.value)), slope = 1. / u + u * get<0>(at.d_arguments);
    const auto is_lower_side = slope > 0.;
    const V steepness = abs(slope), side = choose(is_lower_side, V(-1.), V(1.));
    const V reach = 2. * detail::depth / (steepness + sqrt(V(steepness * steepness + 2. * detail::depth)));
    V size(0.);   // the integral over p(k) u
    detail::for_each_node(V(choose(is_lower_side, V(min(u, reach)), reach)), [&](const V& s, const V& weight) {
      const V x = u + side * s, step = side * s;
      const auto there = density(DataValue<V>{k}, Scale::prepare(DataValue<V>{V(0.5 * x * x)}), second);
      size += weight * (1. + step / u) * exp(V(there.log_density - at.log_density));
    });
    const V own = at.log_density + log(V(u * size)), rest = log1m_exp(own);
    const auto own_is_lower = (negative && is_lower_side) || (!negative && !is_lower_side);
    const auto is_own = upper ? !own_is_lower : own_is_lower;
    const V by_mass = choose(is_own, V(1.), V(exp(V(own - rest)))) / (u * size);   // p(k) over the tail
    const V next = exp(V(density(DataValue<V>{V(k + 1.)}, first, second).log_density - at.log_density));
    const V sign = upper ? 1. : -1.;
    const auto inside = partials(V(choose(is_own, own, rest)), Zero{}, V(sign * by_mass * choose(negative, next, V(1.))),
                                 V(-sign * by_mass * choose(negative, V(1.), next)));
    constexpr double none = upper ? log_of_all : log_of_none, all = upper ? log_of_none : log_of_all;
    return constant_where(whole == log_of_none, none, constant_where(whole == -log_of_none, all, inside));
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double mu1, double mu2) {
    const double up = random.poisson(mu1), down = random.poisson(mu2);
    return up - down;
  }
  static constexpr int lift = 20;
};
// Skellam: the difference of independent Poisson(mu1) and Poisson(mu2), mu1, mu2 > 0; y is any whole number. Source: J.
// G. Skellam, "The frequency distribution of the difference between two Poisson variates belonging to different
// populations", 1946.
// P(y) = exp(-mu1 - mu2) (mu1/mu2)^(y/2) I_|y|(2 sqrt(mu1 mu2)), I a Bessel function.
template <Operand Mu1, Operand Mu2> LOCKSTEP_FN auto skellam(const Mu1& mu1, const Mu2& mu2) {
  return make_distribution<SkellamKernel>(argument<Scale>(mu1), argument<Scale>(mu2));
}

}  // namespace lockstep
