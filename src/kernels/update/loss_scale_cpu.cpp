#include "kernels/update/bad_gradient.h"
#include "kernels/update/loss_scale.h"

namespace onecycle::kernels {

void find_bad_cpu(const UpdateTensor& tensor, std::int64_t begin, std::int64_t end,
                  LossScale* state) {
  if (has_bad_of_type<1>(tensor, begin, end)) __atomic_store_n(&state->bad, 1, __ATOMIC_RELAXED);
}

}  // namespace onecycle::kernels
