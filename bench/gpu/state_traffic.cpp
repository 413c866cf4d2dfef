// How many vectors (of as many doubles as a model has coordinates) one chain's sampler moves per leapfrog step: what
// bounds a tiny model on a GPU. Counted, not estimated: the very sampler runs, on one lane whose type notes each
// address that it loads or stores. An address counts once a step for loading and once for storing; what is loaded after
// it was stored in the same step does not count (it is still in registers or a near cache). The density is a standard
// normal of 64 coordinates. One line of JSON per step size; `resident`: the moving point is in the team's own memory,
// whose traffic does not count.
//
// Left out: the metric (shared by all chains) and a lane's scalars (in registers during a launch).

#include <cmath>
#include <cstdio>
#include <unordered_set>
#include <vector>

#include "lockstep/lanes.hpp"
#include "lockstep/special.hpp"

namespace lockstep {

// One lane as a double whose memory is watched.
struct Watched {
  double value;
  Watched(double v = 0) : value(v) {}
  operator double() const { return value; }
  Watched& operator+=(double v) { return value += v, *this; }
};

inline double log_sum_exp(const Watched& a, double b) { return log_sum_exp(a.value, b); }
inline double log_sum_exp(const Watched& a, const Watched& b) { return log_sum_exp(a.value, b.value); }

struct Traffic {
  std::vector<double> memory;  // what is watched
  std::unordered_set<const double*> loads, stores;
  double loaded = 0, stored = 0, steps = 0;

  bool has(const double* p) const { return p >= memory.data() && p < memory.data() + memory.size(); }
  void load(const double* p) {
    if (has(p) && stores.count(p) == 0) loads.insert(p);
  }
  void store(const double* p) {
    if (has(p)) stores.insert(p);
  }
  void step_ends() {
    loaded += double(loads.size()), stored += double(stores.size()), ++steps;
    loads.clear(), stores.clear();
  }
};
inline Traffic* traffic = nullptr;

template <>
struct LaneTraits<Watched> {
  static constexpr int width = 1;
  static Watched load(const double* p) {
    traffic->load(p);
    return *p;
  }
  static void store(double* p, double value) {
    traffic->store(p);
    *p = value;
  }
  static void store_masked(double* p, bool mask, double value) {
    if (mask) store(p, value);
  }
  template <class F>
  static void for_each_lane(bool mask, const F& f) {
    if (mask) f(0);
  }
  static bool any(bool mask) { return mask; }
};

}  // namespace lockstep

#include "kernels/nuts.hpp"

namespace {

using namespace lockstep;

void count(double step, bool resident) {
  constexpr int n = 64, depth = 10, draws = 200;
  Traffic counted;
  counted.memory.resize(std::size_t(NutsVectors<Watched>::arrays(depth, 1) * n));
  traffic = &counted;
  std::vector<double> ones(n, 1.), own(3 * n), positions(n * draws), statistics(draw_statistics * draws);
  NutsVectors<Watched> vectors(counted.memory.data(), 1, n, depth, 1);
  if (resident) vectors.moving = {{own.data(), 1}, {own.data() + n, 1}, {own.data() + 2 * n, 1}};
  const auto gradient = [&](const LaneArray<Watched>& x, const LaneArray<Watched>& out) {
    counted.step_ends();
    double lp = 0;
    for (int i = 0; i < n; ++i) {
      const double xi = x.load(i);
      lp -= 0.5 * xi * xi;
      out.store(i, -xi);
    }
    return Watched(lp);
  };
  const LaneTeam<Watched> team;
  LaneStreams<Watched> streams;
  streams.seed = 1;
  const DrawBuffer out{positions.data(), nullptr, statistics.data(), 0, draws};
  Nuts<Watched, LaneTeam<Watched>, decltype(gradient)> nuts(team, n, vectors, {ones.data(), ones.data()}, {}, streams,
                                                            out, gradient);
  NutsState<Watched> state;
  nuts.arrive(state, true);
  counted.loaded = counted.stored = counted.steps = 0;
  nuts.advance(state, draws, std::log(step), false, [] { return true; });
  // Once a draw: it is written, and so is a momentum; neither goes through a lane's type.
  const double vectors_per_step =
      (counted.loaded + counted.stored) / n / counted.steps + (resident ? 1. : 2.) * draws / counted.steps;
  std::printf("{\"step_size\": %g, \"resident\": %s, \"steps_per_draw\": %.3g, \"vectors_per_step\": %.4g}\n", step,
              resident ? "true" : "false", counted.steps / draws, vectors_per_step);
}

}  // namespace

int main() {
  for (const bool resident : {false, true})
    for (const double step : {1.4, 0.9, 0.6, 0.4, 0.2, 0.1, 0.05}) count(step, resident);
}
