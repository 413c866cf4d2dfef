// Wishart and inverse Wishart, of the Cholesky factor of the matrix: what is positive definite is so by construction, and models
// read the factor; and of the matrix itself. Source: Gupta & Nagar, Matrix Variate Distributions, ch. 3; by Bartlett's decomposition
// (Anderson, An Introduction to Multivariate Statistical Analysis, 7.2), all of whose elements are independent, so that nothing
// cancels for large degrees of freedom.
#pragma once

#include "lockstep/cholesky_in_place.hpp"
#include "lockstep/distributions/multivariate.hpp"
#include "lockstep/joint_distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

template <class Nu, class L> struct WishartFactor : JointDistributionTag {
  Nu nu;
  const L* factor;
  LOCKSTEP_FN WishartFactor(const Nu& n, const L* l) : nu(n), factor(l) {}
  using Support = CholeskyCovariance;
  LOCKSTEP_FN static CholeskyCovariance support() { return {}; }
  void check(const char* name, Dim along) const { require_factor_along(name, *factor, along); }
};

// log of the density of chi with k degrees of freedom, its derivative by the value, and by k.
template <class T> struct ChiDensity {
  T log_density, by_value, by_k;
};
template <class T> LOCKSTEP_FN ChiDensity<T> chi_density(const T& t, const T& k) {
  const auto shape = Shape::prepare(DataValue<T>{T(0.5 * k)});
  const T log_t = log(t), log_ratio = 2. * log_t - log_2 - shape.log, ratio = 0.5 * t * t * shape.inverse;
  return {shape.value * log_minus(ratio, log_ratio) + 0.5 * shape.log - log_sqrt_2pi - shape.stirling - log_t + log_2,
          (k - 1.) / t - t, 0.5 * (log_ratio + 0.5 * shape.inverse - shape.stirling_slope)};
}

// An event's elements by row and column.
template <class Y> struct EventMatrix {
  const Y& event;
  int columns;
  LOCKSTEP_FN auto value(int i, int j) const { return event.value(i * columns + j); }
  template <class A> LOCKSTEP_FN void pull(int i, int j, const A& a) const { event.pull(i * columns + j, a); }
};

// Both densities are of the lower triangular T in A T = B: A = L, B = X for the Wishart, A = X, B = L for its inverse. With G = d/dT,
//   d/dB = A^-T G, column by column;   d/dA = -(d/dB) T^T - diag((i + 1)/A[i][i])
template <class M> class BartlettDensity {
 public:
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int extent) { return 2 * extent; }
  template <class D> LOCKSTEP_FN BartlettDensity(M& m, const D&, Dim along)
      : n_(along.size), t_(m.allocate_per_slice(n_)), g_(m.allocate_per_slice(n_)) {}

 protected:
  LOCKSTEP_FN int rows() const { return n_; }
  template <bool is_inverse, class Nu, class A, class B>
  LOCKSTEP_FN SumOf<T> of(const M& m, const Nu& degrees, const A& a, const B& b) const {
    const auto evaluated = degrees.evaluate(m);
    const T nu(evaluated.value);
    SumOf<T> log_density(0.);
    T d_nu(0.);
    for (int j = 0; j < n_; ++j) {
      const T diagonal(a.value(j, j));
      accumulate(log_density, T(-double(j + 1) * log(diagonal)));
      a.pull(j, j, T(-double(j + 1) / diagonal));
      for (int i = j; i < n_; ++i) {
        T rest(b.value(i, j));
        for (int k = j; k < i; ++k) rest -= a.value(i, k) * t_.load(k);
        const T t = rest / T(a.value(i, i));
        t_.store(i, t);
        if (i == j) {
          const auto chi = chi_density(t, T(nu - double(is_inverse ? n_ - 1 - j : j)));
          accumulate(log_density, chi.log_density);
          T slope = chi.by_value;
          if constexpr (is_inverse) {  // of the step from T to X
            accumulate(log_density, T(double(n_ - j) * log(t)));
            slope += double(n_ - j) / t;
          }
          d_nu += chi.by_k;
          g_.store(i, slope);
        } else {
          accumulate(log_density, T(-0.5 * t * t - log_sqrt_2pi));
          g_.store(i, T(-t));
        }
      }
      for (int i = n_ - 1; i >= j; --i) {
        const T by_b = g_.load(i) / T(a.value(i, i));
        b.pull(i, j, by_b);
        for (int k = j; k < i; ++k) {
          g_.store(k, T(g_.load(k) - a.value(i, k) * by_b));
          a.pull(i, k, T(-by_b * t_.load(k)));
        }
        a.pull(i, i, T(-by_b * t_.load(i)));
      }
    }
    evaluated.pull(d_nu);
    return log_density;
  }

 private:
  int n_;
  LaneArray<T> t_, g_;
};

// ---- Wishart ---------------------------------------------------------------------------------------------------------------

template <class Nu, class L> struct WishartCholesky : WishartFactor<Nu, L> {
  using WishartFactor<Nu, L>::WishartFactor;
  // L T, T lower triangular: chi with nu - i degrees of freedom on the diagonal, standard normal below.
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const int n = along.size;
    const double nu = this->nu.evaluate(m).value;
    std::vector<double> column(std::size_t(along.size));
    for (int j = 0; j < n; ++j) {
      column[std::size_t(j)] = std::sqrt(2 * std::exp(random.log_gamma_draw(0.5 * (nu - j))));
      for (int i = j + 1; i < n; ++i) column[std::size_t(i)] = random.normal();
      for (int i = 0; i < n; ++i) {
        out[i * n + j] = 0;
        for (int k = j; k <= i; ++k) out[i * n + j] += this->factor->value(i, k) * column[std::size_t(k)];
      }
    }
  }
};

// With X = L T, T lower triangular:
//   log p(X) = sum_i [log chi(T[i][i]; nu - i) - (i + 1) log L[i][i]] + sum_{j<i} log N(T[i][j])
template <class M, class Nu, class L> class PreparedJoint<M, WishartCholesky<Nu, L>> : public BartlettDensity<M> {
 public:
  using BartlettDensity<M>::BartlettDensity;
  template <class Y> LOCKSTEP_FN auto log_density(const M& m, const WishartCholesky<Nu, L>& d, const Y& y) const {
    const EventMatrix<Y> x{y, this->rows()};
    return this->template of<false>(m, d.nu, *d.factor, x);
  }
};

// The lower Cholesky factor of a Wishart matrix of n rows, with nu > n - 1 degrees of freedom and scale matrix L L^T, L lower
// triangular with a positive diagonal; the matrix has mean nu L L^T. The density is that of the factor's elements on and below
// the diagonal. Stan's wishart_cholesky(nu, L); PyMC's Wishart(nu, V) is of the matrix.
// Of the matrix S the density is proportional to det(S)^((nu - n - 1)/2) exp(-tr((L L^T)^-1 S)/2). Source: Gupta & Nagar, Matrix
// Variate Distributions, ch. 3.
template <Operand Nu, class L> LOCKSTEP_FN auto wishart_cholesky(const Nu& nu, const L& factor) {
  return WishartCholesky<RecipeOf<Nu>, L>(as_recipe(nu), &factor);
}

// ---- inverse Wishart ---------------------------------------------------------------------------------------------------------

template <class Nu, class L> struct InverseWishartCholesky : WishartFactor<Nu, L> {
  using WishartFactor<Nu, L>::WishartFactor;
  // L T^-1, T lower triangular: chi with nu - (n-1-i) degrees of freedom on the diagonal, standard normal below.
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const int n = along.size;
    const double nu = this->nu.evaluate(m).value;
    std::vector<double> t(std::size_t(n) * std::size_t(n));
    const auto at = [n](int i, int j) { return std::size_t(i) * std::size_t(n) + std::size_t(j); };
    for (int i = 0; i < n; ++i)
      for (int j = 0; j <= i; ++j)
        t[at(i, j)] = i > j ? random.normal() : std::sqrt(2 * std::exp(random.log_gamma_draw(0.5 * (nu - (n - 1 - i)))));
    for (int i = 0; i < n; ++i)
      for (int j = n - 1; j >= 0; --j) {
        out[i * n + j] = j > i ? 0 : this->factor->value(i, j);
        for (int k = j + 1; k <= i; ++k) out[i * n + j] -= out[i * n + k] * t[at(k, j)];
        if (j <= i) out[i * n + j] /= t[at(j, j)];
      }
  }
};

// With X T = L, T lower triangular:
//   log p(X) = sum_i [log chi(T[i][i]; nu - (n-1-i)) + (n - i) log T[i][i] - (i + 1) log X[i][i]] + sum_{j<i} log N(T[i][j])
template <class M, class Nu, class L> class PreparedJoint<M, InverseWishartCholesky<Nu, L>> : public BartlettDensity<M> {
 public:
  using BartlettDensity<M>::BartlettDensity;
  template <class Y> LOCKSTEP_FN auto log_density(const M& m, const InverseWishartCholesky<Nu, L>& d, const Y& y) const {
    const EventMatrix<Y> x{y, this->rows()};
    return this->template of<true>(m, d.nu, x, *d.factor);
  }
};

// The lower Cholesky factor of an inverse Wishart matrix of n rows, with nu > n - 1 degrees of freedom and scale matrix L L^T, L
// lower triangular with a positive diagonal; the matrix has mean L L^T/(nu - n - 1), nu > n + 1. The density is that of the
// factor's elements on and below the diagonal. Stan's inv_wishart_cholesky(nu, L). For a covariance, lkj_cholesky_cov says more
// plainly what is believed of scales and correlations.
// Of the matrix S the density is proportional to det(S)^(-(nu + n + 1)/2) exp(-tr(L L^T S^-1)/2). Source: Gupta & Nagar, Matrix
// Variate Distributions, ch. 3.
template <Operand Nu, class L> LOCKSTEP_FN auto inverse_wishart_cholesky(const Nu& nu, const L& factor) {
  return InverseWishartCholesky<RecipeOf<Nu>, L>(as_recipe(nu), &factor);
}

// ---- of the matrix itself ------------------------------------------------------------------------------------------------------

// `Factor`: the distribution of its Cholesky factor.
template <class Factor> struct SquareOf : JointDistributionTag {
  Factor factor;
  LOCKSTEP_FN explicit SquareOf(const Factor& f) : factor(f) {}
  using Support = CovarianceMatrix;
  LOCKSTEP_FN static CovarianceMatrix support() { return {}; }
  void check(const char* name, Dim along) const { factor.check(name, along); }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const std::size_t n = std::size_t(along.size);
    std::vector<double> x(n * n);
    factor.sample(m, random, along, x.data());
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k <= j; ++k) sum += x[i * n + k] * x[j * n + k];
        out[i * n + j] = out[j * n + i] = sum;
      }
  }
};

// With S = X X^T, the density of X's elements, of n rows, over the Jacobian of S's elements on and below the diagonal by them:
//   log p(S) = log p(X) - sum_j [(n - j) log X[j][j] + log 2]
template <class M, class Factor> class PreparedJoint<M, SquareOf<Factor>> {
 public:
  using D = SquareOf<Factor>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int extent) { return PreparedJoint<M, Factor>::scratch(extent) + 2 * in_triangle(extent, 0); }
  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim along)
      : n_(along.size), of_factor_(m, d.factor, along), x_(m.allocate_per_slice(in_triangle(n_, 0))),
        adjoints_(m.allocate_per_slice(in_triangle(n_, 0))) {}

  template <class Y> LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y) const {
    for (int i = 0; i < n_; ++i)
      for (int j = 0; j <= i; ++j) {
        x_.store(in_triangle(i, j), T(y.value(i * n_ + j)));
        adjoints_.store(in_triangle(i, j), T(0.));
      }
    cholesky_in_place(x_, n_);
    SumOf<T> log_density = of_factor_.log_density(m, d.factor, Triangle{x_, adjoints_, n_});
    for (int j = 0; j < n_; ++j) {
      const T diagonal = x_.load(in_triangle(j, j));
      accumulate(log_density, T(-double(n_ - j) * log(diagonal) - log_2));
      adjoints_.add(in_triangle(j, j), T(-double(n_ - j) / diagonal));
    }
    reverse_cholesky_in_place(x_, adjoints_, n_);
    for (int i = 0; i < n_; ++i)
      for (int j = 0; j <= i; ++j) y.pull(i * n_ + j, adjoints_.load(in_triangle(i, j)));
    return log_density;
  }

 private:
  // The factor as an event.
  struct Triangle {
    LaneArray<T> values, adjoints;
    int n;
    LOCKSTEP_FN T value(int k) const { return values.load(in_triangle(k / n, k % n)); }
    template <class A> LOCKSTEP_FN void pull(int k, const A& a) const { adjoints.add(in_triangle(k / n, k % n), a); }
  };

  int n_;
  PreparedJoint<M, Factor> of_factor_;
  LaneArray<T> x_, adjoints_;
};

// A Wishart matrix S of n rows, with nu > n - 1 degrees of freedom and scale matrix V = L L^T, L lower triangular with a positive
// diagonal; its mean is nu V. For models that read the matrix's elements, and for data; where a factor is needed, wishart_cholesky
// is cheaper and more exact. PyMC's Wishart(nu, V), Stan's wishart(nu, V). The density is that of the elements on and below the
// diagonal.
// Density det(S)^((nu - n - 1)/2) exp(-tr(V^-1 S)/2)/(2^(nu n/2) det(V)^(nu/2) Gamma_n(nu/2)). Source: Gupta & Nagar, Matrix
// Variate Distributions, ch. 3.
template <Operand Nu, class L> LOCKSTEP_FN auto wishart(const Nu& nu, const L& factor) {
  return SquareOf<WishartCholesky<RecipeOf<Nu>, L>>(wishart_cholesky(nu, factor));
}
// An inverse Wishart matrix S of n rows, likewise with scale matrix V = L L^T: S^-1 is Wishart with the scale matrix V^-1. Its mean
// is V/(nu - n - 1), nu > n + 1. Stan's inv_wishart(nu, V).
// Density det(V)^(nu/2) det(S)^(-(nu + n + 1)/2) exp(-tr(V S^-1)/2)/(2^(nu n/2) Gamma_n(nu/2)). Source: as wishart.
template <Operand Nu, class L> LOCKSTEP_FN auto inverse_wishart(const Nu& nu, const L& factor) {
  return SquareOf<InverseWishartCholesky<RecipeOf<Nu>, L>>(inverse_wishart_cholesky(nu, factor));
}

}  // namespace lockstep
