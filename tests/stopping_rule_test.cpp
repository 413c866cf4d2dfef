// Runs that end when they have the accuracy that is asked for, or when their time is up.
#include "host/stopping_rule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "host/diagnostics.hpp"
#include "host/netcdf.hpp"
#include "tests/message_of.hpp"
#include "tests/same_fit.hpp"
#include "tests/temporary_folder.hpp"

namespace lockstep {
namespace {

class RunsUntil : public WithFolder {
 protected:
  static SampleOptions options() {
    SampleOptions o;
    o.chains = 12;
    o.warmup = 60;
    o.seed = 5;
    o.processor = Processor::cpu;
    return o;
  }
  static Fit fit_of(const SampleOptions& o, const char* name = "eight_schools") {
    const ZooModel& model = *find_zoo_model(name);
    return sample(*model.table(), example_data(model), o);
  }
  static std::string ended_by(const Fit& fit) { return std::get<std::string>(fit.attributes.at("ended_by")); }
  static std::string notes(const Fit& fit) {
    std::string all;
    if (const auto found = fit.attributes.find("notes"); found != fit.attributes.end())
      for (const std::string& each : std::get<std::vector<std::string>>(found->second)) all += each + "\n";
    return all;
  }
  // Bulk and tail, of all that is kept.
  static double least_ess(const Fit& fit) {
    double least = HUGE_VAL;
    for (const NamedDiagnosis& each : diagnose(fit)) least = std::min({least, each.diagnosis.ess_bulk, each.diagnosis.ess_tail});
    return least;
  }
  // The same run, told beforehand how long it is to be.
  static Fit of_length(SampleOptions o, std::size_t draws, const char* name = "eight_schools") {
    o.until = {};
    o.draws = int(draws);
    return fit_of(o, name);
  }
};

TEST_F(RunsUntil, AreLookedAtWhenTheyHaveGrownByHalf) {
  int look = 0;
  for (int expected : {100, 150, 225, 338, 507, 761}) EXPECT_EQ(look = next_look(look), expected);
  EXPECT_EQ(next_look(99), 100);
  EXPECT_EQ(next_look(149), 150);
}

TEST_F(RunsUntil, EndAtTheFirstLookAtWhichAllHaveTheEffectiveSampleSize) {
  SampleOptions o = options();
  o.until.ess = 1500;
  const Fit fit = fit_of(o);
  EXPECT_EQ(ended_by(fit), "accuracy");
  EXPECT_FALSE(fit.stopped_early());
  EXPECT_GE(least_ess(fit), 1500);
  int before = 0;
  while (next_look(before) < int(fit.draws)) before = next_look(before);
  ASSERT_EQ(std::size_t(next_look(before)), fit.draws);
  ASSERT_GE(before, 100);
  const Fit shorter = of_length(o, std::size_t(before));
  EXPECT_LT(least_ess(shorter), 1500);
  EXPECT_NE(notes(fit).find("when ess=1500 was reached"), std::string::npos) << notes(fit);
  const Fit whole = of_length(o, fit.draws);
  expect_same(fit, whole);
  EXPECT_EQ(ended_by(whole), "draws");
}

TEST_F(RunsUntil, EndWhenEveryAccuracyIsReached) {
  SampleOptions o = options();
  o.until.mcse = {{"mu", 0.06}, {"theta", 0.12}};
  const Fit fit = fit_of(o);
  EXPECT_EQ(ended_by(fit), "accuracy");
  const auto meets = [](const Fit& each) {
    bool all = true;
    for (const auto& [name, d] : diagnose(each))
      if (name == "mu" || name.starts_with("theta")) all = all && d.mcse_mean <= (name == "mu" ? 0.06 : 0.12);
    return all;
  };
  EXPECT_TRUE(meets(fit));
  int before = 0;
  while (next_look(before) < int(fit.draws)) before = next_look(before);
  ASSERT_GE(before, 100);
  EXPECT_FALSE(meets(of_length(o, std::size_t(before))));
  SampleOptions both = o;
  both.until.ess = 6000;
  const Fit longer = fit_of(both);
  EXPECT_TRUE(meets(longer));
  EXPECT_GE(least_ess(longer), 6000);
  EXPECT_GT(longer.draws, fit.draws);
}

TEST_F(RunsUntil, AreTheSameInMemoryInAFileAndOnAnyNumberOfThreads) {
  SampleOptions o = options();
  o.until.ess = 800;
  o.thin = 3;
  o.keep = {"mu", "theta"};
  o.log_likelihood = o.keep_warmup = true;
  o.threads = 1;
  const Fit fit = fit_of(o);
  EXPECT_EQ(ended_by(fit), "accuracy");
  EXPECT_GE(least_ess(fit), 800);  // of the draws that are kept
  EXPECT_EQ(std::get<double>(fit.attributes.at("draws_made")), 3. * double(fit.draws));
  o.threads = 3;
  const ZooModel& model = *find_zoo_model("eight_schools");
  sample_to_file(*model.table(), example_data(model), file(), o);
  expect_same(fit, read_netcdf(file()));
}

TEST_F(RunsUntil, EndAtTheirDrawsIfTheAccuracyIsNotReachedAndSaySo) {
  SampleOptions o = options();
  o.until.ess = 1e9;
  o.draws = 170;
  const Fit fit = fit_of(o);
  EXPECT_EQ(ended_by(fit), "draws");
  EXPECT_EQ(fit.draws, 170u);
  EXPECT_TRUE(std::regex_search(notes(fit), std::regex("ess=1000000000 was NOT reached in 170 draws of each chain \\(ess is \\d+, for .*\\)")))
      << notes(fit);
  expect_same(fit, of_length(o, 170));
}

TEST_F(RunsUntil, WithoutDrawsGoOnForAHundredTimesTheUsual) {
  SampleOptions o = options();
  o.chains = 2;
  o.keep = {"mu"};
  o.until.ess = 1e9;
  const Fit fit = fit_of(o);
  EXPECT_EQ(ended_by(fit), "draws");
  EXPECT_EQ(fit.draws, 100000u);
}

TEST_F(RunsUntil, EndWhenTheTimeIsUpWithTheDrawsThatAllHave) {
  SampleOptions o = options();
  o.draws = 100000000;
  o.keep = {"mu_alpha"};
  o.until.seconds = 1;
  const ZooModel& model = *find_zoo_model("radon");
  sample_to_file(*model.table(), example_data(model), file(), o);
  const Fit fit = read_netcdf(file());
  EXPECT_EQ(ended_by(fit), "time");
  EXPECT_FALSE(fit.stopped_early());
  EXPECT_NE(notes(fit).find("its time was up (1 s)"), std::string::npos) << notes(fit);
  ASSERT_GT(fit.draws, 0u);
  EXPECT_LT(std::get<double>(fit.attributes.at("sampling_time")), 10);
  const std::size_t some = std::min<std::size_t>(fit.draws, 200);
  const Fit whole = of_length(o, some, "radon");
  for (std::size_t c = 0; c < 12; ++c)
    for (std::size_t d = 0; d < some; ++d)
      ASSERT_EQ(fit.variable("posterior", "mu_alpha").values[c * fit.draws + d],
                whole.variable("posterior", "mu_alpha").values[c * some + d]);
}

TEST_F(RunsUntil, WhoseTimeIsUpDuringWarmupAreNothing) {
  SampleOptions o = options();
  o.warmup = 1000000;
  o.until.seconds = 0.01;
  const ZooModel& model = *find_zoo_model("radon");
  const std::string message = message_of([&] { sample_to_file(*model.table(), example_data(model), file(), o); });
  EXPECT_EQ(message, "the time was up before every chain had a draw after warmup (0.01 s were given). Give more.");
  EXPECT_EQ(files(), 0u);
}

TEST_F(RunsUntil, AreRefusedWhereNothingCouldBeReached) {
  const auto refuse = [&](auto change, const std::string& part) {
    SampleOptions o = options();
    change(o);
    const std::string message = message_of([&] { fit_of(o); });
    EXPECT_NE(message.find(part), std::string::npos) << part << " is not in: " << message;
    EXPECT_TRUE(std::regex_match(message, std::regex(R"(\S[^\n]* \([^\n]+\)\. [A-Z][^\n]*\.)"))) << message;
  };
  refuse([](SampleOptions& o) { o.until.ess = -1; }, "until.ess is -1");
  refuse([](SampleOptions& o) { o.until.ess = std::nan(""); }, "until.ess is nan");
  refuse([](SampleOptions& o) { o.until.mcse["mu"] = 0; }, "until.mcse of 'mu' is 0");
  refuse([](SampleOptions& o) { o.until.seconds = -5; }, "until.seconds is -5");
  refuse([](SampleOptions& o) { o.until.mcse["bogus"] = 1; }, "mcse(bogus)");
  refuse([](SampleOptions& o) { o.until.mcse["mu"] = 1, o.keep = {"tau"}; }, "mcse(mu)");
  refuse([](SampleOptions& o) { o.until.ess = 10, o.draws = 99; }, "after 100");
  refuse([](SampleOptions& o) { o.until.ess = 10, o.draws = 299, o.thin = 3; }, "after 300");
}

// Two variables of four chains; the first does not vary, the second does.
class TheRule : public testing::Test {
 protected:
  static std::string look(const Until& until, double extra, Accuracy& found) {
    const Outline outline{4, {}, {}, {{{"posterior", true, {{"same", {}, {}, ElementType::real, {}}, {"x", {}, {}, ElementType::real, {}}}}, 100, 100}}, {}};
    StoppingRule rule(until, 1);
    rule.open(outline);
    std::vector<double> same(400, 1), x;
    std::vector<std::size_t> numbers;
    for (int i = 0; i < 400; ++i) x.push_back(std::sin(1. + i * i));
    x[77] += extra;
    for (std::size_t d = 0; d < 100; ++d) numbers.push_back(d);
    const std::vector<std::span<const double>> values{same, x};
    rule.append(0, numbers, values);
    return message_of([&] { found = rule.look(); });
  }
};

TEST_F(TheRule, LeavesOutWhatDoesNotVaryButCannotMakeItsErrorSmall) {
  Accuracy found;
  EXPECT_EQ(look({100, {}, 0}, 0, found), "no error");
  EXPECT_EQ(found.state, Accuracy::State::reached);
  EXPECT_EQ(found.worst.substr(found.worst.size() - 5), "for x");
  EXPECT_NE(look({0, {{"same", 1}}, 0}, 0, found).find("'same' does not vary ("), std::string::npos);
}

TEST_F(TheRule, TakesTheErrorsOfMeansAsTheSummaryHasThem) {
  const Fit fit = sample(*find_zoo_model("eight_schools")->table(), example_data(*find_zoo_model("eight_schools")), [] {
    SampleOptions o;
    o.chains = 5;
    o.draws = 101;
    return o;
  }());
  for (const Variable& each : fit.group("posterior").variables)
    for (std::size_t i = 0; i < each.size(); ++i) {
      const Diagnosis all = Diagnoser()(element_view(fit, each, i)), mean = Diagnoser().of_mean(element_view(fit, each, i));
      EXPECT_EQ(mean.mean, all.mean);
      EXPECT_EQ(mean.sd, all.sd);
      EXPECT_EQ(mean.ess_mean, all.ess_mean);
      EXPECT_EQ(mean.mcse_mean, all.mcse_mean);
      EXPECT_EQ(mean.constant, all.constant);
    }
}

TEST_F(TheRule, KnowsThatDrawsThatAreNotFiniteNeverHaveAnAccuracy) {
  Accuracy found;
  EXPECT_EQ(look({100, {}, 0}, HUGE_VAL, found), "no error");
  EXPECT_EQ(found.state, Accuracy::State::never);
  EXPECT_EQ(found.worst, "x");
}

}  // namespace
}  // namespace lockstep
