#include "onecycle/optimizer.h"

#include "kernels/current_stream.h"
#include "kernels/loss_scale.h"

#include <cstddef>

#include <ATen/ATen.h>

// What a step reads of the host's numbers, where it runs.
namespace onecycle {

namespace {

using kernels::LossScale;
using kernels::StepNumbers;

// A float among the bytes, as a tensor over the same memory.
at::Tensor float_at(const at::Tensor& bytes, std::size_t offset) {
  return bytes.narrow(0, static_cast<std::int64_t>(offset), sizeof(float))
      .view(at::kFloat)
      .squeeze();
}

at::Tensor number_at(const at::Tensor& values, std::size_t offset) {
  return values.select(0, static_cast<std::int64_t>(offset / sizeof(double)));
}

}  // namespace

HyperBuffer::HyperBuffer(at::Device device)
    : values_(at::zeros({sizeof(StepNumbers) / sizeof(double)},
                        at::TensorOptions().dtype(at::kDouble).device(device))) {}

void HyperBuffer::write(const Hyper& hyper, std::int64_t update) {
  const StepNumbers numbers{hyper.lr, hyper.momentum, hyper.weight_decay,
                            static_cast<double>(update)};
  kernels::write(values_.device(), values_.mutable_data_ptr(), &numbers, sizeof numbers);
}

void HyperBuffer::copy(const HyperBuffer& other) { values_.copy_(other.values_); }

const StepNumbers* HyperBuffer::data() const {
  return static_cast<const StepNumbers*>(values_.const_data_ptr());
}

at::Tensor HyperBuffer::lr() const { return number_at(values_, offsetof(StepNumbers, lr)); }
at::Tensor HyperBuffer::momentum() const {
  return number_at(values_, offsetof(StepNumbers, momentum));
}
at::Tensor HyperBuffer::weight_decay() const {
  return number_at(values_, offsetof(StepNumbers, weight_decay));
}

LossScaleBuffer::LossScaleBuffer(at::Device device)
    : bytes_(at::empty({static_cast<std::int64_t>(sizeof(LossScale))},
                       at::TensorOptions(at::kByte).device(device))) {
  write({});
}

at::Tensor LossScaleBuffer::scale() const { return float_at(bytes_, offsetof(LossScale, scale)); }
at::Tensor LossScaleBuffer::inverse() const {
  return float_at(bytes_, offsetof(LossScale, inverse));
}

LossScale* LossScaleBuffer::data() const {
  return static_cast<LossScale*>(bytes_.mutable_data_ptr());
}

void LossScaleBuffer::write(const LossScale& state) {
  kernels::write(bytes_.device(), bytes_.mutable_data_ptr(), &state, sizeof state);
}

}  // namespace onecycle
