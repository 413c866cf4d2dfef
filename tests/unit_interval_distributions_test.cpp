// On an interval. Log densities and derivatives against the oracle.
#include <gtest/gtest.h>

#include "lockstep/evaluate.hpp"
#include "tests/distribution_cases.hpp"
#include "tests/goodness_of_fit.hpp"

namespace lockstep {
namespace {

// clang-format off
struct Kumaraswamy : DistributionRow<"kumaraswamy", 2, [](const auto&... a) { return kumaraswamy(a...); }> {};
struct LogitNormal : DistributionRow<"logit_normal", 2, [](const auto&... a) { return logit_normal(a...); }> {};
struct BetaProportion : DistributionRow<"beta_proportion", 2, [](const auto&... a) { return beta_proportion(a...); }> {
};
struct ZeroOneInflatedBeta
    : DistributionRow<"zero_one_inflated_beta", 4, [](const auto&... a) { return zero_one_inflated_beta(a...); }> {};
struct Triangular : DistributionRow<"triangular", 3, [](const auto&... a) { return triangular(a...); }> {};
struct TruncatedNormal
    : DistributionRow<"truncated_normal", 4, [](const auto&... a) { return truncated_normal(a...); }> {};
struct NormalAbove
    : DistributionRow<"truncated_normal_above", 3, [](const auto&... a) { return truncated_normal_above(a...); }> {};
struct NormalBelow
    : DistributionRow<"truncated_normal_below", 3, [](const auto&... a) { return truncated_normal_below(a...); }> {};
// clang-format on

using All = ::testing::Types<Kumaraswamy, LogitNormal, BetaProportion, ZeroOneInflatedBeta, Triangular, TruncatedNormal,
                             NormalAbove, NormalBelow>;
using Continuous =
    ::testing::Types<Kumaraswamy, LogitNormal, BetaProportion, Triangular, TruncatedNormal, NormalAbove, NormalBelow>;
INSTANTIATE_TYPED_TEST_SUITE_P(UnitInterval, DensityOfAParameter, Continuous, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(UnitInterval, DensityOfData, All, RowNames);
INSTANTIATE_TYPED_TEST_SUITE_P(UnitInterval, DensityInSinglePrecision, All, RowNames);

TEST(DataOutsideTheSupport, AreImpossible) {
  expect_impossible<TruncatedNormal>({0., 1., -1., 2.}, {-1.0001, 2.0001, 1e6});
  expect_impossible<NormalAbove>({0., 1., -1.}, {-1.0001, -1e6});
  expect_impossible<NormalBelow>({0., 1., -1.}, {-0.9999, 1e6});
  expect_impossible<Kumaraswamy>({1.5, 2.}, {-1., 0., 1., 1.5});
  expect_impossible<LogitNormal>({0.5, 2.}, {-1., 0., 1., 1.5});
  expect_impossible<BetaProportion>({0.5, 2.}, {-1., 0., 1., 1.5});
  expect_impossible<ZeroOneInflatedBeta>({0.5, 0.3, 2., 3.}, {-1., -1e-300, 1.0001});
  expect_impossible<Triangular>({-1., 2., 0.5}, {-1., -1.0001, 2., 2.0001, 1e300});
}

// ---- a density given by points --------------------------------------------------------------------------------------

// A triangle and a box: heights 0, 2, 1, 1 at -1, 1, 1.5, 3; the area is 2 + 0.75 + 1.5.
struct Points {
  Real x, height;
  template <class M> void operator()(M& m) const { auto y = m.param("y", interpolated(x, height), real_line()); }
};
struct PointsOnTheirSupport {
  Real x, height;
  template <class M> void operator()(M& m) const { auto y = m.param("y", interpolated(x, height)); }
};
class GivenPoints {
 public:
  GivenPoints() : views_(data_ = make()), set_(views_.view()) {}
  template <class Model> Model model() {
    const Dim point = set_.dim("point");
    return {set_.real("x", point), set_.real("height", point)};
  }

 private:
  static Data make() {
    Data data;
    data.set("x", {-1., 1., 1.5, 3.});
    data.set("height", {0., 2., 1., 1.});
    return data;
  }
  Data data_;
  DataViews views_;
  Dataset set_;
};

TEST(Interpolated, IsLinearBetweenThePointsAndNormalised) {
  GivenPoints given;
  const Points model = given.model<Points>();
  const std::vector<std::array<double, 3>> expected = {  // y, height, slope
      {-0.5, 0.5, 1}, {0.999, 1.999, 1}, {1.25, 1.5, -2}, {2, 1, 0}, {3, 1, 0}, {1e-300, 1, 1}};
  for (const auto& [y, height, slope] : expected)
    for (const Lanes& each : {lanes<double, false>(model), lanes<Pack, false>(model), lanes<Single, false>(model)})
      for (const AtLane& r : evaluate_alike(each, {y})) {
        EXPECT_NEAR(r.log_density, std::log(height / 4.25), 1e-6) << y;
        EXPECT_NEAR(r.gradient[0], slope / height, 1e-6) << y;
      }
  // Exactly, for the table of distributions.
  for (const auto& [y, height, slope] : expected)
    for (const Lanes& each : {lanes<double, false>(model), lanes<Pack, false>(model)}) {
      const AtLane at = evaluate_alike(each, {y})[0];
      const double error = std::abs(at.log_density - std::log(height / 4.25)), slope_error = std::abs(at.gradient[0] - slope / height);
      EXPECT_LE(error, 1e-14) << y;
      EXPECT_LE(slope_error, 1e-14) << y;
      LargestErrors::note("interpolated", "log density", at.lanes, error);
      LargestErrors::note("interpolated", "gradient", at.lanes, slope_error);
    }
  for (const double y : {-1.0001, 3.0001, 1e300, -1.})
    for (const AtLane& r : evaluate_alike(lanes<Pack, false>(model), {y})) EXPECT_EQ(r.log_density, -infinity) << y;
}

TEST(Interpolated, HasTheSupportAndTheDrawsOfItsPoints) {
  GivenPoints given;
  const auto model = given.model<PointsOnTheirSupport>();
  const double middle = evaluate_alike(lanes<double, false>(model), {0.})[0].log_density;  // y = 1: the Jacobian is 4/4
  EXPECT_NEAR(middle, std::log(2 / 4.25), 1e-14);
  Sample sample;
  for (std::uint32_t i = 0; i < 20000; ++i) {
    double value, coordinate;
    Generate::Inputs inputs;
    inputs.meaning = Meaning::prior;
    inputs.stream = {.seed = 20251011, .draw = i, .purpose = Purpose::prior_draw};
    inputs.out = &value;
    inputs.position_out = &coordinate;
    Generate m(inputs);
    model(m);
    sample.push_back(value);
  }
  const auto cdf = [](double y) {
    return (y < 1 ? 0.5 * (y + 1) * (y + 1) : y < 1.5 ? 2 + (y - 1) * (2 - (y - 1)) : 2.75 + (y - 1.5)) / 4.25;
  };
  const double p_value = kolmogorov_smirnov(sample, cdf);
  EXPECT_GT(p_value, 1e-3);
  LargestErrors::note("interpolated", "draws", 1, -p_value);
}

struct BoundedPoints {
  Real x, height;
  template <class M> void operator()(M& m) const {
    auto lower = m.param("lower", flat());
    auto upper = m.param("upper", flat());
    auto y = m.param("y", truncated(interpolated(x, height), lower, upper), real_line());
    auto z = m.param("z", censored(interpolated(x, height), lower, upper), real_line());
    auto w = m.param("w", interval_censored(interpolated(x, height), upper), real_line());
  }
};
double points_cdf(double y) {
  return (y < 1 ? 0.5 * (y + 1) * (y + 1) : y < 1.5 ? 2 + (y - 1) * (2 - (y - 1)) : 2.75 + (y - 1.5)) / 4.25;
}
double points_density(double y) { return (y < 1 ? y + 1 : y < 1.5 ? 2 - 2 * (y - 1) : 1) / 4.25; }
TEST(Interpolated, MayBeCensoredAndTruncated) {
  GivenPoints given;
  const auto model = given.model<BoundedPoints>();
  const double lower = -0.25, upper = 2.75, y = 0.5, w = 1.75;
  const double all = points_cdf(upper) - points_cdf(lower), above_w = points_cdf(upper) - points_cdf(w);
  for (const double z : {lower, 0.25, upper}) {
    const double of_z = z == lower ? points_cdf(z) : z == upper ? 1 - points_cdf(z) : points_density(z);
    const double log_density = std::log(points_density(y) / all) + std::log(of_z) + std::log(above_w);
    const std::vector<double> gradient = {
        points_density(lower) / all + (z == lower ? points_density(lower) / of_z : 0),
        -points_density(upper) / all - (z == upper ? points_density(upper) / of_z : 0) + points_density(upper) / above_w,
        1 / 1.5, z == 0.25 ? 1 / 1.25 : 0., -points_density(w) / above_w};
    for (const Lanes& each : {lanes<double, false>(model), lanes<Pack, false>(model)})
      for (const AtLane& r : evaluate_alike(each, {lower, upper, y, z, w})) {
        EXPECT_NEAR(r.log_density, log_density, 1e-14);
        for (std::size_t i = 0; i < gradient.size(); ++i) EXPECT_NEAR(r.gradient[i], gradient[i], 1e-14) << i;
      }
  }
  for (const double outside : {-0.26, 2.76})
    EXPECT_EQ(evaluate_alike(lanes<double, false>(model), {lower, upper, outside, 0, w})[0].log_density, -infinity);
  const auto points = given.model<Points>();
  const auto d = interpolated(points.x, points.height);
  for (const double at : {-0.999, 0.5, 1.2, 2.9}) {
    EXPECT_NEAR(log_cdf(d, at), std::log(points_cdf(at)), 1e-13);
    EXPECT_NEAR(log_ccdf(d, at), std::log(1 - points_cdf(at)), 1e-13);
    EXPECT_NEAR(quantile(d, points_cdf(at)), at, 1e-13);
    LargestErrors::note("interpolated_log_cdf", "log density", 1, std::abs(log_cdf(d, at) - std::log(points_cdf(at))));
    LargestErrors::note("interpolated_log_ccdf", "log density", 1, std::abs(log_ccdf(d, at) - std::log(1 - points_cdf(at))));
  }
  EXPECT_EQ(log_cdf(d, -1.5), -infinity);
  EXPECT_EQ(log_ccdf(d, 3.5), -infinity);
  EXPECT_EQ(quantile(d, 0), -1);
  EXPECT_EQ(quantile(d, 1), 3);
  // A false alarm of 2e-5.
  Stream stream({.seed = 20251011});
  Sample sample(5000);
  for (double& each : sample) each = draw(truncated(d, lower, upper), stream);
  EXPECT_GT(kolmogorov_smirnov(sample, [&](double at) { return (points_cdf(at) - points_cdf(lower)) / all; }), 1e-5);
  for (double& each : sample) each = draw(censored(d, 0., no_bound), stream);
  EXPECT_EQ(*std::min_element(sample.begin(), sample.end()), 0);
  EXPECT_GT(chi_square([&] { Sample zero; for (double each : sample) zero.push_back(each == 0); return zero; }(),
                       [](double is) { return is == 1 ? points_cdf(0) : is == 0 ? 1 - points_cdf(0) : 0; }), 1e-5);
}

}  // namespace
}  // namespace lockstep
