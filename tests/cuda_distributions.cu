// Every distribution, functions of expressions, and the solvers of differential equations, compiled for a device in doubles and in single precision; nothing
// is run. Models that are compiled for a GPU elsewhere use a few of them.
#include "lockstep/gradient.hpp"
#include "lockstep/model.hpp"
#include "lockstep/single.hpp"

namespace lockstep {

template <class T> struct Numbers {
  using value_type = T;
};
template <class T, class D> __global__ void evaluate(const D d, double y, double* out) {
  const Numbers<T> m;
  Prepared<Numbers<T>, D> prepared(m, d);
  auto at = prepared.at(m, d, DataValue<T>{T(y)});
  *out = double(at.log_density);
  at.pull(T(1.));
}
template <class... D> void compile(const D&... d) {
  ((evaluate<double><<<1, 1>>>(d, 1., nullptr), evaluate<Single><<<1, 1>>>(d, 1., nullptr)), ...);
}

void continuous() {
  compile(normal(0, 1), half_normal(1), lognormal(0, 1), cauchy(0, 1), half_cauchy(1), student_t(3, 0, 1), half_student_t(3, 1),
          exponential(1), exponential_log(0), gamma(2, 1), gamma_log(2, 0), inverse_gamma(2, 1), beta(2, 3), uniform(0, 2));
  compile(laplace(0, 1), asymmetric_laplace(1, 0, 1), logistic(0, 1), log_logistic(1, 2), gumbel(0, 1), moyal(0, 1),
          weibull(2, 1), frechet(2, 1), rayleigh(1), gen_extreme(0, 1, 0.2), gen_pareto(0, 1, 0.2), pareto(2, 1),
          pareto_2(0, 1, 2), chi_squared(3), chi(3), maxwell(1), wald(1, 2), wald(1, 2, 0));
  compile(kumaraswamy(2, 3), logit_normal(0, 1), beta_proportion(0.3, 4), triangular(0, 2, 0.5), von_mises(0, 1), rice(1, 1),
          skew_normal(0, 1, 2), skew_student_t(2, 3, 0, 1), ex_gaussian(0, 1, 1), truncated_normal(0, 1, -1, 2),
          truncated_normal_above(0, 1, -1), truncated_normal_below(0, 1, 2), wiener(1, 0.2, 0.5, 1),
          polya_gamma(1, 0.5));
  compile(censored(normal(0, 1), -1, 2), censored(half_normal(1), 0.1, no_bound), censored(lognormal(0, 1), no_bound, 2),
          truncated(cauchy(0, 1), -1, 2), truncated(half_cauchy(1), 0.1, no_bound), truncated(laplace(0, 1), no_bound, 2),
          interval_censored(logistic(0, 1), 2), interval_censored(log_logistic(1, 2), 2), truncated(uniform(0, 2), 0.5, 1),
          truncated(exponential(1), 0.1, 4), censored(gumbel(0, 1), -1, 2), censored(weibull(2, 1), 0.5, 2),
          censored(frechet(2, 1), 0.5, 2), interval_censored(rayleigh(1), 2), censored(pareto(2, 1), 1.5, 2),
          censored(pareto_2(0, 1, 2), 0.5, 2), interval_censored(kumaraswamy(2, 3), 0.9), censored(logit_normal(0, 1), 0.1, 0.9),
          truncated(poisson(3), 1, no_bound), censored(poisson_log(1), 1, 5), interval_censored(geometric(0.3), 4));
  compile(censored(gamma(2, 1), 0.5, 2), truncated(gamma_log(2, 0), 0.5, no_bound), interval_censored(inverse_gamma(2, 1), 4),
          censored(chi(3), 0.5, 2), censored(maxwell(1), 0.5, 2), truncated(exponential_log(0), no_bound, 2),
          truncated(beta(2, 3), 0.1, 0.9), censored(student_t(3, 0, 1), -1, 2), censored(half_student_t(3, 1), no_bound, 2),
          truncated(binomial(7, 0.3), 1, no_bound), truncated(binomial_logit(7, 0), 1, 5),
          truncated(negative_binomial(2, 3), 1, no_bound), interval_censored(negative_binomial_log(0, 3), 4),
          truncated(geometric_logit(0), 1, 5), truncated(discrete_uniform(0, 9), 1, 5),
          truncated(discrete_weibull(0.3, 1.2), 1, 5));
  compile(truncated(skew_normal(0, 1, 2), -1, 2), censored(rice(1, 1), 0.5, 2), truncated(von_mises(0, 1), -1, 2),
          censored(skellam(1, 2), -1, 2), truncated(beta_binomial(1, 2, 4), 1, no_bound), truncated(hypergeometric(9, 4, 3), 1, 3),
          truncated(beta_negative_binomial(1, 2, 3), 1, no_bound), interval_censored(generalized_poisson(2, 0.3), 4));
  compile(truncated(triangular(0, 2, 0.5), 0.5, 1), censored(asymmetric_laplace(1, 0, 1), -1, 2), censored(moyal(0, 1), -1, 2),
          censored(wald(1, 2), 0.5, 2), truncated(wald(1, 2, 0), 0.5, 2), censored(ex_gaussian(0, 1, 1), -1, 2),
          interval_censored(gen_extreme(0, 1, 0.2), 2), censored(gen_pareto(0, 1, 0.2), no_bound, 2),
          censored(truncated_normal(0, 1, -1, 2), no_bound, 1), truncated(truncated_normal_above(0, 1, -1), 0, 1),
          interval_censored(truncated_normal_below(0, 1, 2), 1));
  compile(truncated(mixture(component(0.3, normal(0, 1)), component(0.7, truncated(gamma(2, 1), 0.5, no_bound))), 0, no_bound),
          censored(mixture(component(0.3, dirac_delta(0)), component(0.7, poisson(2))), no_bound, 2),
          censored(truncated(normal(0, 1), no_bound, 3), -1, 2), truncated(censored(laplace(0, 1), 0, no_bound), 0, 2),
          truncated(skew_student_t(2, 3, 0, 1), 0, 2), interval_censored(zero_one_inflated_beta(0.3, 0.4, 2, 3), 1),
          censored(hurdle_gamma(0.3, 2, 1), 0.5, no_bound), truncated(hurdle_lognormal(0.3, 0, 1), 0, 2));
  compile(truncated(bernoulli(0.3), 1, no_bound), censored(bernoulli_logit(0), 0, 1), truncated(zero_inflated_poisson(0.3, 2), 1, 5),
          censored(zero_inflated_binomial(0.3, 4, 0.2), 1, 3), truncated(zero_inflated_negative_binomial(0.3, 2, 3), 1, 5),
          truncated(hurdle_poisson(0.3, 2), no_bound, 5), interval_censored(hurdle_negative_binomial(0.3, 2, 3), 4));
}
struct Product {
  template <class V> LOCKSTEP_FN auto operator()(const V& a, const V& b) const { return value_and_partials(a * b, b, a); }
};
void functions() {
  const auto x = as_recipe(0.3);
  compile(normal(asin(x) + acos(x) + asinh(x) + acosh(x + 1) + atanh(x) + atan2(x, 2) + probit(x) + erfinv(x) + erfcinv(x), 1),
          normal(floor(x) + ceil(x) + round(x) + sign(x), select(!(x < 0) && (x == 1 || x != 2), x, 1)),
          normal(trigamma(x) + log_beta(x, 2) + log_choose(x + 1, x) + log_bessel_i0(x) + log_bessel_i1(x), 1),
          normal(gamma_p(x, 2) + gamma_q(2, x) + incomplete_beta(1, 2, x), 1),
          normal(function(x, 2, Product()), 1));
}
void discrete() {
  compile(bernoulli(0.3), bernoulli_logit(0), binomial(4, 0.3), binomial_logit(4, 0), poisson(2), poisson_log(0),
          negative_binomial(2, 3), negative_binomial_log(0, 3), geometric(0.3), geometric_logit(0), discrete_uniform(0, 3),
          discrete_weibull(0.3, 1.2), dirac_delta(1), beta_binomial(1, 2, 4), beta_negative_binomial(1, 2, 3),
          hypergeometric(9, 4, 3), generalized_poisson(2, 0.3), skellam(1, 2));
  compile(zero_inflated_poisson(0.3, 2), zero_inflated_binomial(0.3, 4, 0.2), zero_inflated_negative_binomial(0.3, 2, 3),
          hurdle_poisson(0.3, 2), hurdle_negative_binomial(0.3, 2, 3), hurdle_gamma(0.3, 2, 1), hurdle_lognormal(0.3, 0, 1),
          zero_one_inflated_beta(0.3, 0.4, 2, 3));
}

struct OfVectors {
  Dim n, k;
  Real y, x, height;
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto p = m.param("p", flat(), k);
    auto eta = m.param("eta", interpolated(x, height));
    m.observe("a", y, n, [&](auto) { return categorical(p); });
    m.observe("b", y, n, [&](auto j) { return categorical_logit(k, [&, j](auto c) { return p[c] * y[j]; }); });
    m.observe("c", y, n, [&](auto) { return ordered_logistic(eta, p); });
    m.observe("d", y, n, [&](auto) { return ordered_probit(eta, p); });
    m.observe("e", y, n, [&](auto j) { return truncated(categorical(p), 1, y[j]); });
    m.observe("f", y, n, [&](auto) { return censored(ordered_logistic(eta, p), NoBound(), 2); });
    m.observe("g", y, n, [&](auto j) { return interval_censored(categorical_logit(p), y[j]); });
    m.observe("h", y, n, [&](auto) { return truncated(interpolated(x, height), eta, NoBound()); });
  }
};

struct OfWholeVectors {
  Dim n, k, lag;
  Matrix Y;
  Real total, states;
  NeighbourSpectrum map;
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto sigma = m.param("sigma", half_normal(1));
    auto rho = m.param("rho", normal(0, 1), lag);
    auto p = m.param("p", dirichlet(sigma), k);
    auto weights = m.param("weights", stick_breaking_weights(sigma), k);
    auto effect = m.param("effect", zero_sum_normal(sigma), k);
    auto level = m.param("level", icar(map, sigma), k);
    auto walk = m.param("walk", gaussian_random_walk(0, sigma, normal(0, 1)), k);
    auto series = m.param("series", ar(rho, sigma, normal(0, 1)), k);
    auto corr = m.param("corr", lkj_cholesky(sigma), k);
    auto heavy = m.param("heavy", mv_student_t_cholesky(sigma, 0, corr), k);
    auto precise = m.param("precise", mv_normal_precision_cholesky(walk, corr), k);
    auto both = m.param("both", mv_normal_cholesky(precise, corr), n, k);
    m.observe("a", Y, n, [&](auto i) { return multinomial(total[i], p); });
    m.observe("b", Y, n, [&](auto i) { return dirichlet_multinomial(total[i], weights); });
    m.observe("c", Y, n, [&](auto i) { return ordered_multinomial(sigma, rho, total[i]); });
    auto areas = m.param("areas", car(map, 0, sigma, sigma), k);
    auto diffusion = m.param("diffusion", euler_maruyama([&](auto x) { return -x; }, sigma, 0.1, normal(0, 1)), k);
    m.observe("d", states, discrete_markov_chain(k, 0.5, [&](auto, auto, auto to) { return p[to]; }));
  }
};

struct OfMatrices {
  Dim n, k;
  Matrix Y;
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto sigma = m.param("sigma", half_normal(1), softplus_positive());
    auto wide = m.param("wide", normal(0, 1), scaled(sigma, sigma));
    auto coefficients = m.param("coefficients", normal(0, 1), k, k);
    auto predictors = m.linear(Y, coefficients);
    m.potential("predictors", n, [&](auto i) { return dot(predictors.row(i), predictors.row(i)); });
    m.potential("functions", erf(wide) - erfc(wide) + inverse_probit(wide));
    auto angle = m.param("angle", von_mises(wide, sigma));
    auto angles = m.param("angles", von_mises(angle, 1), k);
    auto direction = m.param("direction", flat(unit_vector()), k);
    auto theta = m.param("theta", non_centred(normal(wide, sigma)));
    auto thetas = m.param("thetas", non_centred(student_t(4, theta, sigma)), k);
    auto columns = m.param("columns", flat(column_stochastic()), n, k);
    auto jumps = m.param("jumps", random_walk(student_t(4, 0, sigma), normal(0, 1)), k);
    auto partial = m.param("partial", partially_centred(normal(theta, sigma), 0.3), k);
    auto corr = m.param("corr", lkj_corr(sigma), k);
    auto covariance = m.param("covariance", flat(covariance_matrix()), k);
    auto L = m.param("L", lkj_cholesky_cov(sigma, exponential(1)), k);
    auto A = m.param("A", lkj_cholesky(sigma), n);
    auto vectors = m.param("vectors", non_centred(mv_normal_cholesky(thetas, L)), n, k);
    auto W = m.param("W", wishart_cholesky(sigma, L), k);
    auto V = m.param("V", inverse_wishart_cholesky(sigma, W), k);
    auto S = m.param("S", wishart(sigma, W), k);
    auto inverse_S = m.param("inverse_S", inverse_wishart(sigma, V), k);
    auto both = m.param("both", zero_sum_matrix_normal(sigma), n, k);
    auto matrix = m.param("matrix", matrix_normal(vectors, A, V), n, k);
    auto low_rank = m.param("low_rank", mv_normal_low_rank(0, matrix, sigma), n);
    auto walk = m.param("walk", mv_gaussian_random_walk(angles, L, mv_normal_cholesky(0, W)), n, k);
    m.observe("Y", Y, mv_student_t_random_walk(sigma, 0, L, mv_normal_cholesky(0, W)));
    m.observe("elements", Y, n, k, [&](auto i, auto j) { return normal(predictors(i, j) + Y(i, 0) * wide + dot(Y.row(i), coefficients.row(j)), sigma); });
    m.potential("every", n, k, [&](auto i, auto j) { return Y(i, j) * thetas[j]; });
    auto last = m.param("last", normal(corr(0, 0) * covariance(0, 0) * both(0, 0) * walk(0, 0) * low_rank[0] * direction[0], 1));
  }
};

struct Latents {
  Dim n, k, two;
  GroupIndex group_of;
  Real y, z;
  Matrix X;
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto p = m.param("p", dirichlet(1), k);
    auto mu = m.param("mu", normal(0, 1), two);
    auto L = m.param("L", lkj_cholesky_cov(1, exponential(1)), k);
    auto moves = m.param("moves", dirichlet(1), two, two);
    m.mixture("m", X, n, two, 0.5, [&](auto, auto s) { return mv_normal_cholesky(mu[s], L); });
    m.mixture("u", y, n, two, moves.row(Index{0, two.id}), [&](auto, auto s) { return normal(mu[s], 1); });
    m.hidden_markov("chain", n, two, 0.5, moves, [&](const auto& given) {
      given.observe("a", y, n, [&](auto, auto s) { return normal(mu[s], 1); });
      given.observe("b", X, n, [&](auto, auto s) { return mv_normal_precision_cholesky(mu[s], L); });
    });
    m.latent("kind", categorical(p), k, two, [&](const auto& given) {
      given.observe("y", y, n, group_of, [&](auto, auto s) { return normal(mu[s], 1); });
      given.observe("z", z, k, [&](auto, auto s) { return normal(mu[s], 2); });
      given.observe("t", X, n, group_of, [&](auto, auto s) { return mv_student_t_cholesky(3, mu[s], L); });
      given.latent("within", two, [&](auto, auto s) { return categorical(moves.row(s)); }, [&](const auto& both) {
        both.observe("v", y, n, group_of, [&](auto, auto s, auto r) { return normal(mu[s] + mu[r], 1); });
        both.latent("each", n, group_of, two, [&](auto, auto s, auto r) { return bernoulli(moves(s, r)); }, [&](const auto& all) {
          all.observe("w", X, n, [&](auto, auto, auto r, auto q) { return mv_normal_cholesky(mu[r] * mu[q], L); });
        });
      });
    });
    m.latent("change", discrete_uniform(0, n.size - 1), n, [&](const auto& given) {
      given.observe_change("c", y, n, two, [&](auto, auto s) { return normal(mu[s], 1); });
    });
  }
};

struct OfAnEarlierPosterior {
  Dim n;
  Real y;
  PosteriorNormal before;
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto x = m.param("x", non_centred(mv_normal_cholesky(before.mean, before.factor)), before.dim);
    auto other = m.param("other", mv_normal_cholesky(before.mean, before.factor), before.dim);
    m.observe("y", y, n, [&](auto i) { return normal(x[before(0, i)], exp(other[before[1]])); });
  }
};

struct Equations {
  Dim time, two, subject;
  GroupIndex subject_of;
  Real times;
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto p = m.param("p", half_normal(1), two);
    auto z = m.ode("z", time, two, p, 0, times, [&](auto t, auto y) { return derivatives(-p[0] * y[0], y[0] - exp(-t) * y[1]); });
    auto w = m.ode("w", time, two, 1, 0, times,
                   [&](auto t, auto y) { return derivatives(select(t > 1, p[1], 0) - p[0] * y[0], square(y[0]) - y[1]); }, stiff());
    auto rate = m.param("rate", half_normal(1), subject);
    auto each = m.ode("each", time, two, subject_of, [&](auto s, auto k) { return rate[s] * p[k]; }, 0, times,
                      [&](auto s, auto t, auto y) { return derivatives(-rate[s] * y[0], y[0] - exp(-t) * y[1]); });
    auto x = m.root("x", two, p, [&](auto v) { return equations(v[0] - exp(-v[1]) * p[0], v[0] * v[1] - p[1]); });
    m.potential("sum", time, [&](auto i) { return z(i, 0) * w(i, 1) * each(i, 0) * x[1]; });
  }
};

template <class T, class Model> __global__ void gradient(const Model model, Workspace workspace, double* out) {
  *out = log_density_gradient<T, false>(model, WholeTeam{}, workspace, 4);
}
template __global__ void gradient<double>(const OfVectors, Workspace, double*);
template __global__ void gradient<Single>(const OfVectors, Workspace, double*);
template __global__ void gradient<double>(const OfWholeVectors, Workspace, double*);
template __global__ void gradient<Single>(const OfWholeVectors, Workspace, double*);
template __global__ void gradient<double>(const Latents, Workspace, double*);
template __global__ void gradient<Single>(const Latents, Workspace, double*);
template __global__ void gradient<double>(const Equations, Workspace, double*);
template __global__ void gradient<Single>(const Equations, Workspace, double*);
template __global__ void gradient<double>(const OfAnEarlierPosterior, Workspace, double*);
template __global__ void gradient<Single>(const OfAnEarlierPosterior, Workspace, double*);
template __global__ void gradient<double>(const OfMatrices, Workspace, double*);
template __global__ void gradient<Single>(const OfMatrices, Workspace, double*);

}  // namespace lockstep
