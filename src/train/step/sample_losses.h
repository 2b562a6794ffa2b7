#pragma once

#include "onecycle/group.h"
#include "onecycle/task.h"

#include <vector>

#include <ATen/core/Tensor.h>

namespace onecycle {

// The held-out loss of each sample that an evaluation meets.
class SampleLosses {
 public:
  // outputs in fp32. Waits for nothing.
  void add(const Task& task, const at::Tensor& outputs, const Batch& batch);
  // Of all ranks, in their order, everywhere; empty where the task has none. Collective.
  std::vector<float> of_all(Group& group) const;

 private:
  std::vector<at::Tensor> own_;  // a batch each, [valid, 1]
};

}  // namespace onecycle
