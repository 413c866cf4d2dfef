// Categorical and ordered distributions, whose arguments are vectors: log densities and derivatives against the oracle,
// and draws.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"
#include "tests/goodness_of_fit.hpp"

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityOfAParameter);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityOfData);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityInSinglePrecision);

namespace lockstep {
namespace {

// The vector is a parameter on the whole line, so that its coordinates are its values.
struct CategoricalOfAVector {
  static constexpr const char* name = "categorical";
  static constexpr bool ordered = false;
  Dim n, categories;
  Real y;
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), categories);
    m.observe("y", y, n, [&](auto) { return categorical(p); });
  }
};
struct CategoricalOfALambda {
  static constexpr const char* name = "categorical";
  static constexpr bool ordered = false;
  Dim n, categories;
  Real y;
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), categories);
    m.observe("y", y, n, [&](auto) { return categorical(categories, [&](auto k) { return p[k]; }); });
  }
};
struct CategoricalOfLogits {
  static constexpr const char* name = "categorical_logit";
  static constexpr bool ordered = false;
  Dim n, categories;
  Real y;
  template <class M> void operator()(M& m) const {
    auto eta = m.param("eta", flat(), categories);
    m.observe("y", y, n, [&](auto) { return categorical_logit(eta); });
  }
};
struct OrderedLogisticModel {
  static constexpr const char* name = "ordered_logistic";
  static constexpr bool ordered = true;
  Dim n, cuts;
  Real y;
  template <class M> void operator()(M& m) const {
    auto eta = m.param("eta", flat());
    auto c = m.param("c", flat(), cuts);
    m.observe("y", y, n, [&](auto) { return ordered_logistic(eta, c); });
  }
};
struct OrderedProbitWithEtaOfItsOwn {
  static constexpr const char* name = "ordered_probit";
  static constexpr bool ordered = true;
  Dim n, cuts;
  Real y;
  template <class M> void operator()(M& m) const {
    auto eta = m.param("eta", flat(), n);
    auto c = m.param("c", flat(), cuts);
    m.observe("y", y, n, [&](auto j) { return ordered_probit(eta[j], c); });
  }
};

template <class Model> struct DensityOfACategory : ::testing::Test {};
using Models = ::testing::Types<CategoricalOfAVector, CategoricalOfALambda, CategoricalOfLogits, OrderedLogisticModel,
                                OrderedProbitWithEtaOfItsOwn>;
TYPED_TEST_SUITE(DensityOfACategory, Models);

template <class Model> int vector_size(const Case& c) { return int(c.arguments.size()) - (Model::ordered ? 1 : 0); }

TYPED_TEST(DensityOfACategory, AgreesWithTheOracleWhereLanesShareIt) {
  for (const Case& c : golden_cases(TypeParam::name)) {
    Fields fields(data_of({c.y}));
    const TypeParam model{fields.n(), {7, 0, vector_size<TypeParam>(c)}, fields.field("y")};
    for (const Lanes& each : {lanes<double, false>(model), lanes<Pack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, c.arguments))
        expect_log_density_and_argument_slopes(TypeParam::name, c, r);
    if (!c.single) continue;
    for (const Lanes& each : {lanes<Single, false>(model), lanes<SinglePack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, c.arguments)) {
        expect_close(r.log_density, c.log_density, single_tolerance, describe(TypeParam::name, c));
        for (std::size_t i = 0; i < c.arguments.size(); ++i)
          expect_close(r.gradient[i], c.d_arguments[i], single_tolerance, describe(TypeParam::name, c));
      }
  }
}

// Lanes with categories of their own: cases of one size go together.
TYPED_TEST(DensityOfACategory, AgreesWithTheOracleInEveryLaneWithADataSetOfItsOwn) {
  std::map<int, std::vector<Case>> by_size;
  for (const Case& c : golden_cases(TypeParam::name)) by_size[vector_size<TypeParam>(c)].push_back(c);
  for (const auto& [size, cases] : by_size) {
    Fields fields(columns_of(cases));
    for_each_lane(
        lanes<Pack, true>(TypeParam{fields.n(), {7, 0, size}, fields.field("y")}), cases, arguments_of,
        [](const Case& c, const AtLane& r) { expect_log_density_and_argument_slopes(TypeParam::name, c, r); });
  }
}

TYPED_TEST(DensityOfACategory, IsImpossibleForWhatIsNoCategory) {
  const Case c = golden_cases(TypeParam::name).front();
  const int size = vector_size<TypeParam>(c);
  std::vector<Case> outside;
  for (const double y : {-1., size + 1., size + 0., 0.5, 1e300}) {
    if (TypeParam::ordered && y == size) continue;
    Fields fields(data_of({y}));
    for (const AtLane& r :
         evaluate_alike(lanes<Pack, false>(TypeParam{fields.n(), {7, 0, size}, fields.field("y")}), c.arguments)) {
      EXPECT_EQ(r.log_density, -infinity) << y;
      for (double slope : r.gradient) EXPECT_EQ(slope, 0) << y;
    }
    outside.push_back(c);
    outside.back().y = y;
  }
  Fields fields(columns_of(outside));
  for_each_lane(lanes<Pack, true>(TypeParam{fields.n(), {7, 0, size}, fields.field("y")}), outside, arguments_of,
                [](const Case& at, const AtLane& r) { EXPECT_EQ(r.log_density, -infinity) << at.y; });
}

// ---- draws ----------------------------------------------------------------------------------------------------------

struct Simulated {
  Dim n, three;
  Real y;
  template <class M> void operator()(M& m) const {
    auto v = m.param("v", flat(), three);
    m.observe("a", y, n, [&](auto) { return categorical(v); });
    m.observe("b", y, n, [&](auto) { return categorical_logit(v); });
    m.observe("c", y, n, [&](auto) { return ordered_logistic(0.4, v); });
    m.observe("d", y, n, [&](auto) { return ordered_probit(0.4, v); });
  }
};
TEST(DrawsOfCategories, HaveTheirProbabilitiesTogetherAtOneInAThousand) {
  constexpr int count = 20000;
  Fields fields(data_of(std::vector<double>(count, 0.)));
  const std::vector<double> v = {0.1, 0.3, 0.6};
  std::vector<double> out(4 * count);
  Generate::Inputs inputs;
  inputs.meaning = Meaning::predict;
  inputs.stream = {.seed = 20251011, .purpose = Purpose::predictive};
  inputs.position = v.data();
  inputs.out = out.data();
  Generate m(inputs);
  Simulated{fields.n(), {7, 0, 3}, fields.field("y")}(m);
  const double total = std::exp(0.1) + std::exp(0.3) + std::exp(0.6);
  const auto logistic = [](double x) { return 1 / (1 + std::exp(-x)); };
  const auto normal = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.)); };
  const auto between = [](const auto& cdf) {
    return std::vector<double>{cdf(-0.3), cdf(-0.1) - cdf(-0.3), cdf(0.2) - cdf(-0.1), 1 - cdf(0.2)};
  };
  const std::vector<std::vector<double>> expected = {
      v, {std::exp(0.1) / total, std::exp(0.3) / total, std::exp(0.6) / total}, between(logistic), between(normal)};
  for (std::size_t site = 0; site < 4; ++site) {
    const Sample sample(out.begin() + std::ptrdiff_t(site) * count, out.begin() + std::ptrdiff_t(site + 1) * count);
    const auto mass = [&](double k) { return k < double(expected[site].size()) ? expected[site][std::size_t(k)] : 0.; };
    EXPECT_GT(chi_square(sample, mass), 1e-3 / 4) << site;
  }
}

}  // namespace
}  // namespace lockstep
