// Gradients by slices of a pack, built with the thread sanitizer by run.sh: on any number of cores, a barrier that is missing in a
// node, in the team, or between turns is a data race here.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "kernels/cpu/slices.hpp"
#include "lockstep/model.hpp"
#include "lockstep/model_table.hpp"

namespace lockstep {
namespace {

// Every way in which a node's elements go from one slice to others.
struct EveryNode {
  Dim time, state;
  Matrix X;
  Real y;
  explicit EveryNode(Dataset& d)
      : time(d.dim("time")), state(d.dim("state")), X(d.matrix("X", time, state)), y(d.real("y", time)) {}
  template <class M> void operator()(M& m) const {
    auto sigma = m.param("sigma", half_normal(1));
    auto scale = m.param("scale", lognormal(0, 1), state);
    auto weight = m.param("weight", flat(simplex()), state);
    auto beta = m.param("beta", normal(0, 1), state);
    auto moves = m.param("moves", flat(simplex()), state, state);
    auto mean = m.linear(X, beta);
    auto walk = m.scan("walk", time, 0.1, [&](auto t, auto before) { return 0.5 * before + mean[t]; });
    auto kept = m.let("kept", time, [&](auto t) { return walk[t] * scale[0] + mean[t]; });
    auto table = m.let("table", time, state, [&](auto t, auto k) { return kept[t] * beta[k]; });
    m.observe("y", y, time, [&](auto t) { return normal(kept[t] + table(t, 1), sigma); });
    m.observe("later", y, time.from(2), [&](auto t) { return normal(walk[t], 1); });
    m.mixture("mixed", y, time, state, weight, [&](auto, auto k) { return normal(beta[k], scale[k]); });
    m.hidden_markov("hidden", y, time, state, weight, moves, [&](auto t, auto k) { return normal(kept[t], scale[k]); });
    m.latent("chosen", bernoulli(0.3), state, [&](const auto& given) {
      given.observe("given", y, time, [&](auto, auto k) { return normal(beta[k], sigma); });
    });
    m.cholesky(
        state, [&](auto i, auto j) { return scale[i] * scale[j] * (0.3 + delta(i, j)); },
        [&](const auto& L) { m.solve(L, beta, [&](const auto& z) { m.potential("z", dot(z, z) * -0.5); }); });
  }
};

using Numbers = std::vector<double>;

// The log density and the gradient in every lane, one after the other.
Numbers by_slices(const ModelTable& table, const BoundModel<EveryNode>& model, int slices, int cores) {
  const int n = int(model.layout().coordinates);
  AlignedArray position(std::size_t(n * pack_width)), gradient(std::size_t(n * pack_width)), log_density(pack_width);
  for (int i = 0; i < n * pack_width; ++i) position.data()[i] = 0.4 * std::sin(i);
  SlicedGradient sliced(table, &model, slices, cores);
  for (int again = 0; again < 2; ++again) sliced(position.data(), log_density.data(), gradient.data());
  Numbers all(log_density.data(), log_density.data() + pack_width);
  all.insert(all.end(), gradient.data(), gradient.data() + n * pack_width);
  return all;
}

bool all_agree() {
  constexpr std::int64_t times = 11, states = 2;
  const std::int64_t series[] = {times}, matrix[] = {times, states};
  double x[times * states], y[times];
  for (int i = 0; i < times * states; ++i) x[i] = std::sin(i);
  for (int t = 0; t < times; ++t) y[t] = std::cos(t);
  const FieldView fields[] = {{"X", x, matrix, 2, 1, false}, {"y", y, series, 1, 1, false}};
  const BoundModel<EveryNode> model({fields, 2, nullptr, 0, nullptr, 0});
  ModelTable table{};
  table.layout = [](const void* bound) { return &static_cast<const BoundModel<EveryNode>*>(bound)->layout(); };
  table.log_density_gradient_slice = [](const void* bound, const PackSlice* slice, const double* position, double* log_density,
                                        double* gradient, double* scratch) {
    static_cast<const BoundModel<EveryNode>*>(bound)->gradient_slice(*slice, position, log_density, gradient, scratch);
  };
  const Numbers expected = by_slices(table, model, 1, 1);
  const auto same = [](double a, double b) { return std::abs(a - b) < 1e-9 * (1 + std::abs(b)); };
  bool right = true;
  for (const int slices : {2, 5, 13})
    for (const int cores : {1, 2, slices}) {
      const Numbers found = by_slices(table, model, slices, cores);
      right = right && std::equal(found.begin(), found.end(), expected.begin(), expected.end(), same);
    }
  return right;
}

}  // namespace
}  // namespace lockstep

int main() {
  const bool right = lockstep::all_agree();
  std::puts(right ? "all numbers of slices agree" : "failed: numbers of slices do not agree");
  return right ? 0 : 1;
}
