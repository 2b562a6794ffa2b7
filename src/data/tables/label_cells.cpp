#include "data/tables/label_cells.h"

#include "onecycle/error.h"

#include "core/text/format.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

#include <ATen/ops/zeros.h>

namespace onecycle {

namespace {

// Calls `use` with each label.
template <class Use>
void for_each_label(std::string_view cell, std::string_view separator, const Use& use) {
  constexpr std::string_view kSpaces = " \t\r\n";
  while (!cell.empty()) {
    const std::size_t end = cell.find(separator);
    std::string_view label = cell.substr(0, end);
    label.remove_prefix(std::min(label.find_first_not_of(kSpaces), label.size()));
    label = label.substr(0, label.find_last_not_of(kSpaces) + 1);
    if (!label.empty()) use(label);
    if (end == std::string_view::npos) return;
    cell.remove_prefix(end + separator.size());
  }
}

}  // namespace

TableTargets found_labels(const CsvTable& table, std::size_t column, const std::string& separator) {
  std::set<std::string_view> seen;
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    for_each_label(table.cell(row, column), separator,
                   [&](std::string_view label) { seen.insert(label); });
    if (seen.size() > kMostLabels)
      throw DataError(format("{}: more than {} labels; check what separates them",
                             table.place(row, column), kMostLabels));
  }
  if (seen.empty())
    throw DataError(format("{}: no row has a label in column '{}'; check which column it is",
                           table.path(), table.names()[column]));
  return {TargetKind::labels, ordered_names(seen)};
}

at::Tensor labels_in(const CsvTable& table, std::size_t column, const std::string& separator,
                     const TableTargets& found) {
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < found.names.size(); ++i) places.emplace(found.names[i], i);
  const std::size_t width = found.names.size();
  at::Tensor labels = at::zeros({table.rows(), static_cast<std::int64_t>(width)}, at::kByte);
  auto* first = labels.mutable_data_ptr<std::uint8_t>();
  for (std::int64_t row = 0; row < table.rows(); ++row)
    for_each_label(table.cell(row, column), separator, [&](std::string_view label) {
      const auto place = places.find(label);
      if (place == places.end()) refuse_unknown(table, row, column, "label", label);
      first[static_cast<std::size_t>(row) * width + place->second] = 1;
    });
  return labels;
}

}  // namespace onecycle
