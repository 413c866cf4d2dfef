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
TEST(StatesGradients, OfLatentsThatSeveralSitesRead) {
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
    expect_right_gradients(Bound<Latents>(data), 0.7);
  }
}

}  // namespace
}  // namespace lockstep
