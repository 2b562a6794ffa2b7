#include "nn/ops/max_pool.h"

#include "kernels/pool/max_pool.h"
#include "nn/ops/lane_images.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

namespace onecycle {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr std::int64_t kRows = 8;  // of the output: a thread's least share

kernels::PoolImages images_of(const at::Tensor& like) {
  return {lane_type(like), like.size(2), like.size(3), like.size(1), past_caches(like)};
}

class MaxPool : public torch::autograd::Function<MaxPool> {
 public:
  static Variable forward(AutogradContext* context, const Variable& images) {
    RECORD_USER_SCOPE("onecycle::max_pool");
    const at::IntArrayRef in = images.sizes();
    const std::vector<std::int64_t> out = {in[0], in[1], in[2] / 2, in[3] / 2};
    at::Tensor output = at::empty(out, images.options(), at::MemoryFormat::ChannelsLast);
    at::Tensor choice =
        at::empty(out, images.options().dtype(at::kByte), at::MemoryFormat::ChannelsLast);
    void* const to = output.mutable_data_ptr();
    auto* const chosen = choice.mutable_data_ptr<std::uint8_t>();
    at::parallel_for(0, out[0] * out[2], kRows, [&](std::int64_t begin, std::int64_t end) {
      kernels::max_pool_cpu().forward(images_of(images), images.const_data_ptr(), to, chosen, begin,
                                      end);
    });
    context->save_for_backward({choice});
    context->saved_data["sizes"] = in.vec();
    return output;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor choice = context->get_saved_variables()[0];
    const at::Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor result = at::empty(context->saved_data["sizes"].toIntVector(), gradient.options(),
                                  at::MemoryFormat::ChannelsLast);
    void* const to = result.mutable_data_ptr();
    const std::int64_t rows = gradient.size(0) * gradient.size(2);
    at::parallel_for(0, rows, kRows, [&](std::int64_t begin, std::int64_t end) {
      kernels::max_pool_cpu().backward(images_of(result), gradient.const_data_ptr(),
                                       choice.const_data_ptr<std::uint8_t>(), to, begin, end);
    });
    return {result};
  }
};

bool suits(const at::Tensor& images) {
  return in_lanes(images) && images.numel() > 0 && images.size(2) > 1 && images.size(3) > 1;
}

}  // namespace

at::Tensor max_pool_halved(const at::Tensor& images) {
  return suits(images) ? MaxPool::apply(images) : at::max_pool2d(images, 2);
}

}  // namespace onecycle
