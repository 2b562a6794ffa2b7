#pragma once

#include <c10/core/Device.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace onecycle {

// The cudaStream_t that ATen works on now, without naming CUDA: for callers of kernels, which
// themselves know nothing of ATen.
inline void* current_stream(c10::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
}

}  // namespace onecycle
