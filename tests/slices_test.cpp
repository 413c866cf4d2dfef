// Slices of a pack's gradient: the team, the gradients of compiled models, and runs in which slices share them.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include "host/host_model.hpp"
#include "host/run_plan.hpp"
#include "host/samplers.hpp"
#include "kernels/cpu/slices.hpp"
#include "lockstep/random.hpp"
#include "lockstep/sample.hpp"
#include "message_of.hpp"
#include "same_fit.hpp"

namespace lockstep {
namespace {

std::string packs_by(int slices) { return std::to_string(pack_width) + "x" + std::to_string(slices); }

// ---- the team -----------------------------------------------------------------------------------------------------

TEST(SliceTeam, MeetsAtBarriersOnAnyNumberOfCores) {
  for (const int slices : {1, 2, 3, 4, 7, 32})
    for (const int cores : {1, 2, 3, slices}) {
      if (cores > slices) continue;
      SCOPED_TRACE(std::to_string(slices) + " slices, " + std::to_string(cores) + " cores");
      SliceTeam team(slices, cores);
      std::vector<int> written(static_cast<std::size_t>(slices));
      std::atomic<int> at_work{0}, too_many{0}, wrong{0};
      constexpr int runs = 20, rounds = 3;
      for (int r = 0; r < runs; ++r)
        team.run([&](int slice) {
          for (int round = 0; round < rounds; ++round) {
            if (++at_work > cores) ++too_many;
            ++written[std::size_t(slice)];
            --at_work;
            team.barrier(slice);
            for (const int each : written)
              if (each != r * rounds + round + 1) ++wrong;
            team.barrier(slice);
          }
        });
      EXPECT_EQ(written, std::vector<int>(std::size_t(slices), runs * rounds));
      EXPECT_EQ(too_many, 0);
      EXPECT_EQ(wrong, 0);
    }
}

TEST(SliceTeam, MayEndWithoutARun) {
  for (const int cores : {1, 2, 5}) EXPECT_NO_THROW(SliceTeam(5, cores));
}

// ---- compiled models ----------------------------------------------------------------------------------------------

struct Gradient {
  std::vector<double> log_density = std::vector<double>(pack_width), gradient;  // [coordinate][lane]
};

Gradient gradient_by(const HostModel& model, const AlignedArray& position, int slices, int cores) {
  SlicedGradient sliced(model.table(), model.handle(), slices, cores);
  AlignedArray log_density(pack_width), gradient(std::size_t(model.coordinates() * pack_width));
  Gradient result;
  for (int again = 0; again < 2; ++again) sliced(position.data(), log_density.data(), gradient.data());
  std::copy_n(log_density.data(), pack_width, result.log_density.begin());
  result.gradient.assign(gradient.data(), gradient.data() + model.coordinates() * pack_width);
  return result;
}

// But for one whose example data have gaps.
TEST(SlicedGradients, OfEveryZooModelAreTheOracles) {
  for (const ZooModel& zoo_model : zoo()) {
    const Data data = example_data(zoo_model);
    const HostModel model(*zoo_model.table(), data);
    const int n = model.coordinates();
    ASSERT_NE(model.layout().has_slices, model.layout().has_missing) << zoo_model.name;
    if (model.layout().has_missing) continue;
    AlignedArray position(std::size_t(n * pack_width));
    Stream random({.seed = 11, .purpose = Purpose::start});
    for (int i = 0; i < n * pack_width; ++i) position.data()[i] = random.uniform() - 0.5;
    for (const int slices : {1, 2, 3, 4, 8}) {
      SCOPED_TRACE(std::string(zoo_model.name) + ", " + std::to_string(slices) + " slices");
      const Gradient found = gradient_by(model, position, slices, slices);
      for (int l = 0; l < pack_width; ++l) {
        std::vector<double> x, expected(static_cast<std::size_t>(n));
        for (int i = 0; i < n; ++i) x.push_back(position.data()[i * pack_width + l]);
        const double log_density = model.log_density(x.data(), expected.data());
        // Sums of up to some thousand terms in another order.
        double largest = std::max(1., std::abs(log_density));
        for (const double each : expected) largest = std::max(largest, std::abs(each));
        EXPECT_NEAR(found.log_density[std::size_t(l)], log_density, 1e-11 * largest);
        for (int i = 0; i < n; ++i)
          EXPECT_NEAR(found.gradient[std::size_t(i * pack_width + l)], expected[std::size_t(i)], 1e-11 * largest) << i;
      }
      for (const int cores : {1, 2}) {
        if (cores > slices) continue;
        const Gradient again = gradient_by(model, position, slices, cores);
        EXPECT_TRUE(same_bits(again.log_density, found.log_density)) << cores << " cores";
        EXPECT_TRUE(same_bits(again.gradient, found.gradient)) << cores << " cores";
      }
    }
  }
}

// ---- runs ---------------------------------------------------------------------------------------------------------

TEST(Slices, DecideTheBitsOfARunAndThreadsDoNot) {
  const ZooModel& model = *find_zoo_model("radon");
  for (const Sampler* sampler : samplers()) {
    SCOPED_TRACE(sampler->name);
    SampleOptions options;
    options.sampler = sampler->name;
    options.chains = pack_width + 3;  // two packs, the last of which is not full
    options.warmup = 40;
    options.draws = 20;
    const auto fit = [&](const std::string& geometry, int threads) {
      options.geometry = geometry;
      options.threads = threads;
      return sample(*model.table(), example_data(model), options);
    };
    const Fit one = fit(packs_by(3), 1);
    EXPECT_EQ(std::get<std::string>(one.attributes.at("geometry")), "cpu, packs of " + std::to_string(pack_width) + " lanes, 3 slices");
    for (const int threads : {2, 3}) expect_same(one, fit(packs_by(3), threads));
    const auto& of_two = fit(packs_by(2), 2).variable("posterior", "mu_alpha").values;
    EXPECT_FALSE(same_bits(of_two, one.variable("posterior", "mu_alpha").values));
    expect_same(fit(packs_by(1), 2), fit("auto", 1));
  }
}

Data long_regression(int rows) {
  Stream random({.seed = 12, .purpose = Purpose::prior_draw});
  std::vector<double> x, y;
  for (int i = 0; i < rows; ++i) {
    x.push_back(random.normal());
    y.push_back(1 + 2 * x.back() + random.normal());
  }
  Data data;
  std::vector<std::vector<double>> matrix;
  for (const double each : x) matrix.push_back({each});
  data.set("X", matrix);
  data.set("y", y);
  return data;
}

TEST(Slices, AreChosenByTheShapesOfChainsAndData) {
  const ModelTable& table = *find_zoo_model("linear_regression")->table();
  const auto chosen = [&](int rows, int chains, int threads = 0) {
    const Data data = long_regression(rows);
    const HostModel model(table, data);
    SampleOptions options;
    options.chains = chains;
    options.threads = threads;
    return make_run_plan(options, model, false).slices;
  };
  EXPECT_EQ(chosen(1000, 4), 1);
  EXPECT_EQ(chosen(40000, 4), 1);     // 480,000 multiplications: not twice what is worth a slice
  EXPECT_EQ(chosen(50000, 4), 2);
  EXPECT_EQ(chosen(400000, 4), 16);
  EXPECT_EQ(chosen(400000, 4, 1), 16);
  EXPECT_EQ(chosen(400000, 4 * pack_width), 8);    // fewer, the more packs there are
  EXPECT_EQ(chosen(400000, 32 * pack_width), 1);
  EXPECT_EQ(chosen(400000, 0), 1);                 // as many chains as keep all cores busy
}

TEST(Slices, OfARunThatChoosesThemGiveTheSameBitsForAnyThreads) {
  const ZooModel& model = *find_zoo_model("linear_regression");
  const Data data = long_regression(50000);
  SampleOptions options;
  options.chains = 2;
  options.warmup = 5;
  options.draws = 3;
  options.threads = 1;
  const Fit one = sample(*model.table(), data, options);
  EXPECT_NE(std::get<std::string>(one.attributes.at("geometry")).find("2 slices"), std::string::npos);
  options.threads = 2;
  expect_same(one, sample(*model.table(), data, options));
}

TEST(Slices, ThatAreNotToBeHadAreRefused) {
  const ZooModel& model = *find_zoo_model("radon");
  const Data data = example_data(model);
  const auto refusal = [&](const std::string& geometry, const Data& of, Precision precision = Precision::fp64) {
    SampleOptions options;
    options.geometry = geometry;
    options.precision = precision;
    options.chains = 2;
    options.draws = options.warmup = 1;
    return message_of([&] { sample(*model.table(), of, options); });
  };
  Data acted_on = data;
  acted_on.set_do("mu_alpha", {1});
  const std::string alone = packs_by(1);
  EXPECT_EQ(refusal(std::to_string(pack_width + 1) + "x2", data),
            "geometry is " + std::to_string(pack_width + 1) + "x2 on the CPU (whose teams are of " + std::to_string(pack_width) +
                " chains, and neither r nor g). Ask for " + alone + ", or auto.");
  EXPECT_EQ(refusal(packs_by(33), data), "geometry is " + packs_by(33) + " on the CPU (at most 32 threads share a chain). Ask for fewer.");
  EXPECT_EQ(refusal(packs_by(2), data, Precision::mixed),
            "geometry is " + packs_by(2) + " on the CPU (gradients in mixed precision are not split). Ask for " + alone + ".");
  EXPECT_EQ(refusal(packs_by(2), acted_on),
            "geometry is " + packs_by(2) + " on the CPU (gradients are not split where data are missing, or sites done or observed). Ask for " +
                alone + ".");
  EXPECT_EQ(refusal(packs_by(1), acted_on), "no error");
}

}  // namespace
}  // namespace lockstep
