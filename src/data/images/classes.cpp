#include "data/images/classes.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "data/known_names.h"
#include "data/tensors.h"

#include <unordered_map>

#include <ATen/ATen.h>

namespace onecycle {

std::vector<std::int64_t> chosen_labels(const std::vector<std::string>& chosen,
                                        const std::vector<std::string>& known) {
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < known.size(); ++i) places.emplace(known[i], i);
  std::vector<std::int64_t> labels(known.size(), -1);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto found = places.find(chosen[i]);
    if (found == places.end())
      throw FieldError("data.classes", format("no class '{}'; {}", chosen[i],
                                              known_names(chosen[i], known, "the data set")));
    std::int64_t& label = labels[found->second];
    if (label >= 0) throw FieldError("data.classes", format("'{}' is given twice", chosen[i]));
    label = static_cast<std::int64_t>(i);
  }
  return labels;
}

ImageSet relabelled(const ImageSet& set, const std::vector<std::int64_t>& labels) {
  const at::Tensor by_old = tensor_of(labels, {static_cast<std::int64_t>(labels.size())});
  const at::Tensor renamed = by_old.index_select(0, set.labels);
  const at::Tensor kept = renamed.ge(0).nonzero().squeeze(1);
  const at::Tensor rows = set.rows.defined() ? set.rows.index_select(0, kept) : kept;
  return {set.images.index_select(0, rows), renamed.index_select(0, kept)};
}

}  // namespace onecycle
