#include <cuda_runtime.h>
#include <curand_philox4x32_x.h>

#include <stdexcept>
#include <string>

#include "device_random.hpp"
#include "kernels/lane_random.hpp"

namespace lockstep {

namespace {

void require(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(status));
}

template <class V>
class OnDevice {
 public:
  explicit OnDevice(std::size_t count) : count_(count) { require(cudaMalloc(&memory_, count * sizeof(V))); }
  explicit OnDevice(const std::vector<V>& values) : OnDevice(values.size()) {
    require(cudaMemcpy(memory_, values.data(), count_ * sizeof(V), cudaMemcpyHostToDevice));
  }
  OnDevice(const OnDevice&) = delete;
  ~OnDevice() { cudaFree(memory_); }
  V* data() const { return memory_; }
  std::vector<V> read() const {
    std::vector<V> values(count_);
    require(cudaMemcpy(values.data(), memory_, count_ * sizeof(V), cudaMemcpyDeviceToHost));  // waits for the kernel
    return values;
  }

 private:
  std::size_t count_;
  V* memory_ = nullptr;
};

__global__ void philox_kernel(const PhiloxInput* inputs, int count, Philox4* ours, Philox4* curands) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= count) return;
  const auto& [counter, key] = inputs[i];
  ours[i] = philox(counter, key);
  const uint4 block = curand_Philox4x32_10(make_uint4(counter.v[0], counter.v[1], counter.v[2], counter.v[3]),
                                           make_uint2(key.v[0], key.v[1]));
  curands[i] = {{block.x, block.y, block.z, block.w}};
}

__global__ void normals_kernel(std::uint64_t seed, std::uint32_t chain, double draw, int pairs, double* out) {
  const int pair = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (pair >= pairs) return;
  LaneStreams<double> streams;
  streams.seed = seed;
  streams.chain[0] = chain;
  const NormalPair<double> z =
      normal_pair(consecutive_blocks(streams, 0, Purpose::transition, draw, std::uint64_t(pair)));
  out[2 * pair] = z.first;
  out[2 * pair + 1] = z.second;
}

constexpr int threads = 128;
unsigned blocks_for(std::size_t count) { return unsigned((count + threads - 1) / threads); }

}  // namespace

DeviceBlocks philox_on_device(const std::vector<PhiloxInput>& inputs) {
  const OnDevice<PhiloxInput> in(inputs);
  const OnDevice<Philox4> ours(inputs.size()), curands(inputs.size());
  philox_kernel<<<blocks_for(inputs.size()), threads>>>(in.data(), int(inputs.size()), ours.data(), curands.data());
  require(cudaGetLastError());
  return {ours.read(), curands.read()};
}

std::vector<double> normals_on_device(std::uint64_t seed, std::uint32_t chain, double draw, int pairs) {
  const OnDevice<double> out(2 * std::size_t(pairs));
  normals_kernel<<<blocks_for(std::size_t(pairs)), threads>>>(seed, chain, draw, pairs, out.data());
  require(cudaGetLastError());
  return out.read();
}

}  // namespace lockstep
