// The values of a vector or a matrix of parameters, and the way back from their adjoints to their coordinates.
//
// Elements are kept row after row; a vector is one row. A storage belongs to a node and lives as long: its destructor is the
// node's part of the reverse sweep.
#pragma once

#include <type_traits>

#include "lockstep/distribution.hpp"
#include "lockstep/lanes.hpp"
#include "lockstep/support.hpp"

namespace lockstep {

// Each element on a support of its own. Adjoints gather in the slice's gradient itself.
template <class M, class Support> class ElementwiseStorage {
 public:
  using T = typename M::value_type;
  static constexpr bool knows_logs = std::is_same_v<Support, Positive>;

  LOCKSTEP_FN ElementwiseStorage(M& m, int rows, int columns, const Support& support)
      : m_(m), size_(rows * columns), position_(m.position().from(m.take_coordinates(size_))),
        adjoints_(m.gradient().from(m.last_coordinate() - size_)), values_(Support::identity ? position_ : m.allocate(size_)),
        bound_(support.bind(m)) {
    if constexpr (!Support::identity) {
      for (int i : m.team().share(size_)) {
        auto at = bound_.constrain(position_.load(i));
        values_.store(i, at.value);
        m.add(at.log_jacobian());
      }
      m.team().barrier();
    }
  }
  ElementwiseStorage(const ElementwiseStorage&) = delete;
  LOCKSTEP_FN ~ElementwiseStorage() {
    if constexpr (!Support::identity) {
      const Share own = m_.team().share(size_);
      for (int i = 0; i < size_; ++i) {
        const double weight = M::with_priors && own.has(i) ? 1. : 0.;
        adjoints_.store(i, bound_.gradient(bound_.constrain(position_.load(i)), adjoints_.load(i), weight));
      }
    }
  }

  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  LOCKSTEP_FN T log_value(int i) const requires knows_logs { return position_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }

  // Either every element gets its prior by `add_prior`, which starts its adjoint, or all adjoints are cleared.
  LOCKSTEP_FN void clear_adjoints() {
    for (int i = 0; i < size_; ++i) adjoints_.store(i, T(0.));
  }
  // The element comes with what its transform knows about it.
  template <class Prepared, class D> LOCKSTEP_FN void add_prior(M& m, Prepared& prepared, const D& d, int i) {
    auto density = prepared.at(m, d, bound_.constrain(position_.load(i)));
    T slope(0.);
    accumulate(slope, density.slope());
    adjoints_.store(i, slope);
    density.pull(Unit{});
    m.add(density.log_density);
  }

 private:
  M& m_;
  int size_;
  LaneArray<T> position_, adjoints_, values_;
  decltype(std::declval<const Support&>().bind(std::declval<const M&>())) bound_;
};

// Each row, or a matrix as a whole, on one support. One slice maps it; every slice has adjoints of its own.
template <class M, class Support> class JointStorage {
 public:
  using T = typename M::value_type;
  static constexpr bool knows_logs = Support::keeps_logs;

  LOCKSTEP_FN JointStorage(M& m, int rows, int columns, const Support&)
      : m_(m), blocks_(Support::whole ? 1 : rows), extent_(Support::extent(rows, columns)), size_(rows * columns),
        position_(m.position().from(m.take_coordinates(blocks_ * Support::coordinates(extent_)))),
        gradient_(m.gradient().from(m.last_coordinate() - blocks_ * Support::coordinates(extent_))),
        values_(m.allocate(size_)), logs_(m.allocate(knows_logs ? size_ : 0)), adjoints_(m.allocate_per_slice(size_)) {
    if (m.first_slice() && size_ > 0)
      for (int b = 0; b < blocks_; ++b)
        m.add(Support::template constrain<T>(coordinates(b), block(values_, b), block(logs_, b), extent_));
    m.team().barrier();
  }
  JointStorage(const JointStorage&) = delete;
  LOCKSTEP_FN ~JointStorage() {
    m_.team().barrier();
    const int each = Support::coordinates(extent_), each_values = Support::values(extent_);
    if (!m_.first_slice()) {
      for (int k = 0; k < blocks_ * each; ++k) gradient_.store(k, T(0.));
      return;
    }
    if (size_ == 0) return;
    for (int b = 0; b < blocks_; ++b) {
      const auto gradient = [&](const auto& adjoint, const auto& use) {
        Support::template gradient<T>(coordinates(b), block(values_, b), extent_, adjoint, use);
      };
      const auto adjoint = [&](int i) { return m_.sum_over_slices(adjoints_, b * each_values + i, size_); };
      if constexpr (M::with_priors) {
        gradient(adjoint, [&](int k, const T& d) { gradient_.store(b * each + k, d); });
      } else {
        // Without the Jacobian's part, which is what comes of no adjoints at all.
        gradient([](int) { return T(0.); }, [&](int k, const T& d) { gradient_.store(b * each + k, -d); });
        gradient(adjoint, [&](int k, const T& d) { gradient_.add(b * each + k, d); });
      }
    }
  }

  LOCKSTEP_FN T value(int i) const { return values_.load(i); }
  LOCKSTEP_FN T log_value(int i) const requires knows_logs { return logs_.load(i); }
  template <class A> LOCKSTEP_FN void pull(int i, const A& a) const { adjoints_.add(i, a); }

  LOCKSTEP_FN void clear_adjoints() {
    for (int i = 0; i < size_; ++i) adjoints_.store(i, T(0.));
  }
  template <class Prepared, class D> LOCKSTEP_FN void add_prior(M& m, Prepared& prepared, const D& d, int i) {
    auto density = prepared.at(m, d, DataValue<T>{value(i)});
    T slope(0.);
    accumulate(slope, density.slope());
    adjoints_.store(i, slope);
    density.pull(Unit{});
    m.add(density.log_density);
  }

 private:
  LOCKSTEP_FN LaneArray<T> coordinates(int b) const { return position_.from(b * Support::coordinates(extent_)); }
  LOCKSTEP_FN LaneArray<T> block(const LaneArray<T>& array, int b) const { return array.from(b * Support::values(extent_)); }

  M& m_;
  int blocks_;
  typename Support::Extent extent_;
  int size_;
  LaneArray<T> position_, gradient_, values_, logs_, adjoints_;
};

template <class M, class Support>
using ParamStorage = std::conditional_t<Support::elementwise, ElementwiseStorage<M, Support>, JointStorage<M, Support>>;

}  // namespace lockstep
