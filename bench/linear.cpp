// What the linear node alone costs, X beta and its reverse sweep, as a share of this core's peak of multiply-adds, which is
// measured in the same run.
//
//   build/release/bench/linear

#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "bench/peak.hpp"
#include "kernels/ensemble.hpp"
#include "lockstep/pack.hpp"
#include "lockstep/gradient.hpp"
#include "lockstep/log_density.hpp"

namespace {

using namespace lockstep;

// The node and what it reads. Its adjoints are its values, which costs one pass over the rows.
struct LinearAlone {
  Matrix X;
  template <class M> void operator()(M& m) const {
    auto beta = m.param("beta", flat(), X.columns());
    auto slope = m.linear(X, beta);
    for (int i = 0; i < X.rows().size; ++i) slope.pull(i, slope.value(i));
  }
};

void linear(benchmark::State& state) {
  const int rows = int(state.range(0)), columns = int(state.range(1));
  std::vector<double> x(std::size_t(rows) * std::size_t(columns));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(0.37 * double(i));
  const LinearAlone model{{x.data(), {0, 0, rows}, {1, 0, columns}}};
  AlignedArray position(std::size_t(columns) * pack_width), gradient(std::size_t(columns) * pack_width),
      scratch(2 * std::size_t(rows) * pack_width);
  for (int i = 0; i < columns * pack_width; ++i) position.data()[i] = 0.3 * std::sin(0.7 * i);
  for (auto _ : state) {
    const Pack lp = log_density_gradient<Pack, false>(model, WholeTeam{}, {position.data(), gradient.data(), scratch.data(), nullptr, pack_width}, columns);
    benchmark::DoNotOptimize(lp);
    benchmark::ClobberMemory();
  }
  state.counters["GFLOP/s"] = benchmark::Counter(2. * 2. * rows * columns * pack_width * double(state.iterations()),
                                                 benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RegisterBenchmark("peak", peak);
  for (const auto& [rows, columns] : {std::pair{10000, 50}, {1184, 9}, {5000, 24}, {500, 5}, {434, 2}})
    benchmark::RegisterBenchmark("linear", linear)->Args({rows, columns});
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
