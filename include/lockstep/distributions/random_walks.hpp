// Series as a whole: random walks and autoregression. For a series that is observed, a recurrence (`observe` with the
// past) says the same, with a log likelihood for each time.
#pragma once

#include "lockstep/distributions/normal.hpp"
#include "lockstep/joint_distribution.hpp"

namespace lockstep {

// ---- random walks --------------------------------------------------------------------------------------------------------

template <class Innovations, class Init> struct RandomWalk : JointDistributionTag {
  Innovations innovations;
  Init init;
  LOCKSTEP_FN RandomWalk(const Innovations& steps, const Init& i) : innovations(steps), init(i) {}
  using Support = RealLine;
  LOCKSTEP_FN static RealLine support() { return {}; }
  void check(const char* name, Dim along) const { innovations.check(name, along); }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    if (along.size > 0) out[0] = draw_from(m, random, init);
    for (int t = 1; t < along.size; ++t) out[t] = out[t - 1] + draw_from(m, random, innovations.step(CheckedIndex{{t, along.id}}));
  }
};

// Normal steps, each with its own mean and scale.
template <class Mu, class Sigma> struct GaussianInnovations {
  Mu mu;
  Sigma sigma;
  // Of the step to element t from the one before.
  template <std::derived_from<Index> J> LOCKSTEP_FN auto step(J t) const { return normal(mu[t], sigma[t]); }
  void check(const char* name, Dim along) const {
    require_vector_along(name, mu, along);
    require_vector_along(name, sigma, along);
  }
};
// Steps of one distribution.
template <class D> struct SameInnovations {
  D distribution;
  template <std::derived_from<Index> J> LOCKSTEP_FN const D& step(J) const { return distribution; }
  void check(const char*, Dim) const {}
};

template <class M, class Innovations, class Init> class PreparedJoint<M, RandomWalk<Innovations, Init>> {
 public:
  using D = RandomWalk<Innovations, Init>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim along)
      : dim_(along.id), size_(along.size), init_(m, d.init), step_(m, d.innovations.step(Index{0, along.id})) {}

  template <class Y, class W = Unit>
  LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y, const W& weight = {}) {
    SumOf<T> log_density(0.);
    T before(y.value(0));
    auto first = init_.at(m, d.init, DataValue<T>{before});
    accumulate(log_density, first.log_density);
    if constexpr (pulls<W>) {
      y.pull(0, weight * first.slope());
      first.pull(weight);
    }
    for (int t = 1; t < size_; ++t) {
      const T value(y.value(t));
      auto density = step_.at(m, d.innovations.step(Index{t, dim_}), DataValue<T>{T(value - before)});
      accumulate(log_density, density.log_density);
      if constexpr (pulls<W>) {
        const T slope = weight * T(density.slope());
        y.pull(t, slope);
        y.pull(t - 1, T(-slope));
        density.pull(weight);
      }
      before = value;
    }
    return log_density;
  }

 private:
  int dim_, size_;
  Prepared<M, Init> init_;
  Prepared<M, std::remove_cvref_t<decltype(std::declval<const Innovations&>().step(Index{}))>> step_;
};

// y[0] is `init`, a distribution on the real line; y[t] - y[t-1] is Normal(mu[t], sigma[t]). The drift mu and sigma > 0 are
// numbers, vectors along the series (their first element is not read), or lambdas. PyMC's GaussianRandomWalk(mu, sigma,
// init_dist). Source: Durbin & Koopman, Time Series Analysis by State Space Methods, ch. 2.
template <class Mu, class Sigma, class Kernel, class... A>
LOCKSTEP_FN auto gaussian_random_walk(const Mu& mu, const Sigma& sigma, const Distribution<Kernel, A...>& init) {
  using Innovations = GaussianInnovations<VectorArgument<Mu>, VectorArgument<Sigma>>;
  return RandomWalk<Innovations, Distribution<Kernel, A...>>(Innovations{vector_argument(mu), vector_argument(sigma)}, init);
}
// The same with steps of any one distribution on the real line: student_t(4, 0, sigma), laplace(0, b). PyMC's
// RandomWalk(init_dist, innovation_dist).
template <class Kernel, class... A, class InitKernel, class... B>
LOCKSTEP_FN auto random_walk(const Distribution<Kernel, A...>& innovation, const Distribution<InitKernel, B...>& init) {
  using Innovations = SameInnovations<Distribution<Kernel, A...>>;
  static_assert(std::is_same_v<decltype(Kernel::support(innovation)), RealLine>, "a random walk steps both ways: its innovation is a "
                "distribution on the real line");
  return RandomWalk<Innovations, Distribution<InitKernel, B...>>(Innovations{innovation}, init);
}

// ---- autoregression ------------------------------------------------------------------------------------------------------

// The dimension of an autoregression's lags. A number is one lag.
template <class Node> LOCKSTEP_FN Dim lags_of(const VectorReference<Node>& rho) { return rho.node->dim(); }
template <class E> LOCKSTEP_FN Dim lags_of(const SameElement<E>&) { return {-1, 0, 1}; }
LOCKSTEP_FN inline Dim lags_of(const Real& rho) { return rho.dim; }

template <class Rho, class Sigma, class Init> struct Autoregression : JointDistributionTag {
  Rho rho;
  Sigma sigma;
  Init init;
  LOCKSTEP_FN Autoregression(const Rho& r, const Sigma& s, const Init& i) : rho(r), sigma(s), init(i) {}
  using Support = RealLine;
  LOCKSTEP_FN static RealLine support() { return {}; }
  template <std::derived_from<Index> J> LOCKSTEP_FN auto innovation(J t) const { return normal(0., sigma[t]); }
  LOCKSTEP_FN auto coefficient(int lag) const { return rho[Index{lag, lags_of(rho).id}]; }
  void check(const char* name, Dim along) const { require_vector_along(name, sigma, along); }
  template <class M, class R> void sample(const M& m, R& random, Dim along, double* out) const {
    const int order = lags_of(rho).size;
    for (int t = 0; t < along.size; ++t)
      if (t < order) {
        out[t] = draw_from(m, random, init);
      } else {
        out[t] = draw_from(m, random, innovation(CheckedIndex{{t, along.id}}));
        for (int k = 0; k < order; ++k) out[t] += coefficient(k).evaluate(m).value * out[t - 1 - k];
      }
  }
};

template <class M, class Rho, class Sigma, class Init> class PreparedJoint<M, Autoregression<Rho, Sigma, Init>> {
 public:
  using D = Autoregression<Rho, Sigma, Init>;
  using T = typename M::value_type;
  LOCKSTEP_FN static int scratch(int) { return 0; }
  LOCKSTEP_FN PreparedJoint(M& m, const D& d, Dim along)
      : dim_(along.id), size_(along.size), order_(lags_of(d.rho).size), init_(m, d.init),
        innovation_(m, d.innovation(Index{0, along.id})) {}

  template <class Y, class W = Unit>
  LOCKSTEP_FN SumOf<T> log_density(const M& m, const D& d, const Y& y, const W& weight = {}) {
    SumOf<T> log_density(0.);
    for (int t = 0; t < size_; ++t) {
      if (t < order_) {
        auto density = init_.at(m, d.init, DataValue<T>{T(y.value(t))});
        accumulate(log_density, density.log_density);
        if constexpr (pulls<W>) {
          y.pull(t, weight * density.slope());
          density.pull(weight);
        }
        continue;
      }
      T rest(y.value(t));
      for (int k = 0; k < order_; ++k) rest -= d.coefficient(k).evaluate(m).value * y.value(t - 1 - k);
      auto density = innovation_.at(m, d.innovation(Index{t, dim_}), DataValue<T>{rest});
      accumulate(log_density, density.log_density);
      if constexpr (pulls<W>) {
        const T slope = weight * T(density.slope());
        y.pull(t, slope);
        for (int k = 0; k < order_; ++k) {
          const auto coefficient = d.coefficient(k).evaluate(m);
          y.pull(t - 1 - k, T(-slope * coefficient.value));
          coefficient.pull(T(-slope * y.value(t - 1 - k)));
        }
        density.pull(weight);
      }
    }
    return log_density;
  }

 private:
  int dim_, size_, order_;
  Prepared<M, Init> init_;
  Prepared<M, decltype(std::declval<const D&>().innovation(Index{}))> innovation_;
};

// y[t] is Normal(rho[0] y[t-1] + rho[1] y[t-2] + ..., sigma[t]). rho: a number, for one lag, or a vector along a dimension of
// lags, which need not be stationary; each of the first values, as many as there are lags, is `init`, a distribution on the real
// line. sigma > 0 is a number, a vector along the series (its first elements are not read), or a lambda. PyMC's AR(rho, sigma,
// init_dist), without a constant: add that to the series. Source: Hamilton, Time Series Analysis, ch. 3.
template <class Rho, class Sigma, class Kernel, class... A>
  requires requires(const Rho& rho) { lags_of(vector_argument(rho)); }
LOCKSTEP_FN auto ar(const Rho& rho, const Sigma& sigma, const Distribution<Kernel, A...>& init) {
  return Autoregression<VectorArgument<Rho>, VectorArgument<Sigma>, Distribution<Kernel, A...>>(vector_argument(rho),
                                                                                              vector_argument(sigma), init);
}

}  // namespace lockstep
