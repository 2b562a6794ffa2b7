#include "kernels/device/device_memory.h"
#include "kernels/device/no_cuda.h"

namespace onecycle::kernels {

std::int64_t free_device_memory(int) { refuse_without_cuda(); }

}  // namespace onecycle::kernels
