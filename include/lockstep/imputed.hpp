// Observed vectors of which the data lack elements (NaN): in their place are parameters, whose prior is the distribution that the
// others are data of. So what is missing is imputed, given all that is known (Rubin 1976, "Inference and missing data": sound
// where the chance of being missing does not depend on the value itself).
//
// Elements of a vector that has one distribution, multivariate normal or Student t, are imputed likewise; the density is that of the complete
// vector (generate.hpp says how it falls into what is observed and what is not).
//
// Only the general form of a gradient (log_density.hpp) knows them; the layout run has refused what cannot be imputed.
#pragma once

#include <optional>

#include "lockstep/nodes.hpp"
#include "lockstep/non_centred.hpp"

namespace lockstep {

template <class S> inline constexpr bool has_uniform_bounds = true;
template <class S> requires requires { S::uniform; } inline constexpr bool has_uniform_bounds<S> = S::uniform;

// Where a missing value is a parameter: on one coordinate, so that an angle has an end at pi here.
template <class D> LOCKSTEP_FN auto support_of_missing(const D& d) requires requires { support_of(d); } {
  using S = decltype(support_of(d));
  if constexpr (std::is_same_v<S, Standardised>) return RealLine{};
  else if constexpr (std::is_same_v<S, Circular>) return between(-Circular::pi, Circular::pi);
  else return support_of(d);
}

// Distributions whose values a parameter can take: continuous ones, the support of which is the same for all elements.
template <class D> concept Imputable = requires(const D& d) { support_of_missing(d); } &&
    has_uniform_bounds<decltype(support_of_missing(std::declval<const D&>()))>;

// What is observed, and parameters in place of what is missing.
template <class M, class Support> class ImputedVector : public VectorAccess<ImputedVector<M, Support>> {
 public:
  using value_type = typename M::value_type;
  using T = value_type;

  // `count(node)` adds the log densities of all elements.
  template <class Count> ImputedVector(M& m, const Real& y, const Support& support, const Count& count) : m_(m), y_(y) {
    if (const auto& missing = y.field.info->missing; !missing.empty()) {
      storage_.emplace(m, 1, int(missing.size()), support);
      storage_->clear_adjoints();
    }
    count(*this);
  }

  bool is_missing(int i) const { return y_.field.info->is_missing(i); }
  T value(int i) const {
    if (is_missing(i)) return storage_->value(place(i));
    return T(m_.data(y_.field.table(FieldData::value), i, y_.field.columns));
  }
  template <class A> void pull(int i, const A& a) const {
    if (is_missing(i)) storage_->pull(place(i), a);
  }

 private:
  int place(int i) const { return y_.field.info->number_missing[std::size_t(i)]; }

  M& m_;
  Real y_;
  std::optional<ElementwiseStorage<M, Support>> storage_;
};

}  // namespace lockstep
