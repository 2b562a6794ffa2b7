#pragma once

#include <cstdint>

// Convolutions of bf16 images without a bias, channels last, with sums in fp32, on processors that
// multiply bf16 in pairs (AVX-512 BF16). Both directions read the images where they lie: one pixel
// of several images at a time, so that all of a vector's work has the same taps of the kernel, and
// what lies outside a picture is no work at all.
namespace onecycle::kernels {

// Images [count, height, width, channels], weight [filters, kernel, kernel, channels], output
// [count, out_height(), out_width(), filters]; all dense.
struct ConvolutionShape {
  std::int64_t count = 0, height = 0, width = 0, channels = 0;
  std::int64_t filters = 0, kernel = 1, stride = 1, pad = 0;
};

// Of internal linkage, as in kernels/lanes.h.
[[maybe_unused]] static std::int64_t out_side(const ConvolutionShape& shape, std::int64_t side) {
  return (side + 2 * shape.pad - shape.kernel) / shape.stride + 1;
}
[[maybe_unused]] static std::int64_t out_height(const ConvolutionShape& shape) {
  return out_side(shape, shape.height);
}
[[maybe_unused]] static std::int64_t out_width(const ConvolutionShape& shape) {
  return out_side(shape, shape.width);
}

enum class Direction { forward, image_gradient };

constexpr std::int64_t kWeightFilters = 8;  // that the weight's gradient takes at a time

// Pairs of images [first_pair, last_pair), 2i and 2i + 1, and filters [first_filter, last_filter):
// a thread's part of the sums that make up the weight's gradient.
struct WeightShare {
  std::int64_t first_pair = 0, last_pair = 0;
  std::int64_t first_filter = 0, last_filter = 0;  // multiples of kWeightFilters
};

struct DirectConvolutionCpu {
  // Whether it takes this shape: 8 images and more, filters a multiple of kWeightFilters, a pad
  // smaller than the kernel, a kernel no larger than a padded picture.
  bool (*suits)(const ConvolutionShape&);

  // The weight in the order in which a direction reads it, in panels of 16 or 32 channels that
  // come out: `panel_values` bf16 values in `panels` panels, [begin, end) of which are written.
  std::int64_t (*panels)(const ConvolutionShape&, Direction);
  std::int64_t (*panel_values)(const ConvolutionShape&, Direction);
  void (*arrange)(const ConvolutionShape&, Direction, const std::uint16_t* weight,
                  std::uint16_t* panels, std::int64_t begin, std::int64_t end);

  // forward: images of an even count of channels to output; image_gradient: the output's gradient
  // to that of the images. In `rows` rows of several images each, [begin, end) of which are
  // written.
  std::int64_t (*rows)(const ConvolutionShape&, Direction);
  void (*convolve)(const ConvolutionShape&, Direction, const std::uint16_t* from,
                   const std::uint16_t* panels, std::uint16_t* to, std::int64_t begin,
                   std::int64_t end);

  // Writes the share's filters of sums [filters, kernel, kernel, channels], over the share's
  // images. `scratch`: as many bf16 values as `scratch_values` says.
  std::int64_t (*scratch_values)(const ConvolutionShape&, const WeightShare&);
  void (*weight_sums)(const ConvolutionShape&, const WeightShare&, const std::uint16_t* images,
                      const std::uint16_t* output_gradient, std::uint16_t* scratch, float* sums);
};

// Null where the processor or the build has no such products, or where the processor multiplies
// tiles of matrices, which is faster than pairs.
const DirectConvolutionCpu* direct_convolution();

// Null where the build has none; for a processor that has the products, which the caller knows.
const DirectConvolutionCpu* bf16_direct_convolution();

}  // namespace onecycle::kernels
