#include "kernels/norm/batch_norm_loops.h"
#include "kernels/processor.h"

namespace onecycle::kernels {

const NormCpu& generic_norm_cpu() { return kNormCpu; }

const NormCpu& norm_cpu() {
  static const bool wide = avx512_norm_cpu() != nullptr && has_avx512();
  return wide ? *avx512_norm_cpu() : generic_norm_cpu();
}

}  // namespace onecycle::kernels
