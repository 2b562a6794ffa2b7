#pragma once

#include "onecycle/fit_options.h"

#include <ATen/core/Tensor.h>

namespace onecycle {

class Model;
struct ModelContext;

// The mean logits of the views of each image, as in the infer_mirror and infer_mirror_translate of
// K. Jordan's airbench: [N, classes], fp32.
at::Tensor logits_of_views(Model& model, const at::Tensor& images, TestTimeAugmentation views,
                           at::MemoryFormat memory_format);

// Whether such views of images of that size can be made.
bool can_be_viewed(const ModelContext& context, TestTimeAugmentation views);
// Throws Error where they cannot.
void require_viewable(const ModelContext& context, TestTimeAugmentation views);

// Throws Error where some are not numbers: finite weights may still be so large that what they
// compute is not.
void check_probabilities(const at::Tensor& probabilities);

}  // namespace onecycle
