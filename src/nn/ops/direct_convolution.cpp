#include "nn/ops/direct_convolution.h"

#include "kernels/convolution/direct_convolution.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/record_function.h>

namespace onecycle {

namespace {

using kernels::ConvolutionShape;
using kernels::Direction;

ConvolutionShape shape_of(at::IntArrayRef images, std::int64_t filters, std::int64_t kernel,
                          ConvolutionStep step) {
  return {images[0], images[2], images[3], images[1], filters, kernel, step.stride, step.pad};
}

const std::uint16_t* values_of(const at::Tensor& tensor) {
  return static_cast<const std::uint16_t*>(tensor.const_data_ptr());
}

std::uint16_t* written(const at::Tensor& tensor) {
  return static_cast<std::uint16_t*>(tensor.mutable_data_ptr());
}

at::Tensor convolve(const ConvolutionShape& shape, Direction direction, const at::Tensor& from,
                    const at::Tensor& weight, at::Tensor to) {
  const kernels::DirectConvolutionCpu& cpu = *kernels::direct_convolution();
  const at::Tensor panels = at::empty({cpu.panel_values(shape, direction)}, weight.options());
  at::parallel_for(0, cpu.panels(shape, direction), 1, [&](std::int64_t begin, std::int64_t end) {
    cpu.arrange(shape, direction, values_of(weight), written(panels), begin, end);
  });
  at::parallel_for(0, cpu.rows(shape, direction), 1, [&](std::int64_t begin, std::int64_t end) {
    cpu.convolve(shape, direction, values_of(from), values_of(panels), written(to), begin, end);
  });
  return to;
}

// Values in pairs: with one channel more, of zeros, where their count is odd.
at::Tensor with_even_channels(const at::Tensor& tensor) {
  const std::int64_t channels = tensor.size(1);
  if (channels % 2 == 0) return tensor;
  at::Tensor even = at::empty({tensor.size(0), channels + 1, tensor.size(2), tensor.size(3)},
                              tensor.options(), at::MemoryFormat::ChannelsLast);
  const std::uint16_t* const from = values_of(tensor);
  std::uint16_t* const to = written(even);
  constexpr std::int64_t kPixels = 4096;  // a thread's least share
  at::parallel_for(0, tensor.numel() / channels, kPixels,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t pixel = begin; pixel < end; ++pixel) {
                       std::uint16_t* const own = to + pixel * (channels + 1);
                       std::copy_n(from + pixel * channels, channels, own);
                       own[channels] = 0;
                     }
                   });
  return even;
}

// How threads share the sums: each has some of the filters, over some of the images. Sums that
// would not stay in a thread's cache are divided by filters first.
struct Division {
  Division(const ConvolutionShape& shape, std::int64_t threads)
      : groups(shape.filters / kernels::kWeightFilters), pairs((shape.count + 1) / 2) {
    constexpr std::int64_t kCached = std::int64_t{256} * 1024;  // sums
    const std::int64_t sums = shape.filters * shape.kernel * shape.kernel * shape.channels;
    by_filters = std::min({(sums + kCached - 1) / kCached, groups, threads});
    while (threads % by_filters != 0) ++by_filters;
    by_filters = std::min(by_filters, groups);
    by_images = std::clamp<std::int64_t>(threads / by_filters, 1, pairs);
  }

  std::int64_t parts() const { return by_images * by_filters; }
  kernels::WeightShare share(std::int64_t part) const {
    const auto filters = [&](std::int64_t end) {
      return groups * end / by_filters * kernels::kWeightFilters;
    };
    const std::int64_t image = part / by_filters, filter = part % by_filters;
    return {pairs * image / by_images, pairs * (image + 1) / by_images, filters(filter),
            filters(filter + 1)};
  }

  std::int64_t groups, pairs;  // of filters, of images
  std::int64_t by_filters = 1, by_images = 1;
};

}  // namespace

bool convolves_directly(const at::Tensor& images, const at::Tensor& weight, ConvolutionStep step) {
  const kernels::DirectConvolutionCpu* const cpu = kernels::direct_convolution();
  if (cpu == nullptr || !images.is_cpu() || images.dim() != 4 ||
      images.scalar_type() != at::kBFloat16 || weight.scalar_type() != at::kBFloat16 ||
      !images.is_contiguous(at::MemoryFormat::ChannelsLast) ||
      !weight.is_contiguous(at::MemoryFormat::ChannelsLast) || images.size(1) != weight.size(1))
    return false;
  return cpu->suits(shape_of(images.sizes(), weight.size(0), weight.size(2), step));
}

at::Tensor direct_convolution(const at::Tensor& images, const at::Tensor& weight,
                              ConvolutionStep step) {
  RECORD_USER_SCOPE("onecycle::convolution");
  const at::Tensor even = with_even_channels(images);
  const ConvolutionShape shape = shape_of(even.sizes(), weight.size(0), weight.size(2), step);
  return convolve(shape, Direction::forward, even, with_even_channels(weight),
                  at::empty({shape.count, shape.filters, out_height(shape), out_width(shape)},
                            images.options(), at::MemoryFormat::ChannelsLast));
}

at::Tensor direct_image_gradient(const at::Tensor& output_gradient, const at::Tensor& weight,
                                 at::IntArrayRef image_sizes, ConvolutionStep step) {
  RECORD_USER_SCOPE("onecycle::image_gradient");
  const ConvolutionShape shape = shape_of(image_sizes, weight.size(0), weight.size(2), step);
  return convolve(
      shape, Direction::image_gradient, output_gradient, weight,
      at::empty(image_sizes, output_gradient.options(), at::MemoryFormat::ChannelsLast));
}

at::Tensor direct_weight_gradient(const at::Tensor& images, const at::Tensor& output_gradient,
                                  std::int64_t kernel, ConvolutionStep step) {
  RECORD_USER_SCOPE("onecycle::weight_gradient");
  const kernels::DirectConvolutionCpu& cpu = *kernels::direct_convolution();
  const ConvolutionShape shape = shape_of(images.sizes(), output_gradient.size(1), kernel, step);
  const Division division(shape, at::get_num_threads());
  std::int64_t scratch_values = 0;
  for (std::int64_t part = 0; part < division.parts(); ++part)
    scratch_values = std::max(scratch_values, cpu.scratch_values(shape, division.share(part)));
  const at::Tensor scratch = at::empty({division.parts(), scratch_values}, images.options());
  const at::Tensor sums =
      at::empty({division.by_images, shape.filters, kernel, kernel, shape.channels}, at::kFloat);
  std::uint16_t* const all_scratch = written(scratch);
  auto* const all_sums = sums.mutable_data_ptr<float>();
  at::parallel_for(0, division.parts(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part)
      cpu.weight_sums(shape, division.share(part), values_of(images), values_of(output_gradient),
                      all_scratch + part * scratch_values,
                      all_sums + part / division.by_filters * sums.stride(0));
  });
  const at::Tensor total = division.by_images == 1 ? sums[0] : sums.sum(0);
  return total.to(at::kBFloat16).permute({0, 3, 1, 2});
}

}  // namespace onecycle
