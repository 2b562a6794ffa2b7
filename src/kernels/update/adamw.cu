#include "kernels/update/adamw.h"
#include "kernels/update/adamw_element.h"
#include "kernels/update/update_cuda.h"

namespace onecycle::kernels {

void adamw_cuda(const UpdateTensor* tensors, int num_tensors, const AdamwRule& rule,
                const StepNumbers* numbers, void* stream, const LossScale* loss_scale) {
  update_on_cuda(tensors, num_tensors, AdamwUpdate{rule}, numbers, stream, loss_scale,
                 "the AdamW update");
}

}  // namespace onecycle::kernels
