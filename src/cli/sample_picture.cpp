#include "cli/sample_picture.h"

#include <ATen/ATen.h>

namespace onecycle {

SamplePicture sample_picture(const ImageSet& set, std::int64_t index) {
  at::Tensor image = set.images[index].cpu();
  if (image.size(0) != 3) image = image.narrow(0, 0, 1);
  if (image.scalar_type() != at::kByte) image = (image * 255).round().clamp(0, 255).to(at::kByte);
  image = image.permute({1, 2, 0}).contiguous();
  const auto* pixels = image.const_data_ptr<std::uint8_t>();
  return {image.size(0), image.size(1), image.size(2), {pixels, pixels + image.numel()}};
}

}  // namespace onecycle
