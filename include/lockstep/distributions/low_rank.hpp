// Multivariate normal whose covariance is a diagonal and a few factors.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "lockstep/joint_distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

template <class Mu, class W, class V> struct MvNormalLowRank : JointDistributionTag {
  Mu mu;
  const W* factor;
  V variance;
  LOCKSTEP_FN MvNormalLowRank(const Mu& m, const W* w, const V& v) : mu(m), factor(w), variance(v) {}
  using Support = RealLine;
  static constexpr bool elliptical = true;
  LOCKSTEP_FN static RealLine support() { return {}; }
  void check(const char* name, Dim along) const {
    require_vector_along(name, mu, along);
    require_vector_along(name, variance, along);
    if (factor->rows().id != along.id)
      throw ModelError("site '" + std::string(name) + "' has loadings along another dimension than its own (its elements and "
                       "their rows do not correspond). Declare both along the same dimension.");
  }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    std::vector<double> z(std::size_t(factor->columns().size));
    for (double& each : z) each = random.normal();
    for (int i = 0; i < along.size; ++i) {
      const CheckedIndex at{{i, along.id}};
      out[i] = mu[at].evaluate(m).value + std::sqrt(variance[at].evaluate(m).value) * random.normal();
      for (std::size_t k = 0; k < z.size(); ++k) out[i] += factor->value(i, int(k)) * z[k];
    }
  }
  template <class M> std::pair<std::vector<double>, std::vector<double>> mean_and_root(const M& m, Dim along) const {
    const std::vector<double> variances = values_of(m, variance, along);
    std::vector<double> root;
    for (int i = 0; i < along.size; ++i) {
      for (int k = 0; k < factor->columns().size; ++k) root.push_back(factor->value(i, k));
      for (int k = 0; k < along.size; ++k) root.push_back(k == i ? std::sqrt(variances[std::size_t(k)]) : 0.);
    }
    return {values_of(m, mu, along), root};
  }
};

// Of n elements and r factors. With x = y - mu, D the diagonal of variances, C = I + W^T D^-1 W = K K^T, c = C^-1 W^T D^-1 x and
// u = D^-1 (x - W c), which is the covariance's inverse times x (Woodbury's formula):
//   log p = -[c.c + sum_i D_i u_i^2 + sum_i log D_i]/2 - sum_k log K[k][k] - n log(2 pi)/2
//   d/dy = -u, d/dmu = u, d/dW = u c^T - D^-1 W C^-1, d/dD_i = [u_i^2 - (1 - v_i.W_i)/D_i]/2, v_i row i of D^-1 W C^-1
// C is factorised once for all events; what does not depend on them is pulled once.
template <class M, class Mu, class W, class V> class PreparedJoint<M, MvNormalLowRank<Mu, W, V>> {
 public:
  using D = MvNormalLowRank<Mu, W, V>;
  using T = typename M::value_type;
  static int scratch(const D& d, int extent) {
    const int factors = d.factor->columns().size;
    return extent + factors * (factors + 1);
  }
  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim along)
      : m_(m), d_(d), along_(along), n_(along.size), r_(d.factor->columns().size), k_(m.allocate_per_slice(r_ * r_)),
        c_(m.allocate_per_slice(r_)), inverse_(m.allocate_per_slice(n_)) {
    for (int i = 0; i < n_; ++i) {
      const auto variance = d.variance[GatheredIndex{{i, along.id}}].evaluate(m);
      inverse_.store(i, T(1. / T(variance.value)));
      log_determinant_ += 0.5 * T(log_of(variance));
    }
    for (int k = 0; k < r_; ++k)
      for (int l = 0; l <= k; ++l) {
        T rest(k == l ? 1. : 0.);
        for (int i = 0; i < n_; ++i) rest += d.factor->value(i, k) * d.factor->value(i, l) * inverse_.load(i);
        for (int j = 0; j < l; ++j) rest -= k_.load(k * r_ + j) * k_.load(l * r_ + j);
        const T element = k == l ? T(sqrt(rest)) : T(rest / k_.load(l * r_ + l));
        k_.store(k * r_ + l, element);
        if (k == l) log_determinant_ += log(element);
      }
  }
  PreparedJoint(const PreparedJoint&) = delete;
  LOCKSTEP_FN ~PreparedJoint() {
    if (!events_.any()) return;
    const T events = events_.sum();
    for (int i = 0; i < n_; ++i) {
      const T inverse = inverse_.load(i);
      for (int k = 0; k < r_; ++k) c_.store(k, T(d_.factor->value(i, k) * inverse));
      solve();
      T explained(0.);
      for (int k = 0; k < r_; ++k) {
        explained += c_.load(k) * d_.factor->value(i, k);
        d_.factor->pull(i, k, T(-events * c_.load(k)));
      }
      d_.variance[GatheredIndex{{i, along_.id}}].evaluate(m_).pull(T(-0.5 * events * inverse * (1. - explained)));
    }
  }

  template <class Y, class Weight = Unit> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y, const Weight& weight = {}) {
    for (int k = 0; k < r_; ++k) c_.store(k, T(0.));
    for (int i = 0; i < n_; ++i) {
      const T weighted = deviation(m, d, y, i) * inverse_.load(i);
      for (int k = 0; k < r_; ++k) c_.store(k, T(c_.load(k) + d.factor->value(i, k) * weighted));
    }
    solve();
    T squares(0.);
    for (int k = 0; k < r_; ++k) squares += c_.load(k) * c_.load(k);
    for (int i = 0; i < n_; ++i) {
      T rest = deviation(m, d, y, i);
      for (int k = 0; k < r_; ++k) rest -= d.factor->value(i, k) * c_.load(k);
      const T u = rest * inverse_.load(i);
      squares += rest * u;
      if constexpr (pulls<Weight>) {
        const T slope = weight * u;
        for (int k = 0; k < r_; ++k) d.factor->pull(i, k, T(slope * c_.load(k)));
        y.pull(i, T(-slope));
        d.mu[GatheredIndex{{i, along_.id}}].evaluate(m).pull(slope);
        d.variance[GatheredIndex{{i, along_.id}}].evaluate(m).pull(T(0.5 * slope * u));
      }
    }
    events_.add(weight);
    return -0.5 * squares - log_determinant_ - double(n_) * log_sqrt_2pi;
  }

 private:
  template <class Y> LOCKSTEP_FN T deviation(const M& m, const D& d, const Y& y, int i) const {
    return T(y.value(i) - d.mu[GatheredIndex{{i, along_.id}}].evaluate(m).value);
  }
  // C^-1 times c_, in its place.
  LOCKSTEP_FN void solve() const {
    for (int k = 0; k < r_; ++k) {
      T rest = c_.load(k);
      for (int j = 0; j < k; ++j) rest -= k_.load(k * r_ + j) * c_.load(j);
      c_.store(k, T(rest / k_.load(k * r_ + k)));
    }
    for (int k = r_ - 1; k >= 0; --k) {
      T rest = c_.load(k);
      for (int j = k + 1; j < r_; ++j) rest -= k_.load(j * r_ + k) * c_.load(j);
      c_.store(k, T(rest / k_.load(k * r_ + k)));
    }
  }

  M& m_;
  D d_;
  Dim along_;
  int n_, r_;
  LaneArray<T> k_, c_, inverse_;
  T log_determinant_ = T(0.);
  EventWeights<T> events_;
};

// Normal vector with mean mu (as mv_normal_cholesky's) and covariance W W^T + diag(variance): W, the loadings of a few factors,
// is a matrix with a row for each element and a column for each factor; variance > 0 is a number, a vector node or data, the same
// for all events. A density costs n r operations for n elements and r factors, and r^3 once. NumPyro's
// LowRankMultivariateNormal(mu, W, variance). Source: Woodbury, "Inverting modified matrices", 1950.
template <class Mu, class W, class V> LOCKSTEP_FN auto mv_normal_low_rank(const Mu& mu, const W& factor, const V& variance) {
  static_assert(!std::is_invocable_v<const V&, Index> && !requires { typename V::is_row; },
                "the variances are prepared once for all events: give a number, a vector node or data");
  if constexpr (Operand<V>)
    static_assert(RecipeOf<V>::uniform, "the variance is prepared once for all events: give a number, a vector node or data");
  return MvNormalLowRank<VectorArgument<Mu>, W, VectorArgument<V>>(vector_argument(mu), &factor, vector_argument(variance));
}

}  // namespace lockstep
