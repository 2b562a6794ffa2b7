#include "kernels/device/no_cuda.h"
#include "kernels/update/sgd.h"

namespace onecycle::kernels {

void sgd_cuda(const UpdateTensor*, int, const UpdateRule&, const StepNumbers*, void*,
              const LossScale*) {
  refuse_without_cuda();
}

}  // namespace onecycle::kernels
