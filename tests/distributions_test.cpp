// Every distribution's log density and derivatives against 50-digit values (tests/golden/densities.json), not by
// calling its kernel but as models use it: arguments and values are nodes, data or constants; roles, plates and pulls
// do the rest. For one lane, and for a SIMD pack with another case in every lane.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "lockstep/gradient.hpp"
#include "lockstep/pack.hpp"
#include "lockstep/data.hpp"
#include "lockstep/generate.hpp"

namespace lockstep {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// |error| <= tolerance max(1, |reference|)
constexpr double log_density_tolerance = 1e-10, gradient_tolerance = 1e-9;

// ---- the table of distributions ------------------------------------------------------------------------------------

template <std::size_t size> struct Name {
  char text[size];
  constexpr Name(const char (&s)[size]) { std::copy_n(s, size, text); }
};

// A row: its name in the golden file, the number of arguments, how to make it from them.
template <Name its_name, int count, auto maker> struct Row {
  static constexpr const char* name = its_name.text;
  static constexpr int arguments = count;
  template <class... A> static auto make(const A&... a) { return maker(a...); }
};

// clang-format off
struct Normal : Row<"normal", 2, [](const auto&... a) { return normal(a...); }> {};
struct HalfNormal : Row<"half_normal", 1, [](const auto&... a) { return half_normal(a...); }> {};
struct Cauchy : Row<"cauchy", 2, [](const auto&... a) { return cauchy(a...); }> {};
struct HalfCauchy : Row<"half_cauchy", 1, [](const auto&... a) { return half_cauchy(a...); }> {};
struct StudentT : Row<"student_t", 3, [](const auto&... a) { return student_t(a...); }> {};
struct HalfStudentT : Row<"half_student_t", 2, [](const auto&... a) { return half_student_t(a...); }> {};
struct Exponential : Row<"exponential", 1, [](const auto&... a) { return exponential(a...); }> {};
struct Gamma : Row<"gamma", 2, [](const auto&... a) { return gamma(a...); }> {};
struct InverseGamma : Row<"inverse_gamma", 2, [](const auto&... a) { return inverse_gamma(a...); }> {};
struct Beta : Row<"beta", 2, [](const auto&... a) { return beta(a...); }> {};
struct LogNormal : Row<"lognormal", 2, [](const auto&... a) { return lognormal(a...); }> {};
struct Uniform : Row<"uniform", 2, [](const auto&... a) { return uniform(a...); }> {};
struct Bernoulli : Row<"bernoulli", 1, [](const auto&... a) { return bernoulli(a...); }> {};
struct BernoulliLogit : Row<"bernoulli_logit", 1, [](const auto&... a) { return bernoulli_logit(a...); }> {};
struct Poisson : Row<"poisson", 1, [](const auto&... a) { return poisson(a...); }> {};
struct PoissonLog : Row<"poisson_log", 1, [](const auto&... a) { return poisson_log(a...); }> {};
struct Binomial : Row<"binomial", 2, [](const auto&... a) { return binomial(a...); }> {};
struct BinomialLogit : Row<"binomial_logit", 2, [](const auto&... a) { return binomial_logit(a...); }> {};
struct NegativeBinomial : Row<"negative_binomial", 2, [](const auto&... a) { return negative_binomial(a...); }> {};
struct NegativeBinomialLog : Row<"negative_binomial_log", 2,
    [](const auto&... a) { return negative_binomial_log(a...); }> {};
struct NormalMixture : Row<"normal_mixture2", 5,
    [](const auto& w, const auto& mu1, const auto& sigma1, const auto& mu2, const auto& sigma2) {
      return mixture(component(w, normal(mu1, sigma1)), component(1 - w, normal(mu2, sigma2)));
    }> {};
// clang-format on

using AllDistributions =
    ::testing::Types<Normal, HalfNormal, Cauchy, HalfCauchy, StudentT, HalfStudentT, Exponential, Gamma, InverseGamma,
                     Beta, LogNormal, Uniform, Bernoulli, BernoulliLogit, Poisson, PoissonLog, Binomial, BinomialLogit,
                     NegativeBinomial, NegativeBinomialLog, NormalMixture>;
using ContinuousDistributions = ::testing::Types<Normal, HalfNormal, Cauchy, HalfCauchy, StudentT, HalfStudentT, Exponential,
                                                 Gamma, InverseGamma, Beta, LogNormal, Uniform, NormalMixture>;
struct RowNames {
  template <class D> static std::string GetName(int) { return D::name; }
};

// ---- the oracle ----------------------------------------------------------------------------------------------------

struct Case {
  double y, log_density, d_y;  // d_y: 0 where y is discrete
  std::vector<double> arguments, d_arguments;
};

std::vector<Case> golden_cases(const char* name) {
  static const nlohmann::json golden = [] {
    std::ifstream file(LOCKSTEP_SOURCE_DIR "/tests/golden/densities.json");
    return nlohmann::json::parse(file);
  }();
  std::vector<Case> cases;
  for (const auto& c : golden.at("distributions").at(name).at("cases"))
    cases.push_back({c.at("y"), c.at("log_density"), c.at("d_y").is_null() ? 0. : c.at("d_y").get<double>(),
                     c.at("args"), c.at("d_args")});
  return cases;
}

std::string describe(const char* name, const Case& c) {
  return fmt::format("{}({} | {})", name, c.y, fmt::join(c.arguments, ", "));
}

void expect_close(double value, double reference, double tolerance, const std::string& what) {
  if (value == reference) return;
  EXPECT_LE(std::abs(value - reference), tolerance * std::max(1., std::abs(reference))) << what;
}

// ---- models --------------------------------------------------------------------------------------------------------

// Calls f with `count` flat parameters on the whole line, so that their coordinates are their values.
template <int count, class M, class F, class... Nodes> void with_scalars(M& m, const F& f, const Nodes&... nodes) {
  if constexpr (sizeof...(Nodes) == count) {
    f(nodes...);
  } else {
    auto node = m.param("argument", flat());
    with_scalars<count>(m, f, nodes..., node);
  }
}
template <int count, class M, class F, class... Nodes>
void with_vectors(M& m, Dim dim, const F& f, const Nodes&... nodes) {
  if constexpr (sizeof...(Nodes) == count) {
    f(nodes...);
  } else {
    auto node = m.param("argument", flat(), dim);
    with_vectors<count>(m, dim, f, nodes..., node);
  }
}
template <class D, class F> auto made_from(const F& argument) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return D::make(argument(I)...);
  }(std::make_index_sequence<D::arguments>{});
}

template <class D> struct Parameter {  // everything is a parameter: the coordinates are the arguments, then y
  template <class M> void operator()(M& m) const {
    with_scalars<D::arguments>(m, [&](const auto&... a) { auto y = m.param("y", D::make(a...), real_line()); });
  }
};
template <class D> struct Plate {  // y is data, the arguments are the same for all of it
  Dim n;
  Real y;
  template <class M> void operator()(M& m) const {
    with_scalars<D::arguments>(m, [&](const auto&... a) { m.observe("y", y, n, [&](auto) { return D::make(a...); }); });
  }
};
template <class D> struct VaryingPlate {  // each element has arguments of its own
  Dim n;
  Real y;
  template <class M> void operator()(M& m) const {
    with_vectors<D::arguments>(
        m, n, [&](const auto&... a) { m.observe("y", y, n, [&](auto j) { return D::make(a[j]...); }); });
  }
};
template <class D> struct ScalarData {
  RealScalar y;
  template <class M> void operator()(M& m) const {
    with_scalars<D::arguments>(m, [&](const auto&... a) { m.observe("y", y, D::make(a...)); });
  }
};
template <class D> struct DataArguments {  // nothing is a parameter
  Dim n;
  Real y;
  std::array<Real, D::arguments> a;
  template <class M> void operator()(M& m) const {
    m.observe("y", y, n, [&](auto j) { return made_from<D>([&](std::size_t i) { return a[i][j]; }); });
  }
};
template <class D> struct ParameterWithDataArguments {
  std::array<Real, D::arguments> a;
  template <class M> void operator()(M& m) const {
    auto y = m.param("y", made_from<D>([&](std::size_t i) { return a[i][0]; }), real_line());
  }
};
template <class D> struct ConstantArguments {
  Dim n;
  Real y;
  std::array<double, D::arguments> a;
  template <class M> void operator()(M& m) const {
    m.observe("y", y, n, [&](auto) { return made_from<D>([&](std::size_t i) { return a[i]; }); });
  }
};

// A data set with the fields y, a0, a1, ..., bound along one dimension.
class Fields {
 public:
  explicit Fields(const Data& data) : data_(data), views_(data_), set_(views_.view()), n_(set_.dim("n")) {
    n_ = field("y").dim;
  }
  Dim n() const { return n_; }
  Real field(const std::string& name) { return set_.real(name, n_); }
  template <std::size_t count> std::array<Real, count> arguments() {
    std::array<Real, count> a;
    for (std::size_t i = 0; i < count; ++i) a[i] = field(fmt::format("a{}", i));
    return a;
  }

 private:
  Data data_;
  DataViews views_;
  Dataset set_;
  Dim n_;
};

Data data_of(const std::vector<double>& y) {
  Data data;
  data.set("y", y);
  return data;
}

// One element; the cases are data sets, a column each, so that every lane can have its own.
Data columns_of(const std::vector<Case>& cases) {
  auto column = [&](auto get) {
    Data::Field field{{1}, {}, std::int64_t(cases.size())};
    for (const Case& c : cases) field.values.push_back(get(c));
    return field;
  };
  Data data;
  data.set("y", column([](const Case& c) { return c.y; }));
  for (std::size_t i = 0; i < cases.front().arguments.size(); ++i)
    data.set(fmt::format("a{}", i), column([&](const Case& c) { return c.arguments[i]; }));
  return data;
}

// ---- evaluation ----------------------------------------------------------------------------------------------------

struct AtLane {
  double log_density;
  std::vector<double> gradient;
};

// A model with its lane type: all that is compiled for each model and lane type is in here.
struct Lanes {
  int width;
  std::function<void(const Workspace&, int dimension, double* log_density)> run;
};
template <class T, bool with_columns, class Model> Lanes lanes(const Model& model) {
  return {LaneTraits<T>::width, [model](const Workspace& workspace, int dimension, double* log_density) {
            LaneTraits<T>::store(log_density,
                                 log_density_gradient<T, with_columns>(model, WholeTeam{}, workspace, dimension));
          }};
}

// The model at one position per lane; lane l reads data set `columns[l]` where there are several.
std::vector<AtLane> evaluate(const Lanes& lanes, const std::vector<std::vector<double>>& positions,
                             const std::vector<std::int64_t>& columns) {
  constexpr int most = 16;
  const int n = int(positions[0].size()), width = lanes.width;
  EXPECT_LE(n, most);
  alignas(64) double position[most * pack_width] = {}, gradient[most * pack_width] = {}, log_density[pack_width];
  for (int i = 0; i < n; ++i)
    for (int l = 0; l < width; ++l) position[i * width + l] = positions[std::size_t(l)][std::size_t(i)];
  lanes.run({position, gradient, nullptr, columns.data(), width}, n, log_density);
  std::vector<AtLane> result;
  for (int l = 0; l < width; ++l) {
    result.push_back({log_density[l], {}});
    for (int i = 0; i < n; ++i) result.back().gradient.push_back(gradient[i * width + l]);
  }
  return result;
}

// The same position in every lane.
std::vector<AtLane> evaluate_alike(const Lanes& lanes, const std::vector<double>& position) {
  return evaluate(lanes, std::vector<std::vector<double>>(std::size_t(lanes.width), position), {});
}

// Calls check(case, result) for every case in every lane, beside different neighbours. `position` gives a case's
// coordinates; data sets, if the model reads any, are the cases.
void for_each_lane(const Lanes& lanes, const std::vector<Case>& cases,
                   const std::function<std::vector<double>(const Case&)>& position,
                   const std::function<void(const Case&, const AtLane&)>& check) {
  for (std::size_t begin = 0; begin < cases.size(); ++begin) {
    std::vector<std::int64_t> columns;
    std::vector<std::vector<double>> positions;
    for (int l = 0; l < lanes.width; ++l) {
      columns.push_back(std::int64_t((begin + 3 * std::size_t(l)) % cases.size()));
      positions.push_back(position(cases[std::size_t(columns.back())]));
    }
    const auto results = evaluate(lanes, positions, columns);
    for (int l = 0; l < lanes.width; ++l) check(cases[std::size_t(columns[std::size_t(l)])], results[std::size_t(l)]);
  }
}

std::vector<double> arguments_of(const Case& c) { return c.arguments; }
std::vector<double> arguments_and_value_of(const Case& c) {
  std::vector<double> all = c.arguments;
  all.push_back(c.y);
  return all;
}
std::vector<double> value_of(const Case& c) { return {c.y}; }
std::vector<double> nothing_of(const Case&) { return {}; }

void expect_log_density(const char* name, const Case& c, const AtLane& result) {
  expect_close(result.log_density, c.log_density, log_density_tolerance, describe(name, c) + ": log density");
}
void expect_value_slope(const char* name, const Case& c, const AtLane& result) {
  expect_close(result.gradient.back(), c.d_y, gradient_tolerance, describe(name, c) + ": derivative by y");
}
void expect_log_density_and_argument_slopes(const char* name, const Case& c, const AtLane& result) {
  expect_log_density(name, c, result);
  for (std::size_t i = 0; i < c.arguments.size(); ++i)
    expect_close(result.gradient[i], c.d_arguments[i], gradient_tolerance,
                 describe(name, c) + fmt::format(": derivative by argument {}", i));
}

// ---- against the oracle --------------------------------------------------------------------------------------------

template <class D> struct DensityOfAParameter : ::testing::Test {};
TYPED_TEST_SUITE(DensityOfAParameter, ContinuousDistributions, RowNames);

void check_parameter(const char* name, const Lanes& lanes) {
  for_each_lane(lanes, golden_cases(name), arguments_and_value_of, [&](const Case& c, const AtLane& r) {
    expect_log_density_and_argument_slopes(name, c, r);
    expect_value_slope(name, c, r);
  });
}
TYPED_TEST(DensityOfAParameter, AgreesWithTheOracleInOneLane) {
  check_parameter(TypeParam::name, lanes<double, false>(Parameter<TypeParam>{}));
}
TYPED_TEST(DensityOfAParameter, AgreesWithTheOracleInEveryLaneOfAPack) {
  check_parameter(TypeParam::name, lanes<Pack, false>(Parameter<TypeParam>{}));
}
TYPED_TEST(DensityOfAParameter, AgreesWithTheOracleWhereTheArgumentsAreData) {
  const auto cases = golden_cases(TypeParam::name);
  Fields fields(columns_of(cases));
  const ParameterWithDataArguments<TypeParam> model{fields.arguments<TypeParam::arguments>()};
  for (const Lanes& each : {lanes<double, true>(model), lanes<Pack, true>(model)})
    for_each_lane(each, cases, value_of, [](const Case& c, const AtLane& r) {
      expect_log_density(TypeParam::name, c, r);
      expect_value_slope(TypeParam::name, c, r);
    });
}

template <class D> struct DensityOfData : ::testing::Test {};
TYPED_TEST_SUITE(DensityOfData, AllDistributions, RowNames);

template <class T, class Model> void check_data(const char* name) {
  const auto cases = golden_cases(name);
  Fields fields(columns_of(cases));
  for_each_lane(lanes<T, true>(Model{fields.n(), fields.field("y")}), cases, arguments_of,
                [&](const Case& c, const AtLane& r) { expect_log_density_and_argument_slopes(name, c, r); });
}
TYPED_TEST(DensityOfData, AgreesWithTheOracleInOneLane) { check_data<double, Plate<TypeParam>>(TypeParam::name); }
TYPED_TEST(DensityOfData, AgreesWithTheOracleInEveryLaneWithADataSetOfItsOwn) {
  check_data<Pack, Plate<TypeParam>>(TypeParam::name);
}
TYPED_TEST(DensityOfData, AgreesWithTheOracleWhereArgumentsVaryByElement) {
  check_data<double, VaryingPlate<TypeParam>>(TypeParam::name);
  check_data<Pack, VaryingPlate<TypeParam>>(TypeParam::name);
}

// Data that all lanes share are plain doubles, not packs.
TYPED_TEST(DensityOfData, AgreesWithTheOracleWhereLanesShareThem) {
  for (const Case& c : golden_cases(TypeParam::name)) {
    Fields fields(data_of({c.y}));
    const Plate<TypeParam> model{fields.n(), fields.field("y")};
    for (const Lanes& each : {lanes<double, false>(model), lanes<Pack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, c.arguments))
        expect_log_density_and_argument_slopes(TypeParam::name, c, r);
  }
}
TYPED_TEST(DensityOfData, AgreesWithTheOracleWhereTheyAreOneNumber) {
  for (const Case& c : golden_cases(TypeParam::name)) {
    Data data;
    data.set("y", c.y);
    const DataViews views(data);
    Dataset set(views.view());
    for (const AtLane& r : evaluate_alike(lanes<Pack, false>(ScalarData<TypeParam>{set.scalar("y")}), c.arguments))
      expect_log_density_and_argument_slopes(TypeParam::name, c, r);
  }
}

TYPED_TEST(DensityOfData, AgreesWithTheOracleWhereArgumentsAreData) {
  const auto cases = golden_cases(TypeParam::name);
  Fields fields(columns_of(cases));
  const DataArguments<TypeParam> model{fields.n(), fields.field("y"), fields.arguments<TypeParam::arguments>()};
  for (const Lanes& each : {lanes<double, true>(model), lanes<Pack, true>(model)})
    for_each_lane(each, cases, nothing_of,
                  [](const Case& c, const AtLane& r) { expect_log_density(TypeParam::name, c, r); });
}
TYPED_TEST(DensityOfData, AgreesWithTheOracleWhereArgumentsAreConstants) {
  for (const Case& c : golden_cases(TypeParam::name)) {
    Fields fields(data_of({c.y}));
    ConstantArguments<TypeParam> model{fields.n(), fields.field("y"), {}};
    std::copy(c.arguments.begin(), c.arguments.end(), model.a.begin());
    for (const Lanes& each : {lanes<double, false>(model), lanes<Pack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, {})) expect_log_density(TypeParam::name, c, r);
  }
}

// The log likelihood of each observation, which Generate computes from values without tables.
TYPED_TEST(DensityOfData, AgreesWithTheOraclePointwise) {
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
TYPED_TEST(DensityOfData, IsTheSameNumberWhetherArgumentsAreUniformOrVary) {
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
TYPED_TEST(DensityOfData, OfAPlateIsTheSumOverItsElements) {
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

template <class D> void expect_impossible(const std::vector<double>& arguments, const std::vector<double>& values) {
  for (const double y : values) {
    Fields shared(data_of({y}));
    const Plate<D> model{shared.n(), shared.field("y")};
    for (const Lanes& each : {lanes<double, false>(model), lanes<Pack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, arguments))
        EXPECT_EQ(r.log_density, -infinity) << D::name << " at " << y;
  }
  // Beside possible values in the other lanes, which must not notice.
  const std::vector<Case> golden = golden_cases(D::name);
  for (const double y : values) {
    std::vector<Case> cases(golden.begin(), golden.begin() + 3 * pack_width);
    cases[0] = {y, -infinity, 0., arguments, {}};
    Fields fields(columns_of(cases));
    for_each_lane(lanes<Pack, true>(Plate<D>{fields.n(), fields.field("y")}), cases, arguments_of,
                  [](const Case& c, const AtLane& r) { expect_log_density(D::name, c, r); });
  }
}

TEST(DataOutsideTheSupport, AreImpossibleInEveryDistributionWithABoundedSupport) {
  expect_impossible<HalfNormal>({2.}, {-1e-300, -1., -1e300});
  expect_impossible<HalfCauchy>({2.}, {-1e-300, -1., -1e300});
  expect_impossible<Exponential>({2.}, {-1e-300, -1.});
  expect_impossible<Gamma>({0.5, 2.}, {-1e-300, -1., 0.});
  expect_impossible<Gamma>({3., 2.}, {-1e-300, -1., 0.});
  expect_impossible<LogNormal>({0.5, 2.}, {-1e-300, -1., 0.});
  expect_impossible<Beta>({0.5, 2.}, {-1., -1e-300, 0., 1., 1 + 1e-15, 3.});
  expect_impossible<Uniform>({-1., 2.}, {-1.0000001, 2.0000001, 1e300, -1e300});
  expect_impossible<Bernoulli>({0.3}, {2., -1., 0.5});
  expect_impossible<BernoulliLogit>({0.3}, {2., -1., 0.5});
  expect_impossible<HalfStudentT>({3., 2.}, {-1e-300, -1.});
  expect_impossible<InverseGamma>({3., 2.}, {-1e-300, -1., 0.});
  expect_impossible<Binomial>({30., 0.3}, {-1., 31., 1.5, 1e8});
  expect_impossible<BinomialLogit>({30., 0.3}, {-1., 31., 1.5, 1e8});
  expect_impossible<NegativeBinomial>({3., 2.}, {-1., 1.5, -0.5, 1e8 + 0.5});
  expect_impossible<NegativeBinomialLog>({3., 2.}, {-1., 1.5, -0.5, 1e8 + 0.5});
  expect_impossible<Poisson>({3.}, {-1., 1.5, -0.5, 1e8 + 0.5});
  expect_impossible<PoissonLog>({3.}, {-1., 1.5, -0.5, 1e8 + 0.5});
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
  }
};
TEST(FlatPrior, LeavesTheJacobianOnly) {
  const double x = -1.3, z = 0.4, s = 1 / (1 + std::exp(-z));
  for (const AtLane& r : evaluate_alike(lanes<Pack, false>(Flats{}), {0.7, x, z})) {
    EXPECT_NEAR(r.log_density, x + std::log(s * (1 - s)), 1e-15);
    EXPECT_EQ(r.gradient[0], 0.);
    EXPECT_NEAR(r.gradient[1], 1., 1e-15);
    EXPECT_NEAR(r.gradient[2], 1 - 2 * s, 1e-15);
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
