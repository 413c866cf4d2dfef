// What is said about draws that are not kept, against what is said about the same draws when they are.
#include "host/online_summary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "host/digest.hpp"
#include "host/stopping_rule.hpp"
#include "host/summary.hpp"
#include "host/summary_groups.hpp"
#include "host/verdict.hpp"
#include "lockstep/sample.hpp"
#include "tests/message_of.hpp"
#include "tests/same_fit.hpp"
#include "tests/temporary_folder.hpp"

namespace lockstep {
namespace {

TEST(Stretches, AreTheQuartersOfAWholeRunAndCutAnyOtherNearItsMiddle) {
  for (std::size_t most : {1u, 2u, 3u, 4u, 5u, 7u, 16u, 100u, 1000u, 1023u}) {
    Stretches stretches(most);
    std::array<std::size_t, Stretches::count> draws{};
    for (std::size_t done = 1; done <= most; ++done) {
      if (stretches.full()) {
        stretches.merge();
        draws = {draws[0] + draws[1], draws[2] + draws[3], 0, 0};
      }
      ASSERT_GE(stretches.room(), 1u);
      ++draws[stretches.current()];
      stretches.add(1);
      ASSERT_EQ(stretches.done(), done);
      const Stretches::Parts parts = stretches.parts();
      ASSERT_EQ(parts.first, std::accumulate(draws.begin(), draws.begin() + std::ptrdiff_t(parts.stretches), std::size_t{0}));
      ASSERT_EQ(parts.first + parts.second, done);
      if (done < 16) continue;
      ASSERT_LE(parts.first, 2 * parts.second) << done << " of " << most;
      ASSERT_LE(parts.second, 2 * parts.first + 1) << done << " of " << most;
    }
    EXPECT_EQ(stretches.parts().first, most / 2);
    for (std::size_t i = 0; i < draws.size(); ++i) EXPECT_EQ(draws[i], (i + 1) * most / 4 - i * most / 4);
  }
}

// Draws of some chains, and what is said about them with and without keeping them.
struct Draws {
  std::size_t chains, draws;
  std::vector<double> values;  // [chain][draw]
  std::vector<int> superchain;

  Draws(std::size_t chains, std::size_t draws) : chains(chains), draws(draws), values(chains * draws) {
    for (std::size_t c = 0; c < chains; ++c) superchain.push_back(int(c % 16));
  }
  // Of autoregressive chains with standard normal margins, tau = (1 + rho) / (1 - rho), moved by what `shift` says.
  Draws(std::size_t chains, std::size_t draws, double rho, const std::function<double(std::size_t chain)>& shift = {})
      : Draws(chains, draws) {
    std::mt19937_64 random(11);
    std::normal_distribution<double> normal;
    for (std::size_t c = 0; c < chains; ++c) {
      double x = normal(random);
      for (std::size_t d = 0; d < draws; ++d) {
        values[c * draws + d] = x + (shift ? shift(c) : 0);
        x = rho * x + std::sqrt(1 - rho * rho) * normal(random);
      }
    }
  }
  Draws mapped(const std::function<double(double)>& map) const {
    Draws other = *this;
    for (double& x : other.values) x = map(x);
    return other;
  }

  Diagnosis kept() const { return Diagnoser{}({values.data(), chains, draws, draws, 1}, superchain); }
  // In blocks of `block` draws, of a run that could have had `most`.
  ScalarSummary summarised(std::size_t block = 7, std::size_t most = 0) const {
    OnlineSummary online({1}, chains, std::max(most, draws), 2);
    std::vector<double> some;
    for (std::size_t first = 0; first < draws; first += block) {
      const std::size_t count = std::min(block, draws - first);
      some.clear();
      for (std::size_t c = 0; c < chains; ++c)
        for (std::size_t d = first; d < first + count; ++d) some.push_back(values[c * draws + d]);
      const std::span<const double> view(some);
      online.add(count, {&view, 1});
    }
    EXPECT_EQ(online.draws(), draws);
    return online.summarise(superchain).front();
  }
  double share_up_to(double x) const {
    return double(std::count_if(values.begin(), values.end(), [&](double each) { return each <= x; })) / double(values.size());
  }
};

void expect_relative(double found, double expected, double error) { EXPECT_NEAR(found, expected, error * std::abs(expected)); }

// What is the same but for rounding, and quantiles.
void expect_exact_figures(const Draws& draws, const ScalarSummary& found) {
  const Diagnosis expected = draws.kept();
  expect_relative(found.diagnosis.mean, expected.mean, 1e-10);
  expect_relative(found.diagnosis.sd, expected.sd, 1e-10);
  expect_relative(found.diagnosis.r_hat_split, expected.r_hat_split, 1e-8);
  EXPECT_EQ(found.low, *std::min_element(draws.values.begin(), draws.values.end()));
  EXPECT_EQ(found.high, *std::max_element(draws.values.begin(), draws.values.end()));
  EXPECT_FALSE(found.diagnosis.constant);
}
// The share of draws below is off by no more than what a bin holds: 1/512 of the pilot, so about as much of the draws.
void expect_quantiles(const Draws& draws, const ScalarSummary& found) {
  const Diagnosis& d = found.diagnosis;
  for (const auto& [value, probability] : {std::pair{d.q5, 0.05}, {d.median, 0.5}, {d.q95, 0.95}, {found.quantiles[0], 0.025},
                                           {found.quantiles[1], 0.25}, {found.quantiles[2], 0.75}, {found.quantiles[3], 0.975}})
    EXPECT_NEAR(draws.share_up_to(value), probability, 1. / 512) << value;
}
// R-hat of scores by the ranks among the pilot and not among all.
void expect_r_hat(const Draws& draws, const ScalarSummary& found) {
  const Diagnosis expected = draws.kept();
  EXPECT_NEAR(found.diagnosis.r_hat - 1, expected.r_hat - 1, 2e-4 + 0.02 * (expected.r_hat - 1));
  EXPECT_NEAR(found.diagnosis.r_hat_nested - 1, expected.r_hat_nested - 1, 2e-4 + 0.02 * (expected.r_hat_nested - 1));
}
// Four standard errors of what the means of the chains say; that of the draws' autocorrelation has less.
void expect_sample_sizes(const Draws& draws, const ScalarSummary& found) {
  const Diagnosis expected = draws.kept(), &d = found.diagnosis;
  const double error = 4 * std::sqrt(2. / double(draws.chains));
  expect_relative(d.ess_mean, expected.ess_mean, error);
  expect_relative(d.ess_bulk, expected.ess_bulk, error);
  expect_relative(d.ess_tail, expected.ess_tail, error);
  expect_relative(d.mcse_mean, expected.mcse_mean, error / 2);
  expect_relative(d.mcse_sd, expected.mcse_sd, error / 2);
  EXPECT_DOUBLE_EQ(d.tau, double(draws.values.size()) / d.ess_bulk);
}

TEST(OnlineSummary, OfDrawsIsThatOfKeptOnes) {
  for (const double rho : {0., 0.5, 0.8}) {
    SCOPED_TRACE(rho);
    const Draws draws(512, 300, rho);
    const ScalarSummary found = draws.summarised();
    expect_exact_figures(draws, found);
    expect_quantiles(draws, found);
    expect_r_hat(draws, found);
    expect_sample_sizes(draws, found);
  }
}

TEST(OnlineSummary, OfSkewedHeavyTailedDrawsIsThatOfKeptOnes) {
  const Draws normal(512, 200, 0.5);
  for (const auto& map : std::initializer_list<std::function<double(double)>>{
           [](double z) { return std::exp(2 * z); }, [](double z) { return z * std::exp(z * z / 5); },
           [](double z) { return -1e6 + 1e-3 * std::exp(z); }}) {
    const Draws draws = normal.mapped(map);
    const ScalarSummary found = draws.summarised();
    const Diagnosis expected = draws.kept();
    expect_relative(found.diagnosis.mean, expected.mean, 1e-10);
    expect_relative(found.diagnosis.sd, expected.sd, 1e-7);  // 1e-6 of it is what -1e6 leaves of a draw's digits
    expect_quantiles(draws, found);
    expect_r_hat(draws, found);
    expect_relative(found.diagnosis.ess_bulk, expected.ess_bulk, 4 * std::sqrt(2. / 512));
    expect_relative(found.diagnosis.ess_tail, expected.ess_tail, 4 * std::sqrt(2. / 512));
  }
}

// A value that many draws share is a quantile itself.
TEST(OnlineSummary, OfDiscreteDrawsHasTheirQuantiles) {
  const Draws normal(256, 100, 0.3);
  for (const auto& map : std::initializer_list<std::function<double(double)>>{
           [](double z) { return z > 0; }, [](double z) { return std::floor(2 * z); },
           [](double z) { return std::clamp(z, -0.3, 1.); }, [](double z) { return std::abs(z) < 0.5 ? 0. : z; }}) {
    const Draws draws = normal.mapped(map);
    const ScalarSummary found = draws.summarised();
    const Diagnosis expected = draws.kept();
    expect_exact_figures(draws, found);
    EXPECT_NEAR(found.diagnosis.q5, expected.q5, 0.02);
    EXPECT_NEAR(found.diagnosis.median, expected.median, 0.02);
    EXPECT_NEAR(found.diagnosis.q95, expected.q95, 0.02);
    expect_r_hat(draws, found);
    expect_relative(found.diagnosis.ess_bulk, expected.ess_bulk, 4 * std::sqrt(2. / 256));
  }
}

TEST(OnlineSummary, DoesNotDependOnTheBlocksInWhichDrawsCome) {
  const Draws draws(64, 333, 0.6);
  const ScalarSummary one = draws.summarised(1), all = draws.summarised(333);
  expect_relative(one.diagnosis.mean, all.diagnosis.mean, 1e-12);
  expect_relative(one.diagnosis.sd, all.diagnosis.sd, 1e-12);
  expect_relative(one.diagnosis.ess_bulk, all.diagnosis.ess_bulk, 0.02);  // the pilot is another
  expect_exact_figures(Draws(64, 332, 0.6), Draws(64, 332, 0.6).summarised(1));
}

TEST(OnlineSummary, OfARunThatEndsEarlyCutsItWhereItHasAStretch) {
  const Draws draws(128, 337, 0.5);
  const Diagnosis found = draws.summarised(10, 25000).diagnosis, expected = draws.kept();
  expect_relative(found.mean, expected.mean, 1e-10);
  expect_relative(found.sd, expected.sd, 1e-10);
  // Lengths of stretches are 25000 / 4 / 2^k: of 97.66 at the end, so the draws 0 .. 194 are the first part.
  ChainHalves halves{{{}, {}}, {}, {195, 142}};
  for (std::size_t c = 0; c < draws.chains; ++c) {
    halves.squares.push_back(0);
    for (const auto& [h, first, count] : {std::tuple{0, 0, 195}, {1, 195, 142}}) {
      const double* const begin = draws.values.data() + c * draws.draws + first;
      const double mean = std::accumulate(begin, begin + count, 0.) / count;
      halves.means[h].push_back(mean);
      for (int i = 0; i < count; ++i) halves.squares.back() += (begin[i] - mean) * (begin[i] - mean);
    }
  }
  const HalvesDiagnosis of_parts = diagnose_halves(halves, draws.superchain);
  expect_relative(found.r_hat_split, of_parts.r_hat_split, 1e-10);
  expect_relative(found.ess_mean, of_parts.ess_mean, 1e-10);
  EXPECT_NEAR(found.r_hat_split, expected.r_hat_split, 0.002);
  expect_relative(found.ess_mean, expected.ess_mean, 4 * std::sqrt(2. / 128));
}

TEST(OnlineSummary, SeesChainsThatAreInDifferentModes) {
  const Draws draws(128, 200, 0.2, [](std::size_t chain) { return chain % 16 < 4 ? 3. : 0.; });
  const ScalarSummary found = draws.summarised();
  expect_exact_figures(draws, found);
  expect_r_hat(draws, found);
  EXPECT_GT(found.diagnosis.r_hat, 1.2);
  EXPECT_GT(found.diagnosis.r_hat_nested, 1.2);
  EXPECT_LT(found.diagnosis.ess_bulk, 400);  // no more than what 128 chains that stay where they are are worth
  // The same scale for all, so that only the folded draws tell.
  Draws wide(128, 200, 0.2);
  for (std::size_t i = 0; i < wide.values.size(); ++i) wide.values[i] *= i / 200 % 16 < 4 ? 3 : 1;
  expect_r_hat(wide, wide.summarised());
  EXPECT_GT(wide.summarised().diagnosis.r_hat, 1.05);
  // A drift that all chains have shows in their halves.
  Draws drift(128, 200, 0.2);
  for (std::size_t i = 0; i < drift.values.size(); ++i) drift.values[i] += double(i % 200) / 200;
  expect_r_hat(drift, drift.summarised());
  EXPECT_GT(drift.summarised().diagnosis.r_hat, 1.01);
}

// 64 chains begin in a place that they leave: nothing is known of where they go.
TEST(OnlineSummary, DoesNotSayQuantilesThatThePilotDidNotForesee) {
  Draws draws(64, 600, 0);
  for (std::size_t i = 0; i < draws.values.size(); ++i) draws.values[i] = 0.01 * draws.values[i] + (i % 600 < 150 ? 0 : 5);
  const Diagnosis found = draws.summarised().diagnosis;
  EXPECT_TRUE(std::isnan(found.median));
  EXPECT_TRUE(std::isnan(found.q95));
  EXPECT_NEAR(found.q5, 0, 0.02);
  EXPECT_GT(found.r_hat, 1.1);
  expect_relative(found.mean, draws.kept().mean, 1e-10);
}

TEST(OnlineSummary, OfConstantsAndOfDrawsThatAreNotFiniteSaysWhatKeptOnesDo) {
  const Draws normal(64, 200, 0);
  const ScalarSummary constant = normal.mapped([](double) { return 2.5; }).summarised();
  EXPECT_TRUE(constant.diagnosis.constant);
  EXPECT_EQ(constant.diagnosis.mean, 2.5);
  EXPECT_EQ(constant.diagnosis.sd, 0);
  EXPECT_EQ(constant.diagnosis.q5, 2.5);
  EXPECT_TRUE(std::isnan(constant.diagnosis.r_hat));
  EXPECT_EQ(constant.diagnosis.ess_bulk, 64 * 200.);

  const ScalarSummary infinite = normal.mapped([](double z) { return z > 1 ? HUGE_VAL : z; }).summarised();
  EXPECT_EQ(infinite.diagnosis.mean, HUGE_VAL);
  EXPECT_NEAR(infinite.diagnosis.median, 0, 0.05);
  EXPECT_EQ(infinite.diagnosis.q95, HUGE_VAL);
  EXPECT_TRUE(std::isnan(infinite.diagnosis.ess_mean));
  EXPECT_NEAR(infinite.diagnosis.r_hat, 1, 0.01);

  Draws with_nan = normal;
  with_nan.values[12345] = NAN;
  const ScalarSummary found = with_nan.summarised();
  const Diagnosis& d = found.diagnosis;
  for (double figure : {d.mean, d.sd, d.median, d.r_hat, d.ess_bulk, found.low}) EXPECT_TRUE(std::isnan(figure));
  EXPECT_TRUE(std::isnan(normal.mapped([](double) { return NAN; }).summarised().diagnosis.mean));
}

TEST(OnlineSummary, OfFewDrawsSaysWhatTheySupport) {
  for (std::size_t draws : {1u, 2u, 3u}) {
    const Draws few(64, draws, 0);
    const Diagnosis found = few.summarised().diagnosis, expected = few.kept();
    expect_relative(found.mean, expected.mean, 1e-10);
    expect_relative(found.sd, expected.sd, 1e-10);
    EXPECT_NEAR(found.median, expected.median, 0.1);
    EXPECT_TRUE(std::isnan(found.r_hat) && std::isnan(found.ess_bulk) && std::isnan(found.mcse_mean));
  }
  for (std::size_t draws : {4u, 5u}) {
    const Diagnosis found = Draws(64, draws, 0).summarised().diagnosis;
    EXPECT_TRUE(std::isfinite(found.r_hat) && found.ess_bulk > 0);
  }
}

// ---- the runs ----

class SummaryOfARun : public WithFolder {
 protected:
  static SampleOptions options(bool only_summary) {
    SampleOptions o;
    o.chains = 128;
    o.warmup = 60;
    o.draws = 150;
    o.seed = 4;
    o.processor = Processor::cpu;
    o.only_summary = only_summary;
    return o;
  }
  static Fit fit_of(const SampleOptions& o, const char* name = "eight_schools") {
    const ZooModel& model = *find_zoo_model(name);
    return sample(*model.table(), example_data(model), o);
  }
};

TEST_F(SummaryOfARun, IsWhatItsDrawsWouldSay) {
  for (const int thin : {1, 4}) {
    SampleOptions o = options(false);
    o.thin = thin;
    const Fit kept = fit_of(o);
    o.only_summary = true;
    const Fit fit = fit_of(o);
    EXPECT_FALSE(fit.has_group("posterior") || fit.has_group("sample_stats"));
    EXPECT_TRUE(fit.has_group("observed_data") && fit.has_group("constant_data"));
    EXPECT_EQ(fit.chains, kept.chains);
    EXPECT_EQ(fit.draws, kept.draws);
    EXPECT_EQ(fit.superchain, kept.superchain);
    const std::vector<NamedDiagnosis> expected = diagnose(kept), found = diagnose(fit);
    ASSERT_EQ(found.size(), expected.size());
    const double error = 4 * std::sqrt(2. / double(fit.chains));
    for (std::size_t i = 0; i < found.size(); ++i) {
      SCOPED_TRACE(expected[i].name);
      const Diagnosis &a = found[i].diagnosis, &b = expected[i].diagnosis;
      EXPECT_EQ(found[i].name, expected[i].name);
      expect_relative(a.mean, b.mean, 1e-10);
      expect_relative(a.sd, b.sd, 1e-10);
      EXPECT_NEAR(a.q5, b.q5, 0.05 * b.sd);
      EXPECT_NEAR(a.q95, b.q95, 0.05 * b.sd);
      if (fit.draws % 2 == 0) expect_relative(a.r_hat_split, b.r_hat_split, 1e-8);
      EXPECT_NEAR(a.r_hat, b.r_hat, 2e-3);
      EXPECT_NEAR(a.r_hat_nested, b.r_hat_nested, 2e-3);
      expect_relative(a.ess_bulk, b.ess_bulk, error);
      expect_relative(a.ess_tail, b.ess_tail, error);
    }
    // Of each chain what its sampler did.
    for (const char* name : {"acceptance_rate", "diverging", "n_steps", "energy"}) {
      const std::vector<double>& each = kept.variable("sample_stats", name).values;
      const std::vector<double>& of_chains = fit.variable(chain_stats_group, name).values;
      ASSERT_EQ(of_chains.size(), fit.chains);
      for (std::size_t c = 0; c < fit.chains; ++c) {
        const auto first = each.begin() + std::ptrdiff_t(c * fit.draws);
        const double sum = std::accumulate(first, first + std::ptrdiff_t(fit.draws), 0.);
        EXPECT_NEAR(of_chains[c], name == std::string("diverging") ? sum : sum / double(fit.draws), 1e-10 * std::abs(sum));
      }
    }
    const MissingInformation energy = ebfmi(element_view(kept, kept.variable("sample_stats", "energy"), 0));
    for (std::size_t c = 0; c < fit.chains; ++c)
      EXPECT_NEAR(fit.variable(chain_stats_group, "ebfmi").values[c], energy.per_chain[c], 1e-9);
    const Verdict verdict = judge(fit), of_kept = judge(kept);
    EXPECT_EQ(verdict.converged, of_kept.converged);
    EXPECT_EQ(verdict.warnings.size(), of_kept.warnings.size());
    EXPECT_NE(summary(fit).find("theta[Choate]"), std::string::npos);
  }
}

TEST_F(SummaryOfARun, WarnsOfWhatTheSamplerMet) {
  SampleOptions o = options(false);
  o.max_depth = 2;
  o.target_acceptance = 0.5;
  const Verdict of_kept = judge(fit_of(o));
  o.only_summary = true;
  const Verdict verdict = judge(fit_of(o));
  const auto of_sampler = [](const Verdict& each) {
    std::vector<std::string> problems;
    for (const Warning& warning : each.warnings)
      for (const char* part : {"transitions", "E-BFMI"})
        if (warning.problem.find(part) != std::string::npos) problems.push_back(warning.problem);
    return problems;
  };
  EXPECT_GE(of_sampler(of_kept).size(), 1u);
  EXPECT_EQ(of_sampler(verdict), of_sampler(of_kept));
}

TEST_F(SummaryOfARun, IsTheSameInAFileAndOnAnyNumberOfThreads) {
  SampleOptions o = options(true);
  o.leave_out = {"z"};
  o.threads = 1;
  const Fit fit = fit_of(o);
  EXPECT_EQ(fit.group(summary_group).variables.size(), 3u);
  o.threads = 3;
  const ZooModel& model = *find_zoo_model("eight_schools");
  sample_to_file(*model.table(), example_data(model), file(), o);
  const Fit read = read_netcdf(file());
  expect_same(fit, read);
  EXPECT_EQ(std::get<double>(read.attributes.at("draws_made")), 150);
  const Digest digested = digest(FitFile(file(), digested_groups));
  EXPECT_EQ(digested.note(), "");
  EXPECT_EQ(summary(digested.fit, digested.diagnoses), summary(fit));
  write_netcdf(read, file("again.nc"));
  expect_same(fit, read_netcdf(file("again.nc")));
  EXPECT_NE(message_of([&] { read_netcdf(file(), {"posterior"}); }).find("it has a summary only, no draws"), std::string::npos);
}

TEST_F(SummaryOfARun, EndsAtTheFirstLookAtWhichItIsAccurateEnough) {
  SampleOptions o = options(true);
  o.draws = 0;
  o.chains = 64;  // the first look comes before the pilot is complete
  o.until.ess = 12000;
  o.until.mcse = {{"mu", 0.04}};
  const Fit fit = fit_of(o);
  EXPECT_EQ(std::get<std::string>(fit.attributes.at("ended_by")), "accuracy");
  const auto is_enough = [](const Fit& each) {
    bool enough = true;
    for (const auto& [name, d] : diagnose(each))
      enough = enough && std::min(d.ess_bulk, d.ess_tail) >= 12000 && (name != "mu" || d.mcse_mean <= 0.04);
    return enough;
  };
  EXPECT_TRUE(is_enough(fit));
  const int length = int(std::get<double>(fit.attributes.at("draws_made")));
  int before = 0;
  while (next_look(before) < length) before = next_look(before);
  ASSERT_EQ(next_look(before), length);
  ASSERT_GE(before, 100);
  SampleOptions shorter = o;
  shorter.draws = before;
  const Fit too_short = fit_of(shorter);
  EXPECT_EQ(std::get<std::string>(too_short.attributes.at("ended_by")), "draws");
  EXPECT_FALSE(is_enough(too_short));
  o.threads = 3;
  expect_same(fit, fit_of(o));
  o.until.mcse = {{"bogus", 1}};
  EXPECT_NE(message_of([&] { fit_of(o); }).find("no site of that name is kept"), std::string::npos);
}

TEST_F(SummaryOfARun, GoesOnFromACheckpoint) {
  SampleOptions o = options(true);
  o.draws = 2000;
  const Fit whole = fit_of(o);
  o.checkpoint = {file("run"), 5e-3, {}};
  const ZooModel& model = *find_zoo_model("eight_schools");
  int parts = 0, with_draws = 0;
  for (;; ++parts) {
    int left = 3 * (parts + 1);  // looks, of which there is one at every checkpoint
    o.cancel = [&left, &with_draws] { return with_draws < 2 && --left < 0; };
    try {
      const Fit fit = parts == 0 ? sample(*model.table(), example_data(model), o)
                                 : resume(*model.table(), example_data(model), o);
      if (!fit.stopped_early()) {
        expect_same(whole, fit);
        break;
      }
      ++with_draws;
      EXPECT_LT(fit.draws, 2000u);
      EXPECT_TRUE(fit.has_group(summary_group));
    } catch (const Stopped&) {
    }
  }
  EXPECT_GE(parts, 1);
  EXPECT_GE(with_draws, 1);
  EXPECT_EQ(files(), 0u);
}

TEST_F(SummaryOfARun, IsRefusedWhereItCannotBe) {
  const auto message = [](const std::function<void(SampleOptions&)>& change) {
    SampleOptions o = options(true);
    change(o);
    return message_of([&] { validate(o); });
  };
  EXPECT_EQ(message([](SampleOptions&) {}), "no error");
  EXPECT_EQ(message([](SampleOptions& o) { o.until = {1000, {}, 10}; }), "no error");
  EXPECT_NE(message([](SampleOptions& o) { o.chains = 63; }).find("at least 64 are needed"), std::string::npos);
  for (const auto& change : std::initializer_list<void (*)(SampleOptions&)>{[](SampleOptions& o) { o.log_likelihood = true; },
                                                                            [](SampleOptions& o) { o.predictive = true; },
                                                                            [](SampleOptions& o) { o.keep_warmup = true; }})
    EXPECT_NE(message(change).find("they belong to draws"), std::string::npos);
}

}  // namespace
}  // namespace lockstep
