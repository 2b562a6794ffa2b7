#include "train/step.h"

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::int64_t kIgnoredLabel = -1;

}  // namespace

Step::Step(Run& run)
    : model_(*run.model),
      optimizer_(*run.optimizer),
      label_smoothing_(run.recipe.train.label_smoothing),
      metrics_(run.compute.device) {}

void Step::run(const Batch& batch, const Hyper& hyper) {
  optimizer_.hyper().write(hyper);
  at::Tensor logits = model_.forward(batch.images);
  if (logits.scalar_type() == at::kBFloat16) logits = logits.to(at::kFloat);
  const at::Tensor loss = at::cross_entropy_loss(logits, batch.labels, {}, at::Reduction::Mean,
                                                 kIgnoredLabel, label_smoothing_);
  loss.backward();
  optimizer_.step();
  metrics_.add(loss.detach().to(at::kFloat), logits.detach().to(at::kFloat), batch.labels);
}

}  // namespace onecycle
