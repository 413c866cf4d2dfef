// Runs that end early and go on: draws and statistics are, bit for bit, those of a run that did not, whenever and
// however it ended; what a checkpoint does not fit is refused.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <regex>
#include <thread>

#include "host/netcdf.hpp"
#include "lockstep/model_table.hpp"
#include "lockstep/sample.hpp"
#include "tests/message_of.hpp"
#include "tests/same_fit.hpp"
#include "tests/temporary_folder.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// With the attributes, all but when it was, how long it took, and how many gradients were of lanes that waited: whether they do is
// decided by time.
void expect_same_run(const Fit& a, const Fit& b) {
  expect_same(a, b);
  std::map<std::string, Attribute> of_a = a.attributes, of_b = b.attributes;
  for (const char* timing : {"sampling_time", "created_at", "gradients"}) of_a.erase(timing), of_b.erase(timing);
  EXPECT_EQ(of_a, of_b);
}

class Checkpoints : public WithFolder {
 protected:
  SampleOptions options(double every = 60) const {
    SampleOptions o;
    o.chains = 20;
    o.warmup = 60;
    o.draws = 150;
    o.seed = 3;
    o.threads = 2;
    o.keep_warmup = o.log_likelihood = o.predictive = true;
    o.checkpoint = {file("run"), every, {"a", "note"}};
    return o;
  }
  static SampleOptions without_checkpoint(SampleOptions o) {
    o.checkpoint = {};
    o.cancel = {};
    return o;
  }
  const ZooModel& zoo_model(const char* name) const { return *find_zoo_model(name); }
  Fit begin(const SampleOptions& o, const char* name = "radon") const {
    return sample(*zoo_model(name).table(), example_data(zoo_model(name)), o);
  }
  Fit go_on(const SampleOptions& o, const char* name = "radon") const {
    return resume(*zoo_model(name).table(), example_data(zoo_model(name)), o);
  }

  // A run that is stopped in warmup.
  void stop_one() const {
    SampleOptions o = options();
    o.cancel = [] { return true; };
    EXPECT_THROW(begin(o), Stopped);
  }
  void expect_refused(const SampleOptions& o, const std::vector<std::string>& parts, const char* name = "radon") const {
    static const std::regex form(R"(\S[^\n]* \([^\n]+\)\. [A-Z][^\n]*\.)");
    const std::string message = message_of([&] { go_on(o, name); });
    EXPECT_TRUE(std::regex_match(message, form)) << message;
    for (const std::string& part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << part << " is not in: " << message;
  }
};

TEST_F(Checkpoints, ThatAreSavedAllTheTimeChangeNothing) {
  for (const auto& change : std::initializer_list<void (*)(SampleOptions&)>{
           [](SampleOptions&) {},
           [](SampleOptions& o) { o.thin = 3, o.warmup = -1, o.warmup_cap = 100, o.metric = MetricKind::dense; },
           [](SampleOptions& o) { o.precision = Precision::mixed, o.chains = 5, o.init = InitPrior{}; },
           [](SampleOptions& o) { o.sampler = "chees"; },
           [](SampleOptions& o) { o.sampler = "mams"; },
           [](SampleOptions& o) { o.geometry = std::to_string(pack_width) + "x3"; },
           [](SampleOptions& o) { o.warmup = 0, o.draws = 40; },
           [](SampleOptions& o) {
             o.only_summary = true;
             o.chains = 64;
             o.keep_warmup = o.log_likelihood = o.predictive = false;
           },
           [](SampleOptions& o) { o.until.ess = 500, o.draws = 0; }}) {
    SampleOptions o = options(0.01);
    change(o);
    expect_same_run(begin(without_checkpoint(o)), begin(o));
    EXPECT_EQ(files(), 0u);  // nothing is left behind
  }
}

// `cancel` is asked after every checkpoint, so that a run ends after any number of them.
TEST_F(Checkpoints, AreGoneOnFromAsIfTheRunHadNeverEnded) {
  SampleOptions o = options(2e-3);
  o.draws = 600;
  const Fit whole = begin(without_checkpoint(o));
  std::mt19937 random(17);
  int in_warmup = 0, in_sampling = 0;
  // A fast machine is stopped less often in a round.
  for (int round = 0; round < 3 || (round < 30 && std::min(in_warmup, in_sampling) < 5); ++round) {
    SCOPED_TRACE(round);
    for (bool begun = false;; begun = true) {
      SampleOptions part = o;
      part.threads = 1 + int(random() % 3);
      int left = 1 + int(random() % 20);
      part.cancel = [&left] { return --left < 0; };
      Fit fit;
      try {
        fit = begun ? go_on(part) : begin(part);
      } catch (const Stopped&) {
        ++in_warmup;
        EXPECT_EQ(files(), 2u);  // the checkpoint, its draws
        const SavedRun saved = saved_run(file("run"));
        EXPECT_EQ(saved.note, (std::vector<std::string>{"a", "note"}));
        EXPECT_EQ(saved.processor, Processor::cpu);
        continue;
      }
      if (!fit.stopped_early()) {
        expect_same_run(whole, fit);
        break;
      }
      ++in_sampling;
      const Variable &so_far = fit.variable("posterior", "mu_alpha"), &all = whole.variable("posterior", "mu_alpha");
      ASSERT_GT(fit.draws, 0u);
      for (std::size_t c = 0; c < fit.chains; ++c)
        for (std::size_t d = 0; d < fit.draws; ++d)
          ASSERT_EQ(so_far.values[c * fit.draws + d], all.values[c * whole.draws + d]);
    }
    EXPECT_EQ(files(), 0u);
  }
  EXPECT_GT(in_warmup, 4);
  EXPECT_GT(in_sampling, 4);
}

TEST_F(Checkpoints, OfARunThatEndsWhenItIsAccurateLetItEndWhereItWould) {
  for (const bool only_summary : {false, true}) {
    SCOPED_TRACE(only_summary);
    SampleOptions o = options(0.05);
    o.draws = 0;
    o.until.ess = 1500;
    if (only_summary) {
      o.chains = 64;
      o.until.ess = 8000;
      o.keep_warmup = o.log_likelihood = o.predictive = false;
    }
    o.only_summary = only_summary;
    o.thin = 2;
    const Fit whole = begin(without_checkpoint(o));
    ASSERT_EQ(std::get<std::string>(whole.attributes.at("ended_by")), "accuracy");
    ASSERT_GT(whole.draws, 100u);
    std::mt19937 random(18);
    int stops = 0;
    for (bool begun = false;; begun = true) {
      SampleOptions part = o;
      part.threads = 1 + int(random() % 3);
      int left = 1 + int(random() % 20);
      part.cancel = [&left] { return --left < 0; };
      try {
        const Fit fit = begun ? go_on(part) : begin(part);
        if (fit.stopped_early()) {
          ++stops;
          continue;
        }
        expect_same_run(whole, fit);
        break;
      } catch (const Stopped&) {
      }
    }
    EXPECT_GT(stops, 0);
    EXPECT_EQ(files(), 0u);
  }
}

TEST_F(Checkpoints, OfAnotherRunAreRefused) {
  stop_one();
  const auto refuse = [&](auto change, const std::vector<std::string>& parts) {
    SampleOptions o = options();
    change(o);
    expect_refused(o, parts);
  };
  refuse([](SampleOptions& o) { o.seed = 4; }, {"another seed (3 there, 4 here;"});
  refuse([](SampleOptions& o) { o.chains = 21; }, {"another chains (20 there, 21 here;"});
  refuse([](SampleOptions& o) { o.draws = 151; }, {"another draws"});
  refuse([](SampleOptions& o) { o.warmup = 61; }, {"another warmup"});
  refuse([](SampleOptions& o) { o.until.ess = 10; }, {"another until"});
  refuse([](SampleOptions& o) { o.keep = {"mu_alpha"}; }, {"another keep"});
  refuse([](SampleOptions& o) { o.precision = Precision::mixed; }, {"another precision (double there, mixed here;"});
  refuse([](SampleOptions& o) { o.target_acceptance = 0.9; }, {"another target_acceptance"});
  refuse([](SampleOptions& o) { o.init = InitPrior{}; }, {"another init"});
  expect_refused(options(), {"another"}, "eight_schools");
  const ZooModel& radon = zoo_model("radon");
  Data other = example_data(radon);
  Data::Field y = other.fields().at("log_radon");
  y.values[7] += 1e-9;
  other.set("log_radon", y);
  EXPECT_NE(message_of([&] { resume(*radon.table(), other, options()); }).find("another data (it has changed since;"),
            std::string::npos);
  EXPECT_FALSE(go_on(options()).stopped_early());  // the refused have done no harm
}

TEST_F(Checkpoints, ThatAreDamagedAreRefused) {
  stop_one();
  const std::string good = content(file("run")), draws = content(file("run.draws"));
  std::mt19937 random(5);
  const auto refuse = [&](const std::string& bytes, const std::string& part) {
    write(file("run"), bytes);
    expect_refused(options(), {part});
  };
  for (int i = 0; i < 200; ++i) {
    std::string bad = good;
    const std::size_t at = 12 + random() % (bad.size() - 12);
    bad[at] = char(bad[at] ^ (1 << random() % 8));
    refuse(bad, "is damaged");
  }
  for (int i = 0; i < 50; ++i) refuse(good.substr(0, 12 + random() % (good.size() - 12)), "is damaged");
  refuse(good + "x", "is damaged");
  refuse(std::string(good).replace(8, 1, 1, '\x7f'), "another version");
  refuse("", "is no checkpoint");
  refuse("{\"y\": [1, 2, 3], \"sigma\": [1]}", "is no checkpoint");
  fs::remove(file("run"));
  expect_refused(options(), {"There is no checkpoint"});

  write(file("run"), good);
  write(file("run.draws"), draws.substr(0, draws.size() - 1));
  expect_refused(options(), {"run.draws' is damaged"});
  write(file("run.draws"), std::string(draws).replace(9, 1, "?"));
  expect_refused(options(), {"does not belong to the checkpoint"});
  fs::remove(file("run.draws"));
  expect_refused(options(), {"must lie beside it"});
  write(file("run.draws"), draws);
  EXPECT_FALSE(go_on(options()).stopped_early());
}

TEST_F(Checkpoints, WithADamagedDrawAreRefused) {
  SampleOptions o = options();
  o.draws = 20000;
  o.keep = {"mu_alpha"};
  o.log_likelihood = o.predictive = false;
  for (int left = 10;; ++left) {  // until it ends with draws
    o.cancel = [n = left]() mutable { return --n < 0; };
    try {
      ASSERT_TRUE(begin(o).stopped_early());
      break;
    } catch (const Stopped&) {
      for (const char* name : {"run", "run.draws"}) fs::remove(file(name));
    }
  }
  std::string draws = content(file("run.draws"));
  draws[10000] = char(draws[10000] ^ 1);  // of warmup's
  write(file("run.draws"), draws);
  o.cancel = {};
  o.checkpoint.every = 60;
  expect_refused(o, {"run.draws' is damaged"});
  EXPECT_TRUE(fs::exists(file("run")));
}

TEST_F(Checkpoints, OverwriteNothing) {
  stop_one();
  const std::string before = content(file("run"));
  EXPECT_NE(message_of([&] { begin(options()); }).find("is there already"), std::string::npos);
  EXPECT_EQ(content(file("run")), before);
  fs::remove(file("run"));
  EXPECT_FALSE(begin(options()).stopped_early());  // draws of a run that had no checkpoint yet are no loss
  write(file("run.draws"), "what is not ours");
  EXPECT_NE(message_of([&] { begin(options()); }).find("no log of draws"), std::string::npos);
  EXPECT_EQ(content(file("run.draws")), "what is not ours");
  SampleOptions o = options();
  o.checkpoint.every = 0;
  EXPECT_NE(message_of([&] { begin(o); }).find("checkpoint.every is 0"), std::string::npos);
  o = options();
  o.checkpoint.file = file("no_folder") / "run";
  EXPECT_NE(message_of([&] { begin(o); }).find("Create the folder"), std::string::npos);
}

// ---------------------------------------------------------------- processes

struct Outcome {
  int code = -1;  // 128 + signal if one ended it
  std::string out, err;
};

class Killed : public Checkpoints {
 protected:
  pid_t start(Words words) const {
    words.insert(words.begin(), program_);
    const pid_t child = fork();
    if (child != 0) return child;
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    if (chdir(folder_.c_str()) != 0 || dup2(open("/dev/null", O_RDONLY), 0) < 0 ||
        dup2(open((folder_ / "out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), 1) < 0 ||
        dup2(open((folder_ / "err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666), 2) < 0)
      _exit(126);
    execv(pointers[0], pointers.data());
    _exit(127);
  }
  Outcome end_of(pid_t child) const {
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content(folder_ / "out"),
            content(folder_ / "err")};
  }
  Outcome run(const Words& words) const { return end_of(start(words)); }
  // Until `child` has saved its state for the first time, or has ended.
  void wait_until_saved(pid_t child, bool resumed) const {
    const auto of_file = [&] { return fs::exists(file("run")) ? fs::last_write_time(file("run")) : fs::file_time_type::min(); };
    const fs::file_time_type before = resumed ? of_file() : fs::file_time_type::min();
    siginfo_t ended{};
    while (of_file() == before && waitid(P_PID, id_t(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  static double seconds_since(std::chrono::steady_clock::time_point then) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
  }

  std::string program_ = LOCKSTEP_PROGRAM;
};

// LOCKSTEP_KILL_POINTS=200 is the long run.
TEST_F(Killed, AtRandomPointsARunGoesOnBitForBit) {
  const char* wanted_text = std::getenv("LOCKSTEP_KILL_POINTS");
  const int wanted = wanted_text ? std::atoi(wanted_text) : 12;
  std::mt19937 random(29);
  int kills[2][2] = {};  // SIGTERM or SIGKILL; before or after there were draws
  int runs = 0, begun_anew = 0;
  double longest_exit = 0;
  const auto killed = [&] { return kills[0][0] + kills[0][1] + kills[1][0] + kills[1][1]; };
  const auto in_phase = [&](bool draws) { return kills[0][draws] + kills[1][draws]; };
  // Two kinds of runs, by turns: most of the first is warmup, most of the second is not.
  while (killed() < wanted || in_phase(false) == 0 || in_phase(true) == 0) {
    SCOPED_TRACE(runs);
    const std::string seed = std::to_string(++runs);
    const bool long_warmup = runs % 2 == 1;
    Words words{"sample",   "radon",
                "--chains", "24",
                "--warmup", long_warmup ? "2000" : "100",
                "--draws",  long_warmup ? "1000" : "2500",
                "--keep",   "mu_alpha,sigma_y",
                "--threads", "2", "--seed", seed, "--out", "fit.nc"};
    if (!long_warmup) words.insert(words.end(), {"--keep-warmup", "--log-lik", "--predictive", "auto", "--thin", "10"});
    const auto started = std::chrono::steady_clock::now();
    ASSERT_EQ(run(words).code, 0);
    const double whole_seconds = seconds_since(started);
    const Fit whole = read_netcdf(file());
    fs::remove(file());
    words.insert(words.end(), {"--checkpoint", "run", "--every", "0.05s"});
    for (bool finished = false; !finished;) {
      const bool exists = fs::exists(file("run"));
      begun_anew += !exists;
      const pid_t child = start(exists ? Words{"resume", "run", "--overwrite", "--threads", std::to_string(1 + random() % 3)} : words);
      // Three of four get further than those before them, however slow the machine is; one ends at any moment.
      std::uniform_real_distribution<double> share(0, 0.5);
      if (random() % 4 != 0) wait_until_saved(child, exists);
      std::this_thread::sleep_for(std::chrono::duration<double>(whole_seconds * share(random)));
      const bool by_kill = random() % 2 == 0;
      const auto sent = std::chrono::steady_clock::now();
      kill(child, by_kill ? SIGKILL : SIGTERM);
      const Outcome outcome = end_of(child);
      if (!by_kill) longest_exit = std::max(longest_exit, seconds_since(sent));
      // Killed when the results were complete, a run may have left files of its checkpoint.
      const bool at_its_end = outcome.code != 0 && fs::exists(file()) && !fs::exists(file("run"));
      finished = outcome.code == 0 || at_its_end;
      // The signal came too late, in time, or before the program was there to take note of it.
      ASSERT_TRUE(finished || outcome.code == (by_kill ? 128 + SIGKILL : 4) ||
                  (!by_kill && outcome.code == 128 + SIGTERM))
          << outcome.code << outcome.err;
      for (const fs::directory_entry& each : fs::directory_iterator(folder_))
        if (each.path().extension() == ".nc") read_netcdf(each.path());  // throws if it does not open
      if (at_its_end)
        for (const char* name : {"run.nc", "run.draws"}) fs::remove(file(name));
      if (finished) break;
      bool any_draws = false;
      if (fs::exists(file("run")) && !fs::exists(file())) {
        const Outcome so_far = run({"resume", "run", "--draws-so-far"});
        any_draws = so_far.code == 0;
        if (any_draws) {
          EXPECT_TRUE(read_netcdf(file("run.nc")).stopped_early());
        } else {
          EXPECT_EQ(so_far.code, 1) << so_far.err;
          EXPECT_NE(so_far.err.find("There are no draws"), std::string::npos) << so_far.err;
        }
      }
      ++kills[by_kill][any_draws];
    }
    expect_same_run(whole, read_netcdf(file()));
    for (const char* name : {"fit.nc", "out", "err"}) fs::remove(file(name));
    EXPECT_EQ(files(), 0u);
  }
  std::printf(
      "%d kill points in %d runs: SIGTERM %d before and %d after the first draws, SIGKILL %d and %d; begun anew %d "
      "times; exit after SIGTERM in at "
      "most %.2f s\n",
      killed(), runs, kills[0][0], kills[0][1], kills[1][0], kills[1][1], begun_anew - runs, longest_exit);
  EXPECT_LT(longest_exit, 10);
}

TEST_F(Killed, ARunLosesAtMostAnInterval) {
  const pid_t child =
      start({"sample", "radon", "--chains", "16", "--warmup", "1000000", "--checkpoint", "run", "--every", "0.2s"});
  std::this_thread::sleep_for(std::chrono::seconds(3));
  kill(child, SIGKILL);
  const auto now = fs::file_time_type::clock::now();
  EXPECT_EQ(end_of(child).code, 128 + SIGKILL);
  ASSERT_TRUE(fs::exists(file("run")));
  EXPECT_LT(std::chrono::duration<double>(now - fs::last_write_time(file("run"))).count(), 2);  // of a busy machine
}

TEST_F(Killed, ByAnotherProgramARunDoesNotGoOn) {
  const pid_t child =
      start({"sample", "radon", "--chains", "16", "--warmup", "1000000", "--checkpoint", "run", "--every", "0.2s"});
  for (int i = 0; i < 3000 && !fs::exists(file("run")); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const Outcome second = run({"resume", "run"});
  EXPECT_EQ(second.code, 1);
  EXPECT_NE(second.err.find("is in use"), std::string::npos) << second.err;
  kill(child, SIGTERM);
  const Outcome outcome = end_of(child);
  EXPECT_EQ(outcome.code, 4);
  program_ = file("other");
  fs::copy_file(LOCKSTEP_PROGRAM, program_);
  std::ofstream(program_, std::ios::app) << "x";  // the same, and yet another
  const Outcome other = run({"resume", "run"});
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.err.find("another program (it has changed since;"), std::string::npos) << other.err;
}

TEST_F(Killed, ARunSaysWhatToDo) {
  const pid_t child = start({"sample", "radon", "--chains", "16", "--warmup", "20", "--draws", "100000000", "--keep",
                             "mu_alpha", "--checkpoint", "run"});
  for (int i = 0; i < 600 && content(file("err")).find("warmup: done") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  kill(child, SIGINT);
  const Outcome outcome = end_of(child);
  EXPECT_EQ(outcome.code, 4);
  EXPECT_TRUE(std::regex_search(
      outcome.err,
      std::regex(R"(lockstep: Stopped by a signal \(\d+ of 100000000 draws of each chain are in 'run\.nc'\)\. )"
                 R"(Go on with: lockstep resume run\n)")))
      << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(run({"summary", "run.nc"}).code, 0);
  EXPECT_EQ(run({"resume", "nothing"}).code, 1);
  EXPECT_EQ(run({"sample", "radon", "--every", "60s"}).code, 2);
  for (const char* time : {"60", "0s", "-1m", "1 h", "nans", "s"})
    EXPECT_EQ(run({"sample", "radon", "--checkpoint", "other", "--every", time}).code, 2) << time;
}

}  // namespace
}  // namespace lockstep
