// Multivariate log densities against 50-digit values, for a scalar lane and for a pack: rules §4 allow 1e-10 relative to
// max(1, |reference|). Their derivatives are compared with dual numbers in joint_gradients_test.cpp.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "lockstep/data.hpp"
#include "lockstep/pack.hpp"
#include "lockstep/log_density.hpp"

namespace lockstep {
namespace {

using Values = std::vector<double>;

const nlohmann::json& golden(const char* distribution) {
  static const nlohmann::json all =
      nlohmann::json::parse(std::ifstream(LOCKSTEP_SOURCE_DIR "/tests/golden/joint_densities.json"));
  return all.at(distribution);
}

// A factor that is data.
struct Factor {
  std::vector<Values> at;
  double value(int i, int j) const { return at[std::size_t(i)][std::size_t(j)]; }
  template <class A> void pull(int, int, const A&) const {}
};

// The log density of one event in lanes of type T; every lane has the same.
template <class T, class D> double log_density(const D& d, int extent, const Values& y) {
  constexpr int width = LaneTraits<T>::width;
  std::vector<double> memory(std::size_t(3 * extent * width + 2 * width + 8));
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  double* aligned = memory.data() + (64 - address % 64) % 64 / sizeof(double);
  LogDensity<T> m(WholeTeam{}, Workspace{nullptr, nullptr, aligned, nullptr, width});
  PreparedJoint<LogDensity<T>, D> prepared(m, d, Dim{0, 0, extent});
  alignas(64) double lanes[width];
  LaneTraits<T>::store(lanes, prepared.log_density(m, d, DataEvent{y.data()}));
  for (int l = 1; l < width; ++l) EXPECT_EQ(lanes[l], lanes[0]);
  return lanes[0];
}

template <class D> void expect_right(const char* name, const nlohmann::json& c, const D& d, int extent, const Values& y, double& worst) {
  const double expected = std::stod(c.at("log_density").get<std::string>());
  for (const double got : {log_density<double>(d, extent, y), log_density<Pack>(d, extent, y)}) {
    const double error = std::abs(got - expected) / std::max(1., std::abs(expected));
    EXPECT_LE(error, 1e-10) << name << " " << c.dump() << " is " << got;
    worst = std::max(worst, error);
  }
}

TEST(JointDensity, OfTheDirichlet) {
  double worst = 0;
  for (const nlohmann::json& c : golden("dirichlet")) {
    const Values alpha = c.at("alpha"), y = c.at("y");
    expect_right("dirichlet", c, dirichlet([&](auto k) { return alpha[std::size_t(k.position)]; }), int(y.size()), y, worst);
  }
  fmt::print("    worst error {:.1e}\n", worst);
}

TEST(JointDensity, OfTheLkjCholesky) {
  double worst = 0;
  for (const nlohmann::json& c : golden("lkj_cholesky")) {
    const auto rows = c.at("factor").get<std::vector<Values>>();
    Values y;
    for (const Values& row : rows) {
      y.insert(y.end(), row.begin(), row.end());
      y.resize(y.size() + rows.size() - row.size());
    }
    expect_right("lkj_cholesky", c, lkj_cholesky(c.at("eta").get<double>()), int(rows.size()), y, worst);
  }
  fmt::print("    worst error {:.1e}\n", worst);
}

TEST(JointDensity, OfTheMultivariateNormal) {
  double worst = 0;
  for (const nlohmann::json& c : golden("mv_normal_cholesky")) {
    const Values mu = c.at("mu"), y = c.at("y");
    const Factor factor{c.at("factor").get<std::vector<Values>>()};
    expect_right("mv_normal_cholesky", c, mv_normal_cholesky([&](auto k) { return mu[std::size_t(k.position)]; }, factor),
                 int(y.size()), y, worst);
  }
  fmt::print("    worst error {:.1e}\n", worst);
}

// Of an argument that is data, element by element.
auto elements(const Values& values) {
  return [&](auto k) { return values[std::size_t(k.position)]; };
}

// A number that gathers its adjoint.
struct Watched : RecipeTag {
  double number;
  double* adjoint;
  static constexpr bool uniform = false;
  Watched(double v, double* a) : number(v), adjoint(a) {}
  struct Value {
    double value;
    double* adjoint;
    void pull(double d) const { *adjoint += d; }
  };
  template <class M> Value evaluate(const M&) const { return {number, adjoint}; }
};
void expect_slopes(const char* name, const nlohmann::json& c, const Values& adjoints, double& worst) {
  ASSERT_EQ(adjoints.size(), c.at("slopes").size());
  for (std::size_t i = 0; i < adjoints.size(); ++i) {
    const double expected = std::stod(c.at("slopes")[i].get<std::string>());
    const double error = std::abs(adjoints[i] - expected) / std::max(1., std::abs(expected));
    EXPECT_LE(error, 1e-9) << name << " " << c.dump() << ", slope " << i << " is " << adjoints[i];
    worst = std::max(worst, error);
  }
}

TEST(JointDensity, OfTheMultivariateNormalByItsPrecision) {
  double worst = 0;
  for (const nlohmann::json& c : golden("mv_normal_precision_cholesky")) {
    const Values mu = c.at("mu"), y = c.at("y");
    const Factor factor{c.at("factor").get<std::vector<Values>>()};
    expect_right("mv_normal_precision_cholesky", c, mv_normal_precision_cholesky(elements(mu), factor), int(y.size()), y, worst);
  }
  fmt::print("    worst error {:.1e}\n", worst);
}

TEST(JointDensity, OfTheMultivariateStudentT) {
  double worst = 0, worst_slope = 0;
  for (const nlohmann::json& c : golden("mv_student_t_cholesky")) {
    const Values mu = c.at("mu"), y = c.at("y");
    const Factor factor{c.at("factor").get<std::vector<Values>>()};
    const double nu = c.at("nu");
    expect_right("mv_student_t_cholesky", c, mv_student_t_cholesky(nu, elements(mu), factor), int(y.size()), y, worst);
    Values slope(1);
    log_density<double>(mv_student_t_cholesky(Watched(nu, slope.data()), elements(mu), factor), int(y.size()), y);
    expect_slopes("mv_student_t_cholesky", c, slope, worst_slope);
  }
  fmt::print("    worst error {:.1e}, of slopes {:.1e}\n", worst, worst_slope);
}

TEST(JointDensity, OfTheMultinomial) {
  double worst = 0;
  for (const nlohmann::json& c : golden("multinomial")) {
    const Values p = c.at("p"), y = c.at("y");
    const double n = std::accumulate(y.begin(), y.end(), 0.);
    expect_right("multinomial", c, multinomial(n, elements(p)), int(y.size()), y, worst);
  }
  fmt::print("    worst error {:.1e}\n", worst);
}

TEST(JointDensity, OfTheDirichletMultinomial) {
  double worst = 0, worst_slope = 0;
  for (const nlohmann::json& c : golden("dirichlet_multinomial")) {
    const Values alpha = c.at("alpha"), y = c.at("y");
    const double n = std::accumulate(y.begin(), y.end(), 0.);
    expect_right("dirichlet_multinomial", c, dirichlet_multinomial(n, elements(alpha)), int(y.size()), y, worst);
    Values slopes(alpha.size());
    const auto watched = [&](auto k) { return Watched(alpha[std::size_t(k.position)], &slopes[std::size_t(k.position)]); };
    log_density<double>(dirichlet_multinomial(n, watched), int(y.size()), y);
    expect_slopes("dirichlet_multinomial", c, slopes, worst_slope);
  }
  fmt::print("    worst error {:.1e}, of slopes {:.1e}\n", worst, worst_slope);
}

TEST(JointDensity, IsImpossibleForWhatAreNoCountsOfTheTrials) {
  const auto expect_impossible = [](const Values& y) {
    EXPECT_EQ(log_density<double>(multinomial(5, 0.25), 3, y), -INFINITY);
    EXPECT_EQ(log_density<Pack>(multinomial(5, 0.25), 3, y), -INFINITY);
    EXPECT_EQ(log_density<double>(dirichlet_multinomial(5, 2), 3, y), -INFINITY);
    EXPECT_EQ(log_density<Pack>(dirichlet_multinomial(5, 2), 3, y), -INFINITY);
  };
  expect_impossible({1, 2, 3});
  expect_impossible({-1, 3, 3});
  expect_impossible({1.5, 1.5, 2});
  // Nothing falls where the probability is 0; and what does is impossible.
  const Values none{0, 0.5, 0.5};
  EXPECT_NEAR(log_density<double>(multinomial(2, elements(none)), 3, {0, 1, 1}), std::log(0.5), 1e-14);
  EXPECT_EQ(log_density<double>(multinomial(2, elements(none)), 3, {1, 0, 1}), -INFINITY);
}

TEST(JointDensity, OfTheGaussianRandomWalk) {
  double worst = 0;
  for (const nlohmann::json& c : golden("gaussian_random_walk")) {
    const Values mu = c.at("mu"), sigma = c.at("sigma"), init = c.at("init"), y = c.at("y");
    expect_right("gaussian_random_walk", c, gaussian_random_walk(elements(mu), elements(sigma), normal(init[0], init[1])),
                 int(y.size()), y, worst);
  }
  fmt::print("    worst error {:.1e}\n", worst);
}

TEST(JointDensity, OfAnAutoregression) {
  double worst = 0;
  for (const nlohmann::json& c : golden("ar")) {
    const Values rho = c.at("rho"), init = c.at("init"), y = c.at("y");
    const double sigma = c.at("sigma");
    Data data;
    data.set("rho", rho);
    const DataViews views(data);
    Dataset set(views.view());
    const Real coefficients = set.real("rho", set.dim("lag"));
    expect_right("ar", c, ar(coefficients, sigma, normal(init[0], init[1])), int(y.size()), y, worst);
    if (rho.size() == 1) expect_right("ar", c, ar(rho[0], sigma, normal(init[0], init[1])), int(y.size()), y, worst);
  }
  fmt::print("    worst error {:.1e}\n", worst);
}

TEST(JointDensity, OfTheZeroSumNormal) {
  double worst = 0;
  for (const nlohmann::json& c : golden("zero_sum_normal")) {
    const Values y = c.at("y");
    expect_right("zero_sum_normal", c, zero_sum_normal(c.at("sigma").get<double>()), int(y.size()), y, worst);
  }
  fmt::print("    worst error {:.1e}\n", worst);
}

TEST(JointDensity, OfTheIntrinsicAutoregressionOfNeighbours) {
  double worst = 0;
  for (const nlohmann::json& c : golden("icar")) {
    const Values y = c.at("y");
    std::vector<int> first, second;
    for (const auto& pair : c.at("pairs")) first.push_back(pair[0]), second.push_back(pair[1]);
    const Dim pairs{1, 0, int(first.size())}, areas{0, 0, int(y.size())};
    expect_right("icar", c, icar(GroupIndex{first.data(), pairs, areas}, GroupIndex{second.data(), pairs, areas},
                                 c.at("sigma").get<double>()), int(y.size()), y, worst);
  }
  fmt::print("    worst error {:.1e}\n", worst);
}

TEST(JointDensity, OfStickBreakingWeights) {
  double worst = 0;
  for (const nlohmann::json& c : golden("stick_breaking_weights")) {
    const Values w = c.at("w");
    expect_right("stick_breaking_weights", c, stick_breaking_weights(c.at("alpha").get<double>()), int(w.size()), w, worst);
  }
  fmt::print("    worst error {:.1e}\n", worst);
}

}  // namespace
}  // namespace lockstep
