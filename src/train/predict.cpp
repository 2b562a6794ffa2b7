#include "onecycle/predict.h"

#include "network/views.h"
#include "train/step/forward.h"

#include <ATen/ATen.h>

namespace onecycle {

Prediction predict(const Run& run, Source& samples, const PredictOptions& options) {
  require_viewable(run.context, options.augmentation);
  Evaluation evaluation(run);
  std::vector<at::Tensor> predictions;
  std::int64_t done = 0;
  forward_all(run, samples, options.full_precision, [&](const Batch& batch) {
    const at::Tensor outputs =
        logits_of_views(*run.model, batch.inputs, options.augmentation, run.compute.memory_format);
    evaluation.add(outputs, batch);
    predictions.push_back(prediction_rows(*run.task, outputs.narrow(0, 0, batch.valid)));
    done += batch.valid;
    if (options.progress) options.progress(done);
  });
  Prediction result{evaluation.score(), all_rows(*run.group, predictions)};
  if (!result.probabilities.defined())
    result.probabilities = prediction_rows(*run.task, at::empty({0, run.context.classes}));
  check_predictions(result.probabilities);
  return result;
}

}  // namespace onecycle
