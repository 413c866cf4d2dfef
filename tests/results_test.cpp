// What a run returns and keeps: in memory and in a file, whole, thinned, in part, cut short.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "host/fit_builder.hpp"
#include "host/netcdf.hpp"
#include "host/run.hpp"
#include "lockstep/sample.hpp"
#include "tests/message_of.hpp"
#include "tests/same_fit.hpp"
#include "tests/temporary_folder.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

class Results : public WithFolder {};

SampleOptions short_run() {
  SampleOptions options;
  options.chains = 12;
  options.warmup = 40;
  options.draws = 100;
  options.seed = 5;
  return options;
}

Fit fit_of(const char* name, const SampleOptions& options) {
  const ZooModel& model = *find_zoo_model(name);
  return sample(*model.table(), example_data(model), options);
}

Fit fit_in_blocks(const char* name, const SampleOptions& options, std::size_t block_bytes) {
  const ZooModel& model = *find_zoo_model(name);
  FitBuilder builder;
  run(*model.table(), example_data(model), options, true, builder, block_bytes);
  return builder.take();
}

// ---------------------------------------------------------------- blocks and files

TEST_F(Results, DoNotDependOnHowManyDrawsAreMadeAtATime) {
  for (const char* name : {"eight_schools", "radon"}) {
    SCOPED_TRACE(name);
    SampleOptions options = short_run();
    options.keep_warmup = options.log_likelihood = options.predictive = true;
    options.generated = Generated::all;
    const Fit whole = fit_of(name, options);
    for (std::size_t bytes : {1u, 600000u}) expect_same(fit_in_blocks(name, options, bytes), whole);
    options.thin = 3;
    expect_same(fit_in_blocks(name, options, 1), fit_of(name, options));
  }
}

TEST_F(Results, AreTheSameInAFileAsInMemory) {
  for (const char* name : {"eight_schools", "linear_regression"}) {
    SampleOptions options = short_run();
    options.keep_warmup = options.log_likelihood = options.predictive = true;
    options.thin = 2;
    options.attributes["model"] = std::string(name);
    const ZooModel& model = *find_zoo_model(name);
    const fs::path written =
        sample_to_file(*model.table(), example_data(model), file(std::string(name) + ".nc"), options);
    const Fit in_memory = fit_of(name, options), in_file = read_netcdf(written);
    expect_same(in_memory, in_file);
    EXPECT_EQ(in_file.superchain, in_memory.superchain);
    for (const char* attribute : {"model", "seed", "thin", "stopped_early", "tuning_steps", "draws_made"})
      EXPECT_EQ(in_file.attributes.at(attribute), in_memory.attributes.at(attribute)) << attribute;
  }
  EXPECT_EQ(files(), 2u);
}

TEST_F(Results, InAFileWrittenInManyBlocksAreTheSame) {
  const ZooModel& model = *find_zoo_model("radon");
  SampleOptions options = short_run();
  options.keep_warmup = options.log_likelihood = true;
  NetcdfWriter writer(file(), false);
  run(*model.table(), example_data(model), options, false, writer, 1);
  expect_same(read_netcdf(file()), fit_of("radon", options));
}

TEST_F(Results, TakeTheNextFreeNameUnlessTheyMayReplaceAFile) {
  const ZooModel& model = *find_zoo_model("std_normal");
  const auto write = [&](bool overwrite) {
    return sample_to_file(*model.table(), example_data(model), file(), short_run(), overwrite).filename();
  };
  EXPECT_EQ(write(false), "fit.nc");
  EXPECT_EQ(write(false), "fit-2.nc");
  EXPECT_EQ(write(false), "fit-3.nc");
  EXPECT_EQ(write(true), "fit.nc");
  EXPECT_EQ(files(), 3u);
}

// The most memory that the process has had in RAM, in MiB; from now on it counts anew.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  double kib = std::nan("");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) kib = std::stod(line.substr(6));
  std::ofstream reset("/proc/self/clear_refs");
  reset << "5";
  reset.flush();
  return reset ? kib / 1024 : std::nan("");
}

TEST_F(Results, TakeNoMoreMemoryForMoreDraws) {
  const ZooModel& model = *find_zoo_model("eight_schools");
  SampleOptions options = short_run();
  options.log_likelihood = options.predictive = true;
  options.generated = Generated::all;
  const auto peak_of = [&](int draws) {
    options.draws = draws;
    NetcdfWriter writer(file(std::to_string(draws)), false);
    run(*model.table(), example_data(model), options, false, writer, std::size_t{1} << 20);
    return peak_memory();
  };
  peak_of(2000);  // what is made once
  if (std::isnan(peak_memory())) GTEST_SKIP() << "the peak of the memory cannot be reset here (/proc/self/clear_refs)";
  const double few = peak_of(4000), many = peak_of(60000);
  EXPECT_GT(double(fs::file_size(file("60000"))) / 0x1p20, 200);  // that much more than in a short run
  EXPECT_LT(many, few + 8) << few << " MiB for 4000 draws, " << many << " for 60000";
}

TEST_F(Results, ThatWouldNotFitIntoMemoryAreRefusedButNotForAFile) {
  const ZooModel& zoo_model = *find_zoo_model("eight_schools");
  const Data data = example_data(zoo_model);
  const HostModel model(*zoo_model.table(), data);
  SampleOptions options = short_run();
  options.draws = 1000000000;  // 3 TiB
  EXPECT_NE(message_of([&] { make_run_plan(options, model, true); }).find("all draws). Write them to a file"),
            std::string::npos);
  const RunPlan plan = make_run_plan(options, model, false);
  EXPECT_EQ(plan.draws, 1000000000);
  EXPECT_LT(plan.block, 1000000);
}

TEST_F(Results, AreMadeInBlocksThatHoldWholeMultiplesOfWhatIsKept) {
  const ZooModel& zoo_model = *find_zoo_model("radon");
  const Data data = example_data(zoo_model);
  const HostModel model(*zoo_model.table(), data);
  SampleOptions options = short_run();
  for (int draws : {1, 7, 100, 1000, 99999}) {
    for (int thin : {1, 3, 50, 1000000000}) {
      options.draws = draws;
      options.thin = thin;
      const RunPlan plan = make_run_plan(options, model, false, 4000000);
      EXPECT_GE(plan.block, 1);
      EXPECT_LE(plan.block, draws);
      EXPECT_TRUE(plan.block == draws || thin > plan.block || plan.block % thin == 0) << plan.block << " " << thin;
      EXPECT_GE(plan.at_a_time(thin, 175), 1);
      EXPECT_LE(plan.at_a_time(thin, 175), plan.block);
    }
  }
}

// ---------------------------------------------------------------- what is kept

TEST_F(Results, ThinnedAreEveryNthOfAllWithTheirNumbers) {
  SampleOptions options = short_run();
  const Fit all = fit_of("eight_schools", options);
  options.thin = 7;
  const Fit thinned = fit_of("eight_schools", options);
  EXPECT_EQ(all.group("posterior").draw_numbers, std::vector<std::size_t>{});
  ASSERT_EQ(thinned.draws, 15u);
  for (const char* group : {"posterior", "sample_stats"}) {
    ASSERT_EQ(thinned.group(group).draw_numbers.size(), 15u) << group;
    for (const Variable& each : thinned.group(group).variables)
      for (std::size_t c = 0; c < 12; ++c)
        for (std::size_t d = 0; d < 15; ++d)
          for (std::size_t i = 0; i < each.size(); ++i) {
            EXPECT_EQ(thinned.group(group).draw_numbers[d], 7 * d);
            EXPECT_EQ(each.values[(c * 15 + d) * each.size() + i],
                      all.variable(group, each.name).values[(c * 100 + 7 * d) * each.size() + i]);
          }
  }
}

TEST_F(Results, HaveTheSitesThatAreToBeKept) {
  const auto names = [](const Fit& fit) {
    std::vector<std::string> all;
    for (const Variable& each : fit.group("posterior").variables) all.push_back(each.name);
    return all;
  };
  SampleOptions options = short_run();
  const Fit all = fit_of("eight_schools", options);
  EXPECT_EQ(names(all), (std::vector<std::string>{"mu", "tau", "z", "theta"}));
  options.keep = {"theta", "mu"};
  const Fit kept = fit_of("eight_schools", options);
  EXPECT_EQ(names(kept), (std::vector<std::string>{"mu", "theta"}));
  options.keep = {};
  options.leave_out = {"z"};
  const Fit left = fit_of("eight_schools", options);
  EXPECT_EQ(names(left), (std::vector<std::string>{"mu", "tau", "theta"}));
  for (const Fit* fit : {&kept, &left})
    for (const Variable& each : fit->group("posterior").variables)
      EXPECT_TRUE(same_bits(each.values, all.variable("posterior", each.name).values)) << each.name;
}

TEST_F(Results, RefuseSitesThatAreNotThere) {
  SampleOptions options = short_run();
  options.keep = {"mu", "nu"};
  EXPECT_NE(message_of([&] {
              fit_of("eight_schools", options);
            }).find("no site 'nu' to keep (the model's parameters and deterministics: mu, tau, z, theta)"),
            std::string::npos);
  options.keep = {"y"};  // data
  EXPECT_THROW(fit_of("eight_schools", options), SampleError);
  options.keep = {"mu"};
  options.leave_out = {"tau"};
  EXPECT_THROW(fit_of("eight_schools", options), SampleError);
  options.keep = {};
  options.leave_out = {"mu", "tau", "z", "theta"};
  EXPECT_NE(message_of([&] { fit_of("eight_schools", options); }).find("no site would be kept"), std::string::npos);
}

TEST_F(Results, RefuseToKeepEveryZerothDraw) {
  SampleOptions options = short_run();
  options.thin = 0;
  EXPECT_NE(message_of([&] { fit_of("eight_schools", options); }).find("thin is 0"), std::string::npos);
  options.thin = 2000000000;
  EXPECT_NE(message_of([&] { fit_of("eight_schools", options); }).find("thin is 2000000000 (at most"), std::string::npos);
}

TEST_F(Results, HaveTheDrawsOfWarmupInGroupsOfTheirOwn) {
  SampleOptions options = short_run();
  options.keep_warmup = true;
  const Fit fit = fit_of("eight_schools", options);
  EXPECT_EQ(fit.draws, 100u);
  EXPECT_EQ(fit.draws_of(fit.group("warmup_posterior")), 50u);  // and the burn-in with the frozen kernel
  EXPECT_EQ(fit.variable("warmup_posterior", "theta").values.size(), 12u * 50 * 8);
  EXPECT_EQ(fit.variable("warmup_sample_stats", "lp").values.size(), 12u * 50);
  // The first draw is made with a tiny step, the last with the step size of the run.
  const std::vector<double>& steps = fit.variable("warmup_sample_stats", "step_size").values;
  EXPECT_LT(steps.front(), 1e-9);
  EXPECT_EQ(steps.back(), fit.variable("sample_stats", "step_size").values.front());
}

TEST_F(Results, HaveTheDataThatAreNotObserved) {
  const Fit fit = fit_of("radon", short_run());
  const Variable& county = fit.variable("constant_data", "county_idx");
  EXPECT_EQ(county.type, ElementType::integer);
  EXPECT_EQ(county.dims, std::vector<std::string>{"house"});
  EXPECT_EQ(county.values, example_data(*find_zoo_model("radon")).fields().at("county_idx").values);
  EXPECT_EQ(fit.variable("constant_data", "log_uppm").type, ElementType::real);
  for (const Variable& each : fit.group("constant_data").variables) EXPECT_NE(each.name, "log_radon");
  EXPECT_EQ(fit.group("observed_data").variables.size(), 1u);
}

// ---------------------------------------------------------------- log likelihood, predictions

TEST_F(Results, LogLikelihoodIsThatOfEachObservationGivenTheDraw) {
  SampleOptions options = short_run();
  options.log_likelihood = true;
  options.draws = 1000;  // so that they are thinned
  const Fit fit = fit_of("eight_schools", options);
  const std::vector<std::size_t>& numbers = fit.group("log_likelihood").draw_numbers;
  ASSERT_EQ(numbers.size(), 250u);  // 12 x 334 would be more than 4000: every 4th
  const std::vector<double>&theta = fit.variable("posterior", "theta").values,
        &y = fit.variable("observed_data", "y").values, &sigma = fit.variable("constant_data", "sigma").values,
        &log_likelihood = fit.variable("log_likelihood", "y").values;
  for (std::size_t c = 0; c < 12; ++c)
    for (std::size_t d = 0; d < 250; ++d)
      for (std::size_t j = 0; j < 8; ++j) {
        EXPECT_EQ(numbers[d], 4 * d);
        const double z = (y[j] - theta[(c * 1000 + numbers[d]) * 8 + j]) / sigma[j];
        ASSERT_NEAR(log_likelihood[(c * 250 + d) * 8 + j], -0.5 * z * z - std::log(sigma[j]) - 0.9189385332046727,
                    1e-12);
      }
}

TEST_F(Results, LogLikelihoodOfARecurrenceHasWhatIsModelledAndASayingSo) {
  SampleOptions options = short_run();
  options.log_likelihood = options.predictive = true;
  const Fit fit = fit_of("ar_k", options);
  const Variable& each = fit.variable("log_likelihood", "y");
  EXPECT_EQ(each.dims, std::vector<std::string>{"time_from_5"});
  EXPECT_EQ(each.shape, std::vector<std::size_t>{195});
  EXPECT_EQ(std::count(each.values.begin(), each.values.end(), 0.), 0);
  const auto& notes = std::get<std::vector<std::string>>(fit.attributes.at("notes"));
  EXPECT_NE(notes.at(0).find("'y'"), std::string::npos) << notes.at(0);
  // The first values are given in a prediction, too.
  const std::vector<double>&predicted = fit.variable("posterior_predictive", "y").values,
        &y = fit.variable("observed_data", "y").values;
  ASSERT_EQ(y.size(), 200u);
  for (std::size_t t = 0; t < 200; ++t) EXPECT_EQ(predicted[t] == y[t], t < 5) << t;
}

TEST_F(Results, LogLikelihoodOfASeriesWithAStateSaysThatItIsConditional) {
  SampleOptions options = short_run();
  options.log_likelihood = true;
  for (const char* model : {"garch11", "hmm"}) {
    const Fit fit = fit_of(model, options);
    const auto& notes = std::get<std::vector<std::string>>(fit.attributes.at("notes"));
    EXPECT_NE(notes.at(0).find("not for LOO"), std::string::npos) << model << ": " << notes.at(0);
  }
  EXPECT_EQ(fit_of("gp_regression", options).attributes.count("notes"), 0u);
}

// Two tests at 4 standard errors: a false alarm in 16,000 seeds; this one is fixed.
TEST_F(Results, PredictionsAreDrawnFromTheLikelihood) {
  SampleOptions options = short_run();
  options.predictive = true;
  options.generated = Generated::all;
  const Fit fit = fit_of("eight_schools", options);
  const std::vector<double>&theta = fit.variable("posterior", "theta").values,
        &sigma = fit.variable("constant_data", "sigma").values, &y = fit.variable("posterior_predictive", "y").values;
  const std::size_t n = 12 * 100 * 8;
  ASSERT_EQ(y.size(), n);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double z = (y[i] - theta[i]) / sigma[i % 8];
    sum += z;
    squares += z * z;
  }
  EXPECT_LT(std::abs(sum / double(n)), 4 / std::sqrt(double(n)));
  EXPECT_LT(std::abs(squares / double(n) - 1), 4 * std::sqrt(2 / double(n)));
}

TEST_F(Results, PredictionsOfADrawAreTheSameHoweverManyAreThinnedAway) {
  SampleOptions options = short_run();
  options.predictive = true;
  options.draws = 1000;
  options.generated = Generated::all;
  const Fit all = fit_of("eight_schools", options);
  options.generated = Generated::automatic;
  options.keep = {"mu"};
  const Fit some = fit_of("eight_schools", options);
  const std::vector<std::size_t>& numbers = some.group("posterior_predictive").draw_numbers;
  ASSERT_EQ(numbers.size(), 250u);
  for (std::size_t c = 0; c < 12; ++c)
    for (std::size_t d = 0; d < numbers.size(); ++d)
      for (std::size_t j = 0; j < 8; ++j)
        EXPECT_EQ(some.variable("posterior_predictive", "y").values[(c * 250 + d) * 8 + j],
                  all.variable("posterior_predictive", "y").values[(c * 1000 + numbers[d]) * 8 + j]);
}

TEST_F(Results, ManyChainsHaveAtLeastOneGeneratedDrawEach) {
  SampleOptions options = short_run();
  options.chains = 5000;
  options.warmup = 2;
  options.draws = 3;
  options.log_likelihood = true;
  EXPECT_EQ(fit_of("eight_schools", options).group("log_likelihood").draw_numbers, std::vector<std::size_t>{0});
}

TEST_F(Results, OfAModelThatObservesNothingHaveNoLogLikelihood) {
  SampleOptions options = short_run();
  options.log_likelihood = true;
  EXPECT_NE(message_of([&] { fit_of("std_normal", options); }).find("observes nothing"), std::string::npos);
}

// ---------------------------------------------------------------- runs that are stopped

// Cancels when so many draws are done.
struct Canceller {
  std::atomic<bool> due{false};
  void put_into(SampleOptions& options, double draws) {
    options.progress = [this, draws](const Progress& progress) {
      if (!progress.warmup && progress.done >= draws) due = true;
    };
    options.cancel = [this] { return due.load(); };
  }
};

TEST_F(Results, OfAStoppedRunAreTheFirstDrawsOfTheWholeOne) {
  SampleOptions options = short_run();
  options.log_likelihood = true;
  options.draws = 200000;
  Canceller canceller;
  canceller.put_into(options, 1);
  const Fit fit = fit_of("radon", options);
  EXPECT_TRUE(fit.stopped_early());
  ASSERT_GT(fit.draws, 0u);
  ASSERT_LT(fit.draws, 100000u);
  EXPECT_EQ(std::get<double>(fit.attributes.at("draws_made")), double(fit.draws));
  EXPECT_EQ(std::get<double>(fit.attributes.at("draws_asked_for")), 200000.);
  EXPECT_EQ(fit.group("log_likelihood").draw_numbers.at(0), 0u);

  options = short_run();
  options.draws = int(std::min<std::size_t>(fit.draws, 300));
  const Fit whole = fit_of("radon", options);
  EXPECT_FALSE(whole.stopped_early());
  for (const char* group : {"posterior", "sample_stats"})
    for (const Variable& each : whole.group(group).variables)
      for (std::size_t c = 0; c < 12; ++c) {
        const std::size_t n = whole.draws * each.size();
        const std::vector<double>& stopped = fit.variable(group, each.name).values;
        EXPECT_EQ(std::memcmp(&stopped[c * fit.draws * each.size()], &each.values[c * n], n * sizeof(double)), 0)
            << each.name << c;
      }
}

TEST_F(Results, OfAStoppedRunAreAWholeFile) {
  SampleOptions options = short_run();
  options.draws = 200000;
  options.log_likelihood = options.keep_warmup = true;
  options.keep = {"mu_alpha"};
  Canceller canceller;
  canceller.put_into(options, 1);
  const ZooModel& model = *find_zoo_model("radon");
  sample_to_file(*model.table(), example_data(model), file(), options);
  const Fit fit = read_netcdf(file());
  EXPECT_TRUE(fit.stopped_early());
  EXPECT_GT(fit.draws, 0u);
  EXPECT_EQ(fit.variable("posterior", "mu_alpha").values.size(), 12 * fit.draws);
  EXPECT_EQ(fit.variable("sample_stats", "lp").values.size(), 12 * fit.draws);
  EXPECT_EQ(fit.draws_of(fit.group("warmup_posterior")), 50u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(Results, OfARunThatIsStoppedDuringWarmupAreNothing) {
  SampleOptions options = short_run();
  options.warmup = 1000000;
  options.cancel = [] { return true; };
  const ZooModel& model = *find_zoo_model("radon");
  EXPECT_THROW(sample(*model.table(), example_data(model), options), Stopped);
  options.keep_warmup = true;
  EXPECT_THROW(sample_to_file(*model.table(), example_data(model), file(), options), Stopped);
  EXPECT_EQ(files(), 0u);
}

// One thread has 25 packs of chains or more: stopping must find all about equally far, not some at the end.
TEST_F(Results, OfAStoppedRunAreMostOfWhatWasDrawn) {
  SampleOptions options = short_run();
  options.chains = 200;
  options.threads = 1;
  options.draws = 20000;
  double drawn = 0;
  std::atomic<bool> due{false};
  options.progress = [&](const Progress& progress) {
    if (progress.warmup || due) return;
    drawn = progress.done;
    if (drawn > 200 * 200) due = true;
  };
  options.cancel = [&] { return due.load(); };
  const Fit fit = fit_of("radon", options);
  ASSERT_TRUE(fit.stopped_early());
  EXPECT_GT(double(fit.draws) * 200, 0.5 * drawn);
}

}  // namespace
}  // namespace lockstep
