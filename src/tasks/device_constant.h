#pragma once

#include <mutex>
#include <vector>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Numbers of a task where its batches are. Safe to ask from several threads.
class DeviceConstant {
 public:
  explicit DeviceConstant(const std::vector<double>& values);

  // [n], on that tensor's device, in this dtype. The first call for either waits for a copy, and so
  // cannot be recorded.
  at::Tensor like(const at::Tensor& other, at::ScalarType dtype) const;
  bool empty() const { return values_.numel() == 0; }

 private:
  at::Tensor values_;  // on the CPU, fp64
  mutable std::mutex mutex_;
  mutable std::vector<at::Tensor> copies_;
};

}  // namespace onecycle
