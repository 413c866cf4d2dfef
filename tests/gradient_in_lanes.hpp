// One gradient of a bound model in all lanes of a pack, in either precision.
#pragma once

#include "host/host_model.hpp"
#include "kernels/ensemble.hpp"
#include "lockstep/pack.hpp"

namespace lockstep {

struct GradientInLanes {
  int n;
  AlignedArray position, gradient, scratch;   // [coordinate][lane]
  alignas(64) double log_density[pack_width];

  explicit GradientInLanes(const HostModel& model)
      : n(model.coordinates()), position(std::size_t(n * pack_width)), gradient(std::size_t(n * pack_width)),
        scratch(std::size_t(model.layout().scratch + 1) * pack_width) {}
  // The same point in every lane.
  void place(const std::vector<double>& point) {
    for (int i = 0; i < n; ++i) std::fill_n(position.data() + i * pack_width, pack_width, point[std::size_t(i)]);
  }
  // `function`: the model table's, of one precision.
  void run(const HostModel& model, decltype(ModelTable::log_density_gradient) function) {
    function(model.handle(), position.data(), log_density, gradient.data(), scratch.data(), nullptr);
  }
};

}  // namespace lockstep
