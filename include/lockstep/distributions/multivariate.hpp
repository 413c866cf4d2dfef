// Distributions of vectors: multivariate normal and Student t, Dirichlet, stick breaking; flat ones of matrices.
#pragma once

#include "lockstep/distributions/uniform.hpp"
#include "lockstep/joint_distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// ---- flat, on matrices as wholes -------------------------------------------------------------------------------------------

template <class S> struct FlatMatrix : JointDistributionTag {
  static constexpr bool whole_matrix = !S::square;
  using Support = S;
  LOCKSTEP_FN static S support() { return {}; }
  template <class... D> void check(const char*, D...) const {}
  template <class M, class R, class... A> void sample(const M&, R&, A...) const {
    throw ModelError("has a flat prior (a flat density cannot be drawn from). Give it a proper prior.");
  }
};
template <class M, class S> class PreparedJoint<M, FlatMatrix<S>> {
 public:
  template <class... N> LOCKSTEP_FN static int scratch(N...) { return 0; }
  template <class... D> LOCKSTEP_FN PreparedJoint(M&, const FlatMatrix<S>&, D...) {}
  template <class Y> LOCKSTEP_FN double log_density(const M&, const FlatMatrix<S>&, const Y&) const { return 0; }
};
// A density of 1 for matrices that are on a support as wholes: flat(covariance_matrix()).
template <class S> requires requires { requires S::whole; } LOCKSTEP_FN constexpr FlatMatrix<S> flat(const S&) { return {}; }

// ---- deviations from a mean, by the Cholesky factor of their covariance -----------------------------------------------------

// Host only. Throws ModelError if the factor, or mu, does not run along the event's dimension.
template <class L> void require_factor_along(const char* site, const L& factor, Dim along) {
  if (factor.rows().id != along.id || factor.columns().id != along.id)
    throw ModelError("site '" + std::string(site) + "' has a Cholesky factor along other dimensions than its own (its elements "
                     "and the factor's rows do not correspond). Declare both along the same dimension.");
}
template <class Mu, class L> void require_factor_along(const char* site, const Mu& mu, const L& factor, Dim along) {
  require_vector_along(site, mu, along);
  require_factor_along(site, factor, along);
}

// What densities of (y - mu)^T (L L^T)^-1 (y - mu) share: the factor's diagonal, prepared once for all events, and for each
// event z = L^-1 (y - mu) and w = L^-T z.
template <class M, class L> class CholeskyDeviation {
 public:
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int extent) { return 3 * extent; }

  LOCKSTEP_FN CholeskyDeviation(M& m, const L* factor, Dim along)
      : factor_(factor), along_(along), inverse_(m.allocate_per_slice(along.size)), z_(m.allocate_per_slice(along.size)),
        w_(m.allocate_per_slice(along.size)) {
    for (int k = 0; k < along.size; ++k) {
      const T diagonal = factor_->value(k, k);
      inverse_.store(k, T(1.) / diagonal);
      log_determinant_ += log(diagonal);
    }
  }
  CholeskyDeviation(const CholeskyDeviation&) = delete;
  // Each event's density has -log det L.
  LOCKSTEP_FN ~CholeskyDeviation() {
    if (events_.any())
      for (int k = 0; k < along_.size; ++k) factor_->pull(k, k, -events_.sum() * inverse_.load(k));
  }
  LOCKSTEP_FN const T& log_determinant() const { return log_determinant_; }

  // z.z
  template <class Mu, class Y> LOCKSTEP_FN T sum_of_squares(const M& m, const Mu& mu, const Y& y) {
    T sum(0.);
    for (int k = 0; k < along_.size; ++k) {
      T rest = T(y.value(k) - mu[GatheredIndex{{k, along_.id}}].evaluate(m).value);
      for (int j = 0; j < k; ++j) rest -= factor_->value(k, j) * z_.load(j);
      const T z = rest * inverse_.load(k);
      z_.store(k, z);
      sum += z * z;
    }
    return sum;
  }
  // Pulls `-scale` times the derivatives of z.z/2, for the event whose squares were summed last, an event of that weight:
  //   d/dy = -w, d/dmu = w, d/dL = w z^T
  template <class W, class A, class Mu, class Y>
  LOCKSTEP_FN void pull(const W& weight, const A& scale, const M& m, const Mu& mu, const Y& y) {
    events_.add(weight);
    for (int k = 0; k < along_.size; ++k) w_.store(k, weight * (scale * z_.load(k)));
    // Column by column, so that the factor is read along its rows here too.
    for (int k = along_.size - 1; k >= 0; --k) {
      const T w = w_.load(k) * inverse_.load(k);
      w_.store(k, w);
      for (int j = 0; j < k; ++j) {
        w_.store(j, w_.load(j) - factor_->value(k, j) * w);
        factor_->pull(k, j, w * z_.load(j));
      }
      factor_->pull(k, k, w * z_.load(k));
      y.pull(k, -w);
      mu[GatheredIndex{{k, along_.id}}].evaluate(m).pull(w);
    }
  }

 private:
  const L* factor_;
  Dim along_;
  LaneArray<T> inverse_, z_, w_;
  T log_determinant_ = T(0.);
  EventWeights<T> events_;
};

// mu + scale L z, z standard normal.
template <class M, class R, class Mu, class L>
void draw_by_cholesky(const M& m, R& random, const Mu& mu, const L& factor, double scale, Dim along, double* out) {
  std::vector<double> z(std::size_t(along.size));
  for (double& each : z) each = scale * random.normal();
  for (int k = 0; k < along.size; ++k) {
    out[k] = mu[CheckedIndex{{k, along.id}}].evaluate(m).value;
    for (int j = 0; j <= k; ++j) out[k] += factor.value(k, j) * z[std::size_t(j)];
  }
}

template <class M, class Mu, class L>
std::pair<std::vector<double>, std::vector<double>> mean_and_factor(const M& m, const Mu& mu, const L& factor, Dim along) {
  std::vector<double> root;
  for (int k = 0; k < along.size; ++k)
    for (int j = 0; j < along.size; ++j) root.push_back(j <= k ? factor.value(k, j) : 0.);
  return {values_of(m, mu, along), root};
}

// ---- multivariate normal, by the Cholesky factor of its covariance ---------------------------------------------------------

template <class Mu, class L> struct MvNormalCholesky : JointDistributionTag {
  Mu mu;
  const L* factor;
  LOCKSTEP_FN MvNormalCholesky(const Mu& m, const L* l) : mu(m), factor(l) {}
  using Support = RealLine;
  static constexpr bool elliptical = true;
  LOCKSTEP_FN static RealLine support() { return {}; }
  void check(const char* name, Dim along) const { require_factor_along(name, mu, *factor, along); }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    draw_by_cholesky(m, random, mu, *factor, 1, along, out);
  }
  template <class M> std::pair<std::vector<double>, std::vector<double>> mean_and_root(const M& m, Dim along) const {
    return mean_and_factor(m, mu, *factor, along);
  }
  // Of a standard normal vector, and back.
  template <class M> void from_standard(const M& m, Dim along, const double* z, double* y) const {
    for (int k = 0; k < along.size; ++k) {
      y[k] = mu[CheckedIndex{{k, along.id}}].evaluate(m).value;
      for (int j = 0; j <= k; ++j) y[k] += factor->value(k, j) * z[j];
    }
  }
  template <class M> void to_standard(const M& m, Dim along, const double* y, double* z) const {
    for (int k = 0; k < along.size; ++k) {
      z[k] = y[k] - mu[CheckedIndex{{k, along.id}}].evaluate(m).value;
      for (int j = 0; j < k; ++j) z[k] -= factor->value(k, j) * z[j];
      z[k] /= factor->value(k, k);
    }
  }
};

// With z = L^-1 (y - mu):   log p = -z.z/2 - sum_k log L[k][k] - n log(2 pi)/2
template <class M, class Mu, class L> class PreparedJoint<M, MvNormalCholesky<Mu, L>> {
 public:
  using D = MvNormalCholesky<Mu, L>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int extent) { return CholeskyDeviation<M, L>::scratch(extent); }
  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim along) : size_(along.size), deviation_(m, d.factor, along) {}

  template <class Y, class W = Unit> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y, const W& weight = {}) {
    const T sum_of_squares = deviation_.sum_of_squares(m, d.mu, y);
    if constexpr (pulls<W>) deviation_.pull(weight, Unit{}, m, d.mu, y);
    return -0.5 * sum_of_squares - deviation_.log_determinant() - double(size_) * log_sqrt_2pi;
  }

 private:
  int size_;
  CholeskyDeviation<M, L> deviation_;
};

// Normal vector with mean mu (a number, a vector, or a lambda over elements) and covariance L L^T, L lower triangular with a
// positive diagonal. Source: Kotz, Balakrishnan & Johnson, Continuous Multivariate Distributions 1, ch. 45.
// Of n elements, the log density is -(n/2) log(2 pi) - sum_i log L(i, i) - z^T z/2, L z = y - mu.
template <class Mu, class L> LOCKSTEP_FN auto mv_normal_cholesky(const Mu& mu, const L& factor) {
  return MvNormalCholesky<VectorArgument<Mu>, L>(vector_argument(mu), &factor);
}

// ---- multivariate normal, by the Cholesky factor of its precision ----------------------------------------------------------

template <class Mu, class L> struct MvNormalPrecisionCholesky : JointDistributionTag {
  Mu mu;
  const L* factor;
  LOCKSTEP_FN MvNormalPrecisionCholesky(const Mu& m, const L* l) : mu(m), factor(l) {}
  using Support = RealLine;
  static constexpr bool elliptical = true;
  LOCKSTEP_FN static RealLine support() { return {}; }
  void check(const char* name, Dim along) const { require_factor_along(name, mu, *factor, along); }
  // L^-T, column after column of L^-1.
  template <class M> std::pair<std::vector<double>, std::vector<double>> mean_and_root(const M& m, Dim along) const {
    const std::size_t n = std::size_t(along.size);
    std::vector<double> root(n * n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = i; k < n; ++k) {
        double rest = k == i ? 1 : 0;
        for (std::size_t j = i; j < k; ++j) rest -= factor->value(int(k), int(j)) * root[i * n + j];
        root[i * n + k] = rest / factor->value(int(k), int(k));
      }
    return {values_of(m, mu, along), root};
  }
  // mu + L^-T z
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    for (int k = 0; k < along.size; ++k) out[k] = random.normal();
    for (int k = along.size - 1; k >= 0; --k) {
      out[k] /= factor->value(k, k);
      for (int j = 0; j < k; ++j) out[j] -= factor->value(k, j) * out[k];
    }
    for (int k = 0; k < along.size; ++k) out[k] += mu[CheckedIndex{{k, along.id}}].evaluate(m).value;
  }
};

// With x = y - mu and z = L^T x:
//   log p = -z.z/2 + sum_k log L[k][k] - n log(2 pi)/2;   d/dy = -L z, d/dmu = L z, d/dL = -x z^T + diag(1/L[k][k])
template <class M, class Mu, class L> class PreparedJoint<M, MvNormalPrecisionCholesky<Mu, L>> {
 public:
  using D = MvNormalPrecisionCholesky<Mu, L>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int extent) { return 2 * extent; }
  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim along)
      : factor_(d.factor), along_(along), x_(m.allocate_per_slice(along.size)), z_(m.allocate_per_slice(along.size)) {
    for (int k = 0; k < along.size; ++k) log_determinant_ += log(T(factor_->value(k, k)));
  }
  PreparedJoint(const PreparedJoint&) = delete;
  LOCKSTEP_FN ~PreparedJoint() {
    if (events_.any())
      for (int k = 0; k < along_.size; ++k) factor_->pull(k, k, events_.sum() / T(factor_->value(k, k)));
  }

  template <class Y, class W = Unit> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y, const W& weight = {}) {
    for (int k = 0; k < along_.size; ++k) {
      const T x = T(y.value(k) - d.mu[GatheredIndex{{k, along_.id}}].evaluate(m).value);
      x_.store(k, x);
      z_.store(k, factor_->value(k, k) * x);
      for (int j = 0; j < k; ++j) z_.store(j, z_.load(j) + factor_->value(k, j) * x);
    }
    T sum_of_squares(0.);
    for (int k = 0; k < along_.size; ++k) {
      sum_of_squares += z_.load(k) * z_.load(k);
      if constexpr (pulls<W>) {
        const T x = weight * x_.load(k);
        T w(0.);
        for (int j = 0; j <= k; ++j) {
          const T z = z_.load(j);
          w += factor_->value(k, j) * z;
          factor_->pull(k, j, -x * z);
        }
        const T slope = weight * w;
        y.pull(k, -slope);
        d.mu[GatheredIndex{{k, along_.id}}].evaluate(m).pull(slope);
      }
    }
    events_.add(weight);
    return log_determinant_ - 0.5 * sum_of_squares - double(along_.size) * log_sqrt_2pi;
  }

 private:
  const L* factor_;
  Dim along_;
  LaneArray<T> x_, z_;
  T log_determinant_ = T(0.);
  EventWeights<T> events_;
};

// Normal vector with mean mu (as mv_normal_cholesky's) and precision, the inverse of its covariance, L L^T, L lower triangular
// with a positive diagonal. PyMC's MvNormal(mu, tau=...).
// Of n elements, the log density is -(n/2) log(2 pi) + sum_i log L(i, i) - z^T z/2, z = L^T (y - mu). Source: Rue & Held,
// Gaussian Markov Random Fields, ch. 2.
template <class Mu, class L> LOCKSTEP_FN auto mv_normal_precision_cholesky(const Mu& mu, const L& factor) {
  return MvNormalPrecisionCholesky<VectorArgument<Mu>, L>(vector_argument(mu), &factor);
}

// ---- multivariate Student t ------------------------------------------------------------------------------------------------

template <class Nu, class Mu, class L> struct MvStudentTCholesky : JointDistributionTag {
  Nu nu;
  Mu mu;
  const L* factor;
  LOCKSTEP_FN MvStudentTCholesky(const Nu& n, const Mu& m, const L* l) : nu(n), mu(m), factor(l) {}
  using Support = RealLine;
  static constexpr bool elliptical = true;
  LOCKSTEP_FN static RealLine support() { return {}; }
  void check(const char* name, Dim along) const { require_factor_along(name, mu, *factor, along); }
  // A normal vector over the root of a chi-squared by its degrees of freedom.
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const double half = 0.5 * double(nu.evaluate(m).value);
    draw_by_cholesky(m, random, mu, *factor, std::exp(-0.5 * (random.log_gamma_draw(half) - std::log(half))), along, out);
  }
  template <class M> std::pair<std::vector<double>, std::vector<double>> mean_and_root(const M& m, Dim along) const {
    return mean_and_factor(m, mu, *factor, along);
  }
  template <class M> double degrees_of_freedom(const M& m) const { return nu.evaluate(m).value; }
};

// With z = L^-1 (y - mu), q = z.z, a = nu/2, b = (nu + n)/2, and Stirling's formula for log Gamma(b) - log Gamma(a), so that
// nothing cancels for large nu (S: Stirling's error):
//   log p = (b - 1/2) log1p(n/nu) - n/2 + S(b) - S(a) - b log1p(q/nu) - log det L - n log(2 pi)/2
template <class M, class Nu, class Mu, class L> class PreparedJoint<M, MvStudentTCholesky<Nu, Mu, L>> {
 public:
  using D = MvStudentTCholesky<Nu, Mu, L>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int extent) { return CholeskyDeviation<M, L>::scratch(extent); }
  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim along) : size_(along.size), deviation_(m, d.factor, along) {}

  template <class Y, class W = Unit> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y, const W& weight = {}) {
    const auto evaluated = d.nu.evaluate(m);
    const double n = size_;
    const T nu(evaluated.value), inverse = 1. / nu, a = 0.5 * nu, b = 0.5 * (nu + n);
    const T spread = log1p(T(n * inverse));
    const T q = deviation_.sum_of_squares(m, d.mu, y), log_ratio = log1p(T(q * inverse));
    if constexpr (pulls<W>) {
      const T scale = (nu + n) / (nu + q);
      deviation_.pull(weight, scale, m, d.mu, y);
      // digamma(b) - digamma(a), in the same form; the derivatives of log1p(n/nu) and log1p(q/nu) go with it.
      evaluated.pull(weight * T(0.5 * (spread + 0.5 * (1. / a - 1. / b) + stirling_error_derivative(b) -
                                       stirling_error_derivative(a) - log_ratio + (scale * q - n) * inverse)));
    }
    return (b - 0.5) * spread - 0.5 * n + stirling_error(b) - stirling_error(a) - b * log_ratio - deviation_.log_determinant() -
           n * log_sqrt_2pi;
  }

 private:
  int size_;
  CholeskyDeviation<M, L> deviation_;
};

// Student t vector with nu > 0 degrees of freedom, location mu (as mv_normal_cholesky's) and scale matrix L L^T, L lower
// triangular with a positive diagonal; its covariance is nu/(nu - 2) of that. PyMC's MvStudentT(nu, mu, chol=L). Source: Kotz &
// Nadarajah, Multivariate t Distributions and Their Applications, ch. 1.
// Of n elements, the density is Gamma((nu + n)/2)/(Gamma(nu/2) (pi nu)^(n/2) det L) (1 + z^T z/nu)^(-(nu + n)/2), L z = y - mu.
template <Operand Nu, class Mu, class L> LOCKSTEP_FN auto mv_student_t_cholesky(const Nu& nu, const Mu& mu, const L& factor) {
  return MvStudentTCholesky<RecipeOf<Nu>, VectorArgument<Mu>, L>(as_recipe(nu), vector_argument(mu), &factor);
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

  template <class Y, class W = Unit> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y, const W& weight = {}) const {
    T sum(0.);
    for (int k = 0; k < along_.size; ++k) sum += T(d.alpha[GatheredIndex{{k, along_.id}}].evaluate(m).value);
    const auto total = Shape::prepare(DataValue<T>{sum});
    const T d_total = total.stirling_slope - 0.5 * total.inverse;
    T log_density = total.stirling - 0.5 * total.log - double(along_.size - 1) * log_sqrt_2pi;
    for (int k = 0; k < along_.size; ++k) {
      auto evaluated = d.alpha[GatheredIndex{{k, along_.id}}].evaluate(m);
      const auto alpha = Shape::prepare(evaluated);
      const T value = T(y.value(k)), log_value = T(y.log_value(k));
      const T log_ratio = log_value + total.log - alpha.log;
      log_density += alpha.value * log_minus(T(value * total.value * alpha.inverse), log_ratio) + 0.5 * alpha.log -
                     alpha.stirling - log_value;
      if constexpr (pulls<W>) {
        y.pull(k, weight * T((alpha.value - 1.) / value));
        evaluated.pull(weight * T(log_ratio + 0.5 * alpha.inverse - alpha.stirling_slope + d_total));
      }
    }
    return log_density;
  }

 private:
  Dim along_;
};

// Dirichlet with concentrations alpha > 0 (a number for all elements, a vector, or a lambda), on the simplex.
// Source: Johnson, Kotz & Balakrishnan, Continuous Multivariate Distributions 1, ch. 49.
// Density Gamma(sum_k alpha_k)/prod_k Gamma(alpha_k) prod_k y_k^(alpha_k - 1), of all elements but one.
template <class Alpha> LOCKSTEP_FN auto dirichlet(const Alpha& alpha) {
  return Dirichlet<VectorArgument<Alpha>>(vector_argument(alpha));
}

// ---- weights by breaking a stick --------------------------------------------------------------------------------------------

template <class Alpha> struct StickBreakingWeights : JointDistributionTag {
  Alpha alpha;
  LOCKSTEP_FN explicit StickBreakingWeights(const Alpha& a) : alpha(a) {}
  using Support = Simplex;
  LOCKSTEP_FN static Simplex support() { return {}; }
  void check(const char*, Dim) const {}
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const double a = alpha.evaluate(m).value;
    double log_left = 0;
    for (int k = 0; k < along.size; ++k) {
      // The logarithm of a Beta(alpha, 1), which is what the piece that is broken off leaves.
      const double log_rest = k + 1 < along.size ? -random.exponential() / a : -std::numeric_limits<double>::infinity();
      out[k] = std::max(std::exp(log_left) * -std::expm1(log_rest), std::numeric_limits<double>::min());
      log_left += log_rest;
    }
  }
};

// With left[k] = w[k] + w[k+1] + ..., of n weights:
//   log p = (n-1) log alpha + (alpha - 1) log w[n-1] - sum_{k=1}^{n-2} log left[k]
template <class M, class Alpha> class PreparedJoint<M, StickBreakingWeights<Alpha>> {
 public:
  using D = StickBreakingWeights<Alpha>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int extent) { return extent; }
  LOCKSTEP_FN PreparedJoint(M& m, const D&, Dim along) : size_(along.size), log_left_(m.allocate_per_slice(along.size)) {}

  template <class Y> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y) const {
    const auto evaluated = d.alpha.evaluate(m);
    const T alpha(evaluated.value), log_last(y.log_value(size_ - 1));
    const double pieces = size_ - 1;
    T log_density = pieces * log(alpha) + (alpha - 1.) * log_last, log_left = log_last;
    for (int k = size_ - 2; k > 0; --k) {
      log_left = log_sum_exp(log_left, T(y.log_value(k)));
      log_left_.store(k, log_left);
      log_density -= log_left;
    }
    // Weight k is in left[1], ..., left[k].
    T slope(0.);
    for (int k = 1; k < size_ - 1; ++k) {
      slope -= exp(-log_left_.load(k));
      y.pull(k, slope);
    }
    y.pull(size_ - 1, T(slope + (alpha - 1.) / T(y.value(size_ - 1))));
    evaluated.pull(T(pieces / alpha + log_last));
    return log_density;
  }

 private:
  int size_;
  LaneArray<T> log_left_;
};

// Weights of a Dirichlet process, truncated: each is the share Beta(1, alpha) of what those before it leave of 1, and the last
// has the rest; alpha > 0, larger for more of them that count. On the simplex. PyMC's StickBreakingWeights(alpha, K), of K + 1
// weights. Source: Ishwaran & James (2001), "Gibbs sampling methods for stick-breaking priors".
template <Operand Alpha> LOCKSTEP_FN auto stick_breaking_weights(const Alpha& alpha) {
  return StickBreakingWeights<RecipeOf<Alpha>>(as_recipe(alpha));
}

}  // namespace lockstep
