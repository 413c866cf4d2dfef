// Predictions from a fit: levels matched by label, what changed is simulated anew (rules §5). Fits are made by hand, of draws that are
// known, with so little noise that a prediction is its mean; where one is random, its moments are compared over 20,000 draws, each
// within 4.5 standard errors (all twelve together a false alarm in 12,000), with one fixed seed.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "lockstep/lockstep.hpp"

namespace lockstep {
namespace {

constexpr double little = 1e-9;

// A hierarchy with a predictor of the groups.
struct Houses {
  Dim county, house;
  GroupIndex county_of;
  Real u, x, y;
  explicit Houses(Dataset& d)
      : county(d.dim("county")), house(d.dim("house")), county_of(d.index("county_of", house, county)), u(d.real("u", county)),
        x(d.real("x", house)), y(d.real("y", house)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 10));
    auto tau = m.param("tau", half_normal(5));
    auto a = m.param("a", county, [&](auto c) { return normal(mu + u[c], tau); });
    auto b = m.param("b", normal(0, 1));
    auto shifted = m.deterministic("shifted", house, [&](auto h) { return a[county_of[h]] + b * x[h]; });
    m.observe("y", y, house, [&](auto h) { return normal(shifted[h], little); });
  }
};

Data houses() {
  Data data;
  data.set_labels("county", {"Aitkin", "Brown", "Cass"});
  data.set("county_of", {1., 2., 3., 3.});
  data.set("u", {0., 1., 2.});
  data.set("x", {0., 1., 0., 1.});
  data.set("y", {7., 8., 9., 10.});
  return data;
}

constexpr std::size_t chains = 2, many = 10000;

// A fit of these data; `value(name, element, draw)` are its draws.
Fit fit_of(const std::vector<std::pair<std::string, std::size_t>>& parameters, std::size_t draws,
           const std::function<double(const std::string&, std::size_t, std::size_t)>& value) {
  Fit fit;
  fit.chains = chains;
  fit.draws = draws;
  fit.groups.push_back({"posterior", true, {}});
  for (const auto& [name, size] : parameters) {
    Variable variable{name, {}, {}, ElementType::real, {}};
    if (size > 1) {
      variable.dims = {"county"};
      variable.shape = {size};
    }
    for (std::size_t d = 0; d < chains * draws; ++d)
      for (std::size_t e = 0; e < size; ++e) variable.values.push_back(value(name, e, d));
    fit.groups[0].variables.push_back(variable);
  }
  return fit;
}

Fit houses_fit(std::size_t draws = 3) {
  Fit fit = fit_of({{"mu", 1}, {"tau", 1}, {"a", 3}, {"b", 1}}, draws, [](const std::string& name, std::size_t e, std::size_t d) {
    if (name == "mu") return 1.;
    if (name == "tau") return 2.;
    if (name == "b") return 0.5;
    return 10. * double(e + 1) + 0.001 * double(d % 5);
  });
  fit.dimensions = {{"county", 3, {"Aitkin", "Brown", "Cass"}}, {"house", 4, {}}};
  fit.groups.push_back({"observed_data", false, {{"y", {"house"}, {4}, ElementType::real, {7, 8, 9, 10}}}});
  fit.groups.push_back({"constant_data", false, {{"county_of", {"house"}, {4}, ElementType::integer, {1, 2, 3, 3}},
                                                 {"u", {"county"}, {3}, ElementType::integer, {0, 1, 2}},
                                                 {"x", {"house"}, {4}, ElementType::integer, {0, 1, 0, 1}}}});
  return fit;
}

double value(const Fit& fit, const std::string& name, std::size_t draw, std::size_t element) {
  const Variable& variable = fit.variable("predictions", name);
  return variable.values.at(draw * variable.size() + element);
}

struct Moments {
  double mean = 0, sd = 0;
};
Moments moments(const Fit& fit, const std::string& group, const std::string& name, std::size_t element) {
  const Variable& variable = fit.variable(group, name);
  const double n = double(fit.chains * fit.draws);
  Moments m;
  for (std::size_t d = 0; d < std::size_t(n); ++d) m.mean += variable.values[d * variable.size() + element] / n;
  for (std::size_t d = 0; d < std::size_t(n); ++d) m.sd += std::pow(variable.values[d * variable.size() + element] - m.mean, 2) / (n - 1);
  m.sd = std::sqrt(m.sd);
  return m;
}
void expect_normal(const Fit& fit, const std::string& group, const std::string& name, std::size_t element, double mean, double sd) {
  const Moments m = moments(fit, group, name, element);
  const double n = double(fit.chains * fit.draws);
  EXPECT_LT(std::abs(m.mean - mean), 4.5 * sd / std::sqrt(n)) << name << " " << element;
  EXPECT_LT(std::abs(m.sd - sd), 4.5 * sd / std::sqrt(2 * n)) << name << " " << element;
}

template <class Error, class F> void expect_error(const F& f, const std::string& part) {
  try {
    f();
    FAIL() << "no error with: " << part;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Predict, WithoutAnythingNewIsThePosteriorPredictive) {
  const Fit predicted = predict<Houses>(houses_fit());
  ASSERT_EQ(predicted.groups.size(), 1u);
  const Variable& y = predicted.variable("posterior_predictive", "y");
  ASSERT_EQ(predicted.groups[0].variables.size(), 1u);
  const double expected[] = {10, 20.5, 30, 30.5};
  for (std::size_t d = 0; d < 6; ++d)
    for (std::size_t h = 0; h < 4; ++h) EXPECT_NEAR(y.values[4 * d + h], expected[h] + 0.001 * double(d % 5), 1e-7);
}

// What the fit of a run has is enough to predict again: data, labels, options.
TEST(Predict, AFitHasTheDataOfItsRun) {
  SampleOptions options;
  options.chains = 2;
  options.warmup = 10;
  options.draws = 5;
  const Data given = houses();
  const Fit fit = sample<Houses>(given, options);
  const Data data = data_of(*model_table<Houses>(), fit);
  EXPECT_EQ(data.labels(), given.labels());
  for (const auto& [name, field] : given.fields()) EXPECT_EQ(data.fields().at(name).values, field.values) << name;
  EXPECT_EQ(fit.variable("constant_data", "u").dims, std::vector<std::string>{"county"});
}

TEST(Predict, NewDataAreMatchedByLabelAndWhatIsObservedMayBeMissing) {
  Data data;
  data.set_labels("county", {"Cass", "Aitkin"});
  data.set("county_of", {1., 2., 1.});
  data.set("x", {2., 0., 4.});
  const Fit predicted = predict<Houses>(houses_fit(), data);
  const double expected[] = {31, 10, 32};
  for (std::size_t d = 0; d < 6; ++d)
    for (std::size_t h = 0; h < 3; ++h) {
      EXPECT_NEAR(value(predicted, "y", d, h), expected[h] + 0.001 * double(d % 5), 1e-7);
      EXPECT_NEAR(value(predicted, "shifted", d, h), expected[h] + 0.001 * double(d % 5), 1e-9);
    }
  // The counties' predictor went with the labels; nothing was drawn anew.
  EXPECT_EQ(predicted.variable("predictions_constant_data", "u").values, (std::vector<double>{2, 0}));
  EXPECT_EQ(predicted.group("predictions").variables.size(), 2u);
}

TEST(Predict, PermutedLabelsGiveTheSamePredictions) {
  Data data, permuted;
  data.set_labels("county", {"Aitkin", "Brown", "Cass"});
  data.set("county_of", {1., 2., 3.});
  permuted.set_labels("county", {"Brown", "Cass", "Aitkin"});
  permuted.set("county_of", {3., 1., 2.});
  for (Data* each : {&data, &permuted}) each->set("x", {1., 2., 3.});
  EXPECT_EQ(predict<Houses>(houses_fit(), data).variable("predictions", "y").values,
            predict<Houses>(houses_fit(), permuted).variable("predictions", "y").values);
}

TEST(Predict, WhatNewDataLackIsNamed) {
  Data data;
  data.set("x", {1.});
  expect_error<DataError>([&] { predict<Houses>(houses_fit(), data); }, "field 'county_of' is missing from the new data (it runs along 'house'");
  data.set("county_of", {1.});
  data.set_labels("county", {"Dodge"});
  expect_error<DataError>([&] { predict<Houses>(houses_fit(), data); }, "field 'u' is missing from the new data (it runs along 'county'");
  data.set("u", {0.});
  expect_error<DataError>([&] { predict<Houses>(houses_fit(), data); }, "dimension 'county' has elements that the fit has not seen: 'Dodge'");
}

TEST(Predict, LevelsThatTheFitHasNotSeenAreDrawnFromTheirPriorGivenTheRest) {
  Data data;
  data.set_labels("county", {"Dodge", "Brown"});
  data.set("u", {3., 1.});
  data.set("county_of", {1., 2.});
  data.set("x", {0., 0.});
  PredictOptions options;
  options.sample_new_levels = true;
  options.seed = 11;
  const Fit predicted = predict<Houses>(houses_fit(many), data, options);
  expect_normal(predicted, "predictions", "a", 0, 1 + 3, 2);
  expect_normal(predicted, "predictions", "y", 0, 1 + 3, 2);
  for (std::size_t d = 0; d < 100; ++d) ASSERT_NEAR(value(predicted, "a", d, 1), 20 + 0.001 * double(d % 5), 1e-9);
}

TEST(Predict, ElementsWhosePriorReadsChangedDataAreDrawnAnew) {
  Data data;
  data.set("u", {0., 5., 2.});  // another for Brown
  expect_error<DataError>([&] { predict<Houses>(houses_fit(), data); }, "dimension 'county' has labels in the fit and none in the new data");
  data.set_labels("county", {"Aitkin", "Brown", "Cass"});
  PredictOptions options;
  options.seed = 12;
  const Fit predicted = predict<Houses>(houses_fit(many), data, options);
  expect_normal(predicted, "predictions", "a", 1, 1 + 5, 2);
  for (std::size_t d = 0; d < 100; ++d)
    for (std::size_t e : {0, 2}) ASSERT_NEAR(value(predicted, "a", d, e), 10 * double(e + 1) + 0.001 * double(d % 5), 1e-9);
}

TEST(Predict, WhatIsDoneChangesItsDescendantsOnly) {
  Data data;
  data.set_do("mu", {100.});
  PredictOptions options;
  options.seed = 13;
  const Fit predicted = predict<Houses>(houses_fit(many), data, options);
  for (std::size_t e : {0, 1, 2}) expect_normal(predicted, "predictions", "a", e, 100 + double(e), 2);
  for (std::size_t d = 0; d < 100; ++d)
    ASSERT_NEAR(value(predicted, "y", d, 1), value(predicted, "a", d, 1) + 0.5, 1e-7);
  EXPECT_EQ(predicted.variable("predictions_constant_data", "mu").values, std::vector<double>{100});

  Data effect;
  effect.set_do("a", {-1., -2., -3.});
  const Fit of_effect = predict<Houses>(houses_fit(), effect);
  for (std::size_t d = 0; d < 6; ++d) EXPECT_NEAR(value(of_effect, "y", d, 3), -3 + 0.5, 1e-7);
  EXPECT_EQ(of_effect.group("predictions").variables.size(), 2u);  // its parents are not drawn anew

  Data field;
  field.set_do("x", {10.});
  EXPECT_NEAR(value(predict<Houses>(houses_fit(), field), "y", 0, 0), 10 + 5, 1e-7);
}

// What a run was done with is done when it is predicted from, too.
TEST(Predict, WhatWasDoneInTheRunStaysDone) {
  Data data = houses();
  data.set_do("a", {1., 2., 3.});
  data.set_observed("mu", {4.});
  SampleOptions options;
  options.chains = 2;
  options.warmup = 10;
  options.draws = 5;
  const Fit fit = sample<Houses>(data, options);
  const Fit predicted = predict<Houses>(fit);
  const Variable& b = fit.variable("posterior", "b");
  for (std::size_t d = 0; d < 10; ++d) EXPECT_NEAR(predicted.variable("posterior_predictive", "y").values[4 * d + 3], 3 + b.values[d], 1e-7);
}

struct Autoregression {
  Dim time;
  Real y;
  explicit Autoregression(Dataset& d) : time(d.dim("time")), y(d.real("y", time)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto phi = m.param("phi", normal(0, 1));
    auto sigma = m.param("sigma", half_normal(1));
    m.observe("y", y, time.from(1), [&](auto, auto past) { return normal(phi * past(1), sigma); });
  }
};

// The path is simulated, not one step from the data: its variance after t steps is sigma^2 (1 - phi^2t)/(1 - phi^2).
TEST(Predict, AutoregressionsRunOnWhatTheyPredict) {
  Fit fit = fit_of({{"phi", 1}, {"sigma", 1}}, many, [](const std::string& name, std::size_t, std::size_t) { return name == "phi" ? 0.9 : 0.5; });
  fit.dimensions = {{"time", 6, {}}};
  fit.groups.push_back({"observed_data", false, {{"y", {"time"}, {6}, ElementType::integer, {0, 50, -50, 50, -50, 50}}}});
  PredictOptions options;
  options.seed = 14;
  const Fit predicted = predict<Autoregression>(fit, {}, options);
  for (std::size_t t : {1, 2, 5})
    expect_normal(predicted, "posterior_predictive", "y", t, 0, 0.5 * std::sqrt((1 - std::pow(0.9, 2. * double(t))) / (1 - 0.81)));
  Data longer;
  longer.set("time", 9.);
  expect_error<DataError>([&] { predict<Autoregression>(fit, longer); }, "its first elements are given, not predicted");
}

struct Together {
  Dim county;
  Real y;
  explicit Together(Dataset& d) : county(d.dim("county")), y(d.real("y", county)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto p = m.param("p", dirichlet(1), county);
    m.observe("y", y, county, [&](auto c) { return normal(p[c], little); });
  }
};

TEST(Predict, ElementsThatAreDrawnTogetherAreNotDrawnInPart) {
  Fit fit = fit_of({{"p", 3}}, 2, [](const std::string&, std::size_t e, std::size_t) { return e == 0 ? 0.5 : 0.25; });
  fit.dimensions = {{"county", 3, {"Aitkin", "Brown", "Cass"}}};
  fit.groups.push_back({"observed_data", false, {{"y", {"county"}, {3}, ElementType::real, {0.1, 0.2, 0.7}}}});
  EXPECT_NEAR(predict<Together>(fit).variable("posterior_predictive", "y").values[0], 0.5, 1e-7);
  Data data;
  data.set_labels("county", {"Aitkin", "Brown", "Cass", "Dodge"});
  PredictOptions options;
  options.sample_new_levels = true;
  expect_error<ModelError>([&] { predict<Together>(fit, data, options); }, "parameter 'p' is known for some of its elements only");
}

TEST(Predict, RefusesFitsThatAreNotTheModels) {
  Fit without = houses_fit();
  std::erase_if(without.groups[0].variables, [](const Variable& each) { return each.name == "b"; });
  expect_error<SampleError>([&] { predict<Houses>(without); }, "the fit has no draws of parameter 'b'");
  Fit empty = houses_fit();
  empty.groups.erase(empty.groups.begin());
  expect_error<SampleError>([&] { predict<Houses>(empty); }, "the fit has no posterior draws");
  expect_error<DataError>([&] { predict<Together>(fit_of({{"p", 1}}, 2, [](auto&&...) { return 1.; })); }, "the fit's data are not the model's");
}

// By hand: statistics of four draws of three elements, ties counted half.
TEST(PredictiveChecks, CountDrawsWhoseStatisticIsLarger) {
  Fit fit;
  fit.chains = 2, fit.draws = 2;
  fit.groups.push_back({"posterior_predictive", true, {{"y", {"i"}, {3}, ElementType::real, {1, 2, 3, 0, 0, 0, 4, 4, 4, 2, 2, 2}}}});
  fit.groups.push_back({"observed_data", false, {{"y", {"i"}, {3}, ElementType::real, {1, 2, 3}}}});
  const auto total = [](std::span<const double> y) { return y[0] + y[1] + y[2]; };
  EXPECT_EQ(predictive_p_value(fit, fit, "y", total), (0.5 + 0 + 1 + 0.5) / 4);
  EXPECT_EQ(predictive_p_value(fit, fit, "y", [](std::span<const double> y) { return y[2]; }), (0.5 + 0 + 1 + 0) / 4);
  EXPECT_THROW(predictive_p_value(fit, fit, "x", total), std::out_of_range);
  fit.groups[1].variables[0].values.push_back(4);
  EXPECT_THROW(predictive_p_value(fit, fit, "y", total), SampleError);
  fit.groups[1].variables[0].values.pop_back();
  fit.groups[1].variables[0].values[2] = std::nan("");
  EXPECT_EQ(predictive_p_value(fit, fit, "y", [](std::span<const double> y) { return y[0] + y[1] + double(y.size()); }), (0.5 + 0 + 1 + 1) / 4);
  fit.groups[1].variables[0].values[2] = 3;
  fit.groups[0].variables.push_back({"y_state", {"i"}, {3}, ElementType::integer, std::vector<double>(12)});  // summed out: of no data
  const std::string table = predictive_checks(fit, fit);
  EXPECT_NE(table.find("mean         sd        min        max\n"), std::string::npos) << table;
  EXPECT_NE(table.find("0.500"), std::string::npos) << table;
  EXPECT_EQ(table.find("y_state"), std::string::npos) << table;
}

}  // namespace
}  // namespace lockstep
