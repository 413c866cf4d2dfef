// Draws from priors (Meaning::prior) and likelihoods (Meaning::predict) as models make them, against Boost.Math's CDFs:
// Kolmogorov-Smirnov for continuous values, chi-square for discrete ones.
//
// All comparisons together raise a false alarm with probability 1e-3 (Bonferroni), at fixed seeds.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/cauchy.hpp>
#include <boost/math/distributions/exponential.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/inverse_gamma.hpp>
#include <boost/math/distributions/lognormal.hpp>
#include <boost/math/distributions/negative_binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/goodness_of_fit.hpp"

#include "lockstep/data.hpp"
#include "lockstep/generate.hpp"

namespace lockstep {
namespace {

namespace bm = boost::math;

constexpr std::uint64_t seed = 20250117;
constexpr double family_level = 1e-3;
constexpr int sample_size = 50000;

// ---- goodness of fit -----------------------------------------------------------------------------------------------

struct Comparison {
  std::string name;
  double p_value;
};

template <class D> Cdf cdf_of(const D& distribution) {
  return [=](double x) { return cdf(distribution, x); };
}

// ---- drawing -------------------------------------------------------------------------------------------------------

// Every value that the model gives out in one run, in order of its sites.
template <class Model>
Sample run(const Model& model, Meaning meaning, int values, std::uint32_t draw, const double* position = nullptr) {
  Sample out(std::size_t(values), std::nan("")), coordinates(std::size_t(values) + 8);
  Generate::Inputs inputs;
  inputs.meaning = meaning;
  inputs.stream = {seed, 0, 0, draw, meaning == Meaning::prior ? Purpose::prior_draw : Purpose::predictive};
  inputs.position = position;
  inputs.position_out = meaning == Meaning::prior ? coordinates.data() : nullptr;
  inputs.out = out.data();
  Generate m(inputs);
  model(m);
  return out;
}

// One value of each of many runs: value `which` of `values`.
template <class Model> Sample across_runs(const Model& model, int values, int which) {
  Sample sample;
  for (int i = 0; i < sample_size; ++i)
    sample.push_back(run(model, Meaning::prior, values, std::uint32_t(i))[std::size_t(which)]);
  return sample;
}

const Dim elements{0, 0, sample_size};

template <class D> struct Prior {
  D distribution;
  template <class M> void operator()(M& m) const { m.param("x", distribution, elements); }
};
template <class D, class S> struct PriorOn {
  D distribution;
  S support;
  template <class M> void operator()(M& m) const { m.param("x", distribution, elements, support); }
};
template <class D> Sample prior(const D& distribution) {
  return run(Prior<D>{distribution}, Meaning::prior, sample_size, 0);
}
template <class D, class S> Sample prior(const D& distribution, const S& support) {
  return run(PriorOn<D, S>{distribution, support}, Meaning::prior, sample_size, 0);
}

// Data to be simulated; their own values do not matter.
class Observed {
 public:
  Observed() : views_(data_ = make()), set_(views_.view()), y(set_.real("y", set_.dim("n"))) {}

 private:
  static Data make() {
    Data data;
    data.set("y", Sample(std::size_t(sample_size), -1.));
    return data;
  }
  Data data_;
  DataViews views_;
  Dataset set_;

 public:
  Real y;
};

template <class D> struct Likelihood {
  D distribution;
  Real y;
  template <class M> void operator()(M& m) const {
    m.observe("y", y, y.dim, [&](auto) { return distribution; });
  }
};
template <class D> Sample predicted(const D& distribution) {
  const Observed data;
  return run(Likelihood<D>{distribution, data.y}, Meaning::predict, sample_size, 0);
}

// ---- models with more than one node --------------------------------------------------------------------------------

struct Hierarchy {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", normal(1, 2));
    m.param("b", normal(a, 1.5));
  }
};
struct StickBreaking {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", uniform(0, 1));
    m.param("b", uniform(0, 1 - a));
  }
};
struct AboveAnother {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", uniform(-1, 1));
    m.param("b", exponential(2), above(0.5 * a + 0.5));
  }
};
template <int size> struct OrderedVector {
  template <class M> void operator()(M& m) const { m.param("v", normal(0.5, 2), Dim{0, 0, size}, ordered()); }
};
// Each element of a plate with a mean of its own; parameters come from the position.
struct Regression {
  Real y;
  template <class M> void operator()(M& m) const {
    auto slope = m.param("slope", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    m.observe("y", y, y.dim, [&](auto j) { return normal(slope * y[j] * 3, sigma); });
  }
};

// ---- the comparisons -----------------------------------------------------------------------------------------------

std::vector<Comparison> compare_everything() {
  std::vector<Comparison> result;
  auto continuous = [&](const std::string& name, const Sample& sample, const Cdf& cdf) {
    result.push_back({name, kolmogorov_smirnov(sample, cdf)});
  };
  // The same draws as a prior and as a likelihood.
  auto both = [&](const std::string& name, const auto& distribution, const Cdf& cdf) {
    continuous("prior " + name, prior(distribution), cdf);
    continuous("predicted " + name, predicted(distribution), cdf);
  };
  auto discrete = [&](const std::string& name, const auto& distribution, const MassFunction& probability) {
    result.push_back({"predicted " + name, chi_square(predicted(distribution), probability)});
  };
  const Cdf standard = cdf_of(bm::normal());

  both("normal", normal(1.5, 3), cdf_of(bm::normal(1.5, 3)));
  both("half_normal", half_normal(2), [&](double x) { return 2 * standard(x / 2) - 1; });
  both("cauchy", cauchy(-1, 0.5), cdf_of(bm::cauchy(-1, 0.5)));
  both("half_cauchy", half_cauchy(5), [](double x) { return 2 * cdf(bm::cauchy(0, 5), x) - 1; });
  for (const double nu : {0.7, 3.5, 40.})
    both(fmt::format("student_t {}", nu), student_t(nu, 1, 2),
         [=](double x) { return cdf(bm::students_t(nu), (x - 1) / 2); });
  both("half_student_t", half_student_t(3.5, 2), [](double x) { return 2 * cdf(bm::students_t(3.5), x / 2) - 1; });
  both("inverse_gamma", inverse_gamma(2.5, 4), cdf_of(bm::inverse_gamma_distribution<>(2.5, 4)));
  both("exponential", exponential(0.3), cdf_of(bm::exponential(0.3)));
  for (const double shape : {0.05, 1., 2.5, 900.})
    both(fmt::format("gamma {}", shape), gamma(shape, 0.1), cdf_of(bm::gamma_distribution<>(shape, 10)));
  both("beta 0.3 4", beta(0.3, 4), cdf_of(bm::beta_distribution<>(0.3, 4)));
  both("beta 5 5", beta(5, 5), cdf_of(bm::beta_distribution<>(5, 5)));
  both("lognormal", lognormal(0.3, 0.8), cdf_of(bm::lognormal(0.3, 0.8)));
  both("uniform", uniform(-2, 5), [](double x) { return (x + 2) / 7; });

  auto by_weights = [&](double x) {
    return 0.2 * standard(x + 1) + 0.5 * standard((x - 2) / 0.3) + 0.3 * cdf(bm::cauchy(), x);
  };
  both("mixture", mixture(component(0.2, normal(-1, 1)), component(0.5, normal(2, 0.3)), component(0.3, cauchy(0, 1))),
       by_weights);

  for (const double p : {0.003, 0.3}) {
    const double log_odds = std::log(p / (1 - p));
    auto probability = [=](double y) { return y == 0 ? 1 - p : y == 1 ? p : 0.; };
    discrete(fmt::format("bernoulli {}", p), bernoulli(p), probability);
    discrete(fmt::format("bernoulli_logit {}", p), bernoulli_logit(log_odds), probability);
    auto of_forty = [=](double y) { return y <= 40 ? pdf(bm::binomial(40, p), y) : 0.; };
    discrete(fmt::format("binomial {}", p), binomial(40, p), of_forty);
    discrete(fmt::format("binomial_logit {}", p), binomial_logit(40, log_odds), of_forty);
  }
  for (const double rate : {0.4, 6., 250.}) {
    auto probability = [=](double y) { return pdf(bm::poisson(rate), y); };
    discrete(fmt::format("poisson {}", rate), poisson(rate), probability);
    discrete(fmt::format("poisson_log {}", rate), poisson_log(std::log(rate)), probability);
    auto overdispersed = [=](double y) { return pdf(bm::negative_binomial(2, 2 / (2 + rate)), y); };
    discrete(fmt::format("negative_binomial {}", rate), negative_binomial(rate, 2), overdispersed);
    discrete(fmt::format("negative_binomial_log {}", rate), negative_binomial_log(std::log(rate), 2), overdispersed);
  }
  discrete("mixture of counts", mixture(component(0.3, poisson(2)), component(0.7, poisson(20))),
           [](double y) { return 0.3 * pdf(bm::poisson(2), y) + 0.7 * pdf(bm::poisson(20), y); });

  // Supports narrower than the prior's: what is left of it, normalised.
  auto truncated = [](const Cdf& cdf, double lower, double upper) -> Cdf {
    return [=](double x) { return (cdf(x) - cdf(lower)) / (cdf(upper) - cdf(lower)); };
  };
  continuous("normal above 0", prior(normal(0, 1), above(0)), truncated(standard, 0, 40));
  continuous("normal below -1.5", prior(normal(0, 1), below(-1.5)), truncated(standard, -40, -1.5));
  continuous("normal between -1 and 2", prior(normal(0, 1), between(-1, 2)), truncated(standard, -1, 2));
  continuous("positive student_t", prior(student_t(4, 0, 1), positive()),
             truncated(cdf_of(bm::students_t(4)), 0, 1e99));
  continuous("exponential above 1", prior(exponential(2), above(1)),
             [](double x) { return 1 - std::exp(-2 * (x - 1)); });

  // Several nodes. A prior's arguments and bounds are the values just drawn.
  continuous("first of a hierarchy", across_runs(Hierarchy{}, 2, 0), cdf_of(bm::normal(1, 2)));
  continuous("second of a hierarchy", across_runs(Hierarchy{}, 2, 1), cdf_of(bm::normal(1, 2.5)));
  continuous("second stick", across_runs(StickBreaking{}, 2, 1), [](double x) { return x * (1 - std::log(x)); });
  // b - (a + 1)/2 is exponential whatever a: no memory.
  Sample excess;
  for (int i = 0; i < sample_size; ++i) {
    const Sample both_values = run(AboveAnother{}, Meaning::prior, 2, std::uint32_t(i));
    excess.push_back(both_values[1] - 0.5 * both_values[0] - 0.5);
  }
  continuous("above another", excess, cdf_of(bm::exponential(2)));

  // Order statistics of independent draws.
  const Cdf parent = cdf_of(bm::normal(0.5, 2));
  continuous("smaller of two", across_runs(OrderedVector<2>{}, 2, 0),
             [=](double x) { return 1 - std::pow(1 - parent(x), 2); });
  continuous("larger of two", across_runs(OrderedVector<2>{}, 2, 1), [=](double x) { return std::pow(parent(x), 2); });
  continuous("middle of three", across_runs(OrderedVector<3>{}, 3, 1),
             [=](double x) { return parent(x) * parent(x) * (3 - 2 * parent(x)); });

  // Residuals of a regression: slope 0.7, log sigma -0.4, every y[j] is -1.
  const Observed data;
  const double position[] = {0.7, -0.4};
  Sample residuals = run(Regression{data.y}, Meaning::predict, sample_size, 0, position);
  for (double& y : residuals) y = (y + 3 * 0.7) / std::exp(-0.4);
  continuous("residuals of a regression", residuals, standard);
  return result;
}

TEST(DrawsOfModels, AllHaveTheirDistributionsTogetherAtOneInAThousand) {
  const auto comparisons = compare_everything();
  EXPECT_EQ(comparisons.size(), 72u);
  for (const Comparison& c : comparisons) EXPECT_GT(c.p_value, family_level / double(comparisons.size())) << c.name;
}

// The tests must be able to fail: each finds a shift of a tenth of a standard deviation at the same level.
TEST(DrawsOfModels, AreToldFromSlightlyWrongOnes) {
  EXPECT_LT(kolmogorov_smirnov(prior(normal(0, 1)), cdf_of(bm::normal(0.1, 1))), family_level / 100);
  EXPECT_LT(kolmogorov_smirnov(prior(normal(0, 1)), cdf_of(bm::normal(0, 1.1))), family_level / 100);
  EXPECT_LT(chi_square(predicted(poisson(6)), [](double y) { return pdf(bm::poisson(6.2), y); }), family_level / 100);
}

TEST(DrawsOfModels, AreTheSameForTheSameSeedAndDifferBetweenDraws) {
  auto draw = [](std::uint32_t i) { return run(Hierarchy{}, Meaning::prior, 2, i); };
  EXPECT_EQ(draw(3), draw(3));
  EXPECT_NE(draw(3), draw(4));
}

struct FlatPrior {
  template <class M> void operator()(M& m) const { m.param("height", flat(positive())); }
};
TEST(DrawsOfModels, FromAFlatPriorAreAnErrorThatNamesTheSite) {
  try {
    run(FlatPrior{}, Meaning::prior, 1, 0);
    FAIL() << "a flat prior was drawn from";
  } catch (const ModelError& e) {
    EXPECT_NE(std::string(e.what()).find("'height'"), std::string::npos) << e.what();
  }
}

struct PriorWithoutMass {
  template <class M> void operator()(M& m) const { m.param("x", normal(0, 1), above(50)); }
};
TEST(DrawsOfModels, FromAPriorWithoutMassInItsBoundsAreAnErrorThatNamesTheSite) {
  try {
    run(PriorWithoutMass{}, Meaning::prior, 1, 0);
    FAIL() << "drew a normal above 50";
  } catch (const ModelError& e) {
    EXPECT_NE(std::string(e.what()).find("'x'"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace lockstep
