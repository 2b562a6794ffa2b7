#include "data/pictures/picture_fit.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/images/resize.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/from_blob.h>

namespace onecycle {

namespace {

// torchvision's CenterCrop rounds half to even.
std::int64_t centred(std::int64_t whole, std::int64_t part) {
  return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(whole - part) / 2));
}

// The shorter side of the part that is picture becomes `resize`. image: [1,C,H,W].
at::Tensor with_shorter_side(const at::Tensor& image, const Picture& picture, std::int64_t resize) {
  const bool reduced = picture.part.height > 0;
  const double height = reduced ? picture.part.height : static_cast<double>(picture.height);
  const double width = reduced ? picture.part.width : static_cast<double>(picture.width);
  if (resize == 0 || static_cast<double>(resize) == std::min(height, width)) return image;
  const ImageSides to = resized_sides(height, width, resize);
  std::optional<double> scale_rows;
  std::optional<double> scale_columns;
  if (reduced) {
    scale_rows = static_cast<double>(to.height) / height;
    scale_columns = static_cast<double>(to.width) / width;
  }
  return at::_upsample_bilinear2d_aa(image, {to.height, to.width}, /*align_corners=*/false,
                                     scale_rows, scale_columns);
}

// image: [C,H,W]. EXIF 2.3, 4.6.4: 2 mirrored, 3 turned by 180 degrees, 4 upside down, 5 to 8 the
// same with rows and columns exchanged.
at::Tensor upright(at::Tensor image, int orientation) {
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  if (from_bottom) image = at::flip(image, {1});
  if (from_right) image = at::flip(image, {2});
  return orientation >= 5 ? image.transpose(1, 2) : image;
}

}  // namespace

at::Tensor fitted(const Picture& picture, const PictureFit& fit) {
  // A view of [H,W,C] as [1,C,H,W]: ATen's fast path for pixels side by side.
  at::Tensor image = at::from_blob(const_cast<std::uint8_t*>(picture.pixels.data()),
                                   {1, picture.height, picture.width, picture.channels}, at::kByte)
                         .permute({0, 3, 1, 2});
  image = upright(with_shorter_side(image, picture, fit.resize).squeeze(0), picture.orientation);
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
