#include "data/tables/table_targets.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/number.h"
#include "core/text/printable.h"
#include "data/tensors.h"

#include <algorithm>
#include <unordered_map>

#include <ATen/ATen.h>

namespace onecycle {

namespace {

constexpr std::size_t kMostTableClasses = 65536;

std::string_view target_cell(const CsvTable& table, std::int64_t row, std::size_t at,
                             const std::vector<std::string>& missing) {
  const std::string_view cell = table.cell(row, at);
  if (std::find(missing.begin(), missing.end(), cell) == missing.end()) return cell;
  throw DataError(format("{}: there is no value ('{}'), and it is a target; leave the row out",
                         table.place(row, at), printable(cell)));
}

double target_number(const CsvTable& table, std::int64_t row, std::size_t at,
                     const std::vector<std::string>& missing) {
  const std::string_view cell = target_cell(table, row, at, missing);
  if (const auto number = parse_number(cell)) return *number;
  throw DataError(
      format("{}: the target '{}' is not a number; mend the cell, or choose the task "
             "that the targets are for",
             table.place(row, at), printable(cell)));
}

std::vector<std::string> class_names(const CsvTable& table, std::size_t at,
                                     const std::vector<std::string>& missing) {
  std::set<std::string_view> seen;
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    seen.insert(target_cell(table, row, at, missing));
    if (seen.size() > kMostTableClasses)
      throw DataError(format("{}: more than {} classes; for numbers use task: {{name: regression}}",
                             table.place(row, at), kMostTableClasses));
  }
  return ordered_names(seen);
}

bool all_numbers(const CsvTable& table, std::size_t at, const std::vector<std::string>& missing) {
  for (std::int64_t row = 0; row < table.rows(); ++row)
    if (!parse_number(target_cell(table, row, at, missing))) return false;
  return true;
}

at::Tensor classes_in(const CsvTable& table, std::size_t at, const TableTargets& found,
                      const std::vector<std::string>& missing) {
  std::unordered_map<std::string_view, std::int64_t> places;
  for (std::size_t i = 0; i < found.names.size(); ++i)
    places.emplace(found.names[i], static_cast<std::int64_t>(i));
  std::vector<std::int64_t> labels;
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    const std::string_view cell = target_cell(table, row, at, missing);
    const auto place = places.find(cell);
    if (place == places.end()) refuse_unknown(table, row, at, "class", cell);
    labels.push_back(place->second);
  }
  return tensor_of(std::move(labels), {table.rows()});
}

}  // namespace

void refuse_unknown(const CsvTable& table, std::int64_t row, std::size_t column, const char* what,
                    std::string_view name) {
  throw DataError(
      format("{}: the training table has no {} '{}'; mend the cell, or leave the row out",
             table.place(row, column), what, printable(name)));
}

std::vector<std::string> ordered_names(const std::set<std::string_view>& names) {
  std::vector<std::string> ordered(names.begin(), names.end());
  const auto is_number = [](const auto& name) { return parse_number(name).has_value(); };
  if (std::all_of(ordered.begin(), ordered.end(), is_number))
    std::stable_sort(ordered.begin(), ordered.end(), [](const auto& one, const auto& other) {
      return *parse_number(one) < *parse_number(other);
    });
  return ordered;
}

TableTargets found_targets(const CsvTable& table, const std::vector<std::string>& target,
                           std::optional<TargetKind> wanted,
                           const std::vector<std::string>& missing) {
  const std::size_t first = table.column(target.front());
  const bool text = !wanted && target.size() == 1 && !all_numbers(table, first, missing);
  const TargetKind kind = wanted.value_or(text ? TargetKind::classes : TargetKind::values);
  if (kind != TargetKind::classes) return {kind, target};
  if (target.size() != 1)
    throw DataError(
        format("{}: the class of a row is in one column, but `target` has {}; name one, "
               "or use task: {{name: multi_label}} or {{name: regression}}",
               table.path(), target.size()));
  return {kind, class_names(table, first, missing)};
}

at::Tensor targets_in(const CsvTable& table, const std::vector<std::string>& target,
                      const TableTargets& found, const std::vector<std::string>& missing) {
  if (found.kind == TargetKind::classes)
    return classes_in(table, table.column(target.front()), found, missing);
  const std::size_t width = target.size();
  std::vector<double> values(static_cast<std::size_t>(table.rows()) * width);
  for (std::size_t c = 0; c < width; ++c) {
    const std::size_t at = table.column(target[c]);
    for (std::int64_t row = 0; row < table.rows(); ++row) {
      const double value = target_number(table, row, at, missing);
      if (found.kind == TargetKind::labels && value != 0 && value != 1)
        throw DataError(format("{}: a label is 0 or 1, not '{}'; mend the cell",
                               table.place(row, at), printable(table.cell(row, at))));
      values[static_cast<std::size_t>(row) * width + c] = value;
    }
  }
  const at::Tensor all =
      tensor_of(std::move(values), {table.rows(), static_cast<std::int64_t>(width)});
  return found.kind == TargetKind::labels ? all.to(at::kByte) : all;
}

}  // namespace onecycle
