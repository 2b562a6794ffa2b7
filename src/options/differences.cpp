#include "options/differences.h"

#include "onecycle/options.h"

#include "core/text/format.h"

namespace onecycle {

namespace {

void compare(const Value& before, const Value& after, const std::string& path,
             std::vector<Difference>& found) {
  if (!before.is_map() || !after.is_map()) {
    if (detail::flow_text(before) != detail::flow_text(after))
      found.push_back(
          {path, detail::flow_text(before.as_written()), detail::flow_text(after.as_written())});
    return;
  }
  for (const auto& [key, at, value] : after.members) {
    const Value* old = before.find(key);
    compare(old != nullptr ? *old : Value{}, value, detail::join_path(path, key), found);
  }
  for (const auto& [key, at, value] : before.members)
    if (after.find(key) == nullptr) compare(value, Value{}, detail::join_path(path, key), found);
}

}  // namespace

std::vector<Difference> differing_values(const Value& before, const Value& after) {
  std::vector<Difference> found;
  compare(before, after, "", found);
  return found;
}

std::vector<std::string> differences(const Value& before, const Value& after) {
  std::vector<std::string> found;
  for (const Difference& one : differing_values(before, after))
    found.push_back(format("{}: {} -> {}", one.path, one.before, one.after));
  return found;
}

}  // namespace onecycle
