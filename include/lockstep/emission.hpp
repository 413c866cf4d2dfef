// What a hidden state chooses: the distribution of an observation, `f(i, k)` that of observation i in state k. Observations are
// the elements of a vector or, if the distribution is joint, the rows of a matrix, each one event. Slices own observations: a
// state's index counts as gathered, since it reads what other slices own.
#pragma once

#include "lockstep/distribution.hpp"
#include "lockstep/joint_distribution.hpp"
#include "lockstep/lanes.hpp"

namespace lockstep {

template <class F> using DistributionInState = std::remove_cvref_t<decltype(std::declval<const F&>()(Index{}, GatheredIndex{}))>;

// Distributions of vectors whose derivatives can be weighted.
template <class M, class D> concept Weighted = requires(PreparedJoint<M, D>& prepared, const M& m, const D& d) {
  prepared.log_density(m, d, DataEvent{}, Zero{});
};

// The densities of the observations of `dim` in one state, `state`'s k. Observations have at least one element, and there is
// at least one state. `Y`: what is observed, a Real or a Matrix.
template <class M, class Y, class F> class Emission;

// Of numbers. It may serve for all states.
template <class M, class F> class Emission<M, Real, F> {
 public:
  using T = typename M::value_type;
  using D = DistributionInState<F>;
  static_assert(!JointDistribution<D>, "a distribution of vectors is one of a matrix's rows: observe a matrix");
  static constexpr bool of_rows = false;

  LOCKSTEP_FN Emission(M& m, const Real& y, Dim dim, Dim state, const F& f, int k)
      : m_(m), y_(y), dim_(dim), state_(state), f_(f), prepared_(m, f(Index{dim.first, dim.id}, GatheredIndex{{k, state.id}})) {}

  LOCKSTEP_FN T log_density(int i, int k) { return T(at(i, k).log_density); }
  // The same; adds `weight` times its derivatives.
  template <class W> LOCKSTEP_FN T pull(int i, int k, const W& weight) {
    auto density = at(i, k);
    density.pull(weight);
    return T(density.log_density);
  }

 private:
  LOCKSTEP_FN auto at(int i, int k) {
    const Index j{i, dim_.id};
    return prepared_.at(m_, f_(j, GatheredIndex{{k, state_.id}}), y_[j].evaluate(m_));
  }

  M& m_;
  Real y_;
  Dim dim_, state_;
  const F& f_;
  Prepared<M, D> prepared_;
};

// Of rows.
template <class M, class F> class Emission<M, Matrix, F> {
 public:
  using T = typename M::value_type;
  using D = DistributionInState<F>;
  static_assert(JointDistribution<D> && !WholeMatrix<D>, "a matrix's rows have a distribution of vectors each");
  static_assert(Weighted<M, D>, "no hidden state can choose this distribution of vectors: its derivatives have no weights");
  static constexpr bool of_rows = true;

  LOCKSTEP_FN Emission(M& m, const Matrix& y, Dim dim, Dim state, const F& f, int k)
      : m_(m), y_(y), dim_(dim), state_(state), f_(f), prepared_(m, f(Index{dim.first, dim.id}, GatheredIndex{{k, state.id}}), y.columns()) {}

  LOCKSTEP_FN T log_density(int i, int k) { return pull(i, k, Zero{}); }
  template <class W> LOCKSTEP_FN T pull(int i, int k, const W& weight) {
    SumOf<T> log_density(0.);
    accumulate(log_density, prepared_.log_density(m_, f_(Index{i, dim_.id}, GatheredIndex{{k, state_.id}}), DataEvent{y_.values_of_row(i)}, weight));
    return narrow<T>(log_density);
  }

 private:
  M& m_;
  Matrix y_;
  Dim dim_, state_;
  const F& f_;
  PreparedJoint<M, D> prepared_;
};

// What is impossible may have no finite derivative, and has none that counts: whether the probability is above 0 in any lane.
template <class T> LOCKSTEP_FN bool possible(const T& probability) {
  const auto is = probability > 0.;
  if constexpr (std::is_same_v<std::remove_const_t<decltype(is)>, bool>) return is;
  else if constexpr (requires { LaneTraits<T>::any(is); }) return LaneTraits<T>::any(is);
  else return true;
}

}  // namespace lockstep
