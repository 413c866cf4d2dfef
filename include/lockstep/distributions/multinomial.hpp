// Counts of several categories that sum to a known total: multinomial, ordered multinomial, Dirichlet-multinomial. In
// saddle-point form, as the binomial and the beta-binomial: no log Gammas that cancel. Source: Johnson, Kotz & Balakrishnan,
// Discrete Multivariate Distributions, ch. 35.
#pragma once

#include "lockstep/distributions/beta_binomial.hpp"
#include "lockstep/distributions/categorical.hpp"
#include "lockstep/joint_distribution.hpp"

namespace lockstep {

// log n! less that of each count, all without their k log k - k; -inf for what are no counts with sum n.
template <class T, class Y, class N> LOCKSTEP_FN SumOf<T> multinomial_coefficient_term(const Y& y, int categories, const N& n) {
  using V = std::remove_cvref_t<decltype(y.value(0) + n.value)>;
  V terms(0.), rest(n.value), least(0.), fraction(0.);
  for (int k = 0; k < categories; ++k) {
    const V count(y.value(k));
    terms += factorial_term_of<V>(DataValue<V>{max(count, V(0.))});
    rest -= count;
    least = min(least, count);
    fraction += count - floor(count);
  }
  SumOf<T> result(0.);
  accumulate(result, unless((least < 0.) || (fraction != 0.) || (rest != 0.), V(factorial_term_of<V>(n) - terms)));
  return result;
}

// ---- multinomial ---------------------------------------------------------------------------------------------------------

template <class N, class P> struct Multinomial : JointDistributionTag {
  N n;
  P p;
  LOCKSTEP_FN Multinomial(const N& trials, const P& probabilities) : n(trials), p(probabilities) {}
  void check(const char* name, Dim along) const { require_vector_along(name, p, along); }
  // Category by category, each a binomial's share of the trials that are left.
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    double left = n.evaluate(m).value, weight = 0;
    for (int k = along.size - 1; k >= 0; --k) weight += out[k] = p[CheckedIndex{{k, along.id}}].evaluate(m).value;
    for (int k = 0; k < along.size; ++k) {
      const double mine = out[k];
      out[k] = k + 1 == along.size ? left : random.binomial(left, weight > 0 ? std::min(mine / weight, 1.) : 0.);
      left -= out[k];
      weight = std::max(weight - mine, 0.);
    }
  }
};

// The logarithms less their linear parts, which sum to zero as the probabilities sum to one, and so do their derivatives:
//   log p = sum_k y_k [log(n p_k/y_k) - (n p_k/y_k - 1)] + F(n) - sum_k F(y_k),   F(k) = log k! - k log k + k
template <class M, class N, class P> class PreparedJoint<M, Multinomial<N, P>> {
 public:
  using D = Multinomial<N, P>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim along) : along_(along) {}

  template <class Y, class W = Unit>
  LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y, const W& weight = {}) const {
    const auto n = d.n.evaluate(m);
    const T trials(n.value), log_trials(log_of(n));
    SumOf<T> log_density = multinomial_coefficient_term<T>(y, along_.size, n);
    for (int k = 0; k < along_.size; ++k) {
      const auto p = d.p[GatheredIndex{{k, along_.id}}].evaluate(m);
      const T count(y.value(k));
      accumulate(log_density, deviance_of(count, T(trials * p.value), T(log_trials + log_of(p))));
      if constexpr (pulls<W>) p.pull(weight * T(choose(count > 0., T(count / p.value), T(0.))));
    }
    return log_density;
  }

 private:
  Dim along_;
};

// How many of n trials fall into each category; p: the probabilities, which sum to 1 (a simplex parameter, a vector, a row, or a
// lambda over categories). Counts y_k >= 0 with sum n. n is a number or data. PyMC's Multinomial; Stan's takes n from y.
// P(y) = n! prod_k p_k^y_k/y_k!. Source: Johnson, Kotz & Balakrishnan, Discrete Multivariate Distributions, ch. 35.
template <Operand N, class P> LOCKSTEP_FN auto multinomial(const N& n, const P& p) {
  return Multinomial<RecipeOf<N>, VectorArgument<P>>(as_recipe(n), vector_argument(p));
}

// ---- ordered multinomial -------------------------------------------------------------------------------------------------

template <class Eta, class V, class N> struct OrderedMultinomial : JointDistributionTag {
  Eta eta;
  CategoryVector<V> cutpoints;
  N n;
  LOCKSTEP_FN OrderedMultinomial(const Eta& e, const CategoryVector<V>& c, const N& trials) : eta(e), cutpoints(c), n(trials) {}
  void check(const char* name, Dim along) const {
    if (along.size != cutpoints.dim.size + 1)
      throw ModelError("site '" + std::string(name) + "' has " + std::to_string(along.size) + " categories and " +
                       std::to_string(cutpoints.dim.size) + " cutpoints (there is one between each two categories). Give one "
                       "less than there are categories.");
  }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const double latent = eta.evaluate(m).value;
    const auto at_most = [&](int k) {
      return sigmoid(double(cutpoints.elements[CheckedIndex{{k, cutpoints.dim.id}}].evaluate(m).value) - latent);
    };
    double left = n.evaluate(m).value, below = 0;
    for (int k = 0; k < along.size; ++k) {
      const double upto = k + 1 == along.size ? 1 : at_most(k);
      out[k] = k + 1 == along.size ? left : random.binomial(left, std::min(std::max((upto - below) / (1 - below), 0.), 1.));
      left -= out[k];
      below = upto;
    }
  }
};

// As the multinomial's, with the logarithms of the probabilities between two cuts. These sum to 1 whatever the arguments are, so
// the linear parts have no derivative.
template <class M, class Eta, class V, class N> class PreparedJoint<M, OrderedMultinomial<Eta, V, N>> {
 public:
  using D = OrderedMultinomial<Eta, V, N>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim along) : size_(along.size) {}

  template <class Y, class W = Unit>
  LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y, const W& weight = {}) const {
    const auto n = d.n.evaluate(m);
    const auto evaluated = d.eta.evaluate(m);
    const T trials(n.value), log_trials(log_of(n)), eta(evaluated.value);
    SumOf<T> log_density = multinomial_coefficient_term<T>(y, size_, n);
    T d_eta(0.), below(0.);
    for (int k = 0; k < size_; ++k) {
      const bool first = k == 0, last = k + 1 == size_;
      const T count(y.value(k));
      BetweenCuts<T> at{T(0.), T(0.), T(0.)};
      T cut(0.);
      if (!last) cut = T(d.cutpoints.at(m, k).value);
      if (first && !last) at = LogisticLink::below(T(cut - eta));
      else if (last && !first) at = above_cut<LogisticLink>(T(below - eta));
      else if (!first) at = LogisticLink::between(T(below - eta), T(cut - eta), T(cut - below));
      accumulate(log_density, deviance_of(count, T(trials * exp(at.log_mass)), T(log_trials + at.log_mass)));
      if constexpr (pulls<W>) {
        const auto pull = [&](const T& slope) { return weight * T(choose(count > 0., T(count * slope), T(0.))); };
        if (!first) d.cutpoints.at(m, k - 1).pull(T(pull(at.by_lower)));
        if (!last) d.cutpoints.at(m, k).pull(T(pull(at.by_upper)));
        d_eta -= pull(T(at.by_lower + at.by_upper));
      }
      below = cut;
    }
    if constexpr (pulls<W>) evaluated.pull(d_eta);
    return log_density;
  }

 private:
  int size_;
};

// How many of n trials fall into each of K ordered categories, whose probabilities are ordered_logistic's: P(category <= k) =
// 1/(1 + exp(eta - cutpoints[k])), by K - 1 ascending cutpoints. Counts y_k >= 0 with sum n; n is a number or data. PyMC's
// OrderedMultinomial(eta, cutpoints, n).
// P(y) = n! prod_k p_k^y_k/y_k!, p_k = P(category = k). Source: P. McCullagh, "Regression models for ordinal data", 1980.
template <Operand Eta, class V, Operand N>
LOCKSTEP_FN auto ordered_multinomial(const Eta& eta, const V& cutpoints, const N& n) {
  return OrderedMultinomial<RecipeOf<Eta>, VectorArgument<V>, RecipeOf<N>>(as_recipe(eta), category_vector(cutpoints),
                                                                           as_recipe(n));
}

// ---- Dirichlet-multinomial ------------------------------------------------------------------------------------------------

template <class N, class Alpha> struct DirichletMultinomial : JointDistributionTag {
  N n;
  Alpha alpha;
  LOCKSTEP_FN DirichletMultinomial(const N& trials, const Alpha& a) : n(trials), alpha(a) {}
  void check(const char* name, Dim along) const { require_vector_along(name, alpha, along); }
  // Category by category, each a beta-binomial's share of the trials that are left.
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    double left = n.evaluate(m).value, after = 0;
    std::vector<double> others(std::size_t(along.size));   // the concentrations of the later categories
    for (int k = along.size - 1; k >= 0; --k) {
      others[std::size_t(k)] = after;
      after += out[k] = alpha[CheckedIndex{{k, along.id}}].evaluate(m).value;
    }
    for (int k = 0; k < along.size; ++k) {
      out[k] = k + 1 == along.size ? left : random.binomial(left, random.beta(out[k], others[std::size_t(k)]));
      left -= out[k];
    }
  }
};

// With s = sum alpha, N = n + s, a_k = y_k + alpha_k and L(r) = log r - (r - 1), whose linear parts sum to zero:
//   log p = sum_k [y_k L(a_k n/(N y_k)) + alpha_k L(a_k s/(N alpha_k))] + F(n) - sum_k F(y_k)
//           + sum_k [log(alpha_k/a_k)/2 + S(a_k) - S(alpha_k)] + log(N/s)/2 + S(s) - S(N),   S: Stirling's error
template <class M, class N, class Alpha> class PreparedJoint<M, DirichletMultinomial<N, Alpha>> {
 public:
  using D = DirichletMultinomial<N, Alpha>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim along) : along_(along) {}

  template <class Y, class W = Unit>
  LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y, const W& weight = {}) const {
    const auto n = d.n.evaluate(m);
    const T trials(n.value), log_trials(log_of(n));
    T sum(0.);
    for (int k = 0; k < along_.size; ++k) sum += T(d.alpha[GatheredIndex{{k, along_.id}}].evaluate(m).value);
    const auto total = Shape::prepare(DataValue<T>{sum}), all = Shape::prepare(DataValue<T>{T(trials + sum)});
    const T gap = total.log - all.log;
    const T d_total = gap + 0.5 * (all.inverse - total.inverse) + total.stirling_slope - all.stirling_slope;
    SumOf<T> log_density = multinomial_coefficient_term<T>(y, along_.size, n);
    accumulate(log_density, T(total.stirling - all.stirling - 0.5 * gap));
    for (int k = 0; k < along_.size; ++k) {
      const auto evaluated = d.alpha[GatheredIndex{{k, along_.id}}].evaluate(m);
      const auto alpha = Shape::prepare(evaluated);
      const T count(y.value(k));
      const auto a = Shape::prepare(DataValue<T>{T(max(count, T(0.)) + alpha.value)});
      const T share = a.value * all.inverse, log_share = a.log - all.log;
      accumulate(log_density,
                 T(deviance_of(count, T(share * trials), T(log_share + log_trials)) +
                   alpha.value * log_minus(T(share * total.value * alpha.inverse), T(log_share + total.log - alpha.log)) +
                   0.5 * (alpha.log - a.log) + a.stirling - alpha.stirling));
      if constexpr (pulls<W>)
        evaluated.pull(weight * T(a.log - alpha.log + 0.5 * (alpha.inverse - a.inverse) + a.stirling_slope -
                                  alpha.stirling_slope + d_total));
    }
    return log_density;
  }

 private:
  Dim along_;
};

// A multinomial whose probabilities are Dirichlet with concentrations alpha > 0 (a number for all categories, a vector, a row,
// or a lambda): more spread than a multinomial. Counts y_k >= 0 with sum n; n is a number or data. PyMC's DirichletMultinomial.
// P(y) = n! Gamma(a)/Gamma(n + a) prod_k Gamma(y_k + alpha_k)/(Gamma(alpha_k) y_k!), a = sum_k alpha_k. Source: Johnson, Kotz &
// Balakrishnan, Discrete Multivariate Distributions, ch. 35.
template <Operand N, class Alpha> LOCKSTEP_FN auto dirichlet_multinomial(const N& n, const Alpha& alpha) {
  return DirichletMultinomial<RecipeOf<N>, VectorArgument<Alpha>>(as_recipe(n), vector_argument(alpha));
}

}  // namespace lockstep
