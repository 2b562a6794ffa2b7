#include "train/step/hardest_rows.h"

#include "onecycle/error.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace onecycle {

HardestRows::HardestRows(const StepPlan& steps, c10::Device device)
    : read_(steps.read_batch),
      parts_(steps.micro_batches() * steps.ranks),
      steps_per_epoch_(steps.steps_per_epoch),
      latest_(at::zeros({steps.total_batch}, at::TensorOptions(at::kInt).device(device))),
      noted_(at::zeros({steps.total_steps, steps.total_batch}, latest_.options())) {}

at::Tensor HardestRows::keep(const Task& task, const at::Tensor& outputs, Batch& batch,
                             std::int64_t part) {
  at::Tensor rows;
  {
    const at::NoGradGuard no_grad;
    const at::Tensor losses = task.training_losses(outputs.detach(), batch);
    if (!losses.defined())
      throw FieldError("train.proxy.model",
                       "a proxy goes by the loss of each sample, and the task gives none; leave it "
                       "out, or implement Task::sample_losses()");
    const std::int64_t kept = latest_.size(0) / parts_;
    const at::Tensor by_loss = at::argsort(losses, /*stable=*/true, /*dim=*/0, /*descending=*/true);
    rows = std::get<0>(by_loss.narrow(0, 0, kept).sort());
    latest_.narrow(0, part * kept, kept).copy_(rows + part * (read_ / parts_));
  }
  batch.inputs = batch.inputs.index_select(0, rows);
  batch.targets = batch.targets.index_select(0, rows);
  if (batch.mix)
    batch.mix =
        Mix{batch.mix->targets.index_select(0, rows), batch.mix->weight.index_select(0, rows)};
  batch.valid = rows.size(0);
  return outputs.index_select(0, rows);
}

void HardestRows::note(std::int64_t step) { noted_.select(0, step).copy_(latest_); }

ChosenRows HardestRows::table(Group& group) const {
  at::Tensor all = noted_.clone();
  if (group.size() > 1) group.all_reduce(all);
  return {all.cpu().contiguous(), read_, steps_per_epoch_};
}

}  // namespace onecycle
