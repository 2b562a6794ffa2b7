#include "data/target_statistics.h"

#include "core/text/format.h"
#include "data/moments.h"
#include "data/tensors.h"

#include <ATen/ATen.h>

namespace onecycle {

namespace {

void standardise_targets(DataSet& data) {
  TargetStatistics& targets = data.targets;
  for (std::size_t i = 0; i < targets.names.size(); ++i) {
    const at::Tensor column = data.train.labels.select(1, static_cast<std::int64_t>(i));
    const Moments moments =
        moments_of(column, format("{}: target '{}'", data.name, targets.names[i]));
    targets.mean.push_back(moments.mean);
    targets.std.push_back(moments.std);
  }
  const auto count = static_cast<std::int64_t>(targets.names.size());
  const at::Tensor mean = tensor_of(targets.mean, {count});
  const at::Tensor std = tensor_of(targets.std, {count});
  for (ImageSet* part : {&data.train, &data.validation, &data.test})
    part->labels = (part->labels - mean) / std;
}

}  // namespace

void measure_targets(DataSet& data) {
  if (data.target_kind == TargetKind::values) return standardise_targets(data);
  const at::Tensor counts =
      data.target_kind == TargetKind::labels
          ? data.train.labels.sum(0, /*keepdim=*/false, at::kLong)
          : at::bincount(data.train.labels, {}, static_cast<std::int64_t>(data.classes.size()));
  const auto* first = counts.const_data_ptr<std::int64_t>();
  data.targets.counts.assign(first, first + counts.numel());
}

}  // namespace onecycle
