#include "cli/sample_picture.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::int64_t kLargestSide = 128;  // pixels, of what is shown: a page holds many

// [C,H,W], float, 0 to 255.
at::Tensor reduced(const at::Tensor& image) {
  const std::int64_t longer = std::max(image.size(1), image.size(2));
  if (longer <= kLargestSide) return image;
  const auto side = [&](std::int64_t pixels) {
    return std::max<std::int64_t>(1, pixels * kLargestSide / longer);
  };
  return at::_upsample_bilinear2d_aa(image.unsqueeze(0), {side(image.size(1)), side(image.size(2))},
                                     /*align_corners=*/false)
      .squeeze(0);
}

}  // namespace

SamplePicture sample_picture(const ImageSet& set, std::int64_t index) {
  const auto row = set.rows.defined() ? set.rows[index].item<std::int64_t>() : index;
  at::Tensor image = set.images[row].cpu();
  if (image.size(0) != 3) image = image.narrow(0, 0, 1);
  const double scale = image.scalar_type() == at::kByte ? 1 : 255;
  image = reduced(image.to(at::kFloat) * scale).round().clamp(0, 255).to(at::kByte);
  image = image.permute({1, 2, 0}).contiguous();
  const auto* pixels = image.const_data_ptr<std::uint8_t>();
  return {image.size(0), image.size(1), image.size(2), {pixels, pixels + image.numel()}};
}

}  // namespace onecycle
