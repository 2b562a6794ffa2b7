#include "onecycle/predict.h"

#include "onecycle/error.h"

#include "network/views.h"
#include "train/step/forward.h"
#include "train/step/sums.h"

#include <ATen/ATen.h>

namespace onecycle {

namespace {

// The rows of all ranks, in their order: [N, columns], fp32.
at::Tensor all_rows(Group& group, const std::vector<at::Tensor>& own, std::int64_t columns) {
  const at::Tensor rows = own.empty() ? at::empty({0, columns}) : at::cat(own).contiguous();
  if (group.size() == 1) return rows;
  const std::string bytes(static_cast<const char*>(rows.const_data_ptr()), rows.nbytes());
  std::vector<at::Tensor> parts;
  for (std::string& part : group.all_gather_bytes(bytes))
    parts.push_back(
        at::from_blob(part.data(),
                      {static_cast<std::int64_t>(part.size() / sizeof(float)) / columns, columns},
                      at::kFloat)
            .clone());
  return at::cat(parts);
}

}  // namespace

Prediction predict(const Run& run, Source& samples, const PredictOptions& options) {
  require_viewable(run.context, options.augmentation);
  Sums sums(run.compute.device);
  std::vector<at::Tensor> probabilities;
  std::int64_t done = 0;
  forward_all(run, samples, options.full_precision, [&](const Batch& batch) {
    const at::Tensor logits =
        logits_of_views(*run.model, batch.inputs, options.augmentation, run.compute.memory_format);
    add_to(sums, *run.task, logits, batch);
    probabilities.push_back(at::softmax(logits.narrow(0, 0, batch.valid), 1).cpu());
    done += batch.valid;
    if (options.progress) options.progress(done);
  });
  Prediction result{
      score_between({}, sum_over(*run.group, sums.read()), run.task->metrics().size()),
      all_rows(*run.group, probabilities, run.context.classes)};
  check_probabilities(result.probabilities);
  return result;
}

}  // namespace onecycle
