#pragma once

#include "kernels/write.h"

#include <cstring>

#include <c10/core/Device.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace onecycle::kernels {

// The cudaStream_t that ATen works on now, without naming CUDA: for callers of kernels, which
// themselves know nothing of ATen.
inline void* current_stream(c10::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
}

// A few numbers of the host into memory of `device`, after what was queued before and without
// waiting for it. See kernels/write.h.
inline void write(c10::Device device, void* to, const void* from, std::size_t size) {
  if (device.is_cuda()) {
    write_cuda(to, from, size, current_stream(device));
  } else {
    std::memcpy(to, from, size);
  }
}

}  // namespace onecycle::kernels
