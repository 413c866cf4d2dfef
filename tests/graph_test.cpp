// What reads what: the model's graph, as pairs and as Graphviz reads it.
#include <gtest/gtest.h>

#include <algorithm>

#include "host/graph.hpp"
#include "lockstep/lockstep.hpp"
#include "models/gp_regression.hpp"
#include "models/hmm.hpp"
#include "models/irt_2pl.hpp"
#include "models/logistic_regression.hpp"
#include "models/radon.hpp"

namespace lockstep {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

template <class Model> Pairs graph_of(const Data& data) { return HostModel(*model_table<Model>(), data).graph(); }
template <class Model> Pairs graph_of_zoo(const char* name) { return graph_of<Model>(example_data(*find_zoo_model(name))); }

TEST(Graph, OfAHierarchyWithANamedIntermediate) {
  EXPECT_EQ(graph_of_zoo<models::Radon>("radon"),
            (Pairs{{"alpha", "log_radon"}, {"alpha_raw", "alpha"}, {"beta_floor", "log_radon"}, {"beta_uranium", "log_radon"},
                   {"floor_measure", "log_radon"}, {"log_uppm", "log_radon"}, {"mu_alpha", "alpha"}, {"sigma_alpha", "alpha"},
                   {"sigma_y", "log_radon"}}));
}

TEST(Graph, GoesThroughLinearPredictorsAndFactorsWhichHaveNoNames) {
  const Pairs logistic = graph_of_zoo<models::LogisticRegression>("logistic_regression");
  for (const char* read : {"beta", "X"}) EXPECT_EQ(std::count(logistic.begin(), logistic.end(), std::pair<std::string, std::string>(read, "y")), 1) << read;
  const Pairs gp = graph_of_zoo<models::GpRegression>("gp_regression");
  for (const char* read : {"rate", "variance", "sigma", "x"}) EXPECT_EQ(std::count(gp.begin(), gp.end(), std::pair<std::string, std::string>(read, "y")), 1) << read;
  for (const auto& [from, to] : gp) EXPECT_TRUE(from[0] != '/' && to[0] != '/');
}

// Lazy quantities, recurrences, joint distributions, supports, potentials; and nothing else.
struct EveryEdge {
  Dim t, k;
  Real y;
  RealScalar s;
  explicit EveryEdge(Dataset& d) : t(d.dim("t")), k(d.dim("k", 2)), y(d.real("series", t)), s(d.scalar("s")) {}
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(0, 1));
    auto b = m.param("b", uniform(a, a + s));
    auto c = m.param("c", normal(0, 1), above(b));
    auto p = m.param("p", dirichlet(2), k);
    auto lazy = m.deterministic("lazy", a * c);
    auto rows = m.deterministic("rows", k, [&](auto j) { return p[j] + lazy; });
    auto kept = m.let("kept", k, [&](auto j) { return rows[j] * 2; });
    auto chain = m.scan("chain", t, b, [&](auto, auto before) { return before * 0.5 + a; });
    m.potential("bump", -square(c));
    m.observe("y", y, t.from(1), [&](auto j, auto past) { return normal(past(1) + chain[j] + kept[0], 1); });
  }
};
Data every_edge() {
  Data data;
  data.set("series", {1., 2., 3.});
  data.set("s", 1.);
  return data;
}
TEST(Graph, HasEveryKindOfSite) {
  EXPECT_EQ(graph_of<EveryEdge>(every_edge()),
            (Pairs{{"a", "b"}, {"a", "chain"}, {"a", "lazy"}, {"b", "c"}, {"b", "chain"}, {"c", "bump"}, {"c", "lazy"}, {"chain", "y"},
                   {"kept", "y"}, {"lazy", "rows"}, {"p", "rows"}, {"rows", "kept"}, {"s", "b"}, {"series", "y"}}));
}

// What is done has no parents.
TEST(Graph, LosesTheArrowsIntoWhatIsDone) {
  Data data = every_edge();
  data.set_do("lazy", {1.});
  data.set_do("b", {1.});
  for (const auto& [from, to] : graph_of<EveryEdge>(data)) EXPECT_TRUE(to != "lazy" && to != "b") << from << " -> " << to;
}

TEST(Graph, IsWrittenForGraphviz) {
  Data data = every_edge();
  data.set_do("b", {1.});
  const std::string text = graph_in_dot(HostModel(*model_table<EveryEdge>(), data), "every \"edge\"");
  for (const char* part : {"digraph \"every \\\"edge\\\"\" {\n", "  subgraph cluster_0 {\n    label=\"k (2)\";\n", "\"a\" [shape=ellipse];",
                           "\"y\" [shape=ellipse, style=filled, fillcolor=lightgrey];", "\"lazy\" [shape=box];", "\"b\" [shape=box, style=dashed];",
                           "\"series\" [shape=plaintext];", "\"bump\" [shape=diamond];", "  \"kept\" -> \"y\";\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '{'), std::count(text.begin(), text.end(), '}'));
}

}  // namespace
}  // namespace lockstep
