#include "onecycle/error.h"

#include "core/text/format.h"
#include "formats/names/match.h"

#include <algorithm>
#include <array>
#include <regex>
#include <set>

namespace onecycle {

namespace {

void apply(const RenameRule& rule, std::vector<StoredTensor>& tensors) {
  if (rule.from.front() == '^') {
    const std::regex pattern(rule.from);
    for (StoredTensor& tensor : tensors)
      tensor.name = std::regex_replace(tensor.name, pattern, rule.to,
                                       std::regex_constants::format_first_only);
    return;
  }
  for (StoredTensor& tensor : tensors)
    if (tensor.name.starts_with(rule.from)) tensor.name.replace(0, rule.from.size(), rule.to);
}

template <class Named>
bool all_start_with(const std::vector<Named>& tensors, std::string_view prefix) {
  return !tensors.empty() && std::all_of(tensors.begin(), tensors.end(), [&](const auto& tensor) {
    return tensor.name.starts_with(prefix);
  });
}

// Takes off one prefix; false where there is none.
bool strip(std::vector<StoredTensor>& tensors, const std::vector<WantedTensor>& wanted) {
  constexpr std::array<std::string_view, 3> kPrefixes = {"module.", "_orig_mod.", "model."};
  for (const std::string_view prefix : kPrefixes) {
    if (!all_start_with(tensors, prefix) || all_start_with(wanted, prefix)) continue;
    for (StoredTensor& tensor : tensors) tensor.name.erase(0, prefix.size());
    return true;
  }
  return false;
}

}  // namespace

void rename(std::vector<StoredTensor>& tensors, const std::vector<RenameRule>& rules,
            const std::vector<WantedTensor>& wanted) {
  for (const RenameRule& rule : rules) apply(rule, tensors);
  while (strip(tensors, wanted)) {
  }
  std::set<std::string> names;
  for (const StoredTensor& tensor : tensors) {
    check_tensor_name(tensor.name);
    if (!names.insert(tensor.name).second)
      throw CheckpointError(
          format("two of its tensors become {}; change weights.rename", tensor.name));
  }
}

}  // namespace onecycle
