// The other parameterisation of a hierarchy, by one word in its prior:
//
//   m.param("theta", normal(mu, tau), county)                                          centred
//   m.param("theta", non_centred(normal(mu, tau)), county)                             not
//   m.param("b", non_centred(mv_normal_cholesky(mean, L)), county, effect)             rows of a matrix
//   m.param("theta", county, [&](auto j) { return partially_centred(normal(mu, tau), c[j]); })       between the two
//
// The prior is the same, and theta is theta for all that reads it. What is sampled is z = (theta - mu)/tau, or
// L^-1 (theta - mean), which has a standard distribution of its own, whatever mu and tau are: no funnel where groups have
// few data. (Where each has many, the centred one is better.) The density of theta with its Jacobian is that of z, which is
// what is computed: nothing is left to cancel.
//
// Between the two, with c from 0 (not centred) to 1 (centred), what is sampled is x = c mu + tau^(c - 1) (theta - mu), which has
// location c mu and scale tau^c (Papaspiliopoulos, Roberts & Skoeld 2003; Gorinova, Moore & Hoffman 2020, "Automatic
// reparameterisation of probabilistic programs"). Each element may have a c of its own.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "lockstep/matrix.hpp"

namespace lockstep {

// Elements on the line that are standardised by their own prior.
struct Standardised {
  static constexpr bool elementwise = true;
  static constexpr bool identity = false;
  static constexpr const char* description = "real";
};

// ---- of numbers ------------------------------------------------------------------------------------------------------

// `By` is how values and coordinates are made of each other.
template <class D, class By> struct NonCentred : DistributionTag {
  D distribution;
  By by;
  LOCKSTEP_FN NonCentred(const D& d, const By& b) : distribution(d), by(b) {}
};
template <class D, class By> LOCKSTEP_FN Standardised support_of(const NonCentred<D, By>&) { return {}; }
template <class M, class D, class By> class Prepared<M, NonCentred<D, By>> : public Prepared<M, D> {
 public:
  LOCKSTEP_FN Prepared(const M& m, const NonCentred<D, By>& d) : Prepared<M, D>(m, d.distribution) {}
  template <class Y> LOCKSTEP_FN auto at(const M& m, const NonCentred<D, By>& d, const Y& y) {
    return Prepared<M, D>::at(m, d.distribution, y);
  }
};
template <class M, class R, class D, class By> double draw_from(const M& m, R& random, const NonCentred<D, By>& d) {
  return draw_from(m, random, d.distribution);
}

// A distribution that is location + scale * one that has neither: its last two arguments.
template <class Kernel, class... A> LOCKSTEP_FN auto location_of(const Distribution<Kernel, A...>& d) {
  return get<sizeof...(A) - 2>(d.arguments).expression;
}
template <class Kernel, class... A> LOCKSTEP_FN auto scale_of(const Distribution<Kernel, A...>& d) {
  return get<sizeof...(A) - 1>(d.arguments).expression;
}
// The same with another location and scale.
template <class Kernel, class... A, class Mu, class S, std::size_t... I>
LOCKSTEP_FN auto moved(const Distribution<Kernel, A...>& d, const Mu& mu, const S& scale, std::index_sequence<I...>) {
  return make_distribution<Kernel>(get<I>(d.arguments)..., argument<Location>(mu), argument<Scale>(scale));
}
template <class Kernel, class... A, class Mu, class S>
LOCKSTEP_FN auto moved(const Distribution<Kernel, A...>& d, const Mu& mu, const S& scale) {
  return moved(d, mu, scale, std::make_index_sequence<sizeof...(A) - 2>());
}

struct Standardising {
  template <class D> LOCKSTEP_FN static auto of_coordinate(const D& d) { return moved(d, 0., 1.); }
  template <class D, class Z> LOCKSTEP_FN static auto value(const D& d, const Z& z) { return location_of(d) + scale_of(d) * z; }
  template <class D, class Y> LOCKSTEP_FN static auto coordinate(const D& d, const Y& y) {
    return (y - location_of(d)) / scale_of(d);
  }
};
template <class C> struct PartlyStandardising {
  C centredness;
  template <class D> LOCKSTEP_FN auto of_coordinate(const D& d) const {
    return moved(d, centredness * location_of(d), exp(centredness * log(scale_of(d))));
  }
  template <class D, class Z> LOCKSTEP_FN auto value(const D& d, const Z& z) const {
    return location_of(d) + exp((1. - centredness) * log(scale_of(d))) * (z - centredness * location_of(d));
  }
  template <class D, class Y> LOCKSTEP_FN auto coordinate(const D& d, const Y& y) const {
    return centredness * location_of(d) + exp((centredness - 1.) * log(scale_of(d))) * (y - location_of(d));
  }
};

// A prior of location and scale (normal, student_t, cauchy, laplace, logistic, gumbel), by standardised coordinates. Stan's
// offset and multiplier; PyMC has it in other words, z and mu + tau * z.
template <class Kernel, class... A> requires requires { requires Kernel::location_scale; }
LOCKSTEP_FN auto non_centred(const Distribution<Kernel, A...>& d) {
  return NonCentred<Distribution<Kernel, A...>, Standardising>(d, {});
}
// The same, more or less: `centredness` is 0 for non_centred, 1 for the distribution as it is, or between them: a number or data,
// such as Dataset::centredness has.
template <class Kernel, class... A, Operand C> requires requires { requires Kernel::location_scale; }
LOCKSTEP_FN auto partially_centred(const Distribution<Kernel, A...>& d, const C& centredness) {
  using By = PartlyStandardising<RecipeOf<C>>;
  return NonCentred<Distribution<Kernel, A...>, By>(d, By{as_recipe(centredness)});
}
template <class Prior> inline constexpr bool is_partially_centred = false;
template <class D, class C> inline constexpr bool is_partially_centred<NonCentred<D, PartlyStandardising<C>>> = true;

// ---- of vectors ------------------------------------------------------------------------------------------------------

template <class D> struct NonCentredVectors : JointDistributionTag {
  D distribution;
  LOCKSTEP_FN explicit NonCentredVectors(const D& d) : distribution(d) {}
  using Support = Standardised;
  LOCKSTEP_FN static Standardised support() { return {}; }
  void check(const char* name, Dim along) const { distribution.check(name, along); }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    distribution.sample(m, random, along, out);
  }
};
// Of values that are given.
template <class M, class D> class PreparedJoint<M, NonCentredVectors<D>> : public PreparedJoint<M, D> {
 public:
  LOCKSTEP_FN PreparedJoint(M& m, const NonCentredVectors<D>& d, Dim along) : PreparedJoint<M, D>(m, d.distribution, along) {}
  template <class Y> LOCKSTEP_FN auto log_density(const M& m, const NonCentredVectors<D>& d, const Y& y) {
    return PreparedJoint<M, D>::log_density(m, d.distribution, y);
  }
};
// A normal vector, mean + L z.
template <class Mu, class L> LOCKSTEP_FN auto non_centred(const MvNormalCholesky<Mu, L>& d) {
  return NonCentredVectors<MvNormalCholesky<Mu, L>>(d);
}

// ---- nodes: the standardised coordinates, and the values made of them ---------------------------------------------------------

// The distribution of each element's coordinate, and the value by it. `Prior`: a lambda over elements, or NonCentredVectors.
template <class Prior> struct StandardCoordinates {
  Prior prior;
  template <class... J> LOCKSTEP_FN auto operator()(J... j) const {
    if constexpr (JointDistribution<Prior>) return normal(0., 1.);
    else return of_coordinate(prior(j...));
  }
  template <class D> LOCKSTEP_FN static auto of_coordinate(const D& d) {
    return d.by.of_coordinate(d.distribution);
  }
};
template <class D, class E> LOCKSTEP_FN auto value_by_coordinate(const D& d, const E& z) { return d.by.value(d.distribution, z); }
template <class Node, class Prior> struct NonCentredValues {
  using Owner = Node;
  Prior prior;
  LOCKSTEP_FN auto operator()(const Owner& owner, Index j) const {
    if constexpr (JointDistribution<Prior>) return prior.distribution.mu[j] + dot(prior.distribution.factor->row(j), owner.z());
    else return value_by_coordinate(prior(j), owner.z()[j]);
  }
  LOCKSTEP_FN auto operator()(const Owner& owner, Index i, Index j) const {
    if constexpr (JointDistribution<Prior>) return prior.distribution.mu[j] + dot(prior.distribution.factor->row(j), owner.z().row(i));
    else return value_by_coordinate(prior(i, j), owner.z()(i, j));
  }
};

// The coordinates are a base, so that they are there before the values and after them.
template <class M> struct ScalarCoordinates {
  ScalarParam<M, RealLine> coordinates;
  template <class D> LOCKSTEP_FN ScalarCoordinates(M& m, const D& d) : coordinates(m, d, RealLine{}) {}
};
template <class M, class D>
using NonCentredExpression =
    decltype(value_by_coordinate(std::declval<const D&>(), std::declval<const ScalarParam<M, RealLine>&>()));
template <class M, class D>
class NonCentredScalar : private ScalarCoordinates<M>, public ScalarLet<M, NonCentredExpression<M, D>> {
 public:
  LOCKSTEP_FN NonCentredScalar(M& m, const D& prior, const Standardised&)
      : ScalarCoordinates<M>(m, StandardCoordinates<D>::of_coordinate(prior)),
        ScalarLet<M, NonCentredExpression<M, D>>(m, value_by_coordinate(prior, ScalarCoordinates<M>::coordinates)) {}
};

template <class M> struct VectorCoordinates {
  VectorParam<M, RealLine> coordinates;
  template <class F> LOCKSTEP_FN VectorCoordinates(M& m, Dim dim, const F& f) : coordinates(m, dim, RealLine{}, f) {}
};
template <class M, class Prior>
class NonCentredVector : private VectorCoordinates<M>, public VectorLet<M, NonCentredValues<NonCentredVector<M, Prior>, Prior>> {
 public:
  LOCKSTEP_FN NonCentredVector(M& m, Dim dim, const Standardised&, const Prior& prior)
      : VectorCoordinates<M>(m, dim, StandardCoordinates<Prior>{prior}),
        VectorLet<M, NonCentredValues<NonCentredVector, Prior>>(m, dim, {prior}) {}
  LOCKSTEP_FN const VectorParam<M, RealLine>& z() const { return this->coordinates; }
};

template <class M> struct MatrixCoordinates {
  MatrixParam<M, RealLine> coordinates;
  template <class F>
  LOCKSTEP_FN MatrixCoordinates(M& m, Dim rows, Dim columns, const F& f) : coordinates(m, rows, columns, RealLine{}, f) {}
};
template <class M, class Prior>
class NonCentredMatrix : private MatrixCoordinates<M>, public MatrixLet<M, NonCentredValues<NonCentredMatrix<M, Prior>, Prior>> {
 public:
  LOCKSTEP_FN NonCentredMatrix(M& m, Dim rows, Dim columns, const Standardised&, const Prior& prior)
      : MatrixCoordinates<M>(m, rows, columns, StandardCoordinates<Prior>{prior}),
        MatrixLet<M, NonCentredValues<NonCentredMatrix, Prior>>(m, rows, columns, {prior}) {}
  LOCKSTEP_FN const MatrixParam<M, RealLine>& z() const { return this->coordinates; }
};

// The node of a parameter, by its support.
template <class M, class S, class D>
using ScalarParamNode = std::conditional_t<std::is_same_v<S, Standardised>, NonCentredScalar<M, D>, ScalarParam<M, S>>;
template <class M, class S, class Prior>
using VectorParamNode = std::conditional_t<std::is_same_v<S, Standardised>, NonCentredVector<M, Prior>, VectorParam<M, S>>;
template <class M, class S, class Prior>
using MatrixParamNode = std::conditional_t<std::is_same_v<S, Standardised>, NonCentredMatrix<M, Prior>, MatrixParam<M, S>>;

}  // namespace lockstep
