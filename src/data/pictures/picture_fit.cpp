#include "data/pictures/picture_fit.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/images/resize.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/from_blob.h>

namespace onecycle {

namespace {

// torchvision's CenterCrop rounds half to even.
std::int64_t centred(std::int64_t whole, std::int64_t part) {
  return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(whole - part) / 2));
}

}  // namespace

at::Tensor fitted(const Picture& picture, const PictureFit& fit) {
  // A view of [H,W,C] as [1,C,H,W]: ATen's fast path for pixels side by side.
  at::Tensor image = at::from_blob(const_cast<std::uint8_t*>(picture.pixels.data()),
                                   {1, picture.height, picture.width, picture.channels}, at::kByte)
                         .permute({0, 3, 1, 2});
  const ImageSides sides{picture.height, picture.width};
  if (fit.resize > 0 && fit.resize != sides.shorter()) {
    const ImageSides to = resized_sides(sides, fit.resize);
    image = at::_upsample_bilinear2d_aa(image, {to.height, to.width}, /*align_corners=*/false);
  }
  image = image.squeeze(0);
  if (fit.size > 0) {
    if (image.size(1) < fit.size || image.size(2) < fit.size)
      throw Error(format("a picture of {}x{} pixels is smaller than {}", image.size(1),
                         image.size(2), fit.size));
    image = image.narrow(1, centred(image.size(1), fit.size), fit.size)
                .narrow(2, centred(image.size(2), fit.size), fit.size);
  }
  return image.clone(at::MemoryFormat::Contiguous);
}

at::Tensor read_fitted(const std::string& path, const PictureFit& fit) {
  const Picture picture = read_picture(path, fit.decoding());
  if (fit.resize == 0 && std::min(picture.height, picture.width) < fit.size)
    throw DataError(format("{}: {}x{} pixels, smaller than {}; resize it, or leave it out", path,
                           picture.height, picture.width, fit.size));
  return fitted(picture, fit);
}

}  // namespace onecycle
