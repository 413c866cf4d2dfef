// What the tests of distributions share: rows of a table of distributions, the oracle (50-digit values in
// tests/golden), models whose arguments and values are nodes, data or constants, and the checks that every distribution
// passes.
//
//   struct Gumbel : DistributionRow<"gumbel", 2, [](const auto&... a) { return gumbel(a...); }> {};
//   INSTANTIATE_TYPED_TEST_SUITE_P(Location, DensityOfAParameter, ::testing::Types<Gumbel>, RowNames);
#pragma once

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

#include "lockstep/data.hpp"
#include "lockstep/generate.hpp"
#include "lockstep/gradient.hpp"
#include "lockstep/pack.hpp"
#include "lockstep/single.hpp"
#include "tests/largest_errors.hpp"

namespace lockstep {

constexpr double infinity = std::numeric_limits<double>::infinity();

// |error| <= tolerance max(1, |reference|)
constexpr double log_density_tolerance = 1e-10, gradient_tolerance = 1e-9, single_tolerance = 2e-5;

// ---- rows of the tables of distributions ----------------------------------------------------------------------------

template <std::size_t size> struct Name {
  char text[size];
  constexpr Name(const char (&s)[size]) { std::copy_n(s, size, text); }
};

// A row: its name in the golden file, the number of arguments, how to make it from them.
template <Name its_name, int count, auto maker> struct DistributionRow {
  static constexpr const char* name = its_name.text;
  static constexpr int arguments = count;
  template <class... A> static auto make(const A&... a) { return maker(a...); }
};
struct RowNames {
  template <class D> static std::string GetName(int) { return D::name; }
};

// ---- the oracle ----------------------------------------------------------------------------------------------------

struct Case {
  double y, log_density, d_y;  // d_y: 0 where y is discrete
  std::vector<double> arguments, d_arguments;
  bool single = false;         // single precision gets it right too
};

// The cases of a distribution, whose name is in one of the golden files.
inline std::vector<Case> golden_cases(const std::string& name) {
  static const std::vector<nlohmann::json> golden = [] {
    std::vector<nlohmann::json> files;
    for (const char* each : {"densities.json", "continuous_densities.json", "discrete_densities.json",
                             "category_densities.json", "cdfs.json"}) {
      std::ifstream file(std::string(LOCKSTEP_SOURCE_DIR "/tests/golden/") + each);
      files.push_back(nlohmann::json::parse(file).at("distributions"));
    }
    return files;
  }();
  std::vector<Case> cases;
  for (const auto& file : golden)
    if (file.contains(name))
      for (const auto& c : file.at(name).at("cases"))
        cases.push_back({c.at("y"), c.at("log_density"), c.at("d_y").is_null() ? 0. : c.at("d_y").get<double>(),
                         c.at("args"), c.at("d_args"), c.value("single", false)});
  EXPECT_FALSE(cases.empty()) << name;
  return cases;
}

inline std::string describe(const char* name, const Case& c) {
  return fmt::format("{}({} | {})", name, c.y, fmt::join(c.arguments, ", "));
}

inline double relative_error(double value, double reference) {
  return value == reference ? 0. : std::abs(value - reference) / std::max(1., std::abs(reference));
}
inline void expect_close(double value, double reference, double tolerance, const std::string& what) {
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

inline Data data_of(const std::vector<double>& y) {
  Data data;
  data.set("y", y);
  return data;
}

// One element; the cases are data sets, a column each, so that every lane can have its own.
inline Data columns_of(const std::vector<Case>& cases) {
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
  int lanes = 1;               // of the pack
};

// A model with its lane type: all that is compiled for each model and lane type is in here.
struct Lanes {
  int width;
  std::function<void(const Workspace&, int dimension, double* log_density)> run;
};
template <class T, bool with_columns, class Model> Lanes lanes(const Model& model) {
  return {LaneTraits<T>::width, [model](const Workspace& workspace, int dimension, double* log_density) {
            LaneTraits<SumOf<T>>::store(
                log_density, log_density_gradient<T, with_columns>(model, WholeTeam{}, workspace, dimension));
          }};
}

// The model at one position per lane; lane l reads data set `columns[l]` where there are several.
inline std::vector<AtLane> evaluate(const Lanes& lanes, const std::vector<std::vector<double>>& positions,
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
    result.push_back({log_density[l], {}, width});
    for (int i = 0; i < n; ++i) result.back().gradient.push_back(gradient[i * width + l]);
  }
  return result;
}

// The same position in every lane.
inline std::vector<AtLane> evaluate_alike(const Lanes& lanes, const std::vector<double>& position) {
  return evaluate(lanes, std::vector<std::vector<double>>(std::size_t(lanes.width), position), {});
}

// Calls check(case, result) for every case in every lane, beside different neighbours. `position` gives a case's
// coordinates; data sets, if the model reads any, are the cases.
inline void for_each_lane(const Lanes& lanes, const std::vector<Case>& cases,
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

inline std::vector<double> arguments_of(const Case& c) { return c.arguments; }
inline std::vector<double> arguments_and_value_of(const Case& c) {
  std::vector<double> all = c.arguments;
  all.push_back(c.y);
  return all;
}
inline std::vector<double> value_of(const Case& c) { return {c.y}; }
inline std::vector<double> nothing_of(const Case&) { return {}; }

inline void expect_log_density(const char* name, const Case& c, const AtLane& result) {
  expect_close(result.log_density, c.log_density, log_density_tolerance, describe(name, c) + ": log density");
  if (std::isfinite(c.log_density)) LargestErrors::note(name, "log density", result.lanes, relative_error(result.log_density, c.log_density));
}
inline void expect_value_slope(const char* name, const Case& c, const AtLane& result) {
  expect_close(result.gradient.back(), c.d_y, gradient_tolerance, describe(name, c) + ": derivative by y");
  LargestErrors::note(name, "gradient", result.lanes, relative_error(result.gradient.back(), c.d_y));
}
inline void expect_log_density_and_argument_slopes(const char* name, const Case& c, const AtLane& result) {
  expect_log_density(name, c, result);
  for (std::size_t i = 0; i < c.arguments.size(); ++i) {
    expect_close(result.gradient[i], c.d_arguments[i], gradient_tolerance,
                 describe(name, c) + fmt::format(": derivative by argument {}", i));
    LargestErrors::note(name, "gradient", result.lanes, relative_error(result.gradient[i], c.d_arguments[i]));
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
    std::vector<Case> cases;
    for (std::size_t i = 0; i < 3 * std::size_t(pack_width); ++i) cases.push_back(golden[i % golden.size()]);
    cases[0] = {y, -infinity, 0., arguments, {}};
    Fields fields(columns_of(cases));
    for_each_lane(lanes<Pack, true>(Plate<D>{fields.n(), fields.field("y")}), cases, arguments_of,
                  [](const Case& c, const AtLane& r) { expect_log_density(D::name, c, r); });
  }
}

// ---- the checks, by which table they are instantiated with ----------------------------------------------------------

inline void check_parameter(const char* name, const Lanes& lanes) {
  for_each_lane(lanes, golden_cases(name), arguments_and_value_of, [&](const Case& c, const AtLane& r) {
    expect_log_density_and_argument_slopes(name, c, r);
    expect_value_slope(name, c, r);
  });
}
template <class T, class Model> void check_data(const char* name) {
  const auto cases = golden_cases(name);
  Fields fields(columns_of(cases));
  for_each_lane(lanes<T, true>(Model{fields.n(), fields.field("y")}), cases, arguments_of,
                [&](const Case& c, const AtLane& r) { expect_log_density_and_argument_slopes(name, c, r); });
}

// Continuous distributions.
template <class D> struct DensityOfAParameter : ::testing::Test {};
TYPED_TEST_SUITE_P(DensityOfAParameter);
TYPED_TEST_P(DensityOfAParameter, AgreesWithTheOracleInOneLane) {
  check_parameter(TypeParam::name, lanes<double, false>(Parameter<TypeParam>{}));
}
TYPED_TEST_P(DensityOfAParameter, AgreesWithTheOracleInEveryLaneOfAPack) {
  check_parameter(TypeParam::name, lanes<Pack, false>(Parameter<TypeParam>{}));
}
REGISTER_TYPED_TEST_SUITE_P(DensityOfAParameter, AgreesWithTheOracleInOneLane, AgreesWithTheOracleInEveryLaneOfAPack);

// All distributions.
template <class D> struct DensityOfData : ::testing::Test {};
TYPED_TEST_SUITE_P(DensityOfData);
TYPED_TEST_P(DensityOfData, AgreesWithTheOracleInOneLane) { check_data<double, Plate<TypeParam>>(TypeParam::name); }
TYPED_TEST_P(DensityOfData, AgreesWithTheOracleInEveryLaneWithADataSetOfItsOwn) {
  check_data<Pack, Plate<TypeParam>>(TypeParam::name);
}
TYPED_TEST_P(DensityOfData, AgreesWithTheOracleWhereArgumentsVaryByElement) {
  check_data<Pack, VaryingPlate<TypeParam>>(TypeParam::name);
}
REGISTER_TYPED_TEST_SUITE_P(DensityOfData, AgreesWithTheOracleInOneLane,
                            AgreesWithTheOracleInEveryLaneWithADataSetOfItsOwn,
                            AgreesWithTheOracleWhereArgumentsVaryByElement);

// In single precision, data that lanes share: those cases that float's rounding of inputs does not spoil.
template <class D> struct DensityInSinglePrecision : ::testing::Test {};
TYPED_TEST_SUITE_P(DensityInSinglePrecision);
TYPED_TEST_P(DensityInSinglePrecision, AgreesWithTheOracleToNearlyFiveDigits) {
  int checked = 0;
  for (const Case& c : golden_cases(TypeParam::name)) {
    if (!c.single) continue;
    ++checked;
    Fields fields(data_of({c.y}));
    const Plate<TypeParam> model{fields.n(), fields.field("y")};
    for (const Lanes& each : {lanes<Single, false>(model), lanes<SinglePack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, c.arguments)) {
        expect_close(r.log_density, c.log_density, single_tolerance, describe(TypeParam::name, c));
        for (std::size_t i = 0; i < c.arguments.size(); ++i)
          expect_close(r.gradient[i], c.d_arguments[i], single_tolerance,
                       describe(TypeParam::name, c) + fmt::format(": derivative by argument {}", i));
      }
  }
  EXPECT_GE(checked, 5);
}
REGISTER_TYPED_TEST_SUITE_P(DensityInSinglePrecision, AgreesWithTheOracleToNearlyFiveDigits);

}  // namespace lockstep
