// The host in the place of a GPU: what is above kernels/device.hpp is tested with it.
//
// A stream is a thread that does its work in order, some time later, as a GPU's does; memory starts as garbage, and what is
// not freed is noticed. A launch runs the very code of a GPU's thread blocks on an EmulatedTeam, tile after tile.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <new>
#include <thread>

#include "kernels/device.hpp"
#include "kernels/device_tile.hpp"
#include "kernels/emulated_team.hpp"
#include "kernels/machines.hpp"
#include "lockstep/single.hpp"

namespace lockstep {

class EmulatedStream {
 public:
  EmulatedStream() : thread_([this](std::stop_token stop) { work(stop); }) {}
  ~EmulatedStream() {
    thread_.request_stop();
    changed_.notify_all();
  }
  void add(std::function<void()> job) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    changed_.notify_all();
  }

 private:
  void work(std::stop_token stop) {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return !jobs_.empty() || stop.stop_requested(); });
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::jthread thread_;
};

class EmulatedDevice : public Device {
 public:
  struct Limits {
    int multiprocessors = 2;
    std::size_t memory = std::size_t{1} << 30;
    std::size_t team_memory = std::size_t{48} << 10;
  };
  EmulatedDevice() : EmulatedDevice(Limits()) {}
  explicit EmulatedDevice(const Limits& limits) : limits_(limits) {}

  DeviceInfo info() const override {
    return {"an emulated device", limits_.multiprocessors, limits_.memory, limits_.memory - used_, limits_.team_memory};
  }

  void* allocate(std::size_t bytes) override {
    if (used_ + bytes > limits_.memory)
      throw DeviceError("the device has no memory left (" + std::to_string(bytes) + " bytes more were needed). Run fewer chains.");
    used_ += bytes;
    auto* memory = static_cast<std::size_t*>(::operator new(header + bytes, std::align_val_t(header)));
    *memory = bytes;
    return std::memset(reinterpret_cast<char*>(memory) + header, 0xA5, bytes);
  }
  void free(void* memory) noexcept override {
    void* whole = static_cast<char*>(memory) - header;
    used_ -= *static_cast<std::size_t*>(whole);
    ::operator delete(whole, std::align_val_t(header));
  }
  std::size_t used() const { return used_; }
  DrawBlock::Allocate host_memory() const override {
    return [](std::size_t count) { return AlignedArray(count); };
  }
  DataMemory data_memory() override {
    return {this, [](void* device, std::size_t bytes) { return static_cast<EmulatedDevice*>(device)->allocate(bytes); },
            [](void* device, void* memory) { static_cast<EmulatedDevice*>(device)->free(memory); }};
  }

  void copy(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t bytes, std::size_t rows,
            Stream which) override {
    stream(which).add([=] {
      for (std::size_t r = 0; r < rows; ++r)
        std::memcpy(static_cast<char*>(to) + r * to_pitch, static_cast<const char*>(from) + r * from_pitch, bytes);
    });
  }
  using Device::copy;

  void moments(const MomentsLaunch& launch, Stream which) override {
    stream(which).add([launch] {
      for (int i = 0; i < launch.elements; ++i)
        for (int c = 0; c < launch.chains; ++c) chain_moments(launch, i, c);
    });
  }

  void multiply(const MatrixProduct<double>& product, Stream which) override {
    stream(which).add([product] { multiply_elements(product); });
  }
  // TF32 is a matter of the GPU's hardware: floats here.
  void multiply(const MatrixProduct<float>& product, bool, Stream which) override {
    stream(which).add([product] { multiply_elements(product); });
  }

  Event record(Stream which) override {
    auto happened = std::make_shared<Happened>();
    stream(which).add([happened] {
      happened->is_so = true;
      happened->is_so.notify_all();
    });
    return happened;
  }
  void wait(Stream which, const Event& event) override {
    stream(which).add([event] { static_cast<Happened*>(event.get())->is_so.wait(false); });
  }
  void wait(const Event& event) override { static_cast<Happened*>(event.get())->is_so.wait(false); }
  void* handle(Stream which) override { return &stream(which); }
  const MachineTable& machine(std::size_t which) const override;

 private:
  struct Happened {
    std::atomic<bool> is_so{false};
  };
  static constexpr std::size_t header = 64;
  template <class V> static void multiply_elements(const MatrixProduct<V>& p) {
    const int out = p.transposed ? p.columns : p.rows, in = p.transposed ? p.rows : p.columns;
    for (int o = 0; o < out; ++o)
      for (int c = 0; c < p.chains; ++c) {
        V sum = 0;
        for (int k = 0; k < in; ++k)
          sum += p.x[p.transposed ? std::int64_t(k) * p.columns + o : std::int64_t(o) * p.columns + k] * p.in[std::int64_t(k) * p.chains + c];
        p.out[std::int64_t(o) * p.chains + c] = sum;
      }
  }
  EmulatedStream& stream(Stream which) { return which == Stream::compute ? compute_ : copy_; }

  Limits limits_;
  std::atomic<std::size_t> used_{0};
  EmulatedStream compute_, copy_;
};

// Queues body(place, resident memory of the team) for every lane of every tile.
template <class F> bool on_every_tile(const ChainArrays& arrays, void* stream, const F& body) {
  static_cast<EmulatedStream*>(stream)->add([=] {
    for (int tile = 0; tile < arrays.tiles(); ++tile) {
      std::vector<double> resident(std::size_t(arrays.resident_size()));
      EmulatedTeam::run(arrays.geometry.lanes, arrays.geometry.slices,
                        [&](const EmulatedTeam& team) { body(TilePlace<EmulatedTeam>{team, arrays, tile}, resident.data()); });
    }
  });
  return true;
}

template <class Kernel> struct EmulatedMachine {
  using Tile = MachineTile<Kernel, EmulatedTeam>;
  template <auto half, class Launch> static bool run(const Launch* launch, void* stream, const ErrorSink*) {
    return on_every_tile(launch->arrays, stream, [l = *launch](const auto& at, double*) { (Tile(at).*half)(l); });
  }
  static constexpr MachineTable table{run<&Tile::leap, TickLaunch>, run<&Tile::land, TickLaunch>, run<&Tile::set_out, ArriveLaunch>,
                                      run<&Tile::arrive, ArriveLaunch>};
};

inline const MachineTable& EmulatedDevice::machine(std::size_t which) const {
  static constexpr auto tables = MachineKernels::tables<EmulatedMachine>();
  return tables[which];
}

// The functions of a model on an emulated device.
template <class Model, class T = double> class EmulatedModel {
  using Tile = ModelTile<Model, EmulatedTeam, T>;
  static const Model& model_of(const void* bound) { return static_cast<const ModelData<Model>*>(bound)->model(); }
  static bool advance(const void* bound, const TickLaunch* launch, void* stream, const ErrorSink*) {
    return on_every_tile(launch->arrays, stream, [&model = model_of(bound), l = *launch](const auto& at, double* resident) {
      MachineTile<NutsKernel, EmulatedTeam>(at).advance(l, Tile(at, model), resident);
    });
  }
  template <auto part> static bool run(const void* bound, const GradientLaunch* launch, void* stream, const ErrorSink*) {
    return on_every_tile(launch->arrays, stream, [&model = model_of(bound), l = *launch](const auto& at, double*) { (Tile(at, model).*part)(l); });
  }
  static bool resources(KernelResources* resources, const ErrorSink*) {
    *resources = {0, 0, largest_team};
    return true;
  }

 public:
  static constexpr DeviceModelTable table{sizeof(DeviceModelTable),
                                          std::is_same_v<T, Single>,
                                          create_on_device<Model>,
                                          destroy_on_device<Model>,
                                          resources,
                                          advance,
                                          run<&Tile::gradient>,
                                          staged_sites_of<Model>,
                                          run<&Tile::arguments>,
                                          run<&Tile::density>,
                                          run<&Tile::pull>};
};
template <class Model, class T = double> const DeviceModelTable* emulated_model_table() { return &EmulatedModel<Model, T>::table; }

}  // namespace lockstep
