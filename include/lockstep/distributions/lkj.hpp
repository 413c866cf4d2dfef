// LKJ distributions of correlations: of the Cholesky factor of a correlation matrix, of the matrix, and of the factor of a
// covariance matrix, with its standard deviations. Source: Lewandowski, Kurowicka & Joe (2009), "Generating random correlation
// matrices based on vines and extended onion method".
#pragma once

#include <vector>

#include "lockstep/joint_distribution.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

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

// c(eta, n) of all LKJ densities, and its derivative:
//   c = sum_{k=1}^{n-1} [log Gamma(eta + (n-1)/2) - log Gamma(eta + (n-1-k)/2) - k log(pi)/2]
template <class T> LOCKSTEP_FN ValueAndSlope<T, T> lkj_constant(const T& eta, int n) {
  const T top = eta + 0.5 * double(n - 1);
  T value = double(n - 1) * log_gamma(top), slope = double(n - 1) * digamma(top);
  for (int k = 1; k < n; ++k) {
    const T at = eta + 0.5 * double(n - 1 - k);
    value -= log_gamma(at) + 0.5 * double(k) * log_pi;
    slope -= digamma(at);
  }
  return {value, slope};
}

template <class M, class Eta> class PreparedJoint<M, LkjCholesky<Eta>> {
 public:
  using D = LkjCholesky<Eta>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim along) : n_(along.size) {}

  //   log p(L) = sum_i (n - 1 - i + 2 (eta - 1)) log L[i][i] + c(eta, n)
  template <class Y> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y) const {
    auto evaluated = d.eta.evaluate(m);
    const T eta = T(evaluated.value);
    const auto constant = lkj_constant(eta, n_);
    T log_density = constant.value, d_eta = constant.slope;
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

// ---- LKJ, of the correlation matrix itself -----------------------------------------------------------------------------------

template <class Eta> struct LkjCorrelation : JointDistributionTag {
  Eta eta;
  LOCKSTEP_FN explicit LkjCorrelation(const Eta& e) : eta(e) {}
  using Support = CorrelationMatrix;
  LOCKSTEP_FN static CorrelationMatrix support() { return {}; }
  void check(const char*, Dim) const {}
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const int n = along.size;
    std::vector<double> l(std::size_t(n) * std::size_t(n));
    LkjCholesky<Eta>(eta).sample(m, random, along, l.data());
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        out[i * n + j] = i == j ? 1 : 0;
        for (int k = 0; i != j && k < n; ++k)
          out[i * n + j] +=
              l[std::size_t(i) * std::size_t(n) + std::size_t(k)] * l[std::size_t(j) * std::size_t(n) + std::size_t(k)];
      }
  }
};

// With R = L L^T: log p = (eta - 1) 2 sum_i log L[i][i] + c(eta, n); d/dR = (eta - 1) R^-1, of whose elements below the
// diagonal each counts twice.
template <class M, class Eta> class PreparedJoint<M, LkjCorrelation<Eta>> {
 public:
  using D = LkjCorrelation<Eta>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int extent) { return extent * extent; }
  LOCKSTEP_FN PreparedJoint(M& m, const D&, Dim along) : n_(along.size), l_(m.allocate_per_slice(along.size * along.size)) {}

  template <class Y> LOCKSTEP_FN T log_density(const M& m, const D& d, const Y& y) const {
    const auto evaluated = d.eta.evaluate(m);
    const T eta(evaluated.value);
    const auto constant = lkj_constant(eta, n_);
    T log_determinant(0.);
    for (int i = 0; i < n_; ++i)
      for (int j = 0; j <= i; ++j) {
        T rest(y.value(i * n_ + j));
        for (int k = 0; k < j; ++k) rest -= l_.load(i * n_ + k) * l_.load(j * n_ + k);
        const T l = i == j ? T(sqrt(rest)) : T(rest / l_.load(j * n_ + j));
        l_.store(i * n_ + j, l);
        if (i == j) log_determinant += 2. * log(l);
      }
    // L^-1 in L's place, column by column from the last; then R^-1 = L^-T L^-1.
    for (int j = n_ - 1; j >= 0; --j) {
      const T inverse = 1. / l_.load(j * n_ + j);
      for (int i = n_ - 1; i > j; --i) {
        T sum(0.);
        for (int k = j + 1; k <= i; ++k) sum += l_.load(i * n_ + k) * l_.load(k * n_ + j);
        l_.store(i * n_ + j, T(-sum * inverse));
      }
      l_.store(j * n_ + j, inverse);
    }
    for (int i = 0; i < n_; ++i)
      for (int j = 0; j < i; ++j) {
        T inverse(0.);
        for (int k = i; k < n_; ++k) inverse += l_.load(k * n_ + i) * l_.load(k * n_ + j);
        y.pull(i * n_ + j, T(2. * (eta - 1.) * inverse));
      }
    evaluated.pull(T(constant.slope + log_determinant));
    return constant.value + (eta - 1.) * log_determinant;
  }

 private:
  int n_;
  LaneArray<T> l_;
};

// A correlation matrix R with density proportional to det(R)^(eta - 1), eta > 0: lkj_cholesky's, of the matrix itself, for models
// that read its elements. The density is that of the elements below its diagonal. PyMC's LKJCorr. Where a factor is needed,
// lkj_cholesky is cheaper and more exact.
// Source: as lkj_cholesky.
template <Operand Eta> LOCKSTEP_FN auto lkj_corr(const Eta& eta) { return LkjCorrelation<RecipeOf<Eta>>(as_recipe(eta)); }

// ---- LKJ with scales, of the Cholesky factor of a covariance matrix ------------------------------------------------

template <class Eta, class F> struct LkjCholeskyCovariance : JointDistributionTag {
  Eta eta;
  F scale;   // the distribution of each standard deviation
  LOCKSTEP_FN LkjCholeskyCovariance(const Eta& e, const F& f) : eta(e), scale(f) {}
  using Support = CholeskyCovariance;
  LOCKSTEP_FN static CholeskyCovariance support() { return {}; }
  void check(const char*, Dim) const {}
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const int n = along.size;
    LkjCholesky<Eta>(eta).sample(m, random, along, out);
    for (int i = 0; i < n; ++i) {
      const double sd = draw_from(m, random, scale(CheckedIndex{{i, along.id}}));
      for (int j = 0; j <= i; ++j) out[i * n + j] *= sd;
    }
  }
};

// With s_i the length of row i and w_i = L[i][i]/s_i, the diagonal of the correlation's factor:
//   log p = sum_i [log p_i(s_i) - i log s_i + (n - i + 2 (eta - 1)) log w_i] + c(eta, n), i > 0 in the last term
// The row is s_i times a vector of length 1, whose free elements change with it by s_i^i/w_i.
template <class M, class Eta, class F> class PreparedJoint<M, LkjCholeskyCovariance<Eta, F>> {
 public:
  using D = LkjCholeskyCovariance<Eta, F>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim along) : along_(along), scale_(m, d.scale(Index{0, along.id})) {}

  template <class Y> LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y) {
    const int n = along_.size;
    const auto evaluated = d.eta.evaluate(m);
    const T eta(evaluated.value);
    const auto constant = lkj_constant(eta, n);
    T d_eta = constant.slope;
    SumOf<T> log_density(0.);
    accumulate(log_density, constant.value);
    for (int i = 0; i < n; ++i) {
      T squares(0.);
      for (int j = 0; j <= i; ++j) {
        const T l(y.value(i * n + j));
        squares += l * l;
      }
      const T sd = sqrt(squares), diagonal(y.value(i * n + i));
      auto density = scale_.at(m, d.scale(Index{i, along_.id}), DataValue<T>{sd});
      accumulate(log_density, density.log_density);
      const T power = double(n - 2 - i) + 2. * eta, log_share = i == 0 ? T(0.) : T(log(T(diagonal / sd)));
      accumulate(log_density, T(power * log_share - double(i) * log(sd)));
      d_eta += 2. * log_share;
      T slope(0.);   // by the length
      accumulate(slope, density.slope());
      slope -= double(i) / sd;
      if (i > 0) slope -= power / sd;
      for (int j = 0; j <= i; ++j) y.pull(i * n + j, T(slope * T(y.value(i * n + j)) / sd));
      if (i > 0) y.pull(i * n + i, T(power / diagonal));
      density.pull(Unit{});
    }
    evaluated.pull(d_eta);
    return log_density;
  }

 private:
  Dim along_;
  Prepared<M, std::remove_cvref_t<decltype(std::declval<const F&>()(Index{}))>> scale_;
};

// The lower Cholesky factor L of a covariance matrix: its correlations are LKJ(eta), its standard deviations have the
// distribution `scale`, on y > 0 (exponential(1), or by a lambda one for each). The density is that of L's elements on and below
// the diagonal. L goes into mv_normal_cholesky as it is. PyMC's LKJCholeskyCov(eta, n, sd_dist).
// Source: as lkj_cholesky.
template <Operand Eta, DistributionLike S> LOCKSTEP_FN auto lkj_cholesky_cov(const Eta& eta, const S& scale) {
  return LkjCholeskyCovariance<RecipeOf<Eta>, SameForAll<S>>(as_recipe(eta), SameForAll<S>{scale});
}
template <Operand Eta, class F> requires std::is_invocable_v<const F&, Index>
LOCKSTEP_FN auto lkj_cholesky_cov(const Eta& eta, const F& scale) {
  return LkjCholeskyCovariance<RecipeOf<Eta>, F>(as_recipe(eta), scale);
}

}  // namespace lockstep
