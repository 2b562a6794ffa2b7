#include "train/step/sample_losses.h"

#include "train/step/forward.h"

#include <ATen/ATen.h>

namespace onecycle {

void SampleLosses::add(const Task& task, const at::Tensor& outputs, const Batch& batch) {
  const at::Tensor losses = task.sample_losses(outputs, batch);
  if (losses.defined()) own_.push_back(losses.detach().to(at::kFloat).unsqueeze(1));
}

std::vector<float> SampleLosses::of_all(Group& group) const {
  const at::Tensor losses = all_rows(group, own_);
  if (!losses.defined()) return {};
  const auto* first = losses.const_data_ptr<float>();
  return {first, first + losses.numel()};
}

}  // namespace onecycle
