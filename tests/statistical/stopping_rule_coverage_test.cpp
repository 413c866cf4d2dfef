// Runs that end when they seem accurate enough are as accurate as they say (rules §6).
//
// Four stationary chains of known mean, AR(1) with autocorrelation times 1 to 100 or independent t_3, are fed to the rule as a run
// feeds it; or 64, of which only a summary is kept. Of 2,000 runs each, mean +- 1.96 standard errors covers at least 93%. A rule that covered 95% would fail once in 40,000
// times. Fixed seeds.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <numeric>
#include <random>

#include "host/diagnostics.hpp"
#include "host/online_summary.hpp"
#include "host/stopping_rule.hpp"
#include "kernels/cpu/launch.hpp"

namespace lockstep {
namespace {

constexpr int runs = 2000;

struct KeepingDraws {
  static constexpr std::size_t chains = 4;

  KeepingDraws(const Until& until, const Outline& outline) : rule(until, 1) { rule.open(outline); }
  void append(std::span<const std::size_t> numbers, std::span<const double> values) { rule.append(0, numbers, {&values, 1}); }
  bool is_enough() { return rule.look().state == Accuracy::State::reached; }
  static Diagnosis diagnosis(const std::vector<std::vector<double>>& x) {
    std::vector<double> all;
    for (const std::vector<double>& chain : x) all.insert(all.end(), chain.begin(), chain.end());
    const std::size_t n = x[0].size();
    return Diagnoser()({all.data(), chains, n, n, 1});
  }

  StoppingRule rule;
};

struct KeepingASummary {
  static constexpr std::size_t chains = 64;

  KeepingASummary(const Until& until, const Outline& outline) : goal(until, outline), summary({1}, chains, 1000000, 1) {}
  void append(std::span<const std::size_t> numbers, std::span<const double> values) { summary.add(numbers.size(), {&values, 1}); }
  bool is_enough() {
    const Diagnosis now = diagnosis({});
    return goal.judge({&now, 1}).state == Accuracy::State::reached;
  }
  Diagnosis diagnosis(const std::vector<std::vector<double>>&) {
    std::vector<int> superchain(chains);
    std::iota(superchain.begin(), superchain.end(), 0);
    return summary.summarise(superchain)[0].diagnosis;
  }

  AccuracyGoal goal;
  OnlineSummary summary;
};

struct Coverage {
  double share, draws;  // draws: the mean of what a chain made
};

template <class Keeping = KeepingDraws, class Next>  // double next(double previous, random, first)
Coverage coverage(const Until& until, std::uint64_t seed, const Next& next) {
  constexpr std::size_t chains = Keeping::chains;
  const Outline outline{chains, {}, {}, {{{"posterior", true, {{"x", {}, {}, ElementType::real, {}}}}, 1, 1}}, {}};
  std::atomic<int> covered{0};
  std::atomic<std::int64_t> draws{0};
  parallel_for(runs, 0, [&](int run, int) {
    std::mt19937_64 random(seed + std::uint64_t(run));
    Keeping kept(until, outline);
    std::vector<std::vector<double>> x(chains);
    for (int made = 0; ; ) {
      const int begin = made, end = next_look(made);
      std::vector<std::size_t> numbers(std::size_t(end - begin));
      std::iota(numbers.begin(), numbers.end(), std::size_t(begin));
      std::vector<double> block;
      for (std::vector<double>& chain : x) {
        for (int d = begin; d < end; ++d) chain.push_back(next(d > 0 ? chain.back() : 0, random, d == 0));
        block.insert(block.end(), chain.begin() + begin, chain.end());
      }
      made = end;
      kept.append(numbers, block);
      if (kept.is_enough()) break;
      ASSERT_LT(made, 1000000);
    }
    const Diagnosis d = kept.diagnosis(x);
    covered += std::abs(d.mean) <= 1.96 * d.mcse_mean;
    draws += std::int64_t(x[0].size());
  });
  return {double(covered) / runs, double(draws) / runs};
}

// Of variance 1.
auto autoregressive(double tau) {
  return [phi = (tau - 1) / (tau + 1)](double previous, auto& random, bool first) {
    std::normal_distribution<double> normal;
    return first ? normal(random) : phi * previous + std::sqrt(1 - phi * phi) * normal(random);
  };
}

double student_3(double, std::mt19937_64& random, bool) { return std::student_t_distribution<double>(3)(random); }

void expect_coverage(const Coverage& got) {
  EXPECT_GE(got.share, 0.93);
  testing::Test::RecordProperty("share_covered", std::to_string(got.share));
  testing::Test::RecordProperty("draws_of_each_chain", std::to_string(got.draws));
}

// An error that takes about so many independent draws, more than the first look has: the smaller it seems by chance, the earlier the
// run ends.
Until error_of(double sd, double draws) { return {0, {{"x", sd / std::sqrt(draws)}}, 0}; }

TEST(StoppingRuleCovers, WhereDrawsAreIndependent) { expect_coverage(coverage(error_of(1, 2000), 1000000, autoregressive(1))); }
TEST(StoppingRuleCovers, WhereDrawsAreCorrelatedOver5) { expect_coverage(coverage(error_of(1, 400), 2000000, autoregressive(5))); }
TEST(StoppingRuleCovers, WhereDrawsAreCorrelatedOver20) { expect_coverage(coverage(error_of(1, 200), 3000000, autoregressive(20))); }
TEST(StoppingRuleCovers, WhereDrawsAreCorrelatedOver100) { expect_coverage(coverage(error_of(1, 100), 4000000, autoregressive(100))); }
TEST(StoppingRuleCovers, WhereTailsAreHeavy) { expect_coverage(coverage(error_of(std::sqrt(3.), 2000), 5000000, student_3)); }
TEST(StoppingRuleCovers, WhereTheEffectiveSampleSizeIsAskedFor) { expect_coverage(coverage({200, {}, 0}, 6000000, autoregressive(5))); }
TEST(StoppingRuleCovers, WhereOnlyASummaryIsKept) { expect_coverage(coverage<KeepingASummary>(error_of(1, 64 * 150), 7000000, autoregressive(1))); }
TEST(StoppingRuleCovers, WhereASummaryTellsTheEffectiveSampleSize) {
  expect_coverage(coverage<KeepingASummary>({64 * 30, {}, 0}, 8000000, autoregressive(5)));
}

}  // namespace
}  // namespace lockstep
