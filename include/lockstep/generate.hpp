// The context in which a model computes values for one chain, on the host: everything but the gradient.
//
//   layout       which sites there are; and whether the model can be run (parameters near the middle of their supports)
//   constrain    position -> parameters and deterministics
//   unconstrain  parameter values -> position; a parameter whose values are NaN stays at the position that is given
//   prior        parameters drawn from their priors -> position, parameters and deterministics; where values are given, those
//                that are not NaN are kept. With `observed_out`, observed sites are simulated on the way: one joint draw of all
//   predict      position -> observed sites, simulated; a recurrence runs on its own simulated values, imputed ones stay
//   observed     the values that observed sites are given
//   states       position -> the states that were summed out, drawn given the position and the data, and then what is missing,
//                given the states; of observed sites without states, their values
//   pointwise    position -> log likelihood of each observation, or of all that depend on an element of a latent
//   scales       position -> location and scale of each parameter's elements, if they are partially centred; else NaN twice
//   log_prior    position -> log prior density of each parameter's elements (or rows, if their prior is joint), without
//                Jacobians
//
// Values come out in the order of the sites, one after the other.
//
// Everything that a model reads here is checked (see CheckedIndex); what is wrong is a ModelError. The gradient checks
// nothing: the layout run, which reads all that the gradient will, comes first.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "lockstep/actions.hpp"
#include "lockstep/discrete_latent.hpp"
#include "lockstep/distributions.hpp"
#include "lockstep/elliptical_in_order.hpp"
#include "lockstep/finite_mixture.hpp"
#include "lockstep/hidden_markov.hpp"
#include "lockstep/imputed.hpp"
#include "lockstep/lanes.hpp"
#include "lockstep/non_centred.hpp"
#include "lockstep/ode.hpp"
#include "lockstep/plain_nodes.hpp"
#include "lockstep/plate.hpp"
#include "lockstep/random.hpp"
#include "lockstep/roots.hpp"
#include "lockstep/site.hpp"

namespace lockstep {

enum class Meaning : std::int32_t { layout, constrain, unconstrain, prior, predict, observed, states, pointwise, log_prior, scales };

// Distributions that can be drawn from.
template <class M, class R, class Kernel, class... A>
double draw_from(const M& m, R& random, const Distribution<Kernel, A...>& d) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return Kernel::sample(random, double(get<I>(d.arguments).expression.evaluate(m).value)...);
  }(std::index_sequence_for<A...>{});
}
// Those that sum over a label, which comes back as a state.
template <class M, class D> concept Labelled = requires(const M& m, const D& d) { label_probabilities(m, d, 0.); };
template <class M, class R, class S> double draw_from(const M&, R&, const Flat<S>&) {
  throw ModelError("has a flat prior (a flat density cannot be drawn from). Give it a proper prior.");
}

// Whether what comes out is of observed sites, not of all others.
constexpr bool of_observed(Meaning meaning) {
  return meaning == Meaning::predict || meaning == Meaning::observed || meaning == Meaning::states || meaning == Meaning::pointwise;
}

// What reads what: names of sites and of fields of the data, each pair once.
using Edges = std::set<std::pair<std::string, std::string>>;

class Generate {
 public:
  using value_type = double;

  // Names and dimensions that are not the model's own: of observed sites, some elements of which are missing. The ids of these
  // dimensions follow on those of the data.
  struct Additions {
    std::deque<std::string> names;
    std::vector<Dataset::DimInfo> dims;
  };

  struct Inputs {
    Meaning meaning = Meaning::layout;
    const double* position = nullptr;          // constrain, predict, pointwise; unconstrain: of what is not given
    const double* values = nullptr;            // unconstrain, prior: the parameters' values, site after site
    StreamId stream;                           // prior, predict
    std::int64_t data_column = 0;
    SiteActions actions;
    double* position_out = nullptr;            // unconstrain, prior
    double* out = nullptr;
    double* observed_out = nullptr;            // prior
    std::vector<SiteView>* sites = nullptr;    // layout
    Additions* additions = nullptr;            // layout
    const Dataset* data = nullptr;             // layout
    Edges* edges = nullptr;                    // layout: (what is read, who reads it), if they are wanted
  };
  explicit Generate(const Inputs& inputs) : in_(inputs), random_(inputs.stream) {}
  Generate(const Generate&) = delete;

  template <DistributionLike D> PlainScalar param(const char* name, const D& prior) {
    return param(name, prior, support_of(prior));
  }
  template <DistributionLike D, SupportLike S> PlainScalar param(const char* name, const D& prior, const S& support) {
    return PlainScalar(parameter(name, Shape{}, support, SameForAll<D>{prior}));
  }
  template <DistributionLike D> PlainVector param(const char* name, const D& prior, Dim dim) {
    return param(name, prior, dim, support_of(prior));
  }
  template <DistributionLike D, SupportLike S>
  PlainVector param(const char* name, const D& prior, Dim dim, const S& support) {
    return {name, parameter(name, Shape{dim}, support, SameForAll<D>{prior}), dim};
  }
  template <class F> requires std::is_invocable_v<const F&, Index>
  PlainVector param(const char* name, Dim dim, const F& prior) {
    if (dim.size > 0) return param(name, dim, prior, support_of(prior(index(dim, 0))));
    if (action_on(name, 0)) return {name, store(0), dim};
    report(name, SiteKind::parameter, Shape{dim}, nullptr, decltype(support_of(prior(CheckedIndex{})))::description);
    return {name, store(0), dim};
  }
  template <class F, SupportLike S> requires std::is_invocable_v<const F&, Index>
  PlainVector param(const char* name, Dim dim, const F& prior, const S& support) {
    return {name, parameter(name, Shape{dim}, support, prior), dim};
  }
  template <DistributionLike D> PlainMatrix<false> param(const char* name, const D& prior, Dim rows, Dim columns) {
    return param(name, prior, rows, columns, support_of(prior));
  }
  template <DistributionLike D, SupportLike S>
  PlainMatrix<false> param(const char* name, const D& prior, Dim rows, Dim columns, const S& support) {
    return {name, parameter(name, Shape{rows, columns}, support, SameForAll<D>{prior}), rows, columns};
  }
  template <class F> requires std::is_invocable_v<const F&, Index, Index>
  PlainMatrix<false> param(const char* name, Dim rows, Dim columns, const F& prior) {
    const Shape shape{rows, columns};
    if (shape.size() > 0) return param(name, rows, columns, prior, support_of(prior(index(rows, 0), index(columns, 0))));
    if (action_on(name, 0)) return {name, store(0), rows, columns};
    report(name, SiteKind::parameter, shape, nullptr, decltype(support_of(prior(CheckedIndex{}, CheckedIndex{})))::description);
    return {name, store(0), rows, columns};
  }
  template <class F, SupportLike S> requires std::is_invocable_v<const F&, Index, Index>
  PlainMatrix<false> param(const char* name, Dim rows, Dim columns, const F& prior, const S& support) {
    return {name, parameter(name, Shape{rows, columns}, support, prior), rows, columns};
  }
  template <JointDistribution D> auto param(const char* name, const D& prior, Dim dim) {
    using S = typename D::Support;
    if constexpr (SquareSupport<S>)
      return PlainMatrix<S::lower_triangular>(name, parameter(name, Shape{dim, dim}, S{}, prior), dim, dim);
    else return PlainVector(name, parameter(name, Shape{dim}, S{}, prior), dim);
  }
  template <JointDistribution D> PlainMatrix<false> param(const char* name, const D& prior, Dim rows, Dim columns) {
    return {name, parameter(name, Shape{rows, columns}, typename D::Support{}, prior), rows, columns};
  }

  template <DistributionLike D> PlainScalar observe(const char* name, const RealScalar& y, const D& d) {
    double* value = store(1);
    *value = y.evaluate(*this).value;
    own(name, value, 1);
    if (replace(name, Shape{}, value)) observed(name, Shape{}, false, value, SameForAll<D>{d});
    return PlainScalar(value);
  }
  template <class Y, class F> requires std::is_base_of_v<Real, Y>
  PlainVector observe(const char* name, const Y& y, Dim dim, const F& f) {
    double* values = read(name, y, dim);
    const PlainVector node(name, values, dim);
    if (!replace(name, Shape{dim}, values)) return {name, values, dim};
    const auto distribution = [&](CheckedIndex j) { return element_distribution(f, j, node); };
    if (const std::vector<int>& missing = y.field.info->missing; missing.empty() || in_.actions.on(name))
      observed(name, Shape{dim}, std::is_same_v<Y, Integer>, values, distribution);
    else observed_and_imputed(name, Shape{dim}, missing, values, distribution);
    if (std::is_invocable_v<const F&, CheckedIndex, Past<PlainVector>>) mark_recurrence();
    return {name, values, dim};
  }
  template <class I, class Step, class F>
  PlainVector observe(const char* name, const Real& y, Dim dim, const Carry<I, Step>& carry, const F& f) {
    if (dim.first != 0)
      throw ModelError("site '" + std::string(name) + "' carries a state over a plate that starts at element " +
                       std::to_string(dim.first + 1) + " (the state's first value belongs to the first element). Let the plate "
                       "start there: leave out from().");
    double* values = read(name, y, dim);
    if (!replace(name, Shape{dim}, values)) return {name, values, dim};
    double* state = store(dim.size);   // whoever reads it reads what it is made of
    scratch_ += 2 * dim.size;
    const PlainVector node(name, values, dim);
    // Asked for in order, each element has its state computed once: in a prediction it depends on the values simulated before. From
    // the first one again where an earlier element is asked for.
    int latest = -1;
    const auto distribution = [&](CheckedIndex t) {
      for (int i = t.position < latest ? 0 : latest + 1; i <= t.position; ++i) {
        const PlainRead<false> before(state + std::max(i - 1, 0));
        state[i] = i == 0 ? as_recipe(carry.initial).evaluate(*this).value
                          : as_recipe(carry.step(index(dim, i), Past<PlainVector>{&node, index(dim, i)}, before)).evaluate(*this).value;
      }
      latest = t.position;
      return f(t, PlainRead<false>(state + t.position));
    };
    if (const std::vector<int>& missing = y.field.info->missing; missing.empty() || in_.actions.on(name))
      observed(name, Shape{dim}, false, values, distribution);
    else observed_and_imputed(name, Shape{dim}, missing, values, distribution);
    mark_recurrence();
    return {name, values, dim};
  }
  template <JointDistribution D> PlainVector observe(const char* name, const Real& y, const D& d) {
    double* values = read(name, y, y.dim);
    if (!replace(name, Shape{y.dim}, values)) return {name, values, y.dim};
    events_and_imputed(name, Shape{y.dim}, y.dim.size > 0 ? 1 : 0, *y.field.info, values, [&](int) -> const D& { return d; });
    return {name, values, y.dim};
  }
  template <WholeMatrix D> PlainMatrix<false> observe(const char* name, const Matrix& y, const D& d) {
    const Shape shape{y.rows(), y.columns()};
    double* values = read(name, y);
    if (replace(name, shape, values))
      events_and_imputed(name, shape, shape.size() > 0 ? 1 : 0, *y.info, values, [&](int) -> const D& { return d; });
    return {name, values, y.rows(), y.columns()};
  }
  template <class F> PlainMatrix<false> observe(const char* name, const Matrix& y, Dim rows, const F& f) {
    require_rows(name, y, rows);
    const Shape shape{rows, y.columns()};
    require_all_modelled(name, shape);
    double* values = read(name, y);
    if (!replace(name, shape, values)) return {name, values, rows, y.columns()};
    events_and_imputed(name, shape, rows.size, *y.info, values, [&](int i) { return f(index(rows, i)); });
    return {name, values, rows, y.columns()};
  }
  template <class F> PlainMatrix<false> observe(const char* name, const Matrix& y, Dim rows, Dim columns, const F& f) {
    if (y.rows().id != rows.id || y.columns().id != columns.id)
      throw ModelError("site '" + std::string(name) + "' observes matrix '" + y.info->name + "' over other dimensions than its own "
                       "(its elements and the plate's do not correspond). Observe it along its rows, then its columns.");
    const Shape shape{rows, columns};
    require_all_modelled(name, shape);
    double* values = read(name, y);
    if (!replace(name, shape, values)) return {name, values, rows, columns};
    if (const std::vector<int>& missing = y.info->missing; missing.empty() || in_.actions.on(name))
      observed(name, shape, false, values, f);
    else observed_and_imputed(name, shape, missing, values, f);
    return {name, values, rows, columns};
  }
  template <class Y, class Initial, class Transition, class F>
  auto hidden_markov(const char* name, const Y& y, Dim time, Dim state, const Initial& initial, const Transition& transition,
                     const F& emission) {
    const Observations<Y> data = observations(name, y, time);
    const std::string text = std::string(name) + state_suffix;
    if (const char* const of = lasting(text); data.counts || in_.actions.on(of)) {
      const ChainStates states = chain(name, of, time, state, initial, transition, OneSeries<Y, F>{name, y, time, emission}, false);
      in_states(data, std::array<const double*, 1>{states.values}, state, emission, [&](int t) { return int(states.values[t]); },
                {true, !states.known, states.log_density.data()});
      if (data.counts && !states.known) mark_recurrence();
    }
    return data.node();
  }
  template <class Initial, class Transition, class Sites>
  void hidden_markov(const char* name, Dim time, Dim state, const Initial& initial, const Transition& transition,
                     const Sites& sites) {
    const ChainStates states = chain(name, name, time, state, initial, transition, sites, true);
    sites(SitesInStates<1>{*this, name, {states.values}, states.values, time, StatePath<0>().with(state), states.known});
  }
  template <class Y, class Weight, class F>
  auto mixture(const char* name, const Y& y, Dim dim, Dim state, const Weight& weight, const F& component) {
    const auto weights = mixture_weights(weight);
    if constexpr (!std::is_invocable_v<const Weight&, Index, Index>) require_vector_along(name, weights, state);
    const Observations<Y> data = observations(name, y, dim);
    const std::string text = std::string(name) + state_suffix;
    const char* const of = lasting(text);
    if (!data.counts && !in_.actions.on(of)) return data.node();
    double* states = store(dim.size);
    own(of, states, dim.size);
    // Everything checked, which the mixture itself does not do.
    const auto weight_of = [&](int i, int k) -> double {
      if constexpr (std::is_invocable_v<const Weight&, Index, Index>)
        return as_recipe(weight(index(dim, i), index(state, k))).evaluate(*this).value;
      else return as_recipe(weights[index(state, k)]).evaluate(*this).value;
    };
    const auto which = [&](int i) { return int(states[i]); };
    if (given_states(of, dim, state, states, weight_of)) {
      in_states(data, std::array<const double*, 1>{states}, state, component, which, {true, false, nullptr});
      return data.node();
    }
    {
      const Reader reader(*this, of);
      for (int i = dim.first; in_.meaning == Meaning::layout && i < dim.size; ++i)
        for (int k = 0; k < state.size; ++k) weight_of(i, k);
      if (simulates()) draw_states(dim, state, states, weight_of);
    }
    using Given = std::remove_cvref_t<decltype(replaced(name, y))>;
    using Model = FiniteMixture<Generate, Given, std::remove_const_t<decltype(weights)>, F>;
    scratch_ += Model::scratch(dim.size, state.size);
    std::vector<double> log_density;
    if (in_.meaning == Meaning::pointwise || in_.meaning == Meaning::states) {
      log_density.assign(std::size_t(dim.size), 0.);
      Model sum(*this, replaced(name, y), dim, state, weights, component);
      sum.sum_out([&](int i, double v) {
        log_density[std::size_t(i)] = v;
        if (in_.meaning == Meaning::states) states[i] = draw_state(state, [&](int k) { return sum.probability(i, k); });
      });
    }
    report_states(of, Shape{dim}, states, nullptr);
    in_states(data, std::array<const double*, 1>{states}, state, component, which, {true, true, log_density.data()});
    return data.node();
  }

  template <DistributionLike D, class Sites> void latent(const char* name, const D& prior, Dim state, const Sites& sites) {
    sum_out(name, Shape{}, state, SameForAll<D>{prior}, sites);
  }
  template <DistributionLike D, class Sites> void latent(const char* name, const D& prior, Dim dim, Dim state, const Sites& sites) {
    sum_out(name, Shape{dim}, state, SameForAll<D>{prior}, sites);
  }
  template <class F, class Sites> requires std::is_invocable_v<const F&, Index>
  void latent(const char* name, Dim dim, Dim state, const F& prior, const Sites& sites) {
    sum_out(name, Shape{dim}, state, prior, sites);
  }

  template <Operand E> auto deterministic(const char* name, const E& e) {
    const double* given = quantity(name, Shape{}, [&](double* value) { *value = as_recipe(e).evaluate(*this).value; }).second;
    return Replaceable<RecipeOf<E>>(as_recipe(e), given, name);
  }
  template <class F> ReplaceableLazyVector<F> deterministic(const char* name, Dim dim, const F& f) {
    const double* given = quantity(name, Shape{dim}, [&](double* values) { evaluate(Shape{dim}, f, values); }).second;
    return {{f, dim, name}, given};
  }
  template <class F> ReplaceableLazyMatrix<F> deterministic(const char* name, Dim rows, Dim columns, const F& f) {
    const Shape shape{rows, columns};
    const double* given = quantity(name, shape, [&](double* values) { evaluate(shape, f, values); }).second;
    return {{f, rows, columns, name}, given};
  }
  template <Operand E> PlainScalar let(const char* name, const E& e) {
    return PlainScalar(quantity(name, Shape{}, [&](double* value) { *value = as_recipe(e).evaluate(*this).value; }).first);
  }
  template <class F> PlainVector let(const char* name, Dim dim, const F& f) {
    return {name, kept_quantity(name, Shape{dim}, [&](double* values) { evaluate(Shape{dim}, f, values); }), dim};
  }
  template <class F> PlainMatrix<false> let(const char* name, Dim rows, Dim columns, const F& f) {
    const Shape shape{rows, columns};
    return {name, kept_quantity(name, shape, [&](double* values) { evaluate(shape, f, values); }), rows, columns};
  }
  template <Operand I, class Step> PlainVector scan(const char* name, Dim dim, const I& initial, const Step& step) {
    return {name, kept_quantity(name, Shape{dim}, [&](double* values) {
      if (dim.size > 0) values[0] = as_recipe(initial).evaluate(*this).value;
      for (int t = 1; t < dim.size; ++t)
        values[t] = as_recipe(step(index(dim, t), PlainRead<false>(values + t - 1))).evaluate(*this).value;
    }), dim};
  }
  template <class I, class Step>
  PlainMatrix<false> scan(const char* name, Dim dim, Dim state, const I& initial, const Step& step) {
    const Shape shape{dim, state};
    return {name, kept_quantity(name, shape, [&](double* values) {
      const PlainMatrix<false> so_far(name, values, dim, state);
      for (int n = 0; n < shape.size(); ++n) {
        const int t = n / state.size;
        const CheckedIndex k = index(state, n % state.size);
        if (t == 0) values[n] = as_recipe(initial(k)).evaluate(*this).value;
        else values[n] = as_recipe(step(index(dim, t), k, so_far.row(index(dim, t - 1)))).evaluate(*this).value;
      }
    }), dim, state};
  }
  template <class Initial, class Start, class F, class Method = OdeMethod<DormandPrince>>
    requires(!std::is_same_v<Initial, GroupIndex>)
  PlainMatrix<false> ode(const char* name, Dim time, Dim state, const Initial& initial, const Start& t0, const Real& times,
                         const F& f, const Method& method = rk45()) {
    static_assert(KnownTime<Start>, "a differential equation starts at a number or at data");
    using System = OneSystem<VectorArgument<Initial>, RecipeOf<Start>, F>;
    const System system{state, vector_argument(initial), as_recipe(t0), f};
    require_times_along(name, time, times);
    require_times(name, 0, time.size, system.t0, times);
    require_vector_along(name, system.initial_values, state);
    return ode_solution(name, time, state, system, times, method);
  }
  template <class Initial, class Start, class F, class Method = OdeMethod<DormandPrince>>
  PlainMatrix<false> ode(const char* name, Dim time, Dim state, const GroupIndex& subjects, const Initial& initial, const Start& t0,
                         const Real& times, const F& f, const Method& method = rk45()) {
    static_assert(KnownTimeOfEach<Start>, "a differential equation starts at a number or at data");
    using System = SystemOfEach<decltype(initial_of_each(initial)), decltype(start_of_each(t0)), F>;
    System system{state, subjects, initial_of_each(initial), start_of_each(t0), f};
    require_times_along(name, time, times);
    if (subjects.dim.id != time.id)
      throw ModelError("'" + std::string(name) + "' has subjects by a group index that does not run along its times (each time is of one "
                       "subject). Give the index of the times' dimension.");
    if constexpr (!System::starts_alike)
      if (t0.dim.id != subjects.target.id)
        throw ModelError("'" + std::string(name) + "' starts at times '" + t0.field.info->name + "', which do not run along its subjects "
                         "(each starts at one of them). Give one number, or data along the subjects.");
    if constexpr (!std::is_invocable_v<const Initial&, Index, Index>) require_vector_along(name, system.initial_values, state);
    std::set<int> before;
    for (int first = 0, end; first < time.size; first = end) {
      const int subject = subjects.positions[first];
      for (end = first + 1; end < time.size && subjects.positions[end] == subject;) ++end;
      if (!before.insert(subject).second)
        throw ModelError("'" + std::string(name) + "' has times of subject " + std::to_string(subject + 1) + " at element " +
                         std::to_string(first + 1) + " and before other subjects' (each is solved from its first time to its last). Sort the "
                         "data by subject, then by time.");
      const CheckedIndex s = index(subjects.target, subject);
      if constexpr (System::starts_alike) require_times(name, first, end, system.t0, times);
      else require_times(name, first, end, system.t0[s], times);
    }
    return ode_solution(name, time, state, system, times, method);
  }
  template <class Guess, class F> PlainVector root(const char* name, Dim dim, const Guess& guess, const F& f) {
    using Solver = RootsSolver<Generate, VectorArgument<Guess>, F>;
    require_count(name, "equations", "its dimension", Solver::n, dim);
    const auto argument = vector_argument(guess);
    require_vector_along(name, argument, dim);
    return {name, kept_quantity(name, Shape{dim}, [&](double* solution) {
      Solver(*this, dim, argument, f).solve(LaneArray<double>{solution, 1});
      scratch_ += Solver::scratch();
    }), dim};
  }
  // In no prediction and no log likelihood: nothing can be simulated from it, and it is of no observation.
  template <Operand E> void potential(const char* name, const E& e) {
    const Reader reader(*this, name);
    as_recipe(e).evaluate(*this);
    has_potentials_ = true;
  }
  template <class F> void potential(const char* name, Dim dim, const F& f) {
    const Reader reader(*this, name);
    for (int i = dim.first; i < dim.size; ++i) as_recipe(f(index(dim, i))).evaluate(*this);
    has_potentials_ = true;
  }
  template <class F> void potential(const char* name, Dim rows, Dim columns, const F& f) {
    const Reader reader(*this, name);
    const Shape shape{rows, columns};
    for (int e = 0; e < shape.size(); ++e) as_recipe(element(f, shape, e)).evaluate(*this);
    has_potentials_ = true;
  }
  bool has_potentials() const { return has_potentials_; }

  // Coefficients: a vector, or a matrix with a column for each column of predictors.
  template <class Beta> auto linear(const Matrix& x, const Beta& beta) {
    constexpr bool is_matrix = requires { beta.columns(); };
    const Dim across = [&] {
      if constexpr (is_matrix) return beta.rows();
      else return beta.dim();
    }();
    if (across.id != x.columns().id)
      throw ModelError("'" + std::string(beta.name) + "' does not run along the matrix's columns (its elements and they "
                       "do not correspond). Declare both along the same dimension.");
    if (!x.info->missing.empty())
      throw ModelError("field '" + x.info->name + "' is NaN at element " +
                       element_text(Shape{x.rows(), x.columns()}, x.info->missing.front()) +
                       " (missing, and predictors have no distribution here). Leave its row out of the data, or fill it.");
    const int width = [&] {
      if constexpr (is_matrix) return beta.columns().size;
      else return 1;
    }();
    const int size = x.rows().size * width;
    double* values = store(size);
    scratch_ += 2 * size;
    {
      const Reader reader(*this, nameless(values, size));
      note_read(beta.values);
      if (in_.edges) reads(x.info->name);
    }
    for (int n = 0; n < size; ++n) {
      const double* row = x.values + std::int64_t(n / width) * x.columns().size;
      values[n] = 0;
      for (int k = 0; k < x.columns().size; ++k) values[n] += row[k] * beta.values[std::int64_t(k) * width + n % width];
    }
    if constexpr (is_matrix) return PlainMatrix<false>("linear predictors", values, x.rows(), beta.columns());
    else return PlainVector("linear predictor", values, x.rows());
  }
  template <class Beta> void linear(const Matrix&, const Beta&&) = delete;

  template <class F, class Then> void cholesky(Dim dim, const F& element, const Then& then) {
    const int n = dim.size;
    double* l = store(n * n);
    const Reader reader(*this, nameless(l, n * n));
    for (int i = 0; i < n; ++i)
      for (int j = 0; j <= i; ++j) {
        double rest = as_recipe(element(index(dim, i), index(dim, j))).evaluate(*this).value;
        for (int k = 0; k < j; ++k) rest -= l[i * n + k] * l[j * n + k];
        l[i * n + j] = i == j ? std::sqrt(rest) : rest / l[j * n + j];
      }
    scratch_ += std::int64_t(n) * (n + 1);
    const PlainMatrix<true> factor("Cholesky factor", l, dim, dim, false);
    const Reader nobody(*this, "");
    then(factor);
  }
  template <class L, class B, class Then> void solve(const L& factor, const B& b, const Then& then) {
    solve_triangular<false>(factor, b, then);
  }
  template <class L, class B, class Then> void solve_transposed(const L& factor, const B& b, const Then& then) {
    solve_triangular<true>(factor, b, then);
  }
  double data(const double* table, std::int64_t element, std::int64_t columns) const {
    return table[element * columns + (columns > 1 ? in_.data_column : 0)];
  }
  // Called by an element of data before it is read.
  void require_element(const FieldInfo& field, std::int64_t element) const {
    require_inside(field.name.c_str(), field.size, element);
    require_there(field, element, Shape{});
  }
  void require_element(const FieldInfo& matrix, Index row, Index column) const {
    const char* const name = matrix.name.c_str();
    if (row.dim != any_dim) require_along(name, matrix.rows, row);
    if (column.dim != any_dim) require_along(name, matrix.columns, column);
    require_inside(name, matrix.rows.size, row.position, "row");
    require_inside(name, matrix.columns.size, column.position, "column");
    const Shape shape{matrix.rows, matrix.columns};
    require_there(matrix, std::int64_t(row.position) * shape.columns.size + column.position, shape);
  }
  static bool is_missing(const Real& y, int i) { return y.field.info->is_missing(i); }
  static bool is_missing(const Matrix& y, int i) { return y.info->is_missing(std::int64_t(i) * y.columns().size); }
  // Called before two sequences are multiplied element by element; the past is of any dimension.
  void require_same_dim(int a, int b) const {
    if (a != b && a != any_dim && b != any_dim)
      throw ModelError("dot is given two vectors along different dimensions (their elements do not correspond). Declare both "
                       "along the same one.");
  }
  // ---- who reads what: called as expressions are evaluated ----
  void note_read(const double* source) const {
    if (const auto gap = summed_out_.find(source); gap != summed_out_.end())
      throw ModelError("site '" + std::string(gap->second) + "' is read where it is missing (what is missing of it is summed out "
                       "with its states, so it has no value). Do not read it, or leave that element out of the data.");
    if (!in_.edges) return;
    const auto after = owners_.upper_bound(source);
    if (after == owners_.begin()) return;
    const auto& [first, owner] = *std::prev(after);
    if (source < first + owner.count) reads(owner.name);
  }
  void reads_field(const FieldInfo& field) const {
    if (in_.edges) reads(field.name);
  }
  // While what it returns is alive, what is read is read by a named expression, not by who evaluates that; if it is done, by nobody.
  auto reads_site(const char* name, bool done) const {
    if (in_.edges) reads(name);
    return Reader(*this, done ? "" : name);
  }

  int coordinates() const { return coordinate_; }
  int actions_taken() const { return actions_taken_; }
  // Elements of scratch that the gradient's nodes will take on one slice; the gradient's own count must agree.
  std::int64_t scratch() const { return scratch_; }

  // For what the gradient and this context share: memory of its own, one slice.
  LaneArray<double> allocate(int count) { return {store(count), 1}; }
  LaneArray<double> allocate_per_slice(int count) { return allocate(count); }
  WholeTeam team() const { return {}; }
  static constexpr bool first_slice() { return true; }
  double sum_over_slices(const LaneArray<double>& mine, int i, int) const { return mine.load(i); }
  Real replaced(const char* name, const Real& y) const {
    const SiteAction* action = in_.actions.on(name);
    return action ? Real{action->field, y.dim} : y;
  }
  Matrix replaced(const char* name, const Matrix& y) const {
    Matrix given = y;
    if (const SiteAction* action = in_.actions.on(name)) given.values = action->field.values, given.info = action->field.info;
    return given;
  }
  bool counts(const char* name) const {
    const SiteAction* action = in_.actions.on(name);
    return !action || action->keeps_density;
  }
  const double* known_states(const char* name) const {
    const SiteAction* action = in_.actions.on(name);
    return action ? action->field.values : nullptr;
  }

 private:
  template <bool transposed, class L, class B, class Then> void solve_triangular(const L& factor, const B& b, const Then& then) {
    static_assert(L::lower_triangular, "only a lower triangular matrix is solved for: a Cholesky factor");
    const Dim dim = factor.rows();
    const auto argument = vector_argument(b);
    require_vector_along("triangular solve", argument, dim);
    double* z = store(dim.size);
    const Reader reader(*this, nameless(z, dim.size));
    if constexpr (requires { factor.values; }) note_read(factor.values);
    const auto solved = [&](int s) { return transposed ? dim.size - 1 - s : s; };   // a transpose is solved from its last element on
    for (int s = 0; s < dim.size; ++s) {
      const int i = solved(s);
      z[i] = argument[index(dim, i)].evaluate(*this).value;
      for (int r = 0; r < s; ++r) {
        const int j = solved(r);
        z[i] -= (transposed ? factor.value(j, i) : factor.value(i, j)) * z[j];
      }
      z[i] /= factor.value(i, i);
    }
    scratch_ += 2 * dim.size;
    const PlainVector solution("triangular solve", z, dim);
    const Reader nobody(*this, "");
    then(solution);
  }

  // A site's axes; none for a number.
  struct Shape {
    int rank = 0;
    Dim rows{-1, 0, 1}, columns{-1, 0, 1};
    Shape() = default;
    explicit Shape(Dim dim) : rank(1), rows(dim) {}
    Shape(Dim r, Dim c) : rank(2), rows(r), columns(c) {}
    int size() const { return rows.size * columns.size; }
    Dim last() const { return rank == 2 ? columns : rows; }
  };
  // Which element it is, counted from 1: "3", "[2, 1]".
  static std::string element_text(const Shape& shape, int e) {
    if (shape.rank < 2) return std::to_string(e + 1);
    const std::string row = std::to_string(e / shape.columns.size + 1), column = std::to_string(e % shape.columns.size + 1);
    return std::string("[").append(row).append(", ").append(column).append("]");
  }
  // What a plate's lambda gives for element e, counted row after row.
  template <class F> static decltype(auto) element(const F& f, const Shape& shape, int e) {
    if constexpr (std::is_invocable_v<const F&, CheckedIndex>) return f(index(shape.rows, e));
    else return f(index(shape.rows, e / shape.columns.size), index(shape.columns, e % shape.columns.size));
  }

  static void require_there(const FieldInfo& field, std::int64_t element, const Shape& shape) {
    if (field.is_missing(element))
      throw ModelError("field '" + field.name + "' is NaN at element " + element_text(shape, int(element)) + " (missing values have a "
                       "place where the field is observed and its distribution is continuous: there they are imputed, and what "
                       "m.observe returns has them). Give it a distribution by m.observe and read that, or leave the element out of "
                       "the data.");
  }

  static CheckedIndex index(Dim dim, int i) { return {{i, dim.id}}; }
  template <class F> void evaluate(const Shape& shape, const F& f, double* values) const {
    for (int e = 0; e < shape.size(); ++e) values[e] = as_recipe(element(f, shape, e)).evaluate(*this).value;
  }
  template <class System, class Tableau>
  PlainMatrix<false> ode_solution(const char* name, Dim time, Dim state, const System& system, const Real& times,
                                  const OdeMethod<Tableau>& method) {
    using Solver = OdeSolver<Generate, System, Tableau>;
    require_count(name, "derivatives", "the dimension of its state", Solver::n, state);
    const Shape shape{time, state};
    double* values = kept_quantity(name, shape, [&](double* solution) {
      Solver(*this, system, times, method).solve(LaneArray<double>{solution, 1});
      scratch_ += Solver::scratch(time.size);
    });
    return {name, values, time, state};
  }
  static void require_count(const char* name, const char* what, const char* of, int count, Dim dim) {
    if (dim.size != count)
      throw ModelError("'" + std::string(name) + "' has " + std::to_string(count) + " " + what + " (" + of + " has " +
                       std::to_string(dim.size) + " elements). Give one for each.");
  }
  void require_times_along(const char* name, Dim time, const Real& times) const {
    if (times.dim.id != time.id)
      throw ModelError("'" + std::string(name) + "' is solved at times '" + times.field.info->name + "', which run along another "
                       "dimension than its rows (its rows and they do not correspond). Give it the times' own dimension.");
  }
  // Of one solution of a differential equation, at times from `first` to before `end`, in every data set.
  template <class Start> void require_times(const char* name, int first, int end, const Start& t0, const Real& times) const {
    if (in_.meaning != Meaning::layout) return;
    const auto at = [](const FieldData& f, std::int64_t element, std::int64_t set) {
      return f.values[element * f.columns + (f.columns > 1 ? set : 0)];
    };
    std::int64_t sets = times.field.columns;
    if constexpr (requires { t0.field; }) sets = std::max(sets, t0.field.columns);
    for (std::int64_t set = 0; set < sets; ++set) {
      double before;
      if constexpr (requires { t0.field; }) before = at(t0.field, t0.element, set);
      else before = t0.value;
      for (int i = first; i < end; ++i) {
        const double now = at(times.field, i, set);
        if (now < before)
          throw ModelError("'" + std::string(name) + "' is solved at time " + number_text(now) + ", element " +
                           std::to_string(i + 1) + " of '" + times.field.info->name + "', after time " + number_text(before) +
                           (i == first ? ", its start" : "") + " (it is solved forward in time). " +
                           (i == first ? "Let it start earlier, or leave out earlier times." : "Sort the data by time."));
        before = now;
      }
    }
  }
  // ---- states that are summed out ----

  // Observations whose distributions are chosen by hidden states: the elements of a vector, or the rows of a matrix.
  template <class Y> struct Observations {
    static constexpr bool of_rows = std::is_same_v<Y, Matrix>;
    const char* name;
    Dim plate;
    Shape shape;
    double* values;
    bool counts;                // whether they have a likelihood
    std::vector<int> missing;   // observations; none where values are given in place of the data's
    int width() const { return of_rows ? shape.columns.size : 1; }
    double* at(int i) const { return values + std::int64_t(i) * width(); }
    // Their elements, numbered row after row.
    std::vector<int> elements(const std::vector<int>& which) const {
      std::vector<int> result;
      for (int i : which)
        for (int k = 0; k < width(); ++k) result.push_back(i * width() + k);
      return result;
    }
    auto node() const {
      if constexpr (of_rows) return PlainMatrix<false>(name, values, plate, shape.columns);
      else return PlainVector(name, values, plate);
    }
  };
  template <class Y> Observations<Y> observations(const char* name, const Y& y, Dim plate) {
    Observations<Y> result{name, plate, {}, nullptr, true, {}};
    if constexpr (Observations<Y>::of_rows) {
      require_rows(name, y, plate);
      result.shape = Shape{plate, y.columns()};
      require_all_modelled(name, result.shape);
      result.values = read(name, y);
    } else {
      result.shape = Shape{plate};
      result.values = read(name, y, plate);
    }
    result.counts = replace(name, result.shape, result.values);
    const FieldInfo& info = info_of(y);
    for (int i = 0; !info.missing.empty() && !in_.actions.on(name) && i < plate.size; ++i) {
      const double *const first = result.at(i), *const end = first + result.width();
      const auto is_gap = [](double v) { return std::isnan(v); };
      const double* const gap = std::find_if(first, end, is_gap);
      if (gap == end) continue;
      const std::string what = "site '" + std::string(name) + "' is NaN at element " + element_text(result.shape, int(gap - result.values));
      if (!std::all_of(first, end, is_gap))
        throw ModelError(what + " (missing, and other elements of its row are not: only a row that is missing as a whole is summed out "
                         "with its state). Leave that row out of the data, or fill it.");
      require_modelled(what, i, plate.first);
      result.missing.push_back(i);
    }
    return result;
  }
  static const FieldInfo& info_of(const Real& y) { return *y.field.info; }
  static const FieldInfo& info_of(const Matrix& y) { return *y.info; }
  // Whether observations have log densities of their own, or count in those of a latent; whether the states are summed out, and
  // then what these densities are. Else they are those given the states.
  struct Densities {
    bool own, summed;
    const double* sums;
  };
  // A site of observations, of which i has distribution f(i, k) in state k = which(i) of `second`. `states`: who says which.
  template <class Y, std::size_t n, class F, class Which>
  void in_states(const Observations<Y>& data, const std::array<const double*, n>& states, Dim second, const F& f, const Which& which,
                 const Densities& densities) {
    if (!data.counts) return;
    const Dim plate = data.plate;
    const bool complete = data.missing.empty();
    const char* const site = complete ? data.name : kept_name(std::string(data.name) + observed_suffix);
    if (!complete) own(site, data.values, data.shape.size());
    const Reader reader(*this, site);
    for (const double* each : states) note_read(each);
    const auto at = [&](int i, int k) { return f(index(plate, i), index(second, k)); };
    const bool any = plate.first < plate.size && second.size > 0;
    if constexpr (Observations<Y>::of_rows) {
      if (in_.meaning == Meaning::layout) require_rows_of_states(data, second, at);
      const int passes = densities.summed ? 2 : 1;   // the derivatives by those of the sum come after it
      for (int k = 0; any && k < second.size; ++k)
        scratch_ += passes * scratch_of_events<Generate>(at(plate.first, k), plate, data.shape.columns);
    } else if (in_.meaning == Meaning::layout) {
      require_plate_of_states(data.name, plate, second, f, data.values);
    }
    const auto draw_observation = [&](int i) {
      const auto d = at(i, which(i));
      if constexpr (Observations<Y>::of_rows)
        named("site '", data.name, [&] { sample_event(*this, random_, d, plate, data.shape.columns, data.at(i)); });
      else *data.at(i) = draw("site '", data.name, d);
    };
    for (int i = plate.first; any && simulates() && i < plate.size; ++i) draw_observation(i);
    if (in_.meaning == Meaning::states && any) std::ranges::for_each(data.missing, draw_observation);
    const bool pointwise = in_.meaning == Meaning::pointwise;
    std::vector<int> there;
    std::vector<double> log_density;
    for (int i = 0; i < plate.size && (!complete || pointwise); ++i) {
      if (std::ranges::binary_search(data.missing, i)) continue;
      there.push_back(i);
      if (!pointwise || !densities.own) continue;
      if (i < plate.first || !any) log_density.push_back(0);
      else if (densities.summed) log_density.push_back(densities.sums[i]);
      else if constexpr (Observations<Y>::of_rows) log_density.push_back(event_log_density(at(i, which(i)), data.shape, data.at(i)));
      else log_density.push_back(evaluate_once(at(i, which(i)), *data.at(i)));
    }
    const int event_rank = Observations<Y>::of_rows ? 1 : 0, events = densities.own ? plate.size - int(data.missing.size()) : 0;
    if (complete)
      return report_events(site, SiteKind::observed, data.shape, event_rank, events, pointwise ? log_density.data() : data.values, "",
                           is_whole<Y>);
    const auto values_at = [&](const std::vector<int>& elements) {
      std::vector<double> result;
      for (int e : elements) result.push_back(data.values[e]);
      return result;
    };
    const std::vector<int> missing = data.elements(data.missing);
    if (in_.meaning == Meaning::states) {
      in_.out = std::ranges::copy(values_at(missing), in_.out).out;
      return;
    }
    const std::vector<int> elements = data.elements(there);
    const std::vector<double> values = values_at(elements);
    report_events(site, SiteKind::observed, Shape{added_dim(site, data.shape, elements).from(plate.first * data.width())}, event_rank,
                  events, pointwise ? log_density.data() : values.data());
    if (in_.meaning != Meaning::layout) return;
    for (int e : missing) summed_out_.emplace(data.values + e, data.name);
    if (event_rank == 1) in_.sites->back().event_dim = added_dim(site, Shape{plate}, there, "_row").id;
    in_.sites->back().missing_dim = added_dim(std::string(data.name) + imputed_suffix, data.shape, missing).id;
  }
  // As require_plate: what of a state's distribution is prepared once for all rows is the same for all.
  template <class F> void require_rows_of_states(const Observations<Matrix>& data, Dim second, const F& at) {
    const Dim plate = data.plate, columns = data.shape.columns;
    if (plate.first >= plate.size) return;
    for (int k = 0; k < second.size; ++k) {
      for (int i = plate.first; i < plate.size; ++i) check_events(at(i, k), data.name, plate, columns);
      const auto first = at(plate.first, k);
      PreparedJoint<Generate, std::remove_const_t<decltype(first)>> prepared(*this, first, columns);
      for (int i = plate.first; i < plate.size; ++i) {
        const auto d = at(i, k);
        note_factor(d);
        const double once = prepared.log_density(*this, d, DataEvent{data.at(i)}, Zero{}), each = event_log_density(d, data.shape, data.at(i));
        if (!is_same(once, each))
          throw ModelError("site '" + std::string(data.name) + "' has rows whose distributions in one state have different covariances "
                           "(these are prepared once for all rows). Let them depend on the state alone.");
      }
    }
  }

  // What a distribution over states says: one of them, with probability `weight(k)`.
  template <class Weight> int draw_state(Dim state, const Weight& weight) {
    std::vector<double> probability;
    for (int k = 0; k < state.size; ++k) probability.push_back(weight(k));
    return draw_category(probability);
  }
  // In order, since the weights of one may depend on those before it.
  template <class Weight> void draw_states(Dim dim, Dim state, double* states, const Weight& weight) {
    for (int i = dim.first; i < dim.size && state.size > 0; ++i)
      states[i] = draw_state(state, [&](int k) { return weight(i, k); });
  }
  // States that are done or observed. False: they are neither.
  template <class Weight> bool given_states(const char* name, Dim dim, Dim state, double* states, const Weight& weight) {
    const SiteAction* action = action_on(name, dim.size);
    if (!action) return false;
    std::copy_n(action->field.values, dim.size, states);
    require_states(name, states, dim.size, state);
    if (!action->keeps_density) return true;
    const Reader reader(*this, name);
    if (simulates()) draw_states(dim, state, states, weight);
    std::vector<double> log_density(std::size_t(dim.size), 0.);
    for (int i = dim.first; i < dim.size; ++i) log_density[std::size_t(i)] = std::log(weight(i, int(states[i])));
    report(name, SiteKind::observed, Shape{dim}, in_.meaning == Meaning::pointwise ? log_density.data() : states, "", true);
    return true;
  }
  // The site of states that are summed out. `log_density`: of all that depends on each; null: that counts for itself.
  void report_states(const char* name, const Shape& shape, const double* states, const double* log_density) {
    report_events(name, SiteKind::observed, shape, 0, log_density ? shape.size() : 0,
                  log_density && in_.meaning == Meaning::pointwise ? log_density : states, "", true);
    if (in_.meaning == Meaning::layout) in_.sites->back().latent = true;
  }

  struct ChainStates {
    double* values;
    bool known;                        // done or observed
    std::vector<double> log_density;   // of what is observed at each time given all before
  };
  // The states, called `name`, of the hidden Markov chain that `site` declares. `own_densities`: whether they have the log densities
  // of all that the chain emits.
  template <class Initial, class Transition, class Sites>
  ChainStates chain(const char* site, const char* name, Dim time, Dim state, const Initial& initial, const Transition& transition,
                    const Sites& sites, bool own_densities) {
    using Model = HiddenMarkov<Generate, VectorArgument<Initial>, Transition>;
    constexpr bool by_time = std::is_invocable_v<const Transition&, CheckedIndex, CheckedIndex, CheckedIndex>;
    if constexpr (!by_time)
      if (transition.rows().id != state.id || transition.columns().id != state.id)
        throw ModelError("site '" + std::string(site) + "' has transition probabilities along other dimensions than its states "
                         "(rows and columns are states). Declare them along the states' dimension twice.");
    if (time.first != 0)
      throw ModelError("site '" + std::string(site) + "' is a hidden Markov chain over a plate that starts at element " +
                       std::to_string(time.first + 1) + " (its first state belongs to the first element). Let the plate start "
                       "there: leave out from().");
    const auto weights = vector_argument(initial);
    require_vector_along(site, weights, state);
    ChainStates result{store(time.size), false, std::vector<double>(std::size_t(time.size), 0.)};
    double* const states = result.values;
    own(name, states, time.size);
    // Of moving to k at t.
    const auto probability_of = [&](int t, int j, int k) -> double {
      if (t == 0) return weights[index(state, k)].evaluate(*this).value;
      if constexpr (by_time) return as_recipe(transition(index(time, t), index(state, j), index(state, k))).evaluate(*this).value;
      else return transition.value(j, k);
    };
    const auto weight_of = [&](int t, int k) { return probability_of(t, t > 0 ? int(states[t - 1]) : 0, k); };
    result.known = given_states(name, time, state, states, weight_of);
    const SiteAction* const action = in_.actions.on(name);
    if (action && !action->keeps_density) return result;
    scratch_ += Model::scratch(time.size, state.size);
    const Reader reader(*this, name);
    if constexpr (requires { transition.values; }) note_read(transition.values);
    if (in_.meaning == Meaning::layout)
      for (int t = 0; t < (by_time ? time.size : std::min(time.size, 1)); ++t)
        for (int k = 0; k < state.size; ++k)
          for (int j = 0; j < state.size; ++j) probability_of(t, j, k);
    if (result.known) {
      mark_recurrence();
      return result;
    }
    if (simulates()) draw_states(time, state, states, weight_of);
    if (in_.meaning == Meaning::pointwise || in_.meaning == Meaning::states) {
      Model model(*this, time, state, weights, transition);
      model.run_forward(sites, [&](int t, double v) { result.log_density[std::size_t(t)] = v; });
      // Backwards, each given the one after it (Chib 1996, "Calculating posterior distributions and modal estimates in Markov mixture models").
      for (int t = time.size - 1; in_.meaning == Meaning::states && t >= 0; --t)
        states[t] = draw_state(state, [&](int k) {
          return model.filtered(t, k) * (t + 1 < time.size ? model.moves(t, k, int(states[t + 1])) : 1.);
        });
    }
    report_states(name, Shape{time}, states, own_densities ? result.log_density.data() : nullptr);
    if (own_densities) mark_recurrence();
    return result;
  }

  // What a latent is declared within: nothing, or latents that it reads. `values` has those of each of them; `codes[i]` is the number
  // of all of theirs (StatePath) where element i of the innermost one is read.
  template <int depth> struct Within {
    StatePath<depth> path;
    std::array<const double*, depth> values;
    const double* codes;
    bool known;                            // all of them are done or observed
    const NestedLatents<double>* nested;   // of the first of them; null where densities are not wanted
    int* next;                             // the place in `nested` of the latent that is declared next
  };
  template <class Prior, class Sites>
  void sum_out(const char* name, const Shape& shape, Dim state, const Prior& prior, const Sites& sites) {
    using Model = DiscreteLatent<Generate, Prior>;
    std::vector<double> log_density(std::size_t(shape.size()), 0.);
    const bool sums = in_.meaning == Meaning::pointwise || in_.meaning == Meaning::states;
    int next = 0;
    std::optional<Model> model;
    if (sums) {
      model.emplace(*this, name, shape.rows, state, prior);
      model->sum_out(sites, [&](int g, double v) { log_density[std::size_t(g)] = v; });
    }
    scratch_ += Model::scratch(shape.size(), state.size);
    const auto probability = [&](int g, int, int k) { return model->probability(g, k); };
    const auto log_density_of = [&](int g, int) { return log_density[std::size_t(g)]; };
    declare_latent(name, shape, state, prior, sites, Within<0>{{}, {}, nullptr, true, sums ? &model->nested() : nullptr, &next},
                   [](int i) { return i; }, probability, log_density_of);
  }
  // One that reads others; its element i reads element `group(i)` of the innermost of these.
  template <class Prior, class Sites, int depth, class Group>
  void sum_out_within(const char* name, const Shape& shape, Dim state, const Prior& prior, const Sites& sites, const Within<depth>& within,
                      const Group& group) {
    using Model = DiscreteLatent<Generate, Prior, depth>;
    const int outer = within.path.count(), which = (*within.next)++;
    if (which == NestedLatents<double>::most)
      throw ModelError("latent '" + std::string(name) + "' is the " + std::to_string(which + 1) + "th within one latent that reads others (there "
                       "is room for " + std::to_string(which) + "). Let one state stand for several.");
    scratch_ += Model::scratch_of_nested(shape.size(), outer, state.size);
    const auto probability = [&](int i, int c, int k) { return within.nested->mine[which].load((i * outer + c) * state.size + k); };
    const auto log_density = [&](int i, int c) { return within.nested->sums[which].load(i * outer + c); };
    declare_latent(name, shape, state, prior, sites, within, group, probability, log_density);
  }
  // `probability(i, c, k)`: of value k of element i given the data and the values c of the latents that it reads; `log_density(i, c)`:
  // of all data that depend on the element.
  template <class Prior, class Sites, int depth, class Group, class Probability, class LogDensityOf>
  void declare_latent(const char* name, const Shape& shape, Dim state, const Prior& prior, const Sites& sites, const Within<depth>& within,
                      const Group& group, const Probability& probability, const LogDensityOf& log_density_of) {
    const int count = shape.size();
    double *values = store(count), *codes = store(count);
    own(name, values, count);
    const auto outer = [&](int i) {
      if constexpr (depth == 0) return 0;
      else return int(within.codes[group(i)]);
    };
    const auto prior_of = [&](CheckedIndex i, int c) { return prior_in_states<CheckedIndex>(prior, within.path, c, i); };
    const auto prior_at = [&](CheckedIndex i) { return prior_of(i, outer(i.position)); };
    const SiteAction* const action = action_on(name, count);
    if (action) {
      std::copy_n(action->field.values, count, values);
      require_states(name, values, count, state);
    }
    {
      const Reader reader(*this, name);
      for (const double* each : within.values) note_read(each);
      if (in_.meaning == Meaning::layout) {
        const Shape each{shape.rows, Dim{any_dim, 0, within.path.count() * state.size}};
        std::vector<double> numbers;
        for (int e = 0; e < each.size(); ++e) numbers.push_back(e % state.size);
        require_plate(name, each, [&](CheckedIndex i, CheckedIndex both) { return prior_of(i, both.position / state.size); }, numbers.data());
      }
      for (int i = 0; i < count && state.size > 0; ++i) {
        if (simulates() && (!action || action->keeps_density))
          values[i] = draw_state(state, [&](int k) { return std::exp(evaluate_once(prior_at(index(shape.rows, i)), k)); });
        if (in_.meaning == Meaning::states && !action)
          values[i] = draw_state(state, [&](int k) { return probability(i, outer(i), k); });
      }
    }
    for (int i = 0; i < count; ++i) codes[i] = outer(i) * state.size + values[i];
    std::vector<double> log_density;
    for (int i = 0; i < count && in_.meaning == Meaning::pointwise && within.known; ++i)
      log_density.push_back(action ? evaluate_once(prior_at(index(shape.rows, i)), values[i]) : log_density_of(i, outer(i)));
    if (!action) {
      if (log_density.empty()) log_density.resize(std::size_t(count));
      report_states(name, shape, values, within.known ? log_density.data() : nullptr);
    } else if (action->keeps_density) {
      report_events(name, SiteKind::observed, shape, 0, within.known ? count : 0, log_density.empty() ? values : log_density.data(), "", true);
    }
    std::array<const double*, depth + 1> all;
    *std::ranges::copy(within.values, all.begin()).out = values;
    sites(SitesInStates<depth + 1>{*this, name, all, codes, shape.rows, within.path.with(state), within.known && action, within.nested,
                                   within.next});
  }
  // What a model's lambda is given to declare the sites that depend on a latent, and those that it reads, or on a chain.
  template <int depth> struct SitesInStates {
    Generate& m;
    const char* name;
    std::array<const double*, depth> values;   // of those that it reads, and its own
    const double* codes;                       // the number of all of them
    Dim dim;
    StatePath<depth> path;
    bool known;
    const NestedLatents<double>* nested = nullptr;
    int* next = nullptr;
    template <class Y, class F> void observe(const char* site, const Y& y, Dim plate, const F& f) const {
      require_same(site, "data", plate);
      declare(site, y, plate, path, f, [&](int i) { return int(codes[of_element(plate)(i)]); });
    }
    template <class Y, class F> void observe(const char* site, const Y& y, Dim plate, const GroupIndex& group, const F& f) const {
      require_group(site, plate, group);
      declare(site, y, plate, path, f, [&](int i) { return int(codes[group[index(plate, i)].position]); });
    }
    template <class Y, class F> void observe_change(const char* site, const Y& y, Dim time, Dim regime, const F& f) const {
      const Dim state = path.states[depth - 1];
      if (dim.id != -1 || state.size > time.size + 1 || time.first != 0 || regime.size != 2)
        refuse(site, "cannot change at latent '",
               "it is a series from its first time on, with two regimes, and changes at a number, which has at most one value more than "
               "there are times). Correct the dimensions.");
      StatePath<depth> regimes = path;
      regimes.states[depth - 1] = regime;
      const int outer = int(codes[0]) / std::max(state.size, 1);
      declare(site, y, time, regimes, f, [&](int i) { return 2 * outer + (i < values[depth - 1][0] ? 0 : 1); });
    }
    template <class F, class Sites> void latent(const char* site, Dim state, const F& prior, const Sites& sites) const {
      latent(site, dim, state, prior, sites);
    }
    template <class F, class Sites> void latent(const char* site, Dim along, Dim state, const F& prior, const Sites& sites) const {
      require_same(site, "elements", along);
      m.sum_out_within(site, shape_along(along), state, prior, sites, within(), of_element(along));
    }
    template <class F, class Sites>
    void latent(const char* site, Dim along, const GroupIndex& group, Dim state, const F& prior, const Sites& sites) const {
      require_group(site, along, group);
      m.sum_out_within(site, shape_along(along), state, prior, sites, within(), [&](int i) { return group[index(along, i)].position; });
    }

   private:
    Within<depth> within() const { return {path, values, codes, known, nested, next}; }
    auto of_element(Dim along) const {
      return [same = dim.id == along.id](int i) { return same ? i : 0; };
    }
    static Shape shape_along(Dim along) { return along.id == -1 ? Shape{} : Shape{along}; }
    template <class Y, class F, class Which>
    void declare(const char* site, const Y& y, Dim plate, const StatePath<depth>& states, const F& f, const Which& which) const {
      const auto in_state = [&](CheckedIndex i, CheckedIndex all) { return states.template call<CheckedIndex>(f, all.position, i); };
      m.in_states(m.observations(site, y, plate), values, Dim{any_dim, 0, states.count()}, in_state, which, {known, !known, nullptr});
    }
    void require_same(const char* site, const char* what, Dim along) const {
      if (dim.id != -1 && dim.id != along.id)
        refuse(site, std::string("has ").append(what).append(" along another dimension than latent '"),
               "its elements and they do not correspond). Give the group index that says which element each depends on.");
    }
    void require_group(const char* site, Dim along, const GroupIndex& group) const {
      if (group.target.id != dim.id || group.dim.id != along.id)
        refuse(site, "has a group index that is not from its data to latent '",
               "it says which element each depends on). Give one along the data's dimension, into the latent's.");
    }
    [[noreturn]] void refuse(const char* site, const std::string& what, const char* why) const {
      throw ModelError("site '" + std::string(site) + "' " + what + name + "' (" + why);
    }
  };
  template <class Y> static constexpr bool is_whole = std::is_same_v<std::remove_cvref_t<Y>, Integer>;
  static void require_states(const char* name, const double* values, int count, Dim state) {
    for (int g = 0; g < count; ++g)
      if (!(values[g] >= 0 && values[g] < state.size && values[g] == std::floor(values[g])))
        throw ModelError("latent '" + std::string(name) + "' is " + number_text(values[g]) + " at element " + std::to_string(g + 1) +
                         " (its values are 0 to " + std::to_string(state.size - 1) + "). Give one of these.");
  }

  // A field as an observed site's values, which may then be simulated.
  template <class Y> double* read(const char* name, const Y& y, Dim dim) {
    if (y.dim.id != dim.id)
      throw ModelError("site '" + std::string(name) + "' observes field '" + y.field.info->name + "' over another "
                       "dimension than the field's own (their elements do not correspond). Observe it along its dimension.");
    double* values = store(dim.size);
    own(name, values, dim.size);
    const Reader reader(*this, name);
    if (dim.size == 0) return values;
    // All at once: a draw's parameters are computed with every observation at hand, which may be most of the work.
    const FieldInfo& info = *y.field.info;
    require_inside(info.name.c_str(), info.size, dim.size - 1);
    reads_field(info);
    for (int i = 0; i < dim.size; ++i) values[i] = data(y.field.table(FieldData::value), i, y.field.columns);
    for (const int i : info.missing) values[i] = missing_value;
    return values;
  }
  static void require_all_modelled(const char* name, const Shape& matrix) {
    if (matrix.rows.first != 0 || matrix.columns.first != 0)
      throw ModelError("site '" + std::string(name) + "' observes a matrix from a later row or column on (a matrix is modelled as "
                       "a whole). Leave out from(), and out of the data what is not modelled.");
  }
  // Of an element that is missing, as `what` says: not of those that are given, before the plate's first.
  static void require_modelled(const std::string& what, int element, int first) {
    if (element < first)
      throw ModelError(what + " (missing, and the plate starts at element " + std::to_string(first + 1) + ": those before it are "
                       "given, not modelled). Fill it, or start later.");
  }
  static void require_rows(const char* name, const Matrix& y, Dim rows) {
    if (y.rows().id != rows.id)
      throw ModelError("site '" + std::string(name) + "' observes a matrix over another dimension than its rows' (its rows and "
                       "the plate's elements do not correspond). Observe it along its rows.");
  }
  double* read(const char* name, const Matrix& y) {
    const int size = y.rows().size * y.columns().size;
    double* values = std::copy_n(y.values, size, store(size)) - size;
    own(name, values, size);
    const Reader reader(*this, name);
    if (in_.edges) reads(y.info->name);
    return values;
  }
  // Who reads, from now until this is gone. Nobody: ''.
  class Reader {
   public:
    Reader(const Generate& m, const char* name) : m_(m), before_(std::exchange(m.reader_, name)) {}
    Reader(const Reader&) = delete;
    ~Reader() { m_.reader_ = before_; }

   private:
    const Generate& m_;
    const char* before_;
  };
  void reads(const std::string& name) const {
    if (in_.edges && *reader_ != '\0' && !name.empty() && name != reader_) in_.edges->insert({name, reader_});
  }
  // A joint distribution's matrix node, whose elements it reads by itself.
  template <class D> void note_factor(const D& d) const {
    if constexpr (requires { d.factor->values; }) note_read(d.factor->values);
  }
  template <class Text> void own(const Text& name, const double* values, int count) {
    if (in_.edges) owners_[values] = {name, count};
  }
  // What the model gives no name, such as a linear predictor: a name that no site can have, to be left out in the end.
  const char* nameless(const double* values, int count) {
    if (!in_.edges) return "";
    own(std::string("/").append(std::to_string(owners_.size())), values, count);
    return owners_[values].name.c_str();
  }

  double* store(int count) {
    stored_.emplace_back(std::size_t(count));
    return stored_.back().data();
  }

  // The action on a site with so many elements. Throws ModelError if as many values are not given.
  const SiteAction* action_on(const char* name, int size) {
    const SiteAction* action = in_.actions.on(name);
    if (!action) return nullptr;
    ++actions_taken_;
    if (action->field.length != size)
      throw ModelError("site '" + std::string(name) + "' is given " + std::to_string(action->field.length) + " values (it has " +
                       std::to_string(size) + "). Give one for each element.");
    return action;
  }
  // Puts what is given for an observed site in place of its values. False: it has no likelihood.
  bool replace(const char* name, const Shape& shape, double* values) {
    const SiteAction* action = action_on(name, shape.size());
    if (!action) return true;
    std::copy_n(action->field.values, shape.size(), values);
    return action->keeps_density;
  }
  // The values of a computed quantity, which are reported; and those that are given in their place, which are not.
  template <class F> std::pair<double*, const double*> quantity(const char* name, const Shape& shape, const F& compute) {
    double* values = store(shape.size());
    own(name, values, shape.size());
    const Reader reader(*this, name);
    if (const SiteAction* action = action_on(name, shape.size())) {
      if (action->keeps_density)
        throw ModelError("'" + std::string(name) + "' is computed (it has no density, which to observe it keeps). Use do.");
      std::copy_n(action->field.values, shape.size(), values);
      return {values, values};
    }
    compute(values);
    report(name, SiteKind::deterministic, shape, values);
    return {values, nullptr};
  }
  // Of a node that keeps its values.
  template <class F> double* kept_quantity(const char* name, const Shape& shape, const F& compute) {
    const auto [values, given] = quantity(name, shape, compute);
    if (!given) scratch_ += 2 * std::int64_t(shape.size());
    return values;
  }

  void report(const char* name, SiteKind kind, const Shape& shape, const double* values, const char* support = "",
              bool whole = false, int coordinates = 0) {
    report_events(name, kind, shape, 0, shape.size(), values, support, whole, coordinates);
  }
  void report_events(const char* name, SiteKind kind, const Shape& shape, int event_rank, int events, const double* values,
                     const char* support = "", bool whole = false, int coordinates = 0) {
    if (in_.meaning == Meaning::layout)
      in_.sites->push_back({name, kind, support, shape.rank, {shape.rows.id, shape.columns.id}, shape.size(), event_rank, events,
                            shape.rows.first, coordinate_, coordinates, whole});
    if (in_.meaning == Meaning::scales) {
      if (kind == SiteKind::parameter) in_.out = std::fill_n(in_.out, 2 * shape.size(), missing_value);
      return;
    }
    const bool densities = in_.meaning == Meaning::pointwise || in_.meaning == Meaning::log_prior;
    if (in_.observed_out && kind == SiteKind::observed) in_.observed_out = std::copy_n(values, shape.size(), in_.observed_out);
    if (!in_.out || of_observed(in_.meaning) != (kind == SiteKind::observed)) return;
    if (in_.meaning == Meaning::log_prior && kind != SiteKind::parameter) return;
    in_.out = std::copy_n(values, densities ? events : shape.size(), in_.out);
  }

  // Whether parameters are given their values.
  bool takes_values() const { return in_.values && (in_.meaning == Meaning::prior || in_.meaning == Meaning::unconstrain); }
  // Whether observed sites are.
  bool simulates() const { return in_.meaning == Meaning::predict || in_.observed_out; }
  void mark_recurrence() {
    if (in_.meaning == Meaning::layout) in_.sites->back().recurrence = true;
  }

  template <class S> struct ExtentOf {
    using Type = int;
  };
  template <class S> requires(!S::elementwise) struct ExtentOf<S> {
    using Type = typename S::Extent;
  };
  // How a parameter's elements share supports: each has its own; or each row; or the whole matrix.
  template <class S> struct Blocks {
    int count = 1;
    typename ExtentOf<S>::Type extent;
    int values, coordinates;   // of one block
    explicit Blocks(const Shape& shape) {
      if constexpr (S::elementwise) {
        extent = values = coordinates = shape.size();
      } else {
        if (shape.rank == 2 && !S::whole) count = shape.rows.size;
        extent = S::extent(shape.rows.size, shape.last().size);
        values = S::values(extent);
        coordinates = S::coordinates(extent);
      }
    }
    int all_coordinates() const { return count * coordinates; }
  };
  // How many events a joint distribution has in a site, and the dimensions of one.
  template <JointDistribution D> static int events_of(const Shape& shape) {
    if (shape.size() == 0) return 0;
    return shape.rank == 2 && !one_event<D> ? shape.rows.size : 1;
  }
  template <JointDistribution D> static constexpr bool one_event = [] {
    if constexpr (requires { typename D::Support; }) return WholeMatrix<D> || WholeSupport<typename D::Support>;
    else return WholeMatrix<D>;
  }();

  static constexpr double missing_value = std::numeric_limits<double>::quiet_NaN();
  // A coordinate near the middle of its support, different for every one.
  static double middle(int coordinate) { return 0.25 * std::sin(1. + coordinate); }

  template <class S, class Prior> double* parameter(const char* name, const Shape& shape, const S& support, const Prior& prior) {
    double* values = store(shape.size());
    own(name, values, shape.size());
    const Reader reader(*this, name);
    const SiteAction* action = action_on(name, shape.size());
    if (!action) {
      parameter(name, shape, support, prior, values);
      return values;
    }
    std::copy_n(action->field.values, shape.size(), values);
    if (!action->keeps_density) return values;
    // A parameter that is observed is an observed site.
    if constexpr (JointDistribution<Prior>) {
      observed_events(name, shape, events_of<Prior>(shape), values, [&](int) -> const Prior& { return prior; });
    } else {
      observed(name, shape, false, values, prior);
    }
    return values;
  }
  // `prior`: a JointDistribution, or a lambda that gives each element's distribution.
  template <class S, class Prior>
  void parameter(const char* name, const Shape& shape, const S& support, const Prior& prior, double* values) {
    const Blocks<S> blocks(shape);
    const int coordinates = blocks.all_coordinates();
    std::vector<double> x(std::size_t(coordinates), 0.);
    switch (in_.meaning) {
      case Meaning::layout:
      case Meaning::observed:
        // So that a plate that reads the wrong element shows.
        for (int i = 0; i < coordinates; ++i) x[std::size_t(i)] = middle(coordinate_ + i);
        break;
      case Meaning::prior:
        if (in_.values) draw_missing(name, shape, support, prior, values);
        else draw_prior(name, shape, support, prior, values);
        to_line(name, shape, support, prior, values, x.data());
        break;
      case Meaning::unconstrain:
        std::copy_n(in_.values, shape.size(), values);
        in_.values += shape.size();
        if (in_.position && shape.size() > 0 && std::isnan(values[0]))
          std::copy_n(in_.position + coordinate_, coordinates, x.data());
        else to_line(name, shape, support, prior, values, x.data());
        break;
      default:
        std::copy_n(in_.position + coordinate_, coordinates, x.data());
    }
    if constexpr (requires { support.bind(*this).mistake_at(0.); })
      if (in_.meaning == Meaning::layout)
        for (const double at : {-1.1, 0., 0.7})
          if (const char* mistake = support.bind(*this).mistake_at(at))
            throw ModelError("parameter '" + std::string(name) + "' has a support of the model's own whose " + mistake + " (at coordinate " +
                             number_text(at) + "). Compare the three functions of custom_support.");
    from_line(shape, support, prior, x.data(), values);
    if (in_.position_out) std::copy_n(x.data(), coordinates, in_.position_out + coordinate_);
    int event_rank = 0, events = shape.size();
    if constexpr (JointDistribution<Prior>) {
      event_rank = one_event<Prior> ? 2 : 1;
      events = events_of<Prior>(shape);
    }
    std::vector<double> log_density(std::size_t(in_.meaning == Meaning::log_prior ? events : 0));
    for (std::size_t e = 0; e < log_density.size(); ++e) {
      if constexpr (JointDistribution<Prior>)
        log_density[e] = event_log_density(prior, shape, values + std::int64_t(e) * shape.last().size);
      else log_density[e] = evaluate_once(element(prior, shape, int(e)), values[e]);
    }
    const auto report_parameter = [&] {
      report_events(name, SiteKind::parameter, shape, event_rank, events, log_density.empty() ? values : log_density.data(),
                    S::description, false, coordinates);
    };
    if constexpr (JointDistribution<Prior>) report_parameter();
    else report_with_labels(name, shape, values, [](int) { return true; }, [&](int e) { return element(prior, shape, e); }, report_parameter);
    if (in_.meaning == Meaning::scales) put_scales(shape, prior, in_.out - 2 * shape.size());
    if constexpr (JointDistribution<Prior>) {
      note_factor(prior);
      if (in_.meaning == Meaning::layout) {
        check_events(prior, name, shape.rows, shape.last());
        if (shape.size() > 0) event_log_density(prior, shape, values);
      }
      if constexpr (!std::is_same_v<S, Standardised>)
        scratch_ += scratch_of_events<Generate>(prior, shape.rows, shape.last());
    } else if (in_.meaning == Meaning::layout) {
      Shape whole = shape;
      whole.rows.first = 0;
      require_plate(name, whole, prior, values);
    }
    if constexpr (!S::elementwise) scratch_ += (S::keeps_logs ? 3 : 2) * std::int64_t(shape.size());
    else if constexpr (std::is_same_v<S, Standardised>) scratch_ += shape.rank > 0 ? 2 * std::int64_t(shape.size()) : 0;
    else if (!S::identity && shape.rank > 0) scratch_ += shape.size();
    coordinate_ += coordinates;
  }

  template <class Prior> void put_scales(const Shape& shape, const Prior& prior, double* out) const {
    if constexpr (!JointDistribution<Prior>)
      for (int i = 0; i < shape.size(); ++i) {
        const auto d = element(prior, shape, i);
        if constexpr (is_partially_centred<std::remove_const_t<decltype(d)>>) {
          out[2 * i] = location_of(d.distribution).evaluate(*this).value;
          out[2 * i + 1] = scale_of(d.distribution).evaluate(*this).value;
        }
      }
  }

  template <class S, class Prior>
  void from_line(const Shape& shape, const S& support, const Prior& prior, const double* x, double* values) const {
    const Blocks<S> blocks(shape);
    if constexpr (std::is_same_v<S, Standardised>) {
      if constexpr (JointDistribution<Prior>)
        for (int e = 0; e < events_of<Prior>(shape); ++e)
          prior.distribution.from_standard(*this, shape.last(), x + e * shape.last().size, values + e * shape.last().size);
      else
        for (int i = 0; i < shape.size(); ++i) {
          const auto d = element(prior, shape, i);
          values[i] = d.by.value(d.distribution, Constant(x[i])).evaluate(*this).value;
        }
    } else if constexpr (S::elementwise) {
      auto bound = support.bind(*this);
      for (int i = 0; i < blocks.extent; ++i) values[i] = bound.constrain(x[i]).value;
    } else if (shape.size() > 0) {
      std::vector<double> logs(std::size_t(blocks.values));
      for (int b = 0; b < blocks.count; ++b)
        S::template constrain<double>(LaneArray<double>{const_cast<double*>(x) + b * blocks.coordinates, 1},
                                      LaneArray<double>{values + b * blocks.values, 1}, LaneArray<double>{logs.data(), 1},
                                      blocks.extent);
    }
  }
  // False if the values are outside the support; a coordinate that shows it is then not finite.
  template <class S, class Prior>
  bool unconstrain(const Shape& shape, const S& support, const Prior& prior, const double* values, double* x) const {
    const Blocks<S> blocks(shape);
    if constexpr (std::is_same_v<S, Standardised>) {
      if constexpr (JointDistribution<Prior>)
        for (int e = 0; e < events_of<Prior>(shape); ++e)
          prior.distribution.to_standard(*this, shape.last(), values + e * shape.last().size, x + e * shape.last().size);
      else
        for (int i = 0; i < shape.size(); ++i) {
          const auto d = element(prior, shape, i);
          x[i] = d.by.coordinate(d.distribution, Constant(values[i])).evaluate(*this).value;
        }
    } else if constexpr (S::elementwise) {
      auto bound = support.bind(*this);
      for (int i = 0; i < blocks.extent; ++i) x[i] = bound.unconstrain(values[i]);
    } else if (shape.size() > 0) {
      for (int b = 0; b < blocks.count; ++b)
        S::unconstrain(values + b * blocks.values, x + b * blocks.coordinates, blocks.extent);
    }
    return std::all_of(x, x + blocks.all_coordinates(), [](double v) { return std::isfinite(v); });
  }
  template <class S, class Prior> void to_line(const char* name, const Shape& shape, const S& support, const Prior& prior,
                                               const double* values, double* x) const {
    if (unconstrain(shape, support, prior, values, x)) return;
    const Blocks<S> blocks(shape);
    const int i = int(std::find_if(x, x + blocks.all_coordinates(), [](double v) { return !std::isfinite(v); }) - x);
    std::string where = "outside its support";
    if (blocks.values == blocks.coordinates) where = number_text(values[i]) + " at element " + std::to_string(i + 1);
    else if (blocks.count > 1) where += " in row " + std::to_string(i / blocks.coordinates + 1);
    throw ModelError("parameter '" + std::string(name) + "' is " + where + " (its support is " + S::description +
                     "). Give a value inside it.");
  }

  // A support narrower than the prior's own: drawn by rejection, element by element, or a block where the support is joint.
  template <class S, class Prior>
  void draw_prior(const char* name, const Shape& shape, const S& support, const Prior& prior, double* values) {
    const Blocks<S> blocks(shape);
    if constexpr (JointDistribution<Prior>) {
      for (int e = 0; e < events_of<Prior>(shape); ++e)
        named("parameter '", name, [&] {
          sample_event(*this, random_, prior, shape.rows, shape.last(), values + e * shape.last().size);
        });
    } else {
      const int each = S::elementwise ? 1 : blocks.values;
      std::vector<double> x(std::size_t(S::elementwise ? 0 : blocks.coordinates));
      for (int first = 0; first < shape.size(); first += each) {
        constexpr int attempts = 10000;
        bool inside = false;
        for (int attempt = 0; attempt < attempts && !inside; ++attempt) {
          for (int i = first; i < first + each; ++i) values[i] = draw("parameter '", name, element(prior, shape, i));
          if constexpr (std::is_same_v<S, Standardised>) {
            inside = true;
          } else if constexpr (S::elementwise) {
            inside = std::isfinite(support.bind(*this).unconstrain(values[first]));
          } else {
            // Independent and alike: sorted, they have the density restricted to the ordered.
            if constexpr (is_same_for_all<Prior> && S::ascending) std::sort(values + first, values + first + each);
            S::unconstrain(values + first, x.data(), blocks.extent);
            inside = std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); });
          }
        }
        if (!inside)
          throw ModelError("parameter '" + std::string(name) + "' could not be drawn from its prior (10000 draws fell "
                           "outside its bounds). Give it a prior with mass inside them.");
      }
    }
  }

  // Takes the values that are given, and draws those that are NaN.
  template <class S, class Prior>
  void draw_missing(const char* name, const Shape& shape, const S& support, const Prior& prior, double* values) {
    const double* given = std::exchange(in_.values, in_.values + shape.size());
    const auto is_nan = [](double v) { return std::isnan(v); };
    if (std::none_of(given, given + shape.size(), is_nan)) {
      std::copy_n(given, shape.size(), values);
      return;
    }
    draw_prior(name, shape, support, prior, values);
    // Elements that have one distribution, or one support, together.
    int each = 1;
    if constexpr (JointDistribution<Prior>) each = one_event<Prior> ? shape.size() : shape.last().size;
    else if constexpr (!S::elementwise) each = Blocks<S>(shape).values;
    for (int first = 0; first < shape.size(); first += each) {
      const auto missing = std::count_if(given + first, given + first + each, is_nan);
      if (missing != 0 && missing != each)
        throw ModelError("parameter '" + std::string(name) + "' is known for some of its elements only (they are drawn together, " +
                         "and the others cannot be drawn given these). Give all of them, or none.");
      if (missing == 0) std::copy_n(given + first, each, values + first);
    }
  }

  // One of 0, 1, ..., with these weights, which need not sum to one.
  int draw_category(const std::vector<double>& weights) {
    double left = random_.uniform() * std::accumulate(weights.begin(), weights.end(), 0.);
    int k = 0;
    while (k + 1 < int(weights.size()) && (left -= weights[std::size_t(k)]) >= 0) ++k;
    return k;
  }
  template <class D> double draw(const char* what, const char* name, const D& d) {
    return named(what, name, [&] { return draw_from(*this, random_, d); });
  }
  // An error that is raised there says of which site.
  template <class F> static auto named(const char* what, const char* name, const F& f) {
    try {
      return f();
    } catch (const ModelError& e) {
      throw ModelError(std::string(what) + name + "' " + e.what());
    }
  }

  // Not bit by bit: the compiler may contract the two differently.
  static bool is_same(double a, double b) {
    return a == b || std::abs(a - b) <= 1e-9 * std::max(1., std::abs(b)) || (std::isnan(a) && std::isnan(b));
  }
  // A plate evaluates once what its types say is the same for every element, such as `mu[0]`. A lambda that takes a
  // number from its index, `x[j.position]`, says so wrongly.
  template <class F> void require_plate(const char* name, const Shape& shape, const F& distribution, const double* values) const {
    const int first = shape.rows.first * shape.columns.size;
    if (first >= shape.size()) return;
    using D = std::remove_cvref_t<decltype(element(distribution, shape, 0))>;
    const D of_first = element(distribution, shape, first);
    Prepared<Generate, D> plate(*this, of_first);
    for (int i = first; i < shape.size(); ++i) {
      const D d = element(distribution, shape, i);
      const double once = plate.at(*this, d, DataValue<double>{values[i]}).log_density, each = evaluate_once(d, values[i]);
      if (!is_same(once, each))
        throw ModelError("site '" + std::string(name) + "' reads elements by a number that changes within its plate "
                         "(what is read by a number, x[0], is computed once for all). Read with the plate's index, "
                         "x[j], or through a group index.");
    }
  }
  // Of each observation in each state.
  template <class F>
  void require_plate_of_states(const char* name, Dim dim, Dim state, const F& distribution, const double* values) const {
    std::vector<double> each;
    for (int i = 0; i < dim.size; ++i) each.insert(each.end(), std::size_t(state.size), values[i]);
    require_plate(name, Shape{dim, state}, distribution, each.data());
  }
  template <class D> double evaluate_once(const D& d, double value) const {
    Prepared<Generate, D> prepared(*this, d);
    return prepared.at(*this, d, DataValue<double>{value}).log_density;
  }
  template <class D> double event_log_density(const D& d, const Shape& shape, const double* values) {
    auto prepared = prepare_events(*this, d, shape.rows, shape.last());
    return prepared.log_density(*this, d, DataEvent{values});
  }

  template <class F> void observed(const char* name, const Shape& shape, bool whole, double* values, const F& distribution) {
    const Reader reader(*this, name);
    std::vector<double> log_density;
    if (in_.meaning == Meaning::pointwise) log_density.assign(std::size_t(shape.size()), 0.);
    if (in_.meaning == Meaning::layout) {
      if (shape.size() > 0 && shape.rows.first >= shape.rows.size)
        throw ModelError("site '" + std::string(name) + "' has " + std::to_string(shape.size()) + " elements, all of them "
                         "given (its plate starts at element " + std::to_string(shape.rows.first + 1) + ", so nothing is "
                         "modelled). Give more data, or start the plate earlier.");
      require_plate(name, shape, distribution, values);
    }
    const bool densities = in_.meaning == Meaning::pointwise;
    for (int i = shape.rows.first * shape.columns.size; (simulates() || densities) && i < shape.size(); ++i) {
      if (simulates()) values[i] = draw("site '", name, element(distribution, shape, i));
      if (densities) log_density[std::size_t(i)] = evaluate_once(element(distribution, shape, i), values[i]);
    }
    const auto report_site = [&] {
      report(name, SiteKind::observed, shape, in_.meaning == Meaning::pointwise ? log_density.data() : values, "", whole);
    };
    const auto is_modelled = [&](int e) { return e >= shape.rows.first * shape.columns.size; };
    report_with_labels(name, shape, values, is_modelled, [&](int e) { return element(distribution, shape, e); }, report_site);
  }
  // A site's `report_site()`; and if its distributions have labels, that it has states, one for each element that is modelled, and
  // these where states are recovered.
  template <class Modelled, class F, class Report>
  void report_with_labels(const char* name, const Shape& shape, const double* values, const Modelled& is_modelled,
                          const F& distribution, const Report& report_site) {
    using D = std::remove_cvref_t<decltype(distribution(0))>;
    const bool recovers = in_.meaning == Meaning::states;
    if (!Labelled<Generate, D> || !recovers) report_site();
    if constexpr (Labelled<Generate, D>) {
      if (!recovers && in_.meaning != Meaning::layout) return;
      std::vector<int> modelled;
      for (int e = 0; e < shape.size(); ++e)
        if (is_modelled(e)) modelled.push_back(e);
      if (recovers) {
        for (int e : modelled) *in_.out++ = draw_category(label_probabilities(*this, distribution(e), values[e]));
      } else {
        const bool all = shape.rank == 1 && int(modelled.size()) == shape.size();
        in_.sites->back().states_dim = shape.rank == 0 ? one_state
                                       : all           ? shape.rows.id
                                                       : added_dim(std::string(name) + state_suffix, shape, modelled).id;
      }
    }
  }
  // An observed vector, or matrix, that lacks the elements `missing`: a site of those that are there, and one of parameters for the
  // others.
  template <class F>
  void observed_and_imputed(const char* name, const Shape& shape, const std::vector<int>& missing, double* values,
                            const F& distribution) {
    using D = std::remove_cvref_t<decltype(element(distribution, shape, 0))>;
    const std::string first = "site '" + std::string(name) + "' is NaN at element " + element_text(shape, missing.front());
    if constexpr (!Imputable<D>) {
      throw ModelError(first + " (missing, and it cannot be imputed: its distribution is discrete or censored, or has bounds that differ "
                       "between elements, so that no parameter could stand for it). Leave that element out of the data.");
    } else {
      const int start = shape.rows.first, size = shape.size();   // a matrix starts at 0
      require_modelled(first, missing.front(), start);
      std::vector<int> there;
      for (int i = 0; i < size; ++i)
        if (!std::isnan(values[i])) there.push_back(i);
      const char* const imputed_name = kept_name(std::string(name) + imputed_suffix);
      const char* const observed_name = kept_name(std::string(name) + observed_suffix);
      own_parts(observed_name, imputed_name, missing, values, size);
      if (in_.observed_out)  // one joint draw: what is missing depends on what is there, and the other way round
        for (int i = start; i < size; ++i) values[i] = draw("site '", name, element(distribution, shape, i));
      {
        const Reader reader(*this, imputed_name);
        impute(name, imputed_name, shape, missing, values, distribution);
      }
      const Reader reader(*this, observed_name);
      std::vector<double> log_density(std::size_t(size), 0.);
      for (int i : there) {
        if (i < start) continue;
        if (in_.meaning == Meaning::predict) values[i] = draw("site '", name, element(distribution, shape, i));
        if (in_.meaning == Meaning::pointwise)
          log_density[std::size_t(i)] = evaluate_once(element(distribution, shape, i), values[i]);
      }
      if (in_.meaning == Meaning::layout) require_plate(name, shape, distribution, values);
      std::vector<double> out;
      for (int i : there) out.push_back(in_.meaning == Meaning::pointwise ? log_density[std::size_t(i)] : values[i]);
      const auto is_modelled = [&](int e) { return e >= start && !std::ranges::binary_search(missing, e); };
      report_with_labels(name, shape, values, is_modelled, [&](int e) { return element(distribution, shape, e); }, [&] {
        report(observed_name, SiteKind::observed, Shape{added_dim(observed_name, shape, there).from(start)}, out.data());
      });
    }
  }
  // Of `values`, those that are missing are one site's, the others another's.
  void own_parts(const char* observed_name, const char* imputed_name, const std::vector<int>& missing, const double* values,
                 int count) {
    own(observed_name, values, count);
    for (int i : missing) {
      own(imputed_name, values + i, 1);
      own(observed_name, values + i + 1, count - i - 1);
    }
  }
  // The parameters, in their places among `values`. Elements depend on earlier ones only.
  template <class F>
  void impute(const char* name, const char* imputed_name, const Shape& shape, const std::vector<int>& missing, double* values,
              const F& distribution) {
    const auto at = [&](int k) { return element(distribution, shape, missing[std::size_t(k)]); };
    const int count = int(missing.size());
    const auto support = support_of_missing(at(0));
    using S = std::remove_cvref_t<decltype(support)>;
    auto bound = support.bind(*this);
    std::vector<double> out;
    for (int k = 0; k < count; ++k) {
      double& value = values[missing[std::size_t(k)]];
      const double given = takes_values() ? in_.values[k] : missing_value;
      double x = 0;
      if (in_.meaning == Meaning::layout || in_.meaning == Meaning::observed) x = middle(coordinate_ + k);
      else if (in_.observed_out) x = bound.unconstrain(value);
      else if (in_.meaning == Meaning::prior) x = bound.unconstrain(std::isnan(given) ? draw("site '", name, at(k)) : given);
      else if (std::isnan(given)) x = in_.position[coordinate_ + k];
      else x = bound.unconstrain(given);
      if (!std::isfinite(x))
        throw ModelError("parameter '" + std::string(name) + imputed_suffix + "' is " + number_text(given) + " at element " + std::to_string(k + 1) +
                         " (its support is " + S::description + "). Give a value inside it.");
      value = bound.constrain(x).value;
      if (in_.position_out) in_.position_out[coordinate_ + k] = x;
      const double log_density = evaluate_once(at(k), value);
      out.push_back(in_.meaning == Meaning::log_prior ? log_density : value);
    }
    if (takes_values()) in_.values += count;
    report(imputed_name, SiteKind::parameter, Shape{added_dim(imputed_name, shape, missing)}, out.data(), S::description, false,
           count);
    if (!S::identity) scratch_ += count;
    coordinate_ += count;
  }
  // A name that lives as long as the layout, which alone needs it.
  const char* kept_name(const std::string& name) {
    return in_.additions ? in_.additions->names.emplace_back(name).c_str() : "";
  }
  // One that is needed in all meanings, and lives as long as `name` does.
  const char* lasting(const std::string& name) { return in_.additions ? kept_name(name) : name.c_str(); }
  // A dimension of some elements of a site, with their labels, or numbers from 0 as labels. As ArviZ names those that have no
  // name.
  Dim added_dim(const std::string& site, const Shape& shape, const std::vector<int>& elements, const char* suffix = "_dim_0") {
    if (!in_.additions) return {shape.rows.id, 0, int(elements.size())};
    const std::vector<Dataset::DimInfo>& known = in_.data->dims();
    const auto label = [&](Dim dim, int i) {
      const std::vector<std::string>& labels = known[std::size_t(dim.id)].labels;
      return labels.empty() ? std::to_string(i) : labels[std::size_t(i)];
    };
    Dataset::DimInfo added{site + suffix, int(elements.size()), "", {}};
    for (int e : elements) {
      const int columns = shape.columns.size;   // 1 where there are none
      std::string text = label(shape.rows, e / columns);
      if (shape.rank == 2) text.append(",").append(label(shape.columns, e % columns));
      added.labels.push_back(std::move(text));
    }
    in_.additions->dims.push_back(std::move(added));
    return {int(known.size() + in_.additions->dims.size()) - 1, 0, int(elements.size())};
  }
  // Events of whole vectors or matrices, of which elements may be missing: `distribution(i)` is that of event i.
  template <class F>
  void events_and_imputed(const char* name, const Shape& shape, int events, const FieldInfo& info, double* values,
                          const F& distribution) {
    if (info.missing.empty() || in_.actions.on(name)) return observed_events(name, shape, events, values, distribution);
    if constexpr (EllipticalVector<decltype(distribution(0))>) {
      impute_rows(name, shape, events, info, values, distribution);
      observed_parts_of_rows(name, shape, events, info, values, distribution);
    } else {
      throw ModelError("site '" + std::string(name) + "' is NaN at element " + element_text(shape, info.missing.front()) +
                       " (missing, and it cannot be imputed: it is part of one event, and only a multivariate normal or Student t "
                       "one's elements have a distribution here given the others). Leave that event out of the data, or fill it.");
    }
  }
  // Of normal or Student t vectors, parameters in the places of what is missing among `values`. Their distribution is that given what is
  // there.
  template <class F>
  void impute_rows(const char* name, const Shape& shape, int events, const FieldInfo& info, double* values,
                   const F& distribution) {
    const char* const imputed_name = kept_name(std::string(name) + imputed_suffix);
    own_parts(kept_name(std::string(name) + observed_suffix), imputed_name, info.missing, values, shape.size());
    const Reader reader(*this, imputed_name);
    const int each = shape.last().size, count = int(info.missing.size());
    std::vector<double> log_density(std::size_t(shape.size()), 0.);
    for (int i = 0; i < events; ++i) {
      const auto& d = distribution(i);
      note_factor(d);
      if (in_.meaning == Meaning::layout) check_events(d, name, shape.rows, shape.last());
      const int first = i * each;
      if (in_.observed_out) {   // one joint draw
        sample_event(*this, random_, d, shape.rows, shape.last(), values + first);
        continue;
      }
      // In this order: what is there, what is given in the place of what is missing, what is to be drawn.
      std::vector<int> order, given, drawn;
      for (int k = 0; k < each; ++k) {
        const int number = info.is_missing(first + k) ? info.number_missing[std::size_t(first + k)] : -1;
        if (number >= 0) values[first + k] = imputed_value(name, number);
        (number < 0 ? order : in_.meaning == Meaning::prior && std::isnan(values[first + k]) ? drawn : given).push_back(k);
      }
      if (drawn.empty() && in_.meaning != Meaning::log_prior && in_.meaning != Meaning::layout) continue;
      order.insert(order.end(), given.begin(), given.end());
      const std::size_t known = order.size();
      order.insert(order.end(), drawn.begin(), drawn.end());
      const auto [mean, root] = d.mean_and_root(*this, shape.last());
      EllipticalInOrder in_order(mean, root, order, degrees_of_freedom(*this, d));
      for (std::size_t n = 0; n < order.size(); ++n) {
        double& value = values[first + order[n]];
        if (n < known) log_density[std::size_t(first + order[n])] = in_order.log_density(value);
        else value = in_order.draw(in_order.standard(random_));
      }
    }
    if (takes_values()) in_.values += count;
    std::vector<double> out;
    for (int e : info.missing) {
      if (in_.position_out) in_.position_out[coordinate_ + int(out.size())] = values[e];
      out.push_back(in_.meaning == Meaning::log_prior ? log_density[std::size_t(e)] : values[e]);
    }
    report(imputed_name, SiteKind::parameter, Shape{added_dim(imputed_name, shape, info.missing)}, out.data(),
           RealLine::description, false, count);
    coordinate_ += count;
  }
  // Missing element `number` of a vector; NaN: it is to be drawn.
  double imputed_value(const char* name, int number) const {
    if (in_.meaning == Meaning::layout || in_.meaning == Meaning::observed) return middle(coordinate_ + number);
    const double given = takes_values() ? in_.values[number] : missing_value;
    if (std::isinf(given))
      throw ModelError("parameter '" + std::string(name) + imputed_suffix + "' is " + number_text(given) + " at element " +
                       std::to_string(number + 1) + " (its support is " + RealLine::description + "). Give a value inside it.");
    return std::isnan(given) && in_.meaning != Meaning::prior ? in_.position[coordinate_ + number] : given;
  }
  // What is there of normal or Student t vectors. Each has the marginal density of it; in a prediction a vector is drawn anew as a whole.
  template <class F>
  void observed_parts_of_rows(const char* name, const Shape& shape, int events, const FieldInfo& info, double* values,
                              const F& distribution) {
    const std::string observed_name = std::string(name) + observed_suffix;
    const Reader reader(*this, kept_name(observed_name));
    const int each = shape.last().size;
    std::vector<int> there, rows;    // elements; events of which something is there
    std::vector<double> log_density;
    for (int i = 0; i < events; ++i) {
      const auto& d = distribution(i);
      note_factor(d);
      double* event = values + std::int64_t(i) * each;
      if (in_.meaning == Meaning::layout) event_log_density(d, shape, event);
      if (in_.meaning == Meaning::predict) sample_event(*this, random_, d, shape.rows, shape.last(), event);
      std::vector<int> observed;
      for (int k = 0; k < each; ++k)
        if (!info.is_missing(i * each + k)) observed.push_back(k), there.push_back(i * each + k);
      if (observed.empty()) continue;
      rows.push_back(i);
      if (in_.meaning != Meaning::pointwise) continue;
      const auto [mean, root] = d.mean_and_root(*this, shape.last());
      EllipticalInOrder in_order(mean, root, observed, degrees_of_freedom(*this, d));
      log_density.push_back(0);
      for (int k : observed) log_density.back() += in_order.log_density(event[k]);
    }
    scratch_ += scratch_of_events<Generate>(distribution(0), shape.rows, shape.last());
    std::vector<double> out;
    for (int e : there) out.push_back(values[e]);
    report_events(kept_name(observed_name), SiteKind::observed, Shape{added_dim(observed_name, shape, there)},
                  rows.empty() ? 0 : 1, int(rows.size()), in_.meaning == Meaning::pointwise ? log_density.data() : out.data());
    if (in_.meaning == Meaning::layout && shape.rank == 2) {
      const bool all = int(rows.size()) == events;
      in_.sites->back().event_dim = all ? shape.rows.id : added_dim(observed_name, Shape{shape.rows}, rows, "_row").id;
    }
  }
  // Events of whole vectors or matrices: `distribution(i)` is that of event i.
  template <class F>
  void observed_events(const char* name, const Shape& shape, int events, double* values, const F& distribution) {
    const Dim along = shape.last();
    using D = std::remove_cvref_t<decltype(distribution(0))>;
    const Reader reader(*this, name);
    std::vector<double> log_density(std::size_t(events), 0.);
    for (int i = 0; i < events; ++i) {
      const D d = distribution(i);
      note_factor(d);
      double* event = values + std::int64_t(i) * along.size;
      if (in_.meaning == Meaning::layout) check_events(d, name, shape.rows, along);
      if (in_.meaning == Meaning::layout || in_.meaning == Meaning::pointwise)
        log_density[std::size_t(i)] = event_log_density(d, shape, event);
      if (simulates()) sample_event(*this, random_, d, shape.rows, along, event);
    }
    if (shape.size() > 0) scratch_ += scratch_of_events<Generate>(distribution(0), shape.rows, along);
    report_events(name, SiteKind::observed, shape, one_event<D> ? 2 : 1, events,
                  in_.meaning == Meaning::pointwise ? log_density.data() : values);
  }

  Inputs in_;
  Stream random_;
  std::deque<std::vector<double>> stored_;
  struct Owner {
    std::string name;
    int count;
  };
  std::map<const double*, Owner> owners_;   // of memory that nodes have
  std::map<const double*, const char*> summed_out_;   // missing elements that have no value, in the layout run; of which site
  mutable const char* reader_ = "";
  bool has_potentials_ = false;
  int coordinate_ = 0, actions_taken_ = 0;
  std::int64_t scratch_ = 0;
};

}  // namespace lockstep
