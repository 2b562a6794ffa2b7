#pragma once

#include "onecycle/error.h"

namespace onecycle::kernels {

[[noreturn]] inline void refuse_without_cuda() {
  throw Error("this build has no CUDA kernels; build with ONECYCLE_CUDA=ON, or use the CPU");
}

}  // namespace onecycle::kernels
