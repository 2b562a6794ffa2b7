#include "tasks/device_constant.h"

#include <ATen/ATen.h>

namespace onecycle {

DeviceConstant::DeviceConstant(const std::vector<double>& values)
    : values_(at::tensor(values, at::kDouble)) {}

at::Tensor DeviceConstant::like(const at::Tensor& other, at::ScalarType dtype) const {
  const std::lock_guard lock(mutex_);
  for (const at::Tensor& copy : copies_)
    if (copy.device() == other.device() && copy.scalar_type() == dtype) return copy;
  copies_.push_back(values_.to(other.device(), dtype));
  return copies_.back();
}

}  // namespace onecycle
