// Vectors that sum to zero: zero-sum normal, and the intrinsic conditional autoregression of neighbours.
#pragma once

#include "lockstep/joint_distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

inline void take_mean_away(double* values, int size) {
  double mean = 0;
  for (int k = 0; k < size; ++k) mean += values[k] / size;
  for (int k = 0; k < size; ++k) values[k] -= mean;
}

// The log density of n elements in the plane of zero sums, given the sum of the squares that it has in its exponent, in units of
// sigma:   -squares/2 - (n-1) (log sigma + log(2 pi)/2)
// Pulls sigma, which has been evaluated and prepared.
template <class T, class E, class S> LOCKSTEP_FN T zero_sum_log_density(const SumOf<T>& squares, const E& evaluated, const S& sigma, int n) {
  const T sum_of_squares = narrow<T>(squares);
  const double free = n - 1;
  evaluated.pull(T((sum_of_squares - free) * sigma.inverse));
  return -0.5 * sum_of_squares - free * (sigma.log + log_sqrt_2pi);
}

// ---- zero-sum normal -----------------------------------------------------------------------------------------------------

template <class Sigma> struct ZeroSumNormal : JointDistributionTag {
  Sigma sigma;
  LOCKSTEP_FN explicit ZeroSumNormal(const Sigma& s) : sigma(s) {}
  using Support = ZeroSum;
  LOCKSTEP_FN static ZeroSum support() { return {}; }
  void check(const char*, Dim) const {}
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const double scale = sigma.evaluate(m).value;
    for (int k = 0; k < along.size; ++k) out[k] = scale * random.normal();
    take_mean_away(out, along.size);
  }
};

// The squares are y.y/sigma^2.
template <class M, class Sigma> class PreparedJoint<M, ZeroSumNormal<Sigma>> {
 public:
  using D = ZeroSumNormal<Sigma>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim along) : size_(along.size) {}

  template <class Y> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y) const {
    const auto evaluated = d.sigma.evaluate(m);
    const auto sigma = Scale::prepare(evaluated);
    SumOf<T> sum(0.);
    for (int k = 0; k < size_; ++k) {
      const T z = y.value(k) * sigma.inverse;
      accumulate(sum, T(z * z));
      y.pull(k, T(-z * sigma.inverse));
    }
    return zero_sum_log_density<T>(sum, evaluated, sigma, size_);
  }

 private:
  int size_;
};

// Normal(0, sigma) elements, sigma > 0, given that they sum to zero: a normal vector of n - 1 dimensions, each of whose elements
// has variance sigma^2 (1 - 1/n). For deviations of groups from their mean. The density is that in the plane of zero sums. PyMC's
// ZeroSumNormal(sigma); over the last axis of a matrix.
template <Operand Sigma> LOCKSTEP_FN auto zero_sum_normal(const Sigma& sigma) {
  return ZeroSumNormal<RecipeOf<Sigma>>(as_recipe(sigma));
}

// ---- intrinsic conditional autoregression ----------------------------------------------------------------------------------

template <class Sigma> struct Icar : JointDistributionTag {
  GroupIndex first, second;
  Sigma sigma;
  LOCKSTEP_FN Icar(const GroupIndex& f, const GroupIndex& s, const Sigma& scale) : first(f), second(s), sigma(scale) {}
  using Support = ZeroSum;
  LOCKSTEP_FN static ZeroSum support() { return {}; }
  LOCKSTEP_FN int edges() const { return first.dim.size; }

  void check(const char* name, Dim along) const {
    const std::string site = "site '" + std::string(name) + "' ";
    if (first.target.id != along.id || second.target.id != along.id)
      throw ModelError(site + "has neighbours of another dimension than its own (its elements and they do not correspond). "
                       "Index the neighbours along its dimension.");
    if (first.dim.id != second.dim.id)
      throw ModelError(site + "has first and second neighbours along different dimensions (they are pairs). Declare both along "
                       "one dimension of pairs.");
    std::vector<int> part(std::size_t(along.size));   // the least element that is known to be connected with each
    for (int k = 0; k < along.size; ++k) part[std::size_t(k)] = k;
    const auto least = [&](int k) {
      while (part[std::size_t(k)] != k) k = part[std::size_t(k)] = part[std::size_t(part[std::size_t(k)])];
      return k;
    };
    for (int e = 0; e < edges(); ++e) {
      const int a = least(first.positions[e]), b = least(second.positions[e]);
      part[std::size_t(std::max(a, b))] = std::min(a, b);
    }
    for (int k = 0; k < along.size; ++k)
      if (least(k) != 0)
        throw ModelError(site + "has elements that no chain of neighbours connects: 1 and " + std::to_string(k + 1) +
                         " (the difference of their levels would have no prior). Connect them, or give each part a site of its "
                         "own.");
  }
  // By a factor of the graph's Laplacian, to which the constant direction is added: n^3/6 operations.
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const int n = along.size;
    const double scale = sigma.evaluate(m).value;
    std::vector<double> l(std::size_t(n) * std::size_t(n), n > 0 ? 1. / n : 0.);
    const auto at = [&](int i, int j) -> double& { return l[std::size_t(i) * std::size_t(n) + std::size_t(j)]; };
    for (int e = 0; e < edges(); ++e) {
      const int i = first.positions[e], j = second.positions[e];
      at(i, i) += 1, at(j, j) += 1, at(i, j) -= 1, at(j, i) -= 1;
    }
    for (int i = 0; i < n; ++i)
      for (int j = 0; j <= i; ++j) {
        double rest = at(i, j);
        for (int k = 0; k < j; ++k) rest -= at(i, k) * at(j, k);
        at(i, j) = i == j ? std::sqrt(rest) : rest / at(j, j);
      }
    for (int i = 0; i < n; ++i) out[i] = scale * random.normal();
    for (int i = n - 1; i >= 0; --i) {
      out[i] /= at(i, i);
      for (int j = 0; j < i; ++j) out[j] -= at(i, j) * out[i];
    }
    take_mean_away(out, n);
  }
};

// The squares are the sum over pairs of (y_i - y_j)^2/sigma^2.
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
    for (int e = 0; e < d.edges(); ++e) {
      const int i = d.first.positions[e], j = d.second.positions[e];
      const T z = (y.value(i) - y.value(j)) * sigma.inverse, slope = z * sigma.inverse;
      accumulate(sum, T(z * z));
      y.pull(i, T(-slope));
      y.pull(j, slope);
    }
    return zero_sum_log_density<T>(sum, evaluated, sigma, size_);
  }

 private:
  int size_;
};

// Levels of areas that are like their neighbours', given that they sum to zero: the difference of every pair of neighbours
// first[e], second[e] (each pair once; together they connect all areas) is Normal(0, sigma), sigma > 0. The density is that in
// the plane of zero sums, but for a constant of the graph, half the logarithm of the product of its Laplacian's other
// eigenvalues. PyMC's ICAR keeps the sum near zero only and has no term in log sigma. Source: Besag & Kooperberg (1995), "On
// conditional and intrinsic autoregressions".
template <Operand Sigma> LOCKSTEP_FN auto icar(const GroupIndex& first, const GroupIndex& second, const Sigma& sigma) {
  return Icar<RecipeOf<Sigma>>(first, second, as_recipe(sigma));
}

}  // namespace lockstep
