// What keeps the reverse sweep right: nodes stay where they are, submodels are aggregates of nodes, and an expression
// over nodes that are gone is found.
//
// This file is compiled with the liveness check, whatever the build. Its models run on a team of its own, so that no
// node's type is shared with code that was compiled without.
#if !defined(LOCKSTEP_CHECK_LIVENESS)
#define LOCKSTEP_CHECK_LIVENESS 1
#endif

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "lockstep/gradient.hpp"
#include "lockstep/pack.hpp"
#include "lockstep/data.hpp"
#include "lockstep/generate.hpp"
#include "lockstep/model.hpp"

namespace lockstep {
namespace {

using Values = std::vector<double>;

struct TeamOfThisFile : WholeTeam {};
using Context = LogDensity<double, TeamOfThisFile>;
using PackContext = LogDensity<Pack, TeamOfThisFile>;

// The data of all models here.
struct Schools {
  Dim school;
  Real y, sigma;
  Matrix X;
  explicit Schools(Dataset& d)
      : school(d.dim("school")),
        y(d.real("y", school)),
        sigma(d.real("sigma", school)),
        X(d.matrix("X", school, school)) {}
};

struct Result {
  double log_density = 0;
  Values gradient;
};

template <class Model>
Result run(const Values& position) {
  Data data;
  data.set("y", {2.8, 0.8, -0.3, 0.7});
  data.set("sigma", {1.5, 1, 1.6, 1.1});
  data.set("X", std::vector<Values>{{1, 2, 0, 1}, {0, 1, 1, -1}, {3, 0, 1, 0.5}, {1, 1, 1, 1}});
  const DataViews views(data);
  Dataset set(views.view());
  { const Model sizes(set); }  // the first pass learns the dimensions' sizes
  const Model model(set);
  EXPECT_EQ(model.school.size, 4);
  Result r;
  r.gradient.resize(position.size());
  Values scratch(100);
  const Workspace workspace{position.data(), r.gradient.data(), scratch.data(), nullptr, 1};
  r.log_density = log_density_gradient<double, false>(model, TeamOfThisFile{}, workspace, int(position.size()));
  return r;
}

template <class Model>
void expect_gradient_of_its_own_density(const Values& position) {
  const Result r = run<Model>(position);
  for (std::size_t i = 0; i < position.size(); ++i) {
    constexpr double h = 1e-5;
    Values up = position, down = position;
    up[i] += h;
    down[i] -= h;
    const double slope = (run<Model>(up).log_density - run<Model>(down).log_density) / (2 * h);
    EXPECT_NEAR(r.gradient[i], slope, 1e-8 * std::max(1., std::abs(slope))) << "coordinate " << i;
  }
}

const Values somewhere{0.4, -0.3, 0.5, -1.1, 0.2, 0.9};

// ---- submodels ----------------------------------------------------------------------------------------------------

// The reference: everything in one function.
struct Inline : Schools {
  using Schools::Schools;
  template <class M>
  void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 5));
    auto tau = m.param("tau", half_cauchy(5));
    auto z = m.param("z", normal(0, 1), school);
    m.observe("y", y, school, [&](auto j) { return normal(mu + tau * z[j], sigma[j]); });
  }
};

// A submodel: an aggregate whose members are its nodes, made where it is returned.
template <class Mu, class Tau, class Z>
struct NonCentred {
  Mu mu;
  Tau tau;
  Z z;
  template <class J>
  auto operator[](J j) const {
    return mu + tau * z[j];
  }
};
template <class Mu, class Tau, class Z>
NonCentred(Mu, Tau, Z) -> NonCentred<Mu, Tau, Z>;

template <class M>
auto non_centred(M& m, Dim dim) {
  return NonCentred{m.param("mu", normal(0, 5)), m.param("tau", half_cauchy(5)), m.param("z", normal(0, 1), dim)};
}

struct Aggregate : Schools {
  using Schools::Schools;
  template <class M>
  void operator()(M& m) const {
    auto theta = non_centred(m, school);
    m.observe("y", y, school, [&](auto j) { return normal(theta[j], sigma[j]); });
  }
};

// Aggregates within aggregates.
template <class Mu, class Tau>
struct Hyper {
  Mu mu;
  Tau tau;
};
template <class Mu, class Tau>
Hyper(Mu, Tau) -> Hyper<Mu, Tau>;
template <class H, class Z>
struct Nested {
  H hyper;
  Z z;
  template <class J>
  auto operator[](J j) const {
    return hyper.mu + hyper.tau * z[j];
  }
};
template <class H, class Z>
Nested(H, Z) -> Nested<H, Z>;

template <class M>
auto hyper(M& m) {
  return Hyper{m.param("mu", normal(0, 5)), m.param("tau", half_cauchy(5))};
}
template <class M>
auto nested(M& m, Dim dim) {
  return Nested{hyper(m), m.param("z", normal(0, 1), dim)};
}

struct NestedAggregates : Schools {
  using Schools::Schools;
  template <class M>
  void operator()(M& m) const {
    auto theta = nested(m, school);
    m.observe("y", y, school, [&](auto j) { return normal(theta[j], sigma[j]); });
  }
};

// A class whose constructor makes its nodes, a later one from an earlier one.
template <class M>
struct Constructed {
  decltype(std::declval<M&>().param("mu", normal(0, 5))) mu;
  decltype(std::declval<M&>().param("tau", half_cauchy(5))) tau;
  decltype(std::declval<M&>().param("z", normal(0, 1), Dim{})) z;
  decltype(std::declval<M&>().let("twice", mu * 2)) twice;
  Constructed(M& m, Dim dim)
      : mu(m.param("mu", normal(0, 5))),
        tau(m.param("tau", half_cauchy(5))),
        z(m.param("z", normal(0, 1), dim)),
        twice(m.let("twice", mu * 2)) {}
  template <class J>
  auto operator[](J j) const {
    return 0.5 * twice + tau * z[j];
  }
};

struct ConstructedSubmodel : Schools {
  using Schools::Schools;
  template <class M>
  void operator()(M& m) const {
    Constructed<M> theta(m, school);
    m.observe("y", y, school, [&](auto j) { return normal(theta[j], sigma[j]); });
  }
};

// Expressions that are named on the way, inside a plate's lambda and outside.
struct NamedExpressions : Schools {
  using Schools::Schools;
  template <class M>
  void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 5));
    auto tau = m.param("tau", half_cauchy(5));
    auto z = m.param("z", normal(0, 1), school);
    const auto zero = mu - mu;
    auto center = mu + zero;
    const auto& same_center = center;
    m.observe("y", y, school, [&](auto j) {
      auto offset = tau * z[j];
      const auto scaled = [&](auto by) { return offset * by; };
      auto mean = same_center + scaled(1.);
      return normal(mean, sigma[j]);
    });
  }
};

template <class Model>
void expect_like_inline() {
  const Result expected = run<Inline>(somewhere), r = run<Model>(somewhere);
  EXPECT_NEAR(r.log_density, expected.log_density, 1e-13);
  for (std::size_t i = 0; i < somewhere.size(); ++i)
    EXPECT_NEAR(r.gradient[i], expected.gradient[i], 1e-13) << "coordinate " << i;
}

TEST(Submodel, ThatIsAnAggregateOfItsNodesHasTheRightGradient) {
  expect_gradient_of_its_own_density<Inline>(somewhere);
  expect_gradient_of_its_own_density<Aggregate>(somewhere);
  expect_like_inline<Aggregate>();
}

TEST(Submodel, MadeOfSubmodelsHasTheRightGradient) { expect_like_inline<NestedAggregates>(); }

TEST(Submodel, WhoseConstructorMakesItsNodesHasTheRightGradient) {
  expect_gradient_of_its_own_density<ConstructedSubmodel>(somewhere);
  expect_like_inline<ConstructedSubmodel>();
}

TEST(Submodel, MayNameExpressionsOnTheWay) { expect_like_inline<NamedExpressions>(); }

// ---- expressions that outlive their nodes -------------------------------------------------------------------------

// Each function returns something that reads a node local to it. All of these compile, and without the check give the
// right density and a wrong gradient.
template <class M>
auto sum_over_local(M& m) {
  auto mu = m.param("mu", normal(0, 5));
  return mu + 1.;
}
template <class M>
auto element_of_local(M& m, Dim dim) {
  auto z = m.param("z", normal(0, 1), dim);
  return z[0] * 2.;
}
template <class M>
auto vector_over_locals(M& m, Dim dim) {
  auto mu = m.param("mu", normal(0, 5));
  auto z = m.param("z", normal(0, 1), dim);
  return m.deterministic("theta", dim, [&](auto j) { return mu + z[j]; });
}
template <class M>
auto let_over_local(M& m) {
  auto mu = m.param("mu", normal(0, 5));
  return m.let("twice", mu * 2.);
}

template <class M>
auto predictor_over_local(M& m, const Schools& schools) {
  auto z = m.param("z", normal(0, 1), schools.school);
  return m.linear(schools.X, z);
}
// The dead node's place on the stack may hold a live one of its type.
template <class M>
[[gnu::noinline]] auto sum_over_local_of_a_call(M& m) {
  auto mu = m.param("mu", normal(0, 5));
  return mu + 1.;
}
template <class M, class E>
[[gnu::noinline]] void observe_beside_another_node(M& m, const E& e, const Schools& schools) {
  auto mu = m.param("another", normal(0, 5));
  m.observe("y", schools.y, schools.school, [&](auto j) { return normal(e, schools.sigma[j]); });
}

template <int which>
struct Forbidden : Schools {
  using Schools::Schools;
  template <class M>
  void operator()(M& m) const {
    if constexpr (which == 0) {
      auto mu = sum_over_local(m);
      m.observe("y", y, school, [&](auto j) { return normal(mu, sigma[j]); });
    } else if constexpr (which == 1) {
      auto z = element_of_local(m, school);
      m.observe("y", y, school, [&](auto j) { return normal(z, sigma[j]); });
    } else if constexpr (which == 2) {
      auto theta = vector_over_locals(m, school);
      m.observe("y", y, school, [&](auto j) { return normal(theta[j], sigma[j]); });
    } else if constexpr (which == 3) {
      auto twice = let_over_local(m);
      m.observe("y", y, school, [&](auto j) { return normal(twice, sigma[j]); });
    } else if constexpr (which == 4) {
      observe_beside_another_node(m, sum_over_local_of_a_call(m), *this);
    } else if constexpr (which == 5) {
      auto mean = predictor_over_local(m, *this);
      m.observe("y", y, school, [&](auto j) { return normal(mean[j], sigma[j]); });
    } else {
      // The node is a temporary: gone at the semicolon.
      auto shifted = m.param("mu", normal(0, 5)) + 1.;
      m.observe("y", y, school, [&](auto j) { return normal(shifted, sigma[j]); });
    }
  }
};

// The address sanitizer, where it is on, sees the same mistake first.
constexpr const char* found = "no longer exists|AddressSanitizer: stack-use-after";

TEST(LivenessDeathTest, AnExpressionOverALocalNodeIsFound) { EXPECT_DEATH(run<Forbidden<0>>(somewhere), found); }
TEST(LivenessDeathTest, AnElementOfALocalVectorIsFound) { EXPECT_DEATH(run<Forbidden<1>>(somewhere), found); }
TEST(LivenessDeathTest, AVectorOverLocalNodesIsFound) { EXPECT_DEATH(run<Forbidden<2>>(somewhere), found); }
TEST(LivenessDeathTest, AnIntermediateOverALocalNodeIsFound) { EXPECT_DEATH(run<Forbidden<3>>(somewhere), found); }
TEST(LivenessDeathTest, AnExpressionOverANodeReplacedByAnotherIsFound) {
  EXPECT_DEATH(run<Forbidden<4>>(somewhere), found);
}
TEST(LivenessDeathTest, ALinearPredictorOverLocalCoefficientsIsFound) {
  EXPECT_DEATH(run<Forbidden<5>>(somewhere), found);
}
TEST(LivenessDeathTest, AnExpressionOverATemporaryNodeIsFound) { EXPECT_DEATH(run<Forbidden<6>>(somewhere), found); }

// ---- nodes are neither copied, nor moved, nor assigned ------------------------------------------------------------

template <class Node>
constexpr bool stays_put = !std::is_copy_constructible_v<Node> && !std::is_move_constructible_v<Node> &&
                           !std::is_copy_assignable_v<Node> && !std::is_move_assignable_v<Node>;

template <class M>
constexpr bool all_nodes_stay_put() {
  using Scalar = decltype(std::declval<M&>().param("a", normal(0, 1)));
  using Vector = decltype(std::declval<M&>().param("v", normal(0, 1), Dim{}));
  const auto element = [](auto) { return Constant(1); };
  const auto prior = [](auto) { return normal(0, 1); };
  const auto step = [](auto, auto last) { return last * 2; };
  static_assert(stays_put<Scalar>);
  static_assert(stays_put<Vector>);
  static_assert(stays_put<decltype(std::declval<M&>().param("a", half_normal(1)))>);
  static_assert(stays_put<decltype(std::declval<M&>().param("a", normal(0, 1), above(2)))>);
  static_assert(stays_put<decltype(std::declval<M&>().param("a", uniform(std::declval<const Scalar&>(), 2)))>);
  static_assert(stays_put<decltype(std::declval<M&>().param("v", normal(0, 1), Dim{}, ordered()))>);
  static_assert(stays_put<decltype(std::declval<M&>().param("v", Dim{}, prior))>);
  static_assert(stays_put<decltype(std::declval<M&>().let("l", std::declval<const Scalar&>() * 2))>);
  static_assert(stays_put<decltype(std::declval<M&>().let("l", Dim{}, element))>);
  static_assert(stays_put<decltype(std::declval<M&>().scan("s", Dim{}, 0, step))>);
  static_assert(stays_put<decltype(std::declval<M&>().linear(Matrix{}, std::declval<const Vector&>()))>);
  return true;
}
static_assert(all_nodes_stay_put<Context>());
static_assert(all_nodes_stay_put<PackContext>());
static_assert(all_nodes_stay_put<Generate>());

// The coefficients of a linear predictor are read again in the reverse sweep, so they are no temporary.
template <class M, class V>
concept TakesTemporaryCoefficients = requires(M& m, const Matrix& X, V&& v) {
  m.linear(X, std::move(v));
};
template <class M, class V>
concept TakesCoefficients = requires(M& m, const Matrix& X, const V& v) {
  m.linear(X, v);
};
template <class M>
using VectorOf = decltype(std::declval<M&>().param("v", normal(0, 1), Dim{}));
static_assert(TakesCoefficients<Context, VectorOf<Context>> && !TakesTemporaryCoefficients<Context, VectorOf<Context>>);
static_assert(TakesCoefficients<Generate, VectorOf<Generate>> &&
              !TakesTemporaryCoefficients<Generate, VectorOf<Generate>>);

// ---- a model does not branch on a value ---------------------------------------------------------------------------

// clang-format off
template <class A, class B>
concept Compares = requires(const A& a, const B& b) { bool(a < b); } || requires(const A& a, const B& b) { bool(a > b); } ||
                   requires(const A& a, const B& b) { bool(a <= b); } || requires(const A& a, const B& b) { bool(a >= b); } ||
                   requires(const A& a, const B& b) { bool(a == b); } || requires(const A& a, const B& b) { bool(a != b); };
template <class A>
concept Decides = requires(const A& a) { a ? 1 : 0; } || requires(const A& a) { !a; } ||
                  requires(const A& a) { a && a; } || std::is_convertible_v<A, double> ||
                  std::is_convertible_v<A, bool>;
// clang-format on

template <class M>
constexpr bool does_not_branch() {
  using Scalar = decltype(std::declval<M&>().param("a", normal(0, 1)));
  using Vector = decltype(std::declval<M&>().param("v", normal(0, 1), Dim{}));
  using Element = decltype(std::declval<const Vector&>()[Index{}]);
  using Sum = decltype(std::declval<const Scalar&>() + std::declval<const Element&>());
  using Let = decltype(std::declval<M&>().let("l", std::declval<const Sum&>()));
  static_assert(!Decides<Scalar> && !Decides<Element> && !Decides<Sum> && !Decides<Let>);
  static_assert(!Compares<Scalar, Scalar> && !Compares<Scalar, double> && !Compares<double, Scalar> &&
                !Compares<Scalar, int>);
  static_assert(!Compares<Element, Element> && !Compares<Element, double> && !Compares<Sum, Scalar> &&
                !Compares<int, Sum>);
  static_assert(!Compares<Let, double> && !Compares<Let, Let>);
  return true;
}
static_assert(does_not_branch<Context>());
static_assert(does_not_branch<PackContext>());
static_assert(does_not_branch<Generate>());
static_assert(Compares<double, double> && Decides<double>);  // the concepts do see what compiles

}  // namespace
}  // namespace lockstep
