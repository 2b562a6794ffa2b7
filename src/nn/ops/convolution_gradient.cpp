#include "onecycle/convolution_gradient.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/ops/convolution_backward_compositeexplicitautograd_dispatch.h>
#include <torch/library.h>

namespace onecycle {

namespace {

using Gradients = std::tuple<at::Tensor, at::Tensor, at::Tensor>;  // of input, weight, bias
using Wanted = std::array<bool, 3>;

constexpr std::int64_t kVector = 16;  // channels of oneDNN's widest block, AVX-512's

// LibTorch's own.
constexpr auto* kOriginal = &at::compositeexplicitautograd::convolution_backward;

// oneDNN reduces such a convolution to one of stride 1 over those pixels that it reads, which it
// copies to a workspace: as many rows as there are pixels, each of the image's channels. But the
// kernels of the weights' gradient (jit_1x1 for AVX2 and AVX-512) find the place of their share of
// the pixels by rows of whole vectors, behind the end where there are fewer channels than that.
bool is_unsound(const at::Tensor& images, const at::Tensor& weight, at::IntArrayRef stride,
                at::IntArrayRef padding, std::int64_t groups) {
  const auto is = [](std::int64_t number) { return [=](std::int64_t n) { return n == number; }; };
  return images.size(1) < kVector && groups == 1 && (images.dim() == 3 || images.dim() == 4) &&
         std::all_of(weight.sizes().begin() + 2, weight.sizes().end(), is(1)) &&
         !std::all_of(stride.begin(), stride.end(), is(1)) &&
         std::all_of(padding.begin(), padding.end(), is(0)) && images.numel() > 0;
}

// The pixels of `images` [N, C, ...] that a 1x1 kernel of this stride meets, as many as `met` has.
at::Tensor met_pixels(const at::Tensor& images, const at::Tensor& met, at::IntArrayRef stride) {
  std::vector<std::int64_t> sizes = images.sizes().vec(), strides = images.strides().vec();
  for (std::size_t d = 2; d < sizes.size(); ++d) {
    sizes[d] = met.size(static_cast<std::int64_t>(d));
    strides[d] *= stride[std::min(d - 2, stride.size() - 1)];
  }
  return images.as_strided(sizes, strides);
}

// Sums over everything but channels.
at::Tensor bias_gradient(const at::Tensor& gradient) {
  static constexpr std::array<std::int64_t, 3> kOthers = {0, 2, 3};
  return gradient.sum(at::IntArrayRef(kOthers).slice(0, gradient.dim() - 1));
}

Gradients convolution_backward(const at::Tensor& gradient, const at::Tensor& input,
                               const at::Tensor& weight, at::OptionalIntArrayRef bias_sizes,
                               at::IntArrayRef stride, at::IntArrayRef padding,
                               at::IntArrayRef dilation, bool transposed,
                               at::IntArrayRef output_padding, std::int64_t groups, Wanted wanted) {
  const auto [of_input, of_weight, of_bias] = wanted;
  // A transposed convolution is one the other way round.
  const at::Tensor &images = transposed ? gradient : input, &met = transposed ? input : gradient;
  if ((!of_weight && !of_bias) || !is_unsound(images, weight, stride, padding, groups))
    return kOriginal(gradient, input, weight, bias_sizes, stride, padding, dilation, transposed,
                     output_padding, groups, wanted);
  const std::vector<std::int64_t> ones(stride.size(), 1);
  Gradients result = kOriginal(met, met_pixels(images, met, stride), weight, bias_sizes, ones,
                               padding, dilation, false, /*output_padding=*/padding, groups,
                               {false, of_weight, of_bias && !transposed});
  if (of_bias && transposed) std::get<2>(result) = bias_gradient(gradient);
  if (of_input)
    std::get<0>(result) =
        std::get<0>(kOriginal(gradient, input, weight, bias_sizes, stride, padding, dilation,
                              transposed, output_padding, groups, {true, false, false}));
  return result;
}

}  // namespace

void repair_convolution_gradients() {
  // ATen has one kernel of this operator for every device; one for the CPU alone goes before it.
  [[maybe_unused]] static const torch::Library library = [] {
    torch::Library made = MAKE_TORCH_LIBRARY_IMPL(aten, CPU);
    made.impl("convolution_backward", &convolution_backward);
    return made;
  }();
}

}  // namespace onecycle
