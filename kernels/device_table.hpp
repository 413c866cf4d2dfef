// The boundary between a model compiled for a device and the engine. As lockstep/model_table.hpp: plain functions.
#pragma once

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
  // Binds the model to data, which are copied to `memory`.
  void* (*create)(const DataView* data, const DataMemory* memory, const ErrorSink* errors);
  void (*destroy)(void* model);
  bool (*resources)(KernelResources* resources, const ErrorSink* errors);
  // These return at once; the work is done in the order of the stream.
  bool (*arrive)(const void* model, const ArriveLaunch* launch, void* stream, const ErrorSink* errors);
  bool (*advance)(const void* model, const TickLaunch* launch, void* stream, const ErrorSink* errors);
};

template <class Model> void* create_on_device(const DataView* data, const DataMemory* memory, const ErrorSink* errors) {
  try {
    return new ModelData<Model>(*data, memory);
  } catch (const std::exception& e) {
    errors->report(errors->context, e.what());
    return nullptr;
  }
}
template <class Model> void destroy_on_device(void* model) { delete static_cast<ModelData<Model>*>(model); }

}  // namespace lockstep
