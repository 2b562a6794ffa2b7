#include "kernels/pool/max_pool_loops.h"
#include "kernels/processor.h"

namespace onecycle::kernels {

const MaxPoolCpu& generic_max_pool_cpu() { return kMaxPoolCpu; }

const MaxPoolCpu& max_pool_cpu() {
  static const bool wide = avx512_max_pool_cpu() != nullptr && has_avx512();
  return wide ? *avx512_max_pool_cpu() : generic_max_pool_cpu();
}

}  // namespace onecycle::kernels
