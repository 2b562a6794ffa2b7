#include "data/images/resize.h"

#include <ATen/ATen.h>

namespace onecycle {

ImageSides resized_sides(const ImageSides& from, std::int64_t shorter) {
  const bool wide = from.width >= from.height;
  const std::int64_t longer = wide ? from.width : from.height;
  const auto to =
      static_cast<std::int64_t>(static_cast<double>(shorter) * static_cast<double>(longer) /
                                static_cast<double>(from.shorter()));
  return wide ? ImageSides{shorter, to} : ImageSides{to, shorter};
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
