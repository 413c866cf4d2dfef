// What a gradient takes where slices share it (kernels/cpu/slices.hpp), of one pack of chains, by slices and cores: of a logistic
// regression, by real time.
//
//   build/release/bench/slices [--benchmark_...]

#include <benchmark/benchmark.h>

#include <algorithm>

#include "bench/simulated_data.hpp"
#include "host/host_model.hpp"
#include "kernels/cpu/launch.hpp"
#include "kernels/cpu/slices.hpp"
#include "lockstep/sample.hpp"

namespace {

using namespace lockstep;

constexpr int rows = 100000, columns = 50;

// The model in all lanes of a pack, each somewhere else.
struct Subject {
  Data data = simulated_logistic(rows, columns);
  HostModel model{*find_zoo_model("logistic_regression")->table(), data};
  AlignedArray position{std::size_t(model.coordinates() * pack_width)}, gradient{std::size_t(model.coordinates() * pack_width)},
      log_density{pack_width};
  Subject() {
    Stream stream({.seed = 1, .purpose = Purpose::start});
    for (int i = 0; i < model.coordinates() * pack_width; ++i) position.data()[i] = 0.1 * stream.normal();
  }
};

const Subject& subject() {
  static const Subject only;
  return only;
}

void unsplit(benchmark::State& state) {
  const Subject& s = subject();
  const AlignedArray scratch(std::size_t(s.model.layout().scratch) * pack_width);
  const std::int64_t data_sets[pack_width] = {};
  for (auto _ : state)
    s.model.table().log_density_gradient(s.model.handle(), s.position.data(), s.log_density.data(), s.gradient.data(), scratch.data(),
                                         data_sets);
}

void sliced(benchmark::State& state) {
  const Subject& s = subject();
  SlicedGradient gradient(s.model.table(), s.model.handle(), int(state.range(0)), int(state.range(1)));
  for (auto _ : state) gradient(s.position.data(), s.log_density.data(), s.gradient.data());
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const auto registered = [](benchmark::internal::Benchmark* each) { each->UseRealTime()->Unit(benchmark::kMillisecond); };
  registered(benchmark::RegisterBenchmark("unsplit", unsplit));
  benchmark::internal::Benchmark* const split = benchmark::RegisterBenchmark("slices", sliced)->ArgNames({"slices", "cores"});
  registered(split);
  for (const int slices : {1, 2, 4, 8, 16, 32})
    for (int cores = 1; cores <= std::min(slices, available_threads()); cores *= 2) split->Args({slices, cores});
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
