// The program as a user meets it: what it prints where, its exit codes, the files it leaves, and that whatever is wrong
// gives one message, "lockstep: Problem (why). Suggestion.", and nothing else.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>

#include "host/netcdf.hpp"
#include "host/progress_bar.hpp"
#include "tests/temporary_folder.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

Words lines(const std::string& text) {
  Words all;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

Words cells(const std::string& row) {
  Words all;
  std::istringstream stream(row);
  for (std::string cell; std::getline(stream, cell, ',');) all.push_back(cell);
  return all;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct Outcome {
  int code = -1;  // 128 + signal if one ended it
  std::string out, err;
};

// Each test has a folder of its own, in which it runs the program.
class CommandLine : public WithFolder {
 protected:
  void SetUp() override {
    WithFolder::SetUp();
    fs::create_directories(here());
  }

  fs::path here() const { return folder_ / "here"; }
  fs::path file(const std::string& name) const { return here() / name; }

  void write(const std::string& name, const std::string& text) const { std::ofstream(file(name)) << text; }

  Words files() const {
    Words names;
    for (const fs::directory_entry& each : fs::directory_iterator(here())) names.push_back(each.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  // `prepare` is called in the new process: it may redirect or limit.
  Outcome run(const Words& arguments, const std::function<void()>& prepare = {}) const {
    Words words = arguments;
    words.insert(words.begin(), LOCKSTEP_PROGRAM);
    return execute(words, prepare);
  }
  // A bash script in which "$0" is the program.
  Outcome run_script(const std::string& script) const { return execute({"bash", "-c", script, LOCKSTEP_PROGRAM}, {}); }

  Outcome execute(Words words, const std::function<void()>& prepare) const {
    const fs::path out = folder_ / "out", err = folder_ / "err";
    const pid_t child = fork();
    if (child == 0) {
      std::vector<char*> pointers;
      for (std::string& word : words) pointers.push_back(word.data());
      pointers.push_back(nullptr);
      redirect(0, "/dev/null", O_RDONLY);
      redirect(1, out, O_WRONLY | O_CREAT | O_TRUNC);
      redirect(2, err, O_WRONLY | O_CREAT | O_TRUNC);
      if (chdir(here().c_str()) != 0) _exit(126);
      if (prepare) prepare();
      execvp(pointers[0], pointers.data());
      _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content(out), content(err)};
  }

  static void redirect(int stream, const fs::path& path, int flags) {
    const int opened = open(path.c_str(), flags, 0666);
    if (opened < 0 || dup2(opened, stream) < 0) _exit(126);
    if (opened != stream) close(opened);
  }

  static Words quick(const std::string& model, const Words& more = {}) {
    Words words{"sample", model, "--chains", "4", "--warmup", "50", "--draws", "20"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  // A refusal: one message of the documented form with the words that matter, nothing on stdout, no file left behind.
  void expect_refused(const Outcome& outcome, int code, const std::string& part, const Words& files_before) const {
    static const std::regex form(R"(lockstep: \S[^\n]* \([^\n]+\)\. [A-Z][^\n]*[.}]\n)");
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(std::regex_match(outcome.err, form)) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, part)) << outcome.err << "has no '" << part << "'";
    EXPECT_EQ(files(), files_before);
  }

};

std::string trace(const Words& words) {
  return std::accumulate(words.begin(), words.end(), std::string("lockstep"),
                         [](const std::string& all, const std::string& word) { return all + " '" + word + "'"; });
}

// ---------------------------------------------------------------- sample

TEST_F(CommandLine, SamplePrintsSummaryAndVerdictAndLeavesAFileNamedAfterTheModel) {
  const Outcome outcome = run({"sample", "eight_schools"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Words printed = lines(outcome.out);
  ASSERT_GT(printed.size(), 20u);
  EXPECT_TRUE(std::regex_match(
      printed[0], std::regex(R"(eight_schools: \d+ chains x \d+ draws after \d+ warmup draws each, .* s)")))
      << printed[0];
  EXPECT_TRUE(printed[2].starts_with("Metric: diagonal (")) << printed[2];
  EXPECT_TRUE(std::regex_match(printed[4], std::regex(" +mean +sd +q5 +median +q95 .*r_hat.*"))) << printed[4];
  for (const char* row :
       {"\nmu ", "\ntau ", "\nz[Choate] ", "\ntheta[Mt. Hermon] ", "\nConverged: ", "\nResults: eight_schools.nc\n"})
    EXPECT_TRUE(contains(outcome.out, row)) << row << " is missing from\n" << outcome.out;
  EXPECT_EQ(files(), Words{"eight_schools.nc"});
  const Fit fit = read_netcdf(file("eight_schools.nc"));
  EXPECT_GE(fit.chains, 16u);
  EXPECT_EQ(std::get<std::string>(fit.attributes.at("model")), "eight_schools");
  EXPECT_EQ(std::get<std::string>(fit.attributes.at("seed")), "1");
}

TEST_F(CommandLine, SampleDoesWhatItsOptionsSay) {
  write("data.json", R"({"school": ["a", "b"], "y": [1, 2], "sigma": [1, 1]})");
  fs::create_directory(file("results"));
  const Outcome outcome =
      run({"sample", "eight_schools", "--data", "data.json", "--chains", "7", "--warmup", "60", "--draws", "30",
           "--seed", "18446744073709551615", "--threads=1", "--out", "results/my.nc"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "eight_schools: 7 chains x 30 draws after ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "\ntheta[b] ")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "Results: results/my.nc\n")) << outcome.out;
  EXPECT_EQ(files(), (Words{"data.json", "results"}));
  const Fit fit = read_netcdf(file("results/my.nc"));
  EXPECT_EQ(fit.chains, 7u);
  EXPECT_EQ(fit.draws, 30u);
  EXPECT_EQ(fit.variable("observed_data", "y").values, (std::vector<double>{1, 2}));
  const double warmup = std::get<double>(fit.attributes.at("tuning_steps"));
  EXPECT_TRUE(warmup >= 60 && warmup <= 70) << warmup;  // and the burn-in with the frozen kernel
  EXPECT_EQ(std::get<std::string>(fit.attributes.at("seed")), "18446744073709551615");
}

TEST_F(CommandLine, SamplesWithTheSamplerThatIsNamed) {
  const Outcome outcome = run({"sample", "eight_schools", "--sampler", "mams", "--chains", "16", "--draws", "100"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Fit fit = read_netcdf(file("eight_schools.nc"));
  EXPECT_EQ(std::get<std::string>(fit.attributes.at("sampler")), "mams");
  EXPECT_GT(std::get<double>(fit.attributes.at("trajectory_length")), 0);
}

TEST_F(CommandLine, SamplesWithTheAcceptanceThatIsAskedFor) {
  struct Run {
    double target, acceptance, step;
  };
  const auto sampled = [&](const Words& more) {
    Words words{"sample", "eight_schools", "--chains", "16", "--draws", "100", "--out", "x.nc", "--overwrite"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    const Fit fit = read_netcdf(file("x.nc"));
    const auto mean = [&](const char* name) {
      const std::vector<double>& values = fit.variable("sample_stats", name).values;
      return std::accumulate(values.begin(), values.end(), 0.) / double(values.size());
    };
    return Run{std::get<double>(fit.attributes.at("target_acceptance")), mean("acceptance_rate"), mean("step_size")};
  };
  const Run usual = sampled({}), careful = sampled({"--target-accept", "0.95"});
  EXPECT_EQ(usual.target, 0.8);
  EXPECT_EQ(careful.target, 0.95);
  EXPECT_GT(careful.acceptance, 0.9);  // seeds are fixed
  EXPECT_LT(usual.acceptance, 0.9);
  EXPECT_LT(careful.step, usual.step);
  EXPECT_EQ(sampled({"--target-accept", "auto"}).step, usual.step);
  EXPECT_EQ(sampled({"--sampler", "mams"}).target, 0.9);
}

TEST_F(CommandLine, EveryModelOfTheZooIsSampledWithItsExampleData) {
  for (const std::string& line : lines(run({"models"}).out)) {
    const std::string model = line.substr(0, line.find(' '));
    SCOPED_TRACE(model);
    const Outcome outcome = run(quick(model));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_TRUE(fs::exists(file(model + ".nc")));
  }
}

TEST_F(CommandLine, TheSameSeedGivesTheSameDrawsAndAnotherSeedOthers) {
  const auto draws = [&](const Words& more) {
    Words words{"sample", "eight_schools", "--chains", "32", "--draws", "50", "--out", "x.nc", "--overwrite"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return read_netcdf(file("x.nc")).variable("posterior", "theta").values;
  };
  const std::vector<double> first = draws({});
  EXPECT_EQ(draws({}), first);
  EXPECT_EQ(draws({"--seed", "1"}), first);
  EXPECT_EQ(draws({"--threads", "1"}), first);
  EXPECT_EQ(draws({"--threads", "auto", "--warmup", "auto"}), first);
  EXPECT_NE(draws({"--seed", "2"}), first);
}

TEST_F(CommandLine, MoreThreadsThanThereAreAreNotUsedAndSaidSo) {
  const Outcome outcome = run(quick("std_normal", {"--threads", "4096"}));
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "lockstep: --threads is 4096 (the process may use ")) << outcome.err;
}

TEST_F(CommandLine, ProgressGoesToStderrAsPlainLines) {
  const Outcome outcome = run({"sample", "radon", "--chains", "8", "--draws", "100"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Words progress = lines(outcome.err);
  ASSERT_GE(progress.size(), 2u);
  for (const std::string& line : progress)
    EXPECT_TRUE(std::regex_match(
        line,
        std::regex(R"((warmup|sampling): (done|\d+%|\d+ draws) \([^()]* s\)|sampling: \d+% \(\d+ draws, .* s\))")))
        << line;
  EXPECT_FALSE(contains(outcome.out, "sampling"));
  EXPECT_FALSE(contains(outcome.err, "\r"));
}

TEST_F(CommandLine, AnExistingResultsFileIsNotLost) {
  write("std_normal.nc", "something else");
  const Outcome second = run(quick("std_normal"));
  EXPECT_EQ(second.code, 0);
  EXPECT_TRUE(contains(second.out, "Results: std_normal-2.nc\n")) << second.out;
  EXPECT_TRUE(contains(run(quick("std_normal")).out, "Results: std_normal-3.nc\n"));
  EXPECT_EQ(content(file("std_normal.nc")), "something else");
  EXPECT_EQ(files(), (Words{"std_normal-2.nc", "std_normal-3.nc", "std_normal.nc"}));
  const Words before = files();
  expect_refused(run(quick("std_normal", {"--out", "std_normal.nc"})), 2, "add --overwrite", before);
}

TEST_F(CommandLine, AnExistingResultsFileIsReplacedOnRequest) {
  write("std_normal.nc", "something else");
  EXPECT_TRUE(contains(run(quick("std_normal", {"--overwrite"})).out, "Results: std_normal.nc\n"));
  EXPECT_EQ(read_netcdf(file("std_normal.nc")).chains, 4u);
  EXPECT_EQ(run(quick("std_normal", {"--out", "std_normal.nc", "--overwrite", "--draws", "7"})).code,
            2);  // --draws twice
  EXPECT_EQ(
      run({"sample", "std_normal", "--chains", "3", "--draws", "7", "--out", "std_normal.nc", "--overwrite"}).code, 0);
  EXPECT_EQ(read_netcdf(file("std_normal.nc")).chains, 3u);
  EXPECT_EQ(files(), Words{"std_normal.nc"});
}

TEST_F(CommandLine, SampleStoresWhatIsAskedFor) {
  const Outcome outcome =
      run({"sample", "eight_schools", "--chains", "4", "--warmup", "30", "--draws", "3000", "--thin", "3", "--keep",
           "~z,theta", "--keep-warmup", "--log-lik", "--predictive", "auto"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "4 chains x 3000 draws, 1000 of them stored, after 40 warmup draws"))
      << outcome.out;
  const Fit fit = read_netcdf(file("eight_schools.nc"));
  EXPECT_EQ(fit.draws, 1000u);
  EXPECT_EQ(fit.group("posterior").variables.size(), 2u);  // mu, tau
  EXPECT_EQ(fit.draws_of(fit.group("warmup_posterior")), 14u);
  EXPECT_EQ(fit.group("log_likelihood").draw_numbers, fit.group("posterior").draw_numbers);
  EXPECT_TRUE(fit.has_group("posterior_predictive"));
  // More than 4000 in all are thinned, and it is said.
  const Outcome thinned = run(
      {"sample", "eight_schools", "--chains", "4", "--warmup", "30", "--draws", "2100", "--log-lik", "--out", "x.nc"});
  EXPECT_TRUE(contains(thinned.out, "\nlog_likelihood has one draw in 3 (")) << thinned.out;
  EXPECT_FALSE(read_netcdf(file("x.nc")).has_group("posterior_predictive"));
  const Outcome all = run({"sample", "eight_schools", "--chains", "4", "--warmup", "30", "--draws", "2100",
                           "--predictive", "all", "--out", "y.nc"});
  EXPECT_FALSE(contains(all.out, "one draw in")) << all.out;
  EXPECT_EQ(read_netcdf(file("y.nc")).variable("posterior_predictive", "y").values.size(), 4u * 2100 * 8);
}

TEST_F(CommandLine, SampleEndsWhenTheDrawsAreEnoughAndSaysWhy) {
  const Outcome outcome = run({"sample", "eight_schools", "--chains", "4", "--until", "ess=300,mcse(mu)=0.3,time=1h"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, ", when ess=300, mcse(mu)=0.3 was reached.\n")) << outcome.out;
  const Outcome capped = run({"sample", "eight_schools", "--chains", "4", "--until", "ess=1e6", "--draws", "120", "--out", "x.nc"});
  EXPECT_EQ(capped.code, 0) << capped.err;
  EXPECT_TRUE(contains(capped.out, "was NOT reached in 120 draws of each chain (ess is ")) << capped.out;
  const Outcome unknown = run({"sample", "eight_schools", "--until", "mcse(bogus)=1", "--out", "y.nc"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_TRUE(contains(unknown.err, "mcse(bogus)")) << unknown.err;
  EXPECT_FALSE(fs::exists(file("y.nc")));
}

TEST_F(CommandLine, ARunThatDidNotConvergeIsDoneAllTheSame) {
  const Outcome outcome = run({"sample", "radon", "--chains", "2", "--warmup", "30", "--draws", "10"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "\nNOT converged: ")) << outcome.out;
}

// ---------------------------------------------------------------- check

TEST_F(CommandLine, CheckShowsTheSitesAndThatAllIsWell) {
  const Outcome outcome = run({"check", "eight_schools"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  for (const char* part : {"eight_schools: 10 unconstrained coordinates\n", "\ntau    parameter      number    positive  ",
                           "\nz      parameter      school 8  real", "\ntheta  deterministic  school 8 ", "\ny      data",
                           "Gradient in lanes, against plain doubles: agrees in 10 coordinates", "against differences of the log "
                           "density: agrees in 10 coordinates", "\nAll is well.\n"})
    EXPECT_TRUE(contains(outcome.out, part)) << part << " is missing from\n" << outcome.out;
  EXPECT_EQ(files(), Words{});
}

TEST_F(CommandLine, EveryModelOfTheZooPassesItsCheckWhereverItStarts) {
  for (const std::string& line : lines(run({"models"}).out))
    for (const char* seed : {"1", "2", "3"}) {
      const std::string model = line.substr(0, line.find(' '));
      const Outcome outcome = run({"check", model, "--seed", seed});
      EXPECT_EQ(outcome.code, 0) << model << " " << seed << "\n" << outcome.out << outcome.err;
    }
}

TEST_F(CommandLine, CheckFailsWhereNoChainCouldStartAndNamesTheValue) {
  write("data.json", R"({"y": [1, 2], "sigma": [1, -1]})");
  const Outcome outcome = run({"check", "eight_schools", "--data", "data.json"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.out, "No chain could start here.\n")) << outcome.out;
  EXPECT_FALSE(contains(outcome.out, "All is well")) << outcome.out;
  EXPECT_TRUE(contains(outcome.err, "lockstep: Observed site 'y' is impossible at element 2")) << outcome.err;
  expect_refused(run({"check", "eight_schools", "--data", "missing.json"}), 1, "'missing.json'", {"data.json"});
  expect_refused(run({"check", "eight_schools", "--set", "K=1"}), 1, "no option 'K'", {"data.json"});
  expect_refused(run({"check", "eight_schools", "--seed", "x"}), 2, "--seed is 'x'", {"data.json"});
  expect_refused(run({"check", "bogus"}), 2, "'bogus'", {"data.json"});
}

// Models of one's own; each is compiled twice, so they are few.
TEST_F(CommandLine, CheckCompilesAModelOnceMoreToSeeThatItsNodesAreAlive) {
  const std::string head = "#include \"lockstep/model.hpp\"\n\nusing namespace lockstep;\n\n";
  write("sound.hpp", head + R"(struct Sound {
  Dim state;
  explicit Sound(Dataset& d) : state(d.dim("state", d.option("K", 2))) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const { auto x = m.param("x", normal(0, 1), state); }
};
)");
  write("dangling.hpp", head + R"(template <class M> LOCKSTEP_FN auto scaled(M& m) {
  auto scale = m.param("scale", half_normal(1));
  return 2 * scale;
}
struct Dangling {
  explicit Dangling(Dataset&) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto twice = scaled(m);
    m.param("x", normal(0, twice));
  }
};
)");
  const auto cache = [this] { setenv("LOCKSTEP_CACHE", (folder_ / "cache").c_str(), 1); };
  const Outcome sound = run({"check", "sound.hpp", "--set", "K=3"}, cache);
  EXPECT_EQ(sound.code, 0) << sound.err;
  EXPECT_TRUE(contains(sound.out, "sound.hpp: 3 unconstrained coordinates")) << sound.out;
  EXPECT_TRUE(contains(sound.out, "Nodes alive: yes")) << sound.out;
  const Outcome dangling = run({"check", "dangling.hpp"}, cache);
  EXPECT_EQ(dangling.code, 1) << dangling.out;
  EXPECT_TRUE(contains(dangling.out, "Nodes alive: NO.")) << dangling.out;
  EXPECT_TRUE(contains(dangling.err, "An expression reads a node that no longer exists")) << dangling.err;
}

TEST_F(CommandLine, AModelThatDoesNotCompileIsShownWhereAndLeavesNoResults) {
  write("broken.hpp", "#include \"lockstep/model.hpp\"\nstruct Broken {\n  explicit Broken(lockstep::Dataset&) {}\n"
                      "  template <class M> void operator()(M& m) const { auto mu = m.param(\"mu\", nomal(0, 1)); }\n};\n");
  for (const char* command : {"sample", "check", "build"}) {
    const Outcome outcome = run({command, "broken.hpp"}, [this] { setenv("LOCKSTEP_CACHE", (folder_ / "cache").c_str(), 1); });
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(contains(outcome.err, "'broken.hpp' does not compile:\n")) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "broken.hpp:4:")) << outcome.err;
    EXPECT_EQ(files(), Words{"broken.hpp"});
  }
}

// ---------------------------------------------------------------- summary

TEST_F(CommandLine, SummaryRepeatsTheTableAndTheVerdictOfTheRun) {
  const Outcome sampled = run(quick("eight_schools"));
  const Outcome summarised = run({"summary", "eight_schools.nc"});
  ASSERT_EQ(summarised.code, 0) << summarised.err;
  EXPECT_EQ(summarised.err, "");
  EXPECT_TRUE(contains(sampled.out, summarised.out)) << sampled.out << "\nis not\n" << summarised.out;
  EXPECT_EQ(run({"summary", "eight_schools.nc", "--format", "table"}).out, summarised.out);
}

TEST_F(CommandLine, KeepSummaryLeavesAFileThatIsSummarisedAndHasNoDraws) {
  const Words words{"sample", "eight_schools", "--chains", "64", "--draws", "100", "--keep", "summary"};
  const Outcome sampled = run(words);
  ASSERT_EQ(sampled.code, 0) << sampled.err;
  EXPECT_TRUE(contains(sampled.out, "eight_schools: 64 chains x 100 draws")) << sampled.out;
  EXPECT_TRUE(contains(sampled.out, "theta[Choate]") && contains(sampled.out, "onverged: largest split R-hat")) << sampled.out;
  EXPECT_TRUE(contains(sampled.out, "the relative error of these sizes is 18%")) << sampled.out;
  const Outcome summarised = run({"summary", "eight_schools.nc"});
  ASSERT_EQ(summarised.code, 0) << summarised.err;
  EXPECT_TRUE(contains(sampled.out, summarised.out)) << sampled.out << "\nis not\n" << summarised.out;
  EXPECT_EQ(nlohmann::json::parse(run({"summary", "eight_schools.nc", "--format", "json"}).out).size(), 18u);
  const Words before = files();
  for (const Words& command : {Words{"draws", "eight_schools.nc", "--csv"}, {"predict", "eight_schools.nc"},
                               {"posterior", "eight_schools.nc", "--vars", "mu", "--out", "before.json"}})
    expect_refused(run(command), 1, "it has a summary only, no draws", before);
  Words few = words;
  few[3] = "63";
  expect_refused(run(few), 1, "at least 64 are needed", before);
  for (const Words& more : {Words{"--log-lik"}, {"--predictive", "auto"}, {"--keep-warmup"}}) {
    Words both = words;
    both.insert(both.end(), more.begin(), more.end());
    expect_refused(run(both), 1, "only a summary is to be kept", before);
  }
}

TEST_F(CommandLine, SummaryAsJsonIsAListOfObjectsAndNothingElse) {
  ASSERT_EQ(run(quick("eight_schools")).code, 0);
  const Outcome outcome = run({"summary", "eight_schools.nc", "--format", "json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const nlohmann::json list = nlohmann::json::parse(outcome.out);
  ASSERT_TRUE(list.is_array());
  ASSERT_EQ(list.size(), 18u);  // mu, tau, 8 z, 8 theta
  for (const auto& object : list) {
    EXPECT_TRUE(object.at("name").is_string());
    for (const char* figure :
         {"mean", "sd", "q5", "median", "q95", "mcse_mean", "mcse_sd", "ess_bulk", "ess_tail", "r_hat", "r_hat_nested"})
      EXPECT_TRUE(object.at(figure).is_number()) << figure << " of " << object;
  }
  const std::vector<double> mu = read_netcdf(file("eight_schools.nc")).variable("posterior", "mu").values;
  EXPECT_EQ(list[0].at("name"), "mu");
  EXPECT_NEAR(list[0].at("mean").get<double>(), std::accumulate(mu.begin(), mu.end(), 0.) / double(mu.size()), 1e-12);
}

TEST_F(CommandLine, SummaryAsJsonHasNullForWhatIsNotKnown) {
  ASSERT_EQ(run({"sample", "std_normal", "--chains", "1", "--draws", "50"}).code, 0);
  const nlohmann::json list = nlohmann::json::parse(run({"summary", "std_normal.nc", "--format", "json"}).out);
  EXPECT_TRUE(list.at(0).at("r_hat_nested").is_null()) << list.at(0);
  EXPECT_TRUE(list.at(0).at("mean").is_number()) << list.at(0);
}

TEST_F(CommandLine, SummaryAsCsvHasTheFiguresOfTheJson) {
  ASSERT_EQ(run(quick("eight_schools")).code, 0);
  const Words rows = lines(run({"summary", "eight_schools.nc", "--format", "csv"}).out);
  const nlohmann::json list = nlohmann::json::parse(run({"summary", "eight_schools.nc", "--format", "json"}).out);
  ASSERT_EQ(rows.size(), list.size() + 1);
  const Words names = cells(rows[0]);
  ASSERT_EQ(names.at(0), "name");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Words row = cells(rows[i + 1]);
    ASSERT_EQ(row.size(), names.size()) << rows[i + 1];
    EXPECT_EQ(row[0], list[i].at("name"));
    for (std::size_t k = 1; k < names.size(); ++k)
      EXPECT_EQ(std::stod(row[k]), list[i].at(names[k]).get<double>()) << names[k];
  }
}

// ---------------------------------------------------------------- draws

TEST_F(CommandLine, DrawsAsCsvAreTheDrawsInFullPrecisionUnderStansNames) {
  ASSERT_EQ(run(quick("eight_schools", {"--thin", "2"})).code, 0);
  const Outcome outcome = run({"draws", "eight_schools.nc", "--csv"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const Words rows = lines(outcome.out);
  ASSERT_EQ(rows.size(), 41u);  // 4 chains x 10 draws, and the names
  EXPECT_EQ(rows[0],
            "chain,draw,mu,tau,z.1,z.2,z.3,z.4,z.5,z.6,z.7,z.8,"
            "theta.1,theta.2,theta.3,theta.4,theta.5,theta.6,theta.7,theta.8");
  const Fit fit = read_netcdf(file("eight_schools.nc"));
  const std::vector<double>&mu = fit.variable("posterior", "mu").values,
        &theta = fit.variable("posterior", "theta").values;
  for (std::size_t i = 0; i < 40; ++i) {
    const Words row = cells(rows[i + 1]);
    ASSERT_EQ(row.size(), 20u);
    EXPECT_EQ(row[0], std::to_string(i / 10));
    EXPECT_EQ(row[1], std::to_string(2 * (i % 10)));
    EXPECT_EQ(std::stod(row[2]), mu[i]);
    for (std::size_t j = 0; j < 8; ++j) EXPECT_EQ(std::stod(row[12 + j]), theta[i * 8 + j]);
  }
}

TEST_F(CommandLine, DrawsOfSomeVariablesGoToAFile) {
  ASSERT_EQ(run(quick("eight_schools")).code, 0);
  const Words words{"draws", "eight_schools.nc", "--csv", "--vars", "lp,tau,diverging", "--out", "x.csv"};
  const Outcome outcome = run(words);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out + outcome.err, "");
  const Words rows = lines(content(file("x.csv")));
  ASSERT_EQ(rows.size(), 81u);
  EXPECT_EQ(rows[0], "chain,draw,lp,tau,diverging");
  EXPECT_TRUE(std::regex_match(rows[80], std::regex(R"(3,19,-[0-9.]+,[0-9.e-]+,[01])"))) << rows[80];
  const Words before = files();
  expect_refused(run(words), 2, "add --overwrite", before);
  expect_refused(run({"draws", "eight_schools.nc", "--csv", "--out", "eight_schools.nc", "--overwrite"}), 2,
                 "would be lost", before);
  Words again = words;
  again.push_back("--overwrite");
  EXPECT_EQ(run(again).code, 0);
}

// ---------------------------------------------------------------- help, models, version

TEST_F(CommandLine, HelpSaysCommandsExitCodesAndExamples) {
  const Outcome outcome = run({"help"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
  for (const char* part :
       {"\n  sample ", "\n  summary ", "\n  models ", "\n  version ", "\n  help ", "Exit codes:\n  0 ", "\n  1 ",
        "\n  2 ", "\n  3 ", "\n  4 ", "\n  resume ", "\n  draws ", "\n  lockstep sample eight_schools\n"})
    EXPECT_TRUE(contains(outcome.out, part)) << part << " is missing from\n" << outcome.out;
  EXPECT_EQ(run({"--help"}).out, outcome.out);
  EXPECT_EQ(run({"-h"}).out, outcome.out);
}

TEST_F(CommandLine, HelpFitsTheLinesOfATerminal) {
  for (const Words& words :
       {Words{"help"}, {"help", "sample"}, {"help", "resume"}, {"help", "summary"}, {"help", "draws"}, {"help", "help"}})
    for (const std::string& line : lines(run(words).out)) EXPECT_LE(line.size(), 110u) << line;
}

TEST_F(CommandLine, HelpOfACommandSaysItsOptions) {
  const Outcome outcome = run({"help", "sample"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err, "");
  for (const char* option : {"--data", "--set", "--init", "--chains", "--warmup", "--draws", "--metric", "--target-accept", "--seed", "--threads", "--out", "--overwrite",
                             "--keep", "--thin", "--keep-warmup", "--log-lik", "--predictive"})
    EXPECT_TRUE(contains(outcome.out, option)) << option;
  EXPECT_EQ(run({"sample", "--help"}).out, outcome.out);
  EXPECT_EQ(run({"sample", "eight_schools", "-h"}).out, outcome.out);
  EXPECT_TRUE(contains(run({"help", "summary"}).out, "--format"));
  EXPECT_TRUE(contains(run({"help", "check"}).out, "--init"));
  EXPECT_EQ(files(), Words{});
}

TEST_F(CommandLine, ModelsAreListedWithWhatTheyAre) {
  const Outcome outcome = run({"models"});
  EXPECT_EQ(outcome.code, 0);
  std::set<std::string> names;
  for (const std::string& line : lines(outcome.out)) {
    EXPECT_TRUE(std::regex_match(line, std::regex(R"([a-z_0-9]+ +\S.*)"))) << line;
    names.insert(line.substr(0, line.find(' ')));
  }
  for (const char* name : {"std_normal", "eight_schools", "linear_regression", "radon", "ar_k", "gauss_mix"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST_F(CommandLine, VersionIsOneLine) {
  const Outcome outcome = run({"version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(std::regex_match(outcome.out, std::regex("lockstep \\d+\\.\\d+\\.\\d+\n"))) << outcome.out;
  EXPECT_EQ(run({"--version"}).out, outcome.out);
}

// ---------------------------------------------------------------- what is wrong on the command line

TEST_F(CommandLine, WrongCommandLinesAreRefusedWithCodeTwo) {
  struct Case {
    Words words;
    std::string part;
  };
  const Case cases[] = {
      {{}, "No command was given"},
      {{"--chains", "4"}, "No command was given"},
      {{"bogus"}, "'bogus'"},
      {{"Sample"}, "'Sample'"},
      {{""}, "''"},
      {{"test"}, "./lockstep test"},
      {{"help", "bogus"}, "'bogus'"},
      {{"version", "3"}, "'3'"},
      {{"models", "--bogus"}, "'--bogus'"},
      {{"sample"}, "MODEL"},
      {{"sample", "--draws", "10"}, "MODEL"},
      {{"sample", "bogus"}, "eight_schools, "},
      {{"sample", "eight_schools", "radon"}, "'radon'"},
      {{"sample", "eight_schools", "--bogus"}, "'--bogus'"},
      {{"sample", "eight_schools", "--chain", "4"}, "'--chain'"},
      {{"sample", "eight_schools", "--chains"}, "--chains"},
      {{"sample", "eight_schools", "--chains", "4", "--chains", "5"}, "--chains"},
      {{"sample", "eight_schools", "--chains", "0"}, "--chains is '0'"},
      {{"sample", "eight_schools", "--chains", "-1"}, "--chains is '-1'"},
      {{"sample", "eight_schools", "--until", "ess=0"}, "'ess=0'"},
      {{"sample", "eight_schools", "--until", "ess=-3"}, "'ess=-3'"},
      {{"sample", "eight_schools", "--until", "ess=nan"}, "'ess=nan'"},
      {{"sample", "eight_schools", "--until", "ess=1e3x"}, "'ess=1e3x'"},
      {{"sample", "eight_schools", "--until", "ess"}, "'ess'"},
      {{"sample", "eight_schools", "--until", "foo=3"}, "'foo=3'"},
      {{"sample", "eight_schools", "--until", "mcse=1"}, "'mcse=1'"},
      {{"sample", "eight_schools", "--until", "mcse()=1"}, "'mcse()=1'"},
      {{"sample", "eight_schools", "--until", "mcse(mu)=-1"}, "'mcse(mu)=-1'"},
      {{"sample", "eight_schools", "--until", "ess=3,ess=4"}, "'ess' twice"},
      {{"sample", "eight_schools", "--until", "mcse(mu)=1,mcse(mu)=2"}, "'mcse(mu)' twice"},
      {{"sample", "eight_schools", "--until", "time=10"}, "'10'"},
      {{"sample", "eight_schools", "--until", "time=-1s"}, "'-1s'"},
      {{"sample", "eight_schools", "--until", ""}, "--until"},
      {{"sample", "eight_schools", "--until", "ess=5,"}, "--until"},
      {{"sample", "eight_schools", "--chains", "abc"}, "--chains is 'abc'"},
      {{"sample", "eight_schools", "--chains", "1e9"}, "--chains is '1e9'"},
      {{"sample", "eight_schools", "--chains", "1000000000"}, "1 to 1000000 "},
      {{"sample", "eight_schools", "--chains", "99999999999999999999"}, "1 to 1000000 "},
      {{"sample", "eight_schools", "--chains", "4x"}, "--chains is '4x'"},
      {{"sample", "eight_schools", "--chains", " 4"}, "--chains is ' 4'"},
      {{"sample", "eight_schools", "--chains", ""}, "--chains is ''"},
      {{"sample", "eight_schools", "--draws", "0"}, "--draws is '0'"},
      {{"sample", "eight_schools", "--draws", "2.5"}, "--draws is '2.5'"},
      {{"sample", "eight_schools", "--draws", "0x10"}, "--draws is '0x10'"},
      {{"sample", "eight_schools", "--seed", "abc"}, "--seed is 'abc'"},
      {{"sample", "eight_schools", "--seed", "-1"}, "--seed is '-1'"},
      {{"sample", "eight_schools", "--seed", "18446744073709551616"}, "--seed"},
      {{"sample", "eight_schools", "--seed", "auto"}, "--seed is 'auto'"},
      {{"sample", "eight_schools", "--threads", "0"}, "--threads is '0'"},
      {{"sample", "eight_schools", "--metric", "full"}, "--metric is 'full' (there are auto, diagonal, low-rank and dense)"},
      {{"sample", "eight_schools", "--sampler", "gibbs"}, "--sampler is 'gibbs' (there are nuts, hmc, chees, mams). Choose one of these."},
      {{"sample", "eight_schools", "--target-accept", "0"}, "--target-accept is '0' (a number between 0 and 1 is needed)"},
      {{"sample", "eight_schools", "--target-accept", "1"}, "--target-accept is '1'"},
      {{"sample", "eight_schools", "--target-accept", "-0.8"}, "--target-accept is '-0.8'"},
      {{"sample", "eight_schools", "--target-accept", "95%"}, "--target-accept is '95%'"},
      {{"sample", "eight_schools", "--target-accept", "nan"}, "--target-accept is 'nan'"},
      {{"sample", "eight_schools", "--target-accept", ""}, "--target-accept is ''"},
      {{"sbc", "eight_schools", "--target-accept", "1.5"}, "--target-accept is '1.5'"},
      {{"conformance", ".", "--sampler", ""}, "--sampler is ''"},
      {{"sbc", "eight_schools", "--sampler", "NUTS"}, "--sampler is 'NUTS'"},
      {{"sbc", "eight_schools", "--level", "1"}, "--level is '1'"},
      {{"sbc"}, "there is no MODEL"},
      {{"sbc", "eight_schools", "--all"}, "--all"},
      {{"sbc", "--all", "--data", "y.json"}, "--all"},
      {{"sample", "eight_schools", "--threads", "100000"}, "--threads is '100000'"},
      {{"sample", "eight_schools", "--warmup", "-5"}, "--warmup is '-5'"},
      {{"sample", "eight_schools", "--data", ""}, "--data is empty"},
      {{"sample", "eight_schools", "--data", "data.json", "data.json"}, "'data.json'"},
      {{"sample", "eight_schools", "--set", "K"}, "--set is 'K'"},
      {{"sample", "eight_schools", "--set", "=5"}, "--set is '=5'"},
      {{"sample", "eight_schools", "--set", "K="}, "--set K is ''"},
      {{"sample", "eight_schools", "--set", "K=five"}, "--set K is 'five'"},
      {{"sample", "eight_schools", "--set", "K=1e999"}, "--set K is '1e999'"},
      {{"sample", "eight_schools", "--set", "K=inf"}, "--set K is 'inf'"},
      {{"sample", "eight_schools", "--set", "K=1", "--set", "K=2"}, "'K' twice"},
      {{"sample", "eight_schools", "--init", ""}, "--init is empty"},
      {{"sample", "eight_schools", "--init=-1"}, "--init is '-1'"},
      {{"sample", "eight_schools", "--init", "nan"}, "--init is 'nan'"},
      {{"sample", "eight_schools", "--init", "1e999"}, "--init is '1e999'"},
      {{"sample", "eight_schools", "--out", ""}, "--out is empty"},
      {{"sample", "eight_schools", "--out", "missing/x.nc"}, "'missing/x.nc'"},
      {{"sample", "eight_schools", "--out", "data.json/x.nc"}, "'data.json/x.nc'"},
      {{"sample", "eight_schools", "--out", "."}, "folder"},
      {{"sample", "eight_schools", "--out", "/dev/null"}, "'/dev/null'"},
      {{"sample", "eight_schools", "--data", "data.json", "--out", "./data.json"}, "would be lost"},
      {{"sample", "eight_schools", "--out", std::string(300, 'x')}, "longer than"},
      {{"sample", "eight_schools", "--out", "data.json"}, "add --overwrite"},
      {{"sample", "eight_schools", "--keep", ""}, "--keep is ''"},
      {{"sample", "eight_schools", "--keep", "mu,"}, "--keep is 'mu,'"},
      {{"sample", "eight_schools", "--keep", "~"}, "--keep is ''"},
      {{"sample", "eight_schools", "--thin", "0"}, "--thin is '0'"},
      {{"sample", "eight_schools", "--thin", "auto"}, "--thin is 'auto'"},
      {{"sample", "eight_schools", "--predictive", "some"}, "auto, all and none"},
      {{"sample", "eight_schools", "--predictive", ""}, "--predictive is ''"},
      {{"sample", "eight_schools", "--overwrite", "yes"}, "'yes'"},
      {{"draws"}, "FILE"},
      {{"draws", "a.nc", "--vars", ""}, "--vars is ''"},
      {{"draws", "a.nc", "--out", ""}, "--out is empty"},
      {{"draws", "a.nc", "--out", "data.json"}, "add --overwrite"},
      {{"draws", "data.json", "--out", "./data.json"}, "would be lost"},
      {{"summary"}, "FILE"},
      {{"summary", "a.nc", "b.nc"}, "'b.nc'"},
      {{"summary", "a.nc", "--format", "xml"}, "table, json and csv"},
  };
  write("data.json", "{}");
  for (const Case& each : cases) {
    SCOPED_TRACE(trace(each.words));
    expect_refused(run(each.words), 2, each.part, {"data.json"});
  }
}

// ---------------------------------------------------------------- what is wrong with files

TEST_F(CommandLine, WrongDataAreRefusedWithCodeOne) {
  struct Case {
    std::string model, json, part;
  };
  const Case cases[] = {
      {"eight_schools", "", "is empty"},
      {"eight_schools", "school,y\n1,2\n", "not valid JSON"},
      {"eight_schools", R"({"y": [1, 2)", "not valid JSON"},
      {"eight_schools", "[1, 2]", "object is needed"},
      {"eight_schools", R"({"y": [1, 2]})", "'sigma' is missing"},
      {"eight_schools", R"({"y": [1, 2], "sigma": [1, 1, 1]})", "'sigma' has 3 elements"},
      {"eight_schools", R"({"y": [[1, 2]], "sigma": [1, 1]})", "'y' is an array of shape [1, 2]"},
      {"eight_schools", R"({"y": 1, "sigma": [1]})", "'y' is one number"},
      {"eight_schools", R"({"y": ["a", "b"], "sigma": [1, 1]})", "'y'"},
      {"eight_schools", R"({"y": [1, null], "sigma": [1, 1]})", "'y'"},
      {"eight_schools", R"({"y": [1, 2], "sigma": [1, NaN]})", "'sigma' is NaN at element 2"},
      {"eight_schools", R"({"y": [1, 2], "sigma": [1, -1]})", "number 2 of 'y'"},
      {"eight_schools", R"({"y": [1, 2], "sigma": [0, 1]})", "number 1 of 'y'"},
      {"eight_schools", R"({"y": ["Inf", 2], "sigma": [1, 1]})", "'y' is inf at element 1"},
      {"radon",
       R"({"county": 2, "county_idx": [1, 3], "log_uppm": [0, 0], "floor_measure": [0, 1], "log_radon": [1, 2]})",
       "'county_idx' is 3 at element 2"},
      {"radon",
       R"({"county": 2, "county_idx": [0, 1], "log_uppm": [0, 0], "floor_measure": [0, 1], "log_radon": [1, 2]})",
       "'county_idx' is 0 at element 1"},
      {"radon",
       R"({"county": 2, "county_idx": [1, 1.5], "log_uppm": [0, 0], "floor_measure": [0, 1], "log_radon": [1, 2]})",
       "'county_idx' is 1.5"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.json);
    write("data.json", each.json);
    expect_refused(run({"sample", each.model, "--data", "data.json"}), 1, each.part, {"data.json"});
  }
}

TEST_F(CommandLine, WrongTablesAndOptionsAreRefusedWithCodeOne) {
  const auto refused = [&](const std::string& text, const std::string& part) {
    SCOPED_TRACE(text);
    write("data.csv", text);
    expect_refused(run({"sample", "eight_schools", "--data", "data.csv"}), 1, part, {"data.csv"});
  };
  refused("", "'data.csv' is empty");
  refused("y,sigma\n28,15\n8\n", "line 3 of 'data.csv' has 1 cells");
  refused("y,sigma\n28,15\n8,\n", "'sigma' is NaN at element 2");
  refused("y,sigma\n28,15\n8,1O\n", "'sigma' is an array of text, such as '1O'");
  refused("y,sigma\n28,15\n8,inf\n", "'sigma' is inf at element 2");
  refused("y,sigma\n28,15\n8,-10\n", "number 2 of 'y'");
  refused("y\n28\n", "'sigma' is missing");
  expect_refused(run({"sample", "eight_schools", "--data", "data.csv", "--data", "data.csv"}), 1, "field 'y' is both",
                 {"data.csv"});
  expect_refused(run({"sample", "eight_schools", "--set", "K=5"}), 1, "no option 'K'", {"data.csv"});
  write("data.nc", "y,sigma\n28,15\n");
  expect_refused(run({"sample", "eight_schools", "--data", "data.nc"}), 1, "'data.nc' is not an HDF5 file",
                 {"data.csv", "data.nc"});
  expect_refused(run({"sample", "eight_schools", "--data", "data.nc#study"}), 1, "'data.nc' is not an HDF5 file",
                 {"data.csv", "data.nc"});
}

TEST_F(CommandLine, StartsThatAreNoStartsAreRefusedWithCodeOne) {
  const auto refused = [&](const std::string& text, const std::string& part) {
    SCOPED_TRACE(text);
    write("init.json", text);
    expect_refused(run({"sample", "eight_schools", "--init", "init.json"}), 1, part, {"init.json"});
  };
  refused("{", "not valid JSON");
  refused("[1]", "object is needed");
  refused(R"({"tau": -1})", "'tau' is -1 at element 1 (its support is positive)");
  refused(R"({"z": [1, 2]})", "'z' is an array of shape [2]");
  refused(R"({"theta0": 1})", "'theta0'");
  expect_refused(run({"sample", "eight_schools", "--init", "missing.json"}), 1, "'missing.json'", {"init.json"});
  expect_refused(run({"sample", "linear_regression", "--init", "prior"}), 1, "flat prior", {"init.json"});
}

TEST_F(CommandLine, ARunMayStartWhereItIsTold) {
  write("init.json", R"({"mu": 4, "tau": 1})");
  for (const char* init : {"init.json", "prior", "0.5"}) {
    const Outcome outcome = run(quick("eight_schools", {"--init", init}));
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_FALSE(contains(outcome.out, "one point")) << outcome.out;
  }
  const Outcome zero = run(quick("eight_schools", {"--init", "0"}));
  EXPECT_EQ(zero.code, 0) << zero.err;
  EXPECT_TRUE(contains(zero.out, "\nAll chains started at one point")) << zero.out;
}

TEST_F(CommandLine, DataMayBeSeveralFilesOfDifferentKinds) {
  write("schools.csv", "school,y\nLee,28\nZürich,8\n");
  write("sigma.json", R"({"sigma": [15, 10]})");
  ASSERT_EQ(run(quick("eight_schools", {"--data", "schools.csv", "--data", "sigma.json"})).code, 0);
  const Fit fit = read_netcdf(file("eight_schools.nc"));
  EXPECT_EQ(fit.variable("observed_data", "y").values, (std::vector<double>{28, 8}));
  // What a results file holds of the data is itself a data file.
  const Outcome again = run(quick("eight_schools", {"--data", "eight_schools.nc#observed_data", "--data", "sigma.json",
                                                    "--out", "again.nc"}));
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_TRUE(contains(again.out, "\ntheta[Zürich] ")) << again.out;
  expect_refused(run({"sample", "eight_schools", "--data", "eight_schools.nc#observed_data", "--data", "sigma.json", "--out",
                      "eight_schools.nc", "--overwrite"}),
                 2, "the data are in it", {"again.nc", "eight_schools.nc", "schools.csv", "sigma.json"});
}

TEST_F(CommandLine, AMissingDataFileOrAFolderIsRefused) {
  expect_refused(run({"sample", "eight_schools", "--data", "missing.json"}), 1, "'missing.json'", {});
  expect_refused(run({"sample", "eight_schools", "--data", "."}), 1, "folder", {});
}

TEST_F(CommandLine, WhatCannotBeKeptIsRefusedBeforeTheWork) {
  expect_refused(run(quick("eight_schools", {"--keep", "mu,nu"})), 1, "no site 'nu' to keep", {});
  expect_refused(run(quick("eight_schools", {"--keep", "~nu"})), 1, "no site 'nu' to leave out", {});
  expect_refused(run(quick("eight_schools", {"--keep", "y"})), 1, "no site 'y'", {});
  expect_refused(run(quick("eight_schools", {"--keep", "~mu,tau,z,theta"})), 1, "no site would be kept", {});
  expect_refused(run(quick("std_normal", {"--log-lik"})), 1, "observes nothing", {});
}

TEST_F(CommandLine, FilesThatAreNoResultsAreRefusedBySummary) {
  ASSERT_EQ(run(quick("eight_schools", {"--out", "whole.nc"})).code, 0);
  const std::string whole = content(file("whole.nc"));
  write("text.nc", "name,mean\nmu,4\n");
  write("empty.nc", "");
  Fit fit;
  fit.chains = fit.draws = 4;
  fit.groups.push_back({"sample_stats", true, {{"lp", {}, {}, ElementType::real, std::vector<double>(16, 1.)}}});
  write_netcdf(fit, file("no_posterior.nc"));
  const Words before{"empty.nc", "no_posterior.nc", "text.nc", "truncated.nc", "whole.nc"};
  for (double share : {0.001, 0.1, 0.5, 0.99}) {
    SCOPED_TRACE(share);
    write("truncated.nc", whole.substr(0, std::size_t(share * double(whole.size()))));
    expect_refused(run({"summary", "truncated.nc"}), 1, "'truncated.nc'", before);
    expect_refused(run({"summary", "truncated.nc", "--format", "json"}), 1, "'truncated.nc'", before);
    expect_refused(run({"draws", "truncated.nc", "--csv"}), 1, "'truncated.nc'", before);
  }
  expect_refused(run({"summary", "missing.nc"}), 1, "'missing.nc'", before);
  expect_refused(run({"summary", "text.nc"}), 1, "HDF5", before);
  expect_refused(run({"summary", "empty.nc"}), 1, "HDF5", before);
  expect_refused(run({"summary", "."}), 1, "folder", before);
  expect_refused(run({"summary", "no_posterior.nc"}), 1, "posterior", before);
  expect_refused(run({"draws", "no_posterior.nc"}), 1, "posterior", before);
  expect_refused(run({"draws", "text.nc"}), 1, "HDF5", before);
  expect_refused(run({"draws", "whole.nc", "--vars", "mu,nu"}), 1, "no variable 'nu' (it has: mu, tau, z, theta, lp, ",
                 before);
  expect_refused(run({"draws", "whole.nc", "--out", "nowhere/x.csv"}), 1, "'nowhere/x.csv' (No such file or directory)",
                 before);
}

// Ends the trial, not the test program, if the machine does not let one mount.
constexpr int cannot_mount = 77;

// Runs a script with a small or read-only file system at ./disk, which only it sees.
std::string with_disk(const std::string& mount_options, const std::string& script) {
  const std::string namespaces = geteuid() == 0 ? "unshare -m" : "unshare -rm";
  return namespaces + " true >/dev/null 2>&1 || exit 77; mkdir disk; " + namespaces +
         " bash -c '{ mount --make-rprivate / && mount -t tmpfs -o " + mount_options +
         " lockstep-test disk; } >/dev/null 2>&1 || exit 77; " + script + "' \"$0\"; code=$?; rmdir disk; exit $code";
}

TEST_F(CommandLine, AFullDiskIsSaidAndNothingIsLeftOnIt) {
  const Outcome outcome =
      run_script(with_disk("size=64k", "\"$0\" sample eight_schools --out disk/x.nc; code=$?; ls -A disk; exit $code"));
  if (outcome.code == cannot_mount)
    GTEST_SKIP() << "a small file system cannot be mounted here (it takes root or user namespaces)";
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(contains(outcome.err, "lockstep: Cannot write 'disk/x.nc' (No space left on device). Free some space"))
      << outcome.err;
}

// Here it fills up while sampling goes on, after many blocks of draws.
TEST_F(CommandLine, ADiskThatFillsUpEndsALongRunAndNothingIsLeftOnIt) {
  const Outcome outcome = run_script(with_disk(
      "size=30M",
      "\"$0\" sample eight_schools --chains 64 --draws 1000000 --out disk/x.nc; code=$?; ls -A disk; exit $code"));
  if (outcome.code == cannot_mount)
    GTEST_SKIP() << "a small file system cannot be mounted here (it takes root or user namespaces)";
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(contains(outcome.err, "lockstep: Cannot write 'disk/x.nc' (No space left on device). Free some space"))
      << outcome.err;
}

TEST_F(CommandLine, AFolderThatCannotBeWrittenIsSaidBeforeTheWork) {
  const Outcome outcome = run_script(with_disk("ro", "\"$0\" sample eight_schools --out disk/x.nc"));
  if (outcome.code == cannot_mount)
    GTEST_SKIP() << "a read-only file system cannot be mounted here (it takes root or user namespaces)";
  expect_refused(outcome, 2, "'disk/x.nc' (Read-only file system)", {});
}

TEST_F(CommandLine, AFileThatGetsTooLargeIsSaidAndNotLeftInParts) {
  const Outcome outcome = run({"sample", "eight_schools"}, [] {
    const rlimit limit{20000, 20000};
    setrlimit(RLIMIT_FSIZE, &limit);
  });
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(contains(outcome.err, "lockstep: Cannot write 'eight_schools.nc' (File too large). ")) << outcome.err;
  EXPECT_EQ(files(), Words{});
}

// ---------------------------------------------------------------- runs that are ended

// A run that would take hours; the signals are sent to "$pid" when it has begun to sample.
std::string while_sampling(const std::string& signals, const std::string& options = "--keep mu_alpha") {
  return "\"$0\" sample radon --chains 16 --warmup 30 --draws 50000000 " + options +
         " 2>err & pid=$!; "
         "for i in $(seq 600); do grep -q 'warmup: done' err && break; sleep 0.1; done; sleep 0.3; " +
         signals + "; wait $pid; code=$?; cat err >&2; rm err; exit $code";
}

TEST_F(CommandLine, CtrlCAndSigtermEndARunWithTheDrawsSoFar) {
  for (const char* signal : {"INT", "TERM", "HUP"}) {
    SCOPED_TRACE(signal);
    // Bash starts what is in the background with SIGINT ignored, unless it has job control.
    const Outcome outcome = run_script("set -m; " + while_sampling(std::string("kill -") + signal + " $pid"));
    EXPECT_EQ(outcome.code, 3) << outcome.err;
    EXPECT_TRUE(contains(outcome.out, " draws (stopped early) after 40 warmup draws")) << outcome.out;
    EXPECT_TRUE(contains(outcome.out, "\nmu_alpha ")) << outcome.out;
    EXPECT_TRUE(contains(outcome.out, "\nResults: radon.nc\n")) << outcome.out;
    EXPECT_TRUE(std::regex_search(
        outcome.err,
        std::regex(
            R"(lockstep: Stopped by a signal \(\d+ of 50000000 draws of each chain were made, and are in 'radon.nc'\)\. )")))
        << outcome.err;
    const Fit fit = read_netcdf(file("radon.nc"));
    EXPECT_TRUE(fit.stopped_early());
    EXPECT_GT(fit.draws, 0u);
    EXPECT_EQ(files(), Words{"radon.nc"});
    EXPECT_EQ(run({"summary", "radon.nc"}).code, 0);
    fs::remove(file("radon.nc"));
  }
}

TEST_F(CommandLine, ASignalThatIsIgnoredStaysIgnored) {
  const Outcome outcome = run_script(
      "trap '' INT HUP; \"$0\" sample radon --chains 4 --draws 2000 & pid=$!; sleep 0.2; kill -INT $pid; "
      "kill -HUP $pid; wait $pid");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(read_netcdf(file("radon.nc")).draws, 2000u);
}

TEST_F(CommandLine, ASignalDuringWarmupLeavesNothing) {
  const Outcome outcome =
      run_script("\"$0\" sample radon --chains 16 --warmup 1000000 & pid=$!; sleep 0.5; kill -TERM $pid; wait $pid");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(
      contains(outcome.err, "lockstep: Stopped by a signal (there was no draw to keep yet, so nothing was written). "))
      << outcome.err;
  EXPECT_EQ(files(), Words{});
}

TEST_F(CommandLine, AKilledRunLeavesAPartialFileThatTheNextOneRemoves) {
  const Outcome outcome = run_script(while_sampling("kill -KILL $pid"));
  EXPECT_EQ(outcome.code, 128 + SIGKILL);
  ASSERT_EQ(files().size(), 1u);
  EXPECT_TRUE(std::regex_match(files()[0], std::regex(R"(radon\.nc\.partial-\d+-\d+)"))) << files()[0];
  EXPECT_EQ(run(quick("radon")).code, 0);
  EXPECT_EQ(files(), Words{"radon.nc"});
}

TEST_F(CommandLine, APartialFileOfARunThatGoesOnIsLeftAlone) {
  const Outcome outcome =
      run_script(while_sampling("\"$0\" sample radon --chains 4 --warmup 30 --draws 10 >/dev/null 2>&1; ls "
                                "radon.nc.partial-* >&2; kill -TERM $pid"));
  EXPECT_EQ(outcome.code, 3) << outcome.err;
  EXPECT_EQ(files(), (Words{"radon-2.nc", "radon.nc"}));  // the name had been taken meanwhile
  EXPECT_EQ(read_netcdf(file("radon.nc")).draws, 10u);
  EXPECT_TRUE(read_netcdf(file("radon-2.nc")).stopped_early());
  EXPECT_TRUE(contains(outcome.out, "Results: radon-2.nc\n")) << outcome.out;
}

TEST_F(CommandLine, ASecondSignalKillsAtOnce) {
  // A run takes longer than this to notice the first, and to summarise some thousand draws of 175 quantities.
  const Outcome outcome = run_script(while_sampling("sleep 1; kill -TERM $pid; sleep 0.05; kill -TERM $pid", ""));
  EXPECT_EQ(outcome.code, 128 + SIGTERM) << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

// ---------------------------------------------------------------- what is wrong with the standard streams

TEST_F(CommandLine, OutputThatCannotBeWrittenIsAFailure) {
  ASSERT_EQ(run(quick("eight_schools")).code, 0);
  for (const Words& words :
       {Words{"models"}, {"version"}, {"help"}, {"summary", "eight_schools.nc", "--format", "json"}}) {
    SCOPED_TRACE(trace(words));
    expect_refused(run(words, [] { redirect(1, "/dev/full", O_WRONLY); }), 1, "No space left on device",
                   {"eight_schools.nc"});
    expect_refused(run(words, [] { close(1); }), 1, "Bad file descriptor", {"eight_schools.nc"});
  }
}

TEST_F(CommandLine, ARunDoesNotNeedItsProgressToBeRead) {
  for (const std::function<void()>& prepare : std::initializer_list<std::function<void()>>{
           [] { redirect(2, "/dev/full", O_WRONLY); }, [] { close(2); }, [] { close(0), close(1), close(2); }}) {
    fs::remove(file("radon.nc"));
    const Outcome outcome = run({"sample", "radon", "--chains", "8", "--warmup", "50", "--draws", "20"}, prepare);
    EXPECT_TRUE(outcome.code == 0 || (outcome.code == 1 && outcome.out.empty()))
        << outcome.code;  // 1: stdout is closed
    EXPECT_EQ(read_netcdf(file("radon.nc")).chains, 8u);
    EXPECT_EQ(files(), Words{"radon.nc"});
  }
}

TEST_F(CommandLine, AReaderThatHasSeenEnoughIsNoError) {
  ASSERT_EQ(run(quick("radon")).code, 0);
  const Outcome outcome = run_script("set -o pipefail; \"$0\" summary radon.nc --format json | head -n 1");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "[\n");
  EXPECT_EQ(outcome.err, "");
  const Outcome whole_run =
      run_script("set -o pipefail; \"$0\" sample radon --chains 8 --draws 100 --overwrite 2>&1 | head -n 1");
  EXPECT_EQ(whole_run.code, 0);
  EXPECT_EQ(read_netcdf(file("radon.nc")).draws, 100u);
}

// ---------------------------------------------------------------- the progress bar

// The two ends of a terminal of a given width.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) {
    setenv("TERM", "xterm", 1);
    master_ = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master_ < 0 || grantpt(master_) != 0 || unlockpt(master_) != 0) return;
    const winsize size{24, columns, 0, 0};
    ioctl(master_, TIOCSWINSZ, &size);
    stream_ = std::fopen(ptsname(master_), "w");
  }
  ~Terminal() {
    if (stream_) std::fclose(stream_);
    if (master_ >= 0) close(master_);
  }
  std::FILE* stream() const { return stream_; }

  // What was written since, each time the line was begun anew.
  Words shown() const {
    std::string text;
    char buffer[4096];
    for (ssize_t got; (got = read(master_, buffer, sizeof buffer)) > 0;) text.append(buffer, std::size_t(got));
    Words all;
    for (std::size_t start = 0; start < text.size();) {
      const std::size_t end = std::min(text.find('\r', start + 1), text.size());
      all.push_back(text.substr(start, end - start));
      start = end;
    }
    return all;
  }

 private:
  int master_ = -1;
  std::FILE* stream_ = nullptr;
};

TEST(ProgressBar, FillsFromZeroToTheWholeAndIsTakenAwayAtTheEnd) {
  const Terminal terminal(100);
  if (!terminal.stream()) GTEST_SKIP() << "there are no pseudo terminals here";
  {
    ProgressBar bar(terminal.stream());
    bar({true, 0, 200});
    bar({true, 200, 200});
    bar({false, 100, 400});
    bar({false, 399.9, 400});
    bar({false, 400, 400});
  }
  const Words shown = terminal.shown();
  ASSERT_EQ(shown.size(), 6u);
  EXPECT_TRUE(contains(shown[0], "\rwarmup    [                              ]    0%  0 draws  ")) << shown[0];
  EXPECT_TRUE(contains(shown[1], "\rwarmup    [##############################]  100%  ")) << shown[1];
  EXPECT_TRUE(contains(shown[2], "\rsampling  [#######                       ]   25%  100 draws  ")) << shown[2];
  EXPECT_TRUE(contains(shown[3], "]   99%  ")) << shown[3];
  EXPECT_TRUE(contains(shown[4], "]  100%  ")) << shown[4];
  EXPECT_EQ(shown[5], "\r\033[K");
}

TEST(ProgressBar, ShowsNoShareOfAWarmupThatStopsByItself) {
  const Terminal terminal(100);
  if (!terminal.stream()) GTEST_SKIP() << "there are no pseudo terminals here";
  ProgressBar bar(terminal.stream(), true);
  bar({true, 100, 10000});
  bar({true, 200, 10000});
  bar({true, 10000, 10000});
  bar({true, 300, 10000});  // late: that warmup had ended is known
  const Words shown = terminal.shown();
  ASSERT_EQ(shown.size(), 3u);
  EXPECT_TRUE(contains(shown[0], "\rwarmup    [#####                         ]  100 draws  ")) << shown[0];
  EXPECT_TRUE(contains(shown[1], "\rwarmup    [ #####                        ]  200 draws  ")) << shown[1];
  EXPECT_TRUE(contains(shown[2], "\rwarmup    [##############################]  100%  ")) << shown[2];
}

TEST(ProgressBar, NeverWrapsOnANarrowTerminal) {
  for (const unsigned short columns : {10, 20, 40, 60, 80}) {
    const Terminal terminal(columns);
    if (!terminal.stream()) GTEST_SKIP() << "there are no pseudo terminals here";
    ProgressBar bar(terminal.stream());
    for (int i = 0; i <= 10; ++i) bar({false, i * 1e9, 1e10});
    for (std::string text : terminal.shown()) {
      text = std::regex_replace(text, std::regex("\r|\033\\[K"), "");
      EXPECT_LT(text.size(), columns) << text;
    }
  }
}

TEST(ProgressBar, SaysDurationsAsOneReadsThem) {
  EXPECT_EQ(duration_text(0.04), "0.0 s");
  EXPECT_EQ(duration_text(59.94), "59.9 s");
  EXPECT_EQ(duration_text(59.96), "1 min 00 s");
  EXPECT_EQ(duration_text(3599.4), "59 min 59 s");
  EXPECT_EQ(duration_text(3599.6), "1 h 00 min");
  EXPECT_EQ(duration_text(93784), "26 h 03 min");
}

// ---------------------------------------------------------------- conformance

TEST_F(CommandLine, ConformanceComparesWithReferenceDrawsInATable) {
  const Outcome outcome = run({"conformance", LOCKSTEP_SOURCE_DIR "/tests/data/posteriordb", "--only", "kidiq-kidscore_momiq"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(std::regex_search(outcome.out, std::regex(R"(kidiq-kidscore_momiq +linear_regression +\d+ +\d+ .* agrees\n)")))
      << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "1 of 1 agree.")) << outcome.out;
  EXPECT_EQ(files(), Words{});
}

TEST_F(CommandLine, ConformanceRefusesWhatIsNoDatabaseAndNamesItDoesNotHave) {
  expect_refused(run({"conformance", "nowhere"}), 1, "'nowhere' is no posteriordb", {});
  expect_refused(run({"conformance", LOCKSTEP_SOURCE_DIR "/tests/data/posteriordb", "--only", "nothing"}), 2, "'nothing'", {});
  expect_refused(run({"conformance", LOCKSTEP_SOURCE_DIR "/tests/data/posteriordb", "--device", "gpu"}), 2, "--device is 'gpu'", {});
  expect_refused(run({"sample", "eight_schools", "--device", "gpu"}), 2, "--device is 'gpu'", {});
  expect_refused(run({"sample", "eight_schools", "--device", "cuda:x"}), 2, "is 'x' (a whole number", {});
  expect_refused(run({"sample", "eight_schools", "--precision", "half"}), 2, "--precision is 'half'", {});
  expect_refused(run({"sample", "eight_schools", "--precision", "tf32", "--device", "cpu"}), 2, "tf32 and --device cpu (matrix products", {});
  expect_refused(run({"build", "m.hpp", "--precision", "tf32"}), 2, "--precision is 'tf32'", {});
  expect_refused(run({"sample", "eight_schools", "--geometry", "lots"}), 2, "'lots' is no geometry", {});
}

// ---- do, observe, prior ---------------------------------------------------------------------------------------------------

TEST_F(CommandLine, SitesAreDoneAndObservedByNumbersAndByFiles) {
  write("theta.json", R"({"theta": [1, 2, 3, 4, 5, 6, 7, 8], "other": 3})");
  const Outcome outcome = run({"sample", "eight_schools_centered", "--chains", "4", "--warmup", "10", "--draws", "5", "--do", "tau=2",
                               "--observe", "theta=@theta.json", "--do", "sigma=1,2,3,4,5,6,7,8"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const Fit fit = read_netcdf(file("eight_schools_centered.nc"));
  EXPECT_EQ(fit.group("posterior").variables.size(), 1u);
  EXPECT_EQ(fit.variable("constant_data", "tau").values, std::vector<double>{2});
  EXPECT_EQ(fit.variable("constant_data", "sigma").values, (std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(fit.variable("observed_data", "theta").values, (std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST_F(CommandLine, WhatCannotBeDoneOrObservedIsRefused) {
  write("theta.json", R"({"other": 3})");
  const auto refused = [&](const Words& more, int code, const std::string& part) {
    Words words{"sample", "eight_schools"};
    words.insert(words.end(), more.begin(), more.end());
    expect_refused(run(words), code, part, {"theta.json"});
  };
  refused({"--do", "tau"}, 2, "--do is 'tau'");
  refused({"--do", "tau="}, 2, "--do is 'tau='");
  refused({"--do", "tau=two"}, 2, "--do gives 'tau' the value 'two'");
  refused({"--observe", "mu=1,,2"}, 2, "--observe is '1,,2'");
  refused({"--do", "theta=@theta.json"}, 1, "'theta.json' has no field 'theta'");
  refused({"--do", "theta=@nowhere.json"}, 1, "nowhere.json");
  refused({"--do", "rho=1"}, 1, "there is no site 'rho' to do");
  refused({"--observe", "theta=1"}, 1, "'theta' cannot be observed");
  refused({"--do", "z=1,2"}, 1, "site 'z' is given 2 values");
  refused({"--do", "mu=1", "--observe", "mu=1"}, 1, "site 'mu' is done or observed twice");
}

TEST_F(CommandLine, PriorDrawsAndSimulates) {
  const Outcome outcome = run({"prior", "eight_schools", "--draws", "50"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "eight_schools: 50 draws from the prior")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "Results: eight_schools-prior.nc")) << outcome.out;
  const Fit fit = read_netcdf(file("eight_schools-prior.nc"), {"prior", "prior_predictive"});
  EXPECT_EQ(fit.draws, 50u);
  EXPECT_EQ(fit.variable("prior", "tau").values.size(), 50u);
  EXPECT_EQ(fit.variable("prior_predictive", "y").values.size(), 400u);
  expect_refused(run({"prior", "flat_regression"}), 1, "flat prior", {"eight_schools-prior.nc"});
  expect_refused(run({"prior", "eight_schools", "--draws", "0"}), 2, "--draws is '0'", {"eight_schools-prior.nc"});
  expect_refused(run({"prior", "eight_schools", "--out", "eight_schools-prior.nc"}), 2, "there is such a file", {"eight_schools-prior.nc"});
}

TEST_F(CommandLine, PriorIsAddedToAFit) {
  ASSERT_EQ(run({"sample", "eight_schools", "--chains", "3", "--warmup", "10", "--draws", "5", "--do", "mu=1", "--out", "fit.nc"}).code, 0);
  const Fit before = read_netcdf(file("fit.nc"));
  const Outcome outcome = run({"prior", "eight_schools", "--draws", "50", "--append", "fit.nc"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "eight_schools: 51 draws from the prior")) << outcome.out;
  EXPECT_TRUE(contains(outcome.out, "Results: fit.nc")) << outcome.out;
  const Fit after = read_netcdf(file("fit.nc"));
  EXPECT_EQ(after.draws, 5u);
  EXPECT_EQ(after.draws_of(after.group("prior")), 17u);
  EXPECT_EQ(after.variable("prior", "tau").values.size(), 51u);
  EXPECT_FALSE(std::any_of(after.group("prior").variables.begin(), after.group("prior").variables.end(),
                           [](const Variable& each) { return each.name == "mu"; }));   // it is done in the fit
  EXPECT_EQ(after.variable("prior_predictive", "y").values.size(), 51u * 8);
  EXPECT_EQ(after.variable("posterior", "theta").values, before.variable("posterior", "theta").values);
  EXPECT_EQ(after.variable("observed_data", "y").values, before.variable("observed_data", "y").values);
  EXPECT_EQ(after.attributes.at("seed"), before.attributes.at("seed"));
  EXPECT_EQ(run({"predict", "fit.nc"}).code, 0);
  expect_refused(run({"prior", "eight_schools", "--append", "fit.nc"}), 1, "has a group 'prior'", {"fit.nc"});
  EXPECT_EQ(run({"prior", "eight_schools", "--draws", "50", "--append", "fit.nc", "--overwrite", "--seed", "2"}).code, 0);
  EXPECT_NE(read_netcdf(file("fit.nc")).variable("prior", "tau").values, after.variable("prior", "tau").values);
  for (const Words& more : {Words{"--out", "other.nc"}, Words{"--do", "tau=1"}}) {
    Words words{"prior", "eight_schools", "--append", "fit.nc", "--overwrite"};
    words.insert(words.end(), more.begin(), more.end());
    expect_refused(run(words), 2, "--append is given with", {"fit.nc"});
  }
  expect_refused(run({"prior", "radon", "--append", "fit.nc", "--overwrite"}), 1, "the fit's data are not the model's", {"fit.nc"});
  expect_refused(run({"prior", "eight_schools", "--append", "nowhere.nc"}), 1, "nowhere.nc", {"fit.nc"});
  expect_refused(run({"prior", "eight_schools", "--append", ""}), 1, "", {"fit.nc"});
}

TEST_F(CommandLine, StatesAreRecoveredAndChecksOfPredictionsPrinted) {
  ASSERT_EQ(run({"sample", "hmm", "--chains", "2", "--warmup", "10", "--draws", "5", "--out", "fit.nc"}).code, 0);
  const Outcome states = run({"predict", "fit.nc", "--states"});
  EXPECT_EQ(states.code, 0) << states.err;
  EXPECT_TRUE(contains(states.out, "Results: fit.nc, group states")) << states.out;
  EXPECT_EQ(read_netcdf(file("fit.nc")).group("states").variables.front().name, "y_state");
  const Outcome checks = run({"predict", "fit.nc"});
  EXPECT_TRUE(contains(checks.out, "P(simulated > observed)")) << checks.out;
  EXPECT_EQ(run({"predict", "fit.nc", "--states", "--do", "y=1"}).code, 2);
}

TEST_F(CommandLine, PosteriorIsDataForAnotherModelsPrior) {
  ASSERT_EQ(run({"sample", "eight_schools", "--chains", "2", "--warmup", "50", "--draws", "50", "--out", "fit.nc"}).code, 0);
  const Outcome outcome = run({"posterior", "fit.nc", "--vars", "log(tau),mu", "--name", "earlier", "--out", "earlier.json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "fit.nc: mean and covariance of log(tau), mu")) << outcome.out;
  write("second.hpp", R"cpp(#include "lockstep/model.hpp"
using namespace lockstep;
struct Second {
  PosteriorNormal earlier;
  explicit Second(Dataset& d) : earlier(d.posterior("earlier", {{"mu"}, {"log(tau)"}})) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto x = m.param("x", non_centred(mv_normal_cholesky(earlier.mean, earlier.factor)), earlier.dim);
    auto mu = m.deterministic("mu", x[earlier[0]]);
    auto tau = m.deterministic("tau", exp(x[earlier[1]]));
  }
};
)cpp");
  const Outcome second = run({"prior", "second.hpp", "--data", "earlier.json", "--draws", "4000", "--out", "second.nc"});
  ASSERT_EQ(second.code, 0) << second.err;
  const auto moments = [&](const char* from, const char* group, const char* name, bool logarithm) {
    const Fit fit = read_netcdf(file(from));
    double sum = 0, squares = 0;
    const std::vector<double>& values = fit.variable(group, name).values;
    for (double x : values) {
      const double y = logarithm ? std::log(x) : x;
      sum += y, squares += y * y;
    }
    const double mean = sum / double(values.size());
    return std::pair{mean, std::sqrt(squares / double(values.size()) - mean * mean)};
  };
  for (const bool tau : {false, true}) {
    const auto [mean, sd] = moments("fit.nc", "posterior", tau ? "tau" : "mu", tau);
    const auto [drawn, drawn_sd] = moments("second.nc", "prior", tau ? "tau" : "mu", tau);
    EXPECT_NEAR(drawn, mean, 5 * sd / std::sqrt(4000));
    EXPECT_NEAR(drawn_sd, sd, 0.06 * sd);
  }
  const Words there{"earlier.json", "fit.nc", "second.hpp", "second.nc"};
  expect_refused(run({"posterior", "fit.nc", "--vars", "nu", "--out", "other.json"}), 1, "the fit has no site 'nu'", there);
  expect_refused(run({"posterior", "fit.nc", "--vars", "log(mu)", "--out", "other.json"}), 1, "log(mu) is NaN where 'mu'", there);
  expect_refused(run({"posterior", "fit.nc", "--vars", "mu", "--out", "earlier.json"}), 2, "there is such a file", there);
}

TEST_F(CommandLine, SbcSaysWhetherAModelIsCalibrated) {
  const Outcome outcome = run({"sbc", "std_normal", "--fits", "20", "--draws", "9"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* part : {"std_normal: simulation-based calibration", "x[9]", "20 fits, true values ranked among 9 draws", "alibrated"})
    EXPECT_TRUE(contains(outcome.out, part)) << outcome.out;
  const Outcome flat = run({"sbc", "hmm", "--fits", "20"});
  EXPECT_EQ(flat.code, 1);
  EXPECT_TRUE(contains(flat.err, "parameter 'theta' has a flat prior")) << flat.err;
  EXPECT_EQ(run({"sbc", "std_normal", "--fits", "3"}).code, 2);

  // A prior that is taken from the data: a posterior from simulated ones is narrow, and not where the true value is.
  write("data.json", R"({"y": [1, 2]})");
  write("twice.hpp", R"cpp(#include "lockstep/model.hpp"
using namespace lockstep;
struct Twice {
  Dim i;
  Real y;
  explicit Twice(Dataset& d) : i(d.dim("i")), y(d.real("y", i)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(y[0], 0.01));
    m.observe("y", y, i, [&](auto) { return normal(mu, 1); });
  }
};
)cpp");
  const Outcome wrong = run({"sbc", "twice.hpp", "--data", "data.json", "--fits", "40"});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_TRUE(contains(wrong.out, "Not calibrated: mu")) << wrong.out;
  EXPECT_TRUE(contains(wrong.err, "'twice.hpp' is not calibrated")) << wrong.err;
}

TEST_F(CommandLine, CentrednessIsDataForTheModel) {
  write("schools.hpp", R"cpp(#include "lockstep/model.hpp"
using namespace lockstep;
struct Schools {
  Dim school;
  Real y, sigma, c;
  explicit Schools(Dataset& d)
      : school(d.dim("school")), y(d.real("y", school)), sigma(d.real("sigma", school)), c(d.centredness("theta", school)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto mu = m.param("mu", normal(0, 5));
    auto tau = m.param("tau", half_cauchy(5));
    auto theta = m.param("theta", school, [&](auto j) { return partially_centred(normal(mu, tau), c[j]); });
    m.observe("y", y, school, [&](auto j) { return normal(theta[j], sigma[j]); });
  }
};
)cpp");
  write("data.json", R"({"school": ["a", "b", "c", "d"], "y": [28, 8, -3, 7], "sigma": [100, 0.1, 100, 0.1]})");
  Words there{"data.json", "schools.hpp"};
  const Outcome outcome = run({"centredness", "schools.hpp", "--data", "data.json", "--seed", "3"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json chosen = nlohmann::json::parse(outcome.out);
  const std::vector<double> c = chosen.at("theta_centredness");
  ASSERT_EQ(c.size(), 4u);
  EXPECT_EQ(chosen.size(), 1u);
  for (const std::size_t j : {0, 2}) EXPECT_LE(c[j], 0.1) << j;    // without data to speak of
  for (const std::size_t j : {1, 3}) EXPECT_GE(c[j], 0.9) << j;
  EXPECT_EQ(files(), there);
  EXPECT_EQ(run({"centredness", "schools.hpp", "--data", "data.json", "--seed", "3", "--threads", "1"}).out, outcome.out);
  write("chosen.json", outcome.out);
  ASSERT_EQ(run(quick("schools.hpp", {"--data", "data.json", "--data", "chosen.json", "--out", "fit.nc"})).code, 0);
  EXPECT_EQ(read_netcdf(file("fit.nc")).variable("constant_data", "theta_centredness").values, c);
  there = {"chosen.json", "data.json", "fit.nc", "schools.hpp"};
  expect_refused(run({"centredness", "eight_schools"}), 1, "no parameter of the model is partially centred", there);
  expect_refused(run({"centredness", "schools.hpp", "--data", "missing.json"}), 1, "'missing.json'", there);
  write("chosen.json", R"({"theta_centredness": [0, 0.5]})");
  expect_refused(run({"centredness", "schools.hpp", "--data", "data.json", "--data", "chosen.json"}), 1, "'theta_centredness'", there);
  write("chosen.json", R"({"theta_centredness": [0, 0.5, 2, 1]})");
  expect_refused(run({"centredness", "schools.hpp", "--data", "data.json", "--data", "chosen.json"}), 1,
                 "'theta_centredness' is 2 at element 3", there);
  expect_refused(run({"centredness"}), 2, "MODEL", there);
  expect_refused(run({"centredness", "bogus"}), 2, "'bogus'", there);
  expect_refused(run({"centredness", "schools.hpp", "--seed", "x"}), 2, "--seed is 'x'", there);
  expect_refused(run({"centredness", "schools.hpp", "--threads", "0"}), 2, "--threads is '0'", there);
}

TEST_F(CommandLine, MissingValuesAreImputedWithANote) {
  write("gaps.csv", "y,sigma\n1,1\n,1\n3,1\n");
  const Outcome outcome = run({"sample", "eight_schools", "--data", "gaps.csv", "--chains", "2", "--warmup", "10", "--draws", "5"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "'y' has 1 missing value, imputed as 'y_unobserved', without a log likelihood.")) << outcome.out;
}

TEST_F(CommandLine, PredictAddsToTheFit) {
  ASSERT_EQ(run({"sample", "eight_schools", "--chains", "2", "--warmup", "10", "--draws", "5", "--out", "fit.nc"}).code, 0);
  const Fit before = read_netcdf(file("fit.nc"));
  const Outcome outcome = run({"predict", "fit.nc"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.out, "eight_schools: 10 draws of posterior_predictive")) << outcome.out;
  write("new.json", R"({"school": ["Mt. Hermon", "Eton"], "sigma": [1e-9, 1e-9]})");
  const Outcome unseen = run({"predict", "fit.nc", "--data", "new.json"});
  EXPECT_EQ(unseen.code, 1);
  EXPECT_TRUE(contains(unseen.err, "dimension 'school' has elements that the fit has not seen: 'Eton'")) << unseen.err;
  EXPECT_EQ(run({"predict", "fit.nc", "--data", "new.json", "--new-levels", "sample"}).code, 0);
  const Fit after = read_netcdf(file("fit.nc"));
  EXPECT_EQ(after.variable("posterior", "theta").values, before.variable("posterior", "theta").values);
  EXPECT_EQ(after.variable("posterior_predictive", "y").values.size(), 80u);
  expect_refused(run({"predict", "fit.nc"}), 1, "has a group 'posterior_predictive'", {"fit.nc", "new.json"});
  EXPECT_EQ(run({"predict", "fit.nc", "--overwrite", "--seed", "2"}).code, 0);
  EXPECT_NE(read_netcdf(file("fit.nc")).variable("posterior_predictive", "y").values, after.variable("posterior_predictive", "y").values);
  // The group of predictions has other schools than the others.
  const Variable &theta = after.variable("posterior", "theta"), &predicted = after.variable("predictions", "y");
  ASSERT_EQ(predicted.values.size(), 20u);
  for (std::size_t d = 0; d < 10; ++d) EXPECT_NEAR(predicted.values[2 * d], theta.values[8 * d + 7], 1e-7);
  EXPECT_EQ(after.group("predictions").dimensions.at(0).labels, (std::vector<std::string>{"Mt. Hermon", "Eton"}));
  EXPECT_EQ(run({"predict", "fit.nc", "--do", "tau=0", "--out", "done.nc"}).code, 0);
  EXPECT_EQ(read_netcdf(file("done.nc"), {"predictions"}).variable("predictions", "theta").values.size(), 80u);
  for (const Words& words : {Words{"predict", "fit.nc", "--new-levels", "maybe"}, Words{"predict", "fit.nc", "--out", "fit.nc"},
                             Words{"predict", "fit.nc", "--out", "done.nc"}})
    expect_refused(run(words), 2, "", {"done.nc", "fit.nc", "new.json"});
  expect_refused(run({"predict", "nowhere.nc"}), 1, "nowhere.nc", {"done.nc", "fit.nc", "new.json"});
}

}  // namespace
}  // namespace lockstep
