#include "onecycle/optimizer.h"

#include "kernels/current_stream.h"
#include "kernels/loss_scale.h"

#include <cstddef>

#include <ATen/ATen.h>

// What a step reads of the host's numbers, where it runs.
namespace onecycle {

namespace {

using kernels::LossScale;

// A float among the bytes, as a tensor over the same memory.
at::Tensor float_at(const at::Tensor& bytes, std::size_t offset) {
  return bytes.narrow(0, static_cast<std::int64_t>(offset), sizeof(float))
      .view(at::kFloat)
      .squeeze();
}

}  // namespace

HyperBuffer::HyperBuffer(at::Device device)
    : values_(at::zeros({4}, at::TensorOptions().dtype(at::kDouble).device(device))) {}

void HyperBuffer::write(const Hyper& hyper, std::int64_t update) {
  const double numbers[4] = {hyper.lr, hyper.momentum, hyper.weight_decay,
                             static_cast<double>(update)};
  kernels::write(values_.device(), values_.mutable_data_ptr(), numbers, sizeof numbers);
}

const double* HyperBuffer::data() const { return values_.const_data_ptr<double>(); }

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
