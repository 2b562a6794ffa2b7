#pragma once

#include "onecycle/fit_options.h"
#include "onecycle/group.h"
#include "onecycle/source.h"
#include "onecycle/task.h"

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace onecycle {

// Of each step's samples those with the highest losses, as a proxy computes them: as many of every
// forward pass, so that ranks and passes choose on their own. Of equal losses the first ones.
class HardestRows {
 public:
  // `steps`: those of the run that takes them, with a read_batch.
  HardestRows(const StepPlan& steps, c10::Device device);

  // Of `part` of a step, counted over its passes and ranks: narrows the batch to its hardest
  // samples, in their order, and returns their outputs. Queues work that may be recorded. Throws
  // FieldError where the task gives no loss of each sample.
  at::Tensor keep(const Task& task, const at::Tensor& outputs, Batch& batch, std::int64_t part);
  // After the step: they are step `step`'s.
  void note(std::int64_t step);

  // What was noted of all ranks, a row a step. Collective; waits for the device.
  ChosenRows table(Group& group) const;

 private:
  std::int64_t read_;
  std::int64_t parts_;
  std::int64_t steps_per_epoch_;
  at::Tensor latest_;  // [kept], int32, on the device: other ranks' are 0
  at::Tensor noted_;   // [steps, kept]
};

}  // namespace onecycle
