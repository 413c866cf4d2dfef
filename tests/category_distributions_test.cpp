// Categorical and ordered distributions, whose arguments are vectors: log densities, tails and derivatives against the oracle;
// censored and truncated forms; draws.
#include <gtest/gtest.h>

#include "lockstep/evaluate.hpp"
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

// Tails: what is recorded as the bound y is at most y, what is known to be in (y, last] is above y.
template <bool upper, class D, class B> auto tail_at(const D& d, const B& y) {
  if constexpr (upper) return interval_censored(d, 1e9);
  else return censored(d, y, no_bound);
}
template <bool upper> struct CategoricalTail {
  static constexpr const char* name = upper ? "categorical_log_ccdf" : "categorical_log_cdf";
  static constexpr bool ordered = false;
  Dim n, categories;
  Real y;
  template <class M> void operator()(M& m) const {
    auto p = m.param("p", flat(), categories);
    m.observe("y", y, n, [&](auto j) { return tail_at<upper>(categorical(p), y[j]); });
  }
};
template <bool upper> struct CategoricalLogitTail {
  static constexpr const char* name = upper ? "categorical_logit_log_ccdf" : "categorical_logit_log_cdf";
  static constexpr bool ordered = false;
  Dim n, categories;
  Real y;
  template <class M> void operator()(M& m) const {
    auto eta = m.param("eta", flat(), categories);
    m.observe("y", y, n, [&](auto j) { return tail_at<upper>(categorical_logit(eta), y[j]); });
  }
};
template <bool upper> struct OrderedLogisticTail {
  static constexpr const char* name = upper ? "ordered_logistic_log_ccdf" : "ordered_logistic_log_cdf";
  static constexpr bool ordered = true;
  Dim n, cuts;
  Real y;
  template <class M> void operator()(M& m) const {
    auto eta = m.param("eta", flat());
    auto c = m.param("c", flat(), cuts);
    m.observe("y", y, n, [&](auto j) { return tail_at<upper>(ordered_logistic(eta, c), y[j]); });
  }
};
template <bool upper> struct OrderedProbitTail {
  static constexpr const char* name = upper ? "ordered_probit_log_ccdf" : "ordered_probit_log_cdf";
  static constexpr bool ordered = true;
  Dim n, cuts;
  Real y;
  template <class M> void operator()(M& m) const {
    auto eta = m.param("eta", flat(), n);
    auto c = m.param("c", flat(), cuts);
    m.observe("y", y, n, [&](auto j) { return tail_at<upper>(ordered_probit(eta[j], c), y[j]); });
  }
};

template <class Model> struct DensityOfACategory : ::testing::Test {};
using Models = ::testing::Types<CategoricalOfAVector, CategoricalOfALambda, CategoricalOfLogits, OrderedLogisticModel,
                                OrderedProbitWithEtaOfItsOwn>;
TYPED_TEST_SUITE(DensityOfACategory, Models);
template <class Model> struct TailOfACategory : ::testing::Test {};
using Tails = ::testing::Types<CategoricalTail<false>, CategoricalTail<true>, CategoricalLogitTail<false>, CategoricalLogitTail<true>,
                               OrderedLogisticTail<false>, OrderedLogisticTail<true>, OrderedProbitTail<false>, OrderedProbitTail<true>>;
TYPED_TEST_SUITE(TailOfACategory, Tails);

template <class Model> int vector_size(const Case& c) { return int(c.arguments.size()) - (Model::ordered ? 1 : 0); }

template <class Model> void check_shared_categories() {
  for (const Case& c : golden_cases(Model::name)) {
    Fields fields(data_of({c.y}));
    const Model model{fields.n(), {7, 0, vector_size<Model>(c)}, fields.field("y")};
    for (const Lanes& each : {lanes<double, false>(model), lanes<Pack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, c.arguments))
        expect_log_density_and_argument_slopes(Model::name, c, r);
    if (!c.single) continue;
    for (const Lanes& each : {lanes<Single, false>(model), lanes<SinglePack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, c.arguments)) {
        expect_close(r.log_density, c.log_density, single_tolerance, describe(Model::name, c));
        for (std::size_t i = 0; i < c.arguments.size(); ++i)
          expect_close(r.gradient[i], c.d_arguments[i], single_tolerance, describe(Model::name, c));
      }
  }
}

// Lanes with categories of their own: cases of one size go together.
template <class Model> void check_categories_of_lanes() {
  std::map<int, std::vector<Case>> by_size;
  for (const Case& c : golden_cases(Model::name)) by_size[vector_size<Model>(c)].push_back(c);
  for (const auto& [size, cases] : by_size) {
    Fields fields(columns_of(cases));
    for_each_lane(
        lanes<Pack, true>(Model{fields.n(), {7, 0, size}, fields.field("y")}), cases, arguments_of,
        [](const Case& c, const AtLane& r) { expect_log_density_and_argument_slopes(Model::name, c, r); });
  }
}

TYPED_TEST(DensityOfACategory, AgreesWithTheOracleWhereLanesShareIt) { check_shared_categories<TypeParam>(); }
TYPED_TEST(DensityOfACategory, AgreesWithTheOracleInEveryLaneWithADataSetOfItsOwn) { check_categories_of_lanes<TypeParam>(); }
TYPED_TEST(TailOfACategory, AgreesWithTheOracleWhereLanesShareIt) { check_shared_categories<TypeParam>(); }
TYPED_TEST(TailOfACategory, AgreesWithTheOracleInEveryLaneWithADataSetOfItsOwn) { check_categories_of_lanes<TypeParam>(); }

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

// ---- bounds ---------------------------------------------------------------------------------------------------------

struct Cuts {
  std::vector<double> cuts;
  Constant operator[](Index k) const { return Constant(cuts[std::size_t(k.position)]); }
  Dim dim() const { return {0, 0, int(cuts.size())}; }
};
template <class D> void expect_ranges(const D& d, const std::vector<double>& p) {
  const int last = int(p.size()) - 1;
  for (int k = -1; k <= last; ++k) {
    double below = 0, above = 0, from_1 = 0;
    for (int j = 0; j <= last; ++j) (j <= k ? below : above) += p[std::size_t(j)], from_1 += j >= 1 ? p[std::size_t(j)] : 0;
    EXPECT_NEAR(std::exp(log_cdf(d, k + 0.5)), below, 1e-14);
    EXPECT_NEAR(std::exp(log_ccdf(d, k)), above, 1e-14);
    if (k < 0) continue;
    const double here = p[std::size_t(k)];
    EXPECT_EQ(quantile(d, below - 1e-9), k);
    EXPECT_NEAR(std::exp(log_density(truncated(d, 1, no_bound), k)), k >= 1 ? here / from_1 : 0, 1e-14);
    EXPECT_NEAR(std::exp(log_density(truncated(d, 0.5, 1e9), k)), k >= 1 ? here / from_1 : 0, 1e-14);
    EXPECT_NEAR(std::exp(log_density(truncated(d, no_bound, last - 1), k)), k < last ? here / (1 - p.back()) : 0, 1e-14);
    EXPECT_NEAR(std::exp(log_density(censored(d, 1, no_bound), k)), k == 0 ? 0 : k == 1 ? below : here, 1e-14);
    EXPECT_NEAR(std::exp(log_density(censored(d, no_bound, 1), k)), k > 1 ? 0 : k == 1 ? 1 - p[0] : here, 1e-14);
    EXPECT_NEAR(std::exp(log_density(interval_censored(d, last - 1), k - 1)), above + here - (k < last ? p.back() : here), 1e-14);
  }
  EXPECT_EQ(log_density(truncated(d, 1, no_bound), 1.5), -infinity);
  EXPECT_EQ(quantile(d, 0), 0);
  EXPECT_EQ(quantile(d, 1), last);
  EXPECT_TRUE(std::isnan(quantile(d, 1.5)));
}
TEST(CategoriesWithBounds, HaveTheProbabilitiesOfRanges) {
  const Cuts p{{0.2, 0.5, 0.1, 0.2}}, cuts{{-0.5, 1}};
  expect_ranges(categorical(p), p.cuts);
  std::vector<double> logits;
  for (const double each : p.cuts) logits.push_back(std::log(each) + 3);
  const Cuts eta{logits};
  expect_ranges(categorical_logit(eta), p.cuts);
  const auto logistic = [](double x) { return 1 / (1 + std::exp(-x)); };
  expect_ranges(ordered_logistic(0.4, cuts), {logistic(-0.9), logistic(0.6) - logistic(-0.9), 1 - logistic(0.6)});
  const auto normal = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.)); };
  expect_ranges(ordered_probit(0.4, cuts), {normal(-0.9), normal(0.6) - normal(-0.9), 1 - normal(0.6)});
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
    m.observe("e", y, n, [&](auto) { return truncated(categorical(v), 1, no_bound); });
    m.observe("f", y, n, [&](auto) { return censored(categorical(v), 0, 1); });
    m.observe("g", y, n, [&](auto) { return truncated(ordered_logistic(0.4, v), 1, 2); });
    m.observe("h", y, n, [&](auto) { return interval_censored(categorical(v), 2); });
  }
};
TEST(DrawsOfCategories, HaveTheirProbabilitiesTogetherAtOneInAThousand) {
  constexpr int count = 20000;
  Fields fields(data_of(std::vector<double>(count, 0.)));
  const std::vector<double> v = {0.1, 0.3, 0.6};
  std::vector<double> out(8 * count);
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
  const auto all = between(logistic);
  const double inner = all[1] + all[2];
  const std::vector<std::vector<double>> expected = {
      v, {std::exp(0.1) / total, std::exp(0.3) / total, std::exp(0.6) / total}, all, between(normal),
      {0, 0.3 / 0.9, 0.6 / 0.9}, {0.1, 0.9}, {0, all[1] / inner, all[2] / inner}, v};
  for (std::size_t site = 0; site < expected.size(); ++site) {
    const Sample sample(out.begin() + std::ptrdiff_t(site) * count, out.begin() + std::ptrdiff_t(site + 1) * count);
    const auto mass = [&](double k) { return k < double(expected[site].size()) ? expected[site][std::size_t(k)] : 0.; };
    EXPECT_GT(chi_square(sample, mass), 1e-3 / 8) << site;
  }
}

}  // namespace
}  // namespace lockstep
