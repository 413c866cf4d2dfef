// Every special function, for one lane and for a SIMD pack, against 50-digit values.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lockstep/functions.hpp"
#include "lockstep/pack.hpp"
#include "lockstep/special.hpp"
#include "lockstep/special_bessel.hpp"
#include "lockstep/special_normal.hpp"
#include "lockstep/special_tails.hpp"
#include "tests/largest_errors.hpp"

namespace lockstep {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// One row of the accuracy table: on lowest <= first argument <= highest,
//   |value - reference| <= allowed max(|reference|, floor).
// A floor of 0 promises relative accuracy down to a zero of the function; a positive one an absolute error beside it.
struct Row {
  const char* function;
  double lowest, highest;
  double allowed, floor;
  double (*scalar)(double, double);
  Pack (*pack)(Pack, Pack);

  template <class F>
  Row(const char* name, double from, double to, double error, double error_floor, F f)
      : function(name), lowest(from), highest(to), allowed(error), floor(error_floor), scalar(f), pack(f) {}
};

template <class T> BetaTails<T> beta_at(const T& a, double b, const T& x) {
  const T y = T(1.) - x;
  return beta_tails(a, T(b), x, y, T(log(x)), T(log1p(-x)));
}

// Those before log_gamma are the pack library's; the others are built on the first four.
const std::vector<Row> table = {
    {"exp", -708, 709, 4e-16, 0, [](auto x, auto) { return exp(x); }},
    {"expm1", -60, 709, 6e-16, 0, [](auto x, auto) { return expm1(x); }},
    {"log", 1e-307, 1e308, 3e-16, 0, [](auto x, auto) { return log(x); }},
    {"log1p", -1, 1e10, 3e-16, 0, [](auto x, auto) { return log1p(x); }},
    {"asin", -1, 1, 4e-16, 0, [](auto x, auto) { return asin(x); }},
    {"acos", -1, 1, 4e-16, 1, [](auto x, auto) { return acos(x); }},
    {"asinh", -1e8, 1e8, 1e-15, 0, [](auto x, auto) { return asinh(x); }},
    {"acosh", 1, 1e9, 1e-15, 0, [](auto x, auto) { return acosh(x); }},
    {"atanh", -1, 1, 1e-15, 0, [](auto x, auto) { return atanh(x); }},
    {"log_gamma", 1e-8, 1e10, 1e-14, 1, [](auto x, auto) { return log_gamma(x); }},
    {"digamma", 1e-8, 1e10, 3e-15, 1, [](auto x, auto) { return digamma(x); }},
    {"stirling_error", 1e-8, 10, 4e-15, 1, [](auto x, auto) { return stirling_error(x); }},
    {"stirling_error", 10, 1e10, 1e-15, 0, [](auto x, auto) { return stirling_error(x); }},
    {"stirling_error_derivative", 1e-8, 10, 6e-15, 1, [](auto x, auto) { return stirling_error_derivative(x); }},
    {"stirling_error_derivative", 10, 1e10, 1e-15, 0, [](auto x, auto) { return stirling_error_derivative(x); }},
    {"log1p_minus", -1, 1e10, 1e-15, 0, [](auto x, auto) { return log1p_minus(x); }},
    {"log1p_minus_of_quotient", 0, 1e20, 2e-14, 0,
     [](auto x, auto y) { return log1p_minus((x - y) / y, log(x) - log(y)); }},
    {"softplus", -708, 1e10, 1e-15, 0, [](auto x, auto) { return softplus(x); }},
    {"sigmoid", -708, 1e10, 1e-15, 0, [](auto x, auto) { return sigmoid(x); }},
    {"log_sum_exp", -1e8, 1e10, 1e-15, 1, [](auto x, auto y) { return log_sum_exp(x, y); }},
    {"log_normal_cdf", -1e6, 20, 1e-15, 0.1, [](auto x, auto) { return log_normal_cdf(x).value; }},
    {"log_normal_cdf", 1, 37, 2e-13, 0, [](auto x, auto) { return log_normal_cdf(x).value; }},
    {"log_normal_cdf_slope", -1e6, 1, 1e-15, 0, [](auto x, auto) { return log_normal_cdf(x).slope; }},
    {"log_normal_cdf_slope", 1, 37, 2e-13, 0, [](auto x, auto) { return log_normal_cdf(x).slope; }},
    {"scaled_normal_tail", -1e6, 0, 1e-15, 1, [](auto x, auto) { return scaled_normal_tail(x).log_value; }},
    {"scaled_normal_tail_slope", -1e6, 0, 2e-15, 0, [](auto x, auto) { return scaled_normal_tail(x).slope; }},
    {"normal_interval", -60, 30, 1e-14, 1, [](auto x, auto width) { return normal_interval(x, x + width, x + width - x).log_mass; }},
    {"normal_cdf", -37, 37, 2e-13, 0, [](auto x, auto) { return normal_cdf(x).value; }},
    {"erf", -26, 26, 1e-15, 0, [](auto x, auto) { return error_function(x).value; }},
    {"erfc", -26, 26, 2e-13, 0, [](auto x, auto) { return error_function(x).complement; }},
    {"probit", 1e-300, 1, 1e-15, 0, [](auto x, auto) { return probit(x); }},
    {"erfinv", -1, 1, 1e-15, 0, [](auto x, auto) { return erfinv(x); }},
    {"erfcinv", 1e-300, 2, 1e-15, 0, [](auto x, auto) { return erfcinv(x); }},
    {"mills_ratio", 0, 1e6, 2e-15, 0, [](auto x, auto) { return mills_ratio(x); }},
    {"trigamma", 1e-8, 1e10, 3e-15, 0, [](auto x, auto) { return trigamma(x); }},
    {"tetragamma", 1e-8, 1e10, 5e-15, 0, [](auto x, auto) { return tetragamma(x); }},
    {"log_beta", 1e-8, 1e8, 1e-14, 1, [](auto a, auto b) { return operation::LogBeta()(a, b).value; }},
    {"log_beta_slope", 1e-8, 1e8, 1e-14, 1, [](auto a, auto b) { return get<0>(operation::LogBeta()(a, b).partials); }},
    {"log_choose", 1e-8, 1e10, 1e-14, 1, [](auto n, auto k) { return operation::LogChoose()(n, k).value; }},
    {"log_lower_gamma", 0.01, 300, 1e-12, 1, [](auto a, auto x) { return gamma_tails(a, x, log(x)).lower.value; }},
    {"log_upper_gamma", 0.01, 300, 1e-12, 1, [](auto a, auto x) { return gamma_tails(a, x, log(x)).upper.value; }},
    {"log_lower_beta", 0.01, 300, 1e-12, 1, [](auto a, auto x) { return beta_at(a, 2.5, x).lower.value; }},
    {"log_upper_beta", 0.01, 300, 1e-12, 1, [](auto a, auto x) { return beta_at(a, 2.5, x).upper.value; }},
    {"log_lower_beta_40", 0.01, 300, 1e-12, 1, [](auto a, auto x) { return beta_at(a, 40, x).lower.value; }},
    {"log_upper_beta_40", 0.01, 300, 1e-12, 1, [](auto a, auto x) { return beta_at(a, 40, x).upper.value; }},
    {"log_bessel_i0", 0, 1e8, 1e-13, 1, [](auto x, auto) { return log_bessel_i0(x).log_scaled; }},
    {"bessel_ratio", 0, 1e8, 1e-13, 0, [](auto x, auto) { return log_bessel_i0(x).ratio; }},
    {"bessel_ratio_to_one", 0, 1e8, 1e-13, 0, [](auto x, auto) { return log_bessel_i0(x).ratio_to_one; }},
    {"log1m_exp", -708, -1e-10, 2e-15, 0, [](auto x, auto) { return log1m_exp(x); }},
};

struct Case {
  double reference, x, y;
};

std::vector<Case> golden_cases(const Row& row) {
  static const nlohmann::json golden = [] {
    std::ifstream file(LOCKSTEP_SOURCE_DIR "/tests/golden/special_functions.json");
    return nlohmann::json::parse(file);
  }();
  std::vector<Case> cases;
  for (const auto& entry : golden.at("functions").at(row.function)) {
    const double x = entry[1], y = entry.size() > 2 ? entry[2].get<double>() : 0.0;
    if (row.lowest <= x && x <= row.highest) cases.push_back({entry[0], x, y});
  }
  return cases;
}

// The error in units of the allowed one.
double used(const Row& row, const Case& c, double value, int lanes) {
  const double error = std::abs(value - c.reference) / std::max(std::abs(c.reference), row.floor);
  const double share = value == c.reference ? 0 : error / row.allowed;
  const std::string columns = fmt::format("\t{:g}\t{:g}\t{:g}\t{:g}", row.lowest, row.highest, row.floor, row.allowed);
  LargestErrors::note(row.function + columns, "function", lanes, share * row.allowed);
  return std::isnan(share) ? infinity : share;
}

TEST(SpecialFunctions, OneLaneIsWithinTheTable) {
  for (const Row& row : table) {
    const auto cases = golden_cases(row);
    EXPECT_GE(cases.size(), 50u) << row.function;
    for (const Case& c : cases) {
      const double value = row.scalar(c.x, c.y);
      EXPECT_LE(used(row, c, value, 1), 1) << row.function << "(" << c.x << ", " << c.y << ") is " << value << ", not "
                                        << c.reference;
    }
  }
}

// Every case passes through every lane, beside different neighbours, and must not notice them.
TEST(SpecialFunctions, EveryLaneOfAPackIsWithinTheTableWhateverItsNeighbours) {
  for (const Row& row : table) {
    const auto cases = golden_cases(row);
    std::vector<std::uint64_t> first_bits(cases.size());
    for (std::size_t begin = 0; begin < cases.size(); ++begin) {
      alignas(64) double x[pack_width], y[pack_width], value[pack_width];
      for (int l = 0; l < pack_width; ++l) {
        x[l] = cases[(begin + 3 * l) % cases.size()].x;
        y[l] = cases[(begin + 3 * l) % cases.size()].y;
      }
      row.pack(Pack::load_aligned(x), Pack::load_aligned(y)).store_aligned(value);
      for (int l = 0; l < pack_width; ++l) {
        const std::size_t i = (begin + 3 * l) % cases.size();
        const auto bits = std::bit_cast<std::uint64_t>(value[l]);
        if (first_bits[i] == 0) first_bits[i] = bits;
        EXPECT_EQ(bits, first_bits[i]) << row.function << "(" << x[l] << ", " << y[l] << ") in lane " << l;
        EXPECT_LE(used(row, cases[i], value[l], pack_width), 1)
            << row.function << "(" << x[l] << ", " << y[l] << ") is " << value[l] << ", not " << cases[i].reference;
      }
    }
  }
}

// Applies one check to one lane and to a pack.
template <class Check>
void for_both(Check check) {
  check([](double x) { return x; }, 0.0);
  check([](Pack x) { return x.get(pack_width - 1); }, Pack(0.));
}

TEST(SpecialFunctions, LimitsAreTheMathematicalOnes) {
  for_both([](auto lane, auto zero) {
    using T = decltype(zero);
    EXPECT_EQ(lane(softplus(T(infinity))), infinity);
    EXPECT_EQ(lane(softplus(T(-infinity))), 0);
    EXPECT_EQ(lane(sigmoid(T(infinity))), 1);
    EXPECT_EQ(lane(sigmoid(T(-infinity))), 0);
    EXPECT_EQ(lane(sigmoid(T(0.))), 0.5);
    EXPECT_EQ(lane(log_sum_exp(T(-infinity), T(-infinity))), -infinity);
    EXPECT_EQ(lane(log_sum_exp(T(-infinity), T(1.5))), 1.5);
    EXPECT_EQ(lane(log_sum_exp(T(1.5), T(-infinity))), 1.5);
    EXPECT_EQ(lane(log_sum_exp(T(infinity), T(1.5))), infinity);
    EXPECT_EQ(lane(log_sum_exp(T(infinity), T(infinity))), infinity);
    EXPECT_EQ(lane(log1m_exp(T(0.))), -infinity);
    EXPECT_EQ(lane(log1m_exp(T(-infinity))), 0);
    EXPECT_EQ(lane(log_normal_cdf(T(-infinity)).value), -infinity);
    EXPECT_EQ(lane(log_normal_cdf(T(-infinity)).slope), infinity);
    EXPECT_EQ(lane(log_normal_cdf(T(infinity)).value), 0);
    EXPECT_EQ(lane(log_normal_cdf(T(infinity)).slope), 0);
    EXPECT_EQ(lane(probit(T(0.))), -infinity);
    EXPECT_EQ(lane(probit(T(0.5))), 0);
    EXPECT_EQ(lane(probit(T(1.))), infinity);
    EXPECT_EQ(lane(erfinv(T(-1.))), -infinity);
    EXPECT_EQ(lane(erfinv(T(1.))), infinity);
    EXPECT_EQ(lane(erfcinv(T(0.))), infinity);
    EXPECT_EQ(lane(erfcinv(T(2.))), -infinity);
    EXPECT_EQ(lane(log1p_minus(T(0.))), 0);
    EXPECT_EQ(lane(log1p_minus(T(-1.))), -infinity);
    EXPECT_EQ(lane(log_gamma(T(0.))), infinity);
    EXPECT_EQ(lane(log_gamma(T(infinity))), infinity);
    EXPECT_DOUBLE_EQ(lane(stirling_error(T(1e300))), 1 / 12e300);
  });
}

TEST(SpecialFunctions, ArgumentsOutsideTheDomainAndNaNGiveNaN) {
  for_both([](auto lane, auto zero) {
    using T = decltype(zero);
    for (const double x : {-0.5, -1.5, -30.0, nan}) EXPECT_TRUE(std::isnan(lane(log_gamma(T(x))))) << x;
    EXPECT_TRUE(std::isnan(lane(stirling_error(T(nan)))));
    EXPECT_TRUE(std::isnan(lane(stirling_error_derivative(T(nan)))));
    EXPECT_TRUE(std::isnan(lane(log1p_minus(T(-1.5)))));
    EXPECT_TRUE(std::isnan(lane(log1m_exp(T(0.5)))));
    EXPECT_TRUE(std::isnan(lane(digamma(T(nan)))));
    EXPECT_TRUE(std::isnan(lane(log1p_minus(T(nan)))));
    EXPECT_TRUE(std::isnan(lane(softplus(T(nan)))));
    EXPECT_TRUE(std::isnan(lane(sigmoid(T(nan)))));
    EXPECT_TRUE(std::isnan(lane(log1m_exp(T(nan)))));
    for (const double x : {-0.1, 1.1, nan}) EXPECT_TRUE(std::isnan(lane(probit(T(x))))) << x;
    for (const double x : {-1.1, 1.1, nan}) EXPECT_TRUE(std::isnan(lane(erfinv(T(x))))) << x;
    for (const double x : {-0.1, 2.1, nan}) EXPECT_TRUE(std::isnan(lane(erfcinv(T(x))))) << x;
    EXPECT_TRUE(std::isnan(lane(log_normal_cdf(T(nan)).value)));
    EXPECT_TRUE(std::isnan(lane(log_sum_exp(T(nan), T(1.)))));
    EXPECT_TRUE(std::isnan(lane(log_sum_exp(T(1.), T(nan)))));
    EXPECT_TRUE(std::isnan(lane(log_sum_exp(T(nan), T(-infinity)))));
  });
}

// The two numbers of softplus_sigmoid are used as a function and its derivative.
TEST(SpecialFunctions, SigmoidIsTheSlopeOfSoftplus) {
  for (double x = -30; x <= 30; x += 0.37) {
    const double step = 1e-4, slope = (softplus(x + step) - softplus(x - step)) / (2 * step);
    EXPECT_NEAR(sigmoid(x), slope, 1e-8);
    EXPECT_NEAR(sigmoid(x) + sigmoid(-x), 1, 3e-16);
  }
}

}  // namespace
}  // namespace lockstep
