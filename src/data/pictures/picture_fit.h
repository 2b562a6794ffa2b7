#pragma once

#include "data/pictures/picture.h"

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace onecycle {

// How a picture becomes a sample.
struct PictureFit {
  std::int64_t channels = 3;  // 3 or 1
  std::int64_t resize = 0;    // of the shorter side, pixels; 0: not resized
  std::int64_t size = 0;      // side of the square cut from the centre; 0: nothing is cut

  DecodeOptions decoding() const { return {channels, resize}; }
};

// [C,H,W], uint8, upright: torchvision's Resize(resize) and CenterCrop(size) of a PIL image,
// antialiased and bilinear, within one grey level (ATen rounds its weights, Pillow its own way). Of
// a reduced picture `part` is resized, as Pillow's resize(box=...) does. A picture smaller than
// `size` is an Error of the caller: `resize` is at least `size` where both are set.
at::Tensor fitted(const Picture& picture, const PictureFit& fit);

// read_picture and fitted. Throws DataError naming the file; where nothing is resized, also for a
// picture smaller than `size`.
at::Tensor read_fitted(const std::string& path, const PictureFit& fit);

}  // namespace onecycle
