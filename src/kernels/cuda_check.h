#pragma once

#include <cuda_runtime.h>

#include <string>

#include "onecycle/error.h"

namespace onecycle::kernels {

inline void check_cuda(cudaError_t status, const char* what) {
  if (status != cudaSuccess)
    throw Error(std::string("the GPU refused ") + what + ": " + cudaGetErrorString(status));
}

}  // namespace onecycle::kernels
