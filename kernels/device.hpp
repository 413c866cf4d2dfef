// A device that runs a model's chains, as its driver sees it: memory, two streams, events, launches.
//
// There are two: a GPU (kernels/cuda/device.cu) and the host in its place (kernels/emulated/), by which everything above
// this line is tested where there is no GPU.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

#include "kernels/chain_moments.hpp"
#include "kernels/device_table.hpp"
#include "kernels/ensemble.hpp"

namespace lockstep {

// A device is missing, has no memory left, or has failed.
class DeviceError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct DeviceInfo {
  std::string name;
  int multiprocessors = 0;
  std::size_t memory = 0, free_memory = 0;
  std::size_t team_memory = 0;       // bytes that one team may have of its own (shared memory)
};

// out = X in, or X^T in, for all chains: X is [row][column], `in` and `out` are [element][chain].
template <class V> struct MatrixProduct {
  const V* x;
  int rows, columns, chains;
  bool transposed;
  const V* in;
  V* out;
};

// Work on one stream is done in order; streams wait for each other by events only.
class Device {
 public:
  enum class Stream { compute, copy };
  using Event = std::shared_ptr<void>;

  virtual ~Device() = default;
  virtual DeviceInfo info() const = 0;

  // All throw DeviceError. Memory of the device, uninitialised; memory of the host that streams copy from and to at full
  // speed; memory that both read, for data.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void free(void* memory) noexcept = 0;
  virtual DrawBlock::Allocate host_memory() const = 0;
  virtual DataMemory data_memory() = 0;

  // Queued on the stream; the host's memory must last until that is done. `rows` pieces of `bytes`, pitches apart.
  virtual void copy(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t bytes, std::size_t rows,
                    Stream stream) = 0;
  void copy(void* to, const void* from, std::size_t bytes, Stream stream) { copy(to, bytes, from, bytes, bytes, 1, stream); }

  virtual void multiply(const MatrixProduct<double>& product, Stream stream) = 0;
  // `tf32`: by tensor cores, which round the factors to 11 bits.
  virtual void multiply(const MatrixProduct<float>& product, bool tf32, Stream stream) = 0;
  virtual void moments(const MomentsLaunch& launch, Stream stream) = 0;  // chain_moments of every element and chain

  virtual Event record(Stream stream) = 0;             // happens when the stream has come here
  virtual void wait(Stream stream, const Event& event) = 0;
  virtual void wait(const Event& event) = 0;           // on the host; throws what has failed before it
  virtual void* handle(Stream stream) = 0;             // for DeviceModelTable and MachineTable
  virtual const MachineTable& machine(std::size_t which) const = 0;  // of MachineKernels (kernels/machines.hpp)

  void synchronise(Stream stream) { wait(record(stream)); }
};

}  // namespace lockstep
