#pragma once

#include "onecycle/fit_options.h"

#include <ATen/core/Tensor.h>

namespace onecycle {

class Model;
class Task;
struct ModelContext;

// The mean logits of the views of each image, as in the infer_mirror and infer_mirror_translate of
// K. Jordan's airbench: [N, classes], fp32.
at::Tensor logits_of_views(Model& model, const at::Tensor& images, TestTimeAugmentation views,
                           at::MemoryFormat memory_format);

// The same, of images whose own logits, [N, classes], fp32, were computed before: the other views
// alone are.
at::Tensor logits_of_views(Model& model, const at::Tensor& images, const at::Tensor& own,
                           TestTimeAugmentation views, at::MemoryFormat memory_format);
// How many those are.
std::int64_t other_views(TestTimeAugmentation views);

// Why no such views of samples of those sizes can be made, and what to do; nullptr where they can.
const char* why_no_views(const ModelContext& context, TestTimeAugmentation views);
// Throws that as an Error.
void require_viewable(const ModelContext& context, TestTimeAugmentation views);

// What outputs [N, ...] say by the task, as rows [N, columns] on the CPU.
at::Tensor prediction_rows(const Task& task, const at::Tensor& outputs);
// predictions [N, columns]. Throws Error where some are not numbers: finite weights may still be so
// large that what they compute is not.
void check_predictions(const at::Tensor& predictions);

}  // namespace onecycle
