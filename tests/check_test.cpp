// What `check` finds: log densities site by site, impossible values, and gradients that are wrong.
#include "host/check.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "lockstep/model_table.hpp"
#include "lockstep/model.hpp"
#include "models/eight_schools.hpp"
#include "models/hmm.hpp"
#include "models/radon.hpp"

namespace lockstep {
namespace {

Data json(const std::string& text) { return Data::from_json(text, "data.json"); }
Data example(const std::string& name) {
  return Data::from_json_file(LOCKSTEP_SOURCE_DIR "/models/data/" + name + ".json");
}

struct Bound {
  Data data;
  HostModel model;
  Bound(const ModelTable* table, Data d) : data(std::move(d)), model(*table, data) {}
};

CheckReport check_at(const ModelTable* table, Data data, double each_coordinate) {
  const Bound b(table, std::move(data));
  return check(b.model, std::vector<double>(std::size_t(b.model.coordinates()), each_coordinate));
}
const SiteReport& site(const CheckReport& report, const std::string& name) {
  for (const SiteReport& each : report.sites)
    if (each.name == name) return each;
  throw std::runtime_error("no site " + name);
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The mean of x is a number into which nothing is pulled: the density is right, the gradient is not.
struct Lost {
  explicit Lost(Dataset&) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    m.param("x", normal(discontinued(mu), 1));
  }
  template <class Node> LOCKSTEP_FN static auto discontinued(const Node& node) { return Discontinued<decltype(node.use())>(node.use()); }
  template <class Use> struct Discontinued : RecipeTag {
    Use use;
    static constexpr bool uniform = true;
    LOCKSTEP_FN explicit Discontinued(const Use& u) : use(u) {}
    template <class T> struct Value {
      T value;
      template <class A> LOCKSTEP_FN void pull(const A&) const {}
    };
    template <class M> LOCKSTEP_FN auto evaluate(const M& m) const {
      return Value<typename M::value_type>{typename M::value_type(use.evaluate(m).value)};
    }
  };
};

// The support is wider than the distribution's.
struct Wide {
  explicit Wide(Dataset&) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    m.param("a", normal(0, 1));
    m.param("x", exponential(1), real_line());
  }
};

TEST(Check, SplitsTheLogDensityIntoItsSites) {
  const CheckReport report = check_at(model_table<models::EightSchools>(), json(R"({"y": [1, 2], "sigma": [3, 4]})"), 0.5);
  const double pi = 3.141592653589793, tau = std::exp(0.5), theta = 0.5 + 0.5 * tau;
  const auto log_normal = [&](double x, double mu, double sd) {
    return -0.5 * std::log(2 * pi) - std::log(sd) - 0.5 * std::pow((x - mu) / sd, 2);
  };
  EXPECT_EQ(report.coordinates, 4);
  EXPECT_NEAR(*site(report, "mu").log_density, log_normal(0.5, 0, 5), 1e-12);
  EXPECT_NEAR(*site(report, "tau").log_density, std::log(2 / (pi * 5 * (1 + tau * tau / 25))), 1e-12);
  EXPECT_NEAR(*site(report, "z").log_density, 2 * log_normal(0.5, 0, 1), 1e-12);
  EXPECT_NEAR(*site(report, "y").log_density, log_normal(1, theta, 3) + log_normal(2, theta, 4), 1e-12);
  EXPECT_FALSE(site(report, "theta").log_density.has_value());
  EXPECT_NEAR(report.log_jacobian, 0.5, 1e-12);  // tau = exp(x)
  EXPECT_EQ(site(report, "tau").support, std::string("positive"));
  EXPECT_EQ(site(report, "z").shape, "school 2");
  EXPECT_EQ(site(report, "mu").shape, "");
  EXPECT_TRUE(report.problems.empty());
}

TEST(Check, JointPriorsCountOncePerRow) {
  const CheckReport report = check_at(model_table<models::Hmm>(), example("hmm"), 0.1);
  EXPECT_TRUE(report.problems.empty()) << report.problems[0];
  EXPECT_TRUE(std::isfinite(report.log_jacobian));
}

TEST(Check, FindsGradientsThatAgree) {
  const CheckReport report = check_at(model_table<models::Radon>(), example("radon"), 0.3);
  ASSERT_TRUE(report.lanes && report.differences);
  EXPECT_TRUE(report.lanes->agrees);
  EXPECT_TRUE(report.differences->agrees);
  EXPECT_EQ(report.lanes->compared, report.coordinates);
  EXPECT_EQ(report.differences->compared, report.coordinates);
}

TEST(Check, NamesTheCoordinateWhoseGradientIsWrong) {
  const Bound b(model_table<Lost>(), Data());
  const CheckReport report = check(b.model, {0.5, 2});
  ASSERT_TRUE(report.lanes && report.differences);
  EXPECT_TRUE(report.lanes->agrees);
  EXPECT_FALSE(report.differences->agrees);
  EXPECT_EQ(report.differences->worst, "'mu'");
  EXPECT_NEAR(report.differences->value, -0.5, 1e-12);     // without what x pulls, x - mu
  EXPECT_NEAR(report.differences->other, -0.5 + 1.5, 1e-6);
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_TRUE(contains(report.problems[0], "The gradient by 'mu' is -0.5")) << report.problems[0];
}

TEST(Check, NamesTheFirstImpossibleObservation) {
  const CheckReport report =
      check_at(model_table<models::EightSchools>(), json(R"({"y": [1, 2, 3], "sigma": [1, -1, 0]})"), 0.5);
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_TRUE(contains(report.problems[0], "'y' is impossible at element 2 (its log density is NaN")) << report.problems[0];
  EXPECT_FALSE(report.lanes || report.differences);
}

TEST(Check, NamesTheFirstImpossibleParameter) {
  const CheckReport report = check_at(model_table<Wide>(), Data(), -0.5);
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_TRUE(contains(report.problems[0], "Parameter 'x' is impossible at element 1 (its log density is -inf")) << report.problems[0];
}

}  // namespace
}  // namespace lockstep
