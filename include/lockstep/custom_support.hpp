// A support of one's own: a smooth increasing or decreasing function from the line to where a parameter may lie, with the logarithm
// of its slope and its inverse.
//
//   auto steep = custom_support([&](auto x) { return mu + sinh(x); },                               // the value at coordinate x
//                               [&](auto x) { return log(cosh(x)); },                               // log|d value / dx|
//                               [&](auto y) { return log(y - mu + sqrt(square(y - mu) + 1)); });    // x of value y; NaN outside
//   auto theta = m.param("theta", student_t(3, mu, 1), steep);
//
// All three are expressions and may read other parameters. Gradients are by the same differentiation as everything's. That the three
// belong together is checked, at some points, when the model is bound to data.
#pragma once

#include "lockstep/unknown.hpp"

namespace lockstep {

template <class F, class J, class Inverse> struct CustomSupport {
  static constexpr bool elementwise = true;
  static constexpr bool identity = false;
  static constexpr const char* description = "the model's own";
  F function;
  J log_jacobian;
  Inverse inverse;

  template <class M> struct Bound {
    using T = typename M::value_type;
    const M* m;
    CustomSupport support;
    template <class V> struct At {
      V value, x, jacobian;
      LOCKSTEP_FN V log_jacobian() const { return jacobian; }
    };
    LOCKSTEP_FN At<T> constrain(const T& x) const {
      const Unknown<T> at(x, nullptr);
      return {T(as_recipe(support.function(at)).evaluate(*m).value), x, T(as_recipe(support.log_jacobian(at)).evaluate(*m).value)};
    }
    LOCKSTEP_FN T gradient(const At<T>& at, const T& adjoint, double weight) const {
      SumOf<T> by_x(0.);
      const Unknown<T> x(at.x, &by_x);
      as_recipe(support.function(x)).evaluate(*m).pull(adjoint);
      as_recipe(support.log_jacobian(x)).evaluate(*m).pull(T(weight));
      return narrow<T>(by_x);
    }
    double unconstrain(double value) const { return as_recipe(support.inverse(Given<double>(value))).evaluate(*m).value; }
    // Whether the three belong together at coordinate x; else what is wrong.
    const char* mistake_at(double x) const {
      const double h = 1e-3, value = constrain(x).value;
      const auto slope = [&](double by) { return (constrain(x + by).value - constrain(x - by).value) / (2 * by); };
      const double jacobian = exp(constrain(x).log_jacobian()), differences = abs(4 * slope(h) - slope(2 * h)) / 3;
      if (!(abs(jacobian - differences) <= 1e-5 * max(jacobian, differences))) return "log Jacobian is not that of its function";
      if (!(abs(unconstrain(value) - x) <= 1e-6)) return "inverse is not that of its function";
      return nullptr;
    }
  };
  template <class M> LOCKSTEP_FN Bound<M> bind(const M& m) const { return {&m, *this}; }
};
template <class F, class J, class Inverse>
LOCKSTEP_FN auto custom_support(const F& function, const J& log_jacobian, const Inverse& inverse) {
  return CustomSupport<F, J, Inverse>{function, log_jacobian, inverse};
}

}  // namespace lockstep
