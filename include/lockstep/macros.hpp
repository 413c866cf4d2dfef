// LOCKSTEP_FN marks a function that runs wherever a model runs: on the host and, under nvcc, on the device.
#pragma once

#if defined(__CUDACC__)
#define LOCKSTEP_FN __host__ __device__
#else
#define LOCKSTEP_FN
#endif

// Everything that a gradient calls is inlined into it; without that GCC keeps expression objects in memory, at twenty
// times the cost. Instrumented builds do without: they are not about speed, and take minutes for a model otherwise.
#if defined(__SANITIZE_ADDRESS__)
#define LOCKSTEP_FLATTEN
#else
#define LOCKSTEP_FLATTEN [[gnu::flatten]]
#endif

// Before a loop: a device compiler leaves it a loop. Unrolled, one that holds a model's expressions takes all registers.
#if defined(__CUDACC__)
#define LOCKSTEP_ROLLED _Pragma("unroll 1")
#else
#define LOCKSTEP_ROLLED
#endif
