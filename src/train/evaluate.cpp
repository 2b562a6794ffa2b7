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

void add_to(Sums& sums, const Task& task, const at::Tensor& outputs, const Batch& batch) {
  task.add(task.held_out_loss(outputs, batch), outputs, batch, sums.tensor());
}

Score evaluate(const Run& run, const ImageSet& set, bool full_precision) {
  Sums sums(run.compute.device);
  forward_all(run, set, full_precision, [&](const Batch& batch) {
    add_to(sums, *run.task,
           logits_of_views(*run.model, batch.inputs, run.options.tta, run.compute.memory_format),
           batch);
  });
  return score_between({}, sum_over(*run.group, sums.read()), run.task->metrics().size());
}

}  // namespace onecycle
