#include "kernels/cuda_check.h"
#include "kernels/device_memory.cuh"

namespace onecycle::kernels {

namespace {

// What `work` returns while `device` is the current one.
template <class Work>
cudaError_t on_device(int device, const Work& work) {
  int before = 0;
  check_cuda(cudaGetDevice(&before), "asking for the device");
  check_cuda(cudaSetDevice(device), "choosing the device");
  const cudaError_t status = work();
  check_cuda(cudaSetDevice(before), "choosing the device");
  return status;
}

// Memory that the host may only read (a mapped file) needs the flag, which not every GPU has.
cudaError_t lock_pages(void* begin, std::size_t bytes, int device) {
  const cudaError_t plain = cudaHostRegister(begin, bytes, cudaHostRegisterMapped);
  if (plain == cudaSuccess) return plain;
  cudaGetLastError();  // a later check would find it
  int has_flag = 0;
  cudaDeviceGetAttribute(&has_flag, cudaDevAttrHostRegisterReadOnlySupported, device);
  if (has_flag == 0) return plain;
  const cudaError_t status =
      cudaHostRegister(begin, bytes, cudaHostRegisterMapped | cudaHostRegisterReadOnly);
  if (status != cudaSuccess) cudaGetLastError();
  return status;
}

}  // namespace

std::int64_t free_device_memory(int device) {
  std::size_t free = 0;
  std::size_t total = 0;
  check_cuda(on_device(device, [&] { return cudaMemGetInfo(&free, &total); }),
             "asking for free memory");
  return static_cast<std::int64_t>(free);
}

const void* lend_host_memory(const void* begin, std::size_t bytes, int device) {
  void* const host = const_cast<void*>(begin);
  void* found = nullptr;
  check_cuda(on_device(device, [&] { return lock_pages(host, bytes, device); }),
             "locking memory of the host");
  const cudaError_t asked =
      on_device(device, [&] { return cudaHostGetDevicePointer(&found, host, 0); });
  if (asked != cudaSuccess) end_lending(begin, device);
  check_cuda(asked, "memory of the host");
  return found;
}

void end_lending(const void* begin, int device) noexcept {
  try {
    on_device(device, [&] {
      cudaDeviceSynchronize();
      return cudaHostUnregister(const_cast<void*>(begin));
    });
  } catch (const Error&) {  // of a device that has failed
  }
}

void write_cuda(void* to, const void* from, std::size_t size, void* stream) {
  const Words words = words_to_write(from, size);
  write_kernel<<<1, words_in(size), 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<std::uint64_t*>(to), words);
  check_cuda(cudaGetLastError(), "a write of a step's numbers");
}

}  // namespace onecycle::kernels
