// Streams: which numbers they give, that they differ where they must, and that draws have the distribution they claim.
#include "lockstep/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/cauchy.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/exponential.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/negative_binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lockstep {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(Stream, IsPhiloxOfItsIdentity) {
  Stream stream({.seed = 0x0123456789abcdef, .data_set = 5, .chain = 7, .draw = 11, .purpose = Purpose::predictive});
  for (std::uint32_t block = 0; block < 3; ++block) {
    const Philox4 expected = philox({{block, 11, 7, 3 | (5 << 8)}}, {{0x89abcdef, 0x01234567}});
    EXPECT_EQ(stream.bits(), expected.v[0] | (std::uint64_t{expected.v[1]} << 32));
    EXPECT_EQ(stream.bits(), expected.v[2] | (std::uint64_t{expected.v[3]} << 32));
  }
}

TEST(Stream, DiffersWhereverAnyPartOfItsIdentityDiffers) {
  std::vector<StreamId> ids = {{}};
  for (const std::uint32_t i : {1u, 2u, 255u, 256u, 0xffffffu}) {
    ids.push_back({.seed = i});
    ids.push_back({.seed = std::uint64_t{i} << 32});
    ids.push_back({.data_set = i});
    ids.push_back({.chain = i});
    ids.push_back({.draw = i});
  }
  for (const Purpose p : {Purpose::transition, Purpose::prior_draw, Purpose::predictive, Purpose::shuffle}) {
    ids.push_back({.purpose = p});
  }
  std::set<std::uint64_t> seen;
  for (const StreamId& id : ids) {
    Stream stream(id);
    for (int i = 0; i < 10; ++i) seen.insert(stream.bits());
  }
  EXPECT_EQ(seen.size(), 10 * ids.size());
}

TEST(Stream, GivesTheSameDrawsAgain) {
  const auto draws = [] {
    Stream stream({.seed = 42, .chain = 3, .purpose = Purpose::prior_draw});
    std::vector<double> values;
    for (int i = 0; i < 20; ++i) {
      values.insert(values.end(), {stream.normal(), stream.gamma(0.3), stream.beta(2, 3), stream.poisson(40),
                                   stream.binomial(100, 0.4), stream.negative_binomial(4, 2),
                                   stream.student_t(4), stream.uniform(), stream.cauchy(), stream.exponential()});
    }
    return values;
  };
  EXPECT_EQ(draws(), draws());
}

TEST(Stream, DrawsStayInTheOpenSupport) {
  Stream stream({.seed = 1});
  for (int i = 0; i < 10000; ++i) {
    for (const double shape : {1e-300, 1e-8, 1e-3, 0.5, 1e300}) {
      const double g = stream.gamma(shape);
      EXPECT_TRUE(g > 0 && g < infinity) << "gamma(" << shape << ") gave " << g;
      for (const double other : {1e-300, 1e-3, 2.0, 1e300}) {
        const double b = stream.beta(shape, other);
        EXPECT_TRUE(b > 0 && b < 1) << "beta(" << shape << ", " << other << ") gave " << b;
      }
    }
    EXPECT_TRUE(std::isfinite(stream.cauchy()));
    EXPECT_LT(stream.below(3), 3u);
    EXPECT_EQ(stream.below(1), 0u);
    EXPECT_EQ(stream.poisson(0), 0);
    EXPECT_EQ(stream.binomial(0, 0.3), 0);
    EXPECT_EQ(stream.binomial(1e9, 0), 0);
    EXPECT_EQ(stream.binomial(1e9, 1), 1e9);
    for (const double n : {1.0, 12.0, 40.0, 1e15}) {
      for (const double p : {1e-300, 1e-3, 0.3, 0.5, 1 - 1e-3, 1 - 1e-16}) {
        const double k = stream.binomial(n, p);
        EXPECT_TRUE(k >= 0 && k <= n && k == std::floor(k)) << "binomial(" << n << ", " << p << ") gave " << k;
      }
    }
    EXPECT_FALSE(stream.bernoulli(0));
    EXPECT_TRUE(stream.bernoulli(1));
  }
}

TEST(Stream, ParametersOutsideTheirRangeGiveNaN) {
  Stream stream({.seed = 2});
  for (const double bad : {0.0, -1.0, -infinity, nan}) {
    EXPECT_TRUE(std::isnan(stream.gamma(bad))) << bad;
    EXPECT_TRUE(std::isnan(stream.beta(bad, 1))) << bad;
    EXPECT_TRUE(std::isnan(stream.beta(1, bad))) << bad;
    EXPECT_TRUE(std::isnan(stream.student_t(bad))) << bad;
  }
  for (const double bad : {0.0, -1.0, -infinity, nan}) {
    EXPECT_TRUE(std::isnan(stream.negative_binomial(bad, 1))) << bad;
    EXPECT_TRUE(std::isnan(stream.negative_binomial(1, bad))) << bad;
  }
  for (const double bad : {-1e-9, -infinity, infinity, nan}) {
    EXPECT_TRUE(std::isnan(stream.poisson(bad))) << bad;
    EXPECT_TRUE(std::isnan(stream.binomial(bad, 0.5))) << bad;
    EXPECT_TRUE(std::isnan(stream.binomial(10, bad))) << bad;
  }
  EXPECT_TRUE(std::isnan(stream.binomial(2.5, 0.5)));
  EXPECT_TRUE(std::isnan(stream.binomial(10, 1.0001)));
}

// ---- Distributions: every comparison of one run together, at a family level of 1e-3 (Bonferroni).

constexpr double family_level = 1e-3;
constexpr int sample_size = 100000;

struct Comparison {
  std::string name;
  double p_value;
};

// Kolmogorov-Smirnov. The distribution of the statistic: M. A. Stephens (1970), correction for finite n.
template <class Cdf>
double kolmogorov_smirnov(std::vector<double> sample, Cdf cdf) {
  std::sort(sample.begin(), sample.end());
  const double n = static_cast<double>(sample.size());
  double distance = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double expected = cdf(sample[i]);
    distance = std::max({distance, expected - i / n, (i + 1) / n - expected});
  }
  const double lambda = (std::sqrt(n) + 0.12 + 0.11 / std::sqrt(n)) * distance;
  double p = 0;
  for (int k = 1; k <= 100; ++k) p += (k % 2 ? 2 : -2) * std::exp(-2.0 * k * k * lambda * lambda);
  return lambda < 0.2 ? 1 : std::clamp(p, 0.0, 1.0);
}

// Pearson's chi-square of observed counts against probabilities that sum to 1.
double chi_square(const std::vector<double>& counts, const std::vector<double>& probabilities) {
  double n = 0, statistic = 0;
  for (const double count : counts) n += count;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = n * probabilities[i];
    EXPECT_GT(expected, 5) << "a cell is too small for the chi-square distribution";
    statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return cdf(complement(boost::math::chi_squared(static_cast<double>(counts.size() - 1)), statistic));
}

template <class Draw>
std::vector<double> sample_of(Draw draw) {
  std::vector<double> sample(sample_size);
  for (double& x : sample) x = draw();
  return sample;
}

// Counts into cells that end at the integers closest to the quantiles 1/cells, 2/cells, ...
template <class Distribution, class Draw>
double count_p_value(const Distribution& distribution, const Draw& draw, int cells) {
  std::vector<double> ends;  // a cell is (previous end, end]
  for (int i = 1; i < cells; ++i) {
    const double end = std::floor(quantile(distribution, static_cast<double>(i) / cells));
    if ((ends.empty() || end > ends.back()) && cdf(distribution, end) < 1) ends.push_back(end);
  }
  std::vector<double> probabilities, counts(ends.size() + 1);
  for (std::size_t i = 0; i <= ends.size(); ++i) {
    const double below = i == 0 ? 0 : cdf(distribution, ends[i - 1]);
    probabilities.push_back(i == ends.size() ? cdf(complement(distribution, ends.back()))
                                             : cdf(distribution, ends[i]) - below);
  }
  for (int i = 0; i < sample_size; ++i) {
    counts[std::lower_bound(ends.begin(), ends.end(), draw()) - ends.begin()] += 1;
  }
  return chi_square(counts, probabilities);
}

std::string label(const char* name, double a) { return std::string(name) + " " + std::to_string(a); }

std::vector<Comparison> compare_everything(std::uint64_t seed) {
  namespace bm = boost::math;
  Stream stream({.seed = seed, .purpose = Purpose::prior_draw});
  std::vector<Comparison> result;
  const auto uniform_cdf = [](double u) { return u; };
  const auto with = [](auto distribution) { return [distribution](double x) { return cdf(distribution, x); }; };
  const auto continuous = [&](const std::string& name, auto draw, auto cdf_of) {
    result.push_back({name, kolmogorov_smirnov(sample_of(draw), cdf_of)});
  };

  continuous(
      "uniform", [&] { return stream.uniform(); }, uniform_cdf);
  continuous(
      "normal", [&] { return stream.normal(); }, with(bm::normal()));
  continuous(
      "exponential", [&] { return stream.exponential(); }, with(bm::exponential(1)));
  continuous(
      "cauchy", [&] { return stream.cauchy(); }, with(bm::cauchy()));
  for (const double shape : {0.02, 0.3, 1.0, 1.5, 20.0, 1e5}) {
    continuous(
        label("gamma", shape), [&] { return stream.gamma(shape); }, with(bm::gamma_distribution<>(shape)));
  }
  const std::vector<std::pair<double, double>> beta_shapes = {{0.05, 3}, {0.5, 0.5}, {1, 1}, {2, 5}, {300, 1e4}};
  for (const auto& shapes : beta_shapes) {
    const double a = shapes.first, b = shapes.second;
    continuous(
        label("beta", a), [&] { return stream.beta(a, b); }, with(bm::beta_distribution<>(a, b)));
  }
  for (const double nu : {0.5, 3.0, 100.0}) {
    continuous(
        label("student_t", nu), [&] { return stream.student_t(nu); }, with(bm::students_t(nu)));
  }

  const auto counts_of = [&](const std::string& name, const auto& distribution, const auto& draw, int cells) {
    result.push_back({name, count_p_value(distribution, draw, cells)});
  };
  for (const double rate : {0.05, 1.0, 9.99, 10.0, 30.0, 1e4, 1e9})
    counts_of(label("poisson", rate), bm::poisson(rate), [&] { return stream.poisson(rate); }, rate < 10 ? 12 : 50);
  const std::vector<std::pair<double, double>> trials = {{1, 0.3},   {20, 0.45}, {1e6, 4e-6},  {50, 0.97},
                                                         {30, 0.36}, {200, 0.5}, {1e4, 0.999}, {1e9, 0.23}};
  for (const auto& [n, p] : trials)
    counts_of(label("binomial", n), bm::binomial(n, p), [&, n = n, p = p] { return stream.binomial(n, p); }, 40);
  const std::vector<std::pair<double, double>> overdispersed = {{2, 0.1}, {5, 1}, {40, 3.5}, {300, 1e4}};
  for (const auto& [mu, alpha] : overdispersed)
    counts_of(label("negative_binomial", mu), bm::negative_binomial(alpha, alpha / (alpha + mu)),
              [&, mu = mu, alpha = alpha] { return stream.negative_binomial(mu, alpha); }, 30);
  for (const double p : {0.001, 0.3}) {
    std::vector<double> counts(2);
    for (int i = 0; i < sample_size; ++i) counts[stream.bernoulli(p)] += 1;
    result.push_back({label("bernoulli", p), chi_square(counts, {1 - p, p})});
  }
  for (const std::size_t n : {2u, 7u, 1000u}) {
    std::vector<double> counts(n);
    for (int i = 0; i < sample_size; ++i) counts[stream.below(n)] += 1;
    result.push_back({label("below", static_cast<double>(n)), chi_square(counts, std::vector<double>(n, 1.0 / n))});
  }

  // Tiny shapes: both ends of (0, 1) are equally likely, and nothing is lost in between.
  std::vector<double> sides(2);
  for (int i = 0; i < sample_size; ++i) sides[stream.beta(1e-5, 1e-5) > 0.5] += 1;
  result.push_back({"sides of beta 1e-5", chi_square(sides, {0.5, 0.5})});

  // Neighbours in one stream: pairs of uniforms on a 20 x 20 grid, and the two halves of a Box-Muller pair.
  std::vector<double> uniform_pairs(400), normal_pairs(400);
  const auto cell = [](double u, double v) { return 20 * static_cast<int>(20 * u) + static_cast<int>(20 * v); };
  for (int i = 0; i < sample_size; ++i) {
    const double u = stream.uniform(), v = stream.uniform();
    uniform_pairs[cell(u, v)] += 1;
    const double x = stream.normal(), y = stream.normal();
    normal_pairs[cell(cdf(bm::normal(), x), cdf(bm::normal(), y))] += 1;
  }
  result.push_back({"pairs of uniforms", chi_square(uniform_pairs, std::vector<double>(400, 1.0 / 400))});
  result.push_back({"pairs of normals", chi_square(normal_pairs, std::vector<double>(400, 1.0 / 400))});

  // Neighbouring streams: the first number of each of many, along every part of the identity.
  const auto first_numbers = [&](const char* name, auto id_of) {
    std::uint32_t i = 0;
    continuous(
        name, [&] { return Stream(id_of(i++)).uniform(); }, uniform_cdf);
  };
  first_numbers("along seeds", [&](std::uint32_t i) { return StreamId{.seed = seed + i}; });
  first_numbers("along data sets", [&](std::uint32_t i) { return StreamId{.seed = seed, .data_set = i}; });
  first_numbers("along chains", [&](std::uint32_t i) { return StreamId{.seed = seed, .chain = i}; });
  first_numbers("along draws", [&](std::uint32_t i) { return StreamId{.seed = seed, .draw = i}; });
  return result;
}

TEST(Distributions, AllPassTogetherAtOneInAThousand) {
  const auto comparisons = compare_everything(20240611);
  for (const Comparison& c : comparisons) EXPECT_GT(c.p_value, family_level / comparisons.size()) << c.name;
}

}  // namespace
}  // namespace lockstep
