// Distributions in every way that a model uses them: arguments and values are nodes, data or constants; roles, plates and pulls
// do the rest. A few distributions stand for all; the others' tables are in files of their own, *_distributions_test.cpp.
#include <gtest/gtest.h>

#include "tests/distribution_cases.hpp"

namespace lockstep {
namespace {

// clang-format off
struct Normal : DistributionRow<"normal", 2, [](const auto&... a) { return normal(a...); }> {};
struct StudentT : DistributionRow<"student_t", 3, [](const auto&... a) { return student_t(a...); }> {};
struct Gamma : DistributionRow<"gamma", 2, [](const auto&... a) { return gamma(a...); }> {};
struct Uniform : DistributionRow<"uniform", 2, [](const auto&... a) { return uniform(a...); }> {};
struct Bernoulli : DistributionRow<"bernoulli", 1, [](const auto&... a) { return bernoulli(a...); }> {};
struct Binomial : DistributionRow<"binomial", 2, [](const auto&... a) { return binomial(a...); }> {};
struct NegativeBinomial : DistributionRow<"negative_binomial", 2, [](const auto&... a) { return negative_binomial(a...); }> {};
struct NormalMixture : DistributionRow<"normal_mixture2", 5,
    [](const auto& w, const auto& mu1, const auto& sigma1, const auto& mu2, const auto& sigma2) {
      return mixture(component(w, normal(mu1, sigma1)), component(1 - w, normal(mu2, sigma2)));
    }> {};
// clang-format on

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DensityInSinglePrecision);
using Representatives = ::testing::Types<Normal, StudentT, Gamma, Uniform, Bernoulli, Binomial, NegativeBinomial, NormalMixture>;
using ContinuousOnes = ::testing::Types<Normal, StudentT, Gamma, Uniform, NormalMixture>;
INSTANTIATE_TYPED_TEST_SUITE_P(Representatives, DensityOfAParameter, ContinuousOnes, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(Representatives, DensityOfData, Representatives, RowNames);

// ---- against the oracle --------------------------------------------------------------------------------------------

template <class D> struct UsesOfAParameter : ::testing::Test {};
TYPED_TEST_SUITE(UsesOfAParameter, ContinuousOnes, RowNames);

TYPED_TEST(UsesOfAParameter, AgreesWithTheOracleWhereTheArgumentsAreData) {
  const auto cases = golden_cases(TypeParam::name);
  Fields fields(columns_of(cases));
  const ParameterWithDataArguments<TypeParam> model{fields.arguments<TypeParam::arguments>()};
  for (const Lanes& each : {lanes<double, true>(model), lanes<Pack, true>(model)})
    for_each_lane(each, cases, value_of, [](const Case& c, const AtLane& r) {
      expect_log_density(TypeParam::name, c, r);
      expect_value_slope(TypeParam::name, c, r);
    });
}

template <class D> struct UsesOfData : ::testing::Test {};
TYPED_TEST_SUITE(UsesOfData, Representatives, RowNames);

// Data that all lanes share are plain doubles, not packs.
TYPED_TEST(UsesOfData, AgreesWithTheOracleWhereLanesShareThem) {
  for (const Case& c : golden_cases(TypeParam::name)) {
    Fields fields(data_of({c.y}));
    const Plate<TypeParam> model{fields.n(), fields.field("y")};
    for (const Lanes& each : {lanes<double, false>(model), lanes<Pack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, c.arguments))
        expect_log_density_and_argument_slopes(TypeParam::name, c, r);
  }
}
TYPED_TEST(UsesOfData, AgreesWithTheOracleWhereTheyAreOneNumber) {
  for (const Case& c : golden_cases(TypeParam::name)) {
    Data data;
    data.set("y", c.y);
    const DataViews views(data);
    Dataset set(views.view());
    for (const AtLane& r : evaluate_alike(lanes<Pack, false>(ScalarData<TypeParam>{set.scalar("y")}), c.arguments))
      expect_log_density_and_argument_slopes(TypeParam::name, c, r);
  }
}

TYPED_TEST(UsesOfData, AgreesWithTheOracleWhereArgumentsAreData) {
  const auto cases = golden_cases(TypeParam::name);
  Fields fields(columns_of(cases));
  const DataArguments<TypeParam> model{fields.n(), fields.field("y"), fields.arguments<TypeParam::arguments>()};
  for (const Lanes& each : {lanes<double, true>(model), lanes<Pack, true>(model)})
    for_each_lane(each, cases, nothing_of,
                  [](const Case& c, const AtLane& r) { expect_log_density(TypeParam::name, c, r); });
}
TYPED_TEST(UsesOfData, AgreesWithTheOracleWhereArgumentsAreConstants) {
  for (const Case& c : golden_cases(TypeParam::name)) {
    Fields fields(data_of({c.y}));
    ConstantArguments<TypeParam> model{fields.n(), fields.field("y"), {}};
    std::copy(c.arguments.begin(), c.arguments.end(), model.a.begin());
    for (const Lanes& each : {lanes<double, false>(model), lanes<Pack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, {})) expect_log_density(TypeParam::name, c, r);
  }
}

// The log likelihood of each observation, which Generate computes from values without tables.
TYPED_TEST(UsesOfData, AgreesWithTheOraclePointwise) {
  const auto cases = golden_cases(TypeParam::name);
  Fields fields(columns_of(cases));
  const Plate<TypeParam> model{fields.n(), fields.field("y")};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    AtLane result{};
    Generate::Inputs inputs;
    inputs.meaning = Meaning::pointwise;
    inputs.position = cases[i].arguments.data();
    inputs.data_column = std::int64_t(i);
    inputs.out = &result.log_density;
    Generate m(inputs);
    model(m);
    expect_log_density(TypeParam::name, cases[i], result);
  }
}

// ---- plates --------------------------------------------------------------------------------------------------------

// Arguments are prepared once for the plate, or anew for each element: the same operations on the same numbers, up to
// which of them the compiler fuses.
void check_same(const char* name, const Lanes& uniform, const Lanes& varying) {
  std::vector<AtLane> once, anew;
  const auto cases = golden_cases(name);
  for_each_lane(uniform, cases, arguments_of, [&](const Case&, const AtLane& r) { once.push_back(r); });
  for_each_lane(varying, cases, arguments_of, [&](const Case&, const AtLane& r) { anew.push_back(r); });
  for (std::size_t i = 0; i < once.size(); ++i) {
    expect_close(anew[i].log_density, once[i].log_density, 1e-12, fmt::format("{}: log density {}", name, i));
    for (std::size_t k = 0; k < once[i].gradient.size(); ++k)
      expect_close(anew[i].gradient[k], once[i].gradient[k], 1e-12, fmt::format("{}: slope {} of {}", name, k, i));
  }
}
TYPED_TEST(UsesOfData, IsTheSameNumberWhetherArgumentsAreUniformOrVary) {
  const auto cases = golden_cases(TypeParam::name);
  Fields fields(columns_of(cases));
  const Plate<TypeParam> uniform{fields.n(), fields.field("y")};
  const VaryingPlate<TypeParam> varying{fields.n(), fields.field("y")};
  check_same(TypeParam::name, lanes<double, true>(uniform), lanes<double, true>(varying));
  check_same(TypeParam::name, lanes<Pack, true>(uniform), lanes<Pack, true>(varying));
}

// Elements that have been evaluated together, with the same arguments, and one by one.
void check_sum(const std::string& what, const AtLane& together, const std::vector<AtLane>& parts) {
  auto expect_sum = [&](double sum, auto get) {
    double expected = 0, size = 0;
    for (const AtLane& part : parts) {
      expected += get(part);
      size += std::abs(get(part));
    }
    if (std::isfinite(size)) EXPECT_NEAR(sum, expected, 1e-12 * size) << what;
    else EXPECT_EQ(sum, expected) << what;  // an impossible value
  };
  expect_sum(together.log_density, [](const AtLane& r) { return r.log_density; });
  for (std::size_t k = 0; k < together.gradient.size(); ++k)
    expect_sum(together.gradient[k], [&](const AtLane& r) { return r.gradient[k]; });
}
TYPED_TEST(UsesOfData, OfAPlateIsTheSumOverItsElements) {
  const auto cases = golden_cases(TypeParam::name);
  for (std::size_t i = 0; i + 2 < cases.size(); i += 3) {
    const Case& c = cases[i];
    const std::vector<double> values = {c.y, cases[i + 1].y, cases[i + 2].y};
    std::vector<AtLane> parts;
    for (double y : values) {
      Fields fields(data_of({y}));
      const Lanes alone = lanes<Pack, false>(Plate<TypeParam>{fields.n(), fields.field("y")});
      parts.push_back(evaluate_alike(alone, c.arguments)[0]);
    }
    Fields fields(data_of(values));
    const Lanes uniform = lanes<Pack, false>(Plate<TypeParam>{fields.n(), fields.field("y")});
    for (const AtLane& together : evaluate_alike(uniform, c.arguments))
      check_sum(describe(TypeParam::name, c), together, parts);

    const Lanes varying = lanes<Pack, false>(VaryingPlate<TypeParam>{fields.n(), fields.field("y")});
    std::vector<double> arguments;
    for (double a : c.arguments) arguments.insert(arguments.end(), values.size(), a);
    for (const AtLane& apart : evaluate_alike(varying, arguments)) {
      AtLane summed{apart.log_density, std::vector<double>(c.arguments.size(), 0.)};
      for (std::size_t k = 0; k < arguments.size(); ++k) summed.gradient[k / values.size()] += apart.gradient[k];
      check_sum(describe(TypeParam::name, c), summed, parts);
    }
  }
}

// ---- outside the support -------------------------------------------------------------------------------------------

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<Gamma>({0.5, 2.}, {-1e-300, -1., 0.});
  expect_impossible<Gamma>({3., 2.}, {-1e-300, -1., 0.});
  expect_impossible<Uniform>({-1., 2.}, {-1.0000001, 2.0000001, 1e300, -1e300});
  expect_impossible<Bernoulli>({0.3}, {2., -1., 0.5});
  expect_impossible<Binomial>({30., 0.3}, {-1., 31., 1.5, 1e8});
  expect_impossible<NegativeBinomial>({3., 2.}, {-1., 1.5, -0.5, 1e8 + 0.5});
}

// A mixture is impossible only where all of its components are.
struct MixtureOfHalves {
  Dim n;
  Real y;
  template <class M> void operator()(M& m) const {
    with_scalars<1>(m, [&](const auto& w) {
      m.observe("y", y, n, [&](auto) { return mixture(component(w, exponential(2)), component(1 - w, normal(0, 1))); });
    });
  }
};
struct MixtureOfPositives {
  Dim n;
  Real y;
  template <class M> void operator()(M& m) const {
    with_scalars<1>(m, [&](const auto& w) {
      m.observe("y", y, n,
                [&](auto) { return mixture(component(w, exponential(2)), component(1 - w, half_normal(1))); });
    });
  }
};
TEST(DataOutsideTheSupport, LeaveAMixtureItsOtherComponents) {
  Fields fields(data_of({-1.}));
  for (const AtLane& r : evaluate_alike(lanes<Pack, false>(MixtureOfHalves{fields.n(), fields.field("y")}), {0.25})) {
    EXPECT_NEAR(r.log_density, std::log(0.75) - 0.5 - log_sqrt_2pi, 1e-15);
    EXPECT_NEAR(r.gradient[0], -1 / 0.75, 1e-15);
  }
  for (const AtLane& r : evaluate_alike(lanes<Pack, false>(MixtureOfPositives{fields.n(), fields.field("y")}), {0.25}))
    EXPECT_EQ(r.log_density, -infinity);
}

// ---- what the table does not have ----------------------------------------------------------------------------------

struct Flats {
  template <class M> void operator()(M& m) const {
    auto a = m.param("a", flat());
    auto b = m.param("b", flat(positive()));
    auto c = m.param("c", flat(unit_interval()));
    auto d = m.param("d", half_flat());
  }
};
TEST(FlatPrior, LeavesTheJacobianOnly) {
  const double x = -1.3, z = 0.4, s = 1 / (1 + std::exp(-z));
  for (const AtLane& r : evaluate_alike(lanes<Pack, false>(Flats{}), {0.7, x, z, 0.5})) {
    EXPECT_NEAR(r.log_density, x + std::log(s * (1 - s)) + 0.5, 1e-15);
    EXPECT_EQ(r.gradient[0], 0.);
    EXPECT_NEAR(r.gradient[1], 1., 1e-15);
    EXPECT_NEAR(r.gradient[2], 1 - 2 * s, 1e-15);
    EXPECT_NEAR(r.gradient[3], 1., 1e-15);
  }
}

// Log-sum-exp over three components, against the formula at a point where nothing cancels.
struct ThreeComponents {
  Dim n;
  Real y;
  template <class M> void operator()(M& m) const {
    with_scalars<3>(m, [&](const auto& a, const auto& b, const auto& c) {
      m.observe("y", y, n, [&](auto) {
        return mixture(component(0.2, normal(a, 1)), component(0.3, normal(b, 2)), component(0.5, cauchy(c, 1)));
      });
    });
  }
};
TEST(Mixture, OfThreeComponentsIsTheLogarithmOfTheWeightedSum) {
  const double y = 0.7, a = -0.4, b = 1.9, c = 0.1, pi = std::exp(log_pi);
  const double first = 0.2 * std::exp(-0.5 * (y - a) * (y - a) - log_sqrt_2pi);
  const double second = 0.3 / 2 * std::exp(-0.125 * (y - b) * (y - b) - log_sqrt_2pi);
  const double third = 0.5 / (pi * (1 + (y - c) * (y - c)));
  const double total = first + second + third;
  Fields fields(data_of({y}));
  const Lanes mixture = lanes<Pack, false>(ThreeComponents{fields.n(), fields.field("y")});
  for (const AtLane& r : evaluate_alike(mixture, {a, b, c})) {
    EXPECT_NEAR(r.log_density, std::log(total), 1e-14);
    EXPECT_NEAR(r.gradient[0], first / total * (y - a), 1e-14);
    EXPECT_NEAR(r.gradient[1], second / total * (y - b) / 4, 1e-14);
    EXPECT_NEAR(r.gradient[2], third / total * 2 * (y - c) / (1 + (y - c) * (y - c)), 1e-14);
  }
}

}  // namespace
}  // namespace lockstep
