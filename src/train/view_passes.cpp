#include "train/view_passes.h"

#include "onecycle/error.h"

#include "network/views.h"
#include "train/step/forward.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

namespace onecycle {

namespace {

using TakeOutputs = std::function<void(const at::Tensor& outputs, const Batch& batch)>;

at::Tensor logits_of(const Run& run, const Batch& batch, TestTimeAugmentation views,
                     EvaluationGraph* graph) {
  return graph != nullptr
             ? graph->logits(batch.inputs, views)
             : logits_of_views(*run.model, batch.inputs, views, run.compute.memory_format);
}

void all_views(const Run& run, Source& samples, const PredictOptions& options,
               const TakeOutputs& take, EvaluationGraph* graph) {
  std::int64_t done = 0;
  forward_all(run, samples, options.full_precision, [&](const Batch& batch) {
    take(logits_of(run, batch, options.augmentation, graph), batch);
    done += batch.valid;
    if (options.progress) options.progress(done);
  });
}

// [N, 1], fp32: how far the most probable class of each sample leads the next one.
at::Tensor leads_of(const Task& task, const at::Tensor& outputs) {
  const at::Tensor chances = task.predictions(outputs);
  if (chances.dim() != 2 || task.targets().value_or(TargetKind::classes) != TargetKind::classes)
    throw Error(
        "views of a share of the samples: only of classes is it known how sure a network "
        "is; give all samples their views");
  const at::Tensor best = std::get<0>(chances.topk(std::min<std::int64_t>(2, chances.size(1)), 1));
  return (best.narrow(1, 0, 1) - best.narrow(1, -1, 1)).to(at::kFloat);
}

// The numbers of those of this rank's samples that are among the share of all samples with the
// smallest leads: [K], int64, on the CPU. Collective.
at::Tensor least_sure(const Run& run, const std::vector<at::Tensor>& leads, std::int64_t samples,
                      double share) {
  const at::Tensor all = all_rows(*run.group, leads).flatten();
  const auto count = std::llround(share * static_cast<double>(samples));
  const at::Tensor order = at::argsort(all, /*stable=*/true, /*dim=*/0, /*descending=*/false);
  const at::Tensor chosen = std::get<0>(order.narrow(0, 0, count).sort());
  const RankPart own = part_of(*run.group, samples);
  return chosen.masked_select(chosen.ge(own.first).logical_and(chosen.lt(own.last)));
}

void views_of_least_sure(const Run& run, Source& samples, const PredictOptions& options,
                         const TakeOutputs& take, EvaluationGraph* graph) {
  if (samples.size() == 0) return;
  const at::NoGradGuard no_grad;
  const c10::DeviceGuard device(run.compute.device);  // of what `take` queues
  const RankPart own = part_of(*run.group, samples.size());
  const std::int64_t count = own.last - own.first;
  const auto more = static_cast<double>(other_views(options.augmentation));
  const double passes = static_cast<double>(count) * (1 + options.share * more);  // about
  double passed = 0;
  const auto tell = [&](double by) {
    passed = std::min(passes, passed + by);
    if (options.progress)
      options.progress(static_cast<std::int64_t>(static_cast<double>(count) * passed / passes));
  };
  std::vector<at::Tensor> outputs, leads;
  std::vector<Batch> batches;
  forward_all(run, samples, options.full_precision, [&](const Batch& batch) {
    outputs.push_back(logits_of(run, batch, TestTimeAugmentation::none, graph));
    leads.push_back(leads_of(*run.task, outputs.back().narrow(0, 0, batch.valid)));
    batches.push_back({{}, batch.targets, {}, batch.valid});
    tell(static_cast<double>(batch.valid));
  });
  const at::Tensor chosen = least_sure(run, leads, samples.size(), options.share);
  if (outputs.empty()) return;
  at::Tensor rows = at::cat(outputs);  // only the last batch is padded
  forward_chosen(run, samples, chosen, options.full_precision,
                 [&](const Batch& batch, const at::Tensor& numbers) {
                   const at::Tensor at = numbers - own.first;
                   rows.index_copy_(
                       0, at,
                       logits_of_views(*run.model, batch.inputs, rows.index_select(0, at),
                                       options.augmentation, run.compute.memory_format));
                   tell(static_cast<double>(batch.valid) * more);
                 });
  std::int64_t first = 0;
  for (const Batch& batch : batches) {
    const std::int64_t size = batch.targets.size(0);
    take(rows.narrow(0, first, size), batch);
    first += size;
  }
  if (options.progress) options.progress(count);
}

}  // namespace

void outputs_of_all(const Run& run, Source& samples, const PredictOptions& options,
                    const TakeOutputs& take, EvaluationGraph* graph) {
  if (!(options.share > 0)) throw Error("the share of samples that have all views must be above 0");
  if (options.augmentation == TestTimeAugmentation::none || options.share >= 1)
    all_views(run, samples, options, take, graph);
  else
    views_of_least_sure(run, samples, options, take, graph);
}

}  // namespace onecycle
