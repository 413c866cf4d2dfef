// Areas and their neighbours: proper and intrinsic conditional autoregressions. The graph, `Neighbours`, is bound with the data:
//
//   Neighbours map;      map(d.neighbours(d.index("first", pair, area), d.index("second", pair, area)))
//
// Each pair of neighbours first[e], second[e] is there once.
#pragma once

#include <vector>

#include "lockstep/dataset.hpp"
#include "lockstep/distributions/zero_sum.hpp"

namespace lockstep {

// Host only. Throws ModelError if the graph is of another dimension.
inline void require_areas_along(const char* site, const Neighbours& map, Dim along) {
  if (map.area.id != along.id)
    throw ModelError("site '" + std::string(site) + "' has neighbours of another dimension than its own (its elements and "
                     "they do not correspond). Index the neighbours along its dimension.");
}

// ---- intrinsic conditional autoregression ----------------------------------------------------------------------------------

template <class Sigma> struct Icar : JointDistributionTag {
  Neighbours map;
  Sigma sigma;
  LOCKSTEP_FN Icar(const Neighbours& n, const Sigma& scale) : map(n), sigma(scale) {}
  using Support = ZeroSum;
  LOCKSTEP_FN static ZeroSum support() { return {}; }
  void check(const char* name, Dim along) const {
    require_areas_along(name, map, along);
    if (map.apart > 0)
      throw ModelError("site '" + std::string(name) + "' has elements that no chain of neighbours connects: 1 and " +
                       std::to_string(map.apart + 1) + " (the difference of their levels would have no prior). Connect them, or "
                       "give each part a site of its own.");
  }
  // By a factor of the graph's Laplacian, to which the constant direction is added.
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const double scale = sigma.evaluate(m).value;
    for (int i = 0; i < along.size; ++i) out[i] = scale * random.normal();
    solve_transposed(laplacian_factor(map), out);
    take_mean_away(out, along.size);
  }
};

// The squares are the sum over pairs of (y_i - y_j)^2/sigma^2; the constant of the graph is half the logarithm of the product of
// its Laplacian's other eigenvalues than 0.
template <class M, class Sigma> class PreparedJoint<M, Icar<Sigma>> {
 public:
  using D = Icar<Sigma>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim along) : size_(along.size) {}

  template <class Y> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y) const {
    const auto evaluated = d.sigma.evaluate(m);
    const auto sigma = Scale::prepare(evaluated);
    SumOf<T> sum(0.);
    for (int e = 0; e < d.map.pairs(); ++e) {
      const int i = d.map.first[e], j = d.map.second[e];
      const T z = (y.value(i) - y.value(j)) * sigma.inverse, slope = z * sigma.inverse;
      accumulate(sum, T(z * z));
      y.pull(i, T(-slope));
      y.pull(j, slope);
    }
    return zero_sum_log_density<T>(sum, evaluated, sigma, size_ - 1) + d.map.half_log_determinant;
  }

 private:
  int size_;
};

// Levels of areas that are like their neighbours', given that they sum to zero: the difference of every pair of neighbours (which
// together connect all areas) is Normal(0, sigma), sigma > 0. The density is that in the plane of zero sums. PyMC's ICAR keeps
// the sum near zero only, and leaves out log sigma and the graph's constant. Source: Besag & Kooperberg (1995), "On conditional
// and intrinsic autoregressions".
// It is proportional to sigma^-(n - 1) exp(-sum over pairs of (y_i - y_j)^2/(2 sigma^2)) for n areas.
template <Operand Sigma> LOCKSTEP_FN auto icar(const Neighbours& map, const Sigma& sigma) {
  return Icar<RecipeOf<Sigma>>(map, as_recipe(sigma));
}

// ---- proper conditional autoregression -------------------------------------------------------------------------------------

template <class Mu, class Alpha, class Tau> struct Car : JointDistributionTag {
  NeighbourSpectrum map;
  Mu mu;
  Alpha alpha;
  Tau tau;
  LOCKSTEP_FN Car(const NeighbourSpectrum& n, const Mu& m, const Alpha& a, const Tau& t) : map(n), mu(m), alpha(a), tau(t) {}
  using Support = RealLine;
  LOCKSTEP_FN static RealLine support() { return {}; }
  void check(const char* name, Dim along) const {
    require_areas_along(name, map, along);
    require_vector_along(name, mu, along);
    for (int i = 0; i < along.size; ++i)
      if (map.degree[i] == 0)
        throw ModelError("site '" + std::string(name) + "' has an element without neighbours: " + std::to_string(i + 1) +
                         " (it would have no variance). Leave it out, or give it neighbours.");
  }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const double weight = alpha.evaluate(m).value, scale = 1 / std::sqrt(double(tau.evaluate(m).value));
    const int n = along.size;
    std::vector<double> precision(std::size_t(n) * std::size_t(n));
    const auto at = [&](int i, int j) -> double& { return precision[std::size_t(i) * std::size_t(n) + std::size_t(j)]; };
    for (int i = 0; i < n; ++i) at(i, i) = map.degree[i];
    for (int e = 0; e < map.pairs(); ++e) at(map.first[e], map.second[e]) -= weight, at(map.second[e], map.first[e]) -= weight;
    for (int i = 0; i < n; ++i) out[i] = scale * random.normal();
    factorise(precision, n);
    solve_transposed(precision, out);
    for (int i = 0; i < n; ++i) out[i] += mu[CheckedIndex{{i, along.id}}].evaluate(m).value;
  }
};

// With x = y - mu, D the numbers of neighbours, W who is whose, and l the eigenvalues of D^-1/2 W D^-1/2, which are those of the
// data (so that the determinant of D - alpha W costs n operations; Jin, Carlin & Banerjee 2005):
//   log p = [sum_i log D_i + sum_i log(1 - alpha l_i) + n log tau - tau q - n log(2 pi)]/2,   q = x^T (D - alpha W) x
// q as a sum of squares, s the sign of alpha:   q = (1 - |alpha|) sum_i D_i x_i^2 + |alpha| sum over pairs of (x_i - s x_j)^2
template <class M, class Mu, class Alpha, class Tau> class PreparedJoint<M, Car<Mu, Alpha, Tau>> {
 public:
  using D = Car<Mu, Alpha, Tau>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int extent) { return extent; }
  LOCKSTEP_FN PreparedJoint(M& m, const D&, Dim along) : along_(along), x_(m.allocate_per_slice(along.size)) {}

  template <class Y> LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y) const {
    const int n = along_.size;
    const auto evaluated_alpha = d.alpha.evaluate(m), evaluated_tau = d.tau.evaluate(m);
    const T alpha(evaluated_alpha.value), size = abs(alpha), sign = sign_of(alpha);
    const auto tau = Scale::prepare(evaluated_tau);
    SumOf<T> log_density(0.), squares(0.), products(0.);
    T d_alpha(0.);
    for (int i = 0; i < n; ++i) {
      const double degree = d.map.degree[i], eigenvalue = d.map.eigenvalues[i];
      const auto mu = d.mu[GatheredIndex{{i, along_.id}}].evaluate(m);
      const T x(y.value(i) - mu.value), rest = 1. - alpha * eigenvalue;
      x_.store(i, x);
      accumulate(log_density, T(0.5 * (log(degree) + log(rest) + tau.log) - log_sqrt_2pi));
      accumulate(squares, T((1. - size) * degree * x * x));
      d_alpha -= 0.5 * eigenvalue / rest;
      const T pull = tau.value * degree * x;
      y.pull(i, T(-pull));
      mu.pull(pull);
    }
    for (int e = 0; e < d.map.pairs(); ++e) {
      const int i = d.map.first[e], j = d.map.second[e];
      const T a = x_.load(i), b = x_.load(j), apart = a - sign * b, pull = tau.value * alpha;
      accumulate(squares, T(size * apart * apart));
      accumulate(products, T(a * b));
      y.pull(i, T(pull * b));
      y.pull(j, T(pull * a));
      d.mu[GatheredIndex{{i, along_.id}}].evaluate(m).pull(T(-pull * b));
      d.mu[GatheredIndex{{j, along_.id}}].evaluate(m).pull(T(-pull * a));
    }
    const T q = narrow<T>(squares);
    accumulate(log_density, T(-0.5 * tau.value * q));
    evaluated_alpha.pull(T(d_alpha + tau.value * narrow<T>(products)));
    evaluated_tau.pull(T(0.5 * (double(n) * tau.inverse - q)));
    return log_density;
  }

 private:
  Dim along_;
  LaneArray<T> x_;
};

// Levels of areas that are like their neighbours', with mean mu (as mv_normal_cholesky's): normal with precision
// tau (D - alpha W), D the areas' numbers of neighbours and W 1 for neighbours, so that each given the others has mean
// mu_i + alpha times the mean of its neighbours' deviations, and precision tau D_i. tau > 0; alpha between 1 over the least
// eigenvalue and 1 (-1 to 1 will do), near 1 for smooth maps. Every area has neighbours. `map` is bound by
// d.neighbour_spectrum(first, second). PyMC's CAR(mu, W, alpha, tau). Source: Banerjee, Carlin & Gelfand, Hierarchical Modeling
// and Analysis for Spatial Data, ch. 4.
template <class Mu, Operand Alpha, Operand Tau>
LOCKSTEP_FN auto car(const NeighbourSpectrum& map, const Mu& mu, const Alpha& alpha, const Tau& tau) {
  return Car<VectorArgument<Mu>, RecipeOf<Alpha>, RecipeOf<Tau>>(map, vector_argument(mu), as_recipe(alpha), as_recipe(tau));
}

}  // namespace lockstep
