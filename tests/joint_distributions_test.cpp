// Multivariate log densities against 50-digit values, for a scalar lane and for a pack: rules §4 allow 1e-10 relative to
// max(1, |reference|). Their derivatives are compared with dual numbers in joint_gradients_test.cpp.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

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

}  // namespace
}  // namespace lockstep
