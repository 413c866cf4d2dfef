// Vectors that sum to zero: zero-sum normal.
#pragma once

#include "lockstep/joint_distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

inline void take_mean_away(double* values, int size) {
  double mean = 0;
  for (int k = 0; k < size; ++k) mean += values[k] / size;
  for (int k = 0; k < size; ++k) values[k] -= mean;
}

// The log density of elements with zero sums, of which so many are free, in the space of these, given the sum of the squares that
// it has in its exponent, in units of sigma:   -squares/2 - free (log sigma + log(2 pi)/2)
// Pulls sigma, which has been evaluated and prepared.
template <class T, class E, class S>
LOCKSTEP_FN T zero_sum_log_density(const SumOf<T>& squares, const E& evaluated, const S& sigma, int free) {
  const T sum_of_squares = narrow<T>(squares);
  evaluated.pull(T((sum_of_squares - double(free)) * sigma.inverse));
  return -0.5 * sum_of_squares - double(free) * (sigma.log + log_sqrt_2pi);
}
// Of normal elements, of which so many are free.
template <class T, class M, class E, class Y>
LOCKSTEP_FN T zero_sum_normal_log_density(const M& m, const E& scale, const Y& y, int size, int free) {
  const auto evaluated = scale.evaluate(m);
  const auto sigma = Scale::prepare(evaluated);
  SumOf<T> sum(0.);
  for (int k = 0; k < size; ++k) {
    const T z = y.value(k) * sigma.inverse;
    accumulate(sum, T(z * z));
    y.pull(k, T(-z * sigma.inverse));
  }
  return zero_sum_log_density<T>(sum, evaluated, sigma, free);
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
    return zero_sum_normal_log_density<T>(m, d.sigma, y, size_, size_ - 1);
  }

 private:
  int size_;
};

// Normal(0, sigma) elements, sigma > 0, given that they sum to zero: a normal vector of n - 1 dimensions, each of whose elements
// has variance sigma^2 (1 - 1/n). For deviations of groups from their mean. The density is that in the plane of zero sums. PyMC's
// ZeroSumNormal(sigma); over the last axis of a matrix.
// Density exp(-sum_k y_k^2/(2 sigma^2))/(sqrt(2 pi) sigma)^(n - 1). Source: Rue & Held, Gaussian Markov Random Fields, ch. 2.
template <Operand Sigma> LOCKSTEP_FN auto zero_sum_normal(const Sigma& sigma) {
  return ZeroSumNormal<RecipeOf<Sigma>>(as_recipe(sigma));
}

}  // namespace lockstep
