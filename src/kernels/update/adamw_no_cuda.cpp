#include "kernels/update/adamw.h"
#include "kernels/device/no_cuda.h"

namespace onecycle::kernels {

void adamw_cuda(const UpdateTensor*, int, const AdamwRule&, const StepNumbers*, void*,
                const LossScale*) {
  refuse_without_cuda();
}

}  // namespace onecycle::kernels
