// do and observe on the five graphs that every causal argument is made of, against closed forms.
//
// Every node is normal about a linear function of its parents, with standard deviation 1, so that what is conditioned on and what is
// done have normal answers by hand. 64 chains of 400 draws; means and standard deviations in standard errors by their effective
// sample sizes (rules §3). False alarms: each |z| below its limit for 70 comparisons at 1% in all. Fixed seeds.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/expect_normal.hpp"

namespace lockstep {
namespace {

constexpr double limit = 3.80;  // the normal quantile at 1 - 0.005/70

// Node k has coefficients on the nodes before it: a graph is its weights.
struct Graph {
  Dim node;
  Matrix weight;
  explicit Graph(Dataset& d) : node(d.dim("node")), weight(d.matrix("weight", node, node)) {}
  template <class M> void operator()(M& m) const {
    const auto w = [&](int child, int parent) { return weight.values[child * 3 + parent]; };
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", normal(w(1, 0) * a, 1));
    auto c = m.param("c", normal(w(2, 0) * a + w(2, 1) * b, 1));
    m.deterministic("sum", a + b + c);
  }
};

Data graph(double ab, double ac, double bc) {
  Data data;
  data.set("weight", std::vector<std::vector<double>>{{0, 0, 0}, {ab, 0, 0}, {ac, bc, 0}});
  return data;
}

template <class Model> Fit run_of(const Data& data, std::uint64_t seed) {
  SampleOptions options;
  options.chains = 64;
  options.draws = 400;
  options.seed = seed;
  options.processor = Processor::cpu;
  return sample<Model>(data, options);
}
Fit run(const Data& data) { return run_of<Graph>(data, 20260817); }

void expect_normal(const Fit& fit, const char* name, double mean, double sd) {
  SCOPED_TRACE(name);
  expect_normal(fit, draws_of(fit, name), mean, sd, limit);
}

// a -> b -> c: c follows what is done to b, whatever a is; a does not. Observing b tells about a.
TEST(CausalGraphs, Chain) {
  Data done = graph(2, 0, 0.5), observed = done;
  done.set_do("b", {3.});
  observed.set_observed("b", {3.});
  const Fit after_do = run(done), after_observe = run(observed);
  expect_normal(after_do, "a", 0, 1);
  expect_normal(after_do, "c", 1.5, 1);
  expect_normal(after_observe, "a", 3 * 2. / 5, std::sqrt(1. / 5));  // precision 1 + 2^2
  expect_normal(after_observe, "c", 1.5, 1);
}

// b <- a -> c: nothing that is done to b reaches c; observing b does, through a.
TEST(CausalGraphs, Fork) {
  Data done = graph(2, 0.5, 0), observed = done;
  done.set_do("b", {3.});
  observed.set_observed("b", {3.});
  const Fit after_do = run(done), after_observe = run(observed);
  expect_normal(after_do, "c", 0, std::sqrt(1.25));
  expect_normal(after_observe, "c", 0.5 * 1.2, std::sqrt(1 + 0.25 / 5));
}

// a -> c <- b: a and b know nothing of each other until c is observed; doing c leaves them so.
TEST(CausalGraphs, Collider) {
  Data done = graph(0, 1, 1), observed = done, both = done;
  done.set_do("c", {2.});
  observed.set_observed("c", {2.});
  both.set_observed("c", {2.});
  both.set_do("a", {2.});
  const Fit after_do = run(done), after_observe = run(observed), after_both = run(both);
  expect_normal(after_do, "a", 0, 1);
  expect_normal(after_do, "b", 0, 1);
  expect_normal(after_observe, "a", 2. / 3, std::sqrt(2. / 3));
  expect_normal(after_both, "b", 0, std::sqrt(0.5));  // c - a is b and noise
}

// a -> b -> c and a -> c: the whole effect of a, and, with b held, the direct one.
TEST(CausalGraphs, Mediator) {
  Data whole = graph(2, 1, 0.5), direct = whole;
  whole.set_do("a", {1.});
  direct.set_do("a", {1.});
  direct.set_do("b", {0.});
  const Fit after_whole = run(whole), after_direct = run(direct);
  expect_normal(after_whole, "b", 2, 1);
  expect_normal(after_whole, "c", 1 + 0.5 * 2, std::sqrt(1 + 0.25));
  expect_normal(after_direct, "c", 1, 1);
  expect_normal(after_direct, "sum", 2, 1);
}

// b <- a -> c, b -> c: c given b mixes the effect with what a does to both; done to b it is the effect, and so it is given a.
TEST(CausalGraphs, Backdoor) {
  Data done = graph(2, 1, 0.5), observed = done, adjusted = done;
  done.set_do("b", {3.});
  observed.set_observed("b", {3.});
  adjusted.set_observed("b", {3.});
  adjusted.set_observed("a", {0.});
  const Fit after_do = run(done), after_observe = run(observed), after_adjusting = run(adjusted);
  expect_normal(after_do, "c", 1.5, std::sqrt(2.));
  expect_normal(after_observe, "c", 1.5 + 1.2, std::sqrt(1 + 1. / 5));
  expect_normal(after_adjusting, "c", 1.5, 1);
}

// ---- vectors: a graph for each unit, whose outcome is data ------------------------------------------------------------------

struct Units {
  Dim unit;
  Real y;
  RealScalar ab, ay, by;                               // the weights of the arrows
  explicit Units(Dataset& d)
      : unit(d.dim("unit")), y(d.real("y", unit)), ab(d.scalar("ab")), ay(d.scalar("ay")), by(d.scalar("by")) {}
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1), unit);
    auto b = m.param("b", unit, [&](auto i) { return normal(ab * a[i], 1); });
    m.observe("y", y, unit, [&](auto i) { return normal(ay * a[i] + by * b[i], 1); });
    m.deterministic("c", unit, [&](auto i) { return 0.5 * b[i] + a[i]; });
  }
};

const std::vector<double> outcomes{5, -1, 3}, held{1, 2, 3};   // of each unit: its data, and what b is set to

Data units(double ab, double ay, double by, const std::vector<double>& y = outcomes) {
  Data data;
  data.set("ab", ab);
  data.set("ay", ay);
  data.set("by", by);
  data.set("y", y);
  return data;
}

// `mean`: of unit i.
template <class F>
void expect_units(const Fit& fit, const char* name, const F& mean, double sd, const char* group = "posterior") {
  for (std::size_t i = 0; i < 3; ++i) {
    SCOPED_TRACE(name + std::to_string(i));
    expect_normal(fit, draws_of(fit, name, i, group), mean(i), sd, limit);
  }
}

// Each unit has its own value done to it; its outcome, below, has no say then about its cause, above.
TEST(CausalGraphs, ChainsOfUnitsDone) {
  Data data = units(2, 0, 1);
  data.set_do("b", held);
  expect_units(run_of<Units>(data, 20260818), "c", [](std::size_t i) { return 0.5 * held[i]; }, 1);
}

// b <- a -> y, b observed: a has two pieces of evidence beside its prior, with precisions 1 + 2^2 + 0.5^2.
TEST(CausalGraphs, ForksOfUnitsObserved) {
  Data data = units(2, 0.5, 0);
  data.set_observed("b", held);
  expect_units(run_of<Units>(data, 20261127), "a", [](std::size_t i) { return (2 * held[i] + 0.5 * outcomes[i]) / 5.25; },
               std::sqrt(1 / 5.25));
}

// Backdoor graphs, one of whose outcomes is missing: it has nothing to say about a, and is imputed from what is done to b, and
// from a as it is without, or with, the evidence of b.
TEST(CausalGraphs, OutcomesAreMissingWhereACauseIsDone) {
  Data done = units(2, 1, 0.5, {5, std::nan(""), 3}), observed = done;
  done.set_do("b", held);
  observed.set_observed("b", held);
  const Fit after_do = run_of<Units>(done, 20261128), after_observe = run_of<Units>(observed, 20261129);
  expect_normal(after_do, "y_unobserved", 0.5 * held[1], std::sqrt(2.));
  expect_normal(after_observe, "y_unobserved", 0.5 * held[1] + 0.4 * held[1], std::sqrt(1 + 1. / 5));
  // The others: what b does not explain of y is a and noise.
  SCOPED_TRACE("a");
  expect_normal(after_do, draws_of(after_do, "a", 0), (5 - 0.5 * held[0]) / 2, std::sqrt(0.5), limit);
}

// Predictions where b is done: a is as it was learnt from the outcome with b as it came, and the outcome is simulated from both.
Fit predicted(const Data& data, std::uint64_t seed) {
  Data done;
  done.set_do("b", held);
  return predict<Units>(run_of<Units>(data, seed), done);
}
TEST(CausalGraphs, PredictionsInAChain) {
  expect_units(predicted(units(2, 0, 0.5), 20261130), "y", [](std::size_t i) { return 0.5 * held[i]; }, 1, "predictions");
}
// y = a/2 and noise: precision 1 + 1/4 of a.
TEST(CausalGraphs, PredictionsInAFork) {
  expect_units(predicted(units(2, 0.5, 0), 20261201), "y", [](std::size_t i) { return 0.5 * (0.5 * outcomes[i] / 1.25); },
               std::sqrt(1 + 0.25 / 1.25), "predictions");
}
// y = a + (2a + noise)/2 and noise = 2a and noise of variance 1.25: precision 1 + 4/1.25 of a.
TEST(CausalGraphs, PredictionsByTheBackdoor) {
  expect_units(predicted(units(2, 1, 0.5), 20261202), "y",
               [](std::size_t i) { return 2 * outcomes[i] / 1.25 / 4.2 + 0.5 * held[i]; }, std::sqrt(1 + 1 / 4.2), "predictions");
}

}  // namespace
}  // namespace lockstep
