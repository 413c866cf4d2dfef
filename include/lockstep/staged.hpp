// Linear predictors of all chains at once, by one matrix product: the staged form of lockstep/linear.hpp (design §3).
//
// A gradient then takes three runs of the model, with a product before the second and one before the third:
//
//   arguments   evaluates the coefficients of every chain; nothing is observed
//   density     reads the predictors X beta, and leaves the derivative by each of them
//   pull        pulls X^T times those into the coefficients; neither priors nor data count
//
// Pulling is linear, so the gradients of the last two add up to the whole one.
#pragma once

#include "lockstep/linear.hpp"

namespace lockstep {

enum class Stage { whole, arguments, density, pull };  // whole: one run does it all

// A design matrix that a model multiplies by coefficients, in the order in which it asks.
struct StagedSite {
  const double* values;   // [row][column]
  int rows, columns;
  const float* singles;   // see Matrix
};

// What one chain reads and writes of all sites, one after the other: element i at [i * stride]. Doubles; in mixed precision
// floats, which are half as much to move.
struct StagedArrays {
  void *coefficients = nullptr, *coefficient_adjoints = nullptr;  // [column]
  void *predictors = nullptr, *predictor_adjoints = nullptr;      // [row]
  int stride = 1;
  StagedSite* sites = nullptr;   // if not null, told of each site, of `most_sites` at most
  int most_sites = 0;
};

template <class T> struct StagedArray {
  StoredFor<T> *values, *adjoints;
  int stride;
  LOCKSTEP_FN T value(int i) const { return values[std::int64_t(i) * stride]; }
  LOCKSTEP_FN T adjoint(int i) const { return adjoints[std::int64_t(i) * stride]; }
  LOCKSTEP_FN void store_value(int i, const T& value) const { values[std::int64_t(i) * stride] = StoredFor<T>(value); }
  LOCKSTEP_FN void store_adjoint(int i, const T& adjoint) const { adjoints[std::int64_t(i) * stride] = StoredFor<T>(adjoint); }
};

template <class M, class Beta> class StagedPredictor : public OwnedAccess<StagedPredictor<M, Beta>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;
  LOCKSTEP_FN StagedPredictor(M& m, const Matrix& x, const Beta& beta)
      : m_(m), x_(x), beta_(&beta), coefficients_(m.take_staged_columns(x)), predictors_(m.take_staged_rows(x)) {
    if constexpr (M::stage == Stage::arguments)
      for (int k : m.team().share(x.columns().size)) coefficients_.store_value(k, beta.value(k));
    if constexpr (M::stage == Stage::density)
      for (int i : m.team().share(x.rows().size)) predictors_.store_adjoint(i, T(0.));
  }
  LOCKSTEP_FN ~StagedPredictor() {
    if constexpr (M::stage == Stage::pull)
      for (int k : m_.team().share(x_.columns().size)) beta_->pull(k, coefficients_.adjoint(k));
  }
  // Before the first product there is none yet; nothing that is made of it is used.
  LOCKSTEP_FN T value(int i) const {
    if constexpr (M::stage == Stage::arguments) return T(0.);
    else return predictors_.value(i);
  }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const {
    if constexpr (M::stage == Stage::density) predictors_.store_adjoint(i, predictors_.adjoint(i) + a);
  }
  LOCKSTEP_FN Dim dim() const { return x_.rows(); }

 private:
  M& m_;
  Matrix x_;
  NodePointer<Beta> beta_;
  StagedArray<T> coefficients_, predictors_;
};

}  // namespace lockstep
