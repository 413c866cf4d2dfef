// What a gradient costs: every zoo model, SIMD pack against one scalar lane, against mixed precision, and against the machine's
// floor.
//
// The floor of a model is what its data alone would cost in multiply-adds at the peak rate of this core, which is measured
// here, in the same run: see bench/subjects.hpp for the count. Figures are per chain.
//
//   ./lockstep bench                         (5 repetitions, medians and spread)

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/peak.hpp"
#include "bench/subjects.hpp"
#include "host/host_model.hpp"
#include "kernels/ensemble.hpp"
#include "lockstep/pack.hpp"
#include "lockstep/sample.hpp"

namespace {

using namespace lockstep;

struct Bound {
  HostModel model;
  AlignedArray position, gradient, scratch;
  explicit Bound(const Subject& subject)
      : model(*find_zoo_model(subject.model)->table(), subject.data, true), position(std::size_t(model.coordinates()) * pack_width),
        gradient(std::size_t(model.coordinates()) * pack_width), scratch(std::size_t(model.layout().scratch + 1) * pack_width) {
    for (int i = 0; i < model.coordinates() * pack_width; ++i) position.data()[i] = 0.3 * std::sin(0.7 * i);
  }
};

void by_pack(benchmark::State& state, const Subject& subject, bool mixed) {
  const Bound bound(subject);
  alignas(64) double lp[pack_width];
  const auto function = mixed ? bound.model.table().log_density_gradient_mixed : bound.model.table().log_density_gradient;
  for (auto _ : state) {
    function(bound.model.handle(), bound.position.data(), lp, bound.gradient.data(), bound.scratch.data(), nullptr);
    benchmark::DoNotOptimize(lp[0]);
  }
  const double runs = double(state.iterations());
  state.counters["per_chain"] = benchmark::Counter(runs * pack_width, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["floor_flops"] = benchmark::Counter(2 * subject.floor.total() * runs * pack_width, benchmark::Counter::kIsRate);
}

void by_scalar(benchmark::State& state, const Subject& subject) {
  const Bound bound(subject);
  double lp = 0;
  for (auto _ : state) {
    bound.model.table().oracle(bound.model.handle(), bound.position.data(), &lp, bound.gradient.data(), bound.scratch.data(), 0);
    benchmark::DoNotOptimize(lp);
  }
  state.counters["per_chain"] = benchmark::Counter(double(state.iterations()), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Keeps every repetition, for the table at the end.
class Table : public benchmark::ConsoleReporter {
 public:
  explicit Table(const std::vector<Subject>& subjects) : subjects_(subjects) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      for (const auto& [counter, value] : run.counters) figures_[run.run_name.function_name + ":" + counter].push_back(value.value);
    }
  }
  void Finalize() override {
    const double peak_rate = median("peak:GFLOP/s");
    std::printf("\nThis core's peak: %.1f GFLOP/s (multiply-adds of %d lanes), %s\n", peak_rate / 1e9, pack_width,
                spread("peak:GFLOP/s").c_str());
    std::printf("%-20s %14s %14s %14s %10s %14s\n", "model", "pack ns/chain", "mixed/pack", "scalar/pack", "of floor", "spread of pack");
    for (const Subject& subject : subjects_) {
      const std::string& name = subject.name;
      const double pack = median("pack/" + name + ":per_chain"), scalar = median("scalar/" + name + ":per_chain"),
                   mixed = median("mixed/" + name + ":per_chain");
      std::printf("%-20s %14.1f %14.2f %14.1f %9.0f%% %14s\n", subject.name.c_str(), 1e9 * pack, mixed / pack, scalar / pack,
                  100 * median("pack/" + name + ":floor_flops") / peak_rate, spread("pack/" + name + ":per_chain").c_str());
    }
  }

 private:
  double median(const std::string& key) const {
    std::vector<double> v = sorted(key);
    return v.empty() ? 0 : v[v.size() / 2];
  }
  std::string spread(const std::string& key) const {
    std::vector<double> v = sorted(key);
    if (v.empty()) return "";
    char text[32];
    std::snprintf(text, sizeof text, "%.2f..%.2f", v.front() / v[v.size() / 2], v.back() / v[v.size() / 2]);
    return text;
  }
  std::vector<double> sorted(const std::string& key) const {
    const auto found = figures_.find(key);
    std::vector<double> v = found == figures_.end() ? std::vector<double>{} : found->second;
    std::sort(v.begin(), v.end());
    return v;
  }
  const std::vector<Subject>& subjects_;
  std::map<std::string, std::vector<double>> figures_;
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string repetitions = "--benchmark_repetitions=5", interleave = "--benchmark_enable_random_interleaving=true",
              time = "--benchmark_min_time=0.1";
  // First, so that the caller's own options win.
  arguments.insert(arguments.begin() + 1, {repetitions.data(), interleave.data(), time.data()});
  int count = int(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  benchmark::RegisterBenchmark("peak", peak);
  const std::vector<Subject> all = subjects();
  for (const Subject& subject : all) {
    benchmark::RegisterBenchmark(("pack/" + subject.name).c_str(), by_pack, std::cref(subject), false);
    benchmark::RegisterBenchmark(("mixed/" + subject.name).c_str(), by_pack, std::cref(subject), true);
    benchmark::RegisterBenchmark(("scalar/" + subject.name).c_str(), by_scalar, std::cref(subject));
  }
  Table table(all);
  benchmark::RunSpecifiedBenchmarks(&table);
  benchmark::Shutdown();
}
