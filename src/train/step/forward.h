#pragma once

#include "onecycle/trainer.h"

#include "train/step/sums.h"

#include <functional>

namespace onecycle {

// Gives every sample of this rank's part of the source once, in order, to `take`, in batches whose
// last one is padded; the parts of the ranks follow one another and make the whole. The model
// is in evaluation mode meanwhile, without gradients, in full precision where that is asked for,
// else in the run's.
void forward_all(const Run& run, Source& samples, bool full_precision,
                 const std::function<void(const Batch&)>& take);

// A batch of an evaluation; outputs in fp32.
void add_to(Sums& sums, const Task& task, const at::Tensor& outputs, const Batch& batch);

}  // namespace onecycle
