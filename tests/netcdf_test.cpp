// The file of a fit: what is written comes back, and what goes wrong leaves one clear message and nothing else.
#include "host/netcdf.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <random>

#include "host/diagnostics.hpp"
#include "host/digest.hpp"
#include "tests/message_of.hpp"
#include "tests/temporary_folder.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

class NetCDF : public WithFolder {};

// 4 chains × 50 draws: scalars, vectors, a matrix, every type, labels that need UTF-8.
Fit example() {
  Fit fit;
  fit.chains = 4;
  fit.draws = 50;
  fit.superchain = {0, 0, 1, 1};
  fit.dimensions = {{"school", 3, {"Choate", "Deerfield", "Zürich ✓"}}, {"time", 2, {}}};
  std::mt19937_64 generator(1);
  std::normal_distribution<double> normal;
  const auto draws = [&](std::size_t size) {
    std::vector<double> values(fit.chains * fit.draws * size);
    for (double& each : values) each = normal(generator);
    return values;
  };
  std::vector<double> flags = draws(1), counts = draws(1);
  for (double& each : flags) each = each > 1;
  for (double& each : counts) each = std::floor(100 * each);
  fit.groups = {
      {"posterior",
       true,
       {{"mu", {}, {}, ElementType::real, draws(1)},
        {"theta", {"school"}, {3}, ElementType::real, draws(3)},
        {"alpha", {"time", "school"}, {2, 3}, ElementType::real, draws(6)}}},
      {"sample_stats",
       true,
       {{"lp", {}, {}, ElementType::real, draws(1)},
        {"diverging", {}, {}, ElementType::boolean, flags},
        {"n_steps", {}, {}, ElementType::integer, counts}}},
      {"observed_data",
       false,
       {{"y", {"school"}, {3}, ElementType::real, {28, std::nan(""), -3}}, {"J", {}, {}, ElementType::integer, {3}}}},
  };
  fit.attributes = {{"sampling_time", 1.25},
                    {"tuning_steps", 100.0},
                    {"model", std::string("eight schools")},
                    {"sampled_variables", std::vector<std::string>{"mu", "theta"}}};
  return fit;
}

void expect_same(const std::vector<double>& a, const std::vector<double>& b, const std::string& name) {
  ASSERT_EQ(a.size(), b.size()) << name;
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i] == b[i] || (a[i] != a[i] && b[i] != b[i])) << name << i;
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST_F(NetCDF, WhatIsWrittenComesBack) {
  const Fit fit = example();
  write_netcdf(fit, file());
  const Fit back = read_netcdf(file());
  EXPECT_EQ(back.chains, 4u);
  EXPECT_EQ(back.draws, 50u);
  EXPECT_EQ(back.superchain, fit.superchain);
  ASSERT_EQ(back.groups.size(), fit.groups.size());
  for (std::size_t g = 0; g < fit.groups.size(); ++g) {
    EXPECT_EQ(back.groups[g].name, fit.groups[g].name);
    EXPECT_EQ(back.groups[g].per_draw, fit.groups[g].per_draw);
    ASSERT_EQ(back.groups[g].variables.size(), fit.groups[g].variables.size());
    for (std::size_t v = 0; v < fit.groups[g].variables.size(); ++v) {
      const Variable &a = fit.groups[g].variables[v], &b = back.groups[g].variables[v];
      EXPECT_EQ(b.name, a.name);
      EXPECT_EQ(b.dims, a.dims);
      EXPECT_EQ(b.shape, a.shape);
      EXPECT_EQ(b.type, a.type) << a.name;
      expect_same(b.values, a.values, a.name);
    }
  }
  for (const auto& [name, value] : fit.attributes) EXPECT_EQ(back.attributes.at(name), value) << name;
  EXPECT_EQ(std::get<std::string>(back.attributes.at("creation_library")), "lockstep");
}

TEST_F(NetCDF, DimensionsKeepTheirSizesAndLabels) {
  write_netcdf(example(), file());
  const Fit back = read_netcdf(file());
  ASSERT_EQ(back.dimensions.size(), 2u);
  EXPECT_EQ(back.dimensions[0].name, "school");
  EXPECT_EQ(back.dimensions[0].labels, example().dimensions[0].labels);
  EXPECT_EQ(back.dimensions[1].name, "time");
  EXPECT_EQ(back.dimensions[1].size, 2u);
  EXPECT_TRUE(back.dimensions[1].labels.empty());
  EXPECT_EQ(element_names(back, back.variable("posterior", "alpha")).at(5), "alpha[1, Zürich ✓]");
}

TEST_F(NetCDF, BooleansComeBackAsBooleans) {
  write_netcdf(example(), file());
  const Fit back = read_netcdf(file());
  EXPECT_EQ(back.variable("sample_stats", "diverging").type, ElementType::boolean);
  EXPECT_EQ(back.variable("sample_stats", "n_steps").type, ElementType::integer);
}

TEST_F(NetCDF, OnlyTheGroupsThatAreAskedForAreRead) {
  write_netcdf(example(), file());
  const Fit back = read_netcdf(file(), {"posterior", "log_likelihood"});
  EXPECT_EQ(back.groups.size(), 1u);
  EXPECT_EQ(back.groups[0].variables.size(), 3u);
  EXPECT_TRUE(back.superchain.empty());
}

TEST_F(NetCDF, AFitIsTheSameAfterASecondRoundTrip) {
  write_netcdf(example(), file("first.nc"));
  write_netcdf(read_netcdf(file("first.nc")), file("second.nc"));
  const Fit first = read_netcdf(file("first.nc")), second = read_netcdf(file("second.nc"));
  EXPECT_EQ(first.attributes, second.attributes);
  EXPECT_EQ(first.variable("posterior", "alpha").values, second.variable("posterior", "alpha").values);
}

TEST_F(NetCDF, EmptyArraysAndFitsWithoutDrawsAreFiles) {
  Fit fit;
  fit.chains = 2;
  fit.dimensions = {{"none", 0, {}}};
  fit.groups = {{"posterior", true, {{"x", {"none"}, {0}, ElementType::real, {}}, {"mu", {}, {}, {}, {}}}}};
  write_netcdf(fit, file());
  const Fit back = read_netcdf(file());
  EXPECT_EQ(back.chains, 2u);
  EXPECT_EQ(back.draws, 0u);
  EXPECT_EQ(back.variable("posterior", "x").shape, std::vector<std::size_t>{0});
}

TEST_F(NetCDF, ALongRunIsChunkedAndComesBack) {
  Fit fit;
  fit.chains = 3;
  fit.draws = 7000;
  Variable x{"x", {"i"}, {40}, ElementType::real, std::vector<double>(3 * 7000 * 40)};
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] = static_cast<double>(i % 1013);
  fit.groups = {{"posterior", true, {x}}};
  write_netcdf(fit, file());
  EXPECT_LT(fs::file_size(file()), x.values.size() * sizeof(double) * 11 / 10) << "chunks that are partly empty";
  EXPECT_EQ(read_netcdf(file()).variable("posterior", "x").values, x.values);

  const hid_t opened = H5Fopen(file().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t set = H5Dopen2(opened, "/posterior/x", H5P_DEFAULT), properties = H5Dget_create_plist(set);
  hsize_t chunk[3];
  ASSERT_EQ(H5Pget_chunk(properties, 3, chunk), 3);
  EXPECT_LE(chunk[0] * chunk[1] * chunk[2] * sizeof(double), std::size_t{1} << 20);
  EXPECT_EQ(chunk[1], 7000u);  // all draws of a scalar together: one reads scalar by scalar
  EXPECT_EQ(chunk[2], 14u);    // and a third of the elements, that it is no more than 1 MiB
  H5Pclose(properties);
  H5Dclose(set);
  H5Fclose(opened);
}

TEST_F(NetCDF, AnOlderFileIsReplacedWhole) {
  std::ofstream(file()) << "something else";
  write_netcdf(example(), file());
  EXPECT_EQ(read_netcdf(file()).draws, 50u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(NetCDF, AFolderThatIsNotThereIsNamedWithTheReason) {
  const std::string message = message_of([&] { write_netcdf(example(), file("nowhere/fit.nc")); });
  expect_contains(message, "nowhere/fit.nc' (No such file or directory). Create the folder");
  EXPECT_EQ(files(), 0u);
}

TEST_F(NetCDF, AFileInPlaceOfAFolderAndAFolderInPlaceOfAFileAreRefused) {
  std::ofstream(file("plain")) << "x";
  expect_contains(message_of([&] { write_netcdf(example(), file("plain/fit.nc")); }), "(Not a directory)");
  fs::create_directory(file("folder"));
  expect_contains(message_of([&] { write_netcdf(example(), file("folder")); }), "(Is a directory)");
  expect_contains(message_of([&] { read_netcdf(file("folder")); }), "it is a folder");
  EXPECT_EQ(files(), 2u);
}

TEST_F(NetCDF, AFolderWithoutPermissionIsRefused) {
  if (geteuid() == 0) GTEST_SKIP() << "the superuser may write everywhere";
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  const std::string message = message_of([&] { write_netcdf(example(), file()); });
  fs::permissions(folder_, fs::perms::owner_all);
  expect_contains(message, "(Permission denied). Choose a folder");
  EXPECT_EQ(files(), 0u);
}

// In a process of its own, whose files may not grow beyond 4 kB: to a writer that is a full disk.
TEST_F(NetCDF, AFullDiskIsOneMessageAndLeavesTheOldFileAsItWas) {
  std::ofstream(file()) << "the old file";
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message = message_of([&] { write_netcdf(example(), file()); });
    std::exit(message.find("(File too large). Free some space") != std::string::npos ? 0 : 1);  // as a program ends
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  std::string text;
  std::getline(std::ifstream(file()) >> std::ws, text);
  EXPECT_EQ(text, "the old file");
  EXPECT_EQ(files(), 1u);
}

// A group of chains x draws x 40 reals and a flag, as many draws as come.
Outline endless() {
  Outline outline;
  outline.chains = 4;
  outline.draws.push_back(
      {{"posterior", true, {{"x", {"i"}, {40}, {}, {}}, {"flag", {}, {}, ElementType::boolean, {}}}}, 100000, 64});
  return outline;
}

// Draw d of chain c has the value 1000 d + 100 c + i in element i, and the flag where d is odd.
void append(DrawSink& sink, std::size_t first, std::size_t draws) {
  std::vector<std::size_t> numbers;
  std::vector<double> x, flag;
  for (std::size_t d = first; d < first + draws; ++d) numbers.push_back(d);
  for (std::size_t c = 0; c < 4; ++c)
    for (std::size_t d : numbers) {
      for (std::size_t i = 0; i < 40; ++i) x.push_back(double(1000 * d + 100 * c + i));
      flag.push_back(double(d % 2));
    }
  sink.append(0, numbers, std::vector<std::span<const double>>{x, flag});
}

TEST_F(NetCDF, DrawsThatComeInUnevenBlocksAreOneArray) {
  {
    NetcdfWriter writer(file(), false);
    writer.open(endless());
    std::size_t done = 0;
    for (std::size_t draws : {64u, 64u, 1u, 63u, 200u, 7u}) {
      append(writer, done, draws);
      done += draws;
    }
    EXPECT_FALSE(fs::exists(file())) << "it is not whole yet";
    writer.close({{"answer", 42.0}});
    EXPECT_EQ(writer.path(), file());
  }
  const Fit fit = read_netcdf(file());
  ASSERT_EQ(fit.draws, 399u);
  EXPECT_EQ(fit.variable("posterior", "flag").type, ElementType::boolean);
  EXPECT_EQ(std::get<double>(fit.attributes.at("answer")), 42);
  for (std::size_t c = 0; c < 4; ++c)
    for (std::size_t d = 0; d < 399; ++d) {
      EXPECT_EQ(fit.variable("posterior", "flag").values[c * 399 + d], double(d % 2));
      for (std::size_t i = 0; i < 40; ++i)
        ASSERT_EQ(fit.variable("posterior", "x").values[(c * 399 + d) * 40 + i], double(1000 * d + 100 * c + i));
    }
  EXPECT_EQ(files(), 1u);
}

TEST_F(NetCDF, AFileThatIsNotClosedIsNoFile) {
  {
    NetcdfWriter writer(file(), false);
    writer.open(endless());
    append(writer, 0, 10);
    EXPECT_EQ(files(), 1u);
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(NetCDF, TwoFilesCanBeWrittenAtOnce) {
  NetcdfWriter one(file("one.nc"), false), two(file("two.nc"), false), same(file("two.nc"), false);
  for (NetcdfWriter* writer : {&one, &two, &same}) writer->open(endless());
  for (std::size_t block = 0; block < 5; ++block)
    for (NetcdfWriter* writer : {&one, &two, &same}) append(*writer, 10 * block, 10);
  for (NetcdfWriter* writer : {&one, &two, &same}) writer->close({});
  EXPECT_EQ(same.path().filename(), "two-2.nc");
  for (const char* name : {"one.nc", "two.nc", "two-2.nc"}) EXPECT_EQ(read_netcdf(file(name)).draws, 50u) << name;
}

// As the one above, of a file that has grown for a while: what HDF5 still has to write then must not bring it down.
TEST_F(NetCDF, ADiskThatFillsUpIsOneMessageAndTheProcessEndsWell) {
  for (rlim_t bytes : {60000u, 300000u, 1000000u, 3000000u}) {
    const pid_t child = fork();
    if (child == 0) {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit{bytes, bytes};
      setrlimit(RLIMIT_FSIZE, &limit);
      const std::string message = message_of([&] {
        NetcdfWriter writer(file(), true);
        writer.open(endless());
        for (std::size_t block = 0; block < 100; ++block) append(writer, 64 * block, 64);
        writer.close({});
      });
      std::exit(message.find("(File too large). Free some space") != std::string::npos ? 0 : 1);  // as a program ends
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << bytes << ": " << status;
    EXPECT_EQ(files(), 0u) << bytes;
  }
}

TEST_F(NetCDF, PartsOfAFileCanBeReadAlone) {
  NetcdfWriter writer(file(), false);
  writer.open(endless());
  append(writer, 0, 64);
  append(writer, 64, 30);
  writer.close({});
  const FitFile part(file());
  const Group& posterior = part.outline().group("posterior");
  const Variable &x = posterior.variables[0], &flag = posterior.variables[1];
  EXPECT_TRUE(x.values.empty());
  EXPECT_EQ(part.read(posterior, x, {1, 2}, {63, 2}, {38, 2}),
            (std::vector<double>{63138, 63139, 64138, 64139, 63238, 63239, 64238, 64239}));
  EXPECT_EQ(part.read(posterior, flag, {3, 1}, {90, 4}), (std::vector<double>{0, 1, 0, 1}));
  EXPECT_EQ(part.read(posterior, x), read_netcdf(file()).variable("posterior", "x").values);
  expect_contains(message_of([&] { part.read(posterior, x, {0, 4}, {90, 10}); }), "Cannot read '");
}

TEST_F(NetCDF, GroupsKeepTheNumbersOfTheirDraws) {
  Fit fit = example();
  Group thinned{"log_likelihood", true, {{"y", {}, {}, ElementType::real, {1, 2, 3, 4, 5, 6, 7, 8}}}, {0, 30}};
  fit.groups.push_back(thinned);
  write_netcdf(fit, file());
  const Fit back = read_netcdf(file());
  EXPECT_EQ(back.draws, 50u);
  EXPECT_TRUE(back.group("posterior").draw_numbers.empty());
  EXPECT_EQ(back.group("log_likelihood").draw_numbers, (std::vector<std::size_t>{0, 30}));
  EXPECT_EQ(back.draws_of(back.group("log_likelihood")), 2u);
  EXPECT_EQ(back.variable("log_likelihood", "y").values, thinned.variables[0].values);
  thinned.draw_numbers.pop_back();
  fit.groups.back() = thinned;
  EXPECT_THROW(write_netcdf(fit, file()), std::invalid_argument);
}

TEST_F(NetCDF, ADigestHasTheFiguresOfTheWholeFit) {
  const Fit fit = example();
  write_netcdf(fit, file());
  const Digest digested = digest(FitFile(file()));
  const std::vector<NamedDiagnosis> all = diagnose(fit);
  ASSERT_EQ(digested.diagnoses.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(digested.diagnoses[i].name, all[i].name);
    EXPECT_EQ(digested.diagnoses[i].diagnosis.mean, all[i].diagnosis.mean) << all[i].name;
    EXPECT_EQ(digested.diagnoses[i].diagnosis.ess_bulk, all[i].diagnosis.ess_bulk) << all[i].name;
    EXPECT_EQ(digested.diagnoses[i].diagnosis.r_hat_nested, all[i].diagnosis.r_hat_nested) << all[i].name;
  }
  EXPECT_EQ(digested.fit.variable("sample_stats", "diverging").values,
            fit.variable("sample_stats", "diverging").values);
  EXPECT_TRUE(digested.fit.variable("posterior", "mu").values.empty());
}

TEST_F(NetCDF, ADigestOfVeryManyDrawsIsThatOfTheThinnedOnes) {
  const Fit fit = example();  // 4 chains x 50 draws
  write_netcdf(fit, file());
  const Digest digested = digest(FitFile(file()), 70);
  EXPECT_EQ(digested.every, 3u);
  EXPECT_EQ(digested.draws_stored, 50u);
  EXPECT_EQ(digested.fit.draws, 17u);
  expect_contains(digested.note(), "one draw in 3 (17 of 50 of each chain");
  const Variable &theta = fit.variable("posterior", "theta"), &energy = fit.variable("sample_stats", "diverging");
  std::vector<double> thinned, flags;
  for (std::size_t c = 0; c < 4; ++c)
    for (std::size_t d = 0; d < 50; d += 3) {
      thinned.push_back(theta.values[(c * 50 + d) * 3 + 2]);
      flags.push_back(energy.values[c * 50 + d]);
    }
  Diagnoser diagnose_one;
  const Diagnosis expected = diagnose_one({thinned.data(), 4, 17, 17, 1}, fit.superchain);
  EXPECT_EQ(digested.diagnoses[3].name, "theta[Zürich ✓]");
  EXPECT_EQ(digested.diagnoses[3].diagnosis.mean, expected.mean);
  EXPECT_EQ(digested.diagnoses[3].diagnosis.ess_tail, expected.ess_tail);
  EXPECT_EQ(digested.fit.variable("sample_stats", "diverging").values, flags);
}

TEST_F(NetCDF, ATruncatedFileIsRefusedWhereverItEnds) {
  write_netcdf(example(), file());
  const auto size = fs::file_size(file());
  for (std::uintmax_t kept : {size - 1, size / 2, size / 10, std::uintmax_t{40}, std::uintmax_t{8}}) {
    write_netcdf(example(), file());
    fs::resize_file(file(), kept);
    testing::internal::CaptureStderr();
    const std::string message = message_of([&] { read_netcdf(file()); });
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "HDF5 printed its own errors";
    expect_contains(message, "Cannot read '" + file().string() + "' (");
    expect_contains(message, "whole file");
  }
}

TEST_F(NetCDF, AMissingAnEmptyAndAnotherKindOfFileAreToldApart) {
  expect_contains(message_of([&] { read_netcdf(file()); }), "there is no such file");
  std::ofstream(file()).flush();
  expect_contains(message_of([&] { read_netcdf(file()); }), "not a NetCDF-4 file");
  std::ofstream(file()) << "mu,tau\n1,2\n";
  expect_contains(message_of([&] { read_netcdf(file()); }), "not a NetCDF-4 file");
}

TEST_F(NetCDF, AnHdf5FileThatIsNoFitIsRefused) {
  H5Fclose(H5Fcreate(file().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  expect_contains(message_of([&] { read_netcdf(file()); }), "it has no group of draws");
}

TEST_F(NetCDF, AVariableWithTheNameOfADimensionIsRefused) {
  Fit fit = example();
  fit.groups[2].variables[0].name = "school";
  expect_contains(message_of([&] { write_netcdf(fit, file()); }),
                  "'observed_data/school' has the name of a dimension (");
  fit.groups[2].variables[0].name = "draw";
  EXPECT_THROW(write_netcdf(fit, file()), std::invalid_argument);
  EXPECT_EQ(files(), 0u);
}

TEST_F(NetCDF, AFitThatContradictsItselfIsRefusedBeforeAnythingIsWritten) {
  using Change = void (*)(Fit&);
  const std::pair<const char*, Change> changes[] = {
      {"'posterior/mu' do not fit its shape", [](Fit& f) { f.groups[0].variables[0].values.pop_back(); }},
      {"'time' twice",
       [](Fit& f) {
         f.groups[0].variables[2].dims = {"time", "time"};
         f.groups[0].variables[2].shape = {2, 2};
       }},
      {"'school' has two sizes",
       [](Fit& f) {
         f.dimensions[0] = {"school", 4, {}};
       }},
      {"labels of 'school'", [](Fit& f) { f.dimensions[0].labels.pop_back(); }},
      {"'posterior/mu' is there twice", [](Fit& f) { f.groups[0].variables.push_back(f.groups[0].variables[0]); }},
      {"group 'posterior' is there twice", [](Fit& f) { f.groups.push_back(f.groups[0]); }},
      {"cannot be called 'a/b'", [](Fit& f) { f.groups[0].variables[0].name = "a/b"; }},
      {"no boolean", [](Fit& f) { f.groups[1].variables[1].values[7] = 2; }},
      {"no integer", [](Fit& f) { f.groups[1].variables[2].values[7] = 0.5; }},
      {"superchains do not fit", [](Fit& f) { f.superchain.pop_back(); }},
      {"'chain' twice",
       [](Fit& f) {
         f.groups[0].variables[1].dims = {"chain"};
         f.groups[0].variables[1].shape = {4};
       }},
  };
  for (const auto& [expected, change] : changes) {
    Fit fit = example();
    change(fit);
    EXPECT_THROW(write_netcdf(fit, file()), std::invalid_argument) << expected;
    expect_contains(message_of([&] { write_netcdf(fit, file()); }), expected);
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(NetCDF, HDF5PrintsItsErrorsAgainForOthersAfterwards) {
  message_of([&] { read_netcdf(file()); });
  write_netcdf(example(), file());
  H5E_auto2_t print = nullptr;
  void* data = nullptr;
  H5Eget_auto2(H5E_DEFAULT, &print, &data);
  EXPECT_NE(print, nullptr);
}

}  // namespace
}  // namespace lockstep
