// chain_moments() of every element and chain.
#pragma once

#include <cuda_runtime.h>

#include "kernels/chain_moments.hpp"

namespace lockstep {

cudaError_t launch_moments(const MomentsLaunch& launch, cudaStream_t stream);

}  // namespace lockstep
