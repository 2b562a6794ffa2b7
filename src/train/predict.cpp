#include "onecycle/predict.h"

#include "network/views.h"
#include "train/step/forward.h"
#include "train/view_passes.h"

#include <ATen/ATen.h>

namespace onecycle {

Prediction predict(const Run& run, Source& samples, const PredictOptions& options) {
  require_viewable(run.context, options.augmentation);
  Evaluation evaluation(run);
  std::vector<at::Tensor> predictions;
  outputs_of_all(run, samples, options, [&](const at::Tensor& outputs, const Batch& batch) {
    evaluation.add(outputs, batch);
    predictions.push_back(prediction_rows(*run.task, outputs.narrow(0, 0, batch.valid)));
  });
  Prediction result{evaluation.score(), all_rows(*run.group, predictions)};
  if (!result.probabilities.defined())
    result.probabilities = prediction_rows(*run.task, at::empty({0, run.context.classes}));
  check_predictions(result.probabilities);
  return result;
}

}  // namespace onecycle
