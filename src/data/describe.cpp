#include "onecycle/data.h"

namespace onecycle {

DataSummary describe_data(const DataSet& data) {
  DataSummary summary;
  summary.name = data.name;
  summary.type = data.train.images.scalar_type() == at::kByte ? "uint8" : "float32";
  summary.channels = data.channels();
  summary.height = data.train.images.size(2);
  summary.width = data.train.images.size(3);
  summary.classes = data.classes;
  const std::pair<const char*, const ImageSet*> splits[] = {
      {"train", &data.train}, {"validation", &data.validation}, {"test", &data.test}};
  for (const auto& [name, set] : splits) {
    if (set->size() == 0) continue;
    SplitSummary split;
    split.name = name;
    split.samples = set->size();
    split.per_class.assign(data.classes.size(), 0);
    const auto* labels = set->labels.const_data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < set->size(); ++i)
      ++split.per_class[static_cast<std::size_t>(labels[i])];
    split.statistics = channel_statistics(set->images, set->rows);
    summary.splits.push_back(std::move(split));
  }
  return summary;
}

}  // namespace onecycle
