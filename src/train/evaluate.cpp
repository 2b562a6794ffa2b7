#include "model/mode_scope.h"
#include "train/forward.h"
#include "train/views.h"

#include <algorithm>
#include <optional>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::int64_t kLargestBatch = 512;

LoaderOptions evaluation_loader(const Run& run, const ImageSet& set, at::ScalarType dtype) {
  LoaderOptions options;
  options.device = run.compute.device;
  options.dtype = dtype;
  options.memory_format = run.compute.memory_format;
  options.batch_size = std::min(kLargestBatch, set.size());
  options.mean = run.data.mean;
  options.std = run.data.std;
  options.crop = run.data.crop;
  return options;
}

}  // namespace

void forward_all(const Run& run, const ImageSet& set, bool full_precision,
                 const std::function<void(const Batch&)>& take) {
  const std::int64_t rank = run.group->rank();
  const std::int64_t ranks = run.group->size();
  const std::int64_t first = set.size() * rank / ranks;
  const ImageSet part = ranks == 1 ? set : set.part(first, set.size() * (rank + 1) / ranks - first);
  if (part.size() == 0) return;
  const at::NoGradGuard no_grad;
  const ModeScope modes(*run.model);
  run.model->eval();
  const bool masters = full_precision && c10::isReducedFloatingType(run.compute.dtype);
  std::optional<Parameters::MasterScope> scope;
  if (masters) scope.emplace(*run.parameters);
  const Loader loader(part, evaluation_loader(run, part, masters ? at::kFloat : run.compute.dtype));
  for (std::int64_t i = 0; i < loader.evaluation_batches(); ++i) take(loader.evaluation_batch(i));
}

void add_to(Metrics& metrics, const at::Tensor& logits, const at::Tensor& labels) {
  metrics.add(at::cross_entropy_loss(logits, labels, {}, at::Reduction::Mean, kIgnoredLabel),
              logits, labels);
}

Score evaluate(const Run& run, const ImageSet& set, bool full_precision) {
  Metrics metrics(run.compute.device);
  forward_all(run, set, full_precision, [&](const Batch& batch) {
    add_to(metrics,
           logits_of_views(*run.model, batch.images, run.options.tta, run.compute.memory_format),
           batch.labels);
  });
  return score_between({}, sum_over(*run.group, metrics.read()));
}

}  // namespace onecycle
