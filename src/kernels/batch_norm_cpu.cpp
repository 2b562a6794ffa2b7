#include "kernels/batch_norm_loops.h"

namespace onecycle::kernels {

const NormCpu& generic_norm_cpu() { return kNormCpu; }

const NormCpu& norm_cpu() {
#if defined(__x86_64__)
  static const bool wide = avx512_norm_cpu() != nullptr && __builtin_cpu_supports("avx512f") != 0 &&
                           __builtin_cpu_supports("avx512bw") != 0 &&
                           __builtin_cpu_supports("avx512vl") != 0 &&
                           __builtin_cpu_supports("avx512dq") != 0;
  if (wide) return *avx512_norm_cpu();
#endif
  return generic_norm_cpu();
}

}  // namespace onecycle::kernels
