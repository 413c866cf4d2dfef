// Nodes of small dense linear algebra that one team does by itself: the Cholesky factor of a covariance matrix, and triangular
// solves. Larger matrices (from about 128 rows) are for batched library calls.
//
// One slice of a team factorises; all may read. A matrix that is not positive definite in some lane makes that lane's values
// NaN, hence its density: that chain's trajectory ends there, and no other's.
#pragma once

#include "lockstep/cholesky_in_place.hpp"
#include "lockstep/matrix.hpp"

namespace lockstep {

// L with L L^T = K, K[i][j] = element(i, j) for j <= i. K's elements are overwritten by L's, and, on the way back, L's adjoints
// by K's. Kept as a triangle.
template <class M, class F> class CholeskyFactor : public Liveness {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  static constexpr bool lower_triangular = true;

  LOCKSTEP_FN CholeskyFactor(M& m, Dim dim, const F& element)
      : m_(m), dim_(dim), element_(element), values_(m.allocate(size())), adjoints_(m.allocate_per_slice(size())) {
    for (int k = 0; k < size(); ++k) adjoints_.store(k, T(0.));
    for_owned_rows([this](int i) {
      for (int j = 0; j <= i; ++j) values_.store(in_triangle(i, j), T(at(i, j).value));
    });
    m.team().barrier();
    if (m.first_slice()) cholesky_in_place(values_, dim_.size);
    m.team().barrier();
  }
  LOCKSTEP_FN ~CholeskyFactor() {
    m_.team().barrier();
    if (m_.first_slice()) {
      if constexpr (M::Team::sliced)
        for (int k = 0; k < size(); ++k) adjoints_.store(k, m_.sum_over_slices(adjoints_, k, size()));
      reverse_cholesky_in_place(values_, adjoints_, dim_.size);
    }
    m_.team().barrier();
    const LaneArray<T> sums = adjoints_.from(-size() * m_.team().slice());  // the first slice's
    for_owned_rows([&](int i) {
      for (int j = 0; j <= i; ++j) at(i, j).pull(sums.load(in_triangle(i, j)));
    });
    m_.team().barrier();  // before the next node takes the scratch
  }

  LOCKSTEP_FN Element<CholeskyFactor, false> operator()(Index i, Index j) const {
    return {this, in_triangle(i.position, j.position)};
  }
  LOCKSTEP_FN Row<CholeskyFactor> row(Index i) const { return {this, i}; }
  LOCKSTEP_FN T value(int k) const { return values_.load(k); }
  LOCKSTEP_FN T value(int i, int j) const { return values_.load(in_triangle(i, j)); }
  template <class A> LOCKSTEP_FN void pull(int k, const A& a) const { adjoints_.add(k, a); }
  template <class A> LOCKSTEP_FN void pull(int i, int j, const A& a) const { adjoints_.add(in_triangle(i, j), a); }
  LOCKSTEP_FN Dim rows() const { return dim_; }
  LOCKSTEP_FN Dim columns() const { return dim_; }

 private:
  LOCKSTEP_FN int size() const { return in_triangle(dim_.size, 0); }
  // Slices own rows: a column's index counts as gathered.
  LOCKSTEP_FN auto at(int i, int j) const {
    return as_recipe(element_(Index{i, dim_.id}, GatheredIndex{{j, dim_.id}})).evaluate(m_);
  }
  template <class G> LOCKSTEP_FN void for_owned_rows(const G& g) const {
    for (int i : m_.team().share(dim_.size)) g(i);
  }

  M& m_;
  Dim dim_;
  F element_;
  LaneArray<T> values_, adjoints_;
};

// z with A z = b, where A is a lower triangular node L, or its transpose. b: a vector argument (joint_distribution.hpp).
template <class M, class L, class B, bool transposed>
class TriangularSolution : public VectorAccess<TriangularSolution<M, L, B, transposed>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  LOCKSTEP_FN TriangularSolution(M& m, const L& factor, const B& b)
      : m_(m), factor_(&factor), b_(b), values_(m.allocate(n())), adjoints_(m.allocate_per_slice(n())) {
    for (int k = 0; k < n(); ++k) adjoints_.store(k, T(0.));
    m.team().barrier();  // b may read elements that other slices own
    if (m.first_slice())
      for (int s = 0; s < n(); ++s) {
        const int i = solved(s);
        T rest = T(at(i).value);
        for (int r = 0; r < s; ++r) rest -= coefficient(i, solved(r)) * values_.load(solved(r));
        values_.store(i, rest / factor_->value(i, i));
      }
    m.team().barrier();
  }
  // With w = A^-T (adjoint of z): w is b's adjoint, -w z^T is A's.
  LOCKSTEP_FN ~TriangularSolution() {
    m_.team().barrier();
    if (m_.first_slice()) {
      if constexpr (M::Team::sliced)
        for (int k = 0; k < n(); ++k) adjoints_.store(k, m_.sum_over_slices(adjoints_, k, n()));
      for (int s = n() - 1; s >= 0; --s) {
        const int i = solved(s);
        const T w = adjoints_.load(i) / factor_->value(i, i);
        for (int r = 0; r < s; ++r) {
          const int j = solved(r);
          adjoints_.store(j, adjoints_.load(j) - coefficient(i, j) * w);
          if constexpr (transposed) factor_->pull(j, i, -w * values_.load(j));
          else factor_->pull(i, j, -w * values_.load(j));
        }
        factor_->pull(i, i, -w * values_.load(i));
        at(i).pull(w);
      }
    }
    m_.team().barrier();
  }
  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }
  LOCKSTEP_FN Dim dim() const { return factor_->rows(); }

 private:
  LOCKSTEP_FN int n() const { return factor_->rows().size; }
  // Which element is found in step s: a transpose is solved from its last on.
  LOCKSTEP_FN int solved(int s) const { return transposed ? n() - 1 - s : s; }
  LOCKSTEP_FN auto coefficient(int i, int j) const { return transposed ? factor_->value(j, i) : factor_->value(i, j); }
  LOCKSTEP_FN auto at(int i) const { return b_[Index{i, factor_->rows().id}].evaluate(m_); }
  M& m_;
  NodePointer<L> factor_;
  B b_;
  LaneArray<T> values_, adjoints_;
};

}  // namespace lockstep
