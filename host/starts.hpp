// Where chains start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/host_model.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

// Starting points, tried until log density and gradient are finite.
class Starts {
 public:
  // Throws SampleError if values are given for what is no parameter, or of another shape, or that are no numbers.
  Starts(const HostModel& model, const Init& init, std::uint64_t seed);

  // Start number `which`, out of the far tail (host/descent.hpp) if it is drawn uniformly; different numbers give independent points, unless all are one. Throws SampleError if none is
  // found: it names the site and the observation that are impossible, or the value outside its support.
  std::vector<double> operator()(std::uint32_t which) const;

  // The point that is tried first for it, whatever its log density. Throws SampleError, ModelError if there is none.
  std::vector<double> first_try(std::uint32_t which) const { return draw(which, 0); }

  // All starts are the same point.
  bool are_one_point() const { return range_ == 0 || given_ == Given::all; }
  // How they are made, for a message and for the results file.
  std::string description() const;

 private:
  enum class Given { none, some, all };

  bool is_random() const { return range_ > 0 && !from_prior_ && given_ == Given::none; }
  void take(const Data& values);
  std::vector<double> draw(std::uint32_t which, std::uint32_t attempt) const;
  std::string culprit(const std::vector<double>& position) const;

  const HostModel& model_;
  std::uint64_t seed_;
  double range_ = 2;                  // of coordinates that are drawn uniformly
  bool from_prior_ = false;
  Given given_ = Given::none;
  std::vector<double> values_;        // of parameters, site after site; NaN for all of one that is not given
};

}  // namespace lockstep
