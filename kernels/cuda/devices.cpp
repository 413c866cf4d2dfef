#include "kernels/cuda/devices.hpp"

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include "kernels/cuda/chain_moments.cuh"
#include "kernels/cuda/machines.hpp"

namespace lockstep {

namespace {

std::string version_text(int version) { return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10); }

void require(cudaError_t status, const std::string& what) {
  if (status == cudaSuccess) return;
  const std::string suggestion = status == cudaErrorMemoryAllocation ? "Run fewer chains, or use a GPU with more memory."
                                                                     : "See: lockstep devices.";
  throw DeviceError("the GPU could not " + what + " (" + cudaGetErrorString(status) + "). " + suggestion);
}

void require(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw DeviceError(std::string("the GPU could not ") + what + " (cuBLAS: " + cublasGetStatusString(status) + "). See: lockstep devices.");
}

class CudaGpu : public Device {
 public:
  explicit CudaGpu(int number) : number_(number) {
    use();
    for (cudaStream_t& stream : streams_)
      require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "make a stream");
  }
  ~CudaGpu() override {
    cudaSetDevice(number_);
    if (blas_) cublasDestroy(blas_);
    for (cudaStream_t stream : streams_)
      if (stream) cudaStreamDestroy(stream);
  }

  DeviceInfo info() const override {
    use();
    cudaDeviceProp properties{};
    require(cudaGetDeviceProperties(&properties, number_), "be asked what it is");
    DeviceInfo info{properties.name, properties.multiProcessorCount, 0, 0, properties.sharedMemPerBlockOptin};
    require(cudaMemGetInfo(&info.free_memory, &info.memory), "say how much memory it has");
    return info;
  }

  void* allocate(std::size_t bytes) override {
    use();
    void* memory = nullptr;
    require(cudaMalloc(&memory, bytes), "allocate " + std::to_string(bytes >> 20) + " MiB");
    return memory;
  }
  void free(void* memory) noexcept override {
    cudaSetDevice(number_);
    cudaFree(memory);
  }
  DrawBlock::Allocate host_memory() const override {
    return [](std::size_t count) {
      void* memory = nullptr;
      require(cudaHostAlloc(&memory, (count > 0 ? count : 1) * sizeof(double), cudaHostAllocPortable),
              "have " + std::to_string(count * sizeof(double) >> 20) + " MiB of the host's memory pinned");
      return AlignedArray(static_cast<double*>(memory), [](double* p) { cudaFreeHost(p); });
    };
  }
  // Managed memory: a model's constructor runs on the host and reads there; afterwards nobody writes, and every GPU gets a
  // copy of what it reads.
  DataMemory data_memory() override {
    return {this,
            [](void* gpu, std::size_t bytes) {
              static_cast<CudaGpu*>(gpu)->use();
              void* memory = nullptr;
              if (cudaMallocManaged(&memory, bytes) != cudaSuccess) return static_cast<void*>(nullptr);
#if CUDART_VERSION >= 13000
              cudaMemAdvise(memory, bytes, cudaMemAdviseSetReadMostly, {cudaMemLocationTypeDevice, static_cast<CudaGpu*>(gpu)->number_});
#else
              cudaMemAdvise(memory, bytes, cudaMemAdviseSetReadMostly, static_cast<CudaGpu*>(gpu)->number_);
#endif
              return memory;
            },
            [](void* gpu, void* memory) { static_cast<CudaGpu*>(gpu)->free(memory); }};
  }

  void copy(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t bytes, std::size_t rows,
            Stream stream) override {
    if (bytes == 0 || rows == 0) return;
    use();
    require(cudaMemcpy2DAsync(to, to_pitch, from, from_pitch, bytes, rows, cudaMemcpyDefault, at(stream)), "copy");
  }
  using Device::copy;

  // cuBLAS counts columns first, so what is [element][chain] here is a matrix of chains x elements there, and X its own
  // transpose.
  void multiply(const MatrixProduct<double>& product, Stream stream) override {
    multiply_by(cublasDgemm, CUBLAS_DEFAULT_MATH, product, stream);
  }
  void multiply(const MatrixProduct<float>& product, bool tf32, Stream stream) override {
    multiply_by(cublasSgemm, tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH, product, stream);
  }
  void moments(const MomentsLaunch& launch, Stream stream) override {
    use();
    require(launch_moments(launch, at(stream)), "start a kernel");
  }

  Event record(Stream stream) override {
    use();
    cudaEvent_t event{};
    require(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync), "make an event");
    const Event owned(event, [](void* e) { cudaEventDestroy(static_cast<cudaEvent_t>(e)); });
    require(cudaEventRecord(event, at(stream)), "record an event");
    return owned;
  }
  void wait(Stream stream, const Event& event) override {
    use();
    require(cudaStreamWaitEvent(at(stream), static_cast<cudaEvent_t>(event.get()), 0), "wait for an event");
  }
  void wait(const Event& event) override { require(cudaEventSynchronize(static_cast<cudaEvent_t>(event.get())), "finish its work"); }
  void* handle(Stream stream) override {
    use();  // the launch that follows is on this thread
    return at(stream);
  }
  const MachineTable& machine(std::size_t which) const override { return cuda_machine(which); }

 private:
  template <class Gemm, class V> void multiply_by(const Gemm& gemm, cublasMath_t mode, const MatrixProduct<V>& p, Stream stream) {
    use();
    if (!blas_) require(cublasCreate(&blas_), "start cuBLAS");
    require(cublasSetStream(blas_, at(stream)), "use a stream");
    require(cublasSetMathMode(blas_, mode), "choose its arithmetic");
    const int out = p.transposed ? p.columns : p.rows, in = p.transposed ? p.rows : p.columns;
    const V one = 1, zero = 0;
    require(gemm(blas_, CUBLAS_OP_N, p.transposed ? CUBLAS_OP_T : CUBLAS_OP_N, p.chains, out, in, &one, p.in, p.chains, p.x, p.columns,
                 &zero, p.out, p.chains),
            "multiply matrices");
  }
  void use() const { require(cudaSetDevice(number_), "be used"); }
  cudaStream_t at(Stream stream) const { return streams_[stream == Stream::compute ? 0 : 1]; }

  int number_;
  cudaStream_t streams_[2] = {};
  cublasHandle_t blas_ = nullptr;
};

}  // namespace

CudaStatus cuda_status() {
  CudaStatus status;
  int driver = 0, runtime = 0, count = 0;
  cudaRuntimeGetVersion(&runtime);
  status.runtime = version_text(runtime);
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
    status.unavailable = "no NVIDIA driver is loaded (a GPU needs one). Install it, or, in a container, start that with --gpus all";
    return status;
  }
  status.driver = version_text(driver);
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess || count == 0) {
    const std::string reason = error == cudaErrorInsufficientDriver ? "the driver is for CUDA " + status.driver + ", and this program for " + status.runtime
                               : count == 0 && error == cudaSuccess ? std::string("the driver has none")
                                                                    : cudaGetErrorString(error);
    status.unavailable = "no GPU can be used (" + reason + "). Look at nvidia-smi and at CUDA_VISIBLE_DEVICES";
    return status;
  }
  for (int number = 0; number < count; ++number) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, number) != cudaSuccess) continue;
    CudaDevice device{number, properties.name, std::to_string(properties.major) + "." + std::to_string(properties.minor),
                      properties.multiProcessorCount, properties.totalGlobalMem, 0};
    std::size_t total = 0;
    if (cudaSetDevice(number) == cudaSuccess) cudaMemGetInfo(&device.free_memory, &total);
    status.devices.push_back(device);
  }
  return status;
}

std::unique_ptr<Device> open_cuda_device(int number) {
  const CudaStatus status = cuda_status();
  if (!status.unavailable.empty()) throw DeviceError("There is no GPU to use: " + status.unavailable);
  if (number < 0 || number >= int(status.devices.size()))
    throw DeviceError("There is no GPU number " + std::to_string(number) + " (this machine has " + std::to_string(status.devices.size()) +
                      ", counted from 0). See: lockstep devices.");
  return std::make_unique<CudaGpu>(number);
}

}  // namespace lockstep
