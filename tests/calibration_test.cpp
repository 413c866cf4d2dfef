// Simulation-based calibration: its p-values are exact, it finds planted errors, and right models pass.
//
// Chance: PlantedErrorsInRanks and the p-values use fixed seeds. The right models are each tested at level 1e-3 by a fixed seed.
#include "lockstep/calibration.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "bound_model.hpp"
#include "lockstep/lockstep.hpp"

namespace lockstep {
namespace {

// ---- p-values ---------------------------------------------------------------------------------------------------------

std::vector<int> uniform_ranks(int count, int most, Stream& random) {
  std::vector<int> ranks;
  for (int i = 0; i < count; ++i) ranks.push_back(std::min(most, int(random.uniform() * (most + 1))));
  return ranks;
}

// By hand: two ranks on 0 ... 1. At the one point, k = 0, the count below is Bin(2, 1/2): both 0 or both 1 have the tail 1/4,
// which half of all cases have; one of each is the least extreme of all.
TEST(UniformRanks, AreJudgedExactlyInASmallCase) {
  EXPECT_NEAR(uniform_ranks_p_value({0, 0}, 1), 0.5, 1e-12);
  EXPECT_NEAR(uniform_ranks_p_value({1, 1}, 1), 0.5, 1e-12);
  EXPECT_NEAR(uniform_ranks_p_value({0, 1}, 1), 1, 1e-12);
  EXPECT_EQ(uniform_ranks_p_value({}, 9), 1);
}

// A p-value at or below p has a chance of at most p, and nearly p where there are many values it can take.
TEST(UniformRanks, HaveAPValueBelowPWithChanceP) {
  Stream random({.seed = 41});
  const int repetitions = 4000;
  std::vector<double> p_values;
  for (int r = 0; r < repetitions; ++r) p_values.push_back(uniform_ranks_p_value(uniform_ranks(60, 19, random), 19));
  for (const double p : {0.01, 0.05, 0.2, 0.5}) {
    const double share = double(std::count_if(p_values.begin(), p_values.end(), [&](double each) { return each <= p; })) / repetitions;
    const double se = std::sqrt(p * (1 - p) / repetitions);
    EXPECT_LT(share, p + 4 * se) << p;       // false alarm: 3e-5 each
    EXPECT_GT(share, 0.8 * p - 4 * se) << p;
  }
}

// Posteriors of a true value from N(0, 1) that are wrong in a way that errors of models are: found in 95% of studies at least, at the
// level of 12 models of 10 quantities (rules §6).
TEST(UniformRanks, OfPlantedErrorsAreFound) {
  struct Error {
    const char* what;
    double shift, scale;
  };
  const int studies = 100, fits = 1000, most = 100;
  for (const Error& error : {Error{"a biased posterior", 0.25, 1}, Error{"too narrow", 0, 0.75}, Error{"too wide", 0, 1.33}}) {
    int found = 0;
    for (int s = 0; s < studies; ++s) {
      Stream random({.seed = 5, .chain = std::uint32_t(s)});
      std::vector<int> ranks;
      for (int f = 0; f < fits; ++f) {
        const double truth = random.normal();
        int below = 0;
        for (int d = 0; d < most; ++d) below += error.shift + error.scale * random.normal() < truth;
        ranks.push_back(below);
      }
      found += uniform_ranks_p_value(ranks, most) < 0.01 / 120;
    }
    EXPECT_GE(found, 95) << error.what;
  }
}

// ---- models ---------------------------------------------------------------------------------------------------------

struct Mean {
  Dim i;
  Real y;
  explicit Mean(Dataset& d) : i(d.dim("i")), y(d.real("y", i)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    m.deterministic("fixed", mu - mu);
    m.observe("y", y, i, [&](auto) { return normal(mu, sigma); });
  }
};

// A density whose scale is not that of its draws.
struct WrongNormalKernel : NormalKernel {
  template <class Y, class Mu, class S> LOCKSTEP_FN static auto density(const Y& y, const Mu& mu, const S& scale) {
    const auto right = NormalKernel::density(y, mu, scale);
    return partials(1.7 * right.log_density, 1.7 * right.d_value, 1.7 * get<0>(right.d_arguments), 1.7 * get<1>(right.d_arguments));
  }
};
struct Wrong : Mean {
  using Mean::Mean;
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    m.observe("y", y, i, [&](auto) { return make_distribution<WrongNormalKernel>(argument<Location>(mu), argument<Scale>(sigma)); });
  }
};

Data six() {
  Data data;
  data.set("y", std::vector<double>{1, 2, 3, 4, 5, 6});
  return data;
}
CalibrationOptions few() {
  CalibrationOptions options;
  options.fits = 200;
  options.draws = 32;
  options.level = 1e-3;
  options.seed = 7;
  return options;
}

TEST(Calibration, PassesARightModelAndFindsAWrongOne) {
  const Calibration right = calibrate<Mean>(six(), few()), wrong = calibrate<Wrong>(six(), few());
  EXPECT_TRUE(right.passed()) << report(right);
  ASSERT_EQ(right.quantities.size(), 4u);
  EXPECT_EQ(right.quantities[2].name, "fixed");      // ties are broken at random
  EXPECT_EQ(right.quantities[3].name, "log likelihood");
  EXPECT_EQ(right.quantities[0].ranks.size(), 200u);
  EXPECT_FALSE(wrong.passed());
  EXPECT_NE(report(wrong).find("not uniform"), std::string::npos);
}

TEST(Calibration, DoesNotDependOnThreads) {
  CalibrationOptions one = few(), two = few();
  one.fits = two.fits = 20;
  one.threads = 1, two.threads = 2;
  const Calibration a = calibrate<Mean>(six(), one), b = calibrate<Mean>(six(), two);
  for (std::size_t q = 0; q < a.quantities.size(); ++q) EXPECT_EQ(a.quantities[q].ranks, b.quantities[q].ranks);
}

// The field of another name than the site, some of which is missing, and another observed site that the user acts on.
struct Named {
  Dim i;
  Real x, y;
  explicit Named(Dataset& d) : i(d.dim("i")), x(d.real("x", i)), y(d.real("values", i)) {}
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    auto full = m.observe("x", x, i, [&](auto) { return normal(mu, 1); });
    m.observe("y", y, i, [&](auto j) { return normal(full[j], 0.5); });
  }
};
TEST(Calibration, PutsSimulatedDataWhereTheModelReadsThem) {
  Data data;
  data.set("x", std::vector<double>{1, nan, 2, 3});
  data.set("values", std::vector<double>{1, 1, 2, 3});
  const Calibration calibration = calibrate<Named>(data, few());
  EXPECT_TRUE(calibration.passed()) << report(calibration);
  ASSERT_EQ(calibration.quantities.size(), 3u);
  EXPECT_EQ(calibration.quantities[1].name.substr(0, 12), "x_unobserved");
}

struct FlatPrior : Mean {
  using Mean::Mean;
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", flat());
    m.observe("y", y, i, [&](auto) { return normal(mu, 1); });
  }
};
struct WithPotential : Mean {
  using Mean::Mean;
  template <class M> void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    m.potential("p", -square(mu));
  }
};
TEST(Calibration, RefusesWhatCannotBeSimulated) {
  expect_model_error([] { calibrate<FlatPrior>(six(), few()); }, {"parameter 'mu' has a flat prior"});
  EXPECT_THROW(calibrate<WithPotential>(six(), few()), SampleError);
  CalibrationOptions options = few();
  options.fits = 3;
  EXPECT_THROW(calibrate<Mean>(six(), options), SampleError);
  options = few();
  options.draws = 0;
  EXPECT_THROW(calibrate<Mean>(six(), options), SampleError);
}

}  // namespace
}  // namespace lockstep
