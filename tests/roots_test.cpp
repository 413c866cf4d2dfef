// Solutions of several equations: against closed forms, gradients by the oracles of gradient_oracles.hpp; lanes that find none, and
// mistakes.
#include "gradient_oracles.hpp"

#include "lockstep/lockstep.hpp"
#include "tests/model_error.hpp"

namespace lockstep {
namespace {

// A point by its distance and the slope of its direction: x = (r, r t) / sqrt(1 + t^2).
struct Polar {
  Dim axis;
  explicit Polar(Dataset& d) : axis(d.dim("axis", 2)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), axis);
    auto x = m.root("x", axis, 1, [&](auto v) { return equations(square(v[0]) + square(v[1]) - exp(2 * p[0]), v[1] - p[1] * v[0]); });
    m.potential("sum", 3 * x[0] - square(x[1]));
  }
};
TEST(Roots, OfAPointByItsDistanceAndDirectionAreTheClosedForm) {
  const Bound<Polar> bound{Data()};
  for (const Values& p : {Values{0, 0.5}, Values{3, -0.3}, Values{-4, 2}, Values{0.5, 0}}) {
    const double r = std::exp(p[0]), t = p[1], w = 1 + t * t, x = r / std::sqrt(w), y = x * t;
    const Result found = bound.scalar(p);
    const double scale = std::max(1., std::abs(3 * x) + y * y);
    EXPECT_NEAR(found.log_density, 3 * x - y * y, 1e-14 * scale);
    EXPECT_NEAR(found.gradient[0], 3 * x - 2 * y * y, 1e-13 * scale);
    EXPECT_NEAR(found.gradient[1], -3 * x * t / w - 2 * y * x / w, 1e-13 * scale);   // dx/dt = -x t / w, dy/dt = x / w
  }
  expect_right_gradients(bound);
}

// The equations read what a model has: scalars, vectors, data, a linear predictor; from a guess that is a vector.
struct ReadsEverything {
  Dim obs, column, unknown;
  Real y, guess;
  Matrix X;
  explicit ReadsEverything(Dataset& d)
      : obs(d.dim("obs")), column(d.dim("column")), unknown(d.dim("unknown", 3)), y(d.real("y", obs)), guess(d.real("guess", unknown)),
        X(d.matrix("X", obs, column)) {}
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", half_normal(1));
    auto b = m.param("b", normal(0, 1), column);
    auto line = m.linear(X, b);
    auto x = m.root("x", unknown, guess, [&](auto v) {
      return equations(v[0] * v[0] * v[0] + v[0] - a - v[1], 2 * v[1] + tanh(v[2]) - line[Index{1, obs.id}] - 0.1 * y[2],
                       v[2] + 0.5 * sin(v[0]) - sum(column, [&](auto k) { return a * b[k]; }));
    });
    auto second = m.root("second", unknown, [&](auto k) { return x[k]; },
                         [&](auto v) { return equations(exp(v[0]) - 1 - square(x[0]), v[1] - v[0] * x[1], v[2] + v[1] - b[0]); });
    m.observe("y", y, obs, [&](auto i) { return normal(line[i] + x[0] * second[2] + x[2], 1 + square(second[1])); });
  }
};
TEST(Roots, HaveRightGradientsWhateverTheirEquationsRead) {
  Numbers numbers(1);
  Data data;
  data.set("y", numbers.uniforms(7, -1, 1));
  data.set("guess", {0.1, 0, -0.2});
  std::vector<Values> X;
  for (int i = 0; i < 7; ++i) X.push_back(numbers.uniforms(2, -1, 1));
  data.set("X", X);
  expect_right_gradients(Bound<ReadsEverything>(data), 0.8);
}

// By whole steps Newton's method runs away from here.
struct FarAway {
  Dim unknown;
  explicit FarAway(Dataset& d) : unknown(d.dim("unknown", 2)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), unknown);
    auto x = m.root("x", unknown, 8, [&](auto v) { return equations(atan(v[0] - p[0]), exp(v[1]) - exp(p[1]) * (1 + square(v[0] - p[0]))); });
    m.potential("sum", x[0] + 2 * x[1]);
  }
};
TEST(Roots, AreFoundFromFarAway) {
  const Bound<FarAway> bound{Data()};
  for (const Values& p : {Values{-3, 0}, Values{30, 1}, Values{7, -4}}) {
    const Result found = bound.scalar(p);
    EXPECT_NEAR(found.log_density, p[0] + 2 * p[1], 1e-12);
    EXPECT_NEAR(found.gradient[0], 1, 1e-12);
    EXPECT_NEAR(found.gradient[1], 2, 1e-12);
  }
}

struct Circle {
  Dim unknown;
  explicit Circle(Dataset& d) : unknown(d.dim("unknown", 2)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat());
    auto x = m.root("x", unknown, [](auto k) { return 1. + k.position; },
                    [&](auto v) { return equations(square(v[0]) + square(v[1]) - p, v[1] - 2 * v[0]); });
    m.potential("sum", x[0]);
  }
};
TEST(Roots, ThatAreNoneEndThatLaneOnly) {
  const Bound<Circle> bound{Data()};
  std::vector<Values> positions;
  for (int lane = 0; lane < pack_width; ++lane) positions.push_back({lane == 1 ? -1. : 0.2 + 3. * lane});
  const std::vector<Result> found = bound.pack(positions);
  for (std::size_t lane = 0; lane < positions.size(); ++lane)
    if (lane == 1) EXPECT_FALSE(std::isfinite(found[lane].log_density));
    else EXPECT_NEAR(found[lane].log_density, std::sqrt(positions[lane][0] / 5), 1e-14 * (1 + positions[lane][0])) << lane;
  EXPECT_FALSE(std::isfinite(bound.scalar({-0.5}).log_density));
}

// Two constraints of one prior each, in draws by name.
struct ByName {
  Dim axis;
  explicit ByName(Dataset& d) : axis(d.dim("axis", 2)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", half_normal(1), axis);
    auto x = m.root("x", axis, 1, [&](auto v) { return equations(v[0] - square(p[0]), v[0] * v[1] - p[1]); });
    m.potential("sum", x[0]);
  }
};
TEST(Roots, AreInDrawsAndCanBeDone) {
  const Fit fit = sample_prior<ByName>(Data(), {.draws = 20, .seed = 3});
  const Values &p = fit.variable("prior", "p").values, &x = fit.variable("prior", "x").values;
  ASSERT_EQ(x.size(), 40u);
  for (std::size_t d = 0; d < 20; ++d) {
    EXPECT_NEAR(x[2 * d], p[2 * d] * p[2 * d], 1e-12);
    EXPECT_NEAR(x[2 * d + 1], p[2 * d + 1] / (p[2 * d] * p[2 * d]), 1e-9 * (1 + x[2 * d + 1]));
  }
  Data done;
  done.set_do("x", {2, 1});
  const DataViews views(done);
  const BoundModel<Polar> model(views.view());
  const double at[2] = {0.3, 0.2};
  double f = 0;
  Guarded gradient(2, garbage), memory(std::size_t(model.layout().scratch) + 1, garbage);
  const std::int64_t column = 0;
  model.gradient<double>(at, &f, gradient.data(), memory.data(), &column);
  EXPECT_EQ(f, 5);
  EXPECT_EQ(gradient[0], 0);
}

template <int what> struct Mistaken {
  Dim unknown, other;
  explicit Mistaken(Dataset& d) : unknown(d.dim("unknown", 2)), other(d.dim("other", 2)) {}
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", normal(0, 1), other);
    auto x = m.root("x", unknown, 1, [&](auto v) {
      if constexpr (what == 0) return equations(v[0], v[1], v[0]);
      else return equations(v[0], v[2]);
    });
    m.potential("sum", x[0]);
  }
};
template <int what> std::string mistake() {
  return model_error([] { Bound<Mistaken<what>>{Data()}; });
}
TEST(Roots, NameMistakes) {
  EXPECT_NE(mistake<0>().find("'x' has 3 equations (its dimension has 2 elements). Give one for each."), std::string::npos) << mistake<0>();
  EXPECT_NE(mistake<1>().find("'vector of unknowns' is read at element 2 (it has elements 0 to 1)"), std::string::npos) << mistake<1>();
}

}  // namespace
}  // namespace lockstep
