// The core's peak rate of multiply-adds, measured: what shares are shares of.
#pragma once

#include <benchmark/benchmark.h>

#include "lockstep/pack.hpp"

namespace lockstep {

// 16 independent chains of multiply-adds on registers.
inline void peak(benchmark::State& state) {
  constexpr int chains = 16, rounds = 1000;
  Pack sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = Pack(double(i));
  Pack a(1.0000001), b(1e-9);
  benchmark::DoNotOptimize(a);
  benchmark::DoNotOptimize(b);
  for (auto _ : state) {
    for (int r = 0; r < rounds; ++r)
#pragma GCC unroll 16
      for (int i = 0; i < chains; ++i) sum[i] = xsimd::fma(sum[i], a, b);
    for (int i = 0; i < chains; ++i) benchmark::DoNotOptimize(sum[i]);
  }
  state.counters["GFLOP/s"] = benchmark::Counter(2. * pack_width * chains * rounds * double(state.iterations()),
                                                 benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
}

}  // namespace lockstep
