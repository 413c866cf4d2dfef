// How a lane type is loaded and stored. `double` is one lane; `lockstep/pack.hpp` adds the SIMD pack.
//
// Everything a chain owns is an array [element][lane], so that element i of a tile's lanes is one contiguous load.
#pragma once

#include <cstdint>
#include <type_traits>

#include "lockstep/macros.hpp"

namespace lockstep {

template <class T> struct LaneTraits;

template <> struct LaneTraits<double> {
  static constexpr int width = 1;
  LOCKSTEP_FN static double load(const double* p) { return *p; }
  LOCKSTEP_FN static void store(double* p, double value) { *p = value; }
  LOCKSTEP_FN static void store_masked(double* p, bool mask, double value) {
    if (mask) *p = value;
  }
  template <class F> LOCKSTEP_FN static void for_each_lane(bool mask, const F& f) {
    if (mask) f(0);
  }
  LOCKSTEP_FN static bool any(bool mask) { return mask; }
  LOCKSTEP_FN static int first_lane(bool) { return 0; }          // of those in the mask, which are not none
  // The value of each lane's own column; `columns` holds one column number per lane.
  LOCKSTEP_FN static double gather(const double* p, const std::int64_t* columns) { return p[*columns]; }
};

// What goes with arithmetic in lanes of type T. All doubles, unless T is of single precision (lockstep/single.hpp).
template <class T> struct NumberTraits {
  using Sum = T;          // what is summed over many terms
  using Datum = double;   // a number that all lanes share
  using Stored = double;  // elements of matrices, and of what goes through matrix products
};
template <class T> using SumOf = typename NumberTraits<T>::Sum;
template <class T> using StoredFor = typename NumberTraits<T>::Stored;

template <class S, class A> LOCKSTEP_FN void accumulate(S& sum, const A& a) {
  if constexpr (!std::is_same_v<S, A> && requires { NumberTraits<A>::widen(a); }) sum += NumberTraits<A>::widen(a);
  else sum += a;
}
// A sum, as a factor of what comes next.
template <class T> LOCKSTEP_FN T narrow(const SumOf<T>& sum) {
  if constexpr (requires { NumberTraits<T>::narrow(sum); }) return NumberTraits<T>::narrow(sum);
  else return sum;
}

// A number in the precision of sums, S.
template <class S, class V> LOCKSTEP_FN S widened(const V& value) {
  if constexpr (requires { NumberTraits<V>::widen(value); }) return NumberTraits<V>::widen(value);
  else return S(value);
}
// Whether the mask, of lanes of type T or of one lane, has a lane.
template <class T, class Mask> LOCKSTEP_FN bool any_lane(const Mask& mask) {
  if constexpr (std::is_same_v<Mask, bool>) return mask;
  else return LaneTraits<T>::any(mask);
}

// The elements of 0 .. size-1 that one slice of a team owns: first, first + step, ... below limit.
//
//   for (int i : team.share(size))
//
// Of one size a slice always owns the same elements, and each element has one owner.
struct Share {
  int first, limit, step;
  struct Iterator {
    int at, step;
    LOCKSTEP_FN int operator*() const { return at; }
    LOCKSTEP_FN Iterator& operator++() {
      at += step;
      return *this;
    }
    LOCKSTEP_FN bool operator!=(const Iterator& end) const { return at < end.at; }
  };
  LOCKSTEP_FN Iterator begin() const { return {first, step}; }
  LOCKSTEP_FN Iterator end() const { return {limit, step}; }
  LOCKSTEP_FN int count() const { return first < limit ? (limit - first + step - 1) / step : 0; }
  LOCKSTEP_FN bool has(int i) const { return first <= i && i < limit && (i - first) % step == 0; }
  // Those of them from element `least` on.
  LOCKSTEP_FN Share from(int least) const {
    return {first < least ? first + (least - first + step - 1) / step * step : first, limit, step};
  }
};

// One chain's lanes on one thread: no slices.
struct WholeTeam {
  static constexpr bool sliced = false;
  LOCKSTEP_FN static constexpr int slice() { return 0; }
  LOCKSTEP_FN static constexpr int slices() { return 1; }
  LOCKSTEP_FN static constexpr Share share(int size) { return {0, size, 1}; }
  LOCKSTEP_FN static void barrier() {}
};

// An array of `T`, element i at `base[i * stride]` (stride in doubles: the lanes of a tile).
template <class T> struct LaneArray {
  double* base = nullptr;
  int stride = LaneTraits<T>::width;
  LOCKSTEP_FN T load(int i) const { return LaneTraits<T>::load(base + std::int64_t(i) * stride); }
  LOCKSTEP_FN void store(int i, const T& value) const { LaneTraits<T>::store(base + std::int64_t(i) * stride, value); }
  template <class A> LOCKSTEP_FN void add(int i, const A& a) const {
    SumOf<T> sum = sums().load(i);
    accumulate(sum, a);
    sums().store(i, sum);
  }
  // The same array, in the precision of sums.
  LOCKSTEP_FN LaneArray<SumOf<T>> sums() const { return {base, stride}; }
  LOCKSTEP_FN LaneArray from(int first) const { return {base + std::int64_t(first) * stride, stride}; }
  // Every `step`-th element: of a matrix, its columns are one row's length apart.
  LOCKSTEP_FN LaneArray from(int first, int step) const { return {base + std::int64_t(first) * stride, stride * step}; }
};

}  // namespace lockstep
