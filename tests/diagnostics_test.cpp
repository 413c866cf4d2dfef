// Diagnostics against ArviZ on stored draws (golden/make_diagnostics.py), and what ArviZ does not say.
#include "host/diagnostics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "host/effective_sample_size.hpp"

namespace lockstep {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

double number(const nlohmann::json& value) {
  if (value.is_null()) return unknown;
  if (value.is_string()) return value == "inf" ? inf : -inf;
  return value;
}

struct Case {
  std::string name;
  std::size_t chains, draws;
  std::vector<int> superchain;
  std::vector<double> values;
  std::map<std::string, double> expected;

  ChainView view() const { return {values.data(), chains, draws, draws, 1}; }
};

std::vector<Case> golden_cases() {
  std::ifstream file(LOCKSTEP_SOURCE_DIR "/tests/golden/diagnostics.json");
  std::vector<Case> cases;
  const auto document = nlohmann::json::parse(file);
  for (const auto& stored : document.at("cases")) {
    Case each{stored.at("name"), stored.at("chains"), stored.at("draws"), stored.at("superchain"), {}, {}};
    for (const auto& value : stored.at("values")) each.values.push_back(number(value));
    for (const auto& [key, value] : stored.at("expected").items()) each.expected[key] = number(value);
    cases.push_back(std::move(each));
  }
  return cases;
}

Case golden_case(const std::string& name) {
  for (Case& each : golden_cases()) {
    if (each.name == name) return each;
  }
  throw std::out_of_range(name);
}

// Every figure that the golden file holds, as this library computes it.
std::map<std::string, double> figures(const Case& c) {
  const Diagnosis d = Diagnoser{}(c.view(), c.superchain);
  const Interval equal_tails = eti(c.view()), shortest = hdi(c.view());
  EXPECT_TRUE(shortest.low == d.hdi.low || std::isnan(d.hdi.low));
  return {{"mean", d.mean},
          {"sd", d.sd},
          {"q5", d.q5},
          {"median", d.median},
          {"q95", d.q95},
          {"hdi_low", d.hdi.low},
          {"hdi_high", d.hdi.high},
          {"eti_low", equal_tails.low},
          {"eti_high", equal_tails.high},
          {"mcse_mean", d.mcse_mean},
          {"mcse_sd", d.mcse_sd},
          {"ess_mean", d.ess_mean},
          {"ess_bulk", d.ess_bulk},
          {"ess_tail", d.ess_tail},
          {"ess_quantile_25", ess_quantile(c.view(), 0.25)},
          {"r_hat", d.r_hat},
          {"r_hat_split", d.r_hat_split},
          {"nested_rhat", nested_rhat(c.view(), c.superchain)},
          {"r_hat_nested", d.r_hat_nested},
          {"tau", d.tau}};
}

double relative_error(double ours, double theirs) {
  if (std::isnan(ours) || std::isnan(theirs)) return std::isnan(ours) == std::isnan(theirs) ? 0.0 : inf;
  if (ours == theirs) return 0;
  return std::fabs(ours - theirs) / std::max(std::fabs(theirs), std::numeric_limits<double>::min());
}

TEST(Diagnostics, EveryFigureEqualsArviZOnStoredDraws) {
  double worst = 0;
  const std::vector<Case> cases = golden_cases();
  ASSERT_GE(cases.size(), 25u);
  for (const Case& c : cases) {
    const std::map<std::string, double> ours = figures(c);
    ASSERT_EQ(ours.size(), c.expected.size()) << c.name;
    for (const auto& [key, theirs] : c.expected) {
      const double error = relative_error(ours.at(key), theirs);
      worst = std::max(worst, error);
      EXPECT_LT(error, 1e-6) << c.name << ": " << key << " is " << ours.at(key) << ", ArviZ says " << theirs;
    }
  }
  RecordProperty("largest_relative_error", std::to_string(worst));
  EXPECT_LT(worst, 1e-10) << "more than roundings of sums: has an algorithm changed?";
}

TEST(Diagnostics, OneDiagnoserGivesTheSameForEveryCaseInAnyOrder) {
  std::vector<Case> cases = golden_cases();
  Diagnoser reused;
  for (const Case& c : cases) reused(c.view(), c.superchain);
  for (auto c = cases.rbegin(); c != cases.rend(); ++c) {
    const Diagnosis again = reused(c->view(), c->superchain), fresh = Diagnoser{}(c->view(), c->superchain);
    EXPECT_EQ(relative_error(again.r_hat, fresh.r_hat), 0) << c->name;
    EXPECT_EQ(relative_error(again.ess_bulk, fresh.ess_bulk), 0) << c->name;
    EXPECT_EQ(relative_error(again.r_hat_nested, fresh.r_hat_nested), 0) << c->name;
  }
}

TEST(Diagnostics, AnElementOfAnArrayIsSeenThroughItsStrides) {
  const Case c = golden_case("slow");
  Fit fit;
  fit.chains = c.chains;
  fit.draws = c.draws;
  Variable x{"x", {"i"}, {3}, ElementType::real, std::vector<double>(3 * c.values.size(), -7.0)};
  for (std::size_t i = 0; i < c.values.size(); ++i) x.values[3 * i + 1] = c.values[i];
  const Diagnosis strided = Diagnoser{}(element_view(fit, x, 1)), contiguous = Diagnoser{}(c.view());
  EXPECT_EQ(strided.mean, contiguous.mean);
  EXPECT_EQ(strided.ess_tail, contiguous.ess_tail);
  EXPECT_EQ(Diagnoser{}(element_view(fit, x, 2)).mean, -7.0);
  EXPECT_THROW(element_view(fit, x, 3), std::out_of_range);
  x.values.pop_back();
  EXPECT_THROW(element_view(fit, x, 0), std::invalid_argument);
}

TEST(Diagnostics, RankedFiguresSurviveAMonotoneTransform) {
  Case c = golden_case("an odd number of draws");
  const Diagnosis before = Diagnoser{}(c.view(), c.superchain);
  for (double& x : c.values) x = std::exp(x);
  const Diagnosis after = Diagnoser{}(c.view(), c.superchain);
  EXPECT_EQ(after.ess_bulk, before.ess_bulk);
  EXPECT_EQ(after.ess_tail, before.ess_tail);
  EXPECT_EQ(after.tau, before.tau);
}

TEST(Diagnostics, NestedRHatIsOneChainPerSuperchainWhereNoneIsGiven) {
  const Case c = golden_case("shifted chains");
  const std::vector<int> own_start = {0, 1, 2, 3};
  EXPECT_EQ(nested_rhat(c.view(), {}), nested_rhat(c.view(), own_start));
  EXPECT_GT(nested_rhat(c.view(), {}), 1.1);
}

TEST(Diagnostics, NestedRHatTakesAnyNamesOfSuperchainsInAnyOrder) {
  const Case c = golden_case("many short chains");
  std::vector<int> renamed;
  for (int id : c.superchain) renamed.push_back(1000 - 7 * id);
  EXPECT_NEAR(nested_rhat(c.view(), renamed), c.expected.at("nested_rhat"), 1e-12);
}

TEST(Diagnostics, NestedRHatSeesSuperchainsThatDifferInScaleOnly) {
  const Case c = golden_case("chains of different scale");
  EXPECT_LT(nested_rhat(c.view(), c.superchain), 1.01);
  EXPECT_GT(Diagnoser{}(c.view(), c.superchain).r_hat_nested, 1.2);
}

TEST(Diagnostics, SuperchainsThatDoNotFitTheChainsAreRefused) {
  const Case c = golden_case("independent");
  const std::vector<int> three = {0, 0, 1};
  EXPECT_THROW(Diagnoser{}(c.view(), three), std::invalid_argument);
  EXPECT_THROW(nested_rhat(c.view(), three), std::invalid_argument);
}

TEST(Diagnostics, NoDrawsGiveNothingButUnknowns) {
  const Diagnosis d = Diagnoser{}(ChainView{});
  EXPECT_TRUE(std::isnan(d.mean) && std::isnan(d.r_hat) && std::isnan(d.r_hat_nested) && std::isnan(d.hdi.low));
  EXPECT_TRUE(std::isnan(quantile(ChainView{}, 0.5)));
}

TEST(Diagnostics, EqualDrawsAreConstantAndUnequalOnesAreNot) {
  EXPECT_TRUE(Diagnoser{}(golden_case("constant").view()).constant);
  const std::vector<double> rounding = {1.0, 1.0 + 2e-16, 1.0 - 1e-16, 1.0};
  EXPECT_TRUE(Diagnoser{}({rounding.data(), 2, 2, 2, 1}).constant);
  EXPECT_FALSE(Diagnoser{}(golden_case("tiny").view()).constant);
  EXPECT_FALSE(Diagnoser{}(golden_case("far from zero").view()).constant);
  EXPECT_FALSE(Diagnoser{}(golden_case("each chain its own constant").view()).constant);
  EXPECT_FALSE(Diagnoser{}(golden_case("infinities").view()).constant);
}

TEST(Diagnostics, TheSameDrawsGiveTheSameBitsWhereverTheyLie) {
  const Case c = golden_case("far from zero");
  std::vector<double> room(c.values.size() + 8), scratch;
  const SplitChains first{c.values.data(), c.chains, c.draws};
  for (std::size_t offset = 0; offset < 8; ++offset) {
    std::copy(c.values.begin(), c.values.end(), room.begin() + static_cast<std::ptrdiff_t>(offset));
    const SplitChains moved{room.data() + offset, c.chains, c.draws};
    EXPECT_EQ(moments(moved[0]).mean, moments(first[0]).mean);
    EXPECT_EQ(moments(moved[1]).variance, moments(first[1]).variance);
    EXPECT_EQ(rhat(moved), rhat(first));
    EXPECT_EQ(effective_sample_size(moved, scratch), effective_sample_size(first, scratch));
  }
}

// Long enough for the autocovariances by Fourier transform, against those by their definition.
TEST(Diagnostics, SlowChainsGetTheSameEssFromTheTransformAsFromTheDefinition) {
  std::mt19937_64 generator(3);
  std::normal_distribution<double> normal;
  const std::size_t chains = 3, draws = 1501;
  std::vector<double> x(chains * draws), scratch;
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = normal(generator) + (i % draws ? 0.995 * x[i - 1] : 0.0);
  const SplitChains split{x.data(), chains, draws};
  const std::size_t n = split.length();

  std::vector<double> autocovariance(n), means;
  for (std::size_t s = 0; s < split.count(); ++s) {
    means.push_back(moments(split[s]).mean);
    for (std::size_t lag = 0; lag < n; ++lag) {
      for (std::size_t i = 0; i + lag < n; ++i) {
        autocovariance[lag] += (split[s][i] - means[s]) * (split[s][i + lag] - means[s]) / double(n * split.count());
      }
    }
  }
  const double variance = autocovariance[0] * double(n) / double(n - 1);
  const double pooled = autocovariance[0] + moments(means).variance;
  // Geyer's initial monotone sequence in its plain form: sum pairs while positive, each at most the one before.
  double tau = -1, bound = inf;
  std::size_t t = 0;
  for (; t + 1 < n; t += 2) {
    const auto rho = [&](std::size_t lag) { return lag ? 1 - (variance - autocovariance[lag]) / pooled : 1.0; };
    const double pair = rho(t) + rho(t + 1);
    if (pair < 0) {
      tau += std::max(rho(t), 0.0);
      break;
    }
    bound = std::min(bound, pair);
    tau += 2 * bound;
  }
  ASSERT_GT(t, 128u);
  EXPECT_NEAR(effective_sample_size(split, scratch) * tau / double(n * split.count()), 1.0, 1e-10);
}

// From moments alone: what the draws themselves give.
TEST(HalvesDiagnosis, IsThatOfTheDraws) {
  constexpr std::size_t chains = 12, half = 25;
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::vector<double> values;
  ChainHalves halves{{}, std::vector<double>(chains), {half, half}};
  std::vector<int> superchain;
  for (std::size_t c = 0; c < chains; ++c) {
    superchain.push_back(int(c % 4));
    const double shift = normal(random);
    for (int h : {0, 1}) {
      std::vector<double> draws(half);
      for (double& x : draws) x = shift + normal(random);
      values.insert(values.end(), draws.begin(), draws.end());
      const Moments each = moments(draws);
      halves.means[h].push_back(each.mean);
      halves.squares[c] += each.variance * (half - 1);
    }
  }
  const ChainView view{values.data(), chains, 2 * half, 2 * half, 1};
  const HalvesDiagnosis found = diagnose_halves(halves, superchain);
  const Diagnosis expected = Diagnoser{}(view, superchain);
  EXPECT_NEAR(found.mean, expected.mean, 1e-12);
  EXPECT_NEAR(found.sd, expected.sd, 1e-12);
  EXPECT_NEAR(found.r_hat_split, expected.r_hat_split, 1e-12);
  EXPECT_NEAR(found.r_hat_nested, nested_rhat(view, superchain), 1e-12);
  // Chains that differ: a draw's variance is 2, a chain's mean's 1 + 1/50, so 12 chains are worth 12 * 2 / 1.02 = 23.5 draws;
  // sd of the estimate 24 sqrt(2 / 11) = 10.
  EXPECT_GT(found.ess_mean, 8);
  EXPECT_LT(found.ess_mean, 80);
}

}  // namespace
}  // namespace lockstep
