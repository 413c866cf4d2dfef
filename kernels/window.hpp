// The draws between two decisions of adaptation, wherever they are: in the host's memory, or on devices.
#pragma once

#include <memory>
#include <vector>

#include "kernels/ensemble.hpp"

namespace lockstep {

class Window {
 public:
  virtual ~Window() = default;

  int first() const { return first_; }         // the number of its first draw
  int capacity() const { return capacity_; }
  int draws() const { return draws_; }         // that every chain has made so far
  virtual double lp(int chain, int draw) const = 0;
  virtual double acceptance(int chain, int draw) const = 0;
  virtual ChainMoments positions() const = 0;
  virtual ChainMoments gradients() const = 0;
  // All of it, with the host.
  virtual const DrawBlock& block() = 0;
  // What is in it. It is loaded into a window of the same shape, of an ensemble of the same geometry.
  virtual void state(Archive& archive) { archive(draws_); }

 protected:
  Window(int first, int capacity) : first_(first), capacity_(capacity) {}
  void add(int draws) { draws_ += draws; }

 private:
  int first_, capacity_, draws_ = 0;
};

}  // namespace lockstep
