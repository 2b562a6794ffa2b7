#include "kernels/norm/batch_norm_loops.h"

namespace onecycle::kernels {

// Compiled for x86-64-v4 where the compiler can (CMakeLists.txt).
const NormCpu* avx512_norm_cpu() {
#if defined(__AVX512BW__)
  return &kNormCpu;
#else
  static_cast<void>(kNormCpu);
  return nullptr;
#endif
}

}  // namespace onecycle::kernels
