// What a prior that is not centred means, beside the same model written out with standard normals: coordinates, densities,
// values, draws, and what is done to such a parameter. Its gradients are in joint_gradients_test.cpp.
#include <gtest/gtest.h>

#include <boost/math/distributions/normal.hpp>

#include "bound_model.hpp"
#include "goodness_of_fit.hpp"
#include "lockstep/model.hpp"

namespace lockstep {
namespace {

struct InAWord {
  Dim school, effect;
  Real y;
  explicit InAWord(Dataset& d) : school(d.dim("school")), effect(d.dim("effect")), y(d.real("y", school)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 5));
    auto tau = m.param("tau", half_normal(5));
    auto whole = m.param("whole", non_centred(student_t(4, mu, tau)));
    auto theta = m.param("theta", non_centred(normal(mu, tau)), school);
    auto each = m.param("each", school, [&](auto j) { return non_centred(logistic(theta[j], tau)); });
    auto L = m.param("L", lkj_cholesky(2), effect);
    auto b = m.param("b", non_centred(mv_normal_cholesky(whole, L)), school, effect);
    m.observe("y", y, school, [&](auto j) { return normal(theta[j] + each[j] * b(j, 1), 1); });
  }
};
struct WrittenOut {
  Dim school, effect;
  Real y;
  explicit WrittenOut(Dataset& d) : school(d.dim("school")), effect(d.dim("effect")), y(d.real("y", school)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 5));
    auto tau = m.param("tau", half_normal(5));
    auto z = m.param("z", student_t(4, 0, 1));
    auto whole = m.let("whole", mu + tau * z);
    auto z_theta = m.param("z_theta", normal(0, 1), school);
    auto theta = m.let("theta", school, [&](auto j) { return mu + tau * z_theta[j]; });
    auto z_each = m.param("z_each", logistic(0, 1), school);
    auto each = m.let("each", school, [&](auto j) { return theta[j] + tau * z_each[j]; });
    auto L = m.param("L", lkj_cholesky(2), effect);
    auto z_b = m.param("z_b", normal(0, 1), school, effect);
    auto b = m.let("b", school, effect, [&](auto j, auto k) { return whole + dot(L.row(k), z_b.row(j)); });
    m.observe("y", y, school, [&](auto j) { return normal(theta[j] + each[j] * b(j, 1), 1); });
  }
};
Data schools() {
  Data data;
  data.set("y", {28., 8., -3., 7.});
  data.set("effect", 3);
  return data;
}

TEST(NonCentred, IsTheModelWrittenOutWithStandardCoordinates) {
  const Bound<InAWord> word(schools());
  const Bound<WrittenOut> written(schools());
  ASSERT_EQ(word.coordinates(), written.coordinates());
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    const Values x = some_position(word.coordinates(), seed);
    const double expected = written.log_density(x);
    EXPECT_NEAR(word.log_density(x), expected, 1e-12 * std::abs(expected));
    const Values ours = word.constrain(x), theirs = written.constrain(x), back = word.unconstrain(word.parameters(ours));
    for (const char* site : {"whole", "theta", "each", "b"}) {
      const Values a = word.part(ours, site), b = written.part(theirs, site);
      ASSERT_EQ(a.size(), b.size());
      for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-13 * std::max(1., std::abs(b[i]))) << site;
    }
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(back[i], x[i], 1e-11);
  }
  EXPECT_EQ(word.site("theta").kind, SiteKind::parameter);
  EXPECT_EQ(word.site("b").events, 4);
  EXPECT_STREQ(word.site("theta").support, "real");
}

// Of theta itself, not of its coordinates.
TEST(NonCentred, HasTheLogPriorOfItsValues) {
  const Bound<InAWord> bound(schools());
  const Values x = some_position(bound.coordinates(), 3), values = bound.constrain(x);
  const double mu = bound.part(values, "mu")[0], tau = bound.part(values, "tau")[0];
  std::size_t events = 0, first = 0;
  for (const SiteView& s : bound.sites()) {
    if (std::string(s.name) == "theta") first = events;
    if (s.kind == SiteKind::parameter) events += std::size_t(s.events);
  }
  Values log_prior(events);
  bound.model.generate({Meaning::log_prior, x.data(), nullptr, 0, 0, 0, 0, nullptr, log_prior.data()});
  for (std::size_t j = 0; j < 4; ++j) {
    const double z = (bound.part(values, "theta")[j] - mu) / tau;
    EXPECT_NEAR(log_prior[first + j], -0.5 * z * z - std::log(tau) - log_sqrt_of_2pi, 1e-12);
  }
}

TEST(NonCentred, IsDrawnFromItsPrior) {
  const Bound<InAWord> bound(schools());
  Sample standard, standard_row;
  for (std::uint32_t d = 0; d < 10000; ++d) {
    const auto drawn = bound.prior(20250901, 0, d);
    const Values again = bound.constrain(drawn.position);
    for (std::size_t i = 0; i < again.size(); ++i)
      ASSERT_NEAR(again[i], drawn.values[i], 1e-9 * std::max(1., std::abs(again[i])));
    const double mu = bound.part(again, "mu")[0], tau = bound.part(again, "tau")[0];
    standard.push_back((bound.part(again, "theta")[2] - mu) / tau);
    standard_row.push_back(bound.part(again, "b")[5] - bound.part(again, "whole")[0]);   // L has rows of length 1
  }
  const Cdf normal_cdf = [](double z) { return cdf(boost::math::normal(), z); };
  EXPECT_GT(kolmogorov_smirnov(standard, normal_cdf), 5e-4);
  EXPECT_GT(kolmogorov_smirnov(standard_row, normal_cdf), 5e-4);
}

TEST(NonCentred, CanBeDoneAndObserved) {
  Data done = schools();
  done.set_do("theta", {1, 2, 3, 4});
  const Bound<InAWord> with_do(done);
  EXPECT_EQ(with_do.coordinates(), Bound<InAWord>(schools()).coordinates() - 4);
  EXPECT_TRUE(std::isfinite(with_do.log_density(some_position(with_do.coordinates(), 4))));

  // Observed, theta has the density of its values.
  Data seen = schools();
  seen.set_observed("theta", {1, 2, 3, 4});
  const Bound<InAWord> observed(seen);
  const Values x = some_position(observed.coordinates(), 4), values = observed.constrain(x);
  const double mu = observed.part(values, "mu")[0], tau = observed.part(values, "tau")[0];
  double expected = 0;
  for (const double theta : {1, 2, 3, 4}) expected += -0.5 * std::pow((theta - mu) / tau, 2) - std::log(tau) - log_sqrt_of_2pi;
  EXPECT_NEAR(observed.log_density(x) - with_do.log_density(x), expected, 1e-10 * std::abs(expected));
}

}  // namespace
}  // namespace lockstep
