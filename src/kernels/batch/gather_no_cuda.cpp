#include "kernels/batch/gather.h"
#include "kernels/device/no_cuda.h"

namespace onecycle::kernels {

bool has_cuda_kernels() { return false; }

void gather_cuda(const Gather&, void*) { refuse_without_cuda(); }

}  // namespace onecycle::kernels
