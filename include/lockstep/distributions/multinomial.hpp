// Counts of several categories that sum to a known total: multinomial and Dirichlet-multinomial. In saddle-point form, as
// the binomial and the beta-binomial: no log Gammas that cancel. Source: Johnson, Kotz & Balakrishnan, Discrete Multivariate
// Distributions, ch. 35.
#pragma once

#include "lockstep/distributions/beta_binomial.hpp"
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

// The logarithms less their linear parts, which sum to zero:
//   log p = sum_k y_k [log(n p_k/y_k) - (n p_k/y_k - 1)] + F(n) - sum_k F(y_k),   F(k) = log k! - k log k + k
template <class M, class N, class P> class PreparedJoint<M, Multinomial<N, P>> {
 public:
  using D = Multinomial<N, P>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim along) : along_(along) {}

  template <class Y> LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y) const {
    const auto n = d.n.evaluate(m);
    const T trials(n.value), log_trials(log_of(n));
    SumOf<T> log_density = multinomial_coefficient_term<T>(y, along_.size, n);
    for (int k = 0; k < along_.size; ++k) {
      const auto p = d.p[Index{k, along_.id}].evaluate(m);
      const T count(y.value(k));
      accumulate(log_density, deviance_of(count, T(trials * p.value), T(log_trials + log_of(p))));
      p.pull(T(choose(count > 0., T(count / p.value), T(0.)) - trials));
    }
    return log_density;
  }

 private:
  Dim along_;
};

// How many of n trials fall into each category; p: the probabilities, which sum to 1 (a simplex parameter, a vector, a row, or a
// lambda over categories). Counts y_k >= 0 with sum n. n is a number or data. PyMC's Multinomial; Stan's takes n from y.
template <Operand N, class P> LOCKSTEP_FN auto multinomial(const N& n, const P& p) {
  return Multinomial<RecipeOf<N>, VectorArgument<P>>(as_recipe(n), vector_argument(p));
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

  template <class Y> LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y) const {
    const auto n = d.n.evaluate(m);
    const T trials(n.value), log_trials(log_of(n));
    T sum(0.);
    for (int k = 0; k < along_.size; ++k) sum += T(d.alpha[Index{k, along_.id}].evaluate(m).value);
    const auto total = Shape::prepare(DataValue<T>{sum}), all = Shape::prepare(DataValue<T>{T(trials + sum)});
    const T gap = total.log - all.log;
    const T d_total = gap + 0.5 * (all.inverse - total.inverse) + total.stirling_slope - all.stirling_slope;
    SumOf<T> log_density = multinomial_coefficient_term<T>(y, along_.size, n);
    accumulate(log_density, T(total.stirling - all.stirling - 0.5 * gap));
    for (int k = 0; k < along_.size; ++k) {
      const auto evaluated = d.alpha[Index{k, along_.id}].evaluate(m);
      const auto alpha = Shape::prepare(evaluated);
      const T count(y.value(k));
      const auto a = Shape::prepare(DataValue<T>{T(max(count, T(0.)) + alpha.value)});
      const T share = a.value * all.inverse, log_share = a.log - all.log;
      accumulate(log_density,
                 T(deviance_of(count, T(share * trials), T(log_share + log_trials)) +
                   alpha.value * log_minus(T(share * total.value * alpha.inverse), T(log_share + total.log - alpha.log)) +
                   0.5 * (alpha.log - a.log) + a.stirling - alpha.stirling));
      evaluated.pull(T(a.log - alpha.log + 0.5 * (alpha.inverse - a.inverse) + a.stirling_slope - alpha.stirling_slope +
                       d_total));
    }
    return log_density;
  }

 private:
  Dim along_;
};

// A multinomial whose probabilities are Dirichlet with concentrations alpha > 0 (a number for all categories, a vector, a row,
// or a lambda): more spread than a multinomial. Counts y_k >= 0 with sum n; n is a number or data. PyMC's DirichletMultinomial.
template <Operand N, class Alpha> LOCKSTEP_FN auto dirichlet_multinomial(const N& n, const Alpha& alpha) {
  return DirichletMultinomial<RecipeOf<N>, VectorArgument<Alpha>>(as_recipe(n), vector_argument(alpha));
}

}  // namespace lockstep
