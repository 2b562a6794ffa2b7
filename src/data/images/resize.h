#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Of an image, in pixels.
struct ImageSides {
  std::int64_t height = 0;
  std::int64_t width = 0;

  std::int64_t shorter() const { return height < width ? height : width; }
  bool operator==(const ImageSides&) const = default;
};

// As torchvision's Resize(shorter): the shorter side becomes `shorter`, the longer one keeps the
// proportion, cut down to whole pixels. Both sides are at least 1; a part of an image may have
// sides between pixels.
ImageSides resized_sides(const ImageSides& from, std::int64_t shorter);
ImageSides resized_sides(double height, double width, std::int64_t shorter);

// images [N,C,H,W], uint8 or float32, on any device -> float32 of those sides, contiguous; uint8
// becomes 0 to 1. torch.nn.functional.interpolate(mode="bilinear", align_corners=False), with
// antialias=True where the sides become smaller.
at::Tensor resized(const at::Tensor& images, std::int64_t shorter);

}  // namespace onecycle
