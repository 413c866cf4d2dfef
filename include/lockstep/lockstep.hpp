// What a program includes that samples from models of its own:
//
//   #include "lockstep/lockstep.hpp"
//
//   lockstep::Data data;
//   data.set("y", {28., 8., -3., 7., -1., 1., 18., 12.});
//   ...
//   const lockstep::Fit fit = lockstep::sample<EightSchools>(data);
//   fit.variable("posterior", "mu").values;                         // [chain][draw]
//
// `EightSchools` is a model as models/README.md says. Link lockstep::lockstep, of find_package(lockstep): it brings the
// flags with which the library was compiled, since both must agree on the lanes of a pack.
#pragma once

#include "lockstep/calibration.hpp"
#include "lockstep/centredness.hpp"
#include "lockstep/model.hpp"
#include "lockstep/model_table.hpp"
#include "lockstep/predict.hpp"
#include "lockstep/prior.hpp"
#include "lockstep/prior_from_posterior.hpp"
#include "lockstep/sample.hpp"

namespace lockstep {

template <class Model> Fit sample(const Data& data, const SampleOptions& options = {}) {
  return sample(*model_table<Model>(), data, options);
}
template <class Model> Fit sample_prior(const Data& data, const PriorOptions& options = {}) {
  return sample_prior(*model_table<Model>(), data, options);
}
template <class Model> Fit sample_prior(const Fit& fit, const PriorOptions& options = {}) {
  return sample_prior(*model_table<Model>(), fit, options);
}
template <class Model> Fit predict(const Fit& fit, const Data& data = {}, const PredictOptions& options = {}) {
  return predict(*model_table<Model>(), fit, data, options);
}
template <class Model> Fit recover_states(const Fit& fit, std::uint64_t seed = 1, int threads = 0) {
  return recover_states(*model_table<Model>(), fit, seed, threads);
}
template <class Model> Data choose_centredness(const Data& data, const CentrednessOptions& options = {}) {
  return choose_centredness(*model_table<Model>(), data, options);
}
template <class Model> Calibration calibrate(const Data& data, const CalibrationOptions& options = {}) {
  return calibrate(*model_table<Model>(), data, options);
}
template <class Model>
std::filesystem::path sample_to_file(const Data& data, const std::filesystem::path& file, const SampleOptions& options = {},
                                     bool overwrite = false) {
  return sample_to_file(*model_table<Model>(), data, file, options, overwrite);
}

}  // namespace lockstep
