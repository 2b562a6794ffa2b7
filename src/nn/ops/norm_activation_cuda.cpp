#include "nn/ops/norm_activation_cuda.h"

#include "onecycle/current_stream.h"

#include "kernels/norm/batch_norm_cuda.h"
#include "kernels/norm/norm_geometry.h"
#include "nn/ops/lane_images.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <c10/core/DeviceGuard.h>

namespace onecycle {

namespace {

using kernels::Activation;
using kernels::NormRows;

std::int64_t rows_on_cuda(const at::Tensor& input) { return input.numel() / input.size(1); }

NormRows as_cuda_rows(const at::Tensor& input, Activation activation) {
  NormRows rows;
  rows.type = input.scalar_type() == at::kHalf ? kernels::ScalarType::f16 : lane_type(input);
  rows.channels = input.size(1);
  rows.input = input.const_data_ptr();
  rows.activation = activation;
  return rows;
}

at::Tensor numbers_by_channel(const at::Tensor& input, at::IntArrayRef sizes) {
  return at::empty(sizes, input.options().dtype(at::kFloat).memory_format(c10::nullopt));
}

at::Tensor workspace_for(const at::Tensor& input) {
  return numbers_by_channel(input, {kernels::norm_workspace(rows_on_cuda(input), input.size(1))});
}

kernels::NormParameters parameters_of(const NormOnCuda& norm) {
  return {norm.moments.mean.const_data_ptr<float>(), norm.moments.variance.const_data_ptr<float>(),
          norm.weight.const_data_ptr<float>(), norm.bias.const_data_ptr<float>(),
          static_cast<float>(norm.eps)};
}

const void* place_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr() : nullptr;
}

}  // namespace

BatchMoments moments_on_cuda(const at::Tensor& input, const RunningMoments* running) {
  RECORD_USER_SCOPE("onecycle::moments");
  const c10::DeviceGuard device(input.device());
  const std::int64_t channels = input.size(1);
  BatchMoments moments{numbers_by_channel(input, {channels}),
                       numbers_by_channel(input, {channels})};
  const at::Tensor parts = workspace_for(input);
  kernels::NormStatistics to;
  to.mean = moments.mean.mutable_data_ptr<float>();
  to.variance = moments.variance.mutable_data_ptr<float>();
  if (running != nullptr) {
    to.running_mean = running->mean.mutable_data_ptr<float>();
    to.running_variance = running->variance.mutable_data_ptr<float>();
    to.momentum = static_cast<float>(running->momentum);
  }
  kernels::norm_moments_cuda(as_cuda_rows(input, Activation::none), rows_on_cuda(input),
                             parts.mutable_data_ptr<float>(), to, current_stream(input.device()));
  return moments;
}

at::Tensor normalised_on_cuda(const NormOnCuda& norm, const at::Tensor& addend) {
  const c10::DeviceGuard device(norm.input.device());
  at::Tensor output = at::empty_like(norm.input, at::MemoryFormat::ChannelsLast);
  kernels::normalise_cuda(as_cuda_rows(norm.input, norm.activation), rows_on_cuda(norm.input),
                          parameters_of(norm), place_or_null(addend), output.mutable_data_ptr(),
                          current_stream(norm.input.device()));
  return output;
}

NormInputGradients gradients_on_cuda(const NormOnCuda& norm, const at::Tensor& one,
                                     const at::Tensor& two, const at::Tensor& kept,
                                     const at::Tensor& passed) {
  const c10::DeviceGuard device(norm.input.device());
  void* const stream = current_stream(norm.input.device());
  const NormRows rows = as_cuda_rows(norm.input, norm.activation);
  const std::int64_t count = rows_on_cuda(norm.input);
  const bool gelu = norm.activation == Activation::gelu;
  const kernels::NormGradients from{place_or_null(one), place_or_null(two),
                                    gelu ? nullptr : place_or_null(kept),
                                    gelu ? place_or_null(kept) : nullptr};
  NormInputGradients result{at::empty_like(norm.input, at::MemoryFormat::ChannelsLast),
                            at::empty_like(norm.weight), at::empty_like(norm.bias)};
  const at::Tensor by_moments = numbers_by_channel(norm.input, {2, rows.channels});
  const at::Tensor parts = workspace_for(norm.input);
  kernels::NormSums to;
  to.weight_gradient = result.weight.mutable_data_ptr<float>();
  to.bias_gradient = result.bias.mutable_data_ptr<float>();
  to.slope = by_moments.mutable_data_ptr<float>();
  to.offset = to.slope + rows.channels;
  void* const passed_to = passed.defined() ? passed.mutable_data_ptr() : nullptr;
  kernels::norm_gradient_sums_cuda(rows, count, parameters_of(norm), from, passed_to,
                                   parts.mutable_data_ptr<float>(), to, stream);
  kernels::norm_input_gradient_cuda(rows, count, parameters_of(norm), to.slope, to.offset,
                                    passed.defined() ? passed_to : from.first, passed.defined(),
                                    result.input.mutable_data_ptr(), stream);
  return result;
}

}  // namespace onecycle
