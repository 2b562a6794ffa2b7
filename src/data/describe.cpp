#include "onecycle/data.h"

#include <ATen/ATen.h>

namespace onecycle {

DataSummary describe_data(const DataSet& data) {
  DataSummary summary;
  summary.name = data.name;
  summary.type = data.train.images.scalar_type() == at::kByte ? "uint8" : "float32";
  summary.channels = data.channels();
  summary.height = data.is_pictures() ? data.train.images.size(2) : 1;
  summary.width = data.is_pictures() ? data.train.images.size(3) : 1;
  summary.classes = data.classes;
  summary.sample_shape = data.train.images.sizes().slice(1).vec();
  summary.target_kind = data.target_kind;
  summary.targets = data.targets;
  const std::pair<const char*, const ImageSet*> splits[] = {
      {"train", &data.train}, {"validation", &data.validation}, {"test", &data.test}};
  for (const auto& [name, set] : splits) {
    if (set->size() == 0) continue;
    SplitSummary split;
    split.name = name;
    split.samples = set->size();
    split.per_class.assign(data.classes.size(), 0);
    if (data.target_kind == TargetKind::classes) {
      const auto* labels = set->labels.const_data_ptr<std::int64_t>();
      for (std::int64_t i = 0; i < set->size(); ++i)
        ++split.per_class[static_cast<std::size_t>(labels[i])];
    } else if (data.target_kind == TargetKind::labels) {
      for (std::size_t i = 0; i < split.per_class.size(); ++i)
        split.per_class[i] =
            set->labels.select(1, static_cast<std::int64_t>(i)).sum(at::kLong).item<std::int64_t>();
    }
    if (data.is_pictures()) split.statistics = channel_statistics(set->images, set->rows);
    summary.splits.push_back(std::move(split));
  }
  return summary;
}

}  // namespace onecycle
