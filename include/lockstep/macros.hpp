// LOCKSTEP_FN marks a function that runs wherever a model runs: on the host and, under nvcc, on the device.
#pragma once

#if defined(__CUDACC__)
#define LOCKSTEP_FN __host__ __device__
#else
#define LOCKSTEP_FN
#endif
