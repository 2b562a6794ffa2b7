#pragma once

// What the code of a CUDA kernel, a .cuh without launches, includes. As C++, in tests, it is walked
// on the CPU: tests/kernels/cuda_on_host.h, included before, stands for the CUDA runtime.
#ifndef ONECYCLE_CUDA_ON_HOST
#include <cuda_runtime.h>
#endif
