// What this GPU can do at most, measured: bytes moved per second, by working sets of several sizes (small ones stay in
// its cache), and multiply-adds per second in double precision: by plain threads, and by cuBLAS's matrix product, which
// may have units of its own. One line of JSON for each; times are the GPU's own, by events, the fastest of several
// launches.

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>

namespace {

void require(cudaError_t status) {
  if (status == cudaSuccess) return;
  std::fprintf(stderr, "ceilings: %s\n", cudaGetErrorString(status));
  std::exit(1);
}

void require(cublasStatus_t status) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  std::fprintf(stderr, "ceilings: cuBLAS fails with status %d\n", int(status));
  std::exit(1);
}

// Reads one array and writes another, in two places at a time.
__global__ void copy_kernel(const double2* from, double2* to, std::size_t count) {
  for (std::size_t i = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += std::size_t(gridDim.x) * blockDim.x)
    to[i] = from[i];
}

// Reads two arrays and writes a third.
__global__ void triad_kernel(const double2* a, const double2* b, double2* to, std::size_t count) {
  for (std::size_t i = std::size_t(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += std::size_t(gridDim.x) * blockDim.x)
    to[i] = {a[i].x + 3 * b[i].x, a[i].y + 3 * b[i].y};
}

constexpr int fma_chains = 8, fma_rounds = 4096;

// Eight independent sequences of multiply-adds in each thread.
__global__ void fma_kernel(double* out, double factor, double term) {
  double x[fma_chains];
  for (int k = 0; k < fma_chains; ++k) x[k] = threadIdx.x + k;
#pragma unroll 4
  for (int round = 0; round < fma_rounds; ++round)
#pragma unroll
    for (int k = 0; k < fma_chains; ++k) x[k] = fma(x[k], factor, term);
  double sum = 0;
  for (int k = 0; k < fma_chains; ++k) sum += x[k];
  if (sum == 0.123456789) *out = sum;  // never: but the compiler does not know
}

template <class Launch>
double fastest_seconds(int launches, const Launch& launch) {
  cudaEvent_t start, stop;
  require(cudaEventCreate(&start));
  require(cudaEventCreate(&stop));
  float best = 1e30f;
  for (int i = 0; i < launches; ++i) {
    require(cudaEventRecord(start));
    launch();
    require(cudaEventRecord(stop));
    require(cudaGetLastError());
    require(cudaEventSynchronize(stop));
    float milliseconds = 0;
    require(cudaEventElapsedTime(&milliseconds, start, stop));
    if (i > 0 && milliseconds < best) best = milliseconds;  // the first one warms up
  }
  require(cudaEventDestroy(start));
  require(cudaEventDestroy(stop));
  return best * 1e-3;
}

}  // namespace

int main() {
  cudaDeviceProp gpu{};
  require(cudaGetDeviceProperties(&gpu, 0));
  const unsigned blocks = unsigned(gpu.multiProcessorCount) * 16;
  constexpr unsigned threads = 256;
  constexpr std::size_t mebibyte = std::size_t{1} << 20;

  std::size_t free_memory = 0, memory = 0;
  require(cudaMemGetInfo(&free_memory, &memory));
  for (const std::size_t total : {8 * mebibyte, 24 * mebibyte, 96 * mebibyte, 512 * mebibyte, 4096 * mebibyte}) {
    if (total > free_memory / 2) continue;
    char* data = nullptr;
    require(cudaMalloc(&data, total));
    require(cudaMemset(data, 0, total));
    const auto at = [&](int third) { return reinterpret_cast<double2*>(data + third * (total / 3 / 256 * 256)); };
    const std::size_t half = total / 2 / sizeof(double2), third = total / 3 / 256 * 256 / sizeof(double2);
    // A small set is gone through many times, so that the launch does not count.
    const int passes = int(1 + 512 * mebibyte / total);
    const double copy = fastest_seconds(5, [&] {
      for (int p = 0; p < passes; ++p)
        copy_kernel<<<blocks, threads>>>(at(0), reinterpret_cast<double2*>(data) + half, half);
    });
    const double triad = fastest_seconds(5, [&] {
      for (int p = 0; p < passes; ++p) triad_kernel<<<blocks, threads>>>(at(0), at(1), at(2), third);
    });
    std::printf("{\"ceiling\": \"copy\", \"working_set\": %zu, \"bytes_per_second\": %.4g}\n", total,
                double(passes) * 2 * double(half) * sizeof(double2) / copy);
    std::printf("{\"ceiling\": \"triad\", \"working_set\": %zu, \"bytes_per_second\": %.4g}\n", total,
                double(passes) * 3 * double(third) * sizeof(double2) / triad);
    require(cudaFree(data));
  }

  double* out = nullptr;
  require(cudaMalloc(&out, sizeof(double)));
  const double seconds = fastest_seconds(6, [&] { fma_kernel<<<blocks, threads>>>(out, 0.999, 0.001); });
  std::printf("{\"ceiling\": \"fma64\", \"multiply_adds_per_second\": %.4g}\n",
              double(blocks) * threads * fma_chains * fma_rounds / seconds);
  require(cudaFree(out));

  constexpr int size = 4096;
  double* matrices = nullptr;
  require(cudaMalloc(&matrices, 3 * sizeof(double) * size * size));
  require(cudaMemset(matrices, 0, 3 * sizeof(double) * size * size));
  const auto matrix = [&](int which) { return matrices + std::size_t(which) * size * size; };
  cublasHandle_t handle;
  require(cublasCreate(&handle));
  const double one = 1, zero = 0;
  const double product = fastest_seconds(4, [&] {
    require(cublasDgemm(handle, CUBLAS_OP_N, CUBLAS_OP_N, size, size, size, &one, matrix(0), size, matrix(1), size,
                        &zero, matrix(2), size));
  });
  std::printf("{\"ceiling\": \"gemm64\", \"multiply_adds_per_second\": %.4g}\n", double(size) * size * size / product);
  cublasDestroy(handle);
  require(cudaFree(matrices));
  return 0;
}
