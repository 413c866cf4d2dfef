// Counts whose probability is itself beta: beta-binomial and beta-negative-binomial; and the hypergeometric. In
// saddle-point form, as the binomial's: no log Gammas that cancel. Formulas: Johnson, Kemp & Kotz, Univariate Discrete
// Distributions, ch. 6.
#pragma once

#include "lockstep/distributions/binomial.hpp"
#include "lockstep/distributions/sums_of_masses.hpp"

namespace lockstep {

// log(k)/2 + stirling_error(k) + log(2 pi)/2 of a count k, what k! has beyond k log k - k; nothing for 0! = 1.
template <class V, class K> LOCKSTEP_FN V factorial_term_of(const K& k) {
  return choose(V(k.value) > 0., V(count_term_of(k) + log_sqrt_2pi), V(0.));
}
// k (log r - (r - 1)), r = mean/k, of a count k; -mean for k = 0.
template <class V> LOCKSTEP_FN V deviance_of(const V& k, const V& mean, const V& log_mean) {
  const V safe = choose(k > 0., k, V(1.));
  return choose(k > 0., V(k * log_minus(V(mean / safe), V(log_mean - log(safe)))), V(-mean));
}

// With failures r = n - y, s = alpha + beta, N = n + s, each logarithm less its linear part (those sum to zero):
//   log p = y L((y+alpha) n/(N y)) + r L((r+beta) n/(N r))
//         + alpha L((y+alpha) s/(N alpha)) + beta L((r+beta) s/(N beta)) + ...
struct BetaBinomialKernel : TailsOf<BetaBinomialKernel> {
  template <class Y, class Alpha, class Beta, class N, class Total>
  LOCKSTEP_FN static auto density(const Y& y, const Alpha& alpha, const Beta& beta, const N& n, const Total& total) {
    using V = LanesOf<Y, Alpha, Beta, N>;
    const auto at = mass(y, alpha, beta, n, total);
    return partials(unless(min(V(y.value), V(n.value - y.value)) < 0. || not_whole(V(y.value)), at.log_density), Zero{},
                    get<0>(at.d_arguments), get<1>(at.d_arguments), get<2>(at.d_arguments), Zero{});
  }
  template <class Y, class Alpha, class Beta, class N, class Total>
  LOCKSTEP_FN static auto mass(const Y& y, const Alpha& alpha, const Beta& beta, const N& n, const Total& total) {
    using V = LanesOf<Y, Alpha, Beta, N>;
    const V successes = y.value, failures = n.value - y.value;
    const auto a = Shape::prepare(DataValue<V>{max(successes, V(0.)) + alpha.value});
    const auto b = Shape::prepare(DataValue<V>{max(failures, V(0.)) + beta.value});
    const auto all = Shape::prepare(DataValue<V>{n.value + total.value});
    const V log_up = a.log - all.log, log_down = b.log - all.log, up = a.value * all.inverse,
            down = b.value * all.inverse;
    const V deviance = deviance_of(successes, V(up * n.value), V(log_up + n.log)) +
                       deviance_of(failures, V(down * n.value), V(log_down + n.log)) +
                       alpha.value * log_minus(V(up * total.value * alpha.inverse), V(log_up + total.log - alpha.log)) +
                       beta.value * log_minus(V(down * total.value * beta.inverse), V(log_down + total.log - beta.log));
    const V log_density = deviance + (n.count_term + log_sqrt_2pi) - factorial_term_of<V>(DataValue<V>{successes}) -
                          factorial_term_of<V>(DataValue<V>{failures}) +
                          0.5 * (all.log + alpha.log + beta.log - a.log - b.log - total.log) +
                          (a.stirling + b.stirling + total.stirling - all.stirling - alpha.stirling - beta.stirling);
    // digamma(x) = log x - 1/(2 x) + stirling_slope
    const V gap = total.log - all.log + 0.5 * (all.inverse - total.inverse) + total.stirling_slope - all.stirling_slope;
    const V d_alpha =
        a.log - alpha.log + 0.5 * (alpha.inverse - a.inverse) + a.stirling_slope - alpha.stirling_slope + gap;
    const V d_beta = b.log - beta.log + 0.5 * (beta.inverse - b.inverse) + b.stirling_slope - beta.stirling_slope + gap;
    const V by_all = all.log - 0.5 * all.inverse + all.stirling_slope,
            by_down = b.log - 0.5 * b.inverse + b.stirling_slope;
    const V d_n = digamma(V(n.value + 1.)) - digamma(V(failures + 1.)) + by_down - by_all;
    return partials(log_density, Zero{}, d_alpha, d_beta, d_n, Zero{});
  }
  static constexpr bool is_of_counts = true;
  template <bool upper, class Y, class Alpha, class Beta, class N, class Total>
  LOCKSTEP_FN static auto tail(const Y& y, const Alpha& alpha, const Beta& beta, const N& n, const Total& total) {
    using V = LanesOf<Y, Alpha, Beta, N>;
    const V value = y.value;
    const auto at = tail_by_masses<BetaBinomialKernel, upper>(value, V(0.), V(n.value), value == value, alpha, beta, n, total);
    // Masses sum to one at a whole n only: no derivative by n.
    return partials(at.log_density, Zero{}, get<0>(at.d_arguments), get<1>(at.d_arguments), Zero{}, Zero{});
  }
  template <class R> LOCKSTEP_FN static double sample(R& random, double alpha, double beta, double n, double) {
    return random.binomial(n, random.beta(alpha, beta));
  }
};
// Successes in n trials whose common probability is Beta(alpha, beta); alpha, beta > 0, n >= 1; y = 0, 1, ..., n.
// Stan's beta_binomial has n first. Its CDF has no derivative by n, and costs as many masses as count.
// P(y) = C(n, y) B(y + alpha, n - y + beta)/B(alpha, beta). Source: Johnson, Kemp & Kotz, Univariate Discrete Distributions,
// ch. 6.
template <Operand Alpha, Operand Beta, Operand N>
LOCKSTEP_FN auto beta_binomial(const Alpha& alpha, const Beta& beta, const N& n) {
  return make_distribution<BetaBinomialKernel>(argument<Shape>(alpha), argument<Shape>(beta), argument<Trials>(n),
                                               argument<Shape>(as_recipe(alpha) + as_recipe(beta)));
}

// With a = alpha + r, b = beta + y, k = r + y, s = alpha + beta, N = s + k:
//   log p = y L(b k/(N y)) + r L(a k/(N r)) + alpha L(a s/(N alpha)) + beta L(b s/(N beta)) + ...
struct BetaNegativeBinomialKernel : TailsOf<BetaNegativeBinomialKernel> {
  template <class Y, class Needed, class Alpha, class Beta, class Total>
  LOCKSTEP_FN static auto density(const Y& y, const Needed& r, const Alpha& alpha, const Beta& beta,
                                  const Total& total) {
    using V = LanesOf<Y, Needed, Alpha, Beta>;
    const auto at = mass(y, r, alpha, beta, total);
    return partials(unless(V(y.value) < 0. || not_whole(V(y.value)), at.log_density), Zero{}, get<0>(at.d_arguments),
                    get<1>(at.d_arguments), get<2>(at.d_arguments), Zero{});
  }
  template <class Y, class Needed, class Alpha, class Beta, class Total>
  LOCKSTEP_FN static auto mass(const Y& y, const Needed& r, const Alpha& alpha, const Beta& beta, const Total& total) {
    using V = LanesOf<Y, Needed, Alpha, Beta>;
    const V value = y.value, count = max(value, V(0.));
    const auto a = Shape::prepare(DataValue<V>{alpha.value + r.value}),
               b = Shape::prepare(DataValue<V>{beta.value + count});
    const auto k = Shape::prepare(DataValue<V>{r.value + count});
    const auto all = Shape::prepare(DataValue<V>{total.value + r.value + count});
    const V log_up = b.log - all.log, log_down = a.log - all.log, up = b.value * all.inverse,
            down = a.value * all.inverse;
    const V deviance =
        deviance_of(value, V(up * k.value), V(log_up + k.log)) +
        r.value * log_minus(V(down * k.value * r.inverse), V(log_down + k.log - r.log)) +
        alpha.value * log_minus(V(down * total.value * alpha.inverse), V(log_down + total.log - alpha.log)) +
        beta.value * log_minus(V(up * total.value * beta.inverse), V(log_up + total.log - beta.log));
    const V log_density = deviance - factorial_term_of<V>(DataValue<V>{value}) +
                          0.5 * (all.log + r.log + alpha.log + beta.log - a.log - b.log - k.log - total.log) +
                          (a.stirling + b.stirling + k.stirling + total.stirling - all.stirling - r.stirling -
                           alpha.stirling - beta.stirling);
    const auto digamma_of = [](const auto& x) { return V(x.log - 0.5 * x.inverse + x.stirling_slope); };
    const V by_all = digamma_of(all), by_total = digamma_of(total), by_a = digamma_of(a);
    return partials(log_density, Zero{}, V((digamma_of(k) - digamma_of(r)) + (by_a - by_all)),
                    V((by_a - digamma_of(alpha)) + (by_total - by_all)),
                    V((digamma_of(b) - digamma_of(beta)) + (by_total - by_all)), Zero{});
  }
  static constexpr bool is_of_counts = true;
  template <bool upper, class Y, class Needed, class Alpha, class Beta, class Total>
  LOCKSTEP_FN static auto tail(const Y& y, const Needed& r, const Alpha& alpha, const Beta& beta, const Total& total) {
    using V = LanesOf<Y, Needed, Alpha, Beta>;
    const V value = y.value, no_end(std::numeric_limits<double>::infinity());
    return tail_by_masses<BetaNegativeBinomialKernel, upper>(value, V(0.), no_end, value == value, r, alpha, beta, total);
  }
  template <class R>
  LOCKSTEP_FN static double sample(R& random, double r, double alpha, double beta, double) {
    const double odds = exp(random.log_gamma_draw(beta) - random.log_gamma_draw(alpha));
    return random.negative_binomial(r * odds, r);
  }
};
// Failures before the r-th success, where a trial's probability of success is Beta(alpha, beta); r, alpha, beta > 0, r
// need not be whole; y = 0, 1, 2, ... As Stan's beta_neg_binomial.
// P(y) = Gamma(r + y)/(Gamma(r) y!) B(alpha + r, beta + y)/B(alpha, beta). Source: Johnson, Kemp & Kotz, Univariate Discrete
// Distributions, ch. 6.
template <Operand Needed, Operand Alpha, Operand Beta>
LOCKSTEP_FN auto beta_negative_binomial(const Needed& r, const Alpha& alpha, const Beta& beta) {
  return make_distribution<BetaNegativeBinomialKernel>(argument<Shape>(r), argument<Shape>(alpha),
                                                       argument<Shape>(beta),
                                                       argument<Shape>(as_recipe(alpha) + as_recipe(beta)));
}

// A ratio of three binomials at the same probability, whichever (Loader 2000): n/N, where each is in saddle-point form.
struct HypergeometricKernel : TailsOf<HypergeometricKernel> {
  template <class Y, class All, class Good, class Drawn, class Bad>
  LOCKSTEP_FN static auto density(const Y& y, const All& all, const Good& good, const Drawn& drawn, const Bad& bad) {
    using V = LanesOf<Y, All, Good, Drawn>;
    const auto some = min(V(drawn.value), V(all.value - drawn.value)) > 0.;
    const V p = choose(some, V(drawn.value / all.value), V(0.5));
    const V q = choose(some, V((all.value - drawn.value) / all.value), V(0.5)), log_p = log(p), log_q = log(q);
    const V missed = drawn.value - y.value;
    const V log_density = binomial_log_density(y, good, p, log_p, q, log_q) +
                          binomial_log_density(DataValue<V>{missed}, bad, p, log_p, q, log_q) -
                          binomial_log_density(DataValue<V>{V(drawn.value)}, all, p, log_p, q, log_q);
    const V left = bad.value - missed;
    const V by_bad = digamma(V(bad.value + 1.)) - digamma(V(left + 1.));
    const V d_all = by_bad - digamma(V(all.value + 1.)) + digamma(V(all.value - drawn.value + 1.));
    const V d_good = digamma(V(good.value + 1.)) - digamma(V(good.value - y.value + 1.)) - by_bad;
    const V d_drawn = digamma(V(left + 1.)) - digamma(V(missed + 1.)) + digamma(V(drawn.value + 1.)) -
                      digamma(V(all.value - drawn.value + 1.));
    return partials(log_density, Zero{}, d_all, d_good, d_drawn, Zero{});
  }
  static constexpr bool is_of_counts = true;
  template <class... A> LOCKSTEP_FN static auto mass(const A&... a) { return density(a...); }
  template <bool upper, class Y, class All, class Good, class Drawn, class Bad>
  LOCKSTEP_FN static auto tail(const Y& y, const All& all, const Good& good, const Drawn& drawn, const Bad& bad) {
    using V = LanesOf<Y, All, Good, Drawn>;
    const V value = y.value, least = max(V(drawn.value - bad.value), V(0.)), most = min(V(good.value), V(drawn.value));
    // Masses sum to one at whole N, k and n only: each tail is its own sum.
    return tail_by_masses<HypergeometricKernel, upper>(value, least, most, value != value, all, good, drawn, bad);
  }
  // By inversion, from the mode outwards.
  template <class R>
  LOCKSTEP_FN static double sample(R& random, double all, double good, double drawn, double bad) {
    if (!(min(good, bad) >= 0 && drawn >= 0 && drawn <= all)) return log(-1.);
    const auto prepared = [](double n) { return Trials::prepare(DataValue<double>{n}); };
    const double least = max(0., drawn - bad), most = min(good, drawn);
    const double mode = min(most, max(least, floor((drawn + 1) * (good + 1) / (all + 2))));
    const double at_mode = exp(
        density(DataValue<double>{mode}, prepared(all), prepared(good), prepared(drawn), prepared(bad)).log_density);
    if (!(at_mode > 0)) return log(-1.);
    while (true) {
      double u = random.uniform() - at_mode, up = at_mode, down = at_mode, above = mode, below = mode;
      if (u < 0) return mode;
      while (above < most || below > least) {
        if (above < most) {
          up *= (good - above) * (drawn - above) / ((above + 1) * (bad - drawn + above + 1));
          above += 1;
          if ((u -= up) < 0) return above;
        }
        if (below > least) {
          down *= below * (bad - drawn + below) / ((good - below + 1) * (drawn - below + 1));
          below -= 1;
          if ((u -= down) < 0) return below;
        }
        if (up + down < 1e-30) break;
      }
      // Rounding has left something behind the last mass: again.
    }
  }
};
// Good ones among n drawn without replacement from N, of which k are good; y = max(0, n - N + k), ..., min(k, n). N, k
// and n are counts, 0 <= k, n <= N. PyMC's order; Stan's hypergeometric has n, then k, then N - k.
// P(y) = C(k, y) C(N - k, n - y)/C(N, n). Source: Johnson, Kemp & Kotz, Univariate Discrete Distributions, ch. 6.
template <Operand All, Operand Good, Operand Drawn>
LOCKSTEP_FN auto hypergeometric(const All& N, const Good& k, const Drawn& n) {
  return make_distribution<HypergeometricKernel>(argument<Trials>(N), argument<Trials>(k), argument<Location>(n),
                                                 argument<Trials>(as_recipe(N) - as_recipe(k)));
}

}  // namespace lockstep
