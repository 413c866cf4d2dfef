// Models of one's own: found in their file, compiled once, loaded; errors name the file and the line.

#include "host/plugin.hpp"

#include <cstdlib>
#include <fstream>
#include <thread>

#include <unistd.h>

#include <gtest/gtest.h>

#include "lockstep/sample.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

constexpr const char* decay_model = R"(#include "lockstep/model.hpp"

using namespace lockstep;

struct Decay {
  Dim time;
  Real y;
  explicit Decay(Dataset& d) : time(d.dim("time")), y(d.real("y", time)) {}
  template <class M> LOCKSTEP_FN void operator()(M& m) const {
    auto rate = m.param("rate", half_normal(1));
    m.observe("y", y, time, [&](auto) { return exponential(rate); });
  }
};
)";

// A folder for models, and a cache of its own, gone when the test ends.
class Plugin : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/lockstep plugin XXXXXX";  // with a space, as people have them
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    ::setenv("LOCKSTEP_CACHE", (folder_ / "cache").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("LOCKSTEP_CACHE");
    ::unsetenv("LOCKSTEP_CXX");
    fs::remove_all(folder_);
  }
  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  static std::string error_of(const fs::path& model) {
    try {
      build_model(model, [](const std::string&) {});
    } catch (const BuildError& error) {
      return error.what();
    }
    return "";
  }
  fs::path folder_;
};

TEST_F(Plugin, AModelOfOnesOwnIsCompiledLoadedAndSampled) {
  const fs::path model = write("decay.hpp", decay_model);
  std::vector<std::string> said;
  const ModelTable& table = load_model(model, [&](const std::string& line) { said.push_back(line); });
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("compiling"), std::string::npos);
  Data data;
  data.set("y", std::vector<double>{0.5, 1.5, 1.0});
  SampleOptions options;
  options.chains = 64;
  options.draws = 400;
  const Fit fit = sample(table, data, options);
  // Posterior kernel rate^3 exp(-3 rate - rate^2/2) on rate > 0; its mean by quadrature.
  double mass = 0, first = 0;
  for (double r = 0.0005; r < 20; r += 0.001) {
    const double density = r * r * r * std::exp(-3 * r - r * r / 2);
    mass += density;
    first += r * density;
  }
  double mean = 0;
  const std::vector<double>& rate = fit.variable("posterior", "rate").values;
  for (double r : rate) mean += r / double(rate.size());
  // 25,600 draws, sd 0.4: five standard errors at ESS 10,000, a false alarm in a million.
  EXPECT_NEAR(mean, first / mass, 5 * 0.4 / 100);
}

TEST_F(Plugin, TheSecondUseTakesItFromTheCacheAndAChangeCompilesAgain) {
  write("shared.hpp", "inline double scale() { return 1; }\n");
  const std::string with_include = std::string("#include \"shared.hpp\"\n") + decay_model;
  const fs::path model = write("decay.hpp", with_include);
  const auto quiet = [](const std::string&) {};
  const PluginBuild first = build_model(model, quiet);
  EXPECT_TRUE(first.compiled);
  EXPECT_FALSE(build_model(model, quiet).compiled);
  // What it includes counts too.
  write("shared.hpp", "inline double scale() { return 2; }\n");
  const PluginBuild changed = build_model(model, quiet);
  EXPECT_TRUE(changed.compiled);
  EXPECT_NE(first.library, changed.library);
}

TEST_F(Plugin, TwoAtOnceCompileOnce) {
  const fs::path model = write("decay.hpp", decay_model);
  PluginBuild builds[2];
  {
    std::jthread other([&] { builds[1] = build_model(model, [](const std::string&) {}); });
    builds[0] = build_model(model, [](const std::string&) {});
  }
  EXPECT_EQ(builds[0].compiled + builds[1].compiled, 1);
  EXPECT_EQ(builds[0].library, builds[1].library);
}

TEST_F(Plugin, AnErrorOfTheCompilerStartsWithTheUsersFileAndLine) {
  std::string broken = decay_model;
  broken.replace(broken.find("half_normal(1)"), 14, "half_normal(on)");
  const std::string error = error_of(write("broken.hpp", broken));
  EXPECT_NE(error.find("does not compile"), std::string::npos) << error;
  const std::size_t line = error.find("broken.hpp:10:");
  ASSERT_NE(line, std::string::npos) << error;
  EXPECT_EQ(error.find(".hpp:"), error.find("broken.hpp:") + 6) << error;
}

TEST_F(Plugin, AFileWithoutAModelOrWithTwoIsRefused) {
  EXPECT_NE(error_of(write("none.hpp", "int x;\n")).find("holds no model"), std::string::npos);
  std::string two = decay_model, second = decay_model;
  for (std::size_t at; (at = second.find("Decay")) != std::string::npos;) second.replace(at, 5, "Other");
  EXPECT_NE(error_of(write("two.hpp", two + second)).find("holds 2 models"), std::string::npos);
  EXPECT_NE(error_of(folder_ / "missing.hpp").find("could not be opened"), std::string::npos);
}

TEST_F(Plugin, WithoutACompilerTheErrorSaysWhatToInstall) {
  ::setenv("LOCKSTEP_CXX", "no-such-compiler", 1);
  const std::string error = error_of(write("decay.hpp", decay_model));
  EXPECT_NE(error.find("there is no compiler 'no-such-compiler'"), std::string::npos) << error;
  EXPECT_NE(error.find("Install g++"), std::string::npos) << error;
  EXPECT_FALSE(fs::exists(folder_ / "cache"));
}

TEST_F(Plugin, AModelInANamespaceIsFound) {
  std::string text = decay_model;
  text.replace(text.find("struct Decay"), 12, "namespace mine {\nstruct Decay");
  EXPECT_TRUE(build_model(write("spaced.hpp", text + "}\n"), [](const std::string&) {}).compiled);
}

}  // namespace
}  // namespace lockstep
