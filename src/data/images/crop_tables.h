#pragma once

#include "onecycle/data.h"

#include "kernels/batch/gather.h"

#include <array>

namespace onecycle {

// The steps of kernels::CropTables for images of that size, each the middle of its share.
kernels::CropTables crop_tables(const ResizedCrop& crop, std::int64_t height, std::int64_t width);

// Top, left, height and width of torchvision's last resort: the largest box in the middle whose
// ratio is allowed.
std::array<std::int32_t, 4> fallback_box(const ResizedCrop& crop, std::int64_t height,
                                         std::int64_t width);

}  // namespace onecycle
