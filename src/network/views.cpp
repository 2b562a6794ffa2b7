#include "network/views.h"

#include "onecycle/error.h"
#include "onecycle/model.h"
#include "onecycle/task.h"

#include "core/text/format.h"

#include <cmath>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

at::Tensor plain_logits(Model& model, const at::Tensor& images) {
  return model.forward(images).to(at::kFloat);
}

// `own`: logits of the images.
at::Tensor mirrored_logits(Model& model, const at::Tensor& images, const at::Tensor& own) {
  return (own + plain_logits(model, images.flip({3}))) / 2;
}

}  // namespace

at::Tensor logits_of_views(Model& model, const at::Tensor& images, TestTimeAugmentation views,
                           at::MemoryFormat memory_format) {
  return logits_of_views(model, images, plain_logits(model, images), views, memory_format);
}

at::Tensor logits_of_views(Model& model, const at::Tensor& images, const at::Tensor& own,
                           TestTimeAugmentation views, at::MemoryFormat memory_format) {
  if (views == TestTimeAugmentation::none) return own;
  const at::Tensor plain = mirrored_logits(model, images, own);
  if (views == TestTimeAugmentation::flip) return plain;
  const std::int64_t height = images.size(2);
  const std::int64_t width = images.size(3);
  const at::Tensor padded = at::reflection_pad2d(images, {1, 1, 1, 1});
  const auto moved = [&](std::int64_t by) {
    const at::Tensor view =
        padded.narrow(2, by, height).narrow(3, by, width).contiguous(memory_format);
    return mirrored_logits(model, view, plain_logits(model, view));
  };
  return plain / 2 + (moved(0) + moved(2)) / 4;
}

std::int64_t other_views(TestTimeAugmentation views) {
  if (views == TestTimeAugmentation::none) return 0;
  return views == TestTimeAugmentation::flip ? 1 : 5;
}

const char* why_no_views(const ModelContext& context, TestTimeAugmentation views) {
  if (views == TestTimeAugmentation::none) return nullptr;
  if (!context.sample_shape.empty()) return "only pictures can be mirrored or shifted; use none";
  if (views == TestTimeAugmentation::flip || (context.height > 1 && context.width > 1))
    return nullptr;
  return "images of one pixel cannot be shifted; use none or flip";
}

void require_viewable(const ModelContext& context, TestTimeAugmentation views) {
  if (const char* why = why_no_views(context, views))
    throw Error(format("test-time augmentation: {}", why));
}

at::Tensor prediction_rows(const Task& task, const at::Tensor& outputs) {
  const at::Tensor told = task.predictions(outputs);
  return (told.dim() == 1 ? told.unsqueeze(1) : told.flatten(1)).cpu();
}

void check_predictions(const at::Tensor& predictions) {
  if (predictions.numel() == 0 || std::isfinite(predictions.sum().item<double>())) return;
  const at::Tensor wrong = predictions.isfinite().all(1).logical_not().nonzero();
  if (wrong.size(0) == 0) return;  // it was the sum that overflowed
  throw Error(
      format("the network's outputs are not numbers for {} samples, the first of them sample {} "
             "(counted from 0); its weights are too large, or the precision too narrow",
             wrong.size(0), wrong[0].item<std::int64_t>()));
}

}  // namespace onecycle
