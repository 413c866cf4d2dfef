// The boundary between what is compiled for a device, models and samplers, and the engine. As lockstep/model_table.hpp: plain
// functions.
#pragma once

#include <vector>

#include "kernels/device_launch.hpp"
#include "lockstep/model_data.hpp"

namespace lockstep {

// What a compiled model needs of one team.
struct KernelResources {
  int registers = 0;                 // per thread
  int local_bytes = 0;               // per thread: stack and spills
  int most_threads = 0;              // of one team
};

// A model's functions on a device. As ModelTable: plain functions, errors as messages.
struct DeviceModelTable {
  std::int64_t size;                 // of this table
  bool mixed;                        // gradients are computed in single precision (lockstep/single.hpp)
  // Binds the model to data, which are copied to `memory`.
  void* (*create)(const DataView* data, const DataMemory* memory, const ErrorSink* errors);
  void (*destroy)(void* model);
  bool (*resources)(KernelResources* resources, const ErrorSink* errors);
  // These return at once; the work is done in the order of the stream. `advance` is of Nuts (fuses_with_models).
  bool (*advance)(const void* model, const TickLaunch* launch, void* stream, const ErrorSink* errors);
  bool (*gradient)(const void* model, const GradientLaunch* launch, void* stream, const ErrorSink* errors);
  // The design matrices that a staged run multiplies by, at most `most`; returns how many there are.
  int (*staged_sites)(const void* model, int coordinates, int scratch, StagedSite* sites, int most);
  bool (*arguments)(const void* model, const GradientLaunch* launch, void* stream, const ErrorSink* errors);
  bool (*density)(const void* model, const GradientLaunch* launch, void* stream, const ErrorSink* errors);
  bool (*pull)(const void* model, const GradientLaunch* launch, void* stream, const ErrorSink* errors);
};

// The halves of a machine's ticks and arrivals on a device, a model's gradient being evaluated between them.
struct MachineTable {
  bool (*leap)(const TickLaunch* launch, void* stream, const ErrorSink* errors);
  bool (*land)(const TickLaunch* launch, void* stream, const ErrorSink* errors);
  bool (*set_out)(const ArriveLaunch* launch, void* stream, const ErrorSink* errors);
  bool (*arrive)(const ArriveLaunch* launch, void* stream, const ErrorSink* errors);
};

constexpr int most_staged_sites = 16;

template <class Model> void* create_on_device(const DataView* data, const DataMemory* memory, const ErrorSink* errors) {
  try {
    return new ModelData<Model>(*data, memory);
  } catch (const std::exception& e) {
    errors->report(errors->context, e.what());
    return nullptr;
  }
}
// Evaluates the model's coefficients once, at zero, to see what it asks for.
template <class Model> int staged_sites_of(const void* model, int coordinates, int scratch, StagedSite* sites, int most) {
  std::vector<double> position(std::size_t(coordinates) + 1), gradient(std::size_t(coordinates) + 1), memory(std::size_t(scratch) + 1);
  double nowhere[2] = {};
  Workspace workspace{position.data(), gradient.data(), memory.data(), nullptr, 1};
  workspace.staged = {nowhere, nowhere + 1, nowhere, nowhere + 1, 0, sites, most};  // stride 0: all elements are one
  LogDensity<double, WholeTeam, false, Stage::arguments> m(WholeTeam{}, workspace);
  static_cast<const ModelData<Model>*>(model)->model()(m);
  return m.staged_sites();
}
template <class Model> void destroy_on_device(void* model) { delete static_cast<ModelData<Model>*>(model); }

}  // namespace lockstep
