#include "data/images/resize.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace onecycle {

ImageSides resized_sides(double height, double width, std::int64_t shorter) {
  const bool wide = width >= height;
  const auto longer = static_cast<std::int64_t>(static_cast<double>(shorter) *
                                                std::max(height, width) / std::min(height, width));
  return wide ? ImageSides{shorter, longer} : ImageSides{longer, shorter};
}

ImageSides resized_sides(const ImageSides& from, std::int64_t shorter) {
  return resized_sides(static_cast<double>(from.height), static_cast<double>(from.width), shorter);
}

at::Tensor resized(const at::Tensor& images, std::int64_t shorter) {
  const at::Tensor values =
      images.scalar_type() == at::kByte ? images.to(at::kFloat).div_(255) : images;
  const ImageSides from{images.size(2), images.size(3)};
  const ImageSides to = resized_sides(from, shorter);
  if (to == from) return values.contiguous();
  const at::Tensor result =
      shorter < from.shorter()
          ? at::_upsample_bilinear2d_aa(values, {to.height, to.width}, /*align_corners=*/false)
          : at::upsample_bilinear2d(values, {to.height, to.width}, /*align_corners=*/false);
  return result.contiguous();
}

}  // namespace onecycle
