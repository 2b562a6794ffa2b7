#include "kernels/update/sgd.h"
#include "kernels/update/sgd_element.h"
#include "kernels/update/update_cuda.h"

namespace onecycle::kernels {

void sgd_cuda(const UpdateTensor* tensors, int num_tensors, const UpdateRule& rule,
              const StepNumbers* numbers, void* stream, const LossScale* loss_scale) {
  with_sgd_update(rule, [&](const auto& update) {
    update_on_cuda(tensors, num_tensors, update, numbers, stream, loss_scale, "the SGD update");
  });
}

}  // namespace onecycle::kernels
