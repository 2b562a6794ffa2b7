#pragma once

#include "onecycle/data.h"
#include "onecycle/registry.h"

namespace onecycle {

// Each adds itself to what training batches undergo.
using AugmentationRegistry = Registry<void(Augment&)>;

// pad_crop, random_resized_crop, flip, colour_jitter, cutout and mixup: parts of the batch kernel.
AugmentationRegistry builtin_augmentations();

}  // namespace onecycle
