// Mixed precision: single for each term, doubles for what is summed (lockstep/single.hpp).
//
// Tolerances are in units of a single's rounding, 6e-8. A term of the log density goes through some ten operations and an
// exponential or two, on numbers up to a hundred times as large as itself: 1e-5 of the largest is what is allowed. What sums in
// singles would lose is a hundred times more at the sizes below, and its tests say so.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "device_runs.hpp"
#include "gradient_in_lanes.hpp"
#include "host/fit_builder.hpp"
#include "host/precision_error.hpp"
#include "host/run.hpp"
#include "kernels/emulated_device.hpp"
#include "lockstep/lockstep.hpp"
#include "lockstep/single.hpp"
#include "models/diamonds.hpp"
#include "models/eight_schools.hpp"
#include "models/logistic_regression.hpp"
#include "models/radon.hpp"

namespace lockstep {
namespace {

constexpr double of_largest = 1e-5;

// ---- the number itself ------------------------------------------------------------------------------------------------------

TEST(Single, StaysSingleBesideDoubles) {
  static_assert(std::is_same_v<decltype(0.5 * Single(1.f) + 2.), Single>);
  static_assert(std::is_same_v<decltype(1. / Single(1.f) - 1), Single>);
  static_assert(std::is_same_v<decltype(log_gamma(Single(3.f))), Single>);
  EXPECT_EQ(double(Single(0.1) * Single(10.)), double(0.1f * 10.f));
  EXPECT_EQ(double(Single(1.) + Single(1e-9)), 1.);
}

// Singles in a pack, one single, and a double: special functions to 30 units in the last place of a single, relative to 1 where
// they pass through zero.
TEST(Single, SpecialFunctionsAreThoseOfDoubles) {
  const std::vector<double> x{0.01, 0.3, 1., 1.46, 2., 7.3, 10., 55., 1e4};
  const auto expect_same = [&](const char* name, const auto& f) {
    for (double each : x) {
      const double expected = f(each), tolerance = 30 * 6e-8 * std::max(1., std::abs(expected));
      EXPECT_NEAR(double(f(Single(each))), expected, tolerance) << name << "(" << each << ")";
      alignas(64) double lanes[pack_width];
      std::fill_n(lanes, pack_width, each);
      LaneTraits<SinglePack>::store(lanes, f(LaneTraits<SinglePack>::load(lanes)));
      for (double lane : lanes) EXPECT_NEAR(lane, expected, tolerance) << name << "(" << each << ") in lanes";
    }
  };
  expect_same("log_gamma", [](auto v) { return log_gamma(v); });
  expect_same("digamma", [](auto v) { return digamma(v); });
  expect_same("stirling_error", [](auto v) { return stirling_error(v); });
  expect_same("softplus", [](auto v) { return softplus(v); });
  expect_same("sigmoid", [](auto v) { return sigmoid(decltype(v)(-v)); });
  expect_same("log_sum_exp", [](auto v) { return log_sum_exp(v, decltype(v)(1.)); });
  expect_same("log1m_exp", [](auto v) { return log1m_exp(decltype(v)(-v)); });
}

// ---- gradients in lanes ---------------------------------------------------------------------------------------------------------

// At as many points as a pack has lanes.
void expect_gradients_of_the_oracle(const std::string& name) {
  SCOPED_TRACE(name);
  const Data data = example_data(*find_zoo_model(name));
  const HostModel model(*find_zoo_model(name)->table(), data, true);
  const int n = model.coordinates();
  GradientInLanes found(model);
  for (int i = 0; i < n; ++i)
    for (int l = 0; l < pack_width; ++l) found.position.data()[i * pack_width + l] = 0.8 * std::sin(1.7 * l + 0.9 * i + 0.3);
  found.run(model, model.table().log_density_gradient_mixed);
  std::vector<double> point(static_cast<std::size_t>(n)), expected(static_cast<std::size_t>(n));
  int inexact = 0;
  for (int l = 0; l < pack_width; ++l) {
    for (int i = 0; i < n; ++i) point[std::size_t(i)] = found.position.data()[i * pack_width + l];
    const double log_density = model.log_density(point.data(), expected.data());
    ASSERT_TRUE(std::isfinite(log_density));
    double largest = std::max(1., std::abs(log_density));
    for (double g : expected) largest = std::max(largest, std::abs(g));
    EXPECT_NEAR(found.log_density[l], log_density, of_largest * largest) << "lane " << l;
    for (int i = 0; i < n; ++i)
      EXPECT_NEAR(found.gradient.data()[i * pack_width + l], expected[std::size_t(i)], of_largest * largest) << "lane " << l << ", coordinate " << i;
    inexact += found.log_density[l] != log_density;
  }
  EXPECT_GT(inexact, 0) << "it is all in doubles";
}

TEST(MixedPrecision, GradientsOfTheZooAreTheOracles) {
  for (const ZooModel& model : zoo()) expect_gradients_of_the_oracle(model.name);
}

// A million terms: sums in singles would be off by a part in ten thousand, and stall at 2^24 of them.
struct ManyTerms {
  Dim i;
  Real y;
  explicit ManyTerms(Dataset& d) : i(d.dim("i")), y(d.real("y", i)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    m.observe("y", y, i, [&](auto) { return normal(mu, 1); });
  }
};
struct ManyRows {
  Dim i, k;
  Real y;
  Matrix x;
  explicit ManyRows(Dataset& d) : i(d.dim("i")), k(d.dim("k")), y(d.real("y", i)), x(d.matrix("x", i, k)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto beta = m.param("beta", normal(0, 1), k);
    auto mean = m.linear(x, beta);
    m.observe("y", y, i, [&](auto j) { return normal(mean[j], 1); });
  }
};

template <class Model> void expect_double_sums(const Data& data) {
  const HostModel model(*model_table<Model>(), data, true);
  const int n = model.coordinates();
  std::vector<double> point(std::size_t(n), 0.5), expected(static_cast<std::size_t>(n));
  GradientInLanes found(model);
  found.place(point);
  found.run(model, model.table().log_density_gradient_mixed);
  const double log_density = model.log_density(point.data(), expected.data());
  EXPECT_NEAR(found.log_density[0], log_density, 2e-7 * std::abs(log_density));
  for (int i = 0; i < n; ++i) EXPECT_NEAR(found.gradient.data()[i * pack_width], expected[std::size_t(i)], 2e-6 * std::abs(expected[std::size_t(i)]));
}

TEST(MixedPrecision, SumsOverObservationsAreDoubles) {
  Data data;
  std::vector<double> y(1000000);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = 1.1 + 0.1 * std::sin(double(i));
  data.set("y", y);
  expect_double_sums<ManyTerms>(data);
}

TEST(MixedPrecision, SumsOverRowsOfAMatrixAreDoubles) {
  Data data;
  Data::Field x{{100003, 3}, {}};
  std::vector<double> y(100003);
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = 3 + 0.1 * std::sin(double(i));
    for (int k = 0; k < 3; ++k) x.values.push_back(1 + 0.1 * std::cos(double(i) * (k + 1)));
  }
  data.set("y", y);
  data.set("x", x);
  expect_double_sums<ManyRows>(data);
}

// ---- on a device -----------------------------------------------------------------------------------------------------------------

template <class Model> void expect_densities_on_a_device(const std::string& name, const Geometry& geometry) {
  SCOPED_TRACE(name + ", " + geometry_text(geometry));
  const ZooSubject subject(name, true);
  RunShape shape;
  shape.chains = 3;
  shape.geometry = geometry;
  DeviceList devices;
  devices.push_back(std::make_unique<EmulatedDevice>());
  expect_densities_of_the_oracle(*ensemble_on(std::move(devices), subject, *emulated_model_table<Model, Single>(), shape), subject.model, of_largest);
}

TEST(MixedPrecision, DensitiesOnADeviceAreTheOracles) {
  expect_densities_on_a_device<models::EightSchools>("eight_schools", {4, 2, true});
  expect_densities_on_a_device<models::Radon>("radon", {2, 3, false});
  expect_densities_on_a_device<models::LogisticRegression>("logistic_regression", {2, 1, false});
  expect_densities_on_a_device<models::LogisticRegression>("logistic_regression", {2, 2, false, true});
  expect_densities_on_a_device<models::Diamonds>("diamonds", {2, 3, false, true});
}

// Whole runs, summarised: rounding changes what a trajectory does, not where chains go.
TEST(MixedPrecision, RunsOnADeviceAndOnTheCpuSayWhatTheyCost) {
  const Data data = example_data(*find_zoo_model("eight_schools"));
  ModelTable table = *find_zoo_model("eight_schools")->table();
  table.cuda = emulated_model_table<models::EightSchools, Single>();
  SampleOptions options;
  options.chains = 16;
  options.warmup = 50;
  options.draws = 20;
  options.precision = Precision::mixed;
  for (const bool on_device : {false, true}) {
    SCOPED_TRACE(on_device);
    Devices devices;
    if (on_device) {
      devices.table = table.cuda;
      devices.open.push_back(std::make_unique<EmulatedDevice>());
    }
    FitBuilder builder;
    run(table, data, options, true, builder, usual_block_bytes, std::move(devices));
    const Fit fit = builder.take();
    EXPECT_EQ(std::get<std::string>(fit.attributes.at("precision")), "mixed");
    const double error = std::get<double>(fit.attributes.at("log_density_error"));
    EXPECT_GT(error, 0);
    EXPECT_LT(error, 1e-5);
    const auto notes = std::get<std::vector<std::string>>(fit.attributes.at("notes"));
    EXPECT_NE(notes.front().find("Precision: mixed. Rounding moves no mean"), std::string::npos);
  }
}

struct FarOff {
  Dim i;
  Real y;
  explicit FarOff(Dataset& d) : i(d.dim("i")), y(d.real("y", i)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 1));
    m.observe("y", y, i, [&](auto) { return normal(1e6 + mu, 1); });
  }
};

// A location of a million with a scale of one: a single has no digits left for it, and the run says so.
TEST(MixedPrecision, ARunForWhichItIsTooCoarseSaysSo) {
  Data data;
  std::vector<double> y;
  for (int i = 0; i < 100; ++i) y.push_back(1e6 + std::sin(double(i)));
  data.set("y", y);
  SampleOptions options;
  options.chains = 16;
  options.warmup = 50;
  options.draws = 20;
  options.precision = Precision::mixed;
  const Fit fit = sample<FarOff>(data, options);
  EXPECT_GT(std::get<double>(fit.attributes.at("log_density_error")), 0.02);
  EXPECT_NE(std::get<std::vector<std::string>>(fit.attributes.at("notes")).front().find("too coarse for this model"), std::string::npos);
  options.precision = Precision::fp64;
  const Fit doubles = sample<FarOff>(data, options);
  EXPECT_EQ(std::get<std::string>(doubles.attributes.at("precision")), "double");
  EXPECT_EQ(doubles.attributes.count("log_density_error"), 0u);
}

// ---- the measure of it -------------------------------------------------------------------------------------------------------------

// Errors of +-d in turn: weights exp(-+d), of which sd/mean is tanh d, but for the n - 1 of the sd. A common offset is nothing.
TEST(PrecisionError, IsTheRelativeSdOfTheWeightsThatWouldMakeUpForIt) {
  const ZooSubject subject("eight_schools");
  constexpr int chains = 2, draws = 500;
  for (const double d : {1e-4, 0.7}) {
    DrawBlock block(chains, subject.model.coordinates(), draws, Keep::positions, 1);
    std::vector<double> point(std::size_t(subject.model.coordinates()));
    for (int c = 0; c < chains; ++c)
      for (int row = 0; row < draws; ++row) {
        const DrawBuffer to = block.tile(c);
        for (std::size_t i = 0; i < point.size(); ++i)
          to.positions[std::size_t(row) * point.size() + i] = point[i] = 0.1 * std::sin(double(i) + row + c);
        to.statistics[row * draw_statistics + int(DrawStatistic::lp)] = subject.model.log_density(point.data(), nullptr) + 5 + ((row + c) % 2 ? d : -d);
      }
    PrecisionError error(subject.model, chains, draws);
    error.draws(block, 0, draws);
    EXPECT_EQ(error.looked_at(), 1000u);
    EXPECT_NEAR(error.relative(), std::tanh(d) * std::sqrt(1000. / 999), 1e-9 + 1e-6 * d);
  }
}

TEST(PrecisionError, OfNoDrawsAndOfImpossibleOnesIsInfinite) {
  const ZooSubject subject("eight_schools");
  PrecisionError error(subject.model, 2, 2);
  EXPECT_EQ(error.relative(), std::numeric_limits<double>::infinity());
  DrawBlock block(2, subject.model.coordinates(), 2, Keep::positions, 1);
  block.tile(0).statistics[int(DrawStatistic::lp)] = std::numeric_limits<double>::quiet_NaN();
  error.draws(block, 0, 2);
  EXPECT_EQ(error.looked_at(), 4u);
  EXPECT_EQ(error.relative(), std::numeric_limits<double>::infinity());
}

// ---- what is refused -----------------------------------------------------------------------------------------------------------------

TEST(MixedPrecision, TensorCoresAreAGpus) {
  SampleOptions options;
  options.processor = Processor::cpu;
  options.precision = Precision::tf32;
  try {
    sample(*find_zoo_model("eight_schools")->table(), example_data(*find_zoo_model("eight_schools")), options);
    FAIL() << "it ran";
  } catch (const SampleError& error) {
    EXPECT_NE(std::string(error.what()).find("tf32 (matrix products by a GPU's tensor cores, and the run is on the CPU)"), std::string::npos);
  }
}

}  // namespace
}  // namespace lockstep
