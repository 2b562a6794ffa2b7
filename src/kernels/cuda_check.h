#pragma once

#include "onecycle/error.h"

#include <cuda_runtime.h>
#include <string>

namespace onecycle::kernels {

inline void check_cuda(cudaError_t status, const char* what) {
  if (status != cudaSuccess)
    throw Error(std::string("the GPU refused ") + what + ": " + cudaGetErrorString(status));
}

}  // namespace onecycle::kernels
