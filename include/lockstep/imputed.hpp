// Observed vectors and matrices of which the data lack elements (NaN): in their place are parameters, whose prior is the
// distribution that the others are data of. So what is missing is imputed, given all that is known (Rubin 1976, "Inference and
// missing data": sound where the chance of being missing does not depend on the value itself).
//
// Elements of a vector that has one distribution, multivariate normal or Student t, are imputed likewise; the density is that of the complete
// vector (generate.hpp says how it falls into what is observed and what is not).
//
// Only the general form of a gradient (log_density.hpp) knows them; the layout run has refused what cannot be imputed.
#pragma once

#include <optional>

#include "lockstep/matrix.hpp"
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

// Row after row. They have no tables but that of values.
inline FieldData elements_of(const Matrix& y) { return {y.values, std::int64_t(y.rows().size) * y.columns().size, 1, y.info}; }

// Elements by number: what is observed, and parameters in place of what is missing.
template <class M, class Support> class ImputedElements {
 public:
  using value_type = typename M::value_type;
  using T = value_type;

  ImputedElements(M& m, const FieldData& y, const Support& support) : m_(m), y_(y) {
    if (const auto& missing = y.info->missing; !missing.empty()) {
      storage_.emplace(m, 1, int(missing.size()), support);
      storage_->clear_adjoints();
    }
  }

  bool is_missing(int i) const { return y_.info->is_missing(i); }
  T value(int i) const {
    if (is_missing(i)) return storage_->value(place(i));
    return T(m_.data(y_.table(FieldData::value), i, y_.columns));
  }
  template <class A> void pull(int i, const A& a) const {
    if (is_missing(i)) storage_->pull(place(i), a);
  }

 private:
  int place(int i) const { return y_.info->number_missing[std::size_t(i)]; }

  M& m_;
  FieldData y_;
  std::optional<ElementwiseStorage<M, Support>> storage_;
};

// A vector, and a matrix, of them. `count(node)` adds the log densities of all elements.
template <class M, class Support>
class ImputedVector : public ImputedElements<M, Support>, public VectorAccess<ImputedVector<M, Support>> {
 public:
  template <class Count> ImputedVector(M& m, const FieldData& y, const Support& support, const Count& count)
      : ImputedElements<M, Support>(m, y, support) {
    count(*this);
  }
};
template <class M, class Support>
class ImputedMatrix : public ImputedElements<M, Support>, public MatrixAccess<ImputedMatrix<M, Support>> {
 public:
  using ImputedElements<M, Support>::value;
  using ImputedElements<M, Support>::pull;
  using MatrixAccess<ImputedMatrix>::value;
  using MatrixAccess<ImputedMatrix>::pull;

  template <class Count> ImputedMatrix(M& m, const Matrix& y, const Support& support, const Count& count)
      : ImputedElements<M, Support>(m, elements_of(y), support), rows_(y.rows()), columns_(y.columns()) {
    count(*this);
  }
  Dim rows() const { return rows_; }
  Dim columns() const { return columns_; }

 private:
  Dim rows_, columns_;
};

}  // namespace lockstep
