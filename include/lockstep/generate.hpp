// The context in which a model computes values for one chain, on the host: everything but the gradient.
//
//   layout       which sites there are; and whether the model can be run (parameters near the middle of their supports)
//   constrain    position -> parameters and deterministics
//   unconstrain  parameter values by name -> position
//   prior        parameters drawn from their priors -> position, parameters and deterministics
//   predict      position -> observed sites, simulated; a recurrence runs on its own simulated values
//   pointwise    position -> log likelihood of each observation
//
// Values come out in the order of the sites, one after the other.
//
// Everything that a model reads here is checked (see CheckedIndex); what is wrong is a ModelError. The gradient checks
// nothing: the layout run, which reads all that the gradient will, comes first.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "lockstep/distributions.hpp"
#include "lockstep/lanes.hpp"
#include "lockstep/plate.hpp"
#include "lockstep/random.hpp"
#include "lockstep/site.hpp"

namespace lockstep {

enum class Meaning : std::int32_t { layout, constrain, unconstrain, prior, predict, pointwise };

// A node's value; nothing is pulled.
template <class T> struct PlainValue {
  T value;
  template <class A> void pull(const A&) const {}
};

template <bool IsUniform> struct PlainRead : RecipeTag {
  const double* source;
  static constexpr bool uniform = IsUniform;
  explicit PlainRead(const double* p) : source(p) {}
  template <class M> PlainValue<double> evaluate(const M&) const { return {*source}; }
};

struct PlainScalar : NodeTag {
  double value;
  explicit PlainScalar(double v) : value(v) {}
  PlainScalar(const PlainScalar&) = delete;
  ~PlainScalar() {}  // not trivial, so that a node which nothing reads raises no warning
  PlainScalar& operator=(const PlainScalar&) = delete;
  PlainRead<true> use() const { return PlainRead<true>(&value); }
};

// A vector node. Reads are checked: of the right dimension, inside it.
struct PlainVector {
  const char* name;
  double* values;
  Dim along;
  PlainVector(const char* n, double* v, Dim d) : name(n), values(v), along(d) {}
  PlainVector(const PlainVector&) = delete;
  ~PlainVector() {}  // as PlainScalar's
  PlainVector& operator=(const PlainVector&) = delete;
  PlainRead<false> operator[](Index j) const {
    require_along(name, along, j);
    require_inside(name, along.size, j.position);
    return PlainRead<false>(values + j.position);
  }
  PlainRead<true> operator[](int i) const {
    require_inside(name, along.size, i);
    return PlainRead<true>(values + i);
  }
  Dim dim() const { return along; }
  void require_lag(int lag) const {
    if (lag < 1)
      throw ModelError("'" + std::string(name) + "' asks for its past at lag " + std::to_string(lag) + " (an element "
                       "depends on earlier ones only; the one before is lag 1). Count lags from 1.");
  }
};

// Distributions that can be drawn from.
template <class M, class R, class Kernel, class... A>
double draw_from(const M& m, R& random, const Distribution<Kernel, A...>& d) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return Kernel::sample(random, double(get<I>(d.arguments).expression.evaluate(m).value)...);
  }(std::index_sequence_for<A...>{});
}
template <class M, class R, class S> double draw_from(const M&, R&, const Flat<S>&) {
  throw ModelError("has a flat prior (a flat density cannot be drawn from). Give it a proper prior.");
}

class Generate {
 public:
  using value_type = double;

  struct Inputs {
    Meaning meaning = Meaning::layout;
    const double* position = nullptr;          // constrain, predict, pointwise
    const double* values = nullptr;            // unconstrain: the parameters' values, site after site
    StreamId stream;                           // prior, predict
    std::int64_t data_column = 0;
    double* position_out = nullptr;            // unconstrain, prior
    double* out = nullptr;
    std::vector<SiteView>* sites = nullptr;    // layout
  };
  explicit Generate(const Inputs& inputs) : in_(inputs), random_(inputs.stream) {}
  Generate(const Generate&) = delete;

  template <DistributionLike D> PlainScalar param(const char* name, const D& prior) {
    return param(name, prior, support_of(prior));
  }
  template <DistributionLike D, SupportLike S> PlainScalar param(const char* name, const D& prior, const S& support) {
    double value;
    parameter(name, Dim{-1, 0, 1}, support, [&](Index) -> const D& { return prior; }, &value);
    return PlainScalar(value);
  }
  template <DistributionLike D> PlainVector param(const char* name, const D& prior, Dim dim) {
    return param(name, prior, dim, support_of(prior));
  }
  template <DistributionLike D, SupportLike S>
  PlainVector param(const char* name, const D& prior, Dim dim, const S& support) {
    double* values = store(dim.size);
    parameter(name, dim, support, [&](Index) -> const D& { return prior; }, values);
    return PlainVector(name, values, dim);
  }
  template <class F> requires std::is_invocable_v<const F&, Index>
  PlainVector param(const char* name, Dim dim, const F& prior) {
    double* values = store(dim.size);
    using S = decltype(support_of(prior(CheckedIndex{})));
    if (dim.size == 0) report(name, SiteKind::parameter, dim, values, S::description);
    else parameter(name, dim, support_of(prior(index(dim, 0))), prior, values);
    return PlainVector(name, values, dim);
  }

  template <DistributionLike D> PlainScalar observe(const char* name, const RealScalar& y, const D& d) {
    double value = y.evaluate(*this).value;
    observed(name, Dim{-1, 0, 1}, false, &value, [&](Index) -> const D& { return d; });
    return PlainScalar(value);
  }
  template <class Y, class F> requires std::is_base_of_v<Real, Y>
  PlainVector observe(const char* name, const Y& y, Dim dim, const F& f) {
    if (y.dim.id != dim.id)
      throw ModelError("site '" + std::string(name) + "' observes field '" + y.field.info->name + "' over another "
                       "dimension than the field's own (their elements do not correspond). Observe it along its dimension.");
    double* values = store(dim.size);
    for (int i = 0; i < dim.size; ++i) values[i] = y[index(dim, i)].evaluate(*this).value;
    const PlainVector node(name, values, dim);
    observed(name, dim, std::is_same_v<Y, Integer>, values,
             [&](CheckedIndex j) { return element_distribution(f, j, node); });
    return PlainVector(name, values, dim);
  }

  template <Operand E> auto deterministic(const char* name, const E& e) {
    const double value = as_recipe(e).evaluate(*this).value;
    report(name, SiteKind::deterministic, Dim{-1, 0, 1}, &value);
    return as_recipe(e);
  }
  template <class F> LazyVector<F> deterministic(const char* name, Dim dim, const F& f) {
    double* values = store(dim.size);
    evaluate(dim, f, values);
    report(name, SiteKind::deterministic, dim, values);
    return {f, dim, name};
  }
  template <Operand E> PlainScalar let(const char* name, const E& e) {
    const double value = as_recipe(e).evaluate(*this).value;
    report(name, SiteKind::deterministic, Dim{-1, 0, 1}, &value);
    return PlainScalar(value);
  }
  template <class F> PlainVector let(const char* name, Dim dim, const F& f) {
    double* values = store(dim.size);
    evaluate(dim, f, values);
    scratch_ += 2 * dim.size;
    report(name, SiteKind::deterministic, dim, values);
    return PlainVector(name, values, dim);
  }
  template <Operand I, class Step> PlainVector scan(const char* name, Dim dim, const I& initial, const Step& step) {
    double* values = store(dim.size);
    scratch_ += 2 * dim.size;
    if (dim.size > 0) values[0] = as_recipe(initial).evaluate(*this).value;
    for (int t = 1; t < dim.size; ++t)
      values[t] = as_recipe(step(index(dim, t), PlainRead<false>(values + t - 1))).evaluate(*this).value;
    report(name, SiteKind::deterministic, dim, values);
    return PlainVector(name, values, dim);
  }
  template <class Beta> PlainVector linear(const Matrix& x, const Beta& beta) {
    if (beta.dim().id != x.columns.id)
      throw ModelError("'" + std::string(beta.name) + "' does not run along the matrix's columns (its elements and they "
                       "do not correspond). Declare both along the same dimension.");
    double* values = store(x.rows.size);
    scratch_ += 2 * x.rows.size;
    for (int i = 0; i < x.rows.size; ++i) {
      values[i] = 0;
      for (int k = 0; k < x.columns.size; ++k)
        values[i] += x.values[std::int64_t(i) * x.columns.size + k] * beta.values[k];
    }
    return PlainVector("linear predictor", values, x.rows);
  }
  template <class Beta> void linear(const Matrix&, const Beta&&) = delete;

  double data(const double* table, std::int64_t element, std::int64_t columns) const {
    return table[element * columns + (columns > 1 ? in_.data_column : 0)];
  }
  // Called by an element of data before it is read.
  void require_element(const FieldInfo& field, std::int64_t element) const {
    require_inside(field.name.c_str(), field.size, element);
  }
  int coordinates() const { return coordinate_; }
  // Elements of scratch that the gradient's nodes will take on one slice; the gradient's own count must agree.
  std::int64_t scratch() const { return scratch_; }

 private:
  static CheckedIndex index(Dim dim, int i) { return {{i, dim.id}}; }
  template <class F> void evaluate(Dim dim, const F& f, double* values) const {
    for (int i = 0; i < dim.size; ++i) values[i] = as_recipe(f(index(dim, i))).evaluate(*this).value;
  }
  double* store(int count) {
    stored_.emplace_back(std::size_t(count));
    return stored_.back().data();
  }

  void report(const char* name, SiteKind kind, Dim dim, const double* values, const char* support = "", bool whole = false) {
    if (in_.meaning == Meaning::layout)
      in_.sites->push_back({name, kind, support, dim.id >= 0 ? 1 : 0, {dim.id, -1}, dim.size, 0, dim.size, dim.first, coordinate_,
                            kind == SiteKind::parameter ? dim.size : 0, whole});
    const bool predicted = in_.meaning == Meaning::predict || in_.meaning == Meaning::pointwise;
    if (!in_.out || predicted != (kind == SiteKind::observed)) return;
    for (int i = 0; i < dim.size; ++i) in_.out[i] = values[i];
    in_.out += dim.size;
  }

  template <class S, class F> void parameter(const char* name, Dim dim, const S& support, const F& prior, double* values) {
    std::vector<double> x(std::size_t(dim.size), 0.);
    switch (in_.meaning) {
      case Meaning::layout:
        // Different for every element, so that a plate that reads the wrong one shows.
        for (int i = 0; i < dim.size; ++i) x[std::size_t(i)] = 0.25 * std::sin(1. + coordinate_ + i);
        break;
      case Meaning::prior:
        draw_prior(name, dim, support, prior, values);
        to_line(name, support, values, x.data(), dim.size);
        break;
      case Meaning::unconstrain:
        for (int i = 0; i < dim.size; ++i) values[i] = in_.values[i];
        in_.values += dim.size;
        to_line(name, support, values, x.data(), dim.size);
        break;
      default:
        for (int i = 0; i < dim.size; ++i) x[std::size_t(i)] = in_.position[coordinate_ + i];
    }
    from_line(support, x.data(), values, dim.size);
    if (in_.position_out)
      for (int i = 0; i < dim.size; ++i) in_.position_out[coordinate_ + i] = x[std::size_t(i)];
    report(name, SiteKind::parameter, dim, values, S::description);
    if (in_.meaning == Meaning::layout) require_plate(name, {dim.id, 0, dim.size}, prior, values);
    if (!S::identity && dim.id >= 0) scratch_ += dim.size;
    coordinate_ += dim.size;
  }

  template <class S> void from_line(const S& support, const double* x, double* values, int n) const {
    if constexpr (S::elementwise) {
      auto bound = support.bind(*this);
      for (int i = 0; i < n; ++i) values[i] = bound.constrain(x[i]).value;
    } else if (n > 0) {
      S::template constrain<double>(LaneArray<double>{const_cast<double*>(x), 1}, LaneArray<double>{values, 1}, n);
    }
  }
  template <class S> void to_line(const char* name, const S& support, const double* values, double* x, int n) const {
    if constexpr (S::elementwise) {
      auto bound = support.bind(*this);
      for (int i = 0; i < n; ++i) x[i] = bound.unconstrain(values[i]);
    } else if (n > 0) {
      S::unconstrain(values, x, n);
    }
    for (int i = 0; i < n; ++i)
      if (!std::isfinite(x[i]))
        throw ModelError("parameter '" + std::string(name) + "' is " + number_text(values[i]) + " at element " +
                         std::to_string(i + 1) + " (its support is " + S::description + "). Give a value inside it.");
  }

  template <class S, class F> void draw_prior(const char* name, Dim dim, const S& support, const F& prior, double* values) {
    constexpr int attempts = 10000;
    for (int i = 0; i < dim.size; ++i) {
      bool inside = false;
      for (int attempt = 0; attempt < attempts && !inside; ++attempt) {
        values[i] = draw("parameter '", name, prior(index(dim, i)));
        // A bound narrower than the prior's own support: drawn by rejection.
        if constexpr (S::elementwise) inside = std::isfinite(support.bind(*this).unconstrain(values[i]));
        else inside = true;
      }
      if (!inside)
        throw ModelError("parameter '" + std::string(name) + "' could not be drawn from its prior (10000 draws fell "
                         "outside its bounds). Give it a prior with mass inside them.");
    }
    if constexpr (!S::elementwise) std::sort(values, values + dim.size);  // ordered: the only such support
  }
  template <class D> double draw(const char* what, const char* name, const D& d) {
    try {
      return draw_from(*this, random_, d);
    } catch (const ModelError& e) {
      throw ModelError(std::string(what) + name + "' " + e.what());
    }
  }

  // A plate evaluates once what its types say is the same for every element, such as `mu[0]`. A lambda that takes a
  // number from its index, `x[j.position]`, says so wrongly.
  template <class F> void require_plate(const char* name, Dim dim, const F& distribution, const double* values) const {
    if (dim.first >= dim.size) return;
    using D = std::remove_cvref_t<decltype(distribution(index(dim, 0)))>;
    Prepared<Generate, D> plate(*this, distribution(index(dim, dim.first)));
    for (int i = dim.first; i < dim.size; ++i) {
      const D d = distribution(index(dim, i));
      Prepared<Generate, D> alone(*this, d);
      const DataValue<double> value{values[i]};
      const double once = plate.at(*this, d, value).log_density, each = alone.at(*this, d, value).log_density;
      // Not bit by bit: the compiler may contract the two differently.
      if (once != each && !(std::abs(once - each) <= 1e-9 * std::max(1., std::abs(each))) &&
          !(std::isnan(once) && std::isnan(each)))
        throw ModelError("site '" + std::string(name) + "' reads elements by a number that changes within its plate "
                         "(what is read by a number, x[0], is computed once for all). Read with the plate's index, "
                         "x[j], or through a group index.");
    }
  }

  template <class F> void observed(const char* name, Dim dim, bool whole, double* values, const F& distribution) {
    std::vector<double> log_density;
    if (in_.meaning == Meaning::pointwise) log_density.assign(std::size_t(dim.size), 0.);
    if (in_.meaning == Meaning::layout) {
      if (dim.size > 0 && dim.first >= dim.size)
        throw ModelError("site '" + std::string(name) + "' has " + std::to_string(dim.size) + " elements, all of them "
                         "given (its plate starts at element " + std::to_string(dim.first + 1) + ", so nothing is "
                         "modelled). Give more data, or start the plate earlier.");
      require_plate(name, dim, distribution, values);
    }
    for (int i = dim.first; i < dim.size; ++i) {
      const CheckedIndex j = index(dim, i);
      if (in_.meaning == Meaning::predict) {
        values[i] = draw("site '", name, distribution(j));
      } else if (in_.meaning == Meaning::pointwise) {
        auto d = distribution(j);
        Prepared<Generate, std::remove_cvref_t<decltype(d)>> prepared(*this, d);
        log_density[std::size_t(i)] = prepared.at(*this, d, DataValue<double>{values[i]}).log_density;
      }
    }
    report(name, SiteKind::observed, dim, in_.meaning == Meaning::pointwise ? log_density.data() : values, "", whole);
  }

  Inputs in_;
  Stream random_;
  std::deque<std::vector<double>> stored_;
  int coordinate_ = 0;
  std::int64_t scratch_ = 0;
};

}  // namespace lockstep
