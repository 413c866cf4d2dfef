// Gradients where discrete states are summed out.
#include "gradient_oracles.hpp"

namespace lockstep {
namespace {

struct Mixtures {
  Dim i, state;
  Real x, y;
  explicit Mixtures(Dataset& d) : i(d.dim("i")), state(d.dim("state")), x(d.real("x", i)), y(d.real("y", i)) {}
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", dirichlet(1.5), state);
    auto mu = m.param("mu", normal(0, 2), state, ordered());
    auto sigma = m.param("sigma", lognormal(0, 0.3));
    auto slope = m.param("slope", normal(0, 1), state);
    m.mixture("y", y, i, state, w, [&](auto j, auto k) { return normal(mu[k] + slope[k] * x[j], sigma); });
    m.mixture("z", y, i, state, [&](auto j, auto k) { return exp(-square(x[j] * slope[k])) * w[k]; },
              [&](auto, auto k) { return student_t(4, mu[k], sigma); });
  }
};
TEST(StatesGradients, OfMixturesOverADimension) {
  for (const auto& [n, states] : {std::pair<std::size_t, std::size_t>{1, 1}, {1, 3}, {7, 2}, {13, 3}, {0, 2}}) {
    Data data;
    data.set("x", Numbers(3).uniforms(n, -1, 1));
    data.set("y", Numbers(4).uniforms(n, -2, 2));
    data.set("state", double(states));
    SCOPED_TRACE(testing::Message() << n << " elements, " << states << " states");
    expect_right_gradients(Bound<Mixtures>(data), 0.7);
  }
}

struct ChangingTransitions {
  Dim time, state;
  Real x, y;
  explicit ChangingTransitions(Dataset& d) : time(d.dim("time")), state(d.dim("state")), x(d.real("x", time)), y(d.real("y", time)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", dirichlet(2), state, state);
    auto a = m.param("a", normal(0, 1), time);
    auto mu = m.param("mu", normal(0, 2), state);
    m.hidden_markov("y", y, time, state, 1, [&](auto t, auto from, auto to) { return p(from, to) * exp(a[t] * x[t]); },
                    [&](auto, auto k) { return normal(mu[k], 1); });
  }
};
TEST(StatesGradients, OfTransitionsThatChangeWithTime) {
  for (const auto& [times, states] : {std::pair<std::size_t, std::size_t>{1, 1}, {1, 3}, {7, 2}, {13, 3}, {0, 2}}) {
    Data data;
    data.set("x", Numbers(3).uniforms(times, -1, 1));
    data.set("y", Numbers(4).uniforms(times, -2, 2));
    data.set("state", double(states));
    SCOPED_TRACE(testing::Message() << times << " times, " << states << " states");
    expect_right_gradients(Bound<ChangingTransitions>(data), 0.7);
  }
}

// A latent for each group, read by two sites, one of them through a group index; one whose prior depends on the group; and changes.
struct Latents {
  Dim i, group, state, value, regime;
  GroupIndex group_of;
  Real x, y, z, count;
  explicit Latents(Dataset& d)
      : i(d.dim("i")), group(d.dim("group")), state(d.dim("state")), value(d.dim("value")), regime(d.dim("regime", 2)),
        group_of(d.index("group_of", i, group)), x(d.real("x", i)), y(d.real("y", i)), z(d.real("z", group)), count(d.integer("count", i)) {}
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", dirichlet(1.5), state);
    auto mu = m.param("mu", normal(0, 2), state);
    auto sigma = m.param("sigma", lognormal(0, 0.3));
    auto a = m.param("a", normal(0, 1), group);
    auto rate = m.param("rate", lognormal(0, 0.3), regime);
    m.latent("of_group", categorical(w), group, state, [&](const auto& given) {
      given.observe("y", y, i, group_of, [&](auto j, auto k) { return normal(mu[k] + a[group_of[j]] * x[j], sigma); });
      given.observe("z", z, group, [&](auto g, auto k) { return student_t(4, mu[k] + a[g], 1.5); });
    });
    m.latent("coin", group, regime, [&](auto g) { return bernoulli(inverse_logit(a[g])); }, [&](const auto& given) {
      given.observe("c", count, i, group_of, [&](auto, auto k) { return poisson(rate[k]); });
    });
    m.latent("change", discrete_uniform(0, value.size - 1), value, [&](const auto& given) {
      given.observe_change("counts", count, i, regime, [&](auto j, auto r) { return poisson_log(a[group_of[j]] * log(rate[r])); });
      given.observe_change("series", y, i, regime, [&](auto, auto r) { return normal(rate[r], sigma); });
      given.observe("all", x, i, [&](auto, auto k) { return normal(z_of(k), sigma); });
    });
  }
  auto z_of(Index k) const { return x[k.position < x.dim.size ? Index{k.position, x.dim.id} : Index{0, x.dim.id}]; }
};
// A latent of each group; one that reads it, with sites of both; one of each element that reads these two; and a change that a coin says.
struct LatentsOfLatents {
  Dim i, group, state, other, regime, value;
  GroupIndex group_of;
  Real x, y, z, count;
  explicit LatentsOfLatents(Dataset& d)
      : i(d.dim("i")), group(d.dim("group")), state(d.dim("state")), other(d.dim("other", 3)), regime(d.dim("regime", 2)), value(d.dim("value")),
        group_of(d.index("group_of", i, group)), x(d.real("x", i)), y(d.real("y", i)), z(d.real("z", group)), count(d.integer("count", i)) {}
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", dirichlet(1.5), state);
    auto P = m.param("P", dirichlet(1.5), state, other);
    auto mu = m.param("mu", normal(0, 2), state);
    auto shift = m.param("shift", normal(0, 1), other);
    auto a = m.param("a", normal(0, 1), group);
    auto rate = m.param("rate", lognormal(0, 0.3), regime);
    m.latent("first", categorical(w), group, state, [&](const auto& given) {
      given.observe("z", z, group, [&](auto g, auto k) { return student_t(4, mu[k] + a[g], 1.5); });
      given.latent("second", other, [&](auto, auto k) { return categorical(P.row(k)); }, [&](const auto& both) {
        both.observe("y", y, i, group_of, [&](auto j, auto k, auto l) { return normal(mu[k] + shift[l] * x[j], 1); });
        both.latent("third", i, group_of, regime, [&](auto j, auto, auto l) { return bernoulli(inverse_logit(shift[l] + a[group_of[j]])); },
                    [&](const auto& all) {
          all.observe("c", count, i, [&](auto, auto k, auto, auto r) { return poisson(rate[r] * (1 + square(mu[k]))); });
        });
      });
      given.latent("sibling", regime, [&](auto g, auto k) { return bernoulli(inverse_logit(a[g] * mu[k])); }, [&](const auto& both) {
        both.observe("x", x, i, group_of, [&](auto, auto k, auto r) { return normal(mu[k], rate[r]); });
      });
    });
    m.latent("coin", bernoulli(0.4), regime, [&](const auto& given) {
      given.latent("change", value, [&](auto c) { return binomial(value.size - 1, inverse_logit(mu[0] * rate[c])); }, [&](const auto& both) {
        both.observe_change("counts", count, i, regime, [&](auto, auto c, auto r) { return poisson(rate[r] * rate[c]); });
      });
    });
  }
};
template <class Model> void expect_right_gradients_of_latents() {
  struct Size {
    std::size_t n, groups, states, values;
  };
  for (const Size& s : {Size{1, 1, 1, 1}, {7, 3, 2, 8}, {13, 5, 3, 13}, {6, 2, 3, 2}}) {
    Data data;
    data.set("x", Numbers(3).uniforms(s.n, -1, 1));
    data.set("y", Numbers(4).uniforms(s.n, -2, 2));
    data.set("z", Numbers(5).uniforms(s.groups, -2, 2));
    data.set("count", Numbers(6).integers(s.n, 0, 4));
    data.set("group_of", Numbers(7).integers(s.n, 1, int(s.groups)));
    data.set("state", double(s.states));
    data.set("value", double(s.values));
    SCOPED_TRACE(testing::Message() << s.n << " elements, " << s.groups << " groups, " << s.states << " states, " << s.values << " values");
    expect_right_gradients(Bound<Model>(data), 0.7);
  }
}
TEST(StatesGradients, OfLatentsThatSeveralSitesRead) { expect_right_gradients_of_latents<Latents>(); }
TEST(StatesGradients, OfLatentsThatReadLatents) { expect_right_gradients_of_latents<LatentsOfLatents>(); }

// Rows of matrices: each state may have a factor of its own. Two series of one chain.
struct Rows {
  Dim i, state, column, group, regime;
  GroupIndex group_of;
  Matrix X;
  Real y;
  explicit Rows(Dataset& d)
      : i(d.dim("i")), state(d.dim("state")), column(d.dim("column")), group(d.dim("group")), regime(d.dim("regime", 2)),
        group_of(d.index("group_of", i, group)), X(d.matrix("X", i, column)), y(d.real("y", i)) {}
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", dirichlet(1.5), state);
    auto p = m.param("p", dirichlet(2), state, state);
    auto mu = m.param("mu", normal(0, 2), state, column);
    auto a = m.param("a", normal(0, 1), i);
    auto L = m.param("L", lkj_cholesky_cov(2, exponential(1)), column), K = m.param("K", lkj_cholesky_cov(2, exponential(1)), column);
    auto nu = m.param("nu", lognormal(1, 0.3));
    m.mixture("X", X, i, state, w, [&](auto j, auto k) {
      return mv_normal_cholesky([&, j, k](auto c) { return mu(k, c) + a[j]; }, k.position == 0 ? L : K);
    });
    m.hidden_markov("Y", X, i, state, w, p, [&](auto, auto k) { return mv_normal_precision_cholesky(mu.row(k), k.position == 0 ? L : K); });
    m.hidden_markov("z", i, state, w, p, [&](const auto& given) {
      given.observe("y", y, i, [&](auto j, auto k) { return normal(mu(k, 0) + a[j], 1); });
      given.observe("Z", X, i, [&](auto, auto k) { return mv_student_t_cholesky(nu, mu.row(k), L); });
    });
    m.latent("change", discrete_uniform(0, i.size - 1), i, [&](const auto& given) {
      given.observe_change("V", X, i, regime, [&](auto j, auto r) {
        return mv_student_t_cholesky(nu, [&, j](auto) { return a[j]; }, r.position == 0 ? L : K);
      });
    });
  }
};
TEST(StatesGradients, OfRows) {
  for (const auto& [n, states, columns] : {std::tuple<std::size_t, std::size_t, std::size_t>{1, 1, 1}, {7, 2, 3}, {13, 3, 2}}) {
    Data data;
    std::vector<Values> rows;
    for (std::size_t i = 0; i < n; ++i) rows.push_back(Numbers(i).uniforms(columns, -2, 2));
    data.set("X", rows);
    data.set("y", Numbers(4).uniforms(n, -2, 2));
    data.set("group_of", Numbers(7).integers(n, 1, 2));
    data.set("group", 2);
    data.set("state", double(states));
    SCOPED_TRACE(testing::Message() << n << " rows, " << states << " states, " << columns << " columns");
    expect_right_gradients(Bound<Rows>(data), 0.7);
  }
}

// Of every distribution of vectors that a state can choose.
struct KindsOfRows {
  Dim i, group, state, column, factor, cut;
  GroupIndex group_of;
  Matrix X, counts, shares, chain;
  explicit KindsOfRows(Dataset& d)
      : i(d.dim("i")), group(d.dim("group")), state(d.dim("state", 3)), column(d.dim("column", 3)), factor(d.dim("factor", 2)),
        cut(d.dim("cut", 2)), group_of(d.index("group_of", i, group)), X(d.matrix("X", i, column)),
        counts(d.matrix("counts", i, column)), shares(d.matrix("shares", i, column)), chain(d.matrix("chain", i, column)) {}
  template <class M> void operator()(M& m) const {
    auto w = m.param("w", dirichlet(1.5), state);
    auto p = m.param("p", dirichlet(2), state, state);
    auto q = m.param("q", dirichlet(2), state, column);
    auto mu = m.param("mu", normal(0, 1), state, column);
    auto W = m.param("W", normal(0, 1), column, factor);
    auto variance = m.param("variance", lognormal(0, 0.3));
    auto cuts = m.param("cuts", normal(0, 1), cut, ordered());
    auto alpha = m.let("alpha", state, column, [&](auto k, auto c) { return exp(mu(k, c)); });
    m.latent("z", categorical(w), group, state, [&](const auto& given) {
      given.observe("low", X, i, group_of, [&](auto, auto k) { return mv_normal_low_rank(mu.row(k), W, variance); });
      given.observe("walk", X, i, group_of, [&](auto, auto k) { return gaussian_random_walk(mu(k, 0), variance, normal(mu(k, 1), 2)); });
      given.observe("ar", X, i, group_of, [&](auto, auto k) { return ar(0.3 * mu(k, 0), variance, normal(mu(k, 1), 2)); });
      given.observe("counts", counts, i, group_of, [&](auto, auto k) { return multinomial(4, q.row(k)); });
      given.observe("ordered", counts, i, group_of, [&](auto, auto k) { return ordered_multinomial(mu(k, 0), cuts, 4); });
      given.observe("spread", counts, i, group_of, [&](auto, auto k) { return dirichlet_multinomial(4, alpha.row(k)); });
      given.observe("shares", shares, i, group_of, [&](auto, auto k) { return dirichlet(alpha.row(k)); });
      given.observe("chain", chain, i, group_of, [&](auto, auto k) {
        return discrete_markov_chain(state, p.row(k), [&, k](auto, auto from, auto to) { return p(from, to) * exp(mu(k, 0)); });
      });
    });
  }
};
TEST(StatesGradients, OfAllKindsOfRows) {
  for (const std::size_t n : {1u, 9u}) {
    Data data;
    std::vector<Values> X, counts, shares, chain;
    for (std::size_t i = 0; i < n; ++i) {
      X.push_back(Numbers(i).uniforms(3, -2, 2));
      counts.push_back(i % 2 ? Values{1, 3, 0} : Values{2, 0, 2});
      shares.push_back(i % 2 ? Values{0.2, 0.5, 0.3} : Values{0.6, 0.1, 0.3});
      chain.push_back(i % 2 ? Values{0, 2, 1} : Values{1, 1, 0});
    }
    data.set("X", X);
    data.set("counts", counts);
    data.set("shares", shares);
    data.set("chain", chain);
    data.set("group_of", Numbers(7).integers(n, 1, 3));
    data.set("group", 3);
    SCOPED_TRACE(testing::Message() << n << " rows");
    expect_right_gradients(Bound<KindsOfRows>(data), 0.7);
  }
}

}  // namespace
}  // namespace lockstep
