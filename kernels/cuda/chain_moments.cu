#include "kernels/cuda/chain_moments.cuh"

namespace lockstep {

namespace {

// Neighbouring threads have neighbouring chains: what they read lies side by side.
__global__ void moments_kernel(const MomentsLaunch launch) {
  const int chain = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (chain >= launch.chains) return;
  for (int element = int(blockIdx.y); element < launch.elements; element += int(gridDim.y)) chain_moments(launch, element, chain);
}

}  // namespace

cudaError_t launch_moments(const MomentsLaunch& launch, cudaStream_t stream) {
  constexpr unsigned threads = 128, most_blocks = 65535;
  const dim3 blocks((unsigned(launch.chains) + threads - 1) / threads, unsigned(launch.elements) < most_blocks ? unsigned(launch.elements) : most_blocks);
  moments_kernel<<<blocks, threads, 0, stream>>>(launch);
  return cudaGetLastError();
}

}  // namespace lockstep
