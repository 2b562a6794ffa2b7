#pragma once

#include "onecycle/current_stream.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>

namespace onecycle {

namespace kernels {
void write_cuda(void* to, const void* from, std::size_t size, void* stream);  // kernels/write.h
}

// One T where a step runs, always at the same place: a recorded step finds there what the host
// wrote since, and adds to what it left. Copies share the memory, as those of a tensor do.
template <class T>
class OnDevice {
 public:
  // Queues the copy of `value` to the device.
  explicit OnDevice(at::Device device, const T& value = {})
      : words_(at::empty({sizeof(T) / sizeof(double)},
                         at::TensorOptions(at::kDouble).pinned_memory(device.is_cuda()))) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(double) == 0);
    std::memcpy(words_.mutable_data_ptr(), &value, sizeof value);
    words_ = words_.to(device, /*non_blocking=*/true);
  }

  // After what was queued before, and without waiting for it.
  void write(const T& value) {
    constexpr std::size_t kPiece = 64;  // what kernels::write_cuda takes
    const at::Device device = words_.device();
    if (device.is_cuda()) {
      const c10::DeviceGuard guard(device);
      for (std::size_t at = 0; at < sizeof value; at += kPiece)
        kernels::write_cuda(reinterpret_cast<char*>(data()) + at,
                            reinterpret_cast<const char*>(&value) + at,
                            std::min(kPiece, sizeof value - at), current_stream(device));
    } else {
      std::memcpy(static_cast<void*>(data()), &value, sizeof value);
    }
  }

  // Waits for the device.
  T read() const { return value_in(words_.cpu()); }

  // Where it lies, in the memory of the device.
  T* data() { return static_cast<T*>(words_.mutable_data_ptr()); }
  const T* data() const { return static_cast<const T*>(words_.const_data_ptr()); }

  // A member, as a tensor without dimensions over the same memory.
  template <class M>
  at::Tensor member(M T::*which) const {
    constexpr at::ScalarType kType = c10::CppTypeToScalarType<M>::value;
    const T any{};
    const auto offset =
        reinterpret_cast<const char*>(&(any.*which)) - reinterpret_cast<const char*>(&any);
    const at::Tensor values = kType == at::kDouble ? words_ : words_.view(kType);
    return values.select(0, offset / static_cast<std::ptrdiff_t>(sizeof(M)));
  }

  // All of it in words of 8 bytes.
  const at::Tensor& words() const { return words_; }
  // The T in a copy of them on the host, from word `first` on.
  static T value_in(const at::Tensor& words, std::int64_t first = 0) {
    T value;
    std::memcpy(static_cast<void*>(&value), words.const_data_ptr<double>() + first, sizeof value);
    return value;
  }

 private:
  at::Tensor words_;  // as float64
};

}  // namespace onecycle
