#include "kernels/pool/max_pool_loops.h"

namespace onecycle::kernels {

// Compiled for x86-64-v4 where the compiler can (CMakeLists.txt).
const MaxPoolCpu* avx512_max_pool_cpu() {
#if defined(__AVX512BW__)
  return &kMaxPoolCpu;
#else
  static_cast<void>(kMaxPoolCpu);
  return nullptr;
#endif
}

}  // namespace onecycle::kernels
