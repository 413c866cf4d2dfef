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

}  // namespace
}  // namespace lockstep
