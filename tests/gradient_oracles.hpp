// Gradients against two oracles, on every team: what the tests of nodes share.
//
// The reverse sweep of one scalar lane is compared with
//   - forward-mode derivatives of the same log density, by dual numbers: exact up to rounding, and no pull takes part;
//   - central differences, extrapolated: independent of every derivative formula, but less exact.
// Then SIMD packs, every lane somewhere else, such a pack by slices, and the emulated team of lanes x slices are compared with that
// lane.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/cpu/slices.hpp"
#include "kernels/emulated_team.hpp"
#include "lockstep/gradient.hpp"
#include "lockstep/model_table.hpp"
#include "lockstep/pack.hpp"
#include "lockstep/data.hpp"
#include "lockstep/model.hpp"

namespace lockstep {

using Values = std::vector<double>;

// ---- dual numbers: a value and its derivative in one direction ----------------------------------------------------

struct Dual {
  double value = 0, slope = 0;
  Dual() = default;
  Dual(double v) : value(v) {}
  Dual(double v, double s) : value(v), slope(s) {}

  friend Dual operator-(const Dual& x) { return {-x.value, -x.slope}; }
  friend Dual operator+(const Dual& x, const Dual& y) { return {x.value + y.value, x.slope + y.slope}; }
  friend Dual operator-(const Dual& x, const Dual& y) { return {x.value - y.value, x.slope - y.slope}; }
  friend Dual operator*(const Dual& x, const Dual& y) {
    return {x.value * y.value, x.slope * y.value + x.value * y.slope};
  }
  friend Dual operator/(const Dual& x, const Dual& y) {
    const double ratio = x.value / y.value;
    return {ratio, (x.slope - ratio * y.slope) / y.value};
  }
  Dual& operator+=(const Dual& y) { return *this = *this + y; }
  Dual& operator-=(const Dual& y) { return *this = *this - y; }
  friend bool operator<(const Dual& x, const Dual& y) { return x.value < y.value; }
  friend bool operator>(const Dual& x, const Dual& y) { return x.value > y.value; }
  friend bool operator<=(const Dual& x, const Dual& y) { return x.value <= y.value; }
  friend bool operator>=(const Dual& x, const Dual& y) { return x.value >= y.value; }
  friend bool operator==(const Dual& x, const Dual& y) { return x.value == y.value; }

  friend Dual exp(const Dual& x) { return {std::exp(x.value), std::exp(x.value) * x.slope}; }
  friend Dual expm1(const Dual& x) { return {std::expm1(x.value), std::exp(x.value) * x.slope}; }
  friend Dual log(const Dual& x) { return {std::log(x.value), x.slope / x.value}; }
  friend Dual log1p(const Dual& x) { return {std::log1p(x.value), x.slope / (1 + x.value)}; }
  friend Dual sqrt(const Dual& x) { return {std::sqrt(x.value), 0.5 * x.slope / std::sqrt(x.value)}; }
  friend Dual sin(const Dual& x) { return {std::sin(x.value), std::cos(x.value) * x.slope}; }
  friend Dual cos(const Dual& x) { return {std::cos(x.value), -std::sin(x.value) * x.slope}; }
  friend Dual tan(const Dual& x) { return {std::tan(x.value), x.slope / std::pow(std::cos(x.value), 2)}; }
  friend Dual atan(const Dual& x) { return {std::atan(x.value), x.slope / (1 + x.value * x.value)}; }
  friend Dual asin(const Dual& x) { return {std::asin(x.value), x.slope / std::sqrt(1 - x.value * x.value)}; }
  friend Dual acos(const Dual& x) { return {std::acos(x.value), -x.slope / std::sqrt(1 - x.value * x.value)}; }
  friend Dual atan2(const Dual& y, const Dual& x) {
    const double square = x.value * x.value + y.value * y.value;
    return {std::atan2(y.value, x.value), (x.value * y.slope - y.value * x.slope) / square};
  }
  friend Dual asinh(const Dual& x) { return {std::asinh(x.value), x.slope / std::sqrt(x.value * x.value + 1)}; }
  friend Dual acosh(const Dual& x) { return {std::acosh(x.value), x.slope / std::sqrt(x.value * x.value - 1)}; }
  friend Dual atanh(const Dual& x) { return {std::atanh(x.value), x.slope / (1 - x.value * x.value)}; }
  friend Dual sinh(const Dual& x) { return {std::sinh(x.value), std::cosh(x.value) * x.slope}; }
  friend Dual cosh(const Dual& x) { return {std::cosh(x.value), std::sinh(x.value) * x.slope}; }
  friend Dual tanh(const Dual& x) { return {std::tanh(x.value), x.slope / std::pow(std::cosh(x.value), 2)}; }
  friend Dual pow(const Dual& x, const Dual& y) {
    const double v = std::pow(x.value, y.value);
    return {v, y.value * std::pow(x.value, y.value - 1) * x.slope + v * std::log(x.value) * y.slope};
  }
  friend Dual abs(const Dual& x) { return x.value < 0 ? -x : x; }
  friend Dual floor(const Dual& x) { return {std::floor(x.value), 0}; }
  friend Dual max(const Dual& x, const Dual& y) { return x > y ? x : y; }
  friend Dual min(const Dual& x, const Dual& y) { return x < y ? x : y; }
  friend Dual select(bool mask, const Dual& x, const Dual& y) { return mask ? x : y; }
};

// Stored as two doubles, so an array's stride is two.
template <>
struct LaneTraits<Dual> {
  static constexpr int width = 2;
  static Dual load(const double* p) { return {p[0], p[1]}; }
  static void store(double* p, const Dual& x) { p[0] = x.value, p[1] = x.slope; }
  static Dual gather(const double* p, const std::int64_t* columns) { return {p[*columns]}; }
};

// ---- running a model ----------------------------------------------------------------------------------------------

// An aligned array that knows when someone wrote behind its end.
class Guarded {
 public:
  explicit Guarded(std::size_t size, double fill = 0)
      : size_(size), base_(static_cast<double*>(std::aligned_alloc(64, (size + guard + 7) / 8 * 64))) {
    std::fill_n(base_, size, fill);
    std::fill_n(base_ + size, guard, sentinel);
  }
  ~Guarded() {
    EXPECT_TRUE(std::all_of(base_ + size_, base_ + size_ + guard, [](double v) { return v == sentinel; })) << "overrun";
    std::free(base_);
  }
  Guarded(const Guarded&) = delete;
  double* data() { return base_; }
  double& operator[](std::size_t i) { return base_[i]; }

 private:
  static constexpr std::size_t guard = 64;
  static constexpr double sentinel = 1.2345e300;
  std::size_t size_;
  double* base_;
};

// Arrays start as garbage: nothing may rely on zeros.
constexpr double garbage = -7.7e77;

struct Result {
  double log_density = 0;
  Values gradient;
};

// A data set bound to a model, which can be run in every way.
template <class Model>
struct Bound {
  Data data;
  DataViews views;
  BoundModel<Model> model;
  int n;
  std::int64_t scratch;

  explicit Bound(Data d)
      : data(std::move(d)),
        views(data),
        model(views.view()),
        n(int(model.layout().coordinates)),
        scratch(model.layout().scratch) {}

  template <bool columns = false>
  Result scalar(const Values& x, std::int64_t data_set = 0) const {
    Guarded gradient(std::size_t(n), garbage), memory(std::size_t(scratch), garbage);
    const Workspace workspace{x.data(), gradient.data(), memory.data(), &data_set, 1};
    Result r;
    r.log_density = log_density_gradient<double, columns>(model.model(), WholeTeam{}, workspace, n);
    r.gradient.assign(gradient.data(), gradient.data() + n);
    return r;
  }

  // By dual numbers, one direction after the other.
  Result forward(const Values& x) const {
    Guarded position(2 * std::size_t(n)), gradient(2 * std::size_t(n), garbage),
        memory(2 * std::size_t(scratch), garbage);
    Result r;
    for (int i = 0; i < n; ++i) position[std::size_t(2 * i)] = x[std::size_t(i)];
    for (int i = 0; i < n; ++i) {
      position[std::size_t(2 * i) + 1] = 1;
      const Workspace workspace{position.data(), gradient.data(), memory.data(), nullptr, 2};
      const Dual f = log_density_gradient<Dual, false>(model.model(), WholeTeam{}, workspace, n);
      r.log_density = f.value;
      r.gradient.push_back(f.slope);
      position[std::size_t(2 * i) + 1] = 0;
    }
    return r;
  }

  // One position per lane.
  template <bool columns = false>
  std::vector<Result> pack(const std::vector<Values>& x, const std::vector<std::int64_t>& data_sets = {}) const {
    constexpr std::size_t w = pack_width;
    Guarded position(w * std::size_t(n)), gradient(w * std::size_t(n), garbage),
        memory(w * std::size_t(scratch), garbage), f(w);
    for (std::size_t l = 0; l < w; ++l)
      for (std::size_t i = 0; i < std::size_t(n); ++i) position[i * w + l] = x[l][i];
    const Workspace workspace{position.data(), gradient.data(), memory.data(), data_sets.data(), pack_width};
    LaneTraits<Pack>::store(f.data(), log_density_gradient<Pack, columns>(model.model(), WholeTeam{}, workspace, n));
    return unpack(w, f, gradient);
  }

  // The same by slices, on two cores.
  std::vector<Result> sliced(const std::vector<Values>& x, int slices) const {
    constexpr std::size_t w = pack_width;
    const std::size_t s = std::size_t(slices), size = w * std::size_t(n);
    Guarded position(size), gradients(s * size, garbage), f(s * w, garbage),
        memory(w * std::size_t(scratch + (slices - 1) * model.layout().scratch_of_slice), garbage);
    for (std::size_t l = 0; l < w; ++l)
      for (std::size_t i = 0; i < std::size_t(n); ++i) position[i * w + l] = x[l][i];
    SliceTeam team(slices, std::min(slices, 2));
    team.run([&](int slice) {
      model.gradient_slice(team.member(slice), position.data(), f.data() + std::size_t(slice) * w,
                           gradients.data() + std::size_t(slice) * size, memory.data());
    });
    for (std::size_t slice = 1; slice < s; ++slice) {
      for (std::size_t l = 0; l < w; ++l) f[l] += f[slice * w + l];
      for (std::size_t i = 0; i < size; ++i) gradients[i] += gradients[slice * size + i];
    }
    return unpack(w, f, gradients);
  }

  template <bool columns = false>
  std::vector<Result> team(const std::vector<Values>& x, int slices,
                           const std::vector<std::int64_t>& data_sets = {}) const {
    const std::size_t lanes = x.size(), s = std::size_t(slices);
    Guarded position(lanes * std::size_t(n)), gradient(lanes * s * std::size_t(n), garbage),
        memory(lanes * s * std::size_t(scratch), garbage), f(lanes * s);
    for (std::size_t l = 0; l < lanes; ++l)
      for (std::size_t i = 0; i < std::size_t(n); ++i) position[i * lanes + l] = x[l][i];
    EmulatedTeam::run(int(lanes), slices, [&](const EmulatedTeam& member) {
      const std::size_t lane = std::size_t(member.lane());
      const Workspace workspace{position.data() + lane, gradient.data() + lane, memory.data() + lane,
                                data_sets.empty() ? nullptr : data_sets.data() + lane, int(lanes)};
      f[std::size_t(member.slice()) * lanes + lane] =
          log_density_gradient<double, columns>(model.model(), member, workspace, n);
    });
    for (std::size_t slice = 1; slice < s; ++slice)  // every slice has the sum
      for (std::size_t l = 0; l < lanes; ++l) EXPECT_EQ(f[slice * lanes + l], f[l]);
    return unpack(lanes, f, gradient);
  }

 private:
  std::vector<Result> unpack(std::size_t lanes, Guarded& f, Guarded& gradient) const {
    std::vector<Result> results(lanes);
    for (std::size_t l = 0; l < lanes; ++l) {
      results[l].log_density = f[l];
      for (std::size_t i = 0; i < std::size_t(n); ++i) results[l].gradient.push_back(gradient[i * lanes + l]);
    }
    return results;
  }
};

// ---- comparing ----------------------------------------------------------------------------------------------------

// Numbers without a pattern, the same in every run.
class Numbers {
 public:
  explicit Numbers(std::uint32_t seed) : stream_({.seed = seed, .purpose = Purpose::start}) {}
  double uniform(double from, double to) { return from + (to - from) * stream_.uniform(); }
  Values uniforms(std::size_t n, double from, double to) {
    Values values(n);
    for (double& v : values) v = uniform(from, to);
    return values;
  }
  Values integers(std::size_t n, int from, int to) {
    Values values(n);
    for (double& v : values) v = from + double(stream_.below(std::uint64_t(to - from + 1)));
    return values;
  }

 private:
  Stream stream_;
};

// The largest difference of log densities and of components, each relative to max(1, |its value|).
inline double difference(const Result& a, const Result& b) {
  const auto relative = [](double x, double y) { return std::abs(x - y) / std::max(1., std::abs(y)); };
  if (a.gradient.size() != b.gradient.size()) return HUGE_VAL;
  double worst = relative(a.log_density, b.log_density);
  for (std::size_t i = 0; i < a.gradient.size(); ++i) {
    const double d = relative(a.gradient[i], b.gradient[i]);
    if (!(d <= worst)) worst = d;  // NaN is the worst
  }
  return worst;
}

// Central differences, by Richardson's extrapolation of three steps (error of order h^6).
template <class F>
Values central_differences(const F& f, Values x) {
  Values gradient;
  for (double& xi : x) {
    const double at = xi;
    std::array<double, 3> d;
    double h = 4e-3;
    for (double& slope : d) {
      xi = at + h;
      const double up = f(x);
      xi = at - h;
      slope = (up - f(x)) / (2 * h);
      h /= 2;
    }
    xi = at;
    const double once = (4 * d[1] - d[0]) / 3, twice = (4 * d[2] - d[1]) / 3;
    gradient.push_back((16 * twice - once) / 15);
  }
  return gradient;
}

struct Tolerances {
  double forward = 1e-12, differences = 1e-7, pack = 1e-12, team = 1e-11;  // team: of any slices
};

// All of the above at several positions in the bulk; `reach` is how far from 0 the coordinates go.
template <class Model>
void expect_right_gradients(const Bound<Model>& bound, double reach = 1.5, const Tolerances& allowed = {}) {
  Numbers numbers(7);
  const std::size_t n = std::size_t(bound.n);
  std::vector<Values> positions;
  std::vector<Result> expected;
  for (int lane = 0; lane < pack_width; ++lane) {
    positions.push_back(numbers.uniforms(n, -reach, reach));
    expected.push_back(bound.scalar(positions.back()));
    ASSERT_TRUE(std::isfinite(expected.back().log_density));
  }
  double forward = 0, differences = 0, pack = 0, team = 0;
  const auto keep_worst = [](double& worst, double d) { worst = d <= worst ? worst : d; };
  for (std::size_t i = 0; i < 3; ++i) {
    if (n > 0) keep_worst(forward, difference(bound.forward(positions[i]), expected[i]));
    Result by_differences = expected[i];
    by_differences.gradient =
        central_differences([&](const Values& x) { return bound.scalar(x).log_density; }, positions[i]);
    keep_worst(differences, difference(by_differences, expected[i]));
  }
  const std::vector<Result> packed = bound.pack(positions);
  for (std::size_t lane = 0; lane < packed.size(); ++lane) keep_worst(pack, difference(packed[lane], expected[lane]));
  if (bound.model.layout().has_slices)
    for (const int slices : {1, 2, 3, 8}) {
      const std::vector<Result> results = bound.sliced(positions, slices);
      for (std::size_t lane = 0; lane < results.size(); ++lane)
        EXPECT_LE(difference(results[lane], expected[lane]), allowed.team) << slices << " slices of a pack, lane " << lane;
    }
  for (const std::size_t lanes : {std::size_t(1), std::size_t(3)})
    for (const int slices : {1, 2, 3, 5}) {
      const std::vector<Values> here(positions.begin(),
                                     positions.begin() + std::ptrdiff_t(std::min(lanes, positions.size())));
      const std::vector<Result> results = bound.team(here, slices);
      for (std::size_t lane = 0; lane < results.size(); ++lane) {
        const double d = difference(results[lane], expected[lane]);
        keep_worst(team, d);
        EXPECT_LE(d, allowed.team) << lanes << " lanes, " << slices << " slices, lane " << lane;
      }
    }
  EXPECT_LE(forward, allowed.forward);
  EXPECT_LE(differences, allowed.differences);
  EXPECT_LE(pack, allowed.pack);
  if (std::getenv("LOCKSTEP_SHOW_ERRORS"))
    std::printf("    coordinates %4d  forward %.1e  differences %.1e  pack %.1e  team %.1e\n", bound.n, forward,
                differences, pack, team);
}

inline Data example(const std::string& name) {
  return Data::from_json_file(LOCKSTEP_SOURCE_DIR "/models/data/" + name + ".json");
}

}  // namespace lockstep
