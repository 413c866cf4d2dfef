// Distributions of vectors and matrices: multivariate normal, Dirichlet, LKJ.
#pragma once

#include "lockstep/joint_distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// ---- multivariate normal, by the Cholesky factor of its covariance ---------------------------------------------------------

template <class Mu, class L> struct MvNormalCholesky : JointDistributionTag {
  Mu mu;
  const L* factor;
  LOCKSTEP_FN MvNormalCholesky(const Mu& m, const L* l) : mu(m), factor(l) {}
  using Support = RealLine;
  LOCKSTEP_FN static RealLine support() { return {}; }
  // Host only. Throws ModelError if mu or the factor do not run along the event's dimension.
  void check(const char* name, Dim along) const {
    require_vector_along(name, mu, along);
    if (factor->rows().id != along.id || factor->columns().id != along.id)
      throw ModelError("site '" + std::string(name) + "' has a Cholesky factor along other dimensions than its own (its elements "
                       "and the factor's rows do not correspond). Declare both along the same dimension.");
  }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    std::vector<double> z(std::size_t(along.size));
    for (double& each : z) each = random.normal();
    for (int k = 0; k < along.size; ++k) {
      out[k] = mu[CheckedIndex{{k, along.id}}].evaluate(m).value;
      for (int j = 0; j <= k; ++j) out[k] += factor->value(k, j) * z[std::size_t(j)];
    }
  }
};

// With z = L^-1 (y - mu) and w = L^-T z:
//   log p = -z.z/2 - sum_k log L[k][k] - n log(2 pi)/2;   d/dy = -w, d/dmu = w, d/dL = w z^T - diag(1/L[k][k])
template <class M, class Mu, class L> class PreparedJoint<M, MvNormalCholesky<Mu, L>> {
 public:
  using D = MvNormalCholesky<Mu, L>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int extent) { return 3 * extent; }

  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim along)
      : factor_(d.factor), along_(along), inverse_(m.allocate_per_slice(along.size)), z_(m.allocate_per_slice(along.size)),
        w_(m.allocate_per_slice(along.size)) {
    for (int k = 0; k < along.size; ++k) {
      const T diagonal = factor_->value(k, k);
      inverse_.store(k, T(1.) / diagonal);
      log_determinant_ += log(diagonal);
    }
  }
  PreparedJoint(const PreparedJoint&) = delete;
  LOCKSTEP_FN ~PreparedJoint() {
    if (events_ > 0)
      for (int k = 0; k < along_.size; ++k) factor_->pull(k, k, -double(events_) * inverse_.load(k));
  }

  template <class Y> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y) {
    const int n = along_.size;
    T sum_of_squares(0.);
    for (int k = 0; k < n; ++k) {
      T rest = T(y.value(k) - d.mu[Index{k, along_.id}].evaluate(m).value);
      for (int j = 0; j < k; ++j) rest -= factor_->value(k, j) * z_.load(j);
      const T z = rest * inverse_.load(k);
      z_.store(k, z);
      w_.store(k, z);
      sum_of_squares += z * z;
    }
    // Column by column, so that the factor is read along its rows here too.
    for (int k = n - 1; k >= 0; --k) {
      const T w = w_.load(k) * inverse_.load(k);
      w_.store(k, w);
      for (int j = 0; j < k; ++j) {
        w_.store(j, w_.load(j) - factor_->value(k, j) * w);
        factor_->pull(k, j, w * z_.load(j));
      }
      factor_->pull(k, k, w * z_.load(k));
      y.pull(k, -w);
      d.mu[Index{k, along_.id}].evaluate(m).pull(w);
    }
    ++events_;
    return -0.5 * sum_of_squares - log_determinant_ - double(n) * log_sqrt_2pi;
  }

 private:
  const L* factor_;
  Dim along_;
  LaneArray<T> inverse_, z_, w_;
  T log_determinant_ = T(0.);
  int events_ = 0;
};

// Normal vector with mean mu (a number, a vector, or a lambda over elements) and covariance L L^T, L lower triangular with a
// positive diagonal. Source: Kotz, Balakrishnan & Johnson, Continuous Multivariate Distributions 1, ch. 45.
template <class Mu, class L> LOCKSTEP_FN auto mv_normal_cholesky(const Mu& mu, const L& factor) {
  return MvNormalCholesky<VectorArgument<Mu>, L>(vector_argument(mu), &factor);
}

// ---- Dirichlet -----------------------------------------------------------------------------------------------------------

template <class Alpha> struct Dirichlet : JointDistributionTag {
  Alpha alpha;
  LOCKSTEP_FN explicit Dirichlet(const Alpha& a) : alpha(a) {}
  using Support = Simplex;
  LOCKSTEP_FN static Simplex support() { return {}; }
  void check(const char* name, Dim along) const { require_vector_along(name, alpha, along); }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    // In logarithms: gamma draws of small shapes underflow, all of them at once.
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int k = 0; k < along.size; ++k)
      largest = std::max(largest, out[k] = random.log_gamma_draw(double(alpha[CheckedIndex{{k, along.id}}].evaluate(m).value)));
    for (int k = 0; k < along.size; ++k) sum += out[k] = std::exp(out[k] - largest);
    for (int k = 0; k < along.size; ++k) out[k] = std::max(out[k] / sum, std::numeric_limits<double>::min());
  }
};

// With n = sum alpha and r_k = y_k n / alpha_k, as the beta distribution (special.hpp): its large parts cancel on paper.
//   log p = sum_k [alpha_k (log r_k - (r_k - 1)) + log(alpha_k)/2 - S(alpha_k) - log y_k] - log(n)/2 + S(n) - (K-1) log(2 pi)/2
template <class M, class Alpha> class PreparedJoint<M, Dirichlet<Alpha>> {
 public:
  using D = Dirichlet<Alpha>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim along) : along_(along) {}

  template <class Y> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y) const {
    T sum(0.);
    for (int k = 0; k < along_.size; ++k) sum += T(d.alpha[Index{k, along_.id}].evaluate(m).value);
    const auto total = Shape::prepare(DataValue<T>{sum});
    const T d_total = total.stirling_slope - 0.5 * total.inverse;
    T log_density = total.stirling - 0.5 * total.log - double(along_.size - 1) * log_sqrt_2pi;
    for (int k = 0; k < along_.size; ++k) {
      auto evaluated = d.alpha[Index{k, along_.id}].evaluate(m);
      const auto alpha = Shape::prepare(evaluated);
      const T value = T(y.value(k)), log_value = T(y.log_value(k));
      const T log_ratio = log_value + total.log - alpha.log;
      log_density += alpha.value * log_minus(T(value * total.value * alpha.inverse), log_ratio) + 0.5 * alpha.log -
                     alpha.stirling - log_value;
      y.pull(k, T((alpha.value - 1.) / value));
      evaluated.pull(T(log_ratio + 0.5 * alpha.inverse - alpha.stirling_slope + d_total));
    }
    return log_density;
  }

 private:
  Dim along_;
};

// Dirichlet with concentrations alpha > 0 (a number for all elements, a vector, or a lambda), on the simplex.
// Source: Johnson, Kotz & Balakrishnan, Continuous Multivariate Distributions 1, ch. 49.
template <class Alpha> LOCKSTEP_FN auto dirichlet(const Alpha& alpha) {
  return Dirichlet<VectorArgument<Alpha>>(vector_argument(alpha));
}

// ---- LKJ, of the Cholesky factor of a correlation matrix ------------------------------------------------------------------

template <class Eta> struct LkjCholesky : JointDistributionTag {
  Eta eta;
  LOCKSTEP_FN explicit LkjCholesky(const Eta& e) : eta(e) {}
  using Support = CholeskyCorrelation;
  LOCKSTEP_FN static CholeskyCorrelation support() { return {}; }
  void check(const char*, Dim) const {}
  // By the C-vine: partial correlations of column j are beta on (-1, 1), both shapes eta + (n - 2 - j)/2.
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const int n = along.size;
    const double shape = eta.evaluate(m).value;
    std::fill_n(out, n * n, 0.);
    for (int i = 0; i < n; ++i) {
      double left = 1;
      for (int j = 0; j < i; ++j) {
        const double b = shape + 0.5 * (n - 2 - j), partial = 2 * random.beta(b, b) - 1;
        out[i * n + j] = partial * left;
        left *= std::sqrt(1 - partial * partial);
      }
      out[i * n + i] = left;
    }
  }
};

template <class M, class Eta> class PreparedJoint<M, LkjCholesky<Eta>> {
 public:
  using D = LkjCholesky<Eta>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim along) : n_(along.size) {}

  //   log p(L) = sum_i (n - 1 - i + 2 (eta - 1)) log L[i][i] + c(eta, n),
  //   c = sum_{k=1}^{n-1} [log Gamma(eta + (n-1)/2) - log Gamma(eta + (n-1-k)/2) - k log(pi)/2]
  template <class Y> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y) const {
    auto evaluated = d.eta.evaluate(m);
    const T eta = T(evaluated.value);
    const T top = eta + 0.5 * double(n_ - 1);
    T log_density = double(n_ - 1) * log_gamma(top), d_eta = double(n_ - 1) * digamma(top);
    for (int k = 1; k < n_; ++k) {
      const T at = eta + 0.5 * double(n_ - 1 - k);
      log_density -= log_gamma(at) + 0.5 * double(k) * log_pi;
      d_eta -= digamma(at);
    }
    for (int i = 1; i < n_; ++i) {
      const T exponent = double(n_ - 3 - i) + 2. * eta;
      const T diagonal = T(y.value(i * n_ + i)), log_diagonal = log(diagonal);
      log_density += exponent * log_diagonal;
      d_eta += 2. * log_diagonal;
      y.pull(i * n_ + i, T(exponent / diagonal));
    }
    evaluated.pull(d_eta);
    return log_density;
  }

 private:
  int n_;
};

// The lower Cholesky factor L of a correlation matrix whose density is proportional to det(L L^T)^(eta - 1), eta > 0: 1 is
// uniform over correlation matrices, larger favours smaller correlations. The density is that of L's free elements.
// Source: Lewandowski, Kurowicka & Joe (2009), "Generating random correlation matrices based on vines and extended onion
// method".
template <Operand Eta> LOCKSTEP_FN auto lkj_cholesky(const Eta& eta) { return LkjCholesky<RecipeOf<Eta>>(as_recipe(eta)); }

}  // namespace lockstep
