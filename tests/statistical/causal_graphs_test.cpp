// do and observe on the five graphs that every causal argument is made of, against closed forms.
//
// Every node is normal about a linear function of its parents, with standard deviation 1, so that what is conditioned on and what is
// done have normal answers by hand. 64 chains of 400 draws; means and standard deviations in standard errors by their effective
// sample sizes (rules §3). False alarms: each |z| below its limit for 40 comparisons at 1% in all. One fixed seed.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/expect_normal.hpp"

namespace lockstep {
namespace {

constexpr double limit = 3.66;  // the normal quantile at 1 - 0.005/40

// Node k has coefficients on the nodes before it: a graph is its weights.
struct Graph {
  Dim node;
  Matrix weight;
  bool observed_last;
  explicit Graph(Dataset& d) : node(d.dim("node")), weight(d.matrix("weight", node, node)), observed_last(d.option("observed_last", false)) {}
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

Fit run(const Data& data) {
  SampleOptions options;
  options.chains = 64;
  options.draws = 400;
  options.seed = 20260817;
  options.processor = Processor::cpu;
  return sample<Graph>(data, options);
}

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

// Vectors: the same chain, element by element, with another value done to each; and data that are done have no say.
struct Vectors {
  Dim i;
  Real y;
  explicit Vectors(Dataset& d) : i(d.dim("i")), y(d.real("y", i)) {}
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1), i);
    auto b = m.param("b", i, [&](auto j) { return normal(2 * a[j], 1); });
    m.observe("y", y, i, [&](auto j) { return normal(b[j], 1); });
    m.deterministic("c", i, [&](auto j) { return 0.5 * b[j] + a[j]; });
  }
};
TEST(CausalGraphs, VectorsElementByElement) {
  Data data;
  data.set("y", {5., 5., 5.});
  data.set_do("b", {1., 2., 3.});
  SampleOptions options;
  options.chains = 64;
  options.draws = 400;
  options.seed = 20260818;
  options.processor = Processor::cpu;
  const Fit fit = sample<Vectors>(data, options);
  Fit elements = fit;
  for (int j = 0; j < 3; ++j) {
    Variable element = fit.variable("posterior", "c");
    element.dims.clear();
    element.shape.clear();
    std::vector<double> values;
    for (std::size_t k = std::size_t(j); k < element.values.size(); k += 3) values.push_back(element.values[k]);
    element.values = values;
    element.name = "c" + std::to_string(j);
    elements.groups.front().variables.push_back(element);
    expect_normal(elements, element.name.c_str(), 0.5 * (j + 1), 1);
  }
}

}  // namespace
}  // namespace lockstep
