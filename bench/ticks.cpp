// What the sampler adds to the gradients, for every subject: how many of the lanes' ticks are steps of a trajectory, and
// which share of a tick is not the gradient.
//
// After the usual warmup, 64 chains on one thread make blocks of 250 draws, as a run does. A lane whose chain has finished
// its draws of a block waits for the others of its pack: its ticks count, but are no steps.

#include <ctime>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/subjects.hpp"
#include "host/host_model.hpp"
#include "host/starts.hpp"
#include "host/warmup.hpp"
#include "kernels/cpu/ensemble.hpp"

namespace {

using namespace lockstep;

constexpr int chains = 64, draws = 250;

double processor_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

// A warm ensemble.
struct Run {
  HostModel model;
  CpuEnsemble ensemble;
  WarmupResult warmup;
  int drawn = 0;
  AlignedArray position, gradient, scratch;

  explicit Run(const Subject& subject)
      : model(*find_zoo_model(subject.model)->table(), subject.data),
        ensemble(model.table(), model.handle(), chains, 1, {}, 1),
        position(std::size_t(model.coordinates()) * pack_width), gradient(std::size_t(model.coordinates()) * pack_width),
        scratch(std::size_t(model.layout().scratch + 1) * pack_width) {
    const Starts starts(model, InitUniform{}, 1);
    std::vector<double> positions;
    std::vector<int> superchain;
    for (int c = 0; c < chains; ++c) {
      superchain.push_back(c % 16);
      const std::vector<double> start = starts(std::uint32_t(c % 16));
      positions.insert(positions.end(), start.begin(), start.end());
    }
    ensemble.place(positions, std::vector<char>(chains, 1));
    warmup = warm_up(ensemble, superchain, {}, [&](int chain) { return starts(std::uint32_t(16 + chain)); });
    drawn = warmup.draws;
  }

  // Of the first pack.
  void keep_last_draws(const DrawBlock& block) {
    for (int i = 0; i < model.coordinates(); ++i)
      for (int l = 0; l < pack_width; ++l) position.data()[i * pack_width + l] = block.position(l, draws - 1, i);
  }

  // Gradients of that pack, at its last draws, for about as long as a block takes to time.
  double gradient_seconds() {
    alignas(64) double lp[pack_width];
    const std::int64_t columns[pack_width] = {};
    std::int64_t count = 0;
    const double start = processor_seconds();
    double seconds = 0;
    for (std::int64_t batch = 1; seconds < 0.05; batch *= 2) {
      for (std::int64_t i = 0; i < batch; ++i) {
        model.table().log_density_gradient(model.handle(), position.data(), lp, gradient.data(), scratch.data(), columns);
        benchmark::DoNotOptimize(lp[0]);
      }
      count += batch;
      seconds = processor_seconds() - start;
    }
    return seconds / double(count);
  }
};

void tick(benchmark::State& state, const Subject& subject) {
  static std::map<std::string, std::unique_ptr<Run>> runs;
  std::unique_ptr<Run>& run = runs[subject.name];
  if (!run) run = std::make_unique<Run>(subject);
  double ticks = 0, steps = 0, seconds = 0;
  for (auto _ : state) {
    const double before = run->ensemble.gradients_done(), start = processor_seconds();
    run->ensemble.sample(run->drawn, draws, draws, run->warmup.tuning, [&](const DrawBlock& block, int, int) {
      seconds += processor_seconds() - start;
      for (int c = 0; c < chains; ++c)
        for (int d = 0; d < draws; ++d) steps += block.statistic(c, d, DrawStatistic::n_steps);
      run->keep_last_draws(block);
      return true;
    });
    ticks += (run->ensemble.gradients_done() - before) / pack_width;
    run->drawn += draws;
  }
  const double gradient = run->gradient_seconds();
  state.counters["occupancy"] = steps / (ticks * pack_width);
  state.counters["tick"] = seconds / ticks;
  state.counters["gradient"] = gradient;
  state.counters["bookkeeping"] = 1 - gradient * ticks / seconds;
}

// Keeps every repetition, for the table at the end.
class Table : public benchmark::ConsoleReporter {
 public:
  explicit Table(const std::vector<Subject>& subjects) : subjects_(subjects) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs)
      if (run.run_type == Run::RT_Iteration && !run.error_occurred)
        for (const auto& [counter, value] : run.counters) figures_[run.run_name.function_name + ":" + counter].push_back(value.value);
  }
  void Finalize() override {
    std::printf("\n%-24s %12s %14s %14s %16s\n", "model", "occupancy", "tick, ns", "gradient, ns", "bookkeeping");
    for (const Subject& subject : subjects_) {
      const auto median = [&](const char* counter) {
        std::vector<double> v = figures_["tick/" + subject.name + ":" + counter];
        if (v.empty()) return 0.;
        std::sort(v.begin(), v.end());
        return v[v.size() / 2];
      };
      std::printf("%-24s %11.0f%% %14.1f %14.1f %15.0f%%\n", subject.name.c_str(), 100 * median("occupancy"), 1e9 * median("tick"),
                  1e9 * median("gradient"), 100 * median("bookkeeping"));
    }
    std::printf("Times are of a pack of %d lanes.\n", pack_width);
  }

 private:
  const std::vector<Subject>& subjects_;
  std::map<std::string, std::vector<double>> figures_;
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string repetitions = "--benchmark_repetitions=5", time = "--benchmark_min_time=0.1";
  arguments.insert(arguments.begin() + 1, {repetitions.data(), time.data()});  // first, so that the caller's own options win
  int count = int(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  const std::vector<Subject> all = subjects();
  for (const Subject& subject : all)
    benchmark::RegisterBenchmark(("tick/" + subject.name).c_str(), tick, std::cref(subject));
  Table table(all);
  benchmark::RunSpecifiedBenchmarks(&table);
  benchmark::Shutdown();
}
