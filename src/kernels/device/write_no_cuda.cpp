#include "kernels/device/no_cuda.h"
#include "kernels/device/write.h"

namespace onecycle::kernels {

void write_cuda(void*, const void*, std::size_t, void*) { refuse_without_cuda(); }

}  // namespace onecycle::kernels
