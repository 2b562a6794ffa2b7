#include "data/images/crop_tables.h"

#include <cmath>

namespace onecycle {

namespace {

std::int64_t fixed_point(double value) { return std::llround(value * 65536); }

}  // namespace

kernels::CropTables crop_tables(const ResizedCrop& crop, std::int64_t height, std::int64_t width) {
  kernels::CropTables tables{};
  const double area = static_cast<double>(height) * static_cast<double>(width);
  const double low = std::log(crop.ratio_low);
  const double high = std::log(crop.ratio_high);
  for (std::int64_t i = 0; i < kernels::kCropSteps; ++i) {
    const double part = (static_cast<double>(i) + 0.5) / static_cast<double>(kernels::kCropSteps);
    const double share = crop.scale_low + (crop.scale_high - crop.scale_low) * part;
    const double aspect = std::exp((low + (high - low) * part) / 2);
    tables.side[i] = fixed_point(std::sqrt(area * share));
    tables.aspect[i] = fixed_point(aspect);
    tables.inverse[i] = fixed_point(1 / aspect);
  }
  return tables;
}

std::array<std::int32_t, 4> fallback_box(const ResizedCrop& crop, std::int64_t height,
                                         std::int64_t width) {
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  std::int64_t box_height = height;
  std::int64_t box_width = width;
  if (ratio < crop.ratio_low)
    box_height = std::llround(static_cast<double>(width) / crop.ratio_low);
  else if (ratio > crop.ratio_high)
    box_width = std::llround(static_cast<double>(height) * crop.ratio_high);
  box_height = std::max<std::int64_t>(1, box_height);
  box_width = std::max<std::int64_t>(1, box_width);
  return {static_cast<std::int32_t>((height - box_height) / 2),
          static_cast<std::int32_t>((width - box_width) / 2), static_cast<std::int32_t>(box_height),
          static_cast<std::int32_t>(box_width)};
}

}  // namespace onecycle
