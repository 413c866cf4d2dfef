// Paths as wholes: random walks of vectors, diffusions at discrete times, observed Markov chains.
#pragma once

#include "lockstep/distributions/categorical.hpp"
#include "lockstep/distributions/multivariate.hpp"
#include "lockstep/distributions/normal.hpp"
#include "lockstep/joint_distribution.hpp"

namespace lockstep {

// ---- random walks of vectors ----------------------------------------------------------------------------------------------

// Row t of an event that is a matrix, and what it has more than the row before.
template <class Y> struct EventRow {
  const Y* event;
  int first;
  LOCKSTEP_FN auto value(int k) const { return event->value(first + k); }
  template <class A> LOCKSTEP_FN void pull(int k, const A& a) const { event->pull(first + k, a); }
};
template <class Y> struct EventStep {
  const Y* event;
  int first, size;
  LOCKSTEP_FN auto value(int k) const { return event->value(first + k) - event->value(first - size + k); }
  template <class A> LOCKSTEP_FN void pull(int k, const A& a) const {
    event->pull(first + k, a);
    event->pull(first - size + k, -a);
  }
};

template <class Step, class Init> struct VectorRandomWalk : JointDistributionTag {
  static constexpr bool whole_matrix = true;
  Step step;
  Init init;
  LOCKSTEP_FN VectorRandomWalk(const Step& s, const Init& i) : step(s), init(i) {}
  using Support = RealLine;
  LOCKSTEP_FN static RealLine support() { return {}; }
  void check(const char* name, Dim, Dim columns) const {
    step.check(name, columns);
    init.check(name, columns);
  }
  template <class M, class R> void sample(const M& m, R& random, Dim rows, Dim columns, double* out) const {
    if (rows.size > 0) init.sample(m, random, columns, out);
    for (int t = 1; t < rows.size; ++t) {
      double* row = out + t * columns.size;
      step.sample(m, random, columns, row);
      for (int k = 0; k < columns.size; ++k) row[k] += row[k - columns.size];
    }
  }
};

template <class M, class Step, class Init> class PreparedJoint<M, VectorRandomWalk<Step, Init>> {
 public:
  using D = VectorRandomWalk<Step, Init>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int, int columns) {
    return PreparedJoint<M, Step>::scratch(columns) + PreparedJoint<M, Init>::scratch(columns);
  }
  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim rows, Dim columns)
      : rows_(rows.size), columns_(columns.size), step_(m, d.step, columns), init_(m, d.init, columns) {}

  template <class Y> LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y) {
    SumOf<T> log_density(0.);
    accumulate(log_density, init_.log_density(m, d.init, EventRow<Y>{&y, 0}));
    for (int t = 1; t < rows_; ++t)
      accumulate(log_density, step_.log_density(m, d.step, EventStep<Y>{&y, t * columns_, columns_}));
    return log_density;
  }

 private:
  int rows_, columns_;
  PreparedJoint<M, Step> step_;
  PreparedJoint<M, Init> init_;
};

// A matrix whose rows are times: row 0 is `init`, a distribution of a vector such as mv_normal_cholesky(0, L); each row less the
// one before is normal with mean mu (as mv_normal_cholesky's, along the columns) and covariance L L^T. One event. PyMC's
// MvGaussianRandomWalk(mu, chol=L, init_dist).
// Source: Durbin & Koopman, Time Series Analysis by State Space Methods, ch. 3.
template <class Mu, class L, JointDistribution Init>
LOCKSTEP_FN auto mv_gaussian_random_walk(const Mu& mu, const L& factor, const Init& init) {
  const auto step = mv_normal_cholesky(mu, factor);
  return VectorRandomWalk<std::remove_const_t<decltype(step)>, Init>(step, init);
}
// The same with steps that are Student t vectors with nu degrees of freedom. PyMC's MvStudentTRandomWalk(nu, mu, chol=L,
// init_dist).
template <Operand Nu, class Mu, class L, JointDistribution Init>
LOCKSTEP_FN auto mv_student_t_random_walk(const Nu& nu, const Mu& mu, const L& factor, const Init& init) {
  const auto step = mv_student_t_cholesky(nu, mu, factor);
  return VectorRandomWalk<std::remove_const_t<decltype(step)>, Init>(step, init);
}

// ---- diffusions -----------------------------------------------------------------------------------------------------------

// An element of an event as an expression.
template <class Y> struct EventElement : RecipeTag {
  const Y* event;
  int position;
  static constexpr bool uniform = false;
  LOCKSTEP_FN EventElement(const Y* e, int k) : event(e), position(k) {}
  struct Value {
    std::remove_cvref_t<decltype(std::declval<const Y&>().value(0))> value;
    const Y* event;
    int position;
    template <class A> LOCKSTEP_FN void pull(const A& a) const { event->pull(position, a); }
  };
  template <class M> LOCKSTEP_FN Value evaluate(const M&) const { return {event->value(position), event, position}; }
};

// Of the value: the same for all values, or a lambda.
template <class E> struct SameForValues {
  E expression;
  template <class X> LOCKSTEP_FN const E& operator()(const X&) const { return expression; }
};
template <class V> LOCKSTEP_FN auto function_of_value(const V& v) {
  if constexpr (Operand<V>) return SameForValues<RecipeOf<V>>{as_recipe(v)};
  else return v;
}
template <class V> using FunctionOfValue = decltype(function_of_value(std::declval<const V&>()));

template <class Drift, class Diffusion, class Dt, class Init> struct EulerMaruyama : JointDistributionTag {
  Drift drift;
  Diffusion diffusion;
  Dt dt;
  Init init;
  LOCKSTEP_FN EulerMaruyama(const Drift& f, const Diffusion& g, const Dt& step, const Init& i)
      : drift(f), diffusion(g), dt(step), init(i) {}
  using Support = RealLine;
  LOCKSTEP_FN static RealLine support() { return {}; }
  // Of the value after x.
  template <class X> LOCKSTEP_FN auto after(const X& x) const {
    return normal(x + as_recipe(drift(x)) * dt, as_recipe(diffusion(x)) * sqrt(dt));
  }
  void check(const char*, Dim) const {}
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    if (along.size > 0) out[0] = draw_from(m, random, init);
    for (int t = 1; t < along.size; ++t) out[t] = draw_from(m, random, after(Constant(out[t - 1])));
  }
};

template <class M, class Drift, class Diffusion, class Dt, class Init>
class PreparedJoint<M, EulerMaruyama<Drift, Diffusion, Dt, Init>> {
 public:
  using D = EulerMaruyama<Drift, Diffusion, Dt, Init>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim along) : size_(along.size), init_(m, d.init) {}

  template <class Y> LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y) {
    SumOf<T> log_density(0.);
    auto first = init_.at(m, d.init, DataValue<T>{T(y.value(0))});
    accumulate(log_density, first.log_density);
    y.pull(0, first.slope());
    first.pull(Unit{});
    if (size_ < 2) return log_density;
    Prepared<M, decltype(d.after(EventElement<Y>(&y, 0)))> step(m, d.after(EventElement<Y>(&y, 0)));
    for (int t = 1; t < size_; ++t) {
      auto density = step.at(m, d.after(EventElement<Y>(&y, t - 1)), DataValue<T>{T(y.value(t))});
      accumulate(log_density, density.log_density);
      y.pull(t, density.slope());
      density.pull(Unit{});
    }
    return log_density;
  }

 private:
  int size_;
  Prepared<M, Init> init_;
};

// A diffusion dX = drift(X) dt + diffusion(X) dW at times dt apart, by the Euler-Maruyama scheme: y[0] is `init`, a distribution
// on the real line; y[t] is Normal(y[t-1] + drift(y[t-1]) dt, diffusion(y[t-1]) sqrt(dt)). `drift` and `diffusion` > 0 are
// lambdas of the value, or the same for all; dt > 0 is a number, data or a parameter:
//   euler_maruyama([&](auto x) { return theta * (mu - x); }, sigma, 0.1, normal(0, 1))
// PyMC's EulerMaruyama(dt, sde_fn, sde_pars, init_dist). Source: Kloeden & Platen, Numerical Solution of Stochastic Differential
// Equations, ch. 9.
template <class Drift, class Diffusion, Operand Dt, class Kernel, class... A>
LOCKSTEP_FN auto euler_maruyama(const Drift& drift, const Diffusion& diffusion, const Dt& dt,
                                const Distribution<Kernel, A...>& init) {
  return EulerMaruyama<FunctionOfValue<Drift>, FunctionOfValue<Diffusion>, RecipeOf<Dt>, Distribution<Kernel, A...>>(
      function_of_value(drift), function_of_value(diffusion), as_recipe(dt), init);
}

// ---- observed Markov chains -------------------------------------------------------------------------------------------------

// Transition probabilities as a lambda over time, from, to.
template <class P> struct TransitionMatrix {
  const P* node;
  LOCKSTEP_FN auto operator()(Index, Index from, Index to) const { return (*node)(from, to); }
  auto operator()(CheckedIndex, CheckedIndex from, CheckedIndex to) const { return (*node)(from, to); }
};

template <class Initial, class P> struct DiscreteMarkovChain : JointDistributionTag {
  Dim state;
  Initial initial;
  P transition;
  LOCKSTEP_FN DiscreteMarkovChain(Dim s, const Initial& i, const P& p) : state(s), initial(i), transition(p) {}
  void check(const char* name, Dim) const {
    require_vector_along(name, initial, state);
    if constexpr (requires { transition.node->rows(); })
      if (transition.node->rows().id != state.id || transition.node->columns().id != state.id)
        throw ModelError("site '" + std::string(name) + "' has transition probabilities along other dimensions than its "
                         "states (rows and columns are states). Declare them along the states' dimension twice.");
  }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    for (int t = 0; t < along.size; ++t) {
      double total = 0;
      const auto weight = [&](int k) {
        const CheckedIndex to{{k, state.id}};
        if (t == 0) return double(initial[to].evaluate(m).value);
        return double(
            as_recipe(transition(CheckedIndex{{t, along.id}}, CheckedIndex{{int(out[t - 1]), state.id}}, to)).evaluate(m).value);
      };
      for (int k = 0; k < state.size; ++k) total += weight(k);
      double left = random.uniform() * total;
      int k = 0;
      while (k + 1 < state.size && (left -= weight(k)) >= 0) ++k;
      out[t] = k;
    }
  }
};

template <class M, class Initial, class P> class PreparedJoint<M, DiscreteMarkovChain<Initial, P>> {
 public:
  using D = DiscreteMarkovChain<Initial, P>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M&, const D&, Dim along) : along_(along) {}

  template <class Y, class W = Unit>
  LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y, const W& weight = {}) const {
    constexpr double impossible = -std::numeric_limits<double>::infinity();
    const int states = d.state.size;
    SumOf<T> log_density(0.);
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(y.value(0))>, double>) {
      int before = 0;
      for (int t = 0; t < along_.size; ++t) {
        const int now = category_number(y.value(t), states);
        if (now < 0) {
          accumulate(log_density, T(impossible));
          return log_density;
        }
        if (t == 0) count(log_density, initial(m, d, now), true, weight);
        else count(log_density, transition(m, d, t, before, now), true, weight);
        before = now;
      }
    } else {
      // Lanes whose states differ: all transitions, under masks.
      for (int t = 0; t < along_.size; ++t) {
        const T now(y.value(t));
        accumulate(log_density, unless(now < 0. || now >= double(states) || now != floor(now), T(0.)));
        for (int k = 0; k < states; ++k) {
          if (t == 0) count(log_density, initial(m, d, k), now == double(k), weight);
          else
            for (int j = 0; j < states; ++j)
              count(log_density, transition(m, d, t, j, k), T(y.value(t - 1)) == double(j) && now == double(k), weight);
        }
      }
    }
    return log_density;
  }

 private:
  LOCKSTEP_FN static auto initial(const M& m, const D& d, int k) { return d.initial[GatheredIndex{{k, d.state.id}}].evaluate(m); }
  LOCKSTEP_FN auto transition(const M& m, const D& d, int t, int from, int to) const {
    return as_recipe(d.transition(Index{t, along_.id}, Index{from, d.state.id}, Index{to, d.state.id})).evaluate(m);
  }
  template <class E, class Mask, class W>
  LOCKSTEP_FN static void count(SumOf<T>& log_density, const E& probability, const Mask& mask, const W& weight) {
    accumulate(log_density, T(choose(mask, T(log_of(probability)), T(0.))));
    if constexpr (pulls<W>) probability.pull(weight * T(choose(mask, T(inverse_of(probability)), T(0.))));
  }
  Dim along_;
};

// A series of observed states 0, 1, ..., K - 1: the first has the probabilities `initial` (a number for all, a vector, or a
// lambda over states), each other those of the transitions from the state before it. `transition`: a matrix along the states'
// dimension twice, p(from, to), whose rows sum to 1. Of data; one event. PyMC's DiscreteMarkovChain(P, init_dist=Categorical).
// Where the states are hidden, m.hidden_markov. Source: Norris, Markov Chains, ch. 1.
template <class Initial, class P> requires requires(const P& p) { p.rows(); }
LOCKSTEP_FN auto discrete_markov_chain(const Initial& initial, const P& transition) {
  return DiscreteMarkovChain<VectorArgument<Initial>, TransitionMatrix<P>>(transition.rows(), vector_argument(initial),
                                                                           TransitionMatrix<P>{&transition});
}
// The same with transitions that change with time: `transition(t, from, to)` is the probability of the state at t, given the one
// at t - 1.
template <class Initial, class F>
LOCKSTEP_FN auto discrete_markov_chain(Dim state, const Initial& initial, const F& transition) {
  return DiscreteMarkovChain<VectorArgument<Initial>, F>(state, vector_argument(initial), transition);
}

}  // namespace lockstep
