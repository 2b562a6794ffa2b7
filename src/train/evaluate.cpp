#include "onecycle/loader.h"
#include "onecycle/trainer.h"

#include "train/metrics.h"

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::int64_t kLargestBatch = 512;

Score evaluate_in(Run& run, const ImageSet& set, at::ScalarType dtype) {
  LoaderOptions options;
  options.device = run.compute.device;
  options.dtype = dtype;
  options.memory_format = run.compute.memory_format;
  options.batch_size = std::min(kLargestBatch, set.size());
  options.mean = run.data.mean;
  options.std = run.data.std;
  options.crop = run.data.crop;
  Loader loader(set, options);
  Metrics metrics(run.compute.device);
  for (std::int64_t i = 0; i < loader.evaluation_batches(); ++i) {
    const Batch batch = loader.evaluation_batch(i);
    const at::Tensor logits = run.model->forward(batch.images).to(at::kFloat);
    metrics.add(
        at::cross_entropy_loss(logits, batch.labels, {}, at::Reduction::Mean, kIgnoredLabel),
        logits, batch.labels);
  }
  return score_between({}, metrics.read());
}

}  // namespace

Score evaluate(Run& run, const ImageSet& set, bool full_precision) {
  const at::NoGradGuard no_grad;
  const bool training = run.model->is_training();
  run.model->eval();
  Score score;
  if (full_precision && run.compute.dtype == at::kBFloat16) {
    const Parameters::MasterScope masters(*run.parameters);
    score = evaluate_in(run, set, at::kFloat);
  } else {
    score = evaluate_in(run, set, run.compute.dtype);
  }
  run.model->train(training);
  return score;
}

}  // namespace onecycle
