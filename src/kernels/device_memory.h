#pragma once

#include <cstddef>
#include <cstdint>

namespace onecycle::kernels {

// Bytes free on a CUDA device. Throws Error where the build has no CUDA kernels.
std::int64_t free_device_memory(int device);

// Locks memory of the host in place, whole pages, so that kernels of a CUDA device can read it, and
// returns where they find it. It must be neither freed nor lent again before end_lending. Throws
// Error with CUDA's reason, or where the build has no CUDA kernels.
const void* lend_host_memory(const void* begin, std::size_t bytes, int device);
// Waits for the device. Does nothing where the device has failed.
void end_lending(const void* begin, int device) noexcept;

constexpr std::size_t kLargestWrite = 64;  // bytes

// Puts up to kLargestWrite bytes, a multiple of 8, of the host into device memory, in the order of
// `stream` (a cudaStream_t). They travel as a kernel's arguments: `from` may go at once, and no
// copy from pageable memory can wait for the device. Throws Error where the build has no CUDA
// kernels.
void write_cuda(void* to, const void* from, std::size_t size, void* stream);

}  // namespace onecycle::kernels
