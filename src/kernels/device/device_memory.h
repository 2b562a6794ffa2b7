#pragma once

#include <cstdint>

namespace onecycle::kernels {

// Bytes free on a CUDA device. Throws Error where the build has no CUDA kernels.
std::int64_t free_device_memory(int device);

}  // namespace onecycle::kernels
