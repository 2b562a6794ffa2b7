#pragma once

#include "onecycle/predict.h"

#include "train/step/evaluation_graph.h"

#include <functional>

#include <ATen/core/Tensor.h>

namespace onecycle {

// Gives `take` the outputs, in fp32, of the model's views of every sample of this rank's part of
// the source, once, in order, in batches as forward_all() has them. With a share of the samples
// below 1 the batches come after all passes, without their inputs, and the outputs of the part stay
// on the device until then; the ranks tell one another how sure they are, which waits for the
// device once. Collective then. Throws Error for a share below 1 where the task has no classes.
// `graph`, which may be null, makes the passes over whole batches, not those over chosen samples.
void outputs_of_all(const Run& run, Source& samples, const PredictOptions& options,
                    const std::function<void(const at::Tensor& outputs, const Batch& batch)>& take,
                    EvaluationGraph* graph = nullptr);

}  // namespace onecycle
