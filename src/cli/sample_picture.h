#pragma once

#include "onecycle/data.h"
#include "onecycle/evaluation_report.h"

namespace onecycle {

// Sample `index` of the set as it is stored, made smaller where it is large; of images with other
// than 1 or 3 channels the first.
SamplePicture sample_picture(const ImageSet& set, std::int64_t index);

}  // namespace onecycle
